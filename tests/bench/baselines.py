"""What the enriched stage is measured against, each run by `warehouse.py` as a process of its own.

What belongs here: other ways to write the same joined rows. What must not come in: the pipeline's own way, a verdict.
Each prints one JSON object: seconds of its parts, and what it wrote.

    python tests/bench/baselines.py polars JOINED FOLDER      one pass, PartitionBy, then all of it made durable
    python tests/bench/baselines.py guidelines JOINED FOLDER  the frame filtered once for each of 300 leaves
    python tests/bench/baselines.py unsorted JOINED FOLDER    one file of the same rows in no order of the keys
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.partition import KEYS

GUIDELINE_LEAVES = 300


def polars_sink(joined: Path, folder: Path) -> dict:
    """Polars' one pass over the joined rows into a Hive tree, and fsync of each file and folder afterwards."""
    import polars as pl

    began = time.perf_counter()
    rows = pl.scan_parquet(joined)
    target = pl.PartitionBy(folder / "tree", key=[*KEYS, "year_month"], include_key=True)
    rows.sink_parquet(target, compression="zstd", compression_level=3, mkdir=True)
    seconds = time.perf_counter() - began
    files = size = 0
    began = time.perf_counter()
    for place, _, names in os.walk(folder / "tree", topdown=False):
        for name in names:
            handle = os.open(f"{place}/{name}", os.O_RDONLY)
            os.fsync(handle)
            size += os.fstat(handle).st_size
            os.close(handle)
            files += 1
        handle = os.open(place, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    made_durable = time.perf_counter() - began
    return {"seconds": seconds, "fsync_seconds": made_durable, "files": files, "bytes": size}


def guidelines(joined: Path, folder: Path) -> dict:
    """`create_partitions_memory_efficient` of spec/partitioned-etl-guidelines.md, for 300 leaves from all over the list."""
    import polars as pl

    began = time.perf_counter()
    frame = pl.read_parquet(joined)
    combinations = frame.select(KEYS).unique().sort(KEYS)
    loaded = time.perf_counter() - began
    step = max(1, combinations.height // GUIDELINE_LEAVES)
    chosen = combinations.gather_every(step).head(GUIDELINE_LEAVES)
    began = time.perf_counter()
    for row in chosen.iter_rows(named=True):
        values = {key: str("null" if v is None else v).replace("/", "_").replace("\\", "_") for key, v in row.items()}
        path = folder.joinpath(*(f"{key}={value}" for key, value in values.items()), "fact_rate_enriched.parquet")
        conditions = [pl.col(key).is_null() if v is None else pl.col(key) == v for key, v in row.items()]
        leaf = frame.filter(pl.all_horizontal(conditions))
        path.parent.mkdir(parents=True, exist_ok=True)
        leaf.write_parquet(path, compression="zstd", use_pyarrow=True)
    seconds = time.perf_counter() - began
    return {"load_seconds": loaded, "seconds": seconds, "measured": chosen.height, "leaves": combinations.height}


def unsorted(joined: Path, folder: Path) -> dict:
    """The same rows in the order of fact_uid, a hash, written as the pipeline writes its files."""
    from pipeline import tables
    from pipeline.storage import duck, parquet

    declared = tables.get("fact_rate_enriched")
    con = duck.connect("2GB", os.cpu_count() or 1, folder)
    rows = con.sql(f"{duck.scan(declared, [joined])} ORDER BY fact_uid").to_arrow_reader(parquet.ROW_GROUP_ROWS)
    written = parquet.write(folder / "unsorted.parquet", declared, rows)
    return {"rows": written.rows, "bytes": (folder / "unsorted.parquet").stat().st_size}


BASELINES = {"polars": polars_sink, "guidelines": guidelines, "unsorted": unsorted}

if __name__ == "__main__":
    which, joined, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    print(json.dumps(BASELINES[which](Path(joined), Path(folder))))

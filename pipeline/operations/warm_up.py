"""`python -m pipeline.operations.warm_up`: compile what Numba compiles now, not while the first build waits.

What belongs here: one small file and one small table that meet every compiled function. Numba keeps what it compiled
beside the source, or where that is read-only in the user's cache. What must not come in: anything that a build runs by.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from numba.core import config

from pipeline import tables
from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers.in_network import read as in_network
from pipeline.readers.in_network import references
from pipeline.readers.json_stream import values
from pipeline.storage import duck, parquet, parquet_reading, repeated_hashes
from pipeline.transforms import fact_numbers, in_network_counts, leaf_digest

_GROUP = {"npi": [1234567893], "tin": {"type": "ein", "value": "123456789"}}
_PRICE = {"negotiated_type": "negotiated", "negotiated_rate": 1.5, "billing_class": "professional"}
_REFERENCES = [1, "a"]
_RATES = [
    {
        "provider_references": _REFERENCES,
        "negotiated_prices": [_PRICE, _PRICE, {**_PRICE, "negotiated_type": "derived"}],
    },
    {"provider_groups": [_GROUP], "negotiated_prices": [_PRICE]},
]
_ITEM = {"negotiation_arrangement": "ffs", "billing_code_type": "CPT", "billing_code": "99213", "name": "visit"}
DOCUMENT = {
    "reporting_entity_name": "nobody",
    "last_updated_on": "2025-08-01",
    "provider_references": [
        {"provider_group_id": reference, "provider_groups": [_GROUP]}
        for reference in (*_REFERENCES, *range(2, references.FEW + 2))
    ]
    + [{"provider_group_id": "of no regular form", "provider_groups": []}],
    "in_network": [{**_ITEM, "negotiated_rates": _RATES}, {"negotiated_rates": _RATES, **_ITEM}],
}


class _Staged:
    """A sink that keeps the staged tables in a folder."""

    def __init__(self, folder: Path):
        self.paths = {
            t.name: folder / f"{t.name}.parquet" for t in tables.load().values() if t.folder == parquet.READ_ONCE
        }
        self._writers = {name: parquet.Writer(path, tables.get(name)) for name, path in self.paths.items()}
        self.counting = in_network_counts.Counting(folder / "scratch")

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Take rows."""
        self._writers[table].write(batch)
        self.counting.take(table, batch)

    def close(self) -> None:
        """No more will come."""
        for writer in self._writers.values():
            writer.__exit__(None, None, None)


def _count_and_multiply(staged: _Staged, folder: Path) -> None:
    """What is made of one file's staged tables."""
    con = duck.connect(scratch=folder)
    for name, path in staged.paths.items():
        rows = f"SELECT 'b' AS batch_id, file_row_number AS row_ix, * EXCLUDE (file_row_number) FROM {duck.parquet_files(path, numbered=True)}"
        duck.view(con, name, rows)
    in_network_counts.counts(
        con, lambda name, columns: parquet_reading.batches(staged.paths[name], columns), staged.counting
    )
    source = tables.get("dim_source_file")
    duck.view(
        con,
        "source_file",
        f"SELECT * REPLACE ('b' AS batch_id) FROM (SELECT 1) LEFT JOIN ({duck.empty(source)}) ON TRUE",
    )
    assert list(fact_numbers.batches(con, folder / "scratch"))
    con.close()


def main() -> None:
    """Read the document, in one piece and in pieces of a few bytes; make its facts; digest a column of every kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "document.json"
        path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
        for chunk in (1 << 20, 64):
            staged = _Staged(folder)
            in_network.read(path, batch_id="b", sink=staged, chunk_bytes=chunk)
            staged.close()
        _count_and_multiply(staged, folder)
        repeated_hashes.standing_twice(
            [np.arange(2, dtype=np.uint64)], 2, folder, threads=1, held=1
        )  # more than are held
    values.unclosed(np.frombuffer(b"[", np.uint8))  # asked for where something is too large
    spans = ByteInterner(most=4)
    for number in range(8):  # more than it has room for
        spans.number(str(number).encode())
    columns = {"text": ["a", None], "number": [1.5, 2.0], "flag": [True, None], "list": [["a"], []]}
    leaf_digest.digests([pa.table(columns)], np.array([1, 2]))
    remove_former()


def load() -> None:
    """Have this process load what reading a file needs of it, for all processes that it forks: 40 ms for each of their files.
    Starts no thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.json"
        path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
        counting = in_network_counts.Counting(Path(folder))
        in_network.read(path, batch_id="b", sink=SimpleNamespace(write=counting.take))


def remove_former() -> None:
    """Remove what was compiled from sources that are no more."""
    current = Path(config.CACHE_DIR)
    for former in current.parent.glob("compiled-*"):
        if former != current:
            shutil.rmtree(former, ignore_errors=True)


if __name__ == "__main__":
    main()

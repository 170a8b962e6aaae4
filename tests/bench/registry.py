"""How fast the registry's monthly file is read and staged, and in how much memory: `make bench-reference`.

A file of 330 columns and of the size asked for (1 GB), its NPIs in no order, is generated once; each measure runs in a
process of its own. `read` is bytes to rows of both tables, `staged` the whole task as a build runs it but for its gate
(content hash, rows, sorting, Parquet). To hold, each: 150 MB/s on two cores that nobody else uses, under 1 GB of memory.
The seconds of processor time beside the others say how busy the machine was.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline import session

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

NAME = "npidata_pfile_20050523-20250810.csv"
FLOOR_MB_A_SECOND, CEILING_MB = 150, 1_000
_MAILING = {"address_purpose": "MAILING", "address_1": "PO BOX @@", "city": "AUSTIN", "state": "TX"}
_MAILING |= {"postal_code": "787011234", "country_code": "US", "telephone_number": "512-555-0100"}
_LOCATION = _MAILING | {"address_purpose": "LOCATION", "address_1": "@@ ELM ST", "address_2": "STE 4"}
_BASIC = {"first_name": "ANN", "last_name": "LEE", "credential": "M.D.", "sole_proprietor": "NO"}
_BASIC |= {"enumeration_date": "2010-01-02", "last_updated": "2020-03-04", "certification_date": "2020-03-04"}
_PERSON = {
    "number": "0000000000",
    "enumeration_type": "NPI-1",
    "basic": _BASIC,
    "addresses": [_MAILING, _LOCATION],
    "taxonomies": [{"code": "207R00000X", "license": "A@@", "state": "TX", "primary": True}],
    "other_names": [{"organization_name": "ELM CLINIC"}],
}


def generate(path: Path, size: int) -> int:
    """Write a monthly file of at least so many bytes; the number of its records."""
    import nppes_files

    head, row, _ = nppes_files.text([nppes_files.line(_PERSON)]).split("\n")
    drawn = random.Random(7)
    records = written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        written += file.write(head + "\n")
        while written < size:
            rows = []
            for _ in range(10_000):
                records += 1
                npi = str(drawn.randrange(1_000_000_000, 2_000_000_000))
                rows.append(row.replace("0000000000", npi, 1).replace("@@", str(records)))
            written += file.write("\n".join(rows) + "\n")
    return records


def read(root: Path) -> None:
    """Every block of the file, its rows thrown away."""
    from pipeline.readers.nppes import read as nppes

    for _ in nppes.read(root / "raw" / "nppes" / NAME):
        pass


def staged(root: Path) -> None:
    """The task of the file, without its gate."""
    from pipeline import paths, settings
    from pipeline.stages import reference_file

    session.use(root)
    settings.load(root.resolve())
    task = reference_file.REFERENCES["nppes"](path=NAME)
    paths.make_folder(task.warehouse.scratch)
    drafts = {name: task.warehouse.scratch / f"{name}.parquet" for name in task.targets()}
    task.produce(drafts)


MEASURES = {"read": read, "staged": staged}


def measured(name: str, root: Path) -> tuple[float, ...]:
    """Seconds, seconds of processor time and peak megabytes of a measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, "--root", str(root)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return tuple(map(float, said))


def main() -> int:
    """Measure, print a line each; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        import resource

        for name in ("pipeline.storage.parquet", "pipeline.readers.nppes.read", "pyarrow.csv"):
            importlib.import_module(name)  # importing is not what is measured

        start, busy = time.perf_counter(), time.process_time()
        MEASURES[asked.measure](asked.root)
        unit = 1_000_000 if sys.platform == "darwin" else 1_000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        print(time.perf_counter() - start, time.process_time() - busy, peak)
        return 0
    folder = Path(tempfile.mkdtemp(prefix="ratehouse-bench-"))
    try:
        path = folder / "raw" / "nppes" / NAME
        path.parent.mkdir(parents=True)
        records = generate(path, asked.megabytes * 1_000_000)
        os.sync()  # else it is written to disk while it is read
        size = path.stat().st_size / 1_000_000
        print(f"registry: {size:,.0f} MB, {records:,} records of 330 columns")
        missed = False
        for name in MEASURES:
            seconds, busy, memory = measured(name, folder)
            speed = f"{seconds:6.1f} s ({busy:.1f} s of a core){size / seconds:6.0f} MB/s"
            print(f"registry {name:7}{speed}{memory:6.0f} MB at most")
            missed |= memory >= CEILING_MB or size / seconds < FLOOR_MB_A_SECOND
        print(f"registry: {'misses' if missed else 'holds'} {FLOOR_MB_A_SECOND} MB/s in less than {CEILING_MB:,} MB")
        return int(missed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

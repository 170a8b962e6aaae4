"""Reading in-network files beside an ijson loop that only parses: `make bench-reader`.

What belongs here: measuring, each reading in a process of its own, by the tasks of a build: read, counted, gated and
published. What must not come in: a claim; the figures go where they are read.

    python tests/bench/reader.py                     1 GB shaped like a large payer's
    python tests/bench/reader.py --sizes 100 500 2000 --ijson-most 500 --facts-most 500
    python tests/bench/reader.py path/of/file.json.gz …
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ijson
import luigi

import large_payer
from pipeline import session, settings
from pipeline.operations import build, build_setup
from pipeline.stages import facts, ingest
from pipeline.storage import journal


def _built(task: luigi.Task) -> None:
    """Build a task and what it needs, in this process."""
    for needed in task.requires():
        _built(needed)
    if not task.complete():
        task.run()


def _ours(path: Path, *, with_facts: bool) -> dict:
    """From the raw file to its published staged tables; with the facts, on to the published shard of its month."""
    build_setup.preload()  # as a build does before its workers start
    os.environ[journal.BUILD] = "bench"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        place = Path(folder) / "raw" / "mrf" / "GA" / path.name
        place.parent.mkdir(parents=True)
        place.symlink_to(path.absolute())
        session.use(folder)
        settings.load(Path(folder))
        began = time.perf_counter()
        (task,) = ingest.in_network()
        _built(task)
        found = {"staged": time.perf_counter() - began, "rates": task.stamp().notes["counts"]["rates_read"]}
        if with_facts:
            build.clear_caches()  # it is of a month now
            _built(facts.FactRate(month=task.month))
            found["facts"] = time.perf_counter() - began
    return found


def _theirs(path: Path) -> dict:
    with gzip.open(path) as file:
        items = sum(1 for _ in ijson.get_backend("yajl2_c").items(file, "in_network.item"))
    return {"items": items}


def _measured(which: str, path: Path) -> dict:
    """One reading: seconds of wall clock and of the processors, peak MB, and what it found."""
    began = time.perf_counter()
    found = _theirs(path) if which == "ijson" else _ours(path, with_facts=which == "facts")
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)  # bytes on macOS, KB elsewhere
    return {"seconds": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime, "peak": peak, **found}


def _child(which: str, path: Path, **surroundings: str) -> dict:
    command = [sys.executable, __file__, "--child", which, str(path)]
    made = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **surroundings})
    return json.loads(made.stdout)


def _size(path: Path) -> int:
    with gzip.open(path) as file:
        return sum(len(block) for block in iter(lambda: file.read(1 << 20), b""))


def _report(path: Path, size: int, times: int, *, ijson_too: bool, facts_too: bool) -> None:
    """Read it so many times, in turn with the loop: on a machine that others use too, one reading is off by a tenth."""
    mb = size / 1e6
    theirs, ours = [], []
    for _ in range(times):
        if ijson_too:
            theirs.append(_child("ijson", path))
        ours.append(_child("ours", path))
    if theirs:
        seconds, peak = _median(theirs, "seconds"), _median(theirs, "peak")
        print(f"  ijson, parsing only  {seconds:8.2f} s {mb / seconds:7.0f} MB/s {'':21}{peak:6.0f} MB peak")
    print(f"  to staged Parquet    {_told(ours, 'staged', mb)}")
    if theirs:
        ratios = sorted(one["seconds"] / other["staged"] for one, other in zip(theirs, ours, strict=True))
        ratio = _median(theirs, "seconds") / _median(ours, "staged")
        print(
            f"  {ratio:.1f} times as fast as the ijson loop, in each of {times} turns {ratios[0]:.1f} to {ratios[-1]:.1f}"
        )
    if facts_too:
        made = [_child("facts", path) for _ in range(times)]
        seconds = sorted(one["facts"] for one in made)
        print(f"  to the fact shard    {_told(made, 'facts', mb)}, {seconds[0]:.1f} to {seconds[-1]:.1f} s")


def _median(readings: list[dict], name: str) -> float:
    return statistics.median(one[name] for one in readings)


def _told(readings: list[dict], until: str, mb: float) -> str:
    seconds, rates = _median(readings, until), readings[0]["rates"]
    return (
        f"{seconds:8.2f} s {mb / seconds:7.0f} MB/s {rates / seconds / 1e6:6.2f} M rates/s "
        f"{_median(readings, 'peak'):10.0f} MB peak"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--sizes", nargs="*", type=int, default=[1000], help="MB of JSON to generate")
    parser.add_argument("--times", type=int, default=3, help="readings of each, in turn; medians are told")
    parser.add_argument("--ijson-most", type=int, default=1000, help="no ijson loop over files of more MB")
    parser.add_argument("--facts-most", type=int, default=1000, help="no facts of files of more MB")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        print(json.dumps(_measured(told.child, told.files[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / "warm.json.gz"
        large_payer.write(warm, 1_000_000, 100)
        first = _child("ours", warm, NUMBA_CACHE_DIR=str(Path(folder) / "cache"))
        again = _child("ours", warm)
        print(f"a small file: {again['staged']:.2f} s; where nothing is compiled yet, {first['staged']:.2f} s")
        for path in told.files:
            size = _size(path)
            print(f"{path.name}: {size / 1e6:,.0f} MB of JSON, {path.stat().st_size / 1e6:,.0f} MB packed")
            _report(path, size, told.times, ijson_too=True, facts_too=True)
        for mb in told.sizes:
            path = Path(folder) / f"{mb}.json.gz"
            size = large_payer.write(path, mb * 1_000_000)
            print(f"a large payer's, {size / 1e6:,.0f} MB of JSON, {path.stat().st_size / 1e6:,.0f} MB packed")
            most = {"ijson_too": mb <= told.ijson_most, "facts_too": mb <= told.facts_most}
            _report(path, size, told.times, **most)
            path.unlink()


if __name__ == "__main__":
    main()

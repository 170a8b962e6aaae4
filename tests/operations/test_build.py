"""A build as a whole: with nothing to do it touches nothing; from nothing it gives the same bytes, however it is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kit
from reading_shows import forget_reading, reading_shows

GIGABYTE = 1 << 30
# Python runs this before anything else of the command: it records what the process imports, and every file that it
# opens from Python. Libraries in C open files past it; the times of reading (below) show those.
WITNESS = """
import atexit, json, os, sys

opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)

def tell(pid=os.getpid()):
    if os.getpid() == pid:
        with open(os.environ["WITNESS"], "w") as file:
            json.dump({"modules": sorted(sys.modules), "opened": opened}, file)

atexit.register(tell)
"""


def everything(root: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, mtime and size of every file and folder of a warehouse (raw files and objects too) but its state."""
    found = {}
    for path in sorted([root, *root.rglob("*")]):
        name = path.relative_to(root).as_posix()
        if name != ".state" and not name.startswith(".state/"):
            info = path.lstat()
            found[name] = (info.st_ino, info.st_mtime_ns, info.st_size)
    return found


def test_a_second_build_has_nothing_to_do_and_touches_nothing(sample):
    before, state = everything(sample), stamps(sample)
    outcome = kit.build(sample)
    assert outcome.nothing_to_do
    assert outcome.ok
    assert everything(sample) == before
    assert stamps(sample) == state


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and mtime of every stamp and manifest."""
    files = [*(root / ".state" / "stamps").rglob("*.json"), *(root / ".state" / "enriched").rglob("*.tsv")]
    return {p.relative_to(root).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def test_the_command_with_nothing_to_do_imports_nothing_heavy_and_opens_no_data_file(sample, tmp_path):
    (tmp_path / "witness").mkdir()
    (tmp_path / "witness" / "sitecustomize.py").write_text(WITNESS)
    told = tmp_path / "witness.json"
    read_before = forget_reading(sample)
    before = everything(sample)
    surroundings = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "witness"), str(kit.REPOSITORY)]),
        "WITNESS": str(told),
    }
    done = kit.ratehouse(sample, "build", "--local-scheduler", env=surroundings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nothing to do: 2 months, ")
    assert done.stderr == ""
    assert everything(sample) == before
    seen = json.loads(told.read_text())
    heavy = {"great_expectations", "polars", "pandas", "pyarrow", "sqlalchemy"}
    assert {name.split(".")[0] for name in seen["modules"]} & heavy == set()
    assert "luigi" in seen["modules"]  # the witness was there
    under = [Path(name).relative_to(sample).as_posix() for name in seen["opened"] if Path(name).is_relative_to(sample)]
    assert under  # its own state
    assert [name for name in under if not name.startswith(".state/")] == []
    if reading_shows(tmp_path):
        assert [path for path, time in read_before.items() if path.stat().st_atime_ns != time] == []


@pytest.mark.slow
def test_from_nothing_the_bytes_are_the_same_with_other_workers_and_chunks_in_bounded_memory(built_sample, tmp_path):
    root = tmp_path / "warehouse"
    shutil.copytree(kit.SAMPLE, root / "raw")
    settings = "[build]\nread_chunk_kb = 3\nmemory_mb = 1000\n"
    (root / "luigi.cfg").write_text(settings)
    code, peak = build_alone(root, "--workers", "1", "--local-scheduler")
    assert code == 0
    assert peak < GIGABYTE
    here, there = kit.contents(root), kit.contents(built_sample)  # built with two workers, in chunks of 1 MB
    assert [name for name in here.keys() | there.keys() if here.get(name) != there.get(name)] == []
    assert sum(name.startswith("gold/fact_rate_enriched/") for name in here) > 100
    assert [p for p in (root / ".scratch").rglob("*") if p.is_file()] == []


# Linux counts what a process held before it became another program: a child of pytest would start with pytest's own
# peak. So a process that holds nothing stands between.
MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdout=sys.stderr)
_, status, used = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def build_alone(root: Path, *words: str) -> tuple[int, int]:
    """Build by the command; returns its exit code and the most memory (bytes) that it, or a child of it, ever held."""
    command = [sys.executable, "-c", MEASURE, "-", sys.executable, "-m", "pipeline.cli", "--root", str(root), "build"]
    surroundings = {**os.environ, "PYTHONPATH": str(kit.REPOSITORY)}
    done = subprocess.run(
        [*command, *words], cwd=kit.REPOSITORY, env=surroundings, capture_output=True, text=True, check=True
    )
    code, peak = map(int, done.stdout.split())
    if code:
        print(done.stderr)
    return code, peak

"""Builds that are killed, stopped or doubled: what they leave is never taken for whole, and the next one mends it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import inspection, paths, settings

SEED = 20250801
EDITED = "TX/2025-08_tupelo-vine_tx_in-network-rates.json"
ADDED = "TX/2025-09_tupelo-vine_tx_in-network-rates.json"
STOP_SECONDS = 2.0

# A process that imports what builds use, once, and then forks a build for each line it reads: the n-th file
# operation (a rename, link, removal or opening to write) on a path that holds a word is the moment of its death.
DOOMED = """
import os, signal, sys
from pipeline import building, paths, settings
building._preload()
root = sys.argv[1]

def doom(word, left):
    def see(event, args):
        nonlocal left
        if event in ("os.rename", "os.link", "os.remove", "os.rmdir"):
            touched = str(args[1] if event in ("os.rename", "os.link") else args[0])
        elif event == "shutil.rmtree":
            touched = str(args[0])
        elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
            touched = str(args[0])
        else:
            return
        if word in touched and touched.startswith(root):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(see)

for line in sys.stdin:
    n, _, word = line.rstrip("\\n").partition(" ")
    pid = os.fork()
    if not pid:
        doom(word, int(n))
        paths.use(root)
        settings.load(paths.current().path)
        settings.override("build", "workers", "1")
        ok = building.build(None, workers=1, local_scheduler=True, started=lambda _: None).ok
        os._exit(0 if ok else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Doomed:
    """Builds of a warehouse that die at a chosen moment."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    def build(self, n: int, word: str = "") -> int:
        """Run a build that is killed at its n-th file operation on a path with the word; its exit code (-9)."""
        self._process.stdin.write(f"{n} {word}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def doomed(root: Path, folder: Path) -> Iterator[Doomed]:
    """The process that forks doomed builds of a warehouse."""
    script = folder / "doomed.py"
    script.write_text(DOOMED)
    surroundings = {**os.environ, "PYTHONPATH": str(kit.CHECKOUT)}
    with (
        open(folder / "doomed.log", "w") as log,
        subprocess.Popen(
            [sys.executable, str(script), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=surroundings,
            cwd=folder,
        ) as process,
    ):
        yield Doomed(process)
        process.stdin.close()


def change(root: Path) -> None:
    """A payer's new name and one new price in August, which move its leaves; and a new month."""
    path = root / "raw" / "mrf" / EDITED
    text = path.read_text(encoding="utf-8")
    september = text.replace('"last_updated_on":"2025-08-05"', '"last_updated_on":"2025-09-05"')
    (root / "raw" / "mrf" / ADDED).write_text(september, encoding="utf-8")
    number = text.split('"negotiated_rate":')[1].split(",")[0]
    text = text.replace('"Tupelo & Vine Mutual"', '"Tupelo and Vine"').replace(f":{number},", ":4321.09,", 1)
    path.write_text(text, encoding="utf-8")


def change_back(root: Path) -> None:
    """The sources as they were."""
    shutil.copy2(kit.SAMPLE / "mrf" / EDITED, root / "raw" / "mrf" / EDITED)
    (root / "raw" / "mrf" / ADDED).unlink()


def tables(root: Path) -> dict[str, str]:
    """The hash of every Parquet file but those that a build keeps for itself."""
    return {name: digest for name, digest in kit.contents(root).items() if not name.startswith(".state/")}


def look(root: Path) -> None:
    paths.use(root)
    settings.load(root.resolve())
    inspection.begin()


def nothing_counts_as_whole_that_is_not(root: Path, undisturbed: dict[str, str]) -> int:
    """Every file that counts as up to date has the bytes of an undisturbed build; returns how many tasks do."""
    look(root)
    complete = [task for task in inspection.tasks() if task.staleness() is None]
    now = tables(root)
    for task in complete:
        stamp = task.stamp()
        wrong = [p.path for p in stamp.parts.values() if now.get(p.path) != undisturbed.get(p.path, "no such file")]
        assert wrong == [], task.label
        if task.get_task_family() == "enriched.EnrichedMonth":
            of_month = f"year_month={task.month}/"
            leaves = {name: digest for name, digest in undisturbed.items() if of_month in name}
            assert {name: digest for name, digest in now.items() if of_month in name} == leaves
    return len(complete)


def readers_see_one_build(root: Path, builds: list[dict[str, tuple[int, float]]]) -> None:
    """Who reads through the catalog sees every month of one finished build, whatever lies about beside it."""
    assert catalog(root) in builds


def catalog(root: Path) -> dict[str, tuple[int, float]]:
    """Rows and sum of rates by month and table, read through warehouse.duckdb."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return {
            f"{table}:{month}": (rows, total)
            for table in ("fact_rate", "fact_rate_enriched")
            for month, rows, total in con.sql(
                f"SELECT year_month, count(*), sum(CAST(negotiated_rate AS DECIMAL(18, 2))) FROM {table} GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        }


def stands_as(root: Path, undisturbed: dict[str, str]) -> None:
    """A warehouse holds what an undisturbed build holds, no draft, and nothing that belongs to no table."""
    assert tables(root) == undisturbed
    assert not (root / ".scratch").exists()
    look(root)
    assert list(inspection.verify(deep=True)) == []
    assert [p for p in root.iterdir() if p.name.startswith(".") and p.name not in (".objects", ".state")] == []


@pytest.mark.slow
def test_killed_at_any_file_operation_the_next_build_ends_as_an_undisturbed_one(sample, tmp_path):
    random_ = random.Random(SEED)
    original, before = tables(sample), catalog(sample)
    other = kit.copy(sample, tmp_path / "undisturbed")
    change(other)
    assert kit.build(other).ok
    changed, after = tables(other), catalog(other)
    assert len(changed.keys() - original.keys()) > 50
    assert len(original.keys() - changed.keys()) > 5

    with doomed(sample, tmp_path) as killed:
        change(sample)
        for n, word in [(random_.randint(5, 120), "") for _ in range(4)] + [(random_.randint(2, 30), "payer_slug=")]:
            assert killed.build(n, word) == -signal.SIGKILL, (n, word)
            nothing_counts_as_whole_that_is_not(sample, changed)
            readers_see_one_build(sample, [before, after])
        assert kit.build(sample).ok
        stands_as(sample, changed)
        assert catalog(sample) == after

        change_back(sample)
        moments = [
            (2, "2025-09_tupelo"),
            (random_.randint(5, 60), ""),
            (random_.randint(2, 20), "payer_slug=tupelo_and_vine"),
        ]
        moments += [
            (1, "gold/fact_rate_2025-09"),
            (1, "xref_fact_source_2025-09"),
            (1, "warehouse.duckdb"),
            (1, ".docs-"),
        ]
        for n, word in moments:
            assert killed.build(n, word) == -signal.SIGKILL, (n, word)
            nothing_counts_as_whole_that_is_not(sample, original)
            readers_see_one_build(sample, [before, after])
        assert kit.build(sample).ok
        stands_as(sample, original)
        assert catalog(sample) == before
    assert kit.build(sample).nothing_to_do


@pytest.mark.slow
def test_what_was_begun_and_killed_and_then_taken_back_leaves_no_trace(sample, tmp_path):
    original, before = tables(sample), catalog(sample)
    with doomed(sample, tmp_path) as killed:
        change(sample)
        for month in ("2025-10", "2025-11"):
            further(sample, month)
        assert killed.build(4, "staged/mrf/TX/2025-11") == -signal.SIGKILL  # while the file is read
        further(sample, "2025-11").unlink()
        assert killed.build(1, "gold/fact_rate_2025-10") == -signal.SIGKILL  # after tables beside it
        further(sample, "2025-10").unlink()
        assert killed.build(random.Random(SEED).randint(10, 60), "payer_slug=") == -signal.SIGKILL  # among new leaves
        assert killed.build(1, "manifest.tsv") == -signal.SIGKILL  # after them
    change_back(sample)
    assert kit.build(sample).ok
    stands_as(sample, original)
    assert catalog(sample) == before
    assert [p.name for p in sample.rglob("*") if any(m in p.name for m in ("2025-09", "2025-10", "2025-11"))] == []
    assert kit.build(sample).nothing_to_do


def further(root: Path, month: str) -> Path:
    """A file of a further month."""
    path = root / "raw" / "mrf" / "TX" / f"{month}_tupelo-vine_tx_in-network-rates.json"
    text = (root / "raw" / "mrf" / ADDED).read_text(encoding="utf-8")
    path.write_text(text.replace('"last_updated_on":"2025-09-05"', f'"last_updated_on":"{month}-05"'), encoding="utf-8")
    return path

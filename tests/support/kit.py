"""Building warehouses in tests: a root with files, a build in this process or by the command, what changed.

A build in this process shares the one import of Great Expectations; the command is for what only it can show
(exit codes, what is printed, which modules a build with nothing to do imports).
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import session, settings
from pipeline.operations import build as building

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "data" / "raw"
SMALL = "GA/2025-08_tupelo-vine_ga_select-1_in-network-rates.json"
FULL_DISK = Path("/dev/full")  # takes nothing
on_a_full_disk = pytest.mark.skipif(not FULL_DISK.exists(), reason=f"no {FULL_DISK} here")


@dataclass(frozen=True)
class Seen:
    """A file as it was: what a rewrite changes."""

    inode: int
    mtime_ns: int
    sha256: str


def build(
    root: Path, *, months: list[str] | None = None, skip_broken: bool = False, forget_missing: bool = False
) -> building.Outcome:
    """Build in this process, with a scheduler of its own and one worker.

    More workers would fork, and Polars' threads, which other tests have started here, do not survive that.
    """
    session.use(root)
    settings.load(root.resolve())
    settings.override("build", "workers", "1")
    settings.override("build", "skip_broken", str(skip_broken).lower())
    return building.build(
        months, workers=1, local_scheduler=True, started=lambda _: None, forget_missing=forget_missing
    )


def ratehouse(root: Path | None, *words: str, env: dict[str, str] | None = None, cwd: Path | None = None, **more):
    """Run the command; returns the finished process with its output as text."""
    command = [sys.executable, "-m", "pipeline.cli", *(["--root", str(root)] if root else []), *words]
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("RATEHOUSE")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    surroundings |= {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "PATH": path, **(env or {})}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=surroundings,
        cwd=cwd or REPOSITORY,
        timeout=600,
        check=False,
        **more,
    )


def without_privilege() -> None:
    """In a child about to become the command: let permissions bind root too (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):
        if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            os._exit(77)


def words(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


def json_lines(text: str) -> list[dict]:
    """The objects of a command's --json output."""
    return [json.loads(line) for line in text.splitlines()]


def parquet_files(root: Path) -> dict[str, Seen]:
    """Every Parquet file under the root but raw ones and objects, by its path."""
    found = {}
    for path in sorted(root.rglob("*.parquet")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(("raw/", ".objects/")):
            info = path.stat()
            found[name] = Seen(info.st_ino, info.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def contents(root: Path) -> dict[str, str]:
    """The hash of every Parquet file's bytes: what two builds of the same sources must share."""
    return {name: seen.sha256 for name, seen in parquet_files(root).items()}


def rewritten(before: dict[str, Seen], after: dict[str, Seen]) -> set[str]:
    """The files that were written, replaced or removed between two looks, whether their bytes changed or not."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def following(month: str) -> set[str]:
    """The tables that may change with any rate of a month: what says where facts were published, how rates lie, what lacks."""
    names = ("code_spread", "source_price_check", "coverage", "coverage_gap")
    gold = {f"gold/{name}_{month}.parquet" for name in names}
    return {f"xrefs/xref_fact_source_{month}.parquet"} | gold


def copy(root: Path, to: Path) -> Path:
    """A warehouse as it is, elsewhere: times kept; a build there stamps hard links anew only where it must."""
    shutil.copytree(root, to, copy_function=shutil.copy2)
    return to


def linked_copy(root: Path, to: Path) -> Path:
    """A warehouse as it is, elsewhere, where a published file and its object are one file again (`cp -a`)."""
    subprocess.run(["cp", "-a", root, to], check=True)
    return to


def small(root: Path) -> Path:
    """A warehouse, not yet built, of one small source file (`SMALL`): 4 facts of 2025-08, no reference files.

    Its joined rows are in two pieces.
    """
    (root / "raw" / "mrf" / "GA").mkdir(parents=True)
    shutil.copy(SAMPLE / "mrf" / SMALL, root / "raw" / "mrf" / "GA")
    (root / "luigi.cfg").write_text("[partitioning]\npiece_rows = 2\n", encoding="utf-8")
    return root


def staged(path: str) -> str:
    """The folder of what is staged of an in-network file, by its path under raw/mrf."""
    return f"staged/mrf/{hashlib.md5(path.encode()).hexdigest()}"


def change_rate(root: Path, name: str = SMALL) -> None:
    """Raise the first rate of a plain source file by a dollar."""
    path = root / "raw" / "mrf" / name
    rate = re.compile(r'("negotiated_rate": ?)([\d.]+)')
    text = path.read_text(encoding="utf-8")
    path.write_text(rate.sub(lambda found: f"{found[1]}{float(found[2]) + 1}", text, count=1), encoding="utf-8")

"""Running a command and watching all of its processes: seconds, seconds of processor time, memory of the whole tree.

What belongs here: starting a child, sampling it and its descendants. What must not come in: what is measured.

Memory is PSS, of which a page that several processes share counts once in the sum; it is read from /proc, on Linux
alone, so many times a second, and a peak between two samples is missed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EVERY_SECONDS = 0.2
TERMINATION_SECONDS = 10


class CommandFailed(Exception):
    """The command did not end with 0; says the last lines of what it printed."""


@dataclass
class Watched:
    """How a command went. `seconds` of wall clock, `busy` of processors, `samples` (time of the epoch, bytes of the tree)."""

    code: int
    seconds: float
    busy: float
    output: str
    samples: list[tuple[float, int]] = field(repr=False, default_factory=list)

    def peak(self, since: float = 0.0, until: float = float("inf")) -> int | None:
        """Most bytes of the tree between two times; None where nothing was sampled."""
        return max((size for at, size in self.samples if since <= at <= until), default=None)


def run(command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Watched:
    """Run a command in a session of its own, its output in the file `log`; CommandFailed when it does not end with 0."""
    began = time.perf_counter()
    samples = []
    with open(log, "wb") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd, start_new_session=True
        )
        try:
            while True:
                pid, status, used = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                if sys.platform.startswith("linux"):
                    samples.append((time.time(), tree_bytes(child.pid)))
                time.sleep(EVERY_SECONDS if time.perf_counter() - began > 5 else 0.05)
        except BaseException:
            _end(child.pid)
            child.returncode = -signal.SIGKILL  # it was waited for
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    output = log.read_text(encoding="utf-8", errors="replace")
    if child.returncode:
        last = "\n".join(f"    {line}" for line in output.splitlines()[-12:])
        raise CommandFailed(f"exit {child.returncode}: {' '.join(map(str, command))}\n{last}\n    all of it: {log}")
    return Watched(child.returncode, seconds, used.ru_utime + used.ru_stime, output, samples)


def tree_bytes(session: int) -> int:
    """PSS of all processes of a session, in bytes; a process that ends meanwhile counts as nothing."""
    total = 0
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            with open(place / "stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            if int(fields[3]) != session:  # state, parent, group, session
                continue
            with open(place / "smaps_rollup", "rb") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(b"Pss:")) * 1024
        except (OSError, IndexError):
            continue
    return total


def _end(session: int) -> None:
    """End the child and what it started: asked to, then made to."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGTERM)
    until, waited = time.monotonic() + TERMINATION_SECONDS, 0
    while not waited and time.monotonic() < until:
        waited, _ = os.waitpid(session, os.WNOHANG)
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)
    if not waited:
        os.waitpid(session, 0)

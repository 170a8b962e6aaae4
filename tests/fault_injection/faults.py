"""Faults on purpose: the n-th file operation of a build stops it, kills it, or is refused. For tests alone.

What belongs here: reading a fault plan, counting file operations, and failing at the one that it names. It is imported
only where RATEHOUSE_FAULTS is set, so without a plan nothing of it is loaded, wrapped or asked. What must not come in:
any rule of publishing; the operations are met where Python makes them, not where our code calls them.

A plan is one line, `ACTION STEP N WHO PATH`:

ACTION  kill (SIGKILL to the process that meets it), stop (SIGTERM to the build), interrupt (SIGINT to the build),
        an errno (ENOSPC, EACCES, EIO, EMFILE, …) with which the operation is refused, hook (the shell runs the command
        in RATEHOUSE_FAULTS_HOOK, and the build goes on), or record
STEP    a regular expression of open (for writing), write, fsync, replace, link, remove, rmdir, mkdir, rmtree
N       which of them, counted from 1 over all processes of the build; `3+` is the third and every later one
WHO     build (the process that began), worker (one that Luigi forked), or any
PATH    a regular expression found in the path operated on; for record, the file that lists every operation

A refused or fatal write writes half of its bytes first, as a full disk or a power cut does. What libraries write past
Python (a large leaf by Arrow, Parquet by Polars, the catalog by DuckDB) counts as one write, before its first byte.
"""

from __future__ import annotations

import builtins
import errno
import functools
import io
import json
import mmap
import os
import re
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "RATEHOUSE_FAULTS"
STEPS = ("open", "write", "fsync", "replace", "link", "remove", "rmdir", "mkdir", "rmtree")
# Python's audit event -> the step, and which argument is the path that changes.
EVENTS = {
    "os.rename": ("replace", 1),
    "os.link": ("link", 1),
    "os.remove": ("remove", 0),
    "os.rmdir": ("rmdir", 0),
    "os.mkdir": ("mkdir", 0),
    "shutil.rmtree": ("rmtree", 0),
}
SIGNALS = {"stop": signal.SIGTERM, "interrupt": signal.SIGINT}
WRITING = os.O_WRONLY | os.O_RDWR
_open = io.open


@dataclass(frozen=True)
class Plan:
    """What fails, when, where. `at` counts from 1; `onward` says that every later one fails too."""

    action: str
    step: str
    at: int
    onward: bool
    who: str
    path: str

    @classmethod
    def parse(cls, line: str) -> Plan:
        """Read a plan; ValueError when a word is none of the plan's."""
        action, step, number, who, path = line.split(" ", 4)
        if action not in (*SIGNALS, "kill", "record", "hook") and action not in errno.errorcode.values():
            raise ValueError(f"{VARIABLE}: {action} is no action")
        if not any(re.fullmatch(step, one) for one in STEPS) or who not in ("build", "worker", "any"):
            raise ValueError(f"{VARIABLE}: there is no step {step} of {who}")
        return cls(action, step, int(number.removesuffix("+")), number.endswith("+"), who, path)


class _Met:
    """The plan at work in this process and those forked from it."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.build = os.getpid()
        self.count = mmap.mmap(-1, 8)  # shared with forked workers; two that count at once may share a number
        self.inside = threading.local()  # what a thread does inside of an operation is no other one
        self.lock = threading.Lock()

    def is_due(self, step: str, path: str) -> bool:
        plan = self.plan
        if not re.fullmatch(plan.step, step) or not re.search(plan.path, path):
            return False
        if plan.who != "any" and (plan.who == "build") != (os.getpid() == self.build):
            return False
        with self.lock:
            now = int.from_bytes(self.count[:], "little") + 1
            self.count[:] = now.to_bytes(8, "little")
        return now == plan.at or (plan.onward and now > plan.at)

    def meet(self, step: str, path: object, first=None) -> None:
        """Count an operation and fail where the plan says so, after `first()`."""
        if getattr(self.inside, "operation", False) or isinstance(path, int):
            return
        self.inside.operation = True
        try:
            name = os.fsdecode(path)
            if self.plan.action == "record":
                self._record(step, name)
            elif self.is_due(step, name):
                if first is not None and self.plan.action != "hook":
                    first()
                self._fail(name)
        finally:
            self.inside.operation = False

    def _record(self, step: str, name: str) -> None:
        if name != self.plan.path and not name.startswith(("/dev/", "/proc/")):
            with _open(self.plan.path, "ab", buffering=0) as file:
                file.write(json.dumps([step, name]).encode() + b"\n")

    def _fail(self, name: str) -> None:
        action = self.plan.action
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "hook":
            os.system(os.environ["RATEHOUSE_FAULTS_HOOK"])
        elif action in SIGNALS:
            os.kill(self.build, SIGNALS[action])
        else:
            number = getattr(errno, action)
            raise OSError(number, os.strerror(number), name)


def install(line: str) -> None:
    """Put a plan to work in this process, for good."""
    met = _Met(Plan.parse(line))

    def see(event: str, args: tuple) -> None:
        if event in EVENTS:
            step, which = EVENTS[event]
            met.meet(step, args[which])
        elif event == "open" and isinstance(args[2], int) and args[2] & WRITING:
            met.meet("open", args[0])

    sys.addaudithook(see)
    fsync = os.fsync

    @functools.wraps(fsync)
    def counted(handle: int) -> None:
        met.meet("fsync", _path_of(handle))
        fsync(handle)

    os.fsync = counted
    builtins.open = io.open = _opener(met)
    _count_native_writes(met)


def _path_of(handle: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{handle}").readlink())
    except OSError:  # not Linux
        return ""


def _opener(met: _Met):
    class Counted(io.FileIO):
        def write(self, data) -> int:
            met.meet("write", self.name, lambda: super(Counted, self).write(bytes(data)[: len(data) // 2]))
            return super().write(data)

    @functools.wraps(_open)
    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if isinstance(file, int) or opener or "+" in mode or not set(mode) & set("wax"):
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Counted(os.fspath(file), mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered = io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    return opened


def _count_native_writes(met: _Met) -> None:
    import polars as pl
    import pyarrow.parquet as pq

    from pipeline.leaves import catalog

    begin, write, sink, table = (
        pq.ParquetWriter.__init__,
        pq.ParquetWriter.write_table,
        pl.LazyFrame.sink_parquet,
        catalog.write,
    )

    @functools.wraps(begin)
    def counted_begin(self, where, *args, **named):
        self.counted_path = str(where) if isinstance(where, str | Path) else None  # else Python opens and writes
        if self.counted_path:
            met.meet("open", self.counted_path)
        begin(self, where, *args, **named)

    @functools.wraps(write)
    def counted_write(self, *args, **named):
        if self.counted_path:
            met.meet("write", self.counted_path)
        return write(self, *args, **named)

    @functools.wraps(sink)
    def counted_sink(self, path, *args, **named):
        met.meet("write", str(path))
        return sink(self, path, *args, **named)

    @functools.wraps(table)
    def counted_catalog(root, path, *args):
        met.meet("write", str(path))
        return table(root, path, *args)

    pq.ParquetWriter.__init__, pq.ParquetWriter.write_table = counted_begin, counted_write
    pl.LazyFrame.sink_parquet, catalog.write = counted_sink, counted_catalog

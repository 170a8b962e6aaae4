"""Progress while a build works: bars by stage on a terminal, plain lines when piped.

What belongs here: following the journal and showing it. What must not come in: a verdict (`operations.build`).
"""

from __future__ import annotations

import errno
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.cli.lines import WIDTH, counted, shortened
from pipeline.paths import Root
from pipeline.storage import journal

EVERY_SECONDS = 0.2
LABEL = 34  # columns that a label keeps however long the words after it are
STAGES = ("ingest", "dims", "xrefs", "bench", "facts", "enriched", "warehouse")


@contextmanager
def shown(root: Root) -> Iterator[None]:
    """Show what the journal gets while the block runs."""
    start = root.journal.stat().st_size if root.journal.exists() else 0
    follower = _Bars(root, start) if sys.stderr.isatty() else _Lines(root, start)
    follower.start()
    try:
        yield
    finally:
        follower.stop()


class _Follower(threading.Thread):
    """Reads new lines of the journal; the thread only writes to the terminal, so a fork beside it is harmless."""

    def __init__(self, root: Root, offset: int):
        super().__init__(daemon=True)
        self._path, self._offset, self._ended = root.journal, offset, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._read()

    def stop(self) -> None:
        self._ended.set()
        self.join()
        self._read()

    def _read(self) -> None:
        if not self._path.exists():
            return
        size = self._path.stat().st_size
        if size < self._offset:  # trimmed
            self._offset = 0
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                block = file.read()
        except OSError as problem:
            if problem.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            return  # what the build says of it is enough; it is read when a file can be opened again
        whole = block[: block.rfind(b"\n") + 1]
        for event in journal.parse(whole):
            self.show(event)
        self._offset += len(whole)

    def show(self, event: dict) -> None:
        raise NotImplementedError


class _Lines(_Follower):
    """One plain line for each thing done."""

    def show(self, event: dict) -> None:
        line = line_of(event)
        if line:
            print(line, file=sys.stderr, flush=True)


class _Bars(_Follower):
    """A bar for each stage: done of begun, with what is at work."""

    def __init__(self, root: Root, offset: int):
        super().__init__(root, offset)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", table_column=None),
            transient=True,
        )
        self._bars: dict[str, int] = {}
        self._begun: dict[str, set] = {}
        self._done: dict[str, set] = {}
        self._progress.start()

    def show(self, event: dict) -> None:
        if event["event"] not in ("start", "done", "unchanged", "failed"):
            return
        stage = event["task"].split(".")[0]
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task(stage, total=0, now="")
            self._begun[stage], self._done[stage] = set(), set()
        self._begun[stage].add(event["label"])
        if event["event"] != "start":
            self._done[stage].add(event["label"])
        now = event["task"].split(".")[-1] if event["event"] == "start" else ""
        self._progress.update(
            self._bars[stage], total=len(self._begun[stage]), completed=len(self._done[stage]), now=now[:24]
        )
        if event["event"] == "failed":
            self._progress.console.print(line_of(event), markup=False, highlight=False)

    def stop(self) -> None:
        super().stop()
        self._progress.stop()


def line_of(event: dict) -> str | None:
    """An event as a line of at most 80 columns; None for one that is not shown. The summary says failures in full."""
    if event["event"] == "done" and event.get("status", "whole") != "whole":
        word = "BROKEN" if event["status"] == "broken" else "unknown"
        return _line(word, event["label"].replace("staged/", "raw/", 1), event["reason"])
    if event["event"] == "done":
        of_leaves = event["task"] in ("enriched.EnrichedGroup", "enriched.EnrichedMonth")
        parts = [counted(event["files"], "leaf", "leaves")] if of_leaves else []
        parts += [counted(event["rows"], "row")] if event["rows"] or event["files"] else []
        parts += [f"{event['seconds']:.1f} s"]
        parts += [counted(event["warnings"], "warning")] if event.get("warnings") else []
        return _line("built", event["label"], ", ".join(parts))
    if event["event"] == "failed":
        first = event["error"].splitlines()[0] if event.get("known") else event["error"].strip().splitlines()[-1]
        held = event["task"] == "enriched.Partition" and event.get("kind") == "WithheldPartition"
        return _line("WITHHELD" if held else "FAILED", event["label"], first.removeprefix(f"{event['label']}: "))
    if event["event"] == "removed":
        return _line("removed", event["label"], event["why"])
    return None


def _line(word: str, label: str, rest: str) -> str:
    """`word  label  rest`, the label shortened first, then the rest."""
    room = WIDTH - len(f"{word:<8} ") - 2
    label = shortened(label, max(LABEL, room - len(rest)))
    room -= len(label)
    return f"{word:<8} {label}  {rest if len(rest) <= room else rest[: room - 1] + '…'}"

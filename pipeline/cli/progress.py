"""Progress while a build works: bars by stage on a terminal, plain lines when piped.

What belongs here: following the journal and showing it. What must not come in: a verdict (`building`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import journal
from pipeline.paths import Root

EVERY_SECONDS = 0.2
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
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            block = file.read()
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
        self._progress.update(self._bars[stage], total=len(self._begun[stage]), completed=len(self._done[stage]), now=now[:24])
        if event["event"] == "failed":
            self._progress.console.print(line_of(event), markup=False, highlight=False)

    def stop(self) -> None:
        super().stop()
        self._progress.stop()


def line_of(event: dict) -> str | None:
    """An event as a line of at most 80 columns where its words allow; None for one that is not shown."""
    if event["event"] == "done":
        warned = f", {event['warnings']} warnings" if event.get("warnings") else ""
        return f"built   {_short(event['label'])}  {event['rows']:,} rows, {event['seconds']:.1f} s{warned}"
    if event["event"] == "failed":
        first = event["error"].splitlines()[0] if event.get("known") else event["error"].strip().splitlines()[-1]
        return f"FAILED  {_short(event['label'])}: {first}"
    if event["event"] == "removed":
        return f"removed {event['label']}"
    return None


def _short(label: str) -> str:
    return label if len(label) <= 60 else f"{label[:28]}…{label[-31:]}"

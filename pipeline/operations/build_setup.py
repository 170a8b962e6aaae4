"""What a build needs around it: a swept scratch, the journal's first and last line, Luigi's log, imports, a scheduler.

What belongs here: that, and its end. What must not come in: what is built, or in which order (`operations.build`).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import logging.handlers
import multiprocessing
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline import paths, settings, signals
from pipeline.paths import Root
from pipeline.storage import journal, raw_hashes, targets
from pipeline.tasks import code_version, scheduler


class _Log(logging.handlers.RotatingFileHandler):
    """Luigi's log. On a full disk it stops: what failed for that is said by the build, not by a trace for each line."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Close it, whether its last line could be written or not."""
        with contextlib.suppress(OSError):
            super().close()


@contextmanager
def prepared(root: Root, workers: int, announce: Callable[[], object] = lambda: None) -> Iterator[None]:
    """What a build needs before its first task: a swept scratch, a journal, heavy imports before any fork.

    `announce()` is called first: imports take a while, and a full disk lets nothing be prepared.
    """
    announce()
    with targets.translate_os_errors(root.scratch):
        targets.sweep(root)
        root.make_scratch()
        journal.trim(root.journal)
        journal.reserve(root.journal)
        raw_hashes.compact(root)
        log = paths.make_folder(root.state / "logs") / "luigi.log"
        handler = _Log(log, maxBytes=5_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("luigi", "luigi-interface", "luigi.scheduler")]
    kept = [(one, one.propagate, one.level) for one in loggers]
    for one in loggers:
        one.propagate = False
        one.setLevel(logging.INFO)
        one.addHandler(handler)
    os.environ[journal.BUILD] = uuid.uuid4().hex[:12]
    if workers > 1 and sys.platform.startswith("linux"):
        # The parent's imports and stamps are the children's too; later Pythons start them otherwise by default.
        multiprocessing.set_start_method("fork", force=True)
    imports = preload() if workers > 1 else 0.0  # one worker forks nothing, and may not need them
    journal.write(root.journal, "begin", workers=workers, gate_import_seconds=round(imports, 3))
    try:
        yield
    finally:
        signals.heard()
        _end_workers()
        journal.write(root.journal, "end")
        del os.environ[journal.BUILD]
        for one, propagate, level in kept:
            one.removeHandler(handler)
            one.propagate = propagate
            one.setLevel(level)
        handler.close()
        targets.clear_folder(root.scratch)


def _end_workers() -> None:
    """Wait for the processes that Luigi asked to end when we were stopped: they must not write once we say that we did."""
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def preload() -> float:
    """Import and look up what tasks use, once, before Luigi forks a process for each of them, and take it out of the garbage
    collector's sight; no thread is started, nothing opened.

    Returns the seconds that Great Expectations took of it.
    """
    import duckdb  # noqa: F401
    import polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from pipeline.compiled import jit
    from pipeline.gates import suites
    from pipeline.operations import warm_up
    from pipeline.storage import parquet  # noqa: F401

    jit.start()
    if jit.compiled("items"):  # else the first file has it compiled, if there is one
        warm_up.load()
    code_version.know_all()

    begun = time.monotonic()
    suites.preload()
    seconds = time.monotonic() - begun
    gc.freeze()  # what was imported is no garbage: looking for it there takes each task time, and memory of its own
    atexit.register(gc.unfreeze)  # at the end it is, and DuckDB says of each thing that is left that it leaked
    return seconds


@contextmanager
def scheduler_of(local: bool, started: Callable[[str], None]) -> Iterator[tuple[str, dict]]:
    """The scheduler that a build uses, in words, and Luigi's options for it; said before the imports, which take a while."""
    url = scheduler.dashboard_url()
    settings.override("core", "no_configure_logging", "true")  # its log goes where `_prepared` sends it
    central = not local and scheduler.address_answers(url)
    if central:
        scheduler.expect_restarts()
    started(url if central else "local")
    yield (url, {"scheduler_url": url.rstrip("/")}) if central else ("local", {"local_scheduler": True})

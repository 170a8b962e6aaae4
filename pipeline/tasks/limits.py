"""How much memory and how many threads a task may take.

What belongs here: its share of what `[build]` allows, and the error of a table that needs more. What must not come in: what
a task does with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import errors, settings


def memory(connections: int = 1) -> str:
    """DuckDB's limit for each of a worker's connections: its share of [build] memory_mb, less what Python takes."""
    limits = settings.build()
    return f"{max(128, int(limits.memory_mb / limits.workers * 0.6 / connections))}MB"


def threads(all_of_them: bool = False) -> int:
    """DuckDB's threads in one worker: the cores, shared by the workers, or all of them."""
    cores = os.cpu_count() or 1
    return cores if all_of_them else max(1, cores // settings.build().workers)


@contextmanager
def within_memory(label: str) -> Iterator[None]:
    """Turn DuckDB's refusal to go beyond its limit into an error that says which setting it is."""
    try:
        yield
    except Exception as problem:
        if type(problem).__name__ != "OutOfMemoryException":  # DuckDB's; importing it costs a build with nothing to do
            raise
        limits = settings.build()
        raise errors.MemoryLimitError(
            f"needs more memory than its share of [build] memory_mb = {limits.memory_mb} with {limits.workers} workers",
            place=label,
            remedy="raise memory_mb in luigi.cfg, or: ratehouse build --workers 1",
        ) from problem

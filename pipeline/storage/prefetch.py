"""Runs an iterator ahead in another thread, while what it made before is used.

What belongs here: running ahead, for whatever an iterator makes outside Python's lock (Arrow's, DuckDB's, a decompressor's work).
What must not come in: what is made.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")
THREAD = "ahead"
# Python's threads take turns of 5 ms, for which what was done outside its lock waits to be handed on: a tenth of the time
# that a month's facts take.
TURN = 0.0002
# Where two processors are all there are, whoever is waited for should not wait for them: a month's facts take 6 % less.
NICENESS = 5


def give_way() -> None:
    """Have this thread leave the processors to those that do not; on Linux, where a thread's niceness is its own."""
    if sys.platform == "linux":
        os.nice(NICENESS)


def prefetch(source: Iterable[Made], waiting: int = 1) -> Iterator[Made]:
    """The same things in the same order, none of them None; so many wait at most.

    Python's threads take turns of TURN from then on. What making one raises is raised where it would have come. Close it
    before what things are made from: that waits for the thread, which ends with what it is making.
    """
    sys.setswitchinterval(TURN)
    made = iter(source)
    with ThreadPoolExecutor(1, thread_name_prefix=THREAD, initializer=give_way) as pool:
        coming = deque(pool.submit(next, made, None) for _ in range(waiting))
        try:
            while (one := coming.popleft().result()) is not None:
                coming.append(pool.submit(next, made, None))
                yield one
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

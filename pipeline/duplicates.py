"""Which hashes stand more than once among any number of them, in memory that does not grow with their number.

What belongs here: that. What must not come in: what was hashed, and whether two of one hash are the same (`gx_duckdb`).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

HELD = 1 << 22  # hashes that are sorted at once by a thread, 32 MB; more of them go to disk first


def standing_twice(
    batches: Iterable[np.ndarray], count: int, scratch: Path, threads: int = 1, held: int = HELD
) -> np.ndarray:
    """Every hash that stands more than once, in ascending order.

    batches  of 64-bit hashes (uint64), which are spread evenly; they are sorted where they stand
    count    how many there are, about
    scratch  a folder, for files without a name

    Shares of the hashes are looked through by themselves. OSError when the disk does not take them.
    """
    shares = -(-count // held) or 1
    bounds = np.array([(share << 64) // shares for share in range(1, shares)], np.uint64)
    with contextlib.ExitStack() as files, ThreadPoolExecutor(threads, thread_name_prefix="duplicates") as pool:
        parts = [
            files.enter_context(tempfile.SpooledTemporaryFile(8 * held // shares, dir=scratch)) for _ in range(shares)
        ]
        for batch in batches:
            batch.sort()
            for part, hashes in zip(parts, np.split(batch, np.searchsorted(batch, bounds)), strict=True):
                part.write(hashes)
        return np.concatenate(list(pool.map(_repeated, parts)))


def _repeated(part: tempfile.SpooledTemporaryFile) -> np.ndarray:
    hashes = np.empty(part.tell() // 8, np.uint64)
    part.seek(0)
    assert part.readinto(hashes) == hashes.nbytes, "a file of hashes was cut"
    part.close()
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

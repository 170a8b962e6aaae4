"""Which hashes stand more than once among any number of them, in memory that does not grow with it while few of them do.

What belongs here: that. What must not come in: what was hashed, and whether two of one hash are the same (`gx_duckdb`).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pipeline.paths import make_folder

HELD = 1 << 22  # hashes that are sorted at once by a thread, 32 MB; more of them go to disk first


def standing_twice(batches: Iterable[np.ndarray], count: int, scratch: Path, threads: int, held: int) -> np.ndarray:
    """Every hash that stands more than once, in ascending order.

    batches  of 64-bit hashes (uint64), which are spread evenly; they are sorted where they stand
    count    how many there are: EOFError when they are not as many
    scratch  a folder, for files without a name; made if need be
    threads  that sort
    held     hashes that each of them sorts at once: shares of all are looked through by themselves

    OSError when the disk does not take them.
    """
    shares = -(-count // held) or 1
    bounds = np.array([(share << 64) // shares for share in range(1, shares)], np.uint64)
    with contextlib.ExitStack() as files, ThreadPoolExecutor(threads, thread_name_prefix="duplicates") as pool:
        if shares > 1:
            make_folder(scratch)
        room = max(1, 8 * held // shares)
        parts = [files.enter_context(tempfile.SpooledTemporaryFile(room, dir=scratch)) for _ in range(shares)]
        came = 0
        for batch in batches:
            came += len(batch)
            batch.sort()
            for part, hashes in zip(parts, np.split(batch, np.searchsorted(batch, bounds)), strict=True):
                part.write(hashes)
        if came != count:
            raise EOFError(f"{came:,} of {count:,} values were read")
        return np.concatenate(list(pool.map(_repeated, parts)))


def _repeated(part: tempfile.SpooledTemporaryFile) -> np.ndarray:
    hashes = np.empty(part.tell() // 8, np.uint64)
    part.seek(0)
    if part.readinto(hashes) != hashes.nbytes:
        raise EOFError("a file of hashes was cut")
    part.close()
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

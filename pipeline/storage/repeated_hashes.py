"""Which hashes stand more than once among any number of them, in memory that does not grow with it while few of them do.

What belongs here: that. What must not come in: what was hashed, and whether two of one hash are the same (`gx_duckdb`,
`in_network_counts`).
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pipeline.compiled.jit import entry
from pipeline.paths import make_folder
from pipeline.storage import chunked_file

HELD = 1 << 22  # hashes that are sorted at once by a thread, 32 MB; more of them go to disk first
_BITS = 8  # of a hash, by which those on disk are told apart
_MANY = 4  # times as many as there would be of each if they are spread evenly: some must stand very often
_NOTHING = np.empty(0, np.uint64)


class Hashes:
    """Any number of 64-bit hashes (uint64), which are spread evenly.

    scratch  a folder, for a file without a name; made if need be
    held     hashes that are sorted at once: more are written to the file, so many at a time, in the order of their first bits

    OSError when the disk does not take them.
    """

    def __init__(self, scratch: Path, held: int):
        self._scratch, self._room = scratch, held
        self._held, self._fill = np.empty(held, np.uint64), 0  # of memory only what is written to is taken
        self._apart = self._file = None
        # Where the hashes of each of the first bits begin in each run, counted from the file's beginning.
        self._runs: list[np.ndarray] = []
        self.count = 0

    def take(self, hashes: np.ndarray) -> None:
        """Add some."""
        while len(hashes):
            if self._fill == self._room:
                self._put_aside()
            part = hashes[: self._room - self._fill]
            self._held[self._fill : self._fill + len(part)] = part
            self._fill += len(part)
            self.count += len(part)
            hashes = hashes[len(part) :]

    def twice(self, threads: int) -> Iterator[np.ndarray]:
        """Those that stand more than once, rising, in parts, each sorted by one of so many threads; no more can be added."""
        if self._file is None:
            found, self._held = _repeated(self._held[: self._fill]), _NOTHING
            yield found
            return
        self._put_aside()
        self._held = self._apart = _NOTHING
        shares = min(1 << _BITS, -(-self.count // self._room))
        edges = [(share << _BITS) // shares for share in range(shares + 1)]
        one_at_a_time = threading.Lock()

        def share(low: int, high: int) -> np.ndarray:
            hashes = np.empty(sum(int(run[high] - run[low]) for run in self._runs), np.uint64)
            end = 0
            for run in self._runs:
                start, end = end, end + int(run[high] - run[low])
                with one_at_a_time:
                    self._file.seek(8 * int(run[low]))
                    if self._file.readinto(hashes[start:end]) != 8 * (end - start):
                        raise EOFError("a file of hashes was cut")
            return _repeated(hashes)

        with self._file, ThreadPoolExecutor(threads, thread_name_prefix="duplicates") as pool:
            yield from pool.map(share, edges[:-1], edges[1:])

    def _put_aside(self) -> None:
        """Write what is held to the file."""
        if self._file is None:
            make_folder(self._scratch)
            self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115
            weakref.finalize(self, self._file.close)  # if nobody asks which stand twice
        ends = np.zeros((1 << _BITS) + 1, np.int64)
        if self._apart is None:
            self._apart = np.empty(self._room, np.uint64)
        apart = self._apart[: self._fill]
        _tell_apart(self._held[: self._fill], apart, ends)
        sizes = np.diff(ends)
        parts = np.split(apart, ends[1:-1])
        for i in np.flatnonzero(sizes > _MANY * (-(-self._room >> _BITS) + _MANY)):
            parts[i] = _no_more_than_twice(parts[i])
            sizes[i] = len(parts[i])
        before = int(self._runs[-1][-1]) if self._runs else 0
        if sizes.sum() == len(apart):
            parts = [apart]
        for part in parts:
            chunked_file.put(self._file, part)
        self._runs.append(before + np.concatenate(([0], np.cumsum(sizes))))
        self._fill = 0


def standing_twice(batches: Iterable[np.ndarray], count: int, scratch: Path, threads: int, held: int) -> np.ndarray:
    """Every hash that stands more than once in these batches, in ascending order; see `Hashes`.

    EOFError when they are not `count`.
    """
    hashes = Hashes(scratch, held)
    for batch in batches:
        hashes.take(batch)
    if hashes.count != count:
        raise EOFError(f"{hashes.count:,} of {count:,} values were read")
    return np.concatenate(list(hashes.twice(threads)))


@entry
def _tell_apart(hashes, apart, ends):
    """Put hashes in the order of their first bits into `apart`; `ends`, of zeros, says where those of each end, from 0 on."""
    shift = np.uint64(64 - _BITS)
    for i in range(len(hashes)):
        ends[np.int64(hashes[i] >> shift) + 1] += 1
    at = np.zeros(len(ends), np.int64)
    for i in range(1, len(ends)):
        ends[i] += ends[i - 1]
        at[i] = ends[i]
    for i in range(len(hashes)):
        of = np.int64(hashes[i] >> shift)
        apart[at[of]] = hashes[i]
        at[of] += 1


def _no_more_than_twice(hashes: np.ndarray) -> np.ndarray:
    """Each of them once or twice, which says all that more would say; they are sorted where they stand."""
    hashes.sort()
    return hashes[np.append([True, True], hashes[2:] != hashes[:-2])[: len(hashes)]]


def _repeated(hashes: np.ndarray) -> np.ndarray:
    """Those that stand more than once; they are sorted where they stand."""
    hashes.sort()
    again = hashes[1:][hashes[1:] == hashes[:-1]]
    return again[np.concatenate(([True], again[1:] != again[:-1]))] if len(again) else again

"""Putting many bytes into a file, a piece at a time, and what is known of a file once it is written.

What belongs here: how large things reach a file. What must not come in: what they are (`parquet`), and how a file is published
(`targets`).

For a write of many megabytes the kernel takes memory that lay unused for long, in huge pages, and on a virtual machine each of
these has to be found by the host first: a month's facts took 5 s of processor time in the kernel, in pieces 3.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE = 128 << 10  # bytes
WAITING = 16 << 20  # bytes that a file's writer holds at most for a disk that is slower


@dataclass(frozen=True)
class Written:
    """What was written: the digest of the content, the number of rows, the SHA-256 of the file."""

    digest: str
    rows: int
    sha256: str


class _Raw(Protocol):
    def write(self, data: memoryview, /) -> int: ...


def put(raw: _Raw, data) -> None:
    """Write all bytes of a buffer to a file; OSError when the disk does not take them."""
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        done += raw.write(view[done : done + PIECE])


class InPieces:
    """A new file for Arrow to write to, which takes what it is given from `beside`, one thread, while Arrow goes on.

    OSError as for `open`, and from `write` or `close` when the disk did not take what was written before.
    """

    def __init__(self, path: Path, beside: Executor):
        self._raw = open(path, "wb", buffering=0)  # noqa: SIM115 - Arrow closes it
        self._beside, self._told = beside, hashlib.sha256()
        self._coming: deque[tuple[Future, int]] = deque()
        self._waiting = 0

    def write(self, data) -> int:
        """All of it, some time before the file is closed."""
        data = bytes(data)  # Arrow's own memory may be used again by then
        self._coming.append((self._beside.submit(self._take, data), len(data)))
        self._waiting += len(data)
        self._wait(WAITING)
        return len(data)

    def _take(self, data: bytes) -> None:
        self._told.update(data)
        put(self._raw, data)

    def _wait(self, most: int) -> None:
        while self._waiting > most:
            one, size = self._coming.popleft()
            self._waiting -= size
            one.result()

    def close(self) -> None:
        """Close the file, when all of it is there."""
        try:
            self._wait(0)
        finally:
            for one, _ in self._coming:
                one.cancel()
            wait([one for one, _ in self._coming])  # for the one at work: its file must not be another's by then
            self._raw.close()

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._raw.closed

    @property
    def sha256(self) -> str:
        """Of the bytes that the file has taken."""
        return self._told.hexdigest()

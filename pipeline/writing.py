"""Putting many bytes into a file, a piece at a time.

What belongs here: how large things reach a file. What must not come in: what they are, and how a file is published
(`targets`).

For a write of many megabytes the kernel takes memory that lay unused for long, in huge pages, and on a virtual machine each of
these has to be found by the host first: a month's facts took 5 s of processor time in the kernel, in pieces 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

PIECE = 128 << 10  # bytes


class _Raw(Protocol):
    def write(self, data: memoryview, /) -> int: ...


def put(raw: _Raw, data) -> int:
    """Write all bytes of a buffer to a file that was opened without buffering; returns how many these are.

    OSError when the disk does not take them.
    """
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        done += raw.write(view[done : done + PIECE])
    return done


class InPieces:
    """A new file for Arrow to write to; OSError as for `open`. Arrow takes from it what it does not take from a file: `put`."""

    def __init__(self, path: Path):
        self._raw = open(path, "wb", buffering=0)  # noqa: SIM115 - Arrow closes it

    def write(self, data) -> int:
        """All of it."""
        return put(self._raw, data)

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._raw.closed

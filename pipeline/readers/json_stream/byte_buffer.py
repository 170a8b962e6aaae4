"""The bytes of a file that are at hand, in the pieces in which they came.

What belongs here: which piece to read in, and a piece of its own for a record that stands in two. What must not come in:
where bytes come from (`json_stream.decompression`, `json_stream.cursor`), what they say.

Bytes are named by their place in the file. To put all pieces one behind the other would take a tenth of the time that it
takes to read them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np

from pipeline.readers import limits
from pipeline.readers.json_stream.cursor import JsonText

_BRIDGE = 1 << 14  # bytes of the next piece that are put behind a record that is cut, at least


class ByteBuffer:
    """Bytes of a file, from one place on; blocks are put behind them as they come.

    Each record is whole in some piece: in a block, or where it stands in two, in a bridge between them. Of these `chunk_at`
    tells the one that a record is to be read in, once `extend` has made it.
    """

    def __init__(self, data: bytes, start: int):
        self.start = self.end = start
        self._blocks: list[tuple[int, np.ndarray]] = []
        self._add(data)
        self._pieces = self._blocks.copy()

    def add(self, blocks: Iterable[bytes | memoryview], start: int) -> None:
        """Take in blocks behind all that there are, and let go of what stands before `start`; what stands from there on is
        put together."""
        first, piece = self.chunk_at(start)
        rest = piece[start - first :]
        if first + len(piece) < self.end:
            rest = np.frombuffer(self.rest(start), np.uint8)
        self._blocks.clear()
        self._pieces = [(start, rest)]
        self.start = start
        for block in blocks:
            self._add(block)

    def refill(self, text: JsonText, start: int, most: int, where: str) -> bool:
        """Take in what comes next in the file: so many bytes, or as many as there are from `start` on, so that a long record
        costs linear time. False at the end.

        Raises TooLarge for a record that begins at `start` and is larger than any that is held, and SourceError where the
        bytes end in one that is too large to be parsed; `where` it stands.
        """
        held = self.end - start
        if held > limits.MOST_RECORD:
            raise text.too_large_at(start, self.text(start, start + limits.MOST_RECORD), limits.MOST_RECORD, where)
        blocks = text.more(max(most, min(held, limits.MOST_RECORD + 1 - held)))
        if blocks:
            self.add(blocks, start)
        elif held > limits.MOST_VALUE:
            raise text.ends(self.end)
        return bool(blocks)

    def _add(self, block: bytes | memoryview) -> None:
        self._blocks.append((self.end, np.frombuffer(block, np.uint8)))
        self.end += len(block)

    def chunk_at(self, at: int) -> tuple[int, np.ndarray]:
        """Where the piece begins that is to be read in at that place, and the piece."""
        return self._pieces[bisect_right(self._pieces, at, key=_first) - 1]

    def extend(self, at: int) -> bool:
        """Make a piece with more of what stands at that place, where its piece ends too early; False if there is no more.
        Those made before for what follows are forgotten."""
        place = bisect_right(self._pieces, at, key=_first)
        first, piece = self._pieces[place - 1]
        end, rest = first + len(piece), piece[at - first :]
        if end == self.end:
            return False
        del self._pieces[place - (first == at) :]
        following = bisect_right(self._blocks, end, key=_first) - 1
        start, block = self._blocks[following]
        if start <= at:
            self._pieces.append((start, block))
            return True
        parts, wanted = [rest], max(_BRIDGE, len(rest))
        for start, block in self._blocks[following:]:
            parts.append(block[end - start : end - start + wanted])
            wanted -= len(parts[-1])
            end += len(parts[-1])
            if not wanted:
                break
        self._pieces.append((at, np.concatenate(parts)))
        return True

    def text(self, start: int, end: int) -> bytes:
        """The bytes from one place to another, or to the end."""
        if start >= end:
            return b""
        first, piece = self.chunk_at(start)
        found = piece[start - first : end - first].tobytes()
        if len(found) == end - start:
            return found
        return found + self._beyond(max(start, first + len(piece)), end)

    def rest(self, start: int) -> bytes:
        """All bytes from there on."""
        return self.text(start, self.end)

    def _beyond(self, start: int, end: int) -> bytes:
        blocks = ((first, block) for first, block in self._blocks if first + len(block) > start)
        return b"".join(block[max(0, start - first) : max(0, end - first)].tobytes() for first, block in blocks)


def _first(piece: tuple[int, np.ndarray]) -> int:
    return piece[0]

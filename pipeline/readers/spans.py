"""Byte spans and the numbers they were given: what repeats in a file is looked at once.

What belongs here: a hash table of byte spans in NumPy arrays that compiled code and Python both use. What must not
come in: what a span says.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from pipeline.jit import entry, inner

_K = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_SHIFT = np.uint64(29)
_I0 = np.int64(0)  # a plain 0 has a type of its own, for which a function is compiled once more


@intrinsic
def word(typing, data, at):
    """Eight bytes as one number, in one load: read as bytes and put together they take eight."""

    def load(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(data, types.int64), load


@intrinsic
def byte(typing, data, at):
    """One byte; `data[at]` would ask first whether it counts from the end."""

    def load(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        found = builder.load(builder.gep(array.data, [arguments[1]]))
        return builder.zext(found, ir.IntType(64))

    return types.int64(data, types.int64), load


@inner
def same(data, at, arena, start, size):
    """Whether two runs of bytes are equal."""
    done = 0
    while done + 32 <= size:
        i, j = at + done, start + done
        one = (word(data, i) ^ word(arena, j)) | (word(data, i + 8) ^ word(arena, j + 8))
        if one | (word(data, i + 16) ^ word(arena, j + 16)) | (word(data, i + 24) ^ word(arena, j + 24)):
            return False
        done += 32
    while done + 8 <= size:
        if word(data, at + done) != word(arena, start + done):
            return False
        done += 8
    while done < size:
        if byte(data, at + done) != byte(arena, start + done):
            return False
        done += 1
    return True


@inner
def _hash(data, start, end, seed):
    found = seed ^ (np.uint64(end - start) * _K)
    at = start
    while at + 8 <= end:
        found = (found ^ word(data, at)) * _K
        found ^= found >> _SHIFT
        at += 8
    rest = np.uint64(0)
    while at < end:
        rest = (rest << np.uint64(8)) | np.uint64(byte(data, at))
        at += 1
    found = (found ^ rest) * _K
    return found ^ (found >> _SHIFT)


@inner
def number(data, start, middle, again, end, table):
    """The number of the span `data[start:middle] + data[again:end]`, new when it is; -1 where there is no room.

    Two spans are the same when they are cut at the same place.
    """
    slots, hashes, starts, cuts, arena, count = table
    hashed = _hash(data, again, end, _hash(data, start, middle, np.uint64(0)))
    first, second = middle - start, end - again
    mask = len(slots) - 1
    slot = np.int64(hashed >> np.uint64(20)) & mask
    while True:
        found = np.int64(slots[slot]) - 1
        if found < 0:
            break
        at = starts[found]
        if hashes[found] == hashed and starts[found + 1] - at == first + second and cuts[found] == first:
            if same(data, start, arena, at, first) and same(data, again, arena, at + first, second):
                return found
        slot = (slot + 1) & mask
    found = count[0]
    at = starts[found]
    if 2 * found >= len(slots) or found + 1 >= len(hashes) or at + first + second > len(arena):
        return -1
    for i in range(first):
        arena[at + i] = data[start + i]
    for i in range(second):
        arena[at + first + i] = data[again + i]
    hashes[found], cuts[found] = hashed, first
    starts[found + 1] = at + first + second
    slots[slot] = found + 1
    count[0] = found + 1
    return found


@entry
def _numbered(data, ends, first, table, found):
    """Number spans that stand one behind the other, from one of them on; returns the first that finds no room."""
    for i in range(first, len(ends)):
        found[i] = number(data, ends[i - 1] if i else _I0, ends[i], _I0, _I0, table)
        if found[i] < 0:
            return i
    return len(ends)


@entry
def _slotted(slots, hashes, count):
    mask = len(slots) - 1
    for found in range(count):
        slot = np.int64(hashes[found] >> np.uint64(20)) & mask
        while slots[slot]:
            slot = (slot + 1) & mask
        slots[slot] = found + 1


def _longer(array: np.ndarray, size: int) -> np.ndarray:
    found = np.zeros(size, array.dtype)  # memory that is not written to costs nothing
    found[: len(array)] = array
    return found


class Spans:
    """Distinct byte spans, numbered from 0 as they come; about 30 bytes each beside their own.

    `table` is what `number` takes; it is another one after `grow`.
    """

    def __init__(self, most: int = 1 << 10, size: int = 1 << 15):
        self.table = (
            np.zeros(2 * most, np.int32),
            np.zeros(most, np.uint64),
            np.zeros(most + 1, np.int64),
            np.zeros(most, np.int64),
            np.zeros(size, np.uint8),
            np.zeros(1, np.int64),
        )

    def __len__(self) -> int:
        return int(self.table[5][0])

    @property
    def size(self) -> int:
        """Bytes held."""
        return int(self.table[2][len(self)])

    def full(self, span: int = 0) -> bool:
        """Whether a span of that many bytes might find no room."""
        return 2 * len(self) >= len(self.table[1]) or 2 * (self.size + span) >= len(self.table[4])

    def grow(self, span: int = 0) -> None:
        """Make room for as many again, or for a span of that many bytes."""
        slots, hashes, starts, cuts, arena, count = self.table
        if 2 * len(self) >= len(hashes):
            most = 2 * len(hashes)
            hashes, cuts, starts = _longer(hashes, most), _longer(cuts, most), _longer(starts, most + 1)
            slots = np.zeros(2 * most, np.int32)
            _slotted(slots, hashes, len(self))
        if 2 * (self.size + span) >= len(arena):
            arena = _longer(arena, 2 * len(arena) + 2 * span)
        self.table = (slots, hashes, starts, cuts, arena, count)

    def number(self, span: bytes) -> int:
        """The number of a span."""
        return int(self.numbers([span])[0])

    def numbers(self, spans: list[bytes]) -> np.ndarray:
        """The numbers of spans, at a fraction of the time that each takes alone."""
        data = np.frombuffer(b"".join(spans), np.uint8)
        ends = np.cumsum(np.fromiter(map(len, spans), np.int64, len(spans)))
        found, done = np.empty(len(spans), np.int64), 0
        while (done := int(_numbered(data, ends, done, self.table, found))) < len(spans):
            self.grow(len(spans[done]))
        return found

    def parts(self, found: int) -> tuple[bytes, bytes]:
        """The two parts of a span."""
        _, _, starts, cuts, arena, _ = self.table
        start, end, cut = int(starts[found]), int(starts[found + 1]), int(cuts[found])
        return arena[start : start + cut].tobytes(), arena[start + cut : end].tobytes()

    def span(self, found: int) -> bytes:
        """A span that was numbered whole."""
        return self.parts(found)[0]

    def spans(self, numbers: np.ndarray) -> list[bytes]:
        """Spans that were numbered whole."""
        _, _, starts, _, arena, _ = self.table
        data = memoryview(arena)
        places = zip(starts[numbers].tolist(), starts[numbers + 1].tolist(), strict=True)
        return [bytes(data[start:end]) for start, end in places]

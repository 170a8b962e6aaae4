"""Byte spans and the numbers they were given: what repeats in a file is looked at once.

What belongs here: a hash table of byte spans in NumPy arrays that compiled code and Python both use. What must not
come in: what a span says.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.compiled.jit import address, byte, copy, entry, get, get32, inner, put, put32, word

_K = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_SHIFT = np.uint64(29)
_OF_64 = np.uint64(33)  # bits of a hash that are left out: the others are an int32
_I0 = np.int64(0)  # a plain 0 has a type of its own, for which a function is compiled once more

# The numbers of a table.
COUNT = 0  # spans that there are
MOST = 1  # spans that there is room for: one more than there may be
ROOM = 2  # bytes that there is room for
SLOTS = 3  # address of int32, twice as many as MOST: 1 + number of a span, 0 where there is none
HASHES = 4  # address of int32, by span: its hash
STARTS = 5  # address of int64, by span and one more: where it begins among the bytes
CUTS = 6  # address of int32, by span: how many of its bytes are its first part
ARENA = 7  # address of the bytes
_TABLE = 8


@inner
def same(one, other, size):
    """Whether two runs of bytes are equal."""
    end = one + size
    while one + 32 <= end:
        first = (word(one) ^ word(other)) | (word(one + 8) ^ word(other + 8))
        if first | (word(one + 16) ^ word(other + 16)) | (word(one + 24) ^ word(other + 24)):
            return False
        one += 32
        other += 32
    while one + 8 <= end:
        if word(one) != word(other):
            return False
        one += 8
        other += 8
    while one < end:
        if byte(one) != byte(other):
            return False
        one += 1
        other += 1
    return True


@inner
def _hash(at, end, seed):
    found = seed ^ (np.uint64(end - at) * _K)
    while at + 8 <= end:
        found = (found ^ word(at)) * _K
        found ^= found >> _SHIFT
        at += 8
    rest = np.uint64(0)
    while at < end:
        rest = (rest << np.uint64(8)) | np.uint64(byte(at))
        at += 1
    found = (found ^ rest) * _K
    return found ^ (found >> _SHIFT)


@inner
def number(start, middle, again, end, table):
    """The number of the span from `start` to `middle` and from `again` to `end`, new when it is; -1 where there is no
    room.

    Two spans are the same when they are cut at the same place.
    """
    hashed = np.int64(_hash(again, end, _hash(start, middle, np.uint64(0))) >> _OF_64)
    first, second = middle - start, end - again
    slots, starts, count, most = get(table, SLOTS), get(table, STARTS), get(table, COUNT), get(table, MOST)
    slot = hashed & (2 * most - 1)
    while True:
        found = get32(slots, slot) - 1
        if found < 0:
            break
        if get32(get(table, HASHES), found) == hashed:
            at = get(table, ARENA) + get(starts, found)
            if (
                get(starts, found + 1) - get(starts, found) == first + second
                and get32(get(table, CUTS), found) == first
            ):
                if same(start, at, first) and same(again, at + first, second):
                    return found
        slot = (slot + 1) & (2 * most - 1)
    at = get(starts, count)
    if count + 1 >= most or at + first + second > get(table, ROOM):
        return -1
    copy(get(table, ARENA) + at, start, first)
    copy(get(table, ARENA) + at + first, again, second)
    put32(get(table, HASHES), count, hashed)
    put32(get(table, CUTS), count, first)
    put(starts, count + 1, at + first + second)
    put32(slots, slot, count + 1)
    put(table, COUNT, count + 1)
    return count


@entry
def _numbered(data, ends, first, last, table, found):
    """Number spans that stand one behind the other, from one of them on; returns the first that finds no room."""
    start = data + (get(ends, first - 1) if first else 0)
    for i in range(first, last):
        end = data + get(ends, i)
        place = number(start, end, _I0, _I0, table)
        if place < 0:
            return i
        put(found, i, place)
        start = end
    return last


@entry
def _slotted(table):
    """Fill the slots anew."""
    slots, mask = get(table, SLOTS), 2 * get(table, MOST) - 1
    for found in range(get(table, COUNT)):
        slot = get32(get(table, HASHES), found) & mask
        while get32(slots, slot):
            slot = (slot + 1) & mask
        put32(slots, slot, found + 1)


def _longer(array: np.ndarray, size: int, used: int) -> np.ndarray:
    found = np.zeros(size, array.dtype)  # memory that is not written to costs nothing
    found[:used] = array[:used]
    return found


class ByteInterner:
    """Distinct byte spans, numbered from 0 as they come; some 24 bytes each beside their own.

    `table` is the address of what `number` takes; it stays.
    """

    def __init__(self, most: int = 1 << 10, size: int = 1 << 15):
        self._table = np.zeros(_TABLE, np.int64)
        self.table = address(self._table)
        self._hashes, self._cuts = np.zeros(most, np.int32), np.zeros(most, np.int32)
        self._starts, self._arena = np.zeros(most + 1, np.int64), np.zeros(size, np.uint8)
        self._slots = np.zeros(2 * most, np.int32)
        self._placed()

    def _placed(self) -> None:
        """Say where the arrays lie."""
        arrays = self._slots, self._hashes, self._starts, self._cuts, self._arena
        self._table[MOST:] = len(self._hashes), len(self._arena), *map(address, arrays)

    def __len__(self) -> int:
        return int(self._table[COUNT])

    @property
    def most(self) -> int:
        """How many there may be before it grows."""
        return len(self._hashes)

    @property
    def size(self) -> int:
        """Bytes held."""
        return int(self._starts[len(self)])

    @property
    def starts(self) -> np.ndarray:
        """Where each span begins among the bytes held, and behind the last where it would."""
        return self._starts

    def only_read(self) -> None:
        """Let go of what finds spans: no more of them are numbered."""
        self._hashes, self._slots = np.zeros(1, np.int32), np.zeros(2, np.int32)
        self._placed()

    def full(self, span: int = 0) -> bool:
        """Whether a span of that many bytes might find no room."""
        return 2 * len(self) >= len(self._hashes) or 2 * (self.size + span) >= len(self._arena)

    def grow(self, span: int = 0) -> None:
        """Make room for as many again, or for a span of that many bytes; OverflowError beyond 2 GB of them."""
        if span >= 1 << 31:
            raise OverflowError(f"a span of {span:,} bytes")
        more, count = 2 * len(self) >= len(self._hashes), len(self)
        if more:
            most = 2 * len(self._hashes)
            self._hashes, self._cuts = _longer(self._hashes, most, count), _longer(self._cuts, most, count)
            self._starts, self._slots = _longer(self._starts, most + 1, count + 1), np.zeros(2 * most, np.int32)
        if 2 * (self.size + span) >= len(self._arena):
            self._arena = _longer(self._arena, 2 * len(self._arena) + 2 * span, self.size)
        self._placed()
        if more:
            _slotted(self.table)

    def number(self, span: bytes) -> int:
        """The number of a span."""
        return int(self.numbers([span])[0])

    def numbers(self, spans: list[bytes]) -> np.ndarray:
        """The numbers of spans, at a fraction of the time that each takes alone."""
        return self.numbers_of(pa.array(spans, pa.large_binary()))

    def numbers_of(self, spans: pa.LargeStringArray | pa.LargeBinaryArray) -> np.ndarray:
        """The numbers of spans that are none of them null."""
        count = len(spans)
        _, starts, data = spans.buffers()
        starts = np.frombuffer(starts, np.int64, count + 1, 8 * spans.offset) if count else np.zeros(1, np.int64)
        data, ends = np.frombuffer(data or b"", np.uint8)[starts[0] :], starts[1:] - starts[0]
        found, done = np.empty(count, np.int64), 0
        places = address(data), address(ends)
        while (done := _numbered(*places, done, count, self.table, address(found))) < count:
            self.grow(int(starts[done + 1] - starts[done]))
        return found

    def parts(self, found: int) -> tuple[bytes, bytes]:
        """The two parts of a span."""
        start, end, cut = int(self._starts[found]), int(self._starts[found + 1]), int(self._cuts[found])
        return self._arena[start : start + cut].tobytes(), self._arena[start + cut : end].tobytes()

    def span(self, found: int) -> bytes:
        """A span that was numbered whole."""
        return self.parts(found)[0]

    def spans(self, numbers: np.ndarray) -> list[bytes]:
        """Spans that were numbered whole."""
        data = memoryview(self._arena)
        places = zip(self._starts[numbers].tolist(), self._starts[numbers + 1].tolist(), strict=True)
        return [bytes(data[start:end]) for start, end in places]

    def between(self, first: int, last: int) -> pa.LargeStringArray:
        """The spans from one to before another, numbered whole, as Arrow's array over their bytes: as long as none is numbered.
        That they are text is not looked at."""
        starts, data = self._starts[first : last + 1], pa.py_buffer(self._arena)
        return pa.LargeStringArray.from_buffers(last - first, pa.py_buffer(starts), data)

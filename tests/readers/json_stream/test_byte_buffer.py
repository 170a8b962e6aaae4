"""Bytes at hand in pieces, against the same bytes in one."""

from __future__ import annotations

import random

import pytest

from pipeline.readers.json_stream import byte_buffer
from pipeline.readers.json_stream.byte_buffer import ByteBuffer

LONG = 40


class Blocks:
    """What comes next in a file, in blocks of any size, as a JsonText gives it."""

    def __init__(self, data: bytes, rng: random.Random):
        self.data, self.at, self.rng = data, 0, rng

    def more(self, most: int) -> list[bytes]:
        found = []
        while most > 0 and self.at < len(self.data):
            size = min(most, self.rng.randint(1, LONG))
            found.append(memoryview(self.data)[self.at : self.at + size])
            self.at, most = self.at + len(found[-1]), most - len(found[-1])
        return found


def lines(rng: random.Random) -> list[bytes]:
    """Lines, most of them short, some longer than several blocks."""
    return [bytes(rng.choices(b"abc", k=rng.choice((0, 1, 5, 5 * LONG)))) + b"\n" for _ in range(rng.randint(1, 60))]


@pytest.mark.parametrize("bridge", [1, 8, 1 << 14])
def test_every_line_is_whole_in_some_piece(bridge, monkeypatch):
    """Also after going back to one that was read before."""
    monkeypatch.setattr(byte_buffer, "_BRIDGE", bridge)
    for seed in range(100):
        rng = random.Random(seed)
        offset, wanted = rng.choice((0, 7)), lines(rng)
        data = b"".join(wanted)
        first = rng.randint(0, min(LONG, len(data)))
        coming, held = Blocks(data[first:], rng), ByteBuffer(data[:first], offset)
        starts, found, position, steps = [], [], offset, 0
        while len(found) < len(wanted):
            steps += 1
            start, piece = held.chunk_at(position)
            end = bytes(piece).find(b"\n", position - start) + 1
            if end > 0:
                starts.append(position)
                found.append(bytes(piece[position - start : end]))
                assert held.text(position, start + end) == found[-1]
                position = start + end
                if rng.random() < 0.1:
                    back = rng.choice([n for n, at in enumerate(starts) if at >= held.start])
                    position = starts[back]
                    del starts[back:], found[back:]
            elif not held.extend(position):
                assert held.rest(position) == data[position - offset : first + coming.at]
                assert held.refill(coming, position, rng.randint(1, 3 * LONG), "a line")
        assert found == wanted, seed
        assert steps < 40 * len(wanted), seed


def end_of(piece: tuple) -> int:
    return piece[0] + len(piece[1])


def test_any_part_of_what_is_at_hand_can_be_taken():
    """Wherever it was gone on from: each piece that is made has more of what stands there."""
    rng = random.Random(1)
    data = bytes(rng.choices(b"abcdef", k=300))
    for _ in range(300):
        coming, held = Blocks(data, rng), ByteBuffer(b"", 0)
        held.refill(coming, 0, 150, "a line")
        for _ in range(rng.randint(0, 6)):
            at = rng.randint(0, end_of(held.chunk_at(rng.randint(0, held.end))))
            before = end_of(held.chunk_at(at))
            assert held.extend(at) == (before < held.end)
            assert end_of(held.chunk_at(at)) > before or before == held.end
        start = rng.randint(0, held.end)
        more = rng.random() < 0.5
        while more and (held.extend(start) or held.refill(coming, start, 100, "a line")):
            more = rng.random() < 0.8
        start = rng.randint(start, held.end)
        end = rng.randint(start, held.end)
        assert held.text(start, end) == data[start:end]
        assert held.rest(start) == data[start : held.end]


def test_a_long_record_costs_linear_time():
    """Twice as much is taken in as there was, and a piece that is made for it is twice as long as the one before."""
    data = b"a" * 1_000_000
    coming, held = Blocks(data, random.Random(1)), ByteBuffer(b"", 0)
    made = times = 0
    while held.extend(0) or held.refill(coming, 0, 1, "a line"):
        made += len(held.chunk_at(0)[1])
        times += 1
    assert made < 6 * len(data)
    assert times < 60
    assert bytes(held.chunk_at(0)[1]) == data

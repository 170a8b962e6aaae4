"""MD5 (RFC 1321) of many texts at once, for compiled code: sixteen of them side by side in the lanes of vectors.

What belongs here: the digest of bytes. What must not come in: of which bytes (`naming` says what an id is made of).

hashlib and DuckDB digest one text at a time, and each of the 64 steps of a block waits for the one before it: a fact's id
takes 0.4 us. Lanes do not wait for each other. A block has as many words as there are lanes, so that the first words of all
texts, the second, and so on are found by shuffling vectors in registers.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from pipeline.compiled.jit import get, get32, inner, put, put8, put32

LANES = 16
BLOCK = 4 * LANES  # bytes
# Where things stand in the memory that `digest` works in, in bytes: its state is at the beginning.
SIZES = 4 * 4 * LANES
FOUND = SIZES + 8 * LANES
WORK = FOUND + 2 * 8 * LANES
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SHIFTS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
_SINES = [int(abs(math.sin(i + 1)) * 2**32) for i in range(64)]
_WORD = ((1, 0), (5, 1), (3, 5), (7, 0))  # by round: step i takes word (a * i + b) mod 16
_LANES = ir.VectorType(ir.IntType(32), LANES)


def _mixed(builder: ir.IRBuilder, turn: int, b, c, d):
    """The function of a round: F, G, H and I of the RFC, F and G with one operation less."""
    if turn == 0:
        return builder.xor(d, builder.and_(b, builder.xor(c, d)))
    if turn == 1:
        return builder.xor(c, builder.and_(d, builder.xor(b, c)))
    if turn == 2:
        return builder.xor(builder.xor(b, c), d)
    return builder.xor(c, builder.or_(b, builder.not_(d)))


def _across(builder: ir.IRBuilder, rows: list) -> list:
    """As many vectors as each has numbers: the first has the first number of each of those that are given, and so on."""
    rows, step = list(rows), LANES // 2
    while step:  # change two squares of so many numbers a side with each other, in every square of twice as many
        first = [lane + LANES - step if lane & step else lane for lane in range(LANES)]
        second = [lane + LANES if lane & step else lane + step for lane in range(LANES)]
        for i in range(LANES):
            if not i & step:
                pair = rows[i], rows[i + step]
                rows[i] = builder.shuffle_vector(*pair, ir.Constant(_LANES, first))
                rows[i + step] = builder.shuffle_vector(*pair, ir.Constant(_LANES, second))
        step //= 2
    return rows


@intrinsic
def _compress(typing, state, texts, room):
    """Take one block of each lane into the state: the address of 32-bit numbers, [4][LANES]; the first block's address, and
    how many bytes behind it the next lane's is."""

    def code(context, builder, signature, arguments):
        state, texts, room = arguments
        first = builder.inttoptr(state, _LANES.as_pointer())
        places = [builder.gep(first, [ir.Constant(ir.IntType(32), i)]) for i in range(4)]
        rows = []
        for _ in range(LANES):
            rows.append(builder.load(builder.inttoptr(texts, _LANES.as_pointer()), align=1))
            texts = builder.add(texts, room)
        block = _across(builder, rows)

        def every(number):
            return ir.Constant(_LANES, [number] * LANES)

        before = [builder.load(place, align=4) for place in places]
        a, b, c, d = before
        for step in range(64):
            turn = step // 16
            times, plus = _WORD[turn]
            left = _SHIFTS[turn][step % 4]
            total = builder.add(a, builder.add(block[(times * step + plus) % 16], every(_SINES[step])))
            total = builder.add(total, _mixed(builder, turn, b, c, d))
            turned = builder.or_(builder.shl(total, every(left)), builder.lshr(total, every(32 - left)))
            a, d, c, b = d, c, b, builder.add(b, turned)
        for place, old, new in zip(places, before, (a, b, c, d), strict=True):
            builder.store(builder.add(old, new), place, align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), code


@inner
def blocks_of(size):
    """The blocks of a text of so many bytes, with a bit behind it and its length at the end."""
    return (size + 8) // BLOCK + 1


@inner
def pad(text, size):
    """Write what MD5 puts behind a text; there must be room for the rest of its last block."""
    length = text + blocks_of(size) * BLOCK - 8
    put8(text + size, 0, 0x80)
    for at in range(text + size + 1, length):
        put8(at, 0, 0)
    put(length, 0, 8 * size)


@inner
def _turned(word):
    """Four bytes the other way round."""
    return ((word & 0xFF) << 24) | ((word & 0xFF00) << 8) | ((word >> 8) & 0xFF00) | ((word >> 24) & 0xFF)


@inner
def digest(texts, room, work):
    """Digest LANES padded texts.

    texts  address of the first; each next one is `room` bytes behind the one before it. All that room is read
    work   address of WORK bytes: at SIZES the sizes of the texts (int64), at FOUND afterwards two int64 numbers a text, the
           first and the last eight bytes of its digest as big-endian numbers
    """
    sizes = work + SIZES
    least = most = blocks_of(get(sizes, 0))
    for lane in range(LANES):
        blocks = blocks_of(get(sizes, lane))
        least, most = min(least, blocks), max(most, blocks)
        for i in range(4):
            put32(work, i * LANES + lane, _START[i])
    for block in range(most):
        _compress(work, texts + block * BLOCK, room)
        if block + 1 < least:
            continue
        for lane in range(LANES):
            if blocks_of(get(sizes, lane)) == block + 1:
                for half in range(2):
                    first = _turned(get32(work, 2 * half * LANES + lane))
                    second = _turned(get32(work, (2 * half + 1) * LANES + lane))
                    put(work + FOUND, 2 * lane + half, (first << 32) | second)

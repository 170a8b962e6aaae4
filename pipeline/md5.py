"""MD5 (RFC 1321) of many texts at once, for compiled code: sixteen of them side by side in the lanes of vectors.

What belongs here: the digest of bytes. What must not come in: of which bytes (`naming` says what an id is made of).

hashlib and DuckDB digest one text at a time, and each of the 64 steps of a block waits for the one before it: a fact's id
takes 0.4 us. Lanes do not wait for each other.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from pipeline.jit import get, get32, inner, put, put8, put32

LANES = 16
BLOCK = 64  # bytes
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


@intrinsic
def _compress(typing, state, words):
    """Take one block of each lane into the state; both are addresses of 32-bit numbers, [4][LANES] and [16][LANES]."""

    def code(context, builder, signature, arguments):
        def vectors(at, count):
            first = builder.inttoptr(at, _LANES.as_pointer())
            return [builder.gep(first, [ir.Constant(ir.IntType(32), i)]) for i in range(count)]

        def every(number):
            return ir.Constant(_LANES, [number] * LANES)

        places = vectors(arguments[0], 4)
        block = [builder.load(place, align=4) for place in vectors(arguments[1], 16)]
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

    return types.void(types.int64, types.int64), code


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
def get_word(words, lane, i):
    """Word i, of four bytes, of a lane's text."""
    return get32(words, i * LANES + lane)


@inner
def put_word(words, lane, i, word):
    """Set it."""
    put32(words, i * LANES + lane, word)


@inner
def take(words, lane, text, size):
    """Put a padded text among the words of all lanes."""
    for i in range(blocks_of(size) * (BLOCK // 4)):
        put_word(words, lane, i, get32(text, i))


@inner
def digest(words, work):
    """Digest LANES padded texts.

    words  address of the texts' words: the first of every text, the second of every text, and so on
    work   address of WORK bytes: at SIZES the sizes of the texts (int64), at FOUND afterwards two int64 numbers a text, the
           first and the last eight bytes of its digest as big-endian numbers
    """
    sizes, most = work + SIZES, 0
    for lane in range(LANES):
        most = max(most, blocks_of(get(sizes, lane)))
        for i in range(4):
            put32(work, i * LANES + lane, _START[i])
    for block in range(most):
        _compress(work, words + block * BLOCK * LANES)
        for lane in range(LANES):
            if blocks_of(get(sizes, lane)) == block + 1:
                for half in range(2):
                    first = _turned(get32(work, 2 * half * LANES + lane))
                    second = _turned(get32(work, (2 * half + 1) * LANES + lane))
                    put(work + FOUND, 2 * lane + half, (first << 32) | second)

"""Walking JSON as bytes: where blanks, texts, numbers, objects and lists end.

What belongs here: compiled functions that know JSON and no key of any file. They find ends; only a number is read. What
must not come in: a guess at what is no JSON: it is SHORT where the bytes end too early, and STRANGE where they are not of
regular form.
"""

from __future__ import annotations

import numpy as np

from pipeline.compiled.byte_interner import same
from pipeline.compiled.jit import address, byte, entry, get, inner, put, word

QUOTE, BACKSLASH, COMMA, COLON = 34, 92, 44, 58
OPEN_LIST, CLOSE_LIST, OPEN, CLOSE = 91, 93, 123, 125
MINUS, PLUS, POINT, ZERO, NINE = 45, 43, 46, 48, 57

# What a byte is to `closing` and `seek`: 0 nothing, 1 a quote, 2 what opens, 3 what closes, 4 a comma.
CLASSES = np.zeros(256, np.uint8)
CLASSES[[QUOTE, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST, COMMA]] = 1, 2, 2, 3, 3, 4
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKSLASHES = np.uint64(QUOTE) * _ONES, np.uint64(BACKSLASH) * _ONES

SHORT, STRANGE = -1, -2
DIGITS = 18  # of a mantissa that an int64 holds
# What `number_end` fills in, two int64 numbers.
FOUND_MANTISSA = 0  # without the point, negative behind a minus
FOUND_DECIMALS = 1  # behind the point
# Rows of `unclosed`, of int64.
OPEN_START, OPEN_TEXT, OPEN_COMMAS, OPEN_WIDTH = 0, 1, 2, 3
_DEEPEST = 32
# A plain 0 or 1 has a type of its own, for which Numba would compile a function once more.
I0, I1 = np.int64(0), np.int64(1)


@inner
def blank(at, end):
    """Behind blanks."""
    while at < end and (byte(at) == 32 or byte(at) == 10 or byte(at) == 13 or byte(at) == 9):
        at += 1
    return at


@inner
def text_end(at, end):
    """The end of a text, from behind its opening quote."""
    while at < end:
        while at + 8 <= end:  # eight bytes at a time, as long as none of them is a quote or a backslash
            eight = word(at)
            quotes, backslashes = eight ^ _QUOTES, eight ^ _BACKSLASHES
            if (((quotes - _ONES) & ~quotes) | ((backslashes - _ONES) & ~backslashes)) & _HIGHS:
                break
            at += 8
        if at >= end:
            break
        here = byte(at)
        if here == QUOTE:
            return at + 1
        at += 2 if here == BACKSLASH else 1
    return SHORT


@inner
def value(key, end):
    """Where the value of a key begins, from behind the key; SHORT, or STRANGE where no colon follows."""
    at = blank(key, end)
    if at < end and byte(at) != COLON:
        return STRANGE
    at = blank(at + 1, end)
    return at if at < end else SHORT


@inner
def digits(at, end):
    """Behind digits."""
    while at < end and ZERO <= byte(at) <= NINE:
        at += 1
    return at


@inner
def number_end(start, end, found):
    """The end of a number; its mantissa and decimals in `found`, or 0 and -1 where it takes more than an int64."""
    at = start + (byte(start) == MINUS)
    first = at
    at = digits(at, end)
    if at == first and at < end:
        return STRANGE
    if at > first + 1 and byte(first) == ZERO:
        return STRANGE
    whole = at
    if at < end and byte(at) == POINT:
        at = digits(at + 1, end)
        if at == whole + 1 and at < end:
            return STRANGE
    plain = True
    last = at
    if at < end and (byte(at) == 101 or byte(at) == 69):
        plain = False
        at += 1
        if at < end and (byte(at) == PLUS or byte(at) == MINUS):
            at += 1
        last = at
        at = digits(at, end)
        if at == last and at < end:
            return STRANGE
    if at >= end:
        return SHORT
    mantissa, decimals = 0, -1
    if plain and at - first <= DIGITS:
        for i in range(first, at):
            if byte(i) != POINT:
                mantissa = 10 * mantissa + (byte(i) - ZERO)
        if byte(start) == MINUS:
            mantissa = -mantissa
        decimals = at - whole - 1 if at > whole else 0
    put(found, FOUND_MANTISSA, mantissa)
    put(found, FOUND_DECIMALS, decimals)
    return at


@inner
def closing(at, end, letters, depth):
    """Behind the bracket that closes as many levels."""
    while at < end:
        kind = byte(letters + byte(at))
        at += 1
        if kind == 1:
            at = text_end(at, end)
            if at < 0:
                return SHORT
        elif kind == 2:
            depth += 1
        elif kind == 3:
            depth -= 1
            if depth == 0:
                return at
    return SHORT


@inner
def seek(at, end, letters, name, size):
    """Where the value of a key begins, from behind the `{` of its object; STRANGE where the object ends without."""
    depth, key = 1, True
    while at < end:
        kind = byte(letters + byte(at))
        at += 1
        if kind == 1:
            start = at - 1
            at = text_end(at, end)
            if at < 0:
                return SHORT
            if key and depth == 1:
                key = False
                if at - start == size and same(start, letters + name, size):
                    at = blank(at, end)
                    if at < end and byte(at) != COLON:
                        return STRANGE
                    at = blank(at + 1, end)
                    return at if at < end else SHORT
        elif kind == 2:
            depth += 1
        elif kind == 3:
            depth -= 1
            if depth == 0:
                return STRANGE
        elif kind == 4 and depth == 1:
            key = True
    return SHORT


@inner
def plain(at, end):
    """Whether a text is written as it is, with no blank around it: from behind its quote up to the other."""
    for i in range(at, end):
        if byte(i) == BACKSLASH or byte(i) >= 127 or byte(i) < 32:
            return False
    return not (byte(at) == 32 or byte(end - 1) == 32)


@inner
def pointed(at, end):
    """Whether a number, or a text, ends in a point and zeros: it may be a whole number."""
    last = end - 1
    while last > at and byte(last) == ZERO:
        last -= 1
    return last > at and last < end - 1 and byte(last) == POINT


@inner
def exponent(at, end):
    """Whether a number has an exponent."""
    while at < end and byte(at) != 101 and byte(at) != 69:
        at += 1
    return at < end


@entry
def _extent(at, end, letters):
    return closing(at, end, letters, I0)


@entry
def _unclosed(at, end, letters, rows, most):
    """As `unclosed`; how many levels are open."""
    depth = 0
    while at < end:
        kind = byte(letters + byte(at))
        here = at
        at += 1
        row = rows + 8 * OPEN_WIDTH * (depth - 1)
        if kind == 1:
            if depth > 0 and get(row, OPEN_TEXT) < 0:
                put(row, OPEN_TEXT, here)
            at = text_end(at, end)
            if at < 0:
                break
        elif kind == 2:
            if depth == most:
                break
            depth += 1
            row += 8 * OPEN_WIDTH
            put(row, OPEN_START, here)
            put(row, OPEN_TEXT, -1)
            put(row, OPEN_COMMAS, 0)
        elif kind == 3:
            if depth == 0:
                break
            depth -= 1
        elif kind == 4 and depth > 0:
            put(row, OPEN_TEXT, -1)
            put(row, OPEN_COMMAS, get(row, OPEN_COMMAS) + 1)
    return depth


def unclosed(data: np.ndarray) -> np.ndarray:
    """The objects and lists that are open where the bytes end, from the outermost on, _DEEPEST at most: rows of where one
    begins, where the first text behind its last comma begins (-1 for none), and its commas."""
    start, rows = address(data), np.zeros((_DEEPEST, OPEN_WIDTH), np.int64)
    found = rows[: _unclosed(start, start + len(data), address(CLASSES), address(rows), np.int64(_DEEPEST))]
    found[:, OPEN_START] -= start
    found[:, OPEN_TEXT] -= np.where(found[:, OPEN_TEXT] < 0, 0, start)
    return found


def extent(data: np.ndarray, at: int, end: int) -> int:
    """Behind the object or list that begins there; negative where the bytes end before."""
    start = address(data)
    found = _extent(start + at, start + end, address(CLASSES))
    return found - start if found > 0 else found

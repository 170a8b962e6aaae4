"""Walking the bytes of in_network[] as fast as they come: where things stand, and which of them were seen before.

What belongs here: the compiled pass over items, rate objects, prices and references of regular form. It reads the
number of a rate and the token of a reference; of all else it only finds the ends, and numbers the distinct spans,
for Python to read each of them once. Whatever is not of regular form it leaves at its beginning (ODD, BROKEN).
What must not come in: what a field says (`in_network_fields`), a guess at what is no JSON.

The price `{"a": 1, "negotiated_rate": 12.5, "b": 2}` is a rate between `{"a": 1, "negotiated_rate": ` and
`, "b": 2}`: a *tail*, of which a file has few. Where a tail is JSON with any number in the gap, the price is JSON.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import entry, inner
from pipeline.readers.spans import byte, number, same, word

# Where the cursor stands.
FIRST_ITEM, ITEM, AFTER_ITEM, FIRST_OBJECT, OBJECT, AFTER_OBJECT, SUFFIX = range(7)
# Why the pass came to a stop.
MORE, ODD, BROKEN, FULL, NO_ROOM, END = range(6)
# The cursor's array.
POSITION, LIMIT, MODE, ITEMS, OBJECTS, PRICES, OWNERS, MODEL, MODEL_PRICES = range(9)

_QUOTE, _BACKSLASH, _COMMA, _COLON = 34, 92, 44, 58
_OPEN_LIST, _CLOSE_LIST, _OPEN, _CLOSE = 91, 93, 123, 125
_MINUS, _PLUS, _POINT, _ZERO, _NINE = 45, 43, 46, 48, 57

_RATE = np.frombuffer(b'"negotiated_rate"', np.uint8)
_RATES = np.frombuffer(b'"negotiated_rates"', np.uint8)
_KEYS = np.frombuffer(b'"negotiated_prices""provider_references""provider_groups"', np.uint8)

# What a byte is to the walk: 0 nothing, 1 a quote, 2 what opens, 3 what closes, 4 a comma.
_CLASS = np.zeros(256, np.uint8)
_CLASS[[_QUOTE, _OPEN, _OPEN_LIST, _CLOSE, _CLOSE_LIST, _COMMA]] = 1, 2, 2, 3, 3, 4
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKSLASHES = np.uint64(_QUOTE) * _ONES, np.uint64(_BACKSLASH) * _ONES

_SHORT = -1  # the bytes end too early
_STRANGE = -2  # not of regular form
_DIGITS = 18  # of a mantissa that an int64 holds
# A plain 0 or 1 has a type of its own, for which Numba would compile a function once more.
_I0, _I1 = np.int64(0), np.int64(1)


@inner
def _blank(data, at, end):
    while at < end and (byte(data, at) == 32 or byte(data, at) == 10 or byte(data, at) == 13 or byte(data, at) == 9):
        at += 1
    return at


@inner
def _text(data, at, end):
    """The end of a text, from behind its opening quote."""
    while at < end:
        while at + 8 <= end:  # eight bytes at a time, as long as none of them is a quote or a backslash
            eight = word(data, at)
            quotes, backslashes = eight ^ _QUOTES, eight ^ _BACKSLASHES
            if (((quotes - _ONES) & ~quotes) | ((backslashes - _ONES) & ~backslashes)) & _HIGHS:
                break
            at += 8
        if at >= end:
            break
        here = byte(data, at)
        if here == _QUOTE:
            return at + 1
        at += 2 if here == _BACKSLASH else 1
    return _SHORT


@inner
def _is(data, start, end, name):
    return end - start == len(name) and same(data, start, name, _I0, len(name))


@inner
def _digits(data, at, end):
    while at < end and _ZERO <= byte(data, at) <= _NINE:
        at += 1
    return at


@inner
def _number(data, start, end, found):
    """The end of a number; found = (mantissa, decimals), or (0, -1) where it takes more than an int64."""
    at = start + (byte(data, start) == _MINUS)
    first = at
    at = _digits(data, at, end)
    if at == first and at < end:
        return _STRANGE
    if at > first + 1 and byte(data, first) == _ZERO:
        return _STRANGE
    whole = at
    if at < end and byte(data, at) == _POINT:
        at = _digits(data, at + 1, end)
        if at == whole + 1 and at < end:
            return _STRANGE
    plain = True
    last = at
    if at < end and (byte(data, at) == 101 or byte(data, at) == 69):
        plain = False
        at += 1
        if at < end and (byte(data, at) == _PLUS or byte(data, at) == _MINUS):
            at += 1
        last = at
        at = _digits(data, at, end)
        if at == last and at < end:
            return _STRANGE
    if at >= end:
        return _SHORT
    found[0], found[1] = 0, -1
    if plain and at - first <= _DIGITS:
        mantissa = 0
        for i in range(first, at):
            if byte(data, i) != _POINT:
                mantissa = 10 * mantissa + (np.int64(byte(data, i)) - _ZERO)
        found[0] = -mantissa if byte(data, start) == _MINUS else mantissa
        found[1] = at - whole - 1 if at > whole else 0
    return at


@inner
def _close(data, at, end, depth):
    """Behind the bracket that closes as many levels."""
    while at < end:
        kind = _CLASS[byte(data, at)]
        at += 1
        if kind == 1:
            at = _text(data, at, end)
            if at < 0:
                return _SHORT
        elif kind == 2:
            depth += 1
        elif kind == 3:
            depth -= 1
            if depth == 0:
                return at
    return _SHORT


@inner
def _seek(data, at, end, name):
    """Where the value of a key begins, from behind the `{` of its object; _STRANGE where the object ends without."""
    depth, key = 1, True
    while at < end:
        kind = _CLASS[byte(data, at)]
        at += 1
        if kind == 1:
            start = at - 1
            at = _text(data, at, end)
            if at < 0:
                return _SHORT
            if key and depth == 1:
                key = False
                if _is(data, start, at, name):
                    at = _blank(data, at, end)
                    if at < end and byte(data, at) != _COLON:
                        return _STRANGE
                    at = _blank(data, at + 1, end)
                    return at if at < end else _SHORT
        elif kind == 2:
            depth += 1
        elif kind == 3:
            depth -= 1
            if depth == 0:
                return _STRANGE
        elif kind == 4 and depth == 1:
            key = True
    return _SHORT


@inner
def _price(data, start, end, tails, guess, found):
    """The end of a price; found = (mantissa, decimals, tail, where its number stands, and ends)."""
    _, _, starts, cuts, arena, _ = tails
    if guess >= 0:
        at, cut = starts[guess], cuts[guess]
        rest = starts[guess + 1] - at - cut
        if start + cut < end and same(data, start, arena, at, cut):
            behind = _number(data, start + cut, end, found)
            if behind > 0 and behind + rest <= end and same(data, behind, arena, at + cut, rest):
                found[2], found[3], found[4] = guess, start + cut, behind
                return behind + rest
    value = _seek(data, start + 1, end, _RATE)
    if value < 0:
        return value
    behind = _number(data, value, end, found)
    if behind < 0:
        return behind
    close = _close(data, behind, end, _I1)
    if close < 0:
        return close
    found[2], found[3], found[4] = number(data, start, value, behind, close, tails), value, behind
    return close


@inner
def _slot(key, slots):
    """Where a reference is looked for: ids that follow one another stand side by side, and stay in the nearest cache."""
    return ((key >> 5) ^ (key >> 25) ^ ((key & 31) << 12)) & (slots - 1)


@inner
def _known(data, at, end, seen, owners, owner, scratch):
    """Go on through a list of references that are numbers and were seen lately, adding their numbers behind `owner`.

    Returns where it stands; scratch[0] = whether a reference belongs there, scratch[1] = owners by then.
    """
    scratch[0] = 1
    while at < end:
        first = at
        value = decimals = 0
        while at < end and _ZERO <= byte(data, at) <= _NINE:
            value = 10 * value + (np.int64(byte(data, at)) - _ZERO)
            at += 1
        whole = at - first
        if at < end and byte(data, at) == _POINT:
            at += 1
            while at < end and _ZERO <= byte(data, at) <= _NINE:
                value = 10 * value + (np.int64(byte(data, at)) - _ZERO)
                at += 1
            decimals = at - first - whole - 1
            whole = 0 if decimals == 0 else whole
        behind = at
        at = _blank(data, at, end)
        wrong = whole == 0 or behind - first >= _DIGITS or (whole > 1 and byte(data, first) == _ZERO)
        if (
            wrong
            or at >= end
            or not (byte(data, at) == _COMMA or byte(data, at) == _CLOSE_LIST)
            or owner == len(owners)
        ):
            at = first
            break
        key = 32 * value + decimals
        slot = _slot(key, len(seen))
        if seen[slot, 0] != key:
            at = first
            break
        owners[owner] = seen[slot, 1]
        owner += 1
        if byte(data, at) == _CLOSE_LIST:
            scratch[0] = 0
            break
        at = _blank(data, at + 1, end)
    scratch[1] = owner
    return at


@inner
def _reference(data, at, end, references, seen, scratch):
    """The end of a reference's token; scratch[0] = its number."""
    if byte(data, at) == _QUOTE:
        close = _text(data, at + 1, end)
        if close < 0:
            return close
        for i in range(at + 1, close - 1):
            if byte(data, i) == _BACKSLASH or byte(data, i) >= 127 or byte(data, i) < 32:
                return _STRANGE
        if byte(data, at + 1) == 32 or byte(data, close - 2) == 32:
            return _STRANGE
        scratch[0] = number(data, at + 1, close - 1, _I0, _I0, references)
        return close
    close = _number(data, at, end, scratch)
    if close > 0:
        key, size = 32 * scratch[0] + scratch[1], close - at
        plain = byte(data, at) != _MINUS and scratch[1] >= 0 and size < _DIGITS
        scratch[0] = number(data, at, close, _I0, _I0, references)
        if plain and scratch[0] >= 0:
            slot = _slot(key, len(seen))
            seen[slot, 0], seen[slot, 1] = key, scratch[0]
    return close


@inner
def _object(data, start, end, cursor, tables, out):
    """The end of a rate object, whose prices and owners are added behind those there; or why there is none."""
    tails, follow, bad_tails, references, seen, groups, bad_groups = tables
    _, objects, prices, owners = out
    price, owner, inline = cursor[PRICES], cursor[OWNERS], -1
    scratch = np.empty(5, np.int64)
    first, model, modelled = price, cursor[MODEL], cursor[MODEL_PRICES]
    keys, last, surprised = 0, 0, False
    at = start + 1
    while True:
        at = _blank(data, at, end)
        if at >= end:
            return _SHORT
        if byte(data, at) != _QUOTE:
            return _STRANGE
        key = at
        at = _text(data, at + 1, end)
        if at < 0:
            return _SHORT
        which, name = 0, _I0
        if at - key == 19:
            which = 1
        elif at - key == 21:
            which, name = 2, 19
        elif at - key == 17:
            which, name = 4, 40
        if which and not same(data, key, _KEYS, name, at - key):
            which = 0
        if which == 0 or keys & which:
            return _STRANGE
        keys |= which
        at = _blank(data, at, end)
        if at < end and byte(data, at) != _COLON:
            return _STRANGE
        at = _blank(data, at + 1, end)
        if at >= end:
            return _SHORT
        if byte(data, at) != _OPEN_LIST:
            return _STRANGE
        opened = at
        at = _blank(data, at + 1, end)
        if at >= end:
            return _SHORT
        if byte(data, at) == _CLOSE_LIST:
            at += 1
        elif which == 4:
            at = _close(data, at, end, _I1)
            if at < 0:
                return _SHORT
            inline = number(data, opened, at, _I0, _I0, groups)
            if inline < 0:
                return -3 - NO_ROOM
            if bad_groups[inline]:
                return _STRANGE
        else:
            while True:
                if which == 1:
                    if byte(data, at) != _OPEN:
                        return _STRANGE
                    # Rate objects mostly list the same prices in the same order, or the first of them, with other rates.
                    place, guess = price - first, np.int64(-1)
                    if place < modelled:
                        guess = prices[model + place, 0]
                    elif place > 0:
                        guess = follow[last]
                    at = _price(data, at, end, tails, guess, scratch)
                    if at < 0:
                        return at
                    if scratch[2] < 0:
                        return -3 - NO_ROOM
                    if place > 0:
                        follow[last] = scratch[2]
                    last = scratch[2]
                    surprised |= last != guess
                    if bad_tails[last]:
                        return _STRANGE
                    if price == len(prices):
                        return -3 - FULL
                    prices[price, 0], prices[price, 1], prices[price, 2] = last, scratch[0], scratch[1]
                    if scratch[1] < 0:
                        prices[price, 1], prices[price, 2] = scratch[3], scratch[3] - scratch[4]
                    price += 1
                else:
                    at = _known(data, at, end, seen, owners, owner, scratch)
                    owner = scratch[1]
                    if scratch[0]:
                        if at >= end:
                            return _SHORT
                        at = _reference(data, at, end, references, seen, scratch)
                        if at < 0:
                            return at
                        if scratch[0] < 0:
                            return -3 - NO_ROOM
                        if owner == len(owners):
                            return -3 - FULL
                        owners[owner] = scratch[0]
                        owner += 1
                at = _blank(data, at, end)
                if at >= end:
                    return _SHORT
                if byte(data, at) == _CLOSE_LIST:
                    at += 1
                    break
                if byte(data, at) != _COMMA:
                    return _STRANGE
                at = _blank(data, at + 1, end)
                if at >= end:
                    return _SHORT
        at = _blank(data, at, end)
        if at >= end:
            return _SHORT
        if byte(data, at) == _CLOSE:
            break
        if byte(data, at) != _COMMA:
            return _STRANGE
        at += 1
    if inline >= 0:
        if owner == len(owners):
            return -3 - FULL
        owners[owner] = -1 - inline
        owner += 1
    row = cursor[OBJECTS]
    objects[row, 0], objects[row, 1], objects[row, 2], objects[row, 3] = start, at + 1, price, owner
    cursor[PRICES], cursor[OWNERS] = price, owner
    if surprised or price - first >= modelled:
        cursor[MODEL], cursor[MODEL_PRICES] = first, price - first
    return at + 1


@entry
def scan(data, cursor, tables, out):
    """Go on from the cursor through whole rate objects, as far as they are regular; returns why it came to a stop.

    `out` is filled from its beginning: items (start, behind the `[` of negotiated_rates, behind its `]`, end, objects
    up to here; -1 for what is not in these bytes), objects (start, end, prices and owners up to here), prices (tail,
    mantissa, decimals; or tail, where the number stands, minus its length), owners (number of a reference, or
    -1 - number of an in-line list). The first item is the one that the cursor stands in, if it stands in one.
    """
    items, objects = out[0], out[1]
    end, mode = cursor[LIMIT], cursor[MODE]
    cursor[ITEMS] = cursor[OBJECTS] = cursor[PRICES] = cursor[OWNERS] = 0
    cursor[MODEL] = cursor[MODEL_PRICES] = 0  # the rate object whose prices the next ones are held against
    if mode >= FIRST_OBJECT:
        items[0, 0] = items[0, 1] = items[0, 2] = items[0, 3] = -1
        items[0, 4] = 0
        cursor[ITEMS] = 1
    status = MORE
    while True:
        at = _blank(data, cursor[POSITION], end)
        if at >= end:
            break
        here = byte(data, at)
        if mode == FIRST_ITEM or mode == FIRST_OBJECT:
            if here != _CLOSE_LIST:
                mode += 1
                cursor[POSITION] = at
                continue
        elif mode == AFTER_ITEM or mode == AFTER_OBJECT:
            if here == _COMMA:
                mode -= 1
                cursor[POSITION] = at + 1
                continue
            if here != _CLOSE_LIST:
                cursor[POSITION] = at
                status = BROKEN
                break
        elif mode == ITEM:
            if here != _OPEN:
                cursor[POSITION] = at
                status = ODD
                break
            if cursor[ITEMS] == len(items):
                status = FULL
                break
            behind = _seek(data, at + 1, end, _RATES)
            if behind == _STRANGE or (behind >= 0 and byte(data, behind) != _OPEN_LIST):
                cursor[POSITION] = at
                status = ODD
                break
            if behind < 0:
                break
            item = cursor[ITEMS]
            items[item, 0], items[item, 1], items[item, 2], items[item, 3] = at, behind + 1, -1, -1
            items[item, 4] = cursor[OBJECTS]
            cursor[ITEMS] += 1
            cursor[POSITION] = behind + 1
            mode = FIRST_OBJECT
            continue
        elif mode == OBJECT:
            if here != _OPEN:
                cursor[POSITION] = at
                status = ODD
                break
            if cursor[OBJECTS] == len(objects):
                status = FULL
                break
            behind = _object(data, at, end, cursor, tables, out)
            if behind < 0:
                if behind == _STRANGE:
                    cursor[POSITION] = at
                    status = ODD
                elif behind != _SHORT:
                    status = -3 - behind
                break
            cursor[OBJECTS] += 1
            cursor[POSITION] = behind
            mode = AFTER_OBJECT
            items[cursor[ITEMS] - 1, 4] = cursor[OBJECTS]
            continue
        else:  # SUFFIX: what stands behind negotiated_rates in its item
            behind = _close(data, cursor[POSITION], end, _I1)
            if behind < 0:
                break
            item = cursor[ITEMS] - 1
            items[item, 2], items[item, 3] = cursor[POSITION], behind
            cursor[POSITION] = behind
            mode = AFTER_ITEM
            continue
        # A list is closed.
        cursor[POSITION] = at + 1
        if mode <= AFTER_ITEM:
            status = END
            break
        mode = SUFFIX
    cursor[MODE] = mode
    return status


@entry
def extent(data, at, end):
    """Behind the object or list that begins there; negative where the bytes end before."""
    return _close(data, at, end, _I0)

"""The compiled scan of in_network[]: it finds where prices and references are, and which of them were seen before.

What belongs here: the compiled pass over items, rate objects, prices and references of regular form. It reads the
number of a rate and the token of a reference; of all else it only finds the ends, and numbers the distinct spans,
for Python to read each of them once. Whatever is not of regular form it leaves at its beginning (FALLBACK, BROKEN).
What must not come in: what a field says (`mrf_fields`), a guess at what is no JSON.

The price `{"a": 1, "negotiated_rate": 12.5, "b": 2}` is a rate between `{"a": 1, "negotiated_rate": ` and
`, "b": 2}`: a *tail*, of which a file has few. Where a tail is JSON with any number in the gap, the price is JSON.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.compiled.byte_interner import ARENA, CUTS, STARTS, number, same
from pipeline.compiled.jit import address, byte, entry, get, get32, inner, put, put32, trailing_zeros, word
from pipeline.readers.in_network.scan import slots
from pipeline.readers.json_stream.byte_buffer import ByteBuffer
from pipeline.readers.json_stream.values import (
    CLASSES,
    CLOSE,
    CLOSE_LIST,
    COMMA,
    DIGITS,
    I0,
    I1,
    MINUS,
    NINE,
    OPEN,
    OPEN_LIST,
    POINT,
    QUOTE,
    SHORT,
    STRANGE,
    ZERO,
    blank,
    closing,
    exponent,
    number_end,
    plain,
    pointed,
    seek,
    text_end,
    value,
)

# Behind the classes of bytes, the keys.
_KEYS = b'"negotiated_prices""provider_references""provider_groups""negotiated_rates""negotiated_rate"'
_TABLE = np.concatenate((CLASSES, np.frombuffer(_KEYS, np.uint8)))
_KEY_PRICES, _KEY_REFERENCES, _KEY_GROUPS, _KEY_RATES, _KEY_RATE = map(np.int64, (256, 275, 296, 313, 331))
_I17, _I18 = map(np.int64, (17, 18))
# Eight digits at a time (Lemire 2018, "Quickly parsing eight digits").
_ZEROS, _TO_HIGH, _HIGH, _EVEN = map(
    np.uint64, (0x3030303030303030, 0x7676767676767676, 0x8080808080808080, 0x000000FF000000FF)
)
_TEN, _MILLIONS, _TEN_THOUSANDS = map(np.uint64, (10, 0x000F424000000064, 0x0000271000000001))
_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES = map(np.uint64, (8, 16, 32))


@inner
def _price(start, end, cursor, guess):
    """The end of a price; in the cursor its mantissa, decimals and tail, and where its number stands, and ends."""
    tails, letters = get(cursor, slots.TAILS), get(cursor, slots.ITEM_LETTERS)
    if guess >= 0:
        starts, cut = get(tails, STARTS), get32(get(tails, CUTS), guess)
        at = get(tails, ARENA) + get(starts, guess)
        rest = get(starts, guess + 1) - get(starts, guess) - cut
        if start + cut < end and same(start, at, cut):
            behind = number_end(start + cut, end, cursor + 8 * slots.MANTISSA)
            if behind > 0 and behind + rest <= end and same(behind, at + cut, rest):
                put(cursor, slots.TAIL, guess)
                put(cursor, slots.RATE, start + cut)
                put(cursor, slots.BEHIND_RATE, behind)
                return behind + rest
    value = seek(start + 1, end, letters, _KEY_RATE, _I17)
    if value < 0:
        return value
    behind = number_end(value, end, cursor + 8 * slots.MANTISSA)
    if behind < 0:
        return behind
    close = closing(behind, end, letters, I1)
    if close < 0:
        return close
    put(cursor, slots.TAIL, number(start, value, behind, close, tails))
    put(cursor, slots.RATE, value)
    put(cursor, slots.BEHIND_RATE, behind)
    return close


@inner
def _slot(key, rows):
    """Where a reference is looked for: ids that follow one another stand side by side, and stay in the nearest cache."""
    return ((key >> 5) ^ (key >> 25) ^ ((key & 31) << 12)) & (rows - 1)


@inner
def _digits(at):
    """How many of eight bytes are digits, from the first of them on."""
    over = word(at) ^ _ZEROS  # below 10 where there is a digit
    return trailing_zeros(((over + _TO_HIGH) | over) & _HIGH) >> 3


@inner
def _number(at, count):
    """The number that so many digits are, 1 to 8 of them: pairs at first, then fours, then all."""
    found = (word(at) ^ _ZEROS) << np.uint64(64 - 8 * count)
    found = found * _TEN + (found >> _ONE_BYTE)
    low, high = (found & _EVEN) * _MILLIONS, ((found >> _TWO_BYTES) & _EVEN) * _TEN_THOUSANDS
    return np.int64((low + high) >> _FOUR_BYTES)


@inner
def _known(at, end, cursor, owner):
    """Go on through a list of references that are numbers and were seen lately, adding their numbers behind `owner`.

    Returns where it stands, behind the list if that ends; in the cursor whether it does, and the owners by then.
    """
    seen, rows, owners, most = (
        get(cursor, slots.SEEN),
        get(cursor, slots.SEEN_ROWS),
        get(cursor, slots.OWNER_ROWS),
        get(cursor, slots.MOST_OWNERS),
    )
    ended = 0
    while at < end:
        first = at
        value = decimals = 0
        if at + 8 <= end:
            count = _digits(at)
            if 0 < count < 8:
                value = _number(at, count)
                at += count
        while at < end and ZERO <= byte(at) <= NINE:
            value = 10 * value + (byte(at) - ZERO)
            at += 1
        whole = at - first
        if at < end and byte(at) == POINT:
            at += 1
            while at < end and ZERO <= byte(at) <= NINE:
                value = 10 * value + (byte(at) - ZERO)
                at += 1
            decimals = at - first - whole - 1
            whole = 0 if decimals == 0 else whole
        behind = at
        at = blank(at, end)
        wrong = whole == 0 or behind - first >= DIGITS or (whole > 1 and byte(first) == ZERO)
        if wrong or at >= end or not (byte(at) == COMMA or byte(at) == CLOSE_LIST) or owner == most:
            at = first
            break
        key = 32 * value + decimals
        slot = slots.SEEN_WIDTH * _slot(key, rows)
        if get(seen, slot + slots.SEEN_KEY) != key:
            at = first
            break
        put32(owners, owner, get(seen, slot + slots.SEEN_NUMBER))
        owner += 1
        if byte(at) == CLOSE_LIST:
            ended = 1
            break
        at = blank(at + 1, end)
    put(cursor, slots.ENDED, ended)
    put(cursor, slots.OWNER, owner)
    return at


@inner
def _reference(at, end, cursor):
    """The end of a reference's token; OWNER of the cursor = its number."""
    references = get(cursor, slots.REFERENCES)
    if byte(at) == QUOTE:
        close = text_end(at + 1, end)
        if close < 0:
            return close
        if not plain(at + 1, close - 1) or pointed(at + 1, close - 1):
            return STRANGE
        put(cursor, slots.OWNER, number(at + 1, close - 1, I0, I0, references))
        return close
    close = number_end(at, end, cursor + 8 * slots.MANTISSA)
    if close > 0:
        if pointed(at, close) or (get(cursor, slots.DECIMALS) < 0 and exponent(at, close)):
            return STRANGE
        found = number(at, close, I0, I0, references)
        put(cursor, slots.OWNER, found)
        if byte(at) != MINUS and get(cursor, slots.DECIMALS) >= 0 and close - at < DIGITS and found >= 0:
            key = 32 * get(cursor, slots.MANTISSA) + get(cursor, slots.DECIMALS)
            slot = get(cursor, slots.SEEN) + 8 * slots.SEEN_WIDTH * _slot(key, get(cursor, slots.SEEN_ROWS))
            put(slot, slots.SEEN_KEY, key)
            put(slot, slots.SEEN_NUMBER, found)
    return close


@inner
def _object(start, end, cursor):
    """The end of a rate object, whose prices and owners are added behind those there; or why there is none."""
    prices, owners, follow = get(cursor, slots.PRICE_ROWS), get(cursor, slots.OWNER_ROWS), get(cursor, slots.FOLLOW)
    price, owner, inline = get(cursor, slots.PRICES), get(cursor, slots.OWNERS), -1
    first, model, modelled = price, get(cursor, slots.MODEL), get(cursor, slots.MODEL_PRICES)
    keys, last, surprised = 0, 0, False
    at = start + 1
    while True:
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) != QUOTE:
            return STRANGE
        key = at
        at = text_end(at + 1, end)
        if at < 0:
            return SHORT
        which, name = 0, 0
        if at - key == 19:
            which, name = 1, _KEY_PRICES
        elif at - key == 21:
            which, name = 2, _KEY_REFERENCES
        elif at - key == 17:
            which, name = 4, _KEY_GROUPS
        if which == 0 or keys & which or not same(key, get(cursor, slots.ITEM_LETTERS) + name, at - key):
            return STRANGE
        keys |= which
        at = value(at, end)
        if at < 0:
            return at
        if byte(at) != OPEN_LIST:
            return STRANGE
        opened = at
        at = blank(at + 1, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE_LIST:
            at += 1
        elif which == 4:
            at = closing(at, end, get(cursor, slots.ITEM_LETTERS), I1)
            if at < 0:
                return SHORT
            inline = number(opened, at, I0, I0, get(cursor, slots.LISTS))
            if inline < 0:
                return slots.STOPPED - slots.NO_ROOM
            if byte(get(cursor, slots.BAD_LISTS) + inline):
                return STRANGE
        else:
            while True:
                if which == 1:
                    if byte(at) != OPEN:
                        return STRANGE
                    # Rate objects mostly list the same prices in the same order, or the first of them, with other rates.
                    place, guess = price - first, -1
                    if place < modelled:
                        guess = get(prices, slots.PRICE_WIDTH * (model + place) + slots.PRICE_TAIL)
                    elif place > 0:
                        guess = get(follow, last)
                    at = _price(at, end, cursor, guess)
                    if at < 0:
                        return at
                    tail = get(cursor, slots.TAIL)
                    if tail < 0:
                        return slots.STOPPED - slots.NO_ROOM
                    if place > 0:
                        put(follow, last, tail)
                    last = tail
                    surprised |= tail != guess
                    if byte(get(cursor, slots.BAD_TAILS) + tail):
                        return STRANGE
                    if price == get(cursor, slots.MOST_PRICES):
                        return slots.STOPPED - slots.FULL
                    row = prices + 8 * slots.PRICE_WIDTH * price
                    put(row, slots.PRICE_TAIL, tail)
                    put(row, slots.PRICE_MANTISSA, get(cursor, slots.MANTISSA))
                    put(row, slots.PRICE_DECIMALS, get(cursor, slots.DECIMALS))
                    if get(cursor, slots.DECIMALS) < 0:
                        put(row, slots.PRICE_MANTISSA, get(cursor, slots.RATE) - get(cursor, slots.ITEM_DATA))
                        put(row, slots.PRICE_DECIMALS, get(cursor, slots.RATE) - get(cursor, slots.BEHIND_RATE))
                    price += 1
                else:
                    at = _known(at, end, cursor, owner)
                    owner = get(cursor, slots.OWNER)
                    if get(cursor, slots.ENDED) == 0:
                        if at >= end:
                            return SHORT
                        at = _reference(at, end, cursor)
                        if at < 0:
                            return at
                        if get(cursor, slots.OWNER) < 0:
                            return slots.STOPPED - slots.NO_ROOM
                        if owner == get(cursor, slots.MOST_OWNERS):
                            return slots.STOPPED - slots.FULL
                        put32(owners, owner, get(cursor, slots.OWNER))
                        owner += 1
                at = blank(at, end)
                if at >= end:
                    return SHORT
                if byte(at) == CLOSE_LIST:
                    at += 1
                    break
                if byte(at) != COMMA:
                    return STRANGE
                at = blank(at + 1, end)
                if at >= end:
                    return SHORT
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE:
            break
        if byte(at) != COMMA:
            return STRANGE
        at += 1
    if inline >= 0:
        if owner == get(cursor, slots.MOST_OWNERS):
            return slots.STOPPED - slots.FULL
        put32(owners, owner, -1 - inline)
        owner += 1
    row = get(cursor, slots.OBJECT_ROWS) + 8 * slots.OBJECT_WIDTH * get(cursor, slots.OBJECTS)
    put(row, slots.OBJECT_START, start - get(cursor, slots.ITEM_DATA))
    put(row, slots.OBJECT_END, at + 1 - get(cursor, slots.ITEM_DATA))
    put(row, slots.OBJECT_PRICES, price)
    put(row, slots.OBJECT_OWNERS, owner)
    put(cursor, slots.PRICES, price)
    put(cursor, slots.OWNERS, owner)
    if surprised or price - first >= modelled:
        put(cursor, slots.MODEL, first)
        put(cursor, slots.MODEL_PRICES, price - first)
    return at + 1


@entry
def _scan(cursor):
    """As `scan`; the position is an address."""
    data, items = get(cursor, slots.ITEM_DATA), get(cursor, slots.ITEM_ROWS)
    end, mode, item = data + get(cursor, slots.LIMIT), get(cursor, slots.MODE), items
    if mode >= slots.FIRST_OBJECT and get(cursor, slots.ITEMS) == 0:
        for i in range(slots.ITEM_OBJECTS):
            put(item, i, -1)
        put(item, slots.ITEM_OBJECTS, 0)
        put(cursor, slots.ITEMS, 1)
    status = slots.MORE
    position = data + get(cursor, slots.POSITION)
    while True:
        at = blank(position, end)
        if at >= end:
            position = at
            break
        here = byte(at)
        item = items + 8 * slots.ITEM_WIDTH * (get(cursor, slots.ITEMS) - 1)
        if mode == slots.FIRST_ITEM or mode == slots.FIRST_OBJECT:
            if here != CLOSE_LIST:
                mode += 1
                position = at
                continue
        elif mode == slots.AFTER_ITEM or mode == slots.AFTER_OBJECT:
            if here == COMMA:
                mode -= 1
                position = at + 1
                continue
            if here != CLOSE_LIST:
                position = at
                status = slots.BROKEN
                break
        elif mode == slots.ITEM:
            if here != OPEN:
                position = at
                status = slots.FALLBACK
                break
            if get(cursor, slots.ITEMS) == get(cursor, slots.MOST_ITEMS):
                status = slots.FULL
                break
            behind = seek(at + 1, end, get(cursor, slots.ITEM_LETTERS), _KEY_RATES, _I18)
            if behind == STRANGE or (behind >= 0 and byte(behind) != OPEN_LIST):
                position = at
                status = slots.FALLBACK
                break
            if behind < 0:
                position = at
                break
            item += 8 * slots.ITEM_WIDTH
            put(item, slots.ITEM_START, at - data)
            put(item, slots.ITEM_RATES, behind + 1 - data)
            put(item, slots.ITEM_SUFFIX, -1)
            put(item, slots.ITEM_END, -1)
            put(item, slots.ITEM_OBJECTS, get(cursor, slots.OBJECTS))
            put(cursor, slots.ITEMS, get(cursor, slots.ITEMS) + 1)
            position = behind + 1
            mode = slots.FIRST_OBJECT
            continue
        elif mode == slots.OBJECT:
            if here != OPEN:
                position = at
                status = slots.FALLBACK
                break
            if get(cursor, slots.OBJECTS) == get(cursor, slots.MOST_OBJECTS):
                status = slots.FULL
                break
            behind = _object(at, end, cursor)
            if behind < 0:
                if behind == STRANGE:
                    position = at
                    status = slots.FALLBACK
                elif behind == SHORT:
                    position = at
                else:
                    status = slots.STOPPED - behind
                break
            put(cursor, slots.OBJECTS, get(cursor, slots.OBJECTS) + 1)
            position = behind
            mode = slots.AFTER_OBJECT
            put(item, slots.ITEM_OBJECTS, get(cursor, slots.OBJECTS))
            continue
        else:  # SUFFIX: what stands behind negotiated_rates in its item
            behind = closing(position, end, get(cursor, slots.ITEM_LETTERS), I1)
            if behind < 0:
                break
            put(item, slots.ITEM_SUFFIX, position - data)
            put(item, slots.ITEM_END, behind - data)
            position = behind
            mode = slots.AFTER_ITEM
            continue
        # A list is closed.
        position = at + 1
        if mode <= slots.AFTER_ITEM:
            status = slots.END
            break
        mode = slots.SUFFIX
    put(cursor, slots.POSITION, position - data)
    put(cursor, slots.MODE, mode)
    return status


def scan(start: int, piece: np.ndarray, cursor: np.ndarray) -> int:
    """Go on from the cursor through whole rate objects of a piece that begins at that place of the file, as far as they are
    regular; returns why it came to a stop.

    `cursor` has ITEM_CURSOR numbers (`slots`), of which are given where to begin (POSITION, MODE), how many rows there is
    room for (ITEM_ROOM) and what is found by address (ITEM_TABLES).

    Rows of items, objects, prices and owners are added behind those that there are. The first item is the one that the
    cursor stands in, if it stands in one.
    """
    cursor[slots.LIMIT] = start + len(piece)
    cursor[slots.ITEM_BYTES] = address(piece) - start, address(_TABLE)
    return _scan(address(cursor))


def through(held: ByteBuffer, scan: Callable[[int, np.ndarray, np.ndarray], int], cursor: np.ndarray) -> int:
    """Go on from the cursor through all pieces at hand; returns why `scan` came to a stop."""
    while True:
        status = scan(*held.chunk_at(int(cursor[slots.POSITION])), cursor)
        if status != slots.MORE or not held.extend(int(cursor[slots.POSITION])):
            return status

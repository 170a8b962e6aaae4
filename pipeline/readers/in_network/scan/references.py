"""One compiled pass over the definitions of provider references: where each begins, its id, its groups' NPIs and TINs; and
over lists of such groups that stand in line.

What belongs here: walking definitions and lists of regular form as bytes. What must not come in: what becomes of one
(`in_network.references`, `in_network.provider_groups`), those of any other form.

Of regular form is an id, a list of groups that each have a list of ten-digit NPIs and a TIN, and perhaps network names,
in any order of keys: nearly all that payers write.
"""

from __future__ import annotations

import numpy as np

from pipeline.compiled.byte_interner import ARENA, STARTS, ByteInterner, number, same
from pipeline.compiled.jit import address, byte, entry, get, inner, put
from pipeline.readers.in_network.scan.items import (
    AFTER_ITEM,
    BROKEN,
    END,
    FALLBACK,
    FIRST_ITEM,
    FULL,
    ITEM,
    LIMIT,
    MODE,
    MORE,
    NO_ROOM,
    POSITION,
)
from pipeline.readers.json_stream.values import (
    CLASSES,
    CLOSE,
    CLOSE_LIST,
    COMMA,
    I0,
    I1,
    NINE,
    OPEN,
    OPEN_LIST,
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
    text_end,
    value,
)

# The cursor's array, behind where it stands: what was found;
RECORDS, ENTRIES, NPIS = range(3, 6)
# the rows there is room for, the columns, the tables of spans;
MOST, _RECORD_ROWS, _ENTRY_ROWS, _NPI_ROWS, _IDS, _TINS, _NETWORKS = range(6, 13)
# a number's mantissa and decimals; where the bytes and the keys lie.
NUMBER, _DATA, _LETTERS = 13, 15, 16
CURSOR = 17
RECORD_WIDTH, ENTRY_WIDTH = 4, 2

_KEYS = b'"provider_group_id""provider_groups""network_name""npi""tin"'
_TABLE = np.concatenate((CLASSES, np.frombuffer(_KEYS, np.uint8)))
_KEY_ID, _KEY_GROUPS, _KEY_NETWORK, _KEY_NPI, _KEY_TIN = map(np.int64, (256, 275, 292, 306, 311))
_NPI_DIGITS = 10


@inner
def _npis(at, end, cursor):
    """Behind a list of NPIs, which are added to the rows; from its `[`."""
    rows, count, most = get(cursor, _NPI_ROWS), get(cursor, NPIS), get(cursor, MOST)
    if byte(at) != OPEN_LIST:
        return STRANGE
    while True:
        at = blank(at + 1, end)
        if at + _NPI_DIGITS + 2 >= end:
            return SHORT
        quoted = byte(at) == QUOTE
        if quoted:
            at += 1
        if byte(at) == ZERO:
            return STRANGE
        npi = 0
        for i in range(at, at + _NPI_DIGITS):
            if byte(i) < ZERO or byte(i) > NINE:
                return STRANGE
            npi = 10 * npi + (byte(i) - ZERO)
        at += _NPI_DIGITS
        if quoted:
            if byte(at) != QUOTE:
                return STRANGE
            at += 1
        if count == most:
            return -3 - FULL
        put(rows, count, npi)
        count += 1
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE_LIST:
            put(cursor, NPIS, count)
            return at + 1
        if byte(at) != COMMA:
            return STRANGE


@inner
def _entry(at, end, cursor):
    """Behind one of the provider_groups, whose NPIs and TIN are added to the rows; from its `{`."""
    keys, tin = 0, I0
    if byte(at) != OPEN:
        return STRANGE
    while True:
        at = blank(at + 1, end)
        if at >= end:
            return SHORT
        if byte(at) != QUOTE:
            return STRANGE
        key = at
        at = text_end(at + 1, end)
        if at < 0:
            return SHORT
        if at - key != 5:
            return STRANGE
        which = 1 if same(key, get(cursor, _LETTERS) + _KEY_NPI, at - key) else 2
        if keys & which or (which == 2 and not same(key, get(cursor, _LETTERS) + _KEY_TIN, at - key)):
            return STRANGE
        keys |= which
        at = value(at, end)
        if at < 0:
            return at
        if which == 1:
            at = _npis(at, end, cursor)
            if at < 0:
                return at
        else:
            start = at
            if byte(at) != OPEN:
                return STRANGE
            at = closing(at + 1, end, get(cursor, _LETTERS), I1)
            if at < 0:
                return SHORT
            tin = number(start, at, I0, I0, get(cursor, _TINS))
            if tin < 0:
                return -3 - NO_ROOM
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE:
            break
        if byte(at) != COMMA:
            return STRANGE
    if keys != 3:
        return STRANGE
    count = get(cursor, ENTRIES)
    if count == get(cursor, MOST):
        return -3 - FULL
    row = get(cursor, _ENTRY_ROWS) + 8 * ENTRY_WIDTH * count
    put(row, 0, tin)
    put(row, 1, get(cursor, NPIS))
    put(cursor, ENTRIES, count + 1)
    return at + 1


@inner
def _groups(at, end, cursor):
    """Behind a list of provider_groups, whose entries are added to the rows; from its `[`."""
    if byte(at) != OPEN_LIST:
        return STRANGE
    while True:
        at = blank(at + 1, end)
        if at >= end:
            return SHORT
        at = _entry(at, end, cursor)
        if at < 0:
            return at
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE_LIST:
            return at + 1
        if byte(at) != COMMA:
            return STRANGE


@inner
def _record(start, end, cursor):
    """Behind a definition, which is added to the rows; from its `{`."""
    keys, reference, networks = 0, I0, -I1
    at = start
    while True:
        at = blank(at + 1, end)
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
            which, name = 1, _KEY_ID
        elif at - key == 17:
            which, name = 2, _KEY_GROUPS
        elif at - key == 14:
            which, name = 4, _KEY_NETWORK
        if which == 0 or keys & which or not same(key, get(cursor, _LETTERS) + name, at - key):
            return STRANGE
        keys |= which
        at = value(at, end)
        if at < 0:
            return at
        begun = at
        if which == 1 and byte(at) != QUOTE:
            at = number_end(at, end, cursor + 8 * NUMBER)
            if at < 0:
                return at
            if pointed(begun, at) or exponent(begun, at):
                return STRANGE
            reference = number(begun, at, I0, I0, get(cursor, _IDS))
        elif which != 2 and byte(at) == QUOTE:
            at = text_end(at + 1, end)
            if at < 0:
                return SHORT
            if which == 1:
                if at - begun == 2 or not plain(begun + 1, at - 1) or pointed(begun + 1, at - 1):
                    return STRANGE
                reference = number(begun + 1, at - 1, I0, I0, get(cursor, _IDS))
            else:
                networks = number(begun, at, I0, I0, get(cursor, _NETWORKS))
        elif which == 4:
            if byte(at) != OPEN_LIST:
                return STRANGE
            at = closing(at + 1, end, get(cursor, _LETTERS), I1)
            if at < 0:
                return SHORT
            networks = number(begun, at, I0, I0, get(cursor, _NETWORKS))
        else:
            at = _groups(at, end, cursor)
            if at < 0:
                return at
        if reference < 0 or (which == 4 and networks < 0):
            return -3 - NO_ROOM
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE:
            break
        if byte(at) != COMMA:
            return STRANGE
    if keys & 3 != 3:
        return STRANGE
    row = get(cursor, _RECORD_ROWS) + 8 * RECORD_WIDTH * get(cursor, RECORDS)
    put(row, 0, start - get(cursor, _DATA))
    put(row, 1, reference)
    put(row, 2, networks)
    put(row, 3, get(cursor, ENTRIES))
    return at + 1


@entry
def _scan(cursor):
    """As `scan`; the position is an address."""
    data, mode = get(cursor, _DATA), get(cursor, MODE)
    end, position, status = data + get(cursor, LIMIT), data + get(cursor, POSITION), MORE
    while True:
        at = blank(position, end)
        if at >= end:
            break
        here = byte(at)
        if mode == ITEM:
            if here != OPEN:
                position = at
                status = FALLBACK
                break
            if get(cursor, RECORDS) == get(cursor, MOST):
                status = FULL
                break
            entries, npis = get(cursor, ENTRIES), get(cursor, NPIS)
            behind = _record(at, end, cursor)
            if behind < 0:
                put(cursor, ENTRIES, entries)
                put(cursor, NPIS, npis)
                if behind == STRANGE:
                    position = at
                    status = FALLBACK
                elif behind != SHORT:
                    status = -3 - behind
                break
            put(cursor, RECORDS, get(cursor, RECORDS) + 1)
            position = behind
            mode = AFTER_ITEM
        elif here == CLOSE_LIST:
            position = at + 1
            status = END
            break
        elif mode == FIRST_ITEM:
            mode = ITEM
        elif here == COMMA:
            position = at + 1
            mode = ITEM
        else:
            position = at
            status = BROKEN
            break
    put(cursor, POSITION, position - data)
    put(cursor, MODE, mode)
    return status


def scan(start: int, piece: np.ndarray, cursor: np.ndarray) -> int:
    """Go on from the cursor through whole definitions of a piece that begins at that place of the file, as far as they are
    regular; returns why it came to a stop, as `in_network.scan.items.scan` does.

    `cursor` has where to begin (POSITION, MODE), for how many rows of each kind there is room, and the addresses
    of these rows and of the tables of ids, TINs and network names. Rows are added behind those that there are: definitions
    (start, number of the id, of the network names or -1, entries up to here), entries (number of the TIN, NPIs up to here)
    and NPIs.
    """
    cursor[LIMIT] = start + len(piece)
    cursor[_DATA:] = address(piece) - start, address(_TABLE)
    return _scan(address(cursor))


@entry
def _lists(spans, first, last, ends, cursor):
    """As `lists`; returns the first list of which a TIN finds no room."""
    starts, arena = get(spans, STARTS), get(spans, ARENA)
    for i in range(first, last):
        entries, npis = get(cursor, ENTRIES), get(cursor, NPIS)
        end = arena + get(starts, i + 1)
        behind = _groups(arena + get(starts, i), end, cursor)
        regular = behind == end
        if not regular:
            put(cursor, ENTRIES, entries)
            put(cursor, NPIS, npis)
            if behind == -3 - NO_ROOM:
                return i
        put(ends, i, get(cursor, ENTRIES) if regular else -1)
    return last


def lists(spans: ByteInterner, first: int, last: int, tins: ByteInterner) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The entries of some lists of provider_groups, all in one: how many there are up to the end of each list, -1 of one that
    is not of regular form, of which there are none; the rows of entries, and of NPIs, as `scan` has them. A list is JSON
    where its TINs are."""
    starts = spans.starts[first : last + 1]
    most = 1 + int(starts[-1] - starts[0]) // _NPI_DIGITS  # of memory only what is written to is taken
    ends, entries, npis = (
        np.empty(last - first, np.int64),
        np.empty((most, ENTRY_WIDTH), np.int64),
        np.empty(most, np.int64),
    )
    cursor = np.zeros(CURSOR, np.int64)
    cursor[MOST], cursor[_ENTRY_ROWS], cursor[_NPI_ROWS] = most, address(entries), address(npis)
    cursor[_TINS], cursor[_LETTERS] = tins.table, address(_TABLE)
    done = first
    # The compiled pass counts from the first list of all.
    while (done := _lists(spans.table, done, last, address(ends) - 8 * first, address(cursor))) < last:
        tins.grow(int(spans.starts[done + 1] - spans.starts[done]))
    return ends, entries[: cursor[ENTRIES]], npis[: cursor[NPIS]]

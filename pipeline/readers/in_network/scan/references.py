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
from pipeline.readers.in_network.scan import slots
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

_KEYS = b'"provider_group_id""provider_groups""network_name""npi""tin"'
_TABLE = np.concatenate((CLASSES, np.frombuffer(_KEYS, np.uint8)))
_KEY_ID, _KEY_GROUPS, _KEY_NETWORK, _KEY_NPI, _KEY_TIN = map(np.int64, (256, 275, 292, 306, 311))
_NPI_DIGITS = 10


@inner
def _npis(at, end, cursor):
    """Behind a list of NPIs, which are added to the rows; from its `[`."""
    rows, count, most = get(cursor, slots.NPI_ROWS), get(cursor, slots.NPIS), get(cursor, slots.MOST_ROWS)
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
            return slots.STOPPED - slots.FULL
        put(rows, count, npi)
        count += 1
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE_LIST:
            put(cursor, slots.NPIS, count)
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
        which = 1 if same(key, get(cursor, slots.REFERENCE_LETTERS) + _KEY_NPI, at - key) else 2
        if keys & which or (which == 2 and not same(key, get(cursor, slots.REFERENCE_LETTERS) + _KEY_TIN, at - key)):
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
            at = closing(at + 1, end, get(cursor, slots.REFERENCE_LETTERS), I1)
            if at < 0:
                return SHORT
            tin = number(start, at, I0, I0, get(cursor, slots.TINS))
            if tin < 0:
                return slots.STOPPED - slots.NO_ROOM
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE:
            break
        if byte(at) != COMMA:
            return STRANGE
    if keys != 3:
        return STRANGE
    count = get(cursor, slots.ENTRIES)
    if count == get(cursor, slots.MOST_ROWS):
        return slots.STOPPED - slots.FULL
    row = get(cursor, slots.ENTRY_ROWS) + 8 * slots.ENTRY_WIDTH * count
    put(row, slots.ENTRY_TIN, tin)
    put(row, slots.ENTRY_NPIS, get(cursor, slots.NPIS))
    put(cursor, slots.ENTRIES, count + 1)
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
        if which == 0 or keys & which or not same(key, get(cursor, slots.REFERENCE_LETTERS) + name, at - key):
            return STRANGE
        keys |= which
        at = value(at, end)
        if at < 0:
            return at
        begun = at
        if which == 1 and byte(at) != QUOTE:
            at = number_end(at, end, cursor + 8 * slots.ID_NUMBER)
            if at < 0:
                return at
            if pointed(begun, at) or exponent(begun, at):
                return STRANGE
            reference = number(begun, at, I0, I0, get(cursor, slots.IDS))
        elif which != 2 and byte(at) == QUOTE:
            at = text_end(at + 1, end)
            if at < 0:
                return SHORT
            if which == 1:
                if at - begun == 2 or not plain(begun + 1, at - 1) or pointed(begun + 1, at - 1):
                    return STRANGE
                reference = number(begun + 1, at - 1, I0, I0, get(cursor, slots.IDS))
            else:
                networks = number(begun, at, I0, I0, get(cursor, slots.NETWORKS))
        elif which == 4:
            if byte(at) != OPEN_LIST:
                return STRANGE
            at = closing(at + 1, end, get(cursor, slots.REFERENCE_LETTERS), I1)
            if at < 0:
                return SHORT
            networks = number(begun, at, I0, I0, get(cursor, slots.NETWORKS))
        else:
            at = _groups(at, end, cursor)
            if at < 0:
                return at
        if reference < 0 or (which == 4 and networks < 0):
            return slots.STOPPED - slots.NO_ROOM
        at = blank(at, end)
        if at >= end:
            return SHORT
        if byte(at) == CLOSE:
            break
        if byte(at) != COMMA:
            return STRANGE
    if keys & 3 != 3:
        return STRANGE
    row = get(cursor, slots.RECORD_ROWS) + 8 * slots.RECORD_WIDTH * get(cursor, slots.RECORDS)
    put(row, slots.RECORD_START, start - get(cursor, slots.REFERENCE_DATA))
    put(row, slots.RECORD_ID, reference)
    put(row, slots.RECORD_NETWORKS, networks)
    put(row, slots.RECORD_ENTRIES, get(cursor, slots.ENTRIES))
    return at + 1


@entry
def _scan(cursor):
    """As `scan`; the position is an address."""
    data, mode = get(cursor, slots.REFERENCE_DATA), get(cursor, slots.MODE)
    end, position, status = data + get(cursor, slots.LIMIT), data + get(cursor, slots.POSITION), slots.MORE
    while True:
        at = blank(position, end)
        if at >= end:
            position = at
            break
        here = byte(at)
        if mode == slots.ITEM:
            if here != OPEN:
                position = at
                status = slots.FALLBACK
                break
            if get(cursor, slots.RECORDS) == get(cursor, slots.MOST_ROWS):
                status = slots.FULL
                break
            entries, npis = get(cursor, slots.ENTRIES), get(cursor, slots.NPIS)
            behind = _record(at, end, cursor)
            if behind < 0:
                put(cursor, slots.ENTRIES, entries)
                put(cursor, slots.NPIS, npis)
                if behind == STRANGE:
                    position = at
                    status = slots.FALLBACK
                elif behind == SHORT:
                    position = at
                else:
                    status = slots.STOPPED - behind
                break
            put(cursor, slots.RECORDS, get(cursor, slots.RECORDS) + 1)
            position = behind
            mode = slots.AFTER_ITEM
        elif here == CLOSE_LIST:
            position = at + 1
            status = slots.END
            break
        elif mode == slots.FIRST_ITEM:
            mode = slots.ITEM
        elif here == COMMA:
            position = at + 1
            mode = slots.ITEM
        else:
            position = at
            status = slots.BROKEN
            break
    put(cursor, slots.POSITION, position - data)
    put(cursor, slots.MODE, mode)
    return status


def scan(start: int, piece: np.ndarray, cursor: np.ndarray) -> int:
    """Go on from the cursor through whole definitions of a piece that begins at that place of the file, as far as they are
    regular; returns why it came to a stop, as `in_network.scan.items.scan` does.

    `cursor` has REFERENCE_CURSOR numbers (`slots`), of which are given where to begin (POSITION, MODE), and for how many
    rows of each kind there is room, where these lie, and the tables of ids, TINs and network names (REFERENCE_TABLES).
    Rows of definitions, provider groups and NPIs are added behind those that there are.
    """
    cursor[slots.LIMIT] = start + len(piece)
    cursor[slots.REFERENCE_BYTES] = address(piece) - start, address(_TABLE)
    return _scan(address(cursor))


@entry
def _lists(spans, first, last, ends, cursor):
    """As `lists`; returns the first list of which a TIN finds no room."""
    starts, arena = get(spans, STARTS), get(spans, ARENA)
    for i in range(first, last):
        entries, npis = get(cursor, slots.ENTRIES), get(cursor, slots.NPIS)
        end = arena + get(starts, i + 1)
        behind = _groups(arena + get(starts, i), end, cursor)
        regular = behind == end
        if not regular:
            put(cursor, slots.ENTRIES, entries)
            put(cursor, slots.NPIS, npis)
            if behind == slots.STOPPED - slots.NO_ROOM:
                return i
        put(ends, i, get(cursor, slots.ENTRIES) if regular else -1)
    return last


def lists(spans: ByteInterner, first: int, last: int, tins: ByteInterner) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The entries of some lists of provider_groups, all in one: how many there are up to the end of each list, -1 of one that
    is not of regular form, of which there are none; the rows of entries, and of NPIs, as `scan` has them. A list is JSON
    where its TINs are."""
    starts = spans.starts[first : last + 1]
    most = 1 + int(starts[-1] - starts[0]) // _NPI_DIGITS  # of memory only what is written to is taken
    ends, entries, npis = (
        np.empty(last - first, np.int64),
        np.empty((most, slots.ENTRY_WIDTH), np.int64),
        np.empty(most, np.int64),
    )
    cursor = np.zeros(slots.REFERENCE_CURSOR, np.int64)
    cursor[slots.MOST_ROWS], cursor[slots.ENTRY_ROWS], cursor[slots.NPI_ROWS] = most, address(entries), address(npis)
    cursor[slots.TINS], cursor[slots.REFERENCE_LETTERS] = tins.table, address(_TABLE)
    done = first
    # The compiled pass counts from the first list of all.
    while (done := _lists(spans.table, done, last, address(ends) - 8 * first, address(cursor))) < last:
        tins.grow(int(spans.starts[done + 1] - spans.starts[done]))
    return ends, entries[: cursor[slots.ENTRIES]], npis[: cursor[slots.NPIS]]

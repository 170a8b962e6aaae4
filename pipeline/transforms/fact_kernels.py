"""The compiled passes over a month's facts: multiplying prices by owners, identifying, ordering, numbering.

What belongs here: what is done for every single fact, on numbers and addresses. What must not come in: Arrow, DuckDB, what
a column means.
"""

from __future__ import annotations

import numpy as np

from pipeline.compiled import md5
from pipeline.compiled.jit import copy, entry, get, get32, inner, prefetch, put

OWNER = 32  # bytes that an owner, an MD5, is told by
_FEW = 32  # that are sorted by insertion
# A column of texts, as `identify` is given it: the addresses of
_OFFSETS = 0  # int32, one more than there are texts
_BYTES = 1
_COLUMN = 2  # numbers of one column
# The columns, as `held` has them.
_HEAD = 0  # by pair
_MIDDLE = 1  # by pair
_BEHIND = 2  # by pair
_TAIL = 3  # by pair
_RATE = 4  # by price
_OWNER = 5  # by group
_NETWORKS = 6  # by group
# An id: its first and its last eight bytes.
_FIRST = 0
_LAST = 1


@entry
def multiply(first_owner, owners, group_of, price, group):
    """One entry for each owner of each price: which price, and the group that the owner is."""
    done = 0
    for i in range(len(owners)):
        for at in range(first_owner[i], first_owner[i] + owners[i]):
            price[done] = i
            group[done] = group_of[at]
            done += 1


@entry
def gather(values, rows, found):
    """What stands in some rows of a column."""
    for i in range(len(rows)):
        found[i] = values[rows[i]]


@entry
def keep(
    chosen, times_of, uid_of, price, group_of, pair_of, amount_of, facts_of, duplicates_of, digits_of,
    digits, pair, group, amount, times,
):  # fmt: skip
    """What the facts that are chosen are made of: their ids as 32 hexadecimal digits, of which `digits_of` has the two of
    each byte; the numbers of pair and group; the amount; and how many rates each stands for.

    pair_of, amount_of        by price
    facts_of, duplicates_of   by price: how many of its rates are facts, and how many collapsed into these, counted here
    """
    for i in range(len(chosen)):
        fact = chosen[i]
        for half in range(2):
            number = uid_of[fact, half]
            for byte in range(8):
                digits[i, 8 * half + byte] = digits_of[(number >> np.uint64(8 * (7 - byte))) & np.uint64(0xFF)]
        pair[i] = pair_of[price[fact]]
        group[i] = group_of[fact]
        amount[i] = amount_of[price[fact]]
        times[i] = times_of[i]
        facts_of[price[fact]] += 1
        duplicates_of[price[fact]] += times_of[i] - 1


@entry
def renumber(numbers, place, codes, used):
    """Number what stands in `numbers` anew, as it comes first: `codes`, and which number each code was; returns how many.

    `place` has -1 for every number there is, and has it again afterwards.
    """
    count = 0
    for i in range(len(numbers)):
        number = numbers[i]
        if place[number] < 0:
            place[number] = count
            used[count] = number
            count += 1
        codes[i] = place[number]
    for i in range(count):
        place[used[i]] = -1
    return count


@inner
def _size(piece, number):
    """The bytes of text `number` of an Arrow column of texts, given as the addresses of its offsets and its bytes."""
    offsets = get(piece, _OFFSETS)
    return get32(offsets, number + 1) - get32(offsets, number)


@inner
def _text(piece, number):
    """Where text `number` of a column lies."""
    return get(piece, _BYTES) + get32(get(piece, _OFFSETS), number)


@inner
def _put_text(target, piece, number):
    """Copy text `number` of a column; returns where it ends."""
    size = _size(piece, number)
    copy(target, _text(piece, number), size)
    return target + size


@entry
def identify(held, alike, some_networks, price, pair, group, work, room, uid):
    """The id of each fact: the MD5 of its pair's head, its owner, the pair's middle, the rate, the pair's part behind it,
    its group's networks and the pair's tail.

    held    the addresses of offsets and bytes of columns of texts, a row each: head, middle, behind, tail by pair, rate by
            price, owner and networks by group
    alike   whether every owner is told by OWNER bytes
    some_networks  whether any group has networks
    room    bytes for the longest text and what MD5 puts behind it, a multiple of eight
    work    address of md5.WORK bytes and md5.LANES times `room`
    uid     a row for each fact: the first and the last eight bytes, as big-endian numbers

    Each lane has a share of the facts, one after the other: those of a price differ in what their group says alone, and of
    the lane's text no more than that is put in anew.
    """
    columns, width = held.ctypes.data, 8 * _COLUMN
    head, middle = columns + width * _HEAD, columns + width * _MIDDLE
    behind, tail = columns + width * _BEHIND, columns + width * _TAIL
    rate, owner, networks = columns + width * _RATE, columns + width * _OWNER, columns + width * _NETWORKS
    sizes, found, texts = work + md5.SIZES, work + md5.FOUND, work + md5.WORK
    owners = get(owner, _BYTES) + get32(get(owner, _OFFSETS), 0)
    # Of each lane's text: where the owner stands, where the networks, and the size of these.
    owner_at, networks_at = np.zeros(md5.LANES, np.int64), np.zeros(md5.LANES, np.int64)
    networks_size = np.zeros(md5.LANES, np.int64)
    share = -(-len(price) // md5.LANES)
    for step in range(share):
        for lane in range(md5.LANES):
            i = lane * share + step
            if i >= len(price):
                put(sizes, lane, 0)
                continue
            of_group = group[i]
            size = _size(networks, of_group) if some_networks else 0
            if alike and step > 0 and price[i] == price[i - 1] and size == networks_size[lane]:
                copy(owner_at[lane], owners + OWNER * of_group, OWNER)
                if size:
                    copy(networks_at[lane], _text(networks, of_group), size)
                continue
            of_pair, text = pair[price[i]], texts + lane * room
            owner_at[lane] = _put_text(text, head, of_pair)
            end = _put_text(owner_at[lane], owner, of_group)
            end = _put_text(end, middle, of_pair)
            end = _put_text(end, rate, price[i])
            networks_at[lane], networks_size[lane] = _put_text(end, behind, of_pair), size
            end = _put_text(networks_at[lane], networks, of_group)
            end = _put_text(end, tail, of_pair)
            put(sizes, lane, end - text)
            md5.pad(text, end - text)
        for lane in range(md5.LANES):  # while this one is digested
            prefetch(owners + OWNER * group[min(lane * share + step + 1, len(price) - 1)])
        md5.digest(texts, room, work)
        for lane in range(md5.LANES):
            i = lane * share + step
            if i < len(price):
                uid[i, _FIRST] = get(found, 2 * lane)
                uid[i, _LAST] = get(found, 2 * lane + 1)


@inner
def _before(uid, i, j):
    """Whether fact i comes before fact j: by its id, then as it was read."""
    if uid[i, _FIRST] != uid[j, _FIRST]:
        return uid[i, _FIRST] < uid[j, _FIRST]
    if uid[i, _LAST] != uid[j, _LAST]:
        return uid[i, _LAST] < uid[j, _LAST]
    return i < j


@inner
def _sift(uid, order, first, root, count):
    """Let an element of a heap sink to its place."""
    moved = order[first + root]
    while 2 * root + 1 < count:
        child = 2 * root + 1
        if child + 1 < count and _before(uid, order[first + child], order[first + child + 1]):
            child += 1
        if not _before(uid, moved, order[first + child]):
            break
        order[first + root] = order[first + child]
        root = child
    order[first + root] = moved


@inner
def _sort(uid, order, first, behind):
    """Sort some facts: by insertion if they are few, else (one id many times over) by a heap."""
    count = behind - first
    if count <= _FEW:
        for i in range(first + 1, behind):
            moved, j = order[i], i
            while j > first and _before(uid, moved, order[j - 1]):
                order[j] = order[j - 1]
                j -= 1
            order[j] = moved
        return
    for root in range(count // 2 - 1, -1, -1):
        _sift(uid, order, first, root, count)
    for last in range(count - 1, 0, -1):
        order[first], order[first + last] = order[first + last], order[first]
        _sift(uid, order, first, 0, last)


@entry
def arrange(uid, ends, low, high, price, own, starts, order, kept, times):
    """Sort the facts of each segment by id and collapse those of one id; returns how many are kept.

    uid        ids from `low` to `high` (both inclusive, of their first halves), evenly spread: so a fact is put where it
               belongs at once, among the few of its share of the ids
    ends       where each segment ends
    own        by price, whether its facts belong to their segment; one that does not stands for its id, but is not kept
    starts     room for a number more than the longest segment has facts
    order      room for as many numbers as there are facts
    kept, times  the facts that are kept, in order, and how many of one id each stands for
    """
    done = first = 0
    for behind in ends:
        count = behind - first
        scale = count / (np.float64(high - low) + 1.0)
        starts[: count + 1] = 0
        for i in range(first, behind):
            starts[min(np.int64(np.float64(uid[i, _FIRST] - low) * scale), count - 1) + 1] += 1
        for share in range(count):
            starts[share + 1] += starts[share]
        for i in range(first, behind):
            share = min(np.int64(np.float64(uid[i, _FIRST] - low) * scale), count - 1)
            order[first + starts[share]] = i
            starts[share] += 1
        begin = 0
        for share in range(count):  # each start has become the next one's
            if starts[share] - begin > 1:
                _sort(uid, order, first + begin, first + starts[share])
            begin = starts[share]
        at = first
        while at < behind:
            i, run = order[at], at
            while (
                run < behind and uid[order[run], _FIRST] == uid[i, _FIRST] and uid[order[run], _LAST] == uid[i, _LAST]
            ):
                run += 1
            if own[price[i]]:
                kept[done] = i
                times[done] = run - at
                done += 1
            at = run
        first = behind
    return done

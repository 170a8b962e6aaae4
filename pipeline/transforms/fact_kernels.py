"""The compiled passes over a month's facts: multiplying prices by owners, identifying, ordering, numbering.

What belongs here: what is done for every single fact, on numbers and addresses. What must not come in: Arrow, DuckDB, what
a column means.
"""

from __future__ import annotations

import numpy as np

from pipeline import md5
from pipeline.jit import copy, entry, get, get32, inner, put

_FEW = 32  # that are sorted by insertion


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
def said(kept, price, group_of, pair_of_price, amount_of_price, pair, group, amount):
    """The numbers of pair and group, and the amount, of each fact that is kept."""
    for i in range(len(kept)):
        fact = kept[i]
        pair[i] = pair_of_price[price[fact]]
        group[i] = group_of[fact]
        amount[i] = amount_of_price[price[fact]]


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
def _put_text(target, piece, number):
    """Copy text `number` of an Arrow column of texts, given as the addresses of its offsets and its bytes."""
    offsets = get(piece, 0)
    start = get32(offsets, number)
    size = get32(offsets, number + 1) - start
    copy(target, get(piece, 1) + start, size)
    return target + size


@entry
def identify(held, price, pair, group, work, room, uid):
    """The id of each fact: the MD5 of its pair's head, its owner, the pair's middle, the rate, the pair's part behind it,
    its group's networks and the pair's tail.

    held    the addresses of offsets and bytes of columns of texts, a row each: head, middle, behind, tail by pair, rate by
            price, owner and networks by group
    room    bytes for the longest text and what MD5 puts behind it, a multiple of eight
    work    address of md5.WORK bytes and md5.LANES times `room`
    uid     a row for each fact: the first and the last eight bytes, as big-endian numbers
    """
    pieces = held.ctypes.data
    sizes, found, texts = work + md5.SIZES, work + md5.FOUND, work + md5.WORK
    for first in range(0, len(price), md5.LANES):
        count = min(md5.LANES, len(price) - first)
        for lane in range(count):
            i, text = first + lane, texts + lane * room
            end = _put_text(text, pieces, pair[price[i]])
            end = _put_text(end, pieces + 80, group[i])
            end = _put_text(end, pieces + 16, pair[price[i]])
            end = _put_text(end, pieces + 64, price[i])
            end = _put_text(end, pieces + 32, pair[price[i]])
            end = _put_text(end, pieces + 96, group[i])
            end = _put_text(end, pieces + 48, pair[price[i]])
            put(sizes, lane, end - text)
            md5.pad(text, end - text)
        for lane in range(count, md5.LANES):
            put(sizes, lane, 0)
        md5.digest(texts, room, work)
        for lane in range(count):
            uid[first + lane, 0] = get(found, 2 * lane)
            uid[first + lane, 1] = get(found, 2 * lane + 1)


@inner
def _before(uid, i, j):
    """Whether fact i comes before fact j: by its id, then as it was read."""
    if uid[i, 0] != uid[j, 0]:
        return uid[i, 0] < uid[j, 0]
    if uid[i, 1] != uid[j, 1]:
        return uid[i, 1] < uid[j, 1]
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
            starts[min(np.int64(np.float64(uid[i, 0] - low) * scale), count - 1) + 1] += 1
        for share in range(count):
            starts[share + 1] += starts[share]
        for i in range(first, behind):
            share = min(np.int64(np.float64(uid[i, 0] - low) * scale), count - 1)
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
            while run < behind and uid[order[run], 0] == uid[i, 0] and uid[order[run], 1] == uid[i, 1]:
                run += 1
            if own[price[i]]:
                kept[done] = i
                times[done] = run - at
                done += 1
            at = run
        first = behind
    return done


@entry
def digits(uid, kept, pairs, text):
    """The ids of some facts as 32 hexadecimal digits; `pairs` has the two digits of each byte."""
    for row in range(len(kept)):
        for half in range(2):
            number = uid[kept[row], half]
            for i in range(8):
                text[row, 8 * half + i] = pairs[(number >> np.uint64(8 * (7 - i))) & np.uint64(0xFF)]

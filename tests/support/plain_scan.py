"""What the compiled pass over in_network[] does, without it: every item is left to parsed JSON.

What belongs here: a stand-in for `in_network.scan.items.scan` that finds no item of regular form, so that the two ways to
read a record can be held against each other. What must not come in: reading.
"""

from __future__ import annotations

from pipeline.readers.in_network.scan.slots import (
    AFTER_ITEM,
    BROKEN,
    END,
    FALLBACK,
    FIRST_ITEM,
    ITEM,
    MODE,
    MORE,
    POSITION,
)


def plain_scan(start, piece, cursor) -> int:
    """Step over commas and blanks to the next item, and stop there."""
    at, mode = (int(cursor[i]) for i in (POSITION, MODE))
    status = MORE
    while at < start + len(piece):
        here = chr(piece[at - start])
        if here in " \t\r\n":
            at += 1
        elif here == "]" and mode in (FIRST_ITEM, AFTER_ITEM):
            at, status = at + 1, END
            break
        elif mode == AFTER_ITEM and here != ",":
            status = BROKEN
            break
        elif mode == AFTER_ITEM:
            at, mode = at + 1, ITEM
        else:
            mode, status = ITEM, FALLBACK
            break
    cursor[POSITION], cursor[MODE] = at, mode
    return status

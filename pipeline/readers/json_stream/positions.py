"""Finds the byte position of a value in a JSON text, for a record that could not be read.

What belongs here: finding it. What must not come in: values (`json_stream.cursor`).
"""

from __future__ import annotations

from pipeline.readers.json_stream.cursor import blank, scan


def locate(text: str, at: int, wanted: dict, path: tuple = ()) -> dict[tuple, tuple[int, int]]:
    """Where the values of some paths stand in a JSON text that is known to be whole.

    `wanted` is a tree of the keys and indices to follow. Returns path -> (start, end) in `text`; where a key stands
    twice in an object, its last value, which is the one `value()` gave.
    """
    out = {}
    here = text[at]
    if not wanted or here not in "{[":
        return out
    at = blank(text, at + 1).end()
    index = 0
    while text[at] not in "}]":
        key = index
        if here == "{":
            key, at = scan(text, at)
            at = blank(text, blank(text, at).end() + 1).end()
        _, end = scan(text, at)
        if key in wanted:
            out[*path, key] = (at, end)
            out |= locate(text, at, wanted[key], (*path, key))
        index += 1
        at = blank(text, end).end()
        if text[at] == ",":
            at = blank(text, at + 1).end()
    return out

"""The names of sources: a raw file's path as text, its id, and the label under which its staged set is kept.

What belongs here: how a path under raw/ becomes text and an id, and back. What must not come in: whether the file is
there (`storage.raw_files`), what was built of it (`sources.presence`).

A source is named by its path under raw/ (`mrf/GA/acme.json`). What is built of it is named by its id alone, the MD5 of
the path under its folder, so that no name of a raw file is too long, or no UTF-8, for a name of ours.

The text of a path is the path itself, but for bytes that are no UTF-8: these are written as `\\xHH`. A name that holds
such a text itself has its backslash written as `\\x5c`, so that each text stands for one path.
"""

from __future__ import annotations

import hashlib
import os
import re

_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
_LABEL = re.compile(rf"staged/(?P<folder>[a-z]+)/(?P<id>[0-9a-f]{{32}})(?:_(?P<month>{_MONTH}))?")
_IN_TEXT = re.compile(rf"staged/[a-z]+/[0-9a-f]{{32}}(?:_{_MONTH})?(?![0-9a-f])")
_ESCAPED = re.compile(r"\\x(5c|[89a-f][0-9a-f])")


def as_text(path: str) -> str:
    """A path as the system gives it (`os.fsdecode`), as text that is UTF-8."""
    text = _ESCAPED.sub(lambda found: f"\\x5cx{found[1]}", path)
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)


def from_text(text: str) -> str:
    """The path that a text stands for, as the system takes it."""
    return _ESCAPED.sub(lambda found: "\\" if found[1] == "5c" else chr(0xDC00 + int(found[1], 16)), text)


def id_of(text: str) -> str:
    """Lower-case hex MD5 of a path's bytes, given as text."""
    return hashlib.md5(os.fsencode(from_text(text))).hexdigest()


def label(folder: str, text: str, month: str | None = None) -> str:
    """The label of a source's staged set; with a month, of what the path gave for that month before."""
    return f"staged/{folder}/{id_of(text)}" + (f"_{month}" if month else "")


def label_of_raw(name: str) -> str:
    """The same of a path under the root, as `raw/mrf/GA/acme.json`; of a star schema's file that of the star schema."""
    folder, _, path = as_text(name).removeprefix("raw/").partition("/")
    return f"staged/star/{path.partition('/')[0]}" if folder == "star" else label(folder, path)


def parts_of_label(text: str) -> tuple[str, str, str | None] | None:
    """(folder, id, month) of a label; None for one that is none of a source."""
    found = _LABEL.fullmatch(text)
    return (found["folder"], found["id"], found["month"]) if found else None


def replace_labels(sentence: str, shown) -> str:
    """A sentence with each label of a source as `shown(label)` has it."""
    return _IN_TEXT.sub(lambda found: shown(found[0]), sentence)

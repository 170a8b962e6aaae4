"""One JSON field of an in-network file, converted into its staged value (docs/reading-files.md).

What belongs here: functions from a published JSON value (numbers are their text) to the staged value, the refusal of a
value that cannot be read, notes of what is odd in one that can. What must not come in: codes (`in_network.codes`), dates
(`mrf_dates`), members (`mrf_membership`), where a value stands, counting, files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline.readers import mrf_issues as issues
from pipeline.readers.json_stream.cursor import REPEATED, Constant, Whole
from pipeline.readers.mrf_issues import Issue


class Unreadable(ValueError):
    """A published value that has no reading; its text says why."""


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, Constant):
        return f"{value.name}, which is no JSON,"
    names = {
        dict: "an object",
        list: "a list",
        tuple: "a list",
        bool: "true or false",
        type(None): "null",
        str: "a text or number",
        Whole: "a text or number",
    }
    return names.get(type(value), type(value).__name__)


class Note(NamedTuple):
    """Something odd in a value that could be read: of what kind, and what was found."""

    issue: Issue
    detail: str


Notes = list[Note]  # to which readings add what is odd

# Words that stand where nothing was known, as programs and people write them.
MISSING = frozenset(("null", "none", "n/a", "nan", "na", "nil"))

_point = re.compile(r"(-?\d+)\.0+", re.ASCII).fullmatch
# Characters that take no room (Unicode 15, general category Cf, but those that scripts need), and controls.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]"
)
_BLANKS = re.compile(r"[^\S ]")


def text(value: Any, notes: Notes | None = None) -> str | None:
    """A text or number without the blanks around it; null when nothing is left. Raises Unreadable for other values."""
    if type(value) is str:
        return value.strip() or None
    if value is None:
        return None
    if type(value) is Whole:
        if notes is not None:
            notes.append(Note(issues.NUMBER_WITH_POINT, str(value)))
        return value.digits
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(f"{kind(value)} is where a text belongs")


def term(value: Any, notes: Notes) -> str | None:
    """`text` without characters that nobody sees."""
    found = text(value, notes)
    if found is None or (found.isascii() and found.isprintable()):
        return found
    shown = _BLANKS.sub(" ", _INVISIBLE.sub("", found)).strip()
    if shown != found:
        notes.append(Note(issues.INVISIBLE_CHARACTERS, repr(found[:40])))
    return shown or None


def identifier(value: Any, notes: Notes) -> str | None:
    """`term`; of a text that is a whole number with a point, the number."""
    return whole(term(value, notes), notes)


def whole(found: str | None, notes: Notes) -> str | None:
    """A text, or of one that is a whole number with a point the number."""
    match = found and _point(found)
    if not match:
        return found
    notes.append(Note(issues.NUMBER_WITH_POINT, found))
    return match[1]


def said_to_be_missing(found: str, notes: Notes, words: frozenset[str] = MISSING) -> bool:
    """Whether a text says that there is no value."""
    if found.casefold() not in words:
        return False
    notes.append(Note(issues.MISSING_SPELT_OUT, repr(found)))
    return True


_SEPARATORS = re.compile(r"[\s,;|/]+")


def several(found: str) -> list[str]:
    """The parts of a text in which several codes stand, as `21,22` and `['21', '22']`."""
    bare = found.strip("[](){}").replace('"', "").replace("'", "")
    return [part for part in _SEPARATORS.split(bare) if part]


def upper(value: Any, notes: Notes | None = None) -> str | None:
    """`term` in upper case."""
    found = term(value, [] if notes is None else notes)
    return found and found.upper()


def lower(value: Any, notes: Notes | None = None) -> str | None:
    """`term` in lower case."""
    found = term(value, [] if notes is None else notes)
    return found and found.lower()


class Rate(NamedTuple):
    """A negotiated rate: the double that is staged, and the exact decimal that sums are made of."""

    value: float
    exact: Decimal


_number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII).fullmatch
# A double has at most 309 digits before the point; nothing that means money is longer. Bounds the exact sums.
_LONGEST_NUMBER = 400


def rate(value: Any, notes: Notes | None = None) -> Rate:
    """A number, or a text that is one, be it the only one of a list. Raises Unreadable for anything else and for what a
    double cannot hold."""
    if type(value) in (list, tuple) and len(value) == 1:
        (value,) = value
        if notes is not None:
            notes.append(Note(issues.OLDER_FORM, "negotiated_rate is a list of one"))
    if value is None:
        raise Unreadable("negotiated_rate is missing")
    found = str(value) if type(value) is Whole else text(value) or ""
    if not _number(found):
        raise Unreadable(f"negotiated_rate is no number: {found[:40]!r}")
    if len(found) > _LONGEST_NUMBER:
        raise Unreadable(f"negotiated_rate is beyond any amount: {found[:40]}")
    exact = Decimal(found)
    if abs(exact.as_tuple().exponent) > _LONGEST_NUMBER:
        raise Unreadable(f"negotiated_rate is beyond any amount: {found[:40]}")
    double = float(found) + 0.0  # -0.0 becomes 0.0: one amount, one id
    if double in (float("inf"), float("-inf")) or (double == 0 and exact != 0):
        raise Unreadable(f"negotiated_rate is beyond what a double holds: {found[:40]}")
    return Rate(double, exact)


def networks(value: Any) -> tuple[str, ...]:
    """Sorted distinct network names, of a list or one text."""
    parts = value if type(value) is list else [value]
    return tuple(sorted({n for n in map(text, parts) if n}))


class Memo(dict):
    """A function's answers by argument, forgotten when there are too many: a payer's file repeats few values often.

    `size` says for how many an answer counts.
    """

    def __init__(
        self, function: Callable[[Any], Any], most: int = 100_000, size: Callable[[Any], int] = lambda found: 1
    ):
        super().__init__()
        self._function, self._most, self._size, self._held = function, most, size, 0

    def __missing__(self, key):
        if self._held >= self._most:
            self.clear()
            self._held = 0
        found = self[key] = self._function(key)
        self._held += self._size(found)
        return found


def list_key(value: Any) -> Any:
    """A list as the tuple that `pos_set` and `modifiers` are remembered by."""
    return tuple(value) if type(value) is list else value


def first_unreadable(price: Any, readings: Iterable[tuple[str, Callable[[Any, Notes], Any]]]) -> str | None:
    """Why a price cannot be read: its first field, in the order of `readings` (field, function), that raises."""
    if type(price) is not dict:
        return f"{kind(price)} is where an object belongs"
    for field, read in readings:
        try:
            read(list_key(price.get(field)), [])
        except Unreadable as e:
            return str(e) if str(e).startswith(field) else f"{field}: {e}"
    return None


def once(notes: Notes) -> tuple[Note, ...]:
    """Of each issue the first note."""
    return tuple({note.issue: note for note in reversed(notes)}.values())[::-1]


def repeated(record: dict, notes: Notes) -> None:
    """Note the keys that stand twice in an object."""
    if REPEATED in record:
        notes.append(Note(issues.KEY_REPEATED, record[REPEATED]))

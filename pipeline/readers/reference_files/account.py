"""What a person must know of a reference file that was read: kinds of warnings, how often, and an example of each.

What belongs here: the closed list of kinds, and the account that a reader fills. What must not come in: reading, the
refusal of a file (`errors.SourceError`), printing (`cli`).
"""

from __future__ import annotations

import threading
from typing import NamedTuple


class Issue(NamedTuple):
    """A kind of warning and one sentence that says what it means. `{n}` is how often, `{s}` a plural's s."""

    kind: str
    meaning: str
    examples: int = 1  # how many are kept: names of what was skipped are all of interest


STRAY_BYTE = Issue("stray_byte", "{n} code{s} or figure{s} with a stray character, which was removed")
NOT_UTF8 = Issue("not_utf8", "{n} line{s} not in UTF-8, read as Windows-1252")
UNREADABLE_ROW = Issue("unreadable_row", "{n} row{s} left out, whose key cannot be read")
RELEASE = Issue("release", "the release is named in more than one way", 3)
NO_INDEX = Issue("no_index", "{n} area{s} without a wage index, left out", 3)
SHARES = Issue("shares", "{n} ZIP{s} with shares that do not add up to 1")
COPY = Issue("copy", "{n} cop{ies} of a table that is read already, skipped", 40)
SKIPPED = Issue("skipped", "{n} file{s} inside without a table that is read, skipped", 40)
NO_KIND = Issue(
    "no_kind", "{n} place{s} of service said to be neither facility nor non-facility, left without a kind", 3
)
PROPOSED = Issue("proposed", "{n} table{s} of a proposed rule, never in force, skipped", 40)
TOC_ENTRY = Issue("toc_entry", "{n} entr{ies} of a table of contents cannot be read, left out")

ALL = tuple(one for one in list(globals().values()) if isinstance(one, Issue))
BY_KIND = {one.kind: one for one in ALL}


def sentence(kind: str, count: int, example: str) -> str:
    """A warning in words, with its example."""
    meaning = BY_KIND[kind].meaning if kind in BY_KIND else kind
    words = meaning.format(n=f"{count:,}", s="" if count == 1 else "s", ies="y" if count == 1 else "ies")
    return f"{words}: {example}"


class Account:
    """The warnings of one raw file. Several threads may warn at once."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[str]]] = {}
        self._lock = threading.Lock()

    def warn(self, issue: Issue, example: str, count: int = 1) -> None:
        """Count an issue; the first examples are kept."""
        with self._lock:
            known, examples = self._found.get(issue.kind, (0, []))
            if len(examples) < issue.examples:
                examples.append(example)
            self._found[issue.kind] = (known + count, examples)

    def take(self, other: Account) -> None:
        """Add what another account counted."""
        for issue in ALL:
            count, examples = other._found.get(issue.kind, (0, []))
            for n, example in enumerate(examples):
                self.warn(issue, example, count - len(examples) + 1 if n == 0 else 1)

    @property
    def warnings(self) -> list[list]:
        """[kind, count, example] of each kind that was found, in the order of the list of kinds; JSON values."""
        found = []
        for issue in ALL:
            if issue.kind in self._found:
                count, examples = self._found[issue.kind]
                found.append([issue.kind, count, "; ".join(examples)])
        return found

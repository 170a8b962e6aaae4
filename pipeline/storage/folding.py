"""Whether a file system takes two names for one: `A` and `a`, or `é` as one character and as two.

What belongs here: asking a folder, once, and which of some names are one to it. What must not come in: which names there
are (`partition`, `source_names`), what follows from two that are one.

Of the names that are made from data only those of leaves can be such twins, and only by case: they are percent-encoded,
so ASCII. What is built of a raw file is named by a hash.
"""

from __future__ import annotations

import functools
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.paths import make_folder
from pipeline.storage.targets import DRAFT_BEGINS, translate_os_errors


@dataclass(frozen=True)
class Folding:
    """What a file system makes of names: whether case tells two apart (not where `case`), and Unicode forms (`form`)."""

    case: bool = False
    form: bool = False

    @property
    def is_any(self) -> bool:
        """Whether there are two names that it takes for one."""
        return self.case or self.form

    def key(self, name: str) -> str:
        """A text that two names share where they are one to the file system."""
        if self.form:
            name = unicodedata.normalize("NFC", name)
        return name.casefold() if self.case else name

    def twins(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Pairs of paths (with slashes) that would share a file or a folder under two names of it, in order."""
        if not self.is_any:
            return
        known: dict[str, tuple[str, str]] = {}  # of each file or folder the key -> its name, and the path that has it
        for path in sorted(paths):
            steps = path.split("/")
            for number in range(1, len(steps) + 1):
                name = "/".join(steps[:number])
                other, first = known.setdefault(self.key(name), (name, path))
                if other != name:
                    yield first, path
                    break


@functools.cache
def of(folder: Path) -> Folding:
    """What the file system of a folder makes of names: a file is made there and looked for under another name.

    PublishError where none can be made.
    """
    number = os.getpid()
    with translate_os_errors(folder):
        make_folder(folder)
        return Folding(
            case=_is_one(folder, f"{DRAFT_BEGINS}{number}-A", f"{DRAFT_BEGINS}{number}-a"),
            form=_is_one(folder, f"{DRAFT_BEGINS}{number}-\u00e9", f"{DRAFT_BEGINS}{number}-e\u0301"),
        )


def _is_one(folder: Path, name: str, other: str) -> bool:
    place = folder / name
    place.touch()
    try:
        return os.path.lexists(folder / other)
    finally:
        place.unlink()

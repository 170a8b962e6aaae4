"""Chooses by name between files that are one table in several forms: CMS ships each as .csv, .xlsx and .txt.

What belongs here: the order in which forms are preferred. What must not come in: content (`reference_files.parts`), and any
import that a build with nothing to do must do without.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

ENDINGS = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".txt", ".dat")  # of copies, the first of these is read


def without_packing(name: str) -> str:
    """A file's name without `.gz`."""
    return name[: -len(".gz")] if name.lower().endswith(".gz") else name


def rank(name: str) -> int:
    """The place of a file's ending among those of copies: the lower is read first."""
    suffix = PurePosixPath(without_packing(name)).suffix.lower()
    return ENDINGS.index(suffix) if suffix in ENDINGS else len(ENDINGS)


def better(path: str, paths: Iterable[str]) -> list[str]:
    """Of paths, those in the same folder and of the same name but for an ending that is read before its own; best first."""
    own = rank(path)
    if own == len(ENDINGS):
        return []
    return sorted((other for other in paths if rank(other) < own and _stem(other) == _stem(path)), key=rank)


def _stem(path: str) -> tuple[PurePosixPath, str]:
    plain = PurePosixPath(without_packing(path))
    return plain.parent, plain.stem.lower()

"""What was mended or left out in reference files, as lines: one for each file and kind, or one for each kind.

What belongs here: these sentences. What must not come in: what a build or `status` says else.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.cli import lines
from pipeline.readers.reference_files import account

Warned = tuple[str, str, int, str]  # file, kind, count, example


def by_file(warned: Iterable[Warned]) -> list[str]:
    """A line for each file and kind."""
    return [f"warning: {file}: {account.sentence(kind, count, example)}" for file, kind, count, example in warned]


def by_kind(warned: Iterable[Warned]) -> list[str]:
    """A line for each kind, for the end of a build: how often in how many files, and the first example."""
    found: dict[str, list[Warned]] = {}
    for one in warned:
        found.setdefault(one[1], []).append(one)
    sentences = []
    for kind, ones in found.items():
        file, _, _, example = ones[0]
        words = account.sentence(kind, sum(count for _, _, count, _ in ones), example)
        more = f" (and in {lines.counted(len(ones) - 1, 'other file')}: ratehouse status)" if len(ones) > 1 else ""
        sentences.append(f"warning: {file}: {words}{more}")
    return sentences

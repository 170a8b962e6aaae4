"""Keeps the staged rows of a file's earlier month when the same path brings another month.

What belongs here: setting a staged set aside under a label with its month before another month takes its place, and
removing it when the path gives that month again. What must not come in: reading files (`ingest`), letting go of a
source (`letting_go`).

At every moment one of both sets counts for a month: while the set under the path's own label is of the month, what is
set aside for it does not (`is_replaced`). So a set is set aside first, by links to the same files and a stamp of its
own; then the new month is published over it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import Protocol

from pipeline import source_names
from pipeline.paths import Root
from pipeline.storage import stamps, targets
from pipeline.storage.stamps import Stamp


class SourcePath(Protocol):
    """What is asked here of an in-network file's task."""

    folder: str
    path: str
    label: str
    warehouse: Root

    def set_stamp(self) -> Stamp | None:
        """The stamp of the rows that it gives."""


def is_replaced(task: SourcePath, month: str) -> bool:
    """Whether the path's own set is of that month, so that one that was set aside for it does not count."""
    return _month(task.set_stamp()) == month


def set_aside(task: SourcePath, month: str | None) -> Stamp | None:
    """Keep what the path gave before when that is of another month than `month`.

    Returns the stamp of the former set where it is of this month, or of no known other one: it is the path's own still.
    """
    root, former = task.warehouse, task.set_stamp()
    if former is None or not former.parts:
        return None
    of = _month(former)
    if of is None or month is None or of == month:
        return former
    label = source_names.label(task.folder, task.path, of)
    damaged = any(part.problem(root) for part in former.parts.values())
    if not (damaged and stamps.read(root, label)):  # a kill came after it was set aside, when its place was half taken
        _link(root, task.label, label, former)
    return None


def _link(root: Root, label: str, to: str, former: Stamp) -> None:
    parts = {}
    for name, part in former.parts.items():
        target = root.path / to / os.path.basename(part.path)  # noqa: PTH119 - a path under the root, with slashes
        if (root.path / part.path).exists():  # one that is lost is missed by the stamp
            targets.link(root.path / part.path, target, root.scratch)
        parts[name] = replace(part, path=root.relative(target))
    if (root.path / to).is_dir():
        targets.fsync(root.path / to)
    rejected = root.rejected(label)
    if rejected.exists():
        targets.link(rejected, root.rejected(to), root.scratch)
    stamps.write(root, to, Stamp(former.basis, parts, former.gates, former.notes))


def remove_replaced(task: SourcePath) -> None:
    """Remove what was set aside for the month that the path's own set is of now."""
    month = _month(task.set_stamp())
    if month:
        remove(task.warehouse, source_names.label(task.folder, task.path, month))


def remove(root: Root, label: str) -> None:
    """Remove a staged set, its rejected records and, last, its stamp: what is left half done is found by that again."""
    shutil.rmtree(root.path / label, ignore_errors=True)
    targets.remove(root.path / label, root.path)  # the folders above, where they are empty now
    targets.remove(root.rejected(label), root.path)
    targets.remove(root.stamp(label), root.state)


def _month(stamp: Stamp | None) -> str | None:
    return stamp.notes["header"].get("year_month") if stamp else None

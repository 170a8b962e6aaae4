"""Ingest: the tasks of all sources, and views over what they staged.

What belongs here: which sources there are now, by folder and by month. What must not come in: how one file is staged
(`in_network_file`, `reference_file`), any choice between sources (dims).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pipeline import settings, tables
from pipeline.fetching import reference_lookup as elsewhere
from pipeline.sources import former_months, presence
from pipeline.tasks.base import TableTask

if TYPE_CHECKING:
    pass
from pipeline.stages.file_task import BROKEN, UNRECOGNISED
from pipeline.stages.in_network_file import FormerMonthFile, InNetworkFile
from pipeline.stages.reference_file import REFERENCES, ReferenceDataFile


@functools.cache
def in_network() -> tuple[InNetworkFile, ...]:
    """The task of every in-network source, those included that are not seen any more, by file name and month."""
    found = {path: [InNetworkFile(path=path)] for path in presence.seen_files("mrf")}
    for one in presence.recorded("mrf"):
        if one.month is None and one.path not in found:
            found[one.path] = [InNetworkFile(path=one.path)]
    for one in presence.recorded("mrf"):
        if one.month is not None and not former_months.is_replaced(InNetworkFile(path=one.path), one.month):
            found.setdefault(one.path, []).append(FormerMonthFile(path=one.path, month=one.month))
    return tuple(task for path in sorted(found) for task in found[path])


@functools.cache
def reference(folder: str) -> tuple[ReferenceDataFile, ...]:
    """The task of every source of a reference folder, those included that are not seen any more.

    A file of no known kind that is not seen any more gave nothing.
    """
    known = (one.path for one in presence.recorded(folder) if one.stamp.notes["status"] != UNRECOGNISED)
    return tuple(REFERENCES[folder](path=path) for path in sorted({*presence.seen_files(folder), *known}))


def references() -> tuple[ReferenceDataFile, ...]:
    """The task of every reference file."""
    return tuple(task for folder in REFERENCES for task in reference(folder))


def staged(*names: str) -> dict[str, list[TableTask]]:
    """Views over staged tables, each the union of what every file of its folder gave.

    `name:schedule` leaves out the broken files that are known to be of another schedule.
    """
    found = {}
    for wanted in names:
        name = wanted.partition(":")[0]
        folder = tables.get(name).folder.removeprefix("staged/")
        found[name] = (
            list(in_network())
            if folder == "in_network"
            else [task for task in reference(folder) if task.may_feed(wanted)]
        )
    return found


def of_month(month: str) -> list[InNetworkFile]:
    """The files, whole or broken, whose rates are of a month, and those never read, whose rates may be of any."""
    found, unread = _by_month()
    return [*found.get(month, ()), *unread]


@functools.cache
def _by_month() -> tuple[dict[str | None, list[InNetworkFile]], list[InNetworkFile]]:
    """The files that were read, by month, and those that were not. Every table of a month asks, several times."""
    found: dict[str | None, list[InNetworkFile]] = {}
    unread = []
    for task in in_network():
        if task.stamp() is None:
            unread.append(task)
        else:
            found.setdefault(task.month, []).append(task)
    return found, unread


def months() -> list[str]:
    """Every month that a file which was read names, in order; broken files name theirs too, unless they are skipped."""
    skipped = {BROKEN} if settings.build().skip_broken else set()
    return sorted({task.month for task in in_network() if task.month and task.status not in skipped})


def clear_caches() -> None:
    """Look at the folders again."""
    in_network.cache_clear()
    _by_month.cache_clear()
    reference.cache_clear()
    presence.clear_caches()
    elsewhere.clear_caches()

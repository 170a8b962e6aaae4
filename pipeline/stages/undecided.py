"""Blocks a month in which a missing file may have been replaced by a new one, until `forget` or `archive` says so.

What belongs here: that question. What must not come in: letting go of a source (`letting_go`).

A payer's file that is gone while a new file of the same payer, state and month comes may have been replaced, or may
just not be seen. With the rows of both a month would be wrong in the one case, without the missing one's in the other.
So the month stays as it was published until `forget` or `archive` says which.
"""

from __future__ import annotations

import functools
import shlex

from pipeline import errors, naming
from pipeline.sources import presence
from pipeline.stages import ingest
from pipeline.stages.in_network_file import InNetworkFile
from pipeline.storage.stamps import Stamp


def pairs(month: str, stamp: Stamp | None) -> list[tuple[InNetworkFile, InNetworkFile]]:
    """(missing, new) files of the same payer and state; `stamp` is that of the month's facts, which has the known ones."""
    missing = _missing(month)
    if not missing:
        return []
    inputs = stamp.basis.inputs if stamp else {}
    new: dict[tuple, InNetworkFile] = {}
    for task in ingest.of_month(month):
        known = {f"{task.input_name}:header", f"staged/{task.raw_name}:header"}  # the other: by an earlier version
        if task.stamp() is not None and task.presence == presence.HERE and not known & inputs.keys():
            new.setdefault(_publisher(task), task)
    return [(one, new[_publisher(one)]) for one in missing if _publisher(one) in new]


@functools.cache
def _missing(month: str) -> tuple[InNetworkFile, ...]:
    return tuple(
        task for task in ingest.of_month(month) if task.stamp() is not None and task.presence == presence.MISSING
    )


def _publisher(task: InNetworkFile) -> tuple:
    header = (task.set_stamp() or task.stamp()).notes["header"]
    return naming.slugify(header.get("reporting_entity_name")), task.state


def blocked(month: str, stamp: Stamp | None) -> errors.BlockedMonth | None:
    """Why a month is not built, where it is not known whether a new file takes a missing one's place."""
    found = pairs(month, stamp)
    if not found:
        return None
    gone, new = found[0]
    more = f" (and {len(found) - 1} more such files)" if len(found) > 1 else ""
    name = shlex.quote(gone.shown)
    return errors.BlockedMonth(
        f"the month {month} is blocked: {gone.shown} is missing, and {new.shown} of the same payer, state and month is "
        f"new{more}",
        remedy=f"if the new file replaces it: ratehouse forget {name}\nif both count: ratehouse archive {name}",
    )


def clear_caches() -> None:
    """Look again."""
    _missing.cache_clear()

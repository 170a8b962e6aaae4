"""From what a person typed to the partition of the warehouse that is meant, or the nearest ones.

What belongs here: looking a partition up among those there are. What must not come in: how one is spelled
(`partition`), what is done with it.
"""

from __future__ import annotations

from pipeline import errors, partition, session, settings
from pipeline.leaves import manifest
from pipeline.operations import build
from pipeline.stages import facts


def _names(month: str | None) -> list[tuple[str, str]]:
    """(month, partition) of every leaf, published or withheld, that the manifests name."""
    root = session.current()
    return [
        (m, name)
        for m in ([month] if month else facts.months())
        for name in manifest.records(manifest.manifest(root, m))
    ]


def one(text: str, month: str | None) -> tuple[str, str]:
    """(month, partition) behind what a person typed; UsageError with the nearest names when there is none."""
    found = months_of(text, month)
    if len(found) > 1:
        months = " or ".join(m for m, _ in found)
        raise errors.UsageError("is in several months", place=found[0][1], remedy=f"add --month {months}")
    return found[0]


def months_of(text: str, month: str | None) -> list[tuple[str, str]]:
    """(month, partition) behind what a person typed, for each month that has it; UsageError with the nearest names."""
    month = month or partition.month_in(text)
    build.known_months([month] if month else None)
    keys = settings.partitioning().key_list()
    known = _names(month)
    try:
        name = partition.named(text, keys)
    except partition.Incomplete as incomplete:
        raise _no_partition(incomplete.fact, text, known) from incomplete
    found = [pair for pair in known if pair[1] == name]
    if not found:
        raise _no_partition("there is no such partition" + (f" in {month}" if month else ""), name, known)
    return found


def _no_partition(fact: str, name: str, known: list[tuple[str, str]]) -> errors.UsageError:
    near = "\n  ".join(partition.nearest(name, {n for _, n in known}))
    return errors.UsageError(
        fact, place=name, remedy=f"the nearest are:\n  {near}" if near else "nothing is built yet: ratehouse build"
    )

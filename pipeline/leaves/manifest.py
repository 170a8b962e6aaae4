"""The manifests of leaves: which are planned, which are current, and which have still to be written.

What belongs here: the manifests of leaves (a line each), the plan as it was made, and holding one against the other and
against the files. What must not come in: which rows make a leaf (`transforms.leaf_plan`), writing one (`leaves.writing`),
Luigi.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections import ChainMap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline import errors
from pipeline.partition import nearest
from pipeline.paths import Root
from pipeline.storage import stamps, targets


class Leaf(NamedTuple):
    """A leaf as planned: its rows in the joined file, its digest, its group, and why it is withheld if it is."""

    partition: str
    first_row: int
    rows: int
    digest: str
    group: str
    reason: str | None


class Record(NamedTuple):
    """A leaf as it was written (or withheld, with its reason): one line of a manifest."""

    partition: str
    digest: str
    rows: int
    bytes: int
    mtime_ns: int
    sha256: str
    reason: str

    def line(self) -> str:
        """As a line; no field holds a tab or a line break (partitions are percent-encoded)."""
        reason = " ".join(self.reason.split())
        return f"{self.partition}\t{self.digest}\t{self.rows}\t{self.bytes}\t{self.mtime_ns}\t{self.sha256}\t{reason}\n"


def manifest(root: Root, month: str) -> Path:
    """The month's manifest."""
    return root.month_state(month) / "manifest.tsv"


def group_manifest(root: Root, month: str, first: str) -> Path:
    """The manifest of what a group wrote since the month was compiled."""
    return root.month_state(month) / "groups" / f"{hashlib.md5(first.encode()).hexdigest()}.tsv"


def group_intent(root: Root, month: str, first: str) -> Path:
    """The names of the leaves that a group wrote, or is about to: if it is killed, nothing else names them."""
    return group_manifest(root, month, first).with_suffix(".txt")


def records(path: Path) -> dict[str, Record]:
    """The lines of a manifest by partition; empty when there is none, or a damaged one."""
    try:
        info = path.stat()
    except FileNotFoundError:
        return {}
    return _records(path, info.st_mtime_ns, info.st_size, info.st_ino)


@functools.lru_cache(maxsize=4)
def _records(path: Path, *_as_it_is: int) -> dict[str, Record]:
    return {
        partition: Record(partition, digest, int(rows), int(size), int(mtime), sha256, reason)
        for partition, digest, rows, size, mtime, sha256, reason in _fields(path)
    }


def _fields(path: Path) -> Iterator[list[str]]:
    """The fields of each line of a manifest, as text; none of a damaged one."""
    return _fields_of(whole_manifest(path))


def _fields_of(text: bytes | None) -> Iterator[list[str]]:
    return (line.split("\t") for line in text.decode().split("\n")) if text else iter(())


def whole_manifest(path: Path) -> bytes | None:
    """The text of a manifest, a line for each leaf, if it is what was written."""
    try:
        return targets.unsealed(path.read_bytes())
    except FileNotFoundError:
        return None


def written_as(notes: dict) -> str:
    """The digest of a month's manifest as its leaves were written, by the notes of its stamp; what is put on record of
    their times later on changes nothing in it."""
    return notes.get("written_as", notes["manifest"])


def digests(root: Root, month: str) -> set[str]:
    """The digests of a month's leaves."""
    return {fields[1] for fields in _fields(manifest(root, month))}


_sound: set[tuple[Path, str]] = set()


def clear_caches() -> None:
    """Look at every leaf again: a build looks once at those that it does not write."""
    _sound.clear()


def problem(root: Root, month: str, digest: str) -> str | None:
    """What is wrong with a month's leaves by their sizes and times; no leaf is opened but one whose time is another.

    Leaves that were found sound are not looked at again before `forget`, unless their manifest is another.
    """
    path = manifest(root, month)
    sealed = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(sealed).hexdigest() != digest:
        return f"the manifest of {month} is missing or was changed"
    if begun(root, month):
        return f"the writing of leaves of {month} was not finished"
    if (path, digest) in _sound:
        return None
    before, after = _around(root, month)
    listed = _fields_of(targets.before_seal(sealed))  # as fields: to make 138,000 records took half the time
    del sealed  # 45 MB of those
    for partition, leaf_digest, rows, size, mtime, sha256, reason in listed:
        if reason:
            record = Record(partition, leaf_digest, int(rows), int(size), int(mtime), sha256, reason)
            if wrong := _withheld_problem(root, month, record):
                return f"the leaf {partition} is withheld, and {wrong}"
            continue
        leaf = f"{before}{partition}{after}"
        try:
            info = os.stat(leaf)
        except OSError:
            return f"the leaf {partition} is missing"
        if info.st_size != int(size) or not targets.is_as_recorded(leaf, info, int(mtime), sha256):
            return f"the leaf {partition} was replaced by hand"
        if info.st_nlink == 1 and (lost := targets.object_problem(root, leaf_digest, int(size))):
            return f"of the leaf {partition}: {lost}"  # a file with two names is the object itself
    _sound.add((path, digest))
    return None


@functools.lru_cache(maxsize=64)
def _around(root: Root, month: str) -> tuple[str, str]:
    """What stands before and behind a leaf's name in its file's, as text: making 138,000 paths took a second and a half."""
    return tuple(f"{root.path}/{root.leaf_name(chr(0), month)}".split("\0"))  # which no path has


def _withheld_problem(root: Root, month: str, record: Record) -> str | None:
    """What is wrong with what is kept of a withheld leaf, by size and time; it is opened only where its time is another."""
    if root.leaf(record.partition, month).exists():
        return "a file is in its place"
    rows = quarantined(root, month, record.partition) / "rows.parquet"
    info = stat_of(rows)
    if info is None:
        return "its rows are missing from quarantine"
    if info.st_size != record.bytes or not targets.is_as_recorded(rows, info, record.mtime_ns, record.sha256):
        return "its rows in quarantine were replaced by hand"
    return None


def begun(root: Root, month: str) -> set[str]:
    """The leaves that groups wrote, or were about to write, since the month was compiled."""
    return set().union(*(intended(path) for path in (root.month_state(month) / "groups").glob("*.txt")))


def intended(intent: Path) -> set[str]:
    return set(intent.read_text(encoding="utf-8").splitlines()) if intent.exists() else set()


class Plan:
    """A month's leaf plan, read once."""

    def __init__(self, root: Root, month: str):
        from pipeline.storage import opening

        stamp = stamps.read(root, f"staged/enriched/leaf_plan_{month}")
        if stamp is None:
            raise errors.RatehouseError(f"the month {month} has no leaf plan", remedy="ratehouse build")
        # Without Arrow's threads: Luigi asks in the parent, and forks afterwards.
        with opening.parquet(root.path / stamp.parts["leaf_plan"].path, pre_buffer=False) as file:
            columns = file.read(use_threads=False).to_pydict()
        names = ("partition", "first_row", "rows", "digest", "leaf_group", "reason")
        self.leaves = [Leaf(*values) for values in zip(*(columns[n] for n in names), strict=True)]
        self.groups: dict[str, list[Leaf]] = {}
        for leaf in self.leaves:
            self.groups.setdefault(leaf.group, []).append(leaf)

    @functools.cached_property
    def by_partition(self) -> dict[str, Leaf]:
        """The leaves by name."""
        return {leaf.partition: leaf for leaf in self.leaves}


def plan(root: Root, month: str) -> Plan:
    """The month's leaf plan as it stands; RatehouseError where there is none."""
    try:
        info = root.staged("enriched", f"leaf_plan_{month}").stat()
    except FileNotFoundError as missing:
        raise errors.RatehouseError(f"the month {month} has no leaf plan", remedy="ratehouse build") from missing
    return _plan(root, month, info.st_mtime_ns, info.st_size, info.st_ino)


@functools.lru_cache(maxsize=2)
def _plan(root: Root, month: str, *_as_it_is: int) -> Plan:
    return Plan(root, month)


def is_current(root: Root, month: str, leaf: Leaf, record: Record | None) -> bool:
    if record is None or record.digest != leaf.digest or record.reason != " ".join((leaf.reason or "").split()):
        return False
    if leaf.reason:
        return _withheld_problem(root, month, record) is None
    before, after = _around(root, month)
    path = f"{before}{leaf.partition}{after}"
    try:
        info = os.stat(path)
    except OSError:
        return False
    if info.st_size != record.bytes or not targets.is_as_recorded(path, info, record.mtime_ns, record.sha256):
        return False
    return info.st_nlink > 1 or targets.object_problem(root, record.digest, record.bytes) is None


def known_records(root: Root, month: str, first: str) -> Mapping[str, Record]:
    """The records of leaves: what a group wrote since the month was compiled, before what the month says."""
    return ChainMap(records(group_manifest(root, month, first)), records(manifest(root, month)))


def stale_leaves(root: Root, month: str, first: str) -> list[Leaf]:
    """The leaves of a group that are not as planned; UsageError when the month has no such group."""
    known, groups = known_records(root, month, first), plan(root, month).groups
    if first not in groups:
        near = "\n  ".join(nearest(first, groups))
        raise errors.UsageError(
            f"no group of leaves of {month} begins with it", place=first, remedy=f"do you mean:\n  {near}"
        )
    return [leaf for leaf in groups[first] if not is_current(root, month, leaf, known.get(leaf.partition))]


def stale_groups(root: Root, month: str) -> list[str]:
    """The groups that owe a leaf, those with most to write first, so that the last worker is not left with the largest."""
    from pipeline.transforms.leaf_plan import LIKE_ROWS

    groups = plan(root, month).groups
    found = [
        (sum(leaf.rows for leaf in missing) + LIKE_ROWS * len(missing), first)
        for first in groups
        if (missing := stale_leaves(root, month, first))
    ]
    return [first for _, first in sorted(found, key=lambda pair: (-pair[0], pair[1]))]


def leaf_is_current(root: Root, month: str, name: str) -> bool:
    """Whether one leaf is published as planned."""
    leaf = plan(root, month).by_partition.get(name)
    return (
        leaf is not None
        and not leaf.reason
        and is_current(root, month, leaf, known_records(root, month, leaf.group).get(name))
    )


def file_of(root: Root, month: str, record: Record) -> Path:
    """The file of a leaf, of a withheld one its rows in quarantine."""
    withheld = quarantined(root, month, record.partition) / "rows.parquet"
    return withheld if record.reason else root.leaf(record.partition, month)


def quarantined(root: Root, month: str, name: str) -> Path:
    """Where the rows of a withheld leaf stand."""
    return root.quarantine / "enriched" / name / f"year_month={month}"


def joined(root: Root, month: str) -> list[targets.PublishedFile]:
    """The files of the month's joined rows, in the order of these."""
    return stamps.read(root, f"staged/enriched/fact_rate_enriched_{month}").parts_of("fact_rate_enriched")


def stat_of(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None

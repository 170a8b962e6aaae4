"""What a build will roughly need of its disk, told before it begins, beside what is free there.

What belongs here: that estimate, and how its ratios were measured. What must not come in: what a warehouse takes now
(`disk_use`), printing (`cli`), reading a raw file's rows.

An estimate has two figures. The lower one is what the new and changed raw files come to. The higher one adds the tables
that may be written anew, at the size they have now (rows that stay the same write no leaf again, but that is only known
when they are built), and in a first build the small leaves that there may be. Nothing is subtracted for what a build replaces: files of former builds stay for `[build] object_hours`.
A file with two names (a published file and its object) counts once, or on each of two disks where the folders of a root
are on several.

Of each byte of a raw file, as JSON or text, come so many bytes (`MEASURED`). They were measured with all files of a build
on a file system of its own (ext4, blocks of 4 KB):

- in-network files: four of two payers (91.5 MB of JSON, 6.6 MB as gzip, 122,310 rates), with a reference file of each kind.
  Staged 8.5 MB, facts, joined rows and cross-references 16.7 MB, 281 leaves 11.2 MB; 88 MB with all the rest, 118 MB at
  the peak. The generated sample packs better, and so gives more: 300,000 rates in 2.2 MB of gzip gave 23 MB and 37 MB of
  500 leaves, or 212 MB of 14,000 leaves, which hold 21 rows each and 14 KB beside them. So a warehouse that has built
  in-network files is estimated by what its own came to, and of another one the higher figure has as many leaves as the
  second sample, up to 500,000.
- `medicare`: 6.2 MB gave 0.5 MB of staged tables and, in four months, 36.7 MB of benchmarks.
- `nppes`: a registry of 400 MB gave 40 MB of staged tables, and 83 MB at the peak.
- the other folders: 9.8 MB gave 2.7 MB of staged tables, 1.4 MB of dimensions.

A gzip of the four files holds 13.9 times its size; a zip says itself. A leaf is in two folders of its own (2.0 to 2.5
measured), so it takes three inodes, and 10 KB more than its bytes. What is sorted on disk, and drafts that are not yet
published, took up to as much again as all tables but the leaves; it is freed before the leaves are written.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.paths import Root
from pipeline.stages import enriched, facts, ingest
from pipeline.stages.warehouse import tables_of
from pipeline.storage import file_systems
from pipeline.storage.file_systems import FileSystem
from pipeline.tasks.base import TableTask


@dataclass(frozen=True)
class Ratio:
    """What comes of a byte of a raw file: bytes of its staged tables, of other tables, of leaves; and how many leaves."""

    staged: float
    tables: float
    leaf_bytes: float = 0.0
    leaves: float = 0.0


MEASURED = {
    "mrf": Ratio(staged=0.093, tables=0.18, leaf_bytes=0.123, leaves=3.07e-6),
    "medicare": Ratio(staged=0.075, tables=5.9),
    "nppes": Ratio(staged=0.10, tables=0.05),
}
OTHER = Ratio(staged=0.28, tables=0.15)
GZIP_TIMES = 13.9
LEAF_INODES, LEAF_EXTRA_BYTES = 3, 10_000
# Of a first build, at most: leaves of a byte of JSON, all leaves, bytes of a leaf beside its rows.
MANY_LEAVES, MOST_LEAVES, SMALL_LEAF_BYTES = 424e-6, 500_000, 14_000
TEMPORARY = 1.0
# What is where. A table may be in any of several folders: where these are on several disks, each is said to need them all.
STAGED, TABLES, LEAVES = ("staged",), ("gold", "dims", "xrefs", "bench"), ("gold",)
OBJECTS, SCRATCH = ".objects", ".scratch"
# The catalog, Data Docs, stamps and the 256 folders of objects; the files of a source's staged tables with their stamps.
FIXED_BYTES, FIXED_INODES, SOURCE_INODES = 7_000_000, 750, 12


@dataclass
class Amount:
    """Bytes of staged tables, of other tables, of leaves; how many leaves there are; inodes of everything but the leaves."""

    staged: float = 0.0
    tables: float = 0.0
    leaf_bytes: float = 0.0
    leaves: float = 0.0
    inodes: int = 0

    def add(self, raw_bytes: float, ratio: Ratio) -> None:
        """Count what comes of a raw file of so many bytes."""
        self.staged += raw_bytes * ratio.staged
        self.tables += raw_bytes * ratio.tables
        self.leaf_bytes += raw_bytes * ratio.leaf_bytes
        self.leaves += raw_bytes * ratio.leaves
        self.inodes += SOURCE_INODES

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(
            self.staged + other.staged,
            self.tables + other.tables,
            self.leaf_bytes + other.leaf_bytes,
            self.leaves + other.leaves,
            self.inodes + other.inodes,
        )


@dataclass(frozen=True)
class Need:
    """What a build needs of its file system: bytes and inodes (files and folders), at least and at most, about."""

    disk: FileSystem
    least_bytes: int
    most_bytes: int
    least_inodes: int
    most_inodes: int

    @property
    def bytes_short(self) -> bool:
        """Whether fewer bytes are free than it may need."""
        return self.disk.free_bytes < self.most_bytes

    @property
    def inodes_short(self) -> bool:
        """Whether fewer inodes are free than it may need."""
        return self.disk.free_files is not None and self.disk.free_files < self.most_inodes


def estimate(root: Root, sources: Iterable[TableTask]) -> list[Need]:
    """What a build that begins now needs of each file system, the root's first; `sources` are the tasks that read one raw
    file each. Nothing is read but stamps, sizes, and the list of files in a zip.
    """
    stale = [one for one in sources if not one.complete()]
    own = ratio_of_built()
    new, many_leaves = Amount(), 0.0
    if root.catalog.exists():
        new.tables = root.catalog.stat().st_size  # the new one is written next to it
    else:
        new.tables, new.inodes = FIXED_BYTES, FIXED_INODES
    for task in stale:
        raw_bytes = opened_bytes(task.file)
        new.add(raw_bytes, own if own and task.folder == "mrf" else MEASURED.get(task.folder, OTHER))
        many_leaves += raw_bytes * MANY_LEAVES if task.folder == "mrf" else 0
    most = new.plus(written_anew(stale))
    if own is None:
        more = max(0.0, min(many_leaves, MOST_LEAVES) - new.leaves)
        most = most.plus(Amount(leaf_bytes=more * SMALL_LEAF_BYTES, leaves=more))
    return by_file_system(root, new, most)


def by_file_system(root: Root, least: Amount, most: Amount) -> list[Need]:
    """What is needed of each file system that a folder of the root is on."""
    folders = {name: file_systems.of(root.path / name) for name in (*STAGED, *TABLES, *LEAVES, OBJECTS, SCRATCH)}
    disks = {one.device: one for one in (file_systems.of(root.path), *folders.values())}
    needs = []
    for device, disk in disks.items():
        here = {name for name, one in folders.items() if one.device == device}
        amounts = [figure(here, amount) for figure in (_bytes, _inodes) for amount in (least, most)]
        needs.append(Need(disk, *amounts))
    return [need for need in needs if need.most_bytes]


def ratio_of_built() -> Ratio | None:
    """What the in-network files that are built came to; None where none is, or where their raw files are not seen."""
    built = [task for task in ingest.in_network() if task.stamp() is not None and task.is_seen]
    raw_bytes = sum(opened_bytes(task.file) for task in built)
    if not raw_bytes:
        return None
    months = sorted({task.month for task in built if task.month})
    of_months = tables_by_month(months)
    leaf_bytes, leaves = leaves_of(months)
    staged = sum(part.bytes for task in built for part in task.stamp().parts.values())
    if not leaves:
        return None
    return Ratio(staged / raw_bytes, of_months.tables / raw_bytes, leaf_bytes / raw_bytes, leaves / raw_bytes)


def tables_by_month(months: Iterable[str]) -> Amount:
    """What the tables of some months take now, without their leaves."""
    found, months = Amount(), list(months)
    for task in [*tables_of(months), *(enriched.LeafPlan(month=m) for m in months)]:
        if task.month_or_none is not None and (stamp := task.stamp()):
            found.tables += sum(part.bytes for part in stamp.parts.values())
            found.inodes += 2
    return found


def leaves_of(months: Iterable[str]) -> tuple[int, int]:
    """Bytes and number of the leaves of some months, as they are now."""
    notes = [stamp.notes for m in months if (stamp := enriched.EnrichedMonth(month=m).stamp())]
    return sum(one["bytes"] for one in notes), sum(one["leaves"] for one in notes)


def written_anew(stale: list[TableTask]) -> Amount:
    """What may be written anew of the tables that exist, at the size they have now."""
    months = _months_again(stale)
    found = tables_by_month(months)
    found.leaf_bytes, found.leaves = leaves_of(months)
    for task in tables_of([]):
        if (stamp := task.stamp()) and not task.complete():
            found.tables += sum(part.bytes for part in stamp.parts.values())
            found.inodes += 2
    return found


def _months_again(stale: list[TableTask]) -> list[str]:
    """The months whose tables may be written anew. A source that was never read may be of any: the largest one counts."""
    months = facts.months()
    if any(task.folder != "mrf" for task in stale):
        return months
    if not stale:
        return [m for m in months if not enriched.EnrichedMonth(month=m).complete()]
    known = {month for task in stale for month in task.source_months}
    if any(task.stamp() is None for task in stale):
        known |= {max(months, key=lambda m: leaves_of([m]))} if months else set()
    return sorted(known & set(months))


def opened_bytes(path: Path) -> int:
    """Bytes of a raw file as JSON or text, about; of a folder, of all files in it; 0 where they cannot be seen."""
    try:
        if path.is_dir():
            return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
        size = path.stat().st_size
        if path.name.lower().endswith(".zip"):
            return _in_zip(path, size)
    except OSError:  # the build says so when it reads the file
        return 0
    return round(size * GZIP_TIMES) if path.name.lower().endswith(".gz") else size


def _in_zip(path: Path, size: int) -> int:
    """Bytes of the files in a zip, by its own list."""
    try:
        with zipfile.ZipFile(path) as opened:
            return sum(one.file_size for one in opened.infolist())
    except (zipfile.BadZipFile, NotImplementedError):  # the reader says what is wrong with it
        return round(size * GZIP_TIMES)


def _on(here: set[str], whole: Amount) -> Amount:
    """What of an amount is in these folders; objects have a copy of all."""

    staged, tables, leaves = (not here.isdisjoint((*folders, OBJECTS)) for folders in (STAGED, TABLES, LEAVES))
    return Amount(
        whole.staged * staged,
        whole.tables * tables,
        whole.leaf_bytes * leaves,
        whole.leaves * leaves,
        whole.inodes * staged,
    )


def _bytes(here: set[str], whole: Amount) -> int:
    """Bytes at the peak, of an estimate, in these folders: what is sorted on disk is gone before the leaves are written."""
    kept = _on(here, whole)
    sorted_on_disk = TEMPORARY * (whole.staged + whole.tables) if SCRATCH in here else 0
    return round(kept.staged + kept.tables + max(sorted_on_disk, kept.leaf_bytes + kept.leaves * LEAF_EXTRA_BYTES))


def _inodes(here: set[str], whole: Amount) -> int:
    kept = _on(here, whole)
    of_a_leaf = LEAF_INODES if not here.isdisjoint(LEAVES) else 1
    return round(kept.leaves * of_a_leaf + kept.inodes)

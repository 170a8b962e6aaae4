"""Leaves: which stand, which are owed, and how a group of them is written, linked and put on record.

What belongs here: the manifests of leaves (a line each) and the publishing of leaf files. What must not come in:
which rows make a leaf (`transforms.leaf_plan`), Luigi.

A leaf's file is an object named by its content; the Hive tree holds a hard link to it. A group's leaves are made
durable together, before its manifest; the month's manifest is compiled from its groups'.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import shlex
import shutil
import time
import traceback
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline import errors, journal, paths, stamps, stopping, targets
from pipeline.paths import Root


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
    text = whole_manifest(path)
    return (line.split("\t") for line in text.split("\n")) if text else iter(())


def whole_manifest(path: Path) -> str | None:
    """The text of a manifest, a line for each leaf, if it is what was written."""
    try:
        return targets.unseal(path.read_bytes().decode())
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def digests(root: Root, month: str) -> set[str]:
    """The digests of a month's leaves."""
    return {digest for _, digest, *_ in _fields(manifest(root, month))}


_sound: set[tuple[Path, str]] = set()


def forget() -> None:
    """Look at every leaf again: a build looks once at those that it does not write."""
    _sound.clear()


def problem(root: Root, month: str, digest: str) -> str | None:
    """What is wrong with a month's leaves by their sizes and times; no leaf is opened.

    Leaves that were found sound are not looked at again before `forget`, unless their manifest is another.
    """
    path = manifest(root, month)
    if not path.exists() or targets.file_hash(path) != digest:
        return f"the manifest of {month} is missing or was changed"
    if _begun(root, month):
        return f"the writing of leaves of {month} was interrupted"
    if (path, digest) in _sound:
        return None
    before, after = _around(root, month)
    for partition, leaf_digest, rows, size, mtime, sha256, reason in _fields(
        path
    ):  # 138,000 records took half the time
        if reason:
            record = Record(partition, leaf_digest, int(rows), int(size), int(mtime), sha256, reason)
            if wrong := _withheld_problem(root, month, record):
                return f"the leaf {partition} is withheld, and {wrong}"
            continue
        try:
            info = os.stat(f"{before}{partition}{after}")
        except OSError:
            return f"the leaf {partition} is missing"
        if info.st_size != int(size) or info.st_mtime_ns != int(mtime):
            return f"the leaf {partition} was touched or replaced by hand"
        if info.st_nlink == 1 and (lost := targets.object_problem(root, leaf_digest, int(size))):
            return f"of the leaf {partition}: {lost}"  # a file with two names is the object itself
    _sound.add((path, digest))
    return None


@functools.lru_cache(maxsize=64)
def _around(root: Root, month: str) -> tuple[str, str]:
    """What stands before and behind a leaf's name in its file's, as text: making 138,000 paths took a second and a half."""
    return tuple(f"{root.path}/{root.leaf_name('|', month)}".split("|"))


def _withheld_problem(root: Root, month: str, record: Record) -> str | None:
    """What is wrong with what is kept of a withheld leaf, by size and time."""
    if root.leaf(record.partition, month).exists():
        return "a file stands in its place"
    info = _stat(quarantined(root, month, record.partition) / "rows.parquet")
    if info is None:
        return "its rows are missing from quarantine"
    if info.st_size != record.bytes or info.st_mtime_ns != record.mtime_ns:
        return "its rows in quarantine were touched or replaced by hand"
    return None


def _begun(root: Root, month: str) -> set[str]:
    """The leaves that groups wrote, or were about to write, since the month was compiled."""
    return set().union(*(_intended(path) for path in (root.month_state(month) / "groups").glob("*.txt")))


def _intended(intent: Path) -> set[str]:
    return set(intent.read_text(encoding="utf-8").splitlines()) if intent.exists() else set()


class Plan:
    """A month's leaf plan, read once."""

    def __init__(self, root: Root, month: str):
        import pyarrow.parquet as pq

        stamp = stamps.read(root, f"staged/enriched/leaf_plan_{month}")
        if stamp is None:
            raise errors.RatehouseError(f"the month {month} has no leaf plan", remedy="ratehouse build")
        # Without Arrow's threads: Luigi asks in the parent, and forks afterwards.
        with pq.ParquetFile(root.path / stamp.parts["leaf_plan"].path, pre_buffer=False) as file:
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
    """The month's leaf plan as it stands."""
    path = root.staged("enriched", f"leaf_plan_{month}")
    info = path.stat()
    return _plan(root, month, info.st_mtime_ns, info.st_size, info.st_ino)


@functools.lru_cache(maxsize=2)
def _plan(root: Root, month: str, *_as_it_is: int) -> Plan:
    return Plan(root, month)


def _stands(root: Root, month: str, leaf: Leaf, record: Record | None) -> bool:
    if record is None or record.digest != leaf.digest or record.reason != " ".join((leaf.reason or "").split()):
        return False
    if leaf.reason:
        return _withheld_problem(root, month, record) is None
    before, after = _around(root, month)
    try:
        info = os.stat(f"{before}{leaf.partition}{after}")
    except OSError:
        return False
    if info.st_size != record.bytes or info.st_mtime_ns != record.mtime_ns:
        return False
    return info.st_nlink > 1 or targets.object_problem(root, record.digest, record.bytes) is None


def _known(root: Root, month: str, first: str) -> Mapping[str, Record]:
    """The records of leaves: what a group wrote since the month was compiled, before what the month says."""
    return ChainMap(records(group_manifest(root, month, first)), records(manifest(root, month)))


def owed(root: Root, month: str, first: str) -> list[Leaf]:
    """The leaves of a group that are not as planned."""
    known = _known(root, month, first)
    return [
        leaf for leaf in plan(root, month).groups[first] if not _stands(root, month, leaf, known.get(leaf.partition))
    ]


def groups_owed(root: Root, month: str) -> list[str]:
    """The groups that owe a leaf, those with most rows first, so that the last worker is not left with the largest."""
    groups = plan(root, month).groups
    found = [(sum(leaf.rows for leaf in missing), first) for first in groups if (missing := owed(root, month, first))]
    return [first for _, first in sorted(found, key=lambda pair: (-pair[0], pair[1]))]


def leaf_stands(root: Root, month: str, name: str) -> bool:
    """Whether one leaf is published as planned."""
    leaf = plan(root, month).by_partition.get(name)
    return (
        leaf is not None and not leaf.reason and _stands(root, month, leaf, _known(root, month, leaf.group).get(name))
    )


def build_group(root: Root, month: str, first: str) -> None:
    """Write the leaves that a group owes."""
    started = time.monotonic()
    missing = owed(root, month, first)
    label = f"gold/fact_rate_enriched/year_month={month}/{first}"
    journal.write(
        root.journal, "start", task="enriched.EnrichedGroup", label=label, month=month, why=f"{len(missing)} leaves"
    )
    _write(root, month, first, missing)
    journal.write(
        root.journal,
        "done",
        task="enriched.EnrichedGroup",
        label=label,
        month=month,
        seconds=round(time.monotonic() - started, 3),
        rows=sum(leaf.rows for leaf in missing if not leaf.reason),
        files=sum(not leaf.reason for leaf in missing),
        gates=0,
        warnings=0,
    )


def build_leaf(root: Root, month: str, name: str) -> None:
    """Write one leaf; WithheldPartition when its rows fail the gate, UsageError when the month has no such leaf."""
    leaf = plan(root, month).by_partition.get(name)
    if leaf is None:
        raise errors.UsageError(
            f"the month {month} has no rows for it any more", place=name, remedy=f"ratehouse partitions --month {month}"
        )
    if not _stands(root, month, leaf, _known(root, month, leaf.group).get(name)):
        _write(root, month, leaf.group, [leaf])
    if leaf.reason:
        raise errors.WithheldPartition(
            f"withheld: {leaf.reason}",
            place=name,
            remedy=f"rows of it in quarantine: {leaf.rows:,}. Mend the cause (a correction, the raw file, the suite), then:\n"
            f"  {paths.command(f'rerun {shlex.quote(name)} --month {month}', root.path)}",
        )
    journal.write(
        root.journal,
        "done",
        task="enriched.Partition",
        label=name,
        month=month,
        seconds=0,
        rows=leaf.rows,
        files=1,
        gates=0,
        warnings=0,
    )


def quarantined(root: Root, month: str, name: str) -> Path:
    """Where the rows of a withheld leaf stand."""
    return root.quarantine / "enriched" / name / f"year_month={month}"


def _write(root: Root, month: str, first: str, missing: list[Leaf]) -> None:
    known = _known(root, month, first)
    written: dict[str, Record] = {}
    scratch = paths.make_folder(root.scratch / f"leaves-{os.getpid()}")
    made: list[tuple[Leaf, Path, str]] = []
    try:
        with targets.writing(scratch):
            intent = group_intent(root, month, first)
            names = _intended(intent) | {leaf.partition for leaf in missing}
            targets.write_text(root, intent, "".join(f"{name}\n" for name in sorted(names)))
            for leaf, rows in _rows(root, month, missing):
                draft = scratch / f"{leaf.digest}.parquet"
                made.append((leaf, draft, _write_leaf(draft, leaf, rows)))
            targets.fsync_all([draft for _, draft, _ in made])
            for leaf, draft, sha256 in made:
                if leaf.reason:
                    written[leaf.partition] = _withhold(root, month, leaf, draft, sha256)
                else:
                    targets.store(draft, root.object(leaf.digest), sha256)
            published = [(leaf, sha256) for leaf, _, sha256 in made if not leaf.reason]
            targets.fsync_all(sorted({root.object(leaf.digest).parent for leaf, _ in published}))
            for leaf, sha256 in published:
                written[leaf.partition] = _publish(root, month, leaf, sha256)
        planned = sorted(leaf.partition for leaf in plan(root, month).groups[first])
        stand = (written.get(name) or known.get(name) for name in planned)
        lines = [record.line() for record in stand if record is not None]
        targets.write_text(root, group_manifest(root, month, first), targets.seal("".join(lines)))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def joined(root: Root, month: str) -> list[targets.Part]:
    """The files of the month's joined rows, in the order of these."""
    return stamps.read(root, f"staged/enriched/fact_rate_enriched_{month}").parts_of("fact_rate_enriched")


def _rows(root: Root, month: str, missing: list[Leaf]) -> Iterable[tuple[Leaf, object]]:
    """Each leaf with its rows, reading each file of the joined rows once: a pyarrow table, or, of a leaf of more rows
    than a row group has, an iterator of them, so that the size of leaves does not matter for memory.
    """
    import pyarrow as pa

    from pipeline import parquet, tables

    schema = tables.get("fact_rate_enriched").arrow_schema()
    rows = parquet.Pieces([(root.path / part.path, part.rows) for part in joined(root, month)], schema)
    for leaf in sorted(missing, key=lambda one: one.first_row):
        pieces = rows.between(leaf.first_row, leaf.first_row + leaf.rows)
        yield leaf, pieces if leaf.rows > parquet.ROW_GROUP_ROWS else pa.concat_tables(pieces)


def _write_leaf(path: Path, leaf: Leaf, rows) -> str:
    """Write a leaf's draft; returns the SHA-256 of its bytes."""
    import pyarrow as pa

    from pipeline import parquet, tables

    if not isinstance(rows, pa.Table):
        schema = tables.get("fact_rate_enriched").arrow_schema().with_metadata(_footer(leaf))
        written = parquet.write_large_leaf(path, schema, rows)
        assert written == leaf.rows, f"{leaf.partition}: {written} rows, not {leaf.rows}"
        return targets.file_hash(path)
    assert rows.num_rows == leaf.rows, f"{leaf.partition}: {rows.num_rows} rows, not {leaf.rows}"
    content = parquet.leaf_bytes(rows.replace_schema_metadata(_footer(leaf)))
    with open(path, "wb", buffering=0) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def _footer(leaf: Leaf) -> dict[str, str]:
    from pipeline import parquet

    return {
        "ratehouse.table": "fact_rate_enriched",
        "ratehouse.digest": leaf.digest,
        "ratehouse.rows": str(leaf.rows),
        "ratehouse.format": parquet.FORMAT,
    }


def _publish(root: Root, month: str, leaf: Leaf, sha256: str) -> Record:
    """Put the leaf's object, which stands, into the tree."""
    kept, target = root.object(leaf.digest), root.leaf(leaf.partition, month)
    stands, info = os.stat(kept), _stat(target)
    if info is None or not (
        os.path.samestat(info, stands) or _same_bytes(target, info.st_size, stands.st_size, sha256)
    ):
        targets.link(kept, target, root.scratch)
        info = os.stat(target)
    _release(root, month, leaf.partition)
    return Record(leaf.partition, leaf.digest, leaf.rows, info.st_size, info.st_mtime_ns, sha256, "")


def _same_bytes(path: Path, size: int, wanted: int, sha256: str) -> bool:
    return size == wanted and targets.file_hash(path) == sha256


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _withhold(root: Root, month: str, leaf: Leaf, draft: Path, sha256: str) -> Record:
    """Put a leaf's rows, their reason, and the file that was published in its place into quarantine."""
    folder = paths.make_folder(quarantined(root, month, leaf.partition))
    targets.replace(draft, folder / "rows.parquet")
    targets.write_text(root, folder / "reason.txt", f"{leaf.reason}\n")
    published = root.leaf(leaf.partition, month)
    if published.exists():
        targets.replace(published, folder / "published_before.parquet")
        _remove_empty(published.parent, root.tree)
    info = os.stat(folder / "rows.parquet")
    return Record(leaf.partition, leaf.digest, leaf.rows, info.st_size, info.st_mtime_ns, sha256, leaf.reason)


def _release(root: Root, month: str, name: str) -> None:
    """Take out of quarantine what stands there of a leaf that is published, or gone."""
    folder = quarantined(root, month, name)
    if folder.exists():
        shutil.rmtree(folder)
        _remove_empty(folder.parent, root.quarantine)


def compile_month(root: Root, month: str) -> dict:
    """Compile the month's manifest from its groups', remove leaves without rows; returns what the stamp notes."""
    planned = plan(root, month)
    former = records(manifest(root, month))
    kept: dict[str, Record] = {}
    for first, group in planned.groups.items():
        wrote = records(group_manifest(root, month, first))
        stand = ((leaf.partition, wrote.get(leaf.partition) or former.get(leaf.partition)) for leaf in group)
        kept.update((name, record) for name, record in stand if record is not None)
    for name in {*former, *_begun(root, month)}:
        if name not in planned.by_partition:
            targets.remove(root.leaf(name, month), root.tree)
            _release(root, month, name)
    text = targets.seal("".join(kept[name].line() for name in sorted(kept)))
    path = manifest(root, month)
    if not path.exists() or path.read_bytes() != text.encode():
        targets.write_text(root, path, text)
    shutil.rmtree(root.month_state(month) / "groups", ignore_errors=True)
    published = [r for r in kept.values() if not r.reason]
    withheld = {r.partition: r.reason for r in kept.values() if r.reason}
    return {
        "manifest": targets.file_hash(path),
        "leaves": len(published),
        "rows": sum(r.rows for r in published),
        "bytes": sum(r.bytes for r in published),
        "withheld": withheld,
        "withheld_rows": sum(r.rows for r in kept.values() if r.reason),
    }


def remove_month(root: Root, month: str) -> None:
    """Take away all leaves of a month that no source has any more."""
    for name in {*records(manifest(root, month)), *_begun(root, month)}:
        targets.remove(root.leaf(name, month), root.tree)
        _release(root, month, name)
    shutil.rmtree(root.month_state(month), ignore_errors=True)


def failed(root: Root, task, exception: BaseException) -> str:
    """Put the failure of a leaf task on record; returns what the dashboard says."""
    stopping.check()
    known = isinstance(exception, errors.RatehouseError)
    text = str(exception) if known else "".join(traceback.format_exception(exception))
    label = getattr(task, "name", None) or getattr(task, "first", "")
    journal.write(
        root.journal,
        "failed",
        task=task.get_task_family(),
        label=label,
        month=task.month,
        error=text,
        kind=type(exception).__name__,
        known=known,
    )
    return exception.on_dashboard() if known else text


def _remove_empty(folder: Path, stop: Path) -> None:
    while folder != stop:
        try:
            folder.rmdir()
        except OSError as problem:
            if problem.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                return
            raise
        folder = folder.parent

"""Writing leaves: a group of them or one, withholding those that fail, and putting a month of them on record.

What belongs here: publishing leaf files. What must not come in: which rows make a leaf (`transforms.leaf_plan`), which
leaves are stale (`leaves.manifest`), Luigi.

A leaf's file is an object named by its content; the Hive tree holds a hard link to it. A group's leaves are made
durable together, before its manifest; the month's manifest is compiled from its groups'.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import shutil
import time
import traceback
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline import errors, partition, paths, settings, signals
from pipeline.leaves import manifest
from pipeline.leaves.manifest import Leaf, Record
from pipeline.paths import Root
from pipeline.storage import folding, journal, targets


def build_group(root: Root, month: str, first: str) -> None:
    """Write the leaves that a group owes."""
    started = time.monotonic()
    missing = manifest.stale_leaves(root, month, first)
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
    leaf = manifest.plan(root, month).by_partition.get(name)
    if leaf is None:
        near = "\n  ".join(partition.nearest(name, manifest.plan(root, month).by_partition))
        raise errors.UsageError(
            f"the month {month} has no rows for it", place=name, remedy=f"the nearest are:\n  {near}"
        )
    if not manifest.is_current(root, month, leaf, manifest.known_records(root, month, leaf.group).get(name)):
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


def _write(root: Root, month: str, first: str, missing: list[Leaf]) -> None:
    _refuse_twins(root, month)
    _make_way(root, month, missing)
    known = manifest.known_records(root, month, first)
    written: dict[str, Record] = {}
    scratch = paths.make_folder(root.scratch / f"leaves-{os.getpid()}")
    made: list[tuple[Leaf, Path, str]] = []
    try:
        with targets.translate_os_errors(scratch):
            intent = manifest.group_intent(root, month, first)
            names = manifest.intended(intent) | {leaf.partition for leaf in missing}
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
        planned = sorted(leaf.partition for leaf in manifest.plan(root, month).groups[first])
        stand = (written.get(name) or known.get(name) for name in planned)
        lines = [record.line() for record in stand if record is not None]
        targets.write_text(root, manifest.group_manifest(root, month, first), targets.add_checksum_line("".join(lines)))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _refuse_twins(root: Root, month: str) -> None:
    """SharedNameError where two of a month's leaves would be one file, or stand in one folder under two names."""
    leaves = manifest.plan(root, month).by_partition
    folders = [root.tree] + ([root.quarantine] if any(leaf.reason for leaf in leaves.values()) else [])
    for folder in folders:
        for one, other in folding.of(folder).twins(leaves):
            raise errors.SharedNameError(
                f"on the file system of {folder} it has the same files as {other}, which differs by upper and lower case "
                "alone; no leaf of the month is written",
                place=one,
                remedy="mend one of the two values where it comes from, or put the warehouse on a file system that tells "
                "upper from lower case; then run the same command again",
            )


def _make_way(root: Root, month: str, missing: list[Leaf]) -> None:
    """Where case tells no names apart, remove the leaves without rows that have the place of one that is to be written."""
    fold = folding.of(root.tree)
    if fold.is_any:
        coming = {fold.key(leaf.partition) for leaf in missing}
        for name in _without_rows(root, month):
            if fold.key(name) in coming:
                targets.remove(root.leaf(name, month), root.tree)
                _release(root, month, name)


def _without_rows(root: Root, month: str) -> set[str]:
    """The leaves that were written, or begun, and are not planned any more."""
    stand = {*manifest.records(manifest.manifest(root, month)), *manifest.begun(root, month)}
    return stand - manifest.plan(root, month).by_partition.keys()


def _rows(root: Root, month: str, missing: list[Leaf]) -> Iterable[tuple[Leaf, object]]:
    """Each leaf with its rows, reading each file of the joined rows once: a pyarrow table, or, of a leaf of more rows
    than a row group has, an iterator of them, so that the size of leaves does not matter for memory.
    """
    import pyarrow as pa

    from pipeline import tables
    from pipeline.storage import parquet, parquet_reading

    schema = tables.get("fact_rate_enriched").arrow_schema()
    rows = parquet_reading.Pieces([(root.path / part.path, part.rows) for part in manifest.joined(root, month)], schema)
    for leaf in sorted(missing, key=lambda one: one.first_row):
        pieces = rows.between(leaf.first_row, leaf.first_row + leaf.rows)
        yield leaf, pieces if leaf.rows > parquet.ROW_GROUP_ROWS else pa.concat_tables(pieces)


def _write_leaf(path: Path, leaf: Leaf, rows) -> str:
    """Write a leaf's draft; returns the SHA-256 of its bytes."""
    import pyarrow as pa

    from pipeline import tables
    from pipeline.storage import parquet

    compression = settings.partitioning().leaf_compression
    if not isinstance(rows, pa.Table):
        schema = tables.get("fact_rate_enriched").arrow_schema().with_metadata(_footer(leaf))
        written = parquet.write_large_leaf(path, schema, rows, compression)
        assert written == leaf.rows, f"{leaf.partition}: {written} rows, not {leaf.rows}"
        return targets.file_hash(path)
    assert rows.num_rows == leaf.rows, f"{leaf.partition}: {rows.num_rows} rows, not {leaf.rows}"
    content = parquet.leaf_bytes(rows.replace_schema_metadata(_footer(leaf)), compression)
    with open(path, "wb", buffering=0) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def _footer(leaf: Leaf) -> dict[str, str]:
    from pipeline.storage import parquet

    return {
        "ratehouse.table": "fact_rate_enriched",
        "ratehouse.digest": leaf.digest,
        "ratehouse.rows": str(leaf.rows),
        "ratehouse.format": parquet.FORMAT,
    }


def _publish(root: Root, month: str, leaf: Leaf, sha256: str) -> Record:
    """Put the leaf's object, which stands, into the tree."""
    kept, target = root.object(leaf.digest), root.leaf(leaf.partition, month)
    stands, info = os.stat(kept), manifest.stat_of(target)
    if info is None or not (
        os.path.samestat(info, stands) or _same_bytes(target, info.st_size, stands.st_size, sha256)
    ):
        targets.link(kept, target, root.scratch)
        info = os.stat(target)
    _release(root, month, leaf.partition)
    return Record(leaf.partition, leaf.digest, leaf.rows, info.st_size, info.st_mtime_ns, sha256, "")


def _same_bytes(path: Path, size: int, wanted: int, sha256: str) -> bool:
    return size == wanted and targets.file_hash(path) == sha256


def _withhold(root: Root, month: str, leaf: Leaf, draft: Path, sha256: str) -> Record:
    """Put a leaf's rows, their reason, and the file that was published in its place into quarantine."""
    folder = paths.make_folder(manifest.quarantined(root, month, leaf.partition))
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
    folder = manifest.quarantined(root, month, name)
    if folder.exists():
        shutil.rmtree(folder)
        _remove_empty(folder.parent, root.quarantine)


def compile_month(root: Root, month: str) -> dict:
    """Compile the month's manifest from its groups', remove leaves without rows; returns what the stamp notes."""
    planned = manifest.plan(root, month)
    former = manifest.records(manifest.manifest(root, month))
    kept: dict[str, Record] = {}
    for first, group in planned.groups.items():
        wrote = manifest.records(manifest.group_manifest(root, month, first))
        stand = ((leaf.partition, wrote.get(leaf.partition) or former.get(leaf.partition)) for leaf in group)
        kept.update((name, record) for name, record in stand if record is not None)
    fold = folding.of(root.tree)
    kept_places = {fold.key(name) for name in planned.by_partition} if fold.is_any else ()
    for name in _without_rows(root, month):
        if fold.key(name) not in kept_places:
            targets.remove(root.leaf(name, month), root.tree)
            _release(root, month, name)
    text = targets.add_checksum_line("".join(kept[name].line() for name in sorted(kept)))
    path = manifest.manifest(root, month)
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


def list_with_times(root: Root, month: str, touched: dict[str, tuple[int, int, str]]) -> str | None:
    """Write the month's manifest anew with the times of files that are what they were (`targets.touched`); returns its
    SHA-256, None when there are none.
    """
    path = manifest.manifest(root, month)
    now, changed = [], False
    for record in manifest.records(path).values():
        place = manifest.file_of(root, month, record)
        size, mtime_ns, sha256 = touched.get(str(place), (0, 0, ""))
        if (size, sha256) == (record.bytes, record.sha256) and mtime_ns != record.mtime_ns:
            record, changed = record._replace(mtime_ns=mtime_ns), True
        now.append(record.line())
    if not changed:
        return None
    targets.write_text(root, path, targets.add_checksum_line("".join(now)))
    return targets.file_hash(path)


def ask_again(root: Root, month: str, names: Collection[str]) -> None:
    """Have leaves of a month that are up to date written again: take them out of its manifest, until they are written.

    What is killed before that is mended by the next build, as any manifest that is not what was written.
    """
    known = manifest.records(manifest.manifest(root, month))
    folder = manifest.group_intent(root, month, "").parent
    for path in sorted(folder.glob("*.tsv")):
        known = known | manifest.records(path)
    intent = manifest.group_intent(root, month, "asked for")  # so that one that has no rows any more is still removed
    targets.write_text(root, intent, "".join(f"{name}\n" for name in sorted(names)))
    text = "".join(record.line() for name, record in sorted(known.items()) if name not in names)
    targets.write_text(root, manifest.manifest(root, month), targets.add_checksum_line(text))
    for path in sorted(folder.glob("*.tsv")):
        path.unlink()


def remove_month(root: Root, month: str) -> None:
    """Take away all leaves of a month that no source has any more."""
    for name in {*manifest.records(manifest.manifest(root, month)), *manifest.begun(root, month)}:
        targets.remove(root.leaf(name, month), root.tree)
        _release(root, month, name)
    shutil.rmtree(root.month_state(month), ignore_errors=True)


def failed(root: Root, task, exception: BaseException) -> str:
    """Put the failure of a leaf task on record; returns what the dashboard says."""
    signals.check()
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

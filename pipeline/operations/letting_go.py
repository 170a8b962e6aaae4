"""What a build drops by itself: the staged sets of sources that moved, were superseded or replaced; and which are missing.

What belongs here: what a build may conclude by itself, the list of sources that are missing, and removing what was let
go of. What must not come in: commands (`cli.let_go`), what a month makes of it (`undecided`), removing months
(`warehouse`).

Nothing is let go of before what takes its place is read: a build that is killed in between finds both.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline import raw_kinds, session, source_names
from pipeline.fetching import ledger
from pipeline.paths import Root
from pipeline.sources import former_months, kept_references, let_go, presence
from pipeline.sources.let_go import LetGo
from pipeline.stages import corrections, facts, file_task, ingest, star
from pipeline.stages.file_task import FileTask
from pipeline.storage import raw_hashes, stamps

MOVED_NOTE = "moved_to"  # in a stamp's notes: the path, as text, under which its content was found


@dataclass(frozen=True)
class MissingSource:
    """A source that was built and is not seen. `name` is what `forget` and `archive` take, `months` those of its rows (none
    where it is of none, as a reference file), `presence` missing or archived, `reason` why it is not seen.
    """

    label: str
    name: str
    months: tuple[str, ...]
    rows: int
    presence: str
    reason: str


def tasks() -> list[FileTask]:
    """The task of every source, but those of corrections, which have none."""
    return [*ingest.in_network(), *ingest.references(), *star.tasks()]


def unseen() -> list[FileTask]:
    """Those whose raw file is not seen."""
    return [task for task in tasks() if task.stamp() is not None and not task.is_seen]


def missing() -> list[MissingSource]:
    """Every source that is missing or archived, with its months and rows."""
    found = [
        MissingSource(task.label, task.shown, task.source_months, task.rows, task.presence, f"it {task.why_not_seen()}")
        for task in unseen()
    ]
    for task in ingest.in_network():
        if gone := task.gone_references:
            label, name = kept_references.label(task.label), kept_references.name_of(task.shown)
            reason = f"it was read with {len(gone):,} provider references that cannot be read now, such as {gone[0]}"
            found.append(MissingSource(label, name, task.source_months, task.rows, presence.MISSING, reason))
    by_file: dict[str, list[tuple[str, int]]] = {}
    for month in facts.months():
        for file, of in corrections.not_seen(facts.FactRate(month=month).stamp()).items():
            by_file.setdefault(file, []).append((month, sum(one["rates"] for one in of)))
    for file, of in sorted(by_file.items()):
        months, rows = tuple(month for month, _ in of), sum(rows for _, rows in of)
        reason = "the file of corrections is not seen"
        label, name = corrections.label(file), f"raw/corrections/{file}"
        found.append(MissingSource(label, name, months, rows, presence.MISSING, reason))
    return found


# ---- what a build concludes -----------------------------------------------------------------------------------------


def look(root: Root) -> None:
    """Before sources are read: those that are back; those that moved to a path that is new; those of no rows; fetch's."""
    _take_back(root)
    _remove_unrecognised(root)
    gone = unseen()
    if not gone:
        return
    _mark_moves(root, gone)
    let_go.put(root, *_of_no_rows(gone), *_replaced_by_fetch(root, gone))
    _clear_caches()


def settle(root: Root) -> list[LetGo]:
    """Let go of sources whose place is taken by one that was read; returns all that were let go of and not yet removed."""
    gone = unseen()
    found = [one for task in gone if (one := _moved(root, task) or _superseded(task)) is not None]
    if found:
        let_go.put(root, *found)
        _clear_caches()
    return [one for one in let_go.sources(root).values() if root.stamp(one.label).exists()]


def remove(root: Root) -> None:
    """Remove the staged sets of what was let go of; what was removed halfway is found by its stamp."""
    for label in let_go.sources(root):
        if label.startswith("staged/"):
            former_months.remove(root, label)
            shutil.rmtree(root.stamp(label).with_suffix(""), ignore_errors=True)  # a star schema's months


def sweep(root: Root) -> None:
    """Remove what an interrupted build left of raw files that are not seen: staged tables without a stamp, of which no
    published table has a row (`records.check` holds that).
    """
    for folder in presence.FOLDERS:
        base = root.path / "staged" / folder
        here = {source_names.label(folder, path) for path in presence.listed(folder)}
        for name in sorted(os.listdir(base)) if base.is_dir() else ():  # noqa: PTH208
            label = f"staged/{folder}/{name}"
            if source_names.parts_of_label(label) and label not in here and not root.stamp(label).exists():
                former_months.remove(root, label)


def forget(found: Iterable[MissingSource]) -> list[LetGo]:
    """Put on record that sources are let go of by command; their rows go with the next build."""
    gone = [LetGo(one.label, one.name, one.months, one.rows, let_go.FORGOTTEN) for one in found]
    if gone:
        let_go.put(session.current(), *gone)
        _clear_caches()
    return gone


def entry(task: FileTask, why: str, to: str | None = None) -> LetGo:
    """What is put on record when a task's source is let go of."""
    return LetGo(task.label, task.shown, task.source_months, task.rows, why, to)


def _take_back(root: Root) -> None:
    """Sources that were let go of and whose file is there again. One of another content begins anew."""
    listed = {
        source_names.label(folder, path): (folder, path)
        for folder in presence.FOLDERS
        for path in presence.seen_files(folder)
    }
    listed |= {f"staged/star/{name}": ("star", name) for name in presence.seen_files("star")}
    listed |= {corrections.label(file): ("corrections", file) for file in corrections.files()}
    # Of provider references: those of a file that was read without them since.
    listed |= {
        kept_references.label(task.label): ("references", task.path)
        for task in ingest.in_network()
        if kept_references.label(task.label) in let_go.sources(root) and not task.recorded_references_gone
    }
    back = [label for label in let_go.sources(root) if label in listed]
    for label in back:
        folder, path = listed[label]
        stamp = stamps.read(root, label)
        if (
            stamp is not None
            and folder in presence.FOLDERS
            and _hash(stamp) != raw_hashes.content_hash(root, presence.place(folder, path))
        ):
            former_months.remove(root, label)
    if back:
        let_go.put_back(root, *back)
        _clear_caches()


def _remove_unrecognised(root: Root) -> None:
    """Remove what is on record of files of no known kind that are gone: they held up nothing and gave nothing."""
    for folder in raw_kinds.REFERENCES:
        for one in presence.recorded(folder):
            if one.stamp.notes["status"] == file_task.UNRECOGNISED and not presence.is_seen(folder, one.path):
                former_months.remove(root, one.label)
                _clear_caches()


def _mark_moves(root: Root, gone: Iterable[FileTask]) -> None:
    """Note with each source whose content stands under a path that is new in this build which path that is.

    Only new files that have the size of one that is gone are hashed.
    """
    sizes = {entry[2]: entry[0] for entry in raw_hashes.known(root).values()}
    wanted: dict[tuple[str, int], list[FileTask]] = {}
    for task in gone:
        if (size := sizes.get(_hash(task.set_stamp() or task.stamp()))) is not None:
            wanted.setdefault((task.folder, size), []).append(task)
    for folder in {folder for folder, _ in wanted}:
        known = {one.path for one in presence.recorded(folder)}
        for path in presence.seen_files(folder):
            place = presence.place(folder, path)
            like = wanted.get((folder, place.stat().st_size)) if path not in known else None
            digest = raw_hashes.content_hash(root, place) if like else None
            for task in like or ():
                if _hash(task.set_stamp() or task.stamp()) == digest:
                    stamp = task.stamp()
                    stamps.write(root, task.label, replace(stamp, notes={**stamp.notes, MOVED_NOTE: path}))


def _moved(root: Root, task: FileTask) -> LetGo | None:
    path = task.stamp().notes.get(MOVED_NOTE)
    if path is None or not presence.is_seen(task.folder, path):
        return None
    there = stamps.read(root, source_names.label(task.folder, path))
    same = there is not None and _hash(there) == _hash(task.set_stamp() or task.stamp())
    if not same or there.notes["status"] != task.stamp().notes["status"]:
        return None
    return entry(task, let_go.MOVED, presence.shown(task.folder, path))


def _superseded(task: FileTask) -> LetGo | None:
    from pipeline.operations import releases

    newer = releases.newer(task) if task.folder in releases.FOLDERS else None
    return entry(task, let_go.SUPERSEDED, newer.shown) if newer else None


def _of_no_rows(gone: Iterable[FileTask]) -> list[LetGo]:
    """Files that were broken or of no known kind and gave nothing: nothing is lost with them.

    Where no other file of the folder is seen, the folder itself may be what is gone.
    """
    found = [task for task in gone if not task.stamp().parts and presence.seen_files(task.folder)]
    return [entry(task, let_go.NO_ROWS) for task in found]


def _replaced_by_fetch(root: Root, gone: Iterable[FileTask]) -> list[LetGo]:
    removed = ledger.current(root).removed()
    found = []
    for task in gone:
        line = removed.get((f"raw/{task.raw_name}", _hash(task.set_stamp() or task.stamp())))
        if line is not None:
            found.append(entry(task, let_go.FETCHED, line["file"]))
    return found


def _hash(stamp: stamps.Stamp) -> str | None:
    """The SHA-256 of the raw file that a stamp's set was read from; None of a star schema, which is several."""
    found = [digest for name, digest in stamp.basis.inputs.items() if name.startswith("raw/")]
    return found[0] if len(found) == 1 else None


def _clear_caches() -> None:
    from pipeline.tasks import base

    ingest.clear_caches()
    base.clear_caches()

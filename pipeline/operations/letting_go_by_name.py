"""Archiving and forgetting sources by their names, as commands ask for it.

What belongs here: which source a name means, and carrying out what was asked for, under the build's lock. What must not
come in: printing (`cli`), what a build lets go of by itself (`operations.letting_go`).
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from pipeline import errors, partition, session, source_names
from pipeline.operations import build, earlier_layout, letting_go, records
from pipeline.operations.letting_go import MissingSource
from pipeline.sources import let_go, presence
from pipeline.stages import file_task
from pipeline.storage import locks, stamps
from pipeline.storage.stamps import BuildInputs, Stamp
from pipeline.tasks import code_version


@contextmanager
def locked() -> Iterator[Known]:
    """The sources that are not seen, while nobody builds: LockedError when somebody does."""
    root = session.current()
    with locks.locked(root):
        code_version.use_cache(root.code_cache)
        build.clear_caches()
        if earlier_layout.is_one(root):
            earlier_layout.rename(root)
            build.clear_caches()
        yield Known()


class Known:
    """The sources that may be named: those that are missing or archived, and those of which the record is lost."""

    def __init__(self) -> None:
        self._root = session.current()
        gone = [
            MissingSource(label, label, (), 0, presence.MISSING, "its record is lost")
            for label in records.lost(self._root)
        ]
        self.sources = [*letting_go.missing(), *gone]

    def chosen(self, names: Sequence[str], all_missing: bool, *, archive: bool) -> list[MissingSource]:
        """The sources that are meant; UsageError for a name that is none's, several sources', or of one that is here."""
        if bool(names) == all_missing:
            raise errors.UsageError(
                "name the sources, or say --missing" if not names else "--missing names them all already",
                remedy="ratehouse status lists the sources that are missing",
            )
        if all_missing:
            found = [one for one in self.sources if one.presence == presence.MISSING]
            return [one for one in found if _may_be_archived(one)] if archive else found
        found = list({one.label: one for one in map(self._named, names)}.values())
        for one in found:
            if archive and not _may_be_archived(one):
                raise errors.UsageError(
                    "has no rows that could be kept: corrections apply, or do not",
                    place=one.name,
                    remedy=f"put it back, or: ratehouse forget {shlex.quote(one.name)}",
                )
        return found

    def archive(self, chosen: list[MissingSource]) -> None:
        """Mark sources as archived. Of a broken one the rows that it gave before count as whole again."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for one in chosen:
            stamp = _whole(stamps.read(self._root, one.label))
            notes = {**stamp.notes, presence.ARCHIVED_NOTE: at}
            stamps.write(self._root, one.label, replace(stamp, notes=notes))
        build.clear_caches()

    def forget(self, chosen: list[MissingSource]) -> None:
        """Put on record that sources are let go of."""
        lost = set(records.lost(self._root))
        letting_go.forget(one for one in chosen if one.label not in lost)
        found = [let_go.LetGo(one.label, one.name, None, 0, let_go.FORGOTTEN) for one in chosen if one.label in lost]
        if found:
            let_go.put(self._root, *found)
        for one in found:  # one that cannot be read is of no use
            if one.label.startswith("staged/"):
                self._root.stamp(one.label).unlink(missing_ok=True)

    def _named(self, name: str) -> MissingSource:
        found = [one for one in self.sources if name in _names(one)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = " ".join(shlex.quote(one.name) for one in found)
            raise errors.UsageError("is the name of several sources", place=name, remedy=f"name one of: {listed}")
        here = [
            task
            for task in letting_go.tasks()
            if task.is_seen and name in {task.shown, task.raw_name, task.path, task.label}
        ]
        if here:
            raise errors.UsageError(
                "is here: a source is archived or forgotten once its raw file is gone",
                place=name,
                remedy="move the raw file away first",
            )
        near = partition.nearest(name, [one.name for one in self.sources])
        raise errors.UsageError(
            "is no source that is missing",
            place=name,
            remedy=f"do you mean: {', '.join(near)}?" if near else "no source is missing: ratehouse status lists them",
        )


def _names(one: MissingSource) -> set[str]:
    """What a source may be called: as a build names it, without its first folders, by its label or its id."""
    path = one.name.removeprefix("raw/")
    names = {one.name, path, one.label, one.label.removeprefix("staged/")}
    if path.startswith("mrf/"):
        names.add(path.removeprefix("mrf/"))
    known = source_names.parts_of_label(one.label)
    if known:
        names |= {known[1], *({one.name.removesuffix(f":{known[2]}")} if known[2] else ())}
    return names


def _may_be_archived(one: MissingSource) -> bool:
    return one.label.startswith("staged/") and stamps.read(session.current(), one.label) is not None


def _whole(stamp: Stamp) -> Stamp:
    """The stamp of the set that a broken file gave before; any other as it is."""
    kept = stamp.notes.get(file_task.KEPT)
    if kept is None:
        return stamp
    return Stamp(BuildInputs(kept["inputs"], kept["code"], kept["settings"]), stamp.parts, stamp.gates, kept["notes"])

"""What is common to every task that stages one raw file: its verdict, and what counts while the file is not seen.

What belongs here: that. What must not come in: what an in-network file or a reference file is (`in_network_file`,
`reference_file`), any choice between sources.
"""

from __future__ import annotations

import functools
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline import __version__, errors, source_names, tables
from pipeline.fetching.reference_lookup import UNREADABLE
from pipeline.sources import presence
from pipeline.storage import raw_hashes, staged_views, stamps, targets
from pipeline.storage.stamps import BuildInputs, Stale, Stamp
from pipeline.tasks.base import TableTask
from pipeline.tasks.parameters import NameParameter

if TYPE_CHECKING:
    pass

luigi.namespace("ingest", scope=__name__)

WHOLE, BROKEN, UNRECOGNISED = "whole", "broken", "unrecognised"
KEPT = "kept"  # in the notes of a broken file's stamp: what is known of the set that it gave before


class RawFileTask(TableTask):
    """A task that reads raw files, which may be replaced, cut or removed meanwhile: nothing is published of such a one."""

    def raw_files(self) -> list[Path]:
        """The files that it reads."""
        raise NotImplementedError

    def build_of_unchanged(self, why: Stale) -> Stamp:
        """Build; ChangedSource where a file is another one than when reading began. What went wrong then, whatever it is,
        is no verdict on either of the two."""
        self._looked_at = {path: _seen(path) for path in self.raw_files()}
        try:
            return TableTask.build(self, why)
        except errors.UnreadableSource:
            raise
        except Exception as problem:
            self.refuse_changed(problem)
            raise

    def refuse_changed(self, problem: Exception | None = None) -> None:
        """ChangedSource where a file is not the one of which reading began."""
        for path, seen in self._looked_at.items():
            if _seen(path) != seen:
                raise errors.ChangedSource(path) from problem

    def before_publishing(self) -> None:
        self.refuse_changed()


class FileTask(RawFileTask):
    """A task whose input is one raw file, by its path as text (`source_names`).

    What is built of it is named by its id. While the raw file is not seen, what was built of it counts as up to date,
    whatever the code and the settings.
    """

    path = NameParameter("file under raw/", presence.all_names)
    in_object_store = False
    folder = ""  # under raw/ and staged/

    @property
    def file(self) -> Path:
        """The raw file."""
        return presence.place(self.folder, self.path)

    @property
    def raw_name(self) -> str:
        """The raw file's path under raw/, as text."""
        return f"{self.folder}/{self.path}"

    @property
    def label(self) -> str:
        return source_names.label(self.folder, self.path)

    @property
    def shown(self) -> str:
        return presence.shown(self.folder, self.path)

    def targets(self) -> dict[str, Path]:
        return {name: self.warehouse.path / self.label / f"{name}.parquet" for name in staged_tables(self.folder)}

    def stamp(self) -> Stamp | None:
        found = stamps.read(self.warehouse, self.label)
        if found is None and (earlier := presence.earlier_label(self.folder, self.path)):
            return stamps.read(self.warehouse, earlier)  # until a build names it by its id
        return found

    @property
    def presence(self) -> str:
        """here, missing or archived."""
        return presence.HERE if self.is_seen else presence.unseen_presence(self.stamp())

    @property
    def is_seen(self) -> bool:
        """Whether its raw file is here."""
        return presence.is_seen(self.folder, self.path)

    def set_stamp(self) -> Stamp | None:
        """The stamp of the rows that it gives: its own, or of a broken file that of the set it gave before."""
        stamp = self.stamp()
        if stamp is None or stamp.notes["status"] == WHOLE:
            return stamp
        kept = stamp.notes.get(KEPT)
        if kept is None:
            return None
        basis = BuildInputs(kept["inputs"], kept["code"], kept["settings"])
        return Stamp(basis, stamp.parts, stamp.gates, kept["notes"])

    def columns_of(self, table: str) -> staged_views.Columns:
        kept = self.set_stamp()
        return staged_views.columns_of(kept.basis.settings[f"schema of {table}"]) if kept else None

    @property
    def rows(self) -> int:
        """How many rows it gives."""
        stamp = self.stamp()
        return sum(part.rows for part in stamp.parts.values()) if stamp else 0

    @property
    def source_months(self) -> tuple[str, ...]:
        """The months of its rows, where they have any."""
        return ()

    def why_not_seen(self) -> str:
        """Why its raw file is not seen."""
        return presence.why_not_seen(self.folder, self.path)

    def own_staleness(self) -> Stale | None:
        if self.is_seen:
            return super().own_staleness()
        return staleness_unseen(self)

    def other_inputs(self) -> dict[str, str]:
        try:
            digest = raw_hashes.content_hash(self.warehouse, self.file)
        except errors.SourceError:  # `produce` meets it again
            digest = UNREADABLE
        return {f"raw/{self.raw_name}": digest}

    def build(self, why: Stale) -> Stamp:
        if not self.is_seen and self.stamp() is not None:
            raise lost_set(self, why)
        try:
            return self.read_file(why)
        except errors.UnreadableSource as refused:
            presence.put_unreadable(self.raw_name, refused.fact)
            raise

    def read_file(self, why: Stale) -> Stamp:
        """Read the raw file and publish what it says, or give it its verdict; UnreadableSource when it cannot be read,
        ChangedSource when it is another file than when reading it began."""
        return self.build_of_unchanged(why)

    def raw_files(self) -> list[Path]:
        return [self.file]

    @property
    def status(self) -> str | None:
        """whole, broken or unrecognised, as it was found; None before it was read."""
        stamp = self.stamp()
        return stamp.notes["status"] if stamp else None

    @property
    def reason(self) -> str | None:
        """Why it is not whole."""
        stamp = self.stamp()
        return stamp.notes.get("reason") if stamp else None

    def _summary(self, stamp: Stamp) -> dict:
        return {**super()._summary(stamp), "status": stamp.notes["status"], "reason": stamp.notes.get("reason")}

    def origin(self) -> dict:
        """The notes by which a set is known without its raw file, and which version read it."""
        return {presence.PATH_NOTE: self.path, "read_by": __version__}

    def verdict(self, error: errors.SourceError, status: str, notes: dict, kept: Stamp | None = None) -> Stamp:
        """Stamp the file with what is wrong with it. What it gave before is taken away, or kept: `kept` is its stamp."""
        basis = self.basis()
        self.refuse_changed()  # its hash must be that of what was read
        if kept is None:
            for path in self.targets().values():
                targets.remove(path, self.warehouse.path)
        notes = {
            **self.origin(),
            **({KEPT: _as_note(kept)} if kept else {}),
            **notes,
            "status": status,
            "reason": error.fact,
            "remedy": error.remedy,
            "offset": error.offset,
            "place": self.warehouse.portable(error.place),
        }
        stamp = Stamp(basis, kept.parts if kept else {}, kept.gates if kept else {}, notes)
        stamps.write(self.warehouse, self.label, stamp)
        return stamp


def _seen(path: Path) -> tuple[int, ...] | None:
    """What tells a file from one that took its place, its size first; None where it cannot be looked at."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns, info.st_ino


def staleness_unseen(task: TableTask) -> Stale | None:
    """Why the staged set of a source that is not seen cannot be used; None when it is used as it is."""
    stamp = task.stamp()
    if stamp is None:
        return Stale("unbuilt", "it was never built")
    problem = task.file_problem(stamp)
    if problem:
        return Stale("lost", f"{problem}, and its raw file is not seen: it {task.why_not_seen()}")
    if stamp.failed_gate:
        return TableTask.gate_staleness(task, stamp)
    return None


def lost_set(task: TableTask, why: Stale) -> errors.SourceError:
    """What to say of a staged set that is damaged and cannot be made again."""
    return errors.SourceError(
        f"cannot be read again: {why.sentence}",
        place=task.shown,
        remedy=f"put its raw file back, or remove its rows from the warehouse: ratehouse forget {shlex.quote(task.shown)}",
    )


def _as_note(stamp: Stamp) -> dict:
    """What the stamp of a file with a verdict keeps of the set that the file gave before."""
    basis = stamp.basis
    return {"inputs": basis.inputs, "code": basis.code, "settings": basis.settings, "notes": stamp.notes}


@functools.cache
def staged_tables(folder: str) -> tuple[str, ...]:
    """The tables that ingest makes of a raw folder's files."""
    inner = {"mrf": "staged/in_network"}.get(folder, f"staged/{folder}")
    return tuple(name for name, declared in tables.load().items() if declared.folder == inner)

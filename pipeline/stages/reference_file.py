"""The tasks of reference files, one class a folder: their staged tables, their warnings, their verdict.

What belongs here: that, and which tables a broken file holds up. What must not come in: reading (`readers`), which release
applies (`transforms`).
"""

from __future__ import annotations

import functools
import importlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline import errors, raw_kinds, settings, tables
from pipeline.raw_kinds import KINDS, RawKind
from pipeline.readers.reference_files import holds
from pipeline.readers.reference_files.account import Account
from pipeline.sources import presence
from pipeline.stages import raw, unseen_copies
from pipeline.storage import raw_hashes, stamps
from pipeline.storage.chunked_file import Written
from pipeline.storage.prefetch import prefetch
from pipeline.storage.stamps import Stale, Stamp
from pipeline.tasks.parameters import NameParameter

if TYPE_CHECKING:
    from pipeline.storage import external_sort
from pipeline.stages.file_task import BROKEN, UNRECOGNISED, WHOLE, FileTask, staged_tables

luigi.namespace("ingest", scope=__name__)

# A file of a size at which Arrow's own allocator saves a tenth of the time; and how often a zip's size is its files', about.
_LARGE, _PACKED = 64 << 20, 10


class ReferenceDataFile(FileTask):
    """One file of a reference folder. A file of no known kind is named and passed over; a broken one fails.

    Its verdict is stamped either way, so that `status` can say it, and a build that skips broken files go on. A broken
    one holds up the tables made of those that it would have given (`feeds`), and no others.
    """

    _account: Account | None = None  # what its reader warned of
    _contents: dict[str, str] | None = None  # of each table the digest of its rows, of files that are read whole

    def requires(self) -> list:
        return [raw.SourceFile(path=self.raw_name)] if self.is_seen else []

    def code_roots(self) -> tuple[str, ...]:
        return (KINDS[self.folder].reader,)

    def other_inputs(self) -> dict[str, str]:
        """The file, and those of which it may be a copy: what they hold decides whether it is read."""
        found = super().other_inputs()
        for one in unseen_copies.better_copies(self) if not KINDS[self.folder].is_large else ():
            found |= FileTask.other_inputs(one) if one.is_seen else unseen_copies.recorded_input(one)
        return found

    def may_feed(self, wanted: str) -> bool:
        """Whether a staged table (`name`, or `name:schedule`) may have rows of it: a broken file may feed those alone that
        it would have given."""
        stamp = self.stamp()
        if stamp is None or stamp.notes["status"] != BROKEN:
            return True
        feeds = stamp.notes.get("feeds", [wanted])
        return bool({wanted, wanted.partition(":")[0]} & set(feeds)) or (
            ":" not in wanted and any(one.partition(":")[0] == wanted for one in feeds)
        )

    @property
    def warnings(self) -> list[tuple[str, int, str]]:
        """(kind, count, example) of what its reader warned of (`reference_files.account`)."""
        stamp = self.stamp()
        return [tuple(one) for one in stamp.notes.get("warnings", [])] if stamp else []

    def read_file(self, why: Stale) -> Stamp:
        try:
            return super().read_file(why)
        except (errors.ChangedSource, errors.UnreadableSource):
            raise  # no verdict: nothing is known of its content
        except errors.UnrecognisedFile as unknown:
            return self.verdict(unknown, UNRECOGNISED, {"kind": type(unknown).__name__})
        except errors.SourceError as broken:
            stamp = self.verdict(broken, BROKEN, {"feeds": self._feeds(broken)})
            if not settings.build().skip_broken:
                raise
            return stamp

    def _feeds(self, broken: errors.SourceError) -> list[str]:
        """The staged tables that it would have given, as far as that is known, and those that it gave before."""
        former = self.stamp()
        gave = {stamps.table_of(part) for part in former.parts} if former else set()
        feeds = broken.feeds
        if feeds is None:  # a folder of one kind
            feeds = staged_tables(self.folder) if KINDS[self.folder].gives_all else ()
        return sorted(gave | set(feeds))

    def blocked(self) -> errors.RatehouseError | None:
        if self.status == BROKEN and not settings.build().skip_broken and self.own_staleness() is None:
            notes = self.stamp().notes
            return errors.SourceError(
                notes["reason"], place=self.warehouse.placed(notes["place"]), remedy=notes["remedy"]
            )
        return None

    def on_failure(self, exception: BaseException) -> str:
        """With what waits for the file, when it is broken."""
        stamp = self.stamp()
        if isinstance(exception, errors.SourceError) and stamp and stamp.notes["status"] == BROKEN:
            held = holds.sentence(stamp.notes.get("feeds", ()))
            exception.remedy = "\n  ".join(filter(None, (exception.remedy, held)))
        return super().on_failure(exception)

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline.storage import parquet

        try:
            size = self.file.stat().st_size * (_PACKED if self.file.suffix.lower() == ".zip" else 1)
        except OSError as problem:
            raise raw_hashes.unreadable(self.file, problem) from problem
        with parquet.allocator_of_its_own() if size > _LARGE else nullcontext():
            try:
                unsorted = self._read(drafts, size)
            except Exception:  # of what is wrong, that it cannot be read at all is said first
                raw_hashes.read_through(self.file)
                raise
            # Side by side: sorting and encoding leave a core idle each.
            with ThreadPoolExecutor(max(1, len(unsorted))) as pool:
                connect = functools.partial(self.connection, shared_by=2 * len(unsorted))
                found = pool.map(lambda name: self._write(unsorted[name], drafts[name], connect), unsorted)
                return dict(zip(unsorted, found, strict=True))

    def _read(self, drafts: dict[str, Path], size: int) -> dict[str, external_sort.Unsorted]:
        """The rows of each table that the file has any of, beside its hash."""
        from pipeline.storage import external_sort

        unsorted: dict[str, external_sort.Unsorted] = {}
        self._account = Account()
        read = importlib.import_module(KINDS[self.folder].reader).read(self.file, self._account)
        if isinstance(read, dict):
            from pipeline.readers.reference_files import parts as reference_parts

            unseen_copies.refuse(self, read)
            self._contents = {name: reference_parts.digest(frame) for name, frame in read.items()}
        parts = prefetch([read] if isinstance(read, dict) else read, waiting=4)
        with ThreadPoolExecutor(1) as beside, closing(parts):
            hashed = beside.submit(raw_hashes.content_hash, self.warehouse, self.file)
            for part in parts:
                for name, frame in part.items():
                    frame = self._placed(frame)
                    if name not in unsorted:
                        unsorted[name] = external_sort.Unsorted(
                            tables.get(name), drafts[name].with_suffix(".unsorted"), size
                        )
                    unsorted[name].write(frame)
            hashed.result()
        return unsorted

    def _placed(self, frame):
        """The rows with the folder of their file in `source_file`: two folders may hold files of one name."""
        folder, slash, _ = self.path.rpartition("/")
        if not slash or "source_file" not in frame.columns:
            return frame
        import polars as pl

        return frame.with_columns(pl.lit(folder + slash) + pl.col("source_file"))

    @staticmethod
    def _write(rows, draft: Path, connect) -> Written:
        """Write a table's rows in its order."""
        from pipeline.storage import parquet

        with closing(prefetch(rows.ordered(connect))) as batches:
            return parquet.write(draft, rows.table, batches)

    def notes(self) -> dict:
        warnings = self._account.warnings if self._account else []
        return {**self.origin(), "status": WHOLE, "warnings": warnings, "contents": self._contents or {}}


def _task_of(kind: RawKind) -> type[ReferenceDataFile]:
    """The task of a folder's files, such as `ingest.Nppes`."""
    path = NameParameter(f"file under raw/{kind.folder}", lambda: presence.names(kind.folder))
    about = {"__doc__": f"A file of raw/{kind.folder}: {kind.purpose}.", "__module__": __name__}
    return type(kind.folder.title(), (ReferenceDataFile,), {**about, "folder": kind.folder, "path": path})


# Folder -> the task of its files, of every kind that has a reader (`pipeline.raw_kinds`).
REFERENCES = {folder: _task_of(KINDS[folder]) for folder in raw_kinds.REFERENCES}

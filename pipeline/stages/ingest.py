"""Ingest: one staged Parquet set for each source file.

What belongs here: which reader reads which file, and the verdict on a file. What must not come in: reading
(`readers`), any choice between sources (dims).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline import errors, fingerprints, naming, paths, settings, stamps, tables, targets
from pipeline import references as elsewhere
from pipeline.lookahead import ahead
from pipeline.readers import copies, reference_holds
from pipeline.readers.reference_account import Account
from pipeline.references import UNREADABLE, References
from pipeline.stages import raw
from pipeline.stamps import Basis, Stale, Stamp
from pipeline.task import TableTask
from pipeline.writing import Written

if TYPE_CHECKING:
    from pipeline import ordering

luigi.namespace("ingest", scope=__name__)

STREAMED = ("nppes",)  # folders whose files are too large to be compared with their copies
WHOLE, BROKEN, UNRECOGNISED = "whole", "broken", "unrecognised"
HEADER = (
    "reporting_entity_name reporting_entity_type plan_name plan_id plan_id_type plan_market_type issuer_name "
    "plan_sponsor_name version last_updated_on year_month"
).split()
# A file of a size at which Arrow's own allocator saves a tenth of the time; and how often a zip's size is its files', about.
_LARGE, _PACKED = 64 << 20, 10
_NUMBERS = ("staged_price", "staged_owner")  # a file's largest tables, of which no column lacks a value
COUNTS = (
    "rates_read facts duplicates rejected unresolved zero_rates rate_sum groups tin_npi_pairs npis tins codes pos_sets"
).split()


class FileTask(TableTask):
    """A task whose input is one raw file."""

    path = luigi.Parameter()
    readable = False
    folder = ""  # under raw/ and staged/

    @property
    def file(self) -> Path:
        """The raw file."""
        return self.warehouse.raw / self.raw_name

    @property
    def raw_name(self) -> str:
        """The raw file's path under raw/."""
        return f"{self.folder}/{self.path}"

    @property
    def label(self) -> str:
        return f"staged/{self.folder}/{self.path}"

    def targets(self) -> dict[str, Path]:
        return {name: self.warehouse.staged(f"{self.folder}/{self.path}", name) for name in staged_tables(self.folder)}

    def other_inputs(self) -> dict[str, str]:
        try:
            digest = fingerprints.content_hash(self.warehouse, self.file)
        except errors.SourceError:  # `produce` meets it again and gives the verdict
            digest = UNREADABLE
        return {f"raw/{self.raw_name}": digest}

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

    def verdict(self, error: errors.SourceError, status: str, notes: dict) -> Stamp:
        """Stamp the file as one that gives no rows, and take away what it gave before."""
        basis = self.basis()
        for path in self.targets().values():
            targets.remove(path, self.warehouse.path)
        notes = {
            **notes,
            "status": status,
            "reason": error.fact,
            "remedy": error.remedy,
            "offset": error.offset,
            "place": error.place,
        }
        stamp = Stamp(basis, {}, {}, notes)
        stamps.write(self.warehouse, self.label, stamp)
        return stamp


@functools.cache
def staged_tables(folder: str) -> tuple[str, ...]:
    """The tables that ingest makes of a raw folder's files."""
    inner = {"mrf": "staged/in_network"}.get(folder, f"staged/{folder}")
    return tuple(name for name, declared in tables.load().items() if declared.folder == inner)


class _ChangedError(errors.SourceError):
    """A file is another one than when reading it began: of neither is anything known."""


class InNetworkFile(FileTask):
    """One in-network file, by its path under raw/mrf: its rates, provider groups, codes, and its verdict."""

    folder = "mrf"
    hashed_while_read = True
    path = luigi.Parameter()

    @property
    def batch_id(self) -> str:
        """The MD5 of the path under raw/mrf."""
        return naming.md5_of(self.path)

    @property
    def state(self) -> str:
        """The folder it stands in."""
        return self.path.split("/")[0]

    def requires(self) -> list:
        return [raw.SourceFile(path=self.raw_name)]

    def code_roots(self) -> tuple[str, ...]:
        return (
            "pipeline.readers.in_network",
            "pipeline.readers.provider_references",
            "pipeline.transforms.in_network_counts",
        )

    def other_inputs(self) -> dict[str, str]:
        """The file, and what is at hand of the references that it was found to define by web address."""
        return {**super().other_inputs(), **elsewhere.inputs(self.warehouse, self.file, self._addresses())}

    def settled(self, basis: Basis) -> Basis:
        """With the references that were at hand while it was read."""
        inputs = {name: digest for name, digest in basis.inputs.items() if not name.startswith(elsewhere.PREFIX)}
        used = {f"{elsewhere.PREFIX}{url}": digest for url, digest in self._references.at_hand.items()}
        used[f"raw/{self.raw_name}"] = self._hash  # of what was read
        return dataclasses.replace(basis, inputs=inputs | used)

    def _addresses(self) -> list[str]:
        stamp = self.stamp()
        return stamp.notes.get("references", []) if stamp else []

    def web_references(self) -> References | None:
        """The references that it defines by web address; None when it has not been read as it stands now."""
        stamp = self.stamp()
        if stamp is None or stamp.basis.inputs.get(f"raw/{self.raw_name}") != FileTask.other_inputs(self).popitem()[1]:
            return None
        return References(self.warehouse, self.file, self._addresses())

    @property
    def missing_references(self) -> list[str]:
        """The web addresses of references of which nothing was at hand when it was read."""
        stamp = self.stamp()
        at_hand = stamp.basis.inputs if stamp else {}
        return [url for url in self._addresses() if f"{elsewhere.PREFIX}{url}" not in at_hand]

    @property
    def unusable_references(self) -> dict[str, str]:
        """Web address -> why the file that stands for it gives no groups."""
        stamp = self.stamp()
        return stamp.notes.get("unusable_references", {}) if stamp else {}

    def shaping(self) -> dict[str, object]:
        return {"[ingest] max_rejected_share": settings.ingest().max_rejected_share}

    @property
    def month(self) -> str | None:
        """The month of its rates; None before it was read, or when it has none."""
        stamp = self.stamp()
        return stamp.notes["header"].get("year_month") if stamp else None

    def build(self, why: Stale) -> Stamp:
        try:
            return super().build(why)
        except _ChangedError:
            raise  # no verdict: the next build reads it
        except errors.SourceError as broken:
            self._quarantine(broken.quarantine)
            header = {name: broken.header.get(name) for name in HEADER}
            # Broken before its date: it blocks the month that it had, of which less would be published without it.
            header["year_month"] = header["year_month"] or self.month
            return self.verdict(broken, BROKEN, {"header": header, "counts": {}})

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        before = _seen(self.file)
        self._bytes = before[0] if before else 0
        with ThreadPoolExecutor(1, thread_name_prefix="hash") as beside:
            hashed = beside.submit(fingerprints.content_hash, self.warehouse, self.file)
            try:
                sink, result = self._read(drafts, ())
                if self._references.ambiguous:  # now all its addresses are known, and which names stand for one alone
                    sink, result = self._read(drafts, self._references.urls)
            except errors.SourceError as broken:
                hashed.result()  # that it cannot be read at all is said first
                if _seen(self.file) != before:  # what is wrong with one is no verdict on the other
                    raise _ChangedError(
                        "changed while it was read", place=self.file, remedy="run the same command again"
                    ) from broken
                raise
        self._hash = hashed.result()
        if fingerprints.content_hash(self.warehouse, self.file) != self._hash or _seen(self.file) != before:
            raise _ChangedError("changed while it was read", place=self.file, remedy="run the same command again")
        self._result, self._counting = result, sink.counting
        self._quarantine(result.quarantine)
        return sink.written

    def _read(self, drafts: dict[str, Path], urls) -> tuple:
        """Read the file into drafts; returns the sink and the result. `urls` are the addresses known to be in it."""
        from pipeline.readers import in_network

        self._references = References(self.warehouse, self.file, urls)
        sink = _Sink(drafts, self.warehouse.scratch)
        with sink:
            result = in_network.read(
                self.file,
                batch_id=self.batch_id,
                sink=sink,
                chunk_bytes=settings.build().read_chunk_kb * 1024,
                threads=settings.build().read_threads,
                max_rejected_share=settings.ingest().max_rejected_share,
                resolve=self._references.resolve,
            )
        return sink, result

    def look_over(self, drafts: dict[str, Path], con) -> None:
        from pipeline import duck, parquet_reading
        from pipeline.transforms import in_network_counts

        for name, draft in drafts.items():
            duck.view(con, name, duck.scan(tables.get(name), [draft]))
        con.execute(f"SET threads = {settings.build().read_threads}")  # as many as read it; the gate's too
        self._counted = in_network_counts.counts(
            con, lambda name, columns: parquet_reading.batches(drafts[name], columns), self._counting
        )
        read, rejected, staged = self._result.rates_read, self._result.rejected, self._counted["rates"]
        if staged != read - rejected:
            raise AssertionError(
                f"{self.raw_name}: {read} rates were read and {rejected} rejected, but {staged} were staged"
            )

    def notes(self) -> dict:
        result, counted = self._result, self._counted
        read = {
            name: getattr(result, name) for name in ("rates_read", "rejected", "unresolved", "zero_rates", "rate_sum")
        }
        counts = {**read, **counted, "duplicates": counted["rates"] - counted["facts"]}
        return {
            "status": WHOLE,
            "header": {name: getattr(result, name) for name in HEADER},
            "schema_shape": result.schema_shape,
            "counts": {name: counts[name] for name in COUNTS},
            "warnings": list(result.warnings),
            "references": list(self._references.urls),
            "unusable_references": self._references.unusable,
            "bytes": self._bytes,
        }

    def _quarantine(self, records) -> None:
        path = self.warehouse.quarantine / "records" / f"{self.path}.jsonl"
        lines = [json.dumps(record, ensure_ascii=False, sort_keys=True) for record in records]
        if lines:
            targets.write_text(self.warehouse, path, "\n".join(lines) + "\n")
        else:
            targets.remove(path, self.warehouse.path)

    def problem(self) -> errors.SourceError | None:
        """What is wrong with the file as it stands; None when nothing is known."""
        stamp = self.stamp()
        if stamp is None or stamp.notes["status"] != BROKEN or self.own_staleness() is not None:
            return None
        return errors.SourceError(
            stamp.notes["reason"],
            place=stamp.notes["place"],
            remedy=stamp.notes["remedy"],
            offset=stamp.notes["offset"],
            header=stamp.notes["header"],
        )

    def source_row(self) -> dict:
        """Its row of dim_source_file."""
        stamp = self.stamp()
        header, counts = stamp.notes["header"], stamp.notes["counts"]
        return {
            "batch_id": self.batch_id,
            "file": self.path,
            "content_hash": stamp.basis.inputs[f"raw/{self.raw_name}"],
            "bytes": stamp.notes.get("bytes"),
            "state": self.state,
            "payer_slug": naming.slugify(header.get("reporting_entity_name")),
            "schema_shape": stamp.notes.get("schema_shape"),
            **{name: header.get(name) for name in HEADER},
            **{name: counts.get(name) for name in COUNTS},
            "status": stamp.notes["status"],
            "reason": stamp.notes.get("reason"),
        }

    def header_digest(self) -> str:
        """Digest of what its rows take from the file's header."""
        stamp = self.stamp()
        if stamp is None:
            return ""
        return naming.md5_of(json.dumps([stamp.notes["status"], stamp.notes["header"]], sort_keys=True))


def _seen(path: Path) -> tuple[int, ...] | None:
    """What tells a file from one that took its place, its size first; None where it cannot be looked at."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns, info.st_ino


class _Sink:
    """Writes each staged table's batches to its draft, and counts them."""

    def __init__(self, drafts: dict[str, Path], scratch: Path):
        from pipeline import parquet
        from pipeline.transforms import in_network_counts

        self.counting = in_network_counts.Counting(scratch)
        self._writers = {
            name: parquet.Writer(path, tables.get(name), required=tables.get(name).columns if name in _NUMBERS else ())
            for name, path in drafts.items()
        }

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        with ThreadPoolExecutor(2, thread_name_prefix="close") as pool:  # of each the last rows are still to be encoded
            for closed in [pool.submit(writer.__exit__, *error) for writer in self._writers.values()]:
                closed.result()

    def write(self, table: str, batch) -> None:
        """Take rows of a staged table."""
        self._writers[table].write(batch)
        self.counting.take(table, batch)

    @property
    def written(self) -> dict[str, Written]:
        """What was written, by table."""
        return {name: writer.written for name, writer in self._writers.items()}


class ReferenceFile(FileTask):
    """One file of a reference folder. A file of no known kind is named and passed over; a broken one fails.

    Its verdict is stamped either way, so that `status` can say it, and a build that skips broken files go on. A broken
    one holds up the tables made of those that it would have given (`feeds`), and no others.
    """

    _account: Account | None = None  # what its reader warned of
    _contents: dict[str, str] | None = None  # of each table the digest of its rows, of files that are read whole

    def requires(self) -> list:
        return [raw.SourceFile(path=self.raw_name)]

    def code_roots(self) -> tuple[str, ...]:
        return (f"pipeline.readers.{self.folder}",)

    def other_inputs(self) -> dict[str, str]:
        """The file, and those beside it of which it may be a copy: what they hold decides whether it is read."""
        found = super().other_inputs()
        for name in copies.better(self.path, raw.reference(self.folder)) if self.folder not in STREAMED else ():
            found |= FileTask.other_inputs(type(self)(path=name))
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
        """(kind, count, example) of what its reader warned of (`reference_account`)."""
        stamp = self.stamp()
        return [tuple(one) for one in stamp.notes.get("warnings", [])] if stamp else []

    def build(self, why: Stale) -> Stamp:
        try:
            return super().build(why)
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
            feeds = staged_tables(self.folder) if self.folder in ("nppes", "pos", "wcfs") else ()
        return sorted(gave | set(feeds))

    def blocked(self) -> errors.RatehouseError | None:
        if self.status == BROKEN and not settings.build().skip_broken and self.own_staleness() is None:
            notes = self.stamp().notes
            return errors.SourceError(notes["reason"], place=notes["place"], remedy=notes["remedy"])
        return None

    def on_failure(self, exception: BaseException) -> str:
        """With what waits for the file, when it is broken."""
        stamp = self.stamp()
        if isinstance(exception, errors.SourceError) and stamp and stamp.notes["status"] == BROKEN:
            held = reference_holds.sentence(stamp.notes.get("feeds", ()))
            exception.remedy = "\n  ".join(filter(None, (exception.remedy, held)))
        return super().on_failure(exception)

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline import parquet

        size = self.file.stat().st_size * (_PACKED if self.file.suffix.lower() == ".zip" else 1)
        with parquet.allocator_of_its_own() if size > _LARGE else nullcontext():
            unsorted = self._read(drafts, size)
            # Side by side: sorting and encoding leave a core idle each.
            with ThreadPoolExecutor(max(1, len(unsorted))) as pool:
                connect = functools.partial(self.connection, shared_by=2 * len(unsorted))
                found = pool.map(lambda name: self._write(unsorted[name], drafts[name], connect), unsorted)
                return dict(zip(unsorted, found, strict=True))

    def _read(self, drafts: dict[str, Path], size: int) -> dict[str, ordering.Unsorted]:
        """The rows of each table that the file has any of, beside its hash."""
        from pipeline import ordering

        unsorted: dict[str, ordering.Unsorted] = {}
        self._account = Account()
        read = importlib.import_module(f"pipeline.readers.{self.folder}").read(self.file, self._account)
        if isinstance(read, dict):
            from pipeline.readers import reference_parts

            self._contents = {name: reference_parts.digest(frame) for name, frame in read.items()}
        parts = ahead([read] if isinstance(read, dict) else read, waiting=4)
        with ThreadPoolExecutor(1) as beside, closing(parts):
            hashed = beside.submit(fingerprints.content_hash, self.warehouse, self.file)
            for part in parts:
                for name, frame in part.items():
                    frame = self._placed(frame)
                    if name not in unsorted:
                        unsorted[name] = ordering.Unsorted(
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
        from pipeline import parquet

        with closing(ahead(rows.ordered(connect))) as batches:
            return parquet.write(draft, rows.table, batches)

    def notes(self) -> dict:
        warnings = self._account.warnings if self._account else []
        return {"status": WHOLE, "warnings": warnings, "contents": self._contents or {}}


class Nppes(ReferenceFile):
    """A file of the provider registry."""

    folder = "nppes"


class Medicare(ReferenceFile):
    """A file of Medicare's fee schedules."""

    folder = "medicare"


class Codes(ReferenceFile):
    """A file of a code set."""

    folder = "codes"


class Geo(ReferenceFile):
    """A file of geography."""

    folder = "geo"


class Pos(ReferenceFile):
    """The place-of-service codes."""

    folder = "pos"


class Wcfs(ReferenceFile):
    """A state's workers' compensation fee schedule."""

    folder = "wcfs"


REFERENCES = {cls.folder: cls for cls in (Nppes, Medicare, Codes, Geo, Pos, Wcfs)}


@functools.cache
def in_network() -> tuple[InNetworkFile, ...]:
    """The task of every in-network file, in file-name order."""
    return tuple(InNetworkFile(path=name) for name in raw.in_network()[0])


@functools.cache
def reference(folder: str) -> tuple[ReferenceFile, ...]:
    """The task of every file of a reference folder."""
    return tuple(REFERENCES[folder](path=name) for name in raw.reference(folder))


def references() -> tuple[ReferenceFile, ...]:
    """The task of every reference file."""
    return tuple(task for folder in REFERENCES for task in reference(folder))


def staged(*names: str) -> dict[str, list[TableTask]]:
    """Views over staged tables, each the union of what every file of its folder gave.

    `name:schedule` leaves out the broken files that are known to be of another schedule.
    """
    found = {}
    for wanted in names:
        name = wanted.partition(":")[0]
        folder = tables.get(name).folder.removeprefix("staged/")
        found[name] = (
            list(in_network())
            if folder == "in_network"
            else [task for task in reference(folder) if task.may_feed(wanted)]
        )
    return found


def of_month(month: str) -> list[InNetworkFile]:
    """The files, whole or broken, whose rates are of a month, and those never read, whose rates may be of any."""
    found, unread = _by_month()
    return [*found.get(month, ()), *unread]


@functools.cache
def _by_month() -> tuple[dict[str | None, list[InNetworkFile]], list[InNetworkFile]]:
    """The files that were read, by month, and those that were not. Every table of a month asks, several times."""
    found: dict[str | None, list[InNetworkFile]] = {}
    unread = []
    for task in in_network():
        if task.stamp() is None:
            unread.append(task)
        else:
            found.setdefault(task.month, []).append(task)
    return found, unread


def months() -> list[str]:
    """Every month that a file which was read names, in order; broken files name theirs too, unless they are skipped."""
    skipped = {BROKEN} if settings.build().skip_broken else set()
    return sorted({task.month for task in in_network() if task.month and task.status not in skipped})


def remove_gone() -> None:
    """Take away what was staged of source files that are gone."""
    root = paths.current()
    present = {task.label for task in (*in_network(), *references())}
    staged, stamped = root.path / "staged", root.stamp("staged").with_suffix("")
    for folder in ("mrf", *REFERENCES):
        labels = {path.parent.relative_to(root.path).as_posix() for path in (staged / folder).rglob("*.parquet")}
        labels |= {
            p.relative_to(stamped.parent).as_posix().removesuffix(".json") for p in (stamped / folder).rglob("*.json")
        }
        for label in labels - present:  # the stamp last: what is left half done is found again by it
            shutil.rmtree(root.path / label, ignore_errors=True)
            if folder == "mrf":
                InNetworkFile(path=label.removeprefix("staged/mrf/"))._quarantine(())
            targets.remove(root.stamp(label), stamped)


def forget() -> None:
    """Look at the folders again."""
    in_network.cache_clear()
    _by_month.cache_clear()
    reference.cache_clear()
    raw.forget()
    elsewhere.forget()

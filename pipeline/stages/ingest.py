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
import shlex
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline import (
    __version__,
    accounts,
    errors,
    fingerprints,
    naming,
    settings,
    source_names,
    staged_views,
    stamps,
    tables,
    targets,
)
from pipeline import references as elsewhere
from pipeline.lookahead import ahead
from pipeline.readers import reference_holds
from pipeline.readers.reference_account import Account
from pipeline.references import UNREADABLE, References
from pipeline.stages import former_months, kept_references, raw, sources, unseen_copies
from pipeline.stages.parameters import MonthParameter, NameParameter
from pipeline.stamps import Basis, Stale, Stamp
from pipeline.task import TableTask
from pipeline.writing import Written

if TYPE_CHECKING:
    from pipeline import ordering

luigi.namespace("ingest", scope=__name__)

STREAMED = ("nppes",)  # folders whose files are too large to be compared with their copies
WHOLE, BROKEN, UNRECOGNISED = "whole", "broken", "unrecognised"
KEPT = "kept"  # in the notes of a broken file's stamp: what is known of the set that it gave before
HEADER = (
    "reporting_entity_name reporting_entity_type plan_name plan_id plan_id_type plan_market_type issuer_name "
    "plan_sponsor_name version last_updated_on year_month"
).split()
# A file of a size at which Arrow's own allocator saves a tenth of the time; and how often a zip's size is its files', about.
_LARGE, _PACKED = 64 << 20, 10
_EXAMPLE = 300  # characters of what a file holds that are shown of it
_NUMBERS = ("staged_price", "staged_owner")  # a file's largest tables, of which no column lacks a value
_READ = (  # counted while it is read, and over its staged rows; `pipeline.accounts` says what they mean
    "prices_read priced prices_rejected without_provider rates_read rejected unresolved zero_rates rate_sum rounded_sum"
).split()
COUNTS = (
    "prices_read priced prices_rejected without_provider rates_read facts duplicates rejected unresolved zero_rates "
    "rate_sum fact_sum duplicate_sum rounded_sum groups tin_npi_pairs npis tins codes pos_sets"
).split()


class FileTask(TableTask):
    """A task whose input is one raw file, by its path as text (`source_names`).

    What is built of it is named by its id. While the raw file is not seen, what was built of it counts as up to date,
    whatever the code and the settings.
    """

    path = NameParameter("file under raw/", sources.all_names)
    readable = False
    folder = ""  # under raw/ and staged/

    @property
    def file(self) -> Path:
        """The raw file."""
        return sources.place(self.folder, self.path)

    @property
    def raw_name(self) -> str:
        """The raw file's path under raw/, as text."""
        return f"{self.folder}/{self.path}"

    @property
    def label(self) -> str:
        return source_names.label(self.folder, self.path)

    @property
    def shown(self) -> str:
        return sources.shown(self.folder, self.path)

    def targets(self) -> dict[str, Path]:
        return {name: self.warehouse.path / self.label / f"{name}.parquet" for name in staged_tables(self.folder)}

    def stamp(self) -> Stamp | None:
        found = stamps.read(self.warehouse, self.label)
        if found is None and (earlier := sources.earlier_label(self.folder, self.path)):
            return stamps.read(self.warehouse, earlier)  # until a build names it by its id
        return found

    @property
    def presence(self) -> str:
        """here, missing or archived."""
        return sources.HERE if self.is_seen else sources.unseen_presence(self.stamp())

    @property
    def is_seen(self) -> bool:
        """Whether its raw file is here."""
        return sources.is_seen(self.folder, self.path)

    def set_stamp(self) -> Stamp | None:
        """The stamp of the rows that it gives: its own, or of a broken file that of the set it gave before."""
        stamp = self.stamp()
        if stamp is None or stamp.notes["status"] == WHOLE:
            return stamp
        kept = stamp.notes.get(KEPT)
        if kept is None:
            return None
        basis = Basis(kept["inputs"], kept["code"], kept["settings"])
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
        return sources.why_not_seen(self.folder, self.path)

    def own_staleness(self) -> Stale | None:
        if self.is_seen:
            return super().own_staleness()
        return staleness_unseen(self)

    def other_inputs(self) -> dict[str, str]:
        try:
            digest = fingerprints.content_hash(self.warehouse, self.file)
        except errors.SourceError:  # `produce` meets it again
            digest = UNREADABLE
        return {f"raw/{self.raw_name}": digest}

    def build(self, why: Stale) -> Stamp:
        if not self.is_seen and self.stamp() is not None:
            raise lost_set(self, why)
        try:
            return self.read_file(why)
        except errors.UnreadableSource as refused:
            sources.put_unreadable(self.raw_name, refused.fact)
            raise

    def read_file(self, why: Stale) -> Stamp:
        """Read the raw file and publish what it says, or give it its verdict; UnreadableSource when it cannot be read."""
        return super().build(why)

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
        return {sources.PATH_NOTE: self.path, "read_by": __version__}

    def verdict(self, error: errors.SourceError, status: str, notes: dict, kept: Stamp | None = None) -> Stamp:
        """Stamp the file with what is wrong with it. What it gave before is taken away, or kept: `kept` is its stamp."""
        basis = self.basis()
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
        remedy=f"put its raw file back, or let go of its rows: ratehouse forget {shlex.quote(task.shown)}",
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


class _ChangedError(errors.SourceError):
    """A file is another one than when reading it began: of neither is anything known."""


class InNetworkFile(FileTask):
    """One in-network file, by its path under raw/mrf: its rates, provider groups, codes, and its verdict."""

    folder = "mrf"
    hashed_while_read = True
    path = NameParameter("in-network file", lambda: sources.names("mrf"))

    @property
    def batch_id(self) -> str:
        """The MD5 of the path under raw/mrf."""
        return source_names.id_of(self.path)

    @property
    def input_name(self) -> str:
        # By month: what a path gave for a month keeps its name when the path gives another month.
        kept = self.set_stamp()
        month = kept.notes["header"].get("year_month") if kept else None
        return f"{self.label}_{month}" if month else self.label

    @property
    def rows(self) -> int:
        kept = self.set_stamp()
        return kept.notes["counts"]["facts"] if kept else 0

    @property
    def source_months(self) -> tuple[str, ...]:
        return (self.month,) if self.month else ()

    @property
    def state(self) -> str:
        """The folder it stands in."""
        return self.path.split("/")[0]

    def requires(self) -> list:
        return [raw.SourceFile(path=self.raw_name)] if self.is_seen else []

    def code_roots(self) -> tuple[str, ...]:
        return (
            "pipeline.readers.in_network",
            "pipeline.readers.provider_references",
            "pipeline.transforms.in_network_counts",
        )

    def other_inputs(self) -> dict[str, str]:
        """The file, and what is at hand of the references that it was found to define by web address."""
        found = elsewhere.inputs(self.warehouse, self.file, self._addresses())
        return {**super().other_inputs(), **found, **self._gone_references(found)}

    def _gone_references(self, now: dict[str, str]) -> dict[str, str]:
        return kept_references.not_at_hand(self.warehouse, self.label, self.stamp(), now)

    @property
    def recorded_references_gone(self) -> bool:
        """Whether some that it was read with cannot be read any more, let go of or not."""
        now = elsewhere.inputs(self.warehouse, self.file, self._addresses())
        return bool(kept_references.gone_since(self.stamp(), now))

    @property
    def gone_references(self) -> list[str]:
        """The web addresses of references that it was read with and that cannot be read any more."""
        if self.path not in sources.listed(self.folder):
            return []
        gone = self._gone_references(elsewhere.inputs(self.warehouse, self.file, self._addresses()))
        return [name.removeprefix(elsewhere.PREFIX) for name in gone]

    def settled(self, basis: Basis) -> Basis:
        """With the references that were at hand while it was read."""
        inputs = {name: digest for name, digest in basis.inputs.items() if not name.startswith(elsewhere.PREFIX)}
        used = self._now_at_hand()
        used[f"raw/{self.raw_name}"] = self._hash  # of what was read
        return dataclasses.replace(basis, inputs=inputs | used)

    def _now_at_hand(self) -> dict[str, str]:
        return {f"{elsewhere.PREFIX}{url}": digest for url, digest in self._references.at_hand.items()}

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

    def read_file(self, why: Stale) -> Stamp:
        try:
            stamp = super().read_file(why)
        except (_ChangedError, errors.UnreadableSource):
            raise  # no verdict: the next build reads it
        except errors.SourceError as broken:
            self._quarantine(broken.quarantine)
            header = {name: broken.header.get(name) for name in HEADER}
            # Broken before its date: it blocks the month that it had, of which less would be published without it.
            header["year_month"] = header["year_month"] or self.month
            kept = former_months.set_aside(self, header["year_month"])
            damaged = kept and self.file_problem(kept)
            if damaged:
                raise errors.SourceError(
                    f"{broken.fact}; and what it gave before is damaged: {damaged}",
                    place=broken.place,
                    remedy=broken.remedy,
                ) from broken
            return self.verdict(broken, BROKEN, {"header": header, "counts": {}}, kept)
        former_months.remove_replaced(self)
        return stamp

    def before_publishing(self) -> None:
        if _seen(self.file) != self._looked_at:  # what it was takes no place: nobody asked for it
            raise _ChangedError("changed while it was read", place=self.file, remedy="run the same command again")
        kept_references.refuse(self.shown, self._gone_references(self._now_at_hand()), self._references.urls)
        former_months.set_aside(self, self._result.year_month)

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        before = self._looked_at = _seen(self.file)
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
        self._prices_staged = sink.written["staged_price"].rows
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
        result, staged = self._result, self._counted["rates"]
        self._counts = {**{name: getattr(result, name) for name in _READ}, **self._counted}
        wrong = accounts.imbalances(accounts.OF_FILE, self._counts)
        if staged != result.kept:
            wrong.append(f"{result.kept} rates were kept, but {staged} were staged")
        if self._prices_staged != result.priced + result.without_provider:
            wrong.append(
                f"{self._prices_staged} prices were staged, but {result.priced} priced and {result.without_provider} "
                "without provider"
            )
        if wrong:
            raise errors.AccountsError("; ".join(wrong), place=self.file)

    def notes(self) -> dict:
        result = self._result
        return {
            **self.origin(),
            "status": WHOLE,
            "header": {name: getattr(result, name) for name in HEADER},
            "schema_shape": result.schema_shape,
            "counts": {name: self._counts[name] for name in COUNTS},
            "warnings": [list(one) for one in result.warnings],
            "references": list(self._references.urls),
            "unusable_references": self._references.unusable,
            "bytes": self._bytes,
        }

    def _quarantine(self, records) -> None:
        path = self.warehouse.rejected(self.label)
        of = {"source": self.shown}
        lines = [json.dumps({**of, **record}, ensure_ascii=False, sort_keys=True) for record in records]
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
            place=self.warehouse.placed(stamp.notes["place"]),
            remedy=stamp.notes["remedy"],
            offset=stamp.notes["offset"],
            header=stamp.notes["header"],
        )

    def warning_rows(self) -> list[dict]:
        """Its rows of source_warning: none before it was read, or where it is broken."""
        from pipeline.readers.in_network_issues import BY_KIND, REFERENCE_UNUSABLE

        stamp = self.stamp()
        noted = stamp.notes.get("warnings", []) if stamp else []
        found = [one for one in noted if not isinstance(one, str)]  # earlier versions kept texts
        if unusable := self.unusable_references:
            found.append([REFERENCE_UNUSABLE.kind, len(unusable), ": ".join(next(iter(unusable.items())))])
        own = {"batch_id": self.batch_id, "file": self.path, "year_month": self.month}
        return [
            {**own, "kind": kind, "count": count, "example": _printable(example), "meaning": BY_KIND[kind].meaning}
            for kind, count, example in found
            if kind in BY_KIND
        ]

    def source_row(self) -> dict:
        """Its row of dim_source_file."""
        return self._row(self.stamp())

    def set_row(self) -> dict:
        """The same row of the set that it gives, which of a broken file is the one that it gave before."""
        return self._row(self.set_stamp())

    def _row(self, stamp: Stamp) -> dict:
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
        stamp = self.set_stamp()
        if stamp is None:
            return ""
        return naming.md5_of(json.dumps([stamp.notes["status"], stamp.notes["header"]], sort_keys=True))


def _printable(text: str) -> str:
    """A text of a file for people to read: of a few hundred characters, others than those that print by their escapes."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:_EXAMPLE])
    return shown if len(text) <= _EXAMPLE else f"{shown}…"


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
        return [raw.SourceFile(path=self.raw_name)] if self.is_seen else []

    def code_roots(self) -> tuple[str, ...]:
        return (f"pipeline.readers.{self.folder}",)

    def other_inputs(self) -> dict[str, str]:
        """The file, and those of which it may be a copy: what they hold decides whether it is read."""
        found = super().other_inputs()
        for one in unseen_copies.better_copies(self) if self.folder not in STREAMED else ():
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
        """(kind, count, example) of what its reader warned of (`reference_account`)."""
        stamp = self.stamp()
        return [tuple(one) for one in stamp.notes.get("warnings", [])] if stamp else []

    def read_file(self, why: Stale) -> Stamp:
        try:
            return super().read_file(why)
        except errors.UnreadableSource:
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
            feeds = staged_tables(self.folder) if self.folder in ("nppes", "pos", "wcfs") else ()
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
            held = reference_holds.sentence(stamp.notes.get("feeds", ()))
            exception.remedy = "\n  ".join(filter(None, (exception.remedy, held)))
        return super().on_failure(exception)

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline import parquet

        try:
            size = self.file.stat().st_size * (_PACKED if self.file.suffix.lower() == ".zip" else 1)
        except OSError as problem:
            raise fingerprints.unreadable(self.file, problem) from problem
        with parquet.allocator_of_its_own() if size > _LARGE else nullcontext():
            try:
                unsorted = self._read(drafts, size)
            except Exception:  # of what is wrong, that it cannot be read at all is said first
                fingerprints.read_through(self.file)
                raise
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

            unseen_copies.refuse(self, read)
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
        return {**self.origin(), "status": WHOLE, "warnings": warnings, "contents": self._contents or {}}


def _path_under(folder: str) -> NameParameter:
    return NameParameter(f"file under raw/{folder}", lambda: sources.names(folder))


class Nppes(ReferenceFile):
    """A file of the provider registry."""

    folder = "nppes"
    path = _path_under(folder)


class Medicare(ReferenceFile):
    """A file of Medicare's fee schedules."""

    folder = "medicare"
    path = _path_under(folder)


class Codes(ReferenceFile):
    """A file of a code set."""

    folder = "codes"
    path = _path_under(folder)


class Geo(ReferenceFile):
    """A file of geography."""

    folder = "geo"
    path = _path_under(folder)


class Pos(ReferenceFile):
    """The place-of-service codes."""

    folder = "pos"
    path = _path_under(folder)


class Wcfs(ReferenceFile):
    """A state's workers' compensation fee schedule."""

    folder = "wcfs"
    path = _path_under(folder)


REFERENCES = {cls.folder: cls for cls in (Nppes, Medicare, Codes, Geo, Pos, Wcfs)}


class FormerMonthFile(InNetworkFile):
    """What an in-network file's path gave for a month before it gave another one: kept as it was read."""

    month = MonthParameter()

    @property
    def label(self) -> str:
        return source_names.label(self.folder, self.path, self.month)

    @property
    def shown(self) -> str:
        return sources.shown(self.folder, self.path, self.month)

    @property
    def input_name(self) -> str:
        return self.label

    @property
    def is_seen(self) -> bool:
        return False

    def why_not_seen(self) -> str:
        return "gives another month now" if super().is_seen else super().why_not_seen()


@functools.cache
def in_network() -> tuple[InNetworkFile, ...]:
    """The task of every in-network source, those included that are not seen any more, by file name and month."""
    found = {path: [InNetworkFile(path=path)] for path in sources.seen_files("mrf")}
    for one in sources.recorded("mrf"):
        if one.month is None and one.path not in found:
            found[one.path] = [InNetworkFile(path=one.path)]
    for one in sources.recorded("mrf"):
        if one.month is not None and not former_months.is_replaced(InNetworkFile(path=one.path), one.month):
            found.setdefault(one.path, []).append(FormerMonthFile(path=one.path, month=one.month))
    return tuple(task for path in sorted(found) for task in found[path])


@functools.cache
def reference(folder: str) -> tuple[ReferenceFile, ...]:
    """The task of every source of a reference folder, those included that are not seen any more.

    A file of no known kind that is not seen any more gave nothing.
    """
    known = (one.path for one in sources.recorded(folder) if one.stamp.notes["status"] != UNRECOGNISED)
    return tuple(REFERENCES[folder](path=path) for path in sorted({*sources.seen_files(folder), *known}))


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


def forget() -> None:
    """Look at the folders again."""
    in_network.cache_clear()
    _by_month.cache_clear()
    reference.cache_clear()
    sources.forget()
    elsewhere.forget()

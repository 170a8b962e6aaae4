"""The task of an in-network file: its staged set, its accounts, its verdict; and of what its path gave for a former month.

What belongs here: what of a file is staged and put on record. What must not come in: reading (`readers.in_network`), any
choice between files (`ingest`, dims).
"""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline import accounts, errors, naming, settings, source_names, tables
from pipeline.fetching import reference_lookup as elsewhere
from pipeline.fetching.reference_lookup import ReferenceLookup
from pipeline.sources import former_months, kept_references, let_go, presence
from pipeline.sources.let_go import LetGo
from pipeline.stages import declarations, raw
from pipeline.stages.raw import PROBLEM_OF
from pipeline.storage import raw_hashes, targets
from pipeline.storage.chunked_file import Written
from pipeline.storage.stamps import BuildInputs, Stale, Stamp
from pipeline.tasks.parameters import MonthParameter, NameParameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.readers.declarations import ClassRule
from pipeline.stages.file_task import BROKEN, WHOLE, FileTask

luigi.namespace("ingest", scope=__name__)

HEADER = (
    "reporting_entity_name reporting_entity_type plan_name plan_id plan_id_type plan_market_type issuer_name "
    "plan_sponsor_name version last_updated_on year_month"
).split()
_DECLARABLE = ("last_updated_on", "reporting_entity_name")
_EXAMPLE = 300  # characters of what a file holds that are shown of it
_NUMBERS = ("staged_price", "staged_owner")  # a file's largest tables, of which no column lacks a value
_READ = (  # counted while it is read, and over its staged rows; `pipeline.accounts` says what they mean
    "prices_read priced prices_rejected without_provider rates_read rejected unresolved zero_rates rate_sum rounded_sum"
).split()
COUNTS = (
    "prices_read priced prices_rejected without_provider rates_read facts duplicates rejected unresolved zero_rates "
    "rate_sum fact_sum duplicate_sum rounded_sum groups tin_npi_pairs npis tins codes pos_sets"
).split()


class InNetworkFile(FileTask):
    """One in-network file, by its path under raw/mrf: its rates, provider groups, codes, and its verdict."""

    folder = "mrf"
    hashed_while_read = True
    path = NameParameter("in-network file", lambda: presence.names("mrf"))

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
            "pipeline.readers.in_network.read",
            "pipeline.readers.provider_references",
            "pipeline.readers.declarations",
            "pipeline.transforms.in_network_counts",
        )

    def other_inputs(self) -> dict[str, str]:
        """The file, and what is at hand of the references that it was found to define by web address."""
        found = elsewhere.inputs(self.warehouse, self.file, self._addresses())
        declared = declarations.inputs(self.path)
        return {**super().other_inputs(), **declared, **found, **self._gone_references(found)}

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
        if self.path not in presence.listed(self.folder):
            return []
        gone = self._gone_references(elsewhere.inputs(self.warehouse, self.file, self._addresses()))
        return [name.removeprefix(elsewhere.PREFIX) for name in gone]

    def final_inputs(self, basis: BuildInputs) -> BuildInputs:
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

    def web_references(self) -> ReferenceLookup | None:
        """The references that it defines by web address; None when it has not been read as it stands now."""
        stamp = self.stamp()
        if stamp is None or stamp.basis.inputs.get(f"raw/{self.raw_name}") != FileTask.other_inputs(self).popitem()[1]:
            return None
        return ReferenceLookup(self.warehouse, self.file, self._addresses())

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

    def settings_used(self) -> dict[str, object]:
        return {"[ingest] max_rejected_share": settings.ingest().max_rejected_share}

    @property
    def month(self) -> str | None:
        """The month of its rates; None before it was read, or when it has none."""
        stamp = self.stamp()
        return stamp.notes["header"].get("year_month") if stamp else None

    def read_file(self, why: Stale) -> Stamp:
        try:
            stamp = super().read_file(why)
        except (errors.ChangedSource, errors.UnreadableSource):
            raise  # no verdict: the next build reads it
        except errors.SourceError as broken:
            self._quarantine(broken.quarantine)
            header = {name: broken.header.get(name) for name in HEADER}
            # Broken before its date: it blocks the month that it had, of which less would be published without it.
            header["year_month"] = header["year_month"] or self.month
            of = self.month if self._is_declared_anew(self._raw_hash()) else header["year_month"]
            kept = former_months.set_aside(self, of)
            damaged = kept and self.file_problem(kept)
            if damaged:
                raise errors.SourceError(
                    f"{broken.fact}; and what it gave before is damaged: {damaged}",
                    place=broken.place,
                    remedy=broken.remedy,
                ) from broken
            declared = self._declared_notes(broken.header.get("published", {}))
            return self.verdict(broken, BROKEN, {"header": header, "counts": {}, **declared}, kept)
        former_months.remove_replaced(self)
        return stamp

    def before_publishing(self) -> None:
        super().before_publishing()
        kept_references.refuse(self.shown, self._gone_references(self._now_at_hand()), self._references.urls)
        if self._is_declared_anew(self._hash):
            self._let_go_of_month()
        else:
            former_months.set_aside(self, self._result.year_month)

    def _raw_hash(self) -> str | None:
        return FileTask.other_inputs(self)[f"raw/{self.raw_name}"]

    def _is_declared_anew(self, digest: str | None) -> bool:
        """Whether what it gave before was read from the same bytes: what changed is what is declared of them, or how they are
        read. Then no file of another month came, and the former rows are these."""
        former = self.set_stamp()
        return former is not None and former.basis.inputs.get(f"raw/{self.raw_name}") == digest

    def _let_go_of_month(self) -> None:
        """Put on record that the month that it was of may be removed, where it is of another one now: before it is published,
        so that a kill leaves neither two months nor one that nobody may remove."""
        month, now = self.month, self._result.year_month
        if month in (None, now):
            return
        label = source_names.label(self.folder, self.path, month)
        name = presence.shown(self.folder, self.path, month)
        let_go.put(self.warehouse, LetGo(label, name, (month,), self.rows, let_go.DECLARED, self.shown))
        let_go.put_back(self.warehouse, label)  # the source itself is here: only the month goes

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        looked_at = self._looked_at[self.file]
        self._bytes = looked_at[0] if looked_at else 0
        with ThreadPoolExecutor(1, thread_name_prefix="hash") as beside:
            hashed = beside.submit(raw_hashes.content_hash, self.warehouse, self.file)
            try:
                sink, result = self._read(drafts, ())
                if self._references.ambiguous:  # now all its addresses are known, and which names stand for one alone
                    sink, result = self._read(drafts, self._references.urls)
            except errors.SourceError:
                hashed.result()  # that it cannot be read at all is said first
                raise
        self._hash = hashed.result()
        self.refuse_changed()
        self._result, self._counting, self._idle_classes = result, sink.counting, self._without_effect(sink.matched)
        self._prices_staged = sink.written["staged_price"].rows
        self._quarantine(result.quarantine)
        return sink.written

    def _read(self, drafts: dict[str, Path], urls) -> tuple:
        """Read the file into drafts; returns the sink and the result. `urls` are the addresses known to be in it."""
        from pipeline.readers.in_network import read as in_network

        self._references = ReferenceLookup(self.warehouse, self.file, urls)
        self._declarations = declarations.of_file(self.path)
        sink = _Sink(drafts, self.warehouse.scratch, [d.billing_class for d in self._declarations if d.billing_class])
        with sink:
            result = in_network.read(
                self.file,
                batch_id=self.batch_id,
                sink=sink,
                chunk_bytes=settings.build().read_chunk_kb * 1024,
                threads=settings.build().read_threads,
                max_rejected_share=settings.ingest().max_rejected_share,
                elsewhere=in_network.Elsewhere(
                    resolve=self._references.resolve,
                    declared={name: value for d in self._declarations for name, value in d.header.items()},
                ),
            )
        return sink, result

    def _without_effect(self, matched: list[int]) -> list[tuple[str, int, str]]:
        """A warning for each declared billing class that is of no rate of the file."""
        from pipeline.readers.mrf_issues import DECLARATION_IDLE

        declared = [one for one in self._declarations if one.billing_class]
        idle = [one for one, hits in zip(declared, matched, strict=True) if not hits]
        if not idle:
            return []
        first = idle[0]
        return [(DECLARATION_IDLE.kind, len(idle), f"raw/declarations/{first.file}: number {first.number}")]

    def collect_stats(self, drafts: dict[str, Path], con) -> None:
        from pipeline.storage import duck, parquet_reading
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
            **self._declared_notes(result.published),
            "warnings": [list(one) for one in (*result.warnings, *self._idle_classes)],
            "references": list(self._references.urls),
            "unusable_references": self._references.unusable,
            "bytes": self._bytes,
        }

    def _declared_notes(self, published: Mapping[str, str | None]) -> dict:
        """What is declared of it, by which files, and what the file itself says there; nothing where nothing is."""
        found = declarations.of_file(self.path)
        if not found:
            return {}
        return {
            "declared": [text for one in found for text in one.text()],
            "declared_in": sorted({one.file for one in found}),
            "published": dict(published),
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
        from pipeline.readers.mrf_issues import BY_KIND, REFERENCE_UNUSABLE

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
            **_declared_columns(stamp),
        }

    def header_digest(self) -> str:
        """Digest of what its rows take from the file's header."""
        stamp = self.set_stamp()
        if stamp is None:
            return ""
        return naming.md5_of(json.dumps([stamp.notes["status"], stamp.notes["header"]], sort_keys=True))


def _declared_columns(stamp: Stamp) -> dict[str, str | None]:
    """The columns of dim_source_file that tell what was published from what was declared."""
    notes, header = stamp.notes, stamp.notes["header"]
    published = notes.get("published", {})
    return {
        **{f"published_{name}": published.get(name, header.get(name)) for name in _DECLARABLE},
        "declared": "|".join(notes.get("declared", ())) or None,
        "declared_in": "|".join(notes.get("declared_in", ())) or None,
    }


def _printable(text: str) -> str:
    """A text of a file for people to read: of a few hundred characters, others than those that print by their escapes."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:_EXAMPLE])
    return shown if len(text) <= _EXAMPLE else f"{shown}…"


class _Sink:
    """Writes each staged table's batches to its draft, and counts them."""

    def __init__(self, drafts: dict[str, Path], scratch: Path, rules: Sequence[ClassRule] = ()):
        from pipeline.storage import parquet
        from pipeline.transforms import in_network_counts

        self.counting = in_network_counts.Counting(scratch)
        self._rules, self.matched = rules, [0] * len(rules)
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
        """Take rows of a staged table; those of terms get the billing classes that are declared."""
        if table == "staged_terms" and self._rules:
            batch = self._with_classes(batch)
        self._writers[table].write(batch)
        self.counting.take(table, batch)

    def _with_classes(self, batch):
        from pipeline.readers import declarations as reader

        for place, rule in enumerate(self._rules):
            self.matched[place] += reader.with_classes(batch, [rule])[1]
        return reader.with_classes(batch, self._rules)[0]

    @property
    def written(self) -> dict[str, Written]:
        """What was written, by table."""
        return {name: writer.written for name, writer in self._writers.items()}


class FormerMonthFile(InNetworkFile):
    """What an in-network file's path gave for a month before it gave another one: kept as it was read."""

    month = MonthParameter()

    @property
    def label(self) -> str:
        return source_names.label(self.folder, self.path, self.month)

    @property
    def shown(self) -> str:
        return presence.shown(self.folder, self.path, self.month)

    @property
    def input_name(self) -> str:
        return self.label

    @property
    def is_seen(self) -> bool:
        return False

    def why_not_seen(self) -> str:
        return "gives another month now" if super().is_seen else super().why_not_seen()


PROBLEM_OF["mrf"] = lambda path: InNetworkFile(path=path).problem()

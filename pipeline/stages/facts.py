"""The facts: one shard a month, another layout of the same rows where it is set, and where each fact was published.

What belongs here: what a month's facts are made of, and its accounts. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import json
import shlex
from contextlib import closing
from pathlib import Path

import luigi

from pipeline import accounts, errors, naming, partition, settings, tables
from pipeline.stages import corrections, dims, file_task, ingest, star, undecided, xrefs
from pipeline.stages.from_rates import FromRates
from pipeline.storage import stamps, targets
from pipeline.storage.chunked_file import Written
from pipeline.storage.prefetch import prefetch
from pipeline.storage.stamps import Stale, Stamp
from pipeline.tasks.base import BEFORE_A_TASK_ALONE, TableTask

luigi.namespace("facts", scope=__name__)

STAGED = ("staged_price", "staged_item", "staged_terms", "staged_owner", "staged_group")


class FactRate(FromRates):
    """The month's facts: one row per distinct negotiated rate."""

    priority = 2  # all that is left of a month waits for it, but its benchmarks and bridges
    table = "fact_rate"
    use_all_cores = True
    transform = "fact_rate"
    staged = STAGED

    def views(self) -> dict[str, list[TableTask]]:
        return {**super().views(), "star_fact": star.of_month(self.month)}

    def gate_views(self) -> dict[str, list[TableTask]]:
        return {
            "dim_code": [dims.DimCode()],
            "dim_pos_set": [dims.DimPosSet()],
            "dim_source_file": [dims.DimSourceFile()],
            "xref_group_npi": [xrefs.XrefGroupNpi(month=self.month)],
        }

    def requires(self) -> list:
        # Of a month that is blocked nothing is built, not even an empty table beside which its facts would be checked.
        return [] if self.blocked() else super().requires()

    def other_inputs(self) -> dict[str, str]:
        inputs = super().other_inputs()
        for correction in corrections.of_month(self.month):
            correction_key = {k: correction[k] for k in ("match", "action", "set")}
            inputs[f"raw/corrections:{correction['id']}"] = naming.md5_of(json.dumps(correction_key, sort_keys=True))
        return inputs

    def broken(self) -> list[file_task.FileTask]:
        """The month's files that cannot be read."""
        return [
            *(task for task in ingest.of_month(self.month) if task.status == file_task.BROKEN),
            *star.broken(self.month),
        ]

    def settings_used(self) -> dict[str, object]:
        skipped = [task.raw_name for task in self.broken()] if settings.build().skip_broken else []
        return {"[build] skip_broken": skipped} if skipped else {}

    def blocked(self) -> errors.RatehouseError | None:
        broken = self.broken()
        if broken and not settings.build().skip_broken:
            names = "; ".join(f"raw/{t.raw_name}: {t.reason}" for t in broken)
            remedy = (
                "mend or remove the file, then: ratehouse build  (or publish without it: ratehouse build --skip-broken)"
            )
            if kept := [t for t in broken if t.stamp().parts]:
                remedy = (
                    "mend the file, then: ratehouse build  (or publish without it: ratehouse build --skip-broken; or remove "
                    f"it, and let go of what it gave before: ratehouse forget {shlex.quote(kept[0].shown)})"
                )
            return errors.BlockedMonth(f"the month {self.month} is blocked: {names}", remedy=remedy)
        return corrections.blocked(self.month, self.stamp()) or undecided.blocked(self.month, self.stamp())

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline.storage import duck, parquet
        from pipeline.transforms import fact_rate

        draft = drafts[self.table]
        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            made = fact_rate.batches(con, corrections.of_month(self.month), draft.with_suffix(".scratch"))
            with closing(made), closing(prefetch(made)) as rows:  # what it makes uses the connection in a thread, too
                written = parquet.write(draft, tables.get(self.table), rows, in_order=True)
            relation = con.sql("SELECT * FROM read_totals")
            self._counted = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
            self._corrected = corrections.applied(con, self.month)
        self._rows = written.rows
        return {self.table: written}

    def collect_stats(self, drafts: dict[str, Path], con) -> None:
        """Hold what the facts were made of against what was read of the month's files, before anything is published."""
        counts, counted = [task.stamp().notes["counts"] for task in self.files()], self._counted
        self._accounts = {
            "files": len(counts),
            **accounts.of_files(counts),
            "rate_facts": counted["facts"],
            **{name: counted[name] for name in ("duplicates", "corrected_away", "star_facts", *accounts.SUMS_OF_MONTH)},
        }
        wrong = accounts.imbalances(accounts.OF_MONTHS, self._accounts)
        kept = sum(c["facts"] + c["duplicates"] for c in counts)
        if counted["read"] != kept:
            wrong.append(f"its files have {kept} rates that could be read, but {counted['read']} were used")
        if self._rows != counted["facts"] + counted["star_facts"]:
            wrong.append(
                f"{self._rows} facts were written, not {counted['facts']} and {counted['star_facts']} of stars"
            )
        if wrong:
            files = ", ".join(f"raw/{task.raw_name}" for task in self.files())
            raise errors.AccountsError(f"{'; '.join(wrong)} (made of {files})", place=self.label)

    def notes(self) -> dict:
        return {
            **self._accounts,
            "read": self._counted["read"],
            "skipped": [task.raw_name for task in self.broken()],
            "corrections": [c["id"] for c in corrections.of_month(self.month)],
            corrections.NOTE: self._corrected,
        }

    def build(self, why: Stale) -> Stamp:
        former = self.stamp()
        stamp = super().build(why)
        for one in corrections.taken_out(former, stamp):
            self.journal("uncorrected", **one)
        return stamp


class XrefFactSource(FromRates):
    """Every file that published a fact."""

    table = "xref_fact_source"
    transform = "fact_rate"
    staged = STAGED

    def other_inputs(self) -> dict[str, str]:
        return FactRate(month=self.month).other_inputs()

    def views(self) -> dict[str, list[TableTask]]:
        return {**super().views(), "fact_rate": [FactRate(month=self.month)]}

    def blocked(self) -> errors.RatehouseError | None:
        return FactRate(month=self.month).blocked()

    def select(self, con) -> str:
        from pipeline.transforms import fact_rate

        return fact_rate.sources(con, corrections.of_month(self.month))


class FactLayout(TableTask):
    """The same facts cut another way: by state and month, in a single file, or as Hive folders.

    Made from the monthly shards that stand when it runs; it does not wait for a month that failed. When it is
    published the former layout's files are removed.
    """

    table = "fact_rate"
    month = None  # of all months
    in_object_store = False

    @property
    def layout(self) -> str:
        """[facts] layout."""
        return settings.facts().layout

    @property
    def label(self) -> str:
        return "gold/fact_rate_layout"

    @property
    def folder(self) -> Path:
        """Where the files stand."""
        return self.warehouse.gold / "fact_rate"

    def targets(self) -> dict[str, Path]:
        return {}

    def shards(self) -> list[FactRate]:
        """The months whose facts are published; a blocked month's are those of its last build."""
        if self.layout == "monthly":
            return []
        return [task for m in months() if (task := FactRate(month=m)).file_of("fact_rate") is not None]

    def other_inputs(self) -> dict[str, str]:
        return {task.label: task.digest_of("fact_rate") for task in self.shards()}

    def view_selects(self) -> dict[str, str]:
        from pipeline.storage import duck

        return {"fact_rate": duck.scan(tables.get("fact_rate"), [task.file_of("fact_rate") for task in self.shards()])}

    def settings_used(self) -> dict[str, object]:
        return {"[facts] layout": self.layout}

    def code_roots(self) -> tuple[str, ...]:
        return ("pipeline.transforms.fact_layout",)

    def own_staleness(self) -> Stale | None:
        stamp = self.stamp()
        if stamp is not None and stamp.notes["layout"] != self.layout:  # before any talk of its inputs, which follow
            return Stale("setting", f"the setting [facts] layout is {self.layout}, and was {stamp.notes['layout']}")
        return super().own_staleness()

    def gate_staleness(self, stamp: Stamp) -> Stale | None:
        return None  # its rows passed the gate as shards

    def build(self, why: Stale) -> Stamp:
        from pipeline.storage import duck, parquet
        from pipeline.transforms import fact_layout

        former = self.stamp()
        basis = self.basis()
        declared = tables.get("fact_rate")
        parts = {}
        with self.scratch() as folder, self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            for name, where in fact_layout.pieces(con, self.layout) if self.layout != "monthly" else ():
                draft = folder / "draft.parquet"
                order = ", ".join(f"{duck.identifier(c)} NULLS FIRST" for c in declared.sort)
                columns = ", ".join(map(duck.identifier, declared.columns))
                rows = con.sql(f"SELECT {columns} FROM fact_rate WHERE {where} ORDER BY year_month, {order}")
                with targets.translate_os_errors(folder):
                    written = parquet.write(draft, declared, rows.to_arrow_reader(parquet.ROW_GROUP_ROWS))
                old = former.parts.get(name) if former else None
                target = self.folder / name
                parts[name] = targets.publish(self.warehouse, draft, target, written, former=old, in_object_store=False)
        kept = {self.warehouse.path / p.path for p in parts.values()}
        for path in sorted(self.folder.rglob("*.parquet")) if self.folder.is_dir() else ():
            if path not in kept:
                targets.remove(path, self.warehouse.path)
        stamp = Stamp(basis, parts, {}, {"layout": self.layout})
        stamps.write(self.warehouse, self.label, stamp)
        return stamp


def months() -> list[str]:
    """Every month that a source file or a star schema has facts of, in order."""
    return sorted({*ingest.months(), *star.months()})


def check_month(month: str) -> None:
    """UsageError for a month that no source has."""
    known = months()
    if partition.month(month) not in known:
        there = (
            f"months there are: {', '.join(known)}" if known else "no source file has a month yet: ratehouse sources"
        )
        raise errors.UsageError(f"no source has the month {month}", remedy=there)


def _before_a_task_alone(task: TableTask) -> None:
    """See which files were read since, for they have a month now, and that the task's month is one of theirs."""
    ingest.clear_caches()
    if task.month_or_none is not None and not isinstance(task, file_task.FileTask):
        check_month(task.month_or_none)


BEFORE_A_TASK_ALONE.append(_before_a_task_alone)


KINDS = (FactRate, XrefFactSource)

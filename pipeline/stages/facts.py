"""The facts: one shard a month, another layout of the same rows where it is set, and where each fact was published."""

from __future__ import annotations

import functools
import json
from contextlib import closing
from pathlib import Path

import luigi

from pipeline import accounts, errors, naming, paths, settings, stamps, tables, targets
from pipeline.lookahead import ahead
from pipeline.stages import dims, ingest, raw, star, xrefs
from pipeline.stages.rates import FromRates
from pipeline.stamps import Stale, Stamp
from pipeline.task import TableTask
from pipeline.writing import Written

luigi.namespace("facts", scope=__name__)

STAGED = ("staged_price", "staged_item", "staged_terms", "staged_owner", "staged_group")


@functools.cache
def corrections() -> tuple[dict, ...]:
    """Every correction under raw/corrections, in file-name order; CorrectionError when one cannot be read."""
    files = [paths.current().corrections / name for name in raw.corrections()]
    if not files:
        return ()
    from pipeline.readers import corrections as reader

    found = [c for path in files for c in reader.read(path)]
    seen: dict[str, str] = {}
    for correction in found:
        if correction["id"] in seen:
            raise errors.CorrectionError(
                f"the correction {correction['id']} stands twice (also in {seen[correction['id']]})",
                place=correction["place"],
                remedy="give it an id of its own, or remove one",
            )
        seen[correction["id"]] = correction["place"]
    return tuple(found)


def corrections_of(month: str) -> list[dict]:
    """The corrections that name a month."""
    return [c for c in corrections() if month in c["months"]]


class FactRate(FromRates):
    """The month's facts: one row per distinct negotiated rate."""

    priority = 2  # all that is left of a month waits for it, but its benchmarks and bridges
    table = "fact_rate"
    large = True
    transform = "fact_rate"
    staged = STAGED
    month = luigi.Parameter()

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
        for correction in corrections_of(self.month):
            told = {k: correction[k] for k in ("match", "action", "set")}
            inputs[f"raw/corrections:{correction['id']}"] = naming.md5_of(json.dumps(told, sort_keys=True))
        return inputs

    def broken(self) -> list[ingest.FileTask]:
        """The month's files that cannot be read."""
        return [
            *(task for task in ingest.of_month(self.month) if task.status == ingest.BROKEN),
            *star.broken(self.month),
        ]

    def shaping(self) -> dict[str, object]:
        skipped = [task.raw_name for task in self.broken()] if settings.build().skip_broken else []
        return {"[build] skip_broken": skipped} if skipped else {}

    def blocked(self) -> errors.RatehouseError | None:
        broken = self.broken()
        if not broken or settings.build().skip_broken:
            return None
        names = "; ".join(f"raw/{t.raw_name}: {t.reason}" for t in broken)
        remedy = (
            "mend or remove the file, then: ratehouse build  (or publish without it: ratehouse build --skip-broken)"
        )
        return errors.BlockedMonth(f"the month {self.month} is blocked: {names}", remedy=remedy)

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline import duck, parquet
        from pipeline.transforms import fact_rate

        draft = drafts[self.table]
        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            made = fact_rate.batches(con, corrections_of(self.month), draft.with_suffix(".scratch"))
            with closing(made), closing(ahead(made)) as rows:  # what it makes uses the connection in a thread, too
                written = parquet.write(draft, tables.get(self.table), rows, in_order=True)
            relation = con.sql("SELECT * FROM read_totals")
            self._counted = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
        return {self.table: written}

    def look_over(self, drafts: dict[str, Path], con) -> None:
        """Hold what the facts were made of against what was read of the month's files, before anything is published."""
        counts, counted = [task.stamp().notes["counts"] for task in self.files()], self._counted
        self._accounts = {
            "files": len(counts),
            **accounts.of_files(counts),
            "rate_facts": counted["facts"],
            **{name: counted[name] for name in ("duplicates", "corrected_away", *accounts.SUMS_OF_MONTH)},
        }
        wrong = accounts.imbalances(accounts.OF_MONTHS, self._accounts)
        kept = sum(c["facts"] + c["duplicates"] for c in counts)
        if counted["read"] != kept:
            wrong.append(f"its files have {kept} rates that could be read, but {counted['read']} were used")
        if wrong:
            files = ", ".join(f"raw/{task.raw_name}" for task in self.files())
            raise errors.AccountsError(f"{'; '.join(wrong)} (made of {files})", place=self.label)

    def notes(self) -> dict:
        return {
            **self._accounts,
            "read": self._counted["read"],
            "skipped": [task.raw_name for task in self.broken()],
            "corrections": [c["id"] for c in corrections_of(self.month)],
        }


class XrefFactSource(FromRates):
    """Every file that published a fact; empty unless [facts] keep_sources is set."""

    table = "xref_fact_source"
    transform = "fact_rate"
    staged = STAGED
    month = luigi.Parameter()

    def shaping(self) -> dict[str, object]:
        return {"[facts] keep_sources": settings.facts().keep_sources}

    def other_inputs(self) -> dict[str, str]:
        return FactRate(month=self.month).other_inputs() if settings.facts().keep_sources else {}

    def views(self) -> dict[str, list[TableTask]]:
        return FactRate(month=self.month).views() if settings.facts().keep_sources else {}

    def blocked(self) -> errors.RatehouseError | None:
        return FactRate(month=self.month).blocked() if settings.facts().keep_sources else None

    def select(self, con) -> str:
        from pipeline import duck
        from pipeline.transforms import fact_rate

        if not settings.facts().keep_sources:
            return duck.empty(tables.get(self.table))
        fact_rate.build(con, corrections_of(self.month))
        return fact_rate.sources(con, corrections_of(self.month))


class FactLayout(TableTask):
    """The same facts cut another way: by state and month, in a single file, or as Hive folders.

    Made from the monthly shards that stand when it runs; it does not wait for a month that failed. When it is
    published the former layout's files are removed.
    """

    table = "fact_rate"
    readable = False

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
        from pipeline import duck

        return {"fact_rate": duck.scan(tables.get("fact_rate"), [task.file_of("fact_rate") for task in self.shards()])}

    def shaping(self) -> dict[str, object]:
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
        from pipeline import duck, parquet
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
                with targets.refusals_told(folder):
                    written = parquet.write(draft, declared, rows.to_arrow_reader(parquet.ROW_GROUP_ROWS))
                old = former.parts.get(name) if former else None
                target = self.folder / name
                parts[name] = targets.publish(self.warehouse, draft, target, written, former=old, readable=False)
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


def by_table(of: list[str]) -> list[TableTask]:
    """The fact's tasks of some months."""
    return [cls(month=m) for m in of for cls in (FactRate, XrefFactSource)]

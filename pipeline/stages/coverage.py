"""What a month's facts have and lack, and which files would mend it: one task a table and month.

What belongs here: what each reads. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import json

import luigi

from pipeline import naming, settings
from pipeline.stages import ingest
from pipeline.stages.enriched_rows import EnrichedRows
from pipeline.stages.facts import FactRate
from pipeline.tasks.base import TableTask

luigi.namespace("enriched", scope=__name__)


class _OfRows(TableTask):
    """A table made of the month's joined rows, withheld ones too."""

    transform = "coverage"

    def views(self) -> dict[str, list[TableTask]]:
        return {"fact_rate_enriched": [EnrichedRows(month=self.month)], "fact_rate": [FactRate(month=self.month)]}

    def withheld(self) -> list[str]:
        """The leaves that the gate holds back."""
        stamp = EnrichedRows(month=self.month).stamp()
        return sorted(stamp.notes["withheld"]) if stamp else []

    def other_inputs(self) -> dict[str, str]:
        return {"the gate's withheld leaves": naming.md5_of(json.dumps(self.withheld()))}

    def settings_used(self) -> dict[str, object]:
        return {"[partitioning] keys": list(settings.partitioning().key_list())}


class Coverage(_OfRows):
    """Of the facts of a folder, payer and billing class: how many have what."""

    table = "coverage"

    def views(self) -> dict[str, list[TableTask]]:
        return {**super().views(), "source_price_check": [EnrichedRows(month=self.month)]}

    def select(self, con) -> str:
        from pipeline.transforms import coverage

        return coverage.build(con, settings.partitioning().key_list(), self.withheld())

    def collect_stats(self, drafts, con) -> None:
        from pipeline.storage import duck

        (draft,) = drafts.values()
        totals = con.sql(f"SELECT sum(facts), sum(with_medicare) FROM {duck.parquet_files(draft)}").fetchall()[0]
        self._totals = dict(zip(("facts", "with_medicare"), (int(n or 0) for n in totals), strict=True))

    def notes(self) -> dict:
        return self._totals


class CoverageGap(_OfRows):
    """Why facts lack something, and which file would mend it."""

    table = "coverage_gap"

    def gate_views(self) -> dict[str, list[TableTask]]:
        return {"coverage": [Coverage(month=self.month)]}

    def other_inputs(self) -> dict[str, str]:
        known = json.dumps([staged_tables_with_rows(), self._references_missing()])
        return {**super().other_inputs(), "the reference files that are there": naming.md5_of(known)}

    def _references_missing(self) -> bool:
        return any(task.missing_references for task in ingest.of_month(self.month))

    def select(self, con) -> str:
        from pipeline.transforms import coverage, mending

        staged, missing = staged_tables_with_rows(), self._references_missing()

        def mended(kind: str, reason: str) -> mending.Mending:
            return mending.of(kind, reason, self.month, staged, references_missing=missing)

        select = coverage.gaps(con, settings.partitioning().key_list(), self.withheld(), mended)
        self._by_reason = coverage.by_reason(con)
        return select

    def notes(self) -> dict:
        return {"by_reason": self._by_reason}


def staged_tables_with_rows() -> list[str]:
    """The staged reference tables of which some file gave rows."""
    stamps = (task.stamp() for task in ingest.references())
    return sorted({name for stamp in stamps if stamp for name, part in stamp.parts.items() if part.rows})


KINDS = (Coverage, CoverageGap)

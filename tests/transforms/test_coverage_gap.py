"""Why facts lack something, and which file would mend it; the end of a build says the same."""

from __future__ import annotations

import duckdb
import pytest

from coverage_rows import NOBODY, NOWHERE, answer, row
from pipeline import session, settings
from pipeline.operations import gaps, status
from pipeline.stages import coverage as stages
from pipeline.stages.warehouse import tables_of
from pipeline.transforms import mending


def test_a_row_for_each_reason_with_the_file_that_would_mend_it():
    rows = [
        row("1", benchmark_reason="PFS 2025 not loaded: see docs/data-sources.md"),
        row(
            "2",
            benchmark_reason="PFS 2025 not loaded: see docs/data-sources.md",
            status=None,
            **NOWHERE,
        ),
        row("3", **NOBODY),
        row("4", status="D", procedure_set=None),
        row("5", **NOWHERE),
    ]
    _, found, summed = answer(rows, mending=lambda kind, reason: mending.of(kind, reason, "2025-08", ["staged_nppes"]))
    assert [(one["kind"], one["reason"], one["facts"], one["folder"]) for one in found] == [
        ("category", "the code has no category", 1, "raw/codes/"),
        ("coordinates", "the address has no coordinates", 1, "raw/geo/"),
        ("medicare", "PFS 2025 not loaded: see docs/data-sources.md", 2, "raw/medicare/"),
        ("place", "no known provider", 2, None),
        ("place", "the address is in no known county or area", 1, "raw/geo/"),
        ("provider", "the NPI is deactivated", 1, None),
        ("provider", "the group names no NPI", 1, None),
        ("provider", "the registry does not know the NPI", 1, "raw/nppes/"),
    ]
    medicare = found[2]
    assert medicare["file"] == "CMS's RVU25C zip (its PPRRVU, GPCI and LOCCO tables)"
    assert medicare["page"].startswith("https://www.cms.gov/")
    assert summed == [[one["kind"], one["reason"], one["facts"]] for one in found]


@pytest.mark.parametrize(
    ("kind", "reason", "staged", "missing", "mended"),
    [
        ("provider", mending.NO_NPI, [], True, (None, None, "ratehouse fetch --references")),
        ("provider", mending.NO_NPI, [], False, (None, None, None)),
        ("provider", mending.UNREGISTERED, [], False, (mending.NPPES_FILE, "raw/nppes/", None)),
        ("provider", mending.UNREGISTERED, ["staged_nppes"], False, (f"the newest of {mending.NPPES_FILE}", "raw/nppes/", None)),
        ("place", mending.NO_PROVIDER, [], False, (None, None, None)),
        ("place", "the address is in no known county or area", list(mending.GEOGRAPHY), False, (None, None, None)),
        ("category", "the code has no category", ["staged_category"], False, (None, None, None)),
        ("medicare", "modifier AS", [], False, (None, None, None)),
        ("medicare", "state unknown", [], False, (mending.NPPES_FILE, "raw/nppes/", None)),
    ],
)  # fmt: skip
def test_what_mends_a_gap(kind, reason, staged, missing, mended):
    found = mending.of(kind, reason, "2025-08", staged, references_missing=missing)
    assert (found.file, found.folder, found.command) == mended


def test_the_end_of_a_build_says_what_the_table_says(built_sample):
    """One source: the figures of the last lines are sums of coverage_gap, and its reasons are those of the rows."""
    session.use(built_sample)
    settings.load(built_sample.resolve())
    status.begin()
    months = ["2025-07", "2025-08"]
    looked = gaps.look(months, tables_of(months))
    with duckdb.connect(str(built_sample / "warehouse.duckdb"), read_only=True) as con:
        table = con.sql("SELECT year_month, reason, sum(facts) FROM coverage_gap WHERE kind = 'medicare' GROUP BY ALL")
        rows = con.sql(
            "SELECT year_month, benchmark_reason, count(*) FROM fact_rate_enriched WHERE benchmark_reason IS NOT NULL GROUP BY ALL"
        )
        by_table, by_rows = ({(month, why): int(n) for month, why, n in one.fetchall()} for one in (table, rows))
        totals = con.sql("SELECT sum(facts), sum(with_medicare) FROM coverage").fetchall()[0]
        folders = con.sql("SELECT state, sum(facts) FROM coverage GROUP BY ALL ORDER BY ALL").fetchall()
        facts = con.sql("SELECT state, count(*) FROM fact_rate GROUP BY ALL ORDER BY ALL").fetchall()
    assert by_table == by_rows == looked.unpriced
    assert totals == (looked.rows, looked.priced)
    assert folders == facts
    assert set(stages.KINDS) == {stages.Coverage, stages.CoverageGap}

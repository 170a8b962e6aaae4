"""The last lines of a build: each sentence by its figures, its order, and the file that would mend it."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import duckdb
import pytest
import yaml

import kit
from pipeline import errors, session, settings
from pipeline.cli import closing, lines, summary
from pipeline.operations import gaps, status
from pipeline.operations.build_outcome import FoundInSources, Outcome
from pipeline.operations.gaps import Gaps, GateWarning, SuspiciousFile
from pipeline.operations.letting_go import MissingSource
from pipeline.stages.warehouse import tables_of

FULL = {"staged_nppes": 9, "staged_pfs_rvu": 9, "staged_pos_code": 9, "staged_category": 9} | dict.fromkeys(
    closing.GEOGRAPHY, 9
)


def _said(outcome: Outcome, *, brief: bool = False) -> list[str]:
    """Each sentence with what follows it, on one line."""
    found = closing.sentences(outcome, lambda words: f"$ {words}", brief=brief)
    return [" | ".join([one.text, *one.more, *one.commands]) for one in found]


def _gaps(
    rows: int = 1_000, *, staged: dict | None = None, unpriced: dict | None = None, priced: int = 1, **counts
) -> Gaps:
    return Gaps(rows, Counter(counts), Counter(unpriced or {}), priced, Counter(FULL if staged is None else staged))


def test_a_build_of_which_nothing_is_to_be_known_says_nothing():
    assert _said(Outcome(gaps=_gaps())) == []
    assert _said(Outcome()) == []


def test_without_a_registry_it_is_named():
    (said,) = _said(Outcome(gaps=_gaps(unregistered=980, staged=FULL | {"staged_nppes": 0})))
    assert said == (
        "98.0 % of the rows (980 of 1,000) have no known provider: no name, specialty or address. | "
        f"980 rows: raw/nppes/ holds no provider registry. Put {closing.NPPES_FILE} there."
    )


def test_with_a_registry_that_lacks_them_a_newer_one_is_asked_for():
    (said,) = _said(Outcome(gaps=_gaps(unregistered=1, without_npi=2)))
    assert said == (
        "0.3 % of the rows (3 of 1,000) have no known provider: no name, specialty or address. | "
        f"1 row: the files in raw/nppes/ do not have their NPIs. Put the newest of {closing.NPPES_FILE} there. | "
        "2 rows: their groups list no NPI, or nobody defines them; no file mends that."
    )


def test_references_that_are_missing_are_fetched():
    outcome = Outcome(gaps=_gaps(without_npi=1_000), missing_references=[("mrf/GA/a.json", 370), ("mrf/GA/b.json", 1)])
    assert _said(outcome) == [
        "All 1,000 rows have no known provider: no name, specialty or address. | "
        "1,000 rows: their groups are known by web address alone, or list no NPI.",
        "missing: 371 references of 2 files, known by address alone; to fetch them: | $ fetch --references",
    ]


@pytest.mark.parametrize(
    ("reason", "month", "file"),
    [
        (
            "PFS 2025 not loaded: see docs/data-sources.md",
            "2025-01",
            "CMS's RVU25A zip (its PPRRVU, GPCI and LOCCO tables)",
        ),
        (
            "PFS 2025 not loaded: see docs/data-sources.md",
            "2025-06",
            "CMS's RVU25B zip (its PPRRVU, GPCI and LOCCO tables)",
        ),
        (
            "PFS 2020 not loaded: see docs/data-sources.md",
            "2020-08",
            "CMS's RVU20C zip (its PPRRVU, GPCI and LOCCO tables)",
        ),
        (
            "PFS 2025 not loaded: see docs/data-sources.md",
            "2025-12",
            "CMS's RVU25D zip (its PPRRVU, GPCI and LOCCO tables)",
        ),
        (
            "OPPS 2025 not loaded: see docs/data-sources.md",
            "2025-07",
            "CMS's OPPS Addendum B of July 2025 and the wage index of 2025",
        ),
        (
            "ASC 2026 not loaded: see docs/data-sources.md",
            "2026-10",
            "CMS's ASC addenda AA, BB and FF of October 2026 and the wage index of 2026",
        ),
        ("state unknown", "2025-07", "NPPES's monthly file"),
        ("kind of places of service 98 unknown", "2025-07", "the place-of-service codes into raw/pos/"),
    ],
)
def test_the_file_that_would_price_rows_is_named(reason, month, file):
    (said,) = _said(Outcome(gaps=_gaps(unpriced={(month, reason): 40}, priced=960, staged={})))
    assert said.startswith("4.0 % of the rows (40 of 1,000) have no Medicare rate. | 40 rows: ")
    assert file in said


@pytest.mark.parametrize(
    "reason",
    [
        "arrangement capitation",
        "negotiated type percentage",
        "billing class both",
        "institutional inpatient",
        "modifier AS",
        "places of service unreadable",
        "places of service 05|07 do not settle the setting",
        "code type RC has no Medicare price",
        "no row in PFS for GA",
        "no row in PFS with modifier TC for GA",
        "status N: no rate of its own under OPPS",
        "no rate in OPPS",
    ],
)
def test_what_no_file_mends_asks_for_none(reason):
    assert closing.mending_file(reason, "2025-07", {}) is None
    assert _said(Outcome(gaps=_gaps(unpriced={("2025-07", reason): 40}, priced=960))) == []
    (said,) = _said(Outcome(gaps=_gaps(unpriced={("2025-07", reason): 1_000}, priced=0)))
    assert said == (
        "All 1,000 rows have no Medicare rate. | "
        "1,000 rows: of kinds that Medicare has no rate for; no file mends that."
    )


def test_without_any_fee_schedule_it_is_said_whatever_keeps_rows_from_it():
    found = {("2025-07", "kind of places of service 98 unknown"): 4}
    (said,) = _said(Outcome(gaps=_gaps(4, unpriced=found, priced=0, staged={})))
    assert said == (
        "All 4 rows have no Medicare rate. | 4 rows: the kind of a place of service is not known. Put the "
        "place-of-service codes into raw/pos/. | raw/medicare/ holds no fee schedule: put CMS's RVU zips there, and OPPS "
        "and ASC addenda."
    )


def test_files_that_price_most_rows_come_first_and_months_of_a_quarter_together():
    reason = "PFS 2025 not loaded: see docs/data-sources.md"
    found = {("2025-01", reason): 1, ("2025-02", reason): 2, ("2025-07", reason): 9, ("2025-07", "modifier AS"): 4}
    (said,) = _said(Outcome(gaps=_gaps(unpriced=found, priced=984)))
    first, july, january, rest = said.split(" | ")
    assert first == "1.6 % of the rows (16 of 1,000) have no Medicare rate."
    assert july.startswith("9 rows: no physician fee schedule of 2025 is there. Put CMS's RVU25C zip")
    assert january.startswith("3 rows: no physician fee schedule of 2025 is there. Put CMS's RVU25A zip")
    assert rest == "4 rows: of kinds that Medicare has no rate for; no file mends that."


def test_without_zip_files_they_are_named():
    (said,) = _said(Outcome(gaps=_gaps(unplaced=500, staged=FULL | {"staged_zip_cbsa": 0, "staged_zip_place": 0})))
    assert said == (
        "50.0 % of the rows (500 of 1,000) have a provider, but no county or area. | raw/geo/ lacks HUD's ZIP to CBSA "
        "crosswalk (ZIP_CBSA) and GeoNames' postal codes (US.txt)."
    )
    (said,) = _said(Outcome(gaps=_gaps(unplaced=500)))
    assert said.endswith("Their addresses are abroad, military, or of ZIPs that the files in raw/geo/ do not have.")


def test_without_categories_they_are_named():
    (said,) = _said(Outcome(gaps=_gaps(uncategorised=10, staged=FULL | {"staged_category": 0})))
    assert said == (
        "1.0 % of the rows (10 of 1,000) have no procedure category. | raw/codes/ holds no categories. Put RBCS "
        "(data.cms.gov) there."
    )


def test_worst_comes_first():
    account = {"year_month": "2025-08", "withheld_rows": 12, "withheld_leaves": 2, "rejected": 3, "rates_read": 1_003}
    account |= {"without_provider": 4, "prices_read": 5, "skipped_files": []}
    outcome = Outcome(
        failures=[{"task": "raw.SourceFile"}, {"task": "facts.FactRate"}, {"task": "dims.DimNpi"}],
        deciding=[MissingSource("staged/mrf/x", "raw/mrf/GA/x.json", ("2025-07",), 7, "missing", "is not there")],
        unlistable=[errors.SourceError("cannot be listed: Permission denied", place="raw/mrf/GA")],
        accounts=[account],
        skipped=[("raw/medicare/letter.pdf", "no reader takes it")],
        ignored={"*.bak": 2},
        source_warnings=[FoundInSources("no_rates", "The file holds no rate.", 2, 2, "raw/mrf/GA/x.json in_network")],
        gaps=Gaps(
            1_000,
            Counter(unregistered=10, unplaced=5),
            Counter({("2025-08", "PFS 2025 not loaded: see docs/data-sources.md"): 7}),
            993,
            Counter(FULL),
            (GateWarning("A rule.", "It matters.", ("2025-08",), {"fact_rate": 3, "dim_code": None}),),
        ),
    )
    said = _said(outcome)
    assert [one.partition(" | ")[0] for one in said] == [
        "1 source cannot be used (FAILED, above): what rests on it waits.",
        "1 source cannot be seen (MISSING, above): what was read before, 7 rows, stays in every table.",
        "1 path under raw/ cannot be listed or read (FAILED, above), so what is there is not known.",
        "1 month cannot be built: what was published of it before stays as it was.",
        "1 table failed (FAILED, above).",
        "12 rows in 2 leaves are withheld, for a check failed (WITHHELD, above): no view of the catalog has them.",
        "3 of 1,003 rates read could not be understood and are in no table; the first of each file are under "
        "quarantine/records.",
        "4 of 5 prices read name no provider group, so no row comes of them: their publisher has to say whose they are.",
        "1.0 % of the rows (10 of 1,000) have no known provider: no name, specialty or address.",
        "0.7 % of the rows (7 of 1,000) have no Medicare rate.",
        "0.5 % of the rows (5 of 1,000) have a provider, but no county or area.",
        "warning: no_rates: The file holds no rate. 2 times in 2 files, first raw/mrf/GA/x.json in_network",
        'warning: "A rule" does not hold of 3 rows of fact_rate, dim_code (2025-08). It matters.',
        "skipped: raw/medicare/letter.pdf: no reader takes it",
        "ignored: 2 files by [raw] ignore = *.bak",
    ]
    brief = _said(outcome, brief=True)
    assert brief[:11] == said[:11]
    assert brief[11:13] == [
        "Reading the in-network files gave 2 warnings of 1 kind. | $ sources --warnings",
        "The gates warn of 1 thing. | $ docs",
    ]


def test_many_skipped_files_are_one_line():
    names = [(f"raw/medicare/{n}.pdf", "no reader takes it") for n in range(12)]
    assert _said(Outcome(skipped=names)) == [
        "skipped: 12 files that no reader takes: raw/medicare/0.pdf, raw/medicare/1.pdf, raw/medicare/2.pdf and 9 more. "
        "| $ status"
    ]


def test_no_share_hides_what_is_there():
    assert closing.share(1, 1_000_000) == "0.1 % of the rows (1 of 1,000,000)"
    assert closing.share(999_999, 1_000_000) == "99.9 % of the rows (999,999 of 1,000,000)"
    assert closing.share(5, 5) == "all 5 rows"


def test_what_the_sentences_replace_is_what_suites_say():
    """A suite that is worded anew would else be said twice."""
    said = set()
    for suite in (kit.REPOSITORY / "expectations").glob("*.json"):
        said |= {e.get("description") for e in json.loads(suite.read_text(encoding="utf-8"))["expectations"]}
    assert said >= {*closing.SAID_HERE, closing.EMPTY}


# ---- of a warehouse -------------------------------------------------------------------------------------------------


@pytest.fixture
def looked(built_sample) -> Gaps:
    session.use(built_sample)
    settings.load(built_sample.resolve())
    status.begin()
    months = ["2025-07", "2025-08"]
    return gaps.look(months, tables_of(months))


def test_the_figures_are_those_of_the_rows(built_sample, looked):
    with duckdb.connect(str(built_sample / "warehouse.duckdb"), read_only=True) as con:
        rows = con.sql("""
            SELECT count(*) AS rows, sum((npi IS NULL)::INT) AS without_npi,
              (SELECT count(*) FROM fact_rate_enriched f ANTI JOIN (FROM dim_npi WHERE status IS NOT NULL) USING (npi)
               WHERE npi IS NOT NULL) AS unregistered,
              sum((medicare_state_rate > 0)::INT) AS priced,
              sum((procedure_set IS NULL AND code_type IN ('CPT', 'HCPCS'))::INT) AS uncategorised
            FROM fact_rate_enriched""").fetchall()[0]
        reasons = con.sql("""
            SELECT year_month, benchmark_reason, count(*) FROM fact_rate_enriched
            WHERE benchmark_reason IS NOT NULL GROUP BY ALL""").fetchall()
        staged = con.sql(f"SELECT count(*) FROM '{built_sample}/staged/nppes/**/staged_nppes.parquet'").fetchall()[0][0]
    counts = looked.counts
    assert (looked.rows, counts["without_npi"], counts["unregistered"], looked.priced, counts["uncategorised"]) == rows
    assert rows[1] > 0
    assert rows[2] > 0
    assert {(month, why): n for month, why, n in reasons} == looked.unpriced
    assert looked.staged["staged_nppes"] == staged


def test_warnings_of_gates_are_sentences_with_rows(looked):
    (wrong,) = [one for one in looked.gates if one.says == "The check digit of every NPI is right."]
    assert "the registry never issued it" in wrong.notes
    assert {one.says for one in looked.gates} >= {"Every member names an NPI."}


def test_a_build_with_nothing_to_do_says_the_same(built_sample, looked, capsys):
    outcome = Outcome(nothing_to_do=True, gaps=looked)
    summary.show(outcome)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("nothing to do: ")
    nobody = looked.counts["without_npi"] + looked.counts["unregistered"]
    assert printed[1].startswith(f"{100 * nobody / looked.rows:.1f} % of the rows ({nobody} of {looked.rows:,})")
    assert all(len(line) <= lines.WIDTH or line.startswith("  ") for line in printed)


def test_the_line_that_says_up_to_date_does_not_hide_what_is_lacking(built_sample, looked, capsys):
    summary._close(Outcome(gaps=looked, seconds=2.0))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "the warehouse is up to date (2.0 s), but:"
    assert len(printed) > 5
    summary._close(Outcome(gaps=_gaps(), seconds=2.0))
    assert capsys.readouterr().out == "the warehouse is up to date (2.0 s)\n"


def _suspicious(file: str = "TX/a.json.gz", **values) -> SuspiciousFile:
    figures = {"compared": 0, "median_ratio": None, "class_open": 0, "class_suspect": 0, "is_in_network": True}
    reasons = {"not_in_dollars": False, "of_another_class": False}
    return SuspiciousFile("2022-08", file, **(figures | reasons | values))


def test_a_file_that_may_not_be_in_dollars_is_named():
    one = _suspicious(compared=13_183, median_ratio=0.0134, not_in_dollars=True)
    assert _said(Outcome(gaps=Gaps(suspicious=(one,)))) == [
        "raw/mrf/TX/a.json.gz (2022-08): this file may not be in dollars. The middle of its 13,183 ratios to Medicare's "
        "rates is 0.0134."
    ]
    many = tuple(_suspicious(f"TX/{n}.json", compared=20, median_ratio=11.0, not_in_dollars=True) for n in range(7))
    said = _said(Outcome(gaps=Gaps(suspicious=many)))
    assert (len(said), said[-1]) == (6, "2 more files may not be in dollars: source_price_check has them.")


def test_a_file_whose_rates_look_like_physicians_is_named_with_its_declaration():
    one = _suspicious('TX/a "b".json', class_open=30_033, class_suspect=30_000, of_another_class=True)
    (found,) = closing.sentences(Outcome(gaps=Gaps(suspicious=(one,))), str)
    assert found.text == (
        'raw/mrf/TX/a "b".json (2022-08): 30,000 of 30,033 institutional rates without a setting and places of service look '
        "like physicians' fees, and are flagged class_suspect. To declare them so, put into raw/declarations/classes.yml:"
    )
    (declared,) = yaml.safe_load("\n".join(found.commands))
    assert declared["files"] == 'TX/a "b".json'
    assert declared["set"] == {
        "billing_class": "professional",
        "billing_class_where": {"billing_class": "institutional", "setting": None, "service_code": None},
    }
    assert declared["reason"] == "30,000 of 30,033 such rates look like physicians' fees"
    star = dataclasses.replace(one, is_in_network=False)
    (found,) = closing.sentences(Outcome(gaps=Gaps(suspicious=(star,))), str)
    assert found.commands == ()

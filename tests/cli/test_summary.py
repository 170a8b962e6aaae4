"""What a build prints of Medicare rates: counted from the rows themselves by another query."""

from __future__ import annotations

import duckdb

from pipeline import session, settings
from pipeline.cli import month_accounts, summary
from pipeline.operations import status
from pipeline.operations.build_outcome import Outcome
from pipeline.stages.warehouse import accounts_of


def test_medicare_rates_are_printed_by_class_and_code_type_with_releases_and_reasons(built_sample, capsys):
    session.use(built_sample)
    settings.load(built_sample.resolve())
    status.begin()
    summary._benchmarks(Outcome(accounts=[accounts_of(month) for month in ("2025-07", "2025-08")]))
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 80
    plain = [" ".join(line.split()) for line in printed]
    with duckdb.connect(str(built_sample / "warehouse.duckdb"), read_only=True) as con:
        withheld = con.sql("SELECT sum(withheld_rows) FROM month_accounts").fetchall()
        assert withheld == [(0,)]
        kinds = con.sql("""
            SELECT billing_class, code_type, count(*), count(*) FILTER (medicare_state_rate > 0)
            FROM fact_rate_enriched GROUP BY ALL""").fetchall()
        most = con.sql("""
            SELECT benchmark_source, count(*) FROM fact_rate_enriched WHERE medicare_state_rate > 0
            GROUP BY ALL ORDER BY 2 DESC LIMIT 1""").fetchall()
        rows = con.sql("SELECT count(*) FROM fact_rate_enriched").fetchall()[0][0]
    for kind, code_type, n, priced in kinds:
        assert f"{kind} {code_type} {n:,} {priced:,} {100 * priced / n:.1f} %" in plain
    priced = sum(found for *_, found in kinds)
    assert priced > 0
    assert f"all {rows:,} {priced:,} {100 * priced / rows:.1f} %" in plain
    source, n = most[0]
    assert any(line.startswith("rate ") and f" {n:,} {100 * n / rows:.1f} %" in line for line in plain), source


def test_the_catalog_has_the_coverage_by_month(built_sample):
    with duckdb.connect(str(built_sample / "warehouse.duckdb"), read_only=True) as con:
        kept = con.sql("SELECT * FROM benchmark_coverage ORDER BY ALL").fetchall()
        counted = con.sql("""
            SELECT year_month, billing_class, code_type, medicare_state_rate > 0 IS TRUE AS has_rate,
              if(medicare_state_rate > 0, benchmark_source, benchmark_reason) AS origin, count(*) AS facts
            FROM fact_rate_enriched GROUP BY ALL ORDER BY ALL""").fetchall()
    assert len(kept) > 20
    assert kept == counted


def test_without_any_fact_nothing_is_printed(capsys):
    summary._benchmarks(Outcome(accounts=[{"benchmarks": []}]))
    assert capsys.readouterr().out == ""


def test_what_was_read_of_a_month_that_was_never_built_is_in_no_sum(capsys):
    figures = {"rate_facts": 1_998, "duplicates": 4, "rejected": 0, "corrected_away": 0, "star_facts": 0}
    figures |= {"priced": 1_000, "prices_rejected": 1, "without_provider": 2, "leaves": 203, "withheld_leaves": 0}
    built = {"year_month": "2025-08", "built": True, "prices_read": 1_003, "rates_read": 2_002} | figures
    blocked = {"year_month": "2025-07", "built": False, "prices_read": 7, "rates_read": 1_601} | dict.fromkeys(
        figures, 0
    )
    month_accounts.show([blocked, built])
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 80
    plain = [" ".join(line.split()) for line in printed]
    assert "2025-07 7 - - -" in plain
    assert "built 1,003 1,000 1 2" in plain
    assert "2025-07 1,601 - - - - - -" in plain
    assert "built 2,002 1,998 4 0 0 203 0" in plain


def test_accounts_of_many_rates_fit_80_columns(capsys):
    terms = {"prices_read": 91_234_567, "priced": 91_234_560, "prices_rejected": 3, "without_provider": 91_234_561}
    terms |= {"rates_read": 87_654_321, "rate_facts": 87_654_322, "duplicates": 2_345_678, "rejected": 234_567}
    terms |= {"corrected_away": 1_234_568, "leaves": 260_000, "withheld_leaves": 9_999}
    month_accounts.show([{"year_month": "2025-08", "built": True, "star_facts": 0} | terms])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert [value for value in terms.values() if f" {value:,} " not in printed] == []


def test_a_figure_is_never_cut(capsys):
    terms = {name: 10**12 + n for n, name in enumerate((*month_accounts.PRICES, *month_accounts.RATES))}
    month_accounts.show([{"year_month": "2025-08", "built": True, "star_facts": 0} | terms])
    printed = capsys.readouterr().out
    assert [value for value in terms.values() if f" {value:,} " not in printed] == []


def test_a_term_that_an_earlier_version_did_not_count_is_unknown(capsys):
    figures = dict.fromkeys([*month_accounts.PRICES, *month_accounts.RATES, "star_facts"], 5)
    old = (
        {"year_month": "2025-08", "built": True} | figures | dict.fromkeys(month_accounts.PRICES) | {"duplicates": None}
    )
    month_accounts.show([old, {"year_month": "2025-09", "built": True} | figures])
    plain = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "2025-08 ? ? ? ?" in plain
    assert "2025-08 5 5 ? 5 5 5 5" in plain
    assert "all ? ? ? ?" in plain

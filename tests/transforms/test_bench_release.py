"""Which release applies on a day, and the refusal of files that disagree."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench_tables import connection, rows, stage
from pipeline import errors
from pipeline.transforms import bench_release

QUARTERS = ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"]
TABLE = [
    # releases known, month, the release that applies, how
    (QUARTERS, "2025-01", "2025-01-01", "in force"),
    (QUARTERS, "2025-03", "2025-01-01", "in force"),
    (QUARTERS, "2025-04", "2025-04-01", "in force"),
    (QUARTERS, "2025-12", "2025-10-01", "in force"),
    (["2025-10-01"], "2025-01", "2025-10-01", "nearest of its year"),
    (["2025-07-01", "2025-10-01"], "2025-06", "2025-07-01", "nearest of its year"),
    (["2025-01-01"], "2025-12", "2025-01-01", "in force"),
    (["2025-10-01"], "2026-01", None, None),  # at most to 31 December
    (["2025-10-01"], "2024-12", None, None),
    (["2024-01-01", "2024-03-09", "2024-04-01"], "2024-03", "2024-01-01", "in force"),
    (["2024-01-01", "2024-03-09", "2024-07-01"], "2024-04", "2024-03-09", "in force"),
    ([], "2025-01", None, None),
]


@pytest.fixture(scope="module")
def con():
    con = connection()
    bench_release.load(con)
    return con


@pytest.mark.parametrize(("dates", "month", "expected", "how"), TABLE)
def test_the_release_in_force_else_the_nearest_of_its_year(con, dates, month, expected, how):
    con.execute(f"SET VARIABLE year_month = '{month}'")
    chosen = f"applied_release(CAST({dates} AS VARCHAR[]), first_day())"
    text = None if expected is None else f"RVU effective {expected} ({how})"
    assert rows(con, f"SELECT {chosen}, release_text('RVU', {chosen}, first_day())") == [(expected, text)]


def test_a_states_schedule_holds_until_the_next(con):
    def ask(day):
        return rows(con, f"SELECT applied_schedule(['2023-03-01', '2025-03-01'], '{day}')")[0][0]

    assert [ask(d) for d in ("2022-12-01", "2023-01-01", "2024-12-01", "2025-03-01")] == [
        None,
        "2023-03-01",
        "2023-03-01",
        "2025-03-01",
    ]


days = st.dates(min_value=datetime.date(2023, 1, 1), max_value=datetime.date(2026, 12, 31))


@settings(max_examples=60, deadline=None)
@given(dates=st.lists(days.map(str), max_size=6), month=days.map(lambda d: f"{d:%Y-%m}"))
def test_no_other_release_of_the_year_is_nearer(con, dates, month):
    day = f"{month}-01"
    chosen = rows(con, f"SELECT applied_release(CAST({dates} AS VARCHAR[]), '{day}')")[0][0]
    same_year = [d for d in dates if d[:4] == day[:4]]
    before = [d for d in same_year if d <= day]
    assert chosen == (max(before) if before else min(same_year, default=None))


def test_level_one_codes_are_cpt(con):
    codes = ["99213", "0001F", "0446T", "0001U", "G0101", "J1100", "V5362"]
    asked = ", ".join(f"level_of('{c}')" for c in codes)
    assert rows(con, f"SELECT {asked}") == [("CPT",) * 4 + ("HCPCS",) * 3]


def test_two_files_of_one_day_that_differ_are_named():
    con = connection()
    row = {"code": "99213", "si": "V", "weight": "1", "payment_rate": "10.00", "effective_from": "2025-01-01"}
    stage(con, "staged_opps", [row | {"source_file": "a.csv"}, row | {"source_file": "b.csv", "payment_rate": "11"}])
    with pytest.raises(errors.SourceError, match=r"a\.csv and b\.csv both hold from 2025-01-01 but differ on 99213"):
        bench_release.agree(con, "staged_opps", "code", "si, weight, payment_rate")


def test_figures_written_differently_are_no_difference():
    con = connection()
    row = {"code": "99213", "si": "V", "weight": "1", "payment_rate": "10.00", "effective_from": "2025-01-01"}
    stage(con, "staged_opps", [row | {"source_file": "a.csv"}, row | {"source_file": "b.csv", "payment_rate": "10"}])
    bench_release.agree(con, "staged_opps", "code", "si, weight, payment_rate")

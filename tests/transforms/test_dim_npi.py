"""dim_npi: what the registry knows of the NPIs that groups name."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import naming
from pipeline.readers.nppes import read as nppes
from reference_tables import connection, run, stage

NPI, OTHER = "1003000126", "1174270805"


def record(kind="api", date="2020-01-01", npi=NPI, **more):
    known = {"enumeration_type": "NPI-1", "status": "A", "last_name": "LEE", "last_updated": date}
    key = {"npi": npi, "source_kind": kind, "source_date": date, "source_file": f"{kind}.x", "source_row": 1}
    return key | known | more


def gone(kind="monthly", date="2022-05-23", npi=NPI, **more):
    key = {"npi": npi, "source_kind": kind, "source_date": date, "source_file": f"{kind}.x", "source_row": 1}
    return key | {"status": "D", "deactivation_date": date} | more


def named(rows, *columns, npis=(NPI,), taxonomy=()):
    con = connection()
    stage(con, "staged_member", [{"pg_members_uid": str(n), "npi": npi} for n, npi in enumerate((*npis, *npis, None))])
    stage(con, "staged_nppes", rows)
    stage(con, "staged_taxonomy", [{"taxonomy_code": c, "description": d, "source_file": "nucc"} for c, d in taxonomy])
    return run(con, "dim_npi", *columns)


def test_every_named_npi_is_there_and_no_other():
    found = named([record(npi=OTHER)], "npi", "status", "last_name", "registry_source", npis=(NPI, "1"))
    assert found == [("1", None, None, None), (NPI, None, None, None)]


def test_the_later_record_wins_by_its_own_date():
    rows = [record("monthly", "2019-01-01", last_name="OLD"), record("api", "2021-01-01", last_name="NEW")]
    rows += [record("extract", "2020-01-01", last_name="MIDDLE")]
    assert named(rows, "last_name", "last_updated", "registry_source") == [("NEW", "2021-01-01", "api")]


def test_of_one_date_the_monthly_file_wins_and_the_newer_release_of_it():
    rows = [record("api", last_name="A"), record("extract", last_name="E")]
    rows += [record("monthly", last_name=f"M{n}", release_date=f"2025-0{n}-01", source_file=f"{9 - n}") for n in (7, 8)]
    assert named(rows, "last_name") == [("M8",)]


def test_a_blank_deactivated_record_takes_nothing_away():
    rows = [
        record(date="2020-01-01"),
        gone(date="2022-05-23", replacement_npi=OTHER),
        gone("deactivation", "2022-05-23"),
    ]
    columns = ["status", "last_name", "last_updated", "deactivation_date", "replacement_npi", "registry_source"]
    assert named(rows, *columns) == [("D", "LEE", "2020-01-01", "2022-05-23", OTHER, "api")]


def test_deactivated_and_never_seen_before():
    columns = ["enumeration_type", "status", "deactivation_date", "registry_source"]
    assert named([gone("deactivation")], *columns) == [(None, "D", "2022-05-23", "deactivation")]


def test_a_later_active_record_ends_a_deactivation():
    rows = [record(date="2023-01-01"), gone(date="2022-05-23", replacement_npi=OTHER)]
    assert named(rows, "status", "deactivation_date", "replacement_npi") == [("A", None, None)]


def test_an_update_on_the_day_of_the_deactivation_is_the_deactivation():
    assert named([record("monthly", "2022-05-23"), gone("deactivation")], "status", "last_name") == [("D", "LEE")]


def test_what_the_extract_never_carries_comes_from_another_source():
    code = {"primary_taxonomy_code": "207R00000X"}
    licence = {"primary_taxonomy_license": "A1", "primary_taxonomy_state": "TX"}
    fuller = record("api", "2015-01-01", enumeration_date="2008-01-01", sole_proprietor="NO", **code, **licence)
    columns = ["sole_proprietor", "enumeration_date", "primary_taxonomy_license", "primary_taxonomy_state"]
    assert named([fuller, record("extract", **code)], *columns) == [("NO", "2008-01-01", "A1", "TX")]
    other = record("extract", primary_taxonomy_code="208D00000X")
    assert named([fuller, other], *columns) == [("NO", "2008-01-01", None, None)]


def test_an_unanswered_sole_proprietor_does_not_fall_back_to_an_older_answer():
    rows = [record("api", "2015-01-01", sole_proprietor="YES"), record("api", "2016-01-01", source_file="later")]
    assert named(rows, "sole_proprietor") == [(None,)]


@pytest.mark.parametrize(
    ("nucc", "text"),
    [
        ([("207R00000X", "of NUCC")], "of NUCC"),
        ([("208D00000X", "other")], "of the later answer"),
        ([], "of the later answer"),
    ],
)
def test_taxonomy_description(nucc, text):
    code = {"primary_taxonomy_code": "207R00000X"}
    rows = [record("monthly", **code)]
    rows += [
        record(npi="1", date=d, primary_taxonomy_desc=t, **code)
        for d, t in (("2001", "zz"), ("2002", "of the later answer"))
    ]
    assert named(rows, "primary_taxonomy_desc", taxonomy=nucc) == [(text,)]


def test_the_check_digit():
    found = dict(named([], "npi", "npi_valid", npis=(NPI, OTHER, "1174270806", "117427080", "11742708X5", "")))
    assert found == {NPI: True, OTHER: True, "1174270806": False, "117427080": False, "11742708X5": False, "": False}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(10**9, 10**10 - 1).map(str), min_size=30, max_size=60, unique=True))
def test_the_check_digit_agrees_with_python(npis):
    # a drawn number is right one time in ten: give each a digit that is
    npis = {n[:9] + str(d) for n in npis[:5] for d in range(10)} | set(npis)
    assert dict(named([], "npi", "npi_valid", npis=tuple(npis))) == {n: naming.npi_check_digit_ok(n) for n in npis}


def test_nothing_staged_gives_no_row():
    assert run(connection(), "dim_npi") == []


def test_the_published_registry_files(real):
    con = connection()
    rows = pl.concat(part["staged_nppes"] for p in sorted((real / "nppes").iterdir()) for part in nppes.read(p))
    stage(con, "staged_nppes", rows)
    npis = [*rows["npi"].unique().sort(), "1999999999"]
    stage(con, "staged_member", [{"npi": n} for n in npis])
    found = run(con, "dim_npi", "npi", "status", "npi_valid", "enumeration_type", "registry_source")
    assert [r[0] for r in found] == sorted(npis)
    assert len(found) == 200 + 1 + 1050 + 1  # no provider stands in two of the files
    assert {r[0] for r in found if not r[2]} == {"1999999999"} | {n for n in npis if not naming.npi_check_digit_ok(n)}
    assert sum(r[1] == "A" for r in found) == 200 + 1 + 1025
    assert sum(r[1] == "D" for r in found) == 25
    assert sum(r[3] is None for r in found) == 22 + 1

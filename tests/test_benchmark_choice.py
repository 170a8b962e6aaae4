"""Which Medicare price a rate is compared with: every branch of the choice, then all of it against a second reading."""

from __future__ import annotations

import itertools
import re

import duckdb
import polars as pl
import pytest

from pipeline import duck
from pipeline.transforms import benchmark_choice
from pipeline.transforms.benchmark_choice import ASC_TAXONOMY, PAIRED, PRICE_NEUTRAL, SELECTING

ARGUMENTS = "arrangement negotiated_type billing_class setting modifiers pos pos_facility taxonomy".split()
OFFICE, HOSPITAL, ASC, MIXED, ANY, NONE = ["11"], ["21", "22"], ["24"], ["11", "24"], ["CSTM-00"], []


@pytest.fixture(scope="module")
def con():
    """A connection with the macros."""
    con = duck.connect()
    benchmark_choice.load(con)
    return con


def choose(con, cases: list[tuple]) -> list[tuple]:
    """(schedule, facility, modifier, reason) of each case: the arguments in their order."""
    kinds = [pl.Int64, *[pl.String] * 5, pl.List(pl.String), pl.Boolean, pl.String]
    schema = dict(zip(["n", *ARGUMENTS], kinds, strict=True))
    con.register("cases", pl.DataFrame([(n, *case) for n, case in enumerate(cases)], schema, orient="row").to_arrow())
    select = f"SELECT unnest(benchmark_choice({', '.join(ARGUMENTS)})) FROM cases ORDER BY n"
    return con.execute(select).fetchall()


# fmt: off
TABLE = [
    # arrangement, type, class, setting, modifiers, POS, POS of facility type, taxonomy -> schedule, facility, modifier, reason
    (("ffs", "negotiated", "professional", "outpatient", None, OFFICE, False, None), ("PFS", False, "", None)),
    (("ffs", "derived", "professional", None, None, OFFICE, False, None), ("PFS", False, "", None)),
    (("ffs", "fee schedule", "professional", "inpatient", None, HOSPITAL, True, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "outpatient", None, ASC, True, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, MIXED, False, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, NONE, None, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, ANY, None, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, ["11", "CSTM-00"], False, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "outpatient", None, ANY, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", "both", None, NONE, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, None, NONE, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, "26", OFFICE, False, None), ("PFS", False, "26", None)),
    (("ffs", "negotiated", "professional", None, "TC", HOSPITAL, True, None), ("PFS", True, "TC", None)),
    (("ffs", "negotiated", "professional", None, "53", OFFICE, False, None), ("PFS", False, "53", None)),
    (("ffs", "negotiated", "professional", None, "26|59|LT", OFFICE, False, None), ("PFS", False, "26", None)),
    (("ffs", "negotiated", "professional", None, "25", OFFICE, False, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, "26|TC", OFFICE, False, None), (None, None, None, "modifier 26 and TC")),
    (("ffs", "negotiated", "professional", None, "26|53|TC", OFFICE, False, None), (None, None, None, "modifier 26 and 53 and TC")),
    (("ffs", "negotiated", "professional", None, "AS", OFFICE, False, None), (None, None, None, "modifier AS")),
    (("ffs", "negotiated", "professional", None, "26|50", OFFICE, False, None), (None, None, None, "modifier 50")),
    (("ffs", "negotiated", "professional", None, "LT|RT", OFFICE, False, None), (None, None, None, "modifier LT and RT")),
    (("ffs", "negotiated", "professional", None, "U1|ZZ", OFFICE, False, None), (None, None, None, "modifier U1 and ZZ")),
    (("ffs", "negotiated", "professional", None, None, None, None, None), (None, None, None, "places of service unknown")),
    (("ffs", "negotiated", "professional", None, None, ["98"], None, None), (None, None, None, "facility type of a place of service unknown")),
    (("ffs", "negotiated", "institutional", "inpatient", None, ASC, True, ASC_TAXONOMY), (None, None, None, "institutional inpatient")),
    (("ffs", "negotiated", "institutional", "outpatient", None, ASC, True, None), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, NONE, None, ASC_TAXONOMY), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, ANY, None, ASC_TAXONOMY), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, ANY, None, "282N00000X"), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "both", None, NONE, None, None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", None, MIXED, False, ASC_TAXONOMY), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", "50", HOSPITAL, True, None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", None, None, None, None), (None, None, None, "places of service unknown")),
    (("ffs", "negotiated", "both", "outpatient", None, OFFICE, False, None), (None, None, None, "billing class both")),
    (("ffs", "negotiated", None, "outpatient", None, OFFICE, False, None), (None, None, None, "billing class unknown")),
    (("ffs", "percentage", "professional", "outpatient", None, OFFICE, False, None), (None, None, None, "negotiated type percentage")),
    (("ffs", "per diem", "institutional", "outpatient", None, NONE, None, None), (None, None, None, "negotiated type per diem")),
    (("ffs", None, "professional", "outpatient", None, OFFICE, False, None), (None, None, None, "negotiated type unknown")),
    (("bundle", "negotiated", "professional", "outpatient", None, OFFICE, False, None), (None, None, None, "arrangement bundle")),
    (("capitation", "percentage", "both", "outpatient", None, OFFICE, False, None), (None, None, None, "arrangement capitation")),
    ((None, "negotiated", "professional", "outpatient", None, OFFICE, False, None), (None, None, None, "arrangement unknown")),
]
# fmt: on


def test_each_case_of_the_table(con):
    answers = choose(con, [case for case, _ in TABLE])
    wrong = [(case, want, got) for (case, want), got in zip(TABLE, answers, strict=True) if want != got]
    assert wrong == []


def second_reading(arrangement, kind, billing_class, setting, modifiers, pos, pos_facility, taxonomy) -> tuple:
    """data-model.md's paragraph on Medicare, read again in Python: (schedule, facility, modifier)."""
    none = (None, None, None)
    if arrangement != "ffs" or kind not in {"negotiated", "derived", "fee schedule"} or pos is None:
        return none
    anywhere = set(pos) == set() or "CSTM-00" in pos
    if billing_class == "professional":
        given = set((modifiers or "").split("|")) - {""}
        if {"LT", "RT"} <= given or given - set(PRICE_NEUTRAL) - {"26", "TC", "53"}:
            return none
        selects = given & {"26", "TC", "53"}
        if len(selects) > 1 or (pos_facility is None and not anywhere):
            return none
        facility = setting == "inpatient" if anywhere else pos_facility
        return "PFS", facility, selects.pop() if selects else ""
    if billing_class == "institutional" and setting != "inpatient":
        surgical = taxonomy == "261QA1903X" if anywhere else set(pos) == {"24"}
        return "ASC" if surgical else "OPPS", None, ""
    return none


def test_all_combinations_agree_with_a_second_reading(con):
    domains = (
        ("ffs", "bundle", None),
        ("negotiated", "derived", "fee schedule", "percentage", "per diem", None),
        ("professional", "institutional", "both", None),
        ("inpatient", "outpatient", "both", None),
        (None, "26", "26|TC", "25|TC", "AS", "LT|RT"),
        (OFFICE, ASC, MIXED, ANY, NONE, None),
        (True, False, None),
        (ASC_TAXONOMY, None),
    )
    cases = list(itertools.product(*domains))
    answers = choose(con, cases)
    wrong = [(c, a) for c, a in zip(cases, answers, strict=True) if second_reading(*c) != a[:3]]
    assert wrong == []
    assert all((a[0] is None) == (a[3] is not None) for a in answers), "a reason stands exactly where no schedule does"


def in_catalog(root) -> list[tuple]:
    """Every combination of terms that facts of a warehouse have: the arguments, then what the enriched rows say of it.

    Whether a place is of facility type is taken from the staged list of places, code by code.
    """
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        files = [str(path) for path in (root / "staged" / "pos").rglob("*.parquet")]
        listed: dict[str, set[bool]] = {}
        for pos, facility in con.sql(f"SELECT pos, facility FROM read_parquet({files})").fetchall():
            listed.setdefault(pos, set()).add(bool(facility))
        found = con.sql("""
            SELECT negotiation_arrangement, negotiated_type, billing_class, setting, billing_code_modifiers, pos_members,
              primary_taxonomy_code, year_month, benchmark_type, benchmark_facility, benchmark_reason
            FROM fact_rate_enriched GROUP BY ALL ORDER BY ALL""").fetchall()
    combinations = []
    for *terms, pos, taxonomy, month, kind, facility, reason in found:
        known = [listed.get(p) for p in pos or ()]
        at_facility = (
            False if {False} in known or {False, True} in known else None if None in known or not known else True
        )
        combinations.append(((*terms, pos, at_facility, taxonomy), (month, kind, facility, reason)))
    return combinations


# What the data-model says of a rate whose schedule is known, but not its price.
NO_PRICE = re.compile(
    "code type .* has no Medicare price|state unknown|no (PFS|OPPS|ASC) release for .*|no row in .*|no rate in .*"
    "|no RVUs.*|status .*|indicator .*|no (non-)?facility RVUs"
)


def check_combinations(root) -> int:
    """Every combination of a warehouse chooses as the second reading does; returns how many there are."""
    combinations = in_catalog(root)
    for case, (month, kind, facility, reason) in combinations:
        schedule, at_facility, _ = second_reading(*case)
        if schedule is None:
            assert (kind, facility) == (None, None), (month, case)
            assert reason, (month, case)
            assert not NO_PRICE.fullmatch(reason), (month, case, reason)
        elif kind is None:
            assert NO_PRICE.fullmatch(reason), (month, case, reason)
        else:
            assert (kind, facility) == (schedule, at_facility), (month, case)
            assert reason is None or NO_PRICE.fullmatch(reason), (month, case, reason)
    return len(combinations)


def test_every_combination_of_the_sample_is_as_a_second_reading_has_it(built_sample):
    assert check_combinations(built_sample) > 50


def test_capitals_do_not_matter(con):
    case = ("FFS", "Negotiated", "Institutional", "Inpatient", None, NONE, None, None)
    assert choose(con, [case]) == [(None, None, None, "institutional inpatient")]


def test_modifier_lists():
    assert len(set(PRICE_NEUTRAL)) == len(PRICE_NEUTRAL)
    assert all(len(m) == 2 and m == m.upper() for m in (*PRICE_NEUTRAL, *SELECTING))
    assert not set(PRICE_NEUTRAL) & set(SELECTING)
    assert set(PAIRED) <= set(PRICE_NEUTRAL)
    # Those that the yearly final rule of the physician fee schedule applies a percentage to, and anaesthesia's.
    paid_otherwise = "22 50 51 52 54 55 56 62 66 73 74 78 80 81 82 AA AD AS CO CQ CT FX FY QK QX QY QZ".split()
    assert not set(PRICE_NEUTRAL) & set(paid_otherwise)

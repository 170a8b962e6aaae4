"""Which Medicare price a rate is compared with: every branch of the choice, then all of it against a second reading."""

from __future__ import annotations

import itertools

import pytest

import plain_benchmarks
from chosen_benchmark import choose
from pipeline.storage import duck
from pipeline.transforms import benchmark_choice
from pipeline.transforms.benchmark_choice import (
    ASC_TAXONOMY,
    INSTITUTIONAL_NEUTRAL,
    PAIRED,
    PRICE_NEUTRAL,
    SELECTING,
)


@pytest.fixture(scope="module")
def con():
    """A connection with the macros."""
    con = duck.connect()
    benchmark_choice.load(con)
    return con


OFFICE, HOSPITAL, ASC, MIXED, ANY, NONE = ["11"], ["21", "22"], ["24"], ["11", "24"], ["CSTM-00"], []
OUT, IN = ["nonfacility"], ["facility"]
KNOWN = ((OFFICE, OUT), (ASC, IN), (MIXED, OUT + IN), (ANY, [None]), (NONE, None))


# fmt: off
TABLE = [
    # arrangement, type, class, setting, modifiers, POS, kinds of these, taxonomy -> schedule, facility, modifier, reason
    (("ffs", "negotiated", "professional", "outpatient", None, OFFICE, OUT, None), ("PFS", False, "", None)),
    (("ffs", "derived", "professional", None, None, OFFICE, OUT, None), ("PFS", False, "", None)),
    (("ffs", "fee schedule", "professional", "inpatient", None, HOSPITAL, IN * 2, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "outpatient", None, ASC, IN, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, MIXED, OUT + IN, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, NONE, None, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, ANY, None, None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, ["11", "CSTM-00"], [*OUT, None], None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "outpatient", None, ANY, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", "both", None, NONE, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, None, NONE, None, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, "26", OFFICE, OUT, None), ("PFS", False, "26", None)),
    (("ffs", "negotiated", "professional", None, "TC", HOSPITAL, IN * 2, None), ("PFS", True, "TC", None)),
    (("ffs", "negotiated", "professional", None, "53", OFFICE, OUT, None), ("PFS", False, "53", None)),
    (("ffs", "negotiated", "professional", None, "26|59|LT", OFFICE, OUT, None), ("PFS", False, "26", None)),
    (("ffs", "negotiated", "professional", None, "25", OFFICE, OUT, None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, "26|TC", OFFICE, OUT, None), (None, None, None, "modifier 26 and TC")),
    (("ffs", "negotiated", "professional", None, "26|53|TC", OFFICE, OUT, None), (None, None, None, "modifier 26 and 53 and TC")),
    (("ffs", "negotiated", "professional", None, "AS", OFFICE, OUT, None), (None, None, None, "modifier AS")),
    (("ffs", "negotiated", "professional", None, "26|50", OFFICE, OUT, None), (None, None, None, "modifier 50")),
    (("ffs", "negotiated", "professional", None, "LT|RT", OFFICE, OUT, None), (None, None, None, "modifier LT and RT")),
    (("ffs", "negotiated", "professional", None, "U1|ZZ", OFFICE, OUT, None), (None, None, None, "modifier U1 and ZZ")),
    (("ffs", "negotiated", "professional", None, None, None, None, None), (None, None, None, "places of service unreadable")),
    (("ffs", "negotiated", "professional", None, None, ["98"], [None], None), (None, None, None, "kind of places of service 98 unknown")),
    (("ffs", "negotiated", "institutional", "inpatient", None, ASC, IN, ASC_TAXONOMY), (None, None, None, "institutional inpatient")),
    (("ffs", "negotiated", "institutional", "outpatient", None, ASC, IN, None), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, NONE, None, ASC_TAXONOMY), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, ANY, None, ASC_TAXONOMY), ("ASC", None, "", None)),
    (("ffs", "negotiated", "institutional", None, None, ANY, None, "282N00000X"), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "both", None, NONE, None, None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", None, MIXED, OUT + IN, ASC_TAXONOMY), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", "50", HOSPITAL, IN * 2, None), (None, None, None, "modifier 50")),
    (("ffs", "negotiated", "institutional", "outpatient", "52", HOSPITAL, IN * 2, None), (None, None, None, "modifier 52")),
    (("ffs", "negotiated", "institutional", "outpatient", "25", HOSPITAL, IN * 2, None), (None, None, None, "modifier 25")),
    (("ffs", "negotiated", "institutional", "outpatient", "26", HOSPITAL, IN * 2, None), (None, None, None, "modifier 26")),
    (("ffs", "negotiated", "institutional", "outpatient", "26|TC", ASC, IN, None), (None, None, None, "modifier 26")),
    (("ffs", "negotiated", "institutional", "outpatient", "LT|RT", ASC, IN, None), (None, None, None, "modifier LT and RT")),
    (("ffs", "negotiated", "institutional", "outpatient", "73|LT", ASC, IN, None), (None, None, None, "modifier 73")),
    (("ffs", "negotiated", "institutional", "outpatient", "CQ|GP", NONE, None, None), (None, None, None, "modifier CQ")),
    (("ffs", "negotiated", "institutional", "outpatient", "GP|KX", NONE, None, None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "outpatient", "JZ|LT|TC", HOSPITAL, IN * 2, None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "institutional", "inpatient", "50", NONE, None, None), (None, None, None, "institutional inpatient")),
    (("ffs", "negotiated", "institutional", None, None, ["05"], ["neutral"], None), ("OPPS", None, "", None)),
    (("ffs", "negotiated", "professional", None, None, ["05", "11"], ["neutral", *OUT], None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, None, ["05", "21", "28"], ["neutral", *IN, "unassigned"], None), ("PFS", True, "", None)),
    (("ffs", "negotiated", "professional", "inpatient", None, ["05", "07"], ["neutral"] * 2, None), (None, None, None, "places of service 05|07 do not settle the setting")),
    (("ffs", "negotiated", "professional", None, None, ["28"], ["unassigned"], None), (None, None, None, "places of service 28 do not settle the setting")),
    (("ffs", "negotiated", "professional", None, None, ["11", "21", "98"], [*OUT, *IN, None], None), ("PFS", False, "", None)),
    (("ffs", "negotiated", "professional", None, None, ["21", "97", "98"], [*IN, None, None], None), (None, None, None, "kind of places of service 97|98 unknown")),
    (("ffs", "negotiated", "institutional", "outpatient", None, None, None, None), (None, None, None, "places of service unreadable")),
    (("ffs", "negotiated", "both", "outpatient", None, OFFICE, OUT, None), (None, None, None, "billing class both")),
    (("ffs", "negotiated", None, "outpatient", None, OFFICE, OUT, None), (None, None, None, "billing class unknown")),
    (("ffs", "percentage", "professional", "outpatient", None, OFFICE, OUT, None), (None, None, None, "negotiated type percentage")),
    (("ffs", "per diem", "institutional", "outpatient", None, NONE, None, None), (None, None, None, "negotiated type per diem")),
    (("ffs", None, "professional", "outpatient", None, OFFICE, OUT, None), (None, None, None, "negotiated type unknown")),
    (("bundle", "negotiated", "professional", "outpatient", None, OFFICE, OUT, None), (None, None, None, "arrangement bundle")),
    (("capitation", "percentage", "both", "outpatient", None, OFFICE, OUT, None), (None, None, None, "arrangement capitation")),
    ((None, "negotiated", "professional", "outpatient", None, OFFICE, OUT, None), (None, None, None, "arrangement unknown")),
]
# fmt: on


def test_each_case_of_the_table(con):
    answers = choose(con, [case for case, _ in TABLE])
    wrong = [(case, want, got) for (case, want), got in zip(TABLE, answers, strict=True) if want != got]
    assert wrong == []


def test_all_combinations_agree_with_a_second_reading(con):
    domains = (
        ("ffs", "bundle", None),
        ("negotiated", "derived", "fee schedule", "percentage", "per diem", None),
        ("professional", "institutional", "both", None),
        ("inpatient", "outpatient", "both", None),
        (None, "26", "26|TC", "25|TC", "AS", "LT|RT", "GP"),
        (*KNOWN, (OFFICE, [None]), (["05"], ["neutral"]), (["05", "24"], ["neutral", *IN]), (None, None)),
        (ASC_TAXONOMY, None),
    )
    cases = [(*case[:5], *case[5], case[6]) for case in itertools.product(*domains)]
    answers = choose(con, cases)
    wrong = [(c, a) for c, a in zip(cases, answers, strict=True) if plain_benchmarks.choice(*c) != a]
    assert wrong == []
    assert all((a[0] is None) == (a[3] is not None) for a in answers), "a reason stands exactly where no schedule does"


def test_every_combination_of_the_sample_is_as_a_second_reading_has_it(built_sample, con):
    """Schedule, place, price, release and reason of every row, and the choice itself where no price is found."""
    chosen = plain_benchmarks.check(built_sample)
    assert choose(con, list(chosen)) == list(chosen.values())
    assert len(chosen) > 60
    assert {c[0] for c in chosen.values()} == {"PFS", "OPPS", "ASC", None}
    assert {c[2] for c in chosen.values()} == {"", "26", "TC", "53", None}
    assert {case[4] for case in chosen} >= {None, "26", "TC", "53", "26|TC", "59|GP", "XU", "RR"}


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
    assert len(set(INSTITUTIONAL_NEUTRAL)) == len(INSTITUTIONAL_NEUTRAL)
    assert not set(INSTITUTIONAL_NEUTRAL) & {*paid_otherwise, "26", "53", "JG"}

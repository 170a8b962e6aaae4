"""How many facts of a folder, payer and class have what."""

from __future__ import annotations

import collections
import random

import pytest

from coverage_rows import BASE, NOBODY, NOWHERE, answer, row
from pipeline import partition
from pipeline.transforms.coverage import KEY


def short(found: list[dict]) -> list[tuple]:
    return [tuple(one.values())[1:] for one in found]


def test_each_folder_payer_and_class_has_its_counts():
    rows = [
        row("1"),
        row("2", **NOWHERE, benchmark_reason="modifier AS"),
        row("3", status=None, **NOWHERE),
        row("4", **NOBODY, pg_members_uid=None, pg_uid="h"),
        row("5", **NOBODY, pg_members_uid=None, pg_uid="h"),
        row("6", status="D"),
        row("7", billing_class=None, benchmark_reason="billing class unknown"),
        row("8", payer_slug="other"),
    ]
    assert short(answer(rows)[0]) == [
        ("GA", "acme", None, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0),
        ("GA", "acme", "professional", 6, 6, 2, 2, 6, 5, 6, 0, 1, 0),
        ("GA", "other", "professional", 1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
    ]


def test_what_can_be_compared_is_in_dollars_for_a_fee_without_an_excluding_flag():
    """Also the classes that are left open, as the check of the file has them: of institutional facts alone."""
    zero = {"negotiated_rate": 0.0, "negotiated_dollars": None, "rate_flags": "zero"}
    rows = [
        row("1"),
        row("2", rate_flags="mixed_setting|variants"),
        row("3", rate_flags="outlier|variants"),
        row("4", **zero),
        row("5", negotiation_arrangement="bundle"),
        row("6", negotiated_type="percentage", negotiated_dollars=None, rate_flags="percentage"),
        row("7", negotiation_arrangement="capitation", negotiated_dollars=None),
        row("8", tin_name=None),
        row("9", tin_name=None, tin_value=None),
        row("10", billing_class="institutional"),
    ]
    found, gaps, _ = answer(rows, undecided=1)
    of = {one["billing_class"]: one for one in found}
    professional = {name: of["professional"][name] for name in ("facts", "with_dollars", "comparable", "with_tin_name")}
    assert professional == {"facts": 9, "with_dollars": 6, "comparable": 4, "with_tin_name": 7}
    assert {name: one["class_undecided"] for name, one in of.items()} == {"institutional": 1, "professional": 0}
    assert {(gap["kind"], gap["reason"]): gap["facts"] for gap in gaps} == {
        ("dollars", "the rate is not above zero"): 1,
        ("dollars", "negotiated type percentage"): 1,
        ("dollars", "arrangement capitation"): 1,
        ("tin_name", "nobody names the TIN"): 1,
        ("tin_name", "the group has no TIN"): 1,
    }


@pytest.mark.parametrize(
    ("names", "state", "count"),
    [
        (["Acme", "ACME"], "GA", 5),  # two spellings of one payer
        (["Acme", "Acme"], None, 5),
        (["Acme", "Other"], "GA", 0),  # whose they are is not known
    ],
)
def test_the_undecided_of_a_file_of_one_payer_and_folder_are_counted_there(names, state, count):
    rows = [row(uid, billing_class="institutional", state=state) for uid in ("1", "2")]
    assert [one["class_undecided"] for one in answer(rows, undecided=5, names=names)[0]] == [count]


def test_a_row_from_the_folder_us_counts_there_and_not_in_its_providers_state():
    rows = [row("1"), row("2", state="TX"), row("3", state=None)]
    assert short(answer(rows, {"2": "US", "3": "US"})[0]) == [
        ("GA", "acme", "professional", 1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
        ("US", "acme", "professional", 2, 2, 2, 2, 2, 2, 2, 0, 0, 0),
    ]


def test_rows_of_withheld_leaves_are_counted_and_told():
    rows = [row("1"), row("2", stat_area_name="Macon / Bibb"), row("3", stat_area_name=None)]
    leaves = [partition.folder({name: one.get(name) for name in partition.KEYS}) for one in rows[1:]]
    assert short(answer(rows, withheld=leaves)[0]) == [("GA", "acme", "professional", 3, 3, 3, 3, 3, 3, 3, 2, 0, 0)]


def test_no_fact_no_row():
    assert answer([]) == ([], [], [])


@pytest.mark.parametrize("seed", range(5))
def test_the_counts_are_those_of_plain_loops(seed):
    """Whatever rows lack: all facts are counted once, and of each kind those that have it and those that lack it are all."""
    chance = random.Random(seed)
    rows = [
        row(
            str(number),
            **chance.choice([{}, NOWHERE, NOBODY, {"status": "D"}, {"status": None}, {**NOWHERE, "status": None}]),
            billing_class=chance.choice(["professional", "institutional", None]),
            state=chance.choice(["GA", "TX"]),
            benchmark_reason=chance.choice([None, None, "modifier AS", "state unknown"]),
            procedure_set=chance.choice(["E", None]),
            negotiated_dollars=chance.choice([1.0, None]),
            tin_name=chance.choice(["Acme", None]),
        )
        for number in range(chance.randrange(200))
    ]
    found, gaps, _ = answer(rows)
    counted = collections.Counter(tuple(one[c] for c in KEY) for one in rows)
    assert {tuple(one[c] for c in KEY): one["facts"] for one in found} == counted
    has = {
        "with_provider": lambda one: one["status"] == "A",
        "with_place": lambda one: one["status"] is not None and one["county_fips"] != "00000",
        "with_dollars": lambda one: one["negotiated_dollars"] is not None,
        "with_tin_name": lambda one: one["tin_name"] is not None,
        "with_medicare": lambda one: one.get("benchmark_reason") is None,
    }
    lacking = collections.Counter()
    for gap in gaps:
        lacking[(*(gap[c] for c in KEY), gap["kind"])] += gap["facts"]
    for one in found:
        key = tuple(one[c] for c in KEY)
        of = [given for given in rows if tuple(given[c] for c in KEY) == key]
        for name, test in has.items():
            assert one[name] == sum(map(test, of))
            assert one[name] + lacking[(*key, name.removeprefix("with_"))] == one["facts"]
        assert lacking[(*key, "category")] == sum(given["procedure_set"] is None for given in of)
    assert set(BASE) >= set(KEY)

"""Between which amounts a code's rates lie: against the rule in plain Python."""

from __future__ import annotations

import math
import random
import statistics
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enriched_made import connection, fact
from enriched_tables import MONTH, WORLD, pos_id
from pipeline import naming
from pipeline.transforms import code_spread, fact_rate_enriched

EXACT = Context(prec=60)


def rounded(value: Decimal, way: str) -> float:
    """Two digits, of the first twelve."""
    twelve = Context(prec=12).plus(value)
    return float(twelve.quantize(Decimal(1).scaleb(twelve.adjusted() - 1), rounding=way))


def plain_bounds(amounts: list[float]) -> tuple[float, float]:
    """The rule in decimals of 60 digits, which have no noise to speak of."""
    with localcontext(EXACT):
        x = [Decimal(a).ln() for a in amounts]
        m = statistics.median(x)
        s = Decimal("1.4826") * statistics.median(abs(one - m) for one in x)
        d = max(5 * s, Decimal(5).ln())
        low, high = (m - d).exp(), (m + d).exp()
    return rounded(low, ROUND_FLOOR), rounded(high, ROUND_CEILING)


@pytest.mark.parametrize(
    ("amounts", "bounds"),
    [
        ([100.0] * 20, (20.0, 500.0)),  # nothing but the least width: five times either way
        ([200.0] * 20, (40.0, 1000.0)),
        ([99.0] * 20, (19.0, 500.0)),  # 19.8 down, 495 up
        ([99.99999] * 20, (19.0, 500.0)),  # 19.999998 is no noise
        ([0.013] * 20, (0.0026, 0.065)),
        ([80.0, 100.0, 125.0] * 7, (19.0, 530.0)),  # 5 x 1.4826 x ln 1.25 = 1.6542: 19.12 down, 522.9 up
    ],
)
def test_bounds(amounts, bounds):
    assert code_spread.bounds(np.array(amounts)) == bounds


def test_whole_steps_are_the_bounds_themselves():
    """Of alike amounts a fifth of which has two digits, whatever the last bit of their logarithm."""
    for digits in range(10, 100):
        for places in range(-4, 6):
            amount, fifth = float(f"{5 * digits}e{places}"), float(f"{digits}e{places}")
            assert code_spread.bounds(np.array([amount] * 20))[0] == fifth
            times = rounded(Decimal(f"{5 * digits}e{places}"), ROUND_CEILING)
            assert code_spread.bounds(np.array([fifth] * 20))[1] == times


@pytest.mark.parametrize("spread", [40, 100, 300])
def test_amounts_far_apart_have_bounds_in_order(spread):
    """Where the rule's own bounds are 0 and infinite as doubles, the farthest that are not."""
    amounts = [float(f"1e{n * spread // 10}") for n in range(-10, 11)]
    low, high = code_spread.bounds(np.array(amounts))
    assert 0 < low < 1 < high < math.inf
    assert [float(f"{one:.1e}") for one in (low, high)] == [low, high], "two digits"


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60))
def test_bounds_are_those_of_the_rule(amounts):
    found = code_spread.bounds(np.array(amounts))
    assert found == plain_bounds(amounts)
    assert found[0] < statistics.median(amounts) < found[1]
    assert [float(f"{one:.1e}") for one in found] == list(found), "two digits"


def cells(facts: list[dict], **changed) -> dict[tuple, tuple]:
    """(join code, part, place) -> n, groups, low, high."""
    with connection(MONTH, True, 2, WORLD | {"fact_rate": facts} | changed) as con:
        fact_rate_enriched.build(con)
        rows = con.sql(fact_rate_enriched.others("code_spread"))
        found = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    assert {(r["year_month"], r["unit"]) for r in found} <= {(MONTH, "dollars")}
    keys = [(r["join_code_type"], r["join_code"], r["part"], r["place"]) for r in found]
    assert len(keys) == len(set(keys))
    return {key[1:]: (r["n"], r["groups"], r["low"], r["high"]) for key, r in zip(keys, found, strict=True)}


def test_cells_are_those_of_a_plain_grouping():
    """Codes with and without leading zeros are one, payers of one slug are one, and files of one group are one."""
    draw = random.Random(7)
    facts = [
        fact(
            code=draw.choice(["99213", "00100", "100"]),
            pos_set_id=draw.choice([pos_id("11"), pos_id("21"), pos_id("11", "24"), pos_id()]),
            pg_uid=f"g{draw.randrange(9)}",
            pg_members_uid=draw.choice([f"m{n}" for n in range(6)]),
            reporting_entity_name=draw.choice(["Evry Health", "EVRY HEALTH", "Other"]),
            batch_id=draw.choice(["b1", "b2"]),
            negotiated_rate=draw.choice([0.0, -1.0, *(20.0 * 1.3**n for n in range(12)), 9000.0]),
            negotiated_type=draw.choice(["negotiated", "negotiated", "fee schedule", "percentage", "per diem"]),
        )
        for _ in range(900)
    ]
    facts = list({one["fact_uid"]: one for one in facts}.values())
    places = {pos_id("11"): "office", pos_id("21"): "facility", pos_id("11", "24"): "mixed", pos_id(): "unstated"}
    observed: dict[tuple, set[tuple]] = {}
    for one in facts:
        if one["negotiated_rate"] > 0 and one["negotiated_type"] in ("negotiated", "fee schedule"):
            key = (one["code"].zfill(5), "whole", places[one["pos_set_id"]])
            payer = naming.slugify(one["reporting_entity_name"])
            observed.setdefault(key, set()).add((payer, one["pg_members_uid"], one["negotiated_rate"]))
    found = cells(facts)
    assert {key: row[:2] for key, row in found.items()} == {
        key: (len(seen), len({one[:2] for one in seen})) for key, seen in observed.items()
    }
    for key, (n, groups, *bounds) in found.items():
        if n >= 20 and groups >= 5:
            assert tuple(bounds) == plain_bounds([one[2] for one in observed[key]])
        else:
            assert bounds == [None, None]
    assert sum(row[2] is not None for row in found.values()) > 3


def test_one_more_file_of_the_same_seldom_moves_the_bounds():
    base = [fact(negotiated_rate=100.0 + n, pg_uid=f"g{n}", pg_members_uid=f"m{n}") for n in range(40)]
    more = [fact(negotiated_rate=103.5, pg_uid="g99", pg_members_uid="m99")]
    (before,), (after,) = (cells(facts).values() for facts in (base, base + more))
    assert (before[0] + 1, before[2:]) == (after[0], after[2:])


def test_no_facts_no_cells():
    assert cells([]) == {}

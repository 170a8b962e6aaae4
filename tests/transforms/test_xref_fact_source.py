"""Every file that published a fact, and how often; test_fact_rate.py has it beside the facts."""

from __future__ import annotations

import staged_rates
from dimension_rows import ALSO_NEW, GROUPS, MONTH, NEW, SOURCES
from pipeline.transforms import fact_rate

PRICE = {"object_ix": 0, "code_type": "CPT", "code": "99213", "negotiated_type": "negotiated"}
CHEAP, DEAR = PRICE | {"negotiated_rate": 80.0}, PRICE | {"negotiated_rate": 95.0}


def made(prices: list[dict], corrections: list[dict] = ()) -> list[tuple]:
    """(the fact's rate, its file, how often it was read), in the order of rates and files."""
    con = staged_rates.connection(year_month="2025-07")
    staged_rates.stage(con, "source_file", MONTH)
    owners = [{"file": file, "object_ix": 0, "pg_uid": uid} for file, uid in ((NEW, "g1"), (ALSO_NEW, "g5"))]
    staged_rates.stage_rates(con, prices, owners, GROUPS)
    facts = staged_rates.answer(con, "fact_rate", fact_rate.build(con, list(corrections)))
    staged_rates.publish_facts(con, facts)
    rates = {fact["fact_uid"]: fact["negotiated_rate"] for fact in facts}
    files = {staged_rates.batch(row["file"]): row["file"] for row in SOURCES}
    rows = staged_rates.answer(con, "xref_fact_source", fact_rate.sources(con, list(corrections)))
    assert {row["fact_uid"] for row in rows} == set(rates)
    assert sum(row["read_count"] for row in rows) == sum(fact["source_count"] for fact in facts)
    return sorted((rates[row["fact_uid"]], files[row["batch_id"]], row["read_count"]) for row in rows)


PRICES = [CHEAP | {"file": NEW}, CHEAP | {"file": NEW}, CHEAP | {"file": ALSO_NEW}, DEAR | {"file": ALSO_NEW}]


def test_a_row_for_each_fact_and_file():
    assert made(PRICES) == [(80.0, NEW, 2), (80.0, ALSO_NEW, 1), (95.0, ALSO_NEW, 1)]


def test_rates_that_a_correction_makes_one_are_counted_together():
    one = {"action": "amend", "match": {"negotiated_rate": 95.0}, "set": {"negotiated_rate": 80.0}}
    assert made(PRICES, [one]) == [(80.0, NEW, 2), (80.0, ALSO_NEW, 2)]


def test_dropped_rates_have_no_source():
    assert made(PRICES, [{"action": "drop", "match": {"negotiated_rate": 80.0}, "set": {}}]) == [(95.0, ALSO_NEW, 1)]


def test_no_source_no_row():
    assert made([]) == []


def test_a_price_that_only_looks_like_a_repeated_one_is_not_counted_for_it():
    """Same code and amount as the repeated fact, another modifier: a fact of its own, read once."""
    other = CHEAP | {"file": ALSO_NEW, "billing_code_modifiers": "26"}
    assert made([*PRICES[:2], other]) == [(80.0, NEW, 2), (80.0, ALSO_NEW, 1)]

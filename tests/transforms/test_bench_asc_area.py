"""bench_asc_area: the rate of each wage area."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from bench_tables import ASC_DAY, asc, asc_area, connection, run, stage

RELEASE = "addenda 2025-01 effective 2025-01-01 (in force)"


def priced(items, areas, **more):
    """(cbsa, states, code, wage_index, rate) of each row."""
    found = asc(items, areas, table="bench_asc_area", **more)
    return [(row[0], row[2], row[6], row[8], row[9]) for row in found]


def test_half_is_adjusted_by_the_areas_own_index():
    # 100.05 x (0.5 x 0.9 + 0.5) = 95.0475 -> 95.05; x (0.5 x 1.2 + 0.5) = 110.055 exactly -> 110.06
    found = priced([("66984", "A2", "100.05")], [("TX", "1", "0.9"), ("TX", "2", "1.2")])
    assert found == [("1", "TX", "66984", 0.9, 95.05), ("2", "TX", "66984", 1.2, 110.06)]


def test_an_area_in_two_states_stands_once():
    found = priced([("66984", "A2", "100")], [("TX", "1", "0.9"), ("AR", "1", "0.9")])
    assert found == [("1", "AR-TX", "66984", 0.9, 95.0)]


def test_an_area_that_is_listed_twice_has_only_what_no_index_touches():
    items = [("66984", "A2", "100"), ("J1100", "K2", "5.5")]
    assert priced(items, [("TX", "1", "0.8", 1), ("TX", "1", "0.9", 2)]) == [("1", "TX", "J1100", None, 5.5)]


def test_an_area_of_two_states_and_two_indices_has_only_what_no_index_touches():
    items = [("66984", "A2", "100"), ("J1100", "K2", "5.5")]
    assert priced(items, [("TX", "1", "0.8"), ("AR", "1", "0.9")]) == [("1", "AR-TX", "J1100", None, 5.5)]


def test_what_has_no_rate_has_no_row():
    items = [("64629", "N1", None), ("64628", "J8", "1000"), ("Q4100", "S2", "127.14")]
    assert priced(items, [("TX", "1", "0.9")]) == []
    assert priced(items[1:2], [("TX", "1", "0.9")], devices=[("64628", "800")]) == [("1", "TX", "64628", 0.9, 990.0)]


def test_a_row_says_of_which_area_and_release_it_is():
    con = connection("2025-02")
    stage(con, "staged_asc", [{"code": "66984", "pi": "A2", "payment_rate": "100"} | ASC_DAY])
    named = {"area_name": "Washington County", "counties": "01129"}
    stage(con, "staged_wage_index", [asc_area("AL", "50001", "0.9") | named])
    assert run(con, "bench_asc_area") == [
        ("50001", "Washington County", "AL", "01129", "2025-02", "CPT", "66984", "A2", 0.9, 95.0, RELEASE)
    ]


def test_nothing_staged_gives_no_row():
    assert priced([], []) == []
    assert priced([("66984", "A2", "100")], []) == []


def test_every_surgical_center_of_the_sample_has_the_rate_of_its_area(built_sample):
    """Worked out again from the raw files: indices, device portions, and the national rates of the addenda."""
    raw = built_sample / "raw" / "medicare"
    tables = {}
    for name, first in (("CY 2025 ASC wage index", "CBSA"), ("July 2025 ASC Addendum FF", "HCPCS Code")):
        rows = list(csv.reader((raw / f"{name}.csv").read_text().splitlines()))
        at = next(n for n, row in enumerate(rows) if row[0] == first)
        tables[first] = rows[at + 1 :]
    index: dict[str, set[Decimal]] = {}
    for cbsa, _, wage in tables["CBSA"]:
        index.setdefault(cbsa, set()).add(Decimal(wage))
    portion = {row[0]: Decimal(row[4].strip(" $").replace(",", "")) for row in tables["HCPCS Code"] if row[4]}
    with duckdb.connect(str(built_sample / "warehouse.duckdb"), read_only=True) as con:
        facts = con.execute("""
            SELECT stat_area_code, asc_pi, code, medicare_national_rate, medicare_locality_rate, count(*)
            FROM fact_rate_enriched WHERE benchmark_type = 'ASC' AND medicare_state_rate IS NOT NULL
            GROUP BY ALL""").fetchall()
    assert len(facts) > 50
    for cbsa, indicator, code, national, found, _ in facts:
        flat = portion[code] if indicator == "J8" else Decimal(0)
        (wage,) = index[cbsa]
        amount = flat + (Decimal(str(national)) - flat) * (wage + 1) / 2
        assert Decimal(str(found)) == amount.quantize(Decimal("0.01"), ROUND_HALF_UP), (cbsa, code)

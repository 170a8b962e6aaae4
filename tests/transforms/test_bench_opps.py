"""bench_opps: the wage-adjusted and the flat, by state."""

from __future__ import annotations

import pytest

from bench_tables import connection, run, stage

DAY = {"effective_from": "2025-01-01", "source_file": "b.csv", "release": "Addendum B 2025-01"}
RELEASE = "Addendum B 2025-01 effective 2025-01-01 (in force)"


def item(code, si, rate, weight=None, **more):
    return {"code": code, "si": si, "payment_rate": rate, "weight": weight} | DAY | more


def area(state, cbsa, index, schedule="OPPS", year="2025"):
    return {"state": state, "cbsa": cbsa, "wage_index": index, "schedule": schedule, "listing": 1} | {
        "effective_from": f"{year}-01-01",
        "source_file": "wage.csv",
    }


def opps(month, items, areas):
    """The rows of states, without the nation's."""
    return [row for row in everywhere(month, items, areas) if row[0] != "US"]


def everywhere(month, items, areas):
    con = connection(month)
    stage(con, "staged_opps", items)
    stage(con, "staged_wage_index", areas)
    return run(con, "bench_opps")


@pytest.mark.parametrize(
    ("si", "expected"),
    # 60 % of 100.05 adjusted: 60.03 x 0.9 + 40.02 = 94.047 -> 94.05; 60.03 x 1.2 + 40.02 = 112.056 -> 112.06
    [(si, (94.05 + 112.06) / 2) for si in ("S", "T", "V", "P", "J1", "J2", "Q1", "Q2", "Q3")]
    + [(si, 100.05) for si in ("G", "K", "K1", "R", "U")]
    + [(si, None) for si in ("A", "B", "C", "E1", "F", "H", "H1", "L", "M", "N", "Y", "new")],
)
def test_by_status(si, expected):
    found = opps("2025-02", [item("12345", si, "100.05", "1.2")], [area("TX", "10180", "0.9"), area("TX", "45", "1.2")])
    national = None if expected is None else 100.05
    assert found == [("TX", "2025-02", "CPT", "12345", 1.2, si, expected, national, RELEASE)]


def test_the_nation_has_the_rate_as_published_with_and_without_an_index():
    items = [item("12345", "S", "100.05"), item("J1100", "K", "5.5"), item("12346", "N", None)]
    expected = [("12345", 100.05, 100.05), ("12346", None, None), ("J1100", 5.5, 5.5)]
    for areas in ([], [area("TX", "1", "0.9")]):
        found = [row for row in everywhere("2025-02", items, areas) if row[0] == "US"]
        assert [(row[3], *row[6:8]) for row in found] == expected


def test_half_a_cent_goes_up():
    # 10.05 x (0.6 x 1.1 + 0.4) = 10.653; 12.50 x (0.6 x 0.99 + 0.4) = 12.425 exactly
    found = opps("2025-02", [item("12345", "S", "12.50")], [area("TX", "10180", "0.99")])
    assert found[0][6] == 12.43


def test_without_a_rate_there_is_none():
    found = opps("2025-02", [item("12345", "Q4", None), item("C1713", "N", None)], [area("TX", "1", "1")])
    assert [(r[2], r[6], r[7]) for r in found] == [("CPT", None, None), ("HCPCS", None, None)]


def test_an_index_of_asc_is_not_used_and_one_of_opps_goes_before_one_of_neither():
    areas = [area("TX", "1", "2", "ASC"), area("TX", "1", "1.5", ""), area("TX", "1", "0.5", "OPPS")]
    assert [r[6] for r in opps("2025-02", [item("12345", "S", "100")], areas)] == [70.0]
    assert [r[6] for r in opps("2025-02", [item("12345", "S", "100")], areas[:2])] == [130.0]
    assert opps("2025-02", [item("12345", "S", "100")], areas[:1]) == []


def test_the_month_takes_its_quarter_and_its_years_wages():
    items = [item("12345", "S", "100"), item("12345", "S", "200", effective_from="2025-07-01", release="OPPS July")]
    areas = [area("TX", "1", "0.5"), area("TX", "1", "2", year="2024")]
    assert [(r[6], r[8]) for r in opps("2025-08", items, areas)] == [
        (140.0, "OPPS July effective 2025-07-01 (in force)")
    ]
    assert [r[6] for r in opps("2025-06", items, areas)] == [70.0]
    assert opps("2026-01", items, areas) == []


def test_nothing_staged_gives_no_row():
    assert opps("2025-02", [], []) == []
    assert opps("2025-02", [], [area("TX", "1", "1")]) == []


def test_the_same_rows_twice_are_one():
    found = opps("2025-02", [item("12345", "S", "100")] * 2, [area("TX", "1", "1")] * 2)
    assert [r[6] for r in found] == [100.0]

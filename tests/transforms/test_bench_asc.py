"""bench_asc: half of the rate wage-adjusted, by indicator."""

from __future__ import annotations

import pytest

from bench_tables import connection, run, stage

DAY = {"effective_from": "2025-01-01", "source_file": "aa.csv", "release": "addenda 2025-01"}


def asc(items, areas, devices=(), month="2025-02"):
    con = connection(month)
    stage(con, "staged_asc", [{"code": c, "pi": pi, "payment_rate": rate} | DAY for c, pi, rate in items])
    stage(con, "staged_asc_device", [{"code": c, "device_portion": d} | DAY for c, d in devices])
    rows = [{"state": s, "cbsa": c, "wage_index": w, "schedule": "ASC"} | DAY for s, c, w in areas]
    stage(con, "staged_wage_index", rows)
    return run(con, "bench_asc")


@pytest.mark.parametrize("indicator", ["A2", "G2", "P2", "P3", "R2", "Z2", "Z3"])
def test_half_is_adjusted(indicator):
    # 100.05 x (0.5 x 0.9 + 0.5) = 95.0475 -> 95.05; x (0.5 x 1.2 + 0.5) = 110.055 exactly -> 110.06
    found = asc([("66984", indicator, "100.05")], [("TX", "1", "0.9"), ("TX", "2", "1.2")])
    release = "addenda 2025-01 effective 2025-01-01 (in force)"
    assert found == [("TX", "2025-02", "CPT", "66984", indicator, (95.05 + 110.06) / 2, 100.05, release)]


@pytest.mark.parametrize("indicator", ["H2", "J7", "K2", "K7", "F4", "L6"])
def test_drugs_and_the_like_are_flat(indicator):
    assert asc([("J1100", indicator, "0.051")], [("TX", "1", "0.9")])[0][5:7] == (0.051, 0.051)


def test_the_device_portion_is_flat():
    # 800 + (1000 - 800) x (0.5 x 0.9 + 0.5) = 990
    assert asc([("64628", "J8", "1000")], [("TX", "1", "0.9")], [("64628", "800")])[0][5:7] == (990.0, 1000.0)


def test_without_the_device_portion_there_is_no_rate():
    assert asc([("64628", "J8", "1000")], [("TX", "1", "0.9")])[0][5:7] == (None, None)


def test_packaged_and_unpaid_have_no_rate():
    assert [r[5:7] for r in asc([("64629", "N1", None), ("64630", "C5", "0.00")], [("TX", "1", "1")])] == [
        (None, None)
    ] * 2


def test_nothing_staged_gives_no_row():
    assert asc([], []) == []
    assert asc([("66984", "A2", "100")], []) == []
    assert asc([("66984", "A2", "100")], [("TX", "1", "1")], month="2026-01") == []

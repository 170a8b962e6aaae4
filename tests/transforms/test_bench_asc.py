"""bench_asc: half of the rate wage-adjusted, by indicator."""

from __future__ import annotations

import pytest

from bench_tables import asc


def by_state(*given, **more):
    """The rows of states, without the nation's."""
    return [row for row in asc(*given, **more) if row[0] != "US"]


@pytest.mark.parametrize("indicator", ["A2", "G2", "P2", "P3", "R2", "Z2", "Z3", "D2"])
def test_half_is_adjusted(indicator):
    # 100.05 x (0.5 x 0.9 + 0.5) = 95.0475 -> 95.05; x (0.5 x 1.2 + 0.5) = 110.055 exactly -> 110.06
    found = by_state([("66984", indicator, "100.05")], [("TX", "1", "0.9"), ("TX", "2", "1.2")])
    release = "addenda 2025-01 effective 2025-01-01 (in force)"
    assert found == [("TX", "2025-02", "CPT", "66984", indicator, (95.05 + 110.06) / 2, 100.05, release)]


@pytest.mark.parametrize("indicator", ["H2", "J7", "K2", "K7", "F4", "L6"])
def test_drugs_and_the_like_are_flat(indicator):
    assert asc([("J1100", indicator, "0.051")], [("TX", "1", "0.9")])[0][5:7] == (0.051, 0.051)


def test_the_device_portion_is_flat():
    # 800 + (1000 - 800) x (0.5 x 0.9 + 0.5) = 990
    assert asc([("64628", "J8", "1000")], [("TX", "1", "0.9")], [("64628", "800")])[0][5:7] == (990.0, 1000.0)


@pytest.mark.parametrize("devices", [[], [("64628", "1000.01")]])
def test_without_a_device_portion_that_can_be_the_nation_alone_has_a_rate(devices):
    found = asc([("64628", "J8", "1000")], [("TX", "1", "0.9")], devices)
    assert [(r[0], *r[5:7]) for r in found] == [("TX", None, 1000.0), ("US", 1000.0, 1000.0)]


@pytest.mark.parametrize("indicator", ["N1", "D5", "C5", "X9"])
def test_packaged_deleted_and_unknown_have_no_rate_whatever_stands_there(indicator):
    found = asc([("64629", indicator, None), ("64630", indicator, "1.30")], [("TX", "1", "1")])
    assert [r[5:7] for r in found] == [(None, None)] * 4


def test_of_s2_only_the_nation_has_a_rate():
    found = asc([("Q4100", "S2", "127.14")], [("TX", "1", "0.9")])
    assert [(r[0], *r[5:7]) for r in found] == [("TX", None, 127.14), ("US", 127.14, 127.14)]


def test_an_area_that_is_listed_several_times_counts_once_by_the_mean_of_its_rows():
    # 100 x (0.5 x 0.8 + 0.5) = 90, 95 and 97 of the one area; 105 of the other: ((90 + 95 + 97) / 3 + 105) / 2
    areas = [("TX", "1", "0.8", 1), ("TX", "1", "0.9", 2), ("TX", "1", "0.94", 3), ("TX", "2", "1.1")]
    (found,) = by_state([("66984", "A2", "100")], areas)
    assert found[5] == 99.5


def test_nothing_staged_gives_no_row():
    assert asc([], []) == []
    assert asc([("66984", "A2", "100")], [("TX", "1", "1")], month="2026-01") == []


def test_without_a_wage_index_the_nation_alone_has_rows():
    found = asc([("66984", "A2", "100"), ("64629", "N1", None)], [])
    assert [(r[0], r[3], *r[5:7]) for r in found] == [("US", "64629", None, None), ("US", "66984", 100.0, 100.0)]

"""What OPPS and ASC pay by CMS's own addenda, worked by hand, against what the benchmark tables hold.

Each amount is literal, with its arithmetic beside it. Sources: OPPS 42 CFR 419.43(c) (60 % of the rate times the wage
index), ASC 42 CFR 416.172(c) (50 %) and Medicare Claims Processing Manual chapter 14, 40; docs/medicare.md has each rule.
No OPPS wage index is among the real files: `AA` is a state of one area, whose index 0.8434 is made up.
"""

from __future__ import annotations

import pytest

from bench_tables import connection, run, stage
from pipeline.readers.medicare import read as medicare

OPPS = "opps_2025/2025 NFRM Addendum B.11122024.txt.gz"
TEN, NINE = "2025-10", "2025-02"
# (table, month, place, code, indicator, amount): the arithmetic
AMOUNTS = [
    # ---- OPPS, the nation: the rate as published, relative weight x 89.169
    ("opps", NINE, "US", "99281", "J2", 88.05),  # 0.9875 x 89.169 = 88.054
    ("opps", NINE, "US", "G0463", "J2", 128.87),  # 1.4452 x 89.169 = 128.867
    ("opps", NINE, "US", "70553", "Q3", 357.13),  # 4.0051 x 89.169 = 357.131
    ("opps", NINE, "US", "45378", "T", 911.71),  # 10.2245 x 89.169 = 911.708
    ("opps", NINE, "US", "27447", "J1", 12866.82),  # 144.2970 x 89.169 = 12,866.819
    ("opps", NINE, "US", "93005", "Q1", 59.40),  # 0.6661 x 89.169 = 59.395
    ("opps", NINE, "US", "92950", "S", 311.40),  # 3.4922 x 89.169 = 311.396
    ("opps", NINE, "US", "P9016", "R", 182.00),  # blood: 2.0411 x 89.169 = 182.003
    ("opps", NINE, "US", "C2616", "U", 17485.10),  # brachytherapy: 196.0895 x 89.169 = 17,485.105
    ("opps", NINE, "US", "J9271", "K", 58.216),  # a drug: average sales price + 6 %, a unit
    ("opps", NINE, "US", "J1885", "K1", 0.682),  # a non-opioid drug
    ("opps", NINE, "US", "J0217", "G", 442.004),  # a drug in pass-through
    ("opps", NINE, "US", "J1100", "N", None),  # packaged
    ("opps", NINE, "US", "50600", "C", None),  # inpatient only, though Addendum B gives 10,411.22
    ("opps", NINE, "US", "97110", "A", None),  # therapy: another schedule
    ("opps", NINE, "US", "80053", "Q4", None),  # laboratory: packaged, or another schedule
    # ---- OPPS where the index is 0.8434: 0.6 x 0.8434 + 0.4 = 0.90604
    ("opps", NINE, "AA", "99281", "J2", 79.78),  # 88.05 x 0.90604 = 79.777
    ("opps", NINE, "AA", "70553", "Q3", 323.57),  # 357.13 x 0.90604 = 323.574
    ("opps", NINE, "AA", "45378", "T", 826.05),  # 911.71 x 0.90604 = 826.046
    ("opps", NINE, "AA", "27447", "J1", 11657.85),  # 12,866.82 x 0.90604 = 11,657.854
    ("opps", NINE, "AA", "92950", "S", 282.14),  # 311.40 x 0.90604 = 282.141
    ("opps", NINE, "AA", "P9016", "R", 182.00),  # flat
    ("opps", NINE, "AA", "C2616", "U", 17485.10),  # flat
    ("opps", NINE, "AA", "J9271", "K", 58.216),  # flat
    ("opps", NINE, "AA", "J1100", "N", None),
    # ---- ASC, the nation: payment weight x 54.895, or another schedule's rate
    ("asc", NINE, "US", "66984", "A2", 1214.31),  # 22.1206 x 54.895 = 1,214.310
    ("asc", NINE, "US", "0101T", "R2", 128.93),  # 2.3486 x 54.895 = 128.926
    ("asc", NINE, "US", "D7140", "D2", 892.61),  # dental: 16.2604 x 54.895 = 892.615
    ("asc", NINE, "US", "70553", "Z2", 192.74),  # 3.511 x 54.895 = 192.736
    ("asc", NINE, "US", "10060", "P3", 80.54),  # the physician schedule's 2.49 x 32.3465 = 80.543
    ("asc", NINE, "US", "71046", "Z3", 22.32),  # of its TC row 0.69 x 32.3465 = 22.319
    ("asc", NINE, "US", "27447", "J8", 9255.60),  # 168.6055 x 54.895 = 9,255.599
    ("asc", NINE, "US", "J0897", "K2", 27.66),  # a drug
    ("asc", NINE, "US", "C2616", "H2", 17485.10),  # brachytherapy at the OPPS rate
    ("asc", NINE, "US", "J1100", "N1", None),  # packaged
    ("asc", NINE, "US", "V2785", "F4", None),  # corneal tissue, at cost
    ("asc", TEN, "US", "C9101", "N1", None),  # packaged, though Addendum BB of October gives 1.30
    ("asc", TEN, "US", "C9088", "D5", None),  # deleted, though it gives 0.81
    # ---- ASC by area: half times the index
    ("area", NINE, "26420", "66984", "A2", 1225.79),  # Houston 1.0189: 1,214.31 x 1.00945 = 1,225.785
    ("area", NINE, "45", "66984", "A2", 1119.23),  # rural Texas 0.8434: 1,214.31 x 0.9217 = 1,119.230
    ("area", NINE, "41884", "45378", "A2", 687.09),  # San Francisco 1.8075: 489.47 x 1.40375 = 687.094
    ("area", NINE, "02", "10060", "P3", 86.16),  # rural Alaska 1.1396: 80.54 x 1.0698 = 86.162
    # device-intensive: 5,661.70 + (9,255.60 - 5,661.70) x 1.00945 = 9,289.562
    ("area", NINE, "26420", "27447", "J8", 9289.56),
    # New York 1.3138: 20,363.37 + (24,924.41 - 20,363.37) x 1.1569 = 25,640.037
    ("area", NINE, "35614", "33249", "J8", 25640.04),
    ("area", NINE, "26420", "J0897", "K2", 27.66),  # flat
    ("area", NINE, "41884", "C1716", "H2", 868.33),  # flat
    ("area", NINE, "39900", "66984", "A2", None),  # Reno stands twice, 0.8946 and 1.0175
    ("area", NINE, "39900", "J0897", "K2", 27.66),  # but no index touches a drug
    ("area", "2026-01", "50001", "66984", "A2", 1054.81),  # Washington County 0.6800: 1,255.73 x 0.84 = 1,054.813
    ("area", "2026-01", "50001", "Q4101", "S2", None),  # whether skin substitutes are adjusted is not known
    ("asc", "2026-01", "US", "Q4101", "S2", 127.14),  # 2.2574 x 56.322 = 127.141
    # ---- ASC by state: the mean of the areas
    # Delaware 08, 20100, 48864: (1,237.69 + 1,284.38 + 1,268.83) / 3
    ("asc", NINE, "DE", "66984", "A2", 3790.90 / 3),
    # Hawaii 12, 27980 twice, 46520: (1,277.21 + (1,271.63 + 1,263.98) / 2 + 1,362.64) / 3
    ("asc", NINE, "HI", "66984", "A2", 3907.655 / 3),
    ("asc", NINE, "VI", "66984", "A2", 996.22),  # one area: 1,214.31 x 0.8204 = 996.220
    ("asc", NINE, "DE", "J0897", "K2", 27.66),
]
ASC_FILES = [
    *(f"asc/{day}/{name}.csv.gz" for day in ("20250101", "20251001", "20260101") for name in ("AA", "BB", "FF")),
    "asc/wage_index_2025.txt",
    "asc/wage_index_2026.csv",
]
COLUMNS = {
    "opps": ("bench_opps", "state", "opps_si", "opps_mar_stateavg"),
    "asc": ("bench_asc", "state", "asc_pi", "asc_mar_stateavg"),
    "area": ("bench_asc_area", "cbsa", "asc_pi", "asc_area_rate"),
}


@pytest.fixture(scope="module")
def priced(real) -> dict[tuple, tuple]:
    """(table, month, place, code) -> (indicator, amount), of the codes in the list, from the tables as built."""
    wanted = {code for _, _, _, code, _, _ in AMOUNTS}
    con = connection()
    for files in ([OPPS], ASC_FILES):
        tables: dict[str, list[dict]] = {}
        for file in files:
            for name, frame in medicare.read(real / "schedules" / file).items():
                tables.setdefault(name, []).extend(
                    r for r in frame.to_dicts() if r.get("code", None) in (*wanted, None)
                )
        if files == [OPPS]:
            made_up = {"schedule": "OPPS", "state": "AA", "cbsa": "99", "listing": 1, "wage_index": "0.8434"}
            made_up |= {"effective_from": "2025-01-01", "release": "made up", "source_file": "made up"}
        for name, rows in tables.items():
            stage(con, name, rows + [made_up] * (name == "staged_wage_index"))
    found = {}
    for table, month in sorted({(table, month) for table, month, *_ in AMOUNTS}):
        con.execute(f"SET VARIABLE year_month = '{month}'")
        name, place, indicator, amount = COLUMNS[table]
        run(con, name, into="built")
        for row in con.execute(f"SELECT {place}, code, {indicator}, {amount} FROM built").fetchall():
            found[table, month, *row[:2]] = row[2:]
    return found


@pytest.mark.parametrize(("table", "month", "place", "code", "indicator", "amount"), AMOUNTS)
def test_amounts_worked_by_hand(priced, table, month, place, code, indicator, amount):
    found = priced.get((table, month, place, code), (indicator, None) if table == "area" else None)
    assert found is not None
    assert found == (indicator, amount if amount is None else pytest.approx(amount, abs=1e-9))

"""bench_medicare_prof_detail: prices per locality against CMS's own published amounts, and against an oracle.

Published: CMS's carrier files of 2025 (PFTX25A, PFAK25A, January) and its revised payment file PFREV25C (July), which
give the fee schedule amount and, where a cap exists, the OPPS amount beside it; the lesser is paid. None of their codes
below changed by the October release that the relative values here are of.
"""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal

import pytest

from bench_tables import connection, rows, run, stage
from pipeline import errors
from pipeline.readers.medicare import read as medicare
from pipeline.storage import duck

# code modifier carrier locality non-facility facility
PUBLISHED = """
    0447T -  04412 09   95.86   63.65
    0509T -  04412 09   73.51   73.51
    0509T 26 04412 09   20.21   20.21
    0509T TC 04412 09   53.30   53.30
    10004 -  04412 09   51.38   41.62
    10005 -  04412 09  129.12   69.90
    10007 -  04412 09  294.69   85.46
    10021 -  04412 09   97.52   52.93
    10030 -  04412 09  602.69  128.57
    11004 -  04412 09  539.00  539.00
    11042 -  04412 09  125.31   58.60
    11055 -  04412 09   68.22   14.85
    11646 -  04412 09  488.83  374.61
    11719 -  04412 09   13.97    7.13
    11772 -  04412 09  744.26  563.01
    57180 -  02102 01  223.27  145.29
    57240 -  02102 01  758.82  758.82
    57267 -  02102 01  315.63  315.63
    57420 -  02102 01  157.63  112.17
    57500 -  02102 01  171.15   92.47
    57800 -  02102 01   89.50   59.08
    58200 -  02102 01 1676.21 1676.21
    58323 -  02102 01   17.87   15.07
    58340 -  02102 01  253.62   70.75
    58353 -  02102 01  962.77  282.32
    58356 -  02102 01 1737.51  439.55
    58558 -  02102 01 1350.24  287.95
    76145 -  01112 05 1339.81 1339.81
    76145 -  01182 18 1132.57 1132.57
    76145 -  02102 01 1024.85 1024.85
    76145 -  06202 00  967.44  967.44
    76145 -  09102 04 1005.61 1005.61
    76145 -  09202 20  961.79  961.79
    76145 -  12202 01 1138.58 1138.58
    76145 -  13202 02 1158.35 1158.35
    76145 -  13292 04 1146.25 1146.25
    76145 -  07302 00  812.71  812.71
    76145 -  15202 00  872.49  872.49
"""
# code modifier fee-schedule-amount OPPS-amount, both as published for Alaska (02102 01): the lesser is the rate
PUBLISHED_WITH_CAP = """
    74250 26  50.21    -
    74250 TC  85.86 192.00
    74251 -  381.71 264.92
    74251 26  72.41    -
    74251 TC 309.30 192.51
    74261 -  467.08 264.24
    74261 TC 317.72 114.88
    74262 -  522.63 347.96
    74263 -  786.15 408.48
    74263 26 147.44    -
    74263 TC 638.71 261.04
    74290 -   91.28 212.30
    74400 TC 114.72 191.84
    74712 -  472.29 448.16
    74712 TC 285.20 261.08
    75571 -  114.07 130.85
    75635 -  467.27 339.26
"""
# RVUs as published in PPRRVU2025_Oct and GPCIs in GPCI2025; amounts worked out by hand: see each line's comment.
BY_HAND = [
    # (45.56 x 1 + 29.25 x 0.927 + 18.73 x 0.925) x 32.3465 = 90.0 x 32.3465 = 2911.185 exactly: half a cent goes up
    ("61530", "", "12502", "99", "2911.19", "2911.19"),
    # (1.30 x 1.011 + 1.35 x 1.007 + 0.10 x 0.877) x 32.3465 = 2.76145 x 32.3465 = 89.3232…; facility PE 0.57: 1.97599
    ("99213", "", "04412", "11", "89.32", "63.92"),
    # the same in Alaska, whose work GPCI has its floor of 1.5: (1.95 + 1.45935 + 0.0592) x 32.3465 = 112.1954…
    ("99213", "", "02102", "01", "112.20", "84.92"),
    # discontinued: (1.63 + 3.22 x 0.869 + 0.22 x 0.575) x 32.3465 = 4.55468 x 32.3465; facility (1.63 + 0.7821 + 0.1265)
    ("45378", "53", "10112", "00", "147.33", "82.11"),
    # status T, no work: (0.82 x 0.869 + 0.01 x 0.575) x 32.3465 = 0.71833 x 32.3465 = 23.2354…; the same in a facility
    ("36591", "", "10112", "00", "23.24", "23.24"),
]


def test_the_published_and_worked_out_amounts_are_of_every_kind():
    published = [
        (code, modifier, (carrier, locality), *a) for code, modifier, carrier, locality, *a in lines(PUBLISHED)
    ]
    published += [(code, modifier, (c, n), *a) for code, modifier, c, n, *a in BY_HAND]
    capped = lines(PUBLISHED_WITH_CAP)
    assert len(published) + len(capped) == 60
    assert {modifier for _, modifier, *_ in [*published, *capped]} == {"", "26", "TC", "53"}
    assert {cap != "" and Decimal(cap) < Decimal(amount) for _, _, amount, cap in capped} == {True, False}
    assert {nonfacility == facility for *_, nonfacility, facility in published} == {True, False}
    work_above_one = {("02102", "01"), ("04412", "11"), ("01112", "05")}
    assert {place for _, _, place, *_ in published} > work_above_one


@pytest.fixture(scope="module")
def detail(real):
    con = connection()
    for name in ("PPRRVU2025_Oct.csv", "GPCI2025.csv", "ANES2025.csv"):
        for table, frame in medicare.read(real / "medicare" / name).items():
            stage(con, table, frame)
    run(con, "bench_medicare_prof_detail", into="detail")
    return con


def rate(con, code, modifier, carrier, locality):
    """(non-facility, facility) rate as text with two decimals."""
    found = rows(
        con,
        f"SELECT nonfacility_rate, facility_rate FROM detail WHERE code = '{code}' AND modifier = '{modifier}' "
        f"AND carrier = '{carrier}' AND locality = '{locality}'",
    )
    assert len(found) == 1, (code, modifier, carrier, locality)
    return tuple(f"{v:.2f}" for v in found[0])


def lines(table: str) -> list[list[str]]:
    return [["" if cell == "-" else cell for cell in line.split()] for line in table.strip().splitlines()]


def test_amounts_are_those_that_cms_publishes(detail):
    for code, modifier, carrier, locality, *amounts in lines(PUBLISHED):
        assert rate(detail, code, modifier, carrier, locality) == tuple(amounts), (code, modifier, carrier, locality)


def test_the_lesser_of_the_fee_schedule_and_the_opps_amount_is_paid(detail):
    for code, modifier, amount, cap in lines(PUBLISHED_WITH_CAP):
        expected = min(amount, cap or amount, key=Decimal)
        assert rate(detail, code, modifier, "02102", "01") == (expected, expected), (code, modifier)


def test_amounts_worked_out_by_hand(detail):
    for code, modifier, carrier, locality, *amounts in BY_HAND:
        assert rate(detail, code, modifier, carrier, locality) == tuple(amounts), (code, modifier, carrier, locality)


def test_every_active_row_of_cms_own_cap_file_agrees(detail, real):
    """OPPSCAP_Oct.csv, both prices. California is matched by locality number: its southern rows say 01112 for 01182."""
    con = detail
    stage(con, "staged_opps_cap", medicare.read(real / "medicare" / "OPPSCAP_Oct.csv")["staged_opps_cap"])
    joined = """
        FROM staged_opps_cap c JOIN detail d ON d.code = c.code AND d.modifier = c.modifier AND d.locality = c.locality
          AND (d.carrier = c.carrier OR d.state = 'CA' AND c.carrier IN ('01112', '01182'))
        WHERE c.status = 'A'"""
    assert rows(con, f"SELECT count(*) {joined}") == [(6670,)]
    assert rows(con, "SELECT count(*) FROM staged_opps_cap WHERE status = 'A'") == [(6670,)]
    differing = f"""SELECT c.code, c.modifier, c.carrier, c.locality {joined}
        AND (d.nonfacility_rate <> c.nonfacility_price::DOUBLE OR d.facility_rate <> c.facility_price::DOUBLE)"""
    assert rows(con, differing) == []
    moved = (
        "SELECT count(*) FROM staged_opps_cap WHERE carrier = '01112' AND locality IN ('17','18','71','72','73','74')"
    )
    assert rows(con, moved) == [(840,)]


@pytest.mark.slow
def test_every_rate_equals_a_slow_calculation_from_the_files(detail, real):
    """Python's decimal, straight from the two CSV files, for all localities and codes."""

    def table(name):
        with (real / "medicare" / name).open(encoding="latin-1", newline="") as file:
            return list(csv.reader(file))

    places = {
        (r[0], r[2]): [Decimal(x) for x in r[4:7]] for r in table("GPCI2025.csv") if r[0].isdigit() and len(r) == 7
    }
    found = rows(detail, "SELECT carrier, locality, code, modifier, nonfacility_rate, facility_rate FROM detail")
    ours = {tuple(r[:4]): r[4:] for r in found}
    assert len(ours) == len(found) == 109 * 19_090
    for r in table("PPRRVU2025_Oct.csv")[10:]:
        work, pe_nonfacility, pe_facility, mp, factor = (Decimal(r[i]) for i in (5, 6, 8, 10, 24))
        caps = [Decimal(r[i]) for i in (28, 29, 30)]
        for (carrier, locality), (w, p, m) in places.items():
            expected = []
            for pe, cap_pe in ((pe_nonfacility, caps[0]), (pe_facility, caps[1])):
                amount = (work * w + pe * p + mp * m) * factor
                if any(caps):
                    amount = min(amount, (work * w + cap_pe * p + caps[2] * m) * factor)
                paid = r[3] in "ART" and work + pe + mp
                expected.append(float(amount.quantize(Decimal("0.01"), ROUND_HALF_UP)) if paid else None)
            assert list(ours[carrier, locality, r[0], r[1]]) == expected, (carrier, locality, r[0], r[1])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("36415", "status X: other schedule or excluded"),
        ("90281", "status I: not valid for Medicare, another code is used"),
        ("92558", "status X: other schedule or excluded"),  # though RVUs stand
        ("27215", "status I: not valid for Medicare, another code is used"),  # though RVUs stand
        ("99050", "status B: bundled into other services"),
        ("36000", "status B: bundled into other services"),  # though RVUs stand
        ("0042T", "status C: priced by the contractor"),
        ("90371", "status E: excluded by regulation"),
        ("0500F", "status M: measurement code"),
        ("A4211", "status P: bundled or excluded"),
        ("99381", "status N: not covered by Medicare"),  # though RVUs stand
        ("15824", "no RVUs: priced by the contractor"),
        ("00100", "status J: anaesthesia, no base units"),
    ],
)
def test_what_has_no_rate_says_why(detail, code, reason):
    found = rows(detail, f"SELECT DISTINCT nonfacility_rate, facility_rate, reason FROM detail WHERE code = '{code}'")
    assert found == [(None, None, reason)]


def test_only_active_restricted_and_injection_codes_have_rates(detail):
    assert rows(detail, "SELECT DISTINCT status FROM detail WHERE nonfacility_rate IS NOT NULL ORDER BY 1") == [
        ("A",),
        ("R",),
        ("T",),
    ]
    assert rows(detail, "SELECT count(*) FROM detail WHERE (reason IS NULL) <> (nonfacility_rate IS NOT NULL)") == [
        (0,)
    ]


def test_anaesthesia_carries_the_localitys_factor(detail):
    found = rows(detail, "SELECT conversion_factor FROM detail WHERE code = '00100' AND carrier = '02102'")
    assert found == [(27.86,)]


def test_national_rates_are_of_gpcis_of_one(detail):
    # 99213: 2.75 x 32.3465 = 88.952875, facility 1.97 x 32.3465 = 63.722605; 74263 TC is capped there too
    found = rows(
        detail,
        "SELECT DISTINCT code, nonfacility_national_rate, facility_national_rate FROM detail WHERE code = '99213'",
    )
    assert found == [("99213", 88.95, 63.72)]


GPCI = ("carrier", "locality", "state", "work_gpci_floor", "pe_gpci", "mp_gpci", "effective_from", "source_file")
RVU = "code status work_rvu pe_rvu_nonfacility pe_rvu_facility mp_rvu conversion_factor effective_from released source_file"


def staged(con, gpcis, rvus, base=()):
    stage(con, "staged_gpci", [dict(zip(GPCI, r, strict=True)) for r in gpcis])
    zero = {"opps_pe_nonfacility": "0", "opps_pe_facility": "0", "opps_mp": "0", "modifier": ""}
    named = [dict(zip(RVU.split(), r, strict=True)) for r in rvus]
    stage(con, "staged_pfs_rvu", [zero | r | {"release": r["source_file"]} for r in named])
    stage(con, "staged_anesthesia_base", list(base))


ONE = [("00001", "01", "TX", "1", "1", "1", "2026-01-01", "gpci.csv")]


def test_the_release_of_a_quarter_that_came_last_speaks():
    con = connection()
    staged(
        con,
        [("00001", "01", "TX", "1", "1", "1", "2025-01-01", "gpci.csv")],
        [
            ("99213", "A", "1", "1", "1", "1", "10", "2025-04-01", "2025-03-01", "first"),
            ("99213", "A", "2", "1", "1", "1", "10", "2025-04-01", "2025-04-20", "corrected"),
            ("99213", "A", "3", "1", "1", "1", "10", "2025-07-01", "2025-06-01", "july"),
        ],
    )
    run(con, "bench_medicare_prof_detail", into="detail")
    assert rows(con, "SELECT effective_from, release, nonfacility_rate FROM detail ORDER BY 1") == [
        ("2025-04-01", "corrected", 40.0),
        ("2025-07-01", "july", 50.0),
    ]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [(None, ("rest", 33.4)), ("other", ("rest", 33.4)), ("qualifying_apm", ("qualifying", 33.57))],
)
def test_from_2026_the_factor_is_that_of_clinicians_outside_qualifying_models_unless_set(setting, expected):
    con = connection()
    if setting:
        con.execute(f"SET VARIABLE conversion_factor = '{setting}'")
    staged(
        con,
        ONE,
        [
            ("99213", "A", "1", "0", "0", "0", "33.5675", "2026-01-01", "2025-12-30", "qualifying"),
            ("99213", "A", "1", "0", "0", "0", "33.4009", "2026-01-01", "2025-12-29", "rest"),
        ],
    )
    run(con, "bench_medicare_prof_detail", into="detail")
    assert rows(con, "SELECT release, nonfacility_rate FROM detail") == [expected]


def released(day, name, factor, work="1"):
    return ("99213", "A", work, "0", "0", "0", factor, day, day, name)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # from the file
        (None, [("2024-01-01", "24A", 32.74), ("2024-07-01", "24C", 66.58), ("2025-10-01", "25D", 32.35)]),
        # one for every release; where it is the file's own nothing is said of it
        (["32.3465"], [
            ("2024-01-01", "24A at 32.3465", 32.35), ("2024-07-01", "24C at 32.3465", 64.69),
            ("2025-10-01", "25D", 32.35),
        ]),
        # as it was: within the first release of 2024, and no other year's
        (["2024-03-09 33.2875"], [
            ("2024-01-01", "24A", 32.74), ("2024-03-09", "24A at 33.2875", 33.29),
            ("2024-07-01", "24C", 66.58), ("2025-10-01", "25D", 32.35),
        ]),
        # from one day to the next; a day before the year's first file counts for it
        (["2024-01-01 30", "2024-08-01 40", "2025-01-01 50.5"], [
            ("2024-01-01", "24A at 30", 30.0), ("2024-07-01", "24C at 30", 60.0), ("2024-08-01", "24C at 40", 80.0),
            ("2025-10-01", "25D at 50.5", 50.5),
        ]),
        # of a year without a release
        (["2026-01-01 30"], [("2024-01-01", "24A", 32.74), ("2024-07-01", "24C", 66.58), ("2025-10-01", "25D", 32.35)]),
    ],
)  # fmt: skip
def test_a_factor_that_is_set_takes_the_place_of_the_files(given, expected):
    con = connection()
    if given:
        con.execute(f"SET VARIABLE set_factors = {duck.literal(given)}")
    gpcis = [("00001", "01", "TX", "1", "1", "1", f"{year}-01-01", "gpci.csv") for year in (2024, 2025)]
    rvus = [
        released("2024-01-01", "24A", "32.7442"),
        released("2024-07-01", "24C", "33.2875", work="2"),
        released("2025-10-01", "25D", "32.3465"),
    ]
    staged(con, gpcis, rvus)
    run(con, "bench_medicare_prof_detail", into="detail")
    assert rows(con, "SELECT effective_from, release, nonfacility_rate FROM detail ORDER BY 1") == expected
    for month, day in (("2024-02", "2024-01-01"), ("2024-09", None), ("2025-06", "2025-10-01")):
        con.execute(f"SET VARIABLE year_month = '{month}'")
        (row,) = (found for found in run(con, "bench_medicare_prof") if found[0] != "US")
        last = max((e for e in expected if e[0] <= f"{month}-01" and e[0][:4] == month[:4]), default=expected[-1])
        assert row[4] == last[2]
        assert row[6].startswith(f"{last[1]} effective {day or last[0]} ")


def test_two_files_that_were_released_on_one_day_must_not_differ():
    con = connection()
    row = ("99213", "A", "1", "1", "1", "1", "10", "2026-01-01", "2025-12-29")
    staged(con, ONE, [(*row, "a.csv"), ("99213", "A", "2", *row[3:], "b.csv")])
    with pytest.raises(errors.SourceError, match=r"a\.csv and b\.csv both hold from 2026-01-01 but differ on 99213"):
        run(con, "bench_medicare_prof_detail", into="detail")


def test_base_units_price_anaesthesia():
    con = connection()
    base = [{"code": "00100", "base_units": "5", "effective_from": "2026-01-01", "source_file": "base.csv"}]
    staged(con, ONE, [("00100", "J", "0", "0", "0", "0", "33.4009", "2026-01-01", "2025-12-29", "rest")], base)
    factor = {"carrier": "00001", "locality": "01", "anesthesia_factor": "20.25", "national_factor": "20.4976"}
    stage(con, "staged_anesthesia", [factor | {"effective_from": "2026-01-01", "source_file": "anes.csv"}])
    run(con, "bench_medicare_prof_detail", into="detail")
    found = rows(con, "SELECT conversion_factor, nonfacility_rate, nonfacility_national_rate, reason FROM detail")
    assert found == [(20.25, 101.25, 102.49, None)]


def test_the_same_file_twice_changes_nothing():
    once, twice = connection(), connection()
    rvu = ("99213", "A", "1.3", "1.35", "0.57", "0.1", "32.3465", "2026-01-01", "2025-12-29")
    staged(once, ONE, [(*rvu, "a.csv")])
    staged(twice, [*ONE, (*ONE[0][:-1], "copy.csv")], [(*rvu, "a.csv"), (*rvu, "copy.csv")])
    for con in (once, twice):
        run(con, "bench_medicare_prof_detail", into="detail")
    assert rows(once, "FROM detail") == rows(twice, "FROM detail")
    assert len(rows(twice, "FROM detail")) == 1

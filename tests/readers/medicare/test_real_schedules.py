"""CMS's OPPS and ASC addenda as published: every file is read or named, and their figures hold to each other.

Each identity is counted over a whole file; what it does not hold of is listed here, explained where an explanation was
found. The figures are compared with a second reading of the file that shares nothing with the reader.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections import Counter
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.readers.medicare import read as medicare
from pipeline.readers.reference_files.account import Account

CENT = Decimal("0.01")
B = "opps_2025/2025 NFRM Addendum B.11122024.txt.gz"
A = "opps_2025/2025 NFRM Addendum A.11122024.txt"
P = "opps_2025/2025 NFRM Addendum P - HCPCS Offsets.11142024.txt.gz"
FACTOR = Decimal("89.169")  # OPPS, 2025 (89 FR 93912)


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@pytest.fixture(scope="module")
def schedules(real: Path) -> Path:
    return real / "schedules"


@pytest.fixture(scope="module")
def staged(schedules):
    """Reads a file once: its rows by code, APC or area."""
    read: dict[str, list[dict]] = {}

    def rows(file: str) -> list[dict]:
        if file not in read:
            (frame,) = medicare.read(schedules / file).values()
            read[file] = frame.to_dicts()
        return read[file]

    return rows


def plain(path: Path, separator: str, first: str) -> list[dict[str, str]]:
    """A second reading: the rows below the heading that begins with `first`, by heading."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    rows = list(csv.reader(io.StringIO(data.decode("latin-1"), newline=""), delimiter=separator))
    at = next(n for n, row in enumerate(rows) if row and row[0].strip() == first)
    heads = [head.strip() for head in rows[at]]
    return [dict(zip(heads, (c.strip() for c in row), strict=False)) for row in rows[at + 1 :] if any(row)]


def dollars(text: str) -> Decimal | None:
    bare = text.replace("$", "").replace(",", "").replace("%", "").strip()
    return Decimal(bare) if bare not in ("", ".") else None


# ---- every file ----------------------------------------------------------------------------------------------------


def asc_file(day: str, name: str) -> str:
    return f"asc/{day}/{name}.{'txt' if day == '20240101' else 'csv'}.gz"


DAYS = {"20220101": "49.916", "20230101": "51.854", "20240101": "53.514", "20250101": "54.895"}
DAYS |= {"20251001": "54.895", "20260101": "56.322"}
READ = {
    **dict.fromkeys([A, "opps_2025/2025-01 Web Addendum A cut.csv"], ("staged_opps_apc", "2025-01-01")),
    B: ("staged_opps", "2025-01-01"),
    P: ("staged_opps_device", "2025-01-01"),
    **{
        asc_file(day, name): (table, f"{day[:4]}-{day[4:6]}-01")
        for day in DAYS
        for name, table in (("AA", "staged_asc"), ("BB", "staged_asc"), ("FF", "staged_asc_device"))
    },
    **{f"asc/wage_index_{y}.txt": ("staged_wage_index", f"{y}-01-01") for y in range(2021, 2026)},
    "asc/wage_index_2026.csv": ("staged_wage_index", "2026-01-01"),
}
NAMED = {
    "opps_2025/2025 NFRM Addendum D1.10242024.txt": "is OPPS Addendum D1",
    "opps_2025/2025 NFRM Addendum D2.10102024.txt": "is OPPS Addendum D2",
    "opps_2025/2025 NFRM Addendum E.10102024.txt": "is OPPS Addendum E",
    "opps_2025/2025 NFRM Addendum L.10212024.txt": "is OPPS Addendum L",
    "asc/20260101/EE.csv.gz": "is ASC Addendum EE",
}


def test_every_file_is_listed_here(schedules):
    there = {
        str(p.relative_to(schedules)) for f in ("opps_2025", "asc") for p in (schedules / f).rglob("*.*") if p.is_file()
    }
    assert there == READ.keys() | NAMED.keys()


@pytest.mark.parametrize(("file", "table", "day"), [(f, *found) for f, found in READ.items()])
def test_files_are_read_as_they_are(schedules, file, table, day):
    (found,) = medicare.read(schedules / file).items()
    assert found[0] == table
    assert set(found[1]["effective_from"]) == {day}


@pytest.mark.parametrize(("file", "what"), NAMED.items())
def test_companions_are_named_and_passed_over(schedules, file, what):
    with pytest.raises(errors.UnrecognisedFile, match=what):
        medicare.read(schedules / file)


def test_the_addenda_in_one_zip_are_read_as_they_are(schedules, tmp_path):
    path = tmp_path / "2025-nfrm-opps-addenda.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted((schedules / "opps_2025").glob("2025 NFRM*")):
            data = file.read_bytes()
            packed.writestr(file.name.removesuffix(".gz"), gzip.decompress(data) if file.suffix == ".gz" else data)
    account = Account()
    found = medicare.read(path, account)
    assert {name: frame.height for name, frame in found.items()} == {
        "staged_opps": 18_682,
        "staged_opps_apc": 994,
        "staged_opps_device": 5_121,
    }
    (skipped,) = (one for one in account.warnings if one[0] == "skipped")
    assert skipped[1] == 4


@pytest.mark.parametrize(
    ("name", "what"),
    [("gpci_rvu23d", "GPCIs"), ("pprrvu_rvu24c_jul", "relative values"), ("anes_rvu22d", "anaesthesia factors")],
)
def test_a_third_partys_table_is_named_and_holds_up_nothing(schedules, name, what):
    with pytest.raises(errors.UnrecognisedFile, match=f"is a third party's table of {what}, not CMS's"):
        medicare.read(schedules / "pfs_years" / f"{name}.csv.gz")


# ---- OPPS ----------------------------------------------------------------------------------------------------------


def test_addendum_b_is_read_to_the_last_figure(schedules, staged):
    theirs = {
        row["HCPCS Code"].encode("ascii", "ignore").decode(): (row["SI"] or None, dollars(row["Payment Rate"]), dollars(row["Relative Weight"]))
        for row in plain(schedules / B, "\t", "HCPCS Code")
        if row["HCPCS Code"]
    }  # fmt: skip
    ours = {
        r["code"]: (r["si"] or None, *(None if r[c] is None else Decimal(r[c]) for c in ("payment_rate", "weight")))
        for r in staged(B)
    }
    assert len(ours) == 18_682
    assert ours == theirs


def test_an_opps_rate_is_its_weight_times_the_factor(staged):
    for file, count in ((A, 258), (B, 5_975)):
        weighed = [r for r in staged(file) if r["weight"] and r["payment_rate"]]
        assert len(weighed) == count
        assert [r for r in weighed if half_up(Decimal(r["weight"]) * FACTOR) != Decimal(r["payment_rate"])] == []


def test_a_codes_opps_rate_is_its_groups(staged):
    groups = {r["apc"]: r for r in staged(A)}
    priced = [r for r in staged(B) if r["payment_rate"]]
    of_group = [r for r in priced if r["apc"]]
    assert len(of_group) == 6_635
    for row in of_group:
        assert Decimal(row["payment_rate"]) == Decimal(groups[row["apc"]]["payment_rate"]), row
    # The one rate without a group is of a code with status C, inpatient only: it is not paid.
    assert [(r["code"], r["si"], r["payment_rate"]) for r in priced if not r["apc"]] == [("50600", "C", "10411.22")]


def test_the_least_copayment_is_a_fifth_rounded_up(schedules):
    rows = [r for r in plain(schedules / B, "\t", "HCPCS Code") if dollars(r["Payment Rate"]) is not None]
    rest = [
        r
        for r in rows
        if (dollars(r["Payment Rate"]) * Decimal("0.2")).quantize(CENT, ROUND_CEILING)
        != dollars(r["Minimum Unadjusted Copayment"])
    ]
    assert (len(rows), len(rest)) == (6_636, 56)
    # Without coinsurance (preventive services, vaccines), but for the inpatient-only 50600: 2,082.244 rounded down.
    assert {r["Minimum Unadjusted Copayment"] for r in rest if r["HCPCS Code"] != "50600"} == {"$0.00"}


def test_a_device_amount_of_opps_is_its_share_of_the_rate(staged):
    rates = {r["code"]: r["payment_rate"] for r in staged(B)}
    offsets = [r for r in staged(P) if rates.get(r["code"])]
    agree = [
        r
        for r in offsets
        if half_up(Decimal(rates[r["code"]]) * Decimal(r["device_percent"]) / 100) == Decimal(r["device_amount"])
    ]
    assert (len(staged(P)), len(agree)) == (5_121, 5_111)


# ---- ASC -----------------------------------------------------------------------------------------------------------

UNEXPLAINED = {
    # New in October 2025 with a rate of another weight.
    "20251001": {"0973T": "214.39", "0975T": "214.39", "0981T": "12304.24"},
    # 332.3688 x 56.322 = 18,719.676: the weight has four decimals, and the rate was made with more.
    "20260101": {"0871T": "18719.67"},
}


@pytest.mark.parametrize("day", DAYS)
def test_an_asc_rate_is_its_weight_times_the_factor(staged, day):
    rows = [r for name in ("AA", "BB") for r in staged(asc_file(day, name))]
    # In 2024 brachytherapy sources (H2), at the OPPS rate, stand with a weight of 0.
    weighed = [
        r for r in rows if r["payment_weight"] and Decimal(r["payment_weight"]) and Decimal(r["payment_rate"] or 0)
    ]
    assert len(weighed) > 3_500
    rest = {
        r["code"]: r["payment_rate"]
        for r in weighed
        if half_up(Decimal(r["payment_weight"]) * Decimal(DAYS[day])) != Decimal(r["payment_rate"])
    }
    assert rest == UNEXPLAINED.get(day, {})


def test_an_office_based_rate_of_asc_is_the_physician_schedules_practice_expense(real, staged):
    (frame,) = medicare.read(real / "medicare" / "PPRRVU2025_Oct.csv").values()
    expense = {(r["code"], r["modifier"]): Decimal(r["pe_rvu_nonfacility"]) for r in frame.to_dicts()}
    rows = [r for name in ("AA", "BB") for r in staged(asc_file("20250101", name)) if r["pi"] in ("P3", "Z3")]
    found: Counter = Counter()
    for row in rows:
        by = {
            m: half_up(expense[row["code"], m] * Decimal("32.3465")) for m in ("", "TC") if (row["code"], m) in expense
        }
        # Where the schedule parts a service, the center's is the technical component.
        found[row["pi"], by.get("TC", by[""]) == Decimal(row["payment_rate"])] += 1
        if row["pi"] == "P3":
            found["whole", by[""] == Decimal(row["payment_rate"])] += 1
    assert found["whole", True], found["whole", False] == (396, 10)
    assert (found["P3", True], found["P3", False]) == (406, 0)
    assert (found["Z3", True], found["Z3", False]) == (71, 1)


def test_an_asc_drug_is_paid_its_limit(schedules, staged):
    limits = {r["HCPCS Code"]: r["Payment Limit"] for r in plain(schedules / "asp/asp_pricing.csv", ",", "HCPCS Code")}
    drugs = [
        r
        for name in ("AA", "BB")
        for r in staged(asc_file("20251001", name))
        if r["pi"] == "K2" and r["code"] in limits
    ]
    rest = {
        r["code"]: (r["payment_rate"], limits[r["code"]])
        for r in drugs
        if limits[r["code"]] == "N/A" or half_up(Decimal(limits[r["code"]])) != half_up(Decimal(r["payment_rate"]))
    }
    # A9606 has no limit that quarter; J2782's was restated afterwards, as far as one can tell.
    assert len(drugs) == 490
    assert rest == {"A9606": ("171.78", "N/A"), "J2782": ("105.12", "103.397")}


def test_a_device_portion_is_its_share_of_the_opps_rate(schedules):
    rows = [
        r
        for r in plain(schedules / asc_file("20250101", "FF"), ",", "HCPCS Code")
        if r["January 2025 Payment Indicator"] == "J8"
    ]
    rest = {
        r["HCPCS Code"]
        for r in rows
        if half_up(
            dollars(r["January 2025 OPPS Payment Rate"]) * dollars(r["January 2025 Device Offset Percentage"]) / 100
        )
        != dollars(r["January 2025 Device Offset Amount / Device Portion"])
    }
    assert len(rows) == 516
    # Nine codes for combined procedures, off by at most 71 cents: CMS has their shares from another source.
    assert rest == {"C7531", "C7532", "C7535", "C7537", "C7538", "C7539", "C7540", "C7563", "C7564"}


# ---- wage areas ----------------------------------------------------------------------------------------------------


def wage_rows(schedules: Path, year: int) -> list[dict[str, str]]:
    name = "wage_index_2026.csv" if year == 2026 else f"wage_index_{year}.txt"
    return plain(schedules / "asc" / name, "," if year == 2026 else "\t", "CBSA")


@pytest.mark.parametrize("year", range(2021, 2027))
def test_every_area_has_a_state_and_its_indices(schedules, staged, year):
    theirs: dict[str, set[Decimal]] = {}
    for row in wage_rows(schedules, year):
        if row[f"WI{year % 100}"]:
            theirs.setdefault(row["CBSA"], set()).add(Decimal(row[f"WI{year % 100}"]))
    ours: dict[str, set[Decimal]] = {}
    found = staged(f"asc/wage_index_{year}.{'csv' if year == 2026 else 'txt'}")
    for row in found:
        ours.setdefault(row["cbsa"], set()).add(Decimal(row["wage_index"]))
    assert ours == theirs
    assert {row["schedule"] for row in found} == {"ASC"}
    assert sum(len(i) > 1 for i in ours.values()) == (27 if year == 2025 else 0)
    listed = Counter((row["state"], row["cbsa"], row["listing"]) for row in found)
    assert set(listed.values()) == {1}


def test_the_states_of_county_areas_follow_from_the_year_before(schedules, staged):
    """Each of 2026 is 95 % of one of two indices of an area of 2025 that is in the same state."""
    twice: dict[str, list[dict]] = {}
    for row in staged("asc/wage_index_2025.txt"):
        twice.setdefault(row["cbsa"], []).append(row)
    areas = [r for r in staged("asc/wage_index_2026.csv") if r["cbsa"].startswith("50") and len(r["cbsa"]) == 5]
    assert len(areas) == 16
    assert all(r["counties"] for r in areas)
    for area in areas:
        states = {
            r["state"]
            for rows in twice.values()
            if len({r["listing"] for r in rows}) > 1
            for r in rows
            if (Decimal(r["wage_index"]) * Decimal("0.95")).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            == Decimal(area["wage_index"])
        }
        assert area["state"] in states, area
        assert states - {area["state"]} <= {"MD", "SD"}, area  # Madison County and Rock County are in VA and MN


def test_the_second_index_of_an_area_is_95_percent_of_the_area_that_a_county_left(schedules):
    before = {Decimal(row["WI24"]) for row in wage_rows(schedules, 2024)}
    least = {(i * Decimal("0.95")).quantize(Decimal("0.0001"), ROUND_HALF_UP) for i in before}
    indices: dict[str, set[Decimal]] = {}
    for row in wage_rows(schedules, 2025):
        if row["WI25"]:
            indices.setdefault(row["CBSA"], set()).add(Decimal(row["WI25"]))
    twice = {area: found for area, found in indices.items() if len(found) > 1}
    assert len(twice) == 27
    assert [area for area, found in twice.items() if not found & least] == []

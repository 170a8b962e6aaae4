"""What a rate is warned of: literal rates in, flags out."""

from __future__ import annotations

import csv
import re

import pytest

from enriched_made import enrich, fact, part
from enriched_tables import ANA, BOB, EVA, MONTH, ORG, PAYER, WORLD, address, members, pfs, pos_id, provider, published
from pipeline.settings import home
from pipeline.storage import duck
from pipeline.transforms import rate_flags


def flags(rates: list[dict], **changed) -> list[str | None]:
    """The flags of rates, in their order; each has a remark of its own, so that none is a variant of another."""
    facts = [fact(**{"additional_information": str(n), **rate}) for n, rate in enumerate(rates)]
    found = {row["fact_uid"]: row["rate_flags"] for row in enrich(**(WORLD | {"fact_rate": facts} | changed))}
    return [found[one["fact_uid"]] for one in facts]


def check(cases: list[tuple[dict, str | None]], **changed) -> None:
    rates = [rate for rate, _ in cases]
    assert list(zip(rates, flags(rates, **changed), strict=True)) == cases


def test_by_the_amount_alone():
    """Medicare's state rate is $100.00 outside of facilities."""
    amounts = [
        (0.0, "negotiated", "zero"),
        (-5.0, "negotiated", "negative"),
        (0.01, "negotiated", "below_medicare|token"),
        (1.0, "negotiated", "below_medicare|token"),
        (1.01, "negotiated", "below_medicare"),
        (9.99, "negotiated", "below_medicare"),
        (10.0, "negotiated", None),
        (2000.0, "negotiated", None),
        (2000.01, "negotiated", "above_medicare"),
        (0.5, "percentage", "percentage"),  # half a percent is no half dollar
        (0.0, "percentage", "percentage|zero"),
        (0.5, "per diem", "per_diem|token"),
        (900.0, "per diem", "per_diem"),
        (1.0, "derived", "below_medicare|token"),
        (None, "negotiated", None),
    ]
    check([({"negotiated_rate": rate, "negotiated_type": kind}, found) for rate, kind, found in amounts])


def test_a_dollar_may_be_the_price_of_a_drug_and_of_a_month():
    code = {"negotiated_rate": 0.9, "code_type": "HCPCS"}
    opps = [
        {"code": code, "si": "K", "payment_rate": rate, "effective_from": "2025-04-01", "source_file": "b.csv"}
        for code, rate in (("J0001", "1.99"), ("J0002", "2.01"), ("C0001", "1.00"))
    ]
    cases = [
        (code | {"code": "J0001"}, None),
        (code | {"code": "J0002"}, "token"),  # a unit costs Medicare more
        (code | {"code": "J0003"}, None),  # no schedule that is here has it
        (code | {"code": "C0001"}, None),
        (code | {"code": "C0002"}, "token"),
        ({"negotiated_rate": 0.9, "code": "99213", "negotiation_arrangement": "capitation"}, None),  # a member's month
    ]
    check(cases, staged_opps=opps)


def test_what_medicare_does_not_pay_makes_no_dollar_the_price():
    """Packaged, deleted, inpatient only: an addendum has an amount for some of these, as for C9101 in October 2025."""
    day = {"effective_from": "2025-04-01", "source_file": "b.csv", "payment_rate": "1.30"}
    cases = [
        ({"negotiated_rate": 0.9, "code_type": "HCPCS", "code": f"C000{n}"}, flag)
        for n, flag in enumerate(["token", "token", "token", None, "token", "token", "token", None])
    ]
    opps = [day | {"code": f"C000{n}", "si": si} for n, si in enumerate(("C", "N", "A", "K"))]
    asc = [day | {"code": f"C000{n}", "pi": pi} for n, pi in enumerate(("N1", "D5", "C5", "K2"), 4)]
    check(cases, staged_opps=opps, staged_asc=asc)


@pytest.mark.parametrize(
    ("days", "rate", "flag"),
    [
        (["2023-01-01"], 9.0, "below_medicare"),
        (["2023-01-01", "2022-01-01"], 9.0, "below_medicare"),  # 100.00 of 2023 counts, not 1.00 of 2022
        (["2023-01-01"], 2100.0, "above_medicare"),
        (["2023-01-01"], 100.0, None),
        (["2027-01-01"], 9.0, "below_medicare"),  # before it was published, the nearest all the same
    ],
)
def test_far_from_medicare_by_the_nearest_release_of_any_year(days, rate, flag):
    """The ratio itself takes none of another year."""
    detail = [
        pfs("01", effective_from=day, nonfacility_rate=1.0 if day == "2022-01-01" else 100.0, release="R")
        for day in days
    ]
    world = WORLD | {"bench_medicare_comprehensive": [], "bench_medicare_prof_detail": detail}
    (row,) = enrich(**(world | {"fact_rate": [fact(negotiated_rate=rate)]}))
    assert (row["rate_flags"], row["rate_to_medicare_ratio"], row["medicare_state_rate"]) == (flag, None, None)


@pytest.mark.parametrize(("rate", "flag"), [(9.0, None), (8.8, "below_medicare"), (1767.0, "above_medicare")])
def test_rates_of_the_whole_country_by_the_nation_s_where_no_state_is_known(rate, flag):
    """$88.31 outside of facilities."""
    detail = [pfs(n, effective_from="2023-01-01", release="R") for n in ("01", "02")]
    world = WORLD | {"bench_medicare_comprehensive": [], "bench_medicare_prof_detail": detail, "dim_npi_address": []}
    (row,) = enrich(**(world | {"fact_rate": [fact(state="US", negotiated_rate=rate)]}))
    assert part(row, "state medicare_state_rate rate_flags") == (None, None, flag)


def test_a_hospital_s_rate_by_the_nearest_release_of_any_year():
    opps = [{"code": "99213", "si": "V", "payment_rate": "100.00", "effective_from": "2023-01-01", "source_file": "b"}]
    case = {"billing_class": "institutional", "setting": "outpatient", "negotiated_rate": 9.0}
    check([(case, "below_medicare")], staged_opps=opps, bench_medicare_comprehensive=[])


HOSPITAL_S = {"billing_class": "institutional", "setting": "outpatient"}
SURGICAL_CENTER_S = {"billing_class": "institutional", "pos_set_id": pos_id("24")}
FACILITIES = pytest.mark.parametrize(
    ("kind", "terms", "paid"),
    [("OPPS", HOSPITAL_S, {"si": "V"}), ("ASC", SURGICAL_CENTER_S, {"pi": "A2"})],
)


def addendum(kind: str, rate: str, day: str, **values) -> dict[str, list[dict]]:
    row = {"code": "99213", "payment_rate": rate, "effective_from": day, "source_file": "b.csv"} | values
    return {f"staged_{kind.lower()}": [row]}


@FACILITIES
def test_far_from_the_nation_s_rate_where_the_year_has_no_wage_index(kind, terms, paid):
    """$90.00 in the nation; the state has no rate, so no rate has a ratio."""
    facts = [fact(**terms, negotiated_rate=amount) for amount in (8.99, 9.0, 1800.0, 1800.01)]
    schedule = {"bench_medicare_comprehensive": [published(kind=kind, state="US", medicare_state_rate=90.0)]}
    schedule |= addendum(kind, "90.00", "2025-01-01", **paid)
    rows = sorted(enrich(**(WORLD | {"fact_rate": facts} | schedule)), key=lambda row: row["negotiated_rate"])
    assert [part(row, "rate_flags rate_to_medicare_ratio medicare_state_rate") for row in rows] == [
        ("below_medicare|variants", None, None),
        ("variants", None, None),
        ("variants", None, None),
        ("above_medicare|variants", None, None),
    ]


@FACILITIES
def test_a_state_s_own_rate_goes_before_the_nation_s(kind, terms, paid):
    own = [
        published(kind=kind, medicare_state_rate=100.0),
        published(kind=kind, state="US", medicare_state_rate=2000.0),
    ]
    found = addendum(kind, "2000.00", "2025-01-01", **paid)
    check([(terms | {"negotiated_rate": 100.0}, None)], bench_medicare_comprehensive=own, **found)


@pytest.mark.parametrize("day", ["2023-01-01", "2025-01-01"])
def test_an_amount_that_medicare_does_not_pay_is_far_from_nothing(day):
    """As that of 50600, which is paid to inpatients only (status C), and of packaged and deleted codes."""
    row = {"payment_rate": "10411.22", "effective_from": day, "source_file": "b.csv"}
    indicators = [
        *((HOSPITAL_S, "si", si, "below_medicare") for si in ("J1", "K", "Q1", "R")),
        *((HOSPITAL_S, "si", si, None) for si in ("C", "N", "A", None)),
        *((SURGICAL_CENTER_S, "pi", pi, "below_medicare") for pi in ("J8", "K2", "S2")),
        *((SURGICAL_CENTER_S, "pi", pi, None) for pi in ("N1", "D5", "C5", None)),
    ]
    rows = [(name, row | {"code": str(50600 + n), name: i}) for n, (_, name, i, _) in enumerate(indicators)]
    check(
        [
            (terms | {"negotiated_rate": 9.0, "code": row["code"]}, flag)
            for (terms, *_, flag), (_, row) in zip(indicators, rows, strict=True)
        ],
        bench_medicare_comprehensive=[],
        staged_opps=[row for name, row in rows if name == "si"],
        staged_asc=[row for name, row in rows if name == "pi"],
    )


INSTITUTIONAL = {"billing_class": "institutional", "pos_set_id": pos_id()}


def group(npis: list[dict], tins: list[tuple[str, str]]) -> dict:
    """The tables of group g1: its members as the registry knows them (an entry without a status is unknown), its TINs."""
    named = [PAYER | {"pg_uid": "g1", "tin_type": kind, "tin_value": value} for kind, value in tins]
    return {
        "xref_group_npi": members(*(one["npi"] for one in npis)),
        "dim_npi": npis,
        "xref_group_tin": named,
    }


PEOPLE = [provider(npi) for npi in (ANA, BOB, EVA)]
UNKNOWN = [{"npi": npi} for npi in (ANA, BOB)]
HOSPITAL = provider(ORG, "282N00000X", enumeration_type="NPI-2")
CLINIC = provider(ORG, "193400000X", enumeration_type="NPI-2")  # a group practice
EIN, NPI = [("ein", "581234567")], [("npi", ANA)]


@pytest.mark.parametrize(
    ("npis", "tins", "flag"),
    [
        (UNKNOWN, NPI, "class_suspect"),
        (PEOPLE, NPI, "class_suspect"),
        (PEOPLE, EIN, "class_suspect"),
        (PEOPLE, [], "class_suspect"),
        ([*PEOPLE, HOSPITAL], EIN, None),  # a hospital with its physicians
        ([*PEOPLE, CLINIC], EIN, None),  # three of four
        ([*PEOPLE, *(provider(f"10000000{n:02}") for n in range(6)), CLINIC], EIN, "class_suspect"),  # nine of ten
        ([*PEOPLE, *UNKNOWN[:0], {"npi": ORG}], EIN, "class_suspect"),  # of the known, all are people
        (UNKNOWN, EIN, None),  # undecided
        (UNKNOWN, [*EIN, *NPI], None),
        ([HOSPITAL], NPI, "class_suspect"),  # as the definition has it: every TIN stands for a person's number
    ],
)
def test_class_suspect_by_the_group(npis, tins, flag):
    rate = {**INSTITUTIONAL, "negotiated_rate": 150.0}
    assert flags([rate], **group(npis, tins), dim_npi_address=[]) == [flag]


def test_class_suspect_by_the_terms_and_the_code():
    cases = [
        (INSTITUTIONAL, "class_suspect"),
        (INSTITUTIONAL | {"setting": "outpatient"}, None),
        (INSTITUTIONAL | {"pos_set_id": pos_id("11")}, None),
        (INSTITUTIONAL | {"pos_set_id": pos_id("CSTM-00")}, None),
        (INSTITUTIONAL | {"billing_class": "professional"}, None),
        (INSTITUTIONAL | {"code": "0001A"}, None),  # no row of the physician schedule
        (INSTITUTIONAL | {"code_type": "RC", "code": "0450"}, None),
    ]
    check(cases, **group(PEOPLE, NPI), dim_npi_address=[])


def test_facilities_are_those_of_nucc_s_groupings(real):
    """Against the names of the groupings in NUCC's own file."""
    said = re.compile("^(Ambulatory Health Care Fac|Hospital|Laborator|Nursing & Cust|Residential Treat|Supplier)")
    (path,) = (real / "nucc").glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file, duck.connect() as con:
        rate_flags.load(con)
        rows = list(csv.DictReader(file))
        codes = [row["Code"] for row in rows]
        found = con.execute("SELECT is_facility(c) FROM (SELECT unnest(?) AS c)", [codes]).fetchall()
    assert len(rows) > 800
    assert [
        row["Code"] for row, (yes,) in zip(rows, found, strict=True) if yes != bool(said.match(row["Grouping"]))
    ] == []


def test_mixed_setting():
    cases = [
        ({"pos_set_id": pos_id("11", "24"), "negotiated_rate": 150.0}, "mixed_setting"),
        # The component of a physician is paid the same in both.
        ({"pos_set_id": pos_id("11", "24"), "billing_code_modifiers": "26", "negotiated_rate": 15.0}, None),
        ({"pos_set_id": pos_id("11", "24"), "billing_code_modifiers": "26|50", "negotiated_rate": 15.0}, None),
        ({"pos_set_id": pos_id("11", "24"), "billing_code_modifiers": "26|TC", "negotiated_rate": 15.0}, None),
        (
            {"pos_set_id": pos_id("11", "24"), "billing_code_modifiers": "LT|26", "negotiated_type": "per diem"},
            "per_diem",
        ),
        ({"pos_set_id": pos_id("11", "24"), "billing_code_modifiers": "50"}, "mixed_setting"),
        ({"pos_set_id": pos_id("24"), "negotiated_rate": 150.0}, None),
        ({"pos_set_id": pos_id("11", "24"), "billing_class": "institutional", "negotiated_rate": 150.0}, None),
    ]
    check(cases)


def test_by_dates():
    """MONTH is 2025-06."""
    assert MONTH == "2025-06"
    cases = [
        ({"expiration_date": "2025-05-31"}, "expired"),
        ({"expiration_date": "2025-06-01"}, None),
        ({"expiration_date": "2025-12-31"}, None),
    ]
    check(cases)


@pytest.mark.parametrize(
    ("endings", "flag"),
    [
        ([("2024-12-31", "2025-01-01")], "deleted_code"),
        ([("2025-06-01", "2025-01-01")], None),
        ([("9999-12-31", "2025-01-01")], None),
        ([("2020-12-31", "2025-01-01"), ("9999-12-31", "2025-01-01")], None),  # it came back
        ([("2024-12-31", "2024-01-01"), ("9999-12-31", "2025-01-01")], None),  # the later file knows better
        ([(None, "2025-01-01")], None),
    ],
)
def test_deleted_codes_by_their_category_s_file(endings, flag):
    rows = [
        {"category_source": "rbcs", "proc_cd": "99213", "code_ended": end, "release": day, "source_file": day}
        for end, day in endings
    ]
    assert flags([{}], staged_category=rows) == [flag]


def test_deleted_codes_by_a_schedule_of_the_year():
    def opps(day: str) -> list[dict]:
        return [{"code": "99213", "si": "D", "effective_from": day, "source_file": "b.csv"}]

    assert flags([{}], staged_opps=opps("2025-01-01")) == ["deleted_code"]
    assert flags([{}], staged_opps=opps("2024-01-01")) == [None]
    assert flags([{}], bench_medicare_prof_detail=[pfs("01", status="D")]) == ["deleted_code"]


def test_out_of_state_where_no_member_practises_in_the_folder_s():
    away = {"dim_npi_address": [address(ANA, "OK", "731011234")]}
    assert flags([{}, {"state": "US"}], **away) == ["out_of_state", None]
    assert flags([{}], dim_npi_address=[]) == [None]
    both = {"dim_npi": PEOPLE, "xref_group_npi": members(ANA, BOB)}
    assert flags([{}], **both, dim_npi_address=[address(ANA, "OK"), address(BOB)]) == [None]


def test_variants_are_noted():
    rates = [fact(negotiated_rate=rate) for rate in (100.0, 150.0)]
    assert [row["rate_flags"] for row in enrich(**(WORLD | {"fact_rate": rates}))] == ["variants"] * 2


def test_an_outlier_is_seen_beside_twenty_amounts_of_five_groups():
    """19 rates of about $100 and one of $600, of as many groups; without the last group nobody can say."""
    amounts = [100.0 + n for n in range(19)] + [600.0]
    rates = [fact(negotiated_rate=a, pg_uid=f"g{n}", pg_members_uid=f"m{n}") for n, a in enumerate(amounts)]
    found = {row["negotiated_rate"]: row["rate_flags"] for row in enrich(**(WORLD | {"fact_rate": rates}))}
    assert found == {amount: "outlier" if amount == 600.0 else None for amount in amounts}
    fewer = {row["rate_flags"] for row in enrich(**(WORLD | {"fact_rate": rates[1:]}))}
    assert fewer == {None}


def test_every_flag_is_told_of_in_the_docs_and_is_excluding_or_noting():
    names = (*rate_flags.EXCLUDING, *rate_flags.NOTING)
    assert len(set(names)) == len(names) == 16
    text = (home() / "docs" / "medicare.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \|", text[text.index("## Flags") :], re.MULTILINE)
    assert sorted(told) == sorted(names)


def test_published_rates_without_a_rate_flag_nothing():
    """A code that the schedule has without a price is in no ratio."""
    row = published(medicare_state_rate=0.0)
    assert flags([{"negotiated_rate": 5.0}], bench_medicare_comprehensive=[row]) == [None]

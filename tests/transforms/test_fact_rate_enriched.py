"""The enriched rows of a month: literal tables in, literal values out; and one row per fact whatever the tables hold."""

from __future__ import annotations

import itertools
import random
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from enriched_made import connection, enrich, fact, one, part, several
from enriched_tables import (
    ANA,
    BOB,
    EVA,
    MONTH,
    ORG,
    PAYER,
    POOL,
    RVU25D,
    UNREADABLE,
    WORLD,
    address,
    asc_area,
    members,
    pfs,
    place,
    pos_id,
    provider,
    published,
)
from pipeline import naming, tables
from pipeline.storage import duck
from pipeline.transforms import fact_rate_enriched


def enrich_by_slices(rows: int, threads: int, given_rows: dict[str, list[dict]]) -> list[dict]:
    """The same as `batches` gives them, in its order."""
    with connection(MONTH, True, threads, given_rows) as con, tempfile.TemporaryDirectory() as folder:
        (whole,) = fact_rate_enriched.pieces(con, Path(folder) / "unsorted", 100)
        assert list(Path(folder).iterdir()) == []
        starts = range(0, max(1, whole.behind), rows)
        cut = [fact_rate_enriched.Piece(first, min(first + rows, whole.behind)) for first in starts]
        pieces, got = zip(*fact_rate_enriched.batches(con, cut), strict=True)
    assert list(pieces) == cut
    schema = tables.get("fact_rate_enriched").arrow_schema()
    numbered = pa.dictionary(pa.int32(), pa.string())
    for batch in got:
        texts_may_be_numbered = [pa.string() if kind == numbered else kind for kind in batch.schema.types]
        assert (batch.schema.names, texts_may_be_numbered) == (schema.names, schema.types)
        assert batch.num_rows <= rows
    return [row for batch in got for row in batch.to_pylist()]


def test_every_column_of_a_row_whose_references_are_all_known():
    category = {"proc_cd": "99213", "effective_from": "2024-01-01", "effective_to": "9999-12-31"}
    category |= {"procedure_set": "E & M", "procedure_class": "Office", "procedure_group": "Established"}
    given_fact = fact(provider_group_id_raw="690.65627", expiration_date="2025-12-31", setting="outpatient")
    person = provider(ANA, credential="MD", last_name="DIAZ", enumeration_date="2008-01-01", last_updated="2024-05-06")
    person |= {
        "primary_taxonomy_desc": "Family Medicine",
        "primary_taxonomy_state": "TX",
        "primary_taxonomy_license": "L1",
    }
    home = address(ANA, address_type="DOM", address_1="1 MAIN ST", country_code="US", telephone_number="512-555-0100")
    wcfs = {"state": "TX", "year_month": MONTH, "code_type": "CPT", "code": "99213", "wcfs_amount": 120.0}
    tables_given = {
        "fact_rate": [given_fact],
        "dim_code_cat_history": [category],
        "dim_npi": [person],
        "dim_npi_address": [home],
        "bench_wcfs": [wcfs],
    }
    (row,) = enrich(**(WORLD | tables_given))
    assert row == {
        "fact_uid": given_fact["fact_uid"],
        "state": "TX",
        "year_month": MONTH,
        "payer_slug": "evry_health",
        "billing_class": "professional",
        "code_type": "CPT",
        "code": "99213",
        "negotiated_type": "negotiated",
        "negotiation_arrangement": "ffs",
        "negotiated_rate": 150.0,
        "expiration_date": "2025-12-31",
        "provider_group_id_raw": "690.65627",
        "reporting_entity_name": "Evry Health",
        "code_description": "Office visit, 20 minutes",
        "code_name": "Visit",
        "procedure_set": "E & M",
        "procedure_class": "Office",
        "procedure_group": "Established",
        "pos_set_id": pos_id("11"),
        "pos_members": ["11"],
        "npi": ANA,
        "first_name": "ANA",
        "last_name": "DIAZ",
        "organization_name": None,
        "enumeration_type": "NPI-1",
        "status": "A",
        "primary_taxonomy_code": "207Q00000X",
        "primary_taxonomy_desc": "Family Medicine",
        "primary_taxonomy_state": "TX",
        "primary_taxonomy_license": "L1",
        "credential": "MD",
        "sole_proprietor": "NO",
        "enumeration_date": "2008-01-01",
        "last_updated": "2024-05-06",
        "address_purpose": "LOCATION",
        "address_type": "DOM",
        "address_1": "1 MAIN ST",
        "address_2": None,
        "city": "AUSTIN",
        "address_state": "TX",
        "postal_code": "787011234",
        "country_code": "US",
        "telephone_number": "512-555-0100",
        "fax_number": None,
        "address_hash": f"{ANA}@TX",
        "latitude": 30.27,
        "longitude": -97.74,
        "county_name": "Travis County",
        "county_fips": "48453",
        "stat_area_name": "Austin-Round Rock-San Marcos, TX",
        "stat_area_code": "12420",
        "matched_address": "1 MAIN ST, AUSTIN, TX, 78701",
        "benchmark_type": "PFS",
        "medicare_national_rate": 90.0,
        "medicare_state_rate": 100.0,
        "work_rvu": 1.3,
        "practice_expense_rvu": 1.33,
        "malpractice_rvu": 0.1,
        "total_rvu": 2.73,
        "conversion_factor": 32.3465,
        "opps_weight": None,
        "opps_si": None,
        "asc_pi": None,
        "rate_to_medicare_ratio": 1.5,
        "is_above_medicare": True,
        "provider_type": "Individual",
        "is_sole_proprietor": False,
        "is_individual_provider": True,
        "pg_uid": "g1",
        "billing_code_modifiers": None,
        "additional_information": None,
        "setting": "outpatient",
        "severity_of_illness": None,
        "network_names": None,
        "contained_codes_uid": None,
        "pg_members_uid": "m1",
        "is_geocoded": True,
        "geo_source": "census",
        "group_npi_count": 1,
        "group_state_count": 1,
        "benchmark_source": f"PFS {RVU25D}",
        "benchmark_reason": None,
        "benchmark_facility": False,
        "medicare_locality_rate": 88.01,
        "rate_to_medicare_locality_ratio": 150.0 / 88.01,
        "wcfs_amount": 120.0,
        "rate_to_wcfs_ratio": 1.25,
        "rate_flags": None,
        "negotiated_dollars": 150.0,
        "benchmark_setting": "nonfacility",
        "pfs_nonfacility_rate": 100.0,
        "pfs_facility_rate": (60.02 + 58.05) / 2,
        "rate_variants": 1,
        "rate_variant_min": 150.0,
        "rate_variant_max": 150.0,
        "variant_scope": None,
        "tin_value": None,
        "tin_type": None,
        "tin_name": None,
        "group_tin_count": 0,
        "group_known_npi_count": 1,
        "source_count": 1,
    }


def test_without_any_reference_row_the_fact_stands_alone():
    (row,) = enrich(fact_rate=[fact()])
    assert part(row, "payer_slug state code_description npi provider_type is_sole_proprietor") == (
        ("evry_health", "TX", None, None, None, None)
    )
    assert part(row, "is_individual_provider is_above_medicare rate_to_medicare_ratio rate_flags") == (None,) * 4
    assert part(row, "group_npi_count group_state_count pos_members") == (0, 0, None)
    assert part(row, "latitude longitude county_name county_fips stat_area_name stat_area_code matched_address") == (
        (0.0, 0.0, "Unknown", "00000", "Unknown", "00000", "Not Geocoded")
    )
    assert part(row, "is_geocoded geo_source") == (False, None)


# ---- the provider that stands for a group --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "people", "homes", "chosen"),
    [
        ("the smallest NPI, all else equal", [provider(BOB), provider(ANA)], [address(BOB), address(ANA)], BOB),
        (
            "active before deactivated",
            [provider(BOB, status="D"), provider(EVA)],
            [address(BOB), address(EVA)],
            EVA,
        ),
        (
            "a right check digit before a wrong one",
            [provider(BOB, npi_valid=False), provider(EVA)],
            [address(BOB), address(EVA)],
            EVA,
        ),
        (
            "a practice in the source folder's state before all else",
            [provider(BOB), provider(EVA), provider(ORG, "282N00000X")],
            [address(BOB, "OK"), address(EVA, "OK"), address(ORG)],
            ORG,
        ),
        (
            "then the taxonomy most frequent in the group, of whatever state",
            [provider(BOB, "282N00000X"), provider(EVA), provider(ORG)],
            [address(BOB), address(EVA), address(ORG, "OK")],
            EVA,
        ),
        (
            "what is unknown is most rare",
            [provider(BOB, None), provider(EVA)],
            [address(BOB), address(EVA)],
            EVA,
        ),
        ("no practice in the state: the others decide", [provider(BOB), provider(EVA)], [address(EVA, "OK")], BOB),
        ("none known: the smallest NPI", [provider(EVA, status=None, enumeration_type=None)], [], BOB),
        ("none active: the smallest NPI", [provider(BOB, status="D"), provider(EVA, status="D")], [address(EVA)], BOB),
    ],
)
def test_primary_provider(why, people, homes, chosen):
    npis = {p["npi"] for p in people} | {BOB, EVA}
    row = one(dim_npi=people, dim_npi_address=homes, dim_npi_address_geolocation=[], xref_group_npi=members(*npis))
    assert row["npi"] == chosen, why


def test_primary_provider_practises_where_most_of_the_group_does():
    people = [provider(n) for n in (BOB, EVA, ORG)]
    places = [place(BOB, stat_area_code="41700"), place(EVA), place(ORG)]
    row = one(
        dim_npi=people,
        dim_npi_address=[address(p["npi"]) for p in people],
        dim_npi_address_geolocation=places,
        xref_group_npi=members(BOB, EVA, ORG),
    )
    assert row["npi"] == EVA
    assert part(row, "group_npi_count group_state_count") == (3, 1)


def test_frequencies_count_those_alone_that_are_eligible():
    """Two deactivated surgeons do not make the group one of surgery."""
    people = [provider(BOB, "208600000X"), provider(EVA), provider(ORG), provider(ANA, "208600000X", status="D")]
    people += [provider("1003000159", "208600000X", status="D")]
    row = one(
        dim_npi=people,
        dim_npi_address=[address(p["npi"]) for p in people],
        xref_group_npi=members(*(p["npi"] for p in people)),
    )
    assert row["npi"] == EVA


def test_a_group_under_two_source_states_has_a_provider_in_each():
    facts = [fact(), fact(state="OK")]
    people, homes = [provider(BOB), provider(EVA)], [address(BOB), address(EVA, "OK")]
    rows = enrich(fact_rate=facts, dim_npi=people, dim_npi_address=homes, xref_group_npi=members(BOB, EVA))
    assert [part(r, "state npi group_npi_count group_state_count") for r in rows] == [
        ("OK", EVA, 2, 2),
        ("TX", BOB, 2, 2),
    ]


def test_rows_of_the_whole_country_take_the_state_of_their_provider():
    groups = [
        *members(BOB, EVA),  # the state is no condition: the smaller NPI
        *members(ORG, group="g2"),
    ]
    facts = [fact(state="US"), fact(state="US", pg_uid="g2"), fact(state="US", pg_uid="g3")]
    homes = [address(BOB, "OK"), address(EVA, "TX")]
    changed = {"dim_npi": [provider(BOB), provider(EVA)], "dim_npi_address": homes, "xref_group_npi": groups}
    rows = enrich(**(WORLD | {"fact_rate": facts} | changed))
    assert sorted(part(r, "pg_uid state npi benchmark_reason") for r in rows) == [
        ("g1", "OK", BOB, None),
        ("g2", None, ORG, None),
        ("g3", None, None, None),
    ]


def test_rows_of_the_whole_country_have_the_nations_rate_where_no_state_has_one():
    groups = [*members(ANA), *members(BOB, group="g2")]
    homes = [address(ANA, "TX"), address(BOB, "OK")]
    nation = published(state="US", medicare_state_rate=90.0)
    everywhere = [fact(state="US"), fact(state="US", pg_uid="g2"), fact(state="US", pg_uid="g3"), fact(state="OK")]
    changed = {"dim_npi": [provider(ANA), provider(BOB)], "dim_npi_address": homes, "xref_group_npi": groups}
    columns = "pg_uid state medicare_state_rate benchmark_source benchmark_reason"
    rows = enrich(
        **(WORLD | {"fact_rate": everywhere, "bench_medicare_comprehensive": [published(), nation]} | changed)
    )
    assert [part(r, columns) for r in sorted(rows, key=lambda r: (r["pg_uid"], r["state"] or ""))] == [
        ("g1", "OK", None, None, "no row in PFS for OK"),
        ("g1", "TX", 100.0, f"PFS {RVU25D}", None),
        ("g2", "OK", 90.0, f"PFS {RVU25D}, national", None),
        ("g3", None, 90.0, f"PFS {RVU25D}, national", None),
    ]


@pytest.mark.parametrize(("kind", "pos"), [("OPPS", ("21",)), ("ASC", ("24",))])
def test_without_a_wage_index_the_nation_alone_has_a_rate(kind, pos):
    facts = [
        {"billing_class": "institutional", "pos_set_id": pos_id(*pos), "state": state, "code": code}
        for state in ("TX", "US")
        for code in ("99213", "99214", "99215")
    ]
    not_paid = {"opps_si": "N", "asc_pi": "N1", "medicare_national_rate": None}
    nation = [
        published(kind=kind, state="US", medicare_state_rate=90.0),
        published("99215", kind, state="US", medicare_state_rate=None, **not_paid),
    ]
    own_rate = {"OPPS": "status N: no rate of its own under OPPS", "ASC": "indicator N1: no rate of its own under ASC"}
    found = several(facts, bench_medicare_comprehensive=nation)
    assert [part(r, "code medicare_state_rate benchmark_reason") for r in found] == [
        ("99213", None, f"no {kind} wage index for 2025"),
        ("99214", None, f"no row in {kind} for TX"),  # an index would give it no rate
        ("99215", None, f"no row in {kind} for TX"),
        ("99213", 90.0, None),
        ("99214", None, f"no row in {kind} for TX"),
        ("99215", None, own_rate[kind]),
    ]


def test_the_nations_rate_is_that_of_the_place_and_the_modifier():
    """99213 in a facility: the fee schedule's national facility rate; a code that no schedule has is named so."""
    facts = [fact(state="US", pos_set_id=pos_id("21")), fact(state="US", code="00000")]
    detail = [pfs("01", state="OK"), pfs("02", state="OK", nonfacility_rate=1.0)]
    rows = enrich(
        **(WORLD | {"fact_rate": facts, "xref_group_npi": [], "bench_medicare_prof_detail": detail})
        | {"bench_medicare_comprehensive": [published(state="OK")]}
    )
    assert sorted(part(r, "code medicare_state_rate medicare_national_rate benchmark_reason") for r in rows) == [
        ("00000", None, None, "no row in PFS for the nation"),
        ("99213", 63.08, 63.08, None),
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, 97.0),
        # the division before the area, the county before both
        ({"county_fips": "48085", "stat_area_code": "19100"}, 98.0),
        ({"county_fips": "48999"}, 93.0),
        # outside of all metropolitan areas: the rest of the state
        ({"county_fips": "48001", "stat_area_code": "99999"}, 91.0),
        ({"county_fips": "48049", "stat_area_code": "15220"}, 91.0),
        # a metropolitan area that the index does not have, and a place that nobody knows
        ({"county_fips": "48029", "stat_area_code": "41700"}, None),
        ({"county_fips": None, "stat_area_code": None}, None),
    ],
)
def test_a_surgical_centers_rate_is_also_that_of_its_wage_area(where, expected):
    areas = [
        asc_area("12420", 97.0),
        asc_area("19124", 98.0),
        asc_area("19100", 99.0),
        asc_area("50099", 93.0, counties="48998|48999"),
        asc_area("45", 91.0),
        asc_area("37", 92.0, states="OK"),
    ]
    delineation = [
        {"county_fips": f, "cbsa_code": c, "cbsa_type": f"{t}politan Statistical Area", "metropolitan_division_code": d}
        for f, c, t, d in (
            ("48453", "12420", "Metro", None),
            ("48085", "19100", "Metro", "19124"),
            ("48049", "15220", "Micro", None),
            ("48029", "41700", "Metro", None),
        )
    ]
    row = one(
        facts={"billing_class": "institutional", "pos_set_id": pos_id("24")},
        bench_medicare_comprehensive=[published(kind="ASC")],
        bench_asc_area=areas,
        staged_cbsa_county=[r | {"source_file": "cbsa.csv"} for r in delineation],
        dim_npi_address_geolocation=[place(ANA, **where)],
    )
    ratio = None if expected is None else row["negotiated_rate"] / expected
    columns = "benchmark_type medicare_state_rate medicare_locality_rate rate_to_medicare_locality_ratio"
    assert part(row, columns) == ("ASC", 100.0, expected, ratio)


def test_a_physicians_rate_has_nothing_of_the_wage_area():
    row = one(bench_asc_area=[asc_area("12420", 97.0)])
    assert part(row, "benchmark_type medicare_locality_rate") == ("PFS", 88.01)


def test_a_group_belongs_to_its_payer_and_month():
    others = [PAYER | {"payer_slug": "other", "pg_uid": "g1", "npi": BOB}]
    others += [PAYER | {"year_month": "2025-05", "pg_uid": "g1", "npi": BOB}]
    for other in others:  # each would be chosen, for the smaller NPI
        row = one(xref_group_npi=[*members(ANA), other], dim_npi=[provider(ANA), provider(BOB)], dim_npi_address=[])
        assert part(row, "npi group_npi_count") == (ANA, 1)


def test_the_address_is_the_first_listed_location():
    homes = [
        address(ANA, address_purpose="MAILING", address_hash="a", city="PO BOX"),
        address(ANA, address_hash="b", city="SECOND", position=2),
        address(ANA, address_hash="c", city="FIRST", position=1),
    ]
    assert one(dim_npi_address=homes)["city"] == "FIRST"
    assert part(one(dim_npi_address=homes[:1]), "city address_hash npi") == (None, None, ANA)


def test_members_that_are_unknown_are_not_counted_as_none():
    unresolved = one(facts={"pg_members_uid": None, "pg_uid": "nowhere"})
    tin_only = one(facts={"pg_uid": "nowhere"})
    assert part(unresolved, "group_npi_count group_state_count npi") == (None, None, None)
    assert part(tin_only, "group_npi_count group_state_count npi") == (0, 0, None)


@pytest.mark.parametrize(
    ("enumeration_type", "sole", "expected"),
    [
        ("NPI-1", "YES", ("Individual", True, True)),
        ("NPI-2", None, ("Organization", None, False)),
        (None, None, (None, None, None)),
    ],
)
def test_calculated_columns_of_the_provider(enumeration_type, sole, expected):
    row = one(dim_npi=[provider(ANA, enumeration_type=enumeration_type, sole_proprietor=sole)])
    assert part(row, "provider_type is_sole_proprietor is_individual_provider") == expected


# ---- places --------------------------------------------------------------------------------------------------------


def test_a_place_outside_every_cbsa_is_known():
    rural = place(ANA, stat_area_name="Non-CBSA", stat_area_code="99999", matched_address=None, geo_source="zip")
    row = one(dim_npi_address_geolocation=[rural])
    assert part(row, "stat_area_name stat_area_code matched_address is_geocoded geo_source") == (
        ("Non-CBSA", "99999", "Not Geocoded", True, "zip")
    )


def test_coordinates_may_stay_null():
    row = one(fill=False, dim_npi_address_geolocation=[])
    assert part(row, "latitude longitude county_name is_geocoded") == (None, None, "Unknown", False)
    nowhere = place(ANA, latitude=None, longitude=None, geo_source="zip")
    row = one(dim_npi_address_geolocation=[nowhere])
    assert part(row, "latitude longitude county_name is_geocoded") == (0.0, 0.0, "Travis County", False)


# ---- codes ---------------------------------------------------------------------------------------------------------


def test_the_category_in_force_on_the_first_day_of_the_month():
    history = [
        {"proc_cd": "99213", "effective_from": a, "effective_to": b, "procedure_set": s}
        for a, b, s in (
            ("2020-01-01", "2025-05-31", "old"),
            ("2025-06-01", "2025-06-30", "now"),
            ("2025-07-01", "9999-12-31", "new"),
        )
    ]
    sets = [
        one(month=m, dim_code_cat_history=history)["procedure_set"]
        for m in ("2025-05", "2025-06", "2025-07", "2019-12")
    ]
    assert sets == ["old", "now", "new", None]
    assert one(dim_code_cat_history=history[:1])["procedure_set"] is None, "what has ended is not in force"
    # In force on the second day is not in force on the first.
    assert one(dim_code_cat_history=[history[1] | {"effective_from": "2025-06-02"}])["procedure_set"] is None


@pytest.mark.parametrize(
    ("code_type", "code", "expected"),
    [
        ("HCPCS", "99213", "visit"),
        ("CPT", "213", "short"),  # leading zeros restored
        ("CSTM-ALL", "99213", None),
        ("RC", "0213", None),  # a revenue code is no HCPCS code
        ("CPT", "CSTM-00", None),
    ],
)
def test_categories_join_on_the_join_code(code_type, code, expected):
    history = [
        {"proc_cd": c, "effective_from": "2020-01-01", "effective_to": None, "procedure_set": s}
        for c, s in (("99213", "visit"), ("00213", "short"), ("0213", "revenue"), ("CSTM-00", "all"))
    ]
    row = one(facts={"code_type": code_type, "code": code}, dim_code_cat_history=history)
    assert row["procedure_set"] == expected


# ---- Medicare ------------------------------------------------------------------------------------------------------


def medicare(row: dict) -> tuple:
    return part(row, "benchmark_type benchmark_facility medicare_state_rate medicare_locality_rate benchmark_reason")


def test_in_a_facility_the_state_rate_is_the_unrounded_mean_of_its_localities():
    row = one(facts={"pos_set_id": pos_id("21")})
    assert medicare(row) == ("PFS", True, (60.02 + 58.05) / 2, 60.02, None)
    assert part(row, "medicare_national_rate practice_expense_rvu total_rvu") == (63.08, 0.55, 1.95)
    assert row["benchmark_source"] == f"PFS {RVU25D}"


def test_a_modifier_selects_its_row():
    row = one(facts={"billing_code_modifiers": "26|59"})
    assert medicare(row) == ("PFS", False, 10.005, 10.0, None)
    assert medicare(one(facts={"billing_code_modifiers": "TC"})) == (
        (None, None, None, None, "no row in PFS with modifier TC for TX")
    )


def test_another_states_localities_do_not_count():
    detail = [*WORLD["bench_medicare_prof_detail"], pfs("99", state="OK", facility_rate=1000.0)]
    row = one(facts={"pos_set_id": pos_id("21")}, bench_medicare_prof_detail=detail)
    assert row["medicare_state_rate"] == (60.02 + 58.05) / 2


def test_the_locality_is_the_providers_own_whatever_the_state_of_the_row():
    detail = [*WORLD["bench_medicare_prof_detail"], pfs("99", carrier="04312", state="OK", nonfacility_rate=80.0)]
    zips = [WORLD["staged_zip_locality"][0] | {"zip_code": "73301", "carrier": "04312", "locality": "99"}]
    homes = [address(ANA, "OK", "73301", address_hash=f"{ANA}@TX")]
    row = one(bench_medicare_prof_detail=detail, staged_zip_locality=zips, dim_npi_address=homes)
    assert part(row, "state address_state medicare_state_rate medicare_locality_rate") == ("TX", "OK", 100.0, 80.0)
    assert row["rate_to_medicare_locality_ratio"] == 150.0 / 80.0


@pytest.mark.parametrize(
    ("postal_code", "country_code", "state", "rate"),
    [
        ("06039", "US", "CT", 80.0),
        ("060391234", "US", "CT", 80.0),
        ("6039", "US", "CT", 80.0),  # kept as a number, which lost the zero
        ("06039", "MX", None, None),  # Mexican postal codes have five digits too
        ("06039", "US", "AE", None),
    ],
)
def test_the_locality_follows_the_zip_as_the_geography_does(postal_code, country_code, state, rate):
    place = {"postal_code": postal_code, "country_code": country_code, "state": state}
    homes = [h | place for h in WORLD["dim_npi_address"]]
    zips = [WORLD["staged_zip_locality"][0] | {"zip_code": "06039", "carrier": "04312", "locality": "99"}]
    detail = [*WORLD["bench_medicare_prof_detail"], pfs("99", carrier="04312", state="CT", nonfacility_rate=80.0)]
    row = one(bench_medicare_prof_detail=detail, staged_zip_locality=zips, dim_npi_address=homes)
    assert row["medicare_locality_rate"] == rate


def test_the_release_in_force_else_the_nearest_of_the_year():
    detail = [
        pfs("01", effective_from=day, release=name, facility_rate=rate)
        for day, name, rate in (
            ("2024-10-01", "RVU24D", 24.0),
            ("2025-01-01", "RVU25A", 25.1),
            ("2025-07-01", "RVU25C", 25.7),
            ("2026-04-01", "RVU26B", 26.4),
        )
    ]
    months = ("2024-09", "2024-12", "2025-06", "2025-07", "2026-01", "2023-06")
    rows = [
        one(m, facts={"pos_set_id": pos_id("21"), "year_month": m}, bench_medicare_prof_detail=detail) for m in months
    ]
    assert [part(r, "medicare_state_rate benchmark_source benchmark_reason") for r in rows] == [
        (24.0, "PFS RVU24D effective 2024-10-01 (nearest of its year)", None),
        (24.0, "PFS RVU24D effective 2024-10-01 (in force)", None),
        (25.1, "PFS RVU25A effective 2025-01-01 (in force)", None),
        (25.7, "PFS RVU25C effective 2025-07-01 (in force)", None),
        (26.4, "PFS RVU26B effective 2026-04-01 (nearest of its year)", None),
        (None, None, "PFS 2023 not loaded: see docs/data-sources.md"),
    ]


def test_the_zip_file_follows_the_same_rule():
    zips = [
        WORLD["staged_zip_locality"][0] | {"effective_from": day, "locality": locality}
        for day, locality in (("2024-10-01", "77"), ("2025-01-01", "02"), ("2025-07-01", "01"))
    ]
    rows = [
        one(m, xref_group_npi=[r | {"year_month": m} for r in members(ANA)], staged_zip_locality=zips)
        for m in ("2025-06", "2025-07")
    ]
    assert [r["medicare_locality_rate"] for r in rows] == [86.02, 88.01]


def test_a_code_that_the_schedule_gives_no_rate_says_why():
    detail = [
        pfs(n, status="B", nonfacility_rate=None, facility_rate=None, reason="status B: bundled into other services")
        for n in ("01", "02")
    ]
    row = one(bench_medicare_comprehensive=[], bench_medicare_prof_detail=detail)
    assert medicare(row) == ("PFS", False, None, None, "status B: bundled into other services")
    assert part(row, "work_rvu rate_to_medicare_ratio is_above_medicare rate_flags") == (1.3, None, None, None)
    row = one(facts={"code": "99999"})
    assert medicare(row) == (None, None, None, None, "no row in PFS for TX")


def test_anaesthesia_takes_the_factor_of_the_providers_locality():
    nothing = {
        "status": "J",
        "nonfacility_rate": None,
        "facility_rate": None,
        "reason": "status J: anaesthesia, no base units",
    }
    detail = [pfs("01", conversion_factor=20.1, **nothing), pfs("02", conversion_factor=20.5, **nothing)]
    row = one(bench_medicare_comprehensive=[], bench_medicare_prof_detail=detail)
    assert row["conversion_factor"] == 20.1
    assert (
        one(bench_medicare_comprehensive=[], bench_medicare_prof_detail=detail, staged_zip_locality=[])[
            "conversion_factor"
        ]
        is None
    )
    same = [pfs(n, conversion_factor=20.3, **nothing) for n in ("01", "02")]
    assert (
        one(bench_medicare_comprehensive=[], bench_medicare_prof_detail=same, staged_zip_locality=[])[
            "conversion_factor"
        ]
        == 20.3
    )


@pytest.mark.parametrize("zero", [0.0, None])
def test_a_benchmark_of_zero_gives_no_ratio_and_no_flag(zero):
    row = one(bench_medicare_comprehensive=[published(medicare_state_rate=zero)])
    assert part(row, "medicare_state_rate rate_to_medicare_ratio is_above_medicare") == (zero, None, None)
    assert row["benchmark_reason"] == "no rate in PFS"


@pytest.mark.parametrize(
    ("changes", "taxonomy", "expected"),
    [
        ({"pos_set_id": pos_id()}, "282N00000X", ("OPPS", 200.0, None)),
        ({"pos_set_id": pos_id()}, "261QA1903X", ("ASC", 110.0, None)),
        ({"pos_set_id": pos_id("24")}, "282N00000X", ("ASC", 110.0, None)),
        ({"pos_set_id": pos_id("11", "24")}, "261QA1903X", ("OPPS", 200.0, None)),
        ({"setting": "inpatient"}, "261QA1903X", (None, None, "institutional inpatient")),
        ({"negotiated_type": "percentage"}, "261QA1903X", (None, None, "negotiated type percentage")),
        ({"code_type": "MS-DRG", "code": "470"}, "282N00000X", (None, None, "code type MS-DRG has no Medicare price")),
        ({"code_type": "CSTM-ALL", "code": "CSTM-00"}, None, (None, None, "code type CSTM-ALL has no Medicare price")),
        ({"pos_set_id": "f" * 32}, None, (None, None, "places of service unreadable")),
        ({"pos_set_id": UNREADABLE}, "261QA1903X", (None, None, "places of service unreadable")),
        ({"code": "36415"}, "282N00000X", ("OPPS", None, "status N: no rate of its own under OPPS")),
        ({"billing_code_modifiers": "TC", "pos_set_id": pos_id()}, "282N00000X", ("OPPS", 200.0, None)),
        ({"billing_code_modifiers": "26", "pos_set_id": pos_id()}, "282N00000X", (None, None, "modifier 26")),
        ({"billing_code_modifiers": "73|LT", "pos_set_id": pos_id("24")}, None, (None, None, "modifier 73")),
    ],
)
def test_institutional_rates(changes, taxonomy, expected):
    bench = [
        published(kind="OPPS", medicare_state_rate=200.0),
        published(kind="ASC", medicare_state_rate=110.0),
        published("36415", "OPPS", medicare_state_rate=None, medicare_national_rate=None, opps_si="N"),
    ]
    row = one(
        facts={"billing_class": "institutional"} | changes,
        dim_npi=[provider(ANA, taxonomy)],
        bench_medicare_comprehensive=bench,
    )
    assert part(row, "benchmark_type medicare_state_rate benchmark_reason") == expected
    assert part(row, "benchmark_facility medicare_locality_rate") == (None, None)


def test_the_published_table_joins_on_the_join_code():
    """CPT and HCPCS are one namespace; other months and other states do not count."""
    bench = [
        published("0213", code_type="HCPCS", medicare_state_rate=7.0),
        published("00213", year_month="2025-05", medicare_state_rate=8.0),
        published("00213", state="OK", medicare_state_rate=9.0),
    ]
    row = one(facts={"code": "213"}, bench_medicare_comprehensive=bench)
    assert row["medicare_state_rate"] == 7.0


SETTLED = [
    # places of service, setting -> benchmark_setting, medicare_state_rate, benchmark_reason
    (("21", "98"), None, (None, None, "kind of places of service 98 unknown")),
    (("11", "98"), None, (None, None, "kind of places of service 98 unknown")),
    (("11", "21", "98"), None, ("mixed", 100.0, None)),
    (("28",), None, (None, None, "places of service 28 do not settle the setting")),
    (("05", "07"), "inpatient", (None, None, "places of service 05|07 do not settle the setting")),
    (("05", "11"), None, ("nonfacility", 100.0, None)),
    (("05", "21", "28"), None, ("facility", 59.035, None)),
    (("11", "21"), None, ("mixed", 100.0, None)),
    (("CSTM-00",), "outpatient", ("unstated", 100.0, None)),
    (("CSTM-00",), "inpatient", ("facility", 59.035, None)),
    ((), None, ("unstated", 100.0, None)),
]


def test_places_settle_the_setting():
    sets = [{"pos_set_id": pos_id(*codes), "pos_members": list(codes)} for codes in {codes for codes, _, _ in SETTLED}]
    facts = [{"pos_set_id": pos_id(*codes), "setting": setting} for codes, setting, _ in SETTLED]
    rows = several(facts, dim_pos_set=sets)
    got = [part(row, "benchmark_setting medicare_state_rate benchmark_reason") for row in rows]
    assert got == [expected for _, _, expected in SETTLED]
    assert {part(row, "pfs_nonfacility_rate pfs_facility_rate") for row in rows} == {(100.0, 59.035)}
    facility = [None if rate is None else where == "facility" for where, rate, _ in got]
    assert [row["benchmark_facility"] for row in rows] == facility


def test_one_contract_under_two_sets_of_one_kind_has_one_ratio():
    """A payer lists the tribal places in one file and not in the next."""
    long, short = ("05", "07", "21", "24", "28"), ("21", "24")
    sets = [{"pos_set_id": pos_id(*codes), "pos_members": list(codes)} for codes in (long, short)]
    rows = several([{"pos_set_id": pos_id(*codes)} for codes in (long, short)], dim_pos_set=sets)
    assert [row["rate_to_medicare_ratio"] for row in rows] == [150.0 / 59.035] * 2


def test_a_list_of_which_no_code_could_be_read_is_not_the_empty_list():
    row = one(facts={"pos_set_id": UNREADABLE})
    assert part(row, "benchmark_setting medicare_state_rate benchmark_reason pos_members") == (
        ("unreadable", None, "places of service unreadable", None)
    )


def test_the_kind_of_a_place_is_that_of_the_month():
    """Telehealth at home is paid outside of facilities from 2024; what it was before is not settled."""
    sets = [{"pos_set_id": pos_id("10"), "pos_members": ["10"]}]
    settings_of = {
        month: one(month, facts={"pos_set_id": pos_id("10"), "year_month": month}, dim_pos_set=sets)
        for month in ("2023-12", "2024-01")
    }
    assert [(row["benchmark_setting"]) for row in settings_of.values()] == [None, "nonfacility"]
    assert settings_of["2023-12"]["benchmark_reason"] == "places of service 10 do not settle the setting"


# ---- the physician schedule beside every rate ----------------------------------------------------------------------


BESIDE = [
    ({}, (100.0, 59.035)),
    ({"billing_class": "institutional", "pos_set_id": pos_id()}, (100.0, 59.035)),
    ({"billing_class": "both", "negotiated_type": "percentage"}, (100.0, 59.035)),
    ({"negotiation_arrangement": "capitation"}, (100.0, 59.035)),
    ({"billing_class": "institutional", "billing_code_modifiers": "26"}, (10.005, 10.005)),
    ({"billing_code_modifiers": "26|59"}, (10.005, 10.005)),
    ({"billing_code_modifiers": "TC"}, (None, None)),  # no such row
    ({"billing_code_modifiers": "26|TC"}, (None, None)),
    ({"billing_code_modifiers": "50"}, (None, None)),
    ({"billing_code_modifiers": "LT|RT"}, (None, None)),
    ({"pos_set_id": UNREADABLE}, (100.0, 59.035)),
    ({"code": "99999"}, (None, None)),
    ({"code_type": "RC", "code": "0213"}, (None, None)),
]


def test_both_rates_of_the_physician_schedule_stand_beside_every_code_of_it():
    rows = several([changes for changes, _ in BESIDE])
    assert [part(row, "pfs_nonfacility_rate pfs_facility_rate") for row in rows] == [pair for _, pair in BESIDE]


def test_a_state_without_the_code_has_no_pair_and_another_state_has_its_own():
    assert part(one(facts={"state": "OK"}), "pfs_nonfacility_rate pfs_facility_rate") == (None, None)
    detail = [*WORLD["bench_medicare_prof_detail"], pfs("99", carrier="04312", state="OK")]
    row = one(facts={"state": "OK"}, bench_medicare_prof_detail=detail)
    assert part(row, "pfs_nonfacility_rate pfs_facility_rate") == (88.01, 60.02)


@pytest.mark.parametrize(
    ("folder", "home", "expected"),
    [
        ("US", "TX", (88.01, 60.02)),
        ("US", "OK", (88.31, 63.08)),
        ("US", None, (88.31, 63.08)),
        ("OK", "OK", (None, None)),  # its own folder is of a state
    ],
)
def test_the_pair_of_the_whole_country_is_the_nations_where_no_state_has_one(folder, home, expected):
    """It is beside an institutional rate too; without modifier the rate outside of facilities is the published table's."""
    changed = {"dim_npi_address": [address(ANA, home)] if home else []}
    detail = [pfs("01"), pfs("02")]
    nation = published(state="US", medicare_state_rate=88.31)
    world = WORLD | changed | {"bench_medicare_prof_detail": detail}
    facts = [fact(state=folder), fact(state=folder, billing_class="institutional", negotiated_rate=99.0)]
    for comprehensive in ([], [nation, published(medicare_state_rate=88.01)]):
        rows = enrich(**(world | {"fact_rate": facts, "bench_medicare_comprehensive": comprehensive}))
        assert [part(r, "pfs_nonfacility_rate pfs_facility_rate") for r in rows] == [expected] * 2


@pytest.mark.parametrize(
    ("state", "expected"),
    [((0.0, 60.02), (88.31, 60.02)), ((88.01, None), (88.01, 63.08)), ((None, 0.0), (88.31, 63.08))],
)
def test_each_rate_of_the_pair_is_the_nations_by_itself(state, expected):
    """What the one rate is, too: in a facility and outside."""
    detail = [pfs(n, nonfacility_rate=state[0], facility_rate=state[1]) for n in ("01", "02")]
    facts = [fact(state="US", pos_set_id=pos_id(pos)) for pos in ("11", "21")]
    world = WORLD | {"bench_medicare_prof_detail": detail, "bench_medicare_comprehensive": [], "fact_rate": facts}
    for row in enrich(**world):
        assert part(row, "pfs_nonfacility_rate pfs_facility_rate") == expected
        at = 1 if row["benchmark_facility"] else 0
        assert row["medicare_state_rate"] == expected[at]
        assert row["benchmark_source"].endswith(", national") == (not state[at])


def test_the_nations_rate_where_it_is_rarely_done_says_both():
    detail = [pfs("01", state="OK", facility_na=True)]
    facts = [fact(state="US", pos_set_id=pos_id(pos)) for pos in ("11", "21")]
    rows = enrich(
        **(WORLD | {"fact_rate": facts, "bench_medicare_prof_detail": detail, "bench_medicare_comprehensive": []})
    )
    assert sorted(part(r, "benchmark_facility benchmark_source") for r in rows) == [
        (False, f"PFS {RVU25D}, national"),
        (True, f"PFS {RVU25D}, national; rarely done there"),
    ]


def test_where_cms_marks_the_setting_na_the_source_says_so():
    detail = [pfs(n, nonfacility_na=True, nonfacility_rate=60.02) for n in ("01", "02")]
    office = one(bench_medicare_prof_detail=detail)
    assert office["benchmark_source"] == f"PFS {RVU25D}; rarely done there"
    assert office["medicare_state_rate"] == 100.0
    ward = one(facts={"pos_set_id": pos_id("21")}, bench_medicare_prof_detail=detail)
    assert ward["benchmark_source"] == f"PFS {RVU25D}"


# ---- dollars -------------------------------------------------------------------------------------------------------


IN_DOLLARS = ("negotiated", "derived", "Fee Schedule")


def test_dollars_are_positive_amounts_that_are_neither_shares_nor_days_nor_heads():
    """Every combination: what is in dollars, and no zero, negative or percentage in any ratio."""
    rates = (-3.0, 0.0, 0.01, 1.0, 99.5, 1e7, None)
    kinds = (*IN_DOLLARS, "percentage", "per diem", None)
    arrangements = ("ffs", "FFS", "bundle", "capitation", None)
    classes = ("professional", "institutional", "both", None)
    names = ("negotiated_rate", "negotiated_type", "negotiation_arrangement", "billing_class")
    cases = list(itertools.product(rates, kinds, arrangements, classes))
    wcfs = [{"state": "TX", "year_month": MONTH, "code_type": "CPT", "code": "99213", "wcfs_amount": 120.0}]
    bench = [published(), published(kind="OPPS", medicare_state_rate=200.0)]
    rows = several(
        [dict(zip(names, case, strict=True)) for case in cases], bench_wcfs=wcfs, bench_medicare_comprehensive=bench
    )
    with_ratio = 0
    for (rate, kind, arrangement, billing_class), row in zip(cases, rows, strict=True):
        dollars = rate if rate and rate > 0 and kind in IN_DOLLARS and arrangement != "capitation" else None
        paid = row["medicare_state_rate"]
        per_service = kind in IN_DOLLARS and arrangement in ("ffs", "FFS")
        assert (paid is not None) == (per_service and billing_class in ("professional", "institutional"))
        assert row["negotiated_dollars"] == dollars
        assert row["rate_to_medicare_ratio"] == (dollars / paid if dollars and paid else None)
        assert row["is_above_medicare"] == (dollars > paid if dollars and paid else None)
        locality = row["medicare_locality_rate"]
        assert row["rate_to_medicare_locality_ratio"] == (dollars / locality if dollars and locality else None)
        assert row["rate_to_wcfs_ratio"] == (dollars / 120.0 if dollars and per_service else None)
        with_ratio += row["rate_to_medicare_ratio"] is not None
    assert with_ratio == 4 * 3 * 2 * 2


def test_the_empty_set_of_places_needs_no_dimension():
    row = one(facts={"pos_set_id": pos_id(), "setting": "inpatient"}, dim_pos_set=[])
    assert part(row, "pos_members benchmark_facility") == ([], True)


# ---- workers' compensation and flags -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (120.0, 1.25)),
        ({"code_type": "HCPCS"}, (120.0, 1.25)),
        ({"billing_code_modifiers": "25"}, (120.0, 1.25)),
        ({"billing_code_modifiers": "26"}, (None, None)),
        ({"billing_code_modifiers": "50"}, (None, None)),
        ({"negotiated_type": "percentage"}, (None, None)),
        ({"negotiation_arrangement": "bundle"}, (None, None)),
        ({"code": "99214"}, (None, None)),
        ({"code": "99215"}, (0.0, None)),
    ],
)
def test_workers_compensation(changes, expected):
    row_of = {"state": "TX", "year_month": MONTH, "code_type": "CPT"}
    wcfs = [
        row_of | {"code": "99213", "wcfs_amount": 120.0},
        row_of | {"code": "99213", "wcfs_amount": 1.0, "state": "OK"},
        row_of | {"code": "99213", "wcfs_amount": 2.0, "year_month": "2025-05"},
        row_of | {"code": "99215", "wcfs_amount": 0.0},
    ]
    assert part(one(facts=changes, bench_wcfs=wcfs), "wcfs_amount rate_to_wcfs_ratio") == expected


# ---- variants, and who is paid ---------------------------------------------------------------------------------------


def test_facts_that_differ_in_the_amount_alone_are_variants():
    """Three amounts of one group and terms; another modifier, and another group, are other terms."""
    amounts = [fact(negotiated_rate=rate, batch_id=file) for rate, file in ((10.0, "b1"), (25.0, "b2"), (90.0, "b1"))]
    alone = [
        fact(billing_code_modifiers="25"),
        fact(pg_uid="g2", pg_members_uid="m2"),
        fact(expiration_date="2025-12-31"),
    ]
    rows = enrich(**(WORLD | {"fact_rate": amounts + alone}))
    told = {
        (r["negotiated_rate"], part(r, "rate_variants rate_variant_min rate_variant_max variant_scope")) for r in rows
    }
    assert told == {(rate, (3, 10.0, 90.0, "file")) for rate in (10.0, 25.0, 90.0)} | {(150.0, (1, 150.0, 150.0, None))}


@pytest.mark.parametrize(
    ("files", "scope"),
    [
        ({10.0: ["b1"], 20.0: ["b2"]}, "files"),
        ({10.0: ["b1"], 20.0: ["b1"]}, "file"),
        ({10.0: ["b1", "b2"], 20.0: ["b2"]}, "file"),  # the second was read from a file that has the first, too
        ({10.0: ["b1", "b2"], 20.0: ["b3", "b4"]}, "files"),
    ],
)
def test_variants_of_one_file_and_of_several(files, scope):
    facts = [fact(negotiated_rate=rate, batch_id=names[0], source_count=len(names)) for rate, names in files.items()]
    sources = [
        {"fact_uid": one["fact_uid"], "batch_id": name, "read_count": 1}
        for one in facts
        for name in files[one["negotiated_rate"]]
    ]
    rows = enrich(**(WORLD | {"fact_rate": facts, "xref_fact_source": sources}))
    assert {r["variant_scope"] for r in rows} == {scope}


@pytest.mark.parametrize(
    ("counts", "scope"),
    [
        ([("b1", 1), ("b2", None)], None),
        ([("b1", None), ("b2", None)], None),
        ([("b1", 1), ("b1", 1), ("b2", None)], "file"),  # two are of one file, whatever the third is of
        ([("b1", 1), ("b2", 1)], "files"),
    ],
)
def test_variants_of_files_that_are_not_known_have_no_scope(counts, scope):
    facts = [fact(negotiated_rate=10.0 + n, batch_id=b, source_count=c) for n, (b, c) in enumerate(counts)]
    rows = enrich(**(WORLD | {"fact_rate": facts}))
    assert {(r["rate_variants"], r["variant_scope"]) for r in rows} == {(len(counts), scope)}


ALIKE = [name for name in naming.FACT_IDENTITY if name not in ("negotiated_rate", "owner_uid", "payer_slug")]


def variants(facts: list[dict]) -> dict[str, tuple]:
    """By fact: how many agree with it in all of the identity but the amount, the least and the most of their amounts."""
    alike: dict[tuple, list[float]] = {}
    keys = {}
    for rate in facts:
        owner = rate.get("pg_members_uid") or rate.get("pg_uid")
        payer = naming.slugify(rate["reporting_entity_name"])
        keys[rate["fact_uid"]] = (owner, payer, *(rate.get(name) for name in ALIKE))
        alike.setdefault(keys[rate["fact_uid"]], []).append(rate["negotiated_rate"])
    return {uid: (len(alike[key]), min(alike[key]), max(alike[key])) for uid, key in keys.items()}


VARIED = st.lists(
    st.builds(
        fact,
        state=st.sampled_from(["TX", "US"]),
        pg_uid=st.sampled_from(["g1", "g2"]),
        pg_members_uid=st.sampled_from(["m1", None]),
        reporting_entity_name=st.sampled_from(["Evry Health", "EVRY HEALTH", "Other"]),
        provider_group_id_raw=st.sampled_from(["1", "2"]),
        billing_code_modifiers=st.sampled_from([None, "26"]),
        setting=st.sampled_from([None, "inpatient"]),
        expiration_date=st.sampled_from([None, "2025-12-31"]),
        negotiated_rate=st.sampled_from([0.0, 1.5, 150.0, 151.0]),
    ),
    min_size=2,
    max_size=40,
    unique_by=lambda f: f["fact_uid"],
)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(facts=VARIED)
def test_variants_are_those_of_a_plain_grouping(facts):
    rows = enrich(**(WORLD | {"fact_rate": facts}))
    expected = variants(facts)
    for row in rows:
        assert part(row, "rate_variants rate_variant_min rate_variant_max") == expected[row["fact_uid"]]
        assert (row["variant_scope"] is None) == (row["rate_variants"] == 1)


def tin(value: str, kind: str = "ein", npi: str | None = ANA, group: str = "g1") -> dict:
    return PAYER | {"pg_uid": group, "tin_type": kind, "tin_value": value, "npi": npi}


def world_of_tins(members_of: list[dict], **more) -> dict:
    """The group's members, and its TINs as they follow from them."""
    named = {
        (m["pg_uid"], m["tin_type"], m["tin_value"]): {k: v for k, v in m.items() if k != "npi"} for m in members_of
    }
    return {"xref_group_member": members_of, "xref_group_tin": list(named.values()), **more}


@pytest.mark.parametrize(
    ("given_tables", "expected"),
    [
        (world_of_tins([tin("58-1")], dim_tin=[{"tin_type": "ein", "tin_value": "58-1", "business_name": "ANA PA"}]), ("58-1", "ein", "ANA PA", 1)),
        # Bob's TIN is not Ana's, who stands for the group; of her two the smaller.
        (world_of_tins([tin("1", npi=BOB), tin("7"), tin("3")]), ("3", "ein", None, 3)),
        (world_of_tins([tin("9"), tin(ANA, kind="npi")]), ("9", "ein", None, 2)),
        ({"xref_group_tin": [{k: v for k, v in tin("4").items() if k != "npi"}]}, ("4", "ein", None, 1)),  # a star schema's
        (world_of_tins([tin("1", npi=BOB), tin("2", npi=BOB)]), (None, None, None, 2)),
        ({"xref_group_npi": [], **world_of_tins([tin("5", npi=None)])}, ("5", "ein", None, 1)),  # the TIN alone is named
        ({}, (None, None, None, 0)),
    ],
)  # fmt: skip
def test_who_bills(given_tables, expected):
    assert part(one(**given_tables), "tin_value tin_type tin_name group_tin_count") == expected


def test_of_a_group_that_the_file_does_not_define_nothing_is_counted():
    row = one(facts={"pg_members_uid": None}, xref_group_npi=[])
    assert part(row, "group_tin_count group_known_npi_count group_npi_count") == (None, None, None)


def test_known_members_are_those_of_the_registry():
    row = one(
        xref_group_npi=members(ANA, BOB, EVA),
        dim_npi=[provider(ANA), provider(BOB, enumeration_type=None, status=None)],
    )
    assert part(row, "group_npi_count group_known_npi_count") == (3, 1)


def test_how_often_a_fact_was_read():
    assert one(facts={"source_count": 7})["source_count"] == 7


# ---- whatever the tables hold --------------------------------------------------------------------------------------

FACTS = st.lists(
    st.builds(
        fact,
        state=st.sampled_from(["TX", "US", "OK"]),
        pg_uid=st.sampled_from(["g1", "g2", "g3", None]),
        reporting_entity_name=st.sampled_from(["Evry Health", "Other", None]),
        code=st.sampled_from(["99213", "213", "CSTM-00"]),
        billing_class=st.sampled_from(["professional", "institutional", None]),
        pos_set_id=st.sampled_from([pos_id("11"), pos_id(), pos_id("21"), None]),
        billing_code_modifiers=st.sampled_from([None, "26", "AS"]),
        setting=st.sampled_from([None, "inpatient"]),
        negotiation_arrangement=st.sampled_from(["ffs", None]),
        negotiated_rate=st.sampled_from([0.0, 1.0, 150.0]),
    ),
    max_size=8,
    unique_by=lambda f: f["fact_uid"],
)
REFERENCES = st.fixed_dictionaries({name: st.lists(st.sampled_from(rows), max_size=6) for name, rows in POOL.items()})


# Shrinking runs a build some hundred times; what is found is small enough to read.
@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(facts=FACTS, references=REFERENCES, seed=st.integers(0, 1000))
def test_one_row_per_fact_and_the_same_row_in_whatever_order_the_tables_stand(facts, references, seed):
    """Duplicate, overlapping, contradicting and missing reference rows: no fan-out, no loss, no choice by order."""
    rows = enrich(fact_rate=facts, threads=1, **references)
    assert sorted(r["fact_uid"] for r in rows) == sorted(f["fact_uid"] for f in facts)
    shuffled = {
        name: random.Random(seed).sample(given_rows, len(given_rows)) for name, given_rows in references.items()
    }
    again = enrich_by_slices(3, 2, shuffled | {"fact_rate": facts[::-1]})
    assert again == rows, "also in the declared order, slice by slice"


@pytest.mark.slow
@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(facts=FACTS, references=REFERENCES, other=REFERENCES, seed=st.integers(0, 1000))
def test_pieces_of_which_the_same_is_told_hold_the_same_rows(facts, references, other, seed):
    """Whichever of the reference tables is another, and in whatever order its rows stand."""
    which = sorted(references)[seed % len(references)]
    shuffled = {name: random.Random(seed).sample(rows, len(rows)) for name, rows in references.items()}
    worlds = [references, shuffled, references | {which: other[which]}]
    made = [pieces_with_rows(world | {"fact_rate": facts}) for world in worlds]
    assert made[1] == made[0], "in another order"
    for digest, rows in made[2].items():
        assert made[0].get(digest, rows) == rows


def pieces_with_rows(given_rows: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """What is told of each piece -> its rows; the pieces have 3 rows at most."""
    with connection(MONTH, True, 2, given_rows) as con, tempfile.TemporaryDirectory() as folder:
        pieces = fact_rate_enriched.pieces(con, Path(folder) / "unsorted", 3)
        assert [p.first_row for p in pieces] == [0, *(p.behind for p in pieces[:-1])]
        assert all(p.behind - p.first_row <= 3 for p in pieces)
        found = {piece.digest: batch.to_pylist() for piece, batch in fact_rate_enriched.batches(con, pieces)}
    assert None not in found
    return found


@pytest.mark.parametrize(
    ("changed", "tells"),
    [
        ({"dim_npi_address": [address(ANA, address_1="2 Elsewhere Street")]}, True),
        ({"dim_npi": [provider(ANA), provider(BOB)]}, False),  # nobody in the facts' groups
        ({"dim_code": [{"code_type": "CPT", "code": "99213", "name": "Another"}]}, True),
        ({"bench_medicare_comprehensive": [published(medicare_state_rate=101.0)]}, True),
        ({"bench_medicare_comprehensive": [published(work_rvu=1.5)]}, True),
        ({"bench_medicare_comprehensive": []}, True),
        ({"bench_wcfs": [{"state": "TX", "year_month": MONTH, "code_type": "CPT", "code": "99213", "wcfs_amount": 2.0}]}, True),
        ({"fact_rate": [fact(negotiated_rate=7.0)]}, True),
        ({"fact_rate": [fact(fact_uid="b" * 32)]}, True),
        ({"fact_rate": [fact(additional_information="more")]}, True),
        ({"staged_zip_locality": []}, True),
        (world_of_tins([tin("58-1")]), True),
        ({"staged_opps": [{"code": "99213", "si": "V", "payment_rate": "7.00", "effective_from": "2025-01-01"}]}, False),
        ({"staged_opps": [{"code": "99213", "si": "V", "payment_rate": "1.00", "effective_from": "2025-01-01"}]}, True),  # a dollar may be its price
        ({"dim_pos": [row for row in WORLD["dim_pos"] if row["pos"] != "11"]}, True),
        ({"dim_pos": [row for row in WORLD["dim_pos"] if row["pos"] != "21"]}, False),  # no fact is for it
        ({"bench_medicare_prof_detail": [pfs("01", facility_rate=61.0), pfs("02")]}, True),  # beside the rate
        ({"bench_asc_area": [asc_area("12420", 97.0)]}, False),  # a physician's
    ],
)  # fmt: skip
def test_what_is_told_of_a_piece(changed, tells):
    plain = WORLD | {"fact_rate": [fact()]}
    assert (pieces_with_rows(plain).keys() != pieces_with_rows(plain | changed).keys()) is tells


def test_pieces_whose_cells_keep_their_bounds_are_the_same(tmp_path):
    """Rates of two states are in one cell. One more of the one leaves the other's piece; what moves the bounds does not."""

    def texan_piece(of_oklahoma: list[float]) -> str:
        rates = [("TX", 100.0 + n) for n in range(40)] + [("OK", rate) for rate in of_oklahoma]
        facts = [
            fact(state=state, negotiated_rate=rate, pg_uid=f"g{n}", pg_members_uid=f"m{n}{state}")
            for n, (state, rate) in enumerate(rates)
        ]
        facts.append(fact(state="OK", code="00100"))  # a cell without bounds before it
        with connection(MONTH, True, 2, WORLD | {"fact_rate": facts}) as con:
            _, texan = fact_rate_enriched.pieces(con, tmp_path / "unsorted", 45)
            return texan.digest

    plain = [100.5 + n for n in range(38)]
    assert texan_piece(plain) == texan_piece([*plain, 105.25])
    assert texan_piece(plain) != texan_piece([*plain[:18], *(9000.0 + n for n in range(20))])


@given(
    leaves=st.lists(st.integers(1, 30), max_size=60),
    most=st.integers(1, 40),
    seed=st.integers(0, 1000),
    gone=st.integers(0, 59),
)
def test_cuts(leaves, most, seed, gone):
    """At ends of leaves where there is one, and a leaf that goes leaves the cuts before it where they were."""
    starts = np.concatenate(([0], np.cumsum(leaves))).astype(int)
    draw = random.Random(seed)
    uids = [draw.random() for _ in range(starts[-1])]

    def cut(starts: np.ndarray, uids: list[float]) -> list[int]:
        return fact_rate_enriched.cuts(len(uids), most, starts[:-1], lambda rows: int(min(rows, key=lambda r: uids[r])))

    ends = cut(starts, uids)
    assert ends[-1] == len(uids)
    sizes = np.diff([0, *ends])
    least = max(1, int(most * 0.8))
    assert all(least <= size <= most for size in sizes[:-1])
    assert sizes[-1] <= most
    for first, end in zip([0, *ends], ends[:-1], strict=False):
        window = [s for s in starts if first + least <= s <= first + most]
        assert end == (min(window, key=lambda r: uids[r]) if window else first + most)
    if gone < len(leaves):
        first, behind = starts[gone], starts[gone + 1]
        without = np.concatenate((starts[: gone + 1], starts[gone + 2 :] - (behind - first)))
        fewer = cut(without, uids[:first] + uids[behind:])
        settled = [end for end in ends if end + most < first]
        assert fewer[: len(settled)] == settled


@pytest.mark.slow
def test_several_threads_leave_the_order_of_slices_as_declared(tmp_path):
    """Threads hand in their rows as they finish; 300,000 facts are enough for that to show."""
    with connection(MONTH, True, 2, WORLD) as con:
        columns = tables.get("fact_rate").columns
        values = {c: duck.literal(v) for c, v in fact().items()}
        values |= {
            "fact_uid": "md5(CAST(n AS VARCHAR))",
            "code": "CAST(90000 + n % 500 AS VARCHAR)",
            "pg_uid": "'g' || n % 90",
        }
        select = ", ".join(f"{values.get(c, 'NULL')} AS {c}" for c in columns)
        duck.view(con, "fact_rate", f"SELECT {select} FROM range(300000) numbers(n)")
        pieces = fact_rate_enriched.pieces(con, tmp_path / "unsorted", 122_880)
        got = pa.Table.from_batches([batch for _, batch in fact_rate_enriched.batches(con, pieces)])
    order = list(tables.get("fact_rate_enriched").sort)
    keys = pl.from_arrow(got.select(order))
    assert keys.height == 300_000
    assert keys.equals(keys.sort(order, nulls_last=False))

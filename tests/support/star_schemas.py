"""Star schemas as other software writes them: the guidelines' layout, a few rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


ANA, BOB, EVA = "1003000126", "1003000134", "1003000142"

OFFICE, ANYWHERE = md5("11"), md5("")

COMMON = {
    "state": "GA", "reporting_entity_name": "Peach Health, Inc.", "code_type": "CPT", "pos_set_id": OFFICE,
    "negotiated_type": "negotiated", "negotiation_arrangement": "ffs", "expiration_date": "2026-12-31",
}  # fmt: skip

AUGUST = {"year_month": "2025-08", "code": "99213", "pg_uid": "g1"}


def guidelines() -> dict[str, pl.DataFrame]:
    """A star schema as the partitioned-ETL guidelines read it: three facts, two months, two groups."""
    given = COMMON | {"payer_slug": "peach_health_inc", "billing_class": "professional"}
    rows = [
        AUGUST | {"fact_uid": "u1", "negotiated_rate": 101.5, "provider_group_id_raw": "690"},
        AUGUST | {"fact_uid": "u2", "negotiated_rate": 150.0, "provider_group_id_raw": "690", "code": "99214",
                  "expiration_date": "9999-12-31"},
        {"fact_uid": "u3", "year_month": "2025-09", "code": "99213", "pg_uid": "g2", "negotiated_rate": 99.0,
         "provider_group_id_raw": "7", "pos_set_id": ANYWHERE, "expiration_date": None},
    ]  # fmt: skip
    people = {
        "npi": [ANA, BOB], "first_name": ["ANA", "BOB"], "last_name": ["LEE", "RAY"], "organization_name": [None, None],
        "enumeration_type": ["NPI-1", "NPI-1"], "status": ["D", "A"], "primary_taxonomy_code": ["207Q00000X"] * 2,
        "primary_taxonomy_desc": ["Family Medicine"] * 2, "primary_taxonomy_state": ["GA"] * 2,
        "primary_taxonomy_license": ["1", "2"], "credential": ["MD"] * 2, "sole_proprietor": ["NO", "YES"],
        "enumeration_date": ["2007-01-01"] * 2, "last_updated": ["2024-01-01"] * 2,
    }  # fmt: skip
    homes = {
        "npi": [ANA, BOB], "address_purpose": ["LOCATION"] * 2, "address_type": ["DOM"] * 2, "address_1": ["1 PEACH ST"] * 2,
        "address_2": [None] * 2, "city": ["ATLANTA"] * 2, "state": ["GA"] * 2, "postal_code": ["30303"] * 2,
        "country_code": ["US"] * 2, "telephone_number": ["404-555-0100"] * 2, "fax_number": [None] * 2,
        "address_hash": ["h1", "h2"],
    }  # fmt: skip
    places = {
        "npi": [ANA, BOB], "address_hash": ["h1", "h2"], "latitude": [0.0, 33.75], "longitude": [0.0, -84.39],
        "county_name": ["Unknown", "Fulton"], "county_fips": ["00000", "13121"], "stat_area_name": ["Unknown", "Atlanta, GA"],
        "stat_area_code": ["00000", "12060"], "matched_address": ["Not Geocoded", "1 PEACH ST, ATLANTA"],
    }  # fmt: skip
    return {
        "gold/fact_rate": pl.DataFrame([given | row for row in rows]),
        "dims/dim_code": pl.DataFrame(
            {"code_type": ["CPT", "CPT"], "code": ["99213", "99214"], "code_description": ["Visit, 20 min", "Visit, 30 min"],
             "code_name": ["VISIT 20", "VISIT 30"]}),
        "dims/dim_code_cat": pl.DataFrame(
            {"proc_cd": ["99213"], "procedure_set": ["E&M"], "procedure_class": ["Office"], "procedure_group": ["Visits"]}),
        "dims/dim_payer": pl.DataFrame({"payer_slug": ["peach_health_inc"], "reporting_entity_name": ["Peach Health, Inc."],
                                        "reporting_entity_type": ["insurer"], "version": ["1.0.0"]}),
        "dims/dim_provider_group": pl.DataFrame({"pg_uid": ["g1", "g2"], "provider_group_id_raw": [690, 7]}),
        "dims/dim_pos_set": pl.DataFrame({"pos_set_id": [OFFICE, ANYWHERE], "pos_members": [["11"], []]}),
        "dims/dim_npi": pl.DataFrame(people),
        "dims/dim_npi_address": pl.DataFrame(homes),
        "dims/dim_npi_address_geolocation": pl.DataFrame(places),
        "dims/bench_medicare_comprehensive": pl.DataFrame({"state": ["GA"], "code": ["99213"]}),
        "xrefs/xref_pg_member_npi": pl.DataFrame({"pg_uid": ["g1", "g1", "g2"], "npi": [ANA, BOB, BOB]}),
    }  # fmt: skip


def write(folder: Path, given: dict[str, pl.DataFrame]) -> Path:
    for name, frame in given.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
    return folder

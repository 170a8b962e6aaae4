"""The tables that the enriched rows are joined of, a few literal rows each."""

from __future__ import annotations

from pipeline import naming

VIEWS = """fact_rate dim_code dim_code_cat_history dim_pos_set dim_pos xref_group_npi dim_npi dim_npi_address
    dim_npi_address_geolocation bench_medicare_comprehensive bench_medicare_prof_detail bench_wcfs
    bench_asc_area staged_zip_locality staged_cbsa_county xref_fact_source xref_group_tin xref_group_member dim_tin
    staged_opps staged_asc staged_category""".split()

MONTH = "2025-06"

PAYER = {"payer_slug": "evry_health", "year_month": MONTH}

ANA, BOB, EVA, ORG = "1234567893", "1003000126", "1003000134", "1003000142"

UNREADABLE = naming.unreadable_pos_set_id(["Office"])

RVU25D = "RVU25D effective 2025-10-01 (nearest of its year)"


def pos_id(*codes: str) -> str:
    return naming.pos_set_id(codes)


def provider(npi: str, taxonomy: str | None = "207Q00000X", **values) -> dict:
    """A provider that the registry knows as active."""
    return {
        "npi": npi,
        "enumeration_type": "NPI-1",
        "status": "A",
        "npi_valid": True,
        "first_name": "ANA",
        "sole_proprietor": "NO",
        "primary_taxonomy_code": taxonomy,
    } | values


def address(npi: str, state: str | None = "TX", postal_code: str = "787011234", **values) -> dict:
    """A practice address in Austin."""
    return {
        "npi": npi,
        "address_purpose": "LOCATION",
        "address_hash": f"{npi}@{state}",
        "city": "AUSTIN",
        "state": state,
        "postal_code": postal_code,
        "position": 1,
    } | values


def place(npi: str, state: str = "TX", **values) -> dict:
    """Where that address is."""
    return {
        "npi": npi,
        "address_hash": f"{npi}@{state}",
        "latitude": 30.27,
        "longitude": -97.74,
        "county_name": "Travis County",
        "county_fips": "48453",
        "stat_area_name": "Austin-Round Rock-San Marcos, TX",
        "stat_area_code": "12420",
        "matched_address": "1 MAIN ST, AUSTIN, TX, 78701",
        "geo_source": "census",
    } | values


def members(*npis: str, group: str = "g1") -> list[dict]:
    return [PAYER | {"pg_uid": group, "npi": npi} for npi in npis]


def pfs(locality: str, code: str = "99213", **values) -> dict:
    """A row of the physician fee schedule in one of two localities of Texas."""
    return {
        "carrier": "04412",
        "locality": locality,
        "state": "TX",
        "effective_from": "2025-10-01",
        "code": code,
        "modifier": "",
        "status": "A",
        "work_rvu": 1.3,
        "pe_rvu_nonfacility": 1.33,
        "pe_rvu_facility": 0.55,
        "mp_rvu": 0.1,
        "conversion_factor": 32.3465,
        "nonfacility_rate": 88.01,
        "facility_rate": 60.02,
        "nonfacility_capped": False,
        "facility_capped": False,
        "nonfacility_national_rate": 88.31,
        "facility_national_rate": 63.08,
        "release": "RVU25D",
        "nonfacility_na": False,
        "facility_na": False,
        "pctc_indicator": "0",
    } | values


def published(code: str = "99213", kind: str = "PFS", **values) -> dict:
    """A row of the published benchmark table."""
    own = {
        "PFS": {"work_rvu": 1.3, "practice_expense_rvu": 1.33, "malpractice_rvu": 0.1, "total_rvu": 2.73},
        "OPPS": {"opps_weight": 1.5, "opps_si": "S"},
        "ASC": {"asc_pi": "A2"},
    }[kind]
    row = {"state": "TX", "year_month": MONTH, "code_type": "CPT", "code": code, "benchmark_type": kind}
    return row | {"medicare_national_rate": 90.0, "medicare_state_rate": 100.0, "release": RVU25D} | own | values


def asc_area(cbsa: str, rate: float | None, code: str = "99213", **values) -> dict:
    """A row of the ASC schedule in a wage area of Texas."""
    row = {"cbsa": cbsa, "states": "TX", "year_month": MONTH, "code_type": "CPT", "code": code, "asc_pi": "A2"}
    return row | {"asc_area_rate": rate, "release": "addenda"} | values


# Two localities: 01 is Austin's by ZIP 78701, 02 the rest of Texas.
WORLD = {
    "xref_group_npi": members(ANA),
    "dim_npi": [provider(ANA)],
    "dim_npi_address": [address(ANA)],
    "dim_npi_address_geolocation": [place(ANA)],
    "dim_code": [{"code_type": "CPT", "code": "99213", "code_desc": "Office visit, 20 minutes", "name": "Visit"}],
    "dim_pos_set": [
        {"pos_set_id": UNREADABLE, "pos_members": []},
        *(
            {"pos_set_id": pos_id(*codes), "pos_members": list(codes)}
            for codes in ((), ("11",), ("21",), ("24",), ("CSTM-00",), ("11", "24"))
        ),
    ],
    "dim_pos": [
        {"pos": pos, "effective_from": day, "kind": kind, "basis": "list: pos.csv"}
        for pos, day, kind in (
            ("05", "1992-01-01", "neutral"),
            ("07", "1992-01-01", "neutral"),
            ("10", "1992-01-01", "neutral"),
            ("10", "2024-01-01", "nonfacility"),
            ("11", "1992-01-01", "nonfacility"),
            ("21", "1992-01-01", "facility"),
            ("24", "1992-01-01", "facility"),
            ("28", "1992-01-01", "unassigned"),
        )
    ],
    "bench_medicare_comprehensive": [published()],
    "bench_medicare_prof_detail": [
        pfs("01"),
        pfs("02", nonfacility_rate=86.02, facility_rate=58.05),
        pfs("01", modifier="26", nonfacility_rate=10.0, facility_rate=10.0),
        pfs("02", modifier="26", nonfacility_rate=10.01, facility_rate=10.01),
    ],
    "staged_zip_locality": [
        {
            "zip_code": "78701",
            "carrier": "04412",
            "locality": "01",
            "state": "TX",
            "effective_from": "2025-10-01",
            "source_file": "ZIP5_OCT2025.txt",
        }
    ],
}

POOL = {
    "xref_group_npi": [r for g in ("g1", "g2") for r in members(ANA, BOB, EVA, group=g)],
    "dim_npi": [
        *(provider(n, t, status=s) for n in (ANA, BOB) for t in ("207Q00000X", None) for s in ("A", "D")),
        provider(EVA, last_updated="2024-01-01"),
    ],
    "dim_npi_address": [
        address(n, s, position=p, city=c)
        for n in (ANA, BOB)
        for s in ("TX", None)
        for p in (1, None)
        for c in ("A", "B")
    ],
    "dim_npi_address_geolocation": [
        place(ANA, county_name=c, geo_source=g) for c in ("X", None) for g in ("zip", "census", None)
    ],
    "dim_code": [{"code_type": "CPT", "code": "99213", "name": n} for n in ("a", "b", None)],
    "dim_code_cat_history": [
        {"proc_cd": "99213", "effective_from": a, "effective_to": b, "procedure_set": s}
        for a in ("2020-01-01", "2025-01-01")
        for b in ("2025-12-31", None)
        for s in ("s", None)
    ],
    "dim_pos_set": [{"pos_set_id": pos_id("11"), "pos_members": m} for m in (["11"], [], None, ["11", "11"])],
    "dim_pos": [
        {"pos": p, "effective_from": d, "kind": k}
        for p in ("11", "21")
        for d in ("1992-01-01", "2024-01-01", "2026-01-01")
        for k in ("facility", "nonfacility", "neutral", None)
    ],
    "bench_medicare_comprehensive": [
        published(kind=k, code_type=t, medicare_state_rate=r)
        for k in ("PFS", "OPPS", "ASC")
        for t in ("CPT", "HCPCS")
        for r in (1.0, None)
    ],
    "bench_medicare_prof_detail": [
        pfs(n, modifier=m, nonfacility_rate=r, state=s)
        for n in ("01", "02")
        for m in ("", "26")
        for r in (5.0, 6.0, None)
        for s in ("TX", "OK")
    ],
    "bench_wcfs": [
        {"state": "TX", "year_month": MONTH, "code_type": t, "code": "99213", "wcfs_amount": a}
        for t in ("CPT", "HCPCS")
        for a in (1.0, 2.0)
    ],
    "bench_asc_area": [
        asc_area(c, r, code_type=t, counties=f)
        for c in ("12420", "45", "50001")
        for r in (1.0, 2.0)
        for t in ("CPT", "HCPCS")
        for f in ("48453|48491", None)
    ],
    "staged_cbsa_county": [
        {
            "county_fips": "48453",
            "cbsa_code": "12420",
            "cbsa_type": t,
            "metropolitan_division_code": d,
            "source_file": f,
        }
        for t in ("Metropolitan Statistical Area", "Micropolitan Statistical Area")
        for d in ("12421", None)
        for f in "ab"
    ],
    "staged_zip_locality": [
        WORLD["staged_zip_locality"][0] | {"locality": n, "source_file": f} for n in ("01", "02") for f in "ab"
    ],
    "xref_fact_source": [
        {"fact_uid": uid, "batch_id": file, "read_count": 1} for uid in ("a" * 32, "b" * 32) for file in ("b1", "b2")
    ],
    "xref_group_tin": [
        PAYER | {"pg_uid": g, "tin_type": t, "tin_value": v}
        for g in ("g1", "g2")
        for t in ("ein", "npi", None)
        for v in ("1", "2", None)
    ],
    "xref_group_member": [
        PAYER | {"pg_uid": g, "tin_type": "ein", "tin_value": v, "npi": n}
        for g in ("g1", "g2")
        for v in ("1", "2", None)
        for n in (ANA, BOB, None)
    ],
    "dim_tin": [{"tin_type": "ein", "tin_value": v, "business_name": n} for v in ("1", "2") for n in ("a", "b", None)],
    "staged_opps": [
        {"code": "99213", "si": s, "payment_rate": r, "effective_from": d, "source_file": f}
        for s in ("V", "D")
        for r in ("1.00", "100.00", None)
        for d in ("2024-01-01", "2025-07-01")
        for f in "ab"
    ],
    "staged_asc": [
        {"code": "99213", "payment_rate": r, "effective_from": d, "source_file": f}
        for r in ("1.00", "100.00", None)
        for d in ("2024-01-01", "2025-07-01")
        for f in "ab"
    ],
    "staged_category": [
        {"category_source": "rbcs", "proc_cd": "99213", "code_ended": e, "release": r, "source_file": f}
        for e in ("2024-12-31", "9999-12-31", None)
        for r in ("2024-01-01", None)
        for f in "ab"
    ],
}

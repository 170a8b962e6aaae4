"""The suites: one for each table, sound as JSON, and finding what they are there to find."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import duckdb
import pytest

from pipeline import naming, tables
from pipeline.gates import suites
from pipeline.settings import home
from pipeline.storage import duck

FOLDER = home() / "expectations"
TABLES = tables.load()
SUITES = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(FOLDER.glob("*.json"))}
# What a suite's SQL may read beside its own table: the views that the stage gives its gate.
BESIDE = {
    "bench_medicare_prof_detail": ("staged_pfs_rvu", "staged_zip_locality"),
    "bench_opps": ("staged_opps",),
    "bench_asc": ("staged_asc",),
    "dim_npi_address_geolocation": ("dim_npi_address", "staged_geocode", "staged_zip_cbsa", "staged_zip_county"),
    "fact_rate": ("dim_code", "dim_pos_set", "dim_source_file", "xref_group_npi"),
    "fact_rate_enriched": ("fact_rate",),
    "xref_file_plan": ("dim_plan", "dim_source_file"),
    "coverage_gap": ("coverage",),
}
MONTH = "2025-08"


def query(expectation: dict) -> str | None:
    return expectation["kwargs"].get("unexpected_rows_query")


def views_of(name: str) -> dict[str, str]:
    """Every view that the suite may read, empty and typed."""
    return {n: duck.empty(TABLES[n]) for n in (name, *BESIDE.get(name, ()))}


# ---- all of them ---------------------------------------------------------------------------------------------------


def test_every_table_has_a_suite_and_every_suite_a_table():
    assert set(SUITES) == set(TABLES)


def test_suites_are_written_as_all_are():
    offenders = []
    for name, suite in SUITES.items():
        text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
        said = [e["description"] for e in suite["expectations"]]
        holds = {
            "is JSON as this project writes it": text
            == json.dumps(suite, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
            "bears its file's name": suite["name"] == name,
            "has notes that end with a full stop": suite["notes"].endswith("."),
            "describes no two expectations alike": len(said) == len(set(said)),
        }
        for number, expectation in enumerate(suite["expectations"]):
            words = [expectation.get("description", ""), expectation.get("notes", "")]
            holds |= {
                f"{number}: has its five entries": set(expectation)
                == {"description", "kwargs", "notes", "severity", "type"},
                f"{number}: is critical or a warning": expectation.get("severity") in ("critical", "warning"),
                f"{number}: is described in sentences": all(re.fullmatch(r"\S.*[.?]", text) for text in words),
            }
        offenders += [f"{name}: {rule}" for rule, held in holds.items() if not held]
    assert offenders == []


def test_every_column_and_view_that_suites_name_exists():
    offenders = []
    for name, suite in SUITES.items():
        con = duckdb.connect()
        con.execute(naming.MACROS)
        for view, select in views_of(name).items():
            con.execute(f"CREATE VIEW {view} AS {select}")
        for expectation in suite["expectations"]:
            kwargs = expectation["kwargs"]
            named = [*kwargs.get("column_list", []), *filter(None, [kwargs.get("column")])]
            offenders += [f"{name}: has no column {column}" for column in named if column not in TABLES[name].columns]
            if text := query(expectation):
                if "{batch}" not in text:
                    offenders.append(f"{name}: reads no {{batch}}: {text}")
                try:
                    con.execute("DESCRIBE " + text.format(batch=name))
                except duckdb.Error as error:
                    offenders.append(f"{name}: {error}")
    assert offenders == []


def test_keys_are_held_by_critical_expectations():
    severities = {name: key_severities(name) for name in SUITES if TABLES[name].key}
    assert len(severities) > 40
    assert {name: found for name, found in severities.items() if found != {"critical"}} == {}


def key_severities(name: str) -> set[str]:
    """The severities of those of the suite's expectations that hold its table's key unique."""
    key = TABLES[name].key
    ways = [
        {"column": key[0]} if len(key) == 1 else {},
        {"column_list": list(key)},
    ]
    names, once = ", ".join(key), "FROM {batch} GROUP BY ALL HAVING count(*) > 1"
    together = f"SELECT {names}, count(*) AS n {once}"
    # Of a large table: what is held are numbers, and the keys of those that stand twice.
    by_hash = together.replace("{batch}", f"{{batch}} WHERE hash({names}) IN (SELECT hash({names}) {once})")
    return {
        e["severity"]
        for e in SUITES[name]["expectations"]
        if (e["type"].endswith("to_be_unique") and e["kwargs"] in ways)
        or (query(e) or "").replace(f"WHERE {key[0]} IS NULL OR hash", "WHERE hash").startswith((together, by_hash))
    }


def test_reference_tables_warn_when_they_are_empty():
    """They exist without a source, and that is no reason to stop; but somebody should know."""
    offenders = []
    for name, suite in SUITES.items():
        rows = [e for e in suite["expectations"] if e["type"] == "expect_table_row_count_to_be_between"]
        if {e["severity"] for e in rows} - {"warning"}:
            offenders.append(f"{name}: stops the build when it is empty")
        if name.startswith(("dim_", "bench_")) and not rows:
            offenders.append(f"{name}: may be empty without a word")
    assert offenders == []


@pytest.mark.slow
def test_every_suite_runs_on_an_empty_table_and_blocks_nothing(tmp_path):
    offenders = []
    for name, suite in SUITES.items():
        verdict = check(name, tmp_path, {})
        if not verdict.passed:
            offenders.append(f"{name}: blocks")
        if verdict.checked != len(suite["expectations"]):
            offenders.append(f"{name}: {verdict.checked} of {len(suite['expectations'])} were checked")
        others = {f["expectation"] for f in verdict.failures} - {"expect_table_row_count_to_be_between"}
        offenders += [f"{name}: {other} fails" for other in sorted(others)]
    assert offenders == []


# ---- what they find --------------------------------------------------------------------------------------------------


def select(name: str, rows: list[dict]) -> str:
    """A typed SELECT of literal rows of a table; columns left out are null."""
    columns = TABLES[name].duckdb_columns
    if not rows:
        return duck.empty(TABLES[name])
    assert all(set(row) <= set(columns) for row in rows)
    return " UNION ALL ".join(
        "SELECT " + ", ".join(f"CAST({duck.literal(row.get(c))} AS {kind}) AS {c}" for c, kind in columns.items())
        for row in rows
    )


def check(name: str, folder: Path, rows: dict[str, list[dict]], month: str = MONTH) -> suites.Verdict:
    """The verdict on literal rows: table -> rows, of the suite's own table and those beside it."""
    return suites.check(
        FOLDER / f"{name}.json",
        duck.connect("200MB", scratch=folder),
        views={**views_of(name), **{n: select(n, r) for n, r in rows.items()}},
        variables={"year_month": month},
    )


def failed(verdict: suites.Verdict, name: str) -> dict[str, str]:
    """Description -> severity of what failed."""
    return {SUITES[name]["expectations"][f["index"]]["description"]: f["severity"] for f in verdict.failures}


FACT = {
    "fact_uid": "f1",
    "state": "GA",
    "year_month": MONTH,
    "reporting_entity_name": "Payer A",
    "billing_class": "professional",
    "code_type": "CPT",
    "code": "99213",
    "pg_uid": "g1",
    "pos_set_id": "p1",
    "negotiated_type": "negotiated",
    "negotiation_arrangement": "ffs",
    "negotiated_rate": 100.0,
    "expiration_date": "2025-12-31",
    "batch_id": "b1",
    "source_count": 1,
}
BESIDE_FACT = {
    "dim_code": [{"code_type": "CPT", "code": "99213", "code_desc": "Visit", "name": "Visit"}],
    "dim_pos_set": [{"pos_set_id": "p1", "pos_members": ["11"]}],
    "xref_group_npi": [{"year_month": MONTH, "payer_slug": "payer_a", "pg_uid": "g1", "npi": "1679576722"}],
    "dim_source_file": [{"batch_id": "b1", "file": "GA/a.json", "year_month": MONTH, "status": "whole"}],
}
ENRICHED = {
    **{c: v for c, v in FACT.items() if c in TABLES["fact_rate_enriched"].columns},
    "payer_slug": "payer_a",
    "npi": "1679576722",
    "status": "A",
    "enumeration_type": "NPI-1",
    "provider_type": "Individual",
    "latitude": 33.7,
    "longitude": -84.4,
    "is_geocoded": True,
    "benchmark_type": "PFS",
    "medicare_state_rate": 80.0,
    "rate_to_medicare_ratio": 1.25,
    "is_above_medicare": True,
    "rate_variants": 1,
    "rate_variant_min": 100.0,
    "rate_variant_max": 100.0,
    "negotiated_dollars": 100.0,
    "benchmark_setting": "nonfacility",
    "benchmark_facility": False,
    "pfs_nonfacility_rate": 80.0,
    "pfs_facility_rate": 60.0,
}
CATEGORY = {"proc_cd": "99213", "procedure_set": "E&M", "procedure_class": "Office", "procedure_group": "Visits"}
WARNING = {
    "batch_id": "b1",
    "file": "GA/a.json",
    "year_month": MONTH,
    "kind": "npi_blank",
    "count": 2,
    "example": "in_network[0]",
}
PLAN = {
    "plan_uid": hashlib.md5(b'["Gold","hios","1","group",null,null]').hexdigest(),
    "plan_name": "Gold",
    "plan_id_type": "hios",
}
PLAN |= {"plan_id": "1", "plan_market_type": "group"}
USE = {"batch_id": "b1", "year_month": MONTH, "file": "GA/a.json", "plan_uid": PLAN["plan_uid"], "source": "header"}
KEY = {"year_month": MONTH, "state": "GA", "payer_slug": "payer_a", "billing_class": "professional"}
COVERAGE = {**KEY, "facts": 10, "with_dollars": 9, "with_provider": 10, "with_place": 0, "with_tin_name": 10}
COVERAGE |= {"with_medicare": 7, "comparable": 8, "withheld": 0, "groups_unresolved": 0, "class_undecided": 0}
SPREAD = {
    "year_month": MONTH,
    "join_code_type": "HCPCS",
    "join_code": "99213",
    "part": "whole",
    "place": "office",
    "unit": "dollars",
    "n": 20,
    "groups": 5,
    "low": 20.0,
    "high": 500.0,
}
PRICE_CHECK = {
    "year_month": MONTH,
    "batch_id": "b1",
    "facts": 100,
    "compared": 90,
    "median_ratio": 1.4,
    "class_open": 20,
    "class_suspect": 15,
    "class_undecided": 5,
}
AREA = {"cbsa": "12060", "states": "GA", "year_month": MONTH, "code_type": "CPT", "code": "66984", "asc_pi": "A2"}
AREA |= {"wage_index": 0.9, "asc_area_rate": 1140.0, "release": "addenda"}
GOOD: dict[str, list[dict]] = {
    "bench_asc_area": [AREA],
    "fact_rate": [FACT],
    "code_spread": [SPREAD, {**SPREAD, "place": None, "n": 19, "low": None, "high": None}],
    "source_price_check": [PRICE_CHECK, {**PRICE_CHECK, "batch_id": "b2", "compared": 19, "median_ratio": 0.01}],
    "fact_rate_enriched": [ENRICHED],
    "dim_code_cat_history": [
        {**CATEGORY, "effective_from": "2020-01-01", "effective_to": "2023-12-31"},
        {**CATEGORY, "effective_from": "2024-01-01", "effective_to": "9999-12-31"},
    ],
    "dim_source_file": [
        {
            "batch_id": "b1",
            "file": "GA/a.json",
            "state": "GA",
            "year_month": MONTH,
            "payer_slug": "payer_a",
            "status": "whole",
            "prices_read": 5,
            "priced": 5,
            "prices_rejected": 0,
            "without_provider": 0,
            "rates_read": 10,
            "facts": 7,
            "duplicates": 3,
            "rejected": 0,
            "unresolved": 0,
            "zero_rates": 0,
            "rate_sum": "1000.125",
            "fact_sum": "700.0",
            "duplicate_sum": "300.12",
            "rounded_sum": "0.005",
        }
    ],
    "source_warning": [],
    "dim_plan": [PLAN],
    "xref_file_plan": [USE],
    "coverage": [COVERAGE],
    "coverage_gap": [
        {**KEY, "kind": "medicare", "reason": "modifier AS", "facts": 3},
        {**KEY, "kind": "place", "reason": "no known provider", "facts": 10},
        {**KEY, "kind": "dollars", "reason": "negotiated type percentage", "facts": 1},
    ],
    "staged_toc_plan": [{"structure": 0, "plan_name": "Gold", "source_file": "index.json"}],
    "staged_toc_file": [
        {"structure": 0, "location": "https://p.example/a.json", "file_key": "a", "source_file": "index.json"}
    ],
    "dim_npi": [{"npi": "1679576722", "npi_valid": True, "status": "A", "registry_source": "api"}],
    "dim_npi_address_geolocation": [
        {"npi": "1679576722", "address_hash": "h", "latitude": 18.4, "longitude": -66.1, "geo_source": "zip"}
    ],
    "dim_npi_address": [
        {
            **{"npi": "1679576722", "address_purpose": "LOCATION", "address_hash": "h", "position": 1},
            **{"postal_code": "00901", "country_code": "US"},
        }
    ],
    "staged_nppes": [
        {"npi": "1679576722", "source_kind": "monthly", "source_file": "a.csv", "source_row": 1, "status": "A"}
    ],
    "xref_group_member": [
        {
            "year_month": MONTH,
            "payer_slug": "p",
            "pg_uid": "g",
            "tin_type": "ein",
            "tin_value": "123456789",
            "npi": "1679576722",
        }
    ],
    "dim_pos": [{"pos": "11", "effective_from": "1992-01-01", "kind": "nonfacility"}],
    "leaf_plan": [
        {"partition": "a", "first_row": 0, "rows": 3, "digest": "x", "leaf_group": "a"},
        {"partition": "b", "first_row": 3, "rows": 2, "digest": "y", "leaf_group": "a"},
    ],
    "staged_price": [{"object_ix": 0, "item_ix": 0, "terms_ix": 0, "negotiated_rate": 1.0}],
    "staged_terms": [{"terms_ix": 0, "pos_set_id": "p1"}],
    "staged_member": [{"pg_members_uid": "m", "tin_type": "ein", "tin_value": "123456789"}],
}


def beside(name: str, rows: list[dict]) -> dict[str, list[dict]]:
    given = {
        "fact_rate": BESIDE_FACT,
        "fact_rate_enriched": {"fact_rate": [FACT] * len(rows)},
        "dim_npi_address_geolocation": {"dim_npi_address": GOOD["dim_npi_address"]},
        "xref_file_plan": {"dim_plan": [PLAN], "dim_source_file": [{"batch_id": "b1"}]},
        "coverage_gap": {"coverage": [COVERAGE]},
    }
    return given.get(name, {})


@pytest.mark.parametrize("name", GOOD)
def test_good_rows_pass_without_a_warning(name, tmp_path):
    assert failed(check(name, tmp_path, {name: GOOD[name], **beside(name, GOOD[name])}), name) == {}


RATIO = "rate_to_medicare_ratio and is_above_medicare are negotiated_dollars against medicare_state_rate."
DOLLARS = "negotiated_dollars is negotiated_rate where that is a price in dollars."
PAIR = "A rate of the physician schedule is the one of the pair that its setting names."
SETTING = "benchmark_facility is true exactly where benchmark_setting is facility."

# table, changes to its first row (or rows to add), description of what must fail (and nothing else), severity
FAULTS = [
    ("bench_asc_area", [AREA], "cbsa, year_month, code_type and code are unique together.", "critical"),
    ("bench_asc_area", {"asc_area_rate": None}, "asc_area_rate is never null.", "critical"),
    ("bench_asc_area", {"asc_area_rate": 0.0}, "asc_area_rate is above zero.", "critical"),
    ("bench_asc_area", [AREA | {"code": "66985", "wage_index": 0.8}], "An area has one index.", "critical"),
    ("bench_asc_area", {"states": None}, "states is never null.", "critical"),
    ("bench_asc_area", {"release": None}, "release is never null.", "warning"),
    ("fact_rate", {"negotiated_rate": None}, "negotiated_rate is never null.", "critical"),
    ("fact_rate", {"negotiated_rate": -1.0}, "negotiated_rate is not negative.", "warning"),
    ("fact_rate", {"negotiated_rate": "nan"}, "negotiated_rate is a finite number.", "warning"),
    ("fact_rate", {"negotiated_rate": 9999999.99}, "No rate of ten million dollars or more.", "warning"),
    ("fact_rate", {"fact_uid": None}, "fact_uid is never null.", "critical"),
    ("fact_rate", [FACT], "fact_uid is unique.", "critical"),
    ("fact_rate", {"pos_set_id": "p9"}, "Every pos_set_id is in dim_pos_set.", "critical"),
    ("fact_rate", {"code": "99999"}, "Every code is in dim_code.", "warning"),
    ("fact_rate", {"pg_uid": "g9"}, "At least 90 % of a month's facts resolve to an NPI.", "warning"),
    ("fact_rate", {"billing_class": "dental"}, "billing_class is one of professional, institutional, both.", "warning"),
    ("fact_rate", {"setting": "home"}, "setting is one of inpatient, outpatient, both.", "warning"),
    ("fact_rate", {"expiration_date": "12/31/2025"}, "expiration_date: a date, YYYY-MM-DD, or null.", "warning"),
    ("code_spread", {"high": None}, "The bounds are above 0 and in order, both or none.", "critical"),
    ("code_spread", {"low": 501.0}, "The bounds are above 0 and in order, both or none.", "critical"),
    ("code_spread", {"n": 19}, "Bounds are there for 20 amounts of 5 groups, and for no less.", "critical"),
    ("code_spread", {"groups": 21}, "It has as many amounts as groups, or more.", "critical"),
    (
        "code_spread",
        [SPREAD],
        "year_month, join_code_type, join_code, part, place and unit are unique together.",
        "critical",
    ),
    ("source_price_check", {"compared": 101}, "Counts of a file are parts of its facts.", "critical"),
    ("source_price_check", {"median_ratio": 0.19}, "The rates of every file look like dollars.", "warning"),
    ("source_price_check", {"median_ratio": 10.1}, "The rates of every file look like dollars.", "warning"),
    (
        "source_price_check",
        {"class_suspect": 16, "class_undecided": 4},
        "The billing class of every file looks right.",
        "warning",
    ),
    ("source_price_check", [PRICE_CHECK], "year_month and batch_id are unique together.", "critical"),
    (
        "fact_rate_enriched",
        {"variant_scope": "file"},
        "Variants are counted, and the rate lies among them.",
        "critical",
    ),
    (
        "fact_rate_enriched",
        {"rate_variants": 2, "variant_scope": "file", "rate_variant_min": 101.0, "rate_variant_max": 120.0},
        "Variants are counted, and the rate lies among them.",
        "critical",
    ),
    (
        "fact_rate_enriched",
        {"rate_flags": "token|variants"},
        "No flag that excludes a rate is on more than a fifth of the rows.",
        "warning",
    ),
    ("fact_rate_enriched", {"fact_uid": None}, "fact_uid is never null.", "critical"),
    ("fact_rate_enriched", {"payer_slug": None}, "payer_slug is never null.", "critical"),
    (
        "fact_rate_enriched",
        {
            **{"negotiated_rate": -1.0, "negotiated_dollars": None, "rate_variant_min": -1.0, "rate_variant_max": -1.0},
            **{"rate_to_medicare_ratio": None, "is_above_medicare": None},
        },
        "negotiated_rate is not negative.",
        "critical",
    ),
    ("fact_rate_enriched", {"state": None}, "state is null only where the fact's is US.", "critical"),
    ("fact_rate_enriched", {"rate_to_medicare_ratio": 1.3}, RATIO, "critical"),
    ("fact_rate_enriched", {"rate_to_medicare_ratio": None}, RATIO, "critical"),
    ("fact_rate_enriched", {"is_above_medicare": False}, RATIO, "critical"),
    ("fact_rate_enriched", {"is_above_medicare": None}, RATIO, "critical"),
    ("fact_rate_enriched", {"negotiated_type": "percentage"}, DOLLARS, "critical"),
    ("fact_rate_enriched", {"negotiation_arrangement": "capitation"}, DOLLARS, "critical"),
    (
        "fact_rate_enriched",
        {"negotiated_dollars": None, "rate_to_medicare_ratio": None, "is_above_medicare": None},
        DOLLARS,
        "critical",
    ),
    ("fact_rate_enriched", {"pfs_nonfacility_rate": 81.0}, PAIR, "critical"),
    ("fact_rate_enriched", {"pfs_nonfacility_rate": None}, PAIR, "critical"),
    ("fact_rate_enriched", {"benchmark_setting": "facility"}, SETTING, "critical"),
    ("fact_rate_enriched", {"benchmark_setting": "unreadable"}, SETTING, "critical"),
    ("dim_pos", {"kind": None}, "Every place has a kind.", "warning"),
    ("dim_pos", {"kind": "home"}, "kind is one of facility, nonfacility, neutral, unassigned.", "critical"),
    ("dim_pos", {"pos": "1"}, "pos has two digits.", "critical"),
    (
        "dim_pos",
        [{"pos": "11", "effective_from": "1992-01-01", "kind": "facility"}],
        "pos and effective_from are unique together.",
        "critical",
    ),
    (
        "fact_rate_enriched",
        {"latitude": 48.8, "longitude": 2.3},
        "Coordinates lie in the United States or its territories, or are 0.0 (not known).",
        "warning",
    ),
    (
        "fact_rate_enriched",
        {"status": None},
        "At least half of the rows have a provider that the registry knows.",
        "warning",
    ),
    ("dim_code_cat_history", {"effective_to": "2024-01-01"}, "A code's periods never overlap.", "critical"),
    ("dim_source_file", {"duplicates": 2}, "rates_read = facts + duplicates + rejected.", "critical"),
    ("dim_source_file", {"priced": 4}, "prices_read = priced + prices_rejected + without_provider.", "critical"),
    (
        "dim_source_file",
        {"without_provider": None},
        "prices_read = priced + prices_rejected + without_provider.",
        "critical",
    ),
    ("dim_source_file", {"priced": 1, "without_provider": 4}, "Every price names a provider group.", "warning"),
    ("dim_source_file", {"priced": 4, "prices_rejected": 1}, "No rate or price was rejected.", "warning"),
    (
        "dim_source_file",
        {"duplicate_sum": "300.11"},
        "rate_sum = fact_sum + duplicate_sum + rounded_sum, to half a cent.",
        "critical",
    ),
    ("dim_plan", {"plan_name": "Silver"}, "plan_uid is the MD5 of what is said of the plan.", "critical"),
    ("xref_file_plan", {"plan_uid": "x"}, "Every plan is in dim_plan.", "critical"),
    ("xref_file_plan", {"batch_id": "b9"}, "Every file is in dim_source_file.", "critical"),
    ("xref_file_plan", {"source": "toc"}, "source is header, toc, or both.", "critical"),
    ("xref_file_plan", [USE], "batch_id, year_month and plan_uid are unique together.", "critical"),
    ("coverage", {"comparable": 10}, "No count is above that of the facts.", "critical"),
    ("coverage", {"with_place": 11}, "No count is above that of the facts.", "critical"),
    (
        "coverage_gap",
        {"facts": 4},
        "Of kind medicare the facts over all reasons and with_medicare are all facts.",
        "critical",
    ),
    ("coverage_gap", {"file": "x"}, "A file has a folder.", "critical"),
    (
        "staged_toc_file",
        {"location": None},
        "structure, location and source_file are unique together, never null.",
        "critical",
    ),
    ("source_warning", [WARNING], "No file gives cause for a warning.", "warning"),
    ("dim_source_file", {"status": "broken", "rates_read": None}, "No file is broken.", "warning"),
    ("dim_npi", {"npi": "167957672"}, "npi has ten digits and begins with 1 or 2.", "warning"),
    ("dim_npi", {"npi_valid": False}, "The check digit of every NPI is right.", "warning"),
    ("dim_npi_address_geolocation", {"latitude": 91.0}, "latitude is between -90 and 90 degrees.", "critical"),
    ("dim_npi_address_geolocation", {"county_fips": "72001"}, "A county has both a code and a name.", "warning"),
    (
        "dim_npi_address_geolocation",
        {"stat_area_code": "17410"},
        "A statistical area has both a code and a name.",
        "warning",
    ),
    (
        "dim_npi_address_geolocation",
        {"address_hash": "other"},
        "Every address with a ZIP in the United States has a place.",
        "warning",
    ),
    (
        "dim_npi_address",
        {"postal_code": None},
        "A postal code of the United States has five or nine digits.",
        "warning",
    ),
    (
        "staged_nppes",
        [{**GOOD["staged_nppes"][0], "source_row": 2}],
        "An NPI is unique in a registry file.",
        "warning",
    ),
    ("xref_group_member", {"npi": None}, "Every member names an NPI.", "warning"),
    ("xref_group_member", {"year_month": "2025-09"}, "year_month is the shard's month, written YYYY-MM.", "critical"),
    ("leaf_plan", {"rows": 4}, "Leaf follows leaf without a gap or an overlap.", "critical"),
    ("leaf_plan", {"reason": "negative"}, "No leaf is withheld.", "warning"),
    (
        "staged_price",
        {"negotiated_rate": None},
        "object_ix, item_ix, terms_ix, negotiated_rate are never null.",
        "critical",
    ),
    ("staged_terms", {"pos_set_id": None}, "pos_set_id is never null.", "critical"),
    ("staged_terms", [GOOD["staged_terms"][0]], "terms_ix is unique, never null.", "critical"),
    (
        "staged_member",
        {"pg_members_uid": None},
        "pg_members_uid, tin_type, tin_value and npi are unique together; pg_members_uid is never null.",
        "critical",
    ),
    (
        "staged_member",
        [GOOD["staged_member"][0]],
        "pg_members_uid, tin_type, tin_value and npi are unique together; pg_members_uid is never null.",
        "critical",
    ),
]


@pytest.mark.parametrize(("name", "change", "description", "severity"), FAULTS, ids=[f"{f[0]}: {f[2]}" for f in FAULTS])
def test_a_fault_is_found(name, change, description, severity, tmp_path):
    good = GOOD[name]
    rows = [*good, *change] if isinstance(change, list) else [{**good[0], **change}, *good[1:]]
    found = failed(check(name, tmp_path, {name: rows, **beside(name, rows)}), name)
    assert found.get(description) == severity
    expected = {description} | ALSO.get(description, set())
    assert set(found) == expected


# A fault that is found twice, for two reasons.
ALSO = {
    "negotiated_rate is a finite number.": {"No rate of ten million dollars or more."},  # nan sorts above all numbers
    "latitude is between -90 and 90 degrees.": {
        "Coordinates lie in the United States or its territories, or are 0.0 (not known)."
    },
}


def test_enriched_rows_are_as_many_as_the_facts(tmp_path):
    facts = [FACT, {**FACT, "fact_uid": "f2"}]
    verdict = check("fact_rate_enriched", tmp_path, {"fact_rate_enriched": [ENRICHED], "fact_rate": facts})
    assert failed(verdict, "fact_rate_enriched") == {"It has as many rows as fact_rate.": "critical"}
    assert (
        suites.failing_rows(FOLDER / "fact_rate_enriched.json", verdict, "fact_rate_enriched", duckdb.connect()) is None
    )


def test_answers_of_the_geocoder_under_another_identifier_are_told(tmp_path):
    name = "dim_npi_address_geolocation"
    place = GOOD[name][0] | {"geo_source": "census"}
    answers = [{"address_id": i, "match": "Match"} for i in ("h", "1", "2")]
    rows = {name: [place], "dim_npi_address": GOOD["dim_npi_address"], "staged_geocode": answers}
    (failure,) = check(name, tmp_path, rows).failures
    assert failure["detail"] == [{"matches": 3, "used": 1}]
    assert check(name, tmp_path, rows | {"staged_geocode": answers[:2]}).failures == []


@pytest.mark.parametrize(
    ("name", "staged", "row", "other", "description"),
    [
        ("bench_medicare_prof_detail", "staged_pfs_rvu", {"carrier": "04412", "locality": "01", "modifier": "", "code": "99213"}, {"effective_from": "2024-07-01"}, "Every release of relative values prices its codes."),
        ("bench_opps", "staged_opps", {"opps_si": "V"}, {"effective_from": "2024-01-01"}, "The year's releases have a wage index."),
        ("bench_asc", "staged_asc", {"asc_pi": "A2"}, {"effective_from": "2024-01-01"}, "The year's releases have a wage index."),
    ],
)  # fmt: skip
def test_a_release_that_prices_nothing_is_told(name, staged, row, other, description, tmp_path):
    release = {"release": "R", "source_file": "r.csv", "code": "99213", "effective_from": "2025-07-01"}
    whole = {"state": "GA", "year_month": MONTH, "code_type": "CPT", "code": "99213", "release": "R"} | row
    whole |= {"effective_from": "2025-07-01", "nonfacility_rate": 1.0, "asc_mar_stateavg": 1.0}
    priced = {c: v for c, v in whole.items() if c in TABLES[name].columns}
    empty = "The table is not empty."
    zips = [
        {"zip_code": "75001", "carrier": "04412", "locality": "01", "effective_from": f"{y}-07-01"}
        for y in (2024, 2025)
    ]
    others = {"staged_zip_locality": zips} if name == "bench_medicare_prof_detail" else {}
    assert failed(check(name, tmp_path, {name: [priced], staged: [release], **others}), name) == {}
    assert failed(check(name, tmp_path, {name: [], staged: [release]}), name) == dict.fromkeys(
        (empty, description), "warning"
    )
    assert description not in failed(check(name, tmp_path, {name: [], staged: []}), name)
    if name != "bench_medicare_prof_detail":  # the nation has a rate without any index
        nation = {name: [priced | {"state": "US"}], staged: [release]}
        assert failed(check(name, tmp_path, nation), name) == {description: "warning"}
    told = failed(check(name, tmp_path, {name: [priced], staged: [release, release | other], **others}), name)
    assert told == ({description: "warning"} if name == "bench_medicare_prof_detail" else {})


def test_localities_that_no_provider_or_no_price_has_are_told(tmp_path):
    name = "bench_medicare_prof_detail"
    row = {"carrier": "04412", "locality": "01", "effective_from": "2025-07-01", "code": "99213", "modifier": ""}
    row |= {"nonfacility_rate": 1.0, "state": "TX", "release": "R"}
    zip_ = {"zip_code": "75001", "carrier": "04412", "locality": "01", "effective_from": "2025-10-01", "release": "Z"}
    year, unpriced = "Every year with prices has a ZIP to locality file.", "Every locality of the ZIP file has prices."
    for zips, told in (
        ([zip_], {}),
        ([], {year: [{"year": "2025", "n": 1}]}),
        ([zip_ | {"effective_from": "2024-10-01"}], {year: [{"year": "2025", "n": 1}]}),
        ([zip_, zip_ | {"zip_code": "75002", "locality": "1"}],
         {unpriced: [{"carrier": "04412", "locality": "1", "release": "Z", "zips": 1}]}),
    ):  # fmt: skip
        verdict = check(name, tmp_path, {name: [row], "staged_zip_locality": zips})
        assert {SUITES[name]["expectations"][f["index"]]["description"]: f["detail"] for f in verdict.failures} == told


def test_a_device_intensive_procedure_without_its_device_portion_is_told(tmp_path):
    row = {"state": "GA", "year_month": MONTH, "code_type": "CPT", "code": "64628", "release": "R", "asc_pi": "J8"}
    rows = [row, row | {"state": "TX"}, row | {"code": "64629", "asc_mar_stateavg": 9.0}]
    (failure,) = check("bench_asc", tmp_path, {"bench_asc": rows}).failures
    assert failure["detail"] == [{"code": "64628", "asc_pi": "J8", "n": 2}]


def test_two_files_of_one_quarter_that_differ_on_a_zip_are_told(tmp_path):
    name = "dim_npi_address_geolocation"
    cbsa = {"zip": "30303", "cbsa_code": "12060", "res_ratio": 1.0, "tot_ratio": 1.0, "release": "2025-06"}
    county = {"zip": "30303", "county_fips": "13121"}
    same = [
        cbsa | {"source_file": "a.csv"},
        cbsa | {"source_file": "b.csv"},
        cbsa | {"source_file": "c", "release": "2025-03"},
    ]
    rows = {name: GOOD[name], "dim_npi_address": GOOD["dim_npi_address"], "staged_zip_cbsa": same}
    assert check(name, tmp_path, rows).failures == []
    rows["staged_zip_cbsa"] = [*same, cbsa | {"cbsa_code": "99999", "source_file": "b.csv"}]
    rows["staged_zip_county"] = [
        county | {"source_file": "a.csv"},
        county | {"county_fips": "13089", "source_file": "b.csv"},
    ]
    (failure,) = check(name, tmp_path, rows).failures
    assert failure["detail"] == [
        {"what": "ZIP to CBSA", "release": "2025-06", "zips": 1},
        {"what": "ZIP to county", "release": None, "zips": 1},
    ]


def test_us_rows_may_have_no_state(tmp_path):
    rows = {"fact_rate_enriched": [{**ENRICHED, "state": None}], "fact_rate": [{**FACT, "state": "US"}]}
    assert check("fact_rate_enriched", tmp_path, rows).failures == []


def test_missing_keys_are_listed_with_their_facts(tmp_path):
    rows = [{**FACT, "fact_uid": f"f{i}", "code": "99999" if i else "00001", "pos_set_id": "p9"} for i in range(3)]
    verdict = check("fact_rate", tmp_path, {"fact_rate": rows, **BESIDE_FACT})
    detail = {SUITES["fact_rate"]["expectations"][f["index"]]["description"]: f["detail"] for f in verdict.failures}
    assert detail["Every code is in dim_code."] == [
        {"code_type": "CPT", "code": "99999", "n": 2},
        {"code_type": "CPT", "code": "00001", "n": 1},
    ]
    assert detail["Every pos_set_id is in dim_pos_set."] == [{"pos_set_id": "p9", "n": 3}]


def test_the_share_of_facts_with_an_npi_is_told_by_month(tmp_path):
    rows = [{**FACT, "fact_uid": f"f{i}", "pg_uid": "g1" if i < 3 else "g9"} for i in range(4)]
    (failure,) = check("fact_rate", tmp_path, {"fact_rate": rows, **BESIDE_FACT}).failures
    assert failure["detail"] == [{"year_month": MONTH, "facts": 4, "with_npi": 3, "pct_with_npi": 75.0}]


def test_a_month_published_without_its_broken_files_says_so(tmp_path):
    broken = {"batch_id": "b2", "file": "GA/b.json", "year_month": MONTH, "status": "broken", "reason": "cut off"}
    others = {**broken, "batch_id": "b3", "year_month": "2025-07"}
    sources = {**BESIDE_FACT, "dim_source_file": [*BESIDE_FACT["dim_source_file"], broken, others]}
    for facts in ([FACT], []):
        verdict = check("fact_rate", tmp_path, {"fact_rate": facts, **sources})
        assert verdict.passed
        details = [f["detail"] for f in verdict.failures if f["expectation"] == "unexpected_rows_expectation"]
        assert details == [[{"file": "GA/b.json", "reason": "cut off"}]]


def test_leaves_of_bad_rows_can_be_told(tmp_path):
    """The gate's answer to the enriched stage: every failing row, whole, with the reason."""
    rows = [{**ENRICHED, "fact_uid": f"f{i}", "state": "GA" if i % 2 else "TX"} for i in range(6)]
    rows[1] |= {"negotiated_rate": -5.0, "negotiated_dollars": None, "rate_to_medicare_ratio": None}
    rows[1] |= {"is_above_medicare": None, "rate_variant_min": -5.0, "rate_variant_max": -5.0}
    rows[2] |= {"payer_slug": None}
    facts = [{**FACT, "fact_uid": r["fact_uid"]} for r in rows]
    verdict = check("fact_rate_enriched", tmp_path, {"fact_rate_enriched": rows, "fact_rate": facts})
    con = duckdb.connect()
    con.execute(f"CREATE VIEW fact_rate_enriched AS {select('fact_rate_enriched', rows)}")
    found = suites.failing_rows(FOLDER / "fact_rate_enriched.json", verdict, "fact_rate_enriched", con)
    told = {reason.split(":")[0]: con.sql(f"SELECT fact_uid, state FROM ({text})").fetchall() for reason, text in found}
    assert told == {"payer_slug": [("f2", "TX")], "negotiated_rate": [("f1", "GA")]}

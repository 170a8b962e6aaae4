"""No reference table may double a fact: whatever is staged, each of its keys is unique, or the files are refused.

Duplicate, overlapping, contradicting and missing rows of every staged reference table, through the transforms that make
the tables which facts are joined to; `run` itself checks that no key stands twice. That the join keeps the number of
facts for any rows of those tables is shown in test_fact_rate_enriched.py.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import bench_tables
import enriched_tables
import reference_tables
from pipeline import errors, tables

MONTH = "2025-08"


def rows(base: dict, **choices: list) -> list[dict]:
    """Every combination of these values in a row."""
    found = [base]
    for name, values in choices.items():
        found = [row | {name: value} for row in found for value in values]
    return found


DAYS, FILES = ["2025-07-01", "2025-01-01", "2024-07-01"], ["a", "b", "c"]
FIGURES = {"pe_rvu_facility": "0.5", "mp_rvu": "0", "conversion_factor": "10"}
FIGURES |= {
    "opps_pe_nonfacility": "0",
    "opps_pe_facility": "0",
    "opps_mp": "0",
    "released": "2024-12-01",
    "release": "R",
}
FEES = {
    "staged_pfs_rvu": rows(
        FIGURES | {"pe_rvu_nonfacility": "1"}, code=["99213"], modifier=["", "26"], status=["A", "X"], work_rvu=["1", "1.0", "2"],
        effective_from=DAYS, source_file=FILES,
    ),
    "staged_gpci": rows(
        {"carrier": "1", "mp_gpci": "1", "work_gpci_floor": "1"}, locality=["01", "02"], state=["TX", "OK"], pe_gpci=["1", "1.000"],
        effective_from=DAYS[:2], source_file=FILES,
    ),
    "staged_anesthesia": rows(
        {"carrier": "1", "locality": "01", "national_factor": "20"}, anesthesia_factor=["20", "21"], effective_from=DAYS[1:2], source_file=FILES
    ),
    "staged_anesthesia_base": rows({"code": "99213"}, base_units=["5", "6"], effective_from=DAYS[1:2], source_file=FILES),
    "staged_zip_locality": rows({"zip_code": "75001", "carrier": "1"}, locality=["01", "02"], effective_from=DAYS, source_file=FILES),
    "staged_opps": rows(
        {"weight": "1", "release": "R"}, code=["99213", "J1100"], si=["S", "K"], payment_rate=["100", "100.00", None],
        effective_from=DAYS, source_file=FILES,
    ),
    "staged_asc": rows(
        {"payment_weight": "1", "release": "R"}, code=["99213"], pi=["A2", "J8"], payment_rate=["100", "100.00", None],
        effective_from=DAYS, source_file=FILES,
    ),
    "staged_asc_device": rows({"code": "99213"}, device_portion=["10", "11"], effective_from=DAYS[1:], source_file=FILES),
    "staged_wage_index": rows(
        {}, schedule=["", "OPPS", "ASC"], state=["TX"], cbsa=["1", "2"], listing=[1, 2], wage_index=["1", "1.0", "0.9"], effective_from=DAYS[:2], source_file=FILES,
    ),
    "staged_wcfs": rows(
        {"release": "R"}, state=["TX", "OK"], code_type=["CPT"], code=["99213"], modifier=["", "26"], amount=["1", "1.00", "2"],
        effective_from=DAYS, source_file=FILES,
    ),
}  # fmt: skip
# What two files of one day must agree on: table -> key, values.
AGREE = {
    "staged_pfs_rvu": ("code modifier", "status work_rvu"),
    "staged_gpci": ("carrier locality", "state pe_gpci"),
    "staged_anesthesia": ("carrier locality", "anesthesia_factor"),
    "staged_anesthesia_base": ("code", "base_units"),
    "staged_zip_locality": ("zip_code", "locality"),
    "staged_opps": ("code", "si payment_rate"),
    "staged_asc": ("code", "pi payment_rate"),
    "staged_asc_device": ("code", "device_portion"),
    "staged_wage_index": ("schedule state cbsa listing", "wage_index"),
    "staged_wcfs": ("state code_type code modifier", "amount"),
}
PHYSICIAN = ("staged_pfs_rvu", "staged_gpci", "staged_anesthesia", "staged_anesthesia_base")
OPPS = ("staged_opps", "staged_wage_index")
ASC = ("staged_asc", "staged_asc_device", "staged_wage_index")
BENCHES = {
    "bench_medicare_prof_detail": (*PHYSICIAN, "staged_zip_locality"),
    "bench_medicare_prof": PHYSICIAN,
    "bench_opps": OPPS,
    "bench_asc": ASC,
    "bench_asc_area": ASC,
    "bench_wcfs": ("staged_wcfs",),
    "bench_medicare_comprehensive": (*PHYSICIAN, *OPPS, *ASC),
}
# Shrinking runs a transform some hundred times; what is found is small enough to read.
FEW = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def draw(data: st.DataObject, table: str, pool: list[dict]) -> list[dict]:
    """Some rows of a table, one for each of its keys: within a file the reader, within a table the gate sees to that."""
    key = tables.get(table).key
    drawn = data.draw(st.lists(st.sampled_from(pool), max_size=10), label=table)
    return list({tuple(row.get(c) for c in key): row for row in drawn}.values())


def contradictory(name: str, staged: list[dict]) -> bool:
    """Whether one key of a day has two values; 1 and 1.00 are one."""
    key, values = (part.split() for part in AGREE[name])
    seen: dict[tuple, set] = {}
    for row in staged:
        said = tuple(Decimal(row[v]) if row[v] and row[v][0].isdigit() and v != "locality" else row[v] for v in values)
        seen.setdefault((row["effective_from"], *(row[k] for k in key)), set()).add(said)
    return any(len(said) > 1 for said in seen.values())


def agreeing(name: str, staged: list[dict]) -> list[dict]:
    """The rows, those of one key and day with the values of the first: what copies of a release under two names give."""
    key, values = (part.split() for part in AGREE[name])
    first: dict[tuple, dict] = {}
    return [
        row | {v: first.setdefault((row["effective_from"], *(row[k] for k in key)), row)[v] for v in values}
        for row in staged
    ]


def test_every_staged_fee_schedule_that_a_benchmark_reads_is_varied():
    kept_for_checking = {"staged_opps_cap", "staged_locality_county", "staged_opps_apc", "staged_opps_device"}
    assert set(FEES) == set(AGREE) == {t.name for t in bench_tables.FEES} - kept_for_checking
    assert {name for needed in BENCHES.values() for name in needed} == set(FEES)
    assert set(BENCHES) == {name for name in tables.load() if name.startswith("bench_")}


@pytest.fixture(scope="module")
def fees():
    with bench_tables.connection(MONTH) as con:
        yield con


@pytest.fixture(scope="module")
def references():
    with reference_tables.connection() as con:
        yield con


@pytest.mark.parametrize("name", BENCHES)
@FEW
@given(data=st.data())
def test_a_benchmark_has_one_price_a_key_or_its_files_are_refused(fees, name, data):
    con = fees  # one for all: every table that is read is staged anew
    drawn = {table: draw(data, table, FEES[table]) for table in BENCHES[name]}
    if data.draw(st.booleans(), label="copies of one release"):
        drawn = {table: agreeing(table, staged) for table, staged in drawn.items()}
    for table, staged in drawn.items():
        bench_tables.stage(con, table, staged)
    if any(contradictory(table, staged) for table, staged in drawn.items()):
        with pytest.raises(errors.SourceError, match=r"both hold from|holds from"):
            bench_tables.run(con, name)
    else:
        bench_tables.run(con, name)


# What the registry, geography, code and place tables are made of, and the tables that facts are joined to.
PLACE = {"country_code": "US", "place_name": "x"}
REFERENCES = {
    "dim_npi_address_geolocation": {
        "dim_npi_address": rows({"npi": "1", "address_purpose": "LOCATION", "country_code": "US"}, address_hash=["h", "i"], address_purpose=["LOCATION", "MAILING"], postal_code=["75001", None], state=["TX", None]),
        "staged_zip_cbsa": rows({"zip": "75001"}, cbsa_code=["19100", "99999"], res_ratio=[0.0, 1.0], tot_ratio=[0.5], release=["2025-03", "2025-06", None], source_file=FILES),
        "staged_zip_county": rows({"zip": "75001"}, county_fips=["48113", "48085", None], res_ratio=[None, 1.0], source_row=[1, 2], source_file=FILES),
        "staged_zip_place": rows(PLACE | {"zip": "75001", "state": "TX"}, latitude=[32.9, 33.0], longitude=[-96.8], county_fips=["48113", None], accuracy=[1, 4], source_row=[1, 2], source_file=FILES),
        "staged_cbsa_county": rows({"county_fips": "48113"}, cbsa_code=["19100", "11111"], cbsa_title=["Dallas", "Else"], county_name=["Dallas County", None], source_file=FILES),
        "staged_geocode": rows({"address_id": "h"}, match=["Match", "Tie"], match_type=["Exact", None], latitude=[1.0], longitude=[2.0], county_fips=["48113", None], source_row=[1, 2], source_file=FILES),
    },
    "dim_npi": {
        "staged_member": rows({"pg_members_uid": "m", "tin_type": "ein", "tin_value": "1"}, npi=["1", "2"]),
        "staged_nppes": rows({"npi": "1"}, enumeration_type=["NPI-1", None], status=["A", "D"], source_kind=["monthly", "api", "deactivation"], source_date=["2024-01-01", "2025-01-01", None], source_row=[1, 2], source_file=FILES),
        "staged_taxonomy": rows({"taxonomy_code": "207Q00000X"}, description=["x", "y"], release=["25.0", None], source_file=FILES),
    },
    "dim_npi_address": {
        "dim_npi": [{"npi": "1"}],
        "staged_nppes": rows({"npi": "1", "enumeration_type": "NPI-1"}, source_kind=["monthly", "api"], source_date=["2024-01-01", "2025-01-01"], source_row=[1, 2], source_file=FILES),
        "staged_nppes_address": rows({"npi": "1"}, address_purpose=["LOCATION", "MAILING"], address_hash=["h", "i"], position=[1, 2], source_kind=["monthly", "locations", "api"], source_date=["2024-01-01", "2025-01-01"], source_row=[1, 2], source_file=FILES),
    },
    "dim_code_cat": {
        "dim_code_cat_history": rows({"proc_cd": "99213"}, effective_from=DAYS, procedure_set=["a", "b"]),
    },
    "dim_pos": {
        "staged_pos_code": rows({}, pos=["05", "10", "11"], facility=[True, False, None], pos_name=["Unassigned", None], source_file=FILES),
    },
    "xref_pos": {
        "dim_pos_set": rows({"pos_set_id": "p"}, pos_members=[["11"], ["CSTM-00"], ["11", "CSTM-00"]]),
        "staged_pos_code": rows({}, pos=["11", "21"], facility=[True, False, None], source_file=FILES),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
@FEW
@given(data=st.data())
def test_a_reference_table_has_one_row_a_key(references, name, data):
    con = references
    for table, pool in REFERENCES[name].items():
        reference_tables.stage(con, table, draw(data, table, pool))
    reference_tables.run(con, name)


def test_the_join_is_tried_with_every_table_that_facts_are_joined_to():
    assert set(enriched_tables.POOL) == set(enriched_tables.VIEWS) - {"fact_rate"}

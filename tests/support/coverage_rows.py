"""What the tests of coverage share: literal enriched rows and facts, and the same counts by plain loops."""

from __future__ import annotations

import polars as pl

from pipeline import partition, tables
from pipeline.storage import duck
from pipeline.transforms import coverage
from pipeline.transforms.mending import Mending

KEYS = partition.KEYS
BASE = {
    **{"year_month": "2025-08", "state": "GA", "payer_slug": "acme", "billing_class": "professional"},
    **{"code_type": "CPT", "code": "99213", "procedure_set": "E", "pg_uid": "g", "pg_members_uid": "m"},
    **{"npi": "1003000126", "status": "A", "group_npi_count": 1, "stat_area_code": "12060", "county_fips": "13121"},
    **{"negotiated_rate": 100.0, "negotiated_dollars": 100.0, "negotiated_type": "negotiated"},
    **{"negotiation_arrangement": "ffs", "tin_type": "ein", "tin_value": "1", "tin_name": "Acme"},
    **{"stat_area_name": "Atlanta", "is_geocoded": True, "primary_taxonomy_code": "207Q00000X"},
}
NOWHERE = {"stat_area_code": "00000", "county_fips": "00000", "stat_area_name": "Unknown", "is_geocoded": False}
NOBODY = {**NOWHERE, "npi": None, "status": None, "group_npi_count": None, "primary_taxonomy_code": None}


def row(uid: str, **changed) -> dict:
    """An enriched row with a Medicare rate, unless `benchmark_reason` is given."""
    return BASE | {"fact_uid": uid} | changed


def answer(
    rows: list[dict], folders: dict[str, str] | None = None, withheld=(), mending=None, undecided: int = 0, names=()
):
    """(coverage, coverage_gap, [kind, reason, facts]) of enriched rows, as dicts in the tables' order. `folders` is fact ->
    the folder of its file, where that is another than the row's state; `undecided` facts of GA's file leave their class open. `names` are the publishers
    of the facts in order, where they are others than Acme.
    """
    con = duck.connect(threads=2)
    facts = [{"fact_uid": one["fact_uid"], "state": (folders or {}).get(one["fact_uid"], one["state"])} for one in rows]
    names = names or ["Acme"] * len(facts)
    facts = [
        {**one, "batch_id": one["state"] or "GA", "reporting_entity_name": name}
        for one, name in zip(facts, names, strict=True)
    ]
    checks = [{"year_month": "2025-08", "batch_id": "GA", "class_undecided": undecided}]
    for name, given in (("fact_rate_enriched", rows), ("fact_rate", facts), ("source_price_check", checks)):
        schema = tables.get(name).polars_schema()
        frame = pl.DataFrame([{c: one.get(c) for c in schema} for one in given], schema=schema)
        con.register(f"{name}_given", frame.to_arrow())
        duck.view(con, name, f"SELECT * FROM {name}_given")
    found = []
    for name, select in (
        ("coverage", coverage.build(con, KEYS, withheld)),
        ("coverage_gap", coverage.gaps(con, KEYS, withheld, mending or (lambda kind, reason: Mending()))),
    ):
        columns = ", ".join(tables.get(name).columns)
        order = ", ".join(f"{c} NULLS FIRST" for c in tables.get(name).sort)
        found.append(con.sql(f"SELECT {columns} FROM ({select}) ORDER BY {order}").pl().to_dicts())
    return *found, coverage.by_reason(con)

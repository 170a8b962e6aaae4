"""Enriched rows of a few literal tables: facts in, rows out."""

from __future__ import annotations

import hashlib

import polars as pl

from enriched_tables import MONTH, VIEWS, WORLD, pos_id
from pipeline import tables
from pipeline.storage import duck
from pipeline.transforms import fact_rate_enriched


def fact(**values) -> dict:
    """A professional office visit in Texas, $150.00."""
    row = {
        "state": "TX",
        "year_month": MONTH,
        "reporting_entity_name": "Evry Health",
        "billing_class": "professional",
        "code_type": "CPT",
        "code": "99213",
        "pg_uid": "g1",
        "pos_set_id": pos_id("11"),
        "negotiated_type": "negotiated",
        "negotiation_arrangement": "ffs",
        "negotiated_rate": 150.0,
        "pg_members_uid": "m1",
        "batch_id": "b1",
        "source_count": 1,
    } | values
    return {"fact_uid": hashlib.md5(repr(sorted(row.items(), key=str)).encode()).hexdigest()} | row


def connection(month: str, fill: bool, threads: int, given_rows: dict[str, list[dict]]):
    """A connection on which the transform sees these tables; tables not given are empty."""
    con = duck.connect(threads=threads)
    con.execute(f"SET VARIABLE year_month = {duck.literal(month)}")
    con.execute(f"SET VARIABLE fill_coordinates = {duck.literal(fill)}")
    for name in VIEWS:
        schema = tables.get(name).polars_schema()
        rows = [tuple(row.get(c) for c in schema) for row in given_rows.get(name, [])]
        con.register(f"{name}_rows", pl.DataFrame(rows, schema, orient="row").to_arrow())
        duck.view(con, name, f"SELECT * FROM {name}_rows")
    return con


def enrich(month: str = MONTH, fill: bool = True, threads: int = 2, **given_rows: list[dict]) -> list[dict]:
    """The enriched rows of these tables, sorted as declared, nulls first."""
    declared = tables.get("fact_rate_enriched")
    with connection(month, fill, threads, given_rows) as con:
        answer = con.sql(fact_rate_enriched.build(con))
        assert dict(zip(answer.columns, map(str, answer.types), strict=True)) == declared.duckdb_columns
        assert answer.columns == list(declared.columns)
        found = [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]
    return sorted(found, key=lambda r: tuple((r[c] is not None, r[c]) for c in declared.sort))


def one(month: str = MONTH, fill: bool = True, facts: dict | None = None, **changed) -> dict:
    """The one enriched row of one fact in WORLD, with some tables changed."""
    (row,) = enrich(month, fill, **(WORLD | {"fact_rate": [fact(**(facts or {}))]} | changed))
    return row


def several(facts: list[dict], **changed) -> list[dict]:
    """The enriched rows of several facts in WORLD, in the order of the facts, which must differ."""
    given_facts = [fact(**one_of) for one_of in facts]
    rows = {row["fact_uid"]: row for row in enrich(**(WORLD | {"fact_rate": given_facts} | changed))}
    return [rows[one_of["fact_uid"]] for one_of in given_facts]


def part(row: dict, columns: str) -> tuple:
    return tuple(row[c] for c in columns.split())

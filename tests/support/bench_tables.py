"""What the tests of the benchmark tables share: staging literal rows, running a transform, reading the answer."""

from __future__ import annotations

import importlib

import duckdb
import polars as pl

from pipeline import naming, tables
from pipeline.storage import duck

FEES = [t for t in tables.load().values() if t.folder in ("staged/medicare", "staged/wcfs")]


def connection(month: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection on which every staged fee-schedule table is there and empty."""
    con = duckdb.connect(":memory:", config={"memory_limit": "1GB", "threads": 2})
    con.execute(naming.MACROS)
    if month is not None:
        con.execute(f"SET VARIABLE year_month = {duck.literal(month)}")
    for table in FEES:
        duck.view(con, table.name, duck.empty(table))
    return con


def stage(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame | list[dict]) -> None:
    """Make a staged table hold these rows; columns that a literal leaves out are null."""
    schema = tables.get(name).polars_schema()
    if isinstance(frame, list):
        frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in frame], schema=schema)
    assert dict(frame.schema) == dict(schema)
    con.register(f"{name}_rows", frame.to_arrow())
    con.execute(f"CREATE OR REPLACE TABLE main.{name}_kept AS FROM {name}_rows")
    duck.view(con, name, f"SELECT * FROM main.{name}_kept")


def run(con: duckdb.DuckDBPyConnection, name: str, into: str | None = None) -> list[tuple]:
    """The rows of a benchmark table in its order, as the stage would publish them; kept as table `into` if named."""
    table = tables.get(name)
    select = importlib.import_module(f"pipeline.transforms.{name}").build(con)
    columns = ", ".join(f"CAST({c} AS {kind}) AS {c}" for c, kind in table.duckdb_columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into or 'answer'} AS SELECT {columns} FROM ({select}) answer")
    key = ", ".join(table.key)
    twice = rows(con, f"SELECT {key} FROM {into or 'answer'} GROUP BY {key} HAVING count(*) > 1")
    assert not twice, f"{name}: keys that stand twice: {twice[:5]}"
    return [] if into else rows(con, f"FROM answer ORDER BY {', '.join(table.sort)}")


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    """What a query answers."""
    return con.execute(query).fetchall()


ASC_DAY = {"effective_from": "2025-01-01", "source_file": "aa.csv", "release": "addenda 2025-01"}


def asc(items, areas, devices=(), month="2025-02", table="bench_asc"):
    """The rows of bench_asc, or of the table by area, for staged (code, indicator, rate), areas and (code, device portion)."""
    con = connection(month)
    stage(con, "staged_asc", [{"code": c, "pi": pi, "payment_rate": rate} | ASC_DAY for c, pi, rate in items])
    stage(con, "staged_asc_device", [{"code": c, "device_portion": d} | ASC_DAY for c, d in devices])
    stage(con, "staged_wage_index", [asc_area(*one) for one in areas])
    return run(con, table)


def asc_area(state, cbsa, index, listing=1):
    """A row of an ASC wage index."""
    return {"state": state, "cbsa": cbsa, "wage_index": index, "schedule": "ASC", "listing": listing} | ASC_DAY

"""What the tests of registry, geography and code tables share: staging literal rows, running a transform's SQL."""

from __future__ import annotations

import duckdb
import polars as pl

from pipeline import tables
from pipeline.storage import duck

_FOLDERS = ("staged/nppes", "staged/geo", "staged/codes", "staged/pos", "staged/star", "staged/toc")
STAGED = [t for t in tables.load().values() if t.folder in _FOLDERS]
UPSTREAM = [
    tables.get(n) for n in ("staged_member", "dim_npi", "dim_npi_address", "dim_pos_set", "dim_code_cat_history")
]


def connection(**variables: str) -> duckdb.DuckDBPyConnection:
    """A connection on which every table that these transforms read is there and empty."""
    con = duck.connect(threads=2)
    for name, value in variables.items():
        con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
    for table in (*STAGED, *UPSTREAM):
        duck.view(con, table.name, duck.empty(table))
    return con


def stage(con: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame | list[dict]) -> None:
    """Make a table hold these rows; columns that a literal leaves out are null."""
    schema = tables.get(name).polars_schema()
    if isinstance(rows, list):
        unknown = {c for row in rows for c in row} - set(schema)
        assert not unknown, f"{name} has no column {unknown}"
        rows = pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)
    assert dict(rows.schema) == dict(schema)
    con.register(f"{name}_rows", rows.to_arrow())
    con.execute(f"CREATE OR REPLACE TABLE main.{name}_kept AS FROM {name}_rows")
    duck.view(con, name, f"SELECT * FROM main.{name}_kept")


def run(con: duckdb.DuckDBPyConnection, name: str, *columns: str) -> list[tuple]:
    """The rows of a table in its order (some columns if named), as the stage would publish them; its key is unique."""
    table = tables.get(name)
    typed = ", ".join(f"CAST({c} AS {kind}) AS {c}" for c, kind in table.duckdb_columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE answer AS SELECT {typed} FROM ({duck.sql(name + '.sql')}) answer")
    key = ", ".join(table.key)
    twice = con.execute(f"SELECT {key} FROM answer GROUP BY {key} HAVING count(*) > 1").fetchall()
    assert not twice, f"{name}: keys that stand twice: {twice[:5]}"
    unkeyed = " OR ".join(f"{c} IS NULL" for c in table.key)
    assert con.execute(f"SELECT count(*) FROM answer WHERE {unkeyed}").fetchone() == (0,)
    return con.execute(f"SELECT {', '.join(columns) or '*'} FROM answer ORDER BY {', '.join(table.sort)}").fetchall()

"""What the tests of facts, dimensions and cross-references share: literal staged rows of in-network files, by file."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

import duckdb
import polars as pl

from pipeline import naming, tables
from pipeline.storage import duck

STAGED = [t for t in tables.load().values() if t.folder == "staged/in_network"]
STARS = [t for t in tables.load().values() if t.folder in ("staged/star", "staged/star_month")]
SOURCE = tables.get("dim_source_file")


def batch(file: str) -> str:
    """The batch of a file, by its path under raw/mrf."""
    return naming.md5_of(file)


def connection(**variables: str) -> duckdb.DuckDBPyConnection:
    """A connection on which every view that these transforms read is there and empty."""
    con = duck.connect(threads=2)
    for name, value in variables.items():
        con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
    for table in STAGED:
        known = "CAST(NULL AS VARCHAR) AS batch_id, CAST(NULL AS BIGINT) AS row_ix"
        duck.view(con, table.name, f"SELECT {known}, * FROM ({duck.empty(table)})")
    for table in STARS:
        duck.view(con, table.name, duck.empty(table))
    duck.view(con, "source_file", duck.empty(SOURCE))
    return con


def stage(con: duckdb.DuckDBPyConnection, name: str, rows: list[dict]) -> None:
    """Make a view hold these rows. What a literal leaves out is null; `file` says whose rows staged ones are."""
    declared = SOURCE if name == "source_file" else tables.get(name)
    schema = dict(declared.polars_schema())
    if declared in STAGED:
        schema = {"batch_id": pl.String, "row_ix": pl.Int64, **schema}
        places: dict[str, Iterator[int]] = defaultdict(itertools.count)
        rows = [
            {"row_ix": next(places[row["file"]]), **{k: v for k, v in row.items() if k != "file"}}
            | {"batch_id": batch(row["file"])}
            for row in rows
        ]
    if name == "source_file":
        rows = [{"batch_id": batch(row["file"]), **row} for row in rows]
    unknown = {c for row in rows for c in row} - set(schema)
    assert not unknown, f"{name} has no column {unknown}"
    frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)
    con.register(f"{name}_rows", frame.to_arrow())
    con.execute(f"CREATE OR REPLACE TABLE main.{name}_kept AS FROM {name}_rows")
    duck.view(con, name, f"SELECT * FROM main.{name}_kept")


def stage_rates(con: duckdb.DuckDBPyConnection, prices: list[dict], owners: list[dict], groups: list[dict]) -> None:
    """Make the five views of rates hold prices, each with what its item and its terms say, and owners by their pg_uid."""
    rows = [{"file": price["file"]} for price in prices]
    for name in ("item", "terms"):
        columns = [c for c in tables.get(f"staged_{name}").columns if not c.endswith("_ix")]
        said = [(price["file"], *(price.get(c) for c in columns)) for price in prices]
        numbers = {one: n for n, one in enumerate(dict.fromkeys(said))}
        rows = [{**row, f"{name}_ix": numbers[one]} for row, one in zip(rows, said, strict=True)]
        listed = [{f"{name}_ix": n, **dict(zip(("file", *columns), one, strict=True))} for one, n in numbers.items()]
        stage(con, f"staged_{name}", listed)
    amounts = ({c: price[c] for c in ("object_ix", "negotiated_rate")} for price in prices)
    stage(con, "staged_price", [row | amount for row, amount in zip(rows, amounts, strict=True)])
    place = {(g["file"], g["pg_uid"]): n for n, g in enumerate(groups)}
    stage(con, "staged_group", [{"group_ix": n, **g} for n, g in enumerate(groups)])
    numbered = [{**o, "group_ix": place[o["file"], o["pg_uid"]]} for o in owners]
    stage(con, "staged_owner", [{k: v for k, v in o.items() if k != "pg_uid"} for o in numbered])


def answer(con: duckdb.DuckDBPyConnection, name: str, select: str | None = None) -> list[dict]:
    """The rows of a table in its order, as the stage would publish them; its key is unique and never null."""
    table = tables.get(name)
    typed = ", ".join(f"CAST({c} AS {kind}) AS {c}" for c, kind in table.duckdb_columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE answer AS SELECT {typed} FROM ({select or duck.sql(name + '.sql')})")
    key = ", ".join(table.key)
    assert con.sql(f"SELECT {key} FROM answer GROUP BY ALL HAVING count(*) > 1").fetchall() == []
    rows = con.sql(f"FROM answer ORDER BY {', '.join(f'{c} NULLS FIRST' for c in table.sort)}")
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]


def publish_facts(con: duckdb.DuckDBPyConnection, facts: list[dict]) -> None:
    """Make the view fact_rate hold these facts, all columns of each."""
    frame = pl.DataFrame(facts, dict(tables.get("fact_rate").polars_schema()))
    con.register("fact_rate_rows", frame.to_arrow())
    con.execute("CREATE OR REPLACE TABLE main.fact_rate_kept AS FROM fact_rate_rows")
    duck.view(con, "fact_rate", "SELECT * FROM main.fact_rate_kept")

"""DuckDB connections as this project uses them: bounded, deterministic, with our macros and typed inputs.

What belongs here: opening a connection, naming files to DuckDB (with `database` the only module that does), registering a
table's files as a view, loading a transform's SQL. What must not come in: a query about any one table (that is a file
under `transforms/sql`), database files (`database`), Luigi, GX.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import duckdb

from pipeline import naming
from pipeline.file_names import literal_path, whole_path
from pipeline.tables import Table


def connect(memory: str = "1GB", threads: int = 1, scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in memory that never takes more than `memory`, and spills into `scratch` instead."""
    con = duckdb.connect(":memory:", config={"memory_limit": memory, "threads": threads})
    if scratch is not None:
        con.execute(f"SET temp_directory = {literal(whole_path(scratch))}")
    con.execute("SET enable_progress_bar = false")
    con.execute("SET autoinstall_known_extensions = false")  # a build never uses the network
    con.execute(naming.MACROS)
    return con


def parquet_files(given: Path | Iterable[Path], *, numbered: bool = False) -> str:
    """The rows of Parquet files, to write after FROM; `numbered` ones have a column file_row_number, from 0."""
    listed = [given] if isinstance(given, Path) else list(given)
    more = ", file_row_number = true" if numbered else ""
    return f"read_parquet({literal([literal_path(path) for path in listed])}, hive_partitioning = false{more})"


def csv_file(path: Path, options: str) -> str:
    """The rows of a CSV file, to write after FROM; `options` are those of DuckDB, in SQL."""
    return f"read_csv({literal(literal_path(path))}, hive_partitioning = false, {options})"


def write_parquet(con: duckdb.DuckDBPyConnection, select: str, path: Path, options: str = "") -> None:
    """Write the rows of a SELECT to a Parquet file; `options` are DuckDB's, as they are written in SQL."""
    con.execute(f"COPY ({select}) TO {literal(whole_path(path))} (FORMAT parquet{options and f', {options}'})")


def literal(value: object) -> str:
    """A value as a SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def empty(table: Table) -> str:
    """A SELECT with the table's columns and no row."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in table.duckdb_columns.items())
    return f"SELECT {columns} WHERE FALSE"


def scan(table: Table, given: Iterable[Path]) -> str:
    """A SELECT over the files of a table, empty with its schema when there is none. No Hive column is inferred."""
    listed = list(given)
    if not listed:
        return empty(table)
    columns = ", ".join(identifier(c) for c in table.columns)
    return f"SELECT {columns} FROM {parquet_files(listed)}"


def view(con: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """Register a SELECT under a name."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS {select}")


@functools.cache
def sql(name: str) -> str:
    """The text of `transforms/sql/<name>`."""
    return (files("pipeline") / "transforms" / "sql" / name).read_text(encoding="utf-8")

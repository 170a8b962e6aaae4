"""DuckDB connections as this project uses them: bounded, deterministic, with our macros and typed inputs.

What belongs here: opening a connection, registering a table's files as a view, loading a transform's SQL.
What must not come in: a query about any one table (that is a file under `transforms/sql`), Luigi, GX.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb

from pipeline import naming
from pipeline.tables import Table


def connect(memory: str = "1GB", threads: int = 1, scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in memory that never takes more than `memory`, and spills into `scratch` instead."""
    con = duckdb.connect(":memory:", config={"memory_limit": memory, "threads": threads})
    if scratch is not None:
        con.execute(f"SET temp_directory = {literal(str(scratch))}")
    con.execute("SET enable_progress_bar = false")
    con.execute("SET autoinstall_known_extensions = false")  # a build never uses the network
    con.execute(naming.MACROS)
    return con


@contextmanager
def new_database(path: Path, storage: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that writes a new database file, in the format of a version of DuckDB (`v1.2.0`), whole when it ends."""
    with duckdb.connect(":memory:") as con:
        con.execute(f"ATTACH {literal(str(path))} AS made (STORAGE_VERSION {literal(storage)})")
        con.execute("USE made")
        yield con
        con.execute("USE memory")
        con.execute("DETACH made")


def read_database(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection that reads a database file."""
    return duckdb.connect(str(path), read_only=True)


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


def scan(table: Table, paths: Iterable[Path | str]) -> str:
    """A SELECT over the files of a table, empty with its schema when there is none. No Hive column is inferred."""
    names = [str(p) for p in paths]
    if not names:
        return empty(table)
    columns = ", ".join(identifier(c) for c in table.columns)
    return f"SELECT {columns} FROM read_parquet({literal(names)}, hive_partitioning = false)"


def view(con: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """Register a SELECT under a name."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS {select}")


@functools.cache
def sql(name: str) -> str:
    """The text of `transforms/sql/<name>`."""
    return (files("pipeline") / "transforms" / "sql" / name).read_text(encoding="utf-8")

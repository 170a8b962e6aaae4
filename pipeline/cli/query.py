"""`ratehouse query`: asking the catalog a question in SQL.

What belongs here: asking, and printing an answer. What must not come in: a view or a macro (`catalog` makes them),
whether the catalog can be read (`catalog_file` opens it).
"""

from __future__ import annotations

import csv
import sys

import click

from pipeline import errors, session
from pipeline.cli import lines
from pipeline.storage import catalog_file


@click.command()
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Every row, as CSV with a heading.")
def query(sql: str, as_csv: bool) -> None:
    """Ask the catalog in SQL (DuckDB's), reading only.

    A long answer is cut in its middle, and says so; --csv gives all of it.

    \b
    Example: ratehouse query 'SELECT table_name, rows FROM table_files'
    """
    import duckdb

    try:
        with catalog_file.opened(session.current()) as con:
            answer = con.sql(sql)
            if answer is None:
                raise errors.UsageError(
                    f"{sql!r} gives no rows", remedy="ask for some, such as: ratehouse query 'SHOW TABLES'"
                )
            if as_csv:
                _write_csv(answer)
            else:
                answer.show(max_width=None if sys.stdout.isatty() else lines.WIDTH)
    except duckdb.Error as problem:
        remedy = "SHOW TABLES lists what there is" if isinstance(problem, duckdb.CatalogException) else None
        raise errors.UsageError(f"DuckDB refuses it: {problem}", remedy=remedy) from problem


def _write_csv(answer) -> None:
    """Rows as DuckDB spells them, null as nothing."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(answer.columns)
    text = answer.query("answer", "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM answer")
    for batch in text.to_arrow_reader(10_000):
        out.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))

"""`ratehouse status | why | partitions | sources | verify | docs`: looking, without building."""

from __future__ import annotations

import json
import sys
import webbrowser

import click

from pipeline import errors, paths

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def _begin():
    from pipeline import inspection

    inspection.begin()
    return inspection


def _print(rows: list[dict], as_json: bool, columns: dict[str, str]) -> None:
    """Rows as JSON lines, or as a table of some columns (name -> heading) that fits the terminal."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, heading in columns.items():
        number = any(isinstance(row[name], int) for row in rows)
        table.add_column(heading, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in rows:
        cells = [row[name] for name in columns]
        table.add_row(*("" if c is None else f"{c:,}" if isinstance(c, int) else str(c) for c in cells))
    Console(width=None if sys.stdout.isatty() else 80, highlight=False, markup=False).print(table)


@click.command()
@AS_JSON
def status(as_json: bool) -> int:
    """Say what is built, missing, stale or failed; exit 1 when anything is.

    \b
    Example: ratehouse status --json
    """
    rows = _begin().status()
    _print(rows, as_json, {"table": "table", "month": "month", "state": "state", "rows": "rows", "reason": "reason"})
    return 0 if all(row["state"] in ("built", "passed over") for row in rows) else 1


@click.command()
@click.argument("target")
def why(target: str) -> None:
    """Say why TARGET would be built again: a table, table:YYYY-MM, a path or a partition.

    \b
    Example: ratehouse why fact_rate:2025-08
    """
    click.echo(_begin().why(target))


@click.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month.")
@AS_JSON
def partitions(month: str | None, as_json: bool) -> None:
    """List the leaves of the enriched tree, withheld ones with their reason.

    \b
    Example: ratehouse partitions --month 2025-08 --json
    """
    from pipeline import building

    inspection = _begin()
    building._known_months([month] if month else None)
    rows = list(inspection.partitions(month))
    for row in rows:  # never wrapped by us: a name is there to be copied
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            withheld = f"  WITHHELD: {row['reason']}" if row["reason"] else ""
            click.echo(f"{row['month']} {row['rows']:>7,} {row['partition']}{withheld}")


@click.command()
@AS_JSON
def sources(as_json: bool) -> int:
    """List the in-network files with what was read of each; exit 1 when one is broken or unread.

    \b
    Example: ratehouse sources --json
    """
    rows = list(_begin().sources())
    columns = {"file": "file", "year_month": "month", "status": "status", "rates_read": "rates", "facts": "facts"}
    columns |= {"rejected": "rejected", "unresolved": "unresolved"}
    if any(row["reason"] for row in rows):
        columns["reason"] = "reason"
    _print(rows, as_json, columns)
    return 0 if all(row["status"] == "whole" for row in rows) else 1


@click.command()
@click.option("--deep", is_flag=True, help="Read every byte.")
@AS_JSON
def verify(deep: bool, as_json: bool) -> int:
    """Look for files that are missing, replaced, damaged or strange; exit 1 when there are any.

    \b
    Example: ratehouse verify --deep
    """
    rows = list(_begin().verify(deep))
    if rows or as_json:
        _print(rows, as_json, {"path": "path", "problem": "problem"})
    if not as_json:
        click.echo(f"{len(rows)} problems; ratehouse build mends what is missing or replaced" if rows else "no problems")
    return 1 if rows else 0


@click.command()
@click.option("--no-open", is_flag=True, help="Print the address only.")
def docs(no_open: bool) -> None:
    """Open the Data Docs: what every suite expects, and what the last build found.

    \b
    Example: ratehouse docs --no-open
    """
    index = paths.current().docs / "index.html"
    if not index.exists():
        raise errors.RatehouseError("there are no Data Docs yet", place=paths.current().path, remedy="ratehouse build")
    click.echo(index.as_uri())
    if not no_open:
        webbrowser.open(index.as_uri())

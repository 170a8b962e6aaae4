"""`ratehouse status | why | partitions | sources | verify | docs`: looking, without building."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterable

import click

from pipeline import errors, paths
from pipeline.cli import lines

SHOWN = ("rates_read", "facts", "duplicates", "rejected", "unresolved")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def _begin():
    from pipeline import inspection

    inspection.begin()
    return inspection


def _print_json(rows: Iterable[dict]) -> None:
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


@click.command()
@AS_JSON
def status(as_json: bool) -> int:
    """Say what is built, missing, stale or failed.

    Exit 1 when anything is not built.

    \b
    built     up to date
    stale     built, but its inputs, its settings or its code changed since
    missing   never built
    others    blocked, failed, broken, withheld: with the reason

    \b
    Example: ratehouse status --json
    """
    rows = _begin().status()
    if as_json:
        _print_json(rows)
    else:
        shown = [*_by_folder(rows), *(row for row in rows if not _is_sound_source(row))]
        cells = [[row["table"], row["month"] or "", row["state"], _number(row["rows"])] for row in shown]
        headings = [("table", "left"), ("month", "left"), ("state", "left"), ("rows", "right")]
        lines.table(headings, cells)
        for row in shown:
            if row["reason"]:
                name = " ".join(filter(None, (row["table"], row["month"])))
                click.echo(lines.wrapped(f"{row['state']}: {name}: {row['reason'].partition(chr(10))[0]}"))
    return 0 if all(row["state"] in ("built", "passed over") for row in rows) else 1


def _is_sound_source(row: dict) -> bool:
    return row["table"].startswith("staged/") and row["state"] == "built"


def _by_folder(rows: list[dict]) -> list[dict]:
    """One line for the files of each raw folder that are read and whole: a person looks for the others."""
    folders: dict[str, list[dict]] = {}
    for row in filter(_is_sound_source, rows):
        folders.setdefault("/".join(["raw", *row["table"].split("/")[1:2]]), []).append(row)
    return [
        {
            "table": f"{folder}: {lines.counted(len(files), 'file')}",
            "month": None,
            "state": "built",
            "rows": sum(f["rows"] or 0 for f in files),
            "reason": None,
        }
        for folder, files in folders.items()
    ]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


@click.command()
@click.argument("target")
def why(target: str) -> None:
    """Say why something would be built again.

    TARGET is a table, table:YYYY-MM, a path or a partition.

    \b
    Example: ratehouse why fact_rate:2025-08
    """
    click.echo(_begin().why(target))


@click.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month.")
@AS_JSON
def partitions(month: str | None, as_json: bool) -> None:
    """List the leaves of the enriched tree, withheld ones too.

    \b
    Example: ratehouse partitions --month 2025-08 --json
    """
    from pipeline import building

    inspection = _begin()
    building._known_months([month] if month else None)
    rows = inspection.partitions(month)
    if as_json:
        _print_json(rows)
        return
    click.echo("month      rows partition")
    for row in rows:  # a name is never wrapped: it is there to be copied
        click.echo(f"{row['month']} {row['rows']:>7,} {row['partition']}")
        if row["reason"]:
            click.echo(lines.wrapped(f"WITHHELD: {row['reason']}", " " * 16))


@click.command()
@AS_JSON
def sources(as_json: bool) -> int:
    """List the in-network files with what was read of each.

    Exit 1 when one is broken, skipped or unread.

    \b
    Example: ratehouse sources --json
    """
    rows = list(_begin().sources())
    if as_json:
        _print_json(rows)
    else:
        for row in rows:  # a name is never cut: it is there to be copied
            click.echo(row["file"])
            counts = [f"{row[name]:,} {name.removesuffix('_read')}" for name in SHOWN if row[name] is not None]
            click.echo(lines.wrapped("  ".join([row["year_month"] or "no month", row["status"], *counts]), "  "))
            if row["reason"]:
                click.echo(lines.wrapped(row["reason"], "  "))
        whole = sum(row["status"] == "whole" for row in rows)
        click.echo(f"{lines.counted(len(rows), 'file')}, {whole:,} whole")
    return 0 if all(row["status"] == "whole" for row in rows) else 1


@click.command()
@click.option("--deep", is_flag=True, help="Read every byte.")
@AS_JSON
def verify(deep: bool, as_json: bool) -> int:
    """Look for files that are missing, damaged or strange.

    Exit 1 when there are any.

    \b
    Example: ratehouse verify --deep
    """
    rows = list(_begin().verify(deep))
    if as_json:
        _print_json(rows)
    else:
        for row in rows:
            click.echo(row["path"])
            click.echo(lines.wrapped(row["problem"], "  "))
        found = f"{lines.counted(len(rows), 'problem')}; `ratehouse build` mends what is missing or replaced"
        click.echo(found if rows else "no problems")
    return 1 if rows else 0


@click.command()
@click.option("--no-open", is_flag=True, help="Print the address only.")
def docs(no_open: bool) -> None:
    """Open the Data Docs: what suites expect, and what was found.

    \b
    Example: ratehouse docs --no-open
    """
    index = paths.current().docs / "index.html"
    if not index.exists():
        raise errors.RatehouseError("there are no Data Docs yet", place=paths.current().path, remedy="ratehouse build")
    click.echo(index.as_uri())
    if not no_open:
        webbrowser.open(index.as_uri())

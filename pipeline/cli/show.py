"""`ratehouse status | why | partitions | sources | docs`: looking, without building.

What belongs here: the options of these commands, and tables of what was found. What must not come in: finding it
(`operations.status`).
"""

from __future__ import annotations

import json
import webbrowser
from collections import Counter
from collections.abc import Iterable

import click

from pipeline import errors, session
from pipeline.cli import lines, month_accounts, reference_warnings

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def _begin():
    from pipeline.operations import status as operation

    operation.begin()
    return operation


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
    stale     built, but its inputs, settings or code, or ratehouse, changed since
    missing   never built
    skipped   a file under raw/ that no reader takes; ignored: by [raw] ignore
    others    blocked, failed, broken, unreadable, withheld: with the reason

    \b
    Example: ratehouse status --json
    """
    from pipeline.operations.reference_warnings import warned

    rows = _begin().status()
    if as_json:
        _print_json(rows)
    else:
        plain = [row for row in rows if not (_is_plain_source(row) or _is_unread(row))]
        shown = [*_by_folder(rows), *plain, *_unread_by_folder(rows)]
        cells = [[row["table"], row["month"] or "", _state(row), _number(row["rows"])] for row in shown]
        headings = [("table", "left"), ("month", "left"), ("state", "left"), ("rows", "right")]
        lines.table(headings, cells)
        for line in [*_reasons([*shown, *filter(_is_unread, rows)]), *reference_warnings.by_file(warned())]:
            click.echo(lines.wrapped(line))
        built = [{"year_month": r["month"], "built": True, **r["accounts"]} for r in rows if r.get("accounts")]
        if built:
            month_accounts.show(built)
    fine = ("built", "skipped", "ignored")
    return 0 if all(row["state"] in fine and row["presence"] != "missing" for row in rows) else 1


def _state(row: dict) -> str:
    """A row's state; of a source that is used without its raw file, that it is."""
    return "archived" if row["presence"] == "archived" else "not seen" if row["presence"] == "missing" else row["state"]


def _is_plain_source(row: dict) -> bool:
    return row["table"].startswith("raw/") and row["state"] in ("built", "missing") and not row["reason"]


def _is_unread(row: dict) -> bool:
    return row["state"] in ("skipped", "ignored")


def _unread_by_folder(rows: list[dict]) -> list[dict]:
    """One line for the files of each folder under raw/ that are not read; their names follow with the reason."""
    counts = Counter((_folder_of(row["table"]), row["state"]) for row in filter(_is_unread, rows))
    empty = {"month": None, "rows": None, "reason": None, "presence": "here"}
    return [
        {"table": f"{folder}: {lines.counted(n, 'file')}", "state": state, **empty}
        for (folder, state), n in counts.items()
    ]


def _folder_of(name: str) -> str:
    """raw/<folder> of a file under it, as `status` names files."""
    parts = name.removeprefix("staged/").removeprefix("raw/").split("/")
    return f"raw/{parts[0]}" if len(parts) > 1 else "raw"


def _by_folder(rows: list[dict]) -> list[dict]:
    """One line for the files of each raw folder that are read and whole, or not read yet: a person looks for the others."""
    folders: dict[tuple[str, str], list[dict]] = {}
    for row in filter(_is_plain_source, rows):
        folders.setdefault((_folder_of(row["table"]), row["state"]), []).append(row)
    return [
        {
            "table": f"{folder}: {lines.counted(len(files), 'file')}",
            "month": None,
            "state": state,
            "rows": sum(f["rows"] or 0 for f in files) if state == "built" else None,
            "reason": "it was never read" if state == "missing" else None,
            "presence": "here",
        }
        for (folder, state), files in folders.items()
    ]


def _reasons(rows: list[dict]) -> list[str]:
    """`state: tables: reason`, once for all tables that have the same; what was never built waits for a build alone."""
    alike: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["reason"] and row["state"] != "missing":
            name = " ".join(filter(None, (row["table"], row["month"])))
            alike.setdefault((_state(row), row["reason"].partition("\n")[0]), []).append(name)
    found = [f"{state}: {', '.join(names)}: {reason}" for (state, reason), names in alike.items()]
    if any(row["state"] == "missing" for row in rows):
        found.append("missing: what was never built; make it with: ratehouse build")
    return found


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
    from pipeline.operations import build

    operation = _begin()
    build.known_months([month] if month else None)
    rows = operation.partitions(month)
    if as_json:
        _print_json(rows)
        return
    click.echo("month      rows partition")
    for row in rows:  # a name is never wrapped: it is there to be copied
        click.echo(f"{row['month']} {row['rows']:>7,} {row['partition']}")
        if row["reason"]:
            click.echo(lines.wrapped(f"WITHHELD: {row['reason']}", " " * 16))


@click.command()
@click.option("--warnings", is_flag=True, help="What to know of the files, by kind.")
@AS_JSON
def sources(warnings: bool, as_json: bool) -> int:
    """List the in-network files with what was read of each.

    Exit 1 when one is broken, skipped by --skip-broken, unread or missing, or a folder cannot be listed. Last are the
    files under raw/ that no reader takes.

    \b
    prices    price objects of the file: priced, rejected or without provider
    rates     prices x provider groups: facts, duplicates or rejected

    \b
    Example: ratehouse sources --json
    """
    operation = _begin()
    rows, unread = list(operation.sources()), list(operation.unread())
    if as_json and warnings:
        _print_json(operation.source_warnings())
    elif as_json:
        _print_json(rows)
        _print_json({**dict.fromkeys(operation.SOURCE_FIELDS), **row} for row in unread)
    elif warnings:
        _print_warnings(list(operation.source_warnings()))
    else:
        for row in rows:
            _print_source(row)
        whole = sum(row["status"] == "whole" for row in rows)
        for row in unread:
            click.echo(row["file"])
            click.echo(lines.wrapped(f"{row['status']}: {row['reason']}", "  "))
        counts = Counter(row["status"] for row in unread)
        more = "".join(f", {n:,} {status}" for status, n in counts.items())
        click.echo(f"{lines.counted(len(rows), 'file')}, {whole:,} whole{more}")
    return 0 if all(row["status"] == "whole" and row["presence"] != "missing" for row in rows) else 1


def _print_source(row: dict) -> None:
    """A file in a few lines: its name, never cut, for it is there to be copied; its month and verdict; its accounts."""
    click.echo(row["file"])
    click.echo(lines.wrapped("  ".join([row["year_month"] or "no month", row["status"]]), "  "))
    if row["prices_read"] is not None:
        parts = f"{row['priced']:,} priced + {row['prices_rejected']:,} rejected + "
        parts += f"{row['without_provider']:,} without provider"
        click.echo(lines.wrapped(f"{lines.counted(row['prices_read'], 'price')} = {parts}", "  "))
    if row["rates_read"] is not None:
        facts, duplicates = lines.counted(row["facts"], "fact"), lines.counted(row["duplicates"], "duplicate")
        parts = f"{facts} + {duplicates} + {row['rejected']:,} rejected; {row['unresolved']:,} unresolved"
        click.echo(lines.wrapped(f"{lines.counted(row['rates_read'], 'rate')} = {parts}", "  "))
    if row["reason"]:
        click.echo(lines.wrapped(row["reason"], "  "))
    if row["presence"] != "here":
        by = f"version {row['read_by']}" if row["read_by"] else "an earlier version"
        otherwise = "" if row["read_as_now"] else ", which read it otherwise than this one would"
        click.echo(lines.wrapped(f"{row['presence']}: as {by} of ratehouse read it{otherwise}", "  "))


def _print_warnings(rows: list[dict]) -> None:
    """What to know of the files: file by file, then what the kinds mean."""
    for file in dict.fromkeys(row["file"] for row in rows):
        click.echo(file)
        for row in (r for r in rows if r["file"] == file):
            click.echo(lines.wrapped(f"{row['count']:,} {row['kind']}: first {row['example']}", "  "))
    for kind, meaning in sorted({(row["kind"], row["meaning"]) for row in rows}):
        click.echo(lines.wrapped(f"{kind}: {meaning}"))
    files = len({row["file"] for row in rows})
    click.echo(f"{lines.counted(sum(r['count'] for r in rows), 'warning')} of {lines.counted(files, 'file')}")


@click.command()
@click.option("--no-open", is_flag=True, help="Print the address only.")
def docs(no_open: bool) -> None:
    """Open the Data Docs: what suites expect, and what was found.

    \b
    Example: ratehouse docs --no-open
    """
    index = session.current().docs / "index.html"
    if not index.exists():
        raise errors.RatehouseError(
            "there are no Data Docs yet", place=session.current().path, remedy="ratehouse build"
        )
    click.echo(index.as_uri())
    if not no_open:
        webbrowser.open(index.as_uri())

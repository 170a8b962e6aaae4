"""The accounts of months as two tables: what became of the price objects that were read, and of the rates.

What belongs here: setting these tables, at the end of a build and for `status`. What must not come in: counting, and what a
term means (`pipeline.accounts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from pipeline import accounts
from pipeline.cli import lines

PRICES = {
    "prices_read": "prices\nread",
    "priced": "=\npriced",
    "prices_rejected": "+ re-\njected",
    "without_provider": "+ without\nprovider",
}
RATES = {
    "rates_read": "rates\nread",
    "rate_facts": "=\nfacts",
    "duplicates": "+ dupli-\ncates",
    "rejected": "+ re-\njected",
    "corrected_away": "+ correc-\nted away",
    "leaves": "leaves",
    "withheld_leaves": "with-\nheld",
}


def show(found: Sequence[dict]) -> None:
    """Print the accounts of months (`stages.warehouse.accounts_of`), and their sums."""
    _table(found, PRICES)
    _table(found, RATES)
    for account in found:
        if account["star_facts"]:
            facts = lines.counted(account["star_facts"], "fact")
            click.echo(f"{account['year_month']} has {facts} more, from star schemas alone")


def _table(found: Sequence[dict], terms: dict[str, str]) -> None:
    headings = {name: heading for name, heading in terms.items() if all(name in account for account in found)}
    # What was read of a month that was never built went nowhere yet.
    first = next(iter(headings))
    rows = [[a["year_month"], *(_number(a[k]) if a["built"] or k == first else "-" for k in headings)] for a in found]
    built = [a for a in found if a["built"]]
    if len(rows) > 1:
        name = "all" if len(built) == len(rows) else "built"
        rows.append([name, *(_number(_sum(a[k] for a in built)) for k in headings)])
    lines.table([("month", "left"), *((heading, "right") for heading in headings.values())], rows)


def _sum(values: Iterable[int | None]) -> int | None:
    values = list(values)
    return accounts.added(values) if values else 0


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"

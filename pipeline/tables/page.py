"""docs/tables.md, made from the declarations: `python -m pipeline.tables.page > docs/tables.md`.

What belongs here: the words and the layout of that page. What must not come in: what a table or a column is (`published`,
`sentences`), files.
"""

from __future__ import annotations

from pipeline import tables
from pipeline.tables import sentences
from pipeline.tables.declaration import Table

_HEAD = """\
# Tables

This page is generated from `pipeline/tables/`; `.venv/bin/python -m pipeline.tables.page` prints it.

The **key** of a table is the columns whose values are unique together. **Order** is the order of the rows in the file; it
equals the key unless the page says otherwise. A table of a month has one file a month, with the month in its name. The
types are DuckDB's; text codes (NPIs, ZIP codes, billing codes) keep their leading zeros. Dollars are `DOUBLE`. Exact sums
are text, so that no digit is lost.

The [glossary](glossary.md) explains the words, and [connect.md](connect.md) says how to read the files. The catalog has
some relations more, which are not files: [connect.md](connect.md#relations-of-the-catalog) lists them.
"""
_GROUPS = {
    "gold": "Facts",
    "gold/fact_rate_enriched": "Enriched rows",
    "dims": "Dimensions",
    "xrefs": "Cross-references",
    "bench": "Benchmarks",
}


def published() -> list[Table]:
    """The tables that readers are meant to read, in the order of their declaration."""
    return [declared for declared in tables.load().values() if declared.folder in _GROUPS]


def text() -> str:
    """The whole page."""
    parts = [_HEAD]
    for folder, title in _GROUPS.items():
        members = [declared for declared in published() if declared.folder == folder]
        parts.append(f"## {title}\n")
        parts += map(_section, members)
    return "\n".join(parts)


def _section(declared: Table) -> str:
    facts = [f"File: {_file(declared)}", f"Key: {_names(declared.key)}"]
    if declared.sort != declared.key:
        facts.append(f"Order: {_names(declared.sort)}")
    if declared.aliases:
        facts.append(f"Also named: {_names(declared.aliases)}")
    rows = [
        f"| `{name}` | {kind} | {sentences.sentence(declared.name, name).replace('|', chr(92) + '|')} |"
        for name, kind in declared.duckdb_columns.items()
    ]
    head = [f"### {declared.name}", "", declared.doc, "", *(f"- {fact}" for fact in facts), ""]
    return "\n".join([*head, "| column | type | meaning |", "|---|---|---|", *rows, ""])


def _file(declared: Table) -> str:
    if declared.name == "fact_rate_enriched":
        return f"`{declared.folder}/payer_slug=…/…/year_month=YYYY-MM/{declared.name}.parquet`, one a partition"
    return f"`{declared.folder}/{declared.name}{'_YYYY-MM' if declared.sharded else ''}.parquet`"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{one}`" for one in columns)


if __name__ == "__main__":
    print(text(), end="")

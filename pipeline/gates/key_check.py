"""`python -m pipeline.gates.key_check [FOLDER]`: the check of a table's key, as its declaration has it, into its suite.

What belongs here: how a suite says that a key is unique. What must not come in: why it matters (the notes in the suite),
any other expectation.

A suite that has the check keeps its severity and notes, whether nulls are refused and whether it goes by hashes; a new one
gets it first. Suites stay plain JSON, so that whoever reads one sees all that is checked.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from pipeline import settings, tables

_ONCE = re.compile(r"^(.+?) (?:is|are) unique( together)?(, never null|; (.+?) (is|are) never null)?\.$")


def expectation(key: tuple[str, ...], never_null: tuple[str, ...] = (), *, by_hash: bool = False) -> dict:
    """The description, type and kwargs of the check that these columns stand once, and that some of them are never null.

    by_hash  of a table of millions of rows: the columns themselves are compared only where a hash of them stands twice
    """
    names, last = ", ".join(key), f" and {key[-1]}" if len(key) > 1 else key[-1]
    words = f"{', '.join(key[:-1])}{last} {'are unique together' if len(key) > 1 else 'is unique'}"
    if never_null == key:
        words += ", never null"
    elif never_null:
        words += f"; {', '.join(never_null)} {'are' if len(never_null) > 1 else 'is'} never null"
    refused = [f"{column} IS NULL" for column in never_null]
    twice = " OR ".join(["count(*) > 1", *refused])
    query = f"SELECT {names}, count(*) AS n FROM {{batch}}"
    if by_hash:
        hashed = f"hash({names}) IN (SELECT hash({names}) FROM {{batch}} GROUP BY ALL HAVING count(*) > 1)"
        query += f" WHERE {' OR '.join([*refused, hashed])}"
    query += f" GROUP BY ALL HAVING {twice} ORDER BY n DESC, {names}"
    return {
        "description": f"{words}.",
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": query},
    }


def unique_column(column: str) -> dict:
    """The same of one column by GX's own check, which a key of millions of texts takes less memory by."""
    return {
        "description": f"{column} is unique.",
        "type": "expect_column_values_to_be_unique",
        "kwargs": {"column": column},
    }


def found(suite: dict, key: tuple[str, ...]) -> dict | None:
    """The suite's check of the key; None where it has none."""
    for one in suite["expectations"]:
        said = _ONCE.match(one["description"])
        if said and tuple(re.split(", | and ", said[1])) == key and one["severity"] == "critical":
            return one
    return None


def as_declared(check: dict, table: tables.Table) -> dict:
    """A suite's check of the key as it follows from the table's declaration, its own severity and notes kept."""
    said = _ONCE.match(check["description"])
    never_null = (
        table.key
        if said and said[3] == ", never null"
        else tuple((said[4] or "").split(", "))
        if said and said[4]
        else ()
    )
    by_column = check["type"] == "expect_column_values_to_be_unique" and len(table.key) == 1
    by_hash = "hash(" in check["kwargs"].get("unexpected_rows_query", "")
    made = unique_column(table.key[0]) if by_column else expectation(table.key, never_null, by_hash=by_hash)
    return {**check, **made}


def write(folder: Path) -> list[str]:
    """Put the check of each declared table's key into its suite; returns the names of the suites that changed."""
    changed = []
    for path in sorted(folder.glob("*.json")):
        suite = json.loads(path.read_text(encoding="utf-8"))
        table = tables.load().get(suite["name"])
        if table is None or not table.key:
            continue
        checks = [
            one for one in suite["expectations"] if one["severity"] == "critical" and _ONCE.match(one["description"])
        ]
        check = found(suite, table.key) or (checks[0] if checks else None)
        made = as_declared(check, table) if check else _new(table)
        if check == made:
            continue
        if check is None:
            suite["expectations"].insert(0, made)
        else:
            check.update(made)
        path.write_text(json.dumps(suite, sort_keys=True, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        changed.append(suite["name"])
    return changed


def _new(table: tables.Table) -> dict:
    made = expectation(table.key, table.key if table.folder.startswith("staged/") else ())
    return {**made, "severity": "critical", "notes": "Say here what a row that is there twice would do."}


if __name__ == "__main__":
    for name in write(Path(sys.argv[1]) if len(sys.argv) > 1 else settings.home() / "expectations"):
        print(f"expectations/{name}.json: its key is written anew")

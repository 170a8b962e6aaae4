"""SELECTs over staged files that lack columns declared later, with the declared value in their place.

What belongs here: putting the declared value where a file lacks a column. What must not come in: which files a view has
(`tasks.base`, `stages`), any table's meaning.

The staged set of a source that is not seen any more cannot be read again. So it keeps the columns it has, and each
column that came later says in its declaration (`Table.later`) what it is where a set lacks it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from pipeline import errors
from pipeline.tables import Table

# Columns of a file by their kind, as `tasks.base` puts them into a stamp; None: those that the table has now.
Columns = dict[str, str] | None


def columns_of(schema: str) -> dict[str, str]:
    """Column -> kind of a schema as a stamp has it (`npi:string position:int64 | …`)."""
    return dict(word.rsplit(":", 1) for word in schema.partition(" | ")[0].split())


def scan(table: Table, files: Iterable[tuple[Path, Columns]]) -> str:
    """A SELECT over files of a table, each with the columns that it has; as `duck.scan` where these are today's.

    SourceError where a file lacks a column that declares no value.
    """
    from pipeline.storage import duck

    groups: dict[tuple, list[Path]] = {}
    for path, columns in files:
        same = columns is None or columns == table.columns
        groups.setdefault((None,) if same else tuple(sorted(columns.items())), []).append(path)
    if not groups or list(groups) == [(None,)]:
        return duck.scan(table, groups.get((None,), []))
    selects = []
    for key, paths in groups.items():
        columns = table.columns if key == (None,) else dict(key)
        had = {name: kind for name, kind in table.columns.items() if name in columns}
        selects.append(f"SELECT {completed(table, columns, paths[0])} FROM ({duck.scan(_reduced(table, had), paths)})")
    return " UNION ALL ".join(selects)


def completed(table: Table, columns: dict[str, str], path: Path) -> str:
    """The columns of a table as a SELECT's list over a file that has `columns`, each in the kind that it is declared in."""
    from pipeline.storage import duck

    listed = []
    for name, kind in table.duckdb_columns.items():
        if name in columns:
            same = columns[name] == table.columns[name]
            listed.append(
                duck.identifier(name) if same else f"CAST({duck.identifier(name)} AS {kind}) AS {duck.identifier(name)}"
            )
        elif name in table.later:
            listed.append(f"CAST({duck.literal(table.later[name])} AS {kind}) AS {duck.identifier(name)}")
        else:
            raise errors.SourceError(
                f"lacks the column {name} of {table.name}, which declares no value for earlier files",
                place=path,
                remedy="put its raw file back, so that it is read again",
            )
    return ", ".join(listed)


def _reduced(table: Table, columns: dict[str, str]) -> Table:
    return dataclasses.replace(table, columns=columns, key=(), sort=(), dictionary_encode=(), later={})

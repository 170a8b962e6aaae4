"""What tables made of in-network files share: staged rows that know their file, and the file's header beside them.

What belongs here: the base of those tasks. What must not come in: any one table (dims, xrefs, facts).
"""

from __future__ import annotations

from pipeline import tables
from pipeline.stages import file_task, in_network_file, ingest, star
from pipeline.storage import staged_views
from pipeline.tasks.base import TableTask

SOURCE_COLUMNS = tables.get("dim_source_file").columns


class FromRates(TableTask):
    """A table made of staged in-network tables, of all files or of one month's.

    Its transform sees each of `staged` with the columns batch_id and row_ix, a row's place in its file, and the view
    source_file: the rows of dim_source_file for the whole files it reads.
    """

    staged: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # staged reference tables
    stars: tuple[str, ...] = ()  # staged tables of star schemas: they fill what nothing else defines

    def files(self) -> list[in_network_file.InNetworkFile]:
        """The files it reads."""
        if self.month_or_none:
            return [task for task in ingest.of_month(self.month_or_none) if task.status in (None, file_task.WHOLE)]
        # Of all months: a broken file keeps the rows that it gave before, as its month keeps its facts.
        return [task for task in ingest.in_network() if task.status is None or task.set_stamp() is not None]

    def views(self) -> dict[str, list[TableTask]]:
        stars = star.views(*self.stars, month=self.month_or_none)
        return {**{name: self.files() for name in self.staged}, **ingest.staged(*self.also), **stars}

    def requires(self) -> list:
        return list(dict.fromkeys([*super().requires(), *self.files()]))

    def other_inputs(self) -> dict[str, str]:
        return {f"{task.input_name}:header": task.header_digest() for task in self.files()}

    def view_selects(self) -> dict[str, str]:
        selects = super().view_selects()
        files = [task for task in self.files() if task.set_stamp() is not None]
        rows = [task.set_row() for task in files]
        if not self.month_or_none:  # a path may have given several months, each under the same batch_id
            for row, task in zip(rows, files, strict=True):
                row["batch_id"] = task.input_name
        ids = [row["batch_id"] for row in rows]
        for name in self.staged:
            selects[name] = _with_batch(name, list(zip(ids, files, strict=True)))
        selects["source_file"] = source_rows(rows)
        return selects


def _with_batch(name: str, files: list[tuple[str, in_network_file.InNetworkFile]]) -> str:
    from pipeline.storage import duck

    declared = tables.get(name)
    pieces = [
        f"SELECT {duck.literal(batch_id)} AS batch_id, file_row_number AS row_ix, {_columns(declared, task)} FROM "
        + duck.parquet_files(task.file_of(name), numbered=True)
        for batch_id, task in files
    ]
    nothing = "SELECT CAST(NULL AS VARCHAR) AS batch_id, CAST(NULL AS BIGINT) AS row_ix, *"
    return " UNION ALL ".join(pieces) or f"{nothing} FROM ({duck.empty(declared)})"


def _columns(declared: tables.Table, task: in_network_file.InNetworkFile) -> str:
    """A staged table's columns, as its file of a source has them or as they are declared for a file that lacks them."""
    had = task.columns_of(declared.name)
    if had is None or had == declared.columns:
        return "* EXCLUDE (file_row_number)"
    return staged_views.completed(declared, had, task.file_of(declared.name))


def source_rows(rows: list[dict]) -> str:
    """Rows of dim_source_file as a SELECT."""
    return _listed("dim_source_file", rows)


def warning_rows(rows: list[dict]) -> str:
    """Rows of source_warning as a SELECT."""
    return _listed("source_warning", rows)


def _listed(name: str, rows: list[dict]) -> str:
    from pipeline.storage import duck

    declared = tables.get(name)
    if not rows:
        return duck.empty(declared)
    values = ", ".join("(" + ", ".join(duck.literal(row[c]) for c in declared.columns) + ")" for row in rows)
    names = ", ".join(map(duck.identifier, declared.columns))
    casts = ", ".join(
        f"CAST({duck.identifier(c)} AS {k}) AS {duck.identifier(c)}" for c, k in declared.duckdb_columns.items()
    )
    return f"SELECT {casts} FROM (VALUES {values}) AS listed({names})"

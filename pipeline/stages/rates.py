"""What tables made of in-network files share: staged rows that know their file, and the file's header beside them.

What belongs here: the base of those tasks. What must not come in: any one table (dims, xrefs, facts).
"""

from __future__ import annotations

from pipeline import tables
from pipeline.stages import ingest, star
from pipeline.task import TableTask

SOURCE_COLUMNS = tables.get("dim_source_file").columns


class FromRates(TableTask):
    """A table made of staged in-network tables, of all files or of one month's.

    Its transform sees each of `staged` with the columns batch_id and row_ix, a row's place in its file, and the view
    source_file: the rows of dim_source_file for the whole files it reads.
    """

    staged: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # staged reference tables
    stars: tuple[str, ...] = ()  # staged tables of star schemas: they fill what nothing else defines

    def files(self) -> list[ingest.InNetworkFile]:
        """The files it reads."""
        files = ingest.of_month(self.month_or_none) if self.month_or_none else ingest.in_network()
        return [task for task in files if task.status in (None, ingest.WHOLE)]

    def views(self) -> dict[str, list[TableTask]]:
        stars = star.views(*self.stars, month=self.month_or_none)
        return {**{name: self.files() for name in self.staged}, **ingest.staged(*self.also), **stars}

    def requires(self) -> list:
        return list(dict.fromkeys([*super().requires(), *self.files()]))

    def other_inputs(self) -> dict[str, str]:
        return {f"{task.label}:header": task.header_digest() for task in self.files()}

    def view_selects(self) -> dict[str, str]:
        selects = super().view_selects()
        files = [task for task in self.files() if task.status == ingest.WHOLE]
        for name in self.staged:
            selects[name] = _with_batch(name, files)
        selects["source_file"] = source_rows(files)
        return selects


def _with_batch(name: str, files: list[ingest.InNetworkFile]) -> str:
    from pipeline import duck

    declared = tables.get(name)
    pieces = [
        f"SELECT {duck.literal(task.batch_id)} AS batch_id, file_row_number AS row_ix, * EXCLUDE (file_row_number) FROM "
        f"read_parquet({duck.literal(str(task.file_of(name)))}, hive_partitioning = false, file_row_number = true)"
        for task in files
    ]
    nothing = "SELECT CAST(NULL AS VARCHAR) AS batch_id, CAST(NULL AS BIGINT) AS row_ix, *"
    return " UNION ALL ".join(pieces) or f"{nothing} FROM ({duck.empty(declared)})"


def source_rows(files: list[ingest.InNetworkFile]) -> str:
    """The rows of dim_source_file for some files, as a SELECT."""
    return _listed("dim_source_file", [task.source_row() for task in files])


def warning_rows(files: list[ingest.InNetworkFile]) -> str:
    """The rows of source_warning for some files, as a SELECT."""
    return _listed("source_warning", [row for task in files for row in task.warning_rows()])


def _listed(name: str, rows: list[dict]) -> str:
    from pipeline import duck

    declared = tables.get(name)
    if not rows:
        return duck.empty(declared)
    values = ", ".join("(" + ", ".join(duck.literal(row[c]) for c in declared.columns) + ")" for row in rows)
    names = ", ".join(map(duck.identifier, declared.columns))
    casts = ", ".join(
        f"CAST({duck.identifier(c)} AS {k}) AS {duck.identifier(c)}" for c, k in declared.duckdb_columns.items()
    )
    return f"SELECT {casts} FROM (VALUES {values}) AS listed({names})"

"""Whether a later release of a reference file is here: of the registry, or of the same fee schedule.

What belongs here: that, told by the rows that were staged. What must not come in: which release applies to a month
(`transforms`), letting go of a source (`letting_go`).

A release is later when it is of the same table, is dated later, and holds at least half of what the other one lists:
ASC addendum BB takes no place of addendum AA, nor does a weekly file of the registry that of another week.
"""

from __future__ import annotations

from pipeline import tables
from pipeline.raw_kinds import KINDS
from pipeline.sources import presence
from pipeline.stages import file_task, ingest
from pipeline.stages.reference_file import ReferenceDataFile

FOLDERS = tuple(kind.folder for kind in KINDS.values() if kind.has_releases)
SHARE = 0.5
# What a row is of, beside its key's columns, and what says when it was released.
_LOCALITIES = ("carrier", "locality")
_LISTED = {"staged_locality_county": _LOCALITIES, "staged_nppes": ("npi", "source_kind")}
_LISTED |= {"staged_nppes_address": ("npi", "source_kind"), "staged_wage_index": ("schedule", "state", "cbsa")}
_NOT_LISTED = {"source_file", "source_row", "source_kind", "line", "effective_from"}


def newer(task: ReferenceDataFile) -> ReferenceDataFile | None:
    """A file of the folder that is here and holds a later release of the same; None where there is none."""
    if task.presence != presence.MISSING or task.status != file_task.WHOLE:
        return None
    others = [
        other
        for other in ingest.reference(task.folder)
        if other.is_seen and other.status == file_task.WHOLE and _tables(other) >= _tables(task)
    ]
    if not others or not _tables(task):
        return None
    with task.connection() as con:
        return next((other for other in others if all(_is_later(con, t, task, other) for t in _tables(task))), None)


def _tables(task: ReferenceDataFile) -> set[str]:
    return {name for name, part in task.stamp().parts.items() if part.rows}


def _is_later(con, table: str, one: ReferenceDataFile, other: ReferenceDataFile) -> bool:
    from pipeline.storage import duck

    columns = tables.get(table).columns
    dates = [f"max({name})" for name in ("release_date", "effective_from", "source_date") if name in columns]
    listed = ", ".join(_LISTED.get(table) or [c for c in tables.get(table).key if c not in _NOT_LISTED])
    for name, task in (("one", one), ("other", other)):
        duck.view(con, name, task.scan_of(table))
    ((before, after),) = con.sql(
        f"SELECT (SELECT coalesce({', '.join(dates)}) FROM one), (SELECT coalesce({', '.join(dates)}) FROM other)"
    ).fetchall()
    if before is None or after is None or after <= before:
        return False
    ((known, of),) = con.sql(
        f"SELECT count(*) FILTER (here), count(*) FROM (SELECT DISTINCT {listed} FROM one) "
        f"LEFT JOIN (SELECT DISTINCT {listed}, TRUE AS here FROM other) USING ({listed})"
    ).fetchall()
    return known >= SHARE * of

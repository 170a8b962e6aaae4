"""Which release of a fee schedule applies, and that its files agree.

What belongs here: the macros of the rules (`bench_release.sql`; which rule is a schedule's, `schedules` says), and the refusal of two files that give different
figures for the same day. What must not come in: a price.
"""

from __future__ import annotations

import duckdb

from pipeline import errors
from pipeline.storage import duck
from pipeline.transforms import schedules


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Create the macros release_that_holds(schedule, dates, day), release_text, first_day() and level_of(code)."""
    con.execute(duck.sql("bench_release.sql"))
    con.execute(schedules.macros())


def agree(con: duckdb.DuckDBPyConnection, table: str, key: str, values: str) -> None:
    """SourceError when two files of `table` give one key (columns, comma-separated) different values for one day."""
    # 1 and 1.000 are one figure
    same = ", ".join(f"coalesce(CAST(TRY_CAST({v} AS DECIMAL(14, 6)) AS VARCHAR), {v})" for v in values.split(", "))
    clash = con.execute(
        f"SELECT {key}, list_sort(list(DISTINCT source_file)), effective_from FROM {table} "
        f"GROUP BY {key}, effective_from HAVING count(DISTINCT ({same})) > 1 ORDER BY ALL LIMIT 1"
    ).fetchall()
    if clash:
        *named, files, day = clash[0]
        raise errors.SourceError(
            f"{' and '.join(files)} both hold from {day} but differ on {' '.join(map(str, named))}",
            place=table,
            remedy=f"keep the file that CMS or the state published last: remove one of {', '.join(files)}",
        )

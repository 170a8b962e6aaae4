"""Which rows of the fact go into which file, for each setting of `[facts] layout`.

What belongs here: file names and the rows of each. docs/settings.md says when each layout is right.
What must not come in: writing a file.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from pipeline import partition
from pipeline.storage import duck


def pieces(con: duckdb.DuckDBPyConnection, layout: str) -> Iterator[tuple[str, str]]:
    """(file name, WHERE clause over the view fact_rate) of each file of a layout, in order.

    state_month: fact_rate_GA_2025-08.parquet; single: fact_rate.parquet; hive: state=GA/year_month=2025-08/fact_rate.parquet.
    """
    if layout == "single":
        yield "fact_rate.parquet", "TRUE"
        return
    pairs = con.sql("SELECT DISTINCT state, year_month FROM fact_rate ORDER BY ALL NULLS FIRST").fetchall()
    for state, month in pairs:
        where = f"state IS NOT DISTINCT FROM {duck.literal(state)} AND year_month = {duck.literal(month)}"
        if layout == "hive":
            folder = partition.folder({"state": state, "year_month": month}, ("state", "year_month"))
            yield f"{folder}/fact_rate.parquet", where
        else:
            yield f"fact_rate_{state}_{month}.parquet", where

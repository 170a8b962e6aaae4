"""Physician fee schedule by release, locality, code and modifier (`bench_prof_detail.sql`).

What belongs here: loading every release, and the query over them. What must not come in: the formula of a price (`bench_prof_price`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_prof_price, bench_release


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_medicare_prof_detail over the staged PFS tables; needs no month.

    SourceError where two ZIP files of one quarter put a ZIP into different localities: the enriched rows would take one.
    """
    bench_prof_price.load(con, month_only=False)
    bench_release.agree(con, "staged_zip_locality", "zip_code", "carrier, locality")
    return duck.sql("bench_prof_detail.sql")

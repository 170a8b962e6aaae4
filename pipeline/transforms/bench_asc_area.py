"""ASC by wage area for one month (`bench_asc_area.sql`); `bench_asc_price` has the rules.

What belongs here: the query by area. What must not come in: what a code is paid, wage areas (`bench_asc_price`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_asc_price


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_asc_area for getvariable('year_month'), over what bench_asc needs."""
    bench_asc_price.load(con)
    return duck.sql("bench_asc_area.sql")

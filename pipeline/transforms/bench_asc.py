"""ASC by state for one month, and for the nation (`bench_asc_state.sql`); `bench_asc_price` has the rules.

What belongs here: the query by state. What must not come in: what a code is paid, wage areas (`bench_asc_price`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_asc_price


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_asc for getvariable('year_month'), over staged_asc, staged_asc_device, staged_wage_index."""
    bench_asc_price.load(con)
    return duck.sql("bench_asc_state.sql")

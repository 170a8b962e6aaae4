"""Physician fee schedule by state for one month (`bench_prof_state.sql`).

What belongs here: loading the releases of a month, and the query over them. What must not come in: the formula of a price (`bench_prof_price`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_prof_price


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_medicare_prof for getvariable('year_month'), over the staged PFS tables."""
    bench_prof_price.load(con, month_only=True)
    return (
        "SELECT state, year_month, code_type, code, medicare_prof_rate, medicare_national_rate, release "
        f"FROM ({duck.sql('bench_prof_state.sql')})"
    )

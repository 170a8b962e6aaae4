"""ASC by state for one month (`bench_asc_state.sql`)."""

from __future__ import annotations

import duckdb

from pipeline import duck
from pipeline.transforms import bench_release


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_asc for getvariable('year_month'), over staged_asc, staged_asc_device, staged_wage_index."""
    bench_release.load(con)
    bench_release.agree(con, "staged_asc", "code", "pi, payment_weight, payment_rate")
    bench_release.agree(con, "staged_asc_device", "code", "device_portion, code")
    bench_release.agree(con, "staged_wage_index", "schedule, state, cbsa", "wage_index, cbsa")
    return duck.sql("bench_asc_state.sql")

"""OPPS by state for one month (`bench_opps_state.sql`)."""

from __future__ import annotations

import duckdb

from pipeline import duck
from pipeline.transforms import bench_release


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_opps for getvariable('year_month'), over staged_opps and staged_wage_index."""
    bench_release.load(con)
    bench_release.agree(con, "staged_opps", "code", "si, weight, payment_rate")
    bench_release.agree(con, "staged_wage_index", "schedule, state, cbsa", "wage_index, cbsa")
    return duck.sql("bench_opps_state.sql")

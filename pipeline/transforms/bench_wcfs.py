"""Workers' compensation schedules by state for one month (`bench_wcfs_state.sql`).

What belongs here: loading the releases that hold, and the query over them. What must not come in: a rule of one state alone.
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_release


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_wcfs for getvariable('year_month'), over staged_wcfs."""
    bench_release.load(con)
    bench_release.agree(con, "staged_wcfs", "state, code_type, code, modifier", "amount, code")
    return duck.sql("bench_wcfs_state.sql")

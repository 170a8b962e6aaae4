"""The three Medicare schedules of a month one under another, with the guidelines' columns."""

from __future__ import annotations

import duckdb

from pipeline import duck
from pipeline.transforms import bench_asc, bench_opps, bench_prof_price

_SELECT = """
SELECT state, year_month, code_type, code, 'PFS' AS benchmark_type, medicare_national_rate,
  medicare_prof_rate AS medicare_state_rate, work_rvu, practice_expense_rvu, malpractice_rvu, total_rvu,
  conversion_factor, NULL AS opps_weight, NULL AS opps_si, NULL AS asc_pi, release
FROM ({prof})
UNION ALL
SELECT state, year_month, code_type, code, 'OPPS', medicare_national_rate, opps_mar_stateavg, NULL, NULL, NULL, NULL,
  NULL, opps_weight, opps_si, NULL, release
FROM ({opps})
UNION ALL
SELECT state, year_month, code_type, code, 'ASC', medicare_national_rate, asc_mar_stateavg, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, asc_pi, release
FROM ({asc})
"""


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_medicare_comprehensive for getvariable('year_month'), over what the three schedules need."""
    bench_prof_price.load(con, month_only=True)
    return _SELECT.format(prof=duck.sql("bench_prof_state.sql"), opps=bench_opps.build(con), asc=bench_asc.build(con))

"""The three Medicare schedules of a month one under another, with the guidelines' columns.

What belongs here: their common columns. What must not come in: a price: each schedule has its own module.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_asc, bench_opps, bench_prof_price

_COLUMNS = (
    "state, year_month, code_type, code, benchmark_type, medicare_national_rate, medicare_state_rate, work_rvu, "
    "practice_expense_rvu, malpractice_rvu, total_rvu, conversion_factor, opps_weight, opps_si, asc_pi, release"
)
_SCHEDULES = {
    "PFS": """SELECT state, year_month, code_type, code, 'PFS' AS benchmark_type, medicare_national_rate,
  medicare_prof_rate AS medicare_state_rate, work_rvu, practice_expense_rvu, malpractice_rvu, total_rvu,
  conversion_factor, NULL AS opps_weight, NULL AS opps_si, NULL AS asc_pi, release
FROM ({rows})""",
    "OPPS": """SELECT state, year_month, code_type, code, 'OPPS' AS benchmark_type, medicare_national_rate,
  opps_mar_stateavg AS medicare_state_rate, NULL AS work_rvu, NULL AS practice_expense_rvu, NULL AS malpractice_rvu,
  NULL AS total_rvu, NULL AS conversion_factor, opps_weight, opps_si, NULL AS asc_pi, release
FROM ({rows})""",
    "ASC": """SELECT state, year_month, code_type, code, 'ASC' AS benchmark_type, medicare_national_rate,
  asc_mar_stateavg AS medicare_state_rate, NULL AS work_rvu, NULL AS practice_expense_rvu, NULL AS malpractice_rvu,
  NULL AS total_rvu, NULL AS conversion_factor, NULL AS opps_weight, NULL AS opps_si, asc_pi, release
FROM ({rows})""",
}


def build(con: duckdb.DuckDBPyConnection, published: Mapping[str, str] | None = None) -> str:
    """The SELECT of bench_medicare_comprehensive for getvariable('year_month'), over what the three schedules need.

    `published` gives, for a schedule that is held up, a SELECT over the table as it was: its rows stay.
    """
    rows = {"PFS": _physician, "OPPS": bench_opps.build, "ASC": bench_asc.build}
    parts = []
    for name, select in _SCHEDULES.items():
        if name in (published or {}):
            parts.append(f"SELECT {_COLUMNS} FROM ({published[name]}) WHERE benchmark_type = '{name}'")
        else:
            parts.append(select.format(rows=rows[name](con)))
    return "\nUNION ALL BY NAME\n".join(parts)


def _physician(con: duckdb.DuckDBPyConnection) -> str:
    bench_prof_price.load(con, month_only=True)
    return duck.sql("bench_prof_state.sql")

"""Physician fee schedule by release, locality, code and modifier (`bench_prof_detail.sql`)."""

from __future__ import annotations

import duckdb

from pipeline import duck
from pipeline.transforms import bench_prof_price


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_medicare_prof_detail over the staged PFS tables; needs no month."""
    bench_prof_price.load(con, month_only=False)
    return duck.sql("bench_prof_detail.sql")

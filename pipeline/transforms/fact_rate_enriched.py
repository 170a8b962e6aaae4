"""The enriched rows of a month: exactly one per fact, every dimension joined in.

What belongs here: the order in which the join is put together. Each key that a fact carries (its provider group, its
code, its terms) is answered once per distinct value, in temporary tables that DuckDB may spill; then the facts are read
once more and hashed against these answers. No window, sort or grouping over all facts. What must not come in: the
answers themselves (`sql/fact_rate_enriched_*.sql`, `benchmark_choice`), files, settings.

Views: fact_rate and xref_group_npi (of the month), dim_code, dim_code_cat_history, dim_pos_set, dim_npi,
dim_npi_address, dim_npi_address_geolocation, bench_medicare_comprehensive and bench_wcfs (of the month),
bench_medicare_prof_detail, staged_pos_code, staged_zip_locality. Variables: year_month (text YYYY-MM) and
fill_coordinates (whether an unknown coordinate is 0.0, as the guidelines have it, or null).
"""

from __future__ import annotations

import duckdb

from pipeline import duck
from pipeline.transforms import bench_release, benchmark_choice


def build(con: duckdb.DuckDBPyConnection) -> str:
    """Answer the month's keys in temporary tables; returns the SELECT that joins the facts to them.

    Its columns are those of fact_rate_enriched in their order; money is in dollars. It has one row per row of fact_rate
    whatever the other views hold: of several rows for one key one is taken, by an order that is stated and total.
    """
    bench_release.load(con)
    benchmark_choice.load(con)
    con.execute(duck.sql("fact_rate_enriched_groups.sql"))
    con.execute(duck.sql("fact_rate_enriched_providers.sql"))
    con.execute(duck.sql("fact_rate_enriched_codes.sql"))
    con.execute(duck.sql("fact_rate_enriched_terms.sql"))
    con.execute(duck.sql("fact_rate_enriched_benchmarks.sql"))
    con.execute(duck.sql("fact_rate_enriched_rows.sql"))
    return duck.sql("fact_rate_enriched.sql")

"""The enriched rows of a month: exactly one per fact, every dimension joined in.

What belongs here: the order in which the join is put together. Each key that a fact carries (its provider group, its
code, its terms) is answered once per distinct value, in temporary tables that DuckDB may spill; the facts are joined to
these answers by their keys, sorted while they are narrow, and only then joined, by number, to the wide columns. No
window or grouping over all facts. What must not come in: the answers themselves (`sql/fact_rate_enriched_*.sql`,
`benchmark_choice`), files, settings.

Views: fact_rate and xref_group_npi (of the month), dim_code, dim_code_cat_history, dim_pos_set, dim_npi,
dim_npi_address, dim_npi_address_geolocation, bench_medicare_comprehensive and bench_wcfs (of the month),
bench_medicare_prof_detail, staged_pos_code, staged_zip_locality. Variables: year_month (text YYYY-MM) and
fill_coordinates (whether an unknown coordinate is 0.0, as the guidelines have it, or null).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from pipeline import duck, tables
from pipeline.transforms import bench_release, benchmark_choice

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_UNSORTED_ROWS = 20_000  # few enough that writing them beside the joins keeps within the memory
# Where the rows' texts come from. A table of more rows keeps its texts: the values of a type cannot be spilled.
_ANSWERS = ("enriched_owner", "enriched_provider", "enriched_code", "enriched_terms", "enriched_rest", "enriched_price")
_NUMBERED_AT_MOST = 250_000


def build(con: duckdb.DuckDBPyConnection) -> str:
    """Answer the month's keys in temporary tables; returns the SELECT that joins the facts to them.

    Its columns are those of fact_rate_enriched in their order; money is in dollars. It has one row per row of fact_rate
    whatever the other views hold: of several rows for one key one is taken, by an order that is stated and total.
    """
    _prepare(con)
    _sort(con, "enriched_fact")
    _slice(con)
    return f"SELECT * EXCLUDE (row_ix) FROM ({duck.sql('fact_rate_enriched.sql')})"


def batches(con: duckdb.DuckDBPyConnection, unsorted: Path, rows: int = 122_880) -> Iterator[pa.RecordBatch]:
    """The rows of `build`, in the order of the declared table, as record batches; `rows` at a time in memory.

    The same as an ORDER BY over the SELECT: what is sorted are numbers, and slices of them are joined to the wide columns,
    whose texts are numbers too, most of them. These come as dictionaries of int32, the other columns in the declared
    types. What is to be sorted waits in the file `unsorted`, which goes again: sorting 13,400,000 from a table ran out of
    450 MB at once.
    """
    import pyarrow.compute as pc

    _prepare(con)
    con.execute(
        f"COPY (FROM enriched_fact) TO {duck.literal(str(unsorted))} "
        f"(FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE {_UNSORTED_ROWS})"
    )
    for name in ("enriched_state_rate", "enriched_locality_rate", "enriched_wcfs"):
        con.execute(f"DROP TABLE {name}")
    _sort(con, f"read_parquet({duck.literal(str(unsorted))}, hive_partitioning = false)")
    unsorted.unlink()
    declared = tables.get("fact_rate_enriched").arrow_schema()
    count = con.execute("SELECT count(*) FROM enriched_row").fetchall()[0][0]
    for name in _ANSWERS if count > rows else ():
        _number_texts(con, name)
    for first in range(0, count, rows):
        _slice(con, f"WHERE rowid >= {first} AND rowid < {first + rows}")
        answer = con.sql(duck.sql("fact_rate_enriched.sql")).to_arrow_table()
        number = answer.column("row_ix").combine_chunks()
        # A join keeps the order of its rows unless several threads or a spilled hash table mix them.
        least_step = pc.min(pc.subtract(number[1:], number[:-1])).as_py()
        if least_step is not None and least_step < 0:
            answer = answer.take(pc.sort_indices(number))
        yield _typed(answer, declared)


def _typed(answer: pa.Table, declared: pa.Schema) -> pa.RecordBatch:
    """The declared columns in their types, but texts that are numbered with int32."""
    import pyarrow as pa

    columns = []
    for field in declared:
        column = answer.column(field.name)
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if pa.types.is_dictionary(column.type):
            indices = column.indices.cast(pa.int32())
            columns.append(pa.DictionaryArray.from_arrays(indices, column.dictionary, safe=False))
        else:
            columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, names=declared.names)


def _number_texts(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the texts of an answer's table numbers of an enumeration each: to join and to write, they cost a half."""
    ((count,),) = con.execute(f"SELECT count(*) FROM {table}").fetchall()
    if count > _NUMBERED_AT_MOST:
        return
    kinds = con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
    replaced = []
    for column in (name for name, kind in kinds if kind == "VARCHAR"):
        values = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column}"
        con.execute(f"CREATE TYPE {table}_{column} AS ENUM ({values})")
        replaced.append(f"CAST({column} AS {table}_{column}) AS {column}")
    if replaced:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * REPLACE ({', '.join(replaced)}) FROM {table}")


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Answer the month's keys; leaves the view enriched_fact, the facts with the numbers of their answers."""
    bench_release.load(con)
    benchmark_choice.load(con)
    con.execute(duck.sql("fact_rate_enriched_groups.sql"))
    con.execute(duck.sql("fact_rate_enriched_providers.sql"))
    con.execute(duck.sql("fact_rate_enriched_codes.sql"))
    con.execute(duck.sql("fact_rate_enriched_terms.sql"))
    con.execute(duck.sql("fact_rate_enriched_benchmarks.sql"))
    con.execute(duck.sql("fact_rate_enriched_rows.sql"))


def _sort(con: duckdb.DuckDBPyConnection, facts: str) -> None:
    """Fill enriched_row with `facts` (a view or a function call) in the order of the enriched table.

    Sorted here, while rows are narrow, they need not be sorted again.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE enriched_row AS
        SELECT * EXCLUDE (payer_state_rank, billing_class_rank, category_rank, taxonomy_area_rank, code_rank)
        FROM {facts}
        ORDER BY payer_state_rank, billing_class_rank, category_rank, taxonomy_area_rank, code_rank, fact_uid""")


def benchmark_counts(con: duckdb.DuckDBPyConnection, enriched: str) -> list[list]:
    """How many rows of `enriched` (a table or a function call) have a Medicare rate, and from where, or why none.

    [billing_class, code_type, has_rate, from, rows], sorted: `from` is the release with whether it was in force
    (`benchmark_source`) where has_rate, else `benchmark_reason`. A row for every difference in these, none twice.
    """
    counted = con.sql(
        "SELECT billing_class, code_type, benchmark_reason IS NULL AS has_rate, "
        "coalesce(benchmark_reason, benchmark_source) AS origin, count(*) "
        f"FROM {enriched} GROUP BY ALL ORDER BY ALL"
    )
    return [list(row) for row in counted.fetchall()]


def _slice(con: duckdb.DuckDBPyConnection, where: str = "") -> None:
    """Let the final SELECT see all rows, or those of a condition. The narrow table was filled in its order."""
    duck.view(con, "enriched_slice", f"SELECT *, rowid AS row_ix FROM enriched_row {where}")

"""The enriched rows of a month: exactly one per fact, every dimension joined in.

What belongs here: the order in which the join is put together. Each key that a fact carries (its provider group, its
code, its terms) is answered once per distinct value, in temporary tables that DuckDB may spill; the facts are joined to
these answers by their keys, sorted while they are narrow, cut into pieces, and only then joined, by number, to the wide
columns. What facts say of each other (variants, bounds) is found among numbers, by groupings that spill. What must not come
in: the answers themselves (`sql/fact_rate_enriched_*.sql`, `benchmark_choice`, `code_spread`), files, settings.

Views: fact_rate, xref_fact_source, xref_group_npi, xref_group_tin and xref_group_member (of the month), dim_tin, dim_code,
dim_code_cat_history, dim_pos_set, dim_pos, dim_npi, dim_npi_address, dim_npi_address_geolocation,
bench_medicare_comprehensive and bench_wcfs (of the month), bench_medicare_prof_detail, bench_asc_area (of the
month), staged_zip_locality, staged_cbsa_county; and for flags staged_opps, staged_asc and staged_category. Variables:
year_month (text YYYY-MM) and fill_coordinates (whether an unknown coordinate is 0.0, as the guidelines have it, or null).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from pipeline import tables
from pipeline.storage import duck
from pipeline.transforms import bench_asc_price, bench_opps, bench_release, code_spread, rate_flags, rate_parts

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

# A piece has at least this share of the rows that it may have. Where it ends between these, its rows themselves say, so
# that rows that come or go move the cuts beside them and no others.
_LEAST_SHARE = 0.8
_UNSORTED_ROWS = 20_000  # few enough that writing them beside the joins keeps within the memory
# Where the rows' texts come from. A table of more rows keeps its texts: the values of a type cannot be spilled.
_ANSWERS = (
    "enriched_owner",
    "enriched_provider",
    "enriched_code",
    "enriched_terms",
    "enriched_rest",
    "enriched_price",
    "enriched_pair",
    "enriched_spread",
)
_NUMBERED_AT_MOST = 250_000
# Answers of more rows are not told apart by what they say: it would have to be held.
_TOLD_AT_MOST = 1_000_000
_SLICE_ROWS = 122_880


@dataclass(frozen=True)
class Piece:
    """A run of the month's sorted rows that makes a file of its own: its rows, and a digest of all that it is joined from.

    Two pieces of one digest hold the same rows, if the same code made them; None: nothing is known of it.
    """

    first_row: int
    behind: int
    digest: str | None = None


def build(con: duckdb.DuckDBPyConnection) -> str:
    """Answer the month's keys in temporary tables; returns the SELECT that joins the facts to them.

    Its columns are those of fact_rate_enriched in their order; money is in dollars. It has one row per row of fact_rate
    whatever the other views hold: of several rows for one key one is taken, by an order that is stated and total.
    """
    _prepare(con)
    con.execute("CREATE OR REPLACE TEMP TABLE enriched_numbered AS FROM enriched_fact")
    _weigh(con)
    _sort(con, "enriched_weighed")
    _slice(con)
    return f"SELECT * EXCLUDE (row_ix) FROM ({duck.sql('fact_rate_enriched.sql')})"


def pieces(con: duckdb.DuckDBPyConnection, unsorted: Path, most_rows: int) -> list[Piece]:
    """Answer the month's keys and sort the facts, in numbers; returns how the sorted rows are cut, in their order.

    No piece has more than `most_rows`. What is to be sorted waits in the file `unsorted`, which goes again: sorting 13,400,000 from a table ran out of 450 MB.
    A month without rows is one piece.
    """
    _prepare(con)
    numbered, options = unsorted.with_suffix(".numbered"), f"COMPRESSION lz4, ROW_GROUP_SIZE {_UNSORTED_ROWS}"
    duck.write_parquet(con, "FROM enriched_fact", numbered, options)
    for name in (
        "enriched_state_rate",
        "enriched_locality_rate",
        "enriched_area_rate",
        "enriched_beside",
        "enriched_wcfs",
        "enriched_far_rate",
    ):
        con.execute(f"DROP TABLE {name}")
    duck.view(con, "enriched_numbered", f"FROM {duck.parquet_files(numbered)}")
    _weigh(con)
    # By way of a file: the tables that variants are looked up in need not be held while the rows are sorted.
    duck.write_parquet(con, "FROM enriched_weighed", unsorted, options)
    for name in ("enriched_variant", "enriched_variant_file"):
        con.execute(f"DROP TABLE {name}")
    numbered.unlink()
    _sort(con, duck.parquet_files(unsorted))
    unsorted.unlink()
    ends = cuts(_count(con, "enriched_row"), most_rows, _leaf_starts(con), lambda rows: _least_uid(con, rows))
    digest = _piece_digests(con, ends)
    return [Piece(first, end, one) for first, end, one in zip([0, *ends[:-1]], ends, digest, strict=True)]


def cuts(count: int, most_rows: int, starts: np.ndarray, least: Callable[[np.ndarray], int]) -> list[int]:
    """Where `count` rows are cut: behind which row each piece ends.

    starts  the first rows of leaves, rising: a leaf is cut only where there is no end of one
    least   says of several rows which one it takes, by what they hold
    """
    ends, first, least_rows = [], 0, max(1, int(most_rows * _LEAST_SHARE))
    while count - first > most_rows:
        low, high = np.searchsorted(starts, (first + least_rows, first + most_rows + 1))
        first = least(starts[low:high]) if low < high else first + most_rows
        ends.append(first)
    return [*ends, count]


def _leaf_starts(con: duckdb.DuckDBPyConnection) -> np.ndarray:
    """The sorted rows of which the one before has other keys, of all seven, by their ranks."""
    ranks = {}
    for table, ix, names in (
        ("enriched_owner", "group_ix", ("payer_state_rank", "taxonomy_area_rank")),
        ("enriched_terms", "terms_ix", ("billing_class_rank",)),
        ("enriched_code", "code_ix", ("category_rank",)),
    ):
        found = con.execute(f"SELECT {ix}, {', '.join(names)} FROM {table}").fetchnumpy()
        for name in names:
            ranks[name] = ix, np.zeros(len(found[ix]) + 1, np.int32)
            ranks[name][1][found[ix]] = found[name]
    starts, last = [], {}
    for first, rows in _slices(
        con, "coalesce(group_ix, 0) AS group_ix, coalesce(terms_ix, 0) AS terms_ix, coalesce(code_ix, 0) AS code_ix"
    ):
        differs = np.zeros(rows.num_rows, bool)
        for name, (ix, rank) in ranks.items():
            found = rank[rows.column(ix).to_numpy()]
            differs |= np.diff(found, prepend=last.get(name, -1)) != 0
            last[name] = found[-1]
        starts.append(first + np.flatnonzero(differs))
    return np.concatenate(starts) if starts else np.empty(0, np.int64)


def _least_uid(con: duckdb.DuckDBPyConnection, rows: np.ndarray) -> int:
    """Which of these rows has the least fact_uid."""
    among = f"SELECT rowid, fact_uid FROM enriched_row WHERE rowid BETWEEN {rows[0]} AND {rows[-1]} ORDER BY rowid"
    uids = con.sql(among).to_arrow_table().column("fact_uid").to_pylist()
    return int(min(rows, key=lambda row: uids[row - rows[0]]))


def _slices(con: duckdb.DuckDBPyConnection, columns: str) -> Iterator[tuple[int, pa.Table]]:
    """Columns of the sorted rows, many rows at a time, each time with the place of the first."""
    for first in range(0, _count(con, "enriched_row"), _SLICE_ROWS):
        where = f"rowid >= {first} AND rowid < {first + _SLICE_ROWS}"
        yield first, con.sql(f"SELECT {columns} FROM enriched_row WHERE {where} ORDER BY rowid").to_arrow_table()


def batches(con: duckdb.DuckDBPyConnection, wanted: list[Piece]) -> Iterator[tuple[Piece, pa.RecordBatch]]:
    """Pieces of `pieces` with their rows, in the order of the declared table.

    All together, they are the same as an ORDER BY over the SELECT of `build`: what was sorted are numbers, and pieces of
    them are joined to the wide columns, whose texts are numbers too, most of them. These come as dictionaries of int32,
    the other columns in the declared types.
    """
    import pyarrow.compute as pc

    declared = tables.get("fact_rate_enriched").arrow_schema()
    for name in _ANSWERS if len(wanted) > 1 else ():
        _number_texts(con, name)
    for piece in wanted:
        _slice(con, f"WHERE rowid >= {piece.first_row} AND rowid < {piece.behind}")
        answer = con.sql(duck.sql("fact_rate_enriched.sql")).to_arrow_table()
        number = answer.column("row_ix").combine_chunks()
        # A join keeps the order of its rows unless several threads or a spilled hash table mix them.
        least_step = pc.min(pc.subtract(number[1:], number[:-1])).as_py()
        if least_step is not None and least_step < 0:
            answer = answer.take(pc.sort_indices(number))
        yield piece, _typed(answer, declared)


def _piece_digests(con: duckdb.DuckDBPyConnection, ends: list[int]) -> list[str | None]:
    """A digest of what each piece is joined from: its rows, with what the answers that they number say."""
    import pyarrow as pa

    from pipeline.transforms import leaf_digest

    numbered = ("enriched_owner", "enriched_provider", *_ANSWERS[2:])
    if any(_count(con, name) > _TOLD_AT_MOST for name in numbered):
        return [None] * len(ends)
    answers = {name: _answer_digests(con, name) for name in numbered}
    owner = con.execute("SELECT group_ix, coalesce(provider_ix, 0) AS provider_ix FROM enriched_owner").fetchnumpy()
    provider = np.zeros(len(answers["enriched_owner"]), np.int64)
    provider[owner["group_ix"]] = owner["provider_ix"]
    amounts = (
        "negotiated_rate",
        "state_rate",
        "locality_rate",
        "locality_factor",
        "wcfs_amount",
        "far_rate",
        "source_count",
    )
    amounts += ("rate_variants", "rate_variant_min", "rate_variant_max", "is_in_one_file")
    numbers = {"enriched_owner": "group_ix"} | {name: f"{name.removeprefix('enriched_')}_ix" for name in _ANSWERS[2:]}
    chosen = ", ".join(("fact_uid", *amounts, *(f"coalesce({ix}, 0) AS {ix}" for ix in numbers.values())))

    def rows() -> Iterator[pa.Table]:
        for _, found in _slices(con, chosen):
            columns = [found.column("fact_uid"), *(found.column(name).cast(pa.float64()) for name in amounts)]
            places = {name: found.column(ix).to_numpy() for name, ix in numbers.items()}
            places["enriched_provider"] = provider[places["enriched_owner"]]
            for name in numbered:
                columns += [pa.array(half[places[name]]) for half in answers[name].T]
            yield pa.table(columns, names=[str(n) for n in range(len(columns))])

    schedules = con.sql(
        "SELECT coalesce(string_agg(concat(schedule, by_state), ' ' ORDER BY schedule), '') FROM enriched_schedule"
    )
    return leaf_digest.digests(rows(), np.array(ends), schedules.fetchall()[0][0])


def _answer_digests(con: duckdb.DuckDBPyConnection, table: str) -> np.ndarray:
    """What each row of an answer's table says, in 128 bits, at its number; at 0 what no row says.

    Other numbers than its own do not count: who has which depends on what else the month has.
    """
    columns = [name for (name,) in con.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()]
    key = f"{table.removeprefix('enriched_')}_ix" if table != "enriched_owner" else "group_ix"
    packed = ", ".join(f"{name} := {name}" for name in columns if not name.endswith(("_ix", "_rank")))
    text = f"CAST(to_json(struct_pack({packed})) AS VARCHAR)"
    found = con.sql(
        f"SELECT {key} AS ix, md5_number_lower(t) AS low, md5_number_upper(t) AS high FROM (SELECT {key}, {text} AS t FROM {table})"
    ).fetchnumpy()
    answers = np.zeros((len(found["ix"]) + 1, 2), np.int64)
    answers[found["ix"], 0], answers[found["ix"], 1] = found["low"].view(np.int64), found["high"].view(np.int64)
    return answers


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


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
    if _count(con, table) > _NUMBERED_AT_MOST:
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
    rate_parts.load(con)
    rate_flags.load(con)
    bench_opps.load_statuses(con)
    bench_asc_price.load_indicators(con)
    con.execute(duck.sql("fact_rate_enriched_groups.sql"))
    con.execute(duck.sql("fact_rate_enriched_providers.sql"))
    con.execute(duck.sql("fact_rate_enriched_codes.sql"))
    con.execute(duck.sql("fact_rate_enriched_terms.sql"))
    con.execute(duck.sql("fact_rate_enriched_flags.sql"))
    con.execute(duck.sql("fact_rate_enriched_benchmarks.sql"))
    con.execute(duck.sql("fact_rate_enriched_rows.sql"))


def _weigh(con: duckdb.DuckDBPyConnection) -> None:
    """Hold the facts against each other, in numbers (enriched_numbered); leaves the view enriched_weighed, the same facts
    with what came of it, and the tables of code_spread and source_price_check."""
    con.execute(duck.sql("fact_rate_enriched_variants.sql"))
    code_spread.build(con)
    con.execute(f"CREATE OR REPLACE TEMP TABLE enriched_file AS {duck.sql('source_price_check.sql')}")
    duck.view(con, "enriched_weighed", duck.sql("fact_rate_enriched_weighed.sql"))


def suspicious_files(con: duckdb.DuckDBPyConnection) -> list[dict]:
    """The rows of source_price_check that a person should look at, by batch_id, with the reason: not_in_dollars,
    of_another_class (`rate_flags` has the bounds)."""
    found = con.sql(f"""
        SELECT * FROM (
          SELECT * EXCLUDE (year_month), coalesce({rate_flags.NOT_IN_DOLLARS}, FALSE) AS not_in_dollars,
            {rate_flags.OF_ANOTHER_CLASS} AS of_another_class
          FROM enriched_file)
        WHERE not_in_dollars OR of_another_class ORDER BY batch_id""")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def others(name: str) -> str:
    """The SELECT of code_spread or of source_price_check, of the month whose facts were put in order on the connection."""
    return {"code_spread": code_spread.select(), "source_price_check": "FROM enriched_file"}[name]


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

"""The facts of a month: staged prices times the provider groups that they name, identified, corrected, collapsed.

What belongs here: what a fact is. Reads the views staged_price, staged_item, staged_terms, staged_owner, staged_group
(each with batch_id and row_ix, the place in its file), source_file, star_fact, and the corrections given as a list; leaves
the tables `fact_first` and `read_totals` (`pipeline.accounts`) on the connection for the caller. No Luigi, no
paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipeline import decimals, errors, naming, tables
from pipeline.compiled.exact_sums import ExactSum
from pipeline.storage import duck
from pipeline.transforms import fact_numbers

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = [c for c in tables.get("fact_rate").columns if c not in ("fact_uid", "source_count")]

_UID = naming.fact_uid_sql()

# One row per read rate. `ordinal` is its place: file in name order, price, owner, so that the first one is kept.
_READ = """
SELECT
  (CAST(f.file_ix AS UHUGEINT) << 80) + (CAST(p.row_ix AS UHUGEINT) << 40) + CAST(o.row_ix AS UHUGEINT) AS ordinal,
  f.state, f.year_month, f.reporting_entity_name, f.payer_slug, f.batch_id,
  t.billing_class, i.code_type, i.code, g.pg_uid, t.pos_set_id, t.negotiated_type, i.negotiation_arrangement,
  p.negotiated_rate, t.expiration_date, g.provider_group_id_raw, t.billing_code_modifiers, t.additional_information,
  t.setting, i.severity_of_illness, g.network_names, i.contained_codes_uid, g.pg_members_uid
FROM staged_price AS p
JOIN (SELECT *, row_number() OVER (ORDER BY file) AS file_ix FROM source_file) AS f USING (batch_id)
JOIN staged_item AS i USING (batch_id, item_ix)
JOIN staged_terms AS t USING (batch_id, terms_ix)
JOIN staged_owner AS o USING (batch_id, object_ix)
JOIN staged_group AS g USING (batch_id, group_ix)
"""


# Facts that star schemas alone have.
_STAR = """
        SELECT s.* FROM star_fact AS s
        WHERE NOT EXISTS (SELECT 1 FROM fact_first AS k WHERE k.fact_uid = s.fact_uid)
        QUALIFY row_number() OVER (PARTITION BY s.fact_uid ORDER BY s.batch_id, s.pg_uid NULLS LAST) = 1"""
_UNSORTED_ROWS = 20_000  # of 23 columns: few enough that writing them beside the joins keeps within the memory


def build(con: duckdb.DuckDBPyConnection, corrections: list[dict]) -> str:
    """The SELECT of the month's facts, with the columns of fact_rate.

    `corrections` are this month's, in order: {id, match, action, set}. CorrectionError when one matches nothing.
    """
    rate = _prepare(con, corrections)
    columns = ", ".join(f"r.{c}" for c in COLUMNS)
    return f"""
        SELECT k.fact_uid, {columns}, k.source_count
        FROM fact_first AS k JOIN {rate} AS r USING (ordinal)
        UNION ALL BY NAME {_STAR}"""


def batches(con: duckdb.DuckDBPyConnection, corrections: list[dict], scratch: Path) -> Iterator[pa.RecordBatch]:
    """The rows of `build` in the declared order and types, as record batches, in memory that does not grow with them.

    Of rates that nothing corrects the prices are put in order (`fact_numbers`). The others are written to the file
    `scratch` as they come and sorted from there.
    """
    if corrections or con.sql("SELECT 1 FROM star_fact LIMIT 1").fetchall():
        yield from _from_file(con, corrections, scratch)
    else:
        yield from fact_numbers.batches(con, scratch)


def _from_file(con: duckdb.DuckDBPyConnection, corrections: list[dict], scratch: Path) -> Iterator[pa.RecordBatch]:
    """The facts, sorted from a file: joining every kept rate to its place and sorting at once does not spill.

    Only rates that stand more than once are looked up.
    """
    declared = tables.get("fact_rate")
    rate = _prepare(con, corrections)
    con.execute("CREATE OR REPLACE TEMP TABLE fact_repeated AS SELECT * FROM fact_first WHERE source_count > 1")
    typed = ", ".join(f"CAST({c} AS {kind}) AS {c}" for c, kind in declared.duckdb_columns.items())
    columns = ", ".join(f"r.{c}" for c in COLUMNS)
    chosen = f"""
        SELECT {typed} FROM (
          SELECT r.fact_uid, {columns}, coalesce(k.source_count, 1) AS source_count
          FROM (SELECT {_UID} AS fact_uid, * FROM {rate}) AS r LEFT JOIN fact_repeated AS k USING (fact_uid)
          WHERE k.ordinal IS NULL OR k.ordinal = r.ordinal
          UNION ALL BY NAME {_STAR}
        )"""
    duck.write_parquet(con, chosen, scratch, f"COMPRESSION lz4, ROW_GROUP_SIZE {_UNSORTED_ROWS}")
    order = ", ".join(f"{c} NULLS FIRST" for c in declared.sort)
    rows = con.sql(f"FROM {duck.parquet_files(scratch)} ORDER BY {order}")
    yield from rows.to_arrow_reader(_UNSORTED_ROWS)
    scratch.unlink()


def _prepare(con: duckdb.DuckDBPyConnection, corrections: list[dict]) -> str:
    """Make the tables that the accounts are read from; returns the view of the rates as they count."""
    duck.view(con, "read_rate", _READ)
    rate = "read_rate"
    if corrections:
        duck.view(con, "corrected_rate", _corrected(corrections))
        _count_hits(con, corrections)
        rate = "corrected_rate"
    # Only (uid, place, amount) of each read rate is grouped, which spills.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE fact_first AS "
        f"SELECT fact_uid, min(ordinal) AS ordinal, min(negotiated_rate) AS amount, count(*) AS source_count "
        f"FROM (SELECT {_UID} AS fact_uid, ordinal, negotiated_rate FROM {rate}) GROUP BY fact_uid"
    )
    _account(con, corrected=bool(corrections))
    return rate


def _account(con: duckdb.DuckDBPyConnection, *, corrected: bool) -> None:
    """Leave read_totals, one row: read, facts, duplicates, corrected_away, star_facts and the sums of amounts that
    `pipeline.accounts` says of a month."""
    facts = _amounts(
        con, "SELECT amount, count(*) AS facts, sum(source_count - 1) AS duplicates FROM fact_first GROUP BY 1"
    )
    nothing = dict.fromkeys(("dropped", "kept"), (0, Decimal(0)))
    before = after = nothing
    if corrected:
        columns = "sum(rates) FILTER (dropped) AS dropped, sum(rates) FILTER (NOT dropped) AS kept"
        before = _amounts(con, f"SELECT before, {columns} FROM corrected_amount GROUP BY 1")
        after = _amounts(con, f"SELECT after, {columns} FROM corrected_amount GROUP BY 1")
    ((of_stars,),) = con.sql(f"SELECT count(*) FROM ({_STAR})").fetchall()
    values = {
        "star_facts": of_stars,
        "facts": facts["facts"][0],
        "duplicates": facts["duplicates"][0],
        "corrected_away": before["dropped"][0],
        "fact_sum": decimals.text(facts["facts"][1]),
        "duplicate_sum": decimals.text(facts["duplicates"][1]),
        "corrected_sum": decimals.text(before["dropped"][1]),
        "amended_sum": decimals.text(decimals.total([before["kept"][1], -after["kept"][1]])),
    }
    columns = ", ".join(f"{duck.literal(value)} AS {name}" for name, value in values.items())
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE read_totals AS SELECT (SELECT count(*) FROM read_rate) AS read, {columns}"
    )


def _amounts(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, tuple[int, Decimal]]:
    """Of each column of counts: their sum, and the exact sum of the amounts in the first column, each so many times."""
    relation = con.sql(select)
    names = relation.columns[1:]
    counts, sums = dict.fromkeys(names, 0), {name: ExactSum() for name in names}
    counted = ", ".join(f"CAST(coalesce({name}, 0) AS BIGINT) AS {name}" for name in names)
    amount = f"coalesce({relation.columns[0]}, 0)"  # a correction may set null, which the gate refuses
    for batch in con.sql(f"SELECT {amount}, {counted} FROM ({select})").to_arrow_reader(1 << 16):
        amounts, *columns = (column.to_numpy() for column in batch.columns)
        for name, times in zip(names, columns, strict=True):
            counts[name] += int(times.sum())
            sums[name].add(amounts, times)
    return {name: (counts[name], sums[name].total) for name in names}


def sources(con: duckdb.DuckDBPyConnection, corrections: list[dict]) -> str:
    """The SELECT of xref_fact_source: every file that published a fact, and how often.

    Reads the view fact_rate beside the staged ones. A fact that was read once names its file; the rates are read again for
    the others alone, and of prices that no such fact has nothing is identified. A fact of star schemas alone names the
    first of them.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE fact_repeated AS "
        "SELECT fact_uid, code_type, code, negotiated_rate FROM fact_rate WHERE source_count > 1"
    )
    duck.view(con, "read_rate", _READ)
    rate = "read_rate"
    if corrections:
        duck.view(con, "corrected_rate", _corrected(corrections))
        rate = "corrected_rate"
    else:
        con.execute("""
            CREATE OR REPLACE TEMP TABLE price_repeated AS
            SELECT p.*
            FROM staged_price AS p JOIN staged_item AS i USING (batch_id, item_ix)
            SEMI JOIN fact_repeated AS r
              ON r.code_type IS NOT DISTINCT FROM i.code_type AND r.code IS NOT DISTINCT FROM i.code AND r.negotiated_rate = p.negotiated_rate""")
        duck.view(con, "read_rate", _READ.replace("FROM staged_price", "FROM price_repeated"))
    return f"""
        SELECT fact_uid, batch_id, source_count AS read_count FROM fact_rate WHERE source_count = 1
        UNION ALL
        SELECT fact_uid, batch_id, count(*) AS read_count
        FROM (SELECT {_UID} AS fact_uid, batch_id FROM {rate}) SEMI JOIN fact_repeated USING (fact_uid)
        GROUP BY ALL"""


def _condition(match: dict) -> str:
    return (
        " AND ".join(f"{duck.identifier(c)} IS NOT DISTINCT FROM {duck.literal(v)}" for c, v in match.items()) or "TRUE"
    )


def _identified() -> str:
    return f"SELECT *, {_UID} AS fact_uid FROM read_rate"


def _amended(corrections: list[dict]) -> dict[str, str]:
    """Of each column that corrections set: its value after them. They match uncorrected values, all of them."""
    amended = {}
    for column in sorted({column for c in corrections for column in c["set"]}):
        cases = [
            f"WHEN {_condition(c['match'])} THEN {duck.literal(c['set'][column])}"
            for c in reversed(corrections)
            if c["action"] == "amend" and column in c["set"]
        ]
        amended[column] = f"CASE {' '.join(cases)} ELSE {column} END"
    return amended


def _dropped(corrections: list[dict]) -> str:
    return " OR ".join(f"({_condition(c['match'])})" for c in corrections if c["action"] == "drop") or "FALSE"


def _corrected(corrections: list[dict]) -> str:
    """The read rates with what corrections set, without what they drop."""
    replaced = [f"{value} AS {column}" for column, value in _amended(corrections).items()]
    chosen = "* EXCLUDE (fact_uid)" + (f" REPLACE ({', '.join(replaced)})" if replaced else "")
    return f"SELECT {chosen} FROM ({_identified()}) WHERE NOT ({_dropped(corrections)})"


def _count_hits(con: duckdb.DuckDBPyConnection, corrections: list[dict]) -> None:
    """Leave corrected_amount, the rates that corrections match: which of them do, whether one drops the rate, its amount
    before and after, how many rates these are; and correction_hits: the place of each correction in their order, from 0,
    and how many rates it matches. CorrectionError when one matches nothing."""
    matches = ", ".join(_condition(c["match"]) for c in corrections)
    after = _amended(corrections).get("negotiated_rate", "negotiated_rate")
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE corrected_amount AS
        SELECT [{matches}] AS matched, {_dropped(corrections)} AS dropped, negotiated_rate AS before,
          CAST({after} AS DOUBLE) AS after, count(*) AS rates
        FROM ({_identified()}) WHERE list_contains([{matches}], TRUE) GROUP BY ALL""")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE correction_hits AS
        SELECT place, CAST(sum(rates) AS BIGINT) AS rates
        FROM (SELECT unnest(range(len(matched))) AS place, unnest(matched) AS hit, rates FROM corrected_amount)
        WHERE hit GROUP BY ALL""")
    hits = {place for (place,) in con.sql("SELECT place FROM correction_hits").fetchall()}
    for place, correction in enumerate(corrections):
        if place not in hits:
            raise errors.CorrectionError(
                f"the correction {correction['id']} matches no rate of this month",
                place=correction.get("place"),
                remedy="mend its match, or take the month out of its months (it may be mended at the source)",
            )

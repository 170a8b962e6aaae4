"""What share of a month's facts has a provider, a place, a Medicare rate, by folder, payer and billing class; and why not.

What belongs here: the rows of coverage and coverage_gap. Views: fact_rate_enriched, fact_rate and source_price_check of the
month. What must not come in: which file would mend a gap (`mending`), files, settings.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pipeline.storage import duck
from pipeline.transforms import leaf_plan, rate_flags
from pipeline.transforms.mending import Mending

if TYPE_CHECKING:
    import duckdb

KEY = ("year_month", "state", "payer_slug", "billing_class")
KINDS = ("dollars", "provider", "place", "coordinates", "category", "tin_name", "medicare")
_COUNTED = ("with_dollars", "with_provider", "with_place", "with_tin_name", "with_medicare", "comparable")


def build(con: duckdb.DuckDBPyConnection, keys: Iterable[str], withheld: Iterable[str]) -> str:
    """The SELECT of coverage. `keys` are the columns that name a leaf, `withheld` the leaves that the gate holds back."""
    _rows(con, keys, withheld)
    counted = ", ".join(f"count(*) FILTER ({name}) AS {name}" for name in _COUNTED)
    return f"""
        WITH counted AS (
          SELECT {", ".join(KEY)}, count(*) AS facts, {counted}, count(*) FILTER (is_withheld) AS withheld,
            count(DISTINCT pg_uid) FILTER (is_unresolved) AS groups_unresolved
          FROM coverage_row GROUP BY ALL
        ),
        publishers AS (
          SELECT batch_id, min(state) AS state, min(payer_slug) AS payer_slug
          FROM (
            SELECT DISTINCT batch_id, state, slugify(reporting_entity_name) AS payer_slug
            FROM (SELECT DISTINCT batch_id, state, reporting_entity_name FROM fact_rate)
          )
          GROUP BY batch_id HAVING count(*) = 1
        ),
        undecided AS (
          SELECT p.state, p.payer_slug, sum(c.class_undecided) AS class_undecided
          FROM source_price_check AS c JOIN publishers AS p USING (batch_id) GROUP BY ALL
        )
        SELECT c.*, coalesce(u.class_undecided, 0) AS class_undecided
        FROM counted AS c
        LEFT JOIN undecided AS u ON c.billing_class = 'institutional' AND u.state IS NOT DISTINCT FROM c.state
          AND u.payer_slug IS NOT DISTINCT FROM c.payer_slug"""


def gaps(
    con: duckdb.DuckDBPyConnection,
    keys: Iterable[str],
    withheld: Iterable[str],
    mending: Callable[[str, str], Mending],
) -> str:
    """The SELECT of coverage_gap; `mending` says of a kind and a reason which file would mend it.

    Leaves the table coverage_reason (key, kind, reason, facts) on the connection.
    """
    import pyarrow as pa

    _rows(con, keys, withheld)
    reasons = ", ".join(f"{kind}_reason" for kind in KINDS)
    listed = ", ".join(f"{{'kind': '{kind}', 'reason': {kind}_reason}}" for kind in KINDS)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE coverage_reason AS
        SELECT {", ".join(KEY)}, gap.kind AS kind, gap.reason AS reason, CAST(sum(facts) AS BIGINT) AS facts
        FROM (
          SELECT {", ".join(KEY)}, facts, unnest([{listed}]) AS gap
          FROM (SELECT {", ".join(KEY)}, {reasons}, count(*) AS facts FROM coverage_row GROUP BY ALL)
        )
        WHERE gap.reason IS NOT NULL
        GROUP BY ALL""")
    pairs = con.sql("SELECT DISTINCT kind, reason FROM coverage_reason ORDER BY ALL").fetchall()
    found = [(kind, reason, mending(kind, reason)) for kind, reason in pairs]
    columns = {"kind": [kind for kind, _, _ in found], "reason": [reason for _, reason, _ in found]}
    columns |= {name: [getattr(one, name) for _, _, one in found] for name in ("file", "page", "folder", "command")}
    con.register("given", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))
    con.execute("CREATE OR REPLACE TEMP TABLE coverage_mending AS FROM given")
    con.unregister("given")
    return "SELECT * FROM coverage_reason JOIN coverage_mending USING (kind, reason)"


def by_reason(con: duckdb.DuckDBPyConnection) -> list[list]:
    """[kind, reason, facts] over all folders, payers and classes, from the table that `gaps` leaves."""
    found = con.sql("SELECT kind, reason, CAST(sum(facts) AS BIGINT) FROM coverage_reason GROUP BY ALL ORDER BY ALL")
    return [list(row) for row in found.fetchall()]


def _rows(con: duckdb.DuckDBPyConnection, keys: Iterable[str], withheld: Iterable[str]) -> None:
    import pyarrow as pa

    con.execute(leaf_plan.PARTITION_VALUE)
    con.register("given", pa.table({"partition": pa.array(sorted(withheld), pa.string())}))
    con.execute("CREATE OR REPLACE TEMP TABLE withheld AS FROM given")
    con.unregister("given")
    partition = " || '/' || ".join(f"'{key}=' || partition_value('{key}', e.{duck.identifier(key)})" for key in keys)
    any_withheld = con.sql("SELECT count(*) FROM withheld").fetchall()[0][0]
    # The name of each row's leaf is made only where some are withheld.
    excluding = ", ".join(map(duck.literal, rate_flags.EXCLUDING))
    values = {"partition": partition if any_withheld else "NULL", "excluding": excluding}
    text = string.Template(duck.sql("coverage_rows.sql")).substitute(values)
    con.execute(text)

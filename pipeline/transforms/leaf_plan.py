"""The leaf plan of a month: which rows of the joined file make which leaf, and the digest of each.

What belongs here: cutting sorted rows into leaves and packing leaves into groups. Reads the view
fact_rate_enriched, sorted, with the place of each row as row_number, and the table `withheld` (partition, reason).
What must not come in: Luigi, paths.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from pipeline import partition, tables
from pipeline.storage import duck

if TYPE_CHECKING:
    import pyarrow as pa

# Part of every leaf's digest: raise it when the encoding of a leaf changes, so that leaves are written anew.
LEAF_FORMAT = "4"
GROUP_LEAVES = 6_000  # of a group, at most
LIKE_ROWS = 100  # a leaf takes as long to write as so many of its rows: 2.3 ms, and 0.03 ms a row


def build(
    con: duckdb.DuckDBPyConnection,
    keys: tuple[str, ...],
    group_rows: int,
    between: Callable[[int, int], Iterable[pa.Table]],
    compression: str,
    known: dict[tuple[int, int], str] = {},  # noqa: B006 read only
) -> str:
    """The SELECT of leaf_plan. A group is a run of whole leaves of at most `group_rows` rows (one larger leaf alone).

    between      gives the rows of the view from one up to another, in any number of tables, for the digests
    compression  of the leaves' files: part of their digests, for other bytes are another object
    known        digests that an earlier plan had of the same rows: by the first row and the one behind
    """
    import pyarrow as pa

    from pipeline.transforms import leaf_digest

    encoded = " || '/' || ".join(f"'{k}=' || partition_value('{k}', {duck.identifier(k)})" for k in keys)
    columns = ", ".join(map(duck.identifier, keys))
    con.execute(PARTITION_VALUE)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE leaf AS
        SELECT {encoded} AS partition, first_row, rows, last_row
        FROM (
          SELECT {columns}, min(row_number) AS first_row, count(*) AS rows, max(row_number) AS last_row
          FROM fact_rate_enriched
          GROUP BY {columns})
        ORDER BY first_row""")
    cut = con.sql("SELECT count(*) FROM leaf WHERE last_row - first_row + 1 <> rows").fetchall()[0][0]
    assert not cut, f"{cut} leaves are not runs of the sorted rows"
    runs = con.sql("SELECT first_row, last_row + 1 AS behind FROM leaf ORDER BY first_row").fetchall()
    salt = f"{LEAF_FORMAT}|{compression}|{tables.get('fact_rate_enriched').arrow_schema()}"
    digests = []
    for is_known, found in itertools.groupby(runs, key=known.__contains__):
        some = list(found)
        if is_known:
            digests += [known[run] for run in some]
            continue
        first, behind = some[0][0], some[-1][1]
        digests += leaf_digest.digests(between(first, behind), np.array([end - first for _, end in some]), salt)
    firsts = pa.array([first for first, _ in runs], pa.int64())
    con.register("digests", pa.table({"first_row": firsts, "digest": pa.array(digests, pa.string())}))
    con.execute("CREATE OR REPLACE TEMP TABLE leaf_digest AS FROM digests")
    con.unregister("digests")
    con.execute("CREATE OR REPLACE TEMP TABLE leaf_of_group (first_row BIGINT, leaf_group VARCHAR)")
    runs = con.sql("SELECT partition, first_row, rows FROM leaf ORDER BY first_row").fetchall()
    begun = _groups([rows for _, _, rows in runs], group_rows)
    packed = [(first_row, runs[start][0]) for (_, first_row, _), start in zip(runs, begun, strict=True)]
    if packed:
        listed = pa.table({"first_row": [p[0] for p in packed], "leaf_group": [p[1] for p in packed]})
        con.register("packed", listed)
        con.execute("INSERT INTO leaf_of_group SELECT * FROM packed")
        con.unregister("packed")
    return """
        SELECT l.partition, l.first_row, l.rows, d.digest, g.leaf_group, w.reason
        FROM leaf AS l JOIN leaf_digest AS d USING (first_row) JOIN leaf_of_group AS g USING (first_row)
        LEFT JOIN withheld AS w USING (partition)"""


def _groups(leaves: list[int], group_rows: int) -> list[int]:
    """By the rows of each leaf, in their order: with which leaf its group begins.

    An even number of groups that take as long as each other to write, as far as `group_rows` allows: two workers that
    take the last two end together.
    """
    left, groups = sum(leaves) + LIKE_ROWS * len(leaves), 1
    if len(leaves) > GROUP_LEAVES or sum(leaves) > group_rows:
        groups = max(math.ceil(sum(leaves) / group_rows), math.ceil(len(leaves) / GROUP_LEAVES))
        groups += groups % 2
    begun, share = [], 0.0
    start, held, filled = 0, 0, 0  # of the group at hand: its first leaf, rows, and what they count for
    for number, rows in enumerate(leaves):
        weight = rows + LIKE_ROWS
        full = held + rows > group_rows or number - start == GROUP_LEAVES or filled + weight / 2 > share
        if not number or full:
            left, groups = left - filled, groups - (number > 0)
            share = left / max(groups, 1)
            start, held, filled = number, 0, 0
        held, filled = held + rows, filled + weight
        begun.append(start)
    return begun


# The same as partition.encode; a test holds the two together.
PARTITION_VALUE = f"""
CREATE OR REPLACE TEMP MACRO partition_value(key, v) AS CASE
  WHEN v IS NULL THEN '{partition.NULL}'
  WHEN v = '{partition.NULL}' THEN '%5F{partition.NULL[1:]}'
  WHEN length(url_encode(v)) <= {partition.LONGEST - 1} - length(key) THEN url_encode(v)
  ELSE regexp_replace(left(url_encode(v), {partition.LONGEST - 1 - partition.DIGEST_LENGTH} - length(key)), '{partition.CUT}', '')
    || '{partition.SHORTENED}' || md5(v) END
"""

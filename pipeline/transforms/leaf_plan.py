"""The leaf plan of a month: which rows of the joined file make which leaf, and the digest of each.

What belongs here: cutting sorted rows into leaves and packing leaves into groups. Reads the view
fact_rate_enriched over one sorted file, with its file_row_number, and the table `withheld` (partition, reason).
No Luigi, no paths.
"""

from __future__ import annotations

import duckdb

from pipeline import duck, tables

# Part of every leaf's digest: raise it when the encoding of a leaf changes, so that leaves are written anew.
LEAF_FORMAT = "3"


def build(con: duckdb.DuckDBPyConnection, keys: tuple[str, ...], group_rows: int) -> str:
    """The SELECT of leaf_plan. A group is a run of whole leaves of at most `group_rows` rows (one larger leaf alone)."""
    encoded = " || '/' || ".join(f"'{k}=' || partition_value({duck.identifier(k)})" for k in keys)
    columns = ", ".join(
        f"{duck.identifier(c)} := {duck.identifier(c)}" for c in tables.get("fact_rate_enriched").columns
    )
    con.execute(PARTITION_VALUE)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE leaf AS
        SELECT
          {encoded} AS partition, min(file_row_number) AS first_row, count(*) AS rows,
          max(file_row_number) AS last_row,
          md5('{LEAF_FORMAT}|' || string_agg(md5(CAST(to_json(struct_pack({columns})) AS VARCHAR)), '' ORDER BY file_row_number)) AS digest
        FROM fact_rate_enriched
        GROUP BY ALL""")
    cut = con.sql("SELECT count(*) FROM leaf WHERE last_row - first_row + 1 <> rows").fetchall()[0][0]
    assert not cut, f"{cut} leaves are not runs of the sorted rows"
    con.execute("CREATE OR REPLACE TEMP TABLE leaf_of_group (first_row BIGINT, leaf_group VARCHAR)")
    packed, group, filled = [], None, 0
    for partition, first_row, rows in con.sql(
        "SELECT partition, first_row, rows FROM leaf ORDER BY first_row"
    ).fetchall():
        if group is None or filled + rows > group_rows:
            group, filled = partition, 0
        filled += rows
        packed.append((first_row, group))
    if packed:
        import pyarrow as pa

        listed = pa.table({"first_row": [p[0] for p in packed], "leaf_group": [p[1] for p in packed]})
        con.register("packed", listed)
        con.execute("INSERT INTO leaf_of_group SELECT * FROM packed")
        con.unregister("packed")
    return """
        SELECT l.partition, l.first_row, l.rows, l.digest, g.leaf_group, w.reason
        FROM leaf AS l JOIN leaf_of_group AS g USING (first_row) LEFT JOIN withheld AS w USING (partition)"""


# The same as partition.encode; a test holds the two together.
PARTITION_VALUE = """
CREATE OR REPLACE MACRO partition_value(v) AS CASE
  WHEN v IS NULL THEN '__HIVE_DEFAULT_PARTITION__'
  WHEN v = '__HIVE_DEFAULT_PARTITION__' THEN '%5F_HIVE_DEFAULT_PARTITION__'
  ELSE url_encode(v) END
"""

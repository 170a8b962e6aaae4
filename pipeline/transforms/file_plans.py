"""Which plans use which in-network file: by the files' headers, and by tables of contents that list a file of that name.

What belongs here: the rows of dim_plan and xref_file_plan, and what of both lists is not found in the other. Views:
listed_file (batch_id, year_month, file, file_key, plan_name, plan_id_type, plan_id, plan_market_type, issuer_name,
plan_sponsor_name), staged_toc_plan, staged_toc_file. What must not come in: Luigi, paths.
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck


def plans(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of dim_plan."""
    con.execute(duck.sql("file_plans.sql"))
    return (
        "SELECT DISTINCT plan_uid, plan_name, plan_id_type, plan_id, plan_market_type, issuer_name, plan_sponsor_name "
        "FROM file_plan"
    )


def uses(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of xref_file_plan: one row for each file, month and plan, however often it is said."""
    con.execute(duck.sql("file_plans.sql"))
    return """
        SELECT batch_id, year_month, min(file) AS file, plan_uid,
          concat_ws('|', CASE WHEN count(*) > count(toc) THEN 'header' END, CASE WHEN count(toc) > 0 THEN 'toc' END) AS source,
          min(toc) AS toc, arg_min(location, (toc, location)) FILTER (toc IS NOT NULL) AS location
        FROM file_plan
        GROUP BY batch_id, year_month, plan_uid"""


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What both lists have: `listed` different files of tables of contents, `absent` those of them that are not here, `files`
    in-network files (by path), `unlisted` those of them that no table of contents lists."""
    found = con.sql("""
        SELECT (SELECT count(DISTINCT location) FROM staged_toc_file) AS listed,
          (SELECT count(DISTINCT location) FROM staged_toc_file
            WHERE file_key IS NULL OR file_key NOT IN (SELECT file_key FROM listed_file WHERE file_key IS NOT NULL)) AS absent,
          (SELECT count(DISTINCT batch_id) FROM listed_file) AS files,
          (SELECT count(DISTINCT batch_id) FROM listed_file ANTI JOIN staged_toc_file USING (file_key)) AS unlisted""")
    return dict(zip(found.columns, found.fetchall()[0], strict=True))

"""The queries of the user's guide, and where they find its files."""

from __future__ import annotations

from pathlib import Path

SQL = {
    "3.1": r"""
WITH fact AS (
  SELECT *
  FROM read_parquet('core/data/gold/fact_rate.parquet')
  WHERE state = 'GA' AND year_month = '2025-08'
)
SELECT f.year_month, f.reporting_entity_name, f.code_type, f.code,
       d.code_desc, d.name AS code_name,
       f.negotiated_rate
FROM fact f
LEFT JOIN read_parquet('core/data/silver/dim_code/dim_code.parquet') d
  ON d.code_type = f.code_type AND d.code = f.code
LIMIT 25;
""",
    "3.2": r"""
WITH fact AS (
  SELECT *
  FROM read_parquet('core/data/gold/fact_rate.parquet')
  WHERE state = 'GA' AND year_month = '2025-08'
),
pos AS (
  SELECT pos_set_id
  FROM read_parquet('core/data/silver/xref_pos/xref_pos.parquet')
  WHERE pos = '11'
)
SELECT f.reporting_entity_name, f.code_type, f.code, f.negotiated_rate
FROM fact f
JOIN pos USING (pos_set_id)
ORDER BY f.reporting_entity_name, f.code;
""",
    "3.3": r"""
-- Example with computed slug inline (string ops in SQL)
WITH fact AS (
  SELECT *,
         regexp_replace(lower(reporting_entity_name), '[^a-z0-9]+', '_') AS payer_slug
  FROM read_parquet('core/data/gold/fact_rate.parquet')
  WHERE state = 'GA' AND year_month = '2025-08'
)
SELECT f.reporting_entity_name, f.code, x.npi, f.negotiated_rate
FROM fact f
JOIN read_parquet('core/data/silver/xref_group_npi/xref_group_npi.parquet') x
  ON x.year_month = f.year_month
 AND x.payer_slug = f.payer_slug
 AND x.pg_uid     = f.pg_uid
LIMIT 50;
""",
    "3.4": r"""
WITH fact AS (
  SELECT *,
         regexp_replace(lower(reporting_entity_name), '[^a-z0-9]+', '_') AS payer_slug
  FROM read_parquet('core/data/gold/fact_rate.parquet')
  WHERE state = 'GA' AND year_month = '2025-08'
)
SELECT f.code_type, f.code, t.tin_value,
       count(*) AS n,
       avg(f.negotiated_rate) AS mean_rate,
       quantile_cont(f.negotiated_rate, 0.5) AS p50
FROM fact f
JOIN read_parquet('core/data/silver/xref_group_tin/xref_group_tin.parquet') t
  ON t.year_month = f.year_month
 AND t.payer_slug = f.payer_slug
 AND t.pg_uid     = f.pg_uid
GROUP BY 1,2,3
ORDER BY 1,2,3;
""",
    "3.5": r"""
WITH fact AS (
  SELECT *
  FROM read_parquet('core/data/gold/fact_rate.parquet')
  WHERE state = 'GA' AND year_month = '2025-08' AND code_type = 'CPT'
)
SELECT f.reporting_entity_name, f.code, d.code_desc,
       f.negotiated_rate,
       b.medicare_prof_rate,
       f.negotiated_rate / NULLIF(b.medicare_prof_rate, 0) AS pct_of_medicare
FROM fact f
LEFT JOIN read_parquet('core/data/silver/dim_code/dim_code.parquet') d
  ON d.code_type = f.code_type AND d.code = f.code
LEFT JOIN read_parquet('core/data/silver/bench_medicare_prof.parquet') b
  ON b.state = f.state AND b.year_month = f.year_month
 AND b.code_type = f.code_type AND b.code = f.code
ORDER BY f.reporting_entity_name, f.code
LIMIT 100;
""",
    "8.1": r"""
-- Codes present in fact but missing in dim_code:
SELECT f.code_type, f.code, COUNT(*) AS n_missing
FROM read_parquet('core/data/gold/fact_rate.parquet') f
LEFT JOIN read_parquet('core/data/silver/dim_code/dim_code.parquet') d
  ON d.code_type=f.code_type AND d.code=f.code
WHERE d.code IS NULL
GROUP BY 1,2
ORDER BY n_missing DESC
LIMIT 50;
""",
    "8.2": r"""
-- Any pos_set_id in fact not defined in dim_pos_set?
SELECT f.pos_set_id, COUNT(*) AS n
FROM read_parquet('core/data/gold/fact_rate.parquet') f
LEFT JOIN read_parquet('core/data/silver/dim_pos_set/dim_pos_set.parquet') p
  ON p.pos_set_id=f.pos_set_id
WHERE p.pos_set_id IS NULL
GROUP BY 1
ORDER BY n DESC
LIMIT 25;
""",
    "8.3": r"""
-- % of fact rows by month that can resolve to at least one NPI
WITH fact AS (
  SELECT *,
         regexp_replace(lower(reporting_entity_name), '[^a-z0-9]+', '_') AS payer_slug
  FROM read_parquet('core/data/gold/fact_rate.parquet')
)
SELECT year_month,
       100.0 * SUM(has_npi)::DOUBLE / COUNT(*) AS pct_with_npi
FROM (
  SELECT f.year_month, (x.npi IS NOT NULL) AS has_npi
  FROM fact f
  LEFT JOIN read_parquet('core/data/silver/xref_group_npi/xref_group_npi.parquet') x
    ON x.year_month=f.year_month AND x.payer_slug=f.payer_slug AND x.pg_uid=f.pg_uid
)
GROUP BY year_month
ORDER BY year_month;
""",
}

# Where each of the guide's files stands here; months are read together, as the guide's section 7 does.
PATHS = {
    "gold/fact_rate.parquet": "gold/fact_rate_????-??.parquet",
    "silver/dim_code/dim_code.parquet": "dims/dim_code.parquet",
    "silver/dim_pos_set/dim_pos_set.parquet": "dims/dim_pos_set.parquet",
    "silver/xref_pos/xref_pos.parquet": "xrefs/xref_pos.parquet",
    "silver/xref_group_npi/xref_group_npi.parquet": "xrefs/xref_group_npi_????-??.parquet",
    "silver/xref_group_tin/xref_group_tin.parquet": "xrefs/xref_group_tin_????-??.parquet",
    "silver/bench_medicare_prof.parquet": "bench/bench_medicare_prof_????-??.parquet",
}

SLIPS = {
    "regexp_replace(lower(reporting_entity_name), '[^a-z0-9]+', '_')": (
        "trim(regexp_replace(lower(reporting_entity_name), '[^a-z0-9]+', '_', 'g'), '_')"
    ),
    ".map_elements(slugify)": ".map_elements(slugify, return_dtype=pl.String)",
}


def placed(query: str, root: Path, **elsewhere: Path) -> str:
    """A query of the guide with this warehouse's paths; `elsewhere` names the file of a table that stands apart."""
    for theirs, ours in PATHS.items():
        table = Path(theirs).stem
        query = query.replace(f"core/data/{theirs}", (elsewhere.get(table) or root / ours).as_posix())
    assert "core/data" not in query
    for slip, mended in SLIPS.items():
        query = query.replace(slip, mended)
    return query

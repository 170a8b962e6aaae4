-- Facts that agree in all of a fact's identity but the amount: how many there are, the least and the most of their
-- amounts, whether one file has two of them, and whether the files of some are not known (no source_count). Reads enriched_numbered, the facts as numbers; a row for each set of two
-- or more. Only numbers are grouped, in tables that spill.

CREATE OR REPLACE TEMP TABLE enriched_variant AS
SELECT CAST(row_number() OVER () AS INTEGER) AS variant_ix, *
FROM (
  SELECT folder_ix, unlisted_ix, code_ix, same_terms_ix, alike_ix, CAST(count(*) AS INTEGER) AS rate_variants,
    min(negotiated_rate) AS rate_variant_min, max(negotiated_rate) AS rate_variant_max,
    count(source_count) < count(*) AS has_unknown_files
  FROM enriched_numbered
  GROUP BY folder_ix, unlisted_ix, code_ix, same_terms_ix, alike_ix
  HAVING count(*) > 1
);

-- The sets of which one known file has two facts. The files of a fact: the one it was read from, or, of a fact that was read several times, all.
CREATE OR REPLACE TEMP TABLE enriched_variant_file AS
WITH members AS (
  SELECT v.variant_ix, f.fact_uid, f.batch_ix, f.source_count
  FROM enriched_numbered f
  JOIN enriched_variant v ON v.folder_ix = f.folder_ix AND v.unlisted_ix = f.unlisted_ix AND v.code_ix = f.code_ix
    AND v.same_terms_ix = f.same_terms_ix AND v.alike_ix = f.alike_ix
)
SELECT DISTINCT variant_ix
FROM (
  SELECT variant_ix, batch_ix FROM members WHERE source_count IS NOT DISTINCT FROM 1
  UNION ALL
  SELECT variant_ix, batch_ix
  FROM (
    SELECT DISTINCT m.variant_ix, m.fact_uid, b.batch_ix
    FROM members m
    JOIN xref_fact_source x ON x.fact_uid = m.fact_uid
    JOIN enriched_batch b ON b.batch_id = x.batch_id
    WHERE m.source_count > 1
  )
)
GROUP BY variant_ix, batch_ix
HAVING count(*) > 1;

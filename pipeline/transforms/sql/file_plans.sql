-- Which plan uses which file: file_plan, a row for each place that says so. Reads the views listed_file (batch_id, year_month,
-- file, file_key and the plan of its header), staged_toc_plan and staged_toc_file. An empty text says nothing: it is null.
CREATE OR REPLACE TEMP MACRO plan_uid(plan_name, plan_id_type, plan_id, plan_market_type, issuer_name, plan_sponsor_name) AS
  md5(CAST(to_json([plan_name, plan_id_type, plan_id, plan_market_type, issuer_name, plan_sponsor_name]) AS VARCHAR));

CREATE OR REPLACE TEMP TABLE file_plan AS
WITH listed AS (
  SELECT DISTINCT f.batch_id, f.year_month, f.file, t.source_file, t.structure, t.location
  FROM listed_file AS f JOIN staged_toc_file AS t USING (file_key)
),
said AS (
  SELECT batch_id, year_month, file, plan_name, lower(plan_id_type) AS plan_id_type, plan_id,
    lower(plan_market_type) AS plan_market_type, issuer_name, plan_sponsor_name, NULL AS toc, NULL AS location
  FROM listed_file
  WHERE coalesce(nullif(plan_name, ''), nullif(plan_id, '')) IS NOT NULL
  UNION ALL
  SELECT l.batch_id, l.year_month, l.file, p.plan_name, p.plan_id_type, p.plan_id, p.plan_market_type, p.issuer_name,
    p.plan_sponsor_name, l.source_file, l.location
  FROM listed AS l JOIN staged_toc_plan AS p USING (source_file, structure)
),
named AS (
  SELECT * REPLACE (nullif(plan_name, '') AS plan_name, nullif(plan_id_type, '') AS plan_id_type, nullif(plan_id, '') AS plan_id,
    nullif(plan_market_type, '') AS plan_market_type, nullif(issuer_name, '') AS issuer_name,
    nullif(plan_sponsor_name, '') AS plan_sponsor_name)
  FROM said
)
SELECT DISTINCT *, plan_uid(plan_name, plan_id_type, plan_id, plan_market_type, issuer_name, plan_sponsor_name) AS plan_uid
FROM named

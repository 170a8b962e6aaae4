-- What is known of a code: one row per (code_type, code) that the month's facts name.
-- Texts join on the code as published, categories on the join code, in force on the first day of the month.

CREATE OR REPLACE TEMP TABLE enriched_code AS
WITH named AS (
  SELECT code_type, code, join_code_type(code_type, code) AS joined_type, join_code(code_type, code) AS joined_code
  FROM (SELECT DISTINCT code_type, code FROM fact_rate)
),
texts AS (
  SELECT * FROM dim_code
  QUALIFY row_number() OVER (PARTITION BY code_type, code ORDER BY name, code_desc) = 1
),
categories AS (
  SELECT * FROM dim_code_cat_history
  WHERE effective_from <= first_day()
    AND coalesce(effective_to, '9999-12-31') >= first_day()
  QUALIFY row_number() OVER (PARTITION BY proc_cd
    ORDER BY effective_from DESC, procedure_set, procedure_class, procedure_group) = 1
)
SELECT CAST(row_number() OVER () AS INTEGER) AS code_ix,
  CAST(dense_rank() OVER (ORDER BY named.joined_type, named.joined_code) AS INTEGER) AS join_ix,
  named.code_type, named.code, named.joined_type, named.joined_code, texts.code_desc, texts.name,
  categories.procedure_set, categories.procedure_class, categories.procedure_group,
  CAST(dense_rank() OVER (ORDER BY categories.procedure_set NULLS FIRST, categories.procedure_class NULLS FIRST) AS INTEGER) AS category_rank,
  CAST(dense_rank() OVER (ORDER BY named.code_type NULLS FIRST, named.code NULLS FIRST) AS INTEGER) AS code_rank
FROM named
LEFT JOIN texts ON texts.code_type = named.code_type AND texts.code = named.code
LEFT JOIN categories ON named.joined_type = 'HCPCS' AND categories.proc_cd = named.joined_code;

-- The same by join code, on which prices are looked up.
CREATE OR REPLACE TEMP TABLE enriched_join AS
SELECT DISTINCT join_ix, joined_type, joined_code FROM enriched_code WHERE joined_code IS NOT NULL;

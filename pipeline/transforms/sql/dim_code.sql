-- The text of the earliest month that gives one; in it the text that most rates carry; ties by text.
-- A star schema's text counts where no in-network file gives one.
WITH said AS (
  SELECT s.code_type, s.code, s.code_desc, s.name, FALSE AS brought, f.year_month, sum(s.rates) AS rates
  FROM staged_code AS s JOIN source_file AS f USING (batch_id)
  GROUP BY ALL
  UNION ALL
  SELECT code_type, code, code_desc, name, TRUE, first_month, 0 FROM star_code
)
SELECT code_type, code, code_desc, name
FROM said
QUALIFY row_number() OVER (
  PARTITION BY code_type, code
  ORDER BY code_desc IS NULL AND name IS NULL, brought, year_month, rates DESC, code_desc NULLS LAST, name NULLS LAST
) = 1

-- The text of the earliest month that gives one; in it the text that most rates carry; ties by text.
WITH said AS (
  SELECT s.code_type, s.code, s.code_desc, s.name, f.year_month, sum(s.rates) AS rates
  FROM staged_code AS s JOIN source_file AS f USING (batch_id)
  GROUP BY ALL
)
SELECT code_type, code, code_desc, name
FROM said
QUALIFY row_number() OVER (
  PARTITION BY code_type, code
  ORDER BY code_desc IS NULL AND name IS NULL, year_month, rates DESC, code_desc NULLS LAST, name NULLS LAST
) = 1

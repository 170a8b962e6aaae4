-- Every TIN that a group names; the business name of the earliest month that gives one, in it the most frequent.
-- A star schema's name counts where no in-network file gives one.
WITH named AS (
  SELECT t.tin_type, t.tin_value, t.business_name, f.year_month, sum(t.members) AS members
  FROM staged_tin AS t JOIN source_file AS f USING (batch_id)
  GROUP BY ALL
), listed AS (
  SELECT tin_type, tin_value, business_name, FALSE AS brought, year_month, members FROM named
  UNION ALL
  SELECT DISTINCT tin_type, tin_value, NULL, FALSE, NULL, 0 FROM staged_member
  UNION ALL
  SELECT tin_type, tin_value, business_name, TRUE, first_month, 0 FROM star_tin
)
SELECT tin_type, tin_value, business_name
FROM listed
WHERE tin_value IS NOT NULL -- of groups whose TIN is nobody's
QUALIFY row_number() OVER (
  PARTITION BY tin_type, tin_value
  ORDER BY business_name IS NULL, brought, year_month NULLS LAST, members DESC, business_name
) = 1

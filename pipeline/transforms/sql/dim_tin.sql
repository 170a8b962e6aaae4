-- Every TIN that a group names; the business name of the earliest month that gives one, in it the most frequent.
WITH named AS (
  SELECT t.tin_type, t.tin_value, t.business_name, f.year_month, sum(t.members) AS members
  FROM staged_tin AS t JOIN source_file AS f USING (batch_id)
  GROUP BY ALL
), listed AS (
  SELECT tin_type, tin_value, business_name, year_month, members FROM named
  UNION ALL
  SELECT DISTINCT tin_type, tin_value, NULL, NULL, 0 FROM staged_member
)
SELECT tin_type, tin_value, business_name
FROM listed
QUALIFY row_number() OVER (
  PARTITION BY tin_type, tin_value
  ORDER BY business_name IS NULL, year_month NULLS LAST, members DESC, business_name
) = 1

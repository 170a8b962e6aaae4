-- ASC by state for the month, and for the nation (`US`), over asc_price and asc_area: the full allowed amount,
-- coinsurance included. The state's is the unweighted mean over its areas of the rates rounded to the cent; an area that
-- is listed several times counts once, by the mean of its rows.
WITH mean AS (
  SELECT p.code, a.state,
    CAST(sum(CAST(asc_at(p.rate, p.unadjusted, a.wage) * 100 AS BIGINT) * a.share) AS DOUBLE)
      / (100 * min(a.shares)) AS rate
  FROM asc_price p CROSS JOIN asc_area a
  WHERE NOT p.flat AND p.rate IS NOT NULL AND p.unadjusted IS NOT NULL
  GROUP BY p.code, a.state
), place AS (
  SELECT DISTINCT state FROM asc_area
  UNION ALL
  SELECT 'US'
)
SELECT
  s.state,
  getvariable('year_month') AS year_month,
  p.code_type,
  p.code,
  p.pi AS asc_pi,
  CASE WHEN p.flat OR s.state = 'US' THEN CAST(p.rate AS DOUBLE) ELSE m.rate END AS asc_mar_stateavg,
  CAST(p.rate AS DOUBLE) AS medicare_national_rate,
  p.release
FROM asc_price p
CROSS JOIN place s
LEFT JOIN mean m ON m.code = p.code AND m.state = s.state

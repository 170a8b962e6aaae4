-- ASC by wage area for the month, over asc_price and asc_area: every code that has a rate there. In an area that is
-- listed several times, or has another index in another state, these are the codes that no wage index touches.
WITH area AS (
  SELECT cbsa, min(area_name) AS area_name, string_agg(DISTINCT state, '-' ORDER BY state) AS states,
    min(counties) AS counties, CASE WHEN max(listings) = 1 AND min(wage) = max(wage) THEN min(wage) END AS wage
  FROM asc_area
  GROUP BY cbsa
), priced AS (
  SELECT a.*, p.code_type, p.code, p.pi, p.release,
    CASE WHEN p.flat THEN p.rate ELSE asc_at(p.rate, p.unadjusted, a.wage) END AS rate
  FROM asc_price p CROSS JOIN area a
)
SELECT
  cbsa, area_name, states, counties,
  getvariable('year_month') AS year_month,
  code_type,
  code,
  pi AS asc_pi,
  CAST(wage AS DOUBLE) AS wage_index,
  CAST(rate AS DOUBLE) AS asc_area_rate,
  release
FROM priced
WHERE rate IS NOT NULL

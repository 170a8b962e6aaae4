-- OPPS by state for the month, and for the nation (`US`), over opps_area: the full allowed amount, coinsurance included;
-- which status is paid how, and the source of each rule, stands in bench_opps.py. No adjustment of a single hospital
-- enters (rural sole community, quality reporting, outliers, wage index floors and transitions beyond the published
-- index). The state's is the unweighted mean over its areas of the rates rounded to the cent.
WITH opps_day AS (
  SELECT release_that_holds('OPPS', list(DISTINCT effective_from), first_day()) AS day FROM staged_opps
), opps AS (
  SELECT DISTINCT code, si, CAST(weight AS DECIMAL(14, 6)) AS weight, CAST(payment_rate AS DECIMAL(14, 6)) AS rate,
    effective_from, release
  FROM staged_opps
  WHERE effective_from = (SELECT day FROM opps_day)
), priced AS (
  SELECT *,
    rate IS NOT NULL AND opps_is_adjusted(si) AS adjusted,
    rate IS NOT NULL AND opps_is_flat(si) AS flat
  FROM opps
), mean AS (
  SELECT p.code, a.state,
    CAST(sum(CAST(round(p.rate * (0.60 * a.wage + 0.40), 2) * 100 AS BIGINT) * a.share) AS DOUBLE)
      / (100 * min(a.shares)) AS rate
  FROM priced p CROSS JOIN opps_area a
  WHERE p.adjusted
  GROUP BY p.code, a.state
), place AS (
  SELECT DISTINCT state FROM opps_area
  UNION ALL
  SELECT 'US'
)
SELECT
  s.state,
  getvariable('year_month') AS year_month,
  level_of(p.code) AS code_type,
  p.code,
  CAST(p.weight AS DOUBLE) AS opps_weight,
  p.si AS opps_si,
  CASE WHEN p.flat OR (p.adjusted AND s.state = 'US') THEN CAST(p.rate AS DOUBLE) WHEN p.adjusted THEN m.rate END
    AS opps_mar_stateavg,
  CASE WHEN p.adjusted OR p.flat THEN CAST(p.rate AS DOUBLE) END AS medicare_national_rate,
  release_text(p.release, p.effective_from, first_day()) AS release
FROM priced p
CROSS JOIN place s
LEFT JOIN mean m ON m.code = p.code AND m.state = s.state

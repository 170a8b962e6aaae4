-- ASC by state for the month: the full allowed amount, coinsurance included; which indicator is paid how, and the source
-- of each rule, stands in bench_asc.py. The state's is the unweighted mean over its areas of the rates rounded to the
-- cent.
WITH asc_day AS (
  SELECT release_that_holds('ASC', list(DISTINCT effective_from), first_day()) AS day FROM staged_asc
), device_day AS (
  SELECT release_that_holds('ASC', list(DISTINCT f.effective_from), d.day) AS day
  FROM staged_asc_device f CROSS JOIN asc_day d
  GROUP BY d.day
), wage_day AS (
  SELECT release_that_holds('ASC', list(DISTINCT w.effective_from), d.day) AS day
  FROM staged_wage_index w CROSS JOIN asc_day d
  WHERE w.schedule IN ('ASC', '')
  GROUP BY d.day
), asc_rate AS (
  SELECT DISTINCT code, pi, CAST(payment_rate AS DECIMAL(14, 6)) AS rate, effective_from, release
  FROM staged_asc
  WHERE effective_from = (SELECT day FROM asc_day)
), device AS (
  SELECT DISTINCT code, CAST(device_portion AS DECIMAL(14, 6)) AS portion
  FROM staged_asc_device
  WHERE effective_from = (SELECT day FROM device_day)
), area AS (
  SELECT DISTINCT state, cbsa, CAST(wage_index AS DECIMAL(9, 4)) AS wage
  FROM staged_wage_index
  WHERE effective_from = (SELECT day FROM wage_day)
    -- a file that says ASC goes before one that says neither
    AND schedule = (
      SELECT max(schedule) FROM staged_wage_index
      WHERE schedule IN ('ASC', '') AND effective_from = (SELECT day FROM wage_day))
), priced AS (
  SELECT a.*,
    a.pi IN ('H2', 'J7', 'K2', 'K7', 'F4', 'L6') AS flat,
    CASE WHEN a.pi <> 'J8' THEN 0 WHEN d.portion IS NOT NULL THEN least(d.portion, a.rate) END AS unadjusted
  FROM asc_rate a
  LEFT JOIN device d ON d.code = a.code
), mean AS (
  SELECT p.code, a.state,
    CAST(sum(CAST(round(p.unadjusted + (p.rate - p.unadjusted) * (0.50 * a.wage + 0.50), 2) * 100 AS BIGINT)) AS DOUBLE)
      / (100 * count(*)) AS rate
  FROM priced p CROSS JOIN area a
  WHERE NOT p.flat AND p.rate > 0 AND p.unadjusted IS NOT NULL
  GROUP BY p.code, a.state
)
SELECT
  s.state,
  getvariable('year_month') AS year_month,
  level_of(p.code) AS code_type,
  p.code,
  p.pi AS asc_pi,
  CASE WHEN p.flat THEN CAST(p.rate AS DOUBLE) ELSE m.rate END AS asc_mar_stateavg,
  CASE WHEN p.rate > 0 AND p.unadjusted IS NOT NULL THEN CAST(p.rate AS DOUBLE) END AS medicare_national_rate,
  release_text(p.release, p.effective_from, first_day()) AS release
FROM priced p
CROSS JOIN (SELECT DISTINCT state FROM area) s
LEFT JOIN mean m ON m.code = p.code AND m.state = s.state

-- What ASC pays for each code in the nation, for the month, and which part of it no wage index touches; which indicator
-- is paid how, and the source of each rule, stands in bench_asc_price.py.
WITH asc_day AS (
  SELECT release_that_holds('ASC', list(DISTINCT effective_from), first_day()) AS day FROM staged_asc
), device_day AS (
  SELECT release_that_holds('ASC', list(DISTINCT f.effective_from), d.day) AS day
  FROM staged_asc_device f CROSS JOIN asc_day d
  GROUP BY d.day
), asc_rate AS (
  SELECT DISTINCT code, pi, CAST(payment_rate AS DECIMAL(14, 6)) AS rate, effective_from, release
  FROM staged_asc
  WHERE effective_from = (SELECT day FROM asc_day)
), device AS (
  SELECT DISTINCT code, CAST(device_portion AS DECIMAL(14, 6)) AS portion
  FROM staged_asc_device
  WHERE effective_from = (SELECT day FROM device_day)
)
SELECT
  level_of(a.code) AS code_type,
  a.code,
  a.pi,
  CASE WHEN a.rate > 0 AND asc_is_paid(a.pi) THEN a.rate END AS rate,
  asc_is_flat(a.pi) AS flat,
  CASE
    WHEN a.pi = 'J8' THEN CASE WHEN d.portion <= a.rate THEN d.portion END
    WHEN asc_is_adjusted(a.pi) THEN 0
  END AS unadjusted,
  release_text(a.release, a.effective_from, first_day()) AS release
FROM asc_rate a
LEFT JOIN device d ON d.code = a.code

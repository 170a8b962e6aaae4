-- Physician fee schedule by state for the month, and for the nation (`US`), no modifier, non-facility, over pfs_price of the month's release.
-- The mean is that of cents, divided once: not rounded, and the same whatever the order of rows. The nation's rate is
-- the locality without carrier, whose GPCIs are 1.
WITH cents AS (
  SELECT *, CAST(nonfacility_rate * 100 AS BIGINT) AS cent FROM pfs_price WHERE modifier = '' AND nonfacility_rate IS NOT NULL
), nation AS (
  SELECT code, cent FROM cents WHERE carrier = ''
)
SELECT
  CASE WHEN c.carrier = '' THEN 'US' ELSE c.state END AS state,
  getvariable('year_month') AS year_month,
  level_of(c.code) AS code_type,
  c.code,
  CAST(sum(c.cent) AS DOUBLE) / (100 * count(*)) AS medicare_prof_rate,
  CAST(min(n.cent) AS DOUBLE) / 100 AS medicare_national_rate,
  CAST(min(c.work) AS DOUBLE) AS work_rvu,
  CAST(min(c.pe_nonfacility) AS DOUBLE) AS practice_expense_rvu,
  CAST(min(c.mp) AS DOUBLE) AS malpractice_rvu,
  CAST(min(c.work + c.pe_nonfacility + c.mp) AS DOUBLE) AS total_rvu,
  -- Anaesthesia has a factor of its own in each locality.
  CASE WHEN min(c.conversion_factor) = max(c.conversion_factor) THEN CAST(min(c.conversion_factor) AS DOUBLE) END
    AS conversion_factor,
  release_text(min(c.release), min(c.effective_from), first_day()) AS release
FROM cents c
LEFT JOIN nation n ON n.code = c.code
GROUP BY c.carrier = '', c.state, c.code

-- Workers' compensation by state for the month: the state's schedule in force, rows without modifier.
WITH applied AS (
  SELECT state, release_that_holds('WCFS', list(DISTINCT effective_from), first_day()) AS effective_from
  FROM staged_wcfs
  GROUP BY state
)
SELECT DISTINCT
  w.state,
  getvariable('year_month') AS year_month,
  w.code_type,
  w.code,
  CAST(CAST(w.amount AS DECIMAL(14, 6)) AS DOUBLE) AS wcfs_amount,
  release_text(w.release, w.effective_from, first_day()) AS release
FROM staged_wcfs w
JOIN applied a ON a.state = w.state AND a.effective_from = w.effective_from
WHERE w.modifier = ''

-- What Medicare and the state's workers' compensation pay: one row per answer that a fact of the month may ask for.

CREATE OR REPLACE TEMP TABLE enriched_comprehensive AS
SELECT s.state_ix, s.of_nation, j.join_ix, b.*
FROM bench_medicare_comprehensive b
JOIN (
  SELECT state_ix, state, FALSE AS of_nation FROM enriched_state
  UNION ALL
  SELECT state_ix, 'US', TRUE FROM enriched_state WHERE nationwide
) s ON s.state = b.state
JOIN enriched_join j ON j.joined_type = join_code_type(b.code_type, b.code) AND j.joined_code = join_code(b.code_type, b.code)
WHERE b.year_month = getvariable('year_month') AND j.joined_type = 'HCPCS'
QUALIFY row_number() OVER (PARTITION BY s.state_ix, s.of_nation, j.join_ix, b.benchmark_type ORDER BY b.code_type DESC, b.code,
  b.medicare_state_rate, b.medicare_national_rate, b.work_rvu, b.practice_expense_rvu, b.malpractice_rvu, b.total_rvu,
  b.conversion_factor, b.opps_weight, b.opps_si, b.asc_pi, b.release) = 1;

-- The physician fee schedule by locality, for either kind of place that the month's facts ask for: the localities of
-- their states and of their providers.
CREATE OR REPLACE TEMP TABLE enriched_detail AS
WITH chosen AS (
  SELECT d.*, j.join_ix, l.locality_ix
  FROM bench_medicare_prof_detail d
  JOIN enriched_join j ON j.joined_code = d.code AND j.joined_type = 'HCPCS'
  LEFT JOIN enriched_locality l ON l.carrier = d.carrier AND l.locality = d.locality
  WHERE d.effective_from = applied_release((SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
    AND d.modifier IN (SELECT modifier FROM enriched_choice WHERE schedule = 'PFS')
    AND (l.locality_ix IS NOT NULL OR d.state IN (SELECT state FROM enriched_state))
  QUALIFY row_number() OVER (PARTITION BY d.carrier, d.locality, d.code, d.modifier ORDER BY d.nonfacility_rate,
    d.facility_rate, d.state, d.work_rvu, d.pe_rvu_nonfacility, d.pe_rvu_facility, d.mp_rvu, d.conversion_factor,
    d.nonfacility_national_rate, d.facility_national_rate, d.reason, d.release) = 1
)
SELECT d.state, d.locality_ix, d.join_ix, c.choice_ix, d.work_rvu, d.mp_rvu, d.conversion_factor, d.reason,
  if(c.facility, d.pe_rvu_facility, d.pe_rvu_nonfacility) AS pe_rvu,
  if(c.facility, d.facility_rate, d.nonfacility_rate) AS rate,
  if(c.facility, d.facility_national_rate, d.nonfacility_national_rate) AS national_rate,
  release_text(d.release, d.effective_from, first_day()) AS release
FROM chosen d
JOIN enriched_choice c ON c.schedule = 'PFS' AND c.modifier = d.modifier;

CREATE OR REPLACE TEMP TABLE enriched_area_rate AS
SELECT a.area_ix, j.join_ix, c.choice_ix, b.asc_area_rate AS rate
FROM bench_asc_area b
JOIN (SELECT DISTINCT area_ix, cbsa FROM enriched_area) a ON a.cbsa = b.cbsa
JOIN enriched_join j ON j.joined_type = join_code_type(b.code_type, b.code) AND j.joined_code = join_code(b.code_type, b.code)
JOIN enriched_choice c ON c.schedule = 'ASC'
WHERE b.year_month = getvariable('year_month') AND j.joined_type = 'HCPCS'
QUALIFY row_number() OVER (PARTITION BY a.area_ix, j.join_ix, c.choice_ix ORDER BY b.code_type DESC, b.code,
  b.asc_area_rate) = 1;

CREATE OR REPLACE TEMP TABLE enriched_locality_rate AS
SELECT locality_ix, join_ix, choice_ix, rate, conversion_factor FROM enriched_detail WHERE locality_ix IS NOT NULL;

-- The nation's, for those whom no state's rate answers.
CREATE OR REPLACE TEMP TABLE enriched_nation AS
WITH nation AS (
  SELECT j.join_ix, d.modifier, min(d.nonfacility_national_rate) AS nonfacility_rate,
    min(d.facility_national_rate) AS facility_rate, min(d.work_rvu) AS work_rvu,
    min(d.pe_rvu_nonfacility) AS pe_rvu_nonfacility, min(d.pe_rvu_facility) AS pe_rvu_facility,
    min(d.mp_rvu) AS mp_rvu,
    CASE WHEN min(d.conversion_factor) = max(d.conversion_factor) THEN min(d.conversion_factor) END AS conversion_factor,
    min(d.reason) AS reason, min(release_text(d.release, d.effective_from, first_day())) AS release
  FROM bench_medicare_prof_detail d
  JOIN enriched_join j ON j.joined_code = d.code AND j.joined_type = 'HCPCS'
  WHERE d.effective_from = applied_release((SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
    AND EXISTS (FROM enriched_state WHERE nationwide)
  GROUP BY j.join_ix, d.modifier
)
SELECT s.state_ix, n.join_ix, c.choice_ix, n.work_rvu, n.mp_rvu, n.conversion_factor, n.reason,
  if(c.facility, n.pe_rvu_facility, n.pe_rvu_nonfacility) AS pe_rvu,
  if(c.facility, n.facility_rate, n.nonfacility_rate) AS rate, n.release
FROM nation n
JOIN enriched_choice c ON c.schedule = 'PFS' AND c.modifier = n.modifier
CROSS JOIN (FROM enriched_state WHERE nationwide) s;

-- By state. The mean is that of cents, divided once, as in bench_prof_state.sql.
CREATE OR REPLACE TEMP TABLE enriched_benchmark AS
WITH states AS (
  SELECT s.state_ix, d.join_ix, d.choice_ix,
    CAST(sum(CAST(round(rate * 100) AS BIGINT)) AS DOUBLE) / nullif(100 * count(rate), 0) AS state_rate,
    min(national_rate) AS national_rate,
    CAST(min(work_rvu) AS DECIMAL(9, 4)) AS work,
    CAST(min(pe_rvu) AS DECIMAL(9, 4)) AS pe,
    CAST(min(mp_rvu) AS DECIMAL(9, 4)) AS mp,
    -- Anaesthesia has a factor of its own in each locality.
    CASE WHEN min(conversion_factor) = max(conversion_factor) THEN min(conversion_factor) END AS conversion_factor,
    min(reason) AS reason, min(release) AS release, FALSE AS of_nation
  FROM enriched_detail d
  JOIN enriched_state s ON s.state = d.state
  GROUP BY s.state_ix, d.join_ix, d.choice_ix
  UNION ALL
  SELECT state_ix, join_ix, choice_ix, rate, rate, CAST(work_rvu AS DECIMAL(9, 4)), CAST(pe_rvu AS DECIMAL(9, 4)),
    CAST(mp_rvu AS DECIMAL(9, 4)), conversion_factor, reason, release, TRUE
  FROM enriched_nation
),
detail AS (
  SELECT state_ix, join_ix, choice_ix, of_nation, state_rate, national_rate, CAST(work AS DOUBLE) AS work_rvu,
    CAST(pe AS DOUBLE) AS practice_expense_rvu, CAST(mp AS DOUBLE) AS malpractice_rvu,
    CAST(work + pe + mp AS DOUBLE) AS total_rvu, conversion_factor, CAST(NULL AS DOUBLE) AS opps_weight,
    CAST(NULL AS VARCHAR) AS opps_si, CAST(NULL AS VARCHAR) AS asc_pi, reason, release
  FROM states
),
-- The published table has the fee schedule without modifier and outside of facilities.
published AS (
  SELECT b.state_ix, b.join_ix, c.choice_ix, b.of_nation, b.medicare_state_rate AS state_rate,
    b.medicare_national_rate AS national_rate, b.work_rvu, b.practice_expense_rvu, b.malpractice_rvu, b.total_rvu,
    b.conversion_factor, b.opps_weight, b.opps_si, b.asc_pi,
    CASE b.benchmark_type WHEN 'OPPS' THEN 'status ' || b.opps_si || ': no rate of its own under OPPS'
      WHEN 'ASC' THEN 'indicator ' || b.asc_pi || ': no rate of its own under ASC' END AS reason,
    b.release
  FROM enriched_comprehensive b
  JOIN enriched_choice c ON c.schedule = b.benchmark_type AND c.modifier = '' AND NOT coalesce(c.facility, FALSE)
),
answered AS (
  FROM published
  UNION ALL
  FROM detail ANTI JOIN published USING (state_ix, join_ix, choice_ix, of_nation)
),
nationwide AS (SELECT state_ix FROM enriched_state WHERE nationwide)
SELECT * EXCLUDE (of_nation) FROM answered ANTI JOIN nationwide USING (state_ix)
UNION ALL
SELECT * EXCLUDE (of_nation) REPLACE (release || if(of_nation, ', national', '') AS release)
FROM answered SEMI JOIN nationwide USING (state_ix)
QUALIFY row_number() OVER (
  PARTITION BY state_ix, join_ix, choice_ix ORDER BY coalesce(state_rate, 0) = 0, of_nation) = 1;

-- Most of an answer is the same in every state: prices hold it once.
CREATE OR REPLACE TEMP TABLE enriched_price AS
SELECT CAST(row_number() OVER () AS INTEGER) AS price_ix, *
FROM (SELECT DISTINCT * EXCLUDE (state_ix, join_ix, choice_ix, state_rate) FROM enriched_benchmark);

CREATE OR REPLACE TEMP TABLE enriched_state_rate AS
SELECT b.state_ix, b.join_ix, b.choice_ix, b.state_rate, p.price_ix
FROM enriched_benchmark b
JOIN enriched_price p ON p.release IS NOT DISTINCT FROM b.release AND p.reason IS NOT DISTINCT FROM b.reason
  AND p.national_rate IS NOT DISTINCT FROM b.national_rate AND p.work_rvu IS NOT DISTINCT FROM b.work_rvu
  AND p.practice_expense_rvu IS NOT DISTINCT FROM b.practice_expense_rvu
  AND p.malpractice_rvu IS NOT DISTINCT FROM b.malpractice_rvu AND p.total_rvu IS NOT DISTINCT FROM b.total_rvu
  AND p.conversion_factor IS NOT DISTINCT FROM b.conversion_factor AND p.opps_weight IS NOT DISTINCT FROM b.opps_weight
  AND p.opps_si IS NOT DISTINCT FROM b.opps_si AND p.asc_pi IS NOT DISTINCT FROM b.asc_pi;

-- Whether a schedule has a release for the month at all, and one for states: without indices it has the nation's rates.
CREATE OR REPLACE TEMP TABLE enriched_schedule AS
SELECT schedule, bool_or(by_state) AS by_state
FROM (
  SELECT benchmark_type AS schedule, state <> 'US' AS by_state
  FROM bench_medicare_comprehensive
  WHERE year_month = getvariable('year_month')
  UNION ALL
  SELECT 'PFS', TRUE FROM bench_medicare_prof_detail WHERE left(effective_from, 4) = left(getvariable('year_month'), 4)
)
GROUP BY schedule;

CREATE OR REPLACE TEMP TABLE enriched_wcfs AS
SELECT s.state_ix, j.join_ix, b.wcfs_amount
FROM bench_wcfs b
JOIN enriched_state s ON s.state = b.state
JOIN enriched_join j ON j.joined_type = join_code_type(b.code_type, b.code) AND j.joined_code = join_code(b.code_type, b.code)
WHERE b.year_month = getvariable('year_month')
QUALIFY row_number() OVER (PARTITION BY s.state_ix, j.join_ix ORDER BY b.code_type DESC, b.code, b.wcfs_amount) = 1;

DROP TABLE enriched_comprehensive;
DROP TABLE enriched_detail;
DROP TABLE enriched_nation;
DROP TABLE enriched_benchmark;

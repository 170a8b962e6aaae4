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

-- The physician fee schedule by locality, facilities and not: the localities of the month's states and of their
-- providers.
CREATE OR REPLACE TEMP TABLE enriched_detail AS
SELECT j.join_ix, l.locality_ix, d.state, d.modifier, d.work_rvu, d.mp_rvu, d.conversion_factor, d.reason,
  d.pe_rvu_nonfacility, d.pe_rvu_facility, d.nonfacility_rate, d.facility_rate, d.nonfacility_national_rate,
  d.facility_national_rate, d.nonfacility_na, d.facility_na, d.pctc_indicator,
  release_text(d.release, d.effective_from, first_day()) AS release
FROM bench_medicare_prof_detail d
JOIN enriched_join j ON j.joined_code = d.code AND j.joined_type = 'HCPCS'
LEFT JOIN enriched_locality l ON l.carrier = d.carrier AND l.locality = d.locality
WHERE d.effective_from
    = release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
  AND d.modifier IN (SELECT beside FROM enriched_terms)
  AND (l.locality_ix IS NOT NULL OR d.state IN (SELECT state FROM enriched_state))
QUALIFY row_number() OVER (PARTITION BY d.carrier, d.locality, d.code, d.modifier ORDER BY d.nonfacility_rate,
  d.facility_rate, d.state, d.work_rvu, d.pe_rvu_nonfacility, d.pe_rvu_facility, d.mp_rvu, d.conversion_factor,
  d.nonfacility_national_rate, d.facility_national_rate, d.reason, d.release, d.nonfacility_na, d.facility_na,
  d.pctc_indicator) = 1;

-- The nation's, for those whom no state's rate answers.
CREATE OR REPLACE TEMP TABLE enriched_nation AS
SELECT j.join_ix, d.modifier, min(d.nonfacility_national_rate) AS nonfacility_rate,
  min(d.facility_national_rate) AS facility_rate, min(d.work_rvu) AS work_rvu,
  min(d.pe_rvu_nonfacility) AS pe_rvu_nonfacility, min(d.pe_rvu_facility) AS pe_rvu_facility, min(d.mp_rvu) AS mp_rvu,
  CASE WHEN min(d.conversion_factor) = max(d.conversion_factor) THEN min(d.conversion_factor) END AS conversion_factor,
  min(d.reason) AS reason, bool_or(d.nonfacility_na) AS nonfacility_na, bool_or(d.facility_na) AS facility_na,
  min(d.pctc_indicator) AS pctc_indicator, min(release_text(d.release, d.effective_from, first_day())) AS release
FROM bench_medicare_prof_detail d
JOIN enriched_join j ON j.joined_code = d.code AND j.joined_type = 'HCPCS'
WHERE d.effective_from
    = release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
  AND d.modifier IN (SELECT beside FROM enriched_terms)
  AND EXISTS (FROM enriched_state WHERE nationwide)
GROUP BY j.join_ix, d.modifier;

-- What the schedule says of a code and modifier wherever it is paid: where CMS marks a setting NA ("rarely or never
-- performed" there), and whether the row is a component (PC/TC indicator).
CREATE OR REPLACE TEMP TABLE enriched_physician_code AS
SELECT join_ix, modifier, bool_or(nonfacility_na) AS nonfacility_na, bool_or(facility_na) AS facility_na,
  min(pctc_indicator) AS pctc_indicator
FROM (
  SELECT join_ix, modifier, nonfacility_na, facility_na, pctc_indicator FROM enriched_detail
  UNION ALL
  SELECT join_ix, modifier, nonfacility_na, facility_na, pctc_indicator FROM enriched_nation
)
GROUP BY join_ix, modifier;

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
SELECT d.locality_ix, d.join_ix, c.choice_ix, if(c.facility, d.facility_rate, d.nonfacility_rate) AS rate,
  d.conversion_factor
FROM enriched_detail d
JOIN enriched_choice c ON c.schedule = 'PFS' AND c.modifier = d.modifier
WHERE d.locality_ix IS NOT NULL;

-- By state, and the nation's for states of the folder `US`. The mean is that of cents, divided once, as in
-- bench_prof_state.sql.
CREATE OR REPLACE TEMP TABLE enriched_physician_state AS
SELECT s.state_ix, FALSE AS of_nation, d.join_ix, d.modifier,
  CAST(sum(CAST(round(d.nonfacility_rate * 100) AS BIGINT)) AS DOUBLE) / nullif(100 * count(d.nonfacility_rate), 0)
    AS nonfacility_rate,
  CAST(sum(CAST(round(d.facility_rate * 100) AS BIGINT)) AS DOUBLE) / nullif(100 * count(d.facility_rate), 0)
    AS facility_rate,
  min(d.nonfacility_national_rate) AS nonfacility_national_rate,
  min(d.facility_national_rate) AS facility_national_rate,
  CAST(min(d.work_rvu) AS DECIMAL(9, 4)) AS work,
  CAST(min(d.pe_rvu_nonfacility) AS DECIMAL(9, 4)) AS pe_nonfacility,
  CAST(min(d.pe_rvu_facility) AS DECIMAL(9, 4)) AS pe_facility,
  CAST(min(d.mp_rvu) AS DECIMAL(9, 4)) AS mp,
  -- Anaesthesia has a factor of its own in each locality.
  CASE WHEN min(d.conversion_factor) = max(d.conversion_factor) THEN min(d.conversion_factor) END AS conversion_factor,
  min(d.reason) AS reason, min(d.release) AS release
FROM enriched_detail d
JOIN enriched_state s ON s.state = d.state
GROUP BY s.state_ix, d.join_ix, d.modifier
UNION ALL
SELECT s.state_ix, TRUE, n.join_ix, n.modifier, n.nonfacility_rate, n.facility_rate, n.nonfacility_rate, n.facility_rate,
  CAST(n.work_rvu AS DECIMAL(9, 4)), CAST(n.pe_rvu_nonfacility AS DECIMAL(9, 4)),
  CAST(n.pe_rvu_facility AS DECIMAL(9, 4)), CAST(n.mp_rvu AS DECIMAL(9, 4)), n.conversion_factor, n.reason, n.release
FROM enriched_nation n
CROSS JOIN (FROM enriched_state WHERE nationwide) s;

CREATE OR REPLACE TEMP TABLE enriched_benchmark AS
WITH states AS (
  SELECT s.state_ix, s.of_nation, s.join_ix, c.choice_ix, s.work, s.mp, s.conversion_factor, s.reason, s.release,
    if(c.facility, s.pe_facility, s.pe_nonfacility) AS pe,
    if(c.facility, s.facility_rate, s.nonfacility_rate) AS state_rate,
    if(c.facility, s.facility_national_rate, s.nonfacility_national_rate) AS national_rate
  FROM enriched_physician_state s
  JOIN enriched_choice c ON c.schedule = 'PFS' AND c.modifier = s.modifier
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
together AS (
  FROM published
  UNION ALL
  FROM detail ANTI JOIN published USING (state_ix, join_ix, choice_ix, of_nation)
),
nationwide AS (SELECT state_ix FROM enriched_state WHERE nationwide),
answered AS (
  FROM together ANTI JOIN nationwide USING (state_ix)
  UNION ALL
  FROM together SEMI JOIN nationwide USING (state_ix)
  QUALIFY row_number() OVER (
    PARTITION BY state_ix, join_ix, choice_ix ORDER BY coalesce(state_rate, 0) = 0, of_nation) = 1
)
-- Where CMS marks the setting NA, the amount stands for the other one: kept as published, and said.
SELECT a.* EXCLUDE (of_nation) REPLACE (
  a.release || if(a.of_nation, ', national', '')
    || if(c.schedule = 'PFS' AND if(c.facility, p.facility_na, p.nonfacility_na), '; rarely done there', '') AS release)
FROM answered a
JOIN enriched_choice c USING (choice_ix)
LEFT JOIN enriched_physician_code p ON p.join_ix = a.join_ix AND p.modifier = c.modifier;

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

-- The physician schedule's rates by state, outside of facilities and in them, for every rate of a code that it has.
-- Outside of facilities and without modifier they are the published table's. Each falls back to the nation's by itself, as
-- the one rate does.
CREATE OR REPLACE TEMP TABLE enriched_pair_rate AS
WITH pair AS (
  SELECT state_ix, of_nation, join_ix, modifier,
    if(b.is_published, b.medicare_state_rate, d.nonfacility_rate) AS nonfacility_rate, d.facility_rate
  FROM enriched_physician_state d
  FULL JOIN (
    SELECT state_ix, of_nation, join_ix, '' AS modifier, medicare_state_rate, TRUE AS is_published
    FROM enriched_comprehensive
    WHERE benchmark_type = 'PFS'
  ) b USING (state_ix, of_nation, join_ix, modifier)
),
nationwide AS (SELECT state_ix FROM enriched_state WHERE nationwide)
SELECT * EXCLUDE (of_nation) FROM pair ANTI JOIN nationwide USING (state_ix)
UNION ALL
SELECT state_ix, join_ix, modifier,
  first(nonfacility_rate ORDER BY coalesce(nonfacility_rate, 0) = 0, of_nation) AS nonfacility_rate,
  first(facility_rate ORDER BY coalesce(facility_rate, 0) = 0, of_nation) AS facility_rate
FROM pair SEMI JOIN nationwide USING (state_ix)
GROUP BY state_ix, join_ix, modifier;

CREATE OR REPLACE TEMP TABLE enriched_pair AS
SELECT CAST(row_number() OVER () AS INTEGER) AS pair_ix, *
FROM (SELECT DISTINCT nonfacility_rate, facility_rate FROM enriched_pair_rate)
WHERE nonfacility_rate IS NOT NULL OR facility_rate IS NOT NULL;

CREATE OR REPLACE TEMP TABLE enriched_beside AS
SELECT r.state_ix, r.join_ix, r.modifier, p.pair_ix
FROM enriched_pair_rate r
JOIN enriched_pair p ON p.nonfacility_rate IS NOT DISTINCT FROM r.nonfacility_rate
  AND p.facility_rate IS NOT DISTINCT FROM r.facility_rate;

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
DROP TABLE enriched_physician_state;
DROP TABLE enriched_pair_rate;
DROP TABLE enriched_benchmark;

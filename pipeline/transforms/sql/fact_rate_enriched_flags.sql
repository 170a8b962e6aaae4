-- What rates are warned of by their code and by their terms: answers that flags rest on (docs/medicare.md, Flags), each a
-- boolean, so that a figure which moves without moving a flag leaves the rows as they are.

-- The release nearest to a day, of any year: of the day's own year where that has one. For flags alone, never for a ratio.
CREATE OR REPLACE TEMP MACRO nearest_release(dates, day) AS coalesce(applied_release(dates, day),
  list_min(list_transform(CAST(dates AS VARCHAR[]), lambda d: struct_pack(
    days := abs(date_diff('day', CAST(d AS DATE), CAST(CAST(day AS VARCHAR) AS DATE))), release := d))).release);

-- on_pfs: whether the nearest physician fee schedule has a rate for the code. may_be_a_dollar: whether a dollar may be its
-- price: one that Medicare pays. is_deleted: whether it was no code any more. pctc: which component it is of, by the
-- nearest relative value file. is_paid_by_opps, is_paid_by_asc: whether the nation has a rate for it in the month.
CREATE OR REPLACE TEMP TABLE enriched_code AS
WITH physician AS (
  SELECT code, min(least(nullif(nonfacility_national_rate, 0), nullif(facility_national_rate, 0))) AS price,
    min(pctc_indicator) AS pctc,
    bool_or(status = 'D' AND left(effective_from, 4) = left(first_day(), 4)) AS is_discontinued
  FROM bench_medicare_prof_detail
  WHERE modifier = '' AND code IN (SELECT joined_code FROM enriched_join WHERE joined_type = 'HCPCS')
    AND effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
  GROUP BY code
),
hospital AS (
  SELECT code, min(nullif(TRY_CAST(payment_rate AS DOUBLE), 0)) FILTER (opps_is_paid(si)) AS price,
    bool_or(si = 'D' AND left(effective_from, 4) = left(first_day(), 4)) AS is_discontinued
  FROM staged_opps
  WHERE effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM staged_opps), first_day())
  GROUP BY code
),
surgical AS (
  SELECT code, min(nullif(TRY_CAST(payment_rate AS DOUBLE), 0)) AS price
  FROM staged_asc
  WHERE asc_is_paid(pi)
    AND effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM staged_asc), first_day())
  GROUP BY code
),
nation AS (
  SELECT join_code(code_type, code) AS code, bool_or(benchmark_type = 'OPPS') AS is_paid_by_opps,
    bool_or(benchmark_type = 'ASC') AS is_paid_by_asc
  FROM bench_medicare_comprehensive
  WHERE year_month = getvariable('year_month') AND state = 'US' AND medicare_state_rate > 0
    AND join_code_type(code_type, code) = 'HCPCS'
  GROUP BY ALL
),
-- Of the latest file that knows the code; a code that came back ends with its last period.
ended AS (
  SELECT proc_cd, max(code_ended) AS code_ended
  FROM (
    FROM staged_category
    WHERE category_source = 'rbcs'
    QUALIFY dense_rank() OVER (PARTITION BY proc_cd ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
  )
  GROUP BY proc_cd
)
SELECT c.*, physician.pctc,
  CAST(dense_rank() OVER (ORDER BY c.joined_type NULLS FIRST, physician.pctc NULLS FIRST) AS INTEGER) AS kind_ix,
  physician.price IS NOT NULL AS on_pfs,
  coalesce(least(physician.price, hospital.price, surgical.price) <= 2,
    c.joined_type = 'HCPCS' AND left(c.joined_code, 1) IN ('J', 'Q', 'A', 'B', 'E', 'P'), FALSE) AS may_be_a_dollar,
  coalesce(ended.code_ended < first_day(), FALSE) OR coalesce(hospital.is_discontinued, FALSE)
    OR coalesce(physician.is_discontinued, FALSE) AS is_deleted,
  coalesce(nation.is_paid_by_opps, FALSE) AS is_paid_by_opps,
  coalesce(nation.is_paid_by_asc, FALSE) AS is_paid_by_asc
FROM enriched_code c
LEFT JOIN physician ON c.joined_type = 'HCPCS' AND physician.code = c.joined_code
LEFT JOIN hospital ON c.joined_type = 'HCPCS' AND hospital.code = c.joined_code
LEFT JOIN surgical ON c.joined_type = 'HCPCS' AND surgical.code = c.joined_code
LEFT JOIN nation ON c.joined_type = 'HCPCS' AND nation.code = c.joined_code
LEFT JOIN ended ON c.joined_type = 'HCPCS' AND ended.proc_cd = c.joined_code;

-- leaves_class_open: institutional, but without a setting and a list of places of service, as physicians' fees are that a
-- publisher calls institutional. has_modifier_26: among those published, whatever the benchmark makes of them.
-- same_terms_ix numbers terms alone, whoever the provider is.
CREATE OR REPLACE TEMP TABLE enriched_terms AS
SELECT *,
  coalesce(billing_class = 'institutional' AND setting IS NULL AND len(pos_members) = 0, FALSE) AS leaves_class_open,
  list_contains(selecting_modifiers(billing_code_modifiers), '26') AS has_modifier_26,
  CAST(dense_rank() OVER (ORDER BY negotiation_arrangement, negotiated_type, billing_class, setting,
    billing_code_modifiers, pos_set_id) AS INTEGER) AS same_terms_ix
FROM enriched_terms;

-- What the physician schedule pays in its nearest release, where the month's year has none; what a state's rows do not
-- answer is the nation's for the folder `US`. The mean is that of cents, divided once, so that it is the same in whatever
-- order rows come.
CREATE OR REPLACE TEMP TABLE enriched_far_pair AS
WITH near AS (
  SELECT d.*, j.join_ix
  FROM bench_medicare_prof_detail d
  JOIN enriched_join j ON j.joined_code = d.code AND j.joined_type = 'HCPCS'
  WHERE (d.modifier = '' OR d.modifier IN (SELECT modifier FROM enriched_choice WHERE schedule = 'PFS'))
    AND applied_release((SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day()) IS NULL
    AND d.effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM bench_medicare_prof_detail), first_day())
),
states AS (
  SELECT s.state_ix, d.join_ix, d.modifier,
    CAST(sum(CAST(round(d.nonfacility_rate * 100) AS BIGINT)) AS DOUBLE) / nullif(100 * count(d.nonfacility_rate), 0)
      AS nonfacility_rate,
    CAST(sum(CAST(round(d.facility_rate * 100) AS BIGINT)) AS DOUBLE) / nullif(100 * count(d.facility_rate), 0)
      AS facility_rate
  FROM near d
  JOIN enriched_state s ON s.state = d.state
  GROUP BY ALL
),
nation AS (
  SELECT s.state_ix, n.*
  FROM (
    SELECT join_ix, modifier, min(nonfacility_national_rate) AS nonfacility_rate, min(facility_national_rate) AS facility_rate
    FROM near GROUP BY ALL
  ) n
  CROSS JOIN (FROM enriched_state WHERE nationwide) s
)
SELECT state_ix, join_ix, modifier,
  coalesce(nullif(states.nonfacility_rate, 0), nullif(nation.nonfacility_rate, 0)) AS nonfacility_rate,
  coalesce(nullif(states.facility_rate, 0), nullif(nation.facility_rate, 0)) AS facility_rate
FROM states FULL JOIN nation USING (state_ix, join_ix, modifier);

CREATE OR REPLACE TEMP TABLE enriched_far_physician AS
SELECT state_ix, join_ix, nonfacility_rate AS rate FROM enriched_far_pair WHERE modifier = '';

-- What schedules pay in their nearest release, for facts whose state has no rate: the physicians' where the month's year
-- has none, the hospitals' and surgical centers' also where it has one, for a state may lack its wage index. These two are
-- the nation's, of what Medicare pays: a flag asks for a tenth or twenty times, which no wage index makes.
CREATE OR REPLACE TEMP TABLE enriched_far_rate AS
WITH physician AS (
  SELECT p.state_ix, p.join_ix, c.choice_ix, if(c.facility, p.facility_rate, p.nonfacility_rate) AS rate
  FROM enriched_far_pair p
  JOIN enriched_choice c ON c.schedule = 'PFS' AND c.modifier = p.modifier
),
facility AS (
  SELECT 'OPPS' AS schedule, code, payment_rate
  FROM staged_opps
  WHERE opps_is_paid(si)
    AND effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM staged_opps), first_day())
  UNION ALL
  SELECT 'ASC', code, payment_rate
  FROM staged_asc
  WHERE asc_is_paid(pi)
    AND effective_from = nearest_release((SELECT list(DISTINCT effective_from) FROM staged_asc), first_day())
)
FROM physician WHERE rate > 0
UNION ALL
SELECT s.state_ix, j.join_ix, c.choice_ix, min(nullif(TRY_CAST(f.payment_rate AS DOUBLE), 0)) AS rate
FROM facility f
JOIN enriched_join j ON j.joined_code = f.code AND j.joined_type = 'HCPCS'
JOIN enriched_choice c ON c.schedule = f.schedule
CROSS JOIN enriched_state s
GROUP BY ALL;

DROP TABLE enriched_far_pair;

-- The part of a service, the place and the unit of rates in dollars, by their terms and the kind of their code.
CREATE OR REPLACE TEMP TABLE enriched_line AS
SELECT terms_ix, kind_ix, part, place, unit,
  CAST(dense_rank() OVER (ORDER BY part, place NULLS FIRST, unit) AS INTEGER) AS line_ix
FROM (
  SELECT t.terms_ix, k.kind_ix, rate_unit(t.negotiated_type) AS unit,
    rate_part(t.billing_class, t.setting, k.joined_type, t.schedule, t.billing_code_modifiers, k.pctc) AS part,
    rate_place(t.billing_class, t.benchmark_setting, t.pos_members) AS place
  FROM enriched_terms t
  CROSS JOIN (SELECT DISTINCT kind_ix, joined_type, pctc FROM enriched_code) k
  WHERE t.in_dollars
)
WHERE unit = 'dollars';

CREATE OR REPLACE TEMP TABLE enriched_batch AS
SELECT CAST(row_number() OVER () AS INTEGER) AS batch_ix, batch_id
FROM (SELECT batch_id FROM fact_rate WHERE batch_id IS NOT NULL UNION SELECT batch_id FROM xref_fact_source WHERE batch_id IS NOT NULL);

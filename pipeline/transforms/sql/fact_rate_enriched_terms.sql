-- Which benchmark goes with the terms of a rate: benchmark_choice() over the distinct terms of the month, with and
-- without an ambulatory surgical center as the provider.

CREATE OR REPLACE TEMP TABLE enriched_pos_set AS
WITH pos_codes AS (
  -- Facility only where every file that lists the code says so.
  SELECT pos, bool_and(coalesce(facility, FALSE)) AS facility FROM staged_pos_code GROUP BY pos
),
sets AS (
  SELECT pos_set_id, pos_members FROM dim_pos_set
  QUALIFY row_number() OVER (PARTITION BY pos_set_id ORDER BY pos_members) = 1
),
named AS (
  SELECT n.pos_set_id,
    -- The MD5 of the empty text is the empty set, whether or not a dimension says so.
    -- Another set without codes is one in which none could be read: what its places are is not known.
    CASE WHEN n.pos_set_id = md5('') THEN []::VARCHAR[] WHEN len(sets.pos_members) > 0 THEN sets.pos_members END AS pos_members
  FROM (SELECT DISTINCT pos_set_id FROM fact_rate) n
  LEFT JOIN sets ON sets.pos_set_id = n.pos_set_id
),
facility AS (
  -- One code that is none decides; else one that no file lists leaves it open.
  SELECT m.pos_set_id,
    CASE WHEN bool_or(NOT p.facility) THEN FALSE WHEN count(p.facility) = count(*) THEN TRUE END AS pos_facility
  FROM (SELECT pos_set_id, unnest(pos_members) AS pos FROM named) m
  LEFT JOIN pos_codes p ON p.pos = m.pos
  GROUP BY m.pos_set_id
)
SELECT named.pos_set_id, named.pos_members, facility.pos_facility
FROM named
LEFT JOIN facility ON facility.pos_set_id = named.pos_set_id;

CREATE OR REPLACE TEMP TABLE enriched_terms AS
SELECT CAST(row_number() OVER () AS INTEGER) AS terms_ix, t.*, a.is_asc, p.pos_members,
  CAST(dense_rank() OVER (ORDER BY t.billing_class NULLS FIRST) AS INTEGER) AS billing_class_rank,
  dollars_per_service(t.negotiation_arrangement, t.negotiated_type)
    AND len(selecting_modifiers(t.billing_code_modifiers)) = 0
    AND len(pricing_modifiers(t.billing_code_modifiers)) = 0 AS whole_service,
  unnest(benchmark_choice(t.negotiation_arrangement, t.negotiated_type, t.billing_class, t.setting,
    t.billing_code_modifiers, p.pos_members, p.pos_facility,
    CASE WHEN a.is_asc THEN asc_taxonomy() END))
FROM (
  SELECT DISTINCT negotiation_arrangement, negotiated_type, billing_class, setting, billing_code_modifiers, pos_set_id
  FROM fact_rate
) t
LEFT JOIN enriched_pos_set p ON p.pos_set_id = t.pos_set_id
CROSS JOIN (VALUES (TRUE), (FALSE)) a (is_asc);

CREATE OR REPLACE TEMP TABLE enriched_choice AS
SELECT CAST(row_number() OVER () AS INTEGER) AS choice_ix, schedule, modifier, facility
FROM (SELECT DISTINCT schedule, modifier, facility FROM enriched_terms WHERE schedule IS NOT NULL);

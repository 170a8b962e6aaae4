-- Which benchmark goes with the terms of a rate: benchmark_choice() over the distinct terms of the month, with and
-- without an ambulatory surgical center as the provider. `beside` is the modifier of the physician schedule's row that
-- stands beside the rate whatever its class.

CREATE OR REPLACE TEMP TABLE enriched_pos_set AS
WITH places AS (
  -- Of several kinds from one day none is known.
  SELECT pos, CASE WHEN min(kind) = max(kind) THEN min(kind) END AS kind
  FROM (FROM dim_pos WHERE effective_from <= first_day()
    QUALIFY rank() OVER (PARTITION BY pos ORDER BY effective_from DESC) = 1)
  GROUP BY pos
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
kinds AS (
  SELECT m.pos_set_id, list(p.kind ORDER BY m.place) AS pos_kinds
  FROM (SELECT pos_set_id, unnest(pos_members) AS pos, generate_subscripts(pos_members, 1) AS place FROM named) m
  LEFT JOIN places p ON p.pos = m.pos
  GROUP BY m.pos_set_id
)
SELECT named.pos_set_id, named.pos_members, kinds.pos_kinds
FROM named
LEFT JOIN kinds ON kinds.pos_set_id = named.pos_set_id;

CREATE OR REPLACE TEMP TABLE enriched_terms AS
SELECT CAST(row_number() OVER () AS INTEGER) AS terms_ix, t.*, a.is_asc, p.pos_members,
  CAST(dense_rank() OVER (ORDER BY t.billing_class NULLS FIRST) AS INTEGER) AS billing_class_rank,
  dollars_per_service(t.negotiation_arrangement, t.negotiated_type)
    AND len(selecting_modifiers(t.billing_code_modifiers)) = 0
    AND len(pricing_modifiers(t.billing_code_modifiers)) = 0 AS whole_service,
  in_dollars(t.negotiation_arrangement, t.negotiated_type) AS in_dollars,
  benchmark_setting(t.setting, p.pos_members, p.pos_kinds) AS benchmark_setting,
  physician_modifier(t.billing_code_modifiers) AS beside,
  unnest(benchmark_choice(t.negotiation_arrangement, t.negotiated_type, t.billing_class, t.setting,
    t.billing_code_modifiers, p.pos_members, p.pos_kinds,
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

-- What a fact says beside its group, its code, its terms and its amount.
CREATE OR REPLACE TEMP TABLE enriched_rest AS
-- alike_ix numbers what of it belongs to a fact's identity, members_ix the members of its group.
SELECT CAST(row_number() OVER () AS INTEGER) AS rest_ix, *,
  CAST(dense_rank() OVER (ORDER BY expiration_date, additional_information, severity_of_illness, network_names,
    contained_codes_uid, pg_members_uid) AS INTEGER) AS alike_ix,
  CASE WHEN pg_members_uid IS NOT NULL THEN CAST(dense_rank() OVER (ORDER BY pg_members_uid) AS INTEGER) END AS members_ix
FROM (
  SELECT DISTINCT year_month, expiration_date, provider_group_id_raw, additional_information, severity_of_illness,
    network_names, contained_codes_uid, pg_members_uid
  FROM fact_rate
);

-- The facts as numbers: of what goes with them, and the amounts they are compared with. Every table on the right has
-- one row per key, so every join is many-to-one.
CREATE OR REPLACE TEMP VIEW enriched_fact AS
SELECT f.fact_uid, f.negotiated_rate, o.group_ix, c.code_ix, t.terms_ix, e.rest_ix, r.price_ix, b.pair_ix, r.state_rate,
  coalesce(l.rate, a.rate) AS locality_rate, l.conversion_factor AS locality_factor, w.wcfs_amount,
  -- Two facts that agree in all but the amount have the same (code_ix and) four of these: fact_rate_enriched_variants.sql.
  o.folder_ix, if(e.members_ix IS NULL, o.pg_ix, 0) AS unlisted_ix, t.same_terms_ix, e.alike_ix,
  -- Whose amount it is, and of which kind: fact_rate_enriched_spread.sql.
  o.payer_ix, coalesce(e.members_ix, -o.pg_ix) AS observer_ix, if(c.joined_code IS NULL, NULL, c.join_ix) AS join_ix, n.line_ix,
  s.batch_ix, f.source_count, if(r.state_rate IS NULL, x.rate, NULL) AS far_rate,
  o.payer_state_rank, t.billing_class_rank, c.category_rank, o.taxonomy_area_rank, c.code_rank
FROM fact_rate f
LEFT JOIN enriched_owner o ON o.pg_uid IS NOT DISTINCT FROM f.pg_uid AND o.source_state IS NOT DISTINCT FROM f.state
  AND o.reporting_entity_name IS NOT DISTINCT FROM f.reporting_entity_name
LEFT JOIN enriched_code c ON c.code IS NOT DISTINCT FROM f.code AND c.code_type IS NOT DISTINCT FROM f.code_type
LEFT JOIN enriched_terms t ON t.pos_set_id IS NOT DISTINCT FROM f.pos_set_id
  AND t.billing_code_modifiers IS NOT DISTINCT FROM f.billing_code_modifiers
  AND t.negotiated_type IS NOT DISTINCT FROM f.negotiated_type
  AND t.negotiation_arrangement IS NOT DISTINCT FROM f.negotiation_arrangement
  AND t.billing_class IS NOT DISTINCT FROM f.billing_class
  AND t.setting IS NOT DISTINCT FROM f.setting
  AND t.is_asc = o.is_asc
LEFT JOIN enriched_rest e ON e.year_month IS NOT DISTINCT FROM f.year_month
  AND e.expiration_date IS NOT DISTINCT FROM f.expiration_date
  AND e.provider_group_id_raw IS NOT DISTINCT FROM f.provider_group_id_raw
  AND e.additional_information IS NOT DISTINCT FROM f.additional_information
  AND e.severity_of_illness IS NOT DISTINCT FROM f.severity_of_illness
  AND e.network_names IS NOT DISTINCT FROM f.network_names
  AND e.contained_codes_uid IS NOT DISTINCT FROM f.contained_codes_uid
  AND e.pg_members_uid IS NOT DISTINCT FROM f.pg_members_uid
LEFT JOIN enriched_choice ch ON ch.schedule = t.schedule AND ch.modifier = t.modifier
  AND ch.facility IS NOT DISTINCT FROM t.facility
LEFT JOIN enriched_state_rate r ON r.join_ix = c.join_ix AND r.state_ix = o.state_ix AND r.choice_ix = ch.choice_ix
LEFT JOIN enriched_locality_rate l ON l.join_ix = c.join_ix AND l.locality_ix = o.locality_ix
  AND l.choice_ix = ch.choice_ix
LEFT JOIN enriched_area_rate a ON a.join_ix = c.join_ix AND a.area_ix = o.area_ix AND a.choice_ix = ch.choice_ix
LEFT JOIN enriched_beside b ON b.join_ix = c.join_ix AND b.state_ix = o.state_ix AND b.modifier = t.beside
LEFT JOIN enriched_wcfs w ON w.join_ix = c.join_ix AND w.state_ix = o.state_ix AND t.whole_service
LEFT JOIN enriched_far_rate x ON x.join_ix = c.join_ix AND x.state_ix = o.state_ix AND x.choice_ix = ch.choice_ix
LEFT JOIN enriched_line n ON n.terms_ix = t.terms_ix AND n.kind_ix = c.kind_ix
LEFT JOIN enriched_batch s ON s.batch_id = f.batch_id;

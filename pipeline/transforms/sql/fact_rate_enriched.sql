-- The enriched rows: the month's facts, and by number what fact_rate_enriched_*.sql found for their keys. Every join is
-- many-to-one. row_ix, the last column, is a row's place in the order of the enriched table.
WITH joined AS (
  SELECT
    f.*,
    e.* EXCLUDE (rest_ix),
    o.payer_slug, o.state, o.source_state, o.reporting_entity_name, o.pg_uid, o.npi_count, o.state_count, o.known_count, o.tin_count,
    o.tin_type, o.tin_value, o.tin_name, o.are_professionals, o.is_out_of_state,
    c.* EXCLUDE (code_ix),
    p.* EXCLUDE (provider_ix),
    t.negotiation_arrangement, t.negotiated_type, t.billing_class, t.setting, t.billing_code_modifiers, t.pos_set_id,
    t.pos_members, t.leaves_class_open, t.has_modifier_26, t.schedule, t.modifier, t.reason AS choice_reason, t.benchmark_setting,
    b.nonfacility_rate AS pfs_nonfacility_rate, b.facility_rate AS pfs_facility_rate,
    if(r.price_ix IS NOT NULL, t.schedule, NULL) AS benchmark_type,
    if(r.price_ix IS NOT NULL, t.facility, NULL) AS benchmark_facility,
    r.* EXCLUDE (price_ix, reason, conversion_factor), r.reason AS price_reason,
    coalesce(r.conversion_factor, f.locality_factor) AS conversion_factor,
    h.schedule IS NOT NULL AS has_release, h.by_state, s.low, s.high,
    CASE WHEN f.negotiated_rate > 0 AND t.in_dollars THEN f.negotiated_rate END AS negotiated_dollars,
    negotiated_dollars / nullif(f.state_rate, 0) AS rate_to_medicare_ratio,
    -- Where the state has no rate, by the nation's or by the nearest release of any year: for flags alone.
    negotiated_dollars / nullif(coalesce(f.state_rate, f.far_rate), 0) AS ratio_of_any_year
  FROM enriched_slice f
  LEFT JOIN enriched_owner o ON o.group_ix = f.group_ix
  LEFT JOIN enriched_provider p ON p.provider_ix = o.provider_ix
  LEFT JOIN enriched_code c ON c.code_ix = f.code_ix
  LEFT JOIN enriched_terms t ON t.terms_ix = f.terms_ix
  LEFT JOIN enriched_rest e ON e.rest_ix = f.rest_ix
  LEFT JOIN enriched_schedule h ON h.schedule = t.schedule
  LEFT JOIN enriched_price r ON r.price_ix = f.price_ix
  LEFT JOIN enriched_spread s ON s.spread_ix = f.spread_ix
  LEFT JOIN enriched_pair b ON b.pair_ix = f.pair_ix
)
SELECT
  fact_uid, state, year_month, payer_slug, billing_class, code_type, code, negotiated_type, negotiation_arrangement,
  negotiated_rate, expiration_date, provider_group_id_raw, reporting_entity_name, code_desc AS code_description,
  name AS code_name, procedure_set, procedure_class, procedure_group, pos_set_id, pos_members, npi, first_name,
  last_name, organization_name, enumeration_type, status, primary_taxonomy_code, primary_taxonomy_desc,
  primary_taxonomy_state, primary_taxonomy_license, credential, sole_proprietor, enumeration_date, last_updated,
  address_purpose, address_type, address_1, address_2, city, address_state, postal_code, country_code,
  telephone_number, fax_number, address_hash,
  -- What the guidelines put where a place is not known; `Non-CBSA` is a place that is known.
  if(getvariable('fill_coordinates'), coalesce(latitude, 0.0), latitude) AS latitude,
  if(getvariable('fill_coordinates'), coalesce(longitude, 0.0), longitude) AS longitude,
  coalesce(county_name, 'Unknown') AS county_name,
  coalesce(county_fips, '00000') AS county_fips,
  coalesce(stat_area_name, 'Unknown') AS stat_area_name,
  coalesce(stat_area_code, '00000') AS stat_area_code,
  coalesce(matched_address, 'Not Geocoded') AS matched_address,
  benchmark_type, national_rate AS medicare_national_rate, state_rate AS medicare_state_rate, work_rvu,
  practice_expense_rvu, malpractice_rvu, total_rvu, conversion_factor, opps_weight, opps_si, asc_pi,
  rate_to_medicare_ratio,
  negotiated_dollars > nullif(state_rate, 0) AS is_above_medicare,
  CASE WHEN enumeration_type = 'NPI-1' THEN 'Individual' WHEN enumeration_type IS NOT NULL THEN 'Organization' END
    AS provider_type,
  sole_proprietor = 'YES' AS is_sole_proprietor,
  enumeration_type = 'NPI-1' AS is_individual_provider,
  pg_uid, billing_code_modifiers, additional_information, setting, severity_of_illness, network_names,
  contained_codes_uid, pg_members_uid,
  latitude IS NOT NULL AND longitude IS NOT NULL AS is_geocoded,
  geo_source,
  -- A group that the file does not define has members, only nobody knows which.
  coalesce(npi_count, CASE WHEN pg_members_uid IS NOT NULL THEN 0 END) AS group_npi_count,
  coalesce(state_count, CASE WHEN pg_members_uid IS NOT NULL THEN 0 END) AS group_state_count,
  benchmark_type || coalesce(' ' || release, '') AS benchmark_source,
  CASE
    WHEN choice_reason IS NOT NULL THEN choice_reason
    WHEN joined_type IS DISTINCT FROM 'HCPCS' THEN 'code type ' || coalesce(joined_type, code_type) || ' has no Medicare price'
    WHEN state IS NULL AND source_state IS DISTINCT FROM 'US' THEN 'state unknown'
    WHEN NOT has_release THEN schedule_not_loaded(schedule, left(year_month, 4))
    WHEN benchmark_type IS NULL AND state IS NOT NULL AND NOT by_state AND schedule = 'PFS'
      THEN schedule_not_loaded(schedule, left(year_month, 4))
    -- An index gives a state a rate of those codes alone for which the nation has one.
    WHEN benchmark_type IS NULL AND state IS NOT NULL AND NOT by_state
      AND CASE schedule WHEN 'OPPS' THEN is_paid_by_opps WHEN 'ASC' THEN is_paid_by_asc END
      THEN 'no ' || schedule || ' wage index for ' || left(year_month, 4)
    WHEN benchmark_type IS NULL THEN
      'no row in ' || schedule || if(modifier <> '', ' with modifier ' || modifier, '') || ' for ' || coalesce(state, 'the nation')
    WHEN coalesce(state_rate, 0) = 0 THEN coalesce(price_reason, 'no rate in ' || schedule)
  END AS benchmark_reason,
  benchmark_facility,
  locality_rate AS medicare_locality_rate,
  negotiated_dollars / nullif(locality_rate, 0) AS rate_to_medicare_locality_ratio,
  wcfs_amount,
  negotiated_dollars / nullif(wcfs_amount, 0) AS rate_to_wcfs_ratio,
  -- Each in its place, for they are sorted; what each says is in docs/medicare.md.
  nullif(concat_ws('|',
    CASE WHEN ratio_of_any_year > 20 THEN 'above_medicare' END,
    CASE WHEN ratio_of_any_year < 0.1 THEN 'below_medicare' END,
    CASE WHEN leaves_class_open AND on_pfs AND are_professionals THEN 'class_suspect' END,
    CASE WHEN is_deleted THEN 'deleted_code' END,
    CASE WHEN expiration_date < year_month || '-01' THEN 'expired' END,
    -- With modifier 26 the physician schedule pays the same in both settings.
    CASE WHEN benchmark_setting = 'mixed' AND billing_class = 'professional' AND NOT has_modifier_26
      THEN 'mixed_setting' END,
    CASE WHEN negotiated_rate < 0 THEN 'negative' END,
    CASE WHEN is_out_of_state THEN 'out_of_state' END,
    CASE WHEN negotiated_dollars NOT BETWEEN low AND high THEN 'outlier' END,
    CASE WHEN negotiated_type = 'per diem' THEN 'per_diem' END,
    CASE WHEN negotiated_type = 'percentage' THEN 'percentage' END,
    CASE WHEN negotiated_rate > 0 AND negotiated_rate <= 1 AND NOT may_be_a_dollar
      AND negotiated_type IS DISTINCT FROM 'percentage' AND negotiation_arrangement IS DISTINCT FROM 'capitation'
      THEN 'token' END,
    CASE WHEN rate_variants > 1 THEN 'variants' END,
    CASE WHEN negotiated_rate = 0 THEN 'zero' END), '') AS rate_flags,
  negotiated_dollars,
  benchmark_setting,
  pfs_nonfacility_rate,
  pfs_facility_rate,
  CAST(rate_variants AS BIGINT) AS rate_variants, rate_variant_min, rate_variant_max,
  CASE is_in_one_file WHEN TRUE THEN 'file' WHEN FALSE THEN 'files' END AS variant_scope,
  tin_value, tin_type, tin_name,
  coalesce(tin_count, CASE WHEN pg_members_uid IS NOT NULL THEN 0 END) AS group_tin_count,
  coalesce(known_count, CASE WHEN pg_members_uid IS NOT NULL THEN 0 END) AS group_known_npi_count,
  source_count,
  row_ix
FROM joined

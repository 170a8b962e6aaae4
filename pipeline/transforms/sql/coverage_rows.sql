-- The month's enriched rows with what coverage counts: coverage_row, a view. Reads the views fact_rate_enriched and fact_rate
-- (of the month), and the table withheld (partition); excluding are the flags that keep a rate out of comparisons. The row's own state is the folder's but under US, where it is the
-- provider's: only facts from there are looked up.
CREATE OR REPLACE TEMP VIEW coverage_row AS
SELECT e.year_month, coalesce(f.state, e.state) AS state, e.payer_slug, e.billing_class, e.pg_uid,
  coalesce(e.status = 'A', FALSE) AS with_provider,
  CASE WHEN e.status = 'A' THEN NULL WHEN e.npi IS NULL THEN 'the group names no NPI'
    WHEN e.status IS NULL THEN 'the registry does not know the NPI' ELSE 'the NPI is deactivated' END AS provider_reason,
  e.status IS NOT NULL AND NOT (e.stat_area_code = '00000' AND e.county_fips = '00000') AS with_place,
  CASE WHEN e.status IS NULL THEN 'no known provider'
    WHEN e.stat_area_code = '00000' AND e.county_fips = '00000' THEN 'the address is in no known county or area'
    END AS place_reason,
  CASE WHEN e.status IS NOT NULL AND NOT e.is_geocoded THEN 'the address has no coordinates' END AS coordinates_reason,
  CASE WHEN e.procedure_set IS NULL AND e.code_type IN ('CPT', 'HCPCS') THEN 'the code has no category' END AS category_reason,
  e.negotiated_dollars IS NOT NULL AS with_dollars,
  CASE WHEN e.negotiated_dollars IS NOT NULL THEN NULL WHEN NOT e.negotiated_rate > 0 THEN 'the rate is not above zero'
    WHEN e.negotiation_arrangement = 'capitation' THEN 'arrangement capitation'
    ELSE 'negotiated type ' || coalesce(e.negotiated_type, 'unknown') END AS dollars_reason,
  e.tin_name IS NOT NULL AS with_tin_name,
  CASE WHEN e.tin_name IS NULL THEN if(e.tin_value IS NULL, 'the group has no TIN', 'nobody names the TIN')
    END AS tin_name_reason,
  coalesce(e.negotiated_dollars IS NOT NULL AND e.negotiation_arrangement = 'ffs'
    AND NOT list_has_any(string_split(coalesce(e.rate_flags, ''), '|'), [$excluding]), FALSE) AS comparable,
  e.benchmark_reason IS NULL AS with_medicare,
  e.benchmark_reason AS medicare_reason,
  e.group_npi_count IS NULL AND e.pg_members_uid IS NULL AS is_unresolved,
  w.partition IS NOT NULL AS is_withheld
FROM fact_rate_enriched AS e
LEFT JOIN (SELECT fact_uid, state FROM fact_rate WHERE state = 'US') AS f ON f.fact_uid = e.fact_uid
LEFT JOIN withheld AS w ON w.partition = $partition

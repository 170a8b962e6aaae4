SELECT
  g.pg_uid, f.year_month, f.payer_slug, g.provider_group_id_raw, g.pg_members_uid, g.network_names, g.batch_id,
  f.version, g.pg_members_uid IS NOT NULL AS has_members
FROM staged_group AS g JOIN source_file AS f USING (batch_id)
UNION ALL
-- Groups of star schemas that no in-network file of the month names.
SELECT
  s.pg_uid, s.year_month, s.payer_slug, s.provider_group_id_raw, s.pg_members_uid, s.network_names, s.batch_id,
  s.version, s.has_members
FROM star_group AS s ANTI JOIN staged_group AS g ON g.pg_uid = s.pg_uid
QUALIFY row_number() OVER (PARTITION BY s.pg_uid ORDER BY NOT s.has_members, s.batch_id, s.payer_slug) = 1

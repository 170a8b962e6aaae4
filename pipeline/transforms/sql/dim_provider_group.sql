SELECT
  g.pg_uid, f.year_month, f.payer_slug, g.provider_group_id_raw, g.pg_members_uid, g.network_names, g.batch_id,
  f.version, g.pg_members_uid IS NOT NULL AS has_members
FROM staged_group AS g JOIN source_file AS f USING (batch_id)

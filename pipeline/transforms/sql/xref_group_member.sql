SELECT DISTINCT f.year_month, f.payer_slug, g.pg_uid, m.tin_type, m.tin_value, m.npi
FROM staged_group AS g
JOIN source_file AS f USING (batch_id)
JOIN staged_member AS m USING (batch_id, pg_members_uid)

SELECT DISTINCT f.year_month, f.payer_slug, g.pg_uid, m.npi
FROM staged_group AS g
JOIN source_file AS f USING (batch_id)
JOIN staged_member AS m USING (batch_id, pg_members_uid)
WHERE m.npi IS NOT NULL
UNION
-- Groups of star schemas that no in-network file of the month names.
SELECT s.year_month, s.payer_slug, s.pg_uid, s.npi
FROM star_group_npi AS s ANTI JOIN staged_group AS g ON g.pg_uid = s.pg_uid

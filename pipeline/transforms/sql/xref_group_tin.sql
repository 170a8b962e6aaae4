SELECT DISTINCT f.year_month, f.payer_slug, g.pg_uid, m.tin_type, m.tin_value
FROM staged_group AS g
JOIN source_file AS f USING (batch_id)
JOIN staged_member AS m USING (batch_id, pg_members_uid)
WHERE m.tin_value IS NOT NULL -- TIN 0 is nobody's: two groups without a TIN share none
UNION
-- Groups of star schemas that no in-network file of the month names.
SELECT s.year_month, s.payer_slug, s.pg_uid, s.tin_type, s.tin_value
FROM star_group_tin AS s ANTI JOIN staged_group AS g ON g.pg_uid = s.pg_uid

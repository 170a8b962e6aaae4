SELECT DISTINCT f.year_month, c.contained_codes_uid, c.role, c.code_type, c.code
FROM staged_contained_code AS c JOIN source_file AS f USING (batch_id)

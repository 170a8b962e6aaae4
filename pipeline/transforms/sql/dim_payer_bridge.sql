SELECT DISTINCT reporting_entity_name AS reporting_entity_name_raw, payer_slug
FROM source_file
WHERE reporting_entity_name IS NOT NULL
UNION
SELECT reporting_entity_name, payer_slug FROM star_payer

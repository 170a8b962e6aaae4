-- Who stands for a provider group: one answer per (payer, group, source state) that the month's facts name.
-- Narrow columns only; what is known of the chosen providers follows (fact_rate_enriched_providers.sql).
-- Columns named …_ix number the rows of a temporary table, so that facts are joined by integers: no value of the result
-- depends on who has which number.

CREATE OR REPLACE TEMP TABLE enriched_key AS
SELECT CAST(row_number() OVER () AS INTEGER) AS group_ix, n.payer_slug, k.reporting_entity_name, k.pg_uid, k.state
FROM (SELECT DISTINCT reporting_entity_name, pg_uid, state FROM fact_rate) k
JOIN (
  SELECT reporting_entity_name, slugify(reporting_entity_name) AS payer_slug
  FROM (SELECT DISTINCT reporting_entity_name FROM fact_rate)
) n ON n.reporting_entity_name IS NOT DISTINCT FROM k.reporting_entity_name;

CREATE OR REPLACE TEMP TABLE enriched_member AS
SELECT DISTINCT k.group_ix, x.npi
FROM xref_group_npi x
JOIN enriched_key k ON k.pg_uid = x.pg_uid AND k.payer_slug IS NOT DISTINCT FROM x.payer_slug
WHERE x.year_month = getvariable('year_month') AND x.npi IS NOT NULL;

-- What the choice looks at. The orders of the windows begin like those of the providers' file, so that of duplicate
-- reference rows both take the same one: the registry's latest record, the address listed first, census before zip.
CREATE OR REPLACE TEMP TABLE enriched_npi AS
WITH named AS (SELECT DISTINCT npi FROM enriched_member),
registry AS (
  SELECT npi, coalesce(status = 'A' AND npi_valid, FALSE) AS usable, primary_taxonomy_code AS taxonomy, enumeration_type
  FROM dim_npi
  WHERE npi IN (FROM named)
  QUALIFY row_number() OVER (
    PARTITION BY npi ORDER BY last_updated DESC NULLS LAST, status, npi_valid, primary_taxonomy_code, enumeration_type) = 1
),
practice AS (
  SELECT npi, address_hash, state
  FROM dim_npi_address
  WHERE address_purpose = 'LOCATION' AND npi IN (FROM named)
  QUALIFY row_number() OVER (PARTITION BY npi ORDER BY position, address_hash, state) = 1
),
place AS (
  SELECT npi, address_hash, stat_area_code
  FROM dim_npi_address_geolocation
  WHERE npi IN (FROM named)
  QUALIFY row_number() OVER (PARTITION BY npi, address_hash ORDER BY geo_source NULLS LAST, stat_area_code) = 1
)
SELECT named.npi, coalesce(registry.usable, FALSE) AS usable, registry.taxonomy, practice.state, place.stat_area_code AS cbsa,
  registry.enumeration_type = 'NPI-1' AS is_person,
  registry.enumeration_type = 'NPI-2' AND is_facility(registry.taxonomy) AS is_facility
FROM named
LEFT JOIN registry ON registry.npi = named.npi
LEFT JOIN practice ON practice.npi = named.npi
LEFT JOIN place ON place.npi = practice.npi AND place.address_hash = practice.address_hash;

-- Among the NPIs that the registry knows as active and whose check digit is right: practice state equal to the source
-- folder's (nobody practises in one called US, so that is no condition there), then the taxonomy most frequent in the group, then the CBSA, then the smallest NPI.
-- Equal frequencies leave the choice to the next rule; what is unknown counts as most rare. Outside of every CBSA is a
-- place like any other.
CREATE OR REPLACE TEMP TABLE enriched_primary AS
WITH usable AS (
  SELECT m.group_ix, m.npi, n.taxonomy, n.cbsa, n.state IS DISTINCT FROM k.state AS elsewhere
  FROM enriched_member m
  JOIN enriched_npi n ON n.npi = m.npi
  JOIN enriched_key k ON k.group_ix = m.group_ix
  WHERE n.usable
),
taxonomies AS (SELECT group_ix, taxonomy, count(*) AS members FROM usable WHERE taxonomy IS NOT NULL GROUP BY ALL),
cbsas AS (SELECT group_ix, cbsa, count(*) AS members FROM usable WHERE cbsa IS NOT NULL GROUP BY ALL)
SELECT u.group_ix, min(struct_pack(
  elsewhere := u.elsewhere,
  taxonomy_rank := -coalesce(t.members, 0),
  cbsa_rank := -coalesce(c.members, 0),
  npi := u.npi)).npi AS npi
FROM usable u
LEFT JOIN taxonomies t ON t.group_ix = u.group_ix AND t.taxonomy = u.taxonomy
LEFT JOIN cbsas c ON c.group_ix = u.group_ix AND c.cbsa = u.cbsa
GROUP BY u.group_ix;

-- Who bills for a group: the TIN under which the primary provider stands in it, with several the smallest. Where members
-- are not told apart by TIN (star schemas), the group's TIN if it has only one.
CREATE OR REPLACE TEMP TABLE enriched_tin AS
WITH named AS (
  SELECT DISTINCT k.group_ix, x.tin_type, x.tin_value
  FROM xref_group_tin x
  JOIN enriched_key k ON k.pg_uid = x.pg_uid AND k.payer_slug IS NOT DISTINCT FROM x.payer_slug
  WHERE x.year_month = getvariable('year_month') AND x.tin_value IS NOT NULL
),
counted AS (
  SELECT group_ix, count(*) AS tin_count, bool_and(coalesce(tin_type = 'npi', FALSE)) AS all_npi,
    CASE WHEN count(*) = 1 THEN min(struct_pack(tin_type := tin_type, tin_value := tin_value)) END AS only
  FROM named GROUP BY group_ix
),
chosen AS (
  SELECT k.group_ix, coalesce(p.npi, s.smallest) AS npi
  FROM enriched_key k
  LEFT JOIN enriched_primary p ON p.group_ix = k.group_ix
  LEFT JOIN (SELECT group_ix, min(npi) AS smallest FROM enriched_member GROUP BY group_ix) s ON s.group_ix = k.group_ix
),
of_primary AS (
  SELECT k.group_ix, min(struct_pack(tin_type := x.tin_type, tin_value := x.tin_value)) AS tin
  FROM xref_group_member x
  JOIN enriched_key k ON k.pg_uid = x.pg_uid AND k.payer_slug IS NOT DISTINCT FROM x.payer_slug
  JOIN chosen ON chosen.group_ix = k.group_ix AND chosen.npi IS NOT DISTINCT FROM x.npi
  WHERE x.year_month = getvariable('year_month') AND x.tin_value IS NOT NULL
  GROUP BY k.group_ix
)
SELECT c.group_ix, c.tin_count, c.all_npi, coalesce(p.tin, c.only) AS tin
FROM counted c
LEFT JOIN of_primary p ON p.group_ix = c.group_ix;

-- The state of rows from the folder US is their primary provider's practice state.
-- are_professionals: whether the group looks like physicians' and not like a facility's, by its TINs or its known members;
-- null where neither is known (class_suspect in docs/medicare.md).
CREATE OR REPLACE TEMP TABLE enriched_group AS
WITH sizes AS (
  SELECT m.group_ix, count(*) AS npi_count, min(m.npi) AS smallest, count(n.is_person) AS known_count,
    count(*) FILTER (n.is_person) AS people, count(*) FILTER (n.is_facility) AS facilities
  FROM enriched_member m JOIN enriched_npi n ON n.npi = m.npi
  GROUP BY m.group_ix
),
states AS (
  SELECT group_ix, count(*) AS state_count
  FROM (SELECT DISTINCT m.group_ix, n.state FROM enriched_member m JOIN enriched_npi n ON n.npi = m.npi WHERE n.state IS NOT NULL)
  GROUP BY group_ix
),
names AS (
  SELECT tin_type, tin_value, min(business_name) AS business_name
  FROM dim_tin SEMI JOIN (SELECT DISTINCT tin.tin_type, tin.tin_value FROM enriched_tin) USING (tin_type, tin_value)
  GROUP BY tin_type, tin_value
)
SELECT k.group_ix, k.payer_slug, k.reporting_entity_name, k.pg_uid, k.state AS source_state,
  CASE WHEN k.state = 'US' THEN n.state ELSE k.state END AS state,
  coalesce(p.npi, s.smallest) AS npi,
  s.npi_count, CASE WHEN s.npi_count IS NOT NULL THEN coalesce(st.state_count, 0) END AS state_count,
  s.known_count, t.tin_count, t.tin.tin_type AS tin_type, t.tin.tin_value AS tin_value, names.business_name AS tin_name,
  CASE
    WHEN t.all_npi OR (s.known_count > 0 AND s.facilities = 0 AND 10 * s.people >= 9 * s.known_count) THEN TRUE
    WHEN coalesce(s.known_count, 0) > 0 THEN FALSE END AS are_professionals,
  k.state <> 'US' AND n.state IS NOT NULL AND n.state <> k.state AS is_out_of_state
FROM enriched_key k
LEFT JOIN sizes s ON s.group_ix = k.group_ix
LEFT JOIN enriched_primary p ON p.group_ix = k.group_ix
LEFT JOIN states st ON st.group_ix = k.group_ix
LEFT JOIN enriched_tin t ON t.group_ix = k.group_ix
LEFT JOIN names ON names.tin_type = t.tin.tin_type AND names.tin_value = t.tin.tin_value
LEFT JOIN enriched_npi n ON n.npi = coalesce(p.npi, s.smallest);

DROP TABLE enriched_tin;
DROP TABLE enriched_member;
DROP TABLE enriched_primary;
DROP TABLE enriched_key;
DROP TABLE enriched_npi;

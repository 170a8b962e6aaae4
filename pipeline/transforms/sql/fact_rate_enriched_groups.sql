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
  SELECT npi, coalesce(status = 'A' AND npi_valid, FALSE) AS usable, primary_taxonomy_code AS taxonomy
  FROM dim_npi
  WHERE npi IN (FROM named)
  QUALIFY row_number() OVER (
    PARTITION BY npi ORDER BY last_updated DESC NULLS LAST, status, npi_valid, primary_taxonomy_code) = 1
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
SELECT named.npi, coalesce(registry.usable, FALSE) AS usable, registry.taxonomy, practice.state, place.stat_area_code AS cbsa
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

-- The state of rows from the folder US is their primary provider's practice state.
CREATE OR REPLACE TEMP TABLE enriched_group AS
WITH sizes AS (
  SELECT group_ix, count(*) AS npi_count, min(npi) AS smallest FROM enriched_member GROUP BY group_ix
),
states AS (
  SELECT group_ix, count(*) AS state_count
  FROM (SELECT DISTINCT m.group_ix, n.state FROM enriched_member m JOIN enriched_npi n ON n.npi = m.npi WHERE n.state IS NOT NULL)
  GROUP BY group_ix
)
SELECT k.group_ix, k.payer_slug, k.reporting_entity_name, k.pg_uid, k.state AS source_state,
  CASE WHEN k.state = 'US' THEN n.state ELSE k.state END AS state,
  coalesce(p.npi, s.smallest) AS npi,
  s.npi_count, CASE WHEN s.npi_count IS NOT NULL THEN coalesce(st.state_count, 0) END AS state_count
FROM enriched_key k
LEFT JOIN sizes s ON s.group_ix = k.group_ix
LEFT JOIN enriched_primary p ON p.group_ix = k.group_ix
LEFT JOIN states st ON st.group_ix = k.group_ix
LEFT JOIN enriched_npi n ON n.npi = coalesce(p.npi, s.smallest);

DROP TABLE enriched_member;
DROP TABLE enriched_primary;
DROP TABLE enriched_key;
DROP TABLE enriched_npi;

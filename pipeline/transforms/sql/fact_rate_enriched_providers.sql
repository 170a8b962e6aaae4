-- All that is known of the chosen providers: one row per NPI that stands for a group, with its practice address, where
-- that is, and the Medicare carrier and locality of its ZIP.

CREATE OR REPLACE TEMP TABLE enriched_provider AS
WITH chosen AS (SELECT DISTINCT npi FROM enriched_group WHERE npi IS NOT NULL),
registry AS (
  SELECT * FROM dim_npi
  WHERE npi IN (FROM chosen)
  QUALIFY row_number() OVER (PARTITION BY npi ORDER BY last_updated DESC NULLS LAST, status, npi_valid,
    primary_taxonomy_code, primary_taxonomy_desc, primary_taxonomy_state, primary_taxonomy_license, enumeration_type,
    first_name, last_name, organization_name, credential, sole_proprietor, enumeration_date) = 1
),
practice AS (
  SELECT * FROM dim_npi_address
  WHERE address_purpose = 'LOCATION' AND npi IN (FROM chosen)
  QUALIFY row_number() OVER (PARTITION BY npi ORDER BY position, address_hash, state, postal_code, address_type,
    address_1, address_2, city, country_code, telephone_number, fax_number) = 1
),
place AS (
  SELECT * FROM dim_npi_address_geolocation
  WHERE npi IN (FROM chosen)
  QUALIFY row_number() OVER (PARTITION BY npi, address_hash ORDER BY geo_source NULLS LAST, stat_area_code,
    stat_area_name, county_fips, county_name, latitude, longitude, matched_address) = 1
),
-- Localities are numbered with the fee schedule, so its rule for releases is theirs.
zips AS (
  SELECT zip_code, carrier, locality
  FROM staged_zip_locality
  WHERE effective_from = release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM staged_zip_locality), first_day())
  QUALIFY row_number() OVER (PARTITION BY zip_code ORDER BY source_file DESC, carrier, locality) = 1
)
SELECT CAST(row_number() OVER () AS INTEGER) AS provider_ix, chosen.npi, registry.enumeration_type, registry.status, registry.first_name, registry.last_name,
  registry.organization_name, registry.credential, registry.sole_proprietor, registry.enumeration_date,
  registry.last_updated, registry.primary_taxonomy_code, registry.primary_taxonomy_desc,
  registry.primary_taxonomy_state, registry.primary_taxonomy_license,
  registry.primary_taxonomy_code IS NOT DISTINCT FROM asc_taxonomy() AS is_asc,
  practice.address_purpose, practice.address_type, practice.address_1, practice.address_2, practice.city,
  practice.state AS address_state, practice.postal_code, practice.country_code, practice.telephone_number,
  practice.fax_number, practice.address_hash,
  place.latitude, place.longitude, place.county_name, place.county_fips, place.stat_area_name, place.stat_area_code,
  place.matched_address, place.geo_source,
  zips.carrier, zips.locality
FROM chosen
LEFT JOIN registry ON registry.npi = chosen.npi
LEFT JOIN practice ON practice.npi = chosen.npi
LEFT JOIN place ON place.npi = practice.npi AND place.address_hash = practice.address_hash
LEFT JOIN zips
  ON is_domestic(practice.country_code) AND NOT is_military(practice.state)
  AND zips.zip_code = zip5(practice.postal_code);

-- A group of the folder `US` is compared with its provider's state, else (nationwide) with the nation.
CREATE OR REPLACE TEMP TABLE enriched_state AS
SELECT CAST(row_number() OVER () AS INTEGER) AS state_ix, state, nationwide
FROM (
  SELECT DISTINCT state, coalesce(source_state = 'US', FALSE) AS nationwide FROM enriched_group
  WHERE state IS NOT NULL OR source_state = 'US'
);

CREATE OR REPLACE TEMP TABLE enriched_locality AS
SELECT CAST(row_number() OVER () AS INTEGER) AS locality_ix, carrier, locality
FROM (SELECT DISTINCT carrier, locality FROM enriched_provider WHERE carrier IS NOT NULL);

-- The wage area of a provider's address: that of its county where the county is one; its metropolitan division or area;
-- the rest of its state where it lies outside of all metropolitan areas (42 CFR 412.64(b)(1)(ii)). Which counties a
-- metropolitan area has is the delineation's of the newest file, for every year.
CREATE OR REPLACE TEMP TABLE enriched_area AS
WITH wage_area AS (
  SELECT DISTINCT cbsa, states, counties FROM bench_asc_area WHERE year_month = getvariable('year_month')
), delineation AS (
  SELECT county_fips, cbsa_code, cbsa_type, metropolitan_division_code
  FROM staged_cbsa_county
  QUALIFY row_number() OVER (PARTITION BY county_fips ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
), micropolitan AS (
  SELECT DISTINCT cbsa_code FROM delineation WHERE cbsa_type ILIKE 'micropolitan%'
), place AS (
  SELECT DISTINCT county_fips, stat_area_code, address_state FROM enriched_provider WHERE stat_area_code IS NOT NULL
), found AS (
  SELECT p.*, coalesce(own.cbsa, division.cbsa, metropolitan.cbsa, rest.cbsa) AS cbsa
  FROM place p
  LEFT JOIN delineation d ON d.county_fips = p.county_fips
  LEFT JOIN (SELECT cbsa, unnest(string_split(counties, '|')) AS county_fips FROM wage_area) own
    ON own.county_fips = p.county_fips
  LEFT JOIN wage_area division ON division.cbsa = d.metropolitan_division_code
  LEFT JOIN wage_area metropolitan ON metropolitan.cbsa = p.stat_area_code
  LEFT JOIN wage_area rest ON length(rest.cbsa) = 2 AND rest.states = p.address_state
    AND (p.stat_area_code = '99999' OR p.stat_area_code IN (FROM micropolitan))
  QUALIFY row_number() OVER (PARTITION BY p.county_fips, p.stat_area_code, p.address_state
    ORDER BY own.cbsa, division.cbsa, metropolitan.cbsa, rest.cbsa) = 1
)
SELECT CAST(dense_rank() OVER (ORDER BY cbsa) AS INTEGER) AS area_ix, * FROM found WHERE cbsa IS NOT NULL;

-- A group as its facts need it: the numbers of what goes with it, and its place in the order of the rows.
CREATE OR REPLACE TEMP TABLE enriched_owner AS
SELECT g.group_ix, g.reporting_entity_name, g.pg_uid, g.source_state, g.payer_slug, g.state, g.npi_count, g.state_count,
  g.known_count, g.tin_count, g.tin_type, g.tin_value, g.tin_name, g.are_professionals, g.is_out_of_state,
  CAST(dense_rank() OVER (ORDER BY g.payer_slug NULLS FIRST) AS INTEGER) AS payer_ix,
  CAST(dense_rank() OVER (ORDER BY g.payer_slug NULLS FIRST, g.source_state NULLS FIRST) AS INTEGER) AS folder_ix,
  CAST(dense_rank() OVER (ORDER BY g.pg_uid NULLS FIRST) AS INTEGER) AS pg_ix,
  p.provider_ix, s.state_ix, l.locality_ix, a.area_ix, coalesce(p.is_asc, FALSE) AS is_asc,
  CAST(dense_rank() OVER (ORDER BY g.payer_slug NULLS FIRST, g.state NULLS FIRST) AS INTEGER) AS payer_state_rank,
  CAST(dense_rank() OVER (ORDER BY p.primary_taxonomy_code NULLS FIRST, coalesce(p.stat_area_name, 'Unknown')) AS INTEGER) AS taxonomy_area_rank
FROM enriched_group g
LEFT JOIN enriched_provider p ON p.npi = g.npi
LEFT JOIN enriched_state s ON s.state IS NOT DISTINCT FROM g.state
  AND s.nationwide = coalesce(g.source_state = 'US', FALSE)
LEFT JOIN enriched_locality l ON l.carrier = p.carrier AND l.locality = p.locality
LEFT JOIN enriched_area a ON a.county_fips IS NOT DISTINCT FROM p.county_fips
  AND a.stat_area_code = p.stat_area_code AND a.address_state IS NOT DISTINCT FROM p.address_state;

DROP TABLE enriched_group;

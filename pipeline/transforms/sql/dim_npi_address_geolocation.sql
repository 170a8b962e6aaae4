-- dim_npi_address_geolocation: where each address of dim_npi_address is, by the census geocoder's match, else by its ZIP.
-- Each ZIP, county and place is taken from the newest file that has it. CBSA names and membership are the
-- delineation's; 99999 is HUD's code for a place outside every CBSA, which we call Non-CBSA.
WITH delineation AS (
  SELECT county_fips, cbsa_code, cbsa_title, county_name
  FROM staged_cbsa_county
  QUALIFY row_number() OVER (PARTITION BY county_fips ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
),
cbsa AS (
  SELECT cbsa_code, min(cbsa_title) AS cbsa_title FROM delineation GROUP BY cbsa_code
  UNION ALL
  SELECT '99999', 'Non-CBSA'
),
candidates AS (
  SELECT zip, county_fips, county_name, res_ratio, tot_ratio
  FROM staged_zip_county
  QUALIFY dense_rank() OVER (PARTITION BY zip ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
),
-- Military post offices (no state) are mailing points: their ZIP says nothing of where anybody is.
places AS (
  SELECT zip, state, latitude, longitude, county_fips, county_name
  FROM staged_zip_place
  WHERE state IS NOT NULL OR country_code <> 'US'
  QUALIFY row_number() OVER (
    PARTITION BY zip ORDER BY accuracy DESC NULLS LAST, source_file DESC, latitude, longitude, source_row
  ) = 1
),
published AS (
  SELECT zip, cbsa_code
  FROM (
    FROM staged_zip_cbsa
    QUALIFY dense_rank() OVER (PARTITION BY zip ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
  )
  QUALIFY row_number() OVER (PARTITION BY zip ORDER BY res_ratio DESC, tot_ratio DESC, cbsa_code) = 1
),
-- A code that the delineation does not know (HUD's 17410 for Cleveland, there 17460) is the CBSA that most counties of
-- its ZIPs belong to.
renamed AS (
  SELECT p.cbsa_code, d.cbsa_code AS known_code
  FROM published p
  JOIN candidates c USING (zip)
  JOIN delineation d USING (county_fips)
  WHERE p.cbsa_code NOT IN (SELECT cbsa_code FROM cbsa)
  GROUP BY p.cbsa_code, d.cbsa_code
  QUALIFY row_number() OVER (PARTITION BY p.cbsa_code ORDER BY count(*) DESC, d.cbsa_code) = 1
),
zip_cbsa AS (
  SELECT p.zip, coalesce(r.known_code, p.cbsa_code) AS cbsa_code
  FROM published p
  LEFT JOIN renamed r USING (cbsa_code)
),
-- The county: by ratio where the publisher gives one, else GeoNames' if it is a candidate (it keeps the counties that
-- Connecticut gave up for planning regions), else one inside the ZIP's CBSA, else the smallest code.
zip_county AS (
  SELECT c.zip, c.county_fips
  FROM candidates c
  LEFT JOIN places p ON p.zip = c.zip
  LEFT JOIN zip_cbsa z ON z.zip = c.zip
  LEFT JOIN delineation d ON d.county_fips = c.county_fips
  WHERE c.county_fips IS NOT NULL
  QUALIFY row_number() OVER (
    PARTITION BY c.zip
    ORDER BY
      c.res_ratio DESC NULLS LAST,
      c.tot_ratio DESC NULLS LAST,
      coalesce(p.county_fips = c.county_fips AND p.state <> 'CT', FALSE) DESC,
      coalesce(z.cbsa_code = coalesce(d.cbsa_code, '99999'), FALSE) DESC,
      c.county_fips
  ) = 1
),
county_names AS (
  SELECT
    county_fips,
    coalesce(
      max(name) FILTER (rank = 1), max(name) FILTER (rank = 2), max(name) FILTER (rank = 3)
    ) AS county_name
  FROM (
    SELECT county_fips, county_name AS name, 1 AS rank FROM delineation
    UNION ALL
    SELECT county_fips, county_name, 2 FROM candidates
    UNION ALL
    SELECT county_fips, county_name, 3 FROM places
  )
  WHERE county_fips IS NOT NULL
  GROUP BY county_fips
),
delineated AS (
  SELECT count(*) > 0 AS known FROM delineation
),
zips AS (
  SELECT zip FROM published UNION SELECT zip FROM zip_county UNION SELECT zip FROM places
),
zip_geography AS (
  SELECT
    zips.zip,
    p.latitude,
    p.longitude,
    county.county_fips,
    coalesce(
      z.cbsa_code,
      d.cbsa_code,
      CASE WHEN county.county_fips IS NOT NULL AND (SELECT known FROM delineated) THEN '99999' END
    ) AS cbsa_code
  FROM zips
  LEFT JOIN places p ON p.zip = zips.zip
  LEFT JOIN zip_county c ON c.zip = zips.zip
  LEFT JOIN zip_cbsa z ON z.zip = zips.zip
  LEFT JOIN LATERAL (
    SELECT coalesce(c.county_fips, CASE WHEN p.state <> 'CT' THEN p.county_fips END) AS county_fips
  ) county ON TRUE
  LEFT JOIN delineation d ON d.county_fips = county.county_fips
),
addresses AS (
  SELECT
    npi,
    address_hash,
    -- No ZIP leads to a military place.
    CASE WHEN is_domestic(country_code) AND NOT is_military(state) THEN zip5(postal_code) END AS zip
  FROM dim_npi_address
  QUALIFY row_number() OVER (PARTITION BY npi, address_hash ORDER BY address_purpose) = 1
),
matched AS (
  SELECT address_id AS address_hash, latitude, longitude, matched_address, county_fips
  FROM staged_geocode
  WHERE match = 'Match'
  QUALIFY row_number() OVER (
    PARTITION BY address_id
    ORDER BY match_type = 'Exact' DESC, county_fips IS NULL, source_file DESC, source_row DESC
  ) = 1
),
located AS (
  SELECT
    a.npi,
    a.address_hash,
    coalesce(m.latitude, z.latitude) AS latitude,
    coalesce(m.longitude, z.longitude) AS longitude,
    coalesce(m.county_fips, z.county_fips) AS county_fips,
    -- The county that the geocoder found decides the CBSA; where it gave coordinates alone, the ZIP does.
    CASE
      WHEN m.county_fips IS NOT NULL AND (SELECT known FROM delineated) THEN coalesce(d.cbsa_code, '99999')
      ELSE z.cbsa_code
    END AS stat_area_code,
    m.matched_address,
    CASE WHEN m.address_hash IS NOT NULL THEN 'census' ELSE 'zip' END AS geo_source
  FROM addresses a
  LEFT JOIN matched m USING (address_hash)
  LEFT JOIN zip_geography z USING (zip)
  LEFT JOIN delineation d ON d.county_fips = m.county_fips
  WHERE m.address_hash IS NOT NULL
    OR z.latitude IS NOT NULL OR z.county_fips IS NOT NULL OR z.cbsa_code IS NOT NULL
)
SELECT
  l.npi,
  l.address_hash,
  l.latitude,
  l.longitude,
  n.county_name,
  l.county_fips,
  c.cbsa_title AS stat_area_name,
  l.stat_area_code,
  l.matched_address,
  l.geo_source
FROM located l
LEFT JOIN county_names n USING (county_fips)
LEFT JOIN cbsa c ON c.cbsa_code = l.stat_area_code
UNION ALL BY NAME
-- A star schema's places count for addresses that neither the geocoder nor the ZIP places.
SELECT
  s.npi, s.address_hash, s.latitude, s.longitude, s.county_name, s.county_fips, s.stat_area_name, s.stat_area_code,
  s.matched_address, 'star' AS geo_source
FROM star_npi_address_geolocation s
SEMI JOIN addresses a ON a.npi = s.npi AND a.address_hash = s.address_hash
ANTI JOIN located l ON l.npi = s.npi AND l.address_hash = s.address_hash
WHERE coalesce(CAST(s.latitude AS VARCHAR), s.county_fips, s.stat_area_code, s.stat_area_name) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY s.npi, s.address_hash ORDER BY s.last_month DESC, s.batch_id) = 1

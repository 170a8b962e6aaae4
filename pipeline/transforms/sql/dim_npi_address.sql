-- dim_npi_address: the addresses of the NPIs of dim_npi, each purpose from the latest record that carries it.
-- The primary address of a purpose (position 1) and further ones come from different files of the registry, so each is
-- chosen by itself; a registry answer lists both, so an answer without further locations takes older ones away.
WITH listed AS (
  SELECT a.*, a.position > 1 AS further FROM staged_nppes_address a SEMI JOIN dim_npi USING (npi)
),
-- Every record that could list an address of the kind, whether or not it lists one.
carriers AS (
  SELECT DISTINCT
    npi, address_purpose, further, source_kind, source_file, source_date, release_date,
    CASE WHEN source_kind = 'locations' THEN 0 ELSE source_row END AS record
  FROM listed
  UNION
  SELECT npi, 'LOCATION', TRUE, source_kind, source_file, source_date, release_date, source_row
  FROM staged_nppes
  SEMI JOIN dim_npi USING (npi)
  WHERE source_kind = 'api' AND enumeration_type IS NOT NULL
),
chosen AS (
  SELECT *
  FROM carriers
  QUALIFY row_number() OVER (
    PARTITION BY npi, address_purpose, further
    ORDER BY
      coalesce(source_date, '') DESC,
      array_position(['monthly', 'api', 'locations', 'extract'], source_kind),
      coalesce(release_date, '') DESC, source_file DESC, record DESC
  ) = 1
),
kept AS (
  SELECT l.*
  FROM listed l
  JOIN chosen c
    ON l.npi = c.npi AND l.address_purpose = c.address_purpose AND l.further = c.further
    AND l.source_kind = c.source_kind AND l.source_file = c.source_file
    AND (l.source_kind = 'locations' OR l.source_row = c.record)
  -- An address that the registry lists twice for a purpose stands where it is listed first.
  QUALIFY row_number() OVER (
    PARTITION BY l.npi, l.address_purpose, l.address_hash ORDER BY l.position, l.source_row
  ) = 1
)
SELECT
  npi,
  address_purpose,
  address_hash,
  address_type,
  address_1,
  address_2,
  city,
  state,
  postal_code,
  country_code,
  telephone_number,
  fax_number,
  row_number() OVER (PARTITION BY npi, address_purpose ORDER BY position, source_row, address_hash) AS position
FROM kept
UNION ALL BY NAME
-- A star schema's addresses count for NPIs of which no file of the registry lists one; they all come from one star schema.
SELECT
  s.npi, s.address_purpose, s.address_hash, s.address_type, s.address_1, s.address_2, s.city, s.state, s.postal_code,
  s.country_code, s.telephone_number, s.fax_number, s.position
FROM star_npi_address s
SEMI JOIN dim_npi n ON n.npi = s.npi
ANTI JOIN staged_nppes_address a ON a.npi = s.npi
QUALIFY dense_rank() OVER (PARTITION BY s.npi ORDER BY s.last_month DESC, s.batch_id) = 1

-- geocode_request: every address of dim_npi_address once, as the census geocoder wants it asked, and why it is not asked.
-- The geocoder matches a house number and street within a city or ZIP of the United States and Puerto Rico; it finds no
-- post office box and no military post office. It was asked already where any answer of it is there, No_Match and Tie too.
-- Texts of one address_hash differ in case and blanks alone: the smallest, so that the same addresses give the same file.
WITH places AS (
  SELECT
    address_hash,
    min(address_purpose) = 'LOCATION' AS practice,
    -- A building or a name on the first line, and the street on the second.
    min(
      CASE
        WHEN NOT regexp_matches(coalesce(address_1, ''), '[0-9]') AND regexp_matches(address_2, '^[0-9]+ ') THEN address_2
        ELSE address_1 END
    ) AS street,
    min(city) AS city,
    min(state) AS state,
    min(postal_code) AS postal_code,
    min(country_code) AS country_code
  FROM dim_npi_address
  GROUP BY address_hash
),
answered AS (
  SELECT address_id AS address_hash, bool_or(match = 'Match') AS found FROM staged_geocode GROUP BY address_id
),
-- A field holds no comma and no quotation mark, so that every line has four commas and nothing needs quoting.
plain AS (
  SELECT
    address_hash,
    practice,
    is_domestic(country_code) AS domestic,
    is_military(state) AS military,
    zip5(postal_code) AS zip,
    trim(regexp_replace(COLUMNS(['street', 'city', 'state']), '[\s,"]+', ' ', 'g'))
  FROM places
)
SELECT
  p.address_hash,
  p.street,
  p.city,
  p.state,
  p.zip,
  CASE
    WHEN a.found THEN 'found already'
    WHEN NOT p.domestic THEN 'abroad'
    WHEN p.military THEN 'military post office'
    WHEN coalesce(p.street, '') = '' THEN 'without a street'
    WHEN regexp_matches(p.street, '^(P\.? ?O\.?|POST OFFICE)[ .]*(BOX|DRAWER)|^BOX [0-9]|^(POB|PMB) ?[0-9]', 'i') THEN 'post office box'
    WHEN p.zip IS NULL AND coalesce(p.city, '') = '' THEN 'without ZIP and city'
    WHEN a.found IS NOT NULL AND NOT getvariable('again') THEN 'asked before, without a match'
    WHEN NOT p.practice AND NOT getvariable('mailing') THEN 'mailing address'
  END AS withheld
FROM plain p
LEFT JOIN answered a USING (address_hash)
ORDER BY p.address_hash

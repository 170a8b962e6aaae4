-- What the earliest month says of a payer, in it what most of its rates are under; ties by text.
WITH said AS (
  SELECT payer_slug, reporting_entity_name, reporting_entity_type, version, year_month, sum(rates_read) AS rates
  FROM source_file
  WHERE payer_slug IS NOT NULL
  GROUP BY ALL
)
SELECT payer_slug, reporting_entity_name, reporting_entity_type, version
FROM said
QUALIFY row_number() OVER (
  PARTITION BY payer_slug
  ORDER BY year_month, rates DESC, reporting_entity_name, reporting_entity_type NULLS LAST, version NULLS LAST
) = 1

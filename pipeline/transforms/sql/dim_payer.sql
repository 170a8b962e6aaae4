-- What the earliest month says of a payer, in it what most of its rates are under; ties by text.
-- A star schema's word counts for payers that publish no in-network file here.
WITH said AS (
  SELECT
    payer_slug, reporting_entity_name, reporting_entity_type, version, FALSE AS brought, year_month,
    sum(rates_read) AS rates
  FROM source_file
  WHERE payer_slug IS NOT NULL
  GROUP BY ALL
  UNION ALL
  SELECT payer_slug, reporting_entity_name, reporting_entity_type, version, TRUE, first_month, 0
  FROM star_payer
  WHERE payer_slug IS NOT NULL
)
SELECT payer_slug, reporting_entity_name, reporting_entity_type, version
FROM said
QUALIFY row_number() OVER (
  PARTITION BY payer_slug
  ORDER BY
    brought, year_month, rates DESC, reporting_entity_name, reporting_entity_type NULLS LAST, version NULLS LAST
) = 1

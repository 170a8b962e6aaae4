-- dim_npi: every NPI that a provider group names, with what the registry knows of it.
-- A later record wins by its own date; of one date: the monthly file, then the registry's answer, then the extract,
-- then the newer release. A deactivated record is mostly blank: it decides the status, not what the provider is.
WITH named AS (
  SELECT npi FROM staged_member WHERE npi IS NOT NULL
  UNION
  SELECT npi FROM star_npi
),
records AS (
  SELECT
    s.*,
    row_number() OVER (
      PARTITION BY s.npi
      ORDER BY
        s.enumeration_type IS NULL,
        coalesce(s.source_date, '') DESC,
        array_position(['monthly', 'api', 'extract', 'deactivation'], s.source_kind),
        coalesce(s.release_date, '') DESC, s.source_file DESC, s.source_row DESC
    ) AS content_rank,
    row_number() OVER (
      PARTITION BY s.npi
      ORDER BY
        coalesce(s.source_date, '') DESC,
        s.status = 'D' DESC,
        array_position(['monthly', 'api', 'extract', 'deactivation'], s.source_kind),
        coalesce(s.release_date, '') DESC, s.source_file DESC, s.source_row DESC
    ) AS status_rank
  FROM staged_nppes s
  SEMI JOIN named USING (npi)
),
content AS (
  SELECT * FROM records WHERE content_rank = 1 AND enumeration_type IS NOT NULL
),
standing AS (
  SELECT npi, status, deactivation_date, source_kind FROM records WHERE status_rank = 1
),
-- What a kind of source never carries is taken from the best record that has it (the extract has neither of these).
filled AS (
  SELECT
    r.npi,
    arg_min(r.enumeration_date, r.content_rank) FILTER (r.enumeration_date IS NOT NULL) AS enumeration_date,
    arg_min({'is': r.sole_proprietor}, r.content_rank) FILTER (r.source_kind <> 'extract') AS sole_proprietor,
    arg_min(
      {'state': r.primary_taxonomy_state, 'license': r.primary_taxonomy_license}, r.content_rank
    ) FILTER (r.source_kind <> 'extract' AND r.primary_taxonomy_code = c.primary_taxonomy_code) AS licence
  FROM records r
  JOIN content c USING (npi)
  WHERE r.enumeration_type IS NOT NULL
  GROUP BY r.npi
),
-- Only a deactivated record names the NPI that replaces it; the report of deactivations has no such column.
replaced AS (
  SELECT npi, arg_min(replacement_npi, status_rank) FILTER (replacement_npi IS NOT NULL) AS replacement_npi
  FROM records
  WHERE status = 'D'
  GROUP BY npi
),
nucc AS (
  SELECT
    taxonomy_code,
    arg_max(description, {'release': coalesce(release, ''), 'source_file': source_file}) AS description
  FROM staged_taxonomy
  GROUP BY taxonomy_code
),
answered AS (
  SELECT
    primary_taxonomy_code AS taxonomy_code,
    arg_max(primary_taxonomy_desc, {'source_date': coalesce(source_date, ''), 'text': primary_taxonomy_desc}) AS description
  FROM staged_nppes
  WHERE primary_taxonomy_code IS NOT NULL AND primary_taxonomy_desc IS NOT NULL
  GROUP BY primary_taxonomy_code
),
known AS (
  SELECT
    n.npi,
    c.enumeration_type,
    t.status,
    c.first_name,
    c.last_name,
    c.organization_name,
    c.credential,
    f.sole_proprietor['is'] AS sole_proprietor,
    f.enumeration_date,
    c.last_updated,
    c.primary_taxonomy_code,
    coalesce(nucc.description, c.primary_taxonomy_desc, answered.description) AS primary_taxonomy_desc,
    coalesce(c.primary_taxonomy_state, f.licence.state) AS primary_taxonomy_state,
    coalesce(c.primary_taxonomy_license, f.licence.license) AS primary_taxonomy_license,
    -- Luhn over the NPI with the prefix 80840, which adds 24: digits at odd places from the left count double.
    length(n.npi) = 10 AND regexp_full_match(n.npi, '[0-9]{10}') AND coalesce((
      24 + list_sum(list_transform(
        range(1, 11),
        lambda i: CASE
          WHEN i % 2 = 1 THEN [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][1 + TRY_CAST(n.npi[i] AS INTEGER)]
          ELSE TRY_CAST(n.npi[i] AS INTEGER) END
      ))
    ) % 10 = 0, FALSE) AS npi_valid,
    CASE WHEN t.status = 'D' THEN t.deactivation_date END AS deactivation_date,
    CASE WHEN t.status = 'D' THEN p.replacement_npi END AS replacement_npi,
    coalesce(c.source_kind, t.source_kind) AS registry_source
  FROM named n
  LEFT JOIN content c USING (npi)
  LEFT JOIN standing t USING (npi)
  LEFT JOIN filled f USING (npi)
  LEFT JOIN replaced p USING (npi)
  LEFT JOIN nucc ON nucc.taxonomy_code = c.primary_taxonomy_code
  LEFT JOIN answered ON answered.taxonomy_code = c.primary_taxonomy_code
),
-- A star schema's word counts for NPIs that no file of the registry has.
brought AS (
  SELECT s.*
  FROM star_npi s
  ANTI JOIN records r ON r.npi = s.npi
  WHERE s.described
  QUALIFY row_number() OVER (
    PARTITION BY s.npi ORDER BY coalesce(s.last_updated, '') DESC, s.last_month DESC, s.batch_id
  ) = 1
)
SELECT k.* FROM known k ANTI JOIN brought b ON b.npi = k.npi
UNION ALL BY NAME
SELECT
  b.npi, b.enumeration_type, b.status, b.first_name, b.last_name, b.organization_name, b.credential, b.sole_proprietor,
  b.enumeration_date, b.last_updated, b.primary_taxonomy_code, b.primary_taxonomy_desc, b.primary_taxonomy_state,
  b.primary_taxonomy_license, k.npi_valid, 'star' AS registry_source
FROM brought b
JOIN known k ON k.npi = b.npi

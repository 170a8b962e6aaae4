-- dim_code_cat_history: a code's categories with the days they hold, of the source that the setting names, never mixed.
-- A code's rows come from one release, the latest that knows it. A row holds until the day before the next begins.
WITH sources AS (
  SELECT *
  FROM staged_category
  WHERE category_source = getvariable('category_source')
  QUALIFY dense_rank() OVER (PARTITION BY proc_cd ORDER BY coalesce(release, '') DESC, source_file DESC) = 1
),
labels AS (
  SELECT prefix, arg_max(label, source_file) AS label
  FROM staged_category_label
  WHERE category_source = getvariable('category_source')
  GROUP BY prefix
),
-- BETOS 2.0 joins class and group by a hyphen that either may hold too: the class is the label of the two letters.
labelled AS (
  SELECT
    s.proc_cd,
    s.effective_from,
    s.effective_to,
    s.procedure_set,
    CASE WHEN starts_with(s.class_and_group, l.label || '-') THEN l.label ELSE s.procedure_class END AS procedure_class,
    CASE
      WHEN starts_with(s.class_and_group, l.label || '-') THEN trim(substr(s.class_and_group, length(l.label) + 2))
      ELSE s.procedure_group
    END AS procedure_group
  FROM sources s
  LEFT JOIN labels l ON l.prefix = s.class_prefix
),
followed AS (
  SELECT
    *,
    lead(effective_from) OVER (PARTITION BY proc_cd ORDER BY effective_from) AS next_from
  FROM labelled
)
SELECT
  proc_cd,
  effective_from,
  least(
    coalesce(effective_to, '9999-12-31'),
    coalesce(strftime(CAST(next_from AS DATE) - INTERVAL 1 DAY, '%Y-%m-%d'), '9999-12-31')
  ) AS effective_to,
  procedure_set,
  procedure_class,
  procedure_group
FROM followed
UNION ALL
-- A star schema's categories are undated and of a source that it does not name: never mixed with another's, they count
-- where there is no file of the source that the setting names.
SELECT proc_cd, '1900-01-01', '9999-12-31', procedure_set, procedure_class, procedure_group
FROM star_code_cat
WHERE NOT EXISTS (FROM sources)
QUALIFY row_number() OVER (PARTITION BY proc_cd ORDER BY first_month, batch_id) = 1

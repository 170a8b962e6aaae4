-- The facts as numbers, with what the month's other facts say of each: its variants, and the bounds of its cell. Every
-- table on the right has one row per key.
SELECT f.* EXCLUDE (folder_ix, unlisted_ix, same_terms_ix, alike_ix, payer_ix, observer_ix, join_ix, line_ix, batch_ix),
  coalesce(v.rate_variants, 1) AS rate_variants,
  coalesce(v.rate_variant_min, f.negotiated_rate) AS rate_variant_min,
  coalesce(v.rate_variant_max, f.negotiated_rate) AS rate_variant_max,
  CASE WHEN i.variant_ix IS NOT NULL THEN TRUE WHEN NOT v.has_unknown_files THEN FALSE END AS is_in_one_file,
  b.spread_ix
FROM enriched_numbered f
LEFT JOIN enriched_variant v ON v.folder_ix = f.folder_ix AND v.unlisted_ix = f.unlisted_ix AND v.code_ix = f.code_ix
  AND v.same_terms_ix = f.same_terms_ix AND v.alike_ix = f.alike_ix
LEFT JOIN enriched_variant_file i ON i.variant_ix = v.variant_ix
LEFT JOIN enriched_cell b ON b.join_ix = f.join_ix AND b.line_ix = f.line_ix

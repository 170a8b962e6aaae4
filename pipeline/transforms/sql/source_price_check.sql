-- What the rates of a file are as a whole: how many of its facts have a Medicare rate beside them, of the nearest release of
-- any year, and the middle of their ratios; and how many leave their class open, and look like physicians' fees. Of a fact
-- that several files published the first file counts. The ratios are counted by their logarithm, in steps of 0.23 %: a
-- median of all of a file's would have to be held.
-- A fact that looks like a physician's fee is held against the physician schedule, whatever its class.
WITH weighed AS (
  SELECT f.batch_ix,
    t.leaves_class_open AND c.on_pfs AS is_open,
    o.are_professionals,
    CASE WHEN f.negotiated_rate > 0 AND t.in_dollars THEN f.negotiated_rate
      / nullif(if(is_open AND coalesce(o.are_professionals, FALSE), coalesce(p.nonfacility_rate, if(t.beside = '', x.rate, NULL)),
        coalesce(f.state_rate, f.far_rate)), 0)
      END AS ratio
  FROM enriched_numbered f
  JOIN enriched_owner o ON o.group_ix = f.group_ix
  JOIN enriched_code c ON c.code_ix = f.code_ix
  JOIN enriched_terms t ON t.terms_ix = f.terms_ix
  LEFT JOIN enriched_pair p ON p.pair_ix = f.pair_ix
  LEFT JOIN enriched_far_physician x ON x.join_ix = f.join_ix AND x.state_ix = o.state_ix
),
files AS (
  SELECT batch_ix, count(*) AS facts, count(ratio) AS compared, count(*) FILTER (is_open) AS class_open,
    count(*) FILTER (is_open AND are_professionals) AS class_suspect,
    count(*) FILTER (is_open AND are_professionals IS NULL) AS class_undecided
  FROM weighed GROUP BY batch_ix
),
steps AS (
  SELECT batch_ix, CAST(round(1000 * log10(ratio)) AS INTEGER) AS step, count(*) AS facts
  FROM weighed WHERE ratio > 0 GROUP BY ALL
),
risen AS (
  SELECT batch_ix, step, sum(facts) OVER (PARTITION BY batch_ix ORDER BY step) AS up_to,
    sum(facts) OVER (PARTITION BY batch_ix) AS facts
  FROM steps
),
medians AS (SELECT batch_ix, min(step) FILTER (2 * up_to >= facts) AS step FROM risen GROUP BY batch_ix)
SELECT getvariable('year_month') AS year_month, b.batch_id, files.facts, files.compared,
  round(pow(10, medians.step / 1000), 4) AS median_ratio, files.class_open, files.class_suspect, files.class_undecided
FROM files
JOIN enriched_batch b ON b.batch_ix = files.batch_ix
LEFT JOIN medians ON medians.batch_ix = files.batch_ix

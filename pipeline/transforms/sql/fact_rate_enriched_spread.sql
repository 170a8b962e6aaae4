-- What others are paid for the same: one row per distinct amount of a payer's group of members in a cell (join code, part,
-- place, unit). Reads enriched_numbered, the facts as numbers.

CREATE OR REPLACE TEMP TABLE enriched_observation AS
SELECT DISTINCT join_ix, line_ix, payer_ix, observer_ix, negotiated_rate AS amount
FROM enriched_numbered
WHERE line_ix IS NOT NULL AND join_ix IS NOT NULL AND negotiated_rate > 0 AND isfinite(negotiated_rate);

CREATE OR REPLACE TEMP TABLE enriched_cell AS
WITH groups AS (
  SELECT join_ix, line_ix, count(*) AS groups
  FROM (SELECT DISTINCT join_ix, line_ix, payer_ix, observer_ix FROM enriched_observation)
  GROUP BY join_ix, line_ix
),
amounts AS (SELECT join_ix, line_ix, count(*) AS n FROM enriched_observation GROUP BY join_ix, line_ix)
SELECT CAST(row_number() OVER (ORDER BY amounts.join_ix, amounts.line_ix) AS INTEGER) AS cell_ix, amounts.join_ix,
  amounts.line_ix, amounts.n, groups.groups
FROM amounts JOIN groups ON groups.join_ix = amounts.join_ix AND groups.line_ix = amounts.line_ix;

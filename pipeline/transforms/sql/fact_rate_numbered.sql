-- What the month's facts are multiplied from: fact_price in the order of fact_rate, and the tables fact_pair and fact_group
-- behind its numbers. The text of a fact_uid (naming.FACT_IDENTITY) is put together from what an item and its terms say,
-- once for each pair of them, from the amount, and from what a group says: $head owner $middle amount $behind networks $tail.
-- A statement of its own for every sort and every large join: each is given the whole memory, and spills.

CREATE OR REPLACE TEMP TABLE fact_source AS
SELECT f.*, CAST(row_number() OVER (ORDER BY file) AS INTEGER) AS file_ix,
  CAST(coalesce(sum(o.owners) OVER (ORDER BY file ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS BIGINT) AS owner_base
FROM source_file AS f
LEFT JOIN (SELECT batch_id, max(row_ix) + 1 AS owners FROM staged_owner GROUP BY batch_id) AS o USING (batch_id);

CREATE OR REPLACE TEMP TABLE fact_group AS
SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS group_no, f.file_ix, g.*, $owner AS owner_uid
FROM staged_group AS g JOIN fact_source AS f USING (batch_id);

-- Every pair of item and terms that a price has: what it says, its place among what facts are sorted by before their uid,
-- and its parts of the text of a uid. In that order, so that a slice of the facts finds its pairs side by side.
CREATE OR REPLACE TEMP TABLE fact_pair AS
SELECT CAST(row_number() OVER () - 1 AS INTEGER) AS pair_no, *,
  $head AS head, $middle AS middle, $behind AS behind, $tail AS tail
FROM (
  SELECT d.*, f.batch_id, f.state, f.year_month, f.reporting_entity_name, f.payer_slug,
    i.* EXCLUDE (batch_id, row_ix, item_ix), t.* EXCLUDE (batch_id, row_ix, terms_ix),
    CAST(dense_rank() OVER (ORDER BY f.state NULLS FIRST, f.reporting_entity_name NULLS FIRST,
      t.billing_class NULLS FIRST, i.code_type NULLS FIRST, i.code NULLS FIRST) AS INTEGER) AS place
  FROM (
    SELECT DISTINCT f.file_ix, p.item_ix, p.terms_ix FROM staged_price AS p JOIN fact_source AS f USING (batch_id)) AS d
  JOIN fact_source AS f USING (file_ix)
  JOIN staged_item AS i ON i.batch_id = f.batch_id AND i.item_ix = d.item_ix
  JOIN staged_terms AS t ON t.batch_id = f.batch_id AND t.terms_ix = d.terms_ix
  ORDER BY place);

-- The places among whose facts each pair's have to be looked for: its own, and those whose uids begin as its own do, which
-- only another name of the same payer makes. What stands before the bar after the code is the same in equal texts.
CREATE OR REPLACE TEMP TABLE fact_segment AS
WITH begun AS (SELECT pair_no, place, regexp_extract(head, '^([^|]*\|){$columns_to_code}') AS beginning FROM fact_pair),
  shared AS (SELECT beginning, list(DISTINCT place) AS places FROM begun GROUP BY beginning HAVING count(DISTINCT place) > 1)
SELECT pair_no, place, place AS segment FROM fact_pair
UNION ALL
SELECT * FROM (SELECT pair_no, place, unnest(places) AS segment FROM begun JOIN shared USING (beginning))
WHERE segment <> place;

-- Where the owners of an object stand among all files' owners; in a file they stand together.
CREATE OR REPLACE TEMP TABLE fact_object AS
SELECT f.file_ix, o.object_ix, CAST(count(*) AS INTEGER) AS owners,
  CASE WHEN max(row_ix) - min(row_ix) + 1 = count(*) THEN any_value(f.owner_base) + min(row_ix)
    ELSE error(concat('the owners of object ', o.object_ix, ' do not stand together')) END AS first_owner
FROM staged_owner AS o JOIN fact_source AS f USING (batch_id)
GROUP BY f.file_ix, o.object_ix;

CREATE OR REPLACE TEMP TABLE fact_amount AS
SELECT s.segment, s.place, p.pair_no, f.file_ix, a.row_ix, o.first_owner, o.owners, a.negotiated_rate
FROM staged_price AS a
JOIN fact_source AS f USING (batch_id)
JOIN fact_pair AS p ON p.file_ix = f.file_ix AND p.item_ix = a.item_ix AND p.terms_ix = a.terms_ix
JOIN fact_segment AS s USING (pair_no)
JOIN fact_object AS o ON o.file_ix = f.file_ix AND o.object_ix = a.object_ix;
DROP TABLE fact_object;
DROP TABLE fact_segment;

-- In a segment as they were read: file in name order, price.
CREATE OR REPLACE TEMP TABLE fact_price AS
SELECT segment, place = segment AS own, pair_no, first_owner, owners, negotiated_rate
FROM fact_amount ORDER BY segment, file_ix, row_ix;
DROP TABLE fact_amount;

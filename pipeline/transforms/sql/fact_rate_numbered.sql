-- The month's facts as numbers: fact_row (fact_uid, price_no, group_no, source_count) in the order of fact_rate, the tables
-- fact_price and fact_group behind the numbers, and read_totals. What a fact_uid is made of stands in naming.MACROS; here
-- its text is put together from what a price says, once for each, and what a group says. A statement of its own for
-- every sort and every large join: each is given the whole memory, and spills.
CREATE OR REPLACE TEMP TABLE fact_source AS
SELECT *, CAST(row_number() OVER (ORDER BY file) AS INTEGER) AS file_ix FROM source_file;

CREATE OR REPLACE TEMP TABLE fact_group AS
SELECT CAST(row_number() OVER () AS INTEGER) AS group_no, *, coalesce(pg_members_uid, pg_uid) AS owner_uid
FROM staged_group;

-- What facts are sorted by before their uid, numbered in that order.
CREATE OR REPLACE TEMP TABLE fact_place AS
SELECT *, CAST(row_number() OVER (ORDER BY state NULLS FIRST, reporting_entity_name NULLS FIRST,
  billing_class NULLS FIRST, code_type NULLS FIRST, code NULLS FIRST) AS INTEGER) AS place
FROM (
  SELECT DISTINCT f.state, f.reporting_entity_name, p.billing_class, p.code_type, p.code
  FROM staged_price AS p JOIN fact_source AS f USING (batch_id));

CREATE OR REPLACE TEMP TABLE fact_priced AS
SELECT l.place, f.file_ix, f.batch_id, f.year_month, f.payer_slug, l.state, l.reporting_entity_name,
  p.* EXCLUDE (batch_id)
FROM staged_price AS p
JOIN fact_source AS f USING (batch_id)
JOIN fact_place AS l ON l.state IS NOT DISTINCT FROM f.state
  AND l.reporting_entity_name IS NOT DISTINCT FROM f.reporting_entity_name
  AND l.billing_class IS NOT DISTINCT FROM p.billing_class
  AND l.code_type IS NOT DISTINCT FROM p.code_type AND l.code IS NOT DISTINCT FROM p.code;

CREATE OR REPLACE TEMP TABLE fact_price AS
SELECT row_number() OVER () AS price_no, * FROM (FROM fact_priced ORDER BY place, file_ix, price_ix);
DROP TABLE fact_priced;

-- The text of a uid but for what the group says, which comes between head and middle, and between middle and tail.
CREATE OR REPLACE TEMP TABLE fact_text AS
SELECT price_no, place, file_ix, object_ix,
  concat(state, '|', year_month, '|', payer_slug, '|', billing_class, '|', code_type, '|', code, '|',
    billing_code_modifiers, '|') AS head,
  concat('|', pos_set_id, '|', negotiated_type, '|', negotiation_arrangement, '|', expiration_date, '|',
    CAST(negotiated_rate AS VARCHAR), '|', additional_information, '|', setting, '|', severity_of_illness, '|') AS middle,
  concat('|', contained_codes_uid) AS tail
FROM fact_price;

CREATE OR REPLACE TEMP TABLE fact_owner AS
SELECT f.file_ix, o.object_ix, o.owner_ix, g.group_no, g.owner_uid, g.network_names
FROM staged_owner AS o
JOIN fact_group AS g USING (batch_id, pg_uid)
JOIN fact_source AS f USING (batch_id);

CREATE OR REPLACE TEMP TABLE fact_read AS
SELECT md5(concat(t.head, o.owner_uid, t.middle, o.network_names, t.tail)) AS fact_uid,
  t.place, t.price_no, o.group_no, o.owner_ix
FROM fact_owner AS o JOIN fact_text AS t USING (file_ix, object_ix);
DROP TABLE fact_owner;
DROP TABLE fact_text;

CREATE OR REPLACE TEMP TABLE fact_repeated AS
SELECT fact_uid FROM fact_read GROUP BY fact_uid HAVING count(*) > 1;

-- Of rates that are one fact, the first: file in name order, price, owner.
CREATE OR REPLACE TEMP TABLE fact_row AS
WITH repeated AS (
  SELECT r.*,
    (CAST(p.file_ix AS UHUGEINT) << 80) + (CAST(p.price_ix AS UHUGEINT) << 40) + CAST(r.owner_ix AS UHUGEINT) AS ordinal
  FROM fact_read AS r SEMI JOIN fact_repeated USING (fact_uid) JOIN fact_price AS p USING (price_no)
)
SELECT fact_uid, price_no, group_no, source_count
FROM (
  SELECT fact_uid, place, price_no, group_no, 1 AS source_count FROM fact_read ANTI JOIN fact_repeated USING (fact_uid)
  UNION ALL
  SELECT fact_uid, arg_min(place, ordinal), arg_min(price_no, ordinal), arg_min(group_no, ordinal), count(*)
  FROM repeated GROUP BY fact_uid)
ORDER BY place, fact_uid;

CREATE OR REPLACE TEMP TABLE read_totals AS
SELECT (SELECT count(*) FROM fact_read) AS read, (SELECT count(*) FROM fact_read) AS kept,
  (SELECT count(*) FROM fact_row) AS facts;
DROP TABLE fact_read;
DROP TABLE fact_repeated;

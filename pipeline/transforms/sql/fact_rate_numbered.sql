-- The month's facts as numbers: fact_row (uid_1, uid_2, pair_no, negotiated_rate, group_no, source_count) in the order of
-- fact_rate, the tables fact_pair and fact_group behind the numbers, and read_totals. What a fact_uid is made of stands in
-- naming.MACROS; here its text is put together from what an item and its terms say, once for each pair of them, from the
-- amount, and from what a group says; uid_1 and uid_2 are the halves of its MD5, which sort as its 32 digits do. A
-- statement of its own for every sort and every large join: each is given the whole memory, and spills.

-- A number with its eight bytes the other way round: md5_number takes the digest's first byte for the least.
CREATE OR REPLACE TEMP MACRO swapped_1(x) AS ((x & 71777214294589695) << 8) | ((x >> 8) & 71777214294589695);
CREATE OR REPLACE TEMP MACRO swapped_2(x) AS ((x & 281470681808895) << 16) | ((x >> 16) & 281470681808895);
CREATE OR REPLACE TEMP MACRO swapped(x) AS
  ((swapped_2(swapped_1(x)) & 4294967295) << 32) | (swapped_2(swapped_1(x)) >> 32);

CREATE OR REPLACE TEMP TABLE fact_source AS
SELECT *, CAST(row_number() OVER (ORDER BY file) AS INTEGER) AS file_ix FROM source_file;

CREATE OR REPLACE TEMP TABLE fact_group AS
SELECT CAST(row_number() OVER () AS INTEGER) AS group_no, f.file_ix, g.*, coalesce(pg_members_uid, pg_uid) AS owner_uid
FROM staged_group AS g JOIN fact_source AS f USING (batch_id);

CREATE OR REPLACE TEMP TABLE fact_amount AS
SELECT f.file_ix, p.row_ix, p.object_ix, p.item_ix, p.terms_ix, p.negotiated_rate
FROM staged_price AS p JOIN fact_source AS f USING (batch_id);

-- Every pair of item and terms that a price has: what it says, its place among what facts are sorted by before their uid,
-- and its parts of the text of a uid. In that order, so that a slice of the facts finds its pairs side by side.
CREATE OR REPLACE TEMP TABLE fact_pair AS
SELECT CAST(row_number() OVER () AS INTEGER) AS pair_no, *,
  concat(state, '|', year_month, '|', payer_slug, '|', billing_class, '|', code_type, '|', code, '|',
    billing_code_modifiers, '|') AS head,
  concat('|', pos_set_id, '|', negotiated_type, '|', negotiation_arrangement, '|', expiration_date, '|') AS middle,
  concat('|', additional_information, '|', setting, '|', severity_of_illness, '|') AS behind,
  concat('|', contained_codes_uid) AS tail
FROM (
  SELECT d.*, f.batch_id, f.state, f.year_month, f.reporting_entity_name, f.payer_slug,
    i.* EXCLUDE (batch_id, row_ix, item_ix), t.* EXCLUDE (batch_id, row_ix, terms_ix),
    CAST(dense_rank() OVER (ORDER BY f.state NULLS FIRST, f.reporting_entity_name NULLS FIRST,
      t.billing_class NULLS FIRST, i.code_type NULLS FIRST, i.code NULLS FIRST) AS INTEGER) AS place
  FROM (SELECT DISTINCT file_ix, item_ix, terms_ix FROM fact_amount) AS d
  JOIN fact_source AS f USING (file_ix)
  JOIN staged_item AS i ON i.batch_id = f.batch_id AND i.item_ix = d.item_ix
  JOIN staged_terms AS t ON t.batch_id = f.batch_id AND t.terms_ix = d.terms_ix
  ORDER BY place);

CREATE OR REPLACE TEMP TABLE fact_owner AS
SELECT f.file_ix, o.object_ix, o.row_ix, g.group_no, g.owner_uid, g.network_names
FROM staged_owner AS o
JOIN fact_source AS f USING (batch_id)
JOIN fact_group AS g ON g.file_ix = f.file_ix AND g.group_ix = o.group_ix;

CREATE OR REPLACE TEMP TABLE fact_read AS
SELECT swapped(CAST(uid & 18446744073709551615 AS UBIGINT)) AS uid_1, swapped(CAST(uid >> 64 AS UBIGINT)) AS uid_2,
  * EXCLUDE (uid)
FROM (
  SELECT md5_number(concat(t.head, o.owner_uid, t.middle, o.network_names, t.tail)) AS uid,
    t.place, t.pair_no, t.negotiated_rate, o.group_no, t.file_ix, t.row_ix AS price_ix, o.row_ix AS owner_ix
  FROM fact_owner AS o
  JOIN (
    SELECT a.file_ix, a.object_ix, a.row_ix, a.negotiated_rate, p.pair_no, p.place, p.head,
      concat(p.middle, a.negotiated_rate, p.behind) AS middle, p.tail
    FROM fact_amount AS a JOIN fact_pair AS p USING (file_ix, item_ix, terms_ix)) AS t USING (file_ix, object_ix));
DROP TABLE fact_owner;
DROP TABLE fact_amount;

CREATE OR REPLACE TEMP TABLE fact_repeated AS
SELECT uid_1, uid_2 FROM fact_read GROUP BY ALL HAVING count(*) > 1;

-- Of rates that are one fact, the first: file in name order, price, owner.
CREATE OR REPLACE TEMP TABLE fact_row AS
WITH repeated AS (
  SELECT r.*, (CAST(file_ix AS UHUGEINT) << 80) + (CAST(price_ix AS UHUGEINT) << 40) + CAST(owner_ix AS UHUGEINT) AS ordinal
  FROM fact_read AS r SEMI JOIN fact_repeated USING (uid_1, uid_2)
)
SELECT uid_1, uid_2, pair_no, negotiated_rate, group_no, source_count
FROM (
  SELECT uid_1, uid_2, place, pair_no, negotiated_rate, group_no, 1 AS source_count
  FROM fact_read ANTI JOIN fact_repeated USING (uid_1, uid_2)
  UNION ALL
  SELECT uid_1, uid_2, arg_min(place, ordinal), arg_min(pair_no, ordinal), arg_min(negotiated_rate, ordinal),
    arg_min(group_no, ordinal), count(*)
  FROM repeated GROUP BY uid_1, uid_2)
ORDER BY place, uid_1, uid_2;

CREATE OR REPLACE TEMP TABLE read_totals AS
SELECT (SELECT count(*) FROM fact_read) AS read, (SELECT count(*) FROM fact_read) AS kept,
  (SELECT count(*) FROM fact_row) AS facts;
DROP TABLE fact_read;
DROP TABLE fact_repeated;

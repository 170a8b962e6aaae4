-- The counts of one in-network file that need its staged rows as a whole; meanings as in `ratehouse sources`.
-- Reads the views staged_price, _item, _terms, _owner, _member and _code of that file, owner_key (who is behind a group)
-- and object (how many owners a rate object names, and how many different ones); gives one row.
-- A fact is a distinct price with a distinct owner, so rates need not be multiplied out: a price that stands in one
-- rate object alone (most do) has as many facts as the object has distinct owners. Only prices that several objects
-- repeat are joined with their owners.
WITH
  -- Of a file with very many of them, items or terms that say the same may have several numbers.
  item AS (
    SELECT item_ix, dense_rank() OVER (
      ORDER BY code_type, code, negotiation_arrangement, severity_of_illness, contained_codes_uid) AS item
    FROM staged_item
  ),
  terms AS (
    SELECT terms_ix, dense_rank() OVER (
      ORDER BY billing_class, negotiated_type, expiration_date, pos_set_id, billing_code_modifiers,
        additional_information, setting) AS terms
    FROM staged_terms
  ),
  read AS (
    SELECT item, terms, negotiated_rate, object_ix
    FROM staged_price JOIN item USING (item_ix) JOIN terms USING (terms_ix)
  ),
  price AS MATERIALIZED (
    SELECT item, terms, negotiated_rate, min(object_ix) AS first_object, max(object_ix) AS last_object
    FROM read GROUP BY item, terms, negotiated_rate
  ),
  in_one AS (
    SELECT coalesce(sum(o.owners), 0) AS facts
    FROM price AS p JOIN object AS o ON o.object_ix = p.first_object
    WHERE p.first_object = p.last_object
  ),
  repeated AS (
    SELECT row_number() OVER () AS price, item, terms, negotiated_rate FROM price WHERE first_object < last_object
  ),
  in_several AS (
    SELECT count(*) AS facts
    FROM (
      SELECT DISTINCT r.price, k.owner
      FROM (SELECT DISTINCT price, object_ix FROM read JOIN repeated USING (item, terms, negotiated_rate)) AS r
      JOIN staged_owner AS o USING (object_ix)
      JOIN owner_key AS k USING (group_ix)
    )
  ),
  kept AS (
    SELECT coalesce(sum(o.named), 0) AS rates FROM staged_price JOIN object AS o USING (object_ix)
  ),
  referred AS (
    SELECT DISTINCT k.pg_members_uid
    FROM owner_key k SEMI JOIN staged_owner o USING (group_ix)
    WHERE k.pg_members_uid IS NOT NULL
  ),
  pair AS (
    SELECT DISTINCT m.tin_type, m.tin_value, m.npi
    FROM staged_member m SEMI JOIN referred r USING (pg_members_uid)
  )
SELECT
  CAST(in_one.facts + in_several.facts AS BIGINT) AS facts,
  CAST(kept.rates - in_one.facts - in_several.facts AS BIGINT) AS duplicates,
  (SELECT count(*) FROM referred) AS groups,
  (SELECT count(*) FROM pair) AS tin_npi_pairs,
  (SELECT count(DISTINCT npi) FROM pair) AS npis,
  (SELECT count(*) FROM (SELECT DISTINCT tin_type, tin_value FROM pair)) AS tins,
  (SELECT count(*) FROM (SELECT DISTINCT code_type, code FROM staged_code)) AS codes,
  (SELECT count(DISTINCT pos_set_id) FROM staged_terms) AS pos_sets
FROM in_one, in_several, kept

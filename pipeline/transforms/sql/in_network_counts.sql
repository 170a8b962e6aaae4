-- The counts of one in-network file that need its staged rows as a whole; meanings as in `ratehouse sources`.
-- Reads the views staged_price, _item, _terms, _owner, _group, _member and _code of that file; gives one row.
-- A fact is a distinct price with a distinct owner, so rates need not be multiplied out: a price that stands in one
-- rate object alone (most do) has as many facts as the object has distinct owners. Only prices that several objects
-- repeat are joined with their owners.
WITH
  -- Who is behind a group: its members and networks; where it has no members, the group itself.
  owner_key AS (
    SELECT group_ix, pg_members_uid,
      dense_rank() OVER (ORDER BY coalesce(pg_members_uid, pg_uid), network_names) AS owner
    FROM staged_group
  ),
  object_owner AS (
    SELECT DISTINCT o.object_ix, k.owner
    FROM staged_owner o JOIN owner_key k USING (group_ix)
  ),
  owners_of AS (SELECT object_ix, count(*) AS owners FROM object_owner GROUP BY object_ix),
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
  price AS (
    SELECT list(DISTINCT object_ix) AS objects
    FROM staged_price JOIN item USING (item_ix) JOIN terms USING (terms_ix)
    GROUP BY item, terms, negotiated_rate
  ),
  in_one AS (
    SELECT coalesce(sum(owners), 0) AS facts
    FROM price JOIN owners_of ON owners_of.object_ix = price.objects[1]
    WHERE len(objects) = 1
  ),
  repeated AS (SELECT row_number() OVER () AS price, objects FROM price WHERE len(objects) > 1),
  in_several AS (
    SELECT count(*) AS facts
    FROM (
      SELECT DISTINCT r.price, o.owner
      FROM (SELECT price, unnest(objects) AS object_ix FROM repeated) r JOIN object_owner o USING (object_ix)
    )
  ),
  kept AS (
    SELECT coalesce(sum(p.prices * o.owners), 0) AS rates
    FROM (SELECT object_ix, count(*) AS prices FROM staged_price GROUP BY object_ix) p
    JOIN (SELECT object_ix, count(*) AS owners FROM staged_owner GROUP BY object_ix) o USING (object_ix)
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

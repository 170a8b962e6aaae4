-- The counts of one in-network file that need its staged rows as a whole; meanings as in `ratehouse sources`, but for two:
-- pairs_of_repeated  pairs of a price that stands more than once and a different owner of its object
-- facts_of_repeated  the different ones of these
-- Reads what in_network_numbers.sql made, the views staged_owner, _member, _code and _terms of that file, `apart` (all prices
-- that stand more than once, or all; by what they say), and `referred`: the groups that a rate object names. Gives one
-- row.
WITH
  repeated AS (
    SELECT number, mixed, object_ix FROM apart
    SEMI JOIN (SELECT number, mixed FROM apart GROUP BY ALL HAVING count(*) > 1) USING (number, mixed)
  ),
  named AS (
    SELECT DISTINCT o.object_ix, k.owner
    FROM staged_owner AS o SEMI JOIN repeated USING (object_ix) JOIN owner_key AS k USING (group_ix)
  ),
  fact AS (
    SELECT DISTINCT p.number, p.mixed, n.owner
    FROM (SELECT DISTINCT number, mixed, object_ix FROM repeated) AS p JOIN named AS n USING (object_ix)
  ),
  known AS (
    SELECT DISTINCT pg_members_uid FROM owner_key SEMI JOIN referred USING (group_ix) WHERE pg_members_uid IS NOT NULL
  ),
  pair AS (
    SELECT DISTINCT m.tin_type, m.tin_value, m.npi FROM staged_member AS m SEMI JOIN known USING (pg_members_uid)
  )
SELECT
  (SELECT count(*) FROM repeated JOIN named USING (object_ix)) AS pairs_of_repeated,
  (SELECT count(*) FROM fact) AS facts_of_repeated,
  (SELECT count(*) FROM known) AS groups,
  (SELECT count(*) FROM pair) AS tin_npi_pairs,
  (SELECT count(DISTINCT npi) FROM pair) AS npis,
  (SELECT count(*) FROM (SELECT DISTINCT tin_type, tin_value FROM pair)) AS tins,
  (SELECT count(*) FROM (SELECT DISTINCT code_type, code FROM staged_code)) AS codes,
  (SELECT count(DISTINCT pos_set_id) FROM staged_terms) AS pos_sets

-- The counts of one in-network file that need its staged rows as a whole; meanings as in `ratehouse sources`, but for
-- facts_of_repeated: of the prices in `repeated_price`, different ones with different owners.
-- Reads what in_network_numbers.sql made, the views staged_owner, _member, _code and _terms of that file, `repeated_price`
-- (prices that stand more than once, by what they say), and `referred`: the groups that a rate object names. Gives one row.
WITH
  fact AS (
    SELECT DISTINCT p.number, p.mixed, k.owner
    FROM (SELECT DISTINCT number, mixed, object_ix FROM repeated_price) AS p JOIN staged_owner AS o USING (object_ix) JOIN owner_key AS k USING (group_ix)
  ),
  known AS (
    SELECT DISTINCT pg_members_uid FROM owner_key SEMI JOIN referred USING (group_ix) WHERE pg_members_uid IS NOT NULL
  ),
  pair AS (
    SELECT DISTINCT m.tin_type, m.tin_value, m.npi FROM staged_member AS m SEMI JOIN known USING (pg_members_uid)
  )
SELECT
  (SELECT count(*) FROM fact) AS facts_of_repeated,
  (SELECT count(*) FROM known) AS groups,
  (SELECT count(*) FROM pair) AS tin_npi_pairs,
  (SELECT count(DISTINCT npi) FROM pair) AS npis,
  (SELECT count(*) FROM (SELECT DISTINCT tin_type, tin_value FROM pair)) AS tins,
  (SELECT count(*) FROM (SELECT DISTINCT code_type, code FROM staged_code)) AS codes,
  (SELECT count(DISTINCT pos_set_id) FROM staged_terms) AS pos_sets

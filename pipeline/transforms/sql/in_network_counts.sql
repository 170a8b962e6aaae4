-- The counts of one in-network file that need its staged rows as a whole; meanings as in `ratehouse sources`, but for three:
-- pairs_of_repeated       pairs of a price that stands more than once and a different owner of its object
-- facts_of_repeated       the different ones of these
-- duplicates_of_repeated  how many of them collapsed into another one
-- Reads what in_network_numbers.sql and in_network_collapsed.sql made, the views staged_member, _code and _terms of that
-- file, and `referred`: the groups that a rate object names. Gives one row.
WITH
  known AS (
    SELECT DISTINCT pg_members_uid FROM owner_key SEMI JOIN referred USING (group_ix) WHERE pg_members_uid IS NOT NULL
  ),
  pair AS (
    SELECT DISTINCT m.tin_type, m.tin_value, m.npi FROM staged_member AS m SEMI JOIN known USING (pg_members_uid)
  )
SELECT
  (SELECT count(*) FROM repeated JOIN named USING (object_ix)) AS pairs_of_repeated,
  (SELECT CAST(coalesce(sum(facts), 0) AS BIGINT) FROM collapsed) AS facts_of_repeated,
  (SELECT CAST(coalesce(sum(duplicates), 0) AS BIGINT) FROM collapsed) AS duplicates_of_repeated,
  (SELECT count(*) FROM known) AS groups,
  (SELECT count(*) FROM pair) AS tin_npi_pairs,
  (SELECT count(DISTINCT npi) FROM pair) AS npis,
  (SELECT count(*) FROM (SELECT DISTINCT tin_type, tin_value FROM pair)) AS tins,
  (SELECT count(*) FROM (SELECT DISTINCT code_type, code FROM staged_code)) AS codes,
  (SELECT count(DISTINCT pos_set_id) FROM staged_terms) AS pos_sets

-- What collapses where a price stands more than once in a file: `collapsed`, a row for each such price (number, mixed) with
-- its pairs (itself and a different owner of an object it stands in), the different ones of these (facts) and how many of
-- them collapsed into another one (duplicates). Reads `apart` (all prices that stand more than once, or all; by what they
-- say), owner_key of in_network_numbers.sql and the view staged_owner.

CREATE OR REPLACE TEMP TABLE repeated AS
SELECT number, mixed, object_ix FROM apart
SEMI JOIN (SELECT number, mixed FROM apart GROUP BY ALL HAVING count(*) > 1) USING (number, mixed);

CREATE OR REPLACE TEMP TABLE named AS
SELECT DISTINCT o.object_ix, k.owner
FROM staged_owner AS o SEMI JOIN repeated USING (object_ix) JOIN owner_key AS k USING (group_ix);

CREATE OR REPLACE TEMP TABLE collapsed AS
SELECT number, mixed, sum(times) AS pairs, count(*) AS facts, sum(times - 1) AS duplicates
FROM (
  SELECT p.number, p.mixed, n.owner, sum(p.times) AS times
  FROM (SELECT number, mixed, object_ix, count(*) AS times FROM repeated GROUP BY ALL) AS p JOIN named AS n USING (object_ix)
  GROUP BY ALL)
GROUP BY number, mixed;

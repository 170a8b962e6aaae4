-- xref_pos: the codes of each place-of-service set. CSTM-00 means every place of service, so a set that holds it
-- lists every code that CMS has assigned (an unassigned one has neither a type nor a name of its own).
WITH listed AS (
  SELECT DISTINCT pos_set_id, unnest(pos_members) AS pos FROM dim_pos_set
),
assigned AS (
  SELECT DISTINCT pos FROM staged_pos_code WHERE facility IS NOT NULL OR lower(pos_name) <> 'unassigned'
)
SELECT pos_set_id, pos, FALSE AS via_wildcard FROM listed
UNION ALL
SELECT w.pos_set_id, a.pos, TRUE AS via_wildcard
FROM listed w
CROSS JOIN assigned a
WHERE w.pos = 'CSTM-00' AND NOT EXISTS (FROM listed l WHERE l.pos_set_id = w.pos_set_id AND l.pos = a.pos)

-- An id is the hash of its members, so every file that has the id has the same members; a star schema's ids are its own.
SELECT pos_set_id, min(pos_members) AS pos_members FROM staged_pos_set GROUP BY pos_set_id
UNION ALL
SELECT pos_set_id, min(pos_members) FROM star_pos_set ANTI JOIN staged_pos_set USING (pos_set_id) GROUP BY pos_set_id

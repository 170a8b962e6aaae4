-- An id is the hash of its members, so every file that has the id has the same members.
SELECT pos_set_id, min(pos_members) AS pos_members FROM staged_pos_set GROUP BY pos_set_id

-- dim_pos: the kind of each place of service, from a day on: whether Medicare pays the physician schedule's facility rate
-- there. What the lists in raw/pos say, but for the places that policy decides.
--
-- 42 CFR 414.22(b)(5) and the Medicare Claims Processing Manual, chapter 12, 20.4.2, name the facility settings, and none
-- of 05 to 08 (Indian Health Service and tribal) is among them or among the settings named as non-facility. Chapter 26,
-- 10.5, says to note special considerations for these. CMS proposed kinds for 2003 that lists still carry; that these
-- were made final was not found. So 05 to 08 settle nothing.
-- 10 (telehealth at home): non-facility from 2024 (CMS, Transmittal 12671 of 2024: "The payment rate for POS 02 is the
-- facility payment rate (F); the payment rate for POS 10 is the non-facility rate (NF)", beginning in 2024). The code is
-- of 2022 (Transmittal 11045); what it was paid before 2024 was not found in a text of CMS, so until then it settles
-- nothing.
-- Of kinds on which lists differ none is taken; a list that has a code as unassigned is only older.
WITH policy (pos, effective_from, kind, basis) AS (VALUES
  ('05', '1992-01-01', 'neutral', 'policy: Claims Processing Manual 12, 20.4.2 does not name it'),
  ('06', '1992-01-01', 'neutral', 'policy: Claims Processing Manual 12, 20.4.2 does not name it'),
  ('07', '1992-01-01', 'neutral', 'policy: Claims Processing Manual 12, 20.4.2 does not name it'),
  ('08', '1992-01-01', 'neutral', 'policy: Claims Processing Manual 12, 20.4.2 does not name it'),
  ('10', '1992-01-01', 'neutral', 'policy: no text found for before 2024'),
  ('10', '2024-01-01', 'nonfacility', 'policy: CMS Transmittal 12671')
),
listed AS (
  SELECT pos, min(pos_name) AS pos_name, string_agg(DISTINCT source_file, ', ' ORDER BY source_file) AS files,
    bool_or(facility) AS somewhere, bool_and(facility) AS everywhere,
    bool_and(facility IS NULL AND coalesce(lower(pos_name) = 'unassigned', FALSE)) AS is_unassigned
  FROM staged_pos_code
  GROUP BY pos
)
SELECT pos, p.effective_from, l.pos_name, p.kind, p.basis
FROM policy p
LEFT JOIN listed l USING (pos)
UNION ALL
-- The physician schedule began on this day (Social Security Act 1848(a)(1)).
SELECT pos, '1992-01-01', pos_name,
  CASE WHEN somewhere AND everywhere THEN 'facility' WHEN NOT somewhere THEN 'nonfacility'
    WHEN is_unassigned THEN 'unassigned' END,
  'list: ' || files
FROM listed
ANTI JOIN policy USING (pos)

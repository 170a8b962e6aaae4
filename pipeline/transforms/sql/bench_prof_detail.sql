-- bench_medicare_prof_detail: every release, locality, code and modifier, with the reason where there is no rate.
-- Status indicators: CMS, PFS relative value files, RVUPUF, appendix A.
SELECT
  p.carrier, p.locality, p.state, p.effective_from, p.code, p.modifier, p.status,
  CAST(p.work AS DOUBLE) AS work_rvu,
  CAST(p.pe_nonfacility AS DOUBLE) AS pe_rvu_nonfacility,
  CAST(p.pe_facility AS DOUBLE) AS pe_rvu_facility,
  CAST(p.mp AS DOUBLE) AS mp_rvu,
  CAST(p.work_gpci AS DOUBLE) AS work_gpci,
  CAST(p.pe_gpci AS DOUBLE) AS pe_gpci,
  CAST(p.mp_gpci AS DOUBLE) AS mp_gpci,
  CAST(p.conversion_factor AS DOUBLE) AS conversion_factor,
  CAST(p.nonfacility_rate AS DOUBLE) AS nonfacility_rate,
  CAST(p.facility_rate AS DOUBLE) AS facility_rate,
  p.nonfacility_capped, p.facility_capped,
  CAST(n.nonfacility_rate AS DOUBLE) AS nonfacility_national_rate,
  CAST(n.facility_rate AS DOUBLE) AS facility_national_rate,
  CASE
    WHEN p.nonfacility_rate IS NOT NULL AND p.facility_rate IS NOT NULL THEN NULL
    WHEN p.nonfacility_rate IS NOT NULL THEN 'no facility RVUs'
    WHEN p.facility_rate IS NOT NULL THEN 'no non-facility RVUs'
    WHEN p.status IN ('A', 'R', 'T') THEN 'no RVUs: priced by the contractor'
    WHEN p.status = 'B' THEN 'status B: bundled into other services'
    WHEN p.status = 'C' THEN 'status C: priced by the contractor'
    WHEN p.status = 'E' THEN 'status E: excluded by regulation'
    WHEN p.status = 'I' THEN 'status I: not valid for Medicare, another code is used'
    WHEN p.status = 'J' AND p.conversion_factor IS NULL THEN 'status J: anaesthesia, no factor for the locality'
    WHEN p.status = 'J' THEN 'status J: anaesthesia, no base units'
    WHEN p.status = 'M' THEN 'status M: measurement code'
    WHEN p.status = 'N' THEN 'status N: not covered by Medicare'
    WHEN p.status = 'P' THEN 'status P: bundled or excluded'
    WHEN p.status = 'X' THEN 'status X: other schedule or excluded'
    ELSE 'status ' || p.status || ': not paid under this schedule'
  END AS reason,
  p.release,
  p.nonfacility_na, p.facility_na, p.pctc_indicator
FROM pfs_price p
JOIN (SELECT effective_from, code, modifier, nonfacility_rate, facility_rate FROM pfs_price WHERE carrier = '') n
  ON n.effective_from = p.effective_from AND n.code = p.code AND n.modifier = p.modifier
WHERE p.carrier <> ''

-- Physician fee schedule prices in exact decimals, over pfs_rvu (relative values, one release a day) and pfs_locality
-- (GPCIs paired with each of these releases, anaesthesia factors beside them).
-- Payment = (work x GPCI + PE x GPCI + MP x GPCI) x CF, rounded half up once, to the cent (42 CFR 414.20; CMS, PFS
-- relative value files, RVUPUF). Where the OPPS columns are not zero, the lesser of that and the same with the OPPS PE
-- and MP (Social Security Act 1848(b)(4)). Decimals: RVU, GPCI and CF have at most 4 places (readers refuse more), so
-- nothing is cut off before the rounding; round() of a DECIMAL is half away from zero.
WITH figure AS (
  SELECT
    code, modifier, status, effective_from, release, nonfacility_na, facility_na, pctc_indicator,
    CAST(work_rvu AS DECIMAL(9, 4)) AS work,
    CAST(pe_rvu_nonfacility AS DECIMAL(9, 4)) AS pe_nonfacility,
    CAST(pe_rvu_facility AS DECIMAL(9, 4)) AS pe_facility,
    CAST(mp_rvu AS DECIMAL(9, 4)) AS mp,
    CAST(opps_pe_nonfacility AS DECIMAL(9, 4)) AS cap_pe_nonfacility,
    CAST(opps_pe_facility AS DECIMAL(9, 4)) AS cap_pe_facility,
    CAST(opps_mp AS DECIMAL(9, 4)) AS cap_mp,
    CAST(conversion_factor AS DECIMAL(9, 4)) AS cf
  FROM pfs_rvu
), coded AS (
  SELECT *,
    status IN ('A', 'R', 'T') AS priced,
    cap_pe_nonfacility <> 0 OR cap_pe_facility <> 0 OR cap_mp <> 0 AS has_cap,
    work + pe_nonfacility + mp <> 0 AS has_nonfacility,
    work + pe_facility + mp <> 0 AS has_facility
  FROM figure
), amount AS (
  SELECT
    l.carrier, l.locality, l.state, c.effective_from, c.code, c.modifier, c.status, c.release,
    c.nonfacility_na, c.facility_na, c.pctc_indicator,
    c.work, c.pe_nonfacility, c.pe_facility, c.mp, l.work_gpci, l.pe_gpci, l.mp_gpci,
    CASE WHEN c.status = 'J' THEN l.anesthesia_factor ELSE c.cf END AS conversion_factor,
    -- Base units only: time units depend on the claim.
    CASE WHEN c.status = 'J' THEN CAST(b.base_units AS DECIMAL(9, 4)) * l.anesthesia_factor END AS anesthesia,
    CASE WHEN c.priced AND c.has_nonfacility
      THEN (c.work * l.work_gpci + c.pe_nonfacility * l.pe_gpci + c.mp * l.mp_gpci) * c.cf END AS nonfacility,
    CASE WHEN c.priced AND c.has_facility
      THEN (c.work * l.work_gpci + c.pe_facility * l.pe_gpci + c.mp * l.mp_gpci) * c.cf END AS facility,
    CASE WHEN c.priced AND c.has_cap AND c.has_nonfacility
      THEN (c.work * l.work_gpci + c.cap_pe_nonfacility * l.pe_gpci + c.cap_mp * l.mp_gpci) * c.cf END AS nonfacility_cap,
    CASE WHEN c.priced AND c.has_cap AND c.has_facility
      THEN (c.work * l.work_gpci + c.cap_pe_facility * l.pe_gpci + c.cap_mp * l.mp_gpci) * c.cf END AS facility_cap
  FROM coded c
  JOIN pfs_locality l ON l.rvu_from = c.effective_from
  LEFT JOIN pfs_base_units b ON b.rvu_from = c.effective_from AND b.code = c.code AND c.status = 'J'
)
SELECT
  * EXCLUDE (nonfacility, facility, nonfacility_cap, facility_cap, anesthesia),
  -- least() passes over the null of a code without cap
  round(coalesce(least(nonfacility, nonfacility_cap), anesthesia), 2) AS nonfacility_rate,
  round(coalesce(least(facility, facility_cap), anesthesia), 2) AS facility_rate,
  CASE WHEN nonfacility IS NOT NULL THEN coalesce(nonfacility_cap < nonfacility, false) END AS nonfacility_capped,
  CASE WHEN facility IS NOT NULL THEN coalesce(facility_cap < facility, false) END AS facility_capped
FROM amount

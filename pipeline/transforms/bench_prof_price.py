"""Physician fee schedule prices by locality: the view that the detail and the state tables share.

What belongs here: which relative value file speaks for a day, which GPCIs and anaesthesia factors go with it, and the
view `pfs_price` over them (`bench_prof_price.sql` has the formula). What must not come in: a state mean.
"""

from __future__ import annotations

import duckdb

from pipeline import errors
from pipeline.storage import duck
from pipeline.transforms import bench_release

# Which file's relative values hold from a day, and with which conversion factor.
# Of two files for one day the one released last speaks. From 2026 each release comes twice, for clinicians who qualify
# in an advanced payment model and for the rest; the rest's conversion factor is the smaller (Social Security Act
# 1848(d)(20): updates of 0.75 and 0.25 percent), and it is the rest's that we compare with unless the variable
# conversion_factor is `qualifying_apm`.
# A factor that is set (`set_factors`: texts `YYYY-MM-DD dollars`, or `dollars` alone for every release) takes the place
# of the file's from its day to the next such day, at most to 31 December; where it begins within a release, the release
# is cut in two there, as Congress cut the first of 2024 on 9 March.
_RELEASE = """
WITH file AS (
  SELECT effective_from, source_file FROM staged_pfs_rvu GROUP BY effective_from, source_file
  QUALIFY row_number() OVER (
    PARTITION BY effective_from
    ORDER BY CASE WHEN effective_from >= '2026' THEN max(CAST(conversion_factor AS DECIMAL(9, 4))) ELSE 0 END
        * CASE WHEN getvariable('conversion_factor') = 'qualifying_apm' THEN -1 ELSE 1 END,
      max(released) DESC, source_file) = 1
),
given AS (
  SELECT split_part(text, ' ', 1) AS day, split_part(text, ' ', -1) AS dollars
  FROM (SELECT unnest(CAST(getvariable('set_factors') AS VARCHAR[])) AS text)
),
begin AS (
  SELECT effective_from AS day FROM file
  UNION
  SELECT g.day FROM given g JOIN file f ON left(f.effective_from, 4) = left(g.day, 4) AND f.effective_from <= g.day
)
SELECT b.day AS effective_from, max(f.effective_from) AS rvu_from, arg_max(f.source_file, f.effective_from) AS source_file,
  coalesce(
    (SELECT arg_max(g.dollars, g.day) FROM given g WHERE g.day <= b.day AND left(g.day, 4) = left(b.day, 4)),
    (SELECT min(g.dollars) FROM given g WHERE g.day = g.dollars)
  ) AS set_factor
FROM begin b
JOIN file f ON left(f.effective_from, 4) = left(b.day, 4) AND f.effective_from <= b.day
GROUP BY b.day
"""

_RVU = """
SELECT r.* REPLACE (
  s.effective_from AS effective_from,
  coalesce(s.set_factor, r.conversion_factor) AS conversion_factor,
  CASE WHEN CAST(s.set_factor AS DECIMAL(9, 4)) <> CAST(r.conversion_factor AS DECIMAL(9, 4))
    THEN r.release || ' at ' || s.set_factor ELSE r.release END AS release)
FROM staged_pfs_rvu r
JOIN pfs_release s ON s.rvu_from = r.effective_from AND s.source_file = r.source_file
"""

_LOCALITY = """
WITH release AS (SELECT DISTINCT effective_from AS rvu_from FROM pfs_rvu),
gpci_day AS (
  SELECT rvu_from, release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM staged_gpci), rvu_from) AS day
  FROM release
),
factor_day AS (
  SELECT rvu_from, release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM staged_anesthesia), rvu_from) AS day
  FROM release
),
factor AS (
  SELECT DISTINCT d.rvu_from, a.carrier, a.locality, CAST(a.anesthesia_factor AS DECIMAL(9, 4)) AS anesthesia_factor
  FROM factor_day d JOIN staged_anesthesia a ON a.effective_from = d.day
  UNION ALL
  SELECT d.rvu_from, '', '', max(CAST(a.national_factor AS DECIMAL(9, 4)))
  FROM factor_day d JOIN staged_anesthesia a ON a.effective_from = d.day
  GROUP BY d.rvu_from
),
place AS (
  SELECT DISTINCT d.rvu_from, g.carrier, g.locality, g.state,
    CAST(CASE WHEN getvariable('work_gpci') = 'without_floor'
      THEN coalesce(g.work_gpci_no_floor, g.work_gpci_floor)
      ELSE coalesce(g.work_gpci_floor, g.work_gpci_no_floor) END AS DECIMAL(7, 4)) AS work_gpci,
    CAST(g.pe_gpci AS DECIMAL(7, 4)) AS pe_gpci,
    CAST(g.mp_gpci AS DECIMAL(7, 4)) AS mp_gpci
  FROM gpci_day d JOIN staged_gpci g ON g.effective_from = d.day
  UNION ALL
  -- The nation: no carrier, GPCIs of 1.
  SELECT rvu_from, '', '', NULL, 1, 1, 1 FROM release
)
SELECT p.*, f.anesthesia_factor
FROM place p
LEFT JOIN factor f ON f.rvu_from = p.rvu_from AND f.carrier = p.carrier AND f.locality = p.locality
"""

_BASE_UNITS = """
SELECT DISTINCT r.rvu_from, b.code, b.base_units
FROM (SELECT DISTINCT effective_from AS rvu_from FROM pfs_rvu) r
JOIN staged_anesthesia_base b
  ON b.effective_from = release_that_holds('PFS', (SELECT list(DISTINCT effective_from) FROM staged_anesthesia_base), r.rvu_from)
"""


def load(con: duckdb.DuckDBPyConnection, *, month_only: bool) -> None:
    """Create the view `pfs_price` over staged_pfs_rvu, staged_gpci, staged_anesthesia and staged_anesthesia_base.

    One row per locality, release day, code and modifier; carrier '' is the nation. With `month_only`, the release that
    applies to getvariable('year_month') alone; the variables conversion_factor and set_factors say whose conversion
    factor counts, or which (`_RELEASE`). SourceError where two files of one day differ, or a GPCI file has two
    work columns and getvariable('work_gpci') (`with_floor` or `without_floor`) does not choose.
    """
    bench_release.load(con)
    # Of two releases of one day the later speaks; two that were released on one day must not differ. (The two factors
    # of 2026 are two files, each with its own.)
    bench_release.agree(
        con,
        "staged_pfs_rvu",
        "code, modifier, released, conversion_factor",
        "status, work_rvu, pe_rvu_nonfacility, pe_rvu_facility, mp_rvu, opps_pe_nonfacility, opps_pe_facility, opps_mp",
    )
    bench_release.agree(
        con, "staged_gpci", "carrier, locality", "state, work_gpci_floor, work_gpci_no_floor, pe_gpci, mp_gpci"
    )
    bench_release.agree(con, "staged_anesthesia", "carrier, locality", "anesthesia_factor, national_factor")
    bench_release.agree(con, "staged_anesthesia_base", "code", "base_units, code")
    _one_work_column(con)
    chosen = "release_that_holds('PFS', (SELECT list(effective_from) FROM pfs_release), first_day())"
    only = f" WHERE s.effective_from = {chosen}" if month_only else ""
    for name, select in (
        ("pfs_release", _RELEASE),
        ("pfs_rvu", _RVU + only),
        ("pfs_locality", _LOCALITY),
        ("pfs_base_units", _BASE_UNITS),
    ):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
    duck.view(con, "pfs_price", duck.sql("bench_prof_price.sql"))


def _one_work_column(con: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT min(source_file) FROM staged_gpci WHERE work_gpci_floor IS NOT NULL AND work_gpci_no_floor IS NOT NULL "
        "AND coalesce(getvariable('work_gpci'), '') NOT IN ('with_floor', 'without_floor')"
    )
    both = con.execute(query).fetchall()[0][0]
    if both:
        raise errors.SourceError(
            "has two columns of work GPCIs, with and without the floor of 1.0",
            place=both,
            remedy="say which was in force: [medicare] work_gpci = with_floor or without_floor in luigi.cfg",
        )

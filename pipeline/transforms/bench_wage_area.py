"""The wage areas of a schedule for a month: which index each has, and how often it is listed.

What belongs here: the release of the wage index that goes with a schedule's, and how rows of one area count. What must
not come in: prices.

A wage index of a year goes with all of the schedule's releases of that year. A file that says it is the schedule's goes
before one that says neither. Where an area is listed several times, with different indices (`readers.medicare.
wage_areas`), which row is a facility's depends on its county, which the file does not say: the area itself has no rate,
and a state's mean counts it once, by the mean of its rows.
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_release

# An area of n rows counts each as SHARES / n: whole numbers for n up to 12, so that no mean hangs on the order of rows.
SHARES = 27_720

_AREAS = """
WITH wage_day AS (
  SELECT release_that_holds({schedule}, list(DISTINCT w.effective_from), d.day) AS day
  FROM staged_wage_index w
  CROSS JOIN (SELECT release_that_holds({schedule}, list(DISTINCT effective_from), first_day()) AS day FROM {schedule_table}) d
  WHERE w.schedule IN ({schedule}, '')
  GROUP BY d.day
), chosen AS (
  SELECT DISTINCT state, cbsa, listing, area_name, counties, CAST(wage_index AS DECIMAL(9, 4)) AS wage
  FROM staged_wage_index
  WHERE effective_from = (SELECT day FROM wage_day)
    AND schedule = (
      SELECT max(schedule) FROM staged_wage_index
      WHERE schedule IN ({schedule}, '') AND effective_from = (SELECT day FROM wage_day))
), area AS (
  SELECT state, cbsa, listing, min(area_name) AS area_name, min(counties) AS counties, wage
  FROM chosen
  GROUP BY state, cbsa, listing, wage
), listed AS (
  SELECT state, cbsa, count(DISTINCT listing) AS listings FROM area GROUP BY state, cbsa
), states AS (
  SELECT state, count(*) AS areas FROM listed GROUP BY state
)
SELECT area.*, listed.listings, {shares} // listed.listings AS share, {shares} * states.areas AS shares
FROM area
JOIN listed USING (state, cbsa)
JOIN states USING (state)
"""


def load(con: duckdb.DuckDBPyConnection, schedule: str, schedule_table: str) -> None:
    """Create the table `<schedule>_area`, such as `asc_area`, for the month, over staged_wage_index.

    One row per state, area and listing: state, cbsa, listing, area_name, counties, wage (DECIMAL), listings (of the
    area), share (of the row in `shares`, the state's). SourceError where two files of one day differ.
    """
    bench_release.load(con)
    bench_release.agree(con, "staged_wage_index", "schedule, state, cbsa, listing", "wage_index, cbsa")
    select = _AREAS.format(schedule_table=schedule_table, schedule=duck.literal(schedule), shares=SHARES)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {schedule.lower()}_area AS {select}")

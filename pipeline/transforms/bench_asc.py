"""ASC by state for one month (`bench_asc_state.sql`).

What is paid how, and where it stands:

- Half of the national rate is adjusted by the area's wage index, rounded half up once (42 CFR 416.172(c); Medicare
  Claims Processing Manual, Pub. 100-04, chapter 14, 40.2: contractors adjust "the base rates for services subject to
  geographic adjustment", and an area without an index takes the state's).
- H2, J7, K2, K7, F4, L6 are flat: brachytherapy sources and drugs at the OPPS rate, contractor-priced devices and
  drugs, corneal tissue at cost, new lenses and non-opioid devices. The open pricer Myelin (LibrePPS/Myelin,
  pricers/asc/client.py) has the same six as exempt "per CMS 40.2"; the indicators' meanings are those that the
  contractor First Coast publishes for 2022 and 2026.
- J8 (device-intensive): the device portion of Addendum FF is taken out before the adjustment and added unadjusted;
  without it there is no rate. The same pricer takes it out first where a device is credited (chapter 14, 40.8).
- Non-opioid pain relief (2025) has no indicator of its own here: its drugs are K2, its devices L6. OPPS's K1 does not
  occur.
- Any other indicator with a rate is adjusted by half. That holds for S2 too (2026, skin substitutes "based on the OPPS
  rate"), of which no text found says whether it is adjusted.

Not found: the manual's own list of the six; it was seen only as others cite it.

What must not come in: which release holds (`bench_release`), reading addenda (`readers.medicare`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_release


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_asc for getvariable('year_month'), over staged_asc, staged_asc_device, staged_wage_index."""
    bench_release.load(con)
    bench_release.agree(con, "staged_asc", "code", "pi, payment_weight, payment_rate")
    bench_release.agree(con, "staged_asc_device", "code", "device_portion, code")
    bench_release.agree(con, "staged_wage_index", "schedule, state, cbsa", "wage_index, cbsa")
    return duck.sql("bench_asc_state.sql")

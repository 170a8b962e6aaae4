"""ASC for one month: what each code is paid, and the wage areas (`bench_asc_price.sql`, `bench_wage_area`).

What belongs here: what the tables by state and by area share. What must not come in: a mean, a place.

What is paid how, and where it stands:

- Half of the national rate is adjusted by the area's wage index, rounded half up once (42 CFR 416.172(c); Medicare
  Claims Processing Manual, Pub. 100-04, chapter 14, 40.2: contractors adjust "the base rates for services subject to
  geographic adjustment", and an area without an index takes the state's).
- H2, J7, K2, K7, F4, L6 are flat: brachytherapy sources and drugs at the OPPS rate, contractor-priced devices and
  drugs, corneal tissue at cost, new lenses and non-opioid devices. The open pricer Myelin (LibrePPS/Myelin,
  pricers/asc/client.py) has the same six as exempt "per CMS 40.2"; the indicators' meanings are those that the
  contractor First Coast publishes for 2022 and 2026.
- J8 (device-intensive): the device portion of Addendum FF is taken out before the adjustment and added unadjusted;
  without it, or where it is greater than the rate (0100T of 2022), there is none by state and area. The same pricer
  takes it out first where a device is credited (chapter 14, 40.8).
- Non-opioid pain relief (2025) has no indicator of its own here: its drugs are K2, its devices L6. OPPS's K1 does not
  occur.
- A2, G2, P2, P3, R2, Z2, Z3 and D2 (from 2024, dental) are adjusted by half.
- S2 (2026, skin substitutes): the national rate stands; no text found says whether it is adjusted, so no state and no
  area has one.
- Others are not paid here, whatever stands in the addenda: N1 is packaged, D5 deleted, and October 2025 has a rate for
  five of these. An indicator that CMS adds later has no rate either, and the reason names it.
- The national rate is that of the addenda, for an index of 1: it needs neither index nor device portion.

Not found: the manual's own list of the six; it was seen only as others cite it.
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_release, bench_wage_area

# Payment indicators by how their rate meets a wage index.
FLAT = ("H2", "J7", "K2", "K7", "F4", "L6")
ADJUSTED = ("A2", "G2", "J8", "P2", "P3", "R2", "Z2", "Z3", "D2")
NATIONAL_ONLY = ("S2",)
# Half of what is adjusted is labour; rounded half up once.
_AT = """
CREATE OR REPLACE TEMP MACRO asc_at(rate, unadjusted, wage) AS
  round(unadjusted + (rate - unadjusted) * (0.50 * wage + 0.50), 2)"""


def load_indicators(con: duckdb.DuckDBPyConnection) -> None:
    """Create the macros asc_is_flat(pi), asc_is_adjusted(pi) and asc_is_paid(pi)."""
    for name, indicators in (("flat", FLAT), ("adjusted", ADJUSTED), ("paid", FLAT + ADJUSTED + NATIONAL_ONLY)):
        con.execute(f"CREATE OR REPLACE TEMP MACRO asc_is_{name}(pi) AS pi IN {indicators}")


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Create asc_price, asc_area and the macro asc_at(rate, unadjusted, wage), for getvariable('year_month').

    Over staged_asc, staged_asc_device and staged_wage_index. asc_price has one row per code: code_type, code, pi, rate
    (null for none), flat, unadjusted (dollars; null where it is not known), release. SourceError where two files of one
    day differ.
    """
    bench_release.load(con)
    bench_release.agree(con, "staged_asc", "code", "pi, payment_weight, payment_rate")
    bench_release.agree(con, "staged_asc_device", "code", "device_portion, code")
    bench_wage_area.load(con, "ASC", "staged_asc")
    con.execute(_AT)
    load_indicators(con)
    con.execute(f"CREATE OR REPLACE TEMP TABLE asc_price AS {duck.sql('bench_asc_price.sql')}")

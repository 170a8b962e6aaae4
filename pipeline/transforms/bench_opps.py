"""OPPS by state for one month, and for the nation (`bench_opps_state.sql`).

What is paid how, and where it stands ("the pricer": CMS's own in Java, package gov.cms.fiss.pricers.opps; read were
the versions of 2023, 2024 and 2025):

- S, T, V, P, J1, J2: rate x .60 x wage index + rate x .40, rounded half up once, which is what the pricer computes for
  a line of one unit (calculateWageAdjustedPaymentAndSchAdj, paragraph 19550-SCH-ADJ, which names X too: retired in
  2015). 42 CFR 419.43(c).
- R (blood) and U (brachytherapy) "lines are not wage-adjusted" (the same method).
- G and K (drugs): the pricer takes only H, N, P, R, S, T, U, V, X, J1 and J2 and turns others away with return code 41
  (ValidateIoceInputFlags), so no wage index meets a drug: what Addendum B gives is paid as it is.
- K1 (from 2025, non-opioid drugs for pain relief; Pub. L. 117-328, section 4135): the pricer of 2025 counts it among
  the drugs, beside G and K (Opps2025PricerContext): flat as these. H1, such devices, stands there beside H, which is
  paid by the hospital's cost: no rate.
- Q1 to Q4: no status that the pricer knows; the code editor has turned it into S, T, V or N by then. One with a rate
  of its own in Addendum B is adjusted as the first three are.
- Others are not paid here. A status that CMS adds later has no rate either, and the reason names it.

Not found: CMS's Addendum D1, which defines the statuses, as a text.

What must not come in: which release holds (`bench_release`), reading addenda (`readers.medicare`).
"""

from __future__ import annotations

import duckdb

from pipeline.storage import duck
from pipeline.transforms import bench_release, bench_wage_area

# Statuses by how their rate meets a wage index.
_IS_ADJUSTED = "(si IN ('S', 'T', 'V', 'P', 'J1', 'J2') OR left(si, 1) = 'Q')"
_IS_FLAT = "si IN ('G', 'K', 'K1', 'R', 'U')"
_MACROS = f"""
CREATE OR REPLACE TEMP MACRO opps_is_adjusted(si) AS {_IS_ADJUSTED};
CREATE OR REPLACE TEMP MACRO opps_is_flat(si) AS {_IS_FLAT};
CREATE OR REPLACE TEMP MACRO opps_is_paid(si) AS {_IS_ADJUSTED} OR {_IS_FLAT};
"""


def load_statuses(con: duckdb.DuckDBPyConnection) -> None:
    """Create the macros opps_is_adjusted(si), opps_is_flat(si), and opps_is_paid(si): one of them."""
    con.execute(_MACROS)


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT of bench_opps for getvariable('year_month'), over staged_opps and staged_wage_index."""
    bench_release.load(con)
    load_statuses(con)
    bench_release.agree(con, "staged_opps", "code", "si, weight, payment_rate")
    bench_wage_area.load(con, "OPPS", "staged_opps")
    return duck.sql("bench_opps_state.sql")

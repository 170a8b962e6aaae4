"""What a rate is warned of: the names of the flags, and what they take a provider to be.

What belongs here: the closed lists of flags, and the macro that says which providers are facilities. What must not come
in: whether a flag holds of a row (`sql/fact_rate_enriched.sql`, where every value that decides is at hand).

`unit_price_unclear` and `not_billed` have their names here and hold of no row yet: the first needs Medicare's drug prices
(ASP) and anaesthesia's contracts per unit, the second CMS's file of the services that each NPI billed.
"""

from __future__ import annotations

import duckdb

# Rates that are no price to compare: left out of like-with-like answers unless they are asked for.
EXCLUDING = (
    "zero",
    "negative",
    "token",
    "percentage",
    "per_diem",
    "class_suspect",
    "below_medicare",
    "above_medicare",
    "outlier",
    "deleted_code",
    "unit_price_unclear",
)
# What a reader should know of a rate that can be compared.
NOTING = ("mixed_setting", "variants", "expired", "out_of_state", "not_billed")

# The first two digits of a taxonomy code are its grouping's (NUCC, Health Care Provider Taxonomy Code Set): ambulatory
# facilities, hospital units, hospitals, laboratories, nursing and custodial care, residential treatment, suppliers.
FACILITY_GROUPINGS = ("26", "27", "28", "29", "31", "32", "33")

# A file whose median ratio to Medicare's rates lies outside of these may not be in dollars.
LEAST_MEDIAN, MOST_MEDIAN = 0.2, 10.0
# Of the facts that leave their class open, so many look like physicians' fees: the file's class may not be theirs.
SUSPECT_SHARE = 0.8
LEAST_RATES = 20  # fewer say nothing of a file
NOT_IN_DOLLARS = f"compared >= {LEAST_RATES} AND (median_ratio < {LEAST_MEDIAN} OR median_ratio > {MOST_MEDIAN})"
OF_ANOTHER_CLASS = f"class_open >= {LEAST_RATES} AND class_suspect >= {SUSPECT_SHARE} * class_open"

MACROS = f"""
CREATE OR REPLACE TEMP MACRO is_facility(taxonomy) AS coalesce(left(taxonomy, 2) IN {FACILITY_GROUPINGS}, FALSE);
"""


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Define the macro is_facility(taxonomy) on a connection."""
    con.execute(MACROS)

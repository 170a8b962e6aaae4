"""Which part of a service a rate pays for, where, and in which unit: three pure functions, in SQL.

What belongs here: the words by which rates are alike enough to be held against each other. What must not come in: prices,
codes, places of service one by one (`benchmark_choice` settles a list of them), and whether a rate is believable.

    rate_part(billing_class, setting, code_type, schedule, modifiers, pctc)
    rate_place(billing_class, benchmark_setting, pos)
    rate_unit(negotiated_type)

| argument | meaning |
|---|---|
| billing_class, setting, code_type, negotiated_type | the fact's columns, null where the publisher gives none |
| schedule | the schedule that `benchmark_choice` names: PFS, OPPS, ASC or null |
| modifiers | sorted distinct billing code modifiers joined by `|`, null if none |
| pctc | the PC/TC indicator of the code's row in CMS's relative value file, null where not known |
| benchmark_setting | facility, nonfacility, mixed, unstated, unreadable or null |
| pos | the list of place-of-service codes; empty for none |

rate_part is the first that holds of

| part | of |
|---|---|
| inpatient | institutional rates with setting inpatient; every diagnosis related group |
| asc | institutional rates of an ambulatory surgical center |
| hospital_outpatient | other institutional rates |
| modified | a modifier that changes the price, 53 among them, or 26 together with TC |
| professional | modifier 26, or PC/TC indicator 2 (professional component only), 6 or 8 (a physician's interpretation) |
| technical | modifier TC, or PC/TC indicator 3 (technical component only) |
| whole | other professional rates |
| unstated | rates whose billing class is both or unknown |

The indicators are those of the relative value file's record layout (CMS, RVUPUF, field PCTC IND).

rate_place is null but for professional rates: office (a place outside of facilities), facility, mixed, any (the list says
CSTM-00), unstated (no list); null too where a list was published that settles nothing. rate_unit is dollars, percentage
or per diem; null where the type is unknown.
"""

from __future__ import annotations

import duckdb

from pipeline.storage.duck import literal
from pipeline.transforms import benchmark_choice
from pipeline.transforms.benchmark_choice import COMPARABLE_TYPES, EVERY_PLACE

PARTS = ("inpatient", "asc", "hospital_outpatient", "modified", "professional", "technical", "whole", "unstated")
PLACES = ("office", "facility", "mixed", "any", "unstated")
UNITS = ("dollars", "percentage", "per diem")

_PROFESSIONAL_ONLY, _TECHNICAL_ONLY = ("2", "6", "8"), "3"

MACROS = f"""
CREATE OR REPLACE TEMP MACRO rate_part(billing_class, setting, code_type, schedule, modifiers, pctc) AS CASE
  WHEN upper(code_type) LIKE '%DRG' THEN 'inpatient'
  WHEN lower(billing_class) = 'institutional' THEN CASE
    WHEN lower(setting) = 'inpatient' THEN 'inpatient'
    WHEN schedule = 'ASC' THEN 'asc'
    ELSE 'hospital_outpatient' END
  WHEN len(pricing_modifiers(modifiers)) > 0 OR len(selecting_modifiers(modifiers)) > 1
    OR list_contains(selecting_modifiers(modifiers), '53') THEN 'modified'
  WHEN list_contains(selecting_modifiers(modifiers), '26') THEN 'professional'
  WHEN list_contains(selecting_modifiers(modifiers), 'TC') THEN 'technical'
  WHEN pctc IN {_PROFESSIONAL_ONLY} THEN 'professional'
  WHEN pctc = {literal(_TECHNICAL_ONLY)} THEN 'technical'
  WHEN lower(billing_class) = 'professional' THEN 'whole'
  ELSE 'unstated' END;
CREATE OR REPLACE TEMP MACRO rate_place(billing_class, benchmark_setting, pos) AS
  CASE WHEN lower(billing_class) = 'professional' THEN CASE benchmark_setting
    WHEN 'nonfacility' THEN 'office'
    WHEN 'facility' THEN 'facility'
    WHEN 'mixed' THEN 'mixed'
    WHEN 'unstated' THEN if(coalesce(list_contains(pos, {literal(EVERY_PLACE)}), FALSE), 'any', 'unstated') END END;
CREATE OR REPLACE TEMP MACRO rate_unit(negotiated_type) AS CASE
  WHEN lower(negotiated_type) IN {COMPARABLE_TYPES} THEN 'dollars'
  WHEN lower(negotiated_type) IN ('percentage', 'per diem') THEN lower(negotiated_type) END;
"""


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Define the macros of this module, and those of `benchmark_choice` that they rest on, on a connection."""
    benchmark_choice.load(con)
    con.execute(MACROS)

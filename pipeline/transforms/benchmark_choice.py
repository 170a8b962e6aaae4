"""Which Medicare price a negotiated rate is to be compared with, or why with none: pure functions, in SQL.

What belongs here: the choice itself, as macros over the terms of a rate, and the tables of modifiers it rests on.
What must not come in: prices, codes, which place is of which kind (`sql/dim_pos.sql`); whoever has the answer looks the price up.

    benchmark_setting(setting, pos, kinds)
    benchmark_choice(arrangement, negotiated_type, billing_class, setting, modifiers, pos, kinds, taxonomy)
    physician_modifier(modifiers)

| argument | meaning |
|---|---|
| arrangement, negotiated_type, billing_class, setting | the fact's columns, null where the publisher gives none |
| modifiers | sorted distinct billing code modifiers joined by `|`, null if none |
| pos | the list of place-of-service codes; empty for none, null where a list was published and no code could be read |
| kinds | the kind of each code of `pos` (`dim_pos`), null where it is not known |
| taxonomy | the primary provider's taxonomy code, null if unknown |

benchmark_setting says to which setting the places put a rate: facility, nonfacility, mixed (both), unstated (no list, or
CSTM-00, and no inpatient setting), unreadable; null where the codes do not settle it. Neutral and unassigned codes never
decide where another code does. A code of no known kind leaves the setting open unless both kinds stand beside it.

benchmark_choice returns STRUCT(schedule, facility, modifier, reason): schedule PFS, OPPS or ASC; facility true or false
for PFS, else null; modifier 26, TC, 53 or '' for PFS, '' for the others; or all three null and `reason` says why.

physician_modifier is 26, TC, 53 or '', the row of the physician schedule that belongs beside a rate whatever its class;
null where a modifier changes the price.
"""

from __future__ import annotations

import duckdb

from pipeline.storage.duck import literal

# The physician fee schedule has rows of their own for these (CMS, RVU file record layout, field "Mod").
SELECTING = ("26", "TC", "53")

# Modifiers that do not change what Medicare's physician fee schedule pays for the line. The contractors' claims system
# calls them statistical or informational (bluebutton.cms.gov, variable IDR-MOD-ONE); none is among the payment
# modifiers of the yearly PFS final rule ("Application of payment modifiers to utilization files": 50-56, 62, 66, 78,
# 80-82, AS, CO, CQ, anaesthesia's, …). A modifier that is in neither list is taken to change the price.
PRICE_NEUTRAL = (
    # Side, eyelid, finger, toe, coronary artery. LT with RT on one line is a bilateral procedure: see PAIRED.
    *("LT", "RT", "E1", "E2", "E3", "E4"),
    *("FA", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9"),
    *("TA", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9"),
    *("LC", "LD", "LM", "RC", "RI"),
    # A distinct service, so that the correct-coding edits do not bundle it.
    *("59", "XE", "XP", "XS", "XU"),
    # A visit that is not part of a global surgical package; a staged or an unrelated procedure, paid in full.
    *("24", "25", "57", "58", "79"),
    # A repeated service.
    *("76", "77", "91"),
    # Telehealth: the place of service, not the modifier, sets the price.
    *("93", "95", "FQ", "G0", "GQ", "GT"),
    # Therapy disciplines, habilitative or rehabilitative services, a therapy threshold's exception.
    *("96", "97", "GN", "GO", "GP", "KX"),
    # A teaching physician's resident, the admitting physician, a shared visit, a substitute physician.
    *("AI", "FS", "GC", "GE", "Q5", "Q6"),
    # Hospice, a waiver of liability on file, a disaster, acute chiropractic treatment, foot care's class findings.
    *("AT", "CR", "GA", "GV", "GW", "Q7", "Q8", "Q9"),
    # Preventive services change the patient's share, not the allowed amount; a waived laboratory test.
    *("33", "PT", "QW"),
)

# Neutral alone, but together a bilateral procedure, paid at 150 % (same table of the final rule: "50 or LT and RT").
PAIRED = ("LT", "RT")

# What an ambulatory surgical center is called by the registry (NUCC: Ambulatory Health Care Facilities, Ambulatory Surgical).
ASC_TAXONOMY = "261QA1903X"
EVERY_PLACE = "CSTM-00"

# Modifiers that leave what a hospital or a surgical center is paid for the line as it is: the technical component, which
# is what these are paid for anyway; side, eyelid, finger, toe and coronary artery; a drug's amount discarded or none, its
# route, and its purchase under 340B without reduction; therapy's discipline and its threshold.
# 26 is a physician's share. 73 and 52 halve the payment (42 CFR 419.44(b); Claims Processing Manual, chapter 4, 20.6),
# CO and CQ lower therapy's, 50 is two procedures. JG lowered that of drugs until 2022. No other is known to be neutral.
INSTITUTIONAL_NEUTRAL = (
    "TC",
    *("LT", "RT", "E1", "E2", "E3", "E4"),
    *("FA", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9"),
    *("TA", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9"),
    *("LC", "LD", "LM", "RC", "RI"),
    *("JA", "JB", "JW", "JZ", "TB"),
    *("96", "97", "GN", "GO", "GP", "KX"),
)
COMPARABLE_TYPES = ("negotiated", "derived", "fee schedule")
_IN_DOLLARS = (
    f"coalesce(lower(negotiated_type) IN {COMPARABLE_TYPES}, FALSE) AND "
    "lower(negotiation_arrangement) IS DISTINCT FROM 'capitation'"
)
# negotiated_dollars, over columns of fact_rate. (A bundle keeps its dollars; it only has no Medicare rate.)
NEGOTIATED_DOLLARS = f"CASE WHEN negotiated_rate > 0 AND {_IN_DOLLARS} THEN negotiated_rate END"

MACROS = f"""
CREATE OR REPLACE TEMP MACRO asc_taxonomy() AS {literal(ASC_TAXONOMY)};
CREATE OR REPLACE TEMP MACRO benchmark_none(why) AS
  struct_pack(schedule := NULL::VARCHAR, facility := NULL::BOOLEAN, modifier := NULL::VARCHAR, reason := why::VARCHAR);
CREATE OR REPLACE TEMP MACRO benchmark_of(which, at_facility, row_modifier) AS
  struct_pack(schedule := which::VARCHAR, facility := at_facility::BOOLEAN, modifier := row_modifier::VARCHAR,
    reason := NULL::VARCHAR);
CREATE OR REPLACE TEMP MACRO selecting_modifiers(modifiers) AS
  list_filter(coalesce(string_split(modifiers, '|'), []::VARCHAR[]), lambda m: m IN {SELECTING});
CREATE OR REPLACE TEMP MACRO pricing_modifiers(modifiers) AS
  CASE WHEN list_has_all(coalesce(string_split(modifiers, '|'), []::VARCHAR[]), {literal(PAIRED)}) THEN {literal(PAIRED)}
  ELSE list_filter(coalesce(string_split(modifiers, '|'), []::VARCHAR[]),
    lambda m: m NOT IN {SELECTING + PRICE_NEUTRAL}) END;
CREATE OR REPLACE TEMP MACRO institutional_pricing_modifiers(modifiers) AS
  CASE WHEN list_has_all(coalesce(string_split(modifiers, '|'), []::VARCHAR[]), {literal(PAIRED)}) THEN {literal(PAIRED)}
  ELSE list_filter(coalesce(string_split(modifiers, '|'), []::VARCHAR[]),
    lambda m: m NOT IN {INSTITUTIONAL_NEUTRAL}) END;
CREATE OR REPLACE TEMP MACRO physician_modifier(modifiers) AS
  CASE WHEN len(pricing_modifiers(modifiers)) = 0 AND len(selecting_modifiers(modifiers)) <= 1
    THEN coalesce(selecting_modifiers(modifiers)[1], '') END;
CREATE OR REPLACE TEMP MACRO dollars_per_service(arrangement, negotiated_type) AS
  coalesce(lower(arrangement) = 'ffs' AND lower(negotiated_type) IN {COMPARABLE_TYPES}, FALSE);
CREATE OR REPLACE TEMP MACRO in_dollars(negotiation_arrangement, negotiated_type) AS {_IN_DOLLARS};
CREATE OR REPLACE TEMP MACRO any_place(pos) AS len(pos) = 0 OR list_contains(pos, {literal(EVERY_PLACE)});
CREATE OR REPLACE TEMP MACRO unknown_places(pos, kinds) AS
  list_filter(pos, lambda p, i: kinds[i] IS NULL AND p <> {literal(EVERY_PLACE)});
CREATE OR REPLACE TEMP MACRO benchmark_setting(setting, pos, kinds) AS CASE
  WHEN pos IS NULL THEN 'unreadable'
  WHEN any_place(pos) THEN if(coalesce(lower(setting) = 'inpatient', FALSE), 'facility', 'unstated')
  WHEN list_has_all(kinds, ['facility', 'nonfacility']) THEN 'mixed'
  WHEN len(unknown_places(pos, kinds)) > 0 THEN NULL
  WHEN list_contains(kinds, 'facility') THEN 'facility'
  WHEN list_contains(kinds, 'nonfacility') THEN 'nonfacility' END;
CREATE OR REPLACE TEMP MACRO unsettled_reason(pos, kinds) AS
  CASE WHEN pos IS NULL THEN 'places of service unreadable'
    WHEN len(unknown_places(pos, kinds)) > 0
      THEN 'kind of places of service ' || array_to_string(unknown_places(pos, kinds), '|') || ' unknown'
    ELSE 'places of service ' || array_to_string(pos, '|') || ' do not settle the setting' END;
CREATE OR REPLACE TEMP MACRO benchmark_choice(
    arrangement, negotiated_type, billing_class, setting, modifiers, pos, kinds, taxonomy) AS CASE
  WHEN NOT dollars_per_service(arrangement, 'negotiated')
    THEN benchmark_none('arrangement ' || coalesce(lower(arrangement), 'unknown'))
  WHEN NOT dollars_per_service(arrangement, negotiated_type)
    THEN benchmark_none('negotiated type ' || coalesce(lower(negotiated_type), 'unknown'))
  WHEN lower(billing_class) = 'professional' THEN CASE
    WHEN len(pricing_modifiers(modifiers)) > 0
      THEN benchmark_none('modifier ' || array_to_string(pricing_modifiers(modifiers), ' and '))
    WHEN len(selecting_modifiers(modifiers)) > 1
      THEN benchmark_none('modifier ' || array_to_string(selecting_modifiers(modifiers), ' and '))
    WHEN coalesce(benchmark_setting(setting, pos, kinds), 'unreadable') = 'unreadable'
      THEN benchmark_none(unsettled_reason(pos, kinds))
    ELSE benchmark_of('PFS', benchmark_setting(setting, pos, kinds) = 'facility', physician_modifier(modifiers)) END
  WHEN lower(billing_class) = 'institutional' THEN CASE
    WHEN lower(setting) = 'inpatient' THEN benchmark_none('institutional inpatient')
    WHEN len(institutional_pricing_modifiers(modifiers)) > 0
      THEN benchmark_none('modifier ' || array_to_string(institutional_pricing_modifiers(modifiers), ' and '))
    WHEN pos IS NULL THEN benchmark_none(unsettled_reason(pos, kinds))
    WHEN any_place(pos) AND taxonomy = asc_taxonomy() THEN benchmark_of('ASC', NULL, '')
    WHEN any_place(pos) THEN benchmark_of('OPPS', NULL, '')
    WHEN len(list_filter(pos, lambda p: p <> '24')) = 0 THEN benchmark_of('ASC', NULL, '')
    ELSE benchmark_of('OPPS', NULL, '') END
  ELSE benchmark_none('billing class ' || coalesce(lower(billing_class), 'unknown')) END;
"""


def load(con: duckdb.DuckDBPyConnection) -> None:
    """Define the macros of this module on a connection."""
    con.execute(MACROS)

"""Which Medicare price a row of a built warehouse is to carry, or why none: the data model's paragraph, read in Python.

What belongs here: a second reading that shares nothing with `pipeline`, over the published benchmark tables as rows.
What must not come in: the product's macros, its lists of modifiers or its texts of SQL.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb

SURGICAL_CENTER = "261QA1903X"
# What each modifier that occurs in the sample or in the real files does to Medicare's price of a line, and where that
# stands: RVU file record layout, field MOD; Medicare Claims Processing Manual, chapters 4, 12 and 20; CMS's list of
# payment modifiers. One that is not here fails the tests: somebody has to decide.
SELECTS = {"26", "TC", "53"}
CHANGES_NOTHING = {
    "59": "distinct procedural service",
    "XU": "unusual non-overlapping service",
    "GP": "under a physical therapy plan of care",
    "25": "separate visit on the day of a procedure",
    "LT": "left side",
    "RT": "right side",
}
PAYS_OTHERWISE = {
    "AS": "assistant at surgery who is no physician: 85 % of 16 %",
    "RR": "rented equipment: a month's price",
    "JZ": "no drug was discarded: a drug's unit, no physician's service",
    "JG": "drug bought under 340B: was paid below the schedule until 2022",
}


def pricing_modifiers(modifiers: str | None) -> tuple[list[str], list[str]]:
    """(those that select a row of the fee schedule, those that change the price in a way that it does not give)."""
    given = modifiers.split("|") if modifiers else []
    unknown = set(given) - SELECTS - set(CHANGES_NOTHING) - set(PAYS_OTHERWISE)
    assert not unknown, f"what do the modifiers {unknown} do to Medicare's price?"
    both_sides = {"LT", "RT"} <= set(given)  # the procedure twice
    return sorted(SELECTS & set(given)), ["LT", "RT"] if both_sides else sorted(set(PAYS_OTHERWISE) & set(given))


# What a hospital or surgical center is paid for as before, of the modifiers above: sides, therapy plans, drug amounts,
# and the technical component, which is theirs.
FACILITY_IS_PAID_THE_SAME = {"TC", "GP", "LT", "RT", "JZ"}


def setting_of(setting, pos, kinds) -> tuple[str | None, str | None]:
    """(the setting, why it has no price) of a list of places and their kinds."""
    if pos is None:
        return "unreadable", "places of service unreadable"
    if not pos or "CSTM-00" in pos:
        return ("facility" if setting == "inpatient" else "unstated"), None
    unknown = [place for place, kind in zip(pos, kinds, strict=True) if kind is None]
    decides = {"facility", "nonfacility"} & set(kinds)
    if len(decides) == 2:
        return "mixed", None
    if unknown:
        return None, f"kind of places of service {'|'.join(unknown)} unknown"
    if decides:
        return decides.pop(), None
    return None, f"places of service {'|'.join(pos)} do not settle the setting"


def choice(arrangement, kind, billing_class, setting, modifiers, pos, kinds, taxonomy) -> tuple:
    """(schedule, facility, modifier, reason) of a rate's terms; the first three are None where a reason stands."""
    reason = None
    facility, modifier = None, ""
    anywhere = pos is not None and (len(pos) == 0 or "CSTM-00" in pos)
    if arrangement != "ffs":
        reason = f"arrangement {arrangement or 'unknown'}"
    elif kind not in ("negotiated", "derived", "fee schedule"):
        reason = f"negotiated type {kind or 'unknown'}"
    elif billing_class == "professional":
        schedule = "PFS"
        selecting, otherwise = pricing_modifiers(modifiers)
        modifier = selecting[0] if selecting else ""
        where, unsettled = setting_of(setting, pos, kinds)
        facility = where == "facility"
        if otherwise or len(selecting) > 1:
            reason = "modifier " + " and ".join(otherwise or selecting)
        else:
            reason = unsettled
    elif billing_class == "institutional":
        schedule = "ASC" if (taxonomy == SURGICAL_CENTER if anywhere else set(pos or ()) == {"24"}) else "OPPS"
        given = modifiers.split("|") if modifiers else []
        pricing_modifiers(modifiers)  # all are known here
        other = ["LT", "RT"] if {"LT", "RT"} <= set(given) else [m for m in given if m not in FACILITY_IS_PAID_THE_SAME]
        if setting == "inpatient":
            reason = "institutional inpatient"
        elif other:
            reason = "modifier " + " and ".join(other)
        elif pos is None:
            reason = "places of service unreadable"
    else:
        reason = f"billing class {billing_class or 'unknown'}"
    return (None, None, None, reason) if reason else (schedule, facility, modifier, None)


def applied(days: set[str], month: str) -> str | None:
    """The release in force on the first of the month, else the nearest of its year."""
    of_year = sorted(day for day in days if day[:4] == month[:4])
    before = [day for day in of_year if day <= f"{month}-01"]
    return before[-1] if before else next(iter(of_year), None)


class Benchmarks:
    """The benchmark tables of a warehouse as dictionaries, and what a row is to carry by them."""

    def __init__(self, con: duckdb.DuckDBPyConnection):
        self.localities: dict[tuple, list] = defaultdict(list)
        self.days: set[str] = set()
        wanted = "SELECT DISTINCT join_code(code_type, code) FROM fact_rate"
        for day, state, code, modifier, *row in con.sql(f"""
            SELECT effective_from, state, code, modifier, nonfacility_rate, facility_rate, reason, release, nonfacility_na,
              facility_na, nonfacility_national_rate, facility_national_rate
            FROM bench_medicare_prof_detail WHERE code IN ({wanted})""").fetchall():
            self.localities[day, state, code, modifier].append(row[:6])
            self.localities[day, "US", code, modifier] = [(*row[6:8], *row[2:6])]
        self.days = {
            day for (day,) in con.sql("SELECT DISTINCT effective_from FROM bench_medicare_prof_detail").fetchall()
        }
        self.by_state: dict[tuple, tuple] = {}
        for schedule, table, rate, indicator in (
            ("OPPS", "bench_opps", "opps_mar_stateavg", "opps_si"),
            ("ASC", "bench_asc", "asc_mar_stateavg", "asc_pi"),
        ):
            for month, state, code, *row in con.sql(
                f"SELECT year_month, state, code, {rate}, {indicator}, release FROM {table}"
            ).fetchall():
                self.by_state[schedule, month, state, code] = tuple(row)
        self.published = {key[:2] for key in self.by_state}
        self.with_states = {key[:2] for key in self.by_state if key[2] != "US"}

    def expected(self, chosen: tuple, month: str, folder: str, state: str | None, code_type: str, code: str) -> tuple:
        """(benchmark_type, benchmark_facility, medicare_state_rate, benchmark_source, benchmark_reason)."""
        own = self._of(chosen, month, state, code_type, code)
        if folder != "US" or own[2] or chosen[3]:
            return own
        nation = self._of(chosen, month, "US", code_type, code)
        if nation[2]:
            release, *seldom = nation[3].split("; ")
            return *nation[:3], "; ".join([f"{release}, national", *seldom]), None
        return nation if state is None else own

    def _of(self, chosen: tuple, month: str, state: str | None, code_type: str, code: str) -> tuple:
        """The same for one state; `US` is the nation."""
        schedule, facility, modifier, reason = chosen
        if reason:
            return None, None, None, None, reason
        kind = {"CPT": "HCPCS", "REV": "RC"}.get(code_type, code_type)
        if kind != "HCPCS" or code == "CSTM-00":
            return None, None, None, None, f"code type {kind} has no Medicare price"
        if state is None:
            return None, None, None, None, "state unknown"
        code = code.rjust(5, "0")
        if schedule == "PFS":
            day = applied(self.days, month)
            found = self.localities.get((day, state, code, modifier), [])
            known = day is not None
        else:
            found = self.by_state.get((schedule, month, state, code))
            known = (schedule, month) in self.published
        if not known:
            missing = f"{schedule} {month[:4]} not loaded: see docs/data-sources.md"
            return None, None, None, None, missing
        nation = self.by_state.get((schedule, month, "US", code))
        if not found and nation and nation[0] and state != "US" and (schedule, month) not in self.with_states:
            return None, None, None, None, f"no {schedule} wage index for {month[:4]}"
        if not found:
            which = f" with modifier {modifier}" if modifier else ""
            where = "the nation" if state == "US" else state
            return None, None, None, None, f"no row in {schedule}{which} for {where}"
        if schedule != "PFS":
            rate, indicator, release = found
            word = "status" if schedule == "OPPS" else "indicator"
            why = None if rate else f"{word} {indicator}: no rate of its own under {schedule}"
            return schedule, facility, rate, f"{schedule} {release}", why
        at = 1 if facility else 0
        rates = [Decimal(str(row[at])) for row in found if row[at] is not None]
        mean = float(sum(rates)) * 100 / (100 * len(rates)) if rates else None
        how = "in force" if day <= f"{month}-01" else "nearest of its year"
        source = f"PFS {found[0][3]} effective {day} ({how})"
        if found[0][5 if facility else 4]:
            source += "; rarely done there"
        return "PFS", facility, mean, source, None if mean else min(row[2] for row in found if row[2])

    def pair(
        self, month: str, folder: str, state: str | None, code_type: str, code: str, modifiers: str | None
    ) -> list[float | None]:
        """The state's means outside of facilities and in them, of the row that the modifiers select.

        What is not known of the state of a row from the folder US, or is zero, is the nation's.
        """
        selecting, otherwise = pricing_modifiers(modifiers)
        if otherwise or len(selecting) > 1 or code_type not in ("CPT", "HCPCS") or code == "CSTM-00":
            return [None, None]
        found = []
        for at in (0, 1):
            own, nation = (
                mean_of([row[at] for row in self.localities.get(key, ())])
                for place in (state, "US")
                for key in [(applied(self.days, month), place, code.rjust(5, "0"), (selecting or [""])[0])]
            )
            found.append(own or (nation if folder == "US" else None) or own)
        return found


def mean_of(rates: list[float | None]) -> float | None:
    """The mean of what is not null, of exact cents."""
    known = [Decimal(str(rate)) for rate in rates if rate is not None]
    return float(sum(known)) * 100 / (100 * len(known)) if known else None


def kind_of(place: str, month: str, listed: set) -> str | None:
    """The kind of a place of service: 05 to 08 decide nothing; telehealth at home from 2024 is outside of facilities."""
    if place in ("05", "06", "07", "08"):
        return "neutral"
    if place == "10":
        return "nonfacility" if month >= "2024-01" else "neutral"
    kinds = listed & {"facility", "nonfacility"}
    if len(kinds) > 1:
        return None
    return next(iter(kinds), "unassigned" if listed == {"unassigned"} else None)


def check(root: Path) -> dict[tuple, tuple]:
    """Hold every distinct combination of terms, place, month and code of a warehouse against this reading.

    The kind of a place is taken from the staged list of places, code by code, but where policy decides. Returns the combinations
    of terms (the arguments of `choice`) with what is chosen for each.
    """
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        benchmarks = Benchmarks(con)
        files = [str(path) for path in (root / "staged" / "pos").rglob("*.parquet")]
        listed: dict[str, set] = defaultdict(set)
        for pos, facility, name in con.sql(f"SELECT pos, facility, pos_name FROM read_parquet({files})").fetchall():
            listed[pos].add({True: "facility", False: "nonfacility"}.get(facility, (name or "").lower()))
        rows = con.sql("""
            SELECT e.negotiation_arrangement, e.negotiated_type, e.billing_class, e.setting, e.billing_code_modifiers, e.pos_members,
              CASE WHEN primary_taxonomy_code = '261QA1903X' THEN primary_taxonomy_code END, e.year_month, f.state,
              e.state, e.code_type, e.code, benchmark_type, benchmark_facility, medicare_state_rate, benchmark_source,
              benchmark_reason, benchmark_setting, pfs_nonfacility_rate, pfs_facility_rate,
              list((e.negotiated_dollars, e.negotiated_rate))
            FROM fact_rate_enriched e JOIN fact_rate f USING (fact_uid, year_month)
            GROUP BY ALL ORDER BY ALL""").fetchall()
    terms = {}
    for (
        *case,
        pos,
        taxonomy,
        month,
        folder,
        state,
        code_type,
        code,
        kind,
        at,
        rate,
        source,
        reason,
        at_setting,
        nonfacility,
        fac,
        amounts,
    ) in rows:
        kinds = [kind_of(place, month, listed.get(place, set())) for place in pos or ()] if pos is not None else None
        chosen = choice(*case, pos, kinds, taxonomy)
        where, _ = setting_of(case[3], pos, kinds)
        pair = benchmarks.pair(month, folder, state, code_type, code, case[4])
        assert at_setting == where, (case, pos, month)
        assert all(
            (a is None) == (b is None) and (a is None or abs(a - b) < 1e-9 * b)
            for a, b in zip((nonfacility, fac), pair, strict=True)
        ), (case, month, folder, state, code, nonfacility, fac, pair)
        dollars = case[1] in ("negotiated", "derived", "fee schedule") and case[0] != "capitation"
        assert all(given == (amount if dollars and amount > 0 else None) for given, amount in amounts), case
        expected = benchmarks.expected(chosen, month, folder, state, code_type, code)
        got = (kind, at, rate, source, reason)
        where = (*case, pos, month, folder, state, code_type, code)
        assert got[:2] + got[3:] == expected[:2] + expected[3:], (where, got, expected)
        assert (rate is None) == (expected[2] is None), (where, rate, expected)
        assert rate is None or abs(rate - expected[2]) < 1e-9 * rate, (where, rate, expected)
        terms[
            *case,
            tuple(pos or ()) if pos is not None else None,
            tuple(kinds or ()) if kinds is not None else None,
            taxonomy,
        ] = chosen
    return terms

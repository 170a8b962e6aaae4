"""The fee schedules, and how long a release of each holds.

What belongs here: one declaration for each schedule. What must not come in: prices, files, which schedule goes with a rate
(`benchmark_choice`).

A schedule of a new kind is one more entry; a new way to hold is one more rule here and one more macro in
`bench_release.sql`. (Part B drugs, ASP, hold for their quarter; inpatient prices, IPPS, from 1 October to 30 September.)
"""

from __future__ import annotations

from dataclasses import dataclass

# Rule -> the macro of `bench_release.sql` that applies it.
# calendar year  from its day to the next release, at most to 31 December; where none is in force, the nearest of the year
# until the next  from its day to the next release, whatever the year
RULES = {"calendar year": "applied_release", "until the next": "applied_schedule"}


@dataclass(frozen=True)
class Schedule:
    """A fee schedule: what reasons call it (its `benchmark_type`), and which of RULES says how long a release holds."""

    name: str
    holds: str


DECLARED = (
    Schedule("PFS", "calendar year"),
    Schedule("OPPS", "calendar year"),
    Schedule("ASC", "calendar year"),
    Schedule("WCFS", "until the next"),
)


def macros() -> str:
    """The macros release_that_holds(schedule, dates, day), over `bench_release.sql`, and schedule_not_loaded(schedule, year)."""
    held = " ".join(f"WHEN '{one.name}' THEN {RULES[one.holds]}(dates, day)" for one in DECLARED)
    return f"""
CREATE OR REPLACE MACRO release_that_holds(schedule, dates, day) AS CASE schedule {held} END;
CREATE OR REPLACE MACRO schedule_not_loaded(schedule, year) AS
  schedule || ' ' || year || ' not loaded: see docs/data-sources.md';
"""

"""The fee schedules: what each is called, and how long a release of it holds.

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
    """A fee schedule: `benchmark_type`, what a person calls it, and which of RULES says how long a release holds."""

    name: str
    title: str
    holds: str


DECLARED = (
    Schedule("PFS", "physician schedule", "calendar year"),
    Schedule("OPPS", "hospital outpatient schedule", "calendar year"),
    Schedule("ASC", "surgical center schedule", "calendar year"),
    Schedule("WCFS", "workers' compensation schedule", "until the next"),
)
NAMES = {one.name: one for one in DECLARED}


def not_loaded(schedule: str, year: str) -> str:
    """The `benchmark_reason` of a rate whose schedule has no release that may price its month."""
    return f"{NAMES[schedule].title} ({schedule}) {year} not loaded: see docs/data-sources.md"


def macros() -> str:
    """The macros release_that_holds(schedule, dates, day), over `bench_release.sql`, and schedule_not_loaded(schedule, year)."""
    held = " ".join(f"WHEN '{one.name}' THEN {RULES[one.holds]}(dates, day)" for one in DECLARED)
    titles = " ".join(f"WHEN '{one.name}' THEN '{one.title.replace(chr(39), chr(39) * 2)}'" for one in DECLARED)
    return f"""
CREATE OR REPLACE MACRO release_that_holds(schedule, dates, day) AS CASE schedule {held} END;
CREATE OR REPLACE MACRO schedule_not_loaded(schedule, year) AS
  (CASE schedule {titles} END) || ' (' || schedule || ') ' || year || ' not loaded: see docs/data-sources.md';
"""

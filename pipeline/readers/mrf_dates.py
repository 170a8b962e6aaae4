"""The dates of an in-network file: the day that a price ends, the month that a file is of.

What belongs here: reading a date in any form that has one reading, and the refusal of one that has none. What must not come
in: other fields (`mrf_fields`), what becomes of a price whose date cannot be read.

CMS asks for ISO 8601 (`2025-12-31`). Publishers in the United States write the month first (`12/31/2025`); where that is no
date, the day is first. A year of two digits, points between numbers that might each be the month, and a day that the
calendar has not, have no reading.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from pipeline.readers import mrf_issues as issues
from pipeline.readers.mrf_fields import MISSING, Note, Notes, Unreadable, text

_NEVER = 9999  # the year of a price that does not end, by CMS's schema
_YEARS = range(1900, 2200)  # of eight digits, those that can be a year
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_FULL = "january february march april may june july august september october november december".split()
_NAMES = {name: number for names in (_MONTHS, _FULL) for number, name in enumerate(names, start=1)} | {"sept": 9}

_iso = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?!\d)", re.ASCII).match
_iso_month = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?!\d)", re.ASCII).match
# A time of day, with its zone, behind a date; nothing else may follow one that is not in ISO's form.
_TIME = re.compile(
    r"[T\s,]+\d{1,2}(:?\d\d){0,2}([.,]\d+)?\s*([AP]\.?M\.?)?\s*(Z|UTC|GMT|[A-Z]{2,4}|[+-]\d\d(:?\d\d)?)?$",
    re.ASCII | re.IGNORECASE,
)
_WEEKDAY = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.ASCII | re.IGNORECASE)
_FORMS = [
    (re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch, order)
    for pattern, order in (
        (r"(\d{4})([-/.\s])(\d{1,2})\2(\d{1,2})", "y-md"),
        (r"(\d{1,2})([-/.\s])(\d{1,2})\2(\d{4})", "a-by"),
        (r"(\d{1,2})(?:st|nd|rd|th)?[-/.,\s]*([a-z]+)\.?[-/.,\s]*(\d{4})", "dNy"),
        (r"([a-z]+)\.?[-/.,\s]*(\d{1,2})(?:st|nd|rd|th)?[-/.,\s]+(\d{4})", "Ndy"),
        (r"(\d{4})[-/.,\s]*([a-z]+)\.?[-/.,\s]*(\d{1,2})(?:st|nd|rd|th)?", "yNd"),
        (r"(\d{4})(\d\d)(\d\d)", "ymd"),
        (r"(\d\d)(\d\d)(\d{4})", "mdy"),
        (r"(\d\d)(\d\d)(\d{4})", "dmy"),
    )
]
_MONTH_FORMS = [
    (re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch, order)
    for pattern, order in (
        (r"(\d{4})[-/.\s](\d{1,2})", "ym"),
        (r"(\d{1,2})[-/.\s](\d{4})", "my"),
        (r"(\d{4})(\d\d)", "ym"),
        (r"(\d\d)(\d{4})", "my"),
        (r"([a-z]+)\.?[-/.,\s]*(\d{4})", "Ny"),
        (r"(\d{4})[-/.,\s]*([a-z]+)\.?", "yN"),
    )
]


def expiration(value: Any, notes: Notes) -> str | None:
    """`YYYY-MM-DD` of a date or datetime; null where there is none, or its year is 9999. Raises Unreadable for what is no
    date, or might be two."""
    found = text(value)
    if found is None or found.startswith("9999-"):
        return None
    if found.casefold() in MISSING:
        notes.append(Note(issues.MISSING_SPELT_OUT, f"expiration_date {found!r}"))
        return None
    if match := _iso(found):
        if _day(*map(int, match.groups())) is None:
            raise Unreadable(f"expiration_date is no date of the calendar: {found[:40]!r}")
        return found[:10]
    if found == str(_NEVER):
        return None
    days = _days(found)
    if len(days) != 1:
        why = "might be several dates" if days else "is no date"
        raise Unreadable(f"expiration_date {why}: {found[:40]!r}")
    notes.append(Note(issues.DATE_IN_ANOTHER_FORM, f"expiration_date {found[:40]!r}"))
    (day,) = days
    return None if day.startswith(str(_NEVER)) else day


def month(last_updated_on: str | None) -> tuple[str | None, bool]:
    """The month of a date, `YYYY-MM`, and whether it is written in another form than ISO's; null for what is no date, and
    then whether it might be of several months."""
    found = (last_updated_on or "").strip()
    if match := _iso_month(found):
        return match[0], False
    months = {day[:7] for day in _days(found)}
    if not months:
        months = {
            f"{y:04}-{m:02}" for form, order in _MONTH_FORMS if (match := form(found)) for y, m in _month(match, order)
        }
    return (months.pop(), True) if len(months) == 1 else (None, bool(months))


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


def _days(found: str) -> set[str]:
    """The days that a text may mean, `YYYY-MM-DD`."""
    text = _WEEKDAY.sub("", found)
    for one in (text, _TIME.sub("", text)):
        days = {day for form, order in _FORMS if (match := form(one)) for day in _of_form(match.groups(), order) if day}
        if days:
            return days
    return set()


def _of_form(parts: tuple[str, ...], order: str) -> set[str | None]:
    if order == "y-md":
        return {_day(int(parts[0]), int(parts[2]), int(parts[3]))}
    if order == "a-by":
        one, separator, other, year = parts
        month_first = _day(int(year), int(one), int(other))
        day_first = _day(int(year), int(other), int(one))
        if separator in "/-" or separator.isspace():
            return {month_first or day_first}
        return {month_first, day_first}  # with points the day is first elsewhere, and the month here
    read = {
        name: _NAMES.get(part.casefold(), 0) if name == "N" else int(part)
        for name, part in zip(order, parts, strict=True)
    }
    year, month, day = read["y"], read.get("m", read.get("N")), read["d"]
    if "N" not in order and year not in _YEARS and year != _NEVER:
        return set()
    # Eight digits that are a date with the month first are none with the day first, to a publisher of this country.
    if order == "dmy" and _day(year, day, month):
        return set()
    return {_day(year, month, day)}


def _month(match: re.Match, order: str) -> list[tuple[int, int]]:
    read = dict(zip(order, match.groups(), strict=True))
    year = int(read["y"])
    number = _NAMES.get(read["N"].casefold(), 0) if "N" in read else int(read["m"])
    return [(year, number)] if year in _YEARS and 1 <= number <= 12 else []

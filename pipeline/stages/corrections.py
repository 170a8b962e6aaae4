"""The corrections under raw/corrections: which apply to a month, and which applied that are not seen any more.

What belongs here: that. What must not come in: what a correction may say (`readers.corrections`), applying one
(`transforms.fact_rate`).

A month's stamp has the corrections that it was built with: their id, their file, and how many rates each matched. A
file of them that is not seen blocks those months, unless its ids stand in another file. An id that was taken out of a
file that is there is an edit.
"""

from __future__ import annotations

import functools
import os
import shlex

from pipeline import errors, session, source_names
from pipeline.sources import let_go, listing
from pipeline.storage import stamps
from pipeline.storage.stamps import Stamp

NOTE = "corrected_by"  # in the stamp of a month's facts: [{id, file, rates}]


@functools.cache
def files() -> tuple[str, ...]:
    """The files of corrections that can be read, by their path under raw/corrections, as text, in order."""
    root = session.current()
    can_be_read = (name for name in listing.corrections() if os.access(root.corrections / name, os.R_OK))
    return tuple(sorted(map(source_names.as_text, can_be_read)))


def unreadable() -> list[errors.SourceError]:
    """The files that are listed and that the system does not let us read."""
    known = set(files())
    return [
        errors.SourceError(
            "cannot be read: this user has no right to",
            place=f"raw/corrections/{name}",
            remedy="give this user the right to read it",
        )
        for name in map(source_names.as_text, listing.corrections())
        if name not in known
    ]


@functools.cache
def every() -> tuple[dict, ...]:
    """Every correction under raw/corrections, in file-name order; CorrectionError when one cannot be read."""
    if not files():
        return ()
    from pipeline.readers import corrections as reader

    folder = session.current().corrections
    found = [
        {**correction, "file": name}
        for name in files()
        for correction in reader.read(folder / source_names.from_text(name))
    ]
    seen: dict[str, str] = {}
    for correction in found:
        if correction["id"] in seen:
            raise errors.CorrectionError(
                f"the correction {correction['id']} is there twice (also in {seen[correction['id']]})",
                place=correction["place"],
                remedy="give it an id of its own, or remove one",
            )
        seen[correction["id"]] = correction["place"]
    return tuple(found)


def check() -> None:
    """CorrectionError where one cannot be read that no month was built with: it is not known which months it is of."""
    every()
    root = session.current()
    base = root.stamp("gold").with_suffix("")
    known = {
        one["file"]
        for path in (base.glob("fact_rate_*.json") if base.is_dir() else ())
        for one in _recorded(stamps.read(root, f"gold/{path.name.removesuffix('.json')}"))
    }
    for error in unreadable():
        if error.place.removeprefix("raw/corrections/") not in known:
            place = root.path / source_names.from_text(error.place)
            raise errors.CorrectionError(error.fact, place=place, remedy=error.remedy)


def of_month(month: str) -> list[dict]:
    """The corrections that name a month."""
    return [c for c in every() if month in c["months"]]


def applied(con, month: str) -> list[dict]:
    """[{id, file, rates}] of a month's corrections, from the connection on which they were applied."""
    given = of_month(month)
    if not given:
        return []
    hits = dict(con.sql("SELECT place, rates FROM correction_hits").fetchall())
    return [{"id": c["id"], "file": c["file"], "rates": hits[place]} for place, c in enumerate(given)]


def label(file: str) -> str:
    """The label under which a file of corrections is let go of."""
    return f"corrections/{file}"


def not_seen(stamp: Stamp | None) -> dict[str, list[dict]]:
    """File -> [{id, file, rates}] of corrections that a month's facts were built with and of which nothing is seen."""
    gone, known = let_go.sources(session.current()), {c["id"] for c in every()}
    found: dict[str, list[dict]] = {}
    for one in _recorded(stamp):
        if one["id"] not in known and one["file"] not in files() and label(one["file"] or "") not in gone:
            if one["file"] or not files():  # an earlier version did not put the file on record
                found.setdefault(one["file"] or "*.yml", []).append(one)
    return found


def blocked(month: str, stamp: Stamp | None) -> errors.BlockedMonth | None:
    """Why a month is not built, where it was corrected by a file that is not seen."""
    missing = not_seen(stamp)
    if not missing:
        return None
    name = f"raw/corrections/{next(iter(missing))}"
    count = sum(len(of) for of in missing.values())
    named = ", ".join(f"raw/corrections/{file}" for file in missing)
    what = "a correction" if count == 1 else f"{count} corrections"
    return errors.BlockedMonth(
        f"the month {month} is blocked: it was built with {what} of {named}, which is not seen",
        remedy=f"put the file back, or remove its corrections from the warehouse: ratehouse forget {shlex.quote(name)}",
    )


def taken_out(former: Stamp | None, now: Stamp) -> list[dict]:
    """[{id, file, rates}] of corrections that a month was built with before and is not any more."""
    known = {c["id"] for c in every()} | {one["id"] for one in _recorded(now)}
    return [one for one in _recorded(former) if one["id"] not in known]


def _recorded(stamp: Stamp | None) -> list[dict]:
    if stamp is None:
        return []
    return stamp.notes.get(NOTE) or [{"id": i, "file": None, "rates": 0} for i in stamp.notes.get("corrections", [])]


def clear_caches() -> None:
    """Look at the folder again."""
    files.cache_clear()
    every.cache_clear()

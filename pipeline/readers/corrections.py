"""Corrections on record: raw/corrections/*.yml to a checked list.

What belongs here: what a correction may say. What must not come in: applying it (`transforms.fact_rate`).
"""

from __future__ import annotations

import datetime
from pathlib import Path

from pipeline import errors, naming, partition, tables
from pipeline.readers import yaml_entries

# What a correction may match, and what it may set of a fact's identity: not the ids, which follow from other columns, nor
# where and when it counts.
MATCHABLE = [c for c in tables.get("fact_rate").columns if c != "source_count"]
SETTABLE = [
    name
    for name in naming.FACT_IDENTITY
    if name in MATCHABLE and not name.endswith(("_uid", "_id")) and name not in ("state", "year_month")
]
FIELDS = {"id", "months", "match", "action", "set", "reason", "publisher", "status"}
MATCHABLE_NUMBERS = {"negotiated_rate"}


def read(path: Path) -> list[dict]:
    """The corrections of one file: dicts with id, months, match, action, set, reason, place.

    CorrectionError names the file, the correction and what to mend.
    """
    raw = yaml_entries.read(path, "correction", "- id: …", errors.CorrectionError)
    return [_checked(entry, number, path) for number, entry in enumerate(raw, 1)]


def _checked(entry, number: int, path: Path) -> dict:
    def refuse(fact: str, remedy: str):
        name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        return errors.CorrectionError(f"the correction {name} {fact}", place=path, remedy=remedy)

    if not isinstance(entry, dict):
        raise refuse("is no mapping", "write id, months, match, action (and set), reason")
    unknown = set(entry) - FIELDS
    if unknown:
        raise refuse(f"has the field {min(map(str, unknown))}", yaml_entries.meant(min(map(str, unknown)), FIELDS))
    for field in ("id", "months", "match", "action", "reason"):
        if not entry.get(field):
            raise refuse(f"has no {field}", f"add {field}: …")
    months = [str(m) for m in entry["months"]] if isinstance(entry["months"], list) else [str(entry["months"])]
    wrong = [m for m in months if not partition.is_month(m)]
    if wrong:
        raise refuse(f"names {wrong[0]}, which is no month", "write months: [2025-08]")
    if entry["action"] not in ("drop", "amend"):
        raise refuse(f"has the action {entry['action']}", "write action: drop, or action: amend")
    setting = entry.get("set") or {}
    if (entry["action"] == "amend") != bool(setting):
        raise refuse(
            "must say what to set with amend, and only with it", "write set: {column: value} beside action: amend"
        )
    for name, what, known in (("match", entry["match"], MATCHABLE), ("set", setting, SETTABLE)):
        if not isinstance(what, dict):
            raise refuse(f"has a {name} that is no mapping", f"write {name}: {{column: value}}")
        bad = next((str(c) for c in what if c not in known), None)
        if bad in MATCHABLE:
            raise refuse(f"sets {bad}, which follows from other columns", f"set one of: {', '.join(known)}")
        if bad is not None:
            raise refuse(f"has {bad} in its {name}, which is no column of fact_rate", yaml_entries.meant(bad, known))
    match = {c: _value(c, v, refuse) for c, v in entry["match"].items()}
    setting = {c: _value(c, v, refuse) for c, v in setting.items()}
    kept = {"id": str(entry["id"]), "months": months, "match": match, "action": entry["action"], "set": setting}
    return {**kept, "reason": str(entry["reason"]), "place": str(path)}


def _value(column: str, value, refuse):
    """A YAML value as the column's type: YAML reads 2025-08-01 as a date and 99213 as a number."""
    if value is None:
        return None
    if column in MATCHABLE_NUMBERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise refuse(f"has {column}: {value!r}, which is no number", "write a number without quotes")
        return float(value)
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise refuse(
            f"has {column}: {value!r} as a number, which loses its zeros", f'write {column}: "{value}" in quotes'
        )
    return str(value)

"""The codes of an in-network file: services and their types, what a bundle contains, places of service, modifiers.

What belongs here: reading a published code (docs/reading-files.md). What must not come in: other fields
(`mrf_fields`), what a code joins (`naming`), where a value stands, counting.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pipeline import naming
from pipeline.readers import mrf_issues as issues
from pipeline.readers.mrf_fields import (
    MISSING,
    Note,
    Notes,
    Unreadable,
    identifier,
    kind,
    repeated,
    said_to_be_missing,
    several,
    upper,
    whole,
)

# The billing_code_types of CMS's schema (in-network-rates, v2.2.0), and REV, which payers write for RC.
TYPES = frozenset(
    "CPT NDC HCPCS RC ICD MS-DRG R-DRG S-DRG APS-DRG AP-DRG APR-DRG APC LOCAL EAPG HIPPS CDT CSTM-ALL REV".split()
)
# Types whose codes hold no point: a whole number with one is the number. (ICD-9 has codes such as 250.00.)
_WITHOUT_POINT = TYPES - {"ICD", "LOCAL"}
# What a code of a type looks like without the blanks that may stand in it; a blank inside other codes may mean something.
_UNBROKEN = {
    **dict.fromkeys(("CPT", "HCPCS", "CDT"), re.compile(r"[0-9A-Z]{5}", re.ASCII).fullmatch),
    **dict.fromkeys(("RC", "REV"), re.compile(r"\d{3,4}", re.ASCII).fullmatch),
    **dict.fromkeys(
        ("MS-DRG", "APR-DRG", "AP-DRG", "R-DRG", "S-DRG", "APS-DRG"), re.compile(r"\d{3}", re.ASCII).fullmatch
    ),
}
_usual = re.compile(r"[0-9A-Z]{1,5}|CSTM-.*", re.ASCII).fullmatch


def code_type(value: Any, notes: Notes) -> str | None:
    """A billing_code_type in upper case."""
    found = upper(value, notes)
    if found is not None and found not in TYPES:
        notes.append(Note(issues.CODE_TYPE_UNKNOWN, f"billing_code_type {found[:40]!r}"))
    return found


def code(value: Any, of_type: str | None, notes: Notes) -> str | None:
    """A billing_code of a type, in upper case."""
    found = upper(value, notes)
    if found is None:
        return None
    unbroken = _UNBROKEN.get(of_type)
    if unbroken and " " in found and unbroken(joined := found.replace(" ", "")):
        notes.append(Note(issues.INVISIBLE_CHARACTERS, f"billing_code {found!r}"))
        found = joined
    if of_type in _WITHOUT_POINT:
        found = whole(found, notes)
    if of_type in ("CPT", "HCPCS") and not _usual(found):
        notes.append(Note(issues.CODE_UNUSUAL, f"billing_code {found[:40]!r}"))
    return found


Contained = tuple[tuple[str, str, str], ...]
ROLES = ("bundled_codes", "covered_services")


def contained_codes(item: dict, notes: Notes) -> Contained:
    """Sorted distinct (role, code_type, code) of what an item bundles or covers, blanks as ''."""
    out = set()
    for role in ROLES:
        listed = item.get(role)
        if listed is None:
            continue
        if type(listed) is not list:
            raise Unreadable(f"{role}: {kind(listed)} is where a list belongs")
        for entry in listed:
            if type(entry) is not dict:
                raise Unreadable(f"{role}: {kind(entry)} is where an object belongs")
            repeated(entry, notes)
            of_type = code_type(entry.get("billing_code_type"), notes)
            out.add((role, of_type or "", code(entry.get("billing_code"), of_type, notes) or ""))
    return tuple(sorted(out))


class PosSet(NamedTuple):
    """A set of places of service: its id and its codes."""

    uid: str
    codes: tuple[str, ...]


def pos_set(value: tuple | str | None, notes: Notes) -> PosSet:
    """Two-digit codes (one digit gets its zero) and CSTM-00, of a list (as tuple) or one text. What is no code is left out;
    where nothing else was published the set has an id of its own: it is not the empty set, which means any place."""
    codes, unreadable, parts = set(), [], []
    for one in value if type(value) is tuple else (value,):
        found = identifier(one, notes)
        if found is None or said_to_be_missing(found, notes):
            continue
        here = several(found)
        if here != [found]:
            notes.append(Note(issues.SEVERAL_IN_ONE_TEXT, f"service_code {found[:40]!r}"))
        parts += here
    if {part.casefold() for part in parts} == set("null"):  # the letters of a text that was taken for a list
        notes.append(Note(issues.MISSING_SPELT_OUT, f"service_code {parts!r}"))
        parts = []
    for part in parts:
        part = whole(part, notes)
        if part.isascii() and part.isdigit() and len(part) <= 2:
            codes.add(part.zfill(2))
        elif part.upper() == "CSTM-00":
            codes.add("CSTM-00")
        else:
            unreadable.append(part)
    if unreadable and codes:
        notes.append(Note(issues.PLACE_OF_SERVICE_NO_CODE, f"service_code {unreadable[0][:40]!r}"))
    elif unreadable:
        notes.append(Note(issues.PLACE_OF_SERVICE_UNREADABLE, f"service_code {unreadable[0][:40]!r}"))
        return PosSet(naming.unreadable_pos_set_id(unreadable), ())
    return PosSet(naming.pos_set_id(codes), tuple(sorted(codes)))


_MISSING_MODIFIERS = MISSING - {"na"}  # which has the form of a modifier


def modifiers(value: tuple | str | None, notes: Notes) -> str | None:
    """Sorted distinct modifiers in upper case joined by `|`, of a list (as tuple) or one text; null if none. Raises
    Unreadable for one that holds a `|`."""
    out = set()
    for one in value if type(value) is tuple else (value,):
        found = identifier(one, notes)
        if found is None or said_to_be_missing(found, notes, _MISSING_MODIFIERS):
            continue
        parts = [part for piece in several(found.upper()) for part in piece.split("-") if part]
        if all(map(_is_modifier, parts)):
            if parts != [found.upper()]:
                notes.append(Note(issues.SEVERAL_IN_ONE_TEXT, f"billing_code_modifier {found[:40]!r}"))
            out.update(parts)
            continue
        if "|" in found:
            raise Unreadable(f"billing_code_modifier {found[:40]!r} holds a separator")
        notes.append(Note(issues.MODIFIER_UNUSUAL, f"billing_code_modifier {found[:40]!r}"))
        out.add(found.upper())
    return "|".join(sorted(out)) or None


def _is_modifier(part: str) -> bool:
    return len(part) == 2 and part.isascii() and part.isalnum()

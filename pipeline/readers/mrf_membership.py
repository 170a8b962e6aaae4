"""Who a provider group is: NPIs, TINs, and the members that they make together.

What belongs here: reading the published lists of provider groups, in the form of today's schema and of older drafts, and the
refusal of a group that cannot be read. What must not come in: compiled code (`in_network.members`), references and in-line
lists (`in_network.provider_groups`, `in_network.inline_groups`), counting.
"""

from __future__ import annotations

import itertools
import re
from operator import itemgetter
from typing import Any, NamedTuple

from pipeline.readers import mrf_issues as issues
from pipeline.readers.json_stream.cursor import REPEATED
from pipeline.readers.mrf_fields import (
    MISSING,
    Memo,
    Note,
    Notes,
    Unreadable,
    identifier,
    kind,
    list_key,
    lower,
    once,
    repeated,
    said_to_be_missing,
    several,
    term,
    text,
    whole,
)

Tin = tuple[str | None, str | None, str | None]


class Membership(NamedTuple):
    """Who a provider group is: its sorted distinct `tin_type:tin_value:npi` joined by `|` (npi 0 where only the TIN
    is named), a (tin_type, tin_value, business_name) for each entry, and a note of each kind of oddity."""

    members: str
    tins: list[Tin]
    notes: tuple[Note, ...]


class Group(NamedTuple):
    """One entry of a `provider_groups` list, as `Membership` has them all."""

    members: tuple[str, ...]
    tin: Tin
    notes: tuple[Note, ...]


# TINs.

_NOT_ALNUM = re.compile("[^0-9A-Za-z]")
_NOBODY = MISSING | {"unknown"}
_DIGITS = {"ein": 9, "npi": 10}
_POINT = re.compile(r"(?<=\d)\.0+$", re.ASCII)
# Nine digits of which the first, a zero, was lost; behind a hyphen in its place another digit is what was lost.
_SHORT_EIN = re.compile(r"\d-?\d{7}", re.ASCII).fullmatch


def tin(value: Any, notes: Notes) -> tuple[str, Tin]:
    """What members of a TIN begin with, and its type, value and name. Raises Unreadable."""
    if type(value) is not dict:
        raise Unreadable(f"tin: {kind(value)} is where an object belongs")
    repeated(value, notes)
    return _tin((value.get("type"), value.get("value"), value.get("business_name")), notes)


def _tin(key: tuple, notes: Notes) -> tuple[str, Tin]:
    tin_type, published, name = lower(key[0], notes), term(key[1], notes) or "", text(key[2])
    value = published
    if _POINT.search(value):
        notes.append(Note(issues.NUMBER_WITH_POINT, f"tin {value!r}"))
        value = _POINT.sub("", value)
    if tin_type == "ein" and _SHORT_EIN(value):
        notes.append(Note(issues.EIN_ZERO_RESTORED, f"tin {published!r}"))
        value = f"0{value}"
    if not (value.isalnum() and value.isascii()):
        value = _NOT_ALNUM.sub("", value)
    if not value.strip("0") or published.casefold() in _NOBODY:
        value = ""
        notes.append(Note(issues.TIN_MISSING, f"tin {published!r}"))
    elif not (value.isdigit() and len(value) == _DIGITS.get(tin_type, len(value))):
        if "." in published:  # its digits without the point are another number's
            raise Unreadable(f"tin {published[:40]!r} is no TIN")
        notes.append(Note(issues.TIN_UNUSUAL, f"tin {published[:40]!r}"))
    return f"{_part(tin_type, 'tin type')}:{value}:", (tin_type, value or None, name)


def _part(value: str | None, name: str) -> str:
    """Part of a member: no `:` or `|`, which the membership's id is joined with."""
    if value and (":" in value or "|" in value):
        raise Unreadable(f"{name} {value[:40]!r} holds a separator")
    return value or ""


_TIN_TEXTS = (
    ("ein", re.compile(r"\d{2}-\d{7}|\d{9}", re.ASCII).fullmatch),
    ("npi", re.compile(r"[12]\d{9}", re.ASCII).fullmatch),
)


def _tin_fields(value: Any, notes: Notes) -> tuple[Any, Any, Any]:
    """Type, value and name of what stands under `tin`: an object, or the text that it was in the drafts of 2020."""
    if value is None or value == {}:
        return None, None, None
    if type(value) is dict:
        repeated(value, notes)
        return value.get("type"), value.get("value"), value.get("business_name")
    try:
        found = identifier(value, notes)
    except Unreadable:
        found = None
    if found and (not found.strip("0-") or found.casefold() in _NOBODY):
        return None, None, None
    for tin_type, fits in _TIN_TEXTS:
        if found and fits(found):
            notes.append(Note(issues.OLDER_FORM, f"tin is the text {found!r}"))
            return tin_type, found, None
    raise Unreadable(f"tin: {kind(value)} is where an object belongs")


# NPIs.

_TEN = re.compile(r"\d{10}", re.ASCII).fullmatch


def _npis(value: Any, notes: Notes) -> list[str]:
    """NPIs as text, of a list or a single one; blanks left out, '0' where none is left. Raises Unreadable for a text that is
    neither an NPI nor several of them."""
    found = []
    for one in value if type(value) in (list, tuple) else [value]:
        read = identifier(one, notes)
        if read is None:
            if type(value) in (list, tuple):
                notes.append(Note(issues.NPI_BLANK, ""))
        elif not said_to_be_missing(read, notes):
            found += _npis_of(read, notes)
    return found or ["0"]


def _npis_of(found: str, notes: Notes) -> list[str]:
    """The NPIs that a text names."""
    if not found.strip("0"):
        return ["0"]
    if _TEN(found):
        return [found]
    parts = several(found)
    if parts and all(map(_TEN, (here := [whole(part, []) for part in parts]))):
        notes.append(Note(issues.SEVERAL_IN_ONE_TEXT, f"npi {found[:60]!r}"))
        return here
    _part(found, "npi")
    if not (found.isascii() and found.isdigit() and len(found) < 10):
        raise Unreadable(f"npi {found[:40]!r} is no NPI")
    notes.append(Note(issues.NPI_UNUSUAL, f"npi {found!r}"))
    return [found]


# Groups.


def membership(groups: Any) -> Membership:
    """Read a non-empty `provider_groups` list. Raises Unreadable where any of it cannot be read: a group that lacks
    some of its members would be another group."""
    notes: Notes = []
    if type(groups) is dict:
        notes.append(Note(issues.OLDER_FORM, "provider_groups is one object"))
        groups = [groups]
    if type(groups) not in (list, tuple):
        raise Unreadable(f"provider_groups: {kind(groups)} is where a list belongs")
    return _joined([one for value in groups for one in group(value)], notes)


def group(value: Any) -> list[Group]:
    """Read one entry of a `provider_groups` list: one group, or those of its `providers`. Raises Unreadable."""
    try:
        tin = value["tin"]
        npis = value["npi"]
        key = (tin["type"], tin["value"], tin.get("business_name"), tuple(npis) if type(npis) is list else npis)
        if REPEATED not in value and REPEATED not in tin and "providers" not in value:
            return [_GROUPS[key]]
    except (KeyError, TypeError, AttributeError):  # something is left out, or is not what it should be
        pass
    return _odd_group(value, [])


_members, _tin_of, _notes_of = map(itemgetter, range(3))


def _joined(groups: list[Group], notes: Notes) -> Membership:
    """What the entries of a list are together."""
    found = [*notes, *itertools.chain.from_iterable(map(_notes_of, groups))]
    return Membership(
        "|".join(sorted(set().union(*map(_members, groups)))),
        list(map(_tin_of, groups)),
        tuple(sorted(once(found))),
    )


def _group(key: tuple) -> Group:
    """The group of a TIN's type, value and name and of a tuple of NPIs (or what stands in its place)."""
    notes: Notes = []
    prefix, named = _tin(key[:3], notes)
    npis = key[3]
    try:
        joined = "".join(npis) if type(npis) is tuple else ""
        plain = (
            joined.isdigit() and joined.isascii() and all(len(npi) == 10 for npi in npis) and "0000000000" not in npis
        )
    except TypeError:
        plain = False
    if not plain:
        npis = _npis(npis, notes)
        if set(npis) == {"0"} and named[0] == "npi" and _TEN(named[1] or ""):
            notes.append(Note(issues.NPI_OF_TIN, f"tin {named[1]!r}"))
            npis = [named[1]]
        if named[1] is None and "0" in npis:
            npis = [npi for npi in npis if npi != "0"]
            if not npis:
                raise Unreadable("provider_groups: a group names neither an NPI nor a TIN")
        if "0" in npis and len(set(npis)) > 1:
            notes.append(Note(issues.NPI_ZERO_BESIDE_OTHERS, ""))
    return Group(tuple([prefix + npi for npi in npis]), named, tuple(notes))


# A payer repeats a group in many in-line lists; its whole answer is remembered, lists of thousands of NPIs included.
# Some 150 bytes a member. A file of 21 MB repeats 20,120 groups seven times each, so fewer would be of no use.
_GROUPS = Memo(_group, 400_000, lambda found: 4 + len(found.members))


def _odd_group(value: Any, notes: Notes, of: Any = None) -> list[Group]:
    """Read an entry that is not as the schema has it; `of` is the TIN of the group that it stands in."""
    if type(value) is not dict:
        raise Unreadable(f"provider_groups: {kind(value)} is where an object belongs")
    repeated(value, notes)
    npis = value["npi"] if "npi" in value else value.get("NPI")
    tin = value.get("tin") or of
    providers = value.get("providers")
    if providers:
        if npis:
            raise Unreadable("provider_groups: a group has both npi and providers")
        notes.append(Note(issues.OLDER_FORM, "providers in a provider group"))
        if type(providers) is not list:
            providers = [providers]
        if any(type(one) is dict for one in providers):
            return [found for one in providers for found in _odd_group(one, list(notes), tin)]
        npis = providers
    fields = _tin_fields(tin, notes)
    found = _group((*fields, list_key(npis)))
    return [found._replace(notes=(*notes, *found.notes))]


def merged(one: str, other: str) -> str:
    """The membership of a group that is defined twice."""
    return "|".join(sorted({*one.split("|"), *other.split("|")}))

"""What one field of an in-network file says, as `data-model.md` writes it.

What belongs here: pure functions from a published JSON value (numbers are their text) to the staged value, and the
refusal of a value that cannot be read. What must not come in: where a value stands, counting, files.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from pipeline import naming
from pipeline.readers.json_text import Constant


class Unreadable(ValueError):
    """A published value that has no reading; its text says why."""


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, Constant):
        return f"{value.name}, which is no JSON,"
    names = {
        dict: "an object",
        list: "a list",
        tuple: "a list",
        bool: "true or false",
        type(None): "null",
        str: "a text or number",
    }
    return names.get(type(value), type(value).__name__)


def text(value: Any) -> str | None:
    """A text or number without the blanks around it; null when nothing is left. Raises Unreadable for other values."""
    if type(value) is str:
        return value.strip() or None
    if value is None:
        return None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(f"{kind(value)} stands where a text belongs")


def upper(value: Any) -> str | None:
    """`text` in upper case."""
    found = text(value)
    return found and found.upper()


def lower(value: Any) -> str | None:
    """`text` in lower case."""
    found = text(value)
    return found and found.lower()


class Rate(NamedTuple):
    """A negotiated rate: the double that is staged, and the exact decimal that sums are made of."""

    value: float
    exact: Decimal


_number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII).fullmatch
# A double has at most 309 digits before the point; nothing that means money is longer. Bounds the exact sums.
_LONGEST_NUMBER = 400


def rate(value: Any) -> Rate:
    """A number, or a text that is one. Raises Unreadable for anything else and for what a double cannot hold."""
    if value is None:
        raise Unreadable("negotiated_rate is missing")
    found = text(value) or ""
    if not _number(found):
        raise Unreadable(f"negotiated_rate is no number: {found[:40]!r}")
    exact = Decimal(found)
    if len(found) > _LONGEST_NUMBER or abs(exact.as_tuple().exponent) > _LONGEST_NUMBER:
        raise Unreadable(f"negotiated_rate is beyond any amount: {found[:40]}")
    double = float(found) + 0.0  # -0.0 becomes 0.0: one amount, one id
    if double in (float("inf"), float("-inf")) or (double == 0 and exact != 0):
        raise Unreadable(f"negotiated_rate is beyond what a double holds: {found[:40]}")
    return Rate(double, exact)


def expiration(value: Any) -> str | None:
    """`YYYY-MM-DD` of a date or datetime; null where absent, of year 9999, or no date (see `expiration_is_odd`)."""
    found = (text(value) or "")[:10]
    if found.startswith("9999"):
        return None
    try:
        return found if len(found) == 10 and datetime.date.fromisoformat(found) else None
    except ValueError:
        return None


def expiration_is_odd(value: Any) -> bool:
    """Whether a date was published that `expiration` could not read."""
    found = text(value)
    return found is not None and not found.startswith("9999") and expiration(value) is None


class PosSet(NamedTuple):
    """A set of places of service: its id, its codes, and whether anything published was no code."""

    uid: str
    codes: tuple[str, ...]
    odd: bool


_POS_IN_TEXT = re.compile(r"CSTM-00|\d{1,2}", re.ASCII | re.IGNORECASE)


def pos_set(value: tuple | str | None) -> PosSet:
    """Two-digit codes (one digit gets its zero) and CSTM-00, of a list (as tuple) or one text; the rest is no code."""
    if value is None:
        parts = ()
    elif type(value) is tuple:
        parts = [text(v) for v in value]
    else:
        parts = _POS_IN_TEXT.findall(text(value) or "")
    codes, odd = set(), False
    for part in parts:
        if part is None:
            continue
        if part.isascii() and part.isdigit() and len(part) <= 2:
            codes.add(part.zfill(2))
        elif part.upper() == "CSTM-00":
            codes.add("CSTM-00")
        else:
            odd = True
    return PosSet(naming.pos_set_id(codes), tuple(sorted(codes)), odd)


def modifiers(value: tuple | str | None) -> str | None:
    """Sorted distinct modifiers in upper case joined by `|`, of a list (as tuple) or one text; null if none."""
    parts = value if type(value) is tuple else (value,)
    return "|".join(sorted({m for m in map(upper, parts) if m})) or None


def networks(value: Any) -> tuple[str, ...]:
    """Sorted distinct network names, of a list or one text."""
    parts = value if type(value) is list else [value]
    return tuple(sorted({n for n in map(text, parts) if n}))


def month(last_updated_on: str | None) -> str | None:
    """The first seven characters of a date when they are a month, `YYYY-MM`; else null."""
    found = re.match(r"(\d{4}-(0[1-9]|1[0-2]))(?!\d)", last_updated_on or "", re.ASCII)
    return found and found[1]


Contained = tuple[tuple[str, str, str], ...]
ROLES = ("bundled_codes", "covered_services")


def contained_codes(item: dict) -> Contained:
    """Sorted distinct (role, code_type, code) of what an item bundles or covers, blanks as ''."""
    out = set()
    for role in ROLES:
        listed = item.get(role)
        if listed is None:
            continue
        if type(listed) is not list:
            raise Unreadable(f"{role}: {kind(listed)} stands where a list belongs")
        for entry in listed:
            if type(entry) is not dict:
                raise Unreadable(f"{role}: {kind(entry)} stands where an object belongs")
            out.add((role, upper(entry.get("billing_code_type")) or "", upper(entry.get("billing_code")) or ""))
    return tuple(sorted(out))


Tin = tuple[str | None, str | None, str | None]


class Membership(NamedTuple):
    """Who a provider group is: its sorted distinct `tin_type:tin_value:npi` joined by `|` (npi 0 where only the TIN
    is named), a (tin_type, tin_value, business_name) for each entry, whether 0 stood beside real NPIs, and whether a
    list of NPIs held blanks."""

    members: str
    tins: list[Tin]
    mixed: bool
    blanks: bool


def _part(value: str | None, name: str) -> str:
    """Part of a member: no `:` or `|`, which the membership's id is joined with."""
    if value and (":" in value or "|" in value):
        raise Unreadable(f"{name} {value[:40]!r} holds a separator")
    return value or ""


_NOT_ALNUM = re.compile("[^0-9A-Za-z]")


def tin(value: Any) -> tuple[str, Tin]:
    """What members of a TIN begin with, and its type, value and name. Raises Unreadable."""
    if type(value) is not dict:
        raise Unreadable(f"tin: {kind(value)} stands where an object belongs")
    return _tin((value.get("type"), value.get("value"), value.get("business_name")))


def _tin(key: tuple) -> tuple[str, Tin]:
    tin_type, value, name = lower(key[0]), text(key[1]) or "", text(key[2])
    if not (value.isalnum() and value.isascii()):
        value = _NOT_ALNUM.sub("", value)
    return f"{_part(tin_type, 'tin type')}:{value}:", (tin_type, value or None, name)


def _npis(value: Any) -> list[str]:
    """NPIs as text, of a list or a single one; blanks left out, '0' where none is left."""
    listed = value if type(value) in (list, tuple) else [value]
    return [_part(n, "npi") for n in map(text, listed) if n] or ["0"]


class Group(NamedTuple):
    """One entry of a `provider_groups` list, as `Membership` has them all."""

    members: tuple[str, ...]
    tin: Tin
    mixed: bool
    blanks: bool


def _group(key: tuple) -> Group:
    prefix, named = _tin(key[:3])
    npis = key[3]
    try:
        joined = "".join(npis) if type(npis) is tuple else ""
        plain = joined.isdigit() and joined.isascii() and "" not in npis
    except TypeError:
        plain = False
    if not plain:
        npis = _npis(npis)
    blanks = type(key[3]) is tuple and 0 < len(key[3]) != len(npis)
    return Group(tuple([prefix + npi for npi in npis]), named, "0" in npis and len(set(npis)) > 1, blanks)


def membership(groups: Any) -> Membership:
    """Read a non-empty `provider_groups` list. Raises Unreadable where any of it cannot be read: a group that lacks
    some of its members would be another group."""
    if type(groups) not in (list, tuple):
        raise Unreadable(f"provider_groups: {kind(groups)} stands where a list belongs")
    return joined([group(one) for one in groups])


def group(value: Any) -> Group:
    """Read one entry of a `provider_groups` list. Raises Unreadable."""
    try:
        tin = value["tin"]
        npis = value["npi"]
        key = (tin["type"], tin["value"], tin.get("business_name"), tuple(npis) if type(npis) is list else npis)
        return _GROUPS[key]
    except (KeyError, TypeError, AttributeError):  # something is left out, or is not what it should be
        return _odd_group(value)


_members, _tin_of, _is_mixed, _has_blanks = map(itemgetter, range(4))


def joined(groups: list[Group]) -> Membership:
    """What the entries of a list are together."""
    return Membership(
        "|".join(sorted(set().union(*map(_members, groups)))),
        list(map(_tin_of, groups)),
        any(map(_is_mixed, groups)),
        any(map(_has_blanks, groups)),
    )


def _odd_group(group: Any) -> Group:
    if type(group) is not dict:
        raise Unreadable(f"provider_groups: {kind(group)} stands where an object belongs")
    tin = group.get("tin") or {}
    if type(tin) is not dict:
        raise Unreadable(f"tin: {kind(tin)} stands where an object belongs")
    npis = group["npi"] if "npi" in group else group.get("NPI")
    return _group((tin.get("type"), tin.get("value"), tin.get("business_name"), list_key(npis)))


def merged(one: str, other: str) -> str:
    """The membership of a group that is defined twice."""
    return "|".join(sorted({*one.split("|"), *other.split("|")}))


class Memo(dict):
    """A function's answers by argument, forgotten when there are too many: a payer's file repeats few values often.

    `size` says for how many an answer counts.
    """

    def __init__(
        self, function: Callable[[Any], Any], most: int = 100_000, size: Callable[[Any], int] = lambda found: 1
    ):
        super().__init__()
        self._function, self._most, self._size, self._held = function, most, size, 0

    def __missing__(self, key):
        if self._held >= self._most:
            self.clear()
            self._held = 0
        found = self[key] = self._function(key)
        self._held += self._size(found)
        return found


# A payer repeats a group in many in-line lists; its whole answer is remembered, lists of thousands of NPIs included.
# Some 150 bytes a member. A file of 21 MB repeats 20,120 groups seven times each, so fewer would be of no use.
_GROUPS = Memo(_group, 400_000, lambda found: 4 + len(found.members))


def list_key(value: Any) -> Any:
    """A list as the tuple that `pos_set` and `modifiers` are remembered by."""
    return tuple(value) if type(value) is list else value


def first_unreadable(price: Any, readings: Iterable[tuple[str, Callable]]) -> str | None:
    """Why a price cannot be read: its first field, in the order of `readings` (field, function), that raises."""
    if type(price) is not dict:
        return f"{kind(price)} stands where an object belongs"
    for field, read in readings:
        try:
            read(list_key(price.get(field)))
        except Unreadable as e:
            return str(e) if str(e).startswith(field) else f"{field}: {e}"
    return None

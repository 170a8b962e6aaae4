"""The seven keys of a leaf <-> a folder, both ways; and what a person types to name one.

What belongs here: the spelling of partitions. What must not come in: where the tree stands (`paths`), what is in it.

In a folder's name `key=value` the value is percent-encoded. File systems take names of 255 bytes: of a value that is too
long the beginning stays, then come `@` and the MD5 of the value. Encoding leaves no `@` in a text, so no two values share
a folder.
"""

from __future__ import annotations

import difflib
import hashlib
import heapq
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from urllib.parse import quote, unquote

from pipeline import errors

KEYS = (
    "payer_slug",
    "state",
    "billing_class",
    "procedure_set",
    "procedure_class",
    "primary_taxonomy_code",
    "stat_area_name",
)
LONGEST = 255  # bytes of a name that file systems take
SHORTENED = "@"  # comes before the MD5 of a value that is too long for its folder's name
DIGEST_LENGTH = len(SHORTENED) + 32
# The end of an encoded text that was cut: of the last character not all bytes, or of its last byte not both digits.
CUT = "(%(?:[CD][0-9A-F]|E[0-9A-F](?:%[89AB][0-9A-F])?|F[0-7](?:%[89AB][0-9A-F]){0,2}))?(?:%[0-9A-F]?)?$"
NULL = "__HIVE_DEFAULT_PARTITION__"
CANDIDATES = 200  # names compared letter by letter: each takes a millisecond, and a month may have 100,000
_SHORTENED = re.compile(rf"[^{SHORTENED}]*{SHORTENED}[0-9a-f]{{32}}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_LIKE_MONTH = re.compile(r"(\d{4})\D?(\d\d?)(?:\D.*|\d\d)?|(\d\d?)\D(\d{4})", re.ASCII)


class Incomplete(errors.UsageError):
    """What a person typed names not all of a partition's keys."""


def encode(key: str, value: str | None) -> str:
    """A key's value as it stands in a folder's name: percent-encoded, null as Hive writes it, shortened where too long."""
    text = _encoded(value)
    if value is None or len(text) <= room(key):
        return text
    kept = re.sub(CUT, "", text[: room(key) - DIGEST_LENGTH], count=1)
    return f"{kept}{SHORTENED}{hashlib.md5(value.encode()).hexdigest()}"


def _encoded(value: str | None) -> str:
    if value is None:
        return NULL
    text = quote(value, safe="")
    return text.replace("_", "%5F", 1) if text == NULL else text


def room(key: str) -> int:
    """The bytes that a folder's name has for a key's value."""
    return LONGEST - len(f"{key}=")


def decode(text: str) -> str | None:
    """The value behind a folder's name; where it was shortened, the text itself, for the value is not all there."""
    if text == NULL:
        return None
    return text if is_shortened(text) else unquote(text)


def is_shortened(text: str) -> bool:
    """Whether a folder's name has not all of a value."""
    return bool(_SHORTENED.fullmatch(text))


def is_encoded(text: str) -> bool:
    """Whether a text is a value as a folder's name may have it."""
    return text == as_encoded(text)


def as_encoded(text: str) -> str:
    """A text that a person took for a value in a folder's name, as such a name would have it."""
    return text if is_shortened(text) else _encoded(decode(text))


def folder(values: Mapping[str, str | None], keys: Iterable[str] = KEYS) -> str:
    """`k=v/k=v/…` of the keys in their order: the partition's name, and its folder under the tree."""
    return "/".join(f"{key}={encode(key, values[key])}" for key in keys)


def named(text: str, keys: tuple[str, ...] = KEYS) -> str:
    """The folder of a partition as a person typed it (`parse`)."""
    found = _pieces(text, keys)
    return "/".join(
        f"{key}={found[key] if is_shortened(found[key]) else encode(key, decode(found[key]))}" for key in keys
    )


def parse(text: str, keys: tuple[str, ...] = KEYS) -> dict[str, str | None]:
    """The values behind a partition as printed, as a path (with the tree, the month, the file), or as k=v pairs.

    Pairs may stand in any order, separated by `/` or blanks; every key must be named.
    UsageError says which is missing or unknown.
    """
    return {key: decode(value) for key, value in _pieces(text, keys).items()}


def _pieces(text: str, keys: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    pairs = re.split(r"[/\\]|\s+(?=\w+=)", text.strip())
    for piece in pairs:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or name == "year_month":
            continue
        if name not in keys:
            near = difflib.get_close_matches(name, keys, 1) or [", ".join(keys)]
            raise errors.UsageError(f"{name} is no partition key", remedy=f"do you mean {near[0]}?")
        found[name] = value.strip().strip("'\"")
    missing = [k for k in keys if k not in found]
    if missing:
        raise Incomplete(
            f"the partition names no {', '.join(missing)}",
            place=text,
            remedy="give it as `ratehouse partitions` prints it",
        )
    return {k: found[k] for k in keys}


def month_in(text: str) -> str | None:
    """The month that a path names, if any."""
    hit = re.search(r"year_month=(" + _MONTH.pattern + r")", text)
    return hit.group(1) if hit else None


def is_month(text: str) -> bool:
    """Whether the text is a month, YYYY-MM."""
    return bool(_MONTH.fullmatch(text or ""))


def month(text: str) -> str:
    """The month that a person typed; UsageError, with the one that is likely meant, for what is no month."""
    if is_month(text):
        return text
    found = _LIKE_MONTH.fullmatch(str(text).strip())
    near = f"{found[1] or found[4]}-{int(found[2] or found[3]):02}" if found else ""
    remedy = f"do you mean {near}?" if is_month(near) else "write it as YYYY-MM, such as 2025-08"
    raise errors.UsageError(f"{text} is no month", remedy=remedy)


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names most like the one typed: of those that share most of its `/`-pieces, the nearest by their letters."""
    pieces = set(name.split("/"))

    def alike(known: str) -> tuple[int, int]:
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, known, strict=False)))
        return len(pieces.intersection(known.split("/"))), same

    likely = heapq.nlargest(CANDIDATES, sorted(names), key=alike)
    return difflib.get_close_matches(name, likely, count, 0.0)

"""The seven keys of a leaf <-> a folder, both ways; and what a person types to name one.

What belongs here: the spelling of partitions. What must not come in: where the tree stands (`paths`), what is in it.
"""

from __future__ import annotations

import difflib
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
NULL = "__HIVE_DEFAULT_PARTITION__"
CANDIDATES = 200  # names compared letter by letter: each takes a millisecond, and a month may have 100,000
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_LIKE_MONTH = re.compile(r"(\d{4})\D?(\d\d?)(?:\D.*|\d\d)?|(\d\d?)\D(\d{4})", re.ASCII)


class Incomplete(errors.UsageError):
    """What a person typed names not all of a partition's keys."""


def encode(value: str | None) -> str:
    """One key's value as it stands in a folder name: percent-encoded, reversible, null as Hive writes it."""
    if value is None:
        return NULL
    text = quote(value, safe="")
    return text.replace("_", "%5F", 1) if text == NULL else text


def decode(text: str) -> str | None:
    """The value behind a folder name."""
    return None if text == NULL else unquote(text)


def folder(values: Mapping[str, str | None], keys: Iterable[str] = KEYS) -> str:
    """`k=v/k=v/…` of the keys in their order: the partition's name, and its folder under the tree."""
    return "/".join(f"{key}={encode(values[key])}" for key in keys)


def parse(text: str, keys: tuple[str, ...] = KEYS) -> dict[str, str | None]:
    """The values behind a partition as printed, as a path (with the tree, the month, the file), or as k=v pairs.

    Pairs may stand in any order, separated by `/` or blanks; every key must be named.
    UsageError says which is missing or unknown.
    """
    found: dict[str, str | None] = {}
    pairs = re.split(r"[/\\]|\s+(?=\w+=)", text.strip())
    for piece in pairs:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or name == "year_month":
            continue
        if name not in keys:
            near = difflib.get_close_matches(name, keys, 1) or [", ".join(keys)]
            raise errors.UsageError(f"{name} is no partition key", remedy=f"do you mean {near[0]}?")
        found[name] = decode(value.strip().strip("'\""))
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

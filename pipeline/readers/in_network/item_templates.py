"""Caches the JSON around what the compiled scan cuts out, so that each distinct text is parsed once: the fields of an item
around its rates, the terms of a price around its rate.

What belongs here: putting a mark where something was cut out, and making sure that it stands for nothing else. What must not
come in: what a head or a tail says (`in_network.prices`), where the bytes come from (`in_network.items`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.readers.in_network.prices import ItemFields, item_fields, price_terms
from pipeline.readers.json_stream.cursor import parsed, parsed_all

_MARK = "7e7777777777"  # stands for what was cut out; no rate is as large
MARKED = _MARK.encode()
_HEADS = 20_000  # are remembered, and those of the bytes at hand


class ItemTemplates:
    """Heads of items by what stands around their rates: the bytes up to and with `[`, and those behind `]`."""

    def __init__(self):
        self._known: dict[tuple[bytes, bytes], ItemFields | None] = {}

    def __getitem__(self, around: tuple[bytes, bytes]) -> ItemFields | None:
        """One that was read; None where it takes care to see."""
        return self._known[around]

    def read(self, around: Iterable[tuple[bytes, bytes]]) -> None:
        """Read those that are new."""
        if len(self._known) > _HEADS:
            self._known.clear()
        new = [one for one in dict.fromkeys(around) if one not in self._known]
        records = parsed_all([b"".join((before, MARKED, b"]", behind)) for before, behind in new])
        for one, record in zip(new, records, strict=True):
            self._known[one] = None if record is None or MARKED in one[1] else _head_of(record)


def _head_of(record: dict) -> ItemFields | None:
    try:
        return item_fields(record) if record["negotiated_rates"] == [_MARK] else None
    except (ValueError, AttributeError):
        return None


def tail_of(before: bytes, behind: bytes) -> Any:
    """The tail of a price by what stands around its rate. Raises ValueError, TypeError or AttributeError."""
    record = parsed(b"".join((before, MARKED, behind)))
    if MARKED in behind or record["negotiated_rate"] != _MARK:
        raise ValueError("another rate in the same price")
    return price_terms(record)


def begins(prefix: bytes) -> bool:
    """Whether an item can begin with these bytes, which end in the `[` of its rates."""
    try:
        parsed(prefix + b"]}", halves=True)
    except ValueError:
        return False
    return True

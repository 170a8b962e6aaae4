"""Rate objects as columns of numbers, between being read and being staged.

What belongs here: the columns, cutting and joining them, the compiled pass that makes them of what `in_network.scan.items` found.
What must not come in: bytes and JSON text, rows of a table (`in_network.prices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import NamedTuple

import numpy as np

from pipeline.compiled.jit import address, entry, get, get32, get_double, put, put32, put_double
from pipeline.readers.in_network.scan import slots

HARD = -1  # decimals of a rate that takes more than 64 bits: its mantissa is its place among the exact decimals
_POWERS = 10.0 ** np.arange(19)  # exact up to 10^22
_EXACT = 1 << 53  # up to which each whole number is a double


class Scanned(NamedTuple):
    """What the compiled pass found (`scan.slots`): rows of objects, items, prices and owners, and the rates of the prices."""

    objects: np.ndarray
    items: np.ndarray
    prices: np.ndarray
    owners: np.ndarray
    rate: np.ndarray


@dataclass
class RateColumns:
    """Rate objects in the file's order: a row each, then their prices and their owners.

    item, object: where it stands in the file; prices, owners: how many are behind it; listed, countable: how many price
    objects it has and how many rates, be they readable or not (`in_network.parsed_rates.extent`); tail: number of the tail; place: of the price in its list; rate: the double; mantissa and
    decimals: the exact rate (see HARD); owner: a group's number (`Groups.uids`).
    """

    item: np.ndarray
    object: np.ndarray
    prices: np.ndarray
    owners: np.ndarray
    listed: np.ndarray
    countable: np.ndarray
    priceless: np.ndarray
    ownerless: np.ndarray
    tail: np.ndarray
    place: np.ndarray
    rate: np.ndarray
    mantissa: np.ndarray
    decimals: np.ndarray
    owner: np.ndarray

    @classmethod
    def joined(cls, parts: list[RateColumns]) -> RateColumns:
        """All of them as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in dataclass_fields(cls)))

    @classmethod
    def of(cls, prices: list[tuple[int, int, float, int, int]], owners: list[int], **row: int) -> RateColumns:
        """One rate object: its prices as (tail, place, rate, mantissa, decimals), its owners, its other columns."""
        columns = zip(*prices, strict=True) if prices else ((),) * 5
        tail, place, rate, mantissa, decimals = (np.array(c, k) for c, k in zip(columns, "qqdqq", strict=True))
        row |= {"prices": len(prices), "owners": len(owners)}
        rows = {name: np.array([value], np.int64) for name, value in row.items()}
        owner = np.array(owners, np.int32)
        return cls(**rows, tail=tail, place=place, rate=rate, mantissa=mantissa, decimals=decimals, owner=owner)

    @classmethod
    def gathered(cls, found: Scanned, numbers: tuple[np.ndarray, np.ndarray], index: int, before: int) -> RateColumns:
        """What the compiled pass found, with the `numbers` of tails and in-line lists; `index` is the first item's place in
        the file, and `before` how many of its objects stand before."""
        objects, items, prices, owners, rate = found
        rows, size = len(objects), len(prices)
        made = [*(np.empty(n, np.int64) for n in (rows,) * 7 + (size,) * 4), owners.copy()]
        given = map(address, (items, prices, *numbers))
        _gather(rows, address(objects), len(items), *given, index, before, *map(address, made))
        item, number, of_prices, of_owners, *of_objects, tail, place, mantissa, decimals, owner = made
        # It found prices that can be read alone: a rate object with any other is left to Python.
        of_objects = item, number, of_prices, of_owners, of_prices, *of_objects
        return cls(*of_objects, tail, place, rate, mantissa, decimals, owner)

    def cut(self, start: int, end: int) -> RateColumns:
        """Its rate objects from one to before another."""
        price, owner = (np.concatenate(([0], np.cumsum(c))) for c in (self.prices, self.owners))
        prices, owners = slice(price[start], price[end]), slice(owner[start], owner[end])
        of_price = ("tail", "place", "rate", "mantissa", "decimals")
        by_name = {"owner": owners, **dict.fromkeys(of_price, prices)}
        return RateColumns(
            *(getattr(self, f.name)[by_name.get(f.name, slice(start, end))] for f in dataclass_fields(RateColumns))
        )

    def __len__(self) -> int:
        return len(self.item)


_KINDS = {"rate": np.float64, "owner": np.int32}
NOTHING = RateColumns(*(np.empty(0, _KINDS.get(f.name, np.int64)) for f in dataclass_fields(RateColumns)))


@entry
def _doubles(prices, first, last, powers, rates):
    """As `doubles`, of prices that are not hard, up to the first that is; returns its place."""
    for i in range(first, last):
        mantissa, decimals = (
            get(prices, slots.PRICE_WIDTH * i + slots.PRICE_MANTISSA),
            get(prices, slots.PRICE_WIDTH * i + slots.PRICE_DECIMALS),
        )
        if decimals < 0 or mantissa > _EXACT or mantissa < -_EXACT:
            return i
        put_double(rates, i, mantissa / get_double(powers, decimals))
    return last


def doubles(prices: np.ndarray, found: np.ndarray, first: int) -> int:
    """Fill in the doubles of prices, rows of (tail, mantissa, decimals), from `first` on; returns the first that has more
    digits than a double holds, or whose number is none of mantissa and decimals."""
    return _doubles(address(prices), first, len(prices), address(_POWERS), address(found))


@entry
def _gather(
    count, objects, rows, items, prices, tail_of, list_of, index, before,
    item, number, of_prices, of_owners, countable, priceless, ownerless, tail, place, mantissa, decimals, owner,
):  # fmt: skip
    """As `RateColumns.gathered`, of so many objects and items (`rows`); all others are addresses, but the last two of them; `owner`
    has the owners as they were found."""
    row = price = named = 0
    first = -before
    for i in range(count):
        while row < rows and get(items, slots.ITEM_WIDTH * row + slots.ITEM_OBJECTS) <= i:
            first = get(items, slots.ITEM_WIDTH * row + slots.ITEM_OBJECTS)
            row += 1
        prices_here = get(objects, slots.OBJECT_WIDTH * i + slots.OBJECT_PRICES) - price
        owners_here = get(objects, slots.OBJECT_WIDTH * i + slots.OBJECT_OWNERS) - named
        put(item, i, index + row)
        put(number, i, i - first)
        put(of_prices, i, prices_here)
        put(of_owners, i, owners_here)
        put(countable, i, prices_here * owners_here)
        put(priceless, i, prices_here == 0)
        put(ownerless, i, owners_here == 0)
        for j in range(prices_here):
            put(tail, price, get(tail_of, get(prices, slots.PRICE_WIDTH * price + slots.PRICE_TAIL)))
            put(place, price, j)
            put(mantissa, price, get(prices, slots.PRICE_WIDTH * price + slots.PRICE_MANTISSA))
            put(decimals, price, get(prices, slots.PRICE_WIDTH * price + slots.PRICE_DECIMALS))
            price += 1
        named += owners_here
        if owners_here and get32(owner, named - 1) < 0:  # an in-line list stands behind all others
            put32(owner, named - 1, -1 - get(list_of, -1 - get32(owner, named - 1)))

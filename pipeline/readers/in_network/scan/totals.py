"""One compiled pass that turns rate objects into rows of prices and owners, with counts and sums.

What belongs here: the compiled pass over a part's columns. What must not come in: bytes and JSON text
(`in_network.scan.items`), what a number stands for (`in_network.prices`, `in_network.provider_groups`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.compiled.jit import address, byte, entry, get, get32, put, put32
from pipeline.readers.in_network.scan import slots

_BITS = 20  # of a mantissa at a time, so that no sum of products leaves 63
_LIMB = (1 << _BITS) - 1
_MOST = 1 << 42  # rates, for which that holds
_SCALES = 19  # decimals of a mantissa that an int64 holds: 0 to 18
_LONG, _FEW_DECIMALS = 10**15, 4  # of a mantissa below and decimals up to these nothing is rounded (`exact_sums`)


@entry
def _total(
    count, item, of_prices, of_owners, tail, mantissa, decimals, rate, owner,
    heads, item_ix, terms_ix, suspicious, group_ix, times, turns,
    first, price_object, price_item, price_terms, owner_object, owner_group, rates, sums, counters,
):  # fmt: skip
    """As `total`, of so many rate objects; all others are addresses, but `first`. `counters` has the counters."""
    turn, group = get(counters, slots.TURN), get(counters, slots.GROUP)
    head = price = named = zeros = hard = longer = suspicious_count = new = priced = without_provider = 0
    for i in range(count):
        while get(heads, head) != get(item, i):
            head += 1
        prices, owners, number = get(of_prices, i), get(of_owners, i), get32(item_ix, head)
        if owners == 0:
            without_provider += prices
        else:
            priced += prices
        for j in range(price, price + prices):
            terms = get32(terms_ix, get(tail, j))
            put32(price_object, j, first + i)
            put32(price_item, j, number)
            put32(price_terms, j, terms)
            new += terms < 0
            suspicious_count += byte(suspicious + get(tail, j))
            if get(rate, j) == 0:  # the bits of 0.0
                zeros += owners
            value, scale = get(mantissa, j), get(decimals, j)
            if scale < 0:
                hard += 1
                continue
            longer += scale > _FEW_DECIMALS or value >= _LONG or value <= -_LONG
            limbs = sums + 8 * slots.SUM_WIDTH * scale
            low = get(limbs, slots.LOW) + (value & _LIMB) * owners
            middle = get(limbs, slots.MIDDLE) + ((value >> _BITS) & _LIMB) * owners + (low >> _BITS)
            put(limbs, slots.LOW, low & _LIMB)
            put(limbs, slots.MIDDLE, middle & _LIMB)
            put(limbs, slots.HIGH, get(limbs, slots.HIGH) + (value >> (2 * _BITS)) * owners + (middle >> _BITS))
            put(limbs, slots.TIMES, get(limbs, slots.TIMES) + owners)
        for j in range(named, named + owners):
            put32(owner_object, j, first + i)
            reference = get32(owner, j)
            if reference >= 0:
                put(times, reference, get(times, reference) + prices)
                number = get32(group_ix, reference)
                if number < 0:  # it has a group_ix only once it has a turn
                    if get32(turns, reference) < 0:
                        put32(turns, reference, turn)
                        turn += 1
                    if group >= 0:
                        number = group
                        put32(group_ix, reference, number)
                        group += 1
                put32(owner_group, j, number)
        price += prices
        named += owners
        put(rates, head, get(rates, head) + prices * owners)
    put(counters, slots.ZEROS, zeros)
    put(counters, slots.HARD_RATES, hard)
    put(counters, slots.LONG_RATES, longer)
    put(counters, slots.ODD_TAILS, suspicious_count)
    put(counters, slots.NEW_TERMS, new)
    put(counters, slots.PRICED, priced)
    put(counters, slots.WITHOUT_PROVIDER, without_provider)
    put(counters, slots.TURN, turn)
    put(counters, slots.GROUP, group)


class Totals(NamedTuple):
    """The columns of prices and owners, and what rate objects come to.

    `stages.from_rates` are those of each head; `sums` hold, for each number of decimals, the sum of its mantissas in three limbs of
    `_BITS`, and the rates that it is of; `hard` rates are not in it; `long` ones may be rounded. `priced` are the
    prices of rate objects that have owners, `without_provider` those of the others. `new_terms` says that a tail has no terms_ix yet,
    `suspicious` that a tail is odd. `turn` and `group` are the next ones.
    """

    price_object: np.ndarray
    price_item: np.ndarray
    price_terms: np.ndarray
    owner_object: np.ndarray
    owner_group: np.ndarray
    rates: np.ndarray
    sums: np.ndarray
    zeros: int
    hard: int
    long: int
    suspicious: int
    new_terms: int
    priced: int
    without_provider: int
    turn: int
    group: int

    @property
    def summed(self) -> bool:
        """Whether `exact_sums` may be used: not of parts that have a hard rate or more rates than limbs are made for."""
        return not self.hard and int(self.rates.sum()) < _MOST

    def exact_sums(self) -> Iterator[tuple[int, int]]:
        """(sum of mantissas, decimals) of the rates that there are."""
        for decimals, (low, middle, high, times) in enumerate(self.sums.tolist()):
            if times:
                yield (high << (2 * _BITS)) + (middle << _BITS) + low, decimals


class Next(NamedTuple):
    """The numbers that are given next: of a rate object, of a turn, and of a group (-1 where none is given)."""

    object: int
    turn: int
    group: int


def total(part, heads: np.ndarray, items: np.ndarray, tables: tuple, following: Next) -> Totals:
    """Go over a part (`in_network.prices.Part`), whose items are among `heads`, in order; `items` are their item_ix.

    `tables`: the terms_ix and oddness (a byte) of tails, and of references their group_ix (-1 where there is none), how
    many rates name them, and in which turn they first came (-1 where none did). The last three are filled in,
    with the numbers of `following`; where it gives no group, owner_group is left as it was made. In-line
    lists, owners below 0, are passed over.
    """
    rows, owners = len(part.tail), len(part.owner)
    made = (
        *(np.empty(count, np.int32) for count in (rows, rows, rows, owners, owners)),
        np.zeros(len(heads), np.int64),
        np.zeros((_SCALES, slots.SUM_WIDTH), np.int64),
    )
    counters = np.zeros(slots.COUNTERS, np.int64)
    counters[[slots.TURN, slots.GROUP]] = following.turn, following.group
    names = ("item", "prices", "owners", "tail", "mantissa", "decimals", "rate", "owner")
    columns = [np.ascontiguousarray(getattr(part, name)) for name in names]
    given = [*columns, heads, items, *tables]
    _total(len(part), *map(address, given), following.object, *map(address, (*made, counters)))
    return Totals(*made, *counters.tolist())

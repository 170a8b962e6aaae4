"""Exact sums of amounts of money that are held as doubles.

What belongs here: adding up doubles as the decimals that their shortest texts are, without rounding. What must not come
in: which amounts are added up (the callers'), sums of published texts (the reader has those).

A decimal of at most 15 digits and the double next to it name each other, so a double that is `value / 10^4`, or else
`value / 10^9`, with a value below 10^15, is summed as that whole number; any other as the decimal of its text, in Python.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from pipeline.decimals import EXACT, decimal
from pipeline.jit import entry, inner

DECIMALS = (4, 9)
_BITS = 20  # of a value at a time, so that no sum of products leaves 63, of up to 2^42 amounts
_LIMB = (1 << _BITS) - 1


@inner
def scaled(amount):
    """(row of `DECIMALS`, value) of an amount that is value / 10^decimals; row -1 where it is none of both."""
    if -1e11 < amount < 1e11:
        value = np.rint(amount * 1e4)
        if value / 1e4 == amount:
            return 0, np.int64(value)
        if -1e6 < amount < 1e6:
            value = np.rint(amount * 1e9)
            if value / 1e9 == amount:
                return 1, np.int64(value)
    return -1, np.int64(0)


@inner
def accumulate(limbs, row, value, times):
    """Add a value below 2^60 so many times to a row of three limbs."""
    low = limbs[row, 0] + (value & _LIMB) * times
    middle = limbs[row, 1] + ((value >> _BITS) & _LIMB) * times + (low >> _BITS)
    limbs[row, 0] = low & _LIMB
    limbs[row, 1] = middle & _LIMB
    limbs[row, 2] += (value >> (2 * _BITS)) * times + (middle >> _BITS)


@entry
def _add(amounts, times, limbs, others):
    """Add what can be as whole numbers; fill in the rows of the others, and return how many these are."""
    count = 0
    for i in range(len(amounts)):
        row, value = scaled(amounts[i])
        if row >= 0:
            accumulate(limbs, row, value, times[i])
        else:
            others[count] = i
            count += 1
    return count


class ExactSum:
    """A sum of doubles; `limbs` may be added to by compiled code (`accumulate`)."""

    def __init__(self):
        self.limbs = np.zeros((len(DECIMALS), 3), np.int64)
        self._others = Decimal(0)

    def add(self, amounts: np.ndarray, times: np.ndarray) -> None:
        """Add doubles, each so many times (int64)."""
        others = np.empty(len(amounts), np.int64)
        if count := _add(np.ascontiguousarray(amounts), np.ascontiguousarray(times), self.limbs, others):
            rows = others[:count]
            values, of_value = np.unique(amounts[rows], return_inverse=True)
            counts = np.zeros(len(values), np.int64)
            np.add.at(counts, of_value, times[rows])
            for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                self.add_decimal(decimal(value), count)

    def add_decimal(self, amount: Decimal, times: int) -> None:
        """Add a decimal so many times."""
        self._others = EXACT.fma(amount, Decimal(times), self._others)

    @property
    def total(self) -> Decimal:
        """The sum."""
        total = self._others
        for decimals, (low, middle, high) in zip(DECIMALS, self.limbs.tolist(), strict=True):
            value = (high << (2 * _BITS)) + (middle << _BITS) + low
            total = EXACT.add(total, EXACT.scaleb(Decimal(value), -decimals))
        return total

"""Exact sums of amounts of money that are held as doubles.

What belongs here: adding up the decimals that doubles stand for, without rounding. What must not come in: which amounts
are added up (the callers'), sums of published texts (the reader has those).

A double stands for the decimal next to it of `DECIMALS` decimals, those of its row; one beyond both rows for the decimal
that its shortest text is. A published amount of at most 15 digits and so many decimals is that decimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from pipeline.compiled.jit import entry, inner
from pipeline.decimals import EXACT

DECIMALS, BELOW = (9, 4), (1e6, 1e11)  # so that a value, the amount without its point, has at most 15 digits
_BITS = 20  # of a value at a time, so that no sum of products leaves 63, of up to 2^42 amounts
_LIMB = (1 << _BITS) - 1


@inner
def scaled(amount):
    """(row of `DECIMALS`, value) of an amount; row -1 where it is beyond both."""
    if -1e6 < amount < 1e6:
        return 0, np.int64(np.rint(amount * 1e9))
    if -1e11 < amount < 1e11:
        return 1, np.int64(np.rint(amount * 1e4))
    return -1, np.int64(0)


def decimal(amount: float) -> Decimal:
    """The decimal that a double stands for."""
    for decimals, below in zip(DECIMALS, BELOW, strict=True):
        if -below < amount < below:
            return Decimal(round(amount * 10.0**decimals)).scaleb(-decimals, EXACT)
    return Decimal(repr(amount))


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
    """Add what is of `DECIMALS`; fill in the rows of the others, and return how many these are."""
    count = 0
    for i in range(len(amounts)):
        row, value = scaled(amounts[i])
        if row >= 0:
            accumulate(limbs, row, value, times[i])
        else:
            others[count] = i
            count += 1
    return count


def rounded(
    amounts: np.ndarray, mantissas: np.ndarray, decimals: np.ndarray, times: np.ndarray
) -> Iterator[tuple[int, int]]:
    """What published amounts, mantissa / 10^decimals of at most 18 digits, have beyond what their doubles stand for, each so
    many times: pairs (decimals, sum as a whole number). Those of decimals below 0 and beyond both rows are passed over."""
    for row, (given, below) in enumerate(zip(DECIMALS, BELOW, strict=True)):
        here = (np.abs(amounts) < below) & (decimals >= 0) & (times > 0)
        here &= np.abs(amounts) >= BELOW[0] if row else True
        for published in np.unique(decimals[here]).tolist():
            rows = here & (decimals == published)
            values = np.rint(amounts[rows] * 10.0**given).astype(np.int64)
            left = mantissas[rows] * 10 ** max(0, given - published) - values * 10 ** max(0, published - given)
            if left.any():
                yield max(given, published), int((left * times[rows]).sum())


def _read_only(array: np.ndarray) -> np.ndarray:
    """As Arrow's arrays are: to Numba that is a type of its own, for which a function is compiled once more."""
    array = np.ascontiguousarray(array).view()
    array.setflags(write=False)
    return array


class ExactSum:
    """A sum of doubles; `limbs` may be added to by compiled code (`accumulate`)."""

    def __init__(self):
        self.limbs = np.zeros((len(DECIMALS), 3), np.int64)
        self._others = Decimal(0)

    def add(self, amounts: np.ndarray, times: np.ndarray) -> None:
        """Add doubles, each so many times (int64)."""
        others = np.empty(len(amounts), np.int64)
        if count := _add(_read_only(amounts), _read_only(times), self.limbs, others):
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

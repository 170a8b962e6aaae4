"""Decimals without rounding: adding them up, and their text.

What belongs here: arithmetic on `decimal.Decimal` that never rounds. What must not come in: compiled sums (`exact_sums`),
what an amount means.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact

EXACT = Context(prec=2000, traps=[Inexact])  # room for any sum of doubles, or of published rates


def total(values: Iterable[Decimal | str]) -> Decimal:
    """The sum of decimals, or of their texts."""
    found = Decimal(0)
    for value in values:
        found = EXACT.add(found, Decimal(value))
    return found


def text(total: Decimal) -> str:
    """A sum as text: `1234.50`, at least two decimals and none that say nothing; `1E+308` where it is very large or small."""
    short = total.normalize(EXACT)
    if short.is_zero():
        return "0.00"
    if short.adjusted() > 40 or short.as_tuple().exponent < -40:
        return str(short)
    return f"{short if short.as_tuple().exponent < -2 else short.quantize(Decimal('0.01'), context=EXACT):f}"

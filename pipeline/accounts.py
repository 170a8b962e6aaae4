"""The accounts of a file, of a month and of the warehouse: what was read, and what became of it.

What belongs here: what each term means, which sums must agree, and saying where they do not. What must not come in:
counting. Each term is counted where it happens, none is what the others leave over, so that these sums can fail.

Price objects, the elements of `negotiated_prices`:

    prices_read       all of them, be they readable or not, also those of rate objects and items that cannot be read; a
                      record whose prices cannot be counted (a rate object that is no object, or whose negotiated_prices is
                      no list; an item without any price that could be counted) counts one
    priced            can be read, and so can at least one provider group that their rate object names: at least one rate
                      comes of them. A group counts that the file does not define (`unresolved` counts those rates)
    prices_rejected   cannot be read, or stand in a record that cannot, or every group that they name cannot be read
    without_provider  can be read, but their rate object names no provider group: `provider_references` and
                      `provider_groups` are missing, null or empty. No rate comes of them

    prices_read = priced + prices_rejected + without_provider

Rates, a price object and a group that its rate object names (each reference, and an in-line list as a whole):

    rates_read        all of them, be they readable or not; a record whose rates cannot be counted counts one
    facts             different ones (of a month `rate_facts`: without those that star schemas alone have)
    duplicates        rates that collapsed into an equal one: source_count - 1, over all facts
    rejected          of a price or a group that cannot be read. Where one of two groups of a price cannot be read, the
                      rate of the other one is kept and the price is priced
    corrected_away    dropped by a correction (of a month)

    rates_read = facts + duplicates + rejected + corrected_away

Amounts (dollars and percents alike), exact decimals as text:

    rate_sum          of all rates that could be read, as published, whatever corrections say
    fact_sum          of the facts, each once, as they are published here
    duplicate_sum     of the rates that collapsed into them
    rounded_sum       what is published beyond the decimals that the other sums have (nine, four from a million on:
                      `exact_sums`), mostly none
    corrected_sum     of the rates that corrections dropped, before any correction (of a month)
    amended_sum       what corrections changed of the others: amount before - amount after (of a month)

    rate_sum = fact_sum + duplicate_sum + rounded_sum + corrected_sum + amended_sum
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal

from pipeline import decimals, errors

# Terms that add up over the files of a month, those of amounts last.
COUNTED = "prices_read priced prices_rejected without_provider rates_read rejected".split()
SUMMED = ["rate_sum", "rounded_sum"]
# Terms that only all rates of a month together have.
OF_MONTH = "rate_facts duplicates corrected_away".split()
SUMS_OF_MONTH = "fact_sum duplicate_sum corrected_sum amended_sum".split()
MONTH_TERMS = ["files", *COUNTED, *OF_MONTH, "star_facts", *SUMMED, *SUMS_OF_MONTH]

_PRICES = ("prices_read", ("priced", "prices_rejected", "without_provider"))
OF_FILE = (
    _PRICES,
    ("rates_read", ("facts", "duplicates", "rejected")),
    ("rate_sum", ("fact_sum", "duplicate_sum", "rounded_sum")),
)
OF_MONTHS = (
    _PRICES,
    ("rates_read", ("rate_facts", "duplicates", "rejected", "corrected_away")),
    ("rate_sum", ("fact_sum", "duplicate_sum", "rounded_sum", "corrected_sum", "amended_sum")),
)


def of_files(counts: Iterable[Mapping]) -> dict:
    """The terms of several files, added up; None where an earlier version read one of them and did not count it."""
    counts = list(counts)
    if not counts:
        return dict.fromkeys(COUNTED, 0) | dict.fromkeys(SUMMED, decimals.text(Decimal(0)))
    return {name: added(c.get(name) for c in counts) for name in (*COUNTED, *SUMMED)}


def added(values: Iterable[int | str | None]) -> int | str | None:
    """Numbers, or decimals as text, added up; None where one is not known, or there is none."""
    values = list(values)
    if not values or any(value is None for value in values):
        return None
    return decimals.text(decimals.total(values)) if isinstance(values[0], str) else sum(values)


def imbalances(sums: Iterable[tuple[str, tuple[str, ...]]], account: Mapping) -> list[str]:
    """What does not add up, a sentence each. A sum of which a term is not known (an earlier version did not count it) is
    passed over."""
    found = []
    for whole, parts in sums:
        if account.get(whole) is None or any(account.get(part) is None for part in parts):
            continue
        if added(account[part] for part in parts) != added([account[whole]]):
            sentence = " + ".join(f"{part} {account[part]}" for part in parts)
            found.append(f"{whole} {account[whole]} is not {sentence}")
    return found


def check(sums: Iterable[tuple[str, tuple[str, ...]]], account: Mapping, place: str | os.PathLike) -> None:
    """Raise AccountsError where a sum does not hold."""
    wrong = imbalances(sums, account)
    if wrong:
        raise errors.AccountsError("; ".join(wrong), place=place)

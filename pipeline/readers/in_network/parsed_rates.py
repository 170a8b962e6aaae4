"""Reads the rate objects that the compiled scan leaves to a JSON parser.

What belongs here: one object of negotiated_rates to its part, and what of it cannot be read. What must not come in: bytes,
going through a list (`in_network.items`), under which keys a value stands (`in_network.drafts`), what a field says
(`mrf_fields` and the readings beside it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.readers import mrf_fields as fields
from pipeline.readers.in_network import drafts
from pipeline.readers.in_network.account import Account, json_path
from pipeline.readers.in_network.prices import READINGS, Prices, price_terms
from pipeline.readers.in_network.provider_groups import Groups
from pipeline.readers.in_network.rate_columns import RateColumns
from pipeline.readers.mrf_fields import Notes, Unreadable

UNREADABLE = (Unreadable, TypeError, AttributeError)  # the last two: a list or text where a dict belongs


class _Object(NamedTuple):
    """What a rate object holds, wherever it stands there: its prices, the references that it names, its in-line groups."""

    prices: list[drafts.Placed]
    named: list[drafts.Placed]
    inline: Any

    @property
    def extent(self) -> tuple[int, int]:
        """How many prices and rates it has."""
        return len(self.prices), len(self.prices) * (len(self.named) + bool(self.inline))


def _read(record: Any, notes: Notes) -> _Object:
    if type(record) is not dict:
        raise Unreadable(f"{fields.kind(record)} is where an object belongs")
    fields.repeated(record, notes)
    prices = drafts.prices_of(record, notes)
    return _Object(prices, drafts.named_by(record, notes), drafts.groups_of(record, notes))


def extent(record: Any) -> tuple[int, int]:
    """How many price objects, and how many rates (prices x provider groups), a rate object has, be they readable or not;
    one each where they cannot be counted."""
    try:
        return _read(record, []).extent
    except Unreadable:
        return 1, 1


class Place(NamedTuple):
    """Where a rate object stands: its item in the file, its own number in the item, and its path in the item's record."""

    item: int
    number: int
    path: tuple


def read(record: Any, at: Place, *, groups: Groups, prices: Prices, account: Account) -> RateColumns:
    """A rate object: its owners, its prices, and a rate for each pair of them.

    What cannot be read is rejected in `account`, at its path behind that of `at`: a price, with the rates of all groups; a group,
    with the rates of all prices that can be read, and where no group can be read these prices too. What is odd is noted
    there.
    """
    notes: Notes = []
    item, number, path = at
    row = {"item": item, "object": number, "priceless": 0, "ownerless": 0}
    try:
        here = _read(record, notes)
    except Unreadable as e:
        account.reject(path, str(e), 1, 1)
        return RateColumns.of([], [], **row, listed=1, countable=1)
    row["listed"], row["countable"] = here.extent
    owners, faults = _owners(here, path, groups, notes)
    row["priceless"] = not here.prices
    row["ownerless"] = not owners and not faults
    found = []
    for place, (steps, price) in enumerate(here.prices):
        rate_notes: Notes = []
        try:
            number_of_tail = prices.tail_number(price_terms(price))
            rate, exact = fields.rate(price.get("negotiated_rate"), rate_notes)
        except UNREADABLE:
            reason = fields.first_unreadable(price, READINGS)
            if reason is None:
                raise
            account.reject((*path, *steps), reason, len(owners) + len(faults), 1)
            continue
        notes += rate_notes
        found.append((number_of_tail, place, rate, *prices.exactly(exact)))
    for place, (where, reason) in enumerate(faults):
        account.reject(where, reason, len(found), 0 if owners or place else len(found))
    for step, (issue, detail) in enumerate(notes):
        where = json_path("in_network", item, "negotiated_rates", number)
        account.warnings.add(issue, (account.section, item, 1, number, 0, step), where, detail=detail)
    return RateColumns.of([] if faults and not owners else found, owners, **row)


def _owners(here: _Object, path: tuple, groups: Groups, notes: Notes) -> tuple[list[int], list[tuple[tuple, str]]]:
    """The groups that a rate object names, and (path, reason) of each that cannot be read."""
    owners, faults = [], []
    for steps, value in here.named:
        try:
            owners.append(groups.ids.number(drafts.reference_id(value, notes)))
        except Unreadable as e:
            faults.append(((*path, *steps), f"provider_references: {e}"))
    if here.inline:
        try:
            owners.append(-1 - groups.inlines.number(here.inline))
        except Unreadable as e:
            faults.append((path, str(e)))
    return owners, faults

"""Rate objects as parsed JSON says them: what the compiled pass leaves, for it takes care to see.

What belongs here: one object of negotiated_rates to its part, and what of it cannot be read. What must not come in: bytes,
going through a list (`in_network_items`), what a field says (`in_network_fields`).
"""

from __future__ import annotations

from typing import Any

from pipeline.readers import in_network_fields as fields
from pipeline.readers.in_network_account import Account
from pipeline.readers.in_network_fields import Unreadable
from pipeline.readers.in_network_groups import Groups
from pipeline.readers.in_network_parts import Part
from pipeline.readers.in_network_prices import READINGS, Prices, tail

UNREADABLE = (Unreadable, TypeError, AttributeError)  # the last two: a list or text where a dict belongs


def extent(record: Any) -> tuple[int, int]:
    """How many price objects, and how many rates (prices x provider groups), a rate object has, be they readable or not;
    one each where they cannot be counted."""
    listed = record.get("negotiated_prices") if type(record) is dict else False
    if listed is not None and type(listed) is not list:
        return 1, 1
    references = record.get("provider_references")
    groups = len(references) if type(references) is list else references is not None
    prices = len(listed or ())
    return prices, prices * (groups + bool(record.get("provider_groups")))


def read(record: Any, item: int, number: int, path: tuple, *, groups: Groups, prices: Prices, account: Account) -> Part:
    """A rate object: its owners, its prices, and a rate for each pair of them; `number` is its place in its item.

    What cannot be read is rejected in `account`, at its path behind `path`: a price, with the rates of all groups; a group,
    with the rates of all prices that can be read, and where no group can be read these prices too.
    """
    listed, countable = extent(record)
    row = {"item": item, "object": number, "listed": listed, "countable": countable, "priceless": 0, "ownerless": 0}
    listed = record.get("negotiated_prices") if type(record) is dict else None
    wrong = None
    if type(record) is not dict:
        wrong = f"{fields.kind(record)} stands where an object belongs"
    elif listed is not None and type(listed) is not list:
        wrong = f"negotiated_prices: {fields.kind(listed)} stands where a list belongs"
    if wrong:
        account.reject(path, wrong, 1, 1)
        return Part.of([], [], **row)
    owners, faults = _owners(record, path, groups)
    row["priceless"] = not listed
    row["ownerless"] = not owners and not faults
    found = []
    for place, price in enumerate(listed or ()):
        try:
            number_of_tail = prices.tail_number(tail(price))
            rate, exact = fields.rate(price.get("negotiated_rate"))
        except UNREADABLE:
            reason = fields.first_unreadable(price, READINGS)
            if reason is None:
                raise
            account.reject((*path, "negotiated_prices", place), reason, len(owners) + len(faults), 1)
            continue
        found.append((number_of_tail, place, rate, *prices.exactly(exact)))
    for place, (where, reason) in enumerate(faults):
        account.reject(where, reason, len(found), 0 if owners or place else len(found))
    return Part.of([] if faults and not owners else found, owners, **row)


def _owners(record: dict, path: tuple, groups: Groups) -> tuple[list[int], list[tuple[tuple, str]]]:
    """The groups that a rate object names, and (path, reason) of each that cannot be read."""
    owners, faults = [], []
    references = record.get("provider_references")
    if type(references) is not list:
        references = [] if references is None else [references]
    for place, value in enumerate(references):
        try:
            owners.append(groups.ids.number((fields.text(value) or "").encode()))
        except Unreadable as e:
            listed = type(record["provider_references"]) is list
            faults.append(((*path, "provider_references", place) if listed else path, f"provider_references: {e}"))
    if inline := record.get("provider_groups"):
        try:
            owners.append(-1 - groups.inlines.number(inline))
        except Unreadable as e:
            faults.append((path, str(e)))
    return owners, faults

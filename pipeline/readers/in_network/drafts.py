"""Finds rates, prices and groups under the keys of CMS's older schema drafts, and in objects in place of lists.

What belongs here: finding the rates of an item, the prices and groups of a rate object, the id and groups of a reference,
under any of these keys, with a note where it is not today's. What must not come in: what a field says (the readings'
modules), branches on the file's `version`, keys that no draft or publisher was seen to write.

CMS's schema of 2020 (price-transparency-guide, in-network-rates.json at its beginnings) has `negotiated_rates: [{providers:
[npi, …], tin: "11-1111111", service_code, negotiated_price: {…}}]`; its examples have `providers: [{npi, tin}]`, a bare
`negotiated_rate` in the rate object, and references that are `{providerGroupId, npi, tin}`.
"""

from __future__ import annotations

from typing import Any

from pipeline.readers import mrf_issues as issues
from pipeline.readers.mrf_fields import Note, Notes, Unreadable, identifier, kind

# The fields of a price but its rate; in a rate object they hold for all its prices.
_TERMS = (
    *("service_code", "billing_class", "billing_code_modifier", "expiration_date"),
    *("negotiated_type", "setting", "additional_information"),
)
Placed = tuple[tuple, Any]  # a value and the steps of the path to it


def rates_of(item: dict, notes: Notes) -> list[Placed]:
    """The rate objects of an item. Raises Unreadable."""
    for key in ("negotiated_rates", "negotiated_rate"):
        listed = item.get(key)
        if listed is None:
            continue
        if type(listed) is dict and listed:
            notes.append(Note(issues.OLDER_FORM, f"{key} is one object"))
            return [((key,), listed)]
        if type(listed) is not list:
            raise Unreadable(f"{key}: {kind(listed)} is where a list belongs")
        if key != "negotiated_rates":
            notes.append(Note(issues.OLDER_FORM, key))
        return [((key, number), one) for number, one in enumerate(listed)]
    return []


def prices_of(record: dict, notes: Notes) -> list[Placed]:
    """The prices of a rate object. Raises Unreadable."""
    found: list[Placed] = []
    for key in ("negotiated_prices", "negotiated_price"):
        found += _listed(record, key, notes)
    if not found and record.get("negotiated_rate") is not None:
        notes.append(Note(issues.OLDER_FORM, "negotiated_rate in a rate object"))
        listed = record["negotiated_rate"]
        if type(listed) is list and any(type(one) is dict for one in listed):
            found = [(("negotiated_rate", number), one) for number, one in enumerate(listed)]
        else:
            return [((), record)]
    terms = {key: record[key] for key in _TERMS if record.get(key) is not None}
    if terms and found:
        notes.append(Note(issues.OLDER_FORM, f"{next(iter(terms))} in a rate object"))
        return [(path, {**terms, **price} if type(price) is dict else price) for path, price in found]
    return found


def _listed(record: dict, key: str, notes: Notes) -> list[Placed]:
    listed = record.get(key)
    if listed is None:
        return []
    if type(listed) is list:
        if listed and key != "negotiated_prices":
            notes.append(Note(issues.OLDER_FORM, key))
        return [((key, number), one) for number, one in enumerate(listed)]
    if type(listed) is dict and ("negotiated_rate" in listed or key != "negotiated_prices"):
        notes.append(Note(issues.OLDER_FORM, f"{key} is one object"))
        return [((key,), listed)]
    if isinstance(listed, str) and key == "negotiated_price":
        notes.append(Note(issues.OLDER_FORM, f"{key} is the amount"))
        return [((key,), {"negotiated_rate": listed})]
    raise Unreadable(f"{key}: {kind(listed)} is where a list belongs")


def groups_of(record: dict, notes: Notes) -> Any:
    """The provider groups of a rate object or a reference, as `mrf_membership.membership` takes them; what is not
    true where there are none."""
    if listed := record.get("provider_groups"):
        return listed
    if listed := record.get("provider_group"):
        notes.append(Note(issues.OLDER_FORM, "provider_group"))
        return listed if type(listed) is list else [listed]
    if any(record.get(key) for key in ("provider_references", "provider_reference", "location")):
        return None
    own = {key: record[key] for key in ("npi", "NPI", "tin", "providers") if record.get(key) not in (None, "", [], {})}
    if not own:
        return None
    notes.append(Note(issues.OLDER_FORM, f"{next(iter(own))} outside of provider_groups"))
    return [own]


def named_by(record: dict, notes: Notes) -> list[Placed]:
    """The references that a rate object names."""
    for key in ("provider_references", "provider_reference"):
        listed = record.get(key)
        if listed is None:
            continue
        if key != "provider_references":
            notes.append(Note(issues.OLDER_FORM, key))
        return [((key, n), one) for n, one in enumerate(listed)] if type(listed) is list else [((), listed)]
    return []


def reference_of(record: dict, notes: Notes) -> bytes:
    """The id of a reference, empty where it has none. Raises Unreadable."""
    if "provider_group_id" not in record and "providerGroupId" in record:
        notes.append(Note(issues.OLDER_FORM, "providerGroupId"))
        return reference_id(record["providerGroupId"], notes)
    return reference_id(record.get("provider_group_id"), notes)


def reference_id(value: Any, notes: Notes) -> bytes:
    """The id of a reference, as a rate names it too: to the digit, but a whole number with a point is the number."""
    return (identifier(value, notes) or "").encode()

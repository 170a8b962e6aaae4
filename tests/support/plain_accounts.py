"""What became of the prices and rates of an in-network file, counted the slow, obvious way.

What belongs here: the terms of a file's accounts in words of JSON, over `json`, `re` and `fractions`. What must not come
in: anything of `pipeline`. Whole files are held in memory, so: small files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TEXTS = "billing_class negotiated_type additional_information setting expiration_date".split()
NO_DATE = ("2025-02-30", "soon", "13/13/2025")  # as the generated files have them
_LISTS = "service_code billing_code_modifier".split()


@dataclass
class Accounts:
    """Terms as `pipeline.accounts` names them; `kept` rates are facts and duplicates together."""

    prices_read: int = 0
    priced: int = 0
    prices_rejected: int = 0
    without_provider: int = 0
    rates_read: int = 0
    kept: int = 0
    rejected: int = 0
    rate_sum: Fraction = Fraction(0)


def is_text(value) -> bool:
    """Whether a value is a text, a number (held as text) or null."""
    return value is None or (isinstance(value, str))


def are_texts(value) -> bool:
    """Whether it is a text or a list of them."""
    return is_text(value) or (isinstance(value, list) and all(map(is_text, value)))


def amount(price) -> Fraction | None:
    """The rate of a price; None where the price cannot be read."""
    if not isinstance(price, dict) or not isinstance(price.get("negotiated_rate"), str):
        return None
    text = price["negotiated_rate"].strip()
    if str(price.get("expiration_date")).strip() in NO_DATE:
        return None
    readable = all(is_text(price.get(k)) for k in _TEXTS) and all(are_texts(price.get(k)) for k in _LISTS)
    return Fraction(text) if readable and _NUMBER.fullmatch(text) else None


def named(record: dict) -> list[bool]:
    """The provider groups that a rate object names: whether each can be read."""
    references = record.get("provider_references")
    listed = references if isinstance(references, list) else [] if references is None else [references]
    found = [is_text(one) for one in listed]
    if inline := record.get("provider_groups"):
        found.append(
            isinstance(inline, list)
            and all(isinstance(one, dict) and isinstance(one.get("tin") or {}, dict) for one in inline)
        )
    return found


def prices_of(record) -> list | None:
    """The price objects of a rate object, under today's key and that of an older draft; None where they cannot be counted."""
    if not isinstance(record, dict):
        return None
    listed = [record.get(key) for key in ("negotiated_prices", "negotiated_price")]
    if not all(isinstance(one, list | None) for one in listed):
        return None
    return [price for one in listed for price in one or ()]


def is_item(item) -> bool:
    """Whether the rates of an item can be identified."""
    if not isinstance(item, dict) or not isinstance(item.get("negotiated_rates"), list | None):
        return False
    texts = "billing_code_type billing_code negotiation_arrangement severity_of_illness".split()
    if not all(is_text(item.get(k)) for k in texts):
        return False
    contained = [item.get(role) for role in ("bundled_codes", "covered_services")]
    return all(
        listed is None or (isinstance(listed, list) and all(isinstance(one, dict) for one in listed))
        for listed in contained
    )


def of_file(content: bytes) -> Accounts:
    """The accounts of a file's bytes; of keys that stand twice the last one counts."""
    found = Accounts()
    text = content.decode("utf-8-sig")
    doc = json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda name: {})
    for item in doc.get("in_network") or ():
        if is_item(item):
            for record in item.get("negotiated_rates") or ():
                _rate_object(found, record)
            continue
        whole = Accounts()
        objects = item.get("negotiated_rates") if isinstance(item, dict) else None
        for record in objects if isinstance(objects, list) else ():
            _rate_object(whole, record)
        # Of an item that cannot be read all is rejected, and where nothing can be counted: one.
        for read, rejected in (("prices_read", "prices_rejected"), ("rates_read", "rejected")):
            count = max(1, getattr(whole, read))
            setattr(found, read, getattr(found, read) + count)
            setattr(found, rejected, getattr(found, rejected) + count)
    return found


def _rate_object(found: Accounts, record) -> None:
    prices = prices_of(record)
    if prices is None:
        found.prices_read += 1
        found.prices_rejected += 1
        found.rates_read += 1
        found.rejected += 1
        return
    groups = named(record)
    for price in prices:
        rate = amount(price)
        found.prices_read += 1
        found.rates_read += len(groups)
        if rate is None:
            found.prices_rejected += 1
            found.rejected += len(groups)
            continue
        readable = sum(groups)
        found.kept += readable
        found.rejected += len(groups) - readable
        found.rate_sum += readable * rate
        if readable:
            found.priced += 1
        elif groups:
            found.prices_rejected += 1
        else:
            found.without_provider += 1

"""In-network files of which parts cannot be read: prices, groups, rate objects and items, from a seed.

What belongs here: putting unreadable values into odd but readable documents (`generate_mrf`), each of which JSON can
say. What must not come in: what is to be counted of them (`plain_accounts`), damage to bytes (`mutate_mrf`).
"""

from __future__ import annotations

import random

from generate_mrf import Raw, Writer, document

# What is not as the schema has it, and has one reading; and what has none.
UNUSUAL = {
    "expiration_date": ["12/31/2025", "31-Dec-2025", Raw("20251231")],
    "service_code": [["21,22"], "21;22", [Raw("11.0")], ["x"]],
    "billing_code_modifier": [["26,TC"], "26|TC"],
}
NO_DATE = ["2025-02-30", "soon", "13/13/2025"]
TINS = [Raw("123456789.0"), Raw("12345678"), "1234567"]
NPIS = [Raw("1234567893.0"), ["1234567893,1679576722"], "1234567893; 1679576722", [Raw("1.234567893e9")]]
LONG = ["123.45000000000002", "0.1234567890123", "98765432.123456", "250000000000.01", "12345678901234567.25"]


def spoilt_document(rng: random.Random) -> dict:
    """A document some of whose values cannot be read, with long amounts, and records that stand twice."""
    found = _copied(document(rng))
    items = found["in_network"]
    for item in items:
        for listed in item["negotiated_rates"] or ():
            _spoil_rate_object(rng, listed)
        if item["negotiated_rates"]:
            objects = item["negotiated_rates"]
            objects += [_copied(rng.choice(objects))] * (rng.random() < 0.2)
            if rng.random() < 0.15:
                place = rng.randrange(len(objects))
                objects[place] = rng.choice([None, Raw("7"), [], {**objects[place], "negotiated_prices": {}}])
    for place, item in enumerate(items):
        if rng.random() < 0.06:
            items[place] = rng.choice(
                [None, "item", {**item, "billing_code": []}, {**item, "negotiated_rates": "none"}, {"bundled_codes": 1}]
            )
    return found


def spoilt_file(seed: int) -> bytes:
    """A whole file of one."""
    rng = random.Random(seed)
    return Writer(rng).text(spoilt_document(rng)).encode()


def _copied(value):
    """The same value, no two parts of which are one object."""
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _spoil_rate_object(rng: random.Random, listed: dict) -> None:
    prices = listed.get("negotiated_prices") or []
    for place, price in enumerate(prices):
        chance = rng.random()
        if chance < 0.04:
            prices[place] = rng.choice([None, [], "price", {}, {**price, "negotiated_rate": "n/a"}])
        elif chance < 0.08:
            key = rng.choice(["setting", "service_code", "billing_class", "billing_code_modifier", "negotiated_rate"])
            prices[place] = {**price, key: rng.choice([{}, True])}
        elif chance < 0.14:
            prices[place] = {**price, "negotiated_rate": Raw(rng.choice(LONG))}
        elif chance < 0.22:
            key = rng.choice(sorted(UNUSUAL))
            prices[place] = {**price, key: rng.choice(UNUSUAL[key])}
        elif chance < 0.25:
            prices[place] = {**price, "expiration_date": rng.choice(NO_DATE)}
    if rng.random() < 0.1:
        listed["provider_references"] = [*(listed.get("provider_references") or ()), rng.choice([{}, [], True])]
    if rng.random() < 0.08:
        listed["provider_groups"] = rng.choice([[None], "groups", {"npi": []}, [{"tin": "1"}], []])
    if rng.random() < 0.05:
        listed["provider_references"] = rng.choice([Raw("5"), {}, []])
    for group in listed.get("provider_groups") or () if isinstance(listed.get("provider_groups"), list) else ():
        if isinstance(group, dict) and isinstance(group.get("tin"), dict) and rng.random() < 0.2:
            group["tin"] = {"type": "ein", "value": rng.choice(TINS)}
        if isinstance(group, dict) and rng.random() < 0.2:
            group["npi"] = rng.choice(NPIS)
    if rng.random() < 0.1:
        listed.pop("provider_references", None)
        listed.pop("provider_groups", None)
    if rng.random() < 0.1 and "negotiated_prices" in listed:
        listed["negotiated_price"] = listed.pop("negotiated_prices")

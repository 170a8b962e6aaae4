"""The same contract written in many ways, and values that no contract has, for the reader of in-network files.

What belongs here: JSON text from a seed, and the plain text that means the same. What must not come in: the project's own
readings, which these files test.
"""

from __future__ import annotations

import json
import random

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Raw(str):
    """A JSON token written as it is."""


def text(value) -> str:
    """JSON text of dicts, lists, texts, Raw and None."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    return json.dumps(value)


def number(rng: random.Random, digits: str):
    """A whole number, as number or text, with a point or an exponent."""
    short = digits.rstrip("0") or "0"
    exponent = Raw(f"{short[0]}.{short[1:] or '0'}e{len(digits) - 1}") if digits[0] != "0" else digits
    points = [f"{digits}.0", f" {digits}.00 "]
    numbers = [Raw(digits), Raw(f"{digits}.0"), exponent] if digits[0] != "0" else []
    return rng.choice([digits, f" {digits} ", *points, *numbers])


def several(rng: random.Random, codes: list[str]):
    """Codes as a list, as a list in which some stand in one text, or as one text."""
    separator = rng.choice([",", ", ", ";", " ", "|", " / "])
    cut = rng.randrange(len(codes) + 1)
    pieces = [separator.join(codes[:cut]), separator.join(codes[cut:])]
    return rng.choice([codes, [p for p in pieces if p] + [""] * rng.randrange(2), separator.join(codes), str(codes)])


def date(rng: random.Random, year: int, month: int, day: int) -> str:
    """A day in a form that has one reading where the month comes first."""
    m, d, name = month, day, rng.choice([MONTHS[month - 1], MONTHS[month - 1].upper()])
    time = rng.choice(["", "", " 00:00:00", "T00:00:00Z", " 12:00:00 AM", "T00:00:00.000-05:00"])
    forms = [
        f"{year}-{m:02}-{d:02}", f"{m}/{d}/{year}", f"{m:02}/{d:02}/{year}", f"{m:02}-{d:02}-{year}", f"{year}/{m}/{d}",
        f"{year}{m:02}{d:02}", f"{d:02}-{name}-{year}", f"{name} {d}, {year}", f"{d} {name} {year}", f"{year}.{m}.{d}",
    ]  # fmt: skip
    if day > 12:
        forms += [f"{d}/{m}/{year}", f"{d}.{m:02}.{year}"]
    return rng.choice(forms) + time


def code(rng: random.Random, plain: str) -> str:
    """A CPT code with characters around and in it that nobody sees."""
    unseen = ["", "", " ", "\t", "\u00a0", "\u200b", "\ufeff", "\u2009"]
    return "".join(rng.choice(unseen) + c for c in rng.choice([plain, plain.lower()])) + rng.choice(unseen)


def contract(rng: random.Random) -> tuple[dict, dict]:
    """A file as it should be, and the same contracts as they are found."""
    npis = rng.sample(["1550000016", "1550000024", "1550000032", "1003000126"], rng.randint(1, 3))
    ein = rng.choice(["12-3456789", "01-2345678"])
    year, month, day = rng.choice([2025, 2026, 9999]), rng.randint(1, 12), rng.randint(1, 28)
    pos, modifiers = (
        rng.sample(["11", "21", "22", "05"], rng.randint(1, 3)),
        rng.sample(["26", "59", "GT"], rng.randint(1, 2)),
    )
    group_id = str(rng.randrange(1, 10_000))
    service = rng.choice(["99213", "G0439", "00104"])
    terms = {"negotiated_type": "negotiated", "billing_class": "professional", "negotiated_rate": Raw("60.50")}

    def file(group: list, reference, named, price_key: str, prices, item: dict, updated: str) -> dict:
        rates = {"provider_references": named, price_key: prices}
        return {
            "reporting_entity_name": "P",
            "last_updated_on": updated,
            "provider_references": [{"provider_group_id": reference, "provider_groups": group}],
            "in_network": [{**item, "negotiation_arrangement": "ffs", "negotiated_rates": [rates]}],
        }

    end = f"{year}-{month:02}-{day:02}"
    price = {**terms, "service_code": pos, "billing_code_modifier": modifiers, "expiration_date": end}
    plain = file(
        [{"npi": npis, "tin": {"type": "ein", "value": ein}}], Raw(group_id), [Raw(group_id)], "negotiated_prices", [price],
        {"billing_code_type": "CPT", "billing_code": service}, "2026-02-04",
    )  # fmt: skip
    bare = ein.replace("-", "")
    value = rng.choice(
        [
            ein,
            f" {ein} ",
            bare,
            f"{bare}.0",
            *([bare[1:], Raw(bare[1:]), Raw(f"{bare[1:]}.0")] if bare[0] == "0" else [Raw(f"{bare}.0")]),
        ]
    )
    listed = rng.choice([[number(rng, npi) for npi in npis], several(rng, npis)])
    group = {"npi": listed, "tin": rng.choice([{"type": rng.choice(["ein", "EIN"]), "value": value}, ein])}
    group = rng.choice(
        [[group], group, [{"providers": [group]}], [{"providers": [{"npi": [one], "tin": ein} for one in npis]}]]
    )
    odd_price = {
        **terms,
        "service_code": rng.choice([[number(rng, code) for code in pos], several(rng, pos)]),
        "billing_code_modifier": several(rng, [rng.choice([m, m.lower()]) for m in modifiers]),
        "expiration_date": date(rng, year, month, day),
        "negotiated_rate": rng.choice([Raw("60.50"), "60.5", [Raw("60.50")], Raw("6.05e1")]),
    }
    key = rng.choice(["negotiated_prices", "negotiated_price"])
    prices = rng.choice([[odd_price], odd_price])
    odd = file(
        group, number(rng, group_id), rng.choice([[number(rng, group_id)], number(rng, group_id)]), key, prices,
        {"billing_code_type": rng.choice(["CPT", " cpt "]), "billing_code": code(rng, service)}, date(rng, 2026, 2, 4),
    )  # fmt: skip
    return plain, odd


GARBAGE = [
    None, True, [], {}, [[]], [{}], "", " ", "x", "N/A", "null", "\u0000", "1,2", "-1", "12.5", "99999999999999999999",
    Raw("0"), Raw("-1"), Raw("1.5"), Raw("1e2"), Raw("1e999"), Raw("12345678901234567890.0"), Raw("NaN"), ["n", "u", "l"],
    ["x", "y"], [None, ""], [Raw("1"), "2"], {"npi": [Raw("1")]}, {"negotiated_rate": Raw("5")}, "21-22", "13/13/2025",
    "12/31/25", "2025-02-30", "0000-00-00", Raw("20251231"), "a:b", "a|b", "1550000016,x", "\ud83d\ude00",
]  # fmt: skip
KEYS = {
    "item": ["billing_code", "billing_code_type", "negotiation_arrangement", "severity_of_illness", "bundled_codes", "name"],
    "object": [
        "provider_references", "provider_groups", "negotiated_prices", "negotiated_price", "negotiated_rate", "providers",
        "provider_group", "tin", "npi", "service_code", "unknown",
    ],
    "price": [
        "negotiated_rate", "service_code", "billing_code_modifier", "expiration_date", "billing_class", "negotiated_type",
        "setting", "additional_information",
    ],
    "group": ["npi", "NPI", "tin", "providers"],
    "tin": ["type", "value", "business_name"],
    "reference": ["provider_group_id", "provider_groups", "location", "network_name", "npi", "tin"],
}  # fmt: skip


def spoilt(rng: random.Random) -> dict:
    """A file of regular contracts, some values of which are garbage, left out or there twice."""

    def spoil(kind: str, record: dict) -> dict:
        for key in KEYS[kind]:
            chance = rng.random()
            if chance < 0.06:
                record[key] = rng.choice(GARBAGE)
            elif chance < 0.08:
                record.pop(key, None)
        return record

    def group() -> dict:
        tin = spoil("tin", {"type": "ein", "value": f"{rng.randrange(1, 10**9):09}"})
        return spoil(
            "group",
            {"npi": [Raw(str(1_550_000_000 + rng.randrange(50))) for _ in range(rng.randint(1, 3))], "tin": tin},
        )

    def price() -> dict:
        return spoil("price", {
            "negotiated_type": "negotiated", "negotiated_rate": Raw(f"{rng.randrange(1, 99999) / 100:.2f}"),
            "service_code": ["11"], "billing_class": "professional", "expiration_date": "2025-12-31",
        })  # fmt: skip

    def rates() -> dict:
        owners = {"provider_references": [Raw(str(rng.randrange(4))) for _ in range(rng.randint(1, 3))]}
        if rng.random() < 0.5:
            owners = {"provider_groups": [group() for _ in range(rng.randint(1, 2))]}
        return spoil("object", {**owners, "negotiated_prices": [price() for _ in range(rng.randint(1, 3))]})

    references = [
        spoil("reference", {"provider_group_id": Raw(str(n)), "provider_groups": [group()]}) for n in range(4)
    ]
    items = [
        spoil(
            "item",
            {"billing_code_type": "CPT", "billing_code": "99213", "negotiated_rates": [rates() for _ in range(3)]},
        )
        for _ in range(4)
    ]
    parts = [("provider_references", references), ("in_network", items)]
    rng.shuffle(parts)
    return {"reporting_entity_name": "P", "last_updated_on": "2026-02-04", **dict(parts)}

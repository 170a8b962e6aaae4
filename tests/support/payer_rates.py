"""An in-network file of a payer with the rates that a test names."""

from __future__ import annotations

import json

PEOPLE = [(1550000016, "12-3456789"), (1550000024, "98-7654321")]

CODES = ["99213", "99214", "70551"]


def in_network(number: int, *, more: float = 0.0) -> str:
    """The text of an in-network file, a payer's own; no two are alike."""
    npi, tin = PEOPLE[number % 2]
    group = {"npi": [npi], "tin": {"type": "ein", "value": tin}}
    items = []
    for place, code in enumerate(CODES[: 1 + number % 3]):
        price = {
            "negotiated_type": "negotiated",
            "negotiated_rate": 50 + number + place / 4 + more,
            "expiration_date": "9999-12-31",
            "billing_class": "professional",
            "service_code": ["11"],
        }
        items.append(
            {
                "negotiation_arrangement": "ffs",
                "name": code,
                "billing_code_type": "CPT",
                "billing_code_type_version": "2025",
                "billing_code": code,
                "description": f"service {code}",
                "negotiated_rates": [{"provider_groups": [group], "negotiated_prices": [price]}],
            }
        )
    header = {
        "reporting_entity_name": f"Payer {number:02}",
        "reporting_entity_type": "health insurance issuer",
        "last_updated_on": "2025-08-01",
        "version": "1.3.1",
    }
    return json.dumps({**header, "in_network": items})


def rates(payer: str, month: str, amounts: list[float]) -> str:
    """An in-network file of a payer's rates for one service each."""
    text = json.loads(in_network(2))
    text |= {"reporting_entity_name": payer, "last_updated_on": f"{month}-01"}
    for item, amount in zip(text["in_network"], amounts, strict=False):
        item["negotiated_rates"][0]["negotiated_prices"][0]["negotiated_rate"] = amount
    text["in_network"] = text["in_network"][: len(amounts)]
    return json.dumps(text)

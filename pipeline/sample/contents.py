"""A payer's table of contents: plans and the in-network files that they use, one of which nobody downloaded.

What belongs here: that file. What must not come in: the in-network files themselves (`mrf`, `oddities`).
"""

from __future__ import annotations

import json

NAME = "2025-08-01_tupelo-vine_index.json"
_HOST = "https://transparency.tupelovine.example/2025-08/"
_ALL = "2025-08_tupelo-vine_ga_in-network-rates.json"
_SELECT = "2025-08_tupelo-vine_ga_select-{}_in-network-rates.json"


def index() -> str:
    """Two plans of Georgia: each uses the state's rates and those of its own network; a third's file is not in the sample."""

    def plan(name: str, hios: str) -> dict:
        of = {
            "plan_id_type": "hios",
            "plan_id": hios,
            "plan_market_type": "individual",
            "issuer_name": "Tupelo & Vine Mutual",
        }
        return {"plan_name": name, **of}

    first, second = plan("Vine Select 1", "97001GA0010001"), plan("Vine Select 2", "97001GA0010002")
    structures = [
        ([first, second], [_ALL]),
        ([first], [f"{_SELECT.format(1)}?sig=1"]),
        ([second], [_SELECT.format(2)]),
        ([plan("Vine Dental", "97001GA0020001")], ["2025-08_tupelo-vine_ga_dental_in-network-rates.json"]),
    ]
    listed = [
        {
            "reporting_plans": plans,
            "in_network_files": [{"description": "in-network rates", "location": _HOST + name} for name in names],
        }
        for plans, names in structures
    ]
    head = {"reporting_entity_name": "Tupelo & Vine Mutual", "reporting_entity_type": "health insurance issuer"}
    return (
        json.dumps(
            {**head, "last_updated_on": "2025-08-01", "version": "2.0.0", "reporting_structure": listed}, indent=1
        )
        + "\n"
    )

"""An in-network file with its references inside, and the same with their web addresses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from pipeline import session
from pipeline.operations import status

A, B = "https://mrf.example.org/a/12.json", "https://mrf.example.org/b/12.json?sig=%2F1"

GROUPS = {
    A: [{"npi": [1111111112, 1222222228], "tin": {"type": "ein", "value": "22-2222222"}}],
    B: [{"npi": [1333333334], "tin": {"type": "npi", "value": "1333333334"}}],
}


def in_network(**references) -> dict:
    """A file of one code with a price for each of two references; `fetching.reference_lookup` is how they are defined."""
    prices = [{"negotiated_rate": 80.5, "negotiated_type": "negotiated", "billing_class": "professional"}]
    prices[0] |= {"expiration_date": "2026-12-31", "service_code": ["11"]}
    item = {"billing_code_type": "CPT", "billing_code": "99213", "name": "visit", "negotiation_arrangement": "ffs"}
    rates = [{**r, "negotiated_prices": prices} for r in references["rates"]]
    return {
        "reporting_entity_name": "Acme",
        "last_updated_on": "2025-08-01",
        "version": references.get("version", "1.3.1"),
        **({"provider_references": references["defined"]} if "defined" in references else {}),
        "in_network": [{**item, "negotiated_rates": rates}],
    }


INLINE = in_network(rates=[{"provider_groups": GROUPS[A]}, {"provider_groups": GROUPS[B]}])

BY_ID = [{"provider_references": ["1.50"]}, {"provider_references": ["2"]}]

BY_ADDRESS = in_network(
    rates=BY_ID, defined=[{"provider_group_id": "1.50", "location": A}, {"provider_group_id": "2", "location": B}]
)


def put(path: Path, content: dict | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def sources(root: Path) -> dict[str, dict]:
    session.use(root)
    status.begin()
    return {row["file"].removeprefix("GA/").removesuffix(".json"): row for row in status.sources()}

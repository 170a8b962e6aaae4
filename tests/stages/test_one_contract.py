"""One contract as v1 and v2 write it: whichever way its provider groups are given, the same facts."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

import staged_rates
from pipeline import tables
from pipeline.readers.in_network import read as in_network
from pipeline.transforms import fact_rate

FILE = "GA/contract.json"
GROUPS = [
    {"npi": [1234567893, 1003000126], "tin": {"type": "ein", "value": "11-1111111", "business_name": "B"}},
    {"npi": [0], "tin": {"type": "npi", "value": "1003000134"}},
]
URL = "https://example.org/5.json"
PRICES = [
    {"negotiated_type": "negotiated", "negotiated_rate": rate, "billing_class": "professional", "service_code": ["11"]}
    for rate in (100.5, 80)
]
INLINE, NAMED = {"provider_groups": GROUPS}, {"provider_references": [5]}
DEFINED = {"provider_references": [{"provider_group_id": 5, "provider_groups": GROUPS}]}
BY_URL = {"provider_references": [{"provider_group_id": 5, "location": URL}]}
V2 = {
    "version": "2.0.0",
    "issuer_name": "I",
    "provider_references": [{"provider_group_id": 5, "network_name": [], "provider_groups": GROUPS}],
}
V2_FILLED = {**V2, "provider_references": [{**V2["provider_references"][0], "network_name": ["PPO"]}]}


def contract(owners: dict, root: dict, **of_price: str) -> dict:
    """The contract as a file: how its rates name their groups, what else stands at the root and in a price."""
    rates = [{**owners, "negotiated_prices": [{**price, **of_price} for price in PRICES]}]
    item = {"negotiation_arrangement": "ffs", "billing_code_type": "CPT", "billing_code": "27447", "name": "Knee"}
    head = {"reporting_entity_name": "P", "last_updated_on": "2025-06-01", "version": "1.3.1"}
    return {**head, **root, "in_network": [{**item, "negotiated_rates": rates}]}


def facts(content: dict, folder) -> tuple[dict[str, dict], set[tuple]]:
    """Its facts by fact_uid and its members, from the file's bytes."""
    path = folder / "contract.json"
    path.write_text(json.dumps(content))
    batches: dict[str, list] = {}

    class Sink:
        def write(self, table, batch):
            batches.setdefault(table, []).append(batch.cast(tables.get(table).arrow_schema()))

    in_network.read(
        path, batch_id=staged_rates.batch(FILE), sink=Sink(), elsewhere=in_network.Elsewhere({URL: GROUPS}.get)
    )
    con = staged_rates.connection()
    for name in ("staged_price", "staged_item", "staged_terms", "staged_owner", "staged_group"):
        rows = pa.Table.from_batches(batches[name], schema=tables.get(name).arrow_schema()).to_pylist()
        staged_rates.stage(con, name, [{"file": FILE, **row} for row in rows])
    source = {"state": "GA", "year_month": "2025-06", "reporting_entity_name": "P", "payer_slug": "p"}
    staged_rates.stage(con, "source_file", [{"file": FILE, **source}])
    found = staged_rates.answer(con, "fact_rate", fact_rate.build(con, []))
    members = {tuple(row.values()) for batch in batches["staged_member"] for row in batch.to_pylist()}
    return {row["fact_uid"]: row for row in found}, members


@pytest.mark.parametrize(
    ("owners", "root"), [(NAMED, DEFINED), (NAMED, BY_URL), (NAMED, V2)], ids=["v1 references", "v1 URLs", "v2"]
)
def test_one_contract_gives_the_same_facts(owners, root, tmp_path):
    inline, members = facts(contract(INLINE, {}), tmp_path)
    found, found_members = facts(contract(owners, root), tmp_path)
    assert (len(inline), len(members)) == (2, 3)
    assert set(found) == set(inline)
    assert found_members == members


def test_setting_and_network_are_part_of_the_fact(tmp_path):
    plain, members = facts(contract(NAMED, V2), tmp_path)
    filled, found_members = facts(contract(NAMED, V2_FILLED, setting="outpatient"), tmp_path)
    assert found_members == members
    assert not set(plain) & set(filled)
    apart = {"fact_uid", "setting", "network_names"}

    def rest(rows: dict[str, dict]) -> list[dict]:
        return [{k: v for k, v in row.items() if k not in apart} for row in rows.values()]

    assert sorted(rest(plain), key=str) == sorted(rest(filled), key=str)
    assert {(row["setting"], row["network_names"]) for row in filled.values()} == {("outpatient", "PPO")}

"""In-network documents written as a test needs them, and reading them into memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipeline import tables
from pipeline.readers.in_network import items as in_network_items
from pipeline.readers.in_network import read as in_network
from pipeline.readers.in_network import references
from pipeline.transforms import in_network_counts
from plain_scan import plain_scan

STAGED = ("price", "item", "terms", "owner", "group", "member", "code", "pos_set", "contained_code", "tin")


class Keep:
    """A sink that keeps the batches, and holds each to its table's schema."""

    def __init__(self):
        self.batches = {f"staged_{name}": [] for name in STAGED}

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        schema = tables.get(table).arrow_schema()
        assert batch.schema.names == schema.names
        self.batches[table].append(batch.cast(schema))

    def table(self, name: str) -> pa.Table:
        schema = tables.get(f"staged_{name}").arrow_schema()
        return pa.Table.from_batches(self.batches[f"staged_{name}"], schema=schema)

    def rows(self, name: str) -> list[dict]:
        return self.table(name).to_pylist()

    def counts(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        def rows(table: str, columns: list[str]):
            return iter(self.table(table.removeprefix("staged_")).select(columns).to_batches())

        with tempfile.TemporaryDirectory() as scratch:
            counting = in_network_counts.Counting(Path(scratch))
            for table, batches in self.batches.items():
                for batch in batches:
                    counting.take(table, batch)
            return in_network_counts.counts(con, rows, counting)

    def database(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(config={"threads": 1})
        for name in STAGED:
            con.register(f"staged_{name}", self.table(name))
        con.execute(
            "CREATE VIEW price AS SELECT * FROM staged_price JOIN staged_item USING (item_ix) JOIN staged_terms USING (terms_ix)"
        )
        return con


def read(path: Path, **options) -> tuple[in_network.Result, Keep]:
    sink = Keep()
    return in_network.read(path, batch_id="batch", sink=sink, **options), sink


def whole(path: Path, **options) -> dict:
    """Everything that reading a file gives, to be compared."""
    result, sink = read(path, **options)
    return {
        **vars(result),
        "quarantine": list(result.quarantine),
        "tables": {name: sink.table(name).combine_chunks() for name in STAGED},
    }


PRICE = {"negotiated_type": "negotiated", "negotiated_rate": 100.5, "billing_class": "professional"}

GROUP = {"tin": {"type": "ein", "value": "11-1111111"}, "npi": [1234567893]}

ITEM = {"negotiation_arrangement": "ffs", "billing_code_type": "CPT", "billing_code": "27447", "name": "Knee"}


def document(**changes) -> dict:
    """A small file; keys set to None are left out."""
    item = {**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": [PRICE]}]}
    whole = {"reporting_entity_name": "P", "last_updated_on": "2025-06-01", "version": "1", "in_network": [item]}
    return {k: v for k, v in {**whole, **changes}.items() if v is not None}


def priced(**changes) -> dict:
    """A small file whose one price has other fields."""
    item = {**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": [{**PRICE, **changes}]}]}
    return document(in_network=[item])


def grouped(*groups: dict) -> dict:
    """A small file whose one rate names these groups in line."""
    return document(
        in_network=[{**ITEM, "negotiated_rates": [{"provider_groups": list(groups), "negotiated_prices": [PRICE]}]}]
    )


def itemised(**changes) -> dict:
    """A small file whose one item has other fields."""
    return document(in_network=[{**document()["in_network"][0], **changes}])


def referring(*ids, **changes) -> dict:
    """A small file whose one rate names references."""
    rates = [{"provider_references": list(ids), "negotiated_prices": [PRICE]}]
    return document(in_network=[{**ITEM, "negotiated_rates": rates}], **changes)


def _plainly(patch: pytest.MonkeyPatch) -> None:
    """Leave every record to parsed JSON."""
    for module in (in_network_items, references):
        patch.setattr(module, "scan", plain_scan)

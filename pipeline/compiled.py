"""`python -m pipeline.compiled`: compile what Numba compiles now, not while the first build waits.

What belongs here: one small file and one small table that meet every compiled function. Numba keeps what it compiled
beside the source, or where that is read-only in the user's cache. What must not come in: anything that a build runs by.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.readers import in_network, in_network_references
from pipeline.readers.spans import Spans
from pipeline.transforms import leaf_digest

_GROUP = {"npi": [1234567893], "tin": {"type": "ein", "value": "123456789"}}
_PRICE = {"negotiated_type": "negotiated", "negotiated_rate": 1.5, "billing_class": "professional"}
_REFERENCES = [1, "a"]
_RATES = [
    {"provider_references": _REFERENCES, "negotiated_prices": [_PRICE, _PRICE]},
    {"provider_groups": [_GROUP], "negotiated_prices": [_PRICE]},
]
_ITEM = {"negotiation_arrangement": "ffs", "billing_code_type": "CPT", "billing_code": "99213", "name": "visit"}
DOCUMENT = {
    "reporting_entity_name": "nobody",
    "last_updated_on": "2025-08-01",
    "provider_references": [
        {"provider_group_id": reference, "provider_groups": [_GROUP]}
        for reference in (*_REFERENCES, *range(2, in_network_references.FEW + 2))
    ]
    + [{"provider_group_id": "of no regular form", "provider_groups": []}],
    "in_network": [{**_ITEM, "negotiated_rates": _RATES}, {"negotiated_rates": _RATES, **_ITEM}],
}


class _Nowhere:
    """A sink that keeps nothing."""

    def write(self, table: str, batch: object) -> None:
        """Take rows."""


def main() -> None:
    """Read the document, in one piece and in pieces of a few bytes; digest a column of every kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.json"
        path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
        for chunk in (1 << 20, 64):
            in_network.read(path, batch_id="", sink=_Nowhere(), chunk_bytes=chunk)
    spans = Spans(most=4)
    for number in range(8):  # more than it has room for
        spans.number(str(number).encode())
    columns = {"text": ["a", None], "number": [1.5, 2.0], "flag": [True, None], "list": [["a"], []]}
    leaf_digest.digests([pa.table(columns)], np.array([1, 2]))


if __name__ == "__main__":
    main()

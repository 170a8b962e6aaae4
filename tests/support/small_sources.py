"""Small in-network files, by hand: a payer, a month, a few rates of known providers, whose sum can be checked by eye.

What belongs here: writing them, and what a reader finds of them. What must not come in: building.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb

import kit
from pipeline import session, settings
from pipeline.operations import letting_go_by_name, status

A, B = "1234567893", "1003000126"  # NPIs with their check digit


def text(payer: str, month: str, *amounts: float, npi: str = A, codes: str = "99213") -> str:
    """An in-network file of one month: a rate of each amount, the first for the code 99213, the next for 99214, …"""
    group = {"npi": [int(npi)], "tin": {"type": "ein", "value": "123456789"}}
    items = [
        {
            "negotiation_arrangement": "ffs",
            "name": f"Visit {number}",
            "billing_code_type": "CPT",
            "billing_code_type_version": "2025",
            "billing_code": str(int(codes) + number),
            "description": f"Visit {number}",
            "negotiated_rates": [
                {
                    "provider_groups": [group],
                    "negotiated_prices": [
                        {
                            "negotiated_type": "negotiated",
                            "negotiated_rate": amount,
                            "expiration_date": "9999-12-31",
                            "service_code": ["11"],
                            "billing_class": "professional",
                        }
                    ],
                }
            ],
        }
        for number, amount in enumerate(amounts)
    ]
    head = {"reporting_entity_name": payer, "reporting_entity_type": "insurer", "last_updated_on": f"{month}-05"}
    return json.dumps({**head, "version": "1.0.0", "in_network": items})


def put(root: Path, name: str | bytes, payer: str, month: str, *amounts: float, **more) -> Path:
    """Write such a file under raw/mrf."""
    path = root / "raw" / "mrf" / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(payer, month, *amounts, **more), encoding="utf-8")
    return path


def rates(root: Path) -> dict[str, tuple[int, float]]:
    """Month -> (facts, their sum), as the catalog's reader finds them."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        found = con.sql("SELECT year_month, count(*), sum(negotiated_rate) FROM fact_rate GROUP BY ALL ORDER BY ALL")
        return {month: (count, total) for month, count, total in found.fetchall()}


def rows(root: Path, query: str) -> list[tuple]:
    """What a query of the catalog answers."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(query).fetchall()


def tables(root: Path) -> dict[str, kit.Seen]:
    """Every Parquet file that was built, as it is: what is written anew shows by its inode and time."""
    return {name: seen for name, seen in kit.parquet_files(root).items() if not name.startswith(".state/")}


def look(root: Path) -> None:
    """Make a root this process's warehouse, and look at it as it is now."""
    session.use(root)
    settings.load(root.resolve())
    status.begin()


def names(found: list) -> list[str]:
    """The names of missing sources."""
    return [one.name for one in found]


JULY, AUGUST = "raw/mrf/GA/acme_07.json", "raw/mrf/GA/acme_08.json"
BOTH = {"2025-07": (2, 205.5), "2025-08": (2, 207.5)}


def two_months(root: Path) -> Path:
    """A payer's July (205.5) and August (207.5), not yet built."""
    put(root, "GA/acme_07.json", "Acme Health", "2025-07", 85.5, 120.0, npi=A)
    put(root, "GA/acme_08.json", "Acme Health", "2025-08", 86.5, 121.0, npi=B)
    return root


def presence(root: Path) -> dict[str, str]:
    """`file:month` -> presence, as `ratehouse sources` has it."""
    look(root)
    return {f"{row['file']}:{row['year_month']}": row["presence"] for row in status.sources()}


def forget(root: Path, *given: str) -> list:
    """What `ratehouse forget` does."""
    look(root)
    with letting_go_by_name.locked() as known:
        chosen = known.chosen(given, False, archive=False)
        known.forget(chosen)
    return chosen


def archive(root: Path, *given: str) -> list:
    """What `ratehouse archive` does."""
    look(root)
    with letting_go_by_name.locked() as known:
        chosen = known.chosen(given, False, archive=True)
        known.archive(chosen)
    return chosen

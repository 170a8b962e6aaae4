"""The files of the built sample by what they are of, and a change of a provider in its registry."""

from __future__ import annotations

import csv
from pathlib import Path

import kit

MONTHS = ("2025-07", "2025-08")


def files(root: Path) -> dict[str, kit.Seen]:
    """Every Parquet file that a reader or a later stage opens; what a build keeps of itself is its own affair."""
    return {name: seen for name, seen in kit.parquet_files(root).items() if not name.startswith(".state/")}


def move(registry: Path, npi: str, street: str) -> None:
    """Give a provider another first line of the practice address; all else in the registry's file stays."""
    column = "Provider First Line Business Practice Location Address"
    with open(registry, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    place, ending = header.index(column), "\r\n" if b"\r\n" in registry.read_bytes() else "\n"
    moved = [row for row in rows if row[0] == npi]
    assert len(moved) == 1
    moved[0][place] = street
    with open(registry, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator=ending).writerows([header, *rows])

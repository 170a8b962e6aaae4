"""The sample's tables, each a CSV file of this folder: what is published, and the few names that are ours.

What belongs here: numbers, codes and names for the few codes and ZIPs of the sample, and how they are read. Published
are the physician fee schedule, GPCI and anaesthesia factors of 2025 (`relative_values` and its headings, `localities`),
RBCS 2024 (`rbcs`), BETOS 2.0 (`betos`), CMS's ZIP file of October 2025 with HUD's crosswalk of June 2025 and GeoNames
(`places`), OMB's delineation of 2023 (`areas`, `counties`) and NUCC's codes (`professions`, `facilities`). Names of
services and of places of service are ours: no description of a code is repeated. What must not come in: anything else
that is invented (that is `codes` and `people`).
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path


@functools.cache
def lines(name: str) -> tuple[tuple[str, ...], ...]:
    """All lines of the table `name`, the heading first."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(map(tuple, csv.reader(file)))


def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of the table `name`, without its heading."""
    return lines(name)[1:]

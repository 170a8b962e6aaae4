"""Declares every table: its columns, key, order and place. There is no other declaration of a schema.

What belongs here: declarations (`published` has the tables that analysts read, the `staged_*` modules what readers
return). What must not come in: code that reads, builds or checks a table. Column types are words
(`string`, `float64`, …) so that asking for a table's name costs no import of pyarrow.
"""

from __future__ import annotations

import functools

from pipeline.tables.declaration import REGISTRY, Table

__all__ = ["Table", "get", "load"]


@functools.cache
def load() -> dict[str, Table]:
    """Every declared table by name."""
    from pipeline.tables import (  # noqa: F401
        published,
        staged_codes,
        staged_enriched,
        staged_geo,
        staged_medicare,
        staged_mrf,
        staged_nppes,
        staged_star,
        staged_toc,
    )

    return REGISTRY


def get(name: str) -> Table:
    """The table of that name; KeyError when none is declared."""
    return load()[name]

"""The counts of one in-network file that need all its staged rows: its row of `ratehouse sources`, but what reading
itself counts.

What belongs here: one SELECT over the staged tables of a single file. What must not come in: counts across files.
"""

from __future__ import annotations

import duckdb

from pipeline import duck


def build(con: duckdb.DuckDBPyConnection) -> str:
    """The SELECT over views of the staged tables of one file.

    One row of BIGINTs: facts (distinct facts of the file alone), duplicates (read rates that collapse into them,
    rejected ones not among them), groups, tin_npi_pairs, npis, tins (of resolved groups that a rate object names),
    codes, pos_sets.
    """
    return duck.sql("in_network_counts.sql")

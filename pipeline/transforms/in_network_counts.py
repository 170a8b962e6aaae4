"""The counts of one in-network file that need all its staged rows: its row of `ratehouse sources`, but what reading
itself counts.

What belongs here: what is counted over the staged tables of a single file. What must not come in: counts across files.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from pipeline import duck, parquet
from pipeline.jit import entry

# Who is behind a group: its members and networks; where it has no members, the group itself.
_OWNER_KEY = """
CREATE OR REPLACE TEMP TABLE owner_key AS
SELECT group_ix, pg_members_uid,
  CAST(dense_rank() OVER (ORDER BY coalesce(pg_members_uid, pg_uid), network_names) - 1 AS INTEGER) AS owner
FROM staged_group"""


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """From views of the staged tables of one file, rows in the file's order:

    facts (distinct facts of the file alone), duplicates (read rates that collapse into them, rejected ones not among
    them), groups, tin_npi_pairs, npis, tins (of resolved groups that a rate object names), codes, pos_sets.
    """
    con.execute(_OWNER_KEY)
    con.register("object", _objects(con))
    found = con.sql(duck.sql("in_network_counts.sql"))
    counted = dict(zip(found.columns, found.fetchall()[0], strict=True))
    con.unregister("object")
    return counted


def _objects(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """How many owners each rate object names, and how many different ones: object_ix, named, owners."""
    owner_of = np.zeros(con.sql("SELECT coalesce(max(group_ix) + 1, 0) FROM owner_key").fetchall()[0][0], np.int32)
    keys = con.sql("SELECT group_ix, owner FROM owner_key").to_arrow_table()
    owner_of[keys.column("group_ix").to_numpy()] = keys.column("owner").to_numpy()
    objects = con.sql("SELECT coalesce(max(object_ix) + 1, 0) FROM staged_owner").fetchall()[0][0]
    named, owners = np.zeros(objects, np.int32), np.zeros(objects, np.int32)
    last, reached = np.full(len(owner_of), -1, np.int64), 0
    for batch in con.sql("SELECT object_ix, group_ix FROM staged_owner").to_arrow_reader(parquet.ROW_GROUP_ROWS):
        object_ix, group_ix = (column.to_numpy() for column in batch.columns)
        reached = _name(object_ix, group_ix, owner_of, named, owners, last, reached)
        assert reached >= 0, "the owners of an object do not stand together"
    return pa.table({"object_ix": np.arange(objects), "named": named, "owners": owners})


@entry
def _name(object_ix, group_ix, owner_of, named, owners, last, reached):
    """Count owners into `named`, those that an object has not named yet into `owners`; returns the last object, -1 when
    objects do not rise. `last` says which object was the last to name each owner."""
    for i in range(len(object_ix)):
        at, owner = object_ix[i], owner_of[group_ix[i]]
        if at < reached:
            return -1
        reached = at
        named[at] += 1
        if last[owner] != at:
            last[owner] = at
            owners[at] += 1
    return reached

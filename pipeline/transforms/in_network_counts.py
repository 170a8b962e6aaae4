"""The counts of one in-network file that need all its staged rows: its row of `ratehouse sources`, but what reading
itself counts.

What belongs here: what is counted over the staged tables of a single file. What must not come in: counts across files.

A fact is a distinct price with a distinct owner, so rates need not be multiplied out: a price that stands in one rate
object alone (most do) has as many facts as the object has different owners. Only prices that stand more than once are
joined with their owners; which these are, their hashes tell.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa

from pipeline import duck, parquet
from pipeline.jit import entry

PRICES = 1 << 23  # whose hashes are held at once, twice


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """From views of the staged tables of one file, rows in the file's order:

    facts (distinct facts of the file alone), duplicates (read rates that collapse into them, rejected ones not among
    them), groups, tin_npi_pairs, npis, tins (of resolved groups that a rate object names), codes, pos_sets.
    """
    con.execute(duck.sql("in_network_numbers.sql"))
    named, owners, referred = _owners(con)
    rates, facts, repeated = _prices(con, named, owners)
    con.register("referred", pa.table({"group_ix": referred}))
    con.register("repeated", pa.table({"hashed": repeated}))
    for (object_ix,) in _stream(con, "SELECT object_ix FROM numbered_price SEMI JOIN repeated USING (hashed)"):
        facts -= int(owners[object_ix].sum())
    found = con.sql(duck.sql("in_network_counts.sql"))
    counted = dict(zip(found.columns, found.fetchall()[0], strict=True))
    for name in ("referred", "repeated"):
        con.unregister(name)
    facts += counted.pop("facts_of_repeated")
    return {"facts": facts, "duplicates": rates - facts, **counted}


def _stream(con: duckdb.DuckDBPyConnection, select: str) -> Iterator[list[np.ndarray]]:
    """The columns of a query's rows, some rows at a time, in their order."""
    for batch in con.sql(select).to_arrow_reader(parquet.ROW_GROUP_ROWS):
        yield [column.to_numpy() for column in batch.columns]


def _room(con: duckdb.DuckDBPyConnection, column: str, *tables: str) -> int:
    """The numbers from 0 to the largest of a column."""
    largest = (con.sql(f"SELECT max({column}) FROM {table}").fetchall()[0][0] for table in tables)
    return max((found + 1 for found in largest if found is not None), default=0)


def _owners(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many owners each rate object names, how many different ones, and the groups that any of them names."""
    owner_of = np.zeros(_room(con, "group_ix", "owner_key", "staged_owner"), np.int32)
    for group_ix, owner in _stream(con, "SELECT group_ix, owner FROM owner_key"):
        owner_of[group_ix] = owner
    named, owners = np.zeros((2, _room(con, "object_ix", "staged_owner", "staged_price")), np.int32)
    last, referred, reached = np.full(len(owner_of), -1, np.int64), np.zeros(len(owner_of), np.bool_), 0
    for object_ix, group_ix in _stream(con, "SELECT object_ix, group_ix FROM staged_owner"):
        reached = _name(object_ix, group_ix, owner_of, named, owners, last, referred, reached)
        assert reached >= 0, "the owners of an object do not stand together"
    return named, owners, np.flatnonzero(referred)


@entry
def _name(object_ix, group_ix, owner_of, named, owners, last, referred, reached):
    """Count owners into `named`, those that an object has not named yet into `owners`; returns the last object, -1 when
    objects do not rise. `last` says which object was the last to name each owner."""
    for i in range(len(object_ix)):
        at, owner = object_ix[i], owner_of[group_ix[i]]
        if at < reached:
            return -1
        reached = at
        referred[group_ix[i]] = True
        named[at] += 1
        if last[owner] != at:
            last[owner] = at
            owners[at] += 1
    return reached


def _prices(con: duckdb.DuckDBPyConnection, named: np.ndarray, owners: np.ndarray) -> tuple[int, int, np.ndarray]:
    """The rates of all prices, their facts as if each stood once, and the hashes that stand more than once."""
    prices = con.sql("SELECT count(*) FROM staged_price").fetchall()[0][0]
    shares = max(1, -(-prices // PRICES))
    rates = facts = 0
    repeated = [np.empty(0, np.uint64)]
    for share in range(shares):
        parts = [np.empty(0, np.uint64)]
        for hashed, object_ix in _stream(con, "SELECT hashed, object_ix FROM numbered_price"):
            parts.append(hashed[hashed % np.uint64(shares) == share] if shares > 1 else hashed)
            if share == 0:
                rates += int(named[object_ix].sum())
                facts += int(owners[object_ix].sum())
        ordered = np.concatenate(parts)
        parts.clear()
        ordered.sort()
        repeated.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return rates, facts, np.concatenate(repeated)

"""The counts of one in-network file that need all its staged rows: its row of `ratehouse sources`, but what reading
itself counts.

What belongs here: what is counted over the staged tables of a single file. What must not come in: counts across files.

A fact is a distinct price with a distinct owner, so rates need not be multiplied out: a price that stands in one rate
object alone (most do) has as many facts as the object has different owners. Only prices that stand more than once are
joined with their owners; which these are, their hashes tell.

Prices and owners are counted by their numbers while they are written (`Counting`). Where two numbers turn out to say the
same (two references with the same members, items of which a file had too many to remember), or where there are more prices
than are held, they are gone through once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import numpy as np
import pyarrow as pa

from pipeline import duck
from pipeline.jit import entry

PRICES = 1 << 22  # that are held at once, in some 30 bytes each
_MARKS = 20  # bits of what a price says, by which it is known at once that none that stands twice begins with them
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_32, _MINUS_ZERO = np.uint64(32), np.uint64(1 << 63)

# Columns of a staged table by name, some rows at a time, in the file's order.
Rows = Callable[[str, list[str]], Iterator[pa.RecordBatch]]
_PRICE, _OWNER = ["object_ix", "item_ix", "terms_ix", "negotiated_rate"], ["object_ix", "group_ix"]


class Counting:
    """Counts prices and owners by their numbers, while they are written; `take` gets all batches of all tables, the prices of
    an object before its owners. `rates` are the pairs of them."""

    def __init__(self):
        self.prices, self.owners, self.rates = _Prices(), _Owners(), 0

    def take(self, table: str, batch: pa.RecordBatch) -> None:
        """Count rows of a staged table, if it is one of the two."""
        if table == "staged_price":
            self.prices.take(*_arrays(batch, _PRICE))
        elif table == "staged_owner":
            object_ix, group_ix = _arrays(batch, _OWNER)
            self.rates += self.prices.of_objects(object_ix)
            self.owners.take(object_ix, group_ix)


def counts(con: duckdb.DuckDBPyConnection, rows: Rows, counting: Counting) -> dict[str, int]:
    """From views of the staged tables of one file, the rows of the large ones, and what was counted of these:

    rates (read and not rejected), facts (distinct facts of the file alone), groups, tin_npi_pairs, npis, tins (of resolved
    groups that a rate object names), codes, pos_sets.
    """
    con.execute(duck.sql("in_network_numbers.sql"))
    owners, owner_of = counting.owners, _by_number(con, "owner_key", "group_ix", "owner")
    referred = np.flatnonzero(owners.last >= 0)
    if not _distinct(owner_of):
        owners = _Owners()
        for object_ix, group_ix in _columns(rows, "staged_owner", _OWNER):
            owners.take(object_ix, owner_of[group_ix])
    apart = _set_apart(con, rows, counting.prices, owners.different)
    con.register("referred", pa.table({"group_ix": referred}))
    found = con.sql(duck.sql("in_network_counts.sql"))
    counted = dict(zip(found.columns, found.fetchall()[0], strict=True))
    con.unregister("referred")
    facts = _pairs(counting.prices.of_object, owners.different) - apart + counted.pop("facts_of_repeated")
    return {"rates": counting.rates, "facts": facts, **counted}


class _Prices:
    """Prices by the object that has them, and what each of them says while there are no more than PRICES.

    `said` has two numbers for each price: of its item and terms, and these mixed with the bits of its rate. From both the
    rate follows: prices that have the same two say the same, and others do not where items and terms have one number each.
    """

    def __init__(self):
        self.of_object, self.count = np.zeros(0, np.int32), 0
        self.said: np.ndarray | None = np.empty((2, PRICES), np.uint64)  # of memory only what is written to is taken

    def take(self, object_ix: np.ndarray, item: np.ndarray, terms: np.ndarray, rate: np.ndarray) -> None:
        """Count prices, objects rising."""
        self.of_object = _grown(self.of_object, _most(object_ix) + 1, 0)
        _count_prices(object_ix, self.of_object)
        first, self.count = self.count, self.count + len(rate)
        if self.count > PRICES:
            self.said = None
        else:
            _say(item, terms, rate, self.said[:, first : self.count])

    def of_objects(self, object_ix: np.ndarray) -> int:
        """How many prices these objects have, an object as often as it is named."""
        self.of_object = _grown(self.of_object, _most(object_ix) + 1, 0)
        return _sum_of(object_ix, self.of_object)


class _Owners:
    """How many `different` owners each object names, and which object was the `last` to name an owner, -1 where none did."""

    def __init__(self):
        self.different = np.zeros(0, np.int32)
        self.last = np.full(0, -1, np.int64)
        self._reached = 0

    def take(self, object_ix: np.ndarray, owner: np.ndarray) -> None:
        """Count owners, objects rising."""
        self.different = _grown(self.different, _most(object_ix) + 1, 0)
        self.last = _grown(self.last, _most(owner) + 1, -1)
        self._reached = _count_owners(object_ix, owner, self.last, self.different, self._reached)
        assert self._reached >= 0, "the owners of an object do not stand together"


def _say(item: np.ndarray, terms: np.ndarray, rate: np.ndarray, said: np.ndarray) -> None:
    """Fill in what prices say; the rates 0.0 and -0.0 are the same."""
    _say_each(item, terms, rate.view(np.uint64), said[0], said[1])


@entry
def _say_each(item, terms, rate, number, mixed):
    """As `_say`; `rate` are the bits of doubles."""
    for i in range(len(rate)):
        number[i] = (np.uint64(item[i]) << _32) | np.uint64(terms[i])
        mixed[i] = number[i] * _GOLDEN
        if rate[i] != _MINUS_ZERO:
            mixed[i] += rate[i]


@entry
def _count_prices(object_ix, of_object):
    """As `_Prices.take`."""
    for at in object_ix:
        of_object[at] += 1


@entry
def _sum_of(object_ix, of_object):
    """As `_Prices.of_objects`."""
    found = 0
    for at in object_ix:
        found += of_object[at]
    return found


@entry
def _count_owners(object_ix, owner, last, different, reached):
    """As `_Owners.take`; returns the last object, -1 where objects do not rise."""
    i = 0
    while i < len(object_ix):
        at, fresh = object_ix[i], 0
        if at < reached:
            return -1
        reached = at
        while i < len(object_ix) and object_ix[i] == at:
            fresh += last[owner[i]] != at
            last[owner[i]] = at
            i += 1
        different[at] += fresh
    return reached


def _set_apart(con: duckdb.DuckDBPyConnection, rows: Rows, prices: _Prices, different: np.ndarray) -> int:
    """Put prices that stand more than once in the file into the table repeated_price; how many pairs of one of them and a
    different owner of its object there are."""
    con.execute("CREATE OR REPLACE TEMP TABLE repeated_price (number UBIGINT, mixed UBIGINT, object_ix BIGINT)")
    item_of = _by_number(con, "item_number", "item_ix", "item")
    terms_of = _by_number(con, "terms_number", "terms_ix", "terms")
    pairs = 0
    if prices.said is not None and _distinct(item_of) and _distinct(terms_of):
        said = prices.said[:, : prices.count]
        behind = np.cumsum(prices.of_object)  # the prices of an object and of those before it
        found = _repeated(said[1])
        apart = [(*said[:, found], np.searchsorted(behind, found, "right"))]
    else:
        apart = _repeated_in_shares(rows, prices.count, item_of, terms_of)
    for number, mixed, object_ix in apart:
        con.register("apart", pa.table([number, mixed, object_ix], ["number", "mixed", "object_ix"]))
        con.execute("INSERT INTO repeated_price FROM apart")
        con.unregister("apart")
        pairs += int(different[object_ix[object_ix < len(different)]].sum(dtype=np.int64))
    return pairs


def _repeated_in_shares(
    rows: Rows, count: int, item_of: np.ndarray, terms_of: np.ndarray
) -> Iterator[tuple[np.ndarray, ...]]:
    """The prices that stand more than once, some at a time: number, mixed, object_ix; about PRICES are held at once."""
    shares = np.uint64(max(1, -(-count // PRICES)))
    room = int(count / int(shares) * 1.1) + 1  # shares are about as large as each other
    said, objects = np.empty((2, room), np.uint64), np.empty(room, np.int32)
    for share in range(int(shares)):
        held = 0
        for object_ix, item_ix, terms_ix, rate in _columns(rows, "staged_price", _PRICE):
            each = np.empty((2, len(rate)), np.uint64)
            _say(item_of[item_ix], terms_of[terms_ix], rate, each)
            mine = np.flatnonzero((each[1] >> _32) % shares == share)  # the lowest bits are those of the terms
            first, held = held, held + len(mine)
            while held > len(objects):
                said, objects = (np.concatenate([one, np.empty_like(one)], axis=-1) for one in (said, objects))
            said[:, first:held], objects[first:held] = each[:, mine], object_ix[mine]
        found = _repeated(said[1, :held])
        yield *said[:, found], objects[found]


def _repeated(values: np.ndarray) -> np.ndarray:
    """Where the values stand that stand more than once."""
    ordered = np.sort(values)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    marked, shift = np.zeros(1 << _MARKS, np.bool_), np.uint64(64 - _MARKS)
    marked[twice >> shift] = True
    likely = np.flatnonzero(marked[values >> shift])
    return likely[np.isin(values[likely], twice)]


def _arrays(batch: pa.RecordBatch, columns: list[str]) -> list[np.ndarray]:
    return [batch.column(name).to_numpy() for name in columns]


def _columns(rows: Rows, table: str, columns: list[str]) -> Iterator[list[np.ndarray]]:
    for batch in rows(table, columns):
        yield _arrays(batch, columns)


def _by_number(con: duckdb.DuckDBPyConnection, table: str, key: str, value: str) -> np.ndarray:
    """The values of a table of numbers, by their key."""
    found = con.sql(f"SELECT {key}, {value} FROM {table}").fetchnumpy()
    values = np.zeros(_most(found[key]) + 1, np.int32)
    values[found[key]] = found[value]
    return values


def _distinct(values: np.ndarray) -> bool:
    return len(np.unique(values)) == len(values)


def _most(numbers: np.ndarray) -> int:
    return int(numbers.max(initial=-1))


def _grown(values: np.ndarray, rows: int, fill: int) -> np.ndarray:
    """At least so many rows of them."""
    if rows <= len(values):
        return values
    found = np.full(max(rows, len(values) + len(values) // 4, 1024), fill, values.dtype)
    found[: len(values)] = values
    return found


def _pairs(prices: np.ndarray, owners: np.ndarray) -> int:
    """How many pairs of a price and an owner of the same object there are."""
    objects = min(len(prices), len(owners))
    return int(np.dot(prices[:objects].astype(np.int64), owners[:objects]))

"""The counts of one in-network file that need all its staged rows: its row of `ratehouse sources`, but what reading
itself counts.

What belongs here: what is counted over the staged tables of a single file. What must not come in: counts across files.

A fact is a distinct price with a distinct owner, so rates need not be multiplied out: a price that stands in one rate
object alone (most do) has as many facts as the object has different owners. Only prices that stand more than once are
joined with their owners.

Prices and owners are counted by their numbers while they are written (`Counting`), and what prices say is hashed; those of
which the hash stands more than once are looked up in the staged rows. Where two numbers turn out to say the same (two
references with the same members, items of which a file had too many to remember), the rows are gone through once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipeline import duck, duplicates
from pipeline.jit import entry, inner

_ROWS = 1 << 20  # of prices that stand more than once, handed to DuckDB at a time
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_1, _32 = np.uint64(1), np.uint64(32)
_MINUS_ZERO = np.uint64(1 << 63)

# Columns of a staged table by name, some rows at a time, in the file's order.
Rows = Callable[[str, list[str]], Iterator[pa.RecordBatch]]
_PRICE, _OWNER = ["object_ix", "item_ix", "terms_ix", "negotiated_rate"], ["object_ix", "group_ix"]


class Counting:
    """Counts prices and owners by their numbers, while they are written; `take` gets all batches of all tables, the prices of
    an object before its owners. `scratch` is a folder for what is more than is held in memory (`duplicates.Hashes`)."""

    def __init__(self, scratch: Path):
        self.scratch = scratch
        self.prices, self.repeated, self.owners = _Prices(), _Repeated(scratch), _Owners()

    def take(self, table: str, batch: pa.RecordBatch) -> None:
        """Count rows of a staged table, if it is one of the two."""
        if table == "staged_price":
            object_ix, *price = _arrays(batch, _PRICE)
            self.prices.take(object_ix)
            self.repeated.take(*price)
        elif table == "staged_owner":
            object_ix, group_ix = _arrays(batch, _OWNER)
            self.owners.take(object_ix, group_ix, self.prices)
            self.prices.forget(object_ix)


def counts(con: duckdb.DuckDBPyConnection, rows: Rows, counting: Counting) -> dict[str, int]:
    """From views of the staged tables of one file, the rows of the large ones, and what was counted of these:

    rates (read and not rejected), facts (distinct facts of the file alone), groups, tin_npi_pairs, npis, tins (of resolved
    groups that a rate object names), codes, pos_sets.
    """
    con.execute(duck.sql("in_network_numbers.sql"))
    owners, owner_of = counting.owners, _by_number(con, "owner_key", "group_ix", "owner")
    if not _each_once(owner_of):
        owners, prices = _Owners(), _Prices()
        for (object_ix,) in _columns(rows, "staged_price", ["object_ix"]):
            prices.take(object_ix)
        for object_ix, group_ix in _columns(rows, "staged_owner", _OWNER):
            owners.take(object_ix, _named(owner_of, group_ix), prices)
    _set_apart(con, rows, counting)
    con.register("referred", pa.table({"group_ix": np.flatnonzero(counting.owners.last >= 0)}))
    found = con.sql(duck.sql("in_network_counts.sql"))
    counted = dict(zip(found.columns, found.fetchall()[0], strict=True))
    con.unregister("referred")
    facts = owners.pairs - counted.pop("pairs_of_repeated") + counted.pop("facts_of_repeated")
    return {"rates": owners.rates, "facts": facts, **counted}


class _Prices:
    """How many prices each object has, from the object `first` on."""

    def __init__(self):
        self.first, self._of = 0, np.zeros(0, np.int32)
        self._reached = 0

    def take(self, object_ix: np.ndarray) -> None:
        """Count prices, objects rising."""
        self._reached = _count_prices(object_ix, self.upto(object_ix), self.first, self._reached)
        assert self._reached >= 0, "the prices of an object do not stand together"

    def upto(self, object_ix: np.ndarray) -> np.ndarray:
        """How many they are, of `first` and those behind it, up to the last of these objects at least."""
        if len(object_ix):
            self._of = _grown(self._of, int(object_ix[-1]) + 1 - self.first, 0)
        return self._of

    def forget(self, object_ix: np.ndarray) -> None:
        """Forget those of objects before the last of these, of which no owners come any more."""
        if len(object_ix) and (done := int(object_ix[-1]) - self.first) > len(self._of) // 2:
            self.first, self._of = self.first + done, self._of[done:].copy()


class _Owners:
    """Counts owners: `last` is the object that named each last, -1 where none did; `rates` are the pairs of a price and an
    owner of the same object, `pairs` those of them whose owner the object names for the first time."""

    def __init__(self):
        self.last = np.full(0, -1, np.int64)
        self.rates = self.pairs = self._reached = 0

    def take(self, object_ix: np.ndarray, owner: np.ndarray, prices: _Prices) -> None:
        """Count owners, objects rising, all of whose prices were counted."""
        self.last = _grown(self.last, _most(owner) + 1, -1)
        counted = prices.upto(object_ix), prices.first, self._reached
        self._reached, rates, pairs = _count_owners(object_ix, owner, self.last, *counted)
        assert self._reached >= 0, "the owners of an object do not stand together"
        self.rates += rates
        self.pairs += pairs


class _Repeated:
    """The hashes of what prices say, of which some stand more than once."""

    def __init__(self, scratch: Path):
        self._hashes = duplicates.Hashes(scratch, duplicates.HELD)

    def take(self, item: np.ndarray, terms: np.ndarray, rate: np.ndarray) -> None:
        """Look at prices."""
        hashes = np.empty(len(rate), np.uint64)
        _say(item, terms, rate.view(np.uint64), hashes)
        self._hashes.take(hashes)

    def values(self) -> np.ndarray | None:
        """Those that stand more than once, rising, or None where they are more than can be held; no more is taken."""
        found, count = [], 0
        for part in self._hashes.twice(1):
            found.append(part)
            count += len(part)
            if count > duplicates.HELD:
                return None
        return np.concatenate(found)


@inner
def _number(item, terms):
    return (np.uint64(item) << _32) | np.uint64(terms)


@inner
def _mixed(number, rate):
    """What a price says, of its item and terms and the bits of its rate: where the number is known, the rate follows."""
    mixed = number * _GOLDEN
    return mixed if rate == _MINUS_ZERO else mixed + rate  # 0.0 and -0.0 are the same


@inner
def _hash(mixed):
    """The same, so that each of its bits follows from all of it."""
    hashed = (mixed ^ (mixed >> _32)) * _GOLDEN
    return hashed ^ (hashed >> _32)


@entry
def _say(item, terms, rate, hashes):
    """Fill in the hashes of what prices say; `rate` are the bits of doubles."""
    for i in range(len(rate)):
        hashes[i] = _hash(_mixed(_number(item[i], terms[i]), rate[i]))


@inner
def _among(hashed, values, starts, shift):
    """Whether it is one of some values, rising; those of which the bits above `shift` are n begin at `starts[n]`."""
    place, end = starts[hashed >> shift], starts[(hashed >> shift) + _1]
    while place < end and values[place] != hashed:
        place += 1
    return place < end


@entry
def _sieve(item, terms, rate, item_of, terms_of, every, values, starts, shift, row, number, mixed):
    """Fill in the rows whose hash is `_among` some values, or every row, and what they say; returns how many. `item_of` and
    `terms_of` say which numbers stand for those of items and terms."""
    count = 0
    for i in range(len(rate)):
        numbered = _number(item_of[item[i]], terms_of[terms[i]])
        says = _mixed(numbered, rate[i])
        if every or _among(_hash(says), values, starts, shift):
            row[count], number[count], mixed[count] = i, numbered, says
            count += 1
    return count


@entry
def _count_prices(object_ix, of_object, first, reached):
    """As `_Prices.take`; returns the last object, -1 where objects do not rise."""
    for at in object_ix:
        if at < reached:
            return -1
        reached = at
        of_object[at - first] += 1
    return reached


@entry
def _count_owners(object_ix, owner, last, prices_of, begun, reached):
    """As `_Owners.take`; returns the last object, -1 where objects do not rise, and the rates and pairs."""
    i = rates = pairs = 0
    while i < len(object_ix):
        at, first, fresh = object_ix[i], i, 0
        if at < reached:
            return -1, 0, 0
        reached = at
        while i < len(object_ix) and object_ix[i] == at:
            fresh += last[owner[i]] != at
            last[owner[i]] = at
            i += 1
        rates += prices_of[at - begun] * (i - first)
        pairs += prices_of[at - begun] * fresh
    return reached, rates, pairs


def _set_apart(con: duckdb.DuckDBPyConnection, rows: Rows, counting: Counting) -> None:
    """Put the prices that stand more than once in the file, or all, into the table apart: number (of item and terms), mixed
    (of it and the rate), object_ix. Where number and mixed are the same, prices say the same."""
    con.execute("CREATE OR REPLACE TEMP TABLE apart (number UBIGINT, mixed UBIGINT, object_ix INTEGER)")
    repeated, item_of = counting.repeated, _by_number(con, "item_number", "item_ix", "item")
    terms_of = _by_number(con, "terms_number", "terms_ix", "terms")
    if _each_once(item_of) and _each_once(terms_of):
        item_of, terms_of = (np.arange(len(numbers), dtype=np.int32) for numbers in (item_of, terms_of))
    else:
        repeated = _Repeated(counting.scratch)
        for _, item_ix, terms_ix, rate in _columns(rows, "staged_price", _PRICE):
            repeated.take(_named(item_of, item_ix), _named(terms_of, terms_ix), rate)
    found, held = [], 0
    for part in _looked_up(repeated.values(), _columns(rows, "staged_price", _PRICE), item_of, terms_of):
        found.append(part)
        held += len(part[0])
        if held >= _ROWS:
            _keep(con, found)
            held = 0
    if found:
        _keep(con, found)


def _looked_up(
    values: np.ndarray | None, prices: Iterator[list[np.ndarray]], item_of: np.ndarray, terms_of: np.ndarray
) -> Iterator[tuple[np.ndarray, ...]]:
    """Those prices of which the hash is among these values, all where they are None: number, mixed and object_ix."""
    every = values is None
    if every:
        values = np.empty(0, np.uint64)
    elif not len(values):
        return
    bits = max(1, len(values).bit_length())
    shift = np.uint64(64 - bits)
    starts = np.searchsorted(values, np.arange(1 << bits, dtype=np.uint64) << shift)
    among = every, values, np.append(starts, len(values)), shift
    row, number, mixed = np.empty((3, 0), np.uint64)
    for object_ix, item_ix, terms_ix, rate in prices:
        if len(rate) > len(row):
            row, number, mixed = np.empty((3, len(rate)), np.uint64)
        # In one step, for after each another thread, the gate, has its turn.
        numbers = item_ix, terms_ix, rate.view(np.uint64), item_of, terms_of
        if count := _sieve(*numbers, *among, row, number, mixed):
            yield number[:count].copy(), mixed[:count].copy(), object_ix[row[:count]]


def _keep(con: duckdb.DuckDBPyConnection, found: list[tuple[np.ndarray, ...]]) -> None:
    """Move rows into the table apart."""
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    con.register("rows_apart", pa.table(columns, ["number", "mixed", "object_ix"]))
    con.execute("INSERT INTO apart FROM rows_apart")
    con.unregister("rows_apart")
    found.clear()


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


def _named(names: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What stands for these numbers; not to be written to, as Arrow's arrays are not: to Numba that is a type of its own."""
    found = names[numbers]
    found.flags.writeable = False
    return found


def _each_once(values: np.ndarray) -> bool:
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

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

from pipeline import decimals
from pipeline.compiled.exact_sums import DECIMALS, ExactSum, accumulate, decimal, scaled
from pipeline.compiled.jit import entry, inner
from pipeline.storage import duck, repeated_hashes

_ROWS = 1 << 20  # of prices that stand more than once, handed to DuckDB at a time
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_1, _32 = np.uint64(1), np.uint64(32)
_MINUS_ZERO = np.uint64(1 << 63)
_ROOM = 1 << 59  # up to which the sum of an object's amounts is held as a whole number

# Columns of a staged table by name, some rows at a time, in the file's order.
Rows = Callable[[str, list[str]], Iterator[pa.RecordBatch]]
_PRICE, _OWNER = ["object_ix", "item_ix", "terms_ix", "negotiated_rate"], ["object_ix", "group_ix"]


class Counting:
    """Counts prices and owners by their numbers, while they are written; `take` gets all batches of all tables, the prices of
    an object before its owners. `scratch` is a folder for what is more than is held in memory (`storage.repeated_hashes.Hashes`)."""

    def __init__(self, scratch: Path):
        self.scratch = scratch
        self.prices, self.repeated, self.owners = _Prices(), _Repeated(scratch), _Owners()

    def take(self, table: str, batch: pa.RecordBatch) -> None:
        """Count rows of a staged table, if it is one of the two."""
        if table == "staged_price":
            object_ix, *price = _arrays(batch, _PRICE)
            self.prices.take(object_ix, price[-1])
            self.repeated.take(*price)
        elif table == "staged_owner":
            object_ix, group_ix = _arrays(batch, _OWNER)
            self.owners.take(object_ix, group_ix, self.prices)
            self.prices.forget(object_ix)


def counts(con: duckdb.DuckDBPyConnection, rows: Rows, counting: Counting) -> dict[str, int | str]:
    """From views of the staged tables of one file, the rows of the large ones, and what was counted of these:

    rates (read and not rejected), facts (distinct facts of the file alone), duplicates (rates that collapsed into them),
    fact_sum, duplicate_sum (of the amounts of these, exact decimals as text), groups, tin_npi_pairs, npis, tins (of resolved
    groups that a rate object names), codes, pos_sets.

    Each is counted: rates by object, duplicates where an owner stands again in its object, or a price and its owner in
    several. So rates = facts + duplicates can fail.
    """
    con.execute(duck.sql("in_network_numbers.sql"))
    owners, owner_of = counting.owners, _by_number(con, "owner_key", "group_ix", "owner")
    if not _each_once(owner_of):
        owners, prices = _Owners(), _Prices()
        for object_ix, rate in _columns(rows, "staged_price", ["object_ix", "negotiated_rate"]):
            prices.take(object_ix, rate)
        for object_ix, group_ix in _columns(rows, "staged_owner", _OWNER):
            owners.take(object_ix, _named(owner_of, group_ix), prices)
    _set_apart(con, rows, counting)
    con.register("referred", pa.table({"group_ix": np.flatnonzero(counting.owners.last >= 0)}))
    con.execute(duck.sql("in_network_collapsed.sql"))
    found = con.sql(duck.sql("in_network_counts.sql"))
    counted = dict(zip(found.columns, found.fetchall()[0], strict=True))
    con.unregister("referred")
    facts = owners.pairs - counted.pop("pairs_of_repeated") + counted.pop("facts_of_repeated")
    again = owners.again + counted.pop("duplicates_of_repeated")
    repeated = _sums_of_repeated(con)
    fact_sum = decimals.total([owners.pair_sum.total, -repeated["pairs"].total, repeated["facts"].total])
    duplicate_sum = decimals.total([owners.again_sum.total, repeated["duplicates"].total])
    sums = {"fact_sum": decimals.text(fact_sum), "duplicate_sum": decimals.text(duplicate_sum)}
    return {"rates": owners.rates, "facts": facts, "duplicates": again, **sums, **counted}


def _sums_of_repeated(con: duckdb.DuckDBPyConnection) -> dict[str, ExactSum]:
    """The amounts of prices that stand more than once, summed over their pairs, their facts and their duplicates."""
    sums = {name: ExactSum() for name in ("pairs", "facts", "duplicates")}
    columns = ", ".join(f"CAST({name} AS BIGINT) AS {name}" for name in sums)
    for batch in con.sql(f"SELECT number, mixed, {columns} FROM collapsed").to_arrow_reader(1 << 16):
        number, mixed, *counts = (column.to_numpy() for column in batch.columns)
        amounts = (mixed - number * _GOLDEN).view(np.float64)  # the inverse of `_mixed`
        for found, times in zip(sums.values(), counts, strict=True):
            found.add(amounts, times)
    return sums


class _Prices:
    """How many prices each object has, and the sum of their amounts, from the object `first` on.

    sums     a row for each of `DECIMALS`: the part of the sum that is so many decimals, as a whole number
    others   of objects by number: the amounts that are neither
    """

    def __init__(self):
        self.first, self._of = 0, np.zeros(0, np.int32)
        self.sums = np.zeros((len(DECIMALS), 0), np.int64)
        self.others: dict[int, list[float]] = {}
        self._reached = 0

    def take(self, object_ix: np.ndarray, amount: np.ndarray) -> None:
        """Count prices, objects rising."""
        others = np.empty(len(amount), np.int64)
        arrays = object_ix, amount, self.ensure(object_ix), self.sums, others
        self._reached, count = _count_prices(*arrays, self.first, self._reached)
        assert self._reached >= 0, "the prices of an object do not stand together"
        for row in others[:count]:
            self.others.setdefault(int(object_ix[row]), []).append(float(amount[row]))

    def ensure(self, object_ix: np.ndarray) -> np.ndarray:
        """How many they are, of `first` and those behind it, up to the last of these objects at least."""
        if len(object_ix):
            rows = int(object_ix[-1]) + 1 - self.first
            self._of = _grown(self._of, rows, 0)
            if len(self._of) > self.sums.shape[1]:
                grown = np.zeros((len(DECIMALS), len(self._of)), np.int64)
                grown[:, : self.sums.shape[1]] = self.sums
                self.sums = grown
        return self._of

    def forget(self, object_ix: np.ndarray) -> None:
        """Forget those of objects before the last of these, of which no owners come any more."""
        if len(object_ix) and (done := int(object_ix[-1]) - self.first) > len(self._of) // 2:
            self.first, self._of = self.first + done, self._of[done:].copy()
            self.sums = self.sums[:, done:].copy()
            self.others = {number: amounts for number, amounts in self.others.items() if number >= self.first}


class _Owners:
    """Counts owners: `last` is the object that named each last, -1 where none did; `stages.from_rates` are the pairs of a price and an
    owner of the same object, `pairs` those of them whose owner the object names for the first time, `again` the others.

    pair_sum, again_sum  of their amounts
    """

    def __init__(self):
        self.last = np.full(0, -1, np.int64)
        self.rates = self.pairs = self.again = self._reached = 0
        self.pair_sum, self.again_sum = ExactSum(), ExactSum()

    def take(self, object_ix: np.ndarray, owner: np.ndarray, prices: _Prices) -> None:
        """Count owners, objects rising, all of whose prices were counted."""
        self.last = _grown(self.last, _most(owner) + 1, -1)
        self._sum_others(object_ix, owner, prices)
        sums = self.pair_sum.limbs, self.again_sum.limbs
        counted = prices.ensure(object_ix), prices.sums, *sums, prices.first, self._reached
        self._reached, rates, pairs, again = _count_owners(object_ix, owner, self.last, *counted)
        assert self._reached >= 0, "the owners of an object do not stand together"
        self.rates += rates
        self.pairs += pairs
        self.again += again

    def _sum_others(self, object_ix: np.ndarray, owner: np.ndarray, prices: _Prices) -> None:
        """Add the amounts that compiled code does not: those of a hundred billion and more."""
        for at in prices.others if len(object_ix) else ():
            first, behind = np.searchsorted(object_ix, [at, at + 1])
            named, times = np.unique(owner[first:behind], return_counts=True)
            fresh = self.last[named] != at
            for amount in map(decimal, prices.others[at]):
                self.pair_sum.add_decimal(amount, int(fresh.sum()))
                self.again_sum.add_decimal(amount, int((times - fresh).sum()))


class _Repeated:
    """The hashes of what prices say, of which some stand more than once."""

    def __init__(self, scratch: Path):
        self._hashes = repeated_hashes.Hashes(scratch, repeated_hashes.HELD)

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
            if count > repeated_hashes.HELD:
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
def _count_prices(object_ix, amount, of_object, sums, others, first, reached):
    """As `_Prices.take`; returns the last object, -1 where objects do not rise, and how many rows there are in `others`."""
    count = 0
    for i in range(len(object_ix)):
        at = object_ix[i]
        if at < reached:
            return -1, 0
        reached = at
        of_object[at - first] += 1
        row, value = scaled(amount[i])
        if row >= 0 and -_ROOM < sums[row, at - first] < _ROOM:
            sums[row, at - first] += value
        else:
            others[count] = i
            count += 1
    return reached, count


@entry
def _count_owners(object_ix, owner, last, prices_of, sums, pair_limbs, again_limbs, begun, reached):
    """As `_Owners.take`; returns the last object, -1 where objects do not rise, and the rates, pairs and others."""
    i = rates = pairs = others = 0
    while i < len(object_ix):
        at, first, fresh, again = object_ix[i], i, 0, 0
        if at < reached:
            return -1, 0, 0, 0
        reached = at
        while i < len(object_ix) and object_ix[i] == at:
            if last[owner[i]] == at:
                again += 1
            else:
                fresh += 1
            last[owner[i]] = at
            i += 1
        rates += prices_of[at - begun] * (i - first)
        pairs += prices_of[at - begun] * fresh
        others += prices_of[at - begun] * again
        for row in range(len(sums)):
            accumulate(pair_limbs, row, sums[row, at - begun], fresh)
            if again:
                accumulate(again_limbs, row, sums[row, at - begun], again)
    return reached, rates, pairs, others


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

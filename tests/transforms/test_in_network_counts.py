"""The counts of a file against each of its rates taken apart."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipeline import tables
from pipeline.storage import repeated_hashes
from pipeline.transforms import in_network_counts


def numbered(name: str, key: str, said: list[tuple], columns: tuple[str, ...]) -> pa.Table:
    """A staged table of which each row says something under a number; its other columns are null."""
    schema = tables.get(name).arrow_schema()
    rows = [{key: number, **dict(zip(columns, row, strict=True))} for number, row in enumerate(said)]
    return pa.table({field.name: [row.get(field.name) for row in rows] for field in schema}, schema=schema)


class File:
    """The staged tables of a file of a few items, terms, rates and groups, and what its rates are."""

    def __init__(self, seed: int, *, repeat_items: bool, repeat_owners: bool):
        rng = random.Random(seed)
        self.items = [("CPT", str(n % 2 if repeat_items else n)) for n in range(4)]
        self.terms = [("professional", None), (None, "negotiated"), (None, None)]
        members = ["m0", "m0" if repeat_owners else "m1", None, None, "m4"]
        self.groups = [(f"g{n}", m, "wide" if n == 4 else None) for n, m in enumerate(members)]
        self.prices, self.owners = [], []
        for number in range(rng.randrange(12)):
            item = rng.randrange(4)  # an object's prices are of one item
            for _ in range(rng.randrange(4)):
                rate = rng.choice([1.5, 2.5, 0.0, -0.0, 1e308, 123456789.12, -7.123456789, 99999999999.99])
                self.prices.append((number, item, rng.randrange(3), rate))
            self.owners += [(number, rng.randrange(5)) for _ in range(rng.randrange(4))]

    def tables(self) -> dict[str, pa.Table]:
        """All of them, by name."""
        price, owner = (tables.get(name).arrow_schema() for name in ("staged_price", "staged_owner"))
        found = {
            "staged_item": numbered("staged_item", "item_ix", self.items, ("code_type", "code")),
            "staged_terms": numbered("staged_terms", "terms_ix", self.terms, ("billing_class", "negotiated_type")),
            "staged_group": numbered(
                "staged_group", "group_ix", self.groups, ("pg_uid", "pg_members_uid", "network_names")
            ),
            "staged_price": pa.table(list(zip(*self.prices, strict=True)) or [[]] * 4, schema=price),
            "staged_owner": pa.table(list(zip(*self.owners, strict=True)) or [[]] * 2, schema=owner),
        }
        return found | {n: tables.get(n).arrow_schema().empty_table() for n in ("staged_member", "staged_code")}

    def rates(self) -> list[tuple]:
        """What each rate says."""

        def owner(group: int) -> tuple:
            uid, members, networks = self.groups[group]
            return members or uid, networks

        return [
            (self.items[item], self.terms[terms], rate, owner(group))
            for (one, item, terms, rate), (other, group) in itertools.product(self.prices, self.owners)
            if one == other
        ]

    def counts(self, batch_rows: int, scratch: Path) -> dict[str, int]:
        """What is counted, in batches of so many rows."""
        staged = self.tables()
        con = duckdb.connect(config={"threads": 1})
        for name, table in staged.items():
            con.register(name, table)
        counting = in_network_counts.Counting(scratch)
        for name, table in staged.items():
            for batch in table.to_batches(max_chunksize=batch_rows):
                counting.take(name, batch)

        def rows(name: str, columns: list[str]):
            return iter(staged[name].select(columns).to_batches(max_chunksize=batch_rows))

        return in_network_counts.counts(con, rows, counting)


@pytest.mark.parametrize("repeat_items", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("repeat_owners", [False, True])
def test_facts_are_the_different_rates(repeat_items, repeat_owners, tmp_path, monkeypatch):
    """Also where two numbers say the same, and where there are more prices than are held."""
    for seed in range(12):
        file = File(seed, repeat_items=repeat_items, repeat_owners=repeat_owners)
        rates = file.rates()
        for held, batch_rows in ((1 << 10, 100), (1 << 10, 1), (3, 2), (3, 5)):
            monkeypatch.setattr(repeated_hashes, "HELD", held)
            monkeypatch.setattr(in_network_counts, "_ROWS", held)
            counted = file.counts(batch_rows, tmp_path)
            assert (counted["rates"], counted["facts"]) == (len(rates), len(set(rates))), (seed, held)
            assert counted["duplicates"] == len(rates) - len(set(rates)), (seed, held)
            once, all_of_them = (sum(Fraction(repr(rate)) for *_, rate, _ in some) for some in (set(rates), rates))
            assert Fraction(counted["fact_sum"]) == once, (seed, held)
            assert Fraction(counted["duplicate_sum"]) == all_of_them - once, (seed, held)


@pytest.mark.parametrize("items", [40, 10_000])
def test_prices_that_stand_twice_are_looked_up(items, tmp_path, monkeypatch):
    """However much is held; where more than that stands twice, all are."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        monkeypatch.setattr(repeated_hashes, "HELD", int(rng.integers(20, 500)))
        prices = [rng.choice(np.arange(k), 600).astype(kind) for k, kind in ((items, "i4"), (3, "i4"), (9, "f8"))]
        seen = in_network_counts._Repeated(tmp_path)
        for start in range(0, 600, 70):
            seen.take(*(column[start : start + 70] for column in prices))
        values = seen.values()
        rows = list(zip(*(column.tolist() for column in prices), strict=True))
        twice = {row for row, times in Counter(rows).items() if times > 1}
        assert (values is None) == (len(twice) > repeated_hashes.HELD)
        numbers = np.arange(items, dtype="i4"), np.arange(3, dtype="i4")
        found = in_network_counts._looked_up(values, iter([[np.arange(600), *prices]]), *numbers)
        places = [place for *_, part in found for place in part.tolist()]
        assert places == [place for place, row in enumerate(rows) if values is None or row in twice]


@pytest.mark.parametrize("name", ["staged_price", "staged_owner"])
def test_rows_of_an_object_that_do_not_stand_together_are_noticed(name, tmp_path):
    schema = tables.get(name).arrow_schema()
    columns = [[0, 1, 0] if field.name == "object_ix" else [0, 0, 0] for field in schema]
    batch = pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)
    with pytest.raises(AssertionError, match="do not stand together"):
        in_network_counts.Counting(tmp_path).take(name, batch)

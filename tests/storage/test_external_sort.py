"""Rows given back in their table's order: in memory, by ranges on disk, and by DuckDB where a range is too large."""

from __future__ import annotations

import contextlib
import random

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.storage import external_sort
from pipeline.tables import Table

_KINDS = {"note": "string", "npi": "string", "kind": "string", "row": "int64"}
BY_NPI = Table("by_npi", "", _KINDS, ("npi", "kind", "row"))
BY_KIND = Table("by_kind", "", _KINDS, ("kind", "npi", "row"))
# Texts that are kept as numbers come back in the order of texts.
BY_NPI_AND_FEW = Table("by_npi_and_few", "", _KINDS, ("npi", "kind", "row"), dictionary_encode=("kind", "note"))
BY_FEW = Table("by_few", "", _KINDS, ("kind", "npi", "row"), dictionary_encode=("kind",))
MANY_RANGES = 128 << 25
# Even, all in one range, at the edges of ranges and of all NPIs, one NPI over and over.
NPIS = st.one_of(
    st.integers(1_000_000_000, 1_999_999_999),
    st.integers(1_234_567_000, 1_234_567_999),
    st.integers(0, 9_999_999_999),
    st.sampled_from([0, 999_999_999, 1_007_812_499, 1_007_812_500, 1_999_999_999, 2_000_000_000, 9_999_999_999]),
    st.just(1_003_000_126),
).map("{:010}".format)
TEXTS = st.one_of(st.none(), st.text("aB\xe9\uff5e\U0001f600 ", max_size=2))


def in_order(table, rows, size, folder, read=MANY_RANGES):
    """The rows, handed over in frames of the size given; how many ranges DuckDB sorted. `read`: bytes of their source."""
    opened = []

    @contextlib.contextmanager
    def connect():
        opened.append(1)
        with duckdb.connect(":memory:") as con:
            yield con

    path = folder / "rows.unsorted"
    unsorted = external_sort.Unsorted(table, path, read)
    frame = pl.DataFrame(rows, schema=table.polars_schema(), orient="row")
    for start in range(0, max(1, len(rows)), size):
        unsorted.write(frame[start : start + size])
    assert path.exists() == (len(rows) >= external_sort.SPILLED_ROWS)
    found = [tuple(row.values()) for batch in unsorted.ordered(connect) for row in batch.to_pylist()]
    assert not path.exists()
    return found, len(opened)


def python_order(table):
    """Nulls first, texts by their UTF-8."""
    places = [list(table.columns).index(name) for name in table.sort]

    def key(row):
        values = [row[place] for place in places]
        return [(v is not None, v.encode() if isinstance(v, str) else v or 0) for v in values]

    return key


@settings(max_examples=150, deadline=None)
@given(
    table=st.sampled_from([BY_NPI, BY_KIND, BY_NPI_AND_FEW, BY_FEW]),
    drawn=st.lists(st.tuples(TEXTS, NPIS, TEXTS), max_size=30),
    size=st.integers(1, 9),
    spilled=st.sampled_from([3, 8, 1000]),
    most=st.sampled_from([0, 200, 1 << 20]),
    read=st.sampled_from([0, 3 << 25, MANY_RANGES, 1 << 60]),
)
def test_rows_come_in_order(tmp_path_factory, table, drawn, size, spilled, most, read):
    """However they come, however many wait, however large a range may be."""
    rows = [(*row, -number) for number, row in enumerate(drawn)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "SPILLED_ROWS", spilled)
        patch.setattr(external_sort, "MOST_BYTES", most)
        found, by_duckdb = in_order(table, rows, size, tmp_path_factory.mktemp("rows"), read)
    assert found == sorted(rows, key=python_order(table))
    if most != 200:
        assert (by_duckdb > 0) == (most == 0 and len(rows) >= spilled)


def test_no_range_in_memory_is_larger_than_allowed(tmp_path, monkeypatch):
    """Also where all NPIs begin with the same digits, or one stands in every row."""
    monkeypatch.setattr(external_sort, "SPILLED_ROWS", 1_000)
    monkeypatch.setattr(external_sort, "MOST_BYTES", 600_000)
    sizes, whole = [], external_sort.Unsorted._sorted
    monkeypatch.setattr(
        external_sort.Unsorted, "_sorted", lambda self, rows: sizes.append(rows.nbytes) or whole(self, rows)
    )
    for npi, by_duckdb in ((lambda n: n * 500_009, 0), (lambda n: n % 9, 1), (lambda n: 0, 1)):
        rows = [("x" * 50, str(1_000_000_000 + npi(n) % 10**9), "m", n) for n in range(9_500)]
        found, opened = in_order(BY_NPI, rows, 700, tmp_path)
        assert found == sorted(rows, key=python_order(BY_NPI))
        assert opened == by_duckdb
    assert 0 < max(sizes) <= 600_000


def test_a_text_that_is_no_npi_is_refused_where_ranges_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(external_sort, "SPILLED_ROWS", 1)
    with pytest.raises(pl.exceptions.InvalidOperationError):
        in_order(BY_NPI, [("", "one", "m", 1)], 1, tmp_path)


def test_what_waits_on_disk_is_the_rows_once(tmp_path, monkeypatch):
    """Also where most ranges get none of them."""
    monkeypatch.setattr(external_sort, "SPILLED_ROWS", 500)
    unsorted = external_sort.Unsorted(BY_NPI, tmp_path / "rows.unsorted", MANY_RANGES)
    rows = [(random.Random(n).randbytes(40).hex(), str(1_234_567_000 + n), "m", n) for n in range(2_000)]
    for start in range(0, 2_000, 500):
        unsorted.write(pl.DataFrame(rows[start : start + 500], schema=BY_NPI.polars_schema(), orient="row"))
    size = (tmp_path / "rows.unsorted").stat().st_size
    overhead = 4 * 128 * 1_000  # of batches
    assert 2_000 * 80 < size < 2 * 2_000 * 80 + overhead
    assert sum(batch.num_rows for batch in unsorted.ordered(None)) == 2_000

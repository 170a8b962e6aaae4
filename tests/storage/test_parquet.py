"""Same rows, same bytes and digest, however they arrive; another value, another digest."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kit
from pipeline.settings import LEAF_COMPRESSIONS
from pipeline.storage import chunked_file, parquet, prefetch
from pipeline.tables import Table

TABLE = Table(
    "t", "x", {"a": "string", "b": "float64", "c": "bool", "d": "int64", "e": "list"}, key=("a",), sort=("a",)
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.text(alphabet="ab|é", max_size=3),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.booleans(),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.lists(st.none() | st.text(alphabet="ab", max_size=2), max_size=3),
    ),
    max_size=12,
)


def batches(rows, size, large=False):
    schema = TABLE.arrow_schema()
    if large:  # as Polars gives them
        schema = pa.schema([(f.name, pa.large_string() if f.type == pa.string() else f.type) for f in schema])
    for start in range(0, len(rows), size):
        columns = list(zip(*rows[start : start + size], strict=True))
        yield pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def written(path, rows, size, large=False):
    return parquet.write(path, TABLE, batches(rows, size, large))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 12))
def test_bytes_and_digest_do_not_depend_on_batches(tmp_path_factory, rows, size):
    folder = tmp_path_factory.mktemp("p")
    one = written(folder / "one", rows, max(1, len(rows)))
    other = written(folder / "other", rows, size, large=True)
    assert one == other
    assert one.rows == len(rows)
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()
    assert [tuple(r.values()) for r in pq.read_table(folder / "one").to_pylist()] == rows


def some_rows(count):
    """20,000 are more than is put together before it is written."""
    return [(hashlib.sha256(i.to_bytes(4)).hexdigest(), i / 7, None, i, None) for i in range(count)]


@pytest.mark.parametrize("count", [5, 20_000])
def test_the_hash_is_that_of_the_files_bytes(tmp_path, count):
    found = written(tmp_path / "a", some_rows(count), 777)
    assert found.sha256 == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    assert pq.read_table(tmp_path / "a").num_rows == count


@kit.on_a_full_disk
@pytest.mark.parametrize("count", [5, 20_000])
def test_a_full_disk_is_an_error(count):
    with pytest.raises(OSError, match="No space left") as raised:
        written(kit.FULL_DISK, some_rows(count), 777)
    assert raised.value.errno == errno.ENOSPC


@kit.on_a_full_disk
def test_a_full_disk_is_told_while_rows_come(monkeypatch):
    monkeypatch.setattr(chunked_file, "WAITING", 0)
    (batch,) = batches(some_rows(parquet.ROW_GROUP_ROWS), parquet.ROW_GROUP_ROWS)
    writer = parquet.Writer(kit.FULL_DISK, TABLE)
    with pytest.raises(OSError, match="No space left"):
        writer.write(batch)
    with pytest.raises(OSError, match="No space left"):  # so is the end of what could be read
        writer.__exit__(None, None, None)


def test_a_writer_that_is_let_go_of_keeps_no_process_alive(tmp_path):
    """Its digest may be what holds it last, in the thread that its file would wait for."""
    program = """
import sys, time
from pathlib import Path
import pyarrow as pa
from pipeline.storage import parquet
from pipeline.tables import Table
digest = parquet._digest_array
parquet._digest_array = lambda *given: time.sleep(1) or digest(*given)
writer = parquet.Writer(Path(sys.argv[1]), Table("t", "x", {"a": "int64"}, key=("a",)))
writer.write(pa.record_batch([pa.array(range(parquet.ROW_GROUP_ROWS))], ["a"]))
del writer
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], check=True, timeout=60)


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS)
def test_other_rows_have_another_digest(tmp_path_factory, rows, others):
    folder = tmp_path_factory.mktemp("p")
    same = repr(rows) == repr(others)
    assert (written(folder / "a", rows, 5).digest == written(folder / "b", others, 5).digest) is same


STAGED = Table("staged_t", parquet.READ_ONCE, {"t_ix": "int64", "a": "string", "b": "float64"}, key=("t_ix",))
FEW = Table("few_t", "x", {"t_ix": "int64", "a": "string", "b": "float64"}, key=("t_ix",), dictionary_encode=("a",))
STAGED_ROWS = st.lists(
    st.tuples(st.integers(0, 600), st.none() | st.sampled_from(["", "a", "b", "é"]), st.floats(0, 2)), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(STAGED_ROWS, st.integers(1, 12), st.sampled_from(["apart", "shared", "growing"]), st.sampled_from([STAGED, FEW]))
def test_texts_as_numbers_give_the_bytes_of_texts(tmp_path_factory, rows, size, how, table):
    folder = tmp_path_factory.mktemp("p")
    places, texts, amounts = (list(c) for c in zip(*rows, strict=True)) if rows else ([], [], [])
    schema = table.arrow_schema()
    every = pa.array(["unused", "b", "", "é", "a"])  # in another order than they come
    plain, numbered = [], []
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        ends = pa.array(places[part], pa.int64()), pa.array(amounts[part], pa.float64())
        a = pa.array(texts[part], pa.string())
        codes = pa.array([None if t is None else every.to_pylist().index(t) for t in texts[part]], pa.int32())
        b = a.dictionary_encode()
        if how != "apart":
            used = max((c for c in codes.to_pylist() if c is not None), default=0) + 1
            b = pa.DictionaryArray.from_arrays(codes, every if how == "shared" else every[:used])
        plain.append(pa.record_batch([ends[0], a, ends[1]], schema=schema))
        numbered.append(pa.record_batch([ends[0], b, ends[1]], names=schema.names))
    one = parquet.write(
        folder / "one", table, [pa.Table.from_batches(plain, schema).combine_chunks().to_batches()[0]] if rows else []
    )
    for in_order in (False, True)[: 1 + (how == "apart")]:
        assert parquet.write(folder / "other", table, numbered, in_order=in_order) == one
        assert (folder / "one").read_bytes() == (folder / "other").read_bytes()
    assert [tuple(r.values()) for r in pq.read_table(folder / "one").to_pylist()] == rows


@settings(max_examples=80, deadline=None)
@given(STAGED_ROWS, STAGED_ROWS)
def test_other_staged_rows_have_another_digest(tmp_path_factory, rows, others):
    folder = tmp_path_factory.mktemp("p")

    def digest(rows):
        columns = list(zip(*rows, strict=True)) or [()] * 3
        batch = pa.record_batch(
            [pa.array(c, f.type) for c, f in zip(columns, STAGED.arrow_schema(), strict=True)],
            schema=STAGED.arrow_schema(),
        )
        return parquet.write(folder / "a", STAGED, [batch]).digest

    assert (digest(rows) == digest(others)) is (repr(rows) == repr(others))


def test_a_dictionary_that_is_cut_is_renumbered(tmp_path, monkeypatch):
    """Whatever batches said of their order: one that reaches over a row group's end has values of both sides."""
    rows = [("a", 1), ("a", 2), ("b", 3), ("a", 4), ("b", 5)]
    batch = pa.record_batch(
        [pa.array([n for _, n in rows]), pa.array([t for t, _ in rows]).dictionary_encode(), pa.array([0.0] * 5)],
        names=list(FEW.columns),
    )
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 2)
    one = parquet.write(tmp_path / "one", FEW, [batch], in_order=True)
    assert parquet.write(tmp_path / "other", FEW, [batch]) == one
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_row_groups_are_cut_at_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 4)
    rows = [(str(i), float(i), None, i, []) for i in range(10)]
    assert written(tmp_path / "a", rows, 3) == written(tmp_path / "b", rows, 10)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.ParquetFile(tmp_path / "a").num_row_groups == 3


def test_the_footer_holds_only_what_follows_from_the_content(tmp_path):
    made = written(tmp_path / "a", [("x", 1.0, True, 1, ["y"])], 1)
    metadata = pq.read_metadata(tmp_path / "a").metadata
    told = {"ratehouse.table": "t", "ratehouse.digest": made.digest, "ratehouse.rows": "1", "ratehouse.format": "2"}
    assert metadata == {k.encode(): v.encode() for k, v in told.items()}


def filled(rows, size=5):
    """The same batches, declared without nulls in every column that has none."""
    for batch in batches(rows, size):
        lacking = {name for name in TABLE.columns if any(row[list(TABLE.columns).index(name)] is None for row in rows)}
        kinds = [pa.field(f.name, f.type, f.name in lacking) for f in batch.schema]
        yield pa.record_batch(batch.columns, schema=pa.schema(kinds))


@settings(max_examples=40, deadline=None)
@given(ROWS.filter(len), ROWS.filter(len))
def test_columns_that_no_row_lacks_are_required_and_read_with_others(tmp_path_factory, rows, others):
    """As months are, of which one has nulls where the next has none."""
    paths = [tmp_path_factory.mktemp("p") / name for name in ("one", "other")]
    for path, some in zip(paths, (rows, others), strict=True):
        as_declared, nullable = parquet.write(path, TABLE, filled(some)), written(path.with_name("nullable"), some, 5)
        all_lacking = all(any(row[i] is None for row in some) for i in range(len(TABLE.columns)))
        assert (as_declared == nullable) is all_lacking  # other bytes have another digest
        for i, field in enumerate(pq.read_schema(path)):
            assert field.nullable is any(row[i] is None for row in some)
    for wanted, files in ((rows + others, paths), (others + rows, paths[::-1])):
        names = [str(path) for path in files]
        read = duckdb.sql(f"SELECT * FROM read_parquet({names})").fetchall()
        assert repr(read) == repr(wanted)
        assert [tuple(row.values()) for row in pa.dataset.dataset(names).to_table().to_pylist()] == wanted
        assert pl.scan_parquet(names).collect().rows() == wanted


@pytest.mark.parametrize("column", TABLE.columns)
def test_a_null_where_none_was_to_be_is_an_error(tmp_path, column):
    rows = [("x", 1.0, True, 1, ["y"])] * 7
    rows[6] = tuple(None if name == column else value for name, value in zip(TABLE.columns, rows[6], strict=True))
    declared = next(filled(rows[:5])).schema
    broken = [pa.record_batch(batch.columns, schema=declared) for batch in batches(rows, 5)]
    with pytest.raises(pa.ArrowInvalid, match="which was to have none"):
        parquet.write(tmp_path / "a", TABLE, broken)


def test_a_null_among_numbered_texts_where_none_was_to_be_is_an_error(tmp_path):
    kind = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [pa.field("t_ix", pa.int64(), False), pa.field("a", kind, False), pa.field("b", pa.float64(), False)]
    )
    texts = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["a", None]).dictionary_encode()]
    rows = [pa.record_batch([pa.array([1, 2]), text, pa.array([0.0, 1.0])], schema=schema) for text in texts]
    with pytest.raises(pa.ArrowInvalid, match="which was to have none"):
        parquet.write(tmp_path / "a", FEW, rows, in_order=True)


def test_a_wrong_type_is_refused(tmp_path):
    batch = pa.record_batch([pa.array([1]), pa.array(["x"])], names=["a", "b"])
    with pytest.raises(KeyError):
        parquet.write(tmp_path / "a", TABLE, [batch])


@settings(max_examples=25, deadline=None)
@given(ROWS.filter(len), st.integers(1, 12), st.integers(1, 12), st.sampled_from(LEAF_COMPRESSIONS))
def test_a_large_leaf_in_pieces_has_the_bytes_of_one_at_once(tmp_path_factory, rows, size, group, compression):
    path = tmp_path_factory.mktemp("p") / "leaf"
    schema = TABLE.arrow_schema().with_metadata({"ratehouse.rows": str(len(rows))})
    pieces = [pa.Table.from_batches([batch]) for batch in batches(rows, size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP_ROWS", group)
        patch.setattr(parquet, "SMALL_ROWS", 0)
        assert parquet.write_large_leaf(path, schema, pieces, compression) == len(rows)
        whole = pa.concat_tables([schema.empty_table(), *(p.replace_schema_metadata(schema.metadata) for p in pieces)])
        assert path.read_bytes() == parquet.leaf_bytes(whole, compression).to_pybytes()


def test_what_leaves_may_be_compressed_with_is_what_the_setting_takes():
    assert tuple(parquet.LEAF_COMPRESSIONS) == LEAF_COMPRESSIONS


@pytest.mark.parametrize("compression", LEAF_COMPRESSIONS)
@pytest.mark.parametrize("rows", [1, parquet.SMALL_ROWS])
def test_every_column_of_a_leaf_is_compressed_as_the_setting_says(rows, compression):
    table = pa.table({"a": pa.array(range(rows)), "b": pa.array([f"text {n % 7}" for n in range(rows)])})
    made = parquet.leaf_bytes(table, compression)
    assert made.equals(parquet.leaf_bytes(table, compression))
    (group,) = [pq.ParquetFile(pa.BufferReader(made)).metadata.row_group(0)]
    assert {group.column(n).compression for n in range(2)} == {compression.upper()}
    assert pq.read_table(pa.BufferReader(made)).equals(table)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no niceness of its own here")
def test_what_is_made_ahead_gives_way_to_who_takes_it():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def made() -> Iterator[int]:
        yield niceness()

    before = niceness()
    assert list(prefetch.prefetch(made())) == [min(before + prefetch.NICENESS, 19)]
    assert niceness() == before


def test_rows_made_ahead_are_the_same_and_end_as_they_do():
    """In their order, never more than one ahead of what was taken; what making them raises comes where they end."""
    made = []

    def rows():
        for n in range(5):
            made.append(n)
            yield pa.record_batch({"n": [n]})
        raise ValueError("no more of them")

    taken, furthest = [], []

    def take():
        for batch in prefetch.prefetch(rows()):
            taken.append(batch.column(0)[0].as_py())
            furthest.append(len(made) - len(taken))

    with pytest.raises(ValueError, match="no more"):
        take()
    assert taken == [0, 1, 2, 3, 4]
    assert max(furthest) <= 1
    started = prefetch.prefetch(rows())
    next(started)
    started.close()  # waits for the thread
    assert not [one for one in threading.enumerate() if one.name.startswith(prefetch.THREAD)]

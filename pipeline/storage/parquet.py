"""Writing one Parquet file: typed, sorted as it comes, the same bytes for the same rows, with a content digest.

What belongs here: the encoding of every Parquet file of the project, and the digest of its rows. What must not
come in: where a file stands or whether it is published (`targets`), the order or meaning of rows (transforms).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from pipeline.storage import chunked_file, opening
from pipeline.storage.chunked_file import Written
from pipeline.storage.prefetch import give_way
from pipeline.tables import Table

# A change of what is below changes bytes or digests of the same rows: raise it then.
FORMAT = "2"
ROW_GROUP_ROWS = 122_880  # DuckDB's own; a multiple of its vectors, so that scans split evenly
COMPRESSION, COMPRESSION_LEVEL = "zstd", 3
# What leaves may be compressed with, and its level. Arrow sets up zstd anew for each column of a row group, 9 µs at any level:
# 20 rows of 88 columns take 1.8 ms and 14.4 KB, with Snappy 1.0 ms and 14.9 KB (docs/performance.md).
LEAF_COMPRESSIONS = {"zstd": COMPRESSION_LEVEL, "snappy": None}
# Leaves below this are written without dictionaries and statistics. A dictionary is a second page of every column: with them
# 21 rows take 5.8 ms and 23 KB. Statistics of a file that is read whole serve nobody.
SMALL_ROWS = 1_000
# What sources are staged as is as large as all the rest and read by the next stage alone: LZ4 saves a fifth of the time to
# write a file's rates, beside zstd's level 1, and takes a tenth more room.
STAGED_COMPRESSION = "lz4"
# Of a file's rates statistics are of use on numbers only (a gate need not look for nulls where none is counted), and
# amounts are no smaller with a dictionary.
READ_ONCE, READ_ONCE_FORMAT = "staged/in_network", "8"
REPEATED = ("object_ix",)
# Of large tables whose texts repeat, texts are digested and written as numbers, but for ids that every row has its own of,
# which are written with their lengths apart: as bytes they cannot be made smaller than Huffman makes them, and between
# lengths zstd looks for what is not there. Statistics, a third of the time to write 88 columns, are of use where rows are
# sorted by a column.
NUMBERED, NUMBERED_FORMAT = ("fact_rate", "fact_rate_enriched"), "5"
ID_ENCODING = "DELTA_LENGTH_BYTE_ARRAY"
# A fact's numbers are nearly as much noise as its id: of 31 bytes a row, 1 less at level 1, in two thirds of the time.
FACTS, FACTS_LEVEL = "fact_rate", 1
# The registry's rows are two or three to each of millions of providers, and read whole by the dims alone. Where nearly
# every row has a text of its own a dictionary is given up only after it was made: without them half the time, a fifth less.
REGISTRY, REGISTRY_FORMAT = "staged/nppes", "6"
REGISTRY_OWN = ("npi", "source_row", "address_hash", "address_1", "telephone_number", "primary_taxonomy_license")
# Of facts, for the texts of its groups are written again with each row group, a third of the bytes of all; and where rows
# are a few numbers, so that more of the time goes to these than to what each row group takes.
LARGE_ROW_GROUP_ROWS = 4 * ROW_GROUP_ROWS
LARGE_ROW_GROUPS = (FACTS, "staged_price", "staged_owner")
_BATCH_VALUES = 8_192
_DICTIONARY_BYTES = 64 << 20  # no row group has as many, so a column is never written half with one, half without


class Writer:
    """Writes record batches of a table to a file; rows in any number of batches give the same bytes.

    Use as a context manager; `written` is set after it closed well. Columns are matched by name and must have
    the table's types (ArrowInvalid or KeyError otherwise), but a text may come as a dictionary of int32, of which no
    value stands twice; dictionaries that lie in the same memory are taken for one, which only grows.

    in_order  the dictionaries that come have the values of their batch alone, in the order in which they come first
    required  columns that no row lacks: which values are there is not written, an eighth of the time for each of them
    """

    def __init__(self, path: Path, table: Table, *, in_order: bool = False, required: Collection[str] = ()):
        self._in_order = in_order
        self.table, self.schema = table, table.arrow_schema()
        self._pending: list[tuple[pa.RecordBatch, bool]] = []  # each with whether it is a part of one
        self._pending_rows = self._rows = 0
        self._group_rows = LARGE_ROW_GROUP_ROWS if table.name in LARGE_ROW_GROUPS else ROW_GROUP_ROWS
        self._once, numbered, registry = table.folder == READ_ONCE, table.name in NUMBERED, table.folder == REGISTRY
        self._by_number = self._once or numbered
        formats = ((self._once, READ_ONCE_FORMAT), (numbered, NUMBERED_FORMAT), (registry, REGISTRY_FORMAT))
        self._format = next((number for of_it, number in formats if of_it), FORMAT)
        self._digested: Future | None = None
        self._digest = blake3(f"{self._format}|{table.name}|{self.schema}|{' '.join(sorted(required))}".encode())
        self._ids = table.key if table.name in NUMBERED else ()
        self._written_as = pa.schema(
            [
                pa.field(f.name, _DICTIONARY if self._numbered(f) else f.type, f.name not in required)
                for f in self.schema
            ]
        )
        # Places (price_ix, …) rise by little: as differences they cost a third of the time, and next to no bytes; and what
        # does not rise, like group_ix, no compression makes smaller. Where one stands in many rows on end, LZ4 takes less
        # than differences do.
        places = [c for c in self.schema.names if c.endswith("_ix") and c not in REPEATED]
        plain = [f.name for f in self.schema if self._once and (pa.types.is_floating(f.type) or f.name in REPEATED)]
        staged = self._once or registry
        compression = STAGED_COMPRESSION if staged else COMPRESSION
        if self._once:
            compression = {_leaf(f): STAGED_COMPRESSION for f in self.schema if f.name not in places}
        level = None if staged else FACTS_LEVEL if table.name == FACTS else COMPRESSION_LEVEL
        statistics = [*places, *plain] if self._once else list(table.sort) if numbered or registry else True
        undictionaried = (*places, *plain, *self._ids, *(REGISTRY_OWN if registry else ()))
        # Digests, and writes what is encoded.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="beside", initializer=give_way)
        self._taken = chunked_file.InPieces(path, self._beside)
        # What is small is put together first: a page's header is a few bytes.
        self._out = pa.BufferedOutputStream(pa.PythonFile(self._taken, mode="w"), chunked_file.PIECE)
        self._file = pq.ParquetWriter(
            self._out,
            self._written_as,
            compression=compression,
            compression_level=level,
            store_schema=False,
            write_statistics=statistics,
            use_dictionary=[c for c in self.schema.names if c not in undictionaried],
            column_encoding=dict.fromkeys(places, "DELTA_BINARY_PACKED")
            | dict.fromkeys(plain, "PLAIN")
            | dict.fromkeys(self._ids, ID_ENCODING),
            dictionary_pagesize_limit=_DICTIONARY_BYTES if self._by_number else None,
            # Arrow encodes 1,024 values at a time, and 20,000 rows a page, unless told otherwise: an eighth of the time.
            write_batch_size=_BATCH_VALUES if self._by_number else None,
            max_rows_per_page=self._group_rows if self._by_number else None,
        )
        self.written: Written | None = None

    def _numbered(self, field: pa.Field) -> bool:
        by_number = self._by_number and pa.types.is_string(field.type) and field.name not in self._ids
        return by_number or field.name in self.table.dictionary_encode

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._beside, self._out:
            if kind is None and self._pending_rows:
                self._flush(self._pending_rows)
            if kind is None:
                if self._digested is not None:
                    self._digested.result()
                digest = self._digest.hexdigest(length=16)
                self._file.add_key_value_metadata(
                    {
                        "ratehouse.table": self.table.name,
                        "ratehouse.digest": digest,
                        "ratehouse.rows": str(self._rows),
                        "ratehouse.format": self._format,
                    }
                )
            self._file.close()
        if kind is None:
            self.written = Written(digest, self._rows, self._taken.sha256)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are written when a row group is full."""
        columns = [batch.column(name) for name in self.schema.names]
        for i, field in enumerate(self.schema):
            kind = _DICTIONARY if columns[i].type == _DICTIONARY and self._numbered(field) else field.type
            if columns[i].type != kind:
                columns[i] = columns[i].cast(kind)
        batch = pa.record_batch(columns, self.schema.names)
        self._pending.append((batch, False))
        self._pending_rows += batch.num_rows
        while self._pending_rows >= self._group_rows:
            self._flush(self._group_rows)

    def _flush(self, rows: int) -> None:
        taken, left, in_order = [], rows, self._in_order
        while left:
            batch, cut = self._pending.pop(0)
            if batch.num_rows > left:
                self._pending.insert(0, (batch.slice(left), True))
                batch, cut = batch.slice(0, left), True
            in_order &= not cut and not taken
            taken.append(batch)
            left -= batch.num_rows
        self._pending_rows -= rows
        columns = [self._column(field, [b.column(i) for b in taken], in_order) for i, field in enumerate(self.schema)]
        for field, column in zip(self._written_as, columns, strict=True):  # Arrow looks at all but lists
            if column.null_count and not field.nullable:
                raise pa.ArrowInvalid(f"a null in {self.table.name}.{field.name}, which was to have none")
        self._rows += rows
        if self._digested is not None:  # the row group before this one
            self._digested.result()
        self._digested = self._beside.submit(_feed, self._digest, columns)  # and nothing that holds this writer
        self._file.write_table(pa.table(columns, schema=self._written_as), row_group_size=self._group_rows)

    def _column(self, field: pa.Field, chunks: list[pa.Array], in_order: bool) -> pa.Array:
        if not self._numbered(field):
            return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
        if in_order and chunks[0].type == _DICTIONARY:
            return chunks[0]
        return _numbered(chunks)


@contextmanager
def allocator_of_its_own() -> Iterator[None]:
    """Have Arrow use its own allocator, not the system's (`pipeline`): for work that goes on for seconds."""
    former = pa.default_memory_pool()
    pa.set_memory_pool(pa.mimalloc_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(former)


def write(path: Path, table: Table, batches: Iterable[pa.RecordBatch], *, in_order: bool = False) -> Written:
    """Write all batches. What the first batch's schema says is never null is required."""
    batches = iter(batches)
    first = next(batches, None)
    required = [] if first is None else [field.name for field in first.schema if not field.nullable]
    with Writer(path, table, in_order=in_order, required=required) as writer:
        for batch in batches if first is None else itertools.chain([first], batches):
            writer.write(batch)
    return writer.written


def write_large_leaf(path: Path, schema: pa.Schema, pieces: Iterable[pa.Table], compression: str) -> int:
    """Write a leaf of more than a row group, its rows in pieces of any size, a row group at a time; returns its rows.

    The bytes are those of `leaf_bytes` of all rows together; what is held are a row group and a piece.
    """
    rows, pending = 0, schema.empty_table()
    with opening.parquet_writer(
        path, schema, compression=compression, compression_level=LEAF_COMPRESSIONS[compression], store_schema=False
    ) as file:
        for piece in pieces:
            rows += piece.num_rows
            pending = pa.concat_tables([pending, piece.replace_schema_metadata(schema.metadata)])
            while pending.num_rows >= ROW_GROUP_ROWS:
                file.write_table(pending.slice(0, ROW_GROUP_ROWS).combine_chunks(), row_group_size=ROW_GROUP_ROWS)
                pending = pending.slice(ROW_GROUP_ROWS)
        if pending.num_rows:
            file.write_table(pending.combine_chunks(), row_group_size=ROW_GROUP_ROWS)
    return rows


def leaf_bytes(rows: pa.Table, compression: str) -> pa.Buffer:
    """A leaf's file in memory, compressed with one of `LEAF_COMPRESSIONS`; the schema's metadata becomes the footer's."""
    small = rows.num_rows < SMALL_ROWS
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression=compression,
        compression_level=LEAF_COMPRESSIONS[compression],
        use_dictionary=not small,
        write_statistics=not small,
        store_schema=False,
        row_group_size=ROW_GROUP_ROWS,
    )
    return sink.getvalue()


_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def _leaf(field: pa.Field) -> str:
    """What Parquet calls a column."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def _numbered(chunks: list[pa.Array]) -> pa.DictionaryArray:
    """Texts as numbers of a dictionary that holds each of them once, in the order in which they come first."""
    if any(c.type != _DICTIONARY for c in chunks):
        return pa.concat_arrays([c.cast(pa.string()) for c in chunks]).dictionary_encode()
    dictionaries = [c.dictionary for c in chunks]
    if len({_memory(d) for d in dictionaries}) == 1:
        values, codes = max(dictionaries, key=len), [c.indices for c in chunks]
    else:
        unified = pa.chunked_array(chunks).unify_dictionaries()
        values, codes = unified.chunk(0).dictionary, [c.indices for c in unified.chunks]
    codes = pa.concat_arrays(codes)
    found, used = first_seen(pc.fill_null(codes, len(values)).to_numpy(), len(values))
    numbers = pa.array(
        found, pa.int32(), mask=codes.is_null().to_numpy(zero_copy_only=False) if codes.null_count else None
    )
    return pa.DictionaryArray.from_arrays(numbers, values.take(pa.array(used)))


def first_seen(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes from 0 to `count` - 1, or `count` for none, renumbered as they come first; and which code each number was."""
    never = len(codes)
    first = np.full(count + 1, never, np.int32)
    first[codes[::-1]] = np.arange(
        never - 1, -1, -1, dtype=np.int32
    )  # of several the last one assigned stays, which is the first
    first[count] = never
    used = np.flatnonzero(first < never)
    used = used[np.argsort(first[used])]
    number = np.zeros(count + 1, np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return number[codes], used


def _memory(array: pa.Array) -> tuple:
    return array.offset, *(None if b is None else b.address for b in array.buffers()[1:])


def _feed(digest, columns: list[pa.Array]) -> None:
    for array in columns:
        _digest_array(digest, array)


def _digest_array(digest, array: pa.Array) -> None:
    """Feed an array's values to a digest: which are null, then the values, with nothing of how they lie in memory."""
    digest.update(len(array).to_bytes(8, "little"))
    if pa.types.is_dictionary(array.type):
        _digest_array(digest, array.dictionary)
        count = len(array.dictionary)  # stands for null
        if count <= 1 and array.null_count in (0, len(array)):
            digest.update(b"n" if array.null_count else b"1")
            return
        array = pc.fill_null(array.indices, count)
    if array.null_count:
        digest.update(b"n")
        digest.update(pc.is_null(array).cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
        array = array.drop_null()
    for buffer in _buffers(array):
        digest.update(buffer)


def _buffers(array: pa.Array) -> Iterator[memoryview]:
    """The buffers of an array without nulls, cut to its own values."""
    kind = array.type
    if not len(array):
        return
    if pa.types.is_string(kind):
        lengths = pc.binary_length(array)
        yield memoryview(lengths.buffers()[1])[lengths.offset * 4 : (lengths.offset + len(lengths)) * 4]
        offsets = memoryview(array.buffers()[1]).cast("i")
        data = array.buffers()[2]
        if data is not None:
            yield memoryview(data)[offsets[array.offset] : offsets[array.offset + len(array)]]
    elif pa.types.is_list(kind):
        lengths = pc.list_value_length(array)
        yield memoryview(lengths.buffers()[1])[lengths.offset * 4 : (lengths.offset + len(lengths)) * 4]
        values = array.flatten()
        yield pc.is_null(values).cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes()
        yield from _buffers(values.drop_null())
    elif pa.types.is_boolean(kind):
        yield array.cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes()
    else:
        width = kind.bit_width // 8
        yield memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]

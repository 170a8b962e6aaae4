"""Writing one Parquet file: typed, sorted as it comes, the same bytes for the same rows, with a content digest.

What belongs here: the encoding of every Parquet file of the project, and the digest of its rows. What must not
come in: where a file stands or whether it is published (`targets`), the order or meaning of rows (transforms).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.tables import Table

# A change of what is below changes bytes or digests of the same rows: raise it then.
FORMAT = "1"
ROW_GROUP_ROWS = 122_880  # DuckDB's own; a multiple of its vectors, so that scans split evenly
COMPRESSION, COMPRESSION_LEVEL = "zstd", 3
# Leaves below this are written without dictionaries and statistics. Setting up the compressor is most of what a small
# leaf costs, and a dictionary is a second page of every column: 21 rows of 88 columns take 3.6 ms and 15 KB, not 5.8 ms
# and 23 KB. Statistics of a file that is read whole serve nobody.
SMALL_ROWS = 1_000


@dataclass(frozen=True)
class Written:
    """What was written: the digest of the content, the number of rows."""

    digest: str
    rows: int


class Writer:
    """Writes record batches of a table to a file; rows in any number of batches give the same bytes.

    Use as a context manager; `written` is set after it closed well. Columns are matched by name and must have
    the table's types (ArrowInvalid or KeyError otherwise).
    """

    def __init__(self, path: Path, table: Table):
        self.table, self.schema = table, table.arrow_schema()
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = self._rows = 0
        self._digest = hashlib.blake2b(f"{FORMAT}|{table.name}|{self.schema}".encode(), digest_size=16)
        self._file = pq.ParquetWriter(
            path,
            self.schema,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            store_schema=False,
            # Places (price_ix, …) rise by little: as differences they cost a third of the time, and next to no bytes.
            use_dictionary=[c for c in self.schema.names if not c.endswith("_ix")],
            column_encoding={c: "DELTA_BINARY_PACKED" for c in self.schema.names if c.endswith("_ix")},
        )
        self.written: Written | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is not None:
            self._file.close()
            return
        if self._pending_rows:
            self._flush(self._pending_rows)
        self.written = Written(self._digest.hexdigest(), self._rows)
        self._file.add_key_value_metadata(
            {
                "ratehouse.table": self.table.name,
                "ratehouse.digest": self.written.digest,
                "ratehouse.rows": str(self._rows),
                "ratehouse.format": FORMAT,
            }
        )
        self._file.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; they are written when a row group is full."""
        batch = batch.select(self.schema.names)
        if batch.schema != self.schema:
            batch = batch.cast(self.schema)
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        while self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(ROW_GROUP_ROWS)

    def _flush(self, rows: int) -> None:
        pending = pa.Table.from_batches(self._pending, self.schema)
        group = pending.slice(0, rows).combine_chunks()
        rest = pending.slice(rows)
        self._pending, self._pending_rows = rest.to_batches(), rest.num_rows
        for column in group.columns:
            for array in column.chunks:
                _digest_array(self._digest, array)
        self._rows += group.num_rows
        self._file.write_table(group, row_group_size=ROW_GROUP_ROWS)


class Unsorted:
    """Rows of several tables as they come, each table in a file beside its draft, to be read once more and sorted.

    Use as a context manager; `paths` are the files of those tables that were given any rows, or an empty frame.
    """

    def __init__(self, drafts: dict[str, Path]):
        self._drafts = drafts
        self._files: dict[str, pq.ParquetWriter] = {}
        self._pending: dict[str, list[pa.Table]] = {}
        self.paths: dict[str, Path] = {}

    def __enter__(self) -> Unsorted:
        return self

    def __exit__(self, kind, error, trace) -> None:
        for name, file in self._files.items():
            if kind is None and self._pending[name]:
                self._flush(name)
            file.close()

    def write(self, name: str, rows: pa.Table) -> None:
        """Take rows of a table; they are written when they are enough for a row group."""
        if name not in self._files:
            self.paths[name] = self._drafts[name].with_suffix(".unsorted")
            # Read once and thrown away: no statistics, and no time for small files.
            self._files[name] = pq.ParquetWriter(
                self.paths[name], rows.schema, compression="lz4", write_statistics=False, store_schema=False
            )
            self._pending[name] = []
        self._pending[name].append(rows)
        if sum(piece.num_rows for piece in self._pending[name]) >= ROW_GROUP_ROWS:
            self._flush(name)

    def _flush(self, name: str) -> None:
        rows = pa.concat_tables(self._pending[name])
        self._pending[name] = []
        self._files[name].write_table(rows, row_group_size=ROW_GROUP_ROWS)


def write(path: Path, table: Table, batches: Iterable[pa.RecordBatch]) -> Written:
    """Write all batches; returns digest and rows."""
    with Writer(path, table) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.written


def write_large_leaf(path: Path, schema: pa.Schema, pieces: Iterable[pa.Table]) -> int:
    """Write a leaf of more than a row group, its rows in pieces of any size, a row group at a time; returns its rows.

    The bytes are those of `leaf_bytes` of all rows together; what is held are a row group and a piece.
    """
    rows, pending = 0, schema.empty_table()
    with pq.ParquetWriter(
        path, schema, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL, store_schema=False
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


def leaf_bytes(rows: pa.Table) -> pa.Buffer:
    """A leaf's file in memory; the schema's metadata becomes the footer's."""
    small = rows.num_rows < SMALL_ROWS
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=not small,
        write_statistics=not small,
        store_schema=False,
        row_group_size=ROW_GROUP_ROWS,
    )
    return sink.getvalue()


def _digest_array(digest, array: pa.Array) -> None:
    """Feed an array's values to a digest: which are null, then the values, with nothing of how they lie in memory."""
    digest.update(len(array).to_bytes(8, "little"))
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

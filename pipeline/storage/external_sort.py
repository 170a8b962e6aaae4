"""A table's rows in its order, however many come: few are sorted in memory, many by ranges of NPI that lie on disk.

What belongs here: keeping rows until all have come, giving them back sorted. What must not come in: what rows mean,
or how they are encoded for good (`parquet`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.storage import duck, parquet
from pipeline.tables import Table

# NPIs are spread evenly over the numbers of ten digits that begin with 1 (a 2 is kept for later).
_FIRST = 1_000_000_000
# So much of a file comes to a range, but there are no more ranges than 128: of each a batch is kept whenever rows go to
# disk, and a batch of a thousand rows costs as much again as its rows. Of the registry's 10 GB a range has 25 MB of addresses.
_OF_A_RANGE, _MOST_RANGES = 32 << 20, 128
SPILLED_ROWS = 245_760
# Of a range that is sorted in memory: four times as many are held while it is, and the one before it written.
MOST_BYTES = 48 << 20

Connect = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


class Unsorted:
    """Rows of a table as they come, to be had in its order when all have come.

    Many wait in the file `path`: each time it is written to, it gets a batch for every range, so that of 128 ranges one is
    each 128th batch. A range grown too large (by NPIs of the same digits, or a table of another key) is sorted by DuckDB.

    size  bytes that the rows are read from, about: by it their ranges are chosen
    """

    def __init__(self, table: Table, path: Path, size: int):
        self.table, self._path = table, path
        # Texts of few values wait as numbers: by value, in the order in which they came.
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in table.dictionary_encode}
        self._schema = pa.schema(
            [
                pa.field(f.name, pa.int32() if f.name in table.dictionary_encode else f.type)
                for f in table.arrow_schema()
            ]
        )
        self._none = pa.RecordBatch.from_pylist([], self._schema)
        self._by_npi = table.sort[0] == "npi"
        self._ranges = min(_MOST_RANGES, 1 + size // _OF_A_RANGE) if self._by_npi else 1
        self._bytes = np.zeros(self._ranges)
        self._pending: list[pl.DataFrame] = []
        self._file: tuple[pa.OSFile, pa.RecordBatchFileWriter] | None = None

    def write(self, rows: pl.DataFrame) -> None:
        """Take rows; they go to disk when they are many."""
        rows = rows.select(self._schema.names)
        self._pending.append(rows.with_columns(self._number(rows[name]) for name in self.table.dictionary_encode))
        if sum(piece.height for piece in self._pending) >= SPILLED_ROWS:
            self._spill()

    def ordered(self, connect: Connect) -> Iterator[pa.RecordBatch]:
        """All rows, sorted; `connect` opens the bounded connection that a range too large needs."""
        texts = self._texts()
        if self._file is None:
            yield self._sorted(texts(self._arrow(pl.concat(self._pending))))
            return
        if self._pending:
            self._spill()
        sink, writer = self._file
        writer.close()
        sink.close()
        with pa.OSFile(str(self._path)) as source:
            file = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(use_threads=False))
            for number, size in enumerate(self._bytes):
                batches = map(file.get_batch, range(number, file.num_record_batches, len(self._bytes)))
                if size > MOST_BYTES:
                    yield from self._sorted_by_duckdb(map(texts, batches), connect)
                elif size:
                    yield self._sorted(texts(pa.concat_batches(batches)))
        self._path.unlink()

    def _number(self, texts: pl.Series) -> pl.Series:
        """A column's texts as numbers."""
        numbers = self._numbers[texts.name]
        if texts.null_count() == texts.len() or (texts[0] == texts[-1] and texts.eq_missing(texts[0]).all()):
            number = [numbers.setdefault(one, len(numbers)) for one in texts.head(1).drop_nulls()] or [None]
            return pl.Series(texts.name, number, dtype=pl.Int32).new_from_index(0, texts.len())
        found = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
        number = pa.array([numbers.setdefault(one, len(numbers)) for one in found.dictionary.to_pylist()], pa.int32())
        return pl.Series(texts.name, number.take(found.indices), dtype=pl.Int32)

    def _texts(self) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
        """What makes a batch's numbers texts: of a dictionary, whose numbers are in the order of its texts."""
        values = {name: sorted(numbers) for name, numbers in self._numbers.items()}
        ranks = {name: np.empty(len(found), np.int32) for name, found in values.items()}
        for name, found in values.items():
            ranks[name][[self._numbers[name][value] for value in found]] = np.arange(len(found))
        dictionaries = {name: (pa.array(ranks[name]), pa.array(values[name], pa.string())) for name in values}

        def texts(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            for name, (rank, dictionary) in dictionaries.items():
                columns[name] = pa.DictionaryArray.from_arrays(rank.take(columns[name]), dictionary)
            return pa.RecordBatch.from_pydict(columns)

        return texts

    def _spill(self) -> None:
        rows, self._pending = pl.concat(self._pending, rechunk=True), []
        ends = [rows.height]
        if self._ranges > 1:
            width = _FIRST // self._ranges
            number = (
                ((rows["npi"].cast(pl.Int64) - _FIRST) // width).clip(0, self._ranges - 1).cast(pl.UInt8).to_numpy()
            )
            rows = rows[np.argsort(number, kind="stable")]
            ends = np.cumsum(np.bincount(number, minlength=self._ranges)).tolist()
        batch = self._arrow(rows)
        if self._file is None:
            sink = pa.OSFile(str(self._path), "wb")
            options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            self._file = sink, pa.ipc.new_file(sink, self._schema, options=options)
        for number, (start, end) in enumerate(pairwise([0, *ends])):
            # A slice of no rows would be written with all texts that it is a slice of.
            of_range = batch.slice(start, end - start) if end > start else self._none
            self._file[1].write_batch(of_range)
            self._bytes[number] += of_range.nbytes

    def _arrow(self, rows: pl.DataFrame) -> pa.RecordBatch:
        whole = rows.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema)
        return whole.to_batches()[0] if rows.height else self._none

    def _sorted(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        keys = pl.DataFrame(
            {
                n: c.indices if pa.types.is_dictionary(c.type) else c
                for n, c in zip(self.table.sort, rows.select(self.table.sort).columns, strict=True)
            }
        )
        return rows.take(keys.select(pl.arg_sort_by(self.table.sort)).to_series().to_arrow())  # nulls first

    def _sorted_by_duckdb(self, batches: Iterator[pa.RecordBatch], connect: Connect) -> Iterator[pa.RecordBatch]:
        order = ", ".join(f"{duck.identifier(name)} NULLS FIRST" for name in self.table.sort)
        with connect() as con:
            first = next(batches)
            rows = con.from_arrow(pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)))
            yield from rows.order(order).to_arrow_reader(parquet.ROW_GROUP_ROWS)

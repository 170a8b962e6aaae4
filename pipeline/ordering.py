"""A table's rows in its order, however many come: few are sorted in memory, many by ranges of NPI that lie on disk.

What belongs here: keeping rows until all have come, giving them back sorted. What must not come in: what rows mean,
or how they are encoded for good (`parquet`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from pipeline import duck, parquet
from pipeline.tables import Table

# NPIs are spread evenly over the numbers of ten digits that begin with 1 (a 2 is kept for later).
_FIRST, _RANGES = 1_000_000_000, 128
_WIDTH = _FIRST // _RANGES
SPILLED_ROWS = 184_320
# Of a range that is sorted in memory: four times as many are held while it is, and the one before it written. Of the
# registry's 10 GB a range has 36 MB of addresses.
MOST_BYTES = 48 << 20

Connect = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


class Unsorted:
    """Rows of a table as they come, to be had in its order when all have come.

    Many wait in the file given: each time it is written to, it gets a batch for every range, so that one range is
    each 128th batch. A range grown too large (by NPIs of the same digits, or a table of another key) is sorted by DuckDB.
    """

    def __init__(self, table: Table, path: Path):
        self.table, self._path, self._schema = table, path, table.arrow_schema()
        self._none = pa.RecordBatch.from_pylist([], self._schema)
        self._by_npi = table.sort[0] == "npi"
        self._bytes = np.zeros(_RANGES if self._by_npi else 1)
        self._pending: list[pl.DataFrame] = []
        self._file: tuple[pa.OSFile, pa.RecordBatchFileWriter] | None = None

    def write(self, rows: pl.DataFrame) -> None:
        """Take rows; they go to disk when they are many."""
        self._pending.append(rows.select(self._schema.names))
        if sum(piece.height for piece in self._pending) >= SPILLED_ROWS:
            self._spill()

    def ordered(self, connect: Connect) -> Iterator[pa.RecordBatch]:
        """All rows, sorted; `connect` opens the bounded connection that a range too large needs."""
        if self._file is None:
            yield self._sorted(self._arrow(pl.concat(self._pending)))
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
                    yield from self._sorted_by_duckdb(batches, connect)
                elif size:
                    yield self._sorted(pa.concat_batches(batches))
        self._path.unlink()

    def _spill(self) -> None:
        rows, self._pending = pl.concat(self._pending, rechunk=True), []
        ends = [rows.height]
        if self._by_npi:
            number = ((rows["npi"].cast(pl.Int64) - _FIRST) // _WIDTH).clip(0, _RANGES - 1).cast(pl.UInt8).to_numpy()
            rows = rows[np.argsort(number, kind="stable")]
            ends = np.cumsum(np.bincount(number, minlength=_RANGES)).tolist()
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
        keys = pl.from_arrow(rows.select(self.table.sort))
        return rows.take(keys.select(pl.arg_sort_by(self.table.sort)).to_series().to_arrow())  # nulls first

    def _sorted_by_duckdb(self, batches: Iterable[pa.RecordBatch], connect: Connect) -> Iterator[pa.RecordBatch]:
        order = ", ".join(f"{duck.identifier(name)} NULLS FIRST" for name in self.table.sort)
        with connect() as con:
            rows = con.from_arrow(pa.RecordBatchReader.from_batches(self._schema, batches))
            yield from rows.order(order).to_arrow_reader(parquet.ROW_GROUP_ROWS)

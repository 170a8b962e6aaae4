"""Rows of a table of any size put into the order of its key: sorted runs on disk, merged range by range.

What belongs here: the runs, and reading them once more in order. What must not come in: how the rows are encoded in the
end (`parquet`), what any one table holds. What is held in memory are a run's rows while they come, then, while they are
merged, a range's and one batch of each run.

A column that is one value throughout a run (the file's name, what the publisher never fills) is kept as that value.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipeline.tables import Table

RUN_ROWS = 1 << 17
# Rows of a run read back at a time: more of them are held, fewer cost more calls for each column.
BATCH_ROWS = 1 << 11
RANGE_ROWS = 1 << 16


class Ordered:
    """Takes a table's rows in any order and gives them in the table's.

    Use as a context manager, which leaves no file behind. Ranges are cut by the first column of the order, a text without
    nulls: rows that are alike in it are held together. Rows alike in the whole order stay as they came.
    """

    def __init__(self, table: Table, draft: Path):
        self._table, self._draft = table, draft
        self._by = table.sort[0]
        self._pending: list[pl.DataFrame] = []
        self._pending_rows = 0
        self._runs: list[_Run] = []

    def __enter__(self) -> Ordered:
        return self

    def __exit__(self, kind, error, trace) -> None:
        for run in self._runs:
            run.remove()

    def write(self, rows: pl.DataFrame) -> None:
        """Take rows, with the table's columns in their order."""
        self._pending.append(rows)
        self._pending_rows += rows.height
        if self._pending_rows >= RUN_ROWS:
            self._flush()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in order. Called once, after the last of them was taken."""
        if self._pending:
            self._flush()
        if not self._runs:
            return
        always = {
            name: value
            for name, value in self._runs[0].shared.items()
            if all(name in run.shared and run.shared[name] == value for run in self._runs)
        }
        order = [name for name in self._table.sort if name not in always]
        schema = self._table.polars_schema()
        for upto in [*self._cuts(), None]:
            pieces = [piece for run in self._runs if (piece := run.until(upto)) is not None]
            if pieces:
                rows = _sorted(pl.concat(piece.select(n for n in schema if n not in always) for piece in pieces), order)
                rows = rows.with_columns(pl.lit(v, dtype=schema[n]).alias(n) for n, v in always.items())
                yield from _arrow(rows.select(schema.names())).to_batches()

    def _cuts(self) -> list[str]:
        """Values of the first column that part the rows into ranges of about as many."""
        firsts = sorted(value for run in self._runs for value in run.firsts)
        step = RANGE_ROWS // BATCH_ROWS
        return list(dict.fromkeys(firsts[step::step]))

    def _flush(self) -> None:
        rows = pl.concat(self._pending)
        self._pending, self._pending_rows = [], 0
        path = self._draft.with_suffix(f".run{len(self._runs)}")
        self._runs.append(_Run(rows, self._by, self._table.polars_schema(), path))


class _Run:
    """Rows sorted by one column, in a file, read back once from the beginning."""

    def __init__(self, rows: pl.DataFrame, by: str, schema: pl.Schema, path: Path):
        self.shared = {c.name: c[0] for c in rows.iter_columns() if c.name != by and _is_one_value(c)}
        self._by, self._schema, self._path = by, schema, path
        stored = _arrow(_sorted(rows.drop(self.shared), [by]))
        self.firsts = stored.column(by).take(pa.array(range(0, stored.num_rows, BATCH_ROWS))).to_pylist()
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, stored.schema) as writer:
            writer.write_table(stored, max_chunksize=BATCH_ROWS)
        self._next = 0
        self._left: pl.DataFrame | None = None

    def until(self, last: str | None) -> pl.DataFrame | None:
        """The rows not read yet whose value is `last` or less, all of them without it; None where there is no such row."""
        upto = len(self.firsts) if last is None else bisect.bisect_right(self.firsts, last)
        pieces = [] if self._left is None else [self._left]
        if self._next < upto:
            with pa.OSFile(str(self._path)) as file, pa.ipc.open_file(file) as reader:
                batches = [reader.get_batch(number) for number in range(self._next, upto)]
            read = pl.from_arrow(pa.Table.from_batches(batches), rechunk=False)
            shared = [pl.lit(value, dtype=self._schema[name]).alias(name) for name, value in self.shared.items()]
            pieces.append(read.with_columns(shared).select(self._schema.names()))
            self._next = upto
        if not pieces:
            return None
        rows = pl.concat(pieces, rechunk=False)
        within = rows.height if last is None else rows[self._by].search_sorted(last, side="right")
        self._left = rows.slice(within) if within < rows.height else None
        return rows.slice(0, within) if within else None

    def remove(self) -> None:
        """Take the file away."""
        self._path.unlink(missing_ok=True)


def _is_one_value(column: pl.Series) -> bool:
    if column.null_count() in (0, column.len()) and column.dtype != pl.List:
        return column.null_count() > 0 or (column[0] == column[-1] and bool((column == column[0]).all()))
    return False


def _sorted(rows: pl.DataFrame, order: list[str]) -> pl.DataFrame:
    return rows.sort(order, nulls_last=False, maintain_order=True) if order else rows


def _arrow(rows: pl.DataFrame) -> pa.Table:
    """With plain strings, of which no part is shared with rows that are not there."""
    found = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    plain = {pa.large_string(): pa.string(), pa.large_list(pa.large_string()): pa.list_(pa.string())}
    return found.cast(pa.schema([(f.name, plain.get(f.type, f.type)) for f in found.schema]))

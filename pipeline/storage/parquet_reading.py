"""Reading back what `parquet` wrote, a part at a time.

What belongs here: that. What must not come in: how anything is written; tables that DuckDB or Polars read whole.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage import opening
from pipeline.storage.parquet import ID_ENCODING, ROW_GROUP_ROWS


class Pieces:
    """Files whose rows follow on each other, read as one table: a file at a time, the last of them kept.

    files   each with its number of rows, few enough to be held in memory
    schema  of the tables that come; else as `opened` gives them
    """

    def __init__(self, files: Iterable[tuple[Path, int]], schema: pa.Schema | None = None):
        self._files, counts = zip(*files, strict=True)
        self.starts = [0, *itertools.accumulate(counts)]
        self._schema = schema
        self._held: tuple[int, pa.Table] | None = None

    def between(self, first: int, behind: int) -> Iterator[pa.Table]:
        """The rows from `first` up to, but without, `behind`, as a table for each file that has some of them."""
        index = bisect.bisect_right(self.starts, first) - 1
        while first < behind:
            start, end = self.starts[index], min(behind, self.starts[index + 1])
            if first < end:
                yield self._read(index).slice(first - start, end - first)
            first, index = end, index + 1

    def _read(self, index: int) -> pa.Table:
        if self._held is None or self._held[0] != index:
            self._held = None  # before the next is read, so that two are never held
            with opened(self._files[index]) as file:
                rows = file.read(use_threads=False)
            self._held = index, rows if self._schema is None else rows.cast(self._schema)
        return self._held[1]


def batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Columns of a file, some rows at a time, in this thread."""
    with opening.parquet(path, pre_buffer=False) as file:  # it would hold all of them
        yield from file.iter_batches(ROW_GROUP_ROWS, columns=columns, use_threads=False)


def opened(path: Path) -> pq.ParquetFile:
    """A file whose texts are read as dictionaries: a third of the time where values repeat, two thirds if cast to texts.

    Ids come as texts: Arrow makes no dictionary of what is written as they are, and none of them stands twice.
    """
    with opening.parquet(path) as file:
        texts = {field.name for field in file.schema_arrow if pa.types.is_string(field.type)}
        for group in map(file.metadata.row_group, range(min(1, file.num_row_groups))):  # all are written alike
            columns = map(group.column, range(group.num_columns))
            texts -= {column.path_in_schema for column in columns if ID_ENCODING in column.encodings}
    return opening.parquet(path, read_dictionary=sorted(texts))

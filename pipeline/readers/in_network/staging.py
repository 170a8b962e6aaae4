"""What reading an in-network file leaves: staged rows for a sink, and the records that could not be read.

What belongs here: batching rows by table, keeping rejected records on disk. What must not come in: where a row comes
from, where the sink puts it.
"""

from __future__ import annotations

import io
import json
import queue
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables

_WAITING, _BATCH_BYTES = 48, 2 << 20  # batches of rows, of which one of more bytes counts as several


class Sink(Protocol):
    """Takes the staged rows as they come."""

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """A batch of the staged table of that name, with its declared `arrow_schema()`."""


class QueuedSink:
    """A sink whose rows another thread hands on, in their order, while the next are made; a hundred megabytes of them wait
    at most, or one batch.

    Use as a context manager: what the thread raised is raised by the next `write`, or at the end.
    """

    def __init__(self, sink: Sink):
        self._sink, self._queue, self._room = sink, queue.SimpleQueue(), threading.Semaphore(_WAITING)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="staging", daemon=True)

    def __enter__(self) -> QueuedSink:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if error[0] is None:
            self._raise()

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """As `Sink.write`."""
        self._raise()
        taken = min(_WAITING, 1 + batch.nbytes // _BATCH_BYTES)
        for _ in range(taken):
            self._room.acquire()
        self._queue.put((table, batch, taken))

    def _raise(self) -> None:
        if self._failure:
            raise self._failure

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            table, batch, taken = item
            if self._failure is None:
                try:
                    self._sink.write(table, batch)
                except BaseException as e:  # raised where the rows are made
                    self._failure = e
            self._room.release(taken)


class Quarantine:
    """Records that cannot be read: iterate for dicts of file, path, offset, reason, rates, snippet.

    `path` is the JSON path, `offset` the byte of the decompressed text where the record begins, `stages.from_rates` how many
    rates it counts for in `rejected`, `snippet` its first 2,000 characters. Held on disk beyond 1 MB.
    """

    def __init__(self):
        self._file: tempfile.SpooledTemporaryFile | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                yield json.loads(line)

    def add(self, **record: Any) -> None:
        """Put one on record."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=1 << 20, mode="w+", encoding="utf-8")  # noqa: SIM115
            weakref.finalize(self, self._file.close)  # it lives as long as this
        self._file.seek(0, io.SEEK_END)
        self._file.write(json.dumps(record) + "\n")
        self._count += 1


class Rows:
    """Rows of one staged table on their way to the sink; `add` takes a tuple in the order of its columns.

    They wait as one flat list: a list of tuples would keep Python's garbage collector busy for a sixth of the time.
    """

    def __init__(self, name: str, sink: Sink, most: int):
        self._name, self._sink, self._most = name, sink, max(1, most)
        self._schema = tables.get(name).arrow_schema()
        self._width = len(self._schema)
        self._cells: list = []
        self.add = self._cells.extend

    def relieve(self) -> None:
        """Hand the rows on when there are enough for a batch."""
        if len(self._cells) >= self._most * self._width:
            self.flush()

    def flush(self) -> None:
        """Hand the rows on."""
        size = self._most * self._width
        for i in range(0, len(self._cells), size):
            arrays = self._arrays(self._cells[i : i + size])
            self._sink.write(self._name, pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._cells.clear()

    def put(self, arrays: list[pa.Array]) -> None:
        """Hand on columns as they are, behind the rows that were added."""
        self.flush()
        if len(arrays[0]):
            self._sink.write(self._name, pa.RecordBatch.from_arrays(arrays, names=self._schema.names))

    def _arrays(self, cells: list) -> list[pa.Array]:
        return [pa.array(cells[i :: self._width], type=field.type) for i, field in enumerate(self._schema)]


class MemberRows(Rows):
    """Members on their way to the sink, a membership at a time: taken apart in Arrow, ten times faster than in Python,
    for no table of a file has more rows."""

    def __init__(self, name: str, sink: Sink, most: int):
        super().__init__(name, sink, most)
        self._width = 2  # pg_members_uid, members
        self._waiting = 0

    def add_all(self, uid: str, members: bytes) -> None:
        """The members of a pg_members_uid, joined by `|`; handed on when there are enough for a batch."""
        self.add((uid, members))
        self._waiting += members.count(b"|") + 1
        if self._waiting >= self._most:
            self.flush()

    def flush(self) -> None:
        """Hand the rows on."""
        super().flush()
        self._waiting = 0

    def _arrays(self, cells: list) -> list[pa.Array]:
        uids, members = (pa.array(cells[i::2], type=pa.string()) for i in range(2))
        lists = pc.split_pattern(members, "|")
        parts = pc.split_pattern(pc.list_flatten(lists), ":")
        tin_type, tin_value, npi = (pc.list_element(parts, i) for i in range(3))
        null = pa.scalar(None, pa.string())
        return [
            uids.take(pc.list_parent_indices(lists)),
            pc.if_else(pc.equal(tin_type, ""), null, tin_type),
            pc.if_else(pc.equal(tin_value, ""), null, tin_value),
            pc.if_else(pc.equal(npi, "0"), null, npi),
        ]

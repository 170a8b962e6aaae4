"""Stores texts in one buffer while a file is read, and returns them by their place.

What belongs here: the buffer and its file on disk. What must not come in: what a text says.
"""

from __future__ import annotations

import tempfile
import weakref

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_AT_ONCE = 4 << 20  # bytes that are read together, most
_BYTES = pa.large_binary()


class TextStore:
    """Texts, on disk beyond 1 MB, by the place that `put` gave."""

    def __init__(self):
        self._file = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
        weakref.finalize(self, self._file.close)  # it lives as long as this
        self._end = self._at = 0

    def put(self, text: str) -> int:
        """Its place."""
        data, place = text.encode(), self._end
        self._write(len(data).to_bytes(8, "little") + data)
        return place

    def put_all(self, texts: pa.StringArray) -> np.ndarray:
        """Their places."""
        sizes = np.asarray(pc.binary_length(texts)).astype("<i8")
        sizes = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), len(texts), [None, pa.py_buffer(sizes)])
        joined = pc.binary_join_element_wise(sizes.cast(_BYTES), texts.cast(_BYTES), pa.scalar(b"", _BYTES))
        _, starts, data = joined.buffers()
        places = self._end + np.frombuffer(starts, np.int64, len(texts))
        self._write(data)
        return places

    def get_all(self, places: np.ndarray) -> list[bytes]:
        """The texts at places, which rise where they were put one after another: then they are read together."""
        if len(places) < 2 or not (places[:-1] < places[1:]).all() or places[-1] - places[0] > _AT_ONCE:
            return [self.get(place) for place in places.tolist()]
        last = int(places[-1])
        self._seek(int(places[0]))
        data = self._file.read(last - self._at)
        starts = (places[:-1] - places[0] + 8).tolist()
        self._at = last
        texts = [data[at : at + int.from_bytes(data[at - 8 : at], "little")] for at in starts]
        return [*texts, self.get(last)]

    def get(self, place: int) -> bytes:
        """The text at a place."""
        self._seek(place)
        size = int.from_bytes(self._file.read(8), "little")
        self._at += 8 + size
        return self._file.read(size)

    def _write(self, data: bytes | pa.Buffer) -> None:
        self._seek(self._end)
        self._file.write(data)
        self._end = self._at = self._end + len(data)

    def _seek(self, place: int) -> None:
        if place != self._at:
            self._file.seek(place)
            self._at = place

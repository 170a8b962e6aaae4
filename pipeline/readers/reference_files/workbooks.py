"""Opens an Excel workbook whose sheets, as they are unpacked, are no larger than is read of a table.

What belongs here: measuring the XML of a workbook before Calamine makes a rectangle of every sheet. What must not come in:
rows and their meaning (`sheet`, `delimited`).

A workbook of a few kilobytes may ask for any number of cells: one in its last row and column is enough, and one text may
stand in all of them.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.storage import archives, opening

_CELL = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]{1,3})(\d{1,7})"')
_SHARED = re.compile(rb'<(?:\w+:)?c\s[^>]*?t="s"[^>]*>\s*<(?:\w+:)?v>(\d{1,9})<')
_TEXT = re.compile(rb"<(?:\w+:)?si[\s/>]")
_ROW_ENDS, _TEXT_ENDS = b"</row>", b"</si>"
_TEXTS, _SHEETS, _BINARY = "xl/sharedstrings.xml", "xl/worksheets/", ("xl/workbook.bin", "xl/worksheets/sheet1.bin")
_STEP, _LONGEST = 1 << 20, 16 << 20  # bytes of XML that are unpacked together, and without a row's end
_XML = 4  # times the limit of a table: what XML takes more than text does
_LOCAL = struct.Struct("<26xHH")  # of a member's own header: the lengths of its name and of what follows that


def opened(data: bytes, place: Path | str):
    """The workbook of these bytes, as fastexcel reads it; its FastExcelError where they are none.

    SourceError for one that is too large, or of the binary kind, of which that cannot be told.
    """
    if data[:2] == b"PK":
        try:
            with archives.opened(io.BytesIO(data)) as book:
                _Book(data, book.infolist(), place).check()
        except (zipfile.BadZipFile, zlib.error, struct.error):
            pass  # Calamine says what is wrong with it
    return opening.workbook(data)


class _Book:
    """A workbook's members, and how many bytes of XML may still be unpacked."""

    def __init__(self, data: bytes, infos: list[zipfile.ZipInfo], place: Path | str):
        self._data, self._place = data, place
        self._members = {info.filename.lower().lstrip("/"): info for info in infos}
        self._left = _XML * limits.MOST_TABLE

    def check(self) -> None:
        """SourceError where it is too large."""
        if any(name in self._members for name in _BINARY):
            raise SourceError(
                "is a binary workbook (.xlsb), which is not read", place=self._place, remedy="save it as .xlsx"
            )
        texts = self._lengths()
        cells = held = 0
        for name in sorted(self._members):
            if name.startswith(_SHEETS) and name.endswith(".xml"):
                found, text = self._measured(name, texts)
                cells, held = cells + found, held + text
                if cells > limits.MOST_CELLS:
                    raise self._too_large(
                        f"has more than {limits.MOST_CELLS:,} cells, empty ones included, the most that are read"
                    )
                if held > limits.MOST_CELL_TEXT:
                    raise self._too_large(
                        f"has more than {limits.megabytes(limits.MOST_CELL_TEXT)} of text in its cells, the most that is read"
                    )

    def _lengths(self) -> np.ndarray:
        """Bytes of each text that cells refer to by number."""
        found: list[int] = []
        for xml in self._xml(_TEXTS, _TEXT_ENDS) if _TEXTS in self._members else ():
            starts = [text.start() for text in _TEXT.finditer(xml)]
            found += [end - start for start, end in zip(starts, [*starts[1:], len(xml)], strict=bool(starts))]
        return np.array(found, np.int64)

    def _measured(self, name: str, texts: np.ndarray) -> tuple[int, int]:
        """Cells of the rectangle from A1 to a sheet's last row and column, and bytes of the texts in them."""
        rows, columns, cells, held = 0, 0, 0, 0
        for xml in self._xml(name, _ROW_ENDS):
            found = _CELL.findall(xml)
            rows = max(rows, *(int(row) for row in {row for _, row in found}), 0)
            columns = max(columns, *(_number(column) for column in {column for column, _ in found}), 0)
            cells += max(len(found), xml.count(b"<c ") + xml.count(b"<c>"))
            if len(texts):
                used = np.array(_SHARED.findall(xml), np.int64)
                held += int(texts[used[used < len(texts)]].sum())
            if max(cells, rows * columns) > limits.MOST_CELLS:
                break
        return max(cells, rows * columns), held

    def _xml(self, name: str, ends: bytes) -> Iterator[bytes]:
        """A member in pieces that each end behind one of `ends`, as far as there are any."""
        rest = b""
        for more in _unpacked(self._data, self._members[name]):
            self._left -= len(more)
            if self._left < 0:
                most = limits.megabytes(_XML * limits.MOST_TABLE)
                raise self._too_large(f"unpacks to more than {most}, the most that is read of a workbook")
            rest += more
            cut = rest.rfind(ends) + len(ends) if ends in rest else len(rest) * (len(rest) > _LONGEST)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
        yield rest

    def _too_large(self, fact: str) -> SourceError:
        return SourceError(fact, place=self._place, remedy="keep only the publisher's workbook here, or split it")


def _number(column: bytes) -> int:
    """The number of a column from 1: A is 1, XFD is 16384."""
    found = 0
    for letter in column:
        found = 26 * found + letter - ord("A") + 1
    return found


def _unpacked(data: bytes, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member to its true end, whatever the zip says of its size, in steps."""
    name, extra = _LOCAL.unpack_from(data, info.header_offset)
    start = info.header_offset + 30 + name + extra
    packed = memoryview(data)[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        for at in range(0, len(packed), _STEP):
            yield bytes(packed[at : at + _STEP])
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    rest: bytes | memoryview = packed
    while not inflate.eof and (more := inflate.decompress(rest, _STEP)):
        yield more
        rest = inflate.unconsumed_tail

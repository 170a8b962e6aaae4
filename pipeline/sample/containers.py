"""CSV, gz, zip and xlsx files whose bytes depend on their content alone.

What belongs here: containers and their compression. What must not come in: what stands in the files.

zlib's output differs between its builds (zlib-ng, Apple's, Chromium's), so the committed sample would not be equal on
every machine. Small files are therefore stored, not compressed; large ones, which nobody commits, go through zlib at its
fastest level: their content is the same everywhere, their compressed bytes only where zlib is.
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

_STORED = 0xFFFF  # bytes of a stored block, at most
_FLUSH = 1 << 20


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV with CR LF, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def gz(data: bytes) -> bytes:
    """One gzip member (RFC 1952) without name and time, of stored blocks (RFC 1951, 3.2.4)."""
    pieces = [data[at : at + _STORED] for at in range(0, len(data), _STORED)] or [b""]
    blocks = [struct.pack("<?HH", False, len(one), len(one) ^ 0xFFFF) + one for one in pieces[:-1]]
    blocks.append(struct.pack("<?HH", True, len(pieces[-1]), len(pieces[-1]) ^ 0xFFFF) + pieces[-1])
    return _GZ_HEAD + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


_GZ_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def archive(members: dict[str, bytes]) -> bytes:
    """A zip archive of those members as they are, in their order, all of 1980-01-01, the earliest that the format can say."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name, data in members.items():
            about = zipfile.ZipInfo(name)
            about.create_system = 0  # else the system's own
            file.writestr(about, data)
    return held.getvalue()


def workbook(sheets: dict[str, list[list[str | float]]]) -> bytes:
    """An xlsx workbook (ECMA-376) of rows of text and numbers, without styles, times or author."""

    def cell(place: str, value: str | float) -> str:
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    def sheet(rows: list[list[str | float]]) -> str:
        lines = []
        for number, row in enumerate(rows, 1):
            cells = "".join(cell(f"{chr(65 + i)}{number}", value) for i, value in enumerate(row))
            lines.append(f'<row r="{number}">{cells}</row>')
        return f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'

    numbered = list(enumerate(sheets, 1))
    names = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n, _ in numbered
    )
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{_KIND}.sheet.main+xml"/>{kinds}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": sheet(sheets[name]) for n, name in numbered}
    return archive({name: text.encode() for name, text in parts.items()})


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class Output:
    """A file that appears whole: text or bytes are written beside it, and the name is given at the end.

    `.gz` and `.zip` names are compressed; `streaming` writes gz through zlib as the text comes, else all of the
    content is held (see the module). `size` is the file's size on disk once it is closed.
    """

    def __init__(self, path: Path, *, streaming: bool = False):
        self.path, self.streaming, self.size = path, streaming, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._draft = path.with_name(f".{path.name}.part")
        self._file = self._draft.open("wb")  # closed in __exit__
        self._held: list[bytes] = []
        self._pending = 0
        self._crc = self._length = 0
        self._packer = None
        if streaming and path.suffix == ".gz":
            self._packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._file.write(_GZ_HEAD)

    def __enter__(self) -> Output:
        return self

    def write(self, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        self._held.append(data)
        self._pending += len(data)
        if self._pending >= _FLUSH and (self._packer or self.path.suffix not in (".gz", ".zip")):
            self._flush()

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def _flush(self) -> None:
        data = b"".join(self._held)
        self._held, self._pending = [], 0
        if self._packer:
            self._crc, self._length = zlib.crc32(data, self._crc), self._length + len(data)
            data = self._packer.compress(data)
        self._file.write(data)

    def _finish(self) -> None:
        if self._packer:
            self._flush()
            self._file.write(self._packer.flush() + struct.pack("<II", self._crc, self._length & 0xFFFFFFFF))
        elif self.path.suffix == ".gz":
            self._file.write(gz(b"".join(self._held)))
        elif self.path.suffix == ".zip":
            self._file.write(archive({self.path.name.removesuffix(".zip"): b"".join(self._held)}))
        else:
            self._flush()

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                self._finish()
                self.size = self._file.tell()
        finally:
            self._file.close()
            if kind is not None:
                self._draft.unlink()
        if kind is None:
            self._draft.replace(self.path)

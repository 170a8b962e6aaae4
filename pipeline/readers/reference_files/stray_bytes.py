"""Bytes and characters that do not belong in a publisher's table: read what has one reading, and count what was mended.

What belongs here: the text of bytes in whatever encoding, and a cell without characters that no code or number has.
What must not come in: rows and columns (`sheet`, `delimited`).
"""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path

from pipeline import errors
from pipeline.readers.reference_files.account import NOT_UTF8, STRAY_BYTE, Account

_WINDOWS = "ratehouse.windows-1252"  # the name of our error handler
_HEAD = 4096  # bytes that tell UTF-16 without a byte order mark from what is no text
UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
TOKEN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """What is not UTF-8, byte by byte as Windows-1252; the five bytes that it leaves open as Latin-1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_windows(byte) for byte in wrong), error.end


def _windows(byte: int) -> str:
    one = bytes([byte])
    return one.decode("latin-1" if one in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d") else "cp1252")


codecs.register_error(_WINDOWS, _as_windows)


def text_of(data: bytes, path: Path, account: Account) -> str:
    """The text of a file: UTF-8 or UTF-16, with or without a byte order mark; what is neither is Windows-1252.

    Lines that are not UTF-8 are counted, with the first of them. UnrecognisedFile for what is no text.
    """
    encoding = UTF16.get(data[:2]) or _unmarked_utf16(data[:_HEAD])
    if encoding:
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as problem:
            raise errors.SourceError(
                f"is UTF-16 up to byte {problem.start}, but not there", place=path, remedy="download it again"
            ) from problem
    if b"\x00" in data[:_HEAD] or data[:5] == b"%PDF-":
        raise errors.UnrecognisedFile("is not a text file", place=path, remedy="keep only the publisher's tables here")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _mixed(data.removeprefix(codecs.BOM_UTF8), path, account)


def _mixed(data: bytes, path: Path, account: Account) -> str:
    lines = []
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as problem:
            account.warn(NOT_UTF8, f"{where(f'{path}:{number}')}: byte 0x{line[problem.start]:02X}")
            lines.append(line.decode("utf-8", _WINDOWS))
    return "\n".join(lines)


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of plain text is NUL."""
    odd, even = head[1::2], head[0::2]
    if len(head) >= 4 and odd.count(0) > 0.9 * len(odd) and 0 not in even:
        return "utf-16-le"
    if len(head) >= 4 and even.count(0) > 0.9 * len(even) and 0 not in odd:
        return "utf-16-be"
    return None


def token(text: str) -> str:
    """A code or a number without the characters that neither has: beyond ASCII, invisible, or quotation marks around it."""
    return " ".join("".join(c for c in text if c.isascii() and c.isprintable()).split()).strip("'`\"")


def is_stray(text: str) -> bool:
    """Whether a code's or a number's cell holds what `token` would take out."""
    return not text.isascii() or not text.isprintable() or text[:1] in ("'", "`", '"')


def warn_stray(account: Account, place: str, text: str, read: str) -> None:
    """Count a cell that was mended."""
    account.warn(STRAY_BYTE, f"{where(place)}: {text!r} read as {read!r}")


def where(place: str) -> str:
    """The line of a place `<file>:<line>`, and the member where the file is a zip: an account names the file itself."""
    path, _, line = place.rpartition(":")
    _, packed, member = path.partition("!")
    return f"{member}, line {line}" if packed else f"line {line}"


class Utf8(io.RawIOBase):
    """A stream whose bytes are UTF-8 whatever the file's are, for readers that take nothing else.

    Plain ASCII passes as it is; what is not UTF-8 is read as Windows-1252 and counted, with the line of the first.
    """

    def __init__(self, file, place: str, account: Account):
        self._file, self._place, self._account = file, place, account
        self._line, self._kept, self._ready, self._decoder = 1, b"", b"", None
        mark = file.read(2)
        if mark in UTF16:
            self._decoder = codecs.getincrementaldecoder(UTF16[mark])()
        else:
            file.seek(0)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer at the end only. (What is mended grows: the rest waits for the next call.)"""
        out, self._ready = self._ready, b""
        while (size < 0 or len(out) < size) and (more := self._next(size if size < 0 else size - len(out))):
            out = out + more if out else more
        if 0 <= size < len(out):
            out, self._ready = out[:size], out[size:]
        return out

    def readinto(self, into) -> int:
        """Fill a buffer from `read`."""
        data = self.read(len(into))
        into[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        while True:
            data = self._file.read(size)
            if self._decoder:
                out = self._decoder.decode(data, not data).encode()
            else:
                out = self._mended(self._kept + data, last=not data)
            if out or not data:
                self._line += out.count(b"\n")
                return out

    def _mended(self, data: bytes, *, last: bool) -> bytes:
        self._kept = b""
        if data.isascii():
            return data
        if not last:  # a character may be cut in two
            for back in range(1, min(4, len(data)) + 1):
                if data[-back] & 0xC0 == 0xC0:
                    self._kept, data = data[-back:], data[:-back]
                    break
                if data[-back] < 0x80:
                    break
        try:
            data.decode()
            return data
        except UnicodeDecodeError:
            return b"\n".join(self._line_of(n, line) for n, line in enumerate(data.split(b"\n")))

    def _line_of(self, further: int, line: bytes) -> bytes:
        try:
            line.decode()
            return line
        except UnicodeDecodeError as problem:
            at = where(f"{self._place}:{self._line + further}")
            self._account.warn(NOT_UTF8, f"{at}: byte 0x{line[problem.start]:02X}")
            return line.decode("utf-8", _WINDOWS).encode()

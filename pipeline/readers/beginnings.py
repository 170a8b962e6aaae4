"""Decides from a file's first bytes whether it is an in-network file, where its name leaves that open.

What belongs here: looking at the beginning. What must not come in: reading such a file (`in_network`), deciding what becomes of it
(`sources.sorting`). No reader imports it, so that a change here reads no source anew.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.storage import archives

_RATES = re.compile(
    rb'"(?:in_network|negotiated_rates|negotiated_prices|provider_references|reporting_entity_name)"\s*:'
)
_LOOK = 1 << 16  # bytes of a file's beginning; what gives an in-network file away is its header, or its first item


def begins_like_rates(path: Path) -> bool:
    """Whether a file's beginning, unpacked where it is gzip, bzip2, xz or zip, is that of an in-network file in JSON.

    OSError where it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_LOOK)
    if head.startswith(b"PK\x03\x04"):
        head = _zipped(path)
    else:
        for magic, unpack in _PACKED.items():
            if head.startswith(magic):
                head = unpack(head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text[:1] in (b"{", b"[") and _RATES.search(text) is not None


def _zipped(path: Path) -> bytes:
    """The beginning of the one JSON file that a zip holds, else nothing."""
    try:
        with archives.opened(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".json")]
            if len(names) == 1:
                with archive.open(names[0]) as member:
                    return member.read(_LOOK)
    except (
        SourceError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
        EOFError,
        zlib.error,
    ):  # no zip, or locked
        pass
    return b""


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(head, _LOOK)
    except zlib.error:
        return b""


def _unpacked(decompressor: Callable, errors: tuple[type[Exception], ...]) -> Callable[[bytes], bytes]:
    def unpack(head: bytes) -> bytes:
        try:
            return decompressor().decompress(head, _LOOK)
        except errors:
            return b""

    return unpack


_PACKED = {
    b"\x1f\x8b": _inflated,
    b"BZh": _unpacked(bz2.BZ2Decompressor, (OSError, EOFError)),
    b"\xfd7zXZ\x00": _unpacked(lzma.LZMADecompressor, (lzma.LZMAError, EOFError)),
}

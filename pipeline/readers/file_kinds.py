"""What can be told of a machine-readable file of the transparency rule without reading it: its kind, by the one key
that gives it away, and its month.

What belongs here: such looks. What must not come in: a verdict on a file (`in_network` and the other readers give it).
"""

from __future__ import annotations

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from pipeline.readers import in_network_dates
from pipeline.readers.unpacked import opened

KIND_OF_KEY = {
    "in_network": "an in-network file",
    "reporting_structure": "a table of contents",
    "out_of_network": "an allowed-amounts file",
    "drugs": "a prescription-drug file",
    "provider_groups": "a provider-reference file",
}

_UPDATED = re.compile(rb'"last_updated_on"\s*:\s*"([^"\\]{4,100})"')
_RATES = re.compile(
    rb'"(?:in_network|negotiated_rates|negotiated_prices|provider_references|reporting_entity_name)"\s*:'
)
_LOOK = 1 << 16  # bytes of a file's beginning; what gives an in-network file away is its header, or its first item
_KEPT = 256  # bytes of a piece that are looked at again with the next: more than the key and its value take


def month(path: Path) -> str | None:
    """The month that a file says it is of, by its text; None when it says none. SourceError where it cannot be unpacked."""
    before = b""
    with opened(path) as pieces:
        for piece in pieces:
            before += piece
            if found := _UPDATED.search(before):
                return in_network_dates.month(found[1].decode(errors="replace"))[0]
            before = before[-_KEPT:]
    return None


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
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".json")]
            if len(names) == 1:
                with archive.open(names[0]) as member:
                    return member.read(_LOOK)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error):  # no zip, or locked
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

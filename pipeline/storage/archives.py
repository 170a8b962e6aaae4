"""Opens a zip: its list of files and its members take no more memory than a limit, whatever they hold.

What belongs here: opening one, for every module that does. What must not come in: which member is read, and by whom.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import SourceError

# Bytes of a zip's list of files, of which Python makes ten times as much: some 100,000 files.
MOST_DIRECTORY = 8 << 20
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"  # what follows that list, up to 64 KB from the file's end
_LOOK = (1 << 16) + 256


class Archive(zipfile.ZipFile):
    """A zip whose members unpack in steps: NotImplementedError for one that is packed in any way but deflate, for which
    zipfile holds as much at once as comes out."""

    def open(self, name, *args, **more):
        """As zipfile.ZipFile.open."""
        info = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = zipfile.compressor_names.get(info.compress_type, f"method {info.compress_type}")
            raise NotImplementedError(f"it is packed by {method}, not by deflate")
        return super().open(name, *args, **more)


def opened(file: Path | BinaryIO) -> Archive:
    """A zip to read from. zipfile.BadZipFile where it is none, SourceError where its directory is too large to be held."""
    with open(file, "rb") if isinstance(file, Path) else contextlib.nullcontext(file) as raw:
        size = _directory_bytes(raw)
    if size > MOST_DIRECTORY:
        raise SourceError(
            f"is a zip whose list of files takes {size:,} bytes, where at most {MOST_DIRECTORY:,} are read",
            place=file if isinstance(file, Path) else getattr(file, "name", None),
            remedy="unpack it, and keep the files that belong here",
        )
    return Archive(file)


def _directory_bytes(raw: BinaryIO) -> int:
    """How many bytes a zip says that its directory takes, which is what zipfile reads; 0 where it is no zip."""
    size = raw.seek(0, io.SEEK_END)
    raw.seek(max(0, size - _LOOK))
    tail = raw.read(_LOOK)
    raw.seek(0)
    at, at_64 = tail.rfind(_END), tail.rfind(_END_64)
    found = struct.unpack_from("<L", tail, at + 12)[0] if 0 <= at <= len(tail) - 16 else 0
    if 0 <= at_64 <= len(tail) - 48:
        found = max(found if found < 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, at_64 + 40)[0])
    return found

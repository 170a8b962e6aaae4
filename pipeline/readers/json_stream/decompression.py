"""The bytes of a source file, whatever it is packed in.

What belongs here: opening, telling gzip and zip by their content, decompressing as a stream, saying where a stream is
damaged. What must not come in: what the bytes say.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from isal import igzip_lib

from pipeline.errors import TOO_MANY_FILES, SourceError, UnreadableSource, is_systems
from pipeline.storage import archives
from pipeline.storage.prefetch import prefetch

# Input is always taken in these pieces, so that what was read before an error never depends on the chunk size.
BLOCK = 1 << 18
_MAGIC = b"\x1f\x8b"  # of a gzip member
_ZIP = b"PK\x03\x04"
# Bytes that are unpacked at a time, from least to most: the more, the fewer times threads wait for each other. Where a stream
# is damaged those at hand are lost, so a file's beginning is unpacked in small steps, which says what file it is.
_LEAST, _MOST = 1 << 17, 1 << 21
_TOGETHER, _WAITING = 4 << 20, 4  # bytes that are handed over at a time, at least; how many times that is done unasked
RIGHT = "Give this user the right to read it."
DISK = "See to the disk or the network that it is on, then run the same command again."
AGAIN = "Download it again; `ratehouse build --skip-broken` publishes its month without it."


class CutOff(SourceError):
    """A packed file ends before its text does."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Iterator[bytes]]:
    """The decompressed bytes of a `.json`, `.json.gz` (one or more members) or `.zip` (holding one `.json`).

    Yields an iterator of pieces of at most 2 MB. Raises SourceError for a file that cannot be opened, is
    empty, or is not what its name says; the iterator raises it where a compressed stream breaks.
    """
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            magic = raw.read(4)
            raw.seek(0)
        except OSError as e:
            if e.errno in TOO_MANY_FILES:
                raise
            raise UnreadableSource(f"cannot be opened: {e.strerror}", place=path, remedy=RIGHT) from e
        if not magic:
            raise SourceError("is empty (0 bytes)", place=path, remedy="Download it again.", offset=0)
        kind = path.suffix.lower()
        is_gzip, is_zip = magic[:2] == _MAGIC, magic == _ZIP
        if kind == ".gz" and not is_gzip:
            raise SourceError(
                f"is not gzip, though its name ends in .gz: it begins with {magic!r}",
                place=path,
                remedy=f"If it is plain JSON, rename it to {path.name[: -len('.gz')]}; else download it again.",
                offset=0,
            )
        if kind != ".gz" and is_gzip:
            raise SourceError(
                "is gzip, though its name does not end in .gz", place=path, remedy=f"Rename it to {path.name}.gz"
            )
        if kind != ".zip" and is_zip:
            raise SourceError("is a zip archive", place=path, remedy=f"Rename it to {path.stem}.zip")
        if kind == ".gz":
            yield _gunzip(raw, path)
        elif kind == ".zip":
            yield _unzip(stack, raw, path)
        else:
            yield _plain(raw.read, path)


@contextlib.contextmanager
def unpacked_ahead(blocks: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same blocks, unpacked by another thread while those before them are read; 24 MB wait at most.

    What the blocks raise is raised where it would have been. Leave it before what the blocks are read from is closed:
    that waits for the thread.
    """
    with contextlib.closing(prefetch(_together(blocks), _WAITING)) as groups:
        yield chain.from_iterable(groups)


def _together(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Blocks as lists of _TOGETHER bytes or more; those before a fault come before it is raised."""
    group: list[bytes] = []
    held = 0
    try:
        for block in blocks:
            group.append(block)
            held += len(block)
            if held >= _TOGETHER:
                full, group, held = group, [], 0
                yield full
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


def _plain(read: Callable[[int], bytes], path: Path) -> Iterator[bytes]:
    done = 0
    try:
        while block := read(BLOCK):
            yield block
            done += len(block)
    except OSError as e:
        if e.errno in TOO_MANY_FILES:
            raise
        raise UnreadableSource(
            f"cannot be read at byte {done}: {e.strerror}", place=path, remedy=DISK, offset=done
        ) from e


def _gunzip(raw: BinaryIO, path: Path) -> Iterator[bytes]:
    """Members one after another; zero bytes after a member are padding, as for gzip(1)."""
    stream, done = None, 0
    blocks = _plain(raw.read, path)
    data = b""
    while True:
        ended = False
        if not data and (stream is None or stream.needs_input):
            data = next(blocks, b"")
            ended = not data
        if stream is None:
            data = data.lstrip(b"\0") if done else data
            if ended:
                return
            if not data:
                continue
            if not _MAGIC.startswith(data[:2]):
                raise SourceError(
                    f"the gzip stream is damaged after byte {done} of its decompressed text (no member begins there)",
                    place=path,
                    remedy=AGAIN,
                    offset=done,
                )
            stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        try:
            out = stream.decompress(data, min(max(done, _LEAST), _MOST))
        except igzip_lib.error as e:
            raise SourceError(
                f"the gzip stream is damaged after byte {done} of its decompressed text ({e})",
                place=path,
                remedy=AGAIN,
                offset=done,
            ) from e
        if out:
            yield out
            done += len(out)
        if stream.eof:
            data, stream = stream.unused_data, None
        elif ended and not out:
            raise CutOff(
                f"is cut off: the gzip stream breaks off after byte {done} of its decompressed text",
                place=path,
                remedy=AGAIN,
                offset=done,
            )
        else:
            data = b""


def _unzip(stack: contextlib.ExitStack, raw: BinaryIO, path: Path) -> Iterator[bytes]:
    try:
        archive = stack.enter_context(archives.opened(raw))
    except zipfile.BadZipFile as e:
        raw.seek(0)
        fact = f"is not a whole zip archive ({e})"
        if raw.read(4) == _ZIP:  # the directory is what an archive ends with
            fact = f"is a zip archive that is cut off: it ends after {raw.seek(0, os.SEEK_END):,} bytes, before its directory"
        raise SourceError(fact, place=path, remedy=AGAIN) from e
    except OSError as e:
        if not is_systems(e):
            raise
        raise UnreadableSource(f"cannot be read: {e.strerror}", place=path, remedy=DISK) from e
    names = [
        i.filename
        for i in archive.infolist()
        if i.filename.lower().endswith(".json") and not i.filename.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        held = f"{len(names)} JSON files ({', '.join(names[:5])})" if names else "no JSON file"
        raise SourceError(
            f"holds {held}, where one belongs", place=path, remedy="Unpack it, and keep the in-network files."
        )
    try:
        member = stack.enter_context(archive.open(names[0]))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as e:  # encrypted; unknown method; bad local header
        raise SourceError(
            f"{names[0]} cannot be unpacked: {e}", place=path, remedy="Unpack it by hand, and keep the .json."
        ) from e
    return _unzipped(member, path)


def _unzipped(member, path: Path) -> Iterator[bytes]:
    done = 0
    try:
        while block := member.read(BLOCK):
            yield block
            done += len(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as e:
        if is_systems(e):
            raise UnreadableSource(f"cannot be read: {e.strerror}", place=path, remedy=DISK) from e
        raise SourceError(
            f"the zip archive is damaged after byte {done} of its decompressed text ({e})",
            place=path,
            remedy=AGAIN,
            offset=done,
        ) from e

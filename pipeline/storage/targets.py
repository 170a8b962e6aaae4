"""Publishes a draft as a file, durably: a reader sees the old file or the new one, never a mix and never a draft.

What belongs here: how a draft becomes a published file (fsync, object, hard link, replace, folder fsync), and
whether a file is still the one that was published. What must not come in: whether it should be (`stamps`), what
is in it (`parquet`).

Any folder of a warehouse may be on a file system of its own, and a file system may have no hard links. What cannot be
renamed or linked there is copied to a draft beside its target, made durable, and renamed (`copy_into_place`). A process
that is killed leaves that draft; its name begins with a dot and is none of a Parquet file, so no reader takes it for one,
and the next build removes it (`sweep`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline import errors
from pipeline.paths import Root, make_folder
from pipeline.storage import file_systems, raw_files
from pipeline.storage.chunked_file import Written

FSYNCS_AT_ONCE = 16  # on ext4 four wait 0.14 ms a file, sixteen 0.08 ms
# Windows refuses to replace a file that somebody reads; readers are short.
SHARING_RETRIES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6) if sys.platform == "win32" else ()
# With these os.link says that there is no link to be had: another file system, or one without links, or with no more of them.
NO_LINK = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS))
DRAFT_BEGINS = ".ratehouse-draft-"  # the name of a draft beside its target
# The folders under the root in which `replace` and `link` put files; raw/fetched is swept by what fetches.
COPIED_TO = ("dims", "xrefs", "bench", "gold", "staged", ".objects", "quarantine", ".state", "docs")


@dataclass(frozen=True)
class PublishedFile:
    """One published file as it was when it was stamped. `path` is relative to the root; times are in ns."""

    path: str
    digest: str
    rows: int
    bytes: int
    mtime_ns: int
    sha256: str

    def problem(self, root: Root) -> str | None:
        """What is wrong with the file, None when nothing is; it is opened only where its time is another."""
        try:
            info = os.stat(root.path / self.path)
        except FileNotFoundError:
            return f"{self.path} is missing"
        if info.st_size != self.bytes:
            return f"{self.path} was replaced: {info.st_size:,} bytes, not {self.bytes:,}"
        if not is_as_recorded(root.path / self.path, info, self.mtime_ns, self.sha256):
            return f"{self.path} was replaced by hand: its bytes are others"
        return None

    def to_dict(self) -> dict:
        """As JSON."""
        return asdict(self)


# Path -> size, time (ns) and inode of a file whose time was not the one on record, and the SHA-256 of what it held then.
_looked_into: dict[str, tuple[int, int, int, str]] = {}


def is_as_recorded(path: Path | str, info: os.stat_result, mtime_ns: int, sha256: str) -> bool:
    """Whether a file of the size on record is the one on record: by its time, or else by its bytes.

    A copy of a warehouse, an unpacked archive or a `touch` give a file another time, and leave it what it was. Its bytes
    are read once for each time that it has; `leaves.file_times.record_times` saves the next build from reading them again.
    """
    if info.st_mtime_ns == mtime_ns:
        return True
    name, seen = os.path.normpath(path), (info.st_size, info.st_mtime_ns, info.st_ino)
    known = _looked_into.get(name)
    if known is None or known[:3] != seen:
        try:
            known = _looked_into[name] = (*seen, file_hash(name))
        except (FileNotFoundError, PermissionError):
            return False
    return known[3] == sha256


def touched() -> dict[str, tuple[int, int, str]]:
    """Path -> size, time and SHA-256 of each file that was read for its time, since `forget`."""
    return {path: (size, mtime, sha256) for path, (size, mtime, _, sha256) in _looked_into.items()}


def clear_caches() -> None:
    """Read again each file whose time is not the one on record."""
    _looked_into.clear()


REMEDIES = {
    errno.ENOSPC: "free some space on that disk, then run the same command again",
    errno.EDQUOT: "free some of this user's quota, then run the same command again",
    errno.EACCES: "give this user the right to write there, then run the same command again",
    errno.EPERM: "give this user the right to write there, then run the same command again",
    errno.EROFS: "mount that file system for writing, then run the same command again",
    errno.EIO: "that disk fails: see what the system's log says of it, move the warehouse, then run the same command again",
    errno.EMFILE: "raise the limit of open files (ulimit -n), then run the same command again",
    errno.ENFILE: "the whole system has too many files open: end what has, then run the same command again",
}


@contextmanager
def translate_os_errors(place: Path | str) -> Iterator[None]:
    """Turn the system's refusals to write into a PublishError that says what to do."""
    try:
        yield
    except errors.RatehouseError:
        raise
    except Exception as problem:
        number = _refusal(problem)
        if number is None:
            raise
        named = isinstance(problem, OSError) and (problem.filename2 or problem.filename)
        done = "opened" if number in errors.TOO_MANY_FILES else "written"
        raise errors.PublishError(
            f"cannot be {done}: {os.strerror(number)}", place=named or place, remedy=_remedy_at(number, named or place)
        ) from problem


def _remedy_at(number: int, place: Path | str) -> str:
    """What to do about a refusal at a place: of a full disk, which one it is, and whether bytes or names are used up."""
    if number != errno.ENOSPC:
        return REMEDIES[number]
    try:
        full = file_systems.of(os.fsdecode(place))
    except OSError:
        return REMEDIES[number]
    room = "remove some files, for it names no more of them," if full.free_files == 0 else "free some space"
    return (
        f"{room} on the disk at {full.mount}, then run the same command again\n"
        "what takes it, and what may go: ratehouse stats --disk"
    )


def remedy(problem: Exception) -> str | None:
    """What to do when this is the system's refusal to write, None when it is not."""
    number = _refusal(problem)
    return None if number is None else REMEDIES[number]


def _refusal(problem: Exception) -> int | None:
    """The system's error number behind an exception; DuckDB and Polars have it in their words alone."""
    if isinstance(problem, OSError) and problem.errno is not None:
        return problem.errno if problem.errno in REMEDIES else None
    return next((number for number in REMEDIES if os.strerror(number) in str(problem)), None)


def file_hash(path: Path | str) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, survive a power cut."""
    if path.is_dir() and sys.platform == "win32":
        return  # Windows keeps a folder's names by itself and cannot open a folder
    handle = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_all(files: Sequence[Path]) -> None:
    """Make the bytes of many files survive a power cut. Asked for one after another, each waits for the disk alone (1.9 ms
    a file of 13 KB on ext4); asked for at once, they wait together (0.08 ms).
    """
    with ThreadPoolExecutor(max(1, min(FSYNCS_AT_ONCE, len(files)))) as threads:
        list(threads.map(fsync, files))


def replace(source: Path, target: Path) -> None:
    """Move a durable file to `target`, replacing what is there at once, on another file system too.

    Tried again while Windows says that somebody reads the target.
    """
    try:
        _rename(source, target)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        copy_into_place(source, target)
        source.unlink()


def _rename(source: Path, target: Path) -> None:
    for pause in (*SHARING_RETRIES, None):
        try:
            os.replace(source, target)
        except PermissionError:
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def copy_into_place(source: Path, target: Path) -> None:
    """Put a copy of a file, with its time, at `target`, durably, replacing what is there at once."""
    draft = target.with_name(f"{DRAFT_BEGINS}{os.getpid()}-{hashlib.md5(os.fsencode(target.name)).hexdigest()}")
    try:
        shutil.copyfile(source, draft)
        info = os.stat(source)
        os.utime(draft, ns=(info.st_atime_ns, info.st_mtime_ns))
        fsync(draft)
        _rename(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def link(source: Path, target: Path, scratch: Path) -> None:
    """Put the same file at `target` too, replacing what is there at once: a hard link, or a copy where there are none."""
    make_folder(target.parent)
    if not os.path.lexists(target) and _hard_link(source, target):
        return
    draft = scratch / f"link-{os.getpid()}-{hashlib.md5(os.fsencode(target)).hexdigest()}"
    draft.unlink(missing_ok=True)
    if not _hard_link(source, draft):
        copy_into_place(source, target)
        return
    replace(draft, target)
    draft.unlink(missing_ok=True)  # a rename onto the same inode does nothing, and leaves the draft


def _hard_link(source: Path, target: Path) -> bool:
    """Whether a hard link was made; False where the file system has none, or none more of that file."""
    try:
        os.link(source, target)
    except OSError as problem:
        if problem.errno not in NO_LINK:
            raise
        return False
    return True


def clear_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is a link, or that a disk is mounted on, stays, empty."""
    if _stays(folder):
        for entry in list(folder.iterdir()) if folder.is_dir() else ():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _stays(folder: Path) -> bool:
    """Whether a folder is a link, or a disk is mounted on it."""
    return folder.is_symlink() or os.path.ismount(folder)  # Path.is_mount is not for Windows before 3.12


def was_interrupted(root: Root) -> bool:
    """Whether something that wrote was killed: its scratch folder is there still, or has something in it where the folder
    is a link, or a disk is mounted on it."""
    folder = root.scratch
    if _stays(folder):
        return folder.is_dir() and any(folder.iterdir())
    return folder.exists()


def sweep(root: Root) -> None:
    """Remove the drafts of what was killed: copies beside their targets, and last the scratch folder, by which the next
    sweep knows that there is something to remove. To be called under the lock."""
    if not was_interrupted(root):
        return
    for name in COPIED_TO:
        sweep_folder(root.path / name)
    clear_folder(root.scratch)


def sweep_folder(folder: Path) -> None:
    """Remove the copies beside their targets that something that was killed left in a folder, and below it."""
    for path in raw_files.walk(folder).files:
        if path.rpartition("/")[2].startswith(DRAFT_BEGINS):
            (folder / path).unlink(missing_ok=True)


def object_problem(root: Root, digest: str, size: int) -> str | None:
    """What is wrong with the object of that content, by its size, None when nothing is; the catalog's readers open it."""
    kept = root.object(digest)
    try:
        info = os.stat(kept)
    except FileNotFoundError:
        return f"{root.relative(kept)} is missing"
    return None if info.st_size == size else f"{root.relative(kept)} was cut or replaced"


def publish(
    root: Root, draft: Path, target: Path, written: Written, *, former: PublishedFile | None, in_object_store: bool
) -> PublishedFile:
    """Publish a draft; returns what now stands at `target`.

    The file that stands there is kept, untouched, when it already holds this content: by its former stamp, or
    because its bytes are the draft's. `in_object_store` tables also stand, immutable, under `.objects`, where the
    catalog points.
    """
    name, digest, sha256 = root.relative(target), written.digest, written.sha256
    with translate_os_errors(target):
        if former is not None and former.digest == digest and former.path == name and not former.problem(root):
            if not in_object_store or not object_problem(root, digest, former.bytes):
                draft.unlink()
                return former
        if target.is_file() and target.stat().st_size == draft.stat().st_size and file_hash(target) == sha256:
            if in_object_store and object_problem(root, digest, draft.stat().st_size):
                link(target, root.object(digest), root.scratch)
            draft.unlink()
            return _part(root, target, written)
        fsync(draft)
        make_folder(target.parent)
        if in_object_store:
            kept = root.object(digest)
            store(draft, kept, sha256)
            fsync(kept.parent)
            link(kept, target, root.scratch)
        else:
            replace(draft, target)
        fsync(target.parent)
        return _part(root, target, written)


def store(draft: Path, kept: Path, sha256: str) -> None:
    """Move a durable draft to its place among the objects, whose folder the caller makes durable; one that already
    stands there whole is kept."""
    make_folder(kept.parent)
    if kept.is_file() and file_hash(kept) == sha256:
        draft.unlink()
    else:
        replace(draft, kept)


def _part(root: Root, path: Path, written: Written) -> PublishedFile:
    info = path.stat()
    return PublishedFile(
        root.relative(path), written.digest, written.rows, info.st_size, info.st_mtime_ns, written.sha256
    )


def add_checksum_line(text: str) -> str:
    """Text with a last line that tells whether it is whole: in a damaged one a digit may just be another."""
    text = text.removesuffix("\n")
    return f"{text}\n// sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"


def verify_checksum_line(sealed: str) -> str | None:
    """The text that was sealed, without its last line break; None when it is not whole, or never was sealed."""
    found = unsealed(sealed.encode())
    return None if found is None else found.decode()


def unsealed(sealed: bytes) -> bytes | None:
    """As `verify_checksum_line`, of the bytes of a text."""
    text = before_seal(sealed)
    return text if sealed[len(text) :] == b"\n// sha256 %s\n" % hashlib.sha256(text).hexdigest().encode() else None


def before_seal(sealed: bytes) -> bytes:
    """The bytes of a text before its seal, of one that is known to be whole."""
    return sealed.rpartition(b"\n// sha256 ")[0]


def write_text(root: Root, path: Path, text: str) -> None:
    """Write a small text file whole or not at all, durably."""
    with translate_os_errors(path):
        make_folder(path.parent)
        draft = make_folder(root.scratch) / f"text-{os.getpid()}-{hashlib.md5(str(path).encode()).hexdigest()}"
        with open(draft, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        replace(draft, path)


def remove(path: Path, stop: Path) -> None:
    """Remove a file, and the folders above it that are then empty, up to but without `stop`."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == stop:
            return
        try:
            folder.rmdir()
        except OSError:  # not empty
            return

"""The fingerprint of a raw file: the hash of its content, remembered by (path, size, mtime).

What belongs here: hashing raw files, each once. What must not come in: stamps of what we build (`stamps`).
Every process may add to the memory; lines are appended, the last one of a path counts.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline import errors, source_names
from pipeline.paths import Root
from pipeline.storage import stamps, targets

_known: dict[Path, dict[str, list]] = {}


def content_hash(root: Root, path: Path) -> str:
    """SHA-256 of a raw file; UnreadableSource when it cannot be read. A touched file is read again, once."""
    known = _known.get(root.raw_hashes)
    if known is None:
        known = _known[root.raw_hashes] = _load(root.raw_hashes)
    name = root.relative(path)
    try:
        info = os.stat(path)
        entry = known.get(name)
        if entry and entry[:2] == [info.st_size, info.st_mtime_ns]:
            return entry[2]
        digest = targets.file_hash(path)
        after = os.stat(path)
    except OSError as problem:
        raise unreadable(path, problem) from problem
    if (after.st_size, after.st_mtime_ns, after.st_ino) != (info.st_size, info.st_mtime_ns, info.st_ino):
        return digest  # of half of a file, it may be, and half of another: not to be remembered for either
    known[name] = [info.st_size, info.st_mtime_ns, digest]
    root.raw_hashes.parent.mkdir(parents=True, exist_ok=True)
    with open(root.raw_hashes, "ab", buffering=0) as file:
        file.write(json.dumps([name, *known[name]]).encode() + b"\n")
    return digest


def unreadable(path: Path, problem: OSError) -> errors.UnreadableSource:
    """What to say of the system's refusal to read a raw file; the refusal itself where too many files are open."""
    if problem.errno in errors.TOO_MANY_FILES:
        raise problem
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return errors.UnreadableSource("is not there any more", place=path, remedy="run the same command again")
    remedy = "see to the disk or the network that it is on, then run the same command again"
    if problem.errno in (errno.EACCES, errno.EPERM):
        remedy = "give this user the right to read it"
    return errors.UnreadableSource(f"cannot be read: {problem.strerror}", place=path, remedy=remedy)


def read_through(path: Path) -> None:
    """Read a raw file whole, whatever is known of it; UnreadableSource when that is refused."""
    try:
        targets.file_hash(path)
    except OSError as problem:
        raise unreadable(path, problem) from problem


def known(root: Root) -> dict[str, list]:
    """Path under the root -> [size, mtime in ns, SHA-256] of every raw file that was hashed, as it was then."""
    return _load(root.raw_hashes)


def changed_unseen(root: Root) -> Iterator[tuple[str, bool]]:
    """(path, whether the file changed) of raw files of known size and time whose bytes have another hash than is known.

    Where the file has the hash that its stamp rests on, not the file was changed but the memory.
    """
    for name, (size, mtime, digest) in sorted(_load(root.raw_hashes).items()):
        path = root.path / name
        try:
            info = os.stat(path)
            if [info.st_size, info.st_mtime_ns] != [size, mtime] or (now := targets.file_hash(path)) == digest:
                continue
        except OSError:  # gone, or not to be read: the next build says so
            continue
        stamp = stamps.read(root, source_names.label_of_raw(name))
        yield source_names.as_text(name), stamp is None or stamp.basis.inputs.get(source_names.as_text(name)) != now


def compact(root: Root) -> None:
    """Drop what later lines say anew; called when a build starts and nobody else writes."""
    try:
        lines = root.raw_hashes.read_bytes().count(b"\n")
    except FileNotFoundError:
        return
    known = _load(root.raw_hashes)
    if lines > 2 * len(known) + 100:
        targets.write_text(root, root.raw_hashes, "".join(json.dumps([n, *e]) + "\n" for n, e in sorted(known.items())))


def clear_caches() -> None:
    """Read the memory again at the next question: another process may have added to it."""
    _known.clear()


def _load(path: Path) -> dict[str, list]:
    known: dict[str, list] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return known
    for line in lines:
        try:
            name, *entry = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        known[name] = entry
    return known

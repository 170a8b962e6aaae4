"""The fingerprint of a raw file: the hash of its content, remembered by (path, size, mtime).

What belongs here: hashing raw files, each once. What must not come in: stamps of what we build (`stamps`).
Every process may add to the memory; lines are appended, the last one of a path counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline import errors, stamps, targets
from pipeline.paths import Root

_known: dict[Path, dict[str, list]] = {}


def content_hash(root: Root, path: Path) -> str:
    """SHA-256 of a raw file; SourceError when it cannot be read. A touched file is read again, once."""
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
    except FileNotFoundError as problem:
        raise errors.SourceError(
            "is gone", place=path, remedy="run the build again: it will see what is left"
        ) from problem
    except OSError as problem:
        if problem.errno in errors.TOO_MANY_FILES:
            raise
        raise errors.SourceError(
            f"cannot be read: {problem.strerror}", place=path, remedy="give this user the right to read it"
        ) from problem
    known[name] = [info.st_size, info.st_mtime_ns, digest]
    root.raw_hashes.parent.mkdir(parents=True, exist_ok=True)
    with open(root.raw_hashes, "ab", buffering=0) as file:
        file.write(json.dumps([name, *known[name]]).encode() + b"\n")
    return digest


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
        stamp = stamps.read(root, f"staged/{name.removeprefix('raw/')}")
        yield name, stamp is None or stamp.basis.inputs.get(name) != now


def compact(root: Root) -> None:
    """Drop what later lines say anew; called when a build starts and nobody else writes."""
    try:
        lines = root.raw_hashes.read_bytes().count(b"\n")
    except FileNotFoundError:
        return
    known = _load(root.raw_hashes)
    if lines > 2 * len(known) + 100:
        targets.write_text(root, root.raw_hashes, "".join(json.dumps([n, *e]) + "\n" for n, e in sorted(known.items())))


def forget() -> None:
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

"""The journal: one JSON line for each thing a build did, written by whichever process did it.

What belongs here: appending and reading lines. Several processes append to it (each line one write in append
mode), the parent follows it to show progress and to sum up. What must not come in: deciding anything by it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BUILD = "RATEHOUSE_BUILD_ID"
KEEP_BYTES = 20_000_000
RESERVE_BYTES = 256 * 1024


def write(path: Path, event: str, **values) -> None:
    """Append one event of the build at work; a value must be JSON."""
    line = json.dumps({"at": round(time.time(), 3), "build": os.environ.get(BUILD, ""), "event": event, **values})
    try:
        _append(path, line)
    except OSError as problem:  # a full disk must not hide the failure that is being put on record
        try:
            _reserve(path).unlink(missing_ok=True)
            _append(path, line)
        except OSError:
            if event == "failed":
                print(f"FAILED {values['label']}: {values['error']}", file=sys.stderr)
                print(f"  and the journal cannot be written: {problem.strerror}", file=sys.stderr)


def _append(path: Path, line: str) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def _reserve(path: Path) -> Path:
    return path.with_suffix(".reserve")


def reserve(path: Path) -> None:
    """Keep some space on the disk: given up when it is full, so that what failed for it can be put on record."""
    if not _reserve(path).exists() or _reserve(path).stat().st_size < RESERVE_BYTES:
        _reserve(path).write_bytes(b"\0" * RESERVE_BYTES)


def read(path: Path, build: str | None = None, offset: int = 0) -> Iterator[dict]:
    """The events of a build (of all when None) from a byte offset on; a line cut off by a kill is passed over."""
    if not path.exists():
        return
    with open(path, "rb") as file:
        file.seek(offset)
        for event in parse(file.read()):
            if build is None or event.get("build") == build:
                yield event


def parse(block: bytes) -> Iterator[dict]:
    """The events of whole lines; one that a kill or a full disk cut in two is passed over."""
    for line in block.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            yield event


def trim(path: Path) -> None:
    """Drop the older half once the journal is large; called when a build starts and nobody else writes."""
    if path.exists() and path.stat().st_size > KEEP_BYTES:
        kept = path.read_bytes()[-KEEP_BYTES // 2 :]
        draft = path.with_suffix(".tmp")
        draft.write_bytes(kept[kept.find(b"\n") + 1 :])
        os.replace(draft, path)

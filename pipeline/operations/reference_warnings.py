"""What a person must know of the reference files: what their readers warned of, and which hold the same table.

What belongs here: gathering it from the files' stamps. What must not come in: reading a file (`ingest`, `readers`),
sentences (`cli`).
"""

from __future__ import annotations

from pipeline.readers.reference_files.account import COPY
from pipeline.stages import ingest

Warned = tuple[str, str, int, str]  # file, kind (`reference_files.account`), count, example


def warned() -> list[Warned]:
    """The warnings of every reference file, in the order of the files."""
    found = [(f"raw/{task.raw_name}", *one) for task in ingest.references() for one in task.warnings]
    return [*found, *_alike()]


def _alike() -> list[Warned]:
    """A warning for each file that holds the same rows of a table as one before it, say a zip and what was unpacked of it.

    Transforms take each row once, so such a file changes nothing.
    """
    first: dict[tuple[str, str], str] = {}
    found = []
    for task in ingest.references():
        stamp = task.stamp()
        for table, digest in (stamp.notes.get("contents", {}) if stamp else {}).items():
            name = f"raw/{task.raw_name}"
            original = first.setdefault((table, digest), name)
            if original != name:
                found.append((name, COPY.kind, 1, f"{table.removeprefix('staged_')} of {original}"))
    return found

"""Migrates the warehouse of an earlier version, which named what it built after raw files: now it is named by id.

What belongs here: renaming staged sets, stamps, gate results and rejected records, once. What must not come in: building
anything again; whether that is due follows from the stamps as always.

A set is renamed first, then its stamp is written under the new name, and last the old stamp is removed: whatever kills it
in between, the next run finds the old stamp and goes on from there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline import paths, source_names
from pipeline.paths import Root
from pipeline.sources import presence
from pipeline.storage import stamps, targets
from pipeline.storage.stamps import Stamp


def is_one(root: Root) -> bool:
    """Whether something that was built is named after a raw file."""
    return any(True for _ in _earlier(root))


def rename(root: Root) -> None:
    """Name everything by id. To be called under the lock."""
    for folder, label in list(_earlier(root)):
        stamp = stamps.read(root, label)
        if stamp is None:  # damaged: `records` says so
            continue
        path = source_names.as_text(label.removeprefix(f"staged/{folder}/"))
        new = source_names.label(folder, path)
        _move(root.path / label, root.path / new)
        if (root.path / label).is_dir():  # it was read again by a task that was run alone
            shutil.rmtree(root.path / label)
        _move_gates(root, label, new, presence.shown(folder, path))
        _move_rejected(root, folder, path, new)
        if stamps.read(root, new) is None:
            parts = {name: replace(part, path=f"{new}/{Path(part.path).name}") for name, part in stamp.parts.items()}
            stamps.write(root, new, Stamp(stamp.basis, parts, stamp.gates, {**stamp.notes, presence.PATH_NOTE: path}))
        targets.remove(root.path / label, root.path / "staged")  # the folders above, where they are empty
        targets.remove(root.stamp(label), root.state)


def _earlier(root: Root) -> Iterator[tuple[str, str]]:
    """(folder, label) of every stamp that is named after a raw file."""
    for folder in presence.FOLDERS:
        for label in presence.labels(root, folder):
            if source_names.parts_of_label(label) is None or _is_plain(root, label):
                yield folder, label


def _is_plain(root: Root, label: str) -> bool:
    """Whether a stamp whose name could be an id's is one of an earlier version after all."""
    stamp = stamps.read(root, label)
    return stamp is not None and presence.PATH_NOTE not in stamp.notes


def _move(old: Path, new: Path) -> None:
    if old.is_dir() and not new.exists():
        paths.make_folder(new.parent)
        os.replace(old, new)
        targets.fsync(new.parent)


def _move_gates(root: Root, label: str, new: str, shown: str) -> None:
    for table in sorted(
        p.name.partition("~")[2]
        for p in root.gate_results.glob("*.json")
        if p.name.startswith(f"{label.replace('/', '.')}~")
    ):
        old = root.gate_result(label, table.removesuffix(".json"))
        found = json.loads(old.read_text(encoding="utf-8"))
        text = json.dumps(found, sort_keys=True).replace(json.dumps(label)[1:-1], json.dumps(shown)[1:-1])
        targets.write_text(root, root.gate_result(new, table.removesuffix(".json")), text)
        old.unlink()


def _move_rejected(root: Root, folder: str, path: str, new: str) -> None:
    old = root.quarantine / "records" / f"{source_names.from_text(path)}.jsonl"
    if folder != "mrf" or not old.is_file():
        return
    shown = presence.shown(folder, path)
    lines = [
        json.dumps({"source": shown, **json.loads(line)}, ensure_ascii=False, sort_keys=True)
        for line in old.read_text(encoding="utf-8").splitlines()
    ]
    targets.write_text(root, root.rejected(new), "\n".join(lines) + "\n")
    targets.remove(old, root.path)

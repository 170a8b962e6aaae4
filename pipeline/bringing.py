"""Bringing a star schema: its files become a source of this warehouse, all of them or none.

What belongs here: the check before anything is copied, the copy, the name that its content has. What must not come
in: which columns a file has (`readers.star_layout`), what becomes of them (`stages`).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import duck, errors, file_names, locks, paths, targets
from pipeline.paths import Root
from pipeline.readers import star_checks, star_layout
from pipeline.stages import raw, sources
from pipeline.task import memory, threads

DRAFT = ".bringing-"  # raw.stars() passes over names with a dot


@dataclass
class Brought:
    """What was brought: its id, whether it is new here, and what the check found (empty when it is not new)."""

    id: str
    new: bool
    months: dict[str, int] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def bring(folder: Path) -> Brought:
    """Make the star schema in a folder a source of this process's warehouse: checked, then copied to raw/star/<id>.

    The same files again add nothing. UsageError when there is no such folder, SourceError when a file is missing or
    refused, LockedError when a build is at work, PublishError when it cannot be written; nothing is left then.
    """
    root = paths.current()
    if not folder.is_dir():
        fact = "is not a folder" if folder.exists() else "no such folder"
        raise errors.UsageError(fact, place=folder, remedy="name the folder that holds gold/fact_rate.parquet")
    wrong = file_names.problem_of_folder(folder.resolve())
    if wrong:
        raise errors.UsageError(wrong, place=folder, remedy="rename it, or copy what is in it to another folder")
    with locks.locked(root):  # a build that is at work must not see half of the sources
        sources.forget()
        found = star_layout.look(folder)
        hashes = {table: _hash(file.path) for table, file in found.files.items()}
        name = star_layout.identity(hashes)
        if name in raw.stars():
            return Brought(name, new=False)
        checked = _check(root, found)
        with targets.refusals_told(root.star):
            _copy(root, found, hashes, name)
        sources.forget()
    return Brought(name, True, checked.months, list(found.files), list(found.passed_over), checked.notices)


def _check(root: Root, found: star_layout.Star) -> star_checks.Checked:
    with targets.refusals_told(root.scratch):
        scratch = paths.make_folder(root.scratch)
        con = duck.connect(memory(), threads(), scratch)
        try:
            others = {name: star_layout.look(root.star / name) for name in raw.stars()}
            return star_checks.check(con, found, states=raw.STATES | {raw.EVERYWHERE}, others=others)
        finally:
            con.close()


def _copy(root: Root, found: star_layout.Star, hashes: dict[str, str], name: str) -> None:
    """Copy to a folder beside the others that no build sees, durably, and rename it when it is whole."""
    paths.make_folder(root.star)
    for left in list(root.star.iterdir()):
        if left.name.startswith(DRAFT):  # by one that was killed: we hold the lock
            shutil.rmtree(left)
    draft = root.star / f"{DRAFT}{name}"
    try:
        for table, file in found.files.items():
            copy = draft / star_layout.place_of(table)
            paths.make_folder(copy.parent)
            shutil.copyfile(file.path, copy)
            if targets.file_hash(copy) != hashes[table]:
                raise errors.SourceError(
                    "changed while it was read", place=file.path, remedy="run the same command again"
                )
            targets.fsync(copy)
            targets.fsync(copy.parent)
        targets.fsync(draft)
        os.replace(draft, root.star / name)
        targets.fsync(root.star)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _hash(path: Path) -> str:
    try:
        return targets.file_hash(path)
    except OSError as problem:
        raise errors.SourceError(
            f"cannot be read: {problem.strerror}", place=path, remedy="give this user the right to read it"
        ) from problem

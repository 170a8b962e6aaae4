"""Bringing a star schema: its files become a source of this warehouse, all of them or none.

What belongs here: the check before anything is copied, the copy, the name that its content has. What must not come
in: which columns a file has (`readers.star.layout`), what becomes of them (`stages`).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import errors, file_names, paths, raw_kinds, session
from pipeline.paths import Root
from pipeline.readers.star import checks, layout
from pipeline.sources import listing, presence, star_options
from pipeline.storage import duck, locks, targets
from pipeline.tasks.limits import memory, threads

DRAFT = ".bringing-"  # listing.stars() passes over names with a dot


@dataclass
class ImportResult:
    """What was brought: its id, whether it is new here, the billing class of its facts that have none, where one was told,
    and what the check found (empty when it is not new)."""

    id: str
    new: bool
    months: dict[str, int] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    billing_class: str | None = None
    without_class: int = 0


def import_star(folder: Path, billing_class: str | None = None) -> ImportResult:
    """Make the star schema in a folder a source of this process's warehouse: checked, then copied to raw/star/<id>.

    `billing_class` is that of the facts that have none; it is remembered. The same files again add nothing, but may be told
    another class. UsageError when there is no such folder, SourceError when a file is missing or
    refused, LockedError when a build is at work, PublishError when it cannot be written; nothing is left then.
    """
    root = session.current()
    if not folder.is_dir():
        fact = "is not a folder" if folder.exists() else "no such folder"
        raise errors.UsageError(fact, place=folder, remedy="name the folder that holds gold/fact_rate.parquet")
    wrong = file_names.problem_of_folder(folder.resolve())
    if wrong:
        raise errors.UsageError(wrong, place=folder, remedy="rename it, or copy what is in it to another folder")
    with locks.locked(root):  # a build that is at work must not see half of the sources
        presence.clear_caches()
        found = layout.look(folder)
        hashes = {table: _hash(file.path) for table, file in found.files.items()}
        name = layout.identity(hashes)
        if name in listing.stars():
            _remember(root, name, billing_class)
            return ImportResult(name, new=False, billing_class=star_options.billing_class(root, name))
        try:
            checked = _check(root, found)
        except Exception as problem:
            for table, file in found.files.items():
                if _hash(file.path) != hashes[table]:  # what is wrong with half of each is no verdict on either
                    raise errors.ChangedSource(file.path) from problem
            raise
        with targets.translate_os_errors(root.star):
            _copy(root, found, hashes, name)
            _remember(root, name, billing_class)
        presence.clear_caches()
    of = checked.months, list(found.files), list(found.skipped), checked.notices
    return ImportResult(name, True, *of, billing_class, checked.without_class)


def _remember(root: Root, name: str, billing_class: str | None) -> None:
    if billing_class is not None:
        with targets.translate_os_errors(root.star):
            star_options.keep_billing_class(root, name, billing_class)


def _check(root: Root, found: layout.Star) -> checks.Checked:
    with targets.translate_os_errors(root.scratch):
        scratch = paths.make_folder(root.scratch)
        con = duck.connect(memory(), threads(), scratch)
        try:
            others = {name: layout.look(root.star / name) for name in listing.stars()}
            return checks.check(con, found, states=raw_kinds.STATES | {raw_kinds.EVERYWHERE}, others=others)
        finally:
            con.close()


def _copy(root: Root, found: layout.Star, hashes: dict[str, str], name: str) -> None:
    """Copy to a folder beside the others that no build sees, durably, and rename it when it is whole."""
    paths.make_folder(root.star)
    for left in list(root.star.iterdir()):
        if left.name.startswith(DRAFT):  # by one that was killed: we hold the lock
            shutil.rmtree(left)
    draft = root.star / f"{DRAFT}{name}"
    try:
        for table, file in found.files.items():
            copy = draft / layout.place_of(table)
            paths.make_folder(copy.parent)
            shutil.copyfile(file.path, copy)
            if targets.file_hash(copy) != hashes[table]:
                raise errors.ChangedSource(file.path)
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

"""Which warehouse this process serves.

What belongs here: choosing it, once, and asking for it. What must not come in: where its files are (`paths`), what a
setting means (`settings`).
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pipeline import errors, paths, permissions, settings
from pipeline.paths import Root

_current: Root | None = None


def choose_root(given: str | None) -> Root:
    """Make a folder this process's warehouse (given, else RATEHOUSE_ROOT, else [warehouse] root) and read its settings."""
    settings.load()
    root = use(given or os.environ.get("RATEHOUSE_ROOT") or settings.warehouse().root)
    settings.load(root.path)
    permissions.follow(root.path)
    return root


def current() -> Root:
    """The warehouse of this process; the one that the settings name when nobody chose one (`luigi --module …`)."""
    if _current is None:
        choose_root(None)
    return _current


def use(path: Path | str) -> Root:
    """Make a folder the warehouse of this process; RootError when it is none."""
    global _current
    folder = _expanded(Path(path))
    lay_out = f"ratehouse init {shlex.quote(str(folder))}"
    if not folder.exists():
        raise errors.RootError("no such folder", place=folder, remedy=lay_out)
    if not folder.is_dir():
        raise errors.RootError("is not a folder", place=folder, remedy="name the folder that holds raw/")
    if not (folder / "raw").is_dir():
        raise errors.RootError("holds no raw/, so it is no warehouse", place=folder, remedy=lay_out)
    paths.check_root(folder)
    _current = Root(folder.resolve())
    return _current


def _expanded(folder: Path) -> Path:
    """The folder that is meant: one that is called ~x counts before the home of a user x."""
    try:
        return folder if folder.exists() else folder.expanduser()
    except RuntimeError:  # there is no such user
        return folder

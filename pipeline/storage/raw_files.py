"""Listing the files of a folder under raw/: every one of them, links followed, and what could not be listed.

What belongs here: walking folders, and the names that systems, editors and downloads leave, which no reader is meant
to see. What must not come in: which reader takes which file (`raw_kinds`), Luigi, reading a file.

Links to folders and files are followed: a folder that was moved to another disk and linked back lists as before. Each
folder is listed once, by device and inode, so that a loop of links ends. A folder with several names is listed under
the one that is no link; of links alone, under the first in order. Its other names are `repeated`.

A folder that is not there is not an empty folder (`Listing.exists`), and neither is one that cannot be listed: that is
`unlistable`, and so is every entry of it that cannot be looked at (no permission, an input/output error, a stale
network handle, a link to nothing). What is gone when it is looked at, and is no link, was removed meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipeline import errors

# Folders that systems keep for themselves, mostly closed to users: at the top of a disk, of a NAS, in a zip of macOS.
SYSTEM_FOLDERS = frozenset(
    ("lost+found", "system volume information", "$recycle.bin", "__macosx", "@eadir", "#recycle", "#snapshot")
)
# Files that systems and office programs write beside others.
SYSTEM_FILES = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"))
# Downloads under way: browsers', curl's and wget's wrappers', aria2's; drafts of programs that rename when they are done.
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".aria2", ".opdownload", ".tmp", ".temp", ".filepart")


class Unlistable(NamedTuple):
    """A path under the folder (`.` is the folder itself) that cannot be listed or looked at, and why.

    `errno` is the system's number of the reason, 0 where the system gave none.
    """

    path: str
    reason: str
    errno: int = 0


class Repeated(NamedTuple):
    """A path under the folder (`.` is the folder itself) whose folder is listed under another name.

    `same_as` is that name under the folder, or as `elsewhere` has it.
    """

    path: str
    same_as: str


@dataclass(frozen=True)
class Listing:
    """What a folder holds: its files by their path under it, with slashes and in order, and what could not be listed.

    Names that are not UTF-8 carry their bytes as surrogate escapes (`os.fsdecode`). `folders` are the folders directly
    in it, those that systems keep for themselves not among them. `exists` is False where there is no such folder; then
    nothing else is known. `identities` is (device, inode) -> path of every folder that was listed.
    """

    files: tuple[str, ...] = ()
    unlistable: tuple[Unlistable, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    folders: tuple[str, ...] = ()
    exists: bool = True
    identities: Mapping[tuple[int, int], str] = field(default_factory=dict, compare=False, repr=False)


def is_leftover(name: str) -> bool:
    """Whether a file's or folder's name is one that systems, editors and downloads leave, not a publisher's."""
    low = name.lower()
    if name.startswith((".", "~$")) or low in SYSTEM_FILES or is_system_folder(name) or is_unfinished(name):
        return True
    if low.endswith(("~", ".swp", ".swo")):
        return True
    return len(name) > 2 and name.startswith("#") and name.endswith("#")


def is_unfinished(name: str) -> bool:
    """Whether a file's name is that of a download under way, or of one that broke off."""
    return name.lower().endswith(UNFINISHED)


def is_system_folder(name: str) -> bool:
    """Whether a folder's name is one that systems keep for themselves: it is not entered."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def walk(folder: Path, *, elsewhere: Mapping[tuple[int, int], str] | None = None, deep: bool = True) -> Listing:
    """Everything under a folder; what is directly in it alone, unless `deep`.

    `elsewhere` are folders that are listed already, by device and inode. OSError only where this process has too many
    files open.
    """
    walker = _Walker(os.fspath(folder), elsewhere or {})
    return walker.listing(deep)


class _Walker:
    """One walk. `_seen` is (device, inode) -> the path under which a folder is listed."""

    def __init__(self, base: str, elsewhere: Mapping[tuple[int, int], str]):
        self._base, self._elsewhere = base, elsewhere
        self._files: list[str] = []
        self._folders: list[str] = []
        self._unlistable: list[Unlistable] = []
        self._repeated: list[Repeated] = []
        self._seen: dict[tuple[int, int], str] = {}
        self._links: list[str] = []  # to folders: after all folders that are none, so that those keep their own names

    def listing(self, deep: bool) -> Listing:
        try:
            os.lstat(self._base)
        except FileNotFoundError:
            return Listing(exists=False)
        except OSError:
            pass  # `_enter` meets it again
        self._enter("", deep)
        while deep and self._links:
            waiting, self._links = sorted(self._links), []
            for path in waiting:
                self._enter(path, deep)
        return Listing(
            tuple(sorted(self._files)),
            tuple(sorted(self._unlistable)),
            tuple(sorted(self._repeated)),
            tuple(sorted(self._folders)),
            identities=self._seen,
        )

    def _enter(self, path: str, deep: bool) -> None:
        """List a folder and (deep) the folders in it that are no links."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            place = self._place(path)
            try:
                info = os.stat(place)  # a DirEntry has no inode on Windows
                key = (info.st_dev, info.st_ino)
                if key in self._seen or key in self._elsewhere:
                    same_as = self._elsewhere.get(key) or self._seen.get(key) or "."
                    self._repeated.append(Repeated(path or ".", same_as))
                    continue
                with os.scandir(place) as entries:
                    self._seen[key] = path
                    inner = self._take(path, list(entries))
                waiting += inner if deep else []
            except OSError as problem:
                self._refused(path, place, problem)

    def _take(self, path: str, entries: list[os.DirEntry]) -> list[str]:
        """Put a folder's entries where they belong; returns the folders in it that are no links."""
        inner = []
        for entry in entries:
            name = f"{path}/{entry.name}" if path else entry.name
            leftover = is_leftover(entry.name)
            try:
                is_folder = entry.is_dir()
                if not is_folder and (entry.is_file() or not _is_special(entry)):
                    self._files.append(name)
                    continue
                if not is_folder and not leftover:
                    self._unlistable.append(Unlistable(name, "it is neither a file nor a folder"))
            except OSError as problem:
                if not leftover:  # Emacs locks a file by a link to nothing
                    self._refused(name, entry.path, problem)
                continue
            if not is_folder or is_system_folder(entry.name):
                continue
            if not path:
                self._folders.append(name)
            if _is_link(entry):
                self._links.append(name)
            else:
                inner.append(name)
        return inner

    def _refused(self, path: str, place: str, problem: OSError) -> None:
        if problem.errno in errors.TOO_MANY_FILES:
            raise problem
        if isinstance(problem, FileNotFoundError):
            if not Path(place).is_symlink():
                return  # removed since its folder was listed
            target = os.fspath(Path(place).readlink())
            self._unlistable.append(Unlistable(path or ".", f"a link to {target}, which is not there", problem.errno))
            return
        reason = problem.strerror or type(problem).__name__
        self._unlistable.append(Unlistable(path or ".", reason, problem.errno or 0))

    def _place(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base


def _is_link(entry: os.DirEntry) -> bool:
    return entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction())


def _is_special(entry: os.DirEntry) -> bool:
    """Whether an entry that is neither a file nor a folder is there, as a device or socket; OSError where it is not."""
    mode = entry.stat().st_mode  # follows a link, so that one to nothing is refused here: is_file() says False of it
    return not stat.S_ISREG(mode)

"""Escapes a path so that DuckDB takes it for this one file, whatever the file is called.

What belongs here: how such a path is spelled, and which cannot be. What must not come in: opening anything (`duck`,
`database`, `opening`), where a file stands (`paths`).

What DuckDB 2.0 makes of a path, as tried: `[`, `*` and `?` make it a pattern wherever files are read, unless each is in
brackets, and a pattern is looked for in the listing of its folder. Where files are written (COPY TO, temp_directory), and
in the path of a database, they make none; but of a database's path what follows a `?` is put behind the names of its .wal
and .tmp. A folder `a=b` becomes a column, unless hive_partitioning is off. `~`, `s3:`, `file:` and `:memory:` mean something
at the beginning alone, so that a path from the root of the file system is free of them. Braces, quotes, `%`, `:`, blanks
and line breaks mean nothing. A backslash ends a folder's name in the path of a database, in temp_directory and in a pattern.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pipeline import errors

_PATTERN = re.compile(r"[\[*?]")


def whole_path(path: Path | str) -> str:
    """A path from the root of the file system, as DuckDB takes it for what it writes and for databases.

    PathError for one that DuckDB cannot be given (`problem`).
    """
    whole = Path(path).absolute()
    wrong = problem(whole)
    if wrong:
        raise errors.PathError(wrong, place=whole, remedy="rename it, or move it to another folder")
    return whole.as_posix()


def literal_path(path: Path | str) -> str:
    """A path as DuckDB takes it where it reads files: this file and no other. PathError as `whole_path`."""
    return _PATTERN.sub(r"[\g<0>]", whole_path(path))


def problem(path: Path) -> str | None:
    """Why DuckDB cannot be given a path; None when it can."""
    text = os.fspath(path)
    if os.sep != "\\" and "\\" in text:
        return "has a backslash in its path, which DuckDB takes for the slash between folders"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "has a path that is not UTF-8, and DuckDB opens no other"
    return None


def problem_of_folder(folder: Path) -> str | None:
    """Why DuckDB would not find the files in a folder, by its whole path; None when it would."""
    found = problem(folder)
    for place in (folder, *folder.parents):
        if found is None and _PATTERN.search(place.name):
            found = _problem_of_listing(place.parent)
    return found


def _problem_of_listing(folder: Path) -> str | None:
    """Why DuckDB cannot list a folder, where it has to look for a name with `[`, `*` or `?`; None when it can."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError as error:
        return f"has a [, * or ? in its path, so DuckDB must list {folder}, which cannot be: {error.strerror}"
    other = next((name for name in names if name.startswith("\\")), None)
    if other is not None:
        return f"has a [, * or ? in its path, so DuckDB must list {folder}, and it fails there at the name {other}"
    return None

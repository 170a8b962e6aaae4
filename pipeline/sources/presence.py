"""Which sources are here, missing or archived: told by the listing of raw/ and by the stamps of what was built.

What belongs here: what is on record of sources, whether a source is here, missing or archived, and why it is not seen.
What must not come in: reading a raw file (`ingest`), letting go of a source (`letting_go`), tasks.

A source is what one path under raw/ gave for one month; of a reference file the path, of a star schema its id. It is on
record by its stamp under .state/stamps/staged, and known from that when its raw file is not seen. A raw file is seen
when it is listed, and the system lets this user read it.
"""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline import errors, raw_kinds, session, settings, source_names
from pipeline.paths import Root
from pipeline.sources import let_go, listing
from pipeline.storage import stamps
from pipeline.storage.stamps import Stamp

HERE, MISSING, ARCHIVED = "here", "missing", "archived"
ARCHIVED_NOTE = "archived"  # in a stamp's notes: when
PATH_NOTE = "path"  # in a stamp's notes: the raw file's path under its folder, as text
FOLDERS = ("mrf", *raw_kinds.REFERENCES)  # star schemas are on record by their id alone


@dataclass(frozen=True)
class Recorded:
    """A source that is on record. `path` is its raw file's under raw/<folder>, as text; `month` that of a former month's
    set, else None; `stamp` what was built of it.
    """

    label: str
    folder: str
    path: str
    month: str | None
    stamp: Stamp


# ---- what is on record --------------------------------------------------------------------------------------------


@functools.cache
def recorded(folder: str) -> tuple[Recorded, ...]:
    """The sources of a folder that are on record and were not let go of, by their label."""
    root = session.current()
    gone = let_go.sources(root)
    return tuple(one for one in _stamped(root, folder) if one.label not in gone)


def _stamped(root: Root, folder: str) -> list[Recorded]:
    found = []
    for label in labels(root, folder):
        stamp = stamps.read(root, label)
        if stamp is None:
            continue
        id_ = source_names.parts_of_label(label)
        path = stamp.notes.get(PATH_NOTE, source_names.as_text(label.removeprefix(f"staged/{folder}/")))
        found.append(Recorded(label, folder, path, id_[2] if id_ else None, stamp))
    return found


def labels(root: Root, folder: str) -> list[str]:
    """The label of every stamp of a folder's sources, whether it can be read or not."""
    base = root.stamp("staged").with_suffix("") / folder
    if folder == "star":  # its months' stamps are in folders
        names = [path.name for path in base.glob("*.json")]
    else:  # an earlier version named them after the raw files
        names = [
            os.path.relpath(os.path.join(at, name), base).replace(os.sep, "/")  # noqa: PTH118
            for at, _, files in os.walk(base)
            for name in files
            if name.endswith(".json")
        ]
    return [f"staged/{folder}/{name.removesuffix('.json')}" for name in sorted(names)]


@functools.cache
def earlier_label(folder: str, path: str) -> str | None:
    """The label that an earlier version gave to a source, where that is what is on record of it."""
    return next((one.label for one in recorded(folder) if one.path == path and PATH_NOTE not in one.stamp.notes), None)


def shown_label(label: str) -> str:
    """What a person is shown for a source's label: its raw file, and the month of a former month's set."""
    known = source_names.parts_of_label(label)
    if known is None:
        return label
    root = session.current()
    folder, id_, month = known
    stamp = stamps.read(root, label) or stamps.read(root, f"staged/{folder}/{id_}")
    if stamp is not None and PATH_NOTE in stamp.notes:
        return shown(folder, stamp.notes[PATH_NOTE], month if stamps.read(root, label) else None)
    gone = let_go.sources(root)
    one = gone.get(label) or gone.get(f"staged/{folder}/{id_}")
    return one.raw if one else label


def shown(folder: str, path: str, month: str | None = None) -> str:
    """A source as a person is shown it and may name it: `raw/mrf/GA/acme.json`, of a former month with `:2025-07`."""
    return f"raw/{folder}/{path}" + (f":{month}" if month else "")


# ---- what is seen -------------------------------------------------------------------------------------------------


@functools.cache
def listed(folder: str) -> tuple[str, ...]:
    """The raw files of a folder that a reader takes, by their path under it, as text, in order."""
    found = {"mrf": listing.in_network_files, "star": listing.stars}.get(folder, lambda: listing.reference(folder))()
    return tuple(sorted(map(source_names.as_text, found)))


def names(folder: str) -> list[str]:
    """The raw files of a folder that are listed or on record, by their path under it, as text."""
    return sorted({*listed(folder), *(one.path for one in recorded(folder))})


def all_names() -> list[str]:
    """The raw files and star schemas that are listed or on record, misplaced files too, by their path under raw/, as text."""
    found = [f"{folder}/{name}" for folder in (*FOLDERS, "star") for name in names(folder)]
    return [*found, *(source_names.as_text(one.path) for one in listing.misplaced())]


@functools.cache
def _seen(folder: str) -> frozenset[str]:
    """Those of them that can be read, so far as is known."""
    return frozenset(path for path in listed(folder) if refusal(folder, path) is None)


@functools.cache
def seen_files(folder: str) -> tuple[str, ...]:
    """The same in order."""
    return tuple(path for path in listed(folder) if path in _seen(folder))


def is_seen(folder: str, path: str) -> bool:
    """Whether a raw file was listed and can be read: asked anew, for a disk may go while a build is at work."""
    return path in _seen(folder) and os.access(place(folder, path), os.R_OK)


def place(folder: str, path: str) -> Path:
    """The raw file of a path that is given as text."""
    return session.current().raw / folder / source_names.from_text(path)


def refusal(folder: str, path: str) -> str | None:
    """Why a raw file that was listed cannot be read; None when it can, so far as is known."""
    if (reason := _unreadable().get(f"{folder}/{path}")) is not None:
        return reason
    where = place(folder, path)
    if os.access(where, os.R_OK):
        return None
    try:
        with open(where, "rb"):
            return None
    except IsADirectoryError:  # a star schema that may not be listed
        return "cannot be listed: Permission denied"
    except OSError as problem:
        if problem.errno in errors.TOO_MANY_FILES:
            raise
        return f"cannot be read: {problem.strerror}" if where.is_symlink() or where.exists() else "is not there"


def why_not_seen(folder: str, path: str) -> str:
    """Why a raw file is not seen."""
    if path in listed(folder):
        return refusal(folder, path) or "is not there"
    if not listing.all_files(folder).exists:
        return f"is not there: there is no raw/{folder}"
    name = source_names.from_text(path)
    for one in listing.all_files(folder).unlistable:
        if one.path == "." or name == one.path or name.startswith(f"{one.path}/"):
            return f"cannot be listed: {_folder(folder, one.path)}: {one.reason}"
    return "is not there"


def unlistable() -> list[errors.SourceError]:
    """What cannot be listed or, never read before, cannot be read: nothing is known of what it holds."""
    found = list(listing.unlistable())
    for folder in (*FOLDERS, "star"):
        known = {one.path for one in recorded(folder)}
        found += [
            errors.SourceError(
                refusal(folder, path) or "cannot be read",
                place=f"raw/{folder}/{path}",
                remedy="give this user the right to read it",
            )
            for path in listed(folder)
            if path not in _seen(folder) and path not in known
        ]
    return found


def _folder(folder: str, path: str) -> str:
    return f"raw/{folder}" if path == "." else f"raw/{folder}/{source_names.as_text(path)}"


def unseen_presence(stamp: Stamp | None) -> str:
    """missing or archived, of a source that is not seen."""
    marked = stamp is not None and ARCHIVED_NOTE in stamp.notes
    return ARCHIVED if marked or settings.raw().missing == "archive" else MISSING


# ---- what could not be read in spite of its permissions ---------------------------------------------------------------


def put_unreadable(name: str, reason: str) -> None:
    """Put on record that the system refused to read a raw file (its path under raw/, as text) in this build."""
    root = session.current()
    root.unreadable.parent.mkdir(parents=True, exist_ok=True)
    with open(root.unreadable, "ab", buffering=0) as file:
        file.write(json.dumps([name, reason]).encode() + b"\n")
    clear_caches()


def begin() -> None:
    """Forget what an earlier build could not read: this one will try."""
    session.current().unreadable.unlink(missing_ok=True)
    clear_caches()


@functools.cache
def _unreadable() -> dict[str, str]:
    try:
        lines = session.current().unreadable.read_bytes().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        try:
            name, reason = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        found[name] = reason
    return found


def clear_caches() -> None:
    """Look at the folders and the record again."""
    listing.clear_caches()
    for known in (recorded, earlier_label, listed, _seen, seen_files, _unreadable):
        known.cache_clear()

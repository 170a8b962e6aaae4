"""The files that a user puts under raw/: which there are, which of them are sources, and which cannot be read.

What belongs here: the one listing of raw/ that a build or a command looks at. What must not come in: what becomes of a
name (`sorting`), which sources there were before (`presence`), reading a file.
"""

from __future__ import annotations

import errno
import functools
from dataclasses import dataclass

from pipeline import errors, session, settings, source_names
from pipeline.raw_kinds import KINDS
from pipeline.sources.sorting import MisplacedFile, Skipped, Sorted, Sorter, shown
from pipeline.storage import raw_files
from pipeline.storage.raw_files import Listing

_NOT_LISTED = frozenset(("fetched",))  # it has a ledger of its own
_REMEDIES = {
    errno.EACCES: "give this user the right to list and read it",
    errno.EPERM: "give this user the right to list and read it",
    errno.ENOENT: "mount the disk that it is on, mend the link, or remove it",
    errno.ELOOP: "mend the link, or remove it",
    errno.ESTALE: "mount the network folder again",
    errno.EIO: "look at the disk: the system cannot read it",
    errno.ENOTDIR: "a folder belongs there: move the file away",
}


@dataclass(frozen=True)
class _Raw:
    """raw/ as it was listed: each kind's listing, the files sorted, and what could not be listed."""

    kinds: dict[str, Listing]
    sorted: Sorted
    unlistable: tuple[errors.SourceError, ...]


@functools.cache
def _listed() -> _Raw:
    """List and sort all that is under raw/, once."""
    root = session.current()
    sorter = Sorter(settings.raw().ignored(), _begins_like_rates)
    top = raw_files.walk(root.raw, deep=False)
    found = {kind: raw_files.walk(root.raw / kind) for kind in KINDS if kind not in _NOT_LISTED}
    kinds = dict(found)
    known = {key: _below(kind, path) for kind, one in found.items() for key, path in one.identities.items()}
    for folder in top.folders:
        if folder not in KINDS:
            found[folder] = raw_files.walk(root.raw / folder, elsewhere=known)
    refused = [*_refused("", top, sorter)]
    for path in top.files:
        sorter.take(path)
    for folder, listing in found.items():
        refused += _refused(folder, listing, sorter)
        for path in listing.files:
            sorter.take(f"{folder}/{path}")
        for path, same_as in listing.repeated:
            if path != "." or folder.lower() != same_as:  # a file system that takes MRF for mrf
                sorter.repeat(_below(folder, path), same_as if folder not in KINDS else _below(folder, same_as))
    unlistable = {error.place: error for error in refused}
    return _Raw(kinds, sorter.sorted, tuple(unlistable[place] for place in sorted(unlistable)))


def _below(folder: str, path: str) -> str:
    return "/".join(part for part in (folder, path) if part not in ("", "."))


def _refused(folder: str, listing: Listing, sorter: Sorter) -> list[errors.SourceError]:
    """What of a listing could not be listed, as errors with what to do."""
    found = []
    for path, reason, number in listing.unlistable:
        name = _below(folder, path)
        if not sorter.is_ignored(name):
            remedy, name, reason = _REMEDIES.get(number, "mend it, or remove it"), shown(name), shown(reason)
            found.append(
                errors.SourceError(f"cannot be listed: {reason}", place=f"raw/{name}".rstrip("/"), remedy=remedy)
            )
    return found


def _begins_like_rates(path: str) -> bool | None:
    from pipeline.readers import beginnings

    try:
        return beginnings.begins_like_rates(session.current().raw / path)
    except OSError as problem:
        if problem.errno in errors.TOO_MANY_FILES:
            raise
        return None


def all_files(folder: str) -> Listing:
    """All that is in the folder of a kind, whatever becomes of it."""
    return _listed().kinds[folder]


def in_network_files() -> tuple[str, ...]:
    """The in-network files by their path under raw/mrf, in order."""
    return tuple(_listed().sorted.read.get("mrf", ()))


def reference(folder: str) -> tuple[str, ...]:
    """The files of a reference folder that its reader takes, by their path under it, in order."""
    return tuple(_listed().sorted.read.get(folder, ()))


def corrections() -> tuple[str, ...]:
    """The files of corrections by their path under raw/corrections, in order."""
    return tuple(_listed().sorted.read.get("corrections", ()))


def declarations() -> tuple[str, ...]:
    """The files of declarations by their path under raw/declarations, in order."""
    return tuple(_listed().sorted.read.get("declarations", ()))


def stars() -> tuple[str, ...]:
    """The star schemas that were brought, by their folder under raw/star; a dot begins one that is being brought."""
    return _listed().kinds["star"].folders


def files_of_star(name: str) -> tuple[str, ...]:
    """The files of a star schema by their path under its folder, in order."""
    found = (path.partition("/") for path in _listed().sorted.read.get("star", ()))
    return tuple(rest for star, _, rest in found if star == name and rest)


def misplaced() -> tuple[MisplacedFile, ...]:
    """The files that some reader takes where none reads them."""
    return tuple(_listed().sorted.misplaced)


def misplaced_alike() -> dict[str, errors.SourceError]:
    """The first path of misplaced files that have the same fault and the same remedy, and the error of all of them."""
    alike: dict[tuple, list[MisplacedFile]] = {}
    for one in misplaced():
        alike.setdefault((one.path.rpartition("/")[0], one.error.fact, one.error.remedy), []).append(one)
    found = {}
    for (_, fact, remedy), (first, *more) in alike.items():
        if more:
            fact = f"{fact} (and {len(more):,} more file{'s' if len(more) > 1 else ''} there, to {more[-1].path})"
        found[source_names.as_text(first.path)] = errors.SourceError(fact, place=first.error.place, remedy=remedy)
    return found


def skipped() -> tuple[Skipped, ...]:
    """The files that are not read, and why."""
    return tuple(_listed().sorted.skipped)


def ignored() -> dict[str, tuple[str, ...]]:
    """The paths under raw/ that each pattern of `[raw] ignore` passes over."""
    return {pattern: tuple(found) for pattern, found in _listed().sorted.ignored.items()}


def unlistable() -> tuple[errors.SourceError, ...]:
    """What cannot be listed or looked at: nothing is known of what it holds, so nothing of it is gone."""
    return _listed().unlistable


def clear_caches() -> None:
    """Look at the folders again."""
    _listed.cache_clear()

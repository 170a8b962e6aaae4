"""Refuses to build when the stamp of a source that published tables were made of is lost.

What belongs here: finding records of sources that were lost or damaged, and refusing to build without them. What must
not come in: mending them (`operations.verify`).

A source whose raw file is not seen is known by its stamp alone. Where that is lost the tables that have its rows still
name it among their inputs; they would be built without it, and its rows would go unasked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from pipeline import errors, paths, session, source_names
from pipeline.paths import Root
from pipeline.sources import let_go, listing, presence
from pipeline.sources.let_go import LetGo
from pipeline.stages import ingest, star
from pipeline.storage import stamps

_INPUT = re.compile(r"staged/(?:[a-z]+/[0-9a-f]{32}(?:_\d{4}-\d\d)?|star/[^/:]+)(?=[:/]|$)")
_TABLES = ("dims", "xrefs", "bench", "gold")


def lost(root: Root) -> list[str]:
    """The labels of sources that published tables were made of, of which neither a record nor a raw file is there."""
    known, unread = _on_record(), _unread()
    gone = let_go.ever(root)
    found = [
        label
        for label in {*_damaged(root), *_used(root)}
        if label not in known | gone and not {label, _plain(label)} & (unread | gone)
    ]
    # With its month only where something else of the path is on record.
    return sorted({label if _plain(label) in known else _plain(label) for label in found})


def check(root: Root, forget_missing: bool) -> None:
    """MissingSources where a record is lost, unless they are to be let go of."""
    found = lost(root)
    if not found:
        return
    if forget_missing:
        let_go.put(root, *(LetGo(label, label, None, 0, let_go.FORGOTTEN) for label in found))
        for label in found:  # one that cannot be read is of no use
            root.stamp(label).unlink(missing_ok=True)
        presence.clear_caches()
        return
    names = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    others = {stamps.other_version(root, label) for label in found} - {None}
    what = f"was written by {min(others)}" if others else "is lost or damaged"
    raise errors.MissingSources(
        f"the record of {'a source' if len(found) == 1 else f'{len(found)} sources'} {what}, and no raw file "
        f"that it is of is seen: {names}. What is published of it stays, and nothing is built without it",
        place=root.stamp("staged").with_suffix(""),
        remedy=f"put the raw file back, or bring that folder and {paths.shown(root.path / 'staged')} back from a copy; or "
        f"remove its rows from the warehouse: ratehouse forget {shlex.quote(found[0])}",
    )


def check_any() -> None:
    """MissingSources where there is nothing to build from, and nothing was built before."""
    root = session.current()
    built = root.stamp("warehouse").exists() or ingest.in_network() or star.tasks()
    if built or listing.misplaced():
        return
    refused = "; ".join(f"{error.place} {error.fact}" for error in presence.unlistable())
    raise errors.MissingSources(
        f"holds no in-network file, and nothing was built before{f' ({refused})' if refused else ''}",
        place=root.mrf,
        remedy=f"put one at {paths.shown(root.mrf)}/<STATE>/<name>.json (or .json.gz, .zip), where <STATE> is a USPS code such "
        "as GA, or US for the whole country; then run the same command again",
    )


def _on_record() -> set[str]:
    """The labels of sources that are on record, those of in-network files also with their month, as tables name them."""
    tasks = [*ingest.in_network(), *ingest.references(), *star.tasks()]
    return {name for task in tasks if task.stamp() is not None for name in (task.label, task.input_name)} | {
        one.label for folder in presence.FOLDERS for one in presence.recorded(folder)
    }


def _unread() -> set[str]:
    """The labels of raw files that are seen and have no record: they are read."""
    tasks = [*ingest.in_network(), *ingest.references(), *star.tasks()]
    return {task.label for task in tasks if task.stamp() is None}


def _plain(label: str) -> str:
    """A label without a month."""
    return label[:-8] if source_names.parts_of_label(label) and label[-8] == "_" else label


def _damaged(root: Root) -> Iterator[str]:
    for folder in (*presence.FOLDERS, "star"):
        for label in presence.labels(root, folder):
            if stamps.read(root, label) is None:
                yield label


def _used(root: Root) -> Iterator[str]:
    """The labels that the stamps of published tables name among their inputs."""
    for folder in _TABLES:
        base = root.stamp(folder).with_suffix("")
        for path in sorted(base.glob("*.json")) if base.is_dir() else ():
            stamp = stamps.read(root, f"{folder}/{path.name.removesuffix('.json')}")
            for name in stamp.basis.inputs if stamp else ():
                if found := _INPUT.match(name):
                    yield found[0]

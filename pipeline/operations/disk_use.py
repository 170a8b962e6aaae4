"""What a warehouse takes on disk, part by part, and what of it may go.

What belongs here: counting files, each once however many names it has, and saying which command removes what nothing needs.
What must not come in: removing anything, printing (`cli`), what a build will need (`disk_need`), looking for damage
(`operations.verify`).
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import paths, raw_kinds, settings
from pipeline.operations import status
from pipeline.paths import Root
from pipeline.stages import warehouse
from pipeline.storage import file_systems, locks

FORMER_OBJECTS, DRAFTS = "objects of former builds", "drafts"


@dataclass
class Part:
    """A part of a warehouse: `files` that no part before it has, its folders, the bytes that both take on disk, and the
    sum of the files' lengths.
    """

    name: str
    place: str
    files: int = 0
    folders: int = 0
    bytes_on_disk: int = 0
    length: int = 0


@dataclass(frozen=True)
class Removable:
    """What may go, why, and the command that removes it, to paste into a shell."""

    name: str
    files: int
    bytes_on_disk: int
    reason: str
    command: str


@dataclass
class Usage:
    """All that `ratehouse stats --disk` says. `unseen` is (place, why) of what could not be counted."""

    parts: list[Part] = field(default_factory=list)
    removable: list[Removable] = field(default_factory=list)
    disks: list[file_systems.FileSystem] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)

    def part(self, name: str) -> Part | None:
        """A part by its name; None where there is nothing of it."""
        return next((one for one in self.parts if one.name == name), None)


def measure(root: Root) -> Usage:
    """Count everything under a warehouse's root, and the code that was compiled for this version of ratehouse."""
    status.begin()
    counter = _Counter(root)
    for name, place, listed, without in _places(root):
        counter.count(name, place, listed, without=without, follow=place.startswith("raw"))
    usage = counter.usage
    usage.removable = list(_removable(root, usage))
    disks = {disk.device: disk for disk in map(file_systems.of, (root.path, *counter.asked))}
    usage.disks = sorted(disks.values(), key=lambda one: one.mount)
    return usage


def _places(root: Root) -> Iterator[tuple[str, str, list[Path], set[Path]]]:
    """(part, its place in words, its files and folders, those below that are another part's), in the order of counting: a
    published file comes before its object, which is the same file.
    """
    folders = [one for one in _inside(root.raw) if one.is_dir()]
    for folder in folders:
        kind = folder.name if folder.name in raw_kinds.KINDS else f"{folder.name} (unknown)"
        yield f"raw: {kind}", f"raw/{folder.name}", [folder], set()
    yield "raw: loose files", "raw", [root.raw], set(folders)
    staged, joined = root.path / "staged", root.path / "staged" / "enriched"
    yield "staged", "staged", [staged], {joined}
    yield "joined rows", "staged/enriched", [joined], set()
    yield "facts", "gold", [root.gold], {root.tree}
    yield "leaves", "gold/fact_rate_enriched", [root.tree], set()
    for name in ("dims", "xrefs", "bench"):
        yield name, name, [root.path / name], set()
    catalogs = [one for one in _inside(root.path) if one.name.startswith(root.catalog.name)]
    yield "catalog", root.catalog.name, catalogs, set()
    in_use = [root.object(digest) for digest in warehouse.objects_in_use()]
    yield "objects with no other name", ".objects", in_use, set()
    yield FORMER_OBJECTS, ".objects", [root.objects], set()
    yield "quarantine", "quarantine", [root.quarantine], set()
    yield "Data Docs", "docs", [root.docs], set()
    yield "addresses to geocode", "geocoding", [root.geocoding], set()
    logs = [root.state / "logs", *(one for one in _inside(root.state) if one.name.startswith(root.journal.stem))]
    yield "stamps, manifests", ".state", [root.state], set(logs)
    yield "logs, journal", ".state", logs, set()
    yield DRAFTS, ".scratch", [root.scratch], set()
    known = {root.raw, staged, root.gold, root.objects, root.quarantine, root.docs, root.geocoding, root.state}
    known |= {root.scratch, *catalogs, *(root.path / name for name in ("dims", "xrefs", "bench"))}
    yield "other files", ".", [root.path], known
    from pipeline.compiled import jit

    compiled = Path(jit.config.CACHE_DIR)
    yield "compiled code", paths.shown(compiled), [compiled], set()


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, in order; nothing where it cannot be listed, which `_Counter` says when it counts."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


class _Counter:
    """Counts files and folders, each once, and keeps what it could not look into."""

    def __init__(self, root: Root):
        self.usage = Usage()
        self.asked: list[Path] = []
        self._root = root
        self._met: set[tuple[int, int]] = set()

    def count(self, name: str, place: str, listed: Iterable[Path], *, without: set[Path], follow: bool) -> None:
        """Count a part. Links are followed where `follow` says so; a part of nothing is left out."""
        part = Part(name, place)
        waiting = [os.fspath(one) for one in listed if os.path.lexists(one)]
        apart = {os.fspath(one) for one in without}
        self.asked += [Path(one) for one in waiting if Path(one).is_dir()]
        while waiting:
            path = waiting.pop()
            try:
                info = os.stat(path) if follow else os.lstat(path)
                if self._is_new(info):
                    self._add(part, info)
                    if stat.S_ISDIR(info.st_mode):
                        waiting += [one.path for one in os.scandir(path) if one.path not in apart]
            except OSError as problem:
                self.usage.unseen.append((self._shown(path), problem.strerror))
        if part.files or part.folders:
            self.usage.parts.append(part)

    def _is_new(self, info: os.stat_result) -> bool:
        identity = (info.st_dev, info.st_ino)
        if identity in self._met and info.st_ino:
            return False
        self._met.add(identity)
        return True

    @staticmethod
    def _add(part: Part, info: os.stat_result) -> None:
        part.bytes_on_disk += file_systems.allocated(info)
        if stat.S_ISDIR(info.st_mode):
            part.folders += 1
        else:
            part.files += 1
            part.length += info.st_size

    def _shown(self, path: str) -> str:
        place = Path(path)
        return self._root.relative(place) if place.is_relative_to(self._root.path) else path


def _removable(root: Root, usage: Usage) -> Iterator[Removable]:
    """What nothing needs, and at the end everything that can be built again."""
    build = paths.command("build", root.path)
    if (former := usage.part(FORMER_OBJECTS)) and former.files:
        hours = settings.build().object_hours
        reason = (
            f"they stay {hours:g} hours for readers of an older catalog ([build] object_hours; 0 for none), and go with "
            "the next build after that"
        )
        yield Removable(former.name, former.files, former.bytes_on_disk, reason, build)
    if (drafts := usage.part(DRAFTS)) and drafts.files and not locks.is_held(root):
        reason = "a build that was killed left them; the next one removes them"
        yield Removable(drafts.name, drafts.files, drafts.bytes_on_disk, reason, build)
    for name, folder, reason in (
        (
            "files set aside",
            root.quarantine / "extra",
            "they belong to no table: `verify --repair` or a build moved them there; look at them before",
        ),
        (
            "broken-off downloads",
            root.partial,
            "the same `ratehouse fetch` completes them; where you do not want them any more",
        ),
    ):
        alone = _Counter(root)
        alone.count(name, name, [folder], without=set(), follow=False)
        for one in (one for one in alone.usage.parts if one.files):
            yield Removable(name, one.files, one.bytes_on_disk, reason, f"rm -r {shlex.quote(paths.shown(folder))}")
    built = [one for one in usage.parts if not one.name.startswith(("raw", "other", "compiled"))]
    if built:
        files, taken = sum(one.files for one in built), sum(one.bytes_on_disk for one in built)
        reason = "all that was built; `make warehouse` builds it again from raw/, and it refuses where that cannot be"
        yield Removable("everything but raw/", files, taken, reason, f"make clean ROOT={shlex.quote(str(root.path))}")

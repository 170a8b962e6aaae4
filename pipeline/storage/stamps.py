"""The stamp of what was built: from which inputs, by which code, under which settings; and why it is stale.

What belongs here: reading and writing stamps, comparing them with now, saying the difference in a sentence.
What must not come in: building anything, Luigi. A stamp is written after its files; a file without its stamp
counts as unbuilt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.paths import Root
from pipeline.storage import targets
from pipeline.storage.targets import PublishedFile

VERSION = 3
_EARLIER = (2,)  # versions whose stamps read the same; what they say of staged files was named otherwise


@dataclass(frozen=True)
class BuildInputs:
    """What a build rests on, now.

    inputs    what is read -> digest of its content (of a raw file: of its bytes)
    code      module or SQL file -> its version
    settings  setting -> value, those that shape the bytes (schemas of the tables among them)
    """

    inputs: dict[str, str]
    code: dict[str, str]
    settings: dict[str, object]


@dataclass
class Stamp:
    """What was built and on what. `gates.suites` by suite; `notes` is the task's own (counts, a verdict).

    `parts` by table name; a table that stands in several files has them under its name, `name.0002`, `name.0003`, …
    """

    basis: BuildInputs
    parts: dict[str, PublishedFile]
    gates: dict[str, dict] = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    earlier: bool = False  # written by an earlier version of this program

    def parts_of(self, table: str) -> list[PublishedFile]:
        """The files of a table, in their order."""
        return [part for name, part in sorted(self.parts.items()) if table_of(name) == table]

    @property
    def failed_gate(self) -> str | None:
        """The suite that the published files fail, if any."""
        return next((name for name, gate in self.gates.items() if not gate["passed"]), None)


@dataclass(frozen=True)
class Stale:
    """Why something is not up to date. `kind`: unbuilt, earlier, file, lost, asked, input, code, setting, suite, gate,
    upstream or blocked."""

    kind: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def table_of(name: str) -> str:
    """The table of which a part of that name is."""
    return name.partition(".")[0]


NONE = Stamp(BuildInputs({}, {}, {}), {})
_ASKED = (
    "rerun --force"  # among the settings of a stamp, so that what compares these takes over nothing of the former build
)

_memory: dict[str, tuple[tuple, Stamp]] = {}
_places: dict[tuple[Root, str], str] = {}


def read(root: Root, label: str) -> Stamp | None:
    """The stamp of a task; None when there is none, or none that this version understands."""
    # Asked some ten times a task in a build with nothing to do: so no Path is made, and no file read twice.
    path = _places.get((root, label))
    if path is None:
        path = _places[root, label] = str(root.stamp(label))
    try:
        info = os.stat(path)
    except OSError:
        return None
    key = (info.st_mtime_ns, info.st_size, info.st_ino)
    known = _memory.get(path)
    if known and known[0] == key:
        return known[1]
    raw = _whole(path)
    if raw.get("version") not in (VERSION, *_EARLIER):
        return None
    stamp = Stamp(
        BuildInputs(raw["inputs"], raw["code"], raw["settings"]),
        {name: PublishedFile(**part) for name, part in raw["parts"].items()},
        raw["gates"],
        raw["notes"],
        earlier=raw["version"] != VERSION,
    )
    _memory[path] = (key, stamp)
    return stamp


def _whole(path: str | Path) -> dict:
    """What a stamp's file says, of any version; nothing of one that is not there, or not what was written."""
    try:
        text = targets.verify_checksum_line(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # swept, or not even text
        return {}
    return json.loads(text) if text is not None else {}


def other_version(root: Root, label: str) -> str | None:
    """`an earlier version of ratehouse`, or a later one, where that wrote the stamp and this one does not understand it."""
    version = _whole(root.stamp(label)).get("version", VERSION)
    if version in (VERSION, *_EARLIER):
        return None
    return f"{'an earlier' if version < VERSION else 'a later'} version of ratehouse"


def labels(root: Root) -> list[str]:
    """The labels of all stamps there are, readable or not."""
    folder = root.stamp("").parent
    found = sorted(folder.rglob("*.json")) if folder.is_dir() else ()
    return [path.relative_to(folder).as_posix().removesuffix(".json") for path in found]


def clear_caches() -> None:
    """Read every stamp again: one that was damaged has the size and time that it had."""
    _memory.clear()


def write(root: Root, label: str, stamp: Stamp) -> None:
    """Write a stamp, after its files."""
    raw = {
        "version": VERSION,
        "inputs": stamp.basis.inputs,
        "code": stamp.basis.code,
        "settings": stamp.basis.settings,
        "parts": {name: part.to_dict() for name, part in stamp.parts.items()},
        "gates": stamp.gates,
        "notes": stamp.notes,
    }
    text = json.dumps(raw, indent=1, sort_keys=True, ensure_ascii=False)
    targets.write_text(root, root.stamp(label), targets.add_checksum_line(text))


def ask_again(root: Root, label: str) -> None:
    """Have what is up to date built again all the same: put into its stamp that it was asked for, until it is built."""
    stamp = read(root, label)
    if stamp is not None:
        basis = replace(stamp.basis, settings={**stamp.basis.settings, _ASKED: True})
        write(root, label, replace(stamp, basis=basis))


def compare(stamp: Stamp, now: BuildInputs, shown: Callable[[str], str] = str) -> Stale | None:
    """The first thing in which a stamp's basis differs from now, in a sentence; `shown` names an input to a person."""
    then = stamp.basis
    if _ASKED in then.settings:
        return Stale("asked", "it was asked for (rerun --force)")
    changes = [(n, "is new") for n in now.inputs if n not in then.inputs]
    changes += [(n, "is gone") for n in then.inputs if n not in now.inputs]
    changes += [(n, "changed") for n in now.inputs if n in then.inputs and then.inputs[n] != now.inputs[n]]
    if changes:
        name, what = sorted(changes)[0]
        more = f" (and {len(changes) - 1} more inputs)" if len(changes) > 1 else ""
        return Stale("input", f"its input {shown(name)} {what}{more}")
    codes = sorted(n for n in {*now.code, *then.code} if now.code.get(n) != then.code.get(n))
    if codes:
        return Stale("code", f"the code of {', '.join(codes[:3])} changed")
    for name in sorted({*now.settings, *then.settings}):
        if now.settings.get(name) != then.settings.get(name):
            if name.startswith("schema of "):
                return Stale("setting", f"the {name} changed")
            return Stale(
                "setting", f"the setting {name} is {_shown(now.settings, name)}, and was {_shown(then.settings, name)}"
            )
    return None


def _shown(settings: dict, name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False) if name in settings else "absent"

"""The record of sources that were let go of (their rows are dropped), when and why: JSON lines in .state/let_go.jsonl, of
which later ones count.

What belongs here: appending to that record and asking it. What must not come in: deciding that a source is let go of
(`operations.letting_go`, `cli.let_go`), removing anything.

Only what stands in this record may be removed from a warehouse. A line is one of

{"let_go": label, "raw": path under the root, "months": [month, …], "rows": n, "why": …, "to": …, "at": UTC}
    `months` is null where they are not known; `to` is the source that has its content or its place now
{"back": label}         a file is at that path again: it is a source like any other
{"month_removed": month}  what was published of a month is removed, as the lines before allowed; null: of every month
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.paths import Root, make_folder
from pipeline.storage import targets

FORGOTTEN, MOVED, SUPERSEDED, FETCHED, NO_ROWS = "forgotten", "moved", "superseded", "replaced by fetch", "gave no rows"
DECLARED = "of another month, as declared or read now"


@dataclass(frozen=True)
class LetGo:
    """A source that was let go of. `months` is None where they are not known; `to` is what has its place now, if known."""

    label: str
    raw: str
    months: tuple[str, ...] | None
    rows: int
    why: str
    to: str | None = None


@dataclass(frozen=True)
class _Record:
    sources: dict[str, LetGo]
    ever: frozenset[str]  # labels of sources that were let go of once, those that came back included
    months: frozenset[str]  # that may be removed
    any_month: bool


_known: dict[Path, tuple[tuple, _Record]] = {}


def sources(root: Root) -> dict[str, LetGo]:
    """Label -> what was let go of, and did not come back."""
    return _read(root).sources


def ever(root: Root) -> frozenset[str]:
    """The labels of sources that were let go of once, those that came back included."""
    return _read(root).ever


def any_month(root: Root) -> bool:
    """Whether sources were let go of whose months are not known, so that they may have been of any."""
    return _read(root).any_month


def may_remove_month(root: Root, month: str) -> bool:
    """Whether a source that was let go of had rows of a month, or may have had."""
    record = _read(root)
    return record.any_month or month in record.months


def put(root: Root, *gone: LetGo) -> None:
    """Put on record, durably, that sources are let go of."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    _append(
        root,
        [{"let_go": one.label, "at": at, **{k: v for k, v in asdict(one).items() if k != "label"}} for one in gone],
    )


def put_back(root: Root, *labels: str) -> None:
    """Put on record that files are at the paths of these labels again."""
    _append(root, [{"back": label} for label in labels])


def put_month_removed(root: Root, month: str | None) -> None:
    """Put on record that a month's tables are removed; None: those of every month that may be."""
    _append(root, [{"month_removed": month}])


def _append(root: Root, lines: list[dict]) -> None:
    if not lines:
        return
    text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines).encode()
    with targets.translate_os_errors(root.let_go):
        make_folder(root.let_go.parent)
        with open(root.let_go, "ab", buffering=0) as file:
            # A line that a kill cut off must not take the next one with it.
            file.write(b"\n" + text if file.tell() and not _ends_whole(root.let_go) else text)
            os.fsync(file.fileno())
    _known.clear()


def _ends_whole(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _read(root: Root) -> _Record:
    try:
        info = os.stat(root.let_go)
    except FileNotFoundError:
        return _Record({}, frozenset(), frozenset(), False)
    key = (info.st_size, info.st_mtime_ns, info.st_ino)
    found = _known.get(root.let_go)
    if found is None or found[0] != key:
        found = _known[root.let_go] = key, _replayed(root.let_go.read_bytes())
    return found[1]


def _replayed(text: bytes) -> _Record:
    sources: dict[str, LetGo] = {}
    ever: set[str] = set()
    months: set[str] = set()
    any_month = False
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        if "let_go" in entry:
            of = None if entry["months"] is None else tuple(entry["months"])
            one = LetGo(entry["let_go"], entry["raw"], of, entry["rows"], entry["why"], entry.get("to"))
            sources[one.label] = one
            ever.add(one.label)
            months.update(of or ())
            any_month = any_month or of is None
        elif "back" in entry:
            sources.pop(entry["back"], None)
        elif "month_removed" in entry:
            months -= {entry["month_removed"]} if entry["month_removed"] else months
            any_month = any_month and entry["month_removed"] is not None
    return _Record(sources, frozenset(ever), frozenset(months), any_month)

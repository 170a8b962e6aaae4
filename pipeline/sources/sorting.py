"""Classifies each file under raw/: read, skipped, ignored, or misplaced.

What belongs here: that decision, by name and place, and by its beginning where a name leaves it open. What must not
come in: listing folders (`raw_files`), the folders' kinds (`raw_kinds`), reading a file.

- *Passed over in silence*: what systems and editors keep beside files and nobody put there as data: names that begin
  with a dot (`.DS_Store`, `._x`), folders of systems (`__MACOSX`, `lost+found`), and the notes of `ratehouse init`.
- *Skipped*, listed by `ratehouse status` and `ratehouse sources`, no error: in the folder of a kind what its reader does not take (layouts,
  PDFs, data dictionaries, copies in another form, files of a kind that nothing reads yet); anywhere notes (README,
  LICENSE), checksums, files that a system or an editor left under a plain name (`Thumbs.db`, `x~`, `#x#`, `~$x.xlsx`),
  backup copies, downloads under way; a folder that is listed under another name. Of these the end of a build counts
  what a person may have meant to be read (`Skipped.notable`).
- *Ignored*: what a pattern of `[raw] ignore` matches; counted by pattern.
- *Misplaced*, an error: a file that some reader takes where none reads it, outside every kind's folder, directly under
  raw/ or raw/mrf/, or under what is no state; and beside in-network files one that is such a file by its beginning, or
  nearly by its name (`x.json.bz2`, `x.jsonl`, `x.json.1`, `x.json (1)`). Its rows would be missing without a word.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline import errors, paths, raw_kinds
from pipeline.raw_kinds import KINDS
from pipeline.storage import raw_files

IMPORT_STAR = "a star schema comes in by `ratehouse import-star DIR`"
OUR_NOTE = "README.md"  # in each folder that `ratehouse init` makes, and in that of the sample
PASS_OVER = "or pass it over: name it in [raw] ignore of luigi.cfg"
_NOTE = re.compile(r"(read[-_ ]?me\w*|licen[cs]es?|copying|notice)([ ._-].*)?", re.IGNORECASE)
_CHECKSUMS = re.compile(r"((md5|sha\d*|b2)sums?|checksums?)(\.txt)?", re.IGNORECASE)
_CHECKSUM_ENDINGS = (".md5", ".sha1", ".sha256", ".sha512", ".sfv", ".sig")
_BACKUP_ENDINGS = (".bak", ".old", ".orig", ".backup")
# What an in-network file may be called that is not read: packed in another way, one object a line, a download's number.
_NEARLY_IN_NETWORK = re.compile(
    r"\.json(\.gz|\.zip)?(\.(bz2|xz|zst|zstd|lz4|lzma|br|z|7z|rar|tar|tgz|txt|gzip|\d+)| ?\(\d+\)|[-_]\d+)+$"
    r"|\.json\.tar\.gz$|\.(jsonl|ndjson)(\.gz|\.zip|\.bz2|\.xz|\.zst)?$",
    re.IGNORECASE,
)
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz", ".zip", ".z")
_NEVER_DATA = (".pdf", ".doc", ".docx", ".rtf", ".odt", ".html", ".htm", ".png", ".jpg", ".jpeg", ".gif", ".svg")


def shown(path: str) -> str:
    """A path as it can be printed: bytes of a name that are not UTF-8 as `\\xe9`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Skipped:
    """A file (or folder) under raw/ that is not read, by its path under raw/, and why; `notable` where it may be missed."""

    path: str
    reason: str
    notable: bool


@dataclass(frozen=True)
class MisplacedFile:
    """A file that some reader takes where none reads it: its path under raw/, and what to do about it."""

    path: str
    error: errors.SourceError


@dataclass
class Sorted:
    """The files under raw/: `read` by kind, as paths under the kind's folder; the others by their path under raw/, `shown`.

    `ignored` is pattern -> paths, of every pattern that is set.
    """

    read: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    misplaced: list[MisplacedFile] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=dict)


class Sorter:
    """Sorts paths under raw/.

    `begins_like_rates(path)` looks at a file whose name leaves open what it is; None where it cannot be opened.
    """

    def __init__(self, ignore: Iterable[str], begins_like_rates: Callable[[str], bool | None]):
        self.sorted = Sorted(ignored={pattern: [] for pattern in ignore})
        self._begins_like_rates = begins_like_rates

    def is_ignored(self, path: str) -> bool:
        """Whether a pattern of the settings passes a path over; the first that does counts it."""
        if not self.sorted.ignored:
            return False
        parts = path.split("/")
        above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        for pattern, paths_of in self.sorted.ignored.items():
            if any(fnmatch.fnmatchcase(one, pattern) for one in above):
                paths_of.append(shown(path))
                return True
        return False

    def take(self, path: str) -> None:
        """Sort one file."""
        if self.is_ignored(path):
            return
        *folders, name = path.split("/")
        if name.startswith(".") or (name == OUR_NOTE and len(folders) < 2):
            return
        kind = KINDS.get(folders[0]) if folders else None
        if kind is not None and kind.folder == "mrf" and paths.BESIDE in folders[2:]:
            return  # what in-network files refer to: `fetching.reference_lookup`
        if reason := _leftover(name):
            self._skip(path, *reason)
        elif kind is None:
            self._outside(path)
        elif kind.folder == "mrf":
            self._in_network(path, kind)
        elif kind.folder == "star" and len(folders) < 2:
            self._skip(path, f"no star schema is read from here: {IMPORT_STAR}", True)
        elif not kind.is_read:
            self._skip(path, f"nothing reads raw/{kind.folder} yet", True)
        elif kind.takes(name):
            self.sorted.read.setdefault(kind.folder, []).append(path.removeprefix(f"{kind.folder}/"))
        else:
            self._skip(path, _not_taken(kind, name), True)

    def repeat(self, path: str, same_as: str) -> None:
        """Put a folder aside that is listed under another name."""
        if not self.is_ignored(path):
            self._skip(path, f"it is the same folder as raw/{same_as}", True)

    def _skip(self, path: str, reason: str, notable: bool) -> None:
        self.sorted.skipped.append(Skipped(shown(path), reason, notable))

    def _outside(self, path: str) -> None:
        folder, slash, _ = path.partition("/")
        if not _may_be_data(path):
            self._skip(path, "no reader takes such a file", True)
            return
        fact = f"raw/{folder}/ is no folder that is read" if slash else "no file is read that is directly in raw/"
        self._misplace(path, fact)

    def _in_network(self, path: str, kind: raw_kinds.RawKind) -> None:
        _, state, *inner = path.split("/")
        if not inner or state not in raw_kinds.STATE_FOLDERS:
            if _may_be_data(path) or self._looks(path) is not False:
                fact = f"raw/mrf/{state}/ is no state's folder" if inner else "raw/mrf/ is no state's folder"
                self._misplace(path, fact)
            else:
                self._skip(path, _not_taken(kind, path), True)
        elif kind.takes(path):
            self.sorted.read.setdefault("mrf", []).append(path.removeprefix("mrf/"))
        elif _NEARLY_IN_NETWORK.search(path):
            self._misplace(path, "is no in-network file by its name", _renamed(path))
        elif (looks := self._looks(path)) is not False:
            fact = "begins like an in-network file" if looks else "cannot be opened, to see what it is"
            self._misplace(path, f"{fact}, but is none by its name", _renamed(path))
        else:
            self._skip(path, _not_taken(kind, path), True)

    def _looks(self, path: str) -> bool | None:
        return False if path.lower().endswith(_NEVER_DATA) else self._begins_like_rates(path)

    def _misplace(self, path: str, fact: str, remedy: str | None = None) -> None:
        remedy = remedy or _moved(path)
        error = errors.SourceError(shown(fact), place=f"raw/{shown(path)}", remedy=f"{remedy}; {PASS_OVER}")
        self.sorted.misplaced.append(MisplacedFile(shown(path), error))


def _leftover(name: str) -> tuple[str, bool] | None:
    """Why a file is skipped whatever folder it is in, and whether that is notable; None where it is not."""
    low = name.lower()
    if raw_files.is_unfinished(name):
        return "a download that is not finished", True
    if raw_files.is_leftover(name):
        return "left by a system or an editor", False
    if _NOTE.fullmatch(name) and not low.endswith((".json", ".gz", ".zip")):
        return "a note, not data", False
    if low.endswith(_CHECKSUM_ENDINGS) or _CHECKSUMS.fullmatch(name):
        return "a checksum, not data", False
    if low.endswith(_BACKUP_ENDINGS):
        return "a backup copy by its name", True
    return None


def _may_be_data(path: str) -> bool:
    """Whether some reader would take a file if it were in another folder."""
    return path.lower().endswith(raw_kinds.DATA_ENDINGS) or _NEARLY_IN_NETWORK.search(path) is not None


def _not_taken(kind: raw_kinds.RawKind, path: str) -> str:
    """Why the reader of a kind does not take a file."""
    if kind.folder == "fetched":
        return "what `ratehouse fetch` keeps is not read from here"
    takes = f"only files that end in {', '.join(kind.endings)} are read in raw/{kind.folder}"
    if path.lower().endswith(_PACKED):
        return f"{takes}: unpack it"
    if path.lower().endswith((".xls", ".xlsx", ".xlsm", ".xlsb", ".ods")):
        return f"{takes}: save it as CSV"
    return takes


def _moved(path: str) -> str:
    place = raw_kinds.right_place(path)
    if place == "raw/star/":
        return IMPORT_STAR
    if place is None:
        return f"move it into the folder of its kind: raw/{'/, raw/'.join(raw_kinds.folders_for(path))}/"
    hint = f" ({raw_kinds.STATE_HINT})" if place.startswith("raw/mrf/") else ""
    return f"move it into {place}{hint}"


def _renamed(path: str) -> str:
    low = path.lower()
    ending = "in-network files end in .json, .json.gz or .zip"
    if re.search(r"\.(jsonl|ndjson)\b", low):
        return f"{ending}: a file with one JSON object a line is another form of one; take the .json"
    if low.endswith(_PACKED) and not low.endswith(".gz"):
        return f"{ending}: unpack it, or pack it with gzip"
    return f"{ending}: rename it"

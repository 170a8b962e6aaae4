"""A raw reference file as the tables it holds: itself, what is packed in it, or the members of a publisher's zip.

What belongs here: opening zips and gzip, which member is a copy of which, and joining what the members gave. What must
not come in: the layout of any table (each kind's own reader), files that must stream (`nppes.read`).

A publisher's zip holds each table several times, as .csv, .xlsx and fixed-width .txt, beside layouts and letters. Of
copies the first that can be read is read, .csv before .xlsx before .txt; all others are named in the account.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from pipeline import errors
from pipeline.readers import limits
from pipeline.readers.reference_files import copies, stray_bytes
from pipeline.readers.reference_files.account import COPY, PROPOSED, SKIPPED, Account
from pipeline.storage import archives

ZIP, GZIP, OLE = b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"
EMPTY_ZIP = b"PK\x05\x06"
_OFFICE_PART = "[Content_Types].xml"
_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", re.IGNORECASE)
_HEAD = 1024  # bytes that tell what a file is
_BEGINNING = 1 << 16  # bytes by which a reader tells that what is too large is no table of its own
_NO_TABLES = (".pdf", ".doc", ".docx", ".rtf", ".htm", ".html", ".xml", ".png", ".jpg", ".pptx", ".md", ".log", ".sas")
MOST_MEMBERS = 10_000
_BESIDE = ("source_file", "source_row", "line")  # columns that say where a row stands, not what it says

Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Part:
    """One table's bytes. `path` is where they stand, `<zip>!<member>` for a member; its name is the table's own."""

    path: Path
    data: bytes

    @property
    def is_workbook(self) -> bool:
        """Whether it is an Excel workbook, old or new."""
        return self.data[:4] == ZIP or (self.data[:4] == OLE and self.path.suffix.lower() == ".xls")

    def text(self, account: Account, empty: str = "is empty") -> str:
        """Its text; SourceError, with the fact `empty`, when it is empty, UnrecognisedFile when it is no text."""
        if not self.data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
            raise errors.SourceError(empty, place=self.path, remedy="download it again from its publisher")
        if _WEB_PAGE.match(self.data) and self.path.suffix.lower() in copies.ENDINGS:
            raise _web_page(self.path)
        return stray_bytes.text_of(self.data, self.path, account)


Read = Callable[[Part, Account], Frames]
TablesNamed = Callable[[str], Sequence[str]]


def read(path: Path, table_of: Read, account: Account, tables_named: TablesNamed) -> Frames:
    """The staged tables of a raw file by `table_of`, which reads one part; those of a zip's members together.

    `tables_named` says which tables a file is likely to hold by its name: what a broken one would have given.
    UnrecognisedFile where no part holds a table, CopyOfFile where a better copy is beside it; SourceError, with
    `feeds`, for what is broken, a zip of zips, and parts that are too large. A column `source_file` names the member
    too: `RVU25D.zip/GPCI2025.csv`.
    """
    try:
        frames = _read(path, table_of, account)
    except errors.CopyOfFile:
        raise
    except errors.SourceError as problem:
        refuse_copy(path, table_of, None)
        if problem.feeds is None:
            problem.feeds = tables_named(problem.place or path.name) or tables_named(path.name)
        raise
    refuse_copy(path, table_of, frames)
    return frames


def named_by(patterns: Iterable[tuple[str, tuple[str, ...]]]) -> TablesNamed:
    """What tells the staged tables by a file's name: those of the first pattern that is found in it, in either case."""

    def tables_named(name: str) -> tuple[str, ...]:
        return next((found for pattern, found in patterns if re.search(pattern, name, re.IGNORECASE)), ())

    return tables_named


def _read(path: Path, table_of: Read, account: Account) -> Frames:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:2] == GZIP:
        return _tables(Part(_unpacked_name(path), _gunzipped(path)), table_of, account)
    if head[:4] in (ZIP, EMPTY_ZIP) and not _is_workbook(path):
        return _of_zip(path, table_of, account)
    if path.suffix.lower() == ".zip":
        raise (
            _web_page(path)
            if _WEB_PAGE.match(head)
            else errors.SourceError(
                f"is no zip archive, though its name ends in .zip: it begins with {head[:4]!r}",
                place=path,
                remedy="download it again",
            )
        )
    return _tables(Part(path, _beginning(path)), table_of, account)


def _web_page(path: Path) -> errors.SourceError:
    return errors.SourceError(
        "is a web page, not the publisher's file",
        place=path,
        remedy="open the publisher's page in a browser (CMS asks to accept a licence first), and download it there",
    )


@contextmanager
def feeding(*tables: str) -> Iterator[None]:
    """Within it a SourceError says which staged tables there would have been."""
    try:
        yield
    except errors.SourceError as broken:
        if broken.feeds is None:
            broken.feeds = tables
        raise


def _unpacked_name(path: Path) -> Path:
    return path.with_name(copies.without_packing(path.name))


def _gunzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(limits.MOST_TABLE + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise errors.SourceError(f"cannot be unpacked: {problem}", place=path, remedy="download it again") from problem


def _beginning(path: Path) -> bytes:
    """A file, or as much of it as tells that it is too large."""
    with path.open("rb") as file:
        return file.read(limits.MOST_TABLE + 1)


def _tables(part: Part, table_of: Read, account: Account) -> Frames:
    """The tables of one part. SourceError for one that is too large, unless its beginning says that it is none of those that
    are read (UnrecognisedFile)."""
    fact = _too_large(part)
    if fact is None:
        return table_of(part, account)
    beginning = part.data[:_BEGINNING]
    try:
        table_of(Part(part.path, beginning[: beginning.rfind(b"\n") + 1] or beginning), Account())
    except errors.UnrecognisedFile:
        raise
    except errors.SourceError:  # what is wrong may be that it is cut
        pass
    raise errors.SourceError(fact, place=part.path, remedy="keep only the publisher's table here, or split it")


def _too_large(part: Part) -> str | None:
    """What a part has more of than is read of a table; None where it has not."""
    if len(part.data) > limits.MOST_TABLE:
        return f"holds more than {limits.megabytes(limits.MOST_TABLE)}, the most that is read of a table"
    if part.is_workbook:  # `workbooks` looks at what is packed in it
        return None
    lines = part.data.count(b"\n") or part.data.count(b"\r")
    cells = lines + part.data.count(b",") + part.data.count(b"\t")
    for most, found, what in ((limits.MOST_LINES, lines, "lines"), (limits.MOST_CELLS, cells, "cells")):
        if found > most:
            return f"has {found:,} {what}, where {most:,} are the most that are read of a table"
    return None


def _is_workbook(path: Path) -> bool:
    """Whether what begins as a zip is a workbook, by its content, else (it is damaged) by its name.

    UnrecognisedFile for another document of an office.
    """
    try:
        with archives.opened(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return path.suffix.lower() in (".xlsx", ".xlsm")
    if _OFFICE_PART in names and not any(name.startswith("xl/") for name in names):
        raise errors.UnrecognisedFile(
            "is a document, not a table", place=path, remedy="keep only the publisher's tables here"
        )
    return _OFFICE_PART in names


def members(path: Path) -> list[zipfile.ZipInfo]:
    """The files of a zip, those that a Mac adds left out, in the order in which copies are preferred.

    SourceError for a zip that is damaged, or holds too many files.
    """
    try:
        with archives.opened(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as problem:
        raise errors.SourceError(
            f"is not a whole zip archive ({problem})", place=path, remedy="download it again"
        ) from problem
    if len(infos) > MOST_MEMBERS:
        raise errors.SourceError(
            f"holds {len(infos):,} files", place=path, remedy="keep only the publisher's own zip here"
        )
    ours = [info for info in infos if "__MACOSX" not in info.filename and not _name(info).startswith(".")]
    return sorted(ours, key=lambda info: (copies.rank(_name(info)), info.filename))


def _name(info: zipfile.ZipInfo) -> str:
    return PurePosixPath(_path(info)).name


def _path(info: zipfile.ZipInfo) -> str:
    return info.filename.replace("\\", "/")  # as some tools of Windows write it


def _of_zip(path: Path, table_of: Read, account: Account) -> Frames:
    found = _Found(path, account)
    inner, empty, held = [], [], 0
    for info in members(path):
        name = _path(info)
        if name.lower().endswith((".zip", ".7z", ".rar", ".tar", ".gz")):
            inner.append(name)
            continue
        if _name(info).lower().endswith(_NO_TABLES):
            empty.append(name)
            continue
        stem = _stem(name)
        heard = Account()  # what a copy is warned of was said of the table that is read
        try:
            part = Part(Path(f"{path}!{name}"), _member(path, info))
            frames = _tables(part, table_of, heard)
        except errors.SourceError as problem:
            if stem in found.stems:
                account.warn(COPY, f"{name} (of {found.stems[stem]})")
            elif isinstance(problem, errors.ProposedRule):
                account.warn(PROPOSED, name)
                found.proposed = problem
            elif isinstance(problem, errors.UnrecognisedFile):
                found.telling = found.telling or (problem if problem.is_telling else None)
                empty.append(name)
            else:
                if problem.feeds is not None:
                    problem.feeds = tuple({*problem.feeds, *found.tables})
                raise
            continue
        found.add(name, stem, frames, heard)
        held += len(part.data)
        if held > limits.MOST_ZIP:
            raise errors.SourceError(
                f"holds tables of more than {limits.megabytes(limits.MOST_ZIP)}, the most that is read of a zip",
                place=path,
                remedy="unpack it, and keep the tables that are needed",
            )
    return found.joined(inner, empty)


def _member(path: Path, info: zipfile.ZipInfo) -> bytes:
    """A member's bytes, or as many of them as tell that it is too large, whatever the zip says; SourceError when it is
    damaged."""
    place = Path(f"{path}!{_path(info)}")
    try:
        with archives.opened(path) as archive, archive.open(info) as member:
            return member.read(limits.MOST_TABLE + 1)
    # encrypted, packed in a way that is not known; damaged
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
        raise errors.SourceError(f"cannot be unpacked: {problem}", place=place, remedy="download it again") from problem


class _Found:
    """What the members of a zip gave."""

    def __init__(self, path: Path, account: Account):
        self.path, self.account = path, account
        self.stems: dict[str, str] = {}  # a member's name without its ending, lower case -> the member that was read
        self.tables: dict[str, list[pl.DataFrame]] = {}
        self.proposed: errors.ProposedRule | None = None
        self.telling: errors.UnrecognisedFile | None = None

    def add(self, name: str, stem: str, frames: Frames, heard: Account) -> None:
        """Take what a member gave, unless all of its rows are there already: then it is a copy."""
        new = {table: frame for table, frame in frames.items() if not is_copy(table, frame, self.tables.get(table, []))}
        if not new:
            original = self.stems.get(stem) or next(iter(self.stems.values()))
            self.account.warn(COPY, f"{name} (of {original})" if stem in self.stems else name)
            return
        self.stems.setdefault(stem, name)
        self.account.take(heard)
        for table, frame in new.items():
            if "source_file" in frame.columns:
                frame = frame.with_columns(pl.lit(f"{self.path.name}/{name}").alias("source_file"))
            self.tables.setdefault(table, []).append(frame)

    def joined(self, inner: list[str], empty: list[str]) -> Frames:
        """All tables; what is no table is counted. UnrecognisedFile or SourceError when there is none."""
        if not self.tables and inner:
            raise errors.SourceError(
                f"is a zip of zips ({_few(inner)}), which are not opened",
                place=self.path,
                remedy="unpack it, and keep the zips or tables that it holds",
            )
        if not self.tables and (self.proposed or self.telling):
            raise self.proposed or self.telling
        if not self.tables:
            raise errors.UnrecognisedFile(
                f"is a zip without any table that is read ({_few(empty)})" if empty else "is a zip without any file",
                place=self.path,
                remedy="keep the publisher's tables here",
            )
        if self.telling:
            self.account.warn(SKIPPED, f"{PurePosixPath(self.telling.place).name} {self.telling.fact}", 0)
        for name in inner:
            self.account.warn(SKIPPED, f"{name} (a zip within the zip: unpack it)")
        for name in empty:
            original = self.stems.get(_stem(name))
            self.account.warn(COPY if original else SKIPPED, f"{name} (of {original})" if original else name)
        return {table: pl.concat(frames) for table, frames in self.tables.items()}


def is_copy(table: str, frame: pl.DataFrame, others: list[pl.DataFrame]) -> bool:
    """Whether others of the same table hold every record of a frame, for the same release: by its key, not its figures.

    Two forms of one table may be rounded differently.
    """
    from pipeline import tables

    declared = tables.get(table)
    further = ("effective_from", "release", "conversion_factor", "schedule")  # two factors a release, from 2026
    names = dict.fromkeys([*declared.key, *(name for name in further if name in declared.columns)])
    keys = [name for name in names if name not in _BESIDE]
    known = [one.select(keys) for one in others]
    return bool(known) and frame.join(pl.concat(known), on=keys, how="anti", nulls_equal=True).is_empty()


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix().lower()


def digest(frame: pl.DataFrame) -> str:
    """MD5 of a table's rows, whatever their order and the file that they stand in."""
    rows = frame.drop(_BESIDE, strict=False)
    return hashlib.md5(rows.sort(pl.all()).write_csv().encode(), usedforsecurity=False).hexdigest()


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


# ---- copies beside a file -------------------------------------------------------------------------------------------


def refuse_copy(path: Path, table_of: Read, frames: Frames | None) -> None:
    """CopyOfFile when a file beside it, of the same name but for its ending, is read before it and holds its tables.

    `frames` are its own; of None, what cannot be read, the name alone decides.
    """
    try:
        beside = [p.as_posix() for p in path.parent.iterdir() if p.is_file()]
    except OSError:
        return
    for other in map(Path, copies.better(path.as_posix(), beside)):
        try:
            theirs = _read(other, table_of, Account())
        except errors.SourceError:
            continue
        if frames is None or all(
            is_copy(name, f, [theirs[name]] if name in theirs else []) for name, f in frames.items()
        ):
            raise errors.CopyOfFile(
                f"is a copy of {other.name}, skipped", place=path, remedy=f"{other.name} is read in its place"
            )

"""Provider-registry (NPPES) files -> staged_nppes, staged_nppes_address.

Reads, told apart by content: NPI Registry API v2.1 answers (one, a list, or one a line), the monthly or weekly
`npidata_pfile`, its practice locations `pl_pfile`, a registry extract of 24 columns, the report of deactivated NPIs
(sheet or CSV), and zips that hold any of them. What belongs here: telling them apart, and unpacking. What must not come
in: the layout of any one kind (`nppes.registry_csv`, `nppes.api_answers`), which source wins for a provider, taxonomy descriptions of
the NUCC code set (dim_npi.sql).

A record's date is its own (last update, deactivation, reactivation). The file's name gives only `release_date`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import limits
from pipeline.readers.nppes import api_answers, registry_csv
from pipeline.readers.nppes.records import About, Frames
from pipeline.readers.reference_files import delimited, parts, stray_bytes
from pipeline.readers.reference_files.account import SKIPPED, Account
from pipeline.storage import archives

_HEAD = 1 << 16
_WORKBOOK_PART = "[Content_Types].xml"


def read(path: Path, account: Account | None = None) -> Iterator[Frames]:
    """Rows of staged_nppes and staged_nppes_address of one registry file, part by part.

    A CSV file is never held whole, however large; answers and sheets are, which the registry keeps small.
    Raises UnrecognisedFile for a file of another kind (endpoints, other names, headers only, documents), SourceError
    with its place for one that is broken; of a large file when its rows are come to. `account` counts what was mended
    and what a zip holds beside registry files.
    """
    account = account or Account()
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise SourceError("the file is empty", place=path, remedy="download it again from its publisher")
    if zipfile.is_zipfile(path):
        return _zipped(path, account)
    about = About(path, account=account)
    if _is_json(head):
        with path.open("rb") as file:
            return iter([api_answers.read(_whole(file, about), about)])
    rows = registry_csv.read(about, _as_utf8(head, about), lambda: _as_is(about))
    if rows is None:
        raise UnrecognisedFile("not a registry file that is known", place=path)
    return rows


def _whole(file: IO[bytes], about: About) -> bytes:
    """What a file of answers, or a workbook, holds; SourceError for one that is too large to be held."""
    data = file.read(limits.MOST_ANSWERS + 1)
    if len(data) > limits.MOST_ANSWERS:
        raise SourceError(
            f"holds more than {limits.megabytes(limits.MOST_ANSWERS)}, the most that is read of answers or a workbook",
            place=about.place,
            remedy="split it into several files",
        )
    return data


def _is_json(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _as_utf8(head: bytes, about: About) -> bytes:
    """The beginning of a text as UTF-8; what is odd in it is counted when it is read."""
    return stray_bytes.Utf8(io.BytesIO(head), about.place, Account()).read() if head[:2] in stray_bytes.UTF16 else head


@contextmanager
def _as_is(about: About) -> Iterator[IO[bytes]]:
    with about.path.open("rb") as file:
        yield stray_bytes.Utf8(file, about.place, about.account)


def _zipped(path: Path, account: Account) -> Iterator[Frames]:
    with archives.opened(path) as archive:
        names = sorted(info.filename for info in archive.infolist())
    if _WORKBOOK_PART in names:
        about = About(path, account=account)
        with path.open("rb") as file:
            return iter([_deactivated_sheet(about, _whole(file, about))])
    found, others = [], []
    for info in sorted(parts.members(path), key=lambda info: info.filename):
        rows = _member(path, info.filename, account)
        if rows is None:
            others.append(info.filename)
        else:
            found.append(rows)
    if not found:
        inner = [name for name in others if name.lower().endswith(".zip")]
        if inner:
            raise SourceError(f"is a zip of zips ({inner[0]}), which are not opened", place=path, remedy="unpack it")
        raise UnrecognisedFile("a zip without any registry file that is known", place=path)
    for name in others:
        account.warn(SKIPPED, name)
    return (rows for member in found for rows in member)


def _member(path: Path, name: str, account: Account) -> Iterator[Frames] | None:
    """The rows of a member of a zip; None where it is of no known kind."""
    about = About(path, name, account)
    try:
        with archives.opened(path) as archive:
            with archive.open(name) as member:
                head = member.read(_HEAD)
            if name.lower().endswith(".xlsx"):
                with archive.open(name) as member:
                    return iter([_deactivated_sheet(about, _whole(member, about))])
            if _is_json(head):
                with archive.open(name) as member:
                    return iter([api_answers.read(_whole(member, about), about)])
    except UnrecognisedFile:
        return None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # damaged; encrypted; packed otherwise
        raise SourceError(f"cannot be unpacked: {error}", place=about.place, remedy="download it again") from error
    return registry_csv.read(about, _as_utf8(head, about), lambda: _opened(about))


@contextmanager
def _opened(about: About) -> Iterator[IO[bytes]]:
    with archives.opened(about.path) as archive, archive.open(about.member) as member:
        yield stray_bytes.Utf8(member, about.place, about.account)


def _deactivated_sheet(about: About, data: bytes) -> Frames:
    names, sheets = delimited.sheet(data, about.place)
    for name in names:
        data = sheets[name]
        for row in range(min(3, data.height)):  # a title stands above the header
            if [v for v in data.row(row) if v] != list(registry_csv.DEACTIVATED.values()):
                continue
            body = delimited.headed(data, row)
            raw = body.select(
                pl.col("npi").alias("NPI"),
                pl.col("nppes deactivation date").alias("NPPES Deactivation Date"),
                source_row=pl.col("source_line") - 1,
            )
            return registry_csv.deactivated(raw, about)
    raise UnrecognisedFile("a workbook without the columns NPI and NPPES Deactivation Date", place=about.place)

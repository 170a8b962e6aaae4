"""A small CSV, tab-separated or XLSX file as rows of text, each with the line it stands on.

What belongs here: bytes to cells, finding a header among title lines, and the checks that every publisher's sheet
needs (a column that is missing, a cell that is no number). What must not come in: what a column means. Sheets are
read whole: not for files beyond some tens of megabytes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pipeline import errors
from pipeline.readers import limits
from pipeline.readers.reference_files import stray_bytes, workbooks
from pipeline.readers.reference_files.account import Account

_NONE = frozenset(("", ".", "-", "--", "*", "**", "NA", "N/A", "#N/A"))
_LONGEST_TITLE = 250  # characters; what is longer is a notice
_PLAIN = re.compile(r"-?\d+(\.\d+)?")

Row = tuple[int, list[str]]  # line number from 1, cells without blanks at their ends


def rows_of_text(text: str, path: Path) -> list[Row]:
    """The rows of a CSV or tab-separated text, blank ones left out. SourceError for a text that cannot be split."""
    head = text[:20_000]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if head.count("\t") > head.count(",") else ",")
    rows = ((reader.line_num, [" ".join(c.split()) for c in cells]) for cells in reader)
    try:
        found = []
        for row in rows:
            if len(row[1]) > limits.MOST_COLUMNS:
                raise csv.Error(
                    f"{len(row[1]):,} cells in one line, where {limits.MOST_COLUMNS:,} are the most that are read"
                )
            if any(row[1]):
                found.append(row)
        return found
    except csv.Error as problem:
        raise errors.SourceError(
            f"cannot be split into cells: {problem}",
            place=f"{path}:{reader.line_num}",
            remedy="a quotation mark that is not closed is the usual cause: mend it, or download the file again",
        ) from problem


def is_fixed_width(rows: list[Row]) -> bool:
    """Whether a text has no separators: most of its lines are one cell, and blanks stand between the columns."""
    below = rows[min(12, len(rows) // 2) :]
    alone = [cells[0] for _, cells in below if len(cells) == 1]
    return len(rows) > 1 and 2 * len(alone) > len(below) and sum(" " in c for c in alone) * 2 > len(alone)


def rows_of_workbook(data: bytes, path: Path) -> list[list[Row]]:
    """The rows of each sheet of a workbook, blank rows left out; the line is the row's number in the sheet.

    SourceError, at the place `path`, when it cannot be opened.
    """
    import fastexcel

    try:
        book = workbooks.opened(data, path)
        sheets = [book.load_sheet(name, header_row=None, dtypes="string", skip_rows=0) for name in book.sheet_names]
    except fastexcel.FastExcelError as problem:
        raise errors.SourceError(
            f"cannot be read as a workbook: {' '.join(str(problem).split())}", place=path, remedy="download it again"
        ) from problem
    found = []
    for sheet in sheets:
        rows = []
        for line, cells in enumerate(sheet.to_polars().rows(), 1):
            texts = ["" if c is None else _cell(c) for c in cells]
            if any(texts):
                rows.append((line, texts))
        found.append(rows)
    return found


def _cell(text: str) -> str:
    """A workbook's cell: numbers are stored as binary doubles, so 1723.0500000000002 is what was typed as 1723.05."""
    text = " ".join(text.split())
    if re.fullmatch(r"-?\d+\.\d{7,}(e[-+]?\d+)?|-?\d+(\.\d+)?e[-+]?\d+", text, re.I):
        return plain(round(Decimal(text), 6))
    return text


def plain(number: Decimal) -> str:
    """A decimal as plain text without trailing zeros behind the point."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(cells: list[str], at: int | None) -> str:
    """The text at a position; empty where the row ends before it, or there is no such column."""
    return cells[at] if at is not None and at < len(cells) else ""


def squeeze(label: str) -> str:
    """A column's heading for comparing: upper case, runs of anything but letters and digits as one blank."""
    return re.sub(r"[^A-Z0-9]+", " ", label.upper()).strip()


@dataclass(frozen=True)
class Sheet:
    """Rows below a header. `labels` are squeezed headings by position; `titles` is the text above the header."""

    path: Path
    titles: str
    line: int
    labels: list[str]
    rows: list[Row]

    @property
    def title_lines(self) -> list[str]:
        """The titles, without notices of copyright and other long texts."""
        return [t for t in self.titles.splitlines() if "COPYRIGHT" not in t.upper() and len(t) <= _LONGEST_TITLE]

    def mended(self, columns: Iterable[int | None], account: Account, key_at: int, whole: re.Pattern) -> Sheet:
        """The same rows, without stray characters in those columns, which hold codes and numbers; each is counted.

        A cell of the column `key_at` that is not `whole` without them stays as it is.
        """
        wanted = sorted({at for at in columns if at is not None})
        rows = []
        for line, cells in self.rows:
            for at in wanted:
                text = cell(cells, at)
                if stray_bytes.is_stray(text):
                    read = stray_bytes.token(text)
                    if at != key_at or whole.fullmatch(read):
                        stray_bytes.warn_stray(account, f"{self.path}:{line}", text, read)
                        cells = [*cells[:at], read, *cells[at + 1 :]]
            rows.append((line, cells))
        return replace(self, rows=rows)

    def column(self, wanted: str | re.Pattern, *, required: bool = True) -> int | None:
        """Position of the one column whose squeezed heading equals (or wholly matches) `wanted`.

        SourceError when it is missing though required, or stands twice.
        """
        match = wanted.__eq__ if isinstance(wanted, str) else wanted.fullmatch
        found = [i for i, label in enumerate(self.labels) if label and match(label) not in (None, False)]
        if len(found) == 1 or (not found and not required):
            return found[0] if found else None
        shown = wanted if isinstance(wanted, str) else wanted.pattern
        raise errors.SourceError(
            f"has {len(found) or 'no'} columns {shown}" if found else f"has no column {shown}",
            place=f"{self.path}:{self.line}",
            remedy="columns found: " + ", ".join(label for label in self.labels if label),
        )


def below_header(path: Path, rows: list[Row], is_header: Callable[[list[str]], bool], within: int = 40) -> Sheet | None:
    """The sheet below the first of the leading rows whose squeezed cells are a header; None when none is."""
    for n, (line, cells) in enumerate(rows[:within]):
        labels = [squeeze(c) for c in cells]
        if is_header(labels):
            return Sheet(path, titles_of(rows[:n]), line, labels, rows[n + 1 :])
    return None


def titles_of(rows: Iterable[Row]) -> str:
    """The text of title rows, one line each."""
    return "\n".join(" ".join(c for c in cells if c) for _, cells in rows)


def number(text: str, place: str, column: str, *, decimals: int = 6) -> str | None:
    """A figure as plain decimal text: without `$`, thousands separators and blanks; None for none (`''`, `.`, `NA`, `*`).

    SourceError when it is no number, or has more than `decimals` digits behind the point, which would be cut off.
    """
    bare = text.replace("$", "").replace(",", "").strip()
    if bare.upper() in _NONE:
        return None
    if _PLAIN.fullmatch(bare) and len(bare) - 1 - (bare + ".").index(".") <= decimals:
        return bare
    try:
        value = Decimal(bare)
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite():
        raise errors.SourceError(f"{column} is {text!r}, not a number", place=place, remedy="download the file again")
    if -value.normalize().as_tuple().exponent > decimals:
        raise errors.SourceError(
            f"{column} is {text!r}: more than {decimals} decimals", place=place, remedy="check the file's column"
        )
    return format(value, "f")


def once(rows: list[dict], key: tuple[str, ...], path: Path) -> list[dict]:
    """The rows without exact repetitions; SourceError when a key stands twice with different values."""
    kept: dict[tuple, dict] = {}
    for row in rows:
        known = kept.setdefault(tuple(row[k] for k in key), row)
        if known is not row and known != row:
            named = ", ".join(f"{k} {row[k]}" for k in key if row[k])
            raise errors.SourceError(
                f"gives {named} twice, differently", place=path, remedy="remove one of the two rows"
            )
    return list(kept.values())

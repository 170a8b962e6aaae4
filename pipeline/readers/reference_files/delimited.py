"""Small delimited text files and sheets as frames of text, with the line of what is wrong in them.

What belongs here: splitting, checking headers and numbers of reference files that fit in memory. What must not come
in: the meaning of any publisher's column (that is the publisher's own module); files that must stream; bytes (`reference_files.stray_bytes`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipeline import tables
from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.reference_files import stray_bytes, workbooks
from pipeline.readers.reference_files.account import Account


def columns_of(line: str, separator: str = ",") -> list[str]:
    """The column names of a header line, trimmed and lower case; none of a line that is no header: it has more columns than
    any table, or cannot be split."""
    try:
        names = next(csv.reader([line], delimiter=separator))
    except csv.Error:
        return []
    return [name.strip().lower() for name in names] if len(names) <= limits.MOST_COLUMNS else []


def frame(path: Path, text: str, *, separator: str = ",", names: list[str] | None = None) -> pl.DataFrame:
    """All records as trimmed text, blank as null; `source_line` is the line where the record ends.

    `names` are the columns of a file without header (a record may have fewer fields: the rest are null); without
    them the first line is the header, in lower case. Raises SourceError with file and line for a record that has
    more fields than there are columns, or fewer where there is a header.
    """
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    headed = names is None
    columns = columns_of(next(reader_lines(text)), separator) if headed else names
    if headed:
        next(reader)
    values: list[list[str | None]] = []
    lines: list[int] = []
    try:
        for record in reader:
            if not any(field.strip() for field in record):
                continue
            short = len(columns) - len(record)
            if short < 0 or (headed and short):
                raise SourceError(
                    f"{len(record)} fields where there are {len(columns)} columns",
                    place=f"{path}:{reader.line_num}",
                    remedy="download the file again; if it was edited by hand, quote fields that hold commas",
                )
            values.append([field.strip() or None for field in record] + [None] * short)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise SourceError(
            f"not readable as delimited text: {error}", place=f"{path}:{reader.line_num}", remedy="download it again"
        ) from error
    schema = dict.fromkeys(columns, pl.String)
    return pl.DataFrame(values, schema=schema, orient="row").with_columns(source_line=pl.Series(lines, dtype=pl.Int64))


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next(line for line in reader_lines(text) if line.strip())


def reader_lines(text: str) -> Iterable[str]:
    """The text's lines one by one, without splitting all of it."""
    return iter(io.StringIO(text))


def require(path: Path, found: Iterable[str], needed: Iterable[str], kind: str, *, line: int = 1) -> None:
    """Raise SourceError when a needed column is not among those found, naming what is missing and what is there."""
    found = list(found)
    missing = [name for name in needed if name not in found]
    if missing:
        raise SourceError(
            f"{kind} without the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            place=f"{path}:{line}",
            remedy=f"its columns are {', '.join(found[:12])}{', …' if len(found) > 12 else ''}: "
            "take the file as its publisher offers it",
        )


def mended(data: pl.DataFrame, path: Path, columns: Iterable[str], account: Account) -> pl.DataFrame:
    """The rows without characters that no code or number has, in those of the columns that there are; each is counted."""
    for name in columns:
        if name not in data.columns:
            continue
        suspicious = data.filter(pl.col(name).str.contains(r"[^\x21-\x7e]|^['`\"]")).select(name, "source_line").rows()
        if not suspicious:
            continue
        read = {text: stray_bytes.token(text) or None for text, _ in suspicious}
        for text, line in suspicious:
            if read[text] != text:
                stray_bytes.warn_stray(account, f"{path}:{line}", text, read[text] or "")
        data = data.with_columns(pl.col(name).replace(read))
    return data


def number(data: pl.DataFrame, path: Path, column: str) -> pl.Expr:
    """The column as Float64; SourceError with the line of the first text in it that is no finite number."""
    cast = pl.col(column).cast(pl.Float64, strict=False)
    refuse(data, path, pl.col(column).is_not_null() & (cast.is_null() | ~cast.is_finite()), column, "is no number")
    return cast


def refuse(data: pl.DataFrame, path: Path, wrong: pl.Expr, column: str, fact: str) -> None:
    """Raise SourceError for the first row where `wrong` holds, quoting the column's text and its line."""
    rows = data.filter(wrong.fill_null(False)).select(column, "source_line").head(1).rows()
    if rows:
        text, line = rows[0]
        quoted = "blank" if text is None else repr(text)
        raise SourceError(
            f"{column} {quoted} {fact}", place=f"{path}:{line}", remedy="mend that line, or download again"
        )


def refuse_twice(data: pl.DataFrame, path: Path, keys: list[str], fact: str, *, line: str = "source_row") -> None:
    """Raise SourceError for the second row of those whose keys are not unique; `fact` is formatted with it."""
    twice = data.filter(pl.struct(keys).is_duplicated()).sort(line, maintain_order=True)
    if twice.height:
        row = twice.row(1, named=True)
        raise SourceError(
            fact.format(**row),
            place=f"{path}:{row[line]}",
            remedy="one of the two lines is wrong: download the file again",
        )


def staged(data: pl.DataFrame, table: str) -> pl.DataFrame:
    """The rows as a staged table declares them: its columns, null where there are none of that name, in its order."""
    declared = tables.get(table)
    schema = declared.polars_schema()
    added = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in data.columns]
    return data.with_columns(added).select(schema.names()).cast(schema).sort(declared.sort)


def sheet(data: bytes, path: Path | str) -> tuple[list[str], dict[str, pl.DataFrame]]:
    """A workbook's sheets as frames of text (headers lower case, `source_line` the row), and their names in order.

    Raises SourceError, at the place `path`, when it cannot be opened.
    """
    import fastexcel

    try:
        book = workbooks.opened(data, path)
        names = book.sheet_names
        frames = {name: book.load_sheet(name, header_row=None, dtypes="string").to_polars() for name in names}
    except fastexcel.FastExcelError as error:
        raise SourceError(f"not readable as a workbook: {error}", place=path, remedy="download it again") from error
    trimmed = pl.all().str.strip_chars().replace("", None)
    return names, {name: (f.select(trimmed) if f.width else f) for name, f in frames.items()}


def headed(data: pl.DataFrame, row: int = 0) -> pl.DataFrame:
    """A sheet whose row number `row` (from 0) is the header: lower-case names, blank rows dropped, `source_line`."""
    names = [("" if v is None else v).strip().lower() or f"column_{i}" for i, v in enumerate(data.row(row))]
    body = data.with_columns(source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)).slice(row + 1)
    body.columns = [*names, "source_line"]
    return body.filter(~pl.all_horizontal(pl.col(names).is_null()))

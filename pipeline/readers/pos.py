"""Place-of-service codes with their facility type -> staged_pos_code.

One layout: `pos_code, pos_type, pos_name` (CMS's place-of-service code set with the type that the physician fee
schedule pays it under). Without pos_type the codes are taken, and what is missing is counted. What must not come in:
what a set of codes means for a rate, and the places that policy decides (`sql/dim_pos.sql`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline import tables
from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers.reference_files import delimited, parts
from pipeline.readers.reference_files.account import NO_KIND, Account
from pipeline.readers.reference_files.parts import Frames, Part

COLUMNS = ("pos_code", "pos_name")
_KIND = "pos_type"
_UNASSIGNED = "unassigned"  # how CMS names a code that is of no place
_TYPES = {"facility": True, "non-facility": False, "nonfacility": False}


def read(path: Path, account: Account | None = None) -> Frames:
    """staged_pos_code of one file: pos of two digits, facility null where the type is neither of the two.

    An assigned code without a type is warned of.

    Raises UnrecognisedFile where no column is named pos_code, SourceError for a missing column, a code that is no
    two-digit number or stands there twice.
    """
    return parts.read(path, _tables, account or Account(), lambda name: ("staged_pos_code",))


def _tables(part: Part, account: Account) -> Frames:
    path = part.path
    if part.is_workbook:
        raise UnrecognisedFile("is a workbook: the codes are read as text", place=path, remedy="save it as .csv")
    text = part.text(account, "the file is empty")
    columns = delimited.columns_of(next(iter(delimited.reader_lines(text))))
    if "pos_code" not in columns:
        raise UnrecognisedFile("not a list of place-of-service codes (no column pos_code)", place=path)
    delimited.require(path, columns, COLUMNS, "a list of place-of-service codes")
    data = delimited.frame(path, text)
    if _KIND not in columns:
        data = data.with_columns(pl.lit(None, pl.String).alias(_KIND))
    data = delimited.mended(data, path, ("pos_code", _KIND), account)
    code = pl.col("pos_code").str.zfill(2)
    delimited.refuse(data, path, pl.col("pos_code").is_null() | ~code.str.contains(r"^\d\d$"), "pos_code", "is no code")
    twice = data.filter(code.is_duplicated())
    if twice.height:
        first = twice.row(0, named=True)
        raise SourceError(
            f"place of service {first['pos_code']} is listed more than once",
            place=f"{path}:{first['source_line']}",
            remedy="keep the line that CMS publishes",
        )
    kind = pl.col(_KIND).str.to_lowercase().replace_strict(_TYPES, default=None, return_dtype=pl.Boolean)
    named = pl.col("pos_name").str.to_lowercase() != _UNASSIGNED
    for place in data.filter(kind.is_null() & named.fill_null(True)).select(code, _KIND).iter_rows():
        account.warn(NO_KIND, f"{path.name}: {place[0]} {place[1] or 'without a type'}")
    staged = data.select(pos=code, pos_name="pos_name", facility=kind, source_file=pl.lit(path.name)).sort("pos")
    return {"staged_pos_code": staged.cast(tables.get("staged_pos_code").polars_schema())}

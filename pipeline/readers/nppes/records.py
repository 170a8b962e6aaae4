"""What records of every kind of registry file share: their dates and status, their addresses, their provenance.

What belongs here: rules that hold whichever file a record comes from. What must not come in: the columns of any one
publisher's layout (`nppes.registry_csv`, `nppes.api_answers`), opening files (`nppes.read`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from pipeline import tables
from pipeline.errors import SourceError
from pipeline.readers.reference_files import stray_bytes
from pipeline.readers.reference_files.account import Account
from pipeline.storage import duck

ENTITY = {"1": "NPI-1", "2": "NPI-2", "NPI-1": "NPI-1", "NPI-2": "NPI-2"}
SOLE = {"Y": "YES", "N": "NO", "YES": "YES", "NO": "NO"}
ADDRESS = ("address_1", "address_2", "city", "state", "postal_code", "country_code")
# What CMS writes over tax and social security numbers that a provider gave as a licence (NPPES dissemination readme, 1.1).
MASKED = r"^(\$+|\*+|_+)$"

# What Python's str.split takes for blanks, as naming.address_hash does; a regular expression leaves out \x1c to \x1f.
_NOT_SPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
BLANKS = " " + _NOT_SPACE

_NINE_DIGITS = pl.col("postal_code").str.replace(r"^(\d{5})-(\d{4})$", "${1}${2}")

Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class About:
    """Where rows come from: the raw file, and its member where it is a zip; either may name a release.

    `account` counts what was mended in it.
    """

    path: Path
    member: str | None = None
    account: Account = field(default_factory=Account, compare=False)

    @property
    def name(self) -> str:
        """The name that `source_file` keeps."""
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @property
    def place(self) -> str:
        """Where an error is."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def release_date(self) -> str | None:
        """The last eight digits of the name that are a date, as in npidata_pfile_20050523-20250810.csv."""
        found = re.findall(r"(?<!\d)(20\d\d)(0[1-9]|1[0-2])([0-3]\d)(?!\d)", self.member or self.path.name)
        return "-".join(found[-1]) if found else None


def finish(data: pl.DataFrame, table: str, about: About, kind: str) -> pl.DataFrame:
    """The table's columns in their order, those the source lacks as null, with provenance."""
    schema = tables.get(table).polars_schema()
    given = {"source_kind": kind, "source_file": about.name, "release_date": about.release_date}
    data = data.with_columns(pl.lit(v, dtype=pl.String).alias(k) for k, v in given.items())
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in data.columns]
    return data.with_columns(missing).select(schema.names()).cast(schema)


def dates(data: pl.DataFrame, about: About, columns: list[str], form: str) -> pl.DataFrame:
    """Those columns as YYYY-MM-DD; SourceError for a text that is no date of that form."""
    parsed = data.with_columns(pl.col(columns).str.to_date(form, strict=False).dt.to_string("%Y-%m-%d"))
    for name in columns:
        if parsed[name].null_count() > data[name].null_count():
            bad = data.filter(parsed[name].is_null() & data[name].is_not_null()).row(0, named=True)
            raise SourceError(
                f"{name} {bad[name]!r} is no date of the form {form}",
                place=f"{about.place}:{bad['source_row'] + 1}",
                remedy="download the file again; a date must not be changed by a spreadsheet",
            )
    return parsed


def numbered(data: pl.DataFrame, about: About) -> pl.DataFrame:
    """The rows, refused where one has no NPI of ten digits. Stray characters in an NPI are taken out and counted."""
    suspicious = data.filter(~_is_npi() & pl.col("npi").str.contains(r"[^\x20-\x7e]"))
    if suspicious.height:
        for npi, row in suspicious.select("npi", "source_row").rows():
            stray_bytes.warn_stray(about.account, f"{about.place}:{row + 1}", npi, stray_bytes.token(npi))
        data = data.with_columns(pl.col("npi").str.replace_all(r"[^\x21-\x7e]", ""))
    bad = data.filter(~_is_npi())
    if bad.height:
        row = bad.row(0, named=True)
        raise SourceError(
            f"{row['npi']!r} is no NPI of ten digits",
            place=f"{about.place}:{row['source_row'] + 1}",
            remedy="download the file again",
        )
    return data


def _is_npi() -> pl.Expr:
    return pl.col("npi").str.contains(r"^[0-9]{10}$").fill_null(False)


def dated(data: pl.DataFrame) -> pl.DataFrame:
    """status and source_date of records with their update, deactivation and reactivation dates.

    Deactivated is who has a deactivation date and no reactivation on or after it.
    """
    for name in ("last_updated", "deactivation_date", "reactivation_date"):
        if name not in data.columns:
            data = data.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    ended, again = pl.col("deactivation_date"), pl.col("reactivation_date")
    return data.with_columns(
        status=pl.when(ended.is_not_null() & (again.is_null() | (again < ended)))
        .then(pl.lit("D"))
        .otherwise(pl.lit("A")),
        source_date=pl.max_horizontal("last_updated", ended, again),
    )


def addresses(data: pl.DataFrame) -> pl.DataFrame:
    """Rows of npi, purpose, position and address parts with their hash, type and numbers as the registry words them.

    A row without any part of an address is none. Country is US where the publisher leaves it blank (its column is
    "if outside U.S."); telephone 5125550000 becomes 512-555-0000 and 78701-1234 becomes 787011234, as API answers are.
    """
    parts = [name for name in ADDRESS if name != "country_code"]
    data = data.filter(~pl.all_horizontal(pl.col(parts).is_null()))
    data = data.with_columns(
        pl.col("country_code").fill_null("US"),
        *([_NINE_DIGITS] if data["postal_code"].str.contains("-", literal=True).any() else []),
        *[_dashed(name) for name in ("telephone_number", "fax_number")],
    )
    data = data.with_columns(address_hash=_md5(_hashed_text(data)))
    if "address_type" not in data.columns:
        at_home = pl.col("country_code") == "US"
        data = data.with_columns(address_type=pl.when(at_home).then(pl.lit("DOM")).otherwise(pl.lit("FGN")))
    return data


def _hashed_text(data: pl.DataFrame) -> pl.Series:
    """What naming.address_hash takes the MD5 of, over whole columns (a test holds the two together)."""
    joined = data.select(pl.concat_str([pl.col(name).fill_null("") for name in ADDRESS], separator="|")).to_series()
    doubtful = _with_blanks(joined)
    if len(doubtful):
        # Single blanks are made of the joined text, for no run of blanks spans a separator; a part's ends are its own.
        parts = [pl.col(name).fill_null("").str.strip_chars(BLANKS) for name in ADDRESS]
        single = pl.concat_str(parts, separator="|").str.replace_all(f"[{BLANKS}]{{2,}}|[{_NOT_SPACE}]", " ")
        joined = joined.scatter(doubtful, data[doubtful].select(single).to_series())
    return joined.str.to_uppercase()


def _with_blanks(joined: pl.Series) -> np.ndarray:
    """The rows of joined texts that may hold blanks to take away: at a part's ends, two in a row, or none of ASCII's own.

    Few do, and all bytes are looked at in a tenth of the time that two expressions need for every part.
    """
    _, ends, held = joined.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    bounds = np.frombuffer(ends, dtype=np.int64)
    held = np.frombuffer(held or b"", dtype=np.uint8)[: bounds[-1]]
    space, separator = held == 0x20, held == 0x7C
    found = (held < 0x20) | (held >= 0x80)
    found[1:] |= (space[1:] & (space | separator)[:-1]) | (separator[1:] & space[:-1])
    found[bounds[:-1]] |= space[bounds[:-1]]  # no text is empty: it holds five separators
    found[bounds[1:] - 1] |= space[bounds[1:] - 1]
    return np.unique(np.searchsorted(bounds, np.flatnonzero(found), side="right") - 1)


def _md5(texts: pl.Series) -> pl.Series:
    """The MD5 of each text in hexadecimal digits; in DuckDB a third of the time that hashlib takes for each."""
    cursor = _hasher().cursor()  # one for each thread
    try:
        hashed = cursor.from_arrow(pa.table({"text": texts.to_arrow()})).project("md5(text)")
        return pl.from_arrow(hashed.to_arrow_table()).to_series()
    finally:
        cursor.close()


@functools.cache
def _hasher() -> duckdb.DuckDBPyConnection:
    return duck.connect("64MB")


def _dashed(name: str) -> pl.Expr:
    text = pl.col(name)
    parts = [text.str.slice(0, 3), text.str.slice(3, 3), text.str.slice(6)]
    return pl.when(text.str.contains(r"^\d{10}$")).then(pl.concat_str(parts, separator="-")).otherwise(text).alias(name)

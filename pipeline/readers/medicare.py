"""Medicare's fee-schedule files as CMS publishes them: which of them a file is, told by its content.

What belongs here: telling the kinds apart. What must not come in: their layouts (`medicare_physician`,
`medicare_facility`), which release applies to a month, and any price (`transforms/bench_*`).

The day from which a file holds is read from the file: the title of the relative values, GPCIs and localities, the
headings of ASC addenda, the quarter in each ZIP record. Where the content gives no quarter (OPPS Addendum B) or no
year (anaesthesia factors), the file's name serves.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline import errors, tables
from pipeline.readers import medicare_facility, medicare_physician, sheet


def read(path: Path) -> dict[str, pl.DataFrame]:
    """The staged tables of one file of `raw/medicare` (see `tables/staged_medicare.py`), one table a file.

    UnrecognisedFile for a file of no known kind; SourceError (file, line, remedy) for a broken one.
    """
    data = path.read_bytes()
    if not data.strip():
        raise errors.SourceError("is empty", place=path, remedy="download it again")
    if data[:4] == b"PK\x03\x04":
        sheets = sheet.rows_of_workbook(path)
    else:
        text = sheet.text_of(data, path)
        first = next(line for line in text.splitlines() if line.strip())
        if medicare_physician.ZIP_RECORD.fullmatch(first):
            return _frame(*medicare_physician.zip_localities(path, text))
        sheets = [sheet.rows_of_text(text)]
    for rows in sheets:
        for kind in (*medicare_physician.KINDS, *medicare_facility.KINDS):
            found = kind(path, rows)
            if found is not None:
                return _frame(*found)
    raise errors.UnrecognisedFile(
        "is none of Medicare's fee-schedule files that are read",
        place=path,
        remedy="read are: PPRRVU, GPCI, localities by county, anaesthesia factors and base units, OPPSCAP, ZIP5, "
        "OPPS Addendum B, ASC Addenda AA, BB and FF, wage index",
    )


def _frame(name: str, rows: list[dict]) -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame(rows, schema=tables.get(name).polars_schema())}

"""From when a file of CMS's holds, and which of its rows are records.

What belongs here: the day and name of a release as titles, headings and file names give them; the keys that CMS's
sheets share (codes, carriers, localities), repaired of what spreadsheets took. What must not come in: the layout of
any one file, the choice between releases.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline import errors
from pipeline.readers.sheet import cell

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FIGURE_DECIMALS = 4  # decimals that RVUs, GPCIs, factors and indices are calculated with
CODE = re.compile(r"[A-Z0-9]{1,5}")
CARRIER = re.compile(r"\d{1,5}")


def release(name: str, year: str, month: int, path: Path) -> dict[str, str]:
    """The columns that say from when a row holds and of which release and file it is."""
    return {"effective_from": f"{year}-{month:02}-01", "release": name, "source_file": path.name}


def is_record(cells: list[str], key_at: int, key: re.Pattern, place: str, what: str, others: tuple[int, ...]) -> bool:
    """Whether a row is a record: the cell of its key is one.

    False for a remark below the table, which has nothing in the columns `others`; SourceError where something stands
    there: a record whose key cannot be read must not be lost.
    """
    text = cell(cells, key_at)
    if key.fullmatch(text):
        return True
    if any(cell(cells, at) for at in others):
        raise errors.SourceError(
            f"{what} is {text!r}" if text else f"{what} is empty",
            place=place,
            remedy="mend that row, or download the file again",
        )
    return False


def locality_of(carrier: str, locality: str, place: str) -> dict[str, str]:
    """The carrier of five digits and its locality of two, zeros restored; SourceError where either is no number."""
    for what, text, digits in (("the carrier", carrier.strip(), 5), ("the locality", locality.strip(), 2)):
        if not re.fullmatch(rf"\d{{1,{digits}}}", text):
            raise errors.SourceError(
                f"{what} is {text!r}" if text else f"{what} is empty",
                place=place,
                remedy=f"it should be a number of {digits} digits: mend that row, or download the file again",
            )
    return {"carrier": carrier.strip().zfill(5), "locality": locality.strip().zfill(2)}


def code_of(text: str) -> str:
    """A HCPCS code with the leading zeros that a spreadsheet took."""
    return text.zfill(5) if text.isdigit() else text


def some(rows: list[dict], path: Path) -> list[dict]:
    """The rows; SourceError when there is none."""
    if not rows:
        raise errors.SourceError("has a heading but no rows", place=path, remedy="download the file again")
    return rows


def month_of(word: str, path: Path) -> int:
    """The number of a month by its name or the first three letters of it; SourceError when it is none."""
    if word[:3].upper() not in MONTHS:
        raise errors.SourceError(f"{word} is no month", place=path, remedy="its title should name the release's month")
    return MONTHS.index(word[:3].upper()) + 1


def year_of(text: str, path: Path) -> str:
    """The one year that a text names; SourceError when it names none, or several."""
    years = set(re.findall(r"(?<!\d)20\d\d(?!\d)", text))
    if len(years) != 1:
        raise errors.SourceError(
            f"does not say of which year it is ({', '.join(sorted(years)) or 'no year found'})",
            place=path,
            remedy="let the file's name carry the year, as in ANES2025.csv",
        )
    return years.pop()


def quarter_of(text: str, path: Path) -> tuple[str, int]:
    """(year, first month) of a quarterly file: `January 2025` or `CY 2025` in its text, else in its name.

    SourceError when text and name speak of different years, or of none.
    """
    word = rf"({'|'.join(MONTHS)})[A-Z]*"
    dated = re.compile(rf"\b{word}[ _.-]*(?:\d{{1,2}},? )?(20\d\d)")
    name = path.stem.upper().replace("_", " ")
    years = set(re.findall(r"(?:CY|FINAL|FOR) ?(20\d\d)", text.upper()))
    for source in (text.upper(), name):
        hit = dated.search(source)
        if hit:
            if years - {hit.group(2)}:
                raise errors.SourceError(
                    f"its text says {min(years)}, but {hit.group(0).title()} stands there too", place=path,
                    remedy="keep the publisher's name of the file",
                )  # fmt: skip
            return hit.group(2), (MONTHS.index(hit.group(1)) // 3) * 3 + 1
    return (years.pop() if len(years) == 1 else year_of(name, path)), 1

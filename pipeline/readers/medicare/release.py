"""Which rows of CMS's sheets are records, and what every row of a release says of it.

What belongs here: the columns that name a release; the keys that CMS's sheets share (codes, carriers, localities),
repaired of what spreadsheets took. What must not come in: the layout of any one file, which release a text or a name
means (`release_names`), the choice between releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import errors
from pipeline.readers.reference_files import stray_bytes
from pipeline.readers.reference_files.account import UNREADABLE_ROW, Account
from pipeline.readers.reference_files.sheet import Sheet, cell

FIGURE_DECIMALS = 4  # decimals that RVUs, GPCIs, factors and indices are calculated with
CODE = re.compile(r"[A-Z0-9]{1,5}")


def release(name: str, year: str, month: int, path: Path) -> dict[str, str]:
    """The columns that say from when a row holds and of which release and file it is."""
    return {"effective_from": f"{year}-{month:02}-01", "release": name, "source_file": path.name}


@dataclass(frozen=True)
class Key:
    """The column that tells a record from a remark: its position, what stands there, what a message calls it.

    `whole` is what a cell must be to count as mended once stray characters are taken out of it.
    """

    at: int
    pattern: re.Pattern
    what: str
    whole: re.Pattern


def code_key(at: int, pattern: re.Pattern = CODE) -> Key:
    """The key of a table by HCPCS code."""
    return Key(at, pattern, "the HCPCS code", re.compile(r"[A-Z0-9]{5}"))


def number_key(at: int, what: str, digits: str = "1,5") -> Key:
    """The key of a table by a number: a carrier, an area."""
    pattern = re.compile(rf"\d{{{digits}}}")
    return Key(at, pattern, what, pattern)


def records(
    found: Sheet, key: Key, others: tuple[int, ...], tokens: Iterable[int | None], account: Account
) -> Iterator[tuple[str, list[str]]]:
    """(place, cells) of each record, stray characters taken out of the columns `tokens` (codes, numbers) and counted.

    A row without a key is a remark when it has nothing in the columns `others`. Where something stands there, it is a
    record that must not be lost: SourceError; but where characters that no code has are all that is wrong with its
    key, it alone is left out and counted, for one stray byte must not cost the file.
    """
    for line, cells in found.mended((key.at, *tokens), account, key.at, key.whole).rows:
        place, text = f"{found.path}:{line}", cell(cells, key.at)
        if key.pattern.fullmatch(text):
            yield place, cells
        elif any(cell(cells, at) for at in others):
            if not stray_bytes.is_stray(text):
                raise errors.SourceError(
                    f"{key.what} is {text!r}" if text else f"{key.what} is empty",
                    place=place,
                    remedy="mend that row, or download the file again",
                )
            account.warn(UNREADABLE_ROW, f"{stray_bytes.where(place)}: {key.what} is {text!r}")


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

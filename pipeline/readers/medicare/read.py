"""Medicare's fee-schedule files as CMS publishes them: which of them a file is, told by its content.

What belongs here: telling the kinds apart. What must not come in: their layouts (`medicare.physician`,
`medicare.facility`), which release applies to a month, and any price (`transforms/bench_*`).

The day from which a file holds is read from the file: the title of the relative values, GPCIs and localities, the
headings of ASC addenda, the quarter in each ZIP record. Where the content gives no quarter (OPPS Addendum B) or no
year (anaesthesia factors), the names of file, folder and zip serve (`release_names`); a file that says it nowhere is
refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from pipeline import errors, tables
from pipeline.readers.medicare import facility, physician
from pipeline.readers.reference_files import parts, sheet
from pipeline.readers.reference_files.account import PROPOSED, RELEASE, Account
from pipeline.readers.reference_files.parts import Frames, Part

KINDS = physician.KINDS | facility.KINDS
_READ = (
    "read are: PPRRVU, GPCI, localities by county, anaesthesia factors and base units, OPPSCAP, ZIP5, OPPS Addenda A, B "
    "and P, ASC Addenda AA, BB and FF, wage index"
)
_PFS = tuple(dict.fromkeys([*physician.KINDS.values(), "staged_zip_locality"]))
# What a file is likely to hold by CMS's name for it, the first that fits: for one that cannot be read.
_NAMES = (
    (r"PPRRVU", ("staged_pfs_rvu",)),
    (r"GPCI", ("staged_gpci",)),
    (r"LOCCO", ("staged_locality_county",)),
    (r"OPPS ?CAP", ("staged_opps_cap",)),
    (r"BASE ?UNIT|ANES.*BASE", ("staged_anesthesia_base",)),
    (r"ANES", ("staged_anesthesia",)),
    (r"ZIP ?[59]", ("staged_zip_locality",)),
    (r"WAGE ?INDEX|TABLE ?3\b|\bWI ?\d\d", ("staged_wage_index",)),
    (r"(ADDENDUM|ASC).*\bFF\b", ("staged_asc_device",)),
    (r"(ADDENDUM|ASC).*\b(AA|BB)\b", ("staged_asc",)),
    (r"\bASC\b", ("staged_asc", "staged_asc_device")),
    (r"ADDENDUM A\b", ("staged_opps_apc",)),
    (r"ADDENDUM P\b", ("staged_opps_device",)),
    (r"ADDENDUM B\b|\bOPPS\b|\bADD ?B\b", ("staged_opps",)),
    (r"RVU ?\d\d", _PFS),
)
# A third party's tables of CMS's figures, by their headings: they lack CMS's titles, which say what the figures are.
_FOREIGN = (
    ({"GPCI WORK", "GPCI PE"}, "GPCIs", "whether its work GPCIs have the floor of 1.0"),
    ({"HCPCS", "STATUS CODE", "WORK RVU"}, "relative values", "when it was released"),
    ({"CONTRACTOR", "ANESTHESIA CONV FACTOR"}, "anaesthesia factors", "what the national factor is"),
)
_RECORD = re.compile(r"\d{5}|[A-Z]\d{4}|\d{4}[A-Z]")  # a code, a carrier, an area: what begins a row of any table
_MOST_TITLES = 12  # rows among which a table's title and headings are looked for
_LONGEST_TITLE = 250  # characters; what is longer is a notice


def read(path: Path, account: Account | None = None) -> Frames:
    """The staged tables of one file of `raw/medicare` (see `tables/staged_medicare.py`): a table, a workbook or a zip.

    UnrecognisedFile for a file of no known kind, a copy, a proposed rule's; SourceError (file, line, remedy; `feeds`)
    for a broken one. What was mended or left out is counted in `account`.
    """
    return parts.read(path, _tables, account or Account(), tables_named)


def tables_named(name: str) -> tuple[str, ...]:
    """The staged tables that a file of that name is likely to hold; none where the name says nothing."""
    words = re.sub(r"[^A-Z0-9]+", " ", re.split(r"[!/\\]", name.upper())[-1])
    return next((found for pattern, found in _NAMES if re.search(pattern, words)), ())


def _tables(part: Part, account: Account) -> Frames:
    """The tables of one part: one, or as many as a workbook's sheets hold."""
    if part.is_workbook:
        sheets = sheet.rows_of_workbook(part.data, part.path)
    else:
        text = part.text(account)
        first = next(line for line in text.splitlines() if line.strip())
        if physician.ZIP_RECORD.fullmatch(first):
            if first[21:25].isdigit():
                raise errors.UnrecognisedFile(
                    "is CMS's ZIP9 file (a row for each ZIP+4), which is not read", place=part.path,
                    remedy="ZIP5 of the same zip is what is needed",
                )  # fmt: skip
            with parts.feeding("staged_zip_locality"):
                return _frame(*physician.zip_localities(part.path, text))
        sheets = [sheet.rows_of_text(text, part.path)]
        if sheet.is_fixed_width(sheets[0]):
            raise errors.UnrecognisedFile(
                "is a text of fixed width, which is not read", place=part.path,
                remedy="CMS's zip holds the same table as .csv and .xlsx: keep one of them",
            )  # fmt: skip
    for rows in sheets:
        _refuse_foreign(rows, part.path)
    found: Frames = {}
    proposed = 0
    for n, rows in enumerate(sheets, 1):
        if _is_proposed(rows, part.path):
            proposed += 1
            continue
        for kind, name in KINDS.items():
            with parts.feeding(name):
                one = kind(part.path, rows, account)
            if one is not None:
                _add(found, _frame(*one), f"{part.path.name}, sheet {n}", account)
                break
    if proposed and found:
        account.warn(PROPOSED, f"{part.path.name}: sheets of a proposed rule", proposed)
    if proposed and not found:
        raise errors.ProposedRule(
            "is of a proposed rule, which is never in force, skipped",
            place=part.path,
            remedy="download the final rule's or the quarter's file",
        )
    if not found:
        what = next((w for rows in sheets if (w := facility.companion(sheet.titles_of(rows[:_MOST_TITLES])))), None)
        if what:
            raise errors.UnrecognisedFile(f"is {what}: skipped", place=part.path, remedy="it may be there or not")
        raise errors.UnrecognisedFile(
            "is none of Medicare's fee-schedule files that are read", place=part.path, remedy=_READ
        )
    return found


def _refuse_foreign(rows: list[sheet.Row], path: Path) -> None:
    """UnrecognisedFile, to be told of, for a table whose first row is a third party's headings."""
    labels = {sheet.squeeze(c) for _, cells in rows[:1] for c in cells}
    for theirs, what, unsaid in _FOREIGN:
        if theirs <= labels:
            problem = errors.UnrecognisedFile(
                f"is a third party's table of {what}, not CMS's: it does not say {unsaid}",
                place=path,
                remedy="take the file of CMS's own zip of the release",
            )
            problem.is_telling = True
            raise problem


def _add(found: Frames, new: Frames, place: str, account: Account) -> None:
    """Take a sheet's table; a further sheet of the same table adds its records, and none that are there already."""
    for name, frame in new.items():
        if name not in found:
            found[name] = frame
            continue
        key = [c for c in tables.get(name).key if c != "line"]
        more = frame.join(found[name], on=key, how="anti", nulls_equal=True)
        if more.height < frame.height:
            again = frame.height - more.height
            account.warn(RELEASE, f"{place}: {again:,} records are on an earlier sheet, which counts")
        found[name] = pl.concat([found[name], more])


def _is_proposed(rows: list[sheet.Row], path: Path) -> bool:
    """Whether its title, its headings or its name say that it is a proposed rule's, and not that it is final."""
    above = []
    for _, cells in rows[:_MOST_TITLES]:
        if any(_RECORD.fullmatch(c) for c in cells[:3]):
            break
        above += [c for c in cells if len(c) <= _LONGEST_TITLE]
    text = " ".join(above).upper()
    if re.search(r"\bPROPOSED\b", text):
        return not re.search(r"\bFINAL\b", text)
    name = re.sub(r"[^A-Z0-9]+", " ", path.stem.upper())
    return bool(re.search(r"\b(NPRM|PROPOSED)\b", name))


def _frame(name: str, rows: list[dict]) -> Frames:
    return {name: pl.DataFrame(rows, schema=tables.get(name).polars_schema())}

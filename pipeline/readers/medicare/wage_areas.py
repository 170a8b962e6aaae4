"""CMS's wage indices by labour market area: IPPS Table 3, and the file of the ASC final rule.

What belongs here: the layout of these files, whose index one is, and in which state and counties an area lies. What
must not come in: prices, and which area a provider is in (`transforms`).

An area is a metropolitan area or division under its five digits, or the rest of a state under the two digits by which
CMS counts states (01 ALABAMA, 65 GUAM), which are no FIPS codes. An area may be listed several times: in 2025 CMS lists
27 areas under the index of 2025 and again under what it had to be at least for counties that had moved there, 95 % of
their index of 2024 (the cap of 42 CFR 412.64(h)(7); the figures of both files bear it out, no text of CMS's about the
rows was found). Each row is kept, numbered by rising index.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from pipeline import errors
from pipeline.readers.medicare.release import FIGURE_DECIMALS, number_key, records, release, some
from pipeline.readers.reference_files import sheet
from pipeline.readers.reference_files.account import NO_INDEX, Account
from pipeline.readers.reference_files.parts import feeding
from pipeline.readers.reference_files.release_names import names_of, year_of
from pipeline.readers.reference_files.sheet import cell

MOST_LISTINGS = 12  # `bench_wage_area` counts rows of one area in fractions of 27720, which all numbers to 12 divide

# As the two-digit areas are named.
STATES = {
    **{"ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA", "COLORADO": "CO"},
    **{"CONNECTICUT": "CT", "DELAWARE": "DE", "DISTRICT OF COLUMBIA": "DC", "FLORIDA": "FL", "GEORGIA": "GA"},
    **{"GUAM": "GU", "HAWAII": "HI", "IDAHO": "ID", "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS"},
    **{"KENTUCKY": "KY", "LOUISIANA": "LA", "MAINE": "ME", "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI"},
    **{"MINNESOTA": "MN", "MISSISSIPPI": "MS", "MISSOURI": "MO", "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV"},
    **{"NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ", "NEW MEXICO": "NM", "NEW YORK": "NY", "NORTH CAROLINA": "NC"},
    **{"NORTH DAKOTA": "ND", "OHIO": "OH", "OKLAHOMA": "OK", "OREGON": "OR", "PENNSYLVANIA": "PA"},
    **{"PUERTO RICO": "PR", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC", "SOUTH DAKOTA": "SD", "TENNESSEE": "TN"},
    **{"TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT", "VIRGIN ISLANDS": "VI", "VIRGINIA": "VA", "WASHINGTON": "WA"},
    **{"WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY"},
}

# The areas of 2026 that are counties: code -> (state, county FIPS codes joined by `|`). CMS's file gives no state. Each
# index of 2026 is 95 % of the greater index under which exactly one area stands twice in the file of 2025 (0.6800 =
# 0.95 x 0.7158 of 01 ALABAMA), which gives the state; one county of that name is in it. Inferred, not found in a text of
# CMS's: the counties of 50024 (those of Charleston's former area that no area has now) and of 50025 (San Germán's
# former area, now Mayagüez's).
COUNTY_AREAS = {
    "50001": ("AL", "01129"),
    "50002": ("GA", "13171"),
    "50003": ("HI", "15005"),
    "50004": ("ID", "16077"),
    "50006": ("IN", "18133"),
    "50007": ("KY", "21101"),
    "50013": ("MN", "27133"),
    "50014": ("NV", "32019"),
    "50015": ("AR", "05047"),
    "50017": ("NC", "37077"),
    "50020": ("PA", "42103"),
    "50021": ("VA", "51113"),
    "50023": ("WV", "54057"),
    "50024": ("WV", "54035|54043"),
    "50025": ("PR", "72023|72079|72121|72125"),
    "50030": ("CT", "09150"),
}


def wages(path: Path, rows: list[sheet.Row], account: Account):
    """(staged_wage_index, rows) of a wage index by area, None for a sheet of another kind; SourceError for a broken one.

    An area's states are its own column or end its name. A row without index is left out and counted: a state without
    rural area, or hospitals that count as of an area beyond their state (IPPS Table 3).
    """
    wage = re.compile(r"((FY|CY) ?(20\d\d) )?((FINAL|ASC|OPPS) )*WAGE INDEX|WI ?\d\d")
    found = sheet.below_header(
        path, rows, lambda labels: any("CBSA" in c for c in labels) and any(map(wage.fullmatch, labels))
    )
    if found is None:
        return None
    cbsa_at, wage_at = found.column(re.compile(r"CBSA( CODE| NUMBER| NO)?")), found.column(wage)
    state_at = found.column(re.compile(r"STATE( ABBREVIATION)?"), required=False)
    name_at = found.column(re.compile(r"(CBSA |LABOR MARKET )?(AREA )?(NAME|TITLE)"), required=state_at is None)
    short = re.fullmatch(r"WI ?(\d\d)", found.labels[wage_at])
    year = f"20{short.group(1)}" if short else year_of("\n".join([*found.title_lines, found.labels[wage_at]]), path)
    # `WI25` heads the file of the ASC rule alone.
    schedule = _schedule(f"{found.titles} {found.labels[wage_at]}", *names_of(path)) or ("ASC" if short else "")
    with feeding("staged_wage_index" + f":{schedule}" * bool(schedule)):
        return "staged_wage_index", _areas(found, schedule, year, (cbsa_at, name_at, state_at, wage_at), account)


def _schedule(*texts: str) -> str:
    """ASC or OPPS, as the first of the texts says that says it of one; '' for neither in particular."""
    for text in texts:
        words = re.sub(r"[^A-Z0-9]+", " ", text.upper())
        named = [schedule for schedule in ("ASC", "OPPS") if re.search(rf"\b{schedule}\b", words)]
        if len(named) == 1:
            return named[0]
        if re.search(r"\bIPPS\b|\bTABLE 3|\bFY", words):
            return "OPPS"  # OPPS adopts the inpatient index of the fiscal year for its calendar year
    return ""


def _areas(
    found: sheet.Sheet, schedule: str, year: str, columns: tuple[int | None, ...], account: Account
) -> list[dict]:
    cbsa_at, name_at, state_at, wage_at = columns
    path = found.path
    out = []
    for place, cells in records(found, number_key(cbsa_at, "the CBSA"), (wage_at,), (state_at, wage_at), account):
        name = cell(cells, name_at) if name_at is not None else None
        cbsa = _code(cells[cbsa_at], name)
        states = cell(cells, state_at) if state_at is not None else _states_of(cbsa, name)
        if not states:
            raise errors.SourceError(
                f"in which state the area {cbsa} {name or ''} lies is not said",
                place=place,
                remedy="IPPS Table 3 names the state of every area: take it, or add a column State to this file",
            )
        index = sheet.number(cell(cells, wage_at), place, "wage index", decimals=FIGURE_DECIMALS)
        if index is None:
            account.warn(NO_INDEX, f"{cbsa} {name or states}")
            continue
        for state in states.split("-"):
            row = {"schedule": schedule, "state": state, "cbsa": cbsa, "area_name": name, "wage_index": index}
            row["counties"] = COUNTY_AREAS[cbsa][1] if cbsa in COUNTY_AREAS else None
            out.append(row | release(f"wage index {year}", year, 1, path))
    return _listed(some(out, path), path)


def _code(text: str, name: str | None) -> str:
    """The area's code: of a rest of a state with the zero that a spreadsheet took."""
    return text.zfill(2) if name is None or name.upper() in STATES else text


def _states_of(cbsa: str, name: str) -> str:
    """The states of an area by its name, joined by `-`; empty where it says none."""
    ending = re.search(r", ([A-Z]{2}(-[A-Z]{2})*)", name)
    if ending:
        return ending.group(1)
    return STATES.get(name.upper(), "") if len(cbsa) == 2 else COUNTY_AREAS.get(cbsa, ("",))[0]


def _listed(rows: list[dict], path: Path) -> list[dict]:
    """The rows without exact repetitions; `listing` numbers those of one area and state by rising index."""
    by_area: dict[tuple[str, str], dict[Decimal, dict]] = {}
    for row in rows:
        by_area.setdefault((row["state"], row["cbsa"]), {}).setdefault(Decimal(row["wage_index"]), row)
    for (state, cbsa), by_index in by_area.items():
        if len(by_index) > MOST_LISTINGS:
            raise errors.SourceError(
                f"lists the area {cbsa} {state} {len(by_index)} times", place=path, remedy="download the file again"
            )
        for number, index in enumerate(sorted(by_index), 1):
            by_index[index]["listing"] = number
    return [row for by_index in by_area.values() for row in by_index.values()]

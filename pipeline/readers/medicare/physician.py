"""CMS's physician fee schedule files: relative values, OPPS caps, GPCIs, localities, anaesthesia, ZIP to locality.

What belongs here: the layout of each file. What must not come in: the outpatient and ASC addenda (`medicare.facility`),
prices.

Each function of KINDS gives (staged table, rows) for a sheet of its kind, None for any other; SourceError for a broken
one. The day from which a file holds is read from its title; OPPSCAP gives no date at all and holds none.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline import errors
from pipeline.readers.medicare.release import (
    FIGURE_DECIMALS,
    code_key,
    code_of,
    locality_of,
    number_key,
    records,
    release,
    some,
)
from pipeline.readers.reference_files import sheet
from pipeline.readers.reference_files.account import RELEASE, Account
from pipeline.readers.reference_files.release_names import (
    first_month,
    month_of,
    names_of,
    quarter_of,
    quarters_in,
    year_of,
)
from pipeline.readers.reference_files.sheet import Sheet, cell

QUARTERS = {1: "A", 4: "B", 7: "C", 10: "D"}  # RVU25A … RVU25D, as CMS names its releases
# Consolidated Appropriations Act, 2024 (Pub. L. 118-42): this factor for services from 9 March 2024 on.
RAISED_IN_2024 = ("2024", "33.2875", "2024-03-09")
# Military and carrier-split state codes of the ZIP file: CMS writes the two halves of Kansas and Missouri apart.
ZIP_STATES = {"EK": "KS", "WK": "KS", "EM": "MO", "WM": "MO"}
ZIP_RECORD = re.compile(r"([A-Z]{2})(\d{5})([ \dA-Z]{5})([ \dA-Z]{2}).{61}(\d{4})([1-4])\s*")

RVU_COLUMNS = {
    "code": "HCPCS",
    "modifier": "MOD",
    "status": "STATUS CODE",
    "work_rvu": "WORK RVU",
    "pe_rvu_nonfacility": "NON FAC PE RVU",
    "nonfacility_na": "NON FAC NA INDICATOR",
    "pe_rvu_facility": "FACILITY PE RVU",
    "facility_na": "FACILITY NA INDICATOR",
    "mp_rvu": "MP RVU",
    "pctc_indicator": "PCTC IND",
    "global_days": "GLOB DAYS",
    "conversion_factor": "CONV FACTOR",
    "opps_pe_nonfacility": "NON FACILITY PE USED FOR OPPS PAYMENT AMOUNT",
    "opps_pe_facility": "FACILITY PE USED FOR OPPS PAYMENT AMOUNT",
    "opps_mp": "MP USED FOR OPPS PAYMENT AMOUNT",
}
RVU_FIGURES = (
    *("work_rvu", "pe_rvu_nonfacility", "pe_rvu_facility", "mp_rvu", "conversion_factor"),
    *("opps_pe_nonfacility", "opps_pe_facility", "opps_mp"),
)


def relative_values(path: Path, rows: list[sheet.Row], account: Account):
    """PPRRVU: five title lines and five lines of headings, one above another, end in a line that begins HCPCS, MOD."""
    titles = sheet.titles_of(rows[:10])
    title = re.search(r"(\d{4})\s\D*?RELATIVE VALUE FILE\s+(\w+) RELEASE", titles.upper())
    if not title and "RELATIVE VALUE FILE" not in " ".join(titles.upper().split()):
        return None
    found = _below_stacked_headings(path, titles, rows)
    if title:
        year, month = title.group(1), month_of(title.group(2), path)
        named = quarters_in(names_of(path)[0], year=year)
        if named and (year, month) not in named:
            account.warn(RELEASE, f"{path.name}: its title says {title.group(2).title()} {year}, which counts")
    else:
        year, month = quarter_of(found.title_lines, path, account)
    column = {name: found.column(label) for name, label in RVU_COLUMNS.items()}
    common = {"released": _released(path, titles, year), "source_file": path.name}
    out = []
    key = code_key(column["code"], re.compile(r"\S+"))
    for place, cells in records(found, key, (column["status"],), column.values(), account):
        get = {name: cell(cells, at) for name, at in column.items()}
        row = {"code": code_of(get["code"]), "modifier": get["modifier"], "status": get["status"]} | common
        for name in RVU_FIGURES:
            row[name] = sheet.number(get[name], place, name, decimals=FIGURE_DECIMALS)
            if row[name] is None:
                raise errors.SourceError(f"{name} is empty", place=place, remedy="download the file again")
        row |= {name: get[name] == "NA" for name in ("nonfacility_na", "facility_na")}
        row |= {name: get[name] for name in ("pctc_indicator", "global_days")}
        row["effective_from"], row["release"] = _rvu_release(year, month, row["conversion_factor"])
        out.append(row)
    return "staged_pfs_rvu", some(sheet.once(out, ("code", "modifier"), path), path)


def _below_stacked_headings(path: Path, titles: str, rows: list[sheet.Row]) -> Sheet:
    """The sheet below headings that stand in several lines, one above another, between RELEASED and HCPCS, MOD."""
    end = next((n for n, (_, cells) in enumerate(rows[:20]) if cells[:2] == ["HCPCS", "MOD"]), None)
    if end is None:
        raise errors.SourceError("has no heading that begins HCPCS,MOD", place=path, remedy="download the file again")
    release_line = max(
        (n for n, (_, cells) in enumerate(rows[:end]) if "RELEASED" in " ".join(cells).upper()), default=-1
    )
    pile = [cells for _, cells in rows[release_line + 1 : end + 1]]
    stacked = (" ".join(cell(cells, n) for cells in pile) for n in range(max(map(len, pile))))
    return Sheet(path, titles, rows[end][0], [sheet.squeeze(label) for label in stacked], rows[end + 1 :])


def _released(path: Path, titles: str, year: str) -> str:
    """The day on which it was released, which must be one of its year, or of the half year before."""
    found = re.search(r"RELEASED\s+(\d{1,2})/(\d{1,2})/(\d{4})", titles.upper())
    if not found:
        raise errors.SourceError(
            "does not say when it was released", place=path, remedy="the fifth line has RELEASED mm/dd/yyyy"
        )
    day = f"{found.group(3)}-{int(found.group(1)):02}-{int(found.group(2)):02}"
    if not f"{int(year) - 1}-06" < day <= f"{year}-12-31":
        raise errors.SourceError(
            f"its title says {year}, but it was released {day}", place=path, remedy="download the file of one release"
        )
    return day


def _rvu_release(year: str, month: int, factor: str) -> tuple[str, str]:
    """(day from which it holds, name) of a release of relative values."""
    start, name = f"{year}-{month:02}-01", f"RVU{year[2:]}{QUARTERS.get(month, f'-{month:02}')}"
    if (year, factor) == RAISED_IN_2024[:2] and start < RAISED_IN_2024[2]:
        return RAISED_IN_2024[2], "RVU24AR"
    return start, name


def opps_caps(path: Path, rows: list[sheet.Row], account: Account):
    """OPPSCAP: CMS's own capped prices by locality."""
    found = sheet.below_header(path, rows, lambda labels: {"HCPCS", "PROCSTAT"} <= set(labels), within=3)
    if found is None:
        return None
    column = {
        "code": found.column("HCPCS"),
        "modifier": found.column("MOD"),
        "status": found.column("PROCSTAT"),
        "carrier": found.column("CARRIER"),
        "locality": found.column("LOCALITY"),
        "facility_price": found.column("FACILITY PRICE"),
        "nonfacility_price": found.column(re.compile("NON FACILI?TY PRICE")),  # CMS writes NON-FACILTY
    }
    out = []
    key = code_key(column["code"], re.compile(r"\S+"))
    for place, cells in records(found, key, (column["carrier"],), column.values(), account):
        get = {name: cell(cells, at) for name, at in column.items()}
        get |= {n: sheet.number(get[n], place, n) for n in ("facility_price", "nonfacility_price")}
        get |= {"code": code_of(get["code"])} | locality_of(get["carrier"], get["locality"], place)
        out.append(get | {"effective_from": None, "release": path.stem, "source_file": path.name})
    return "staged_opps_cap", some(sheet.once(out, ("code", "modifier", "carrier", "locality"), path), path)


def gpcis(path: Path, rows: list[sheet.Row], account: Account):
    """GPCI: a title with the year, headings with the same year, notes below the table."""
    titles = sheet.titles_of(rows[:5]).upper()
    found = sheet.below_header(path, rows, lambda labels: "LOCALITY NUMBER" in labels and "STATE" in labels, within=10)
    if "GEOGRAPHIC PRACTICE COST IND" not in titles and not (found and any("GPCI" in label for label in found.labels)):
        return None
    if found is None:
        raise errors.SourceError(
            "has no heading with State and Locality Number", place=path, remedy="download it again"
        )
    years = {y for label in found.labels if "GPCI" in label for y in re.findall(r"20\d\d", label)}
    years |= set(re.findall(r"CY (20\d\d)", found.titles.upper()))
    if not years:
        years = {year_of("", path)}
    if len(years) != 1:
        raise errors.SourceError(
            f"its title and headings name {' and '.join(sorted(years))}", place=f"{path}:{found.line}",
            remedy="download the file of one year",
        )  # fmt: skip
    year = years.pop()
    work = re.compile(rf"(?:{year} )?PW GPCI(.*)")
    works = {bool(re.search("WITHOUT", label)): n for n, label in enumerate(found.labels) if work.fullmatch(label)}
    if not works:
        found.column(work)
    column = {
        "carrier": found.column(re.compile(r"MEDICARE ADMINISTRATIVE CONTRACTOR.*|MAC|CARRIER|CONTRACTOR")),
        "state": found.column("STATE"),
        "locality": found.column("LOCALITY NUMBER"),
        "locality_name": found.column("LOCALITY NAME"),
        "pe_gpci": found.column(re.compile(r"(20\d\d )?PE GPCI.*")),
        "mp_gpci": found.column(re.compile(r"(20\d\d )?MP GPCI.*")),
        "work_gpci_floor": works.get(False),
        "work_gpci_no_floor": works.get(True),
    }
    others = (column["state"], column["locality"], column["pe_gpci"])
    out = []
    tokens = [at for name, at in column.items() if name != "locality_name"]
    for place, cells in records(found, number_key(column["carrier"], "the carrier"), others, tokens, account):
        get = {name: cell(cells, at) for name, at in column.items()}
        for name in ("pe_gpci", "mp_gpci", "work_gpci_floor", "work_gpci_no_floor"):
            get[name] = sheet.number(get[name], place, name, decimals=FIGURE_DECIMALS)
            if get[name] is None and column[name] is not None:
                raise errors.SourceError(f"{name} is empty", place=place, remedy="download the file again")
        get |= locality_of(get["carrier"], get["locality"], place)
        if not re.fullmatch("[A-Z]{2}", get["state"]):
            raise errors.SourceError(
                f"the state is {get['state']!r}", place=place, remedy="it should be two capital letters: mend that row"
            )
        out.append(get | release(f"GPCI{year}", year, first_month(year, path), path))
    return "staged_gpci", some(sheet.once(out, ("carrier", "locality"), path), path)


def counties(path: Path, rows: list[sheet.Row], account: Account):
    """Localities by county (25LOCCO): the state's name stands on the first of its localities only."""
    found = sheet.below_header(path, rows, lambda labels: {"LOCALITY NUMBER", "COUNTIES"} <= set(labels), within=10)
    if found is None:
        return None
    year = re.search(r"INCLUDED IN (20\d\d) LOCALITIES", found.titles.upper())
    year = year.group(1) if year else year_of("", path)
    state_at, area_at, counties_at = found.column("STATE"), found.column("FEE SCHEDULE AREA"), found.column("COUNTIES")
    locality_at = found.column("LOCALITY NUMBER")
    out, state = [], ""
    key = number_key(0, "the carrier")
    for place, cells in records(found, key, (locality_at, counties_at), (locality_at,), account):
        state = cell(cells, state_at) or state
        out.append(
            {"line": int(place.rpartition(":")[2]), "state_name": state}
            | locality_of(cells[0], cell(cells, locality_at), place)
            | {"fee_schedule_area": cell(cells, area_at), "counties": cell(cells, counties_at)}
            | release(f"LOCCO{year}", year, first_month(year, path), path)
        )
    return "staged_locality_county", some(out, path)


def anesthesia(path: Path, rows: list[sheet.Row], account: Account):
    """Anaesthesia factors: the heading of the last column is the nation's factor; the year is in the name alone."""
    found = sheet.below_header(
        path, rows, lambda labels: any(re.search(r"\bANES\w* CF\b", c) for c in labels), within=5
    )
    if found is None:
        return None
    factor_at = next(n for n, label in enumerate(found.labels) if " CF" in label)
    raw = next(cells for line, cells in rows if line == found.line)[factor_at]
    national = re.search(r"(\d+\.\d+)", raw)
    contractor_at, locality_at, name_at = (
        found.column("CONTRACTOR"),
        found.column("LOCALITY"),
        found.column("LOCALITY NAME"),
    )
    year = year_of("", path)
    out = []
    key = number_key(contractor_at, "the contractor")
    for place, cells in records(found, key, (locality_at, factor_at), (locality_at, factor_at), account):
        factor = sheet.number(cell(cells, factor_at), place, "the factor", decimals=FIGURE_DECIMALS)
        if factor is None:
            raise errors.SourceError("the factor is empty", place=place, remedy="download the file again")
        out.append(
            locality_of(cells[contractor_at], cell(cells, locality_at), place)
            | {"locality_name": cell(cells, name_at), "anesthesia_factor": factor}
            | {"national_factor": national.group(1) if national else None}
            | release(f"ANES{year}", year, first_month(year, path), path)
        )
    return "staged_anesthesia", some(sheet.once(out, ("carrier", "locality"), path), path)


def anesthesia_base(path: Path, rows: list[sheet.Row], account: Account):
    """Anaesthesia base units: a code and its units; the year is in the title or the name."""
    found = sheet.below_header(
        path, rows, lambda labels: any(re.fullmatch(r".*BASE UNITS?", c) for c in labels), within=10
    )
    if found is None:
        return None
    code_at = found.column(re.compile(r"(HCPCS |CPT )?CODE|HCPCS"))
    units_at = found.column(re.compile(r".*BASE UNITS?"))
    year = year_of("\n".join(found.title_lines), path)
    out = []
    for place, cells in records(found, number_key(code_at, "the code", "3,5"), (units_at,), (units_at,), account):
        units = sheet.number(cell(cells, units_at), place, "base units", decimals=FIGURE_DECIMALS)
        out.append({"code": code_of(cells[code_at]), "base_units": units} | release(f"ANES base {year}", year, 1, path))
    return "staged_anesthesia_base", some(sheet.once(out, ("code",), path), path)


def zip_localities(path: Path, text: str) -> tuple[str, list[dict]]:
    """ZIP5: fixed width (ZIP5lyout.txt): state 1-2, ZIP 3-7, carrier 8-12, locality 13-14, year and quarter 76-80."""
    out = []
    for line, record in enumerate(text.splitlines(), 1):
        if not record.strip():
            continue
        place = f"{path}:{line}"
        parts = ZIP_RECORD.fullmatch(record)
        if not parts:
            raise errors.SourceError(
                "is not a record of 80 characters as ZIP5lyout.txt has it", place=place, remedy="download it again"
            )
        state, code, carrier, locality, year, quarter = parts.groups()
        out.append(
            {"zip_code": code, "state": ZIP_STATES.get(state, state)}
            | locality_of(carrier, locality, place)
            | release(f"ZIP5 {year}Q{quarter}", year, int(quarter) * 3 - 2, path)
        )
    return "staged_zip_locality", sheet.once(out, ("zip_code",), path)


# What tells a table of a kind, and the staged table that it gives, in the order in which they are asked.
KINDS = {
    relative_values: "staged_pfs_rvu",
    opps_caps: "staged_opps_cap",
    gpcis: "staged_gpci",
    counties: "staged_locality_county",
    anesthesia: "staged_anesthesia",
    anesthesia_base: "staged_anesthesia_base",
}

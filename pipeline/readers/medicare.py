"""Medicare's fee-schedule files as CMS publishes them.

What belongs here: which of CMS's files a file is (told by its content), its layout, and the repair of what its
spreadsheets lost (leading zeros of carriers, localities and codes; stray blanks). What must not come in: which
release applies to a month, and any price; that is `transforms/bench_*`.

The day from which a file holds is read from the file: the title of the relative values, GPCIs and localities, the
headings of ASC addenda, the quarter in each ZIP record. Where the content gives no quarter (OPPS Addendum B) or no
year (anaesthesia factors), the file's name serves; OPPSCAP gives no date at all and holds none.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from pipeline import errors, tables
from pipeline.readers import sheet
from pipeline.readers.sheet import Sheet

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
QUARTERS = {1: "A", 4: "B", 7: "C", 10: "D"}  # RVU25A … RVU25D, as CMS names its releases
# Consolidated Appropriations Act, 2024 (Pub. L. 118-42): this factor for services from 9 March 2024 on.
RAISED_IN_2024 = ("2024", "33.2875", "2024-03-09")
# Military and carrier-split state codes of the ZIP file: CMS writes the two halves of Kansas and Missouri apart.
ZIP_STATES = {"EK": "KS", "WK": "KS", "EM": "MO", "WM": "MO"}
_ZIP_RECORD = re.compile(r"([A-Z]{2})(\d{5})([ \dA-Z]{5})([ \dA-Z]{2}).{61}(\d{4})([1-4])\s*")
_PLACES = 4  # decimals that RVUs, GPCIs and conversion factors are calculated with


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
        if _ZIP_RECORD.fullmatch(first):
            return _frame("staged_zip_locality", _zip_localities(path, text))
        sheets = [sheet.rows_of_text(text)]
    for rows in sheets:
        for kind in (
            _relative_values,
            _opps_caps,
            _gpcis,
            _counties,
            _anesthesia,
            _anesthesia_base,
            _device,
            _asc,
            _opps,
            _wages,
        ):
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


def _relative_values(path: Path, rows: list[sheet.Row]):
    """PPRRVU: five title lines and five lines of headings, one above another, end in a line that begins HCPCS, MOD."""
    titles = sheet.titles_of(rows[:10])
    title = re.search(r"(\d{4}) .*RELATIVE VALUE FILE\s+(\w+) RELEASE", titles.upper())
    if not title:
        return None
    end = next((n for n, (_, cells) in enumerate(rows[:20]) if cells[:2] == ["HCPCS", "MOD"]), None)
    if end is None:
        raise errors.SourceError("has no heading that begins HCPCS,MOD", place=path, remedy="download the file again")
    release_line = max(
        (n for n, (_, cells) in enumerate(rows[:end]) if "RELEASED" in " ".join(cells).upper()), default=-1
    )
    pile = [cells for _, cells in rows[release_line + 1 : end + 1]]
    width = max(map(len, pile))
    stacked = (" ".join(cells[n] for cells in pile if n < len(cells)) for n in range(width))
    found = Sheet(path, titles, rows[end][0], [sheet.squeeze(label) for label in stacked], rows[end + 1 :])
    column = {name: found.column(label) for name, label in RVU_COLUMNS.items()}

    year, month = title.group(1), _month(title.group(2), path)
    released = re.search(r"RELEASED\s+(\d{1,2})/(\d{1,2})/(\d{4})", titles.upper())
    if not released:
        raise errors.SourceError(
            "does not say when it was released", place=path, remedy="the fifth line has RELEASED mm/dd/yyyy"
        )
    day = f"{released.group(3)}-{int(released.group(1)):02}-{int(released.group(2)):02}"
    if not f"{int(year) - 1}-06" < day <= f"{year}-12-31":
        raise errors.SourceError(
            f"its title says {year}, but it was released {day}", place=path, remedy="download the file of one release"
        )
    common = {"released": day, "source_file": path.name}
    out = []
    for line, cells in found.rows:
        get = {name: cells[at] if at < len(cells) else "" for name, at in column.items()}
        if not get["code"]:
            continue
        place = f"{path}:{line}"
        row = {"code": _code(get["code"]), "modifier": get["modifier"], "status": get["status"]} | common
        for name in RVU_FIGURES:
            row[name] = sheet.number(get[name], place, name, decimals=_PLACES)
            if row[name] is None:
                raise errors.SourceError(f"{name} is empty", place=place, remedy="download the file again")
        row |= {name: get[name] == "NA" for name in ("nonfacility_na", "facility_na")}
        row |= {name: get[name] for name in ("pctc_indicator", "global_days")}
        row["effective_from"], row["release"] = _rvu_release(year, month, row["conversion_factor"])
        out.append(row)
    return "staged_pfs_rvu", sheet.once(out, ("code", "modifier"), path)


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


def _rvu_release(year: str, month: int, factor: str) -> tuple[str, str]:
    """(day from which it holds, name) of a release of relative values."""
    start, name = f"{year}-{month:02}-01", f"RVU{year[2:]}{QUARTERS.get(month, f'-{month:02}')}"
    if (year, factor) == RAISED_IN_2024[:2] and start < RAISED_IN_2024[2]:
        return RAISED_IN_2024[2], "RVU24AR"
    return start, name


def _opps_caps(path: Path, rows: list[sheet.Row]):
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
    for line, cells in found.rows:
        get = {name: cells[at] for name, at in column.items()}
        if get["code"]:
            get |= {n: sheet.number(get[n], f"{path}:{line}", n) for n in ("facility_price", "nonfacility_price")}
            get |= {
                "code": _code(get["code"]),
                "carrier": get["carrier"].zfill(5),
                "locality": get["locality"].zfill(2),
            }
            out.append(get | {"effective_from": None, "release": path.stem, "source_file": path.name})
    return "staged_opps_cap", sheet.once(out, ("code", "modifier", "carrier", "locality"), path)


def _gpcis(path: Path, rows: list[sheet.Row]):
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
    if len(years) != 1:
        raise errors.SourceError(
            f"its title and headings name {' and '.join(sorted(years)) or 'no year'}", place=f"{path}:{found.line}",
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
    out = []
    for line, cells in found.rows:
        if not cells[column["carrier"]].isdigit():
            continue  # notes below the table
        get = {name: cells[at] if at is not None and at < len(cells) else "" for name, at in column.items()}
        place = f"{path}:{line}"
        for name in ("pe_gpci", "mp_gpci", "work_gpci_floor", "work_gpci_no_floor"):
            get[name] = sheet.number(get[name], place, name, decimals=_PLACES)
            if get[name] is None and column[name] is not None:
                raise errors.SourceError(f"{name} is empty", place=place, remedy="download the file again")
        get |= {"carrier": get["carrier"].zfill(5), "locality": get["locality"].zfill(2)}
        out.append(get | _release(f"GPCI{year}", year, 1, path))
    return "staged_gpci", _some(sheet.once(out, ("carrier", "locality"), path), path)


def _counties(path: Path, rows: list[sheet.Row]):
    """Localities by county (25LOCCO): the state's name stands on the first of its localities only."""
    found = sheet.below_header(path, rows, lambda labels: {"LOCALITY NUMBER", "COUNTIES"} <= set(labels), within=10)
    if found is None:
        return None
    year = re.search(r"INCLUDED IN (20\d\d) LOCALITIES", found.titles.upper())
    if not year:
        raise errors.SourceError(
            "its title does not name a year", place=path, remedy="it should read COUNTIES INCLUDED IN 2025 …"
        )
    state_at, area_at, counties_at = found.column("STATE"), found.column("FEE SCHEDULE AREA"), found.column("COUNTIES")
    locality_at = found.column("LOCALITY NUMBER")
    out, state = [], ""
    for line, cells in found.rows:
        if len(cells) <= counties_at or not cells[0].isdigit() or not cells[locality_at].isdigit():
            continue  # notes below the table
        state = cells[state_at] or state
        out.append(
            {"line": line, "carrier": cells[0].zfill(5), "locality": cells[locality_at].zfill(2), "state_name": state}
            | {"fee_schedule_area": cells[area_at], "counties": cells[counties_at]}
            | _release(f"LOCCO{year.group(1)}", year.group(1), 1, path)
        )
    return "staged_locality_county", _some(out, path)


def _anesthesia(path: Path, rows: list[sheet.Row]):
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
    year = _year_of(path.stem, path)
    out = []
    for line, cells in found.rows:
        if not cells[contractor_at].isdigit():
            continue
        factor = sheet.number(cells[factor_at], f"{path}:{line}", "the factor", decimals=_PLACES)
        out.append(
            {"carrier": cells[contractor_at].zfill(5), "locality": cells[locality_at].zfill(2)}
            | {"locality_name": cells[name_at], "anesthesia_factor": factor}
            | {"national_factor": national.group(1) if national else None}
            | _release(f"ANES{year}", year, 1, path)
        )
    return "staged_anesthesia", _some(sheet.once(out, ("carrier", "locality"), path), path)


def _anesthesia_base(path: Path, rows: list[sheet.Row]):
    """Anaesthesia base units: a code and its units; the year is in the title or the name."""
    found = sheet.below_header(
        path, rows, lambda labels: any(re.fullmatch(r".*BASE UNITS?", c) for c in labels), within=10
    )
    if found is None:
        return None
    code_at, units_at = (
        found.column(re.compile(r"(HCPCS |CPT )?CODE|HCPCS")),
        found.column(re.compile(r".*BASE UNITS?")),
    )
    year = _year_of(found.titles + " " + path.stem, path)
    out = []
    for line, cells in found.rows:
        if re.fullmatch(r"\d{3,5}", cells[code_at]):
            units = sheet.number(cells[units_at], f"{path}:{line}", "base units", decimals=_PLACES)
            out.append(
                {"code": _code(cells[code_at]), "base_units": units} | _release(f"ANES base {year}", year, 1, path)
            )
    return "staged_anesthesia_base", _some(sheet.once(out, ("code",), path), path)


def _opps(path: Path, rows: list[sheet.Row]):
    """OPPS Addendum B. Its title names the year, its name the quarter; money has `$` and commas, `.` is none."""
    found = sheet.below_header(
        path, rows, lambda labels: {"HCPCS CODE", "APC"} <= set(labels) and "PAYMENT RATE" in labels
    )
    if found is None:
        found = sheet.below_header(path, rows, lambda labels: {"HCPCS CODE", "SI"} <= set(labels))
        if found is None:
            return None
    column = {
        "code": found.column("HCPCS CODE"),
        "si": found.column(re.compile("SI|STATUS INDICATOR")),
        "apc": found.column("APC"),
        "weight": found.column("RELATIVE WEIGHT"),
        "payment_rate": found.column("PAYMENT RATE"),
    }
    year, month = _quarter_of(found.titles, path)
    out = []
    for line, cells in found.rows:
        get = {name: cells[at] if at < len(cells) else "" for name, at in column.items()}
        if not re.fullmatch(r"[A-Z0-9]{1,5}", get["code"]):
            continue  # notes below the table
        get |= {n: sheet.number(get[n], f"{path}:{line}", n) for n in ("weight", "payment_rate")}
        get |= {"code": _code(get["code"]), "apc": get["apc"].zfill(4) if get["apc"] else None}
        out.append(get | _release(f"OPPS Addendum B {year}-{month:02}", year, month, path))
    return "staged_opps", _some(sheet.once(out, ("code",), path), path)


def _device(path: Path, rows: list[sheet.Row]):
    """ASC Addendum FF: the device portion of device-intensive procedures."""
    portion = re.compile(r".*DEVICE (OFFSET AMOUNT|PORTION).*")
    found = sheet.below_header(
        path, rows, lambda labels: "HCPCS CODE" in labels and any(map(portion.fullmatch, labels))
    )
    if found is None:
        return None
    code_at, portion_at = found.column("HCPCS CODE"), found.column(portion)
    year, month = _quarter_of(" ".join([*found.labels, found.titles]), path)
    out = []
    for line, cells in found.rows:
        if len(cells) > portion_at and re.fullmatch(r"[A-Z0-9]{1,5}", cells[code_at]):
            amount = sheet.number(cells[portion_at], f"{path}:{line}", "device portion")
            if amount is not None:
                release = _release(f"ASC Addendum FF {year}-{month:02}", year, month, path)
                out.append({"code": _code(cells[code_at]), "device_portion": amount} | release)
    return "staged_asc_device", _some(sheet.once(out, ("code",), path), path)


def _asc(path: Path, rows: list[sheet.Row]):
    """ASC Addendum AA or BB: the quarter is in the headings (`January 2025 Payment Indicator`, `Final CY 2025 …`)."""
    indicator = re.compile(r".*PAYMENT INDICATOR")
    found = sheet.below_header(
        path, rows, lambda labels: "HCPCS CODE" in labels and any(map(indicator.fullmatch, labels))
    )
    if found is None:
        return None
    code_at, pi_at, rate_at = (
        found.column("HCPCS CODE"),
        found.column(indicator),
        found.column(re.compile(r".*PAYMENT RATE")),
    )
    weight_at = found.column(re.compile(r".*PAYMENT WEIGHT"), required=False)
    year, month = _quarter_of(found.labels[pi_at] + " " + found.titles, path)
    out = []
    for line, cells in found.rows:
        if len(cells) <= rate_at or not re.fullmatch(r"[A-Z0-9]{1,5}", cells[code_at]):
            continue  # notes below the table
        place = f"{path}:{line}"
        weight = None if weight_at is None else sheet.number(cells[weight_at], place, "payment weight")
        rate = sheet.number(cells[rate_at], place, "payment rate")
        row = {"code": _code(cells[code_at]), "pi": cells[pi_at], "payment_weight": weight, "payment_rate": rate}
        out.append(row | _release(f"ASC addenda {year}-{month:02}", year, month, path))
    return "staged_asc", _some(sheet.once(out, ("code",), path), path)


def _wages(path: Path, rows: list[sheet.Row]):
    """Wage index by CBSA (IPPS Table 3, or the ASC file): an area's state is its own column or ends its name."""
    wage = re.compile(r"((FY|CY) ?(20\d\d) )?((FINAL|ASC|OPPS) )*WAGE INDEX|WI ?\d\d")
    found = sheet.below_header(
        path, rows, lambda labels: any("CBSA" in c for c in labels) and any(map(wage.fullmatch, labels))
    )
    if found is None:
        return None
    cbsa_at, wage_at = found.column(re.compile(r"CBSA( CODE| NUMBER| NO)?")), found.column(wage)
    state_at = found.column(re.compile(r"STATE( ABBREVIATION)?"), required=False)
    name_at = found.column(re.compile(r"(CBSA |LABOR MARKET )?(AREA )?(NAME|TITLE)"), required=state_at is None)
    text = f"{found.titles} {found.labels[wage_at]} {path.stem}"
    short = re.fullmatch(r"WI ?(\d\d)", found.labels[wage_at])
    year = f"20{short.group(1)}" if short else _year_of(text, path)
    schedule = next((s for s in ("ASC", "OPPS") if re.search(rf"(?<![A-Z]){s}(?![A-Z])", text.upper())), "")
    if not schedule and re.search(r"IPPS|TABLE 3|\bFY", text.upper()):
        schedule = "OPPS"  # OPPS adopts the inpatient index of the fiscal year for its calendar year
    out = []
    for line, cells in found.rows:
        if not re.fullmatch(r"\d{1,5}", cells[cbsa_at]):
            continue
        name = cells[name_at] if name_at is not None else None
        states = (
            cells[state_at] if state_at is not None else (re.search(r", ([A-Z]{2}(-[A-Z]{2})*)", name) or ["", ""])[1]
        )
        index = sheet.number(cells[wage_at], f"{path}:{line}", "wage index", decimals=_PLACES)
        if not states or index is None:
            raise errors.SourceError("an area without state or index", place=f"{path}:{line}", remedy="mend that row")
        for state in states.split("-"):
            row = {"schedule": schedule, "state": state, "cbsa": cells[cbsa_at], "area_name": name, "wage_index": index}
            out.append(row | _release(f"wage index {year}", year, 1, path))
    return "staged_wage_index", _some(sheet.once(out, ("state", "cbsa"), path), path)


def _zip_localities(path: Path, text: str) -> list[dict]:
    """ZIP5: fixed width (ZIP5lyout.txt): state 1-2, ZIP 3-7, carrier 8-12, locality 13-14, year and quarter 76-80."""
    out = []
    for line, record in enumerate(text.splitlines(), 1):
        if not record.strip():
            continue
        parts = _ZIP_RECORD.fullmatch(record)
        if not parts:
            raise errors.SourceError(
                "is not a record of 80 characters as ZIP5lyout.txt has it",
                place=f"{path}:{line}",
                remedy="download it again",
            )
        state, code, carrier, locality, year, quarter = parts.groups()
        out.append(
            {"zip_code": code, "carrier": carrier.strip().zfill(5), "locality": locality.strip().zfill(2)}
            | {"state": ZIP_STATES.get(state, state)}
            | _release(f"ZIP5 {year}Q{quarter}", year, int(quarter) * 3 - 2, path)
        )
    return sheet.once(out, ("zip_code", "carrier", "locality"), path)


def _release(name: str, year: str, month: int, path: Path) -> dict[str, str]:
    return {"effective_from": f"{year}-{month:02}-01", "release": name, "source_file": path.name}


def _code(text: str) -> str:
    """A HCPCS code with the leading zeros that a spreadsheet took."""
    return text.zfill(5) if text.isdigit() else text


def _some(rows: list[dict], path: Path) -> list[dict]:
    if not rows:
        raise errors.SourceError("has a heading but no rows", place=path, remedy="download the file again")
    return rows


def _month(word: str, path: Path) -> int:
    if word[:3].upper() not in MONTHS:
        raise errors.SourceError(f"{word} is no month", place=path, remedy="its title should name the release's month")
    return MONTHS.index(word[:3].upper()) + 1


def _year_of(text: str, path: Path) -> str:
    years = set(re.findall(r"(?<!\d)20\d\d(?!\d)", text))
    if len(years) != 1:
        raise errors.SourceError(
            f"does not say of which year it is ({', '.join(sorted(years)) or 'no year found'})",
            place=path,
            remedy="let the file's name carry the year, as in ANES2025.csv",
        )
    return years.pop()


def _quarter_of(text: str, path: Path) -> tuple[str, int]:
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
    return (years.pop() if len(years) == 1 else _year_of(name, path)), 1

"""CMS's hospital outpatient and ASC files: OPPS Addendum B, ASC Addenda AA, BB and FF, wage indices.

What belongs here: the layout of each file. What must not come in: the physician fee schedule (`medicare.physician`),
prices.

Each public function gives (staged table, rows) for a sheet of its kind, None for any other; SourceError for a broken
one.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline import errors
from pipeline.readers.medicare.release import FIGURE_DECIMALS, code_key, code_of, number_key, records, release, some
from pipeline.readers.reference_files import sheet
from pipeline.readers.reference_files.account import Account
from pipeline.readers.reference_files.parts import feeding
from pipeline.readers.reference_files.release_names import names_of, quarter_of, year_of
from pipeline.readers.reference_files.sheet import cell


def opps(path: Path, rows: list[sheet.Row], account: Account):
    """OPPS Addendum B. Its title names the year, its name the quarter; money has `$` and commas, `.` is none."""
    # Addendum E has codes and status indicators too, and none of these.
    figures = {"APC", "RELATIVE WEIGHT", "PAYMENT RATE"}
    found = sheet.below_header(
        path, rows, lambda labels: "HCPCS CODE" in labels and len(figures & set(labels)) > ("SI" not in labels)
    )
    if found is None:
        return None
    column = {
        "code": found.column("HCPCS CODE"),
        "si": found.column(re.compile("SI|STATUS INDICATOR")),
        "apc": found.column("APC"),
        "weight": found.column("RELATIVE WEIGHT"),
        "payment_rate": found.column("PAYMENT RATE"),
    }
    others = tuple(column[n] for n in ("si", "apc", "payment_rate"))
    year, month = quarter_of(["", *found.title_lines], path, account)
    out = []
    for place, cells in records(found, code_key(column["code"]), others, column.values(), account):
        get = {name: cell(cells, at) for name, at in column.items()}
        get |= {n: sheet.number(get[n], place, n) for n in ("weight", "payment_rate")}
        get |= {"code": code_of(get["code"]), "apc": get["apc"].zfill(4) if get["apc"] else None}
        out.append(get | release(f"Addendum B {year}-{month:02}", year, month, path))
    return "staged_opps", some(sheet.once(out, ("code",), path), path)


def device(path: Path, rows: list[sheet.Row], account: Account):
    """ASC Addendum FF: the device portion of device-intensive procedures."""
    portion = re.compile(r".*DEVICE (OFFSET AMOUNT|PORTION).*")
    found = sheet.below_header(
        path, rows, lambda labels: "HCPCS CODE" in labels and any(map(portion.fullmatch, labels))
    )
    if found is None:
        return None
    code_at, portion_at = found.column("HCPCS CODE"), found.column(portion)
    year, month = quarter_of([" ".join(found.labels), *found.title_lines], path, account)
    out = []
    for place, cells in records(found, code_key(code_at), (portion_at,), (portion_at,), account):
        amount = sheet.number(cell(cells, portion_at), place, "device portion")
        if amount is not None:
            when = release(f"Addendum FF {year}-{month:02}", year, month, path)
            out.append({"code": code_of(cells[code_at]), "device_portion": amount} | when)
    return "staged_asc_device", some(sheet.once(out, ("code",), path), path)


def asc(path: Path, rows: list[sheet.Row], account: Account):
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
    year, month = quarter_of([found.labels[pi_at], *found.title_lines], path, account)
    out = []
    for place, cells in records(found, code_key(code_at), (pi_at, rate_at), (pi_at, rate_at, weight_at), account):
        weight = None if weight_at is None else sheet.number(cell(cells, weight_at), place, "payment weight")
        rate = sheet.number(cell(cells, rate_at), place, "payment rate")
        row = {
            "code": code_of(cells[code_at]),
            "pi": cell(cells, pi_at),
            "payment_weight": weight,
            "payment_rate": rate,
        }
        out.append(row | release(f"addenda {year}-{month:02}", year, month, path))
    return "staged_asc", some(sheet.once(out, ("code",), path), path)


def wages(path: Path, rows: list[sheet.Row], account: Account):
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
    short = re.fullmatch(r"WI ?(\d\d)", found.labels[wage_at])
    year = f"20{short.group(1)}" if short else year_of("\n".join([*found.title_lines, found.labels[wage_at]]), path)
    schedule = _schedule(f"{found.titles} {found.labels[wage_at]}", *names_of(path))
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
        states = cell(cells, state_at)
        if state_at is None:
            states = (re.search(r", ([A-Z]{2}(-[A-Z]{2})*)", name) or ["", ""])[1]
        index = sheet.number(cell(cells, wage_at), place, "wage index", decimals=FIGURE_DECIMALS)
        if not states or index is None:
            raise errors.SourceError(
                "an area without state or index",
                place=place,
                remedy="IPPS Table 3 names the state of every area: take it, or add a column State to this file",
            )
        for state in states.split("-"):
            row = {"schedule": schedule, "state": state, "cbsa": cells[cbsa_at], "area_name": name, "wage_index": index}
            out.append(row | release(f"wage index {year}", year, 1, path))
    return some(sheet.once(out, ("state", "cbsa"), path), path)


# What tells a table of a kind, and the staged table that it gives, in the order in which they are asked.
KINDS = {
    device: "staged_asc_device",
    asc: "staged_asc",
    opps: "staged_opps",
    wages: "staged_wage_index",
}

"""CMS's hospital outpatient and ASC files: OPPS Addenda A, B and P, ASC Addenda AA, BB and FF.

What belongs here: the layout of each file, and which of their companions are known and not read. What must not come
in: wage indices (`medicare.wage_areas`), the physician fee schedule (`medicare.physician`), prices.

Each public function gives (staged table, rows) for a sheet of its kind, None for any other; SourceError for a broken
one.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.readers.medicare.release import Key, code_key, code_of, records, release, some
from pipeline.readers.medicare.wage_areas import wages
from pipeline.readers.reference_files import sheet
from pipeline.readers.reference_files.account import Account
from pipeline.readers.reference_files.release_names import quarter_of
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


def opps_apc(path: Path, rows: list[sheet.Row], account: Account):
    """OPPS Addendum A: the weight and rate of each group of services (APC). Addendum B repeats them for every code."""
    figures = {"RELATIVE WEIGHT", "PAYMENT RATE", "GROUP TITLE"}
    found = sheet.below_header(path, rows, lambda labels: "APC" in labels and figures <= set(labels))
    if found is None or "HCPCS CODE" in found.labels:
        return None
    apc_at = found.column("APC")
    column = {
        "si": found.column(re.compile("SI|STATUS INDICATOR")),
        "weight": found.column("RELATIVE WEIGHT"),
        "payment_rate": found.column("PAYMENT RATE"),
    }
    year, month = quarter_of(["", *found.title_lines], path, account)
    apc = re.compile(r"\d{1,4}")
    out = []
    others = (column["si"], column["payment_rate"])
    for place, cells in records(found, Key(apc_at, apc, "the APC", apc), others, column.values(), account):
        get = {name: cell(cells, at) for name, at in column.items()}
        get |= {n: sheet.number(get[n], place, n) for n in ("weight", "payment_rate")}
        when = release(f"Addendum A {year}-{month:02}", year, month, path)
        out.append({"apc": cells[apc_at].zfill(4)} | get | when)
    return "staged_opps_apc", some(sheet.once(out, ("apc",), path), path)


def opps_device(path: Path, rows: list[sheet.Row], account: Account):
    """OPPS Addendum P: which share of a procedure's APC rate is its device's. The final rule's, in force from January."""
    offset = re.compile(r"DEVICE OFFSET PERCENTAGE")
    found = sheet.below_header(
        path, rows, lambda labels: bool({"HCPCS", "HCPCS CODE"} & set(labels)) and any(map(offset.fullmatch, labels))
    )
    rated = None if found is None else found.column(re.compile(r".*APC PAYMENT RATE"), required=False)
    if rated is None:
        return None
    code_at, offset_at = found.column(re.compile("HCPCS( CODE)?")), found.column(offset)
    amount_at = found.column(re.compile(r"DEVICE OFFSET AMOUNT"))
    year, month = quarter_of([found.labels[rated]], path, account)
    out = []
    for place, cells in records(found, code_key(code_at), (offset_at, amount_at), (offset_at, amount_at), account):
        percent = sheet.number(cell(cells, offset_at).removesuffix("%"), place, "device offset percentage")
        amount = sheet.number(cell(cells, amount_at), place, "device offset amount")
        when = release(f"Addendum P {year}-{month:02}", year, month, path)
        out.append({"code": code_of(cells[code_at]), "device_percent": percent, "device_amount": amount} | when)
    return "staged_opps_device", some(sheet.once(out, ("code",), path), path)


# Companions of these files that hold no price, by their titles, and why they are not read.
COMPANIONS = (
    (r"ADDENDUM D1\b.*STATUS INDICATORS", "OPPS Addendum D1, which says in words what the status indicators mean"),
    (r"ADDENDUM D2\b.*COMMENT INDICATORS", "OPPS Addendum D2, which says in words what the comment indicators mean"),
    (r"ADDENDUM E\b.*INPATIENT", "OPPS Addendum E, the inpatient-only codes, which Addendum B has with status C"),
    (r"ADDENDUM L\b.*OUT.?MIGRATION", "OPPS Addendum L, adjustments of single hospitals, which no rate here has"),
    (r"ADDENDUM EE\b.*EXCLUDED", "ASC Addendum EE, the codes that surgical centers are not paid for"),
    (r"ADDENDUM DD1\b.*PAYMENT INDICATORS", "ASC Addendum DD1, which says in words what the payment indicators mean"),
    (r"ADDENDUM DD2\b.*COMMENT INDICATORS", "ASC Addendum DD2, which says in words what the comment indicators mean"),
)


def companion(titles: str) -> str | None:
    """What a sheet with these titles is, where it is a companion of the addenda that holds no price."""
    text = " ".join(titles.upper().split())
    return next((what for pattern, what in COMPANIONS if re.search(pattern, text)), None)


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


# What tells a table of a kind, and the staged table that it gives, in the order in which they are asked.
KINDS = {
    opps_device: "staged_opps_device",
    device: "staged_asc_device",
    asc: "staged_asc",
    opps: "staged_opps",
    opps_apc: "staged_opps_apc",
    wages: "staged_wage_index",
}

"""Workers' compensation fee schedules, in the one CSV shape that this project documents.

    state,effective_from,code_type,code,amount[,modifier]
    TX,2025-01-01,CPT,99213,131.44

States publish these as PDFs and workbooks of their own making, so there is no publisher's layout to follow: the user
brings this one. `state` is a USPS code, `effective_from` YYYY-MM-DD, `code_type` as in the facts (for CPT and HCPCS the
code's level decides which it is), `amount` dollars, `modifier` may be left out. What must not come in: which schedule
applies to a month.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import polars as pl

from pipeline import errors, tables
from pipeline.readers.reference_files import parts, sheet
from pipeline.readers.reference_files.account import Account
from pipeline.readers.reference_files.parts import Frames, Part

COLUMNS = ("state", "effective_from", "code_type", "code", "amount")


def read(path: Path, account: Account | None = None) -> Frames:
    """`staged_wcfs` of one file. UnrecognisedFile when it has none of the columns, SourceError when it is broken."""
    return parts.read(path, _tables, account or Account(), lambda name: ("staged_wcfs",))


def _tables(part: Part, account: Account) -> Frames:
    path = part.path
    if part.is_workbook:
        raise errors.UnrecognisedFile("is a workbook: schedules are read as text", place=path, remedy="save it as .csv")
    rows = sheet.rows_of_text(part.text(account), path)
    wanted = {sheet.squeeze(c): c for c in (*COLUMNS, "modifier")}
    labels = [sheet.squeeze(c) for c in rows[0][1]]
    if len(set(labels) & set(wanted)) < 3:
        raise errors.UnrecognisedFile(
            "is no workers' compensation fee schedule",
            place=path,
            remedy="its first line is " + ",".join(COLUMNS) + "[,modifier]",
        )
    found = sheet.Sheet(path, "", rows[0][0], labels, rows[1:])
    column = {name: found.column(label, required=name != "modifier") for label, name in wanted.items()}
    out = []
    for line, cells in found.mended(column.values(), account, column["code"], re.compile(".+")).rows:
        get = {name: cells[at] if at is not None and at < len(cells) else "" for name, at in column.items()}
        place = f"{path}:{line}"
        _check(get, place)
        amount = sheet.number(get["amount"], place, "amount")
        if amount is None:
            raise errors.SourceError("amount is empty", place=place, remedy="leave out codes without an amount")
        code_type, code = get["code_type"].upper(), get["code"].upper()
        if code_type in ("CPT", "HCPCS"):
            code = code.zfill(5)
            code_type = "CPT" if code[0].isdigit() else "HCPCS"
        out.append(
            {
                "line": line,
                "state": get["state"].upper(),
                "effective_from": get["effective_from"],
                "code_type": code_type,
            }
            | {"code": code, "modifier": get["modifier"].upper(), "amount": amount}
            | {"release": f"{get['state'].upper()} fee schedule", "source_file": path.name}
        )
    key = ("state", "effective_from", "code_type", "code", "modifier")
    first = {}
    for row in out:
        known = first.setdefault(tuple(row[k] for k in key), row)
        if known["amount"] != row["amount"]:
            raise errors.SourceError(
                f"gives {row['code']} for {row['state']} twice, differently (line {known['line']} too)",
                place=f"{path}:{row['line']}",
                remedy="remove one of the two rows",
            )
    return {"staged_wcfs": pl.DataFrame(list(first.values()), schema=tables.get("staged_wcfs").polars_schema())}


def _check(get: dict[str, str], place: str) -> None:
    if not re.fullmatch(r"[A-Za-z]{2}", get["state"]):
        raise errors.SourceError(f"state is {get['state']!r}", place=place, remedy="use the two-letter USPS code")
    try:
        datetime.date.fromisoformat(get["effective_from"])
    except ValueError as problem:
        raise errors.SourceError(
            f"effective_from is {get['effective_from']!r}", place=place, remedy="write it as YYYY-MM-DD"
        ) from problem
    if not get["code_type"] or not get["code"]:
        raise errors.SourceError("a row without code_type or code", place=place, remedy="fill in both")

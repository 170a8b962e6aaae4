"""What the tests of dimensions and cross-references share: literal staged rows of a payer's files, and the table made of them."""

from __future__ import annotations

import staged_rates
from pipeline import naming

OLD, NEW, ALSO_NEW = "TX/2025-06.json", "TX/2025-07_a.json", "TX/2025-07_b.json"
EVRY = "Evry Health"


def source(file: str, name: str | None = EVRY, **values) -> dict:
    month = file.split("/")[1][:7]
    known = {"file": file, "state": "TX", "year_month": month, "reporting_entity_name": name, "rates_read": 10}
    return known | {"payer_slug": naming.slugify(name), "reporting_entity_type": "issuer", "version": "1.0.0"} | values


SOURCES = [source(OLD), source(NEW), source(ALSO_NEW)]
MONTH = SOURCES[1:]


def made(name: str, sources: list[dict] = SOURCES, **staged: list[dict]) -> list[tuple]:
    """The rows of a table, as tuples in its order."""
    con = staged_rates.connection()
    staged_rates.stage(con, "source_file", sources)
    for view, rows in staged.items():
        staged_rates.stage(con, view, rows)
    return [tuple(row.values()) for row in staged_rates.answer(con, name)]


# Groups of July, and their members.
MEMBERS, TIN_ONLY = "a" * 32, "b" * 32
ANA, BOB, EVA = "1003000126", "1003000134", "1003000142"


def group(
    file: str, uid: str, raw: str | None = "7", members: str | None = MEMBERS, networks: str | None = None
) -> dict:
    named = {"provider_group_id_raw": raw, "pg_members_uid": members, "network_names": networks}
    return {"file": file, "pg_uid": uid} | named


def member(npi: str | None, tin: str = "741234567", members: str = MEMBERS, file: str = NEW) -> dict:
    return {"file": file, "pg_members_uid": members, "tin_type": "ein", "tin_value": tin, "npi": npi}


GROUPS = [
    group(NEW, "g1", networks="HMO|PPO"),
    group(NEW, "g2", raw=None),  # in-line
    group(NEW, "g3", raw="690.65627", members=None),  # not defined
    group(NEW, "g4", members=TIN_ONLY),
    group(ALSO_NEW, "g5"),
]
ROWS = [
    member(ANA),
    member(BOB),
    member(ANA, tin="759999999"),
    member(None, tin="760000001"),  # a TIN beside NPIs
    member(None, members=TIN_ONLY, tin="760000001"),
    member(EVA, file=ALSO_NEW),  # the same id means the same members: here it does not, so that mixed files would show
]

"""Part, place and unit of a rate: literal rows."""

from __future__ import annotations

import pytest

from pipeline.storage import duck
from pipeline.transforms import rate_parts


@pytest.fixture(scope="module")
def con():
    con = duck.connect()
    rate_parts.load(con)
    return con


def answers(con, macro: str, arguments: list[tuple]) -> list[str | None]:
    holes = ", ".join("?" for _ in arguments[0])
    return [con.execute(f"SELECT {macro}({holes})", list(given)).fetchall()[0][0] for given in arguments]


# fmt: off
PARTS = [
    # billing class, setting, code type, schedule, modifiers, PC/TC indicator -> part
    (("institutional", "inpatient", "CPT", None, None, None), "inpatient"),
    (("institutional", None, "MS-DRG", None, None, None), "inpatient"),
    (("professional", None, "APR-DRG", "PFS", None, None), "inpatient"),
    (("professional", "inpatient", "CPT", "PFS", None, "0"), "whole"),
    (("institutional", "outpatient", "CPT", "ASC", None, "0"), "asc"),
    (("institutional", "outpatient", "CPT", "OPPS", "26", "1"), "hospital_outpatient"),
    (("Institutional", "Inpatient", "CPT", None, None, None), "inpatient"),
    (("institutional", None, "RC", None, "50", None), "hospital_outpatient"),
    (("professional", None, "CPT", None, "50", "0"), "modified"),
    (("professional", None, "CPT", None, "26|TC", "1"), "modified"),
    (("professional", None, "CPT", "PFS", "53", "0"), "modified"),
    (("professional", None, "CPT", None, "26|AS", "1"), "modified"),
    (("professional", None, "CPT", None, "LT|RT", "0"), "modified"),
    (("professional", None, "CPT", "PFS", "26|LT", "1"), "professional"),
    (("professional", None, "CPT", "PFS", None, "2"), "professional"),
    (("professional", None, "CPT", "PFS", None, "6"), "professional"),
    (("professional", None, "CPT", "PFS", "25", "8"), "professional"),
    (("professional", None, "CPT", "PFS", "TC", "1"), "technical"),
    (("professional", None, "CPT", "PFS", None, "3"), "technical"),
    (("professional", None, "CPT", "PFS", None, "1"), "whole"),
    (("professional", None, "CPT", "PFS", "25|59", "4"), "whole"),
    (("professional", None, "CPT", "PFS", None, None), "whole"),
    (("both", None, "CPT", None, None, "0"), "unstated"),
    (("both", None, "CPT", None, "26", "1"), "professional"),
    ((None, None, "CPT", None, None, None), "unstated"),
]
PLACES = [
    # billing class, benchmark_setting, places of service -> place
    (("professional", "nonfacility", ["11", "05"]), "office"),
    (("professional", "facility", ["21"]), "facility"),
    (("professional", "facility", ["CSTM-00"]), "facility"),
    (("professional", "mixed", ["11", "22"]), "mixed"),
    (("professional", "unstated", ["CSTM-00"]), "any"),
    (("professional", "unstated", []), "unstated"),
    (("professional", "unreadable", None), None),
    (("professional", None, ["05", "07"]), None),
    (("institutional", "facility", ["22"]), None),
    (("both", "nonfacility", ["11"]), None),
]
UNITS = [
    (("negotiated",), "dollars"), (("derived",), "dollars"), (("Fee Schedule",), "dollars"),
    (("percentage",), "percentage"), (("per diem",), "per diem"), ((None,), None),
]
# fmt: on


@pytest.mark.parametrize(("macro", "table"), [("rate_part", PARTS), ("rate_place", PLACES), ("rate_unit", UNITS)])
def test_each_row_of_the_table(con, macro, table):
    got = answers(con, macro, [arguments for arguments, _ in table])
    assert [(a, g) for (a, _), g in zip(table, got, strict=True)] == table


def test_every_word_is_shown():
    assert {part for _, part in PARTS} == set(rate_parts.PARTS)
    assert {place for _, place in PLACES} - {None} == set(rate_parts.PLACES)
    assert {unit for _, unit in UNITS} - {None} == set(rate_parts.UNITS)

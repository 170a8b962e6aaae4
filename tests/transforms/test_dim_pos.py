"""dim_pos: of which kind a place of service is, from a day on."""

from __future__ import annotations

import pytest

from reference_tables import connection, run, stage


def kinds(*listed: tuple[str, bool | None, str, str]) -> dict[str, list[tuple[str, str | None]]]:
    """pos -> (effective_from, kind), of lists as (pos, facility, name, file)."""
    con = connection()
    columns = ("pos", "facility", "pos_name", "source_file")
    stage(con, "staged_pos_code", [dict(zip(columns, row, strict=True)) for row in listed])
    found: dict[str, list] = {}
    for pos, day, _, kind, _ in run(con, "dim_pos"):
        found.setdefault(pos, []).append((day, kind))
    return {pos: sorted(rows) for pos, rows in found.items()}


POLICY = {
    **{pos: [("1992-01-01", "neutral")] for pos in ("05", "06", "07", "08")},
    "10": [("1992-01-01", "neutral"), ("2024-01-01", "nonfacility")],
}


def test_policy_stands_without_any_list():
    assert kinds() == POLICY


def test_a_list_does_not_decide_where_policy_does():
    """CMS's proposal for 2003 had 06 and 08 as facilities, and lists still carry it."""
    assert (
        kinds(("06", True, "Provider-based", "a"), ("05", False, "Free-standing", "a"), ("10", True, "Home", "a"))
        == POLICY
    )


@pytest.mark.parametrize(
    ("listed", "kind"),
    [
        ([("21", True, "Hospital", "a")], "facility"),
        ([("11", False, "Office", "a")], "nonfacility"),
        ([("11", False, "Office", "a"), ("11", False, "Office", "b")], "nonfacility"),
        ([("27", None, "Unassigned", "a"), ("27", False, "Street", "b")], "nonfacility"),  # the older list knew it not
        ([("28", None, "Unassigned", "a")], "unassigned"),
        ([("11", None, "Office", "a")], None),  # a list without kinds
        ([("11", None, "Office", "a"), ("11", False, "Office", "b")], "nonfacility"),
        ([("11", True, "Office", "a"), ("11", False, "Office", "b")], None),  # the lists differ
        ([("11", None, None, "a")], None),
    ],
)
def test_kinds_of_lists(listed, kind):
    assert kinds(*listed) == POLICY | {listed[0][0]: [("1992-01-01", kind)]}


def test_names_and_what_a_kind_rests_on():
    con = connection()
    stage(
        con,
        "staged_pos_code",
        [{"pos": p, "facility": True, "pos_name": n, "source_file": "pos.csv"} for p, n in (("06", "A"), ("21", "B"))],
    )
    found = {row[:2]: row[2:] for row in run(con, "dim_pos")}
    assert found["21", "1992-01-01"] == ("B", "facility", "list: pos.csv")
    assert found["06", "1992-01-01"] == ("A", "neutral", "policy: Claims Processing Manual 12, 20.4.2 does not name it")

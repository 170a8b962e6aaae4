"""xref_pos: sets of places of service, code by code."""

from __future__ import annotations

from reference_tables import connection, run, stage

CODES = [
    {"pos": "11", "pos_name": "Office", "facility": False, "source_file": "a"},
    {"pos": "24", "pos_name": "Ambulatory Surgical Center", "facility": True, "source_file": "a"},
    {"pos": "28", "pos_name": "Unassigned", "facility": None, "source_file": "a"},
    {"pos": "11", "pos_name": "Office", "facility": False, "source_file": "b"},
]


def test_the_wildcard_lists_every_assigned_code():
    con = connection()
    stage(con, "staged_pos_code", CODES)
    stage(
        con,
        "dim_pos_set",
        [
            {"pos_set_id": "empty", "pos_members": []},
            {"pos_set_id": "one", "pos_members": ["11"]},
            {"pos_set_id": "wild", "pos_members": ["11", "CSTM-00"]},
        ],
    )
    assert run(con, "xref_pos") == [
        ("one", "11", False),
        ("wild", "11", False),
        ("wild", "24", True),
        ("wild", "CSTM-00", False),
    ]


def test_nothing_known_gives_what_is_written():
    con = connection()
    assert run(con, "xref_pos") == []
    stage(con, "dim_pos_set", [{"pos_set_id": "wild", "pos_members": ["CSTM-00"]}])
    assert run(con, "xref_pos") == [("wild", "CSTM-00", False)]

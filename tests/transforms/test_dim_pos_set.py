"""The sets of places of service that rates are for."""

from __future__ import annotations

from dimension_rows import NEW, OLD, made
from pipeline import naming


def test_one_row_a_set():
    """Whatever number of files has it; the empty set is one."""
    office, nowhere = naming.pos_set_id(["11"]), naming.pos_set_id([])
    rows = [{"file": f, "pos_set_id": office, "pos_members": ["11"]} for f in (OLD, NEW)]
    rows.append({"file": NEW, "pos_set_id": nowhere, "pos_members": []})
    brought = [{"pos_set_id": uid, "pos_members": ["99"], "batch_id": "s"} for uid in (office, "own id")]
    assert made("dim_pos_set", staged_pos_set=rows, star_pos_set=brought) == [
        (office, ["11"]),
        (nowhere, []),
        ("own id", ["99"]),
    ]


def test_no_source_no_row():
    assert made("dim_pos_set", []) == []

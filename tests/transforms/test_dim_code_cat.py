"""dim_code_cat: the latest category of a code."""

from __future__ import annotations

from reference_tables import connection, run, stage


def test_the_latest_of_each_code():
    con = connection()
    rows = [
        {"proc_cd": "1", "effective_from": "2014-01-01", "procedure_set": "a"},
        {"proc_cd": "1", "effective_from": "2016-01-01", "procedure_set": "b"},
    ]
    stage(con, "dim_code_cat_history", rows)
    assert run(con, "dim_code_cat") == [("1", "b", None, None)]


def test_nothing_known_gives_no_row():
    assert run(connection(), "dim_code_cat") == []

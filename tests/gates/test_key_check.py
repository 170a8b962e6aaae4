"""The check of a table's key in its suite follows from the declaration, and is written there by a command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import duckdb
import pytest

import kit
from pipeline import tables
from pipeline.gates import key_check

SUITES = kit.REPOSITORY / "expectations"


def test_every_suite_checks_the_key_that_is_declared(tmp_path):
    folder = shutil.copytree(SUITES, tmp_path / "expectations")
    assert key_check.write(folder) == []


def test_a_key_that_is_declared_anew_is_written_with_the_notes_kept(tmp_path, monkeypatch):
    folder = shutil.copytree(SUITES, tmp_path / "expectations")
    declared = tables.get("bench_wcfs")
    monkeypatch.setitem(tables.load(), "bench_wcfs", replace(declared, key=("state", "code")))
    before = json.loads((folder / "bench_wcfs.json").read_text())["expectations"]
    assert key_check.write(folder) == ["bench_wcfs"]
    after = json.loads((folder / "bench_wcfs.json").read_text())["expectations"]
    (changed,) = [one for one in after if one not in before]
    assert changed["description"] == "state and code are unique together."
    assert changed["notes"] in [one["notes"] for one in before]
    assert len(after) == len(before)


def test_a_suite_without_the_check_gets_it(tmp_path):
    (tmp_path / "star_tin.json").write_text(json.dumps({"name": "star_tin", "notes": "…", "expectations": []}))
    assert key_check.write(tmp_path) == ["star_tin"]
    (made,) = json.loads((tmp_path / "star_tin.json").read_text())["expectations"]
    assert (made["severity"], made["description"]) == (
        "critical",
        "tin_type and tin_value are unique together, never null.",
    )


@pytest.mark.parametrize("by_hash", [False, True])
def test_it_finds_what_stands_twice_and_what_is_null(by_hash):
    rows = "SELECT * FROM (VALUES ('a', 1), ('a', 1), ('a', 2), (NULL, 3), ('b', NULL)) AS t(x, y)"
    query = key_check.expectation(("x", "y"), ("x",), by_hash=by_hash)["kwargs"]["unexpected_rows_query"]
    found = duckdb.sql(query.format(batch=f"({rows}) AS t")).fetchall()
    assert found == [("a", 1, 2), (None, 3, 1)]

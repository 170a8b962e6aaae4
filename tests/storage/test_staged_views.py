"""Staged sets of before a column was declared: each column that came later says what it is where a set lacks it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import pytest

from kit import build
from pipeline import errors, tables
from pipeline.storage import staged_views
from small_sources import JULY, rates, rows

TABLE = tables.Table(
    "t",
    "staged/t",
    {"npi": "string", "rate": "float64", "kind": "string", "known": "bool"},
    (),
    later={"kind": "plain"},
)
NOW = TABLE.columns


def file(folder: Path, name: str, select: str) -> Path:
    duckdb.sql(f"COPY ({select}) TO '{folder / name}' (FORMAT parquet)")
    return folder / name


def test_files_with_and_without_a_later_column_are_one_view(tmp_path):
    old = file(tmp_path, "old.parquet", "SELECT '1' AS npi, 1 AS rate, TRUE AS known")
    new = file(tmp_path, "new.parquet", "SELECT '2' AS npi, 2.5::DOUBLE AS rate, 'odd' AS kind, FALSE AS known")
    had = {"npi": "string", "rate": "int64", "known": "bool"}
    select = staged_views.scan(TABLE, [(new, NOW), (old, had), (new, None)])
    relation = duckdb.sql(f"SELECT * FROM ({select}) ORDER BY npi")
    assert relation.columns == list(TABLE.columns)
    assert [str(kind) for kind in relation.types] == list(TABLE.duckdb_columns.values())
    assert relation.fetchall() == [("1", 1.0, "plain", True), ("2", 2.5, "odd", False), ("2", 2.5, "odd", False)]


def test_a_column_that_declares_no_value_is_refused_with_the_file(tmp_path):
    with pytest.raises(errors.SourceError, match="lacks the column known of t") as refused:
        staged_views.scan(TABLE, [(tmp_path / "old.parquet", {"npi": "string", "rate": "float64"})])
    assert refused.value.place == str(tmp_path / "old.parquet")


@pytest.mark.slow
def test_a_missing_source_is_used_after_a_column_was_declared(two_months, monkeypatch):
    """A column `later_one` of staged_price, which every reader of now would have to write."""
    assert build(two_months).ok
    before = rates(two_months)
    (two_months / JULY).unlink()
    former = tables.get("staged_price")
    columns = {**former.columns, "later_one": "string"}
    changed = dataclasses.replace(former, columns=columns, later={"later_one": "not stated"})
    monkeypatch.setitem(tables.REGISTRY, "staged_price", changed)
    august = two_months / "raw/mrf/GA/acme_08.json"
    aside = august.rename(
        two_months / "aside.json"
    )  # else it would be read again, by a reader that knows no such column
    outcome = build(two_months)
    assert [one.name for one in outcome.deciding] == [JULY, "raw/mrf/GA/acme_08.json"]
    assert (outcome.failures, outcome.incomplete) == ([], [])
    assert {e["label"] for e in outcome.events if e["event"] == "done"} >= {"gold/fact_rate_2025-07"}
    assert rates(two_months) == before
    assert rows(two_months, "SELECT count(*) FROM dim_code") == [(2,)]
    aside.unlink()

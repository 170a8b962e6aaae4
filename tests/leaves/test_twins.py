"""Leaves whose names differ by case alone, on a file system that tells names apart, and on one that does not.

No file system that folds case is at hand wherever tests run: what the probe answers is set (`folding.of`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

import kit
import small_sources
from pipeline.storage import folding
from pipeline.storage.folding import Folding

HEAD = "hcpcs_code,rbcs_procedure,rbcs_category,rbcs_subcategory,rbcs_family,hcpcs_date_added,hcpcs_date_ended,rbcs_date_effective"
TREE = "gold/fact_rate_enriched/payer_slug=acme/state=GA/billing_class=professional"


def categories(root: Path, **of: str) -> Path:
    """The category of each code."""
    lines = [
        f"{code[1:]},Non-Procedure,{name},Office,No RBCS Family,1989-01-01,9999-12-31,2014-01-01"
        for code, name in of.items()
    ]
    (root / "raw" / "codes").mkdir(exist_ok=True, parents=True)
    (root / "raw" / "codes" / "rbcs_2024.csv").write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    return root


def leaves(root: Path) -> list[str]:
    """The categories of which there is a leaf."""
    return sorted(path.relative_to(root / TREE).parts[0] for path in (root / TREE).rglob("*.parquet"))


@pytest.fixture
def folds(monkeypatch) -> None:
    """A file system that takes `A` and `a` for one name, as far as the product is told."""
    monkeypatch.setattr(folding, "of", lambda folder: Folding(case=True))


@pytest.fixture
def root(tmp_path) -> Path:
    """A payer's rates of two codes, whose categories differ by case alone; not yet built."""
    small_sources.put(tmp_path, "GA/a.json", "Acme", "2025-08", 1.0, 2.0)
    return categories(tmp_path, _99213="Visits", _99214="VISITS")


def test_where_names_are_told_apart_both_are_written(root):
    assert kit.build(root).ok
    assert leaves(root) == ["procedure_set=VISITS", "procedure_set=Visits"]


def test_where_they_are_not_both_are_named_and_no_leaf_of_the_month_is_written(root, folds):
    outcome = kit.build(root)
    (failed,) = outcome.failures
    assert failed["known"]
    assert failed["kind"] == "SharedNameError"
    assert "procedure_set=VISITS/" in failed["error"]
    assert "procedure_set=Visits/" in failed["error"]
    assert "mend one of the two values" in failed["error"]
    assert leaves(root) == []
    assert small_sources.rates(root) == {"2025-08": (2, 3.0)}  # the facts stand
    categories(root, _99213="Visits", _99214="Visits")
    assert kit.build(root).ok
    assert leaves(root) == ["procedure_set=Visits"]
    categories(root, _99213="visits", _99214="visits")  # the former leaf has the same place, and goes first
    assert kit.build(root).ok
    assert leaves(root) == ["procedure_set=visits"]
    assert kit.build(root).nothing_to_do

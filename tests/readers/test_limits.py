"""The limits of readers that have no room of their own, and what the documentation says of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import CorrectionError, SourceError
from pipeline.readers import corrections, limits, mrf_fields, provider_references, toc
from pipeline.readers.json_stream import cursor

DOCS = Path(__file__).parents[2] / "docs" / "limits.md"


def contents(structures: int, plan: int = 0) -> str:
    """A table of contents of so many structures, each with a file of its own; their plan differs where it is told."""
    return json.dumps(
        {
            "reporting_structure": [
                {
                    "reporting_plans": [{"plan_name": f"plan {number * plan}", "plan_id": "1"}],
                    "in_network_files": [{"location": f"https://example.org/{number}"}],
                }
                for number in range(structures)
            ]
        }
    )


def test_a_table_of_contents_that_lists_too_much_is_refused_by_its_place(tmp_path, monkeypatch):
    path = tmp_path / "index.json"
    path.write_text(contents(100))
    size = toc.read(path).size
    path.write_text(contents(100, plan=1))
    assert toc.read(path).size > size, "plans that differ are held each"
    monkeypatch.setattr(limits, "MOST_LISTED", size)
    path.write_text(contents(100))
    assert len(toc.read(path).files) == 100
    path.write_text(contents(101))
    with pytest.raises(SourceError, match=r"101 files and their plans up to reporting_structure\[100\]") as caught:
        toc.read(path)
    assert caught.value.offset == path.read_text().rindex('{"reporting_plans"')


def test_a_structure_that_is_too_large_is_refused_by_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 2_000)
    path = tmp_path / "index.json"
    path.write_text(contents(3).replace("example.org/2", "x" * 3_000))
    with pytest.raises(SourceError, match=r"at byte [0-9]+: reporting_structure\[2\].in_network_files\[0\].location"):
        toc.read(path)


def test_groups_of_a_reference_that_are_too_large_are_refused_by_their_place(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 2_000)
    group = {"npi": [1234567893] * 500, "tin": {"type": "ein", "value": "123456789"}}
    path = tmp_path / "groups.json"
    path.write_text(json.dumps({"provider_groups": [group]}))
    with pytest.raises(SourceError, match=r"at byte 20: provider_groups\[0\]\.npi\["):
        provider_references.read(path)


def test_addresses_are_found_behind_items_of_any_size(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 2_000)
    monkeypatch.setattr(cursor, "_AT_HAND", 500)
    item = {"negotiated_rates": [{"negotiated_prices": [{"negotiated_rate": 1.5}] * 50}] * 50}
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"in_network": [item] * 3, "provider_references": [{"location": " https://a "}]}))
    assert list(provider_references.locations(path)) == ["https://a"]


def test_corrections_that_are_too_large_are_refused_by_name(tmp_path):
    path = tmp_path / "all.yml"
    path.write_text("# " + "x" * limits.MOST_ENTRIES)
    with pytest.raises(CorrectionError, match="holds more than 1 MB, the most that is read of corrections"):
        corrections.read(path)
    path.write_text("# " + "x" * (limits.MOST_ENTRIES - 2))
    assert corrections.read(path) == []


def test_a_rate_of_any_length_is_refused_before_it_is_a_number():
    with pytest.raises(mrf_fields.Unreadable, match=r"negotiated_rate is beyond any amount: 1{40}$"):
        mrf_fields.rate("1" * 2_000_000)


def test_the_documentation_says_what_the_limits_are():
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    sizes = [getattr(limits, name) for name in vars(limits) if name.startswith("MOST_")]
    assert len(sizes) > 10
    for size in sizes:
        said = limits.megabytes(size) if size >= 1 << 20 and not size % (1 << 20) else f"{size:,}"
        assert said in text, said

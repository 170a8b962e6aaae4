"""Names that are too long for a file's name, in folders that go deep, and two paths that differ by a dot alone.

A name of a file or folder may have 255 bytes. What is built of a raw file is named by its id; a payer's folder has its
name, shortened where it is too long.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import kit
import small_sources
from pipeline import naming, partition
from pipeline.operations import verify

# As published: an enumeration of affiliates, of 359 characters.
ENTITY = "Larkspur Health Plan, Inc., and its subsidiaries, affiliates and delegated entities, including " + ", ".join(
    f"Larkspur of Region {number}" for number in range(12)
)
TWIN = f"{ENTITY} and Region 12"  # a name that begins alike
DEEP = (
    "GA/blue-cross-blue-shield-of-georgia/commercial-large-group-and-self-insured/2025-08-01/downloaded-from-table-of-contents/"
    "in-network-files/part-01-of-12/2025-08-01_blue-cross-blue-shield-of-georgia_open-access-pos_in-network-rates.json"
)
# Path under raw/mrf -> payer, amount.
FILES = {
    "GA/larkspur.json": (ENTITY, 100.0),
    "GA/twin.json": (TWIN, 200.0),
    "GA/" + "x" * 245 + ".json": ("Acme Health", 300.0),
    "GA/" + "é" * 125 + ".json": ("Bolt Care", 400.0),
    DEEP: ("Cedar Plan", 500.0),
    "GA/a.b.json": ("Dune Health", 600.0),
    "GA/a/b.json": ("Elm Health", 700.0),
}


@pytest.fixture(scope="module")
def built(built_once) -> Path:
    """A warehouse of these files, built."""

    def make(root: Path) -> None:
        for name, (payer, amount) in FILES.items():
            small_sources.put(root, name, payer, "2025-08", amount)
        assert kit.build(root).ok

    return built_once("long_names", make)


def test_each_file_has_its_rows(built):
    assert len(DEEP) >= 233
    assert len(ENTITY) == 359
    found = small_sources.rows(built, "SELECT payer_slug, sum(negotiated_rate) FROM fact_rate_enriched GROUP BY ALL")
    assert dict(found) == {naming.slugify(payer): amount for payer, amount in FILES.values()}


def test_every_name_that_was_made_has_255_bytes_at_most_and_a_short_one_is_as_it_was(built):
    names = [name for _, folders, files in os.walk(built) for name in (*folders, *files)]
    assert max(len(os.fsencode(name)) for name in names) == 255
    payers = sorted(path.name for path in (built / "gold" / "fact_rate_enriched").iterdir())
    assert len(payers) == 7
    assert payers[:4] == [f"payer_slug={one}" for one in ("acme_health", "bolt_care", "cedar_plan", "dune_health")]
    assert all(len(name) == 255 for name in payers[-2:])
    assert all(name.startswith("payer_slug=larkspur_health_plan_inc_and_its_subsidiaries") for name in payers[-2:])


def test_the_manifest_has_the_whole_value_and_the_leaf_where_it_is(built):
    rows = small_sources.rows(built, "SELECT payer_slug, state, path FROM partition_manifest")
    assert {slug for slug, _, _ in rows} == {naming.slugify(payer) for payer, _ in FILES.values()}
    for slug, state, path in rows:
        assert state == "GA"
        assert f"/{partition.folder({'payer_slug': slug}, ('payer_slug',))}/" in path
        assert small_sources.rows(
            built, f"SELECT payer_slug FROM read_parquet('{built / path}', hive_partitioning = false)"
        ) == [(slug,)]


def test_a_long_leaf_is_told_why_and_built_again(built, tmp_path):
    root = kit.copy(built, tmp_path / "warehouse")
    assert kit.build(root).ok
    small_sources.look(root)
    assert list(verify.verify(deep=True)) == []
    assert kit.build(root).nothing_to_do
    ((name, path),) = small_sources.rows(
        root, f"SELECT partition, path FROM partition_manifest WHERE payer_slug = '{naming.slugify(TWIN)}'"
    )
    before = (root / path).read_bytes()
    (root / path).unlink()
    assert kit.ratehouse(root, "rerun", name, "--month", "2025-08", "--local-scheduler").returncode == 0
    assert (root / path).read_bytes() == before


def test_each_file_has_its_own_results_of_the_gates(built):
    ids = {
        path.name.split(".")[2].partition("~")[0]
        for path in (built / ".state" / "gates").iterdir()
        if path.name.startswith("staged.mrf")
    }
    assert len(ids) == len(FILES)

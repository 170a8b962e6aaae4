"""What a build is said to need: of each file system, by the raw files that it will read and the tables that exist."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import kit
from pipeline import session
from pipeline.operations import build, disk_need
from pipeline.operations.disk_need import Amount
from pipeline.storage import file_systems
from pipeline.storage.file_systems import FileSystem


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = kit.small(tmp_path_factory.mktemp("need") / "warehouse")
    assert kit.build(root).ok
    return root


@pytest.fixture
def copy(built, tmp_path):
    return kit.linked_copy(built, tmp_path / "warehouse")


def needs(root):
    session.use(root)
    build.clear_caches()
    (need,) = disk_need.estimate(session.current(), build.sources())
    return need


def test_a_first_build_needs_more_than_it_takes_in_the_end(built, tmp_path):
    first = needs(kit.small(tmp_path / "warehouse"))
    met, taken = set(), 0
    for folder, _, names in os.walk(built):
        if "raw" not in Path(folder).parts:
            for info in map(os.stat, (folder, *(os.path.join(folder, name) for name in names))):  # noqa: PTH118
                taken += info.st_blocks * 512 if info.st_ino not in met else 0
                met.add(info.st_ino)
    assert taken < first.least_bytes <= first.most_bytes < 10 * taken
    assert len(met) < first.least_inodes < 10 * len(met)


def test_where_only_a_catalog_is_written_no_table_counts(copy):
    need = needs(copy)
    size = (copy / "warehouse.duckdb").stat().st_size
    assert (need.least_bytes, need.least_inodes) == (2 * size, 0)  # the new one, and as much while it is made


def test_a_new_file_is_estimated_by_what_the_built_one_came_to(copy):
    before = needs(copy)
    name = copy / "raw" / "mrf" / kit.SMALL
    shutil.copy(name, name.with_name("2025-09_another_in-network-rates.json"))
    need = needs(copy)
    staged = sum(one.stat().st_size for one in (copy / "staged" / "mrf").rglob("*.parquet"))
    leaf = next((copy / "gold" / "fact_rate_enriched").rglob("*.parquet")).stat().st_size
    sharded = [*copy.glob("*/*_2025-08*.parquet"), *copy.glob("staged/enriched/*.parquet")]
    tables = sum(one.stat().st_size for one in sharded)
    catalog = before.least_bytes / 2
    kept = staged + tables + catalog
    assert need.least_bytes == pytest.approx(kept + max(leaf + 10_000, kept), rel=0.001)
    assert need.most_bytes > need.least_bytes  # its rows may be of the month that exists


def test_a_changed_file_counts_its_own_month_again_at_most(copy):
    with open(copy / "raw" / "mrf" / kit.SMALL, "a", encoding="utf-8") as file:
        file.write("\n")
    need = needs(copy)
    sharded = sum(one.stat().st_size for one in [*copy.glob("*/*_2025-08*.parquet"), *copy.glob("staged/enriched/*")])
    assert need.most_bytes - need.least_bytes > sharded


def test_a_packed_file_counts_as_what_is_in_it(tmp_path):
    text = os.urandom(1000) * 50
    (tmp_path / "a.json").write_bytes(text)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.json", text)
    (tmp_path / "b.JSON.GZ").write_bytes(gzip.compress(os.urandom(1000)))
    (tmp_path / "broken.zip").write_bytes(b"PK")
    size = (tmp_path / "b.JSON.GZ").stat().st_size
    assert disk_need.opened_bytes(tmp_path / "a.json") == disk_need.opened_bytes(tmp_path / "a.zip") == 50_000
    assert disk_need.opened_bytes(tmp_path / "b.JSON.GZ") == round(13.9 * size)
    assert disk_need.opened_bytes(tmp_path / "broken.zip") == round(13.9 * 2)
    assert disk_need.opened_bytes(tmp_path / "gone.json") == 0


def test_what_is_sorted_on_disk_counts_where_it_is_more_than_the_leaves():
    all_of_it = {"staged", "gold", ".objects", ".scratch"}
    assert disk_need._bytes(all_of_it, Amount(staged=100, tables=900)) == 2000
    assert disk_need._bytes(all_of_it, Amount(staged=100, tables=900, leaf_bytes=400, leaves=0.01)) == 2000
    assert disk_need._bytes(all_of_it, Amount(staged=100, tables=900, leaf_bytes=1000, leaves=1)) == 12_000
    assert disk_need._inodes(all_of_it, Amount(leaves=5, inodes=7)) == 22


@pytest.mark.parametrize(
    ("elsewhere", "there", "here"),
    [
        ({"gold"}, (1910, 15), (2010, 12)),
        ({".objects"}, (2010, 12), (2010, 22)),
        ({"staged", ".scratch"}, (1100, 7), (2010, 22)),
    ],
)
def test_each_disk_needs_what_its_folders_hold(tmp_path, monkeypatch, elsewhere, there, here):
    asked = file_systems.of
    monkeypatch.setattr(disk_need, "LEAF_EXTRA_BYTES", 10)

    def of(path):
        found = asked(path)
        return replace(found, device=-1, mount=Path("/other")) if path.name in elsewhere else found

    monkeypatch.setattr(file_systems, "of", of)
    whole = Amount(staged=100, tables=900, leaf_bytes=960, leaves=5, inodes=7)
    needs = disk_need.by_file_system(session.use(kit.small(tmp_path / "warehouse")), Amount(), whole)
    assert [one.disk.mount == Path("/other") for one in needs] == [False, True]
    assert [(one.most_bytes, one.most_inodes) for one in needs] == [here, there]


def test_bytes_and_inodes_are_short_each_for_itself():
    disk = FileSystem(Path("/"), 1, 10_000, 100)
    need = disk_need.Need(disk, 5_000, 10_001, 50, 100)
    assert (need.bytes_short, need.inodes_short) == (True, False)
    need = disk_need.Need(disk, 5_000, 10_000, 50, 101)
    assert (need.bytes_short, need.inodes_short) == (False, True)
    endless = FileSystem(disk.mount, 1, 10_000, None)
    assert not disk_need.Need(endless, 1, 1, 10**9, 10**9).inodes_short

"""A warehouse of which a folder is on another disk, linked into its place: built as any, byte for byte, and safe from kills."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import kit
import small_sources
from pipeline.storage import targets

# Each of these, linked to a folder of another file system.
FOLDERS = ["gold", ".objects", "staged", ".scratch", "gold/fact_rate_enriched"]
ALL = ["dims", "xrefs", "bench", "quarantine", "docs", ".state"]


def on_another_disk(root: Path, other_disk: Path, folders: list[str]) -> Path:
    """Those folders of a warehouse that is not yet built, each as a link to one on the other disk."""
    for folder in folders:
        place = other_disk / folder.replace("/", "-")
        place.mkdir()
        (root / folder).parent.mkdir(exist_ok=True)
        (root / folder).symlink_to(place)
    return root


def drafts(*folders: Path) -> list[str]:
    """The copies that were begun and not ended."""
    names = [name for folder in folders for _, _, found in os.walk(folder) for name in found]
    return [name for name in names if name.startswith(targets.DRAFT_BEGINS)]


def published(root: Path) -> dict[str, str]:
    """Every Parquet file by its path, the folders that are links included."""
    found = {}
    for folder, _, files in os.walk(root, followlinks=True):
        for name in files:
            path = Path(folder, name)
            if name.endswith(".parquet") and not path.is_relative_to(root / "raw"):
                found[path.relative_to(root).as_posix()] = targets.file_hash(path)
    return found


@pytest.fixture(scope="module")
def plain(two_months_built: Path) -> dict[str, str]:
    """What is published where all is on one disk."""
    return published(two_months_built)


@pytest.mark.parametrize("folders", [FOLDERS[:1], [*FOLDERS[1:], *ALL]], ids=["gold", "all but gold"])
def test_folders_on_another_disk_are_built_as_any(tmp_path, other_disk, plain, folders):
    root = on_another_disk(small_sources.two_months(tmp_path / "warehouse"), other_disk, folders)
    assert kit.build(root).ok
    assert all((root / folder).is_symlink() for folder in folders)
    assert published(root) == plain
    assert small_sources.rates(root) == small_sources.BOTH
    assert drafts(root, other_disk) == []
    assert (root / "docs" / "index.html").exists()
    assert kit.build(root).nothing_to_do
    small_sources.put(root, "GA/acme_08.json", "Acme Health", "2025-08", 1.5, npi=small_sources.B)
    assert kit.build(root).ok
    assert small_sources.rates(root) == {"2025-07": (2, 205.5), "2025-08": (1, 1.5)}
    assert all((root / folder).is_symlink() for folder in folders)
    assert kit.build(root).nothing_to_do


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["gold", ".objects", "staged", ".scratch", ".state"])
def test_killed_at_any_copy_the_next_build_ends_as_an_undisturbed_one(server, tmp_path, other_disk, plain, folder):
    root = on_another_disk(small_sources.two_months(tmp_path / "warehouse"), other_disk, [folder])
    for step in ("open", "fsync", "remove"):  # before its bytes, before it takes its place, before its source goes
        for number in (1, 2):
            assert server.build(root, f"kill {step} {number} any {targets.DRAFT_BEGINS}").code == -9, (step, number)
    left = drafts(root, other_disk)
    found = server.run(root, "verify").text
    assert all(name in found for name in left)
    assert "belongs to no table" not in found
    said = server.build(root)
    assert said.code == 0, said.text
    assert drafts(root, other_disk) == []
    assert published(root) == plain
    assert server.run(root, "verify", "--deep").text == "no problems\n"
    assert server.build(root).text.startswith("nothing to do")

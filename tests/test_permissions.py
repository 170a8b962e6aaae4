"""What is made may be read and written by whom the root may, whatever the umask: every kind of file, by every writer."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

import kit
from pipeline import permissions, settings


@pytest.fixture
def umask():
    """The umask of one who keeps all to himself; afterwards the one that was."""
    former = os.umask(0o077)
    yield
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("of_root", "of_folders", "of_files"),
    [
        (0o2775, 0o2775, 0o664),
        (0o755, 0o755, 0o644),
        (0o750, 0o750, 0o640),
        (0o700, 0o700, 0o600),
        (0o1777, 0o700, 0o600),  # as /tmp: the umask stays
    ],
)
def test_what_is_made_has_the_mode_of_the_folder(tmp_path, umask, of_root, of_folders, of_files):
    tmp_path.chmod(of_root)
    permissions.follow(tmp_path / "not" / "there")
    (tmp_path / "inner").mkdir()
    (tmp_path / "file").touch()
    assert (mode(tmp_path / "inner"), mode(tmp_path / "file")) == (of_folders, of_files)


def test_the_umask_stays_by_setting(tmp_path, umask):
    tmp_path.chmod(0o755)
    settings.override("warehouse", "file_mode", "umask")
    try:
        permissions.follow(tmp_path)
    finally:
        settings.load()
    (tmp_path / "file").touch()
    assert mode(tmp_path / "file") == 0o600


@pytest.mark.slow
def test_every_file_of_a_build_has_the_mode_of_the_root(tmp_path):
    """With two workers, and of a second build too; the bytes are those of another umask."""
    one, two = (kit.small(tmp_path / name) for name in ("one", "two"))
    one.chmod(0o2775)
    build_as(0o022, two)
    build_as(0o077, one)
    assert kit.contents(one) == kit.contents(two)
    kit.change_rate(one)
    build_as(0o077, one)
    made = [path for path in one.rglob("*") if path.relative_to(one).parts[0] not in ("raw", "luigi.cfg")]
    assert len(made) > 100
    assert [path for path in made if mode(path) != (0o2775 if path.is_dir() else 0o664)] == []


def build_as(umask: int, root: Path) -> None:
    said = kit.ratehouse(root, "build", "--workers", "2", "--local-scheduler", umask=umask)
    assert said.returncode == 0, said.stderr


def test_a_warehouse_is_laid_out_for_whom_the_folder_is(tmp_path):
    tmp_path.chmod(0o2775)
    said = kit.ratehouse(None, "init", str(tmp_path / "new"), umask=0o077)
    assert said.returncode == 0, said.stderr
    assert {mode(path) for path in (tmp_path / "new").rglob("*")} == {0o2775, 0o664}

"""What a build says of the disk before it begins: one line, and a warning only where less is free."""

from __future__ import annotations

from pathlib import Path

import pytest

import kit
from pipeline import session
from pipeline.cli import disk
from pipeline.operations.disk_need import Need
from pipeline.storage.file_systems import FileSystem

MB = 1_000_000


@pytest.fixture(autouse=True)
def root(tmp_path):
    return session.use(kit.small(tmp_path / "warehouse"))


def need(free=100 * MB, files=10_000, *, least=20 * MB, most=30 * MB, inodes=(1_234, 5_678)):
    return Need(FileSystem(Path("/data"), 1, free, files), least, most, *inodes)


def said(capsys, need: Need) -> str:
    disk.say_needs([need])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(len(line) <= 80 for line in printed.err.splitlines() if "--root" not in line)
    return kit.words(printed.err)


def test_where_enough_is_free_there_is_one_line(capsys):
    assert said(capsys, need()) == "disk: needs 20.0 MB to 30.0 MB and 1,300 to 5,700 files; 100 MB are free"
    assert said(capsys, need(least=30 * MB, inodes=(0, 0))) == "disk: needs about 30.0 MB; 100 MB are free"


def test_each_of_several_disks_has_a_line(capsys):
    other = Need(FileSystem(Path("/other"), 2, MB, None), MB, MB, 0, 0)
    disk.say_needs([need(), other])
    first, second = capsys.readouterr().err.replace("\n  ", " ").splitlines()
    assert first.startswith("the disk at /data: needs 20.0 MB to 30.0 MB")
    assert second == "the disk at /other: needs about 1.0 MB; 1.0 MB are free"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"free": 19 * MB}, "is too full for this build, which needs 20.0 MB to 30.0 MB, and 19.0 MB are free."),
        ({"free": 29 * MB}, "may be too full for this build, which needs 20.0 MB to 30.0 MB, and 29.0 MB are free."),
        ({"files": 5_000}, "may be too full for this build, which makes 1,300 to 5,700 files, and has room for 5,000."),
        ({"files": 0}, "is too full for this build, which makes 1,300 to 5,700 files, and has room for 0."),
    ],
)
def test_a_warning_says_what_is_lacking_and_what_to_do(capsys, root, given, words):
    text = said(capsys, need(**given))
    assert f"WARNING: the disk at /data {words}" in text
    assert "Free some space, or move the warehouse." in text
    assert text.endswith(f"--root {root.path} stats --disk")

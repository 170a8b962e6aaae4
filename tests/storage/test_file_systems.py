"""Where a path is mounted and what is free there, beside what the shell's `df` and `stat` say."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pipeline.storage import file_systems

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks GNU's df and stat")


@on_linux
def test_a_path_that_is_still_to_be_made_is_on_the_disk_of_the_folder_that_exists(tmp_path):
    found = file_systems.of(tmp_path / "gold" / "a=1" / "b=2")
    shown = subprocess.run(["df", "--output=target", tmp_path], capture_output=True, text=True, check=True).stdout
    assert str(found.mount) == shown.split("\n")[1]
    assert found.device == tmp_path.stat().st_dev
    assert found.free_bytes > 0


@on_linux
def test_another_file_system_has_its_own_mount():
    assert file_systems.of("/proc/self").mount.as_posix() == "/proc"


def test_a_system_that_counts_no_inodes_has_no_limit_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "statvfs", lambda _: SimpleNamespace(f_bavail=3, f_frsize=4096, f_files=0, f_favail=0), raising=False
    )
    found = file_systems.of(tmp_path)
    assert (found.free_bytes, found.free_files) == (3 * 4096, None)


@on_linux
def test_a_file_takes_blocks_and_not_its_length(tmp_path):
    place = tmp_path / "hole"
    with open(place, "wb") as file:
        file.truncate(10_000_000)
    blocks = subprocess.run(["stat", "-c", "%b %B", place], capture_output=True, text=True, check=True).stdout.split()
    assert file_systems.allocated(place.stat()) == int(blocks[0]) * int(blocks[1]) < 10_000_000

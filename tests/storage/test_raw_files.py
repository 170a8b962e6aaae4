"""Listing raw files: links, loops, what cannot be listed, names of leftovers."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.storage import raw_files
from pipeline.storage.raw_files import Repeated


def _make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_files_are_listed_by_their_path_in_order(tmp_path):
    _make(tmp_path, "GA/b/x.json", "GA/b.json", "GA/a.json", "TX/[1].json", "top.json")
    assert raw_files.walk(tmp_path) == raw_files.Listing(
        ("GA/a.json", "GA/b.json", "GA/b/x.json", "TX/[1].json", "top.json"), folders=("GA", "TX")
    )


def test_no_folder_is_not_an_empty_one(tmp_path):
    assert raw_files.walk(tmp_path) == raw_files.Listing()
    assert not raw_files.walk(tmp_path / "mrf").exists


def test_a_link_to_nothing_is_not_an_empty_folder(tmp_path):
    (tmp_path / "mrf").symlink_to(tmp_path / "disk" / "mrf")
    listing = raw_files.walk(tmp_path / "mrf")
    assert listing.exists
    assert listing.files == ()
    assert listing.unlistable == ((".", f"a link to {tmp_path}/disk/mrf, which is not there", 2),)


def test_a_file_where_a_folder_belongs_is_named(tmp_path):
    _make(tmp_path, "mrf")
    assert raw_files.walk(tmp_path / "mrf").unlistable == ((".", "Not a directory", 20),)


def test_links_to_folders_and_files_are_followed(tmp_path):
    other = _make(tmp_path / "disk", "GA/a.json", "GA/deep/b.json", "one.json")
    raw = _make(tmp_path / "raw", "TX/c.json")
    (raw / "GA").symlink_to(other / "GA")
    (raw / "TX" / "one.json").symlink_to(other / "one.json")
    listing = raw_files.walk(raw)
    assert listing.files == ("GA/a.json", "GA/deep/b.json", "TX/c.json", "TX/one.json")
    assert listing.folders == ("GA", "TX")
    assert not listing.unlistable
    assert not listing.repeated


def test_a_folder_with_two_names_keeps_the_one_that_is_no_link(tmp_path):
    raw = _make(tmp_path, "GA/a.json")
    (raw / "A").symlink_to(raw / "GA")
    (raw / "TX").symlink_to(raw / "GA")
    listing = raw_files.walk(raw)
    assert listing.files == ("GA/a.json",)
    assert listing.repeated == (Repeated("A", "GA"), Repeated("TX", "GA"))


def test_of_two_links_the_first_in_order_counts(tmp_path):
    raw, disk = _make(tmp_path / "raw", "TX/x.json"), _make(tmp_path / "disk", "a.json")
    (raw / "MD").symlink_to(disk)
    (raw / "GA").symlink_to(disk)
    listing = raw_files.walk(raw)
    assert listing.files == ("GA/a.json", "TX/x.json")
    assert listing.repeated == (Repeated("MD", "GA"),)


def test_loops_end(tmp_path):
    _make(tmp_path, "GA/a.json")
    (tmp_path / "GA" / "up").symlink_to(tmp_path)
    (tmp_path / "GA" / "self").symlink_to("self")
    listing = raw_files.walk(tmp_path)
    assert listing.files == ("GA/a.json",)
    assert listing.repeated == (Repeated("GA/up", "."),)
    assert listing.unlistable == (("GA/self", os.strerror(errno.ELOOP), errno.ELOOP),)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")
def test_names_that_are_not_utf_8_keep_their_bytes(tmp_path):
    with open(os.fsencode(tmp_path) + b"/r\xe9seau.json", "w"):
        pass
    (name,) = raw_files.walk(tmp_path).files
    assert os.fsencode(name) == b"r\xe9seau.json"
    assert (tmp_path / name).exists()


def test_a_dangling_link_and_a_socket_are_named(tmp_path, monkeypatch):
    (tmp_path / "gone.json").symlink_to("nowhere.json")
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("s.json")
        assert raw_files.walk(tmp_path).unlistable == (
            ("gone.json", "a link to nowhere.json, which is not there", 2),
            ("s.json", "it is neither a file nor a folder", 0),
        )


def test_what_systems_keep_is_not_entered(tmp_path):
    names = (".git/x.json", "lost+found/x.json", "__MACOSX/GA/x.json", "$RECYCLE.BIN/x.json", "GA/@eaDir/x.json")
    _make(tmp_path, "GA/a.json", *names)
    (tmp_path / "GA" / ".#a.json").symlink_to("me@host.123:1700000000")  # Emacs's lock
    listing = raw_files.walk(tmp_path)
    assert (listing.files, listing.unlistable, listing.folders) == (("GA/a.json",), (), ("GA",))


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_a_folder_that_may_not_be_listed_is_named(tmp_path):
    _make(tmp_path, "GA/closed/a.json", "GA/open/b.json", "lost+found/x")
    closed = [tmp_path / "GA" / "closed", tmp_path / "lost+found"]
    for folder in closed:
        folder.chmod(0)
    program = "import sys; from pathlib import Path; from pipeline.storage import raw_files as r; print(r.walk(Path(sys.argv[1])))"
    drop = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    try:
        command = [*drop, sys.executable, "-c", program, str(tmp_path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        for folder in closed:
            folder.chmod(0o700)
    expected = raw_files.Listing(
        ("GA/open/b.json",), (raw_files.Unlistable("GA/closed", "Permission denied", errno.EACCES),), folders=("GA",)
    )
    assert said.strip() == repr(expected)


def test_too_many_open_files_says_nothing_of_a_folder(tmp_path, monkeypatch):
    def full(path):
        raise OSError(24, "Too many open files")

    _make(tmp_path, "a")
    monkeypatch.setattr(os, "scandir", full)
    with pytest.raises(OSError, match="Too many open files"):
        raw_files.walk(tmp_path)


@pytest.mark.parametrize(
    "name",
    """Thumbs.db desktop.ini .DS_Store ._x.json x.json.crdownload x.json.aria2 x.json.part x.tmp x.json.download
    x.json~ #x.json# .x.json.swp x.swp ~$x.xlsx __MACOSX lost+found .git Unconfirmed.CRDOWNLOAD""".split(),
)
def test_leftovers_are_known_by_their_names(name):
    assert raw_files.is_leftover(name)


@pytest.mark.parametrize("name", ["x.json", "thumbs.db.json", "#.json", "##", "a~b.json", "parts.json", "$x.csv"])
def test_a_publishers_file_is_no_leftover(name):
    assert not raw_files.is_leftover(name)


def test_what_is_listed_elsewhere_is_not_listed_again(tmp_path):
    _make(tmp_path, "mrf/x.json", "other/GA/a.json")
    (tmp_path / "mrf" / "GA").symlink_to(tmp_path / "other" / "GA")
    mrf = raw_files.walk(tmp_path / "mrf")
    assert mrf.files == ("GA/a.json", "x.json")
    elsewhere = {key: f"mrf/{path}" for key, path in mrf.identities.items()}
    listing = raw_files.walk(tmp_path / "other", elsewhere=elsewhere)
    assert (listing.files, listing.repeated) == ((), (Repeated("GA", "mrf/GA"),))


def test_one_level_alone(tmp_path):
    _make(tmp_path, "a.json", "GA/b.json")
    (tmp_path / "TX").symlink_to(tmp_path / "GA")
    assert raw_files.walk(tmp_path, deep=False) == raw_files.Listing(("a.json",), folders=("GA", "TX"))

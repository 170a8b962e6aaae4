"""Publishing: the old file or the new one, kept untouched when it already holds the content."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from pipeline import errors, session
from pipeline.storage import targets
from pipeline.storage.chunked_file import Written


@pytest.fixture
def root(tmp_path):
    (tmp_path / "raw").mkdir()
    made = session.use(tmp_path)
    made.make_scratch()
    return made


def draft(root, text):
    path = root.scratch / "draft"
    path.write_text(text)
    return path


def publish(root, text, digest, former=None):
    target = root.path / "dims" / "t.parquet"
    written = Written(digest, 1, hashlib.sha256(text.encode()).hexdigest())
    return targets.publish(root, draft(root, text), target, written, former=former, in_object_store=True)


def identity(path):
    info = path.stat()
    return info.st_ino, info.st_mtime_ns


def test_a_published_file_is_a_hard_link_to_its_object(root):
    part = publish(root, "one", "d1")
    assert (root.path / part.path).read_text() == "one"
    assert (root.path / part.path).samefile(root.object("d1"))
    assert list(root.scratch.iterdir()) == []


def test_the_same_content_leaves_the_file_alone(root):
    part = publish(root, "one", "d1")
    before = identity(root.path / part.path)
    assert publish(root, "another encoding of one", "d1", former=part) == part
    assert identity(root.path / part.path) == before


def test_a_file_that_another_disk_takes_is_a_copy_as_old_as_its_source(root, other_disk):
    source = draft(root, "one")
    os.utime(source, ns=(5, 10**18))
    target = other_disk / "t"
    for text in ("none", "two"):
        if text != "none":
            target.write_text(text)
        targets.link(source, target, root.scratch)
        assert (target.read_text(), target.stat().st_mtime_ns) == ("one", 10**18)
        assert [path.name for path in other_disk.iterdir()] == ["t"]
    targets.replace(source, target)
    assert target.read_text() == "one"
    assert list(root.scratch.iterdir()) == []


@pytest.mark.parametrize("number", sorted(targets.NO_LINK))
def test_where_no_link_can_be_made_a_copy_is(root, monkeypatch, number):
    def refuse(source, target):
        raise OSError(number, os.strerror(number), source, None, target)

    monkeypatch.setattr(os, "link", refuse)
    part = publish(root, "one", "d1")
    assert part.problem(root) is None
    assert not (root.path / part.path).samefile(root.object("d1"))
    assert (root.path / part.path).read_text() == root.object("d1").read_text() == "one"
    assert sorted(path.name for path in root.path.rglob("*") if path.is_file()) == ["d1.parquet", "t.parquet"]


def test_a_copy_that_breaks_off_leaves_what_stood_there(root, other_disk, monkeypatch):
    target = other_disk / "t"
    target.write_text("former")

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    source = draft(root, "one")
    with pytest.raises(OSError, match="No space"):
        targets.replace(source, target)
    assert (source.read_text(), target.read_text()) == ("one", "former")
    assert [path.name for path in other_disk.iterdir()] == ["t"]


def test_a_killed_copy_is_swept_with_the_scratch_of_what_was_killed(root, other_disk):
    (root.path / "gold").mkdir()
    (root.path / "gold" / "fact_rate_enriched").symlink_to(other_disk)
    places = [other_disk / "payer_slug=a", root.objects / "ab", root.state / "stamps" / "gold"]
    for place in places:
        place.mkdir(parents=True)
        (place / f"{targets.DRAFT_BEGINS}1-ab").write_text("half")
        (place / "whole").write_text("whole")
    targets.clear_folder(root.scratch)
    targets.sweep(root)  # nothing was interrupted, so nothing is looked through
    assert all(len(list(place.iterdir())) == 2 for place in places)
    root.make_scratch()
    targets.sweep(root)
    assert not root.scratch.exists()
    assert [[path.name for path in place.iterdir()] for place in places] == [["whole"]] * 3


def test_a_scratch_folder_on_another_disk_stays_and_says_by_what_it_holds_whether_something_was_killed(
    root, other_disk
):
    root.scratch.rmdir()
    root.scratch.symlink_to(other_disk)
    assert not targets.was_interrupted(root)
    (other_disk / "drafts").mkdir()
    (other_disk / "drafts" / "one").write_text("half")
    (other_disk / "two").write_text("half")
    assert targets.was_interrupted(root)
    targets.sweep(root)
    assert root.scratch.is_symlink()
    assert list(other_disk.iterdir()) == []


def test_a_link_to_a_disk_that_is_not_there_is_said(root):
    (root.path / "dims").symlink_to("/nowhere/at/all")
    with pytest.raises(errors.PublishError, match="is a link to /nowhere/at/all, which is not there") as said:
        publish(root, "one", "d1")
    assert said.value.place == str(root.path / "dims")


def test_without_a_stamp_the_same_bytes_leave_the_file_alone(root):
    part = publish(root, "one", "d1")
    before = identity(root.path / part.path)
    assert publish(root, "one", "d1", former=None) == part
    assert identity(root.path / part.path) == before


def test_a_file_changed_by_hand_is_replaced_though_its_digest_would_be_the_same(root):
    part = publish(root, "one", "d1")
    path = root.path / part.path
    path.write_text("two")  # in place: the object has the same inode
    assert part.problem(root) is not None
    again = publish(root, "one", "d1", former=part)
    assert path.read_text() == "one"
    assert root.object("d1").read_text() == "one"
    assert again.problem(root) is None


def test_new_content_replaces_and_the_old_object_stays_for_its_readers(root):
    publish(root, "one", "d1")
    with open(root.path / "dims" / "t.parquet") as reader:
        publish(root, "two", "d2")
        assert reader.read() == "one"
    assert root.object("d1").read_text() == "one"
    assert (root.path / "dims" / "t.parquet").read_text() == "two"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.unlink(), "is missing"),
        (lambda p: p.write_text("three"), "was replaced: 5 bytes, not 3"),
        (lambda p: p.write_text("eno"), "replaced by hand: its bytes are others"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(root, change, said):
    part = publish(root, "one", "d1")
    change(root.path / part.path)
    assert said in part.problem(root)


def test_a_file_that_was_only_touched_is_read_once_and_is_what_it_was(root, monkeypatch):
    part = publish(root, "one", "d1")
    os.utime(root.path / part.path, ns=(1, 1))
    read = []
    real = targets.file_hash
    monkeypatch.setattr(targets, "file_hash", lambda path: read.append(path) or real(path))
    targets.clear_caches()
    assert [part.problem(root), part.problem(root)] == [None, None]
    assert read == [str(root.path / part.path)]
    assert targets.touched() == {str(root.path / part.path): (3, 1, part.sha256)}
    (root.path / part.path).write_text("eno")
    os.utime(root.path / part.path, ns=(2, 2))
    assert "replaced by hand" in part.problem(root)
    targets.clear_caches()


def test_where_hard_links_are_refused_a_copy_is_made(root, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    part = publish(root, "one", "d1")
    assert (root.path / part.path).read_text() == root.object("d1").read_text() == "one"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_refusals_of_the_system_say_what_to_do(root, code):
    with pytest.raises(errors.PublishError) as refused, targets.translate_os_errors(root.path):
        raise OSError(code, os.strerror(code), "some/file")
    assert "some/file" in str(refused.value)
    assert "run the same command again" in str(refused.value)


def test_a_full_disk_is_named_and_what_is_used_up(root, monkeypatch):
    def message(free_files):
        disk = targets.file_systems.FileSystem(Path("/srv"), 1, 0, free_files)
        monkeypatch.setattr(targets.file_systems, "of", lambda _: disk)
        with pytest.raises(errors.PublishError) as refused, targets.translate_os_errors(root.path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")
        return str(refused.value)

    assert "free some space on the disk at /srv, then run the same command again" in message(7)
    assert "remove some files, for it names no more of them, on the disk at /srv" in message(0)
    assert message(None).endswith("ratehouse stats --disk")


def test_removing_takes_empty_folders_along_but_no_more(root):
    deep = root.tree / "a=1" / "b=2" / "x.parquet"
    deep.parent.mkdir(parents=True)
    deep.write_text("x")
    (root.tree / "a=1" / "other").write_text("stays")
    targets.remove(deep, root.tree)
    assert not deep.parent.exists()
    assert (root.tree / "a=1" / "other").exists()

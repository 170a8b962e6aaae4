"""`ratehouse stats --disk`: every file once, on the disk and by its length, and what may go by which command."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys

import pytest

import kit
from pipeline import session
from pipeline.leaves import catalog
from pipeline.operations import disk_use


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = kit.small(tmp_path_factory.mktemp("use") / "warehouse")
    assert kit.build(root).ok
    return root


@pytest.fixture
def copy(built, tmp_path):
    """The same warehouse, its hard links kept."""
    return kit.linked_copy(built, tmp_path / "warehouse")


def measured(root):
    return disk_use.measure(session.use(root))


def removable(found, name):
    return next((one for one in found.removable if one.name == name), None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks GNU's du and find")
def test_all_parts_together_are_what_du_says(copy):
    (copy / "notes.txt").write_text("mine", encoding="utf-8")
    shutil.copy(copy / "notes.txt", copy / "raw" / "loose.txt")
    found = [one for one in measured(copy).parts if one.name != "compiled code"]
    du = subprocess.run(["du", "-s", "-B1", copy], capture_output=True, text=True, check=True).stdout.split()[0]
    inodes = subprocess.run(["find", copy, "-printf", "%i %y\\n"], capture_output=True, text=True, check=True).stdout
    kinds = [line.split()[1] for line in {*inodes.splitlines()}]
    assert sum(one.bytes_on_disk for one in found) == int(du)
    assert (sum(one.files for one in found), sum(one.folders for one in found)) == (kinds.count("f"), kinds.count("d"))
    assert {one.name for one in found} >= {"raw: mrf", "raw: loose files", "staged", "facts", "leaves", "other files"}


def test_a_leaf_and_its_object_are_one_file(copy):
    found = measured(copy)
    leaf = next((copy / "gold" / "fact_rate_enriched").rglob("*.parquet"))
    assert (found.part("leaves").files, found.part("leaves").length) == (1, leaf.stat().st_size)
    assert found.part(disk_use.FORMER_OBJECTS).files == 0
    assert removable(found, disk_use.FORMER_OBJECTS) is None


def test_an_object_in_use_that_is_a_copy_is_no_former_one(copy):
    leaf = next((copy / "gold" / "fact_rate_enriched").rglob("*.parquet"))
    shutil.copy2(leaf, leaf.with_name("copy"))
    os.replace(leaf.with_name("copy"), leaf)  # as where hard links are refused
    found = measured(copy)
    assert found.part("objects with no other name").files == 1
    assert found.part(disk_use.FORMER_OBJECTS).files == 0


def test_objects_of_former_builds_go_with_the_command_that_is_named(copy):
    root = session.use(copy)
    old = root.object("ab" + "0" * 30)
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_bytes(b"x" * 5000)
    root.retired.write_text(json.dumps({old.stem: 1.0}), encoding="utf-8")
    gone = removable(measured(copy), disk_use.FORMER_OBJECTS)
    assert (gone.files, gone.command.split()[-1]) == (1, "build")
    assert "24 hours" in gone.reason
    outcome = kit.build(copy)
    assert outcome.ok
    assert not old.exists()
    assert removable(measured(copy), disk_use.FORMER_OBJECTS) is None


def test_objects_whose_time_is_not_over_stay(copy):
    root = session.use(copy)
    now = catalog.time.time()
    young, old = root.object("ab" + "0" * 30), root.object("cd" + "0" * 30)
    for one in (young, old):
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_bytes(b"x")
    root.retired.write_text(json.dumps({young.stem: now - 23 * 3600, old.stem: now - 25 * 3600}), encoding="utf-8")
    catalog.remove_expired(root)
    assert (young.exists(), old.exists()) == (True, False)
    assert list(catalog.retired_objects(root)) == [young.stem]


def test_drafts_of_a_killed_build_may_go_and_those_of_one_at_work_may_not(copy):
    root = session.use(copy)
    root.scratch.mkdir()
    (root.scratch / "draft.parquet").write_bytes(b"x" * 100)
    assert removable(measured(copy), "drafts").files == 1
    holder = root.lock.with_suffix(".json")
    holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}), encoding="utf-8")
    found = measured(copy)
    assert found.part("drafts").files == 1
    assert removable(found, "drafts") is None


@pytest.mark.parametrize(
    ("folder", "name"), [("quarantine/extra", "files set aside"), ("raw/fetched/partial", "broken-off downloads")]
)
def test_what_only_a_person_can_judge_has_a_command_that_removes_it(copy, folder, name):
    place = copy / folder / "it's here"
    place.mkdir(parents=True)
    (place / "file").write_bytes(b"x" * 100)
    one = removable(measured(copy), name)
    assert one.files == 1
    subprocess.run(shlex.split(one.command), check=True)
    assert not (copy / folder).exists()
    assert removable(measured(copy), name) is None


def test_links_under_raw_are_followed_and_a_circle_ends(copy, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "big.csv").write_bytes(b"x" * 100_000)
    (copy / "raw" / "geo").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(elsewhere)
    part = measured(copy).part("raw: geo")
    assert (part.files, part.length) == (1, 100_000)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_what_may_not_be_looked_into_is_named_and_the_rest_is_counted(copy):
    bound = {"preexec_fn": kit.without_privilege} if os.geteuid() == 0 else {}
    closed = ["docs", ".objects", "raw/mrf/GA", "gold/fact_rate_enriched", "staged/enriched"]
    for name in closed:
        (copy / name).chmod(0o000)
    said = kit.ratehouse(copy, "stats", "--disk", "--json", **bound)
    for name in closed:
        (copy / name).chmod(0o755)
    if said.returncode == 77:
        pytest.skip("root may not give up its privilege here")
    assert said.returncode == 1
    for name in closed:
        line = f"not counted: {name}: Permission denied; give this user the right to look there"
        assert line in kit.words(said.stderr)
    rows = kit.json_lines(said.stdout)
    assert {row["place"] for row in rows if row["kind"] == "unseen"} == set(closed)
    assert any(row["kind"] == "part" and row["name"] == "catalog" for row in rows)


def test_the_command_prints_a_line_a_part_within_80_columns(copy):
    said = kit.ratehouse(copy, "stats", "--disk")
    assert (said.returncode, said.stderr) == (0, "")
    assert all(len(line) <= 80 for line in said.stdout.splitlines() if str(copy) not in line)
    assert "make clean ROOT=" in said.stdout
    rows = kit.json_lines(kit.ratehouse(copy, "stats", "--disk", "--json").stdout)
    assert {row["kind"] for row in rows} == {"part", "removable", "disk"}
    assert next(row for row in rows if row["kind"] == "part" and row["name"] == "leaves")["files"] == 1

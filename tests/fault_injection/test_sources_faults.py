"""Raw files that go while a build is at work: unreadable, unmounted, emptied, linked away, at moments of the fault plan.

A sample, drawn with a seed, in every run of the tests; all of them in `make faults`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

import kit
from campaign import ALL, SEED
from small_sources import put, rates, tables
from wholeness import stands_as

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="links and permissions as Linux has them"),
]
HOWS = ("unreadable", "unmounted", "emptied", "linked away")
FOLDERS = ("mrf", "medicare", "corrections") + (("nppes", "codes", "geo", "pos", "wcfs") if ALL else ())
MOMENTS = 5 if ALL else 1
LAST = 220  # of some 300 file operations of such a build: behind it nothing is looked at any more


def warehouse(root: Path) -> Path:
    """A small warehouse with files in each folder, all of them on another disk and linked; one rate of July is dropped."""
    kit.small(root)
    put(root, "GA/other.json", "Other Health", "2025-07", 10.0, 20.0)
    for folder in FOLDERS:
        if folder not in ("mrf", "corrections"):
            shutil.copytree(kit.SAMPLE / folder, root / "raw" / folder)
    (root / "raw" / "corrections").mkdir()
    (root.parent / "disk").mkdir()
    (root / "raw" / "corrections" / "known.yml").write_text(
        "- {id: one, months: [2025-07], match: {negotiated_rate: 20.0}, action: drop, reason: told}\n"
    )
    if "medicare" in FOLDERS and not ALL:  # one small file will do
        for path in (root / "raw" / "medicare").iterdir():
            if path.name != "GPCI2025.csv":
                path.unlink()
    for folder in FOLDERS:
        shutil.move(root / "raw" / folder, root.parent / "disk" / folder)
        (root / "raw" / folder).symlink_to(root.parent / "disk" / folder)
    return root


@pytest.fixture(scope="module")
def linked(server, tmp_path_factory) -> Path:
    root = warehouse(tmp_path_factory.mktemp("linked") / "warehouse")
    assert server.build(root).code == 0
    assert rates(root)["2025-07"] == (1, 10.0)
    return root


def copied(linked: Path, to: Path) -> Path:
    """The warehouse and its disk elsewhere, the links as they are meant."""
    root = kit.copy(linked.parent, to) / "warehouse"
    for folder in FOLDERS:
        shutil.rmtree(root / "raw" / folder)  # copied as a folder
        (root / "raw" / folder).symlink_to(root.parent / "disk" / folder)
    return root


def going(root: Path, folder: str, how: str) -> str:
    """The command of the shell by which a folder goes."""
    place, disk = root / "raw" / folder, root.parent / "disk" / folder
    return {
        "unreadable": f"chmod -R 000 '{disk}'",
        "unmounted": f"mv '{disk}' '{disk}.away'",
        "emptied": f"mv '{disk}' '{disk}.away' && mkdir '{disk}'",
        "linked away": f"rm '{place}' && mkdir '{place}'",
    }[how]


def bring_back(root: Path, folder: str, how: str) -> None:
    place, disk = root / "raw" / folder, root.parent / "disk" / folder
    if how == "unreadable":
        os.system(f"chmod -R u+rwX '{disk}'")
    elif how == "linked away":
        place.rmdir()
        place.symlink_to(disk)
    else:
        shutil.rmtree(disk, ignore_errors=True)
        disk.with_name(f"{folder}.away").rename(disk)


CASES = [(folder, how, number) for folder in FOLDERS for how in HOWS for number in range(MOMENTS)]
if not ALL:  # each folder and each way, in a few builds
    CASES = [
        ("mrf", "unreadable", 0),
        ("medicare", "unmounted", 0),
        ("corrections", "emptied", 0),
        ("mrf", "linked away", 0),
    ]


@pytest.mark.parametrize(("folder", "how", "number"), CASES)
def test_what_goes_while_a_build_is_at_work_stays_published_and_the_next_build_is_right(
    server, linked, tmp_path, folder, how, number
):
    root = copied(linked, tmp_path / "there")
    kit.change_rate(root)
    before = rates(root)
    moment = random.Random(f"{SEED} {folder} {how} {number}").randint(1, LAST)
    command = going(root, folder, how)
    ended = server.build(root, f"hook .* {moment} any {re.escape(str(root))}/", bound=True, hook=command)
    told = f"moment {moment}\n{ended.text}"
    assert ended.code == 1, told
    assert "Traceback" not in ended.text, told
    now = rates(root)
    assert {month: count for month, (count, _) in now.items()} == {
        month: count for month, (count, _) in before.items()
    }, told
    assert now["2025-07"] == before["2025-07"], told

    # Gone still: nothing changes but what was seen of the others.
    ended = server.build(root, bound=True)
    assert ended.code == 1, ended.text
    assert {m: n for m, (n, _) in rates(root).items()} == {m: n for m, (n, _) in before.items()}, told

    bring_back(root, folder, how)
    ended = server.build(root)
    assert ended.code == 0, told + ended.text
    undisturbed = copied(linked, tmp_path / "undisturbed")
    kit.change_rate(undisturbed)
    assert server.build(undisturbed).code == 0
    wanted = {name: seen.sha256 for name, seen in tables(undisturbed).items()}
    now_there = {name: seen.sha256 for name, seen in tables(root).items()}
    assert {name for name in wanted.keys() | now_there.keys() if wanted.get(name) != now_there.get(name)} == set(), told
    stands_as(root, wanted)


@pytest.mark.parametrize("kind", ["replace|link", "write|fsync"])
def test_killed_while_another_month_takes_a_paths_place_nothing_is_lost_or_doubled(server, tmp_path, kind):
    root = kit.small(tmp_path / "warehouse")
    put(root, "GA/acme.json", "Acme Health", "2025-06", 1.0, 2.0)
    assert server.build(root).code == 0
    put(root, "GA/acme.json", "Acme Health", "2025-09", 4.0, 8.0)
    draw = random.Random(SEED)
    for _ in range(20 if ALL else 2):
        n = draw.randint(1, 60)
        ended = server.build(root, f"kill {kind} {n} any {re.escape(str(root))}/")
        assert ended.code in (1, -signal.SIGKILL), ended.text
        found = rates(root)
        assert found["2025-06"] == (2, 3.0), (n, ended.text)
        assert found.get("2025-09") in (None, (2, 12.0)), (n, ended.text)
    ended = server.build(root)
    assert ended.code == 1, ended.text
    assert "MISSING raw/mrf/GA/acme.json:2025-06: 2025-06; 2 rows stay" in " ".join(ended.text.split())
    assert {m: rates(root)[m] for m in ("2025-06", "2025-09")} == {"2025-06": (2, 3.0), "2025-09": (2, 12.0)}
    assert server.build(root, "", "--forget-missing").code == 0
    other = kit.small(tmp_path / "other")
    put(other, "GA/acme.json", "Acme Health", "2025-09", 4.0, 8.0)
    assert server.build(other).code == 0
    stands_as(root, {name: seen.sha256 for name, seen in tables(other).items()})

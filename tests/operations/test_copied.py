"""A warehouse in another place: copied, moved or unpacked there, it is what it was, and only its catalog is written anew."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import session
from pipeline.leaves import manifest
from pipeline.operations import status, verify
from pipeline.storage import stamps
from reading_shows import forget_reading, reading_shows
from wholeness import look

TX = "TX/2025-07-03_SaludRioBravo_suplemento_in-network-rates.json"


def sh(line: str, *words: Path) -> None:
    subprocess.run(["sh", "-ec", line, "sh", *map(str, words)], check=True)


def by_cp_r(source: Path, to: Path) -> None:
    """Every file with a new time; a file with two names becomes two."""
    sh('cp -r "$1" "$2"', source, to)


def by_cp_a(source: Path, to: Path) -> None:
    sh('cp -a "$1" "$2"', source, to)


def by_mv(source: Path, to: Path) -> None:
    sh('mv "$1" "$2"', source, to)


def by_tar(source: Path, to: Path) -> None:
    """Every time cut to its second, as GNU tar has it."""
    to.mkdir()
    sh('tar -C "$1" --format=gnu -cf - . | tar -C "$2" -xf -', source, to)


def with_other_links(source: Path, to: Path) -> None:
    """As by `rsync -a` or a file system of whole seconds without hard links: times are cut, files with two names are two."""
    shutil.copytree(source, to, copy_function=shutil.copy2)
    for path in to.rglob("*"):
        os.utime(path, ns=(1, path.stat().st_mtime_ns // 10**9 * 10**9))


WAYS = [by_cp_r, by_cp_a, by_mv, by_tar, with_other_links]


@pytest.fixture(scope="module")
def withheld(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two months, a file each: the one leaf of 2025-08 is withheld for a negative rate."""
    root = kit.small(tmp_path_factory.mktemp("withheld") / "warehouse")
    (root / "raw" / "mrf" / "TX").mkdir()
    shutil.copy(kit.SAMPLE / "mrf" / TX, root / "raw" / "mrf" / "TX")
    raw = root / "raw" / "mrf" / kit.SMALL
    raw.write_text(re.sub(r'("negotiated_rate": ?)', r"\1-", raw.read_text(encoding="utf-8"), count=1))
    outcome = kit.build(root)
    assert (len(outcome.withheld), outcome.failures, outcome.incomplete) == (1, [], [])
    return root


@pytest.fixture(params=["small", "withheld"])
def original(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A warehouse that a test may take away: its catalog names its own files, its objects are one with their tables."""
    root = tmp_path / "original"
    sh('cp -a "$1" "$2"', request.getfixturevalue(request.param), root)
    outcome = kit.build(root)
    assert (outcome.failures, outcome.incomplete) == ([], [])
    return root


def every_parquet(root: Path) -> dict[str, tuple[int, int, str]]:
    """Inode, time and hash of every Parquet file, objects and quarantine among them."""
    return {
        path.relative_to(root).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(root.rglob("*.parquet"))
    }


def answers(root: Path) -> dict[str, list[tuple]]:
    """Every row of every relation of the catalog, its paths without the root."""
    found = {}
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        for (name,) in con.sql("SHOW TABLES").fetchall():
            if name != "warehouse":
                rows = con.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
                found[name] = [tuple(str(v).replace(str(root), "ROOT") for v in row) for row in rows]
    return found


def built(root: Path) -> tuple[object, set[str]]:
    """Build; returns the outcome and the labels of what was built."""
    outcome = kit.build(root)
    assert (outcome.failures, outcome.incomplete) == ([], [])
    return outcome, {e["label"] for e in outcome.events if e["event"] == "done"}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_built_in_another_place_but_the_catalog(original, tmp_path, way: Callable[[Path, Path], None]):
    here, asked = tmp_path / "else where" / "warehouse", answers(original)
    here.parent.mkdir()
    way(original, here)
    shutil.rmtree(original, ignore_errors=True)
    before = every_parquet(here)

    look(here)
    stale = {row["table"]: row["reason"] for row in status.status() if row["state"] == "stale"}
    assert stale == {"warehouse.duckdb": f"it names the files of {original}, where the warehouse was when it was built"}
    assert {one.path: one.problem for one in verify.verify(deep=False)} == {
        "warehouse.duckdb": f"it names the files of {original}, where the warehouse was when it was built"
    }
    for name, record in manifest.records(manifest.manifest(session.current(), "2025-08")).items():
        said = status.why(name)
        assert "is withheld" in said if record.reason else said.endswith("is up to date")

    outcome, labels = built(here)
    assert labels == {"warehouse"}
    assert every_parquet(here) == before
    assert answers(here) == asked

    if reading_shows(tmp_path):
        times = forget_reading(here)
        again, labels = built(here)
        assert labels == set()
        assert again.nothing_to_do or outcome.withheld
        read = [p for p, time in times.items() if p.suffix == ".parquet" and p.stat().st_atime_ns != time]
        assert read == [], "each file was read for its time once"
    look(here)
    assert list(verify.verify(deep=True)) == []


@pytest.mark.slow
def test_every_command_answers_from_the_copy(withheld, tmp_path):
    """With the original gone; `query` refuses until the catalog is written anew, and says by which command."""
    original, here = tmp_path / "original", tmp_path / "copy"
    sh('cp -a "$1" "$2"', withheld, original)
    built(original)
    words = [["sources"], ["partitions", "--json"], ["stats", "--json"], ["why", "fact_rate:2025-08"]]
    then = [kit.ratehouse(original, *w).stdout for w in words]
    by_cp_r(original, here)
    shutil.rmtree(original)

    refused = kit.ratehouse(here, "query", "--csv", "SELECT count(*) FROM fact_rate")
    assert (refused.returncode, refused.stdout) == (1, "")
    told = " ".join(refused.stderr.split())
    assert f"it names the files of {original}" in told
    assert told.endswith(f"ratehouse --root {here} build")
    assert [kit.ratehouse(here, *w).stdout for w in words][:2] == then[:2]
    assert kit.ratehouse(here, "status").returncode == 1

    assert kit.ratehouse(here, "build", "--workers", "2", "--local-scheduler").returncode == 1  # a leaf is withheld
    said = [kit.ratehouse(here, *w) for w in words]
    assert [one.stdout for one in said][:2] == then[:2]
    assert all(one.returncode in (0, 1) and not one.stderr for one in said)
    for sql, answer in (
        ("SELECT count(*) FROM fact_rate", "count_star()\n11\n"),
        ("SELECT count(*) FROM fact_rate_enriched", "count_star()\n7\n"),
        ("SELECT root FROM warehouse", f"root\n{here}\n"),
    ):
        assert kit.ratehouse(here, "query", "--csv", sql).stdout == answer
    assert kit.ratehouse(here, "verify", "--deep").stdout == "no problems\n"
    assert kit.ratehouse(here, "docs", "--no-open").stdout == f"{(here / 'docs' / 'index.html').as_uri()}\n"


@pytest.mark.slow
def test_a_copy_does_not_read_the_original(small, tmp_path):
    """Both there: what the original becomes later on is nothing to the copy."""
    original, here = tmp_path / "original", tmp_path / "copy"
    sh('cp -a "$1" "$2"', small, original)
    built(original)
    by_cp_r(original, here)
    built(here)
    asked = answers(here)
    kit.change_rate(original)
    built(original)
    assert answers(here) == asked != answers(original)
    with duckdb.connect(str(here / "warehouse.duckdb"), read_only=True) as con:
        stored = con.sql("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    assert not any(f"{original}/" in text for (text,) in stored)


REPLACED = [
    "gold/fact_rate_2025-08.parquet",
    "dims/dim_npi.parquet",
    "staged/enriched/leaf_plan_2025-08.parquet",
    "leaf",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLACED)
def test_a_file_of_other_bytes_of_the_same_length_is_found_in_a_copy_whatever_its_time(small, tmp_path, name):
    here = tmp_path / "copy"
    by_cp_r(small, here)
    kit.build(here)
    undisturbed = kit.contents(here)
    path = next(here.glob("gold/fact_rate_enriched/**/*.parquet")) if name == "leaf" else here / name
    name, content = path.relative_to(here).as_posix(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    look(here)
    assert {one.path: one.problem for one in verify.verify(deep=False)} == {name: "was replaced by hand"}
    assert kit.build(here).ok
    assert kit.contents(here) == undisturbed


@pytest.mark.slow
def test_a_touched_file_is_read_once_and_its_time_put_on_record(small, tmp_path):
    here = tmp_path / "warehouse"
    sh('cp -a "$1" "$2"', small, here)
    kit.build(here)
    catalog = (here / "warehouse.duckdb").read_bytes()
    for path in [*here.rglob("*.parquet"), here / "warehouse.duckdb"]:
        os.utime(path, ns=(2_000_000_000, 2_000_000_000))
    outcome = kit.build(here)
    assert outcome.nothing_to_do
    assert (here / "warehouse.duckdb").read_bytes() == catalog
    for label in stamps.labels(session.current()):
        parts = stamps.read(session.current(), label).parts.values()
        assert {part.mtime_ns for part in parts} <= {2_000_000_000}, label
    (record,) = manifest.records(manifest.manifest(session.current(), "2025-08")).values()
    assert record.mtime_ns == 2_000_000_000
    if reading_shows(tmp_path):
        times = forget_reading(here)
        assert kit.build(here).nothing_to_do
        assert [p for p, time in times.items() if p.stat().st_atime_ns != time and p.name != "luigi.cfg"] == []
    assert not (here / ".scratch").exists()


@pytest.mark.slow
def test_what_is_said_of_a_broken_file_names_it_where_it_is_now(small, tmp_path):
    here, there = tmp_path / "warehouse", tmp_path / "moved"
    sh('cp -a "$1" "$2"', small, here)
    (here / "raw" / "mrf" / "GA" / "broken.json").write_text('{"reporting_entity_name": "X", "in_network": [{')
    assert not kit.build(here).ok
    by_mv(here, there)
    said = kit.ratehouse(there, "build", "--local-scheduler").stderr
    assert f"{there}/raw/mrf/GA/broken.json" in said
    assert f"{here}/" not in said

"""warehouse.duckdb among other programs: what one that opened it for writing leaves, and which folder it names.

DuckDB replays a `.wal` onto whatever database has its name. In the format that DuckDB 1.2 reads, the log of a former
catalog is replayed onto the next one without an error; in others, no reader can open that.
"""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import forked
import kit
from pipeline import errors, session, settings
from pipeline.operations import status, verify
from pipeline.storage import catalog_file
from wholeness import catalog, look, readers_see_one_build

pytestmark = pytest.mark.slow
LOG = "warehouse.duckdb.wal"
MINE = "CREATE VIEW mine AS SELECT 42 AS answer"
# What a program changes that had the catalog open for writing; the last one is the worst when it is replayed on the next.
CHANGES = [MINE, "CREATE TABLE notes AS SELECT 'my' AS note", "DELETE FROM partition_manifest", "DROP VIEW fact_rate"]
WRITER = """
import duckdb, os, sys
con = duckdb.connect(sys.argv[1])
for line in sys.stdin:
    con.execute(line)
    print("done", flush=True)
"""


@pytest.fixture
def root(small: Path, tmp_path: Path) -> Path:
    here = kit.copy(small, tmp_path / "warehouse")
    assert kit.build(here).ok
    return here


class Writer:
    """Another program that has the catalog open for writing."""

    def __init__(self, root: Path):
        command = [sys.executable, "-c", WRITER, str(root / "warehouse.duckdb")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def execute(self, sql: str) -> None:
        self.process.stdin.write(f"{sql}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


@contextmanager
def writing(root: Path, *changes: str) -> Iterator[Writer]:
    writer = Writer(root)
    try:
        for one in changes:
            writer.execute(one)
        yield writer
    finally:
        if writer.process.returncode is None:
            writer.kill()


def killed_while_writing(root: Path, *changes: str) -> None:
    with writing(root, *changes):
        pass
    assert (root / LOG).exists()


def ask(root: Path, sql: str) -> list[tuple]:
    """Ask as a reader does who knows nothing of us, in a process of its own."""
    program = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql(sys.argv[2]).fetchall())"
    command = [sys.executable, "-c", program, str(root / "warehouse.duckdb"), sql]
    return ast.literal_eval(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def names(root: Path) -> set[str]:
    return {name for (name,) in ask(root, "SHOW TABLES")}


def problems(root: Path, *, deep: bool) -> dict[str, str]:
    look(root)
    return {one.path: one.problem for one in verify.verify(deep)}


def kept(root: Path) -> Path:
    (folder,) = (root / "quarantine" / "extra").iterdir()
    return folder


def is_whole(root: Path) -> None:
    """Nobody left anything at the catalog, readers get what was published, and a build has nothing to do."""
    assert not (root / LOG).exists()
    assert problems(root, deep=True) == {}
    assert {"fact_rate", "partition_manifest", "warehouse"} <= names(root)
    assert names(root) & {"mine", "notes"} == set()
    assert ask(root, "SELECT count(*) FROM partition_manifest") == [(1,)]
    assert ask(root, "SELECT count(*) FROM fact_rate_enriched") == [(4,)]
    assert kit.build(root).nothing_to_do


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_killed_program_left_is_seen_by_all_and_set_aside_by_the_next_build(root, change):
    killed_while_writing(root, change)
    look(root)
    (stale,) = (row for row in status.status() if row["state"] != "built")
    assert stale["reason"].startswith(f"{LOG} is next to it: a program has it open for writing, or was killed")
    for deep in (False, True):
        assert list(problems(root, deep=deep)) == [LOG]
    asked = kit.ratehouse(root, "query", "SELECT 1")
    assert asked.returncode == 1
    assert f"{LOG} is next to it" in " ".join(asked.stderr.split())
    assert asked.stderr.split()[-1] == "build"

    kit.change_rate(root)
    outcome = kit.build(root)
    assert outcome.ok
    (event,) = (e for e in outcome.events if e["event"] == "set_aside")
    assert root / event["place"] == kept(root)
    is_whole(root)
    # Nothing of it is lost: the former catalog with its log.
    with duckdb.connect(str(kept(root) / "warehouse.duckdb"), read_only=True) as con:
        found = {name for (name,) in con.sql("SHOW TABLES").fetchall()}
        assert ("mine" in found, "notes" in found, "fact_rate" in found) == (
            change == CHANGES[0], change == CHANGES[1], change != CHANGES[3]
        )  # fmt: skip
    assert "keep views and tables of your own in a database of your own" in (kept(root) / "reason.txt").read_text()


def test_a_log_alone_is_reason_enough_for_a_build(root):
    killed_while_writing(root, MINE)
    outcome = kit.build(root)
    assert {e["label"] for e in outcome.events if e["event"] == "done"} == {"warehouse"}
    is_whole(root)


@pytest.mark.parametrize("ending", catalog_file.LOG_ENDINGS)
def test_each_log_that_duckdb_keeps_is_seen_and_set_aside(root, ending):
    log = root / f"warehouse.duckdb{ending}"
    log.write_bytes(b"a log")
    assert list(problems(root, deep=False)) == [log.name]
    assert kit.build(root).ok
    assert (kept(root) / log.name).read_bytes() == b"a log"
    is_whole(root)


def test_repair_mends_it(root):
    killed_while_writing(root, MINE)
    look(root)
    done, left, outcome = verify.repair(False, lambda: kit.build(root))
    assert ({one.path: what for one, what in done.items()}, left) == ({LOG: "mended by the next build"}, [])
    assert outcome.ok
    is_whole(root)


def test_a_program_at_work_during_a_build_and_after_it(root):
    """It has the former file open: its log goes with that, and one that it begins after the build is seen and set aside."""
    with writing(root, MINE) as writer:
        locked = kit.ratehouse(root, "query", "SELECT 1")
        assert locked.returncode == 1
        kit.change_rate(root)
        assert kit.build(root).ok
        assert ask(root, "SELECT count(*) FROM fact_rate") == [(4,)]
        assert "mine" not in names(root)
        writer.execute("CHECKPOINT")
        writer.execute("CREATE TABLE notes AS SELECT 1 AS a")  # a new log, next to the new catalog
        assert (root / LOG).exists()
        assert list(problems(root, deep=False)) == [LOG]
    assert (root / LOG).exists()
    look(root)
    assert [row["table"] for row in status.status() if row["state"] != "built"] == ["warehouse.duckdb"]
    assert kit.ratehouse(root, "query", "SELECT 1").returncode == 1
    assert kit.build(root).ok
    is_whole(root)


def test_a_program_that_has_it_open_and_writes_nothing_yet(root):
    """Other readers are refused in plain words; a build goes on, and readers with it."""
    with writing(root) as writer:
        writer.execute("SELECT 1")
        asked = kit.ratehouse(root, "query", "SELECT 1")
        assert asked.returncode == 1
        assert "another program has it open for writing" in " ".join(asked.stderr.split())
        assert "SHOW TABLES" not in asked.stderr
        assert str(writer.process.pid) in asked.stderr
        assert "another program has it open for writing" in problems(root, deep=True)["warehouse.duckdb"]
        kit.change_rate(root)
        assert kit.build(root).ok
        assert ask(root, "SELECT count(*) FROM fact_rate") == [(4,)]
        assert problems(root, deep=True) == {}
        writer.close()
    is_whole(root)
    assert not (root / "quarantine").exists()


def test_views_of_one_s_own_in_a_catalog_that_was_closed_are_kept_too(root):
    with writing(root, MINE) as writer:
        writer.close()
    assert not (root / LOG).exists()
    look(root)
    assert status.why("warehouse.duckdb").endswith("warehouse.duckdb was changed by hand")
    assert kit.build(root).ok
    with duckdb.connect(str(kept(root) / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("FROM mine").fetchall() == [(42,)]
    is_whole(root)


def test_a_program_that_opened_and_closed_it_changed_nothing(root):
    with writing(root) as writer:
        writer.execute("SELECT 1")
        writer.close()
    assert kit.build(root).nothing_to_do


# Where a build is killed while it publishes a catalog while a log is there: step, path below the root.
MOMENTS = [
    ("mkdir", "quarantine/extra/catalog"),
    ("replace", "quarantine/extra/.*/reason.txt"),
    ("link", "quarantine/extra/catalog"),
    ("replace", f"quarantine/extra/.*/{LOG}"),
    ("replace", ".state/catalog.sha256"),
    ("replace", "warehouse.duckdb$"),
    ("fsync", "warehouse$"),
    ("replace", ".state/stamps/warehouse.json"),
]


@pytest.mark.parametrize("change", [MINE, CHANGES[2]])
def test_killed_at_any_moment_of_publishing_readers_see_one_build_and_the_next_one_mends(
    server: forked.Server, small, tmp_path, change
):
    root = kit.copy(small, tmp_path / "warehouse")
    assert kit.build(root).ok
    met = 0
    for step, place in MOMENTS:
        before = catalog(root)
        killed_while_writing(root, change)
        kit.change_rate(root)
        ended = server.build(root, f"kill {step} 1 any {re.escape(str(root.parent))}/.*{place}")
        met += ended.code == -signal.SIGKILL
        if not (root / LOG).exists():  # else the next build comes before readers
            other = kit.copy(root, tmp_path / "undisturbed")
            assert kit.build(other).ok
            readers_see_one_build(root, [before, catalog(other)])
            subprocess.run(["rm", "-r", str(other)], check=True)
        assert server.build(root).code == 0
        is_whole(root)
        folder = kept(root)
        assert {path.name for path in folder.iterdir()} == {"warehouse.duckdb", LOG, "reason.txt"}, (step, place)
        subprocess.run(["rm", "-r", str(root / "quarantine")], check=True)
    assert met >= len(MOMENTS) - 1


def test_a_catalog_of_an_earlier_version_is_asked_by_its_files(root, tmp_path):
    with duckdb.connect(str(root / "warehouse.duckdb")) as con:
        con.execute("DROP TABLE warehouse")
    session.use(root)
    settings.load(root)
    with catalog_file.opened(session.current()) as con:
        assert con.sql("SELECT count(*) FROM fact_rate").fetchall() == [(4,)]
    moved = tmp_path / "moved"
    root.rename(moved)
    session.use(moved)
    with (
        pytest.raises(errors.CatalogError, match=f"it names the files of {root}"),
        catalog_file.opened(session.current()),
    ):
        pass


def test_a_folder_reached_by_two_paths_is_one(root, tmp_path):
    moved = tmp_path / "moved"
    root.rename(moved)
    root.symlink_to(moved)
    asked = kit.ratehouse(moved, "query", "--csv", "SELECT count(*) FROM fact_rate")
    assert asked.stdout == "count_star()\n4\n"


def test_a_catalog_that_no_reader_can_open_is_a_problem(root):
    """Whole by its stamp, and yet not to be read: a file that its views name is another's."""
    look(root)
    assert catalog_file.reading_problem(session.current()) is None
    table = (root / "dims" / "dim_tin.parquet").read_bytes()
    for path in (root / ".objects").rglob("*.parquet"):
        if path.read_bytes() == table:
            path.unlink()
    assert "dim_tin" in catalog_file.reading_problem(session.current())

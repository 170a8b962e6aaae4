"""A path means one file to every library, whatever the file and the folders above it are called.

300 names, drawn with a fixed seed from the characters that mean something to some library. Under each stands a file that
says whose it is, all in one folder, and beside it the files that the name would match if it were a pattern.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kit
from pipeline import errors, file_names, session
from pipeline.operations import import_star
from pipeline.storage import database, duck, opening

SEED, COUNT = 20261201, 300
PIECES = (
    *"[]*?{}!~%#&'\";$`^=-.,+@()|<>: \n\t\r",
    *("a", "b", "1", "é", "e\u0301", "😀", "\u202e", "\x01", "\x7f"),
    *(
        "[1]",
        "[!a]",
        "[^]",
        "[a-z]",
        "[[]",
        "**",
        "{a,b}",
        "%20",
        "%2F",
        "..",
        "a=b",
        "year_month=",
        "${HOME}",
        "s3:",
        "file:",
    ),
    *("http:", ":memory:", "?x=1", ".parquet", ".gz", "--", "~root", "\\"),
)
GIVEN = [
    *(
        "rates[1]",
        "a*",
        "a?",
        "**",
        "[",
        "]",
        "*",
        "?",
        "[]",
        "[*]",
        "[?]",
        "[[]",
        "{a,b}",
        "~",
        "~x",
        "-x",
        "-",
        "#a",
        "k=v",
    ),
    *(
        "a%20b",
        "a b",
        " a",
        "a ",
        "a'b",
        'a"b',
        "a;b",
        "a\nb",
        "c:",
        "s3:",
        "http:",
        "file:x",
        "a?b=c",
        "..a",
        "...",
        ".a",
    ),
    *("e\u0301", "é", "\\", "a\\b", "\\a", "[1]\\", "a\\*"),
]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such names there")


def names() -> list[str]:
    """The names, each once; none is a path of its own."""
    draw = random.Random(SEED)
    found = dict.fromkeys(GIVEN)
    while len(found) < COUNT:
        name = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 8)))
        if name not in (".", "..") and len(name.encode()) < 200:
            found[name] = None
    return list(found)


def matched(name: str) -> list[str]:
    """Names that the name matches where it is a pattern of a shell."""
    for_class = re.sub(r"\[(?:[!^][^\]]*)\]", "~", name)
    for_class = re.sub(r"\[([^\]])[^\]]*\]", r"\1", for_class)
    braces = re.sub(r"\{([^,}]*),[^}]*\}", r"\1", name)
    found = {for_class, braces, for_class.replace("?", "q").replace("*", "xy"), for_class.replace("*", ""), f"{name}x"}
    return sorted(one for one in found if one not in ("", ".", "..", name) and not one.startswith("\\"))


NAMES = names()
USABLE = [name for name in NAMES if "\\" not in name]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: for every name, and every sibling, `NAME/t.parquet`, `NAME.parquet`, the same as CSV and as a workbook."""
    folder = tmp_path_factory.mktemp("names")
    for name in sorted({*USABLE, *(sibling for one in USABLE for sibling in matched(one))}):
        (folder / name).mkdir(exist_ok=True)
        for file in (folder / name / "t.parquet", folder / f"{name}.parquet"):
            with open(file, "wb") as out:
                pq.write_table(pa.table({"whose": [name]}), out)
        (folder / name / "t.csv").write_bytes(b"whose\n" + text_in(name).encode() + b"\n")
    return folder


def text_in(name: str) -> str:
    """What a CSV file or a workbook says of whose it is: no reader takes it for a number."""
    return f"x{name.encode().hex()}"


def both(place: Path, name: str) -> tuple[Path, Path]:
    """The file whose folder has the name, and the one that has it itself."""
    return place / name / "t.parquet", place / f"{name}.parquet"


def test_there_are_enough_names_and_they_are_hostile():
    assert len(set(NAMES)) == COUNT
    for piece in {*PIECES, "[1]", "a\\*"}:
        assert sum(piece in name for name in NAMES) >= 1
    assert sum(bool(re.search(r"[\[*?]", name)) for name in USABLE) > 80
    assert 10 < len(NAMES) - len(USABLE) < 60


@pytest.mark.slow
def test_duckdb_reads_parquet(place):
    with duck.connect() as con:
        for name in USABLE:
            inside, itself = both(place, name)
            assert con.sql(f"FROM {duck.parquet_files(inside)}").fetchall() == [(name,)]
            numbered = con.sql(f"FROM {duck.parquet_files([itself, inside, itself], numbered=True)}")
            assert (numbered.columns, numbered.fetchall()) == (["whose", "file_row_number"], [(name, 0)] * 3)


def test_duckdb_names_the_files_as_they_are(place):
    with duck.connect() as con:
        for name in USABLE:
            files = both(place, name)
            read = duck.parquet_files(files).removesuffix(")") + ", filename = true)"
            assert con.sql(f"SELECT filename FROM {read}").fetchall() == [(str(file),) for file in files]


def test_duckdb_reads_csv(place):
    options = "header = true, columns = {'whose': 'VARCHAR'}, auto_detect = false"
    with duck.connect() as con:
        for name in USABLE:
            file = place / name / "t.csv"
            assert con.sql(f"FROM {duck.csv_file(file, options)}").fetchall() == [(text_in(name),)]


@pytest.mark.slow
def test_duckdb_reads_through_views_of_a_catalog(place, tmp_path):
    """As another process does, which knows nothing of how the catalog was written."""
    with database.connect(tmp_path / "catalog.duckdb") as con:
        for number, name in enumerate(USABLE):
            con.execute(f"CREATE VIEW v{number} AS FROM {duck.parquet_files(both(place, name))}")
    program = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as con:
    print(json.dumps([con.sql(f"FROM v{number}").fetchall() for number in range(int(sys.argv[2]))]))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "catalog.duckdb"), str(len(USABLE))]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    assert json.loads(found) == [[[name]] * 2 for name in USABLE]


def test_duckdb_writes_parquet(tmp_path):
    with duck.connect() as con:
        for name in USABLE:
            (tmp_path / name).mkdir()
            for file in both(tmp_path, name):
                duck.write_parquet(con, f"SELECT {duck.literal(name)} AS whose", file, "COMPRESSION zstd")
                assert opening.parquet(file).read().to_pydict() == {"whose": [name]}
    assert len(list(tmp_path.iterdir())) == 2 * len(USABLE)


@pytest.mark.slow
def test_database_files(tmp_path):
    """One in a folder of each name: what is written stands there, is read from there, and nothing else is made."""
    for name in USABLE:
        (tmp_path / name).mkdir()
        file = tmp_path / name / "w.duckdb"
        with database.writable(file) as new, database.connect(new) as con:
            con.execute(f"CREATE TABLE t AS SELECT {duck.literal(name)} AS whose")
    for name in USABLE:
        file = tmp_path / name / "w.duckdb"
        assert [one.name for one in (tmp_path / name).iterdir()] == [file.name]
        with database.connect(file, read_only=True) as con:
            assert con.sql("FROM t").fetchall() == [(name,)]
        with duckdb.connect(str(file), read_only=True) as con:  # as a foreign reader does
            assert con.sql("FROM t").fetchall() == [(name,)]
    assert len(list(tmp_path.iterdir())) == len(USABLE)


SPILL = "CREATE TEMP TABLE t AS SELECT i, hash(i)::VARCHAR || hash(i + 7)::VARCHAR AS s FROM range(50000) AS r(i)"


@pytest.mark.slow
def test_temp_directory(tmp_path):
    """What does not fit into memory goes to the folder that was said, and comes back."""
    for name in USABLE:
        folder = tmp_path / name
        folder.mkdir()
        with duck.connect("2MB", scratch=folder) as con:
            con.execute(SPILL)
            assert any(one.name.startswith("duckdb_temp") for one in folder.iterdir())
            assert con.sql("SELECT count(*), sum(i) FROM t WHERE s IS NOT NULL").fetchall() == [(50_000, 1_249_975_000)]
    assert len(list(tmp_path.iterdir())) == len(USABLE)


@pytest.mark.parametrize("name", ["a?", "?", "a?b=c", "[?]", "a"])
def test_a_database_that_is_read_spills_beside_itself(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    file = folder / "w.duckdb"
    with database.writable(file) as new, database.connect(new) as con:
        con.execute("CREATE TABLE other AS SELECT 1")
    with database.connect(file, read_only=True) as con:
        con.execute("SET memory_limit = '2MB'")
        con.execute("SET threads = 1")
        con.execute(SPILL)
        assert any(one.name.startswith("duckdb_temp") for one in (folder / "w.duckdb.tmp").iterdir())
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_database_that_cannot_be_written_says_where(tmp_path, monkeypatch):
    under = tmp_path / "a?"
    under.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(under))
    with pytest.raises(errors.PublishError, match="set TMPDIR to a folder without one"), database.writable(under / "w"):
        pass
    assert list(under.iterdir()) == []


def test_arrow(place, tmp_path):
    for name in USABLE:
        (tmp_path / name).mkdir()
        for file, other in zip(both(place, name), both(tmp_path, name), strict=True):
            assert opening.parquet(file).read().to_pydict() == {"whose": [name]}
            assert opening.parquet_schema(file).names == ["whose"]
            with opening.parquet_writer(other, pa.schema({"whose": pa.string()})) as out:
                out.write_table(pa.table({"whose": [name]}))
            assert other.read_bytes()[:4] == b"PAR1"
            assert opening.parquet(other).read().to_pydict() == {"whose": [name]}


def test_arrow_takes_no_relative_path_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    schema = pa.schema({"whose": pa.string()})
    for name in ("s3:b", "file:x", "http:y", "a:b", "~x", "-x", "gs:x"):
        with opening.parquet_writer(Path(name), schema) as out:
            out.write_table(pa.table({"whose": [name]}))
        assert opening.parquet(Path(name)).read().to_pydict() == {"whose": [name]}
        with duck.connect() as con:
            assert con.sql(f"FROM {duck.parquet_files(Path(name))}").fetchall() == [(name,)]


def test_polars(place, tmp_path):
    """No module of ours gives Polars a path; so it is to be given one."""
    as_it_is = {"glob": False, "hive_partitioning": False}
    for name in USABLE:
        for file in both(place, name):
            assert pl.scan_parquet(file, **as_it_is).collect().to_dict(as_series=False) == {"whose": [name]}
            assert pl.read_parquet(file, **as_it_is).to_dict(as_series=False) == {"whose": [name]}
        found = pl.scan_csv(place / name / "t.csv", glob=False).collect()
        assert found.to_dict(as_series=False) == {"whose": [text_in(name)]}


def bytes_name(folder: Path, name: bytes) -> Path:
    """A file of that name, which is not UTF-8; skips where the file system has none."""
    path = folder / os.fsdecode(name)
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    return path


def test_a_folder_is_found_by_way_of_the_one_above(place, monkeypatch, tmp_path):
    (tmp_path / "a[1]").mkdir()
    (tmp_path / "a[1]" / "t.parquet").write_bytes((place / "rates[1]" / "t.parquet").read_bytes())
    (tmp_path / "other[1]").symlink_to(tmp_path / "a[1]")
    with duck.connect() as con:
        for way in (tmp_path / "a[1]" / ".." / "a[1]", tmp_path / "other[1]"):
            assert con.sql(f"FROM {duck.parquet_files(way / 't.parquet')}").fetchall() == [("rates[1]",)]
        monkeypatch.chdir(tmp_path / "a[1]")
        assert con.sql(f"FROM {duck.parquet_files(Path('t.parquet'))}").fetchall() == [("rates[1]",)]


# ---- what is refused -----------------------------------------------------------------------------------------------

REFUSED = [*(name for name in NAMES if "\\" in name), "a\udcff", "\udc80"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_duckdb_cannot_be_given_is_refused_with_a_remedy(tmp_path, name):
    file = tmp_path / name / "t.parquet"
    ways = [
        lambda: file_names.literal_path(file),
        lambda: file_names.whole_path(file),
        lambda: duck.parquet_files([tmp_path / "a", file]),
        lambda: duck.csv_file(file, "header = true"),
        lambda: database.connect(file),
        lambda: database.writable(file).__enter__(),
        lambda: duck.connect(scratch=file.parent),
    ]
    for way in ways:
        with pytest.raises(errors.PathError, match="rename it, or move it to another folder") as refused:
            way()
        assert refused.value.place == str(file.parent if way is ways[-1] else file)
    assert list(tmp_path.iterdir()) == []


def root_named(folder: Path, name: str) -> Path:
    """An empty warehouse of that name; skips where the file system takes no such name."""
    root = folder / name
    try:
        (root / "raw").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    return root


@pytest.mark.parametrize("name", ["a\\b", "\\", "a\\[1]", "a\udcff", "ok/a\\b/ok"])
def test_a_root_in_which_nothing_can_be_built_is_refused_before_anything_is(tmp_path, name):
    root = root_named(tmp_path, name)
    with pytest.raises(errors.RootError, match="rename that folder, or put the warehouse elsewhere") as refused:
        session.use(root)
    assert refused.value.place == str(root)
    (tmp_path / "plain").symlink_to(root)
    with pytest.raises(errors.RootError):
        session.use(tmp_path / "plain")
    assert [one.name for one in root.iterdir()] == ["raw"]


def test_the_command_refuses_such_a_root(tmp_path):
    root = root_named(tmp_path, "a\\b")
    for words in (["build"], ["status"], ["query", "SELECT 1"]):
        done = kit.ratehouse(root, *words)
        assert (done.returncode, done.stdout) == (2, "")
        told = " ".join(done.stderr.split())
        assert "has a backslash in its path" in told
        assert "rename that folder, or put the warehouse elsewhere" in told
    assert [one.name for one in root.iterdir()] == ["raw"]
    for words in (["init", "c\\d"], ["sample", "c\\d"]):
        done = kit.ratehouse(None, *words, cwd=tmp_path)
        assert done.returncode == 2
        assert "rename that folder" in " ".join(done.stderr.split())
    assert not (tmp_path / "c\\d").exists()


def test_a_root_that_duckdb_would_not_find_is_refused(tmp_path):
    """Of a name with [, * or ? DuckDB lists the folder above, which fails at a name that begins with a backslash."""
    root = root_named(tmp_path, "wh[1]/deeper")
    session.use(root)
    (tmp_path / "\\other").mkdir()
    with pytest.raises(errors.RootError, match=r"must list .*, and it fails there at the name \\other"):
        session.use(root)
    session.use(root_named(tmp_path, "wh1"))


def test_a_star_schema_in_such_a_folder_is_refused(tmp_path):
    session.use(root_named(tmp_path, "warehouse"))
    (tmp_path / "a\\b").mkdir()
    with pytest.raises(errors.UsageError, match="copy what is in it to another folder"):
        import_star.import_star(tmp_path / "a\\b")


def test_the_folder_that_stands_beside_a_root_may_have_any_name(tmp_path):
    """A leaf's name was cut out of its path at a | once, of which the root's own path may have one."""
    from pipeline.leaves import manifest

    root = session.use(root_named(tmp_path, "a|b"))
    before, after = manifest._around(root, "2025-08")
    assert f"{before}payer_slug=x{after}" == str(root.leaf("payer_slug=x", "2025-08"))

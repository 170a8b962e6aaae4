"""Warehouses and raw files of any name: what is published follows from what stands in the files, not from what they are called.

40 small in-network files and three reference files are built once under plain names. Then the same under names that mean
something to a library, in twelve warehouses, each of a name that means something too, beside another warehouse that the
name would match were it a pattern. All published tables must be equal in every column, once the ids that are made from a
file's name (batch_id, and pg_uid with it) are replaced by what they stand for.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import duckdb
import pytest

import forked
import kit
from payer_rates import in_network, rates
from pipeline import tables

NAMES = [
    *("rates[1]", "rates1", "rates[12]", "rates2", "[a-z]", "q", "a*", "ab", "abc", "b?", "bc", "**", "*"),
    *("{a,b}", "c'd", 'c"d', "e;f", "g h", " i", "j ", "k%20l", "k l", "~m", "-n", "#o", "p&q", "$HOME", "`r`", "!s"),
    *("t=u", "year_month=2020-01", "é", "e\u0301", "v\tw", "x\ny", "z:1", "file:z", "a|b", "[!q]/[1]", "a=b/c"),
]
ROOTS = ["wh[1]", "wh*", "wh?", "a'b", 'a"b;c', "{a,b}", "a b", "a%20b", "cafe\u0301", "~x", "-x", "k=v|#[[]?*"]
SIBLINGS = {"wh[1]": "wh1", "wh*": "what", "wh?": "whq", "{a,b}": "a", "k=v|#[[]?*": "k=v|#[qxyz", "a%20b": "a b"}


def lay_out(root: Path, names: list[str], *, more: float = 0.0, mark: str = "") -> Path:
    """A warehouse, not yet built; `mark` stands in the names of its reference files."""
    for number, name in enumerate(names):
        file = root / "raw" / "mrf" / "GA" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(in_network(number, more=more), encoding="utf-8")
    for given in ("pos/pos_codes.csv", "geo/dim_zip.csv", "geo/ZIP_CBSA_062025.xlsx"):
        folder, _, name = given.partition("/")
        (source,) = (kit.SAMPLE / folder).glob("*.csv") if folder == "pos" else [kit.SAMPLE / given]
        (root / "raw" / folder).mkdir(exist_ok=True)
        stem, dot, ending = name.partition(".")
        shutil.copy(source, root / "raw" / folder / f"{stem}{mark}{dot}{ending}")
    return root


NAMING = {("dim_source_file", "file"), ("dim_pos", "basis"), ("xref_file_plan", "file")}  # columns that name files


def content(root: Path) -> dict[str, list[str]]:
    """The rows of every published table and of the leaves, as text, in order; read as a foreign reader does."""
    found = {}
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        files = dict(con.sql("SELECT batch_id, content_hash FROM dim_source_file").fetchall())
        groups = con.sql("SELECT pg_uid, batch_id, provider_group_id_raw, pg_members_uid FROM dim_provider_group")
        meant = {uid: f"{files[batch]} {raw} {members}" for uid, batch, raw, members in groups.fetchall()} | files
        for name, declared in tables.load().items():
            if not declared.folder.startswith("staged"):
                columns = [c for c in declared.columns if (name, c) not in NAMING]
                rows = con.sql(f"SELECT {', '.join(columns)} FROM {name}").fetchall()
                found[name] = sorted(repr([meant.get(v, v) if isinstance(v, str) else v for v in row]) for row in rows)
        leaves = (
            "SELECT year_month, partition, rows, status, reason, starts_with(object_path, ?) FROM partition_manifest"
        )
        found["leaves"] = sorted(map(repr, con.execute(leaves, [f"{root}/"]).fetchall()))
        found["accounts"] = sorted(map(repr, con.sql("FROM month_accounts").fetchall()))
    return found


@pytest.fixture(scope="module")
def plain(server: forked.Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What is published of the files under plain names."""
    root = lay_out(tmp_path_factory.mktemp("plain") / "warehouse", [f"file-{n:02}" for n in range(len(NAMES))])
    assert server.build(root).code == 0
    return content(root)


@pytest.fixture(scope="module")
def other(server: forked.Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built warehouse of files of the same names and other content."""
    root = lay_out(tmp_path_factory.mktemp("other") / "warehouse", NAMES, more=1000.0, mark="[1]")
    assert server.build(root).code == 0
    return root


@pytest.mark.slow
def test_the_files_are_many_and_no_two_alike(plain):
    assert len(NAMES) == len({name.casefold() for name in NAMES}) == 40
    assert len(ROOTS) == 12
    assert len(plain["fact_rate"]) == len(plain["fact_rate_enriched"]) == sum(1 + n % 3 for n in range(40)) == 79
    assert len(plain["dim_source_file"]) == len(plain["dim_payer"]) == 40
    assert len(plain["leaves"]) == 40
    assert len(set(plain["fact_rate"])) == 79


@pytest.mark.slow
@pytest.mark.parametrize("name", ROOTS)
def test_a_warehouse_and_its_files_may_have_any_name(server, plain, other, tmp_path, name):
    root = lay_out(tmp_path / name, NAMES, mark="[1]*?")
    sibling = tmp_path / SIBLINGS.get(name, f"{name}x")
    shutil.copytree(other, sibling)
    shutil.copytree(other / "docs", root / "docs")  # of 400 pages most are the same, and are not rendered again
    before = kit.contents(sibling)
    said = server.build(root)
    assert said.code == 0, said.text
    assert content(root) == plain
    assert server.build(root).text.startswith("nothing to do: 1 month, 79 facts")
    deep = server.run(root, "verify", "--deep")
    assert (deep.code, deep.text) == (0, "no problems\n")
    assert kit.contents(sibling) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([root.name, sibling.name])
    assert sorted(one.name for one in root.iterdir()) == sorted(one.name for one in sibling.iterdir())


def test_a_pattern_would_match_the_sibling():
    """By the shell's own rules, where the name is one at all."""
    import fnmatch

    patterns = [name for name in ROOTS if re.search(r"[\[*?]", name)]
    assert len(patterns) == 4
    assert all(fnmatch.fnmatch(SIBLINGS[name], name) for name in patterns)


# ---- names that no folder of a staged set could have -----------------------------------------------------------------

BEYOND = {
    "long": ["n" * 240, "é" * 118, "[" * 200, "a/" + "b" * 235, "a.b", "c.json/d", "a/b"],
    "of backslashes": ["a\\b", "\\", "\\[1]", "[1]\\*", "a/b", "\\n"],
    "not UTF-8": [os.fsdecode(name) for name in (b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"[\xff]*", b"a/\xff/b")],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BEYOND)
def test_a_raw_file_may_have_a_name_that_is_no_name_of_ours(server, tmp_path, kind):
    root, names = tmp_path / "warehouse", BEYOND[kind]
    try:
        lay_out(root, names)
    except OSError:
        assert kind == "not UTF-8"
        pytest.skip("this file system takes UTF-8 names alone")
    said = server.build(root)
    assert said.code == 0, said.text
    query = "SELECT DISTINCT reporting_entity_name, count(*) FROM fact_rate_enriched GROUP BY ALL ORDER BY ALL"
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql(query).fetchall() == [(f"Payer {n:02}", 1 + n % 3) for n in range(len(names))]
    for words in (["sources"], ["sources", "--json"], ["status"], ["verify", "--deep"]):
        assert server.run(root, *words).code == 0
    assert server.build(root).text.startswith("nothing to do")


# ---- the case as it was found ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("month", ["2025-08", "2025-07"], ids=["in one month", "in two"])
def test_a_name_that_matches_another_has_its_own_rows(server, tmp_path, month):
    folder = tmp_path / "warehouse" / "raw" / "mrf" / "GA"
    folder.mkdir(parents=True)
    (folder / "rates[1].json").write_text(rates("Acme Health", month, [86.5, 121.0, 411.0]))
    (folder / "rates1.json").write_text(rates("Bolt Care", "2025-08", [1.5, 2.5]))
    root = tmp_path / "warehouse"
    assert server.build(root).code == 0
    query = (
        "SELECT year_month, payer_slug, count(*), sum(negotiated_rate) FROM fact_rate_enriched GROUP BY ALL ORDER BY 2"
    )
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql(query).fetchall() == [(month, "acme_health", 3, 618.5), ("2025-08", "bolt_care", 2, 4.0)]
    assert server.run(root, "status").code == 0
    assert server.run(root, "verify", "--deep").code == 0


@pytest.mark.parametrize("name", ["~x", "-x", "s3:"])
def test_a_root_is_named_from_the_current_folder(tmp_path, name):
    """A folder ~x counts before the home of a user x; where there is neither it is said."""
    words = [f"--root={name}", "query", "SELECT 1"]
    done = kit.ratehouse(None, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no such folder" in done.stderr
    (tmp_path / name / "raw").mkdir(parents=True)
    done = kit.ratehouse(None, *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no catalog yet" in " ".join(done.stderr.split())

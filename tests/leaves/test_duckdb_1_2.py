"""The catalog in DuckDB 1.2, the oldest that is promised: every relation and macro of it, and the guide's queries.

DuckDB 1.2 runs in an environment of its own, made here; what it answers is held against what the DuckDB of the product answers.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import kit
from guide_queries import SQL, placed

pytestmark = pytest.mark.slow
VERSION = "1.2"
# Answers each query of a JSON list on standard input, in the database whose path it is given.
ASKER = """
import duckdb, json, sys
con = duckdb.connect(sys.argv[1], read_only=True)
answers = []
for sql in json.load(sys.stdin):
    try:
        answers.append([[str(v) if not isinstance(v, float) else v for v in row] for row in con.sql(sql).fetchall()])
    except Exception as problem:
        answers.append(f"{type(problem).__name__}: {problem}")
print(json.dumps([duckdb.__version__, answers]))
"""
# Each macro of the catalog, called.
MACROS = {
    "slugify": "slugify('Tupelo & Vine')",
    "join_code_type": "join_code_type('CPT', '99213')",
    "join_code": "join_code('MS-DRG', '1')",
    "zip5": "zip5('30303-1234')",
    "is_domestic": "is_domestic('PR')",
    "is_military": "is_military('AE')",
    "fact_uid": "fact_uid('GA', '2025-08', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', DATE '2025-01-01', 1.5, 'j', 'k', 'l', 'm', 'n')",
}


@pytest.fixture(scope="session")
def python_1_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has DuckDB 1.2 and nothing else; skips, saying so, where none can be installed."""
    folder = tmp_path_factory.mktemp("duckdb-1.2")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"duckdb=={VERSION}.*"]
    done = subprocess.run([*install, "--only-binary=:all:"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (
            f"DuckDB {VERSION} cannot be installed here: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}"
        )
        if os.environ.get("CI") or os.environ.get("RATEHOUSE_REQUIRE_DUCKDB_12"):
            pytest.fail(f"{reason}, and CI or RATEHOUSE_REQUIRE_DUCKDB_12 is set")
        pytest.skip(reason)
    return python


@pytest.fixture(scope="module")
def withheld(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a negative rate, so that views and generated columns have something to leave out."""
    root = kit.copy(built_sample, tmp_path_factory.mktemp("withheld") / "warehouse")
    raw = root / "raw" / "mrf" / kit.SMALL
    raw.write_text(re.sub(r'("negotiated_rate": ?)', r"\1-", raw.read_text(encoding="utf-8"), count=1))
    assert kit.build(root).withheld
    return root


def old(python: Path, database: Path, queries: list[str]) -> list:
    """The answers of DuckDB 1.2."""
    command = [str(python), "-I", "-c", ASKER, str(database)]
    said = subprocess.run(command, input=json.dumps(queries), capture_output=True, text=True, check=True)
    version, answers = json.loads(said.stdout)
    assert version.startswith(f"{VERSION}.")
    refused = {query: answer for query, answer in zip(queries, answers, strict=True) if isinstance(answer, str)}
    assert refused == {}
    return answers


def new(database: Path, queries: list[str]) -> list:
    """The answers of the DuckDB that the product uses, as text but for floats."""
    with duckdb.connect(str(database), read_only=True) as con:
        return [
            [[v if isinstance(v, float) else str(v) for v in row] for row in con.sql(query).fetchall()]
            for query in queries
        ]


def alike(one: list, other: list) -> bool:
    """Whether two answers hold the same rows, in whatever order; sums of floats may differ in their last digits."""

    def key(row: list) -> str:
        return repr([f"{v:.6g}" if isinstance(v, float) else v for v in row])

    return len(one) == len(other) and all(
        a == b or (isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9))
        for left, right in zip(sorted(one, key=key), sorted(other, key=key), strict=True)
        for a, b in zip(left, right, strict=True)
    )


def relations(root: Path) -> list[str]:
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return [name for (name,) in con.sql("SHOW TABLES").fetchall()]


def test_every_relation_can_be_read(python_1_2, withheld):
    """Each column of its first rows, and its count."""
    database, found = withheld / "warehouse.duckdb", relations(withheld)
    assert len(found) > 30
    heads = old(python_1_2, database, [f"SELECT * FROM {name} LIMIT 5" for name in found])
    counts = [f"SELECT count(*) FROM {name}" for name in found]
    told = dict(zip(found, old(python_1_2, database, counts), strict=True))
    assert told == dict(zip(found, new(database, counts), strict=True))
    assert {n for n, head in zip(found, heads, strict=True) if not head} == {n for n, [[c]] in told.items() if c == "0"}
    assert {"path", "object_path", "status"} <= {
        row[0] for row in old(python_1_2, database, ["DESCRIBE partition_manifest"])[0]
    }


def test_every_row_of_what_the_catalog_keeps_and_leaves_out_is_the_same(python_1_2, withheld):
    database = withheld / "warehouse.duckdb"
    whole = ["partition_manifest", "table_files", "month_accounts", "benchmark_coverage", "warehouse", "dim_pos_set"]
    queries = [f"SELECT * FROM {name} ORDER BY ALL" for name in whole]
    queries += [
        "SELECT DISTINCT status, path IS NULL, object_path IS NULL, reason IS NULL FROM partition_manifest ORDER BY ALL",
        "SELECT year_month, count(*), min(fact_uid), max(fact_uid) FROM fact_rate_enriched GROUP BY ALL ORDER BY ALL",
    ]
    answers = old(python_1_2, database, queries)
    assert answers == new(database, queries)
    assert ["withheld", "True", "True", "False"] in answers[-2]
    assert ["published", "False", "False", "True"] in answers[-2]


def test_every_macro_can_be_called(python_1_2, built_sample):
    database = built_sample / "warehouse.duckdb"
    stored = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal ORDER BY ALL"
    ((*names,), calls) = old(python_1_2, database, [stored, f"SELECT {', '.join(MACROS.values())}"])
    assert {name for (name,) in names} == set(MACROS)
    assert calls == new(database, [f"SELECT {', '.join(MACROS.values())}"])[0]
    assert calls[0][:5] == ["tupelo_vine", "HCPCS", "001", "30303", "True"]


@pytest.mark.parametrize("name", SQL)
def test_the_guide_s_queries_are_answered(python_1_2, built_sample, name):
    """Over the files, as the guide has them, and over the catalog's views."""
    database = built_sample / "warehouse.duckdb"
    by_files = re.sub(r"\bLIMIT \d+", "", placed(SQL[name], built_sample))
    by_views = re.sub(r"read_parquet\('[^']*/(\w+?)(?:_\?{4}-\?\?)?\.parquet'\)", r"\1", by_files)
    assert "read_parquet" not in by_views
    files, views = old(python_1_2, database, [by_files, by_views])
    (expected,) = new(database, [by_files])
    assert alike(files, expected)
    assert alike(views, expected)
    assert expected or name in ("8.1", "8.2"), "these two look for what is amiss"


def test_a_reader_of_1_2_with_a_log_of_its_own_does_not_reach_the_next_catalog(python_1_2, small, tmp_path):
    """Killed with the catalog open for writing: its log is set aside by the next build, and 1.2 reads that one."""
    root = kit.copy(small, tmp_path / "warehouse")
    assert kit.build(root).ok
    database = root / "warehouse.duckdb"
    program = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]); con.execute('CREATE VIEW mine AS SELECT 1 AS a')"
    )
    subprocess.run([python_1_2, "-c", f"{program}; os.kill(os.getpid(), 9)", str(database)], check=False)
    assert (root / "warehouse.duckdb.wal").exists()
    assert kit.build(root).ok
    assert not (root / "warehouse.duckdb.wal").exists()
    assert old(python_1_2, database, ["SELECT count(*) FROM fact_rate"]) == [[["4"]]]
    (kept,) = (root / "quarantine" / "extra").iterdir()
    assert old(python_1_2, kept / "warehouse.duckdb", ["FROM mine"]) == [[["1"]]]
    shutil.rmtree(root)

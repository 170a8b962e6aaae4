"""The gate itself: real DuckDB and GX over literal tables; what fails, which rows, and what a broken suite says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipeline import errors
from pipeline.gates import data_docs, suites
from pipeline.storage import duck, repeated_hashes

# id, k (two words and a null), r (an amount)
ROWS = [(1, "a", 1.0), (2, "b", -1.0), (3, "b", 3.0), (4, None, 9.5), (5, "cc", None)]


def values(rows: list[tuple], names: str = "id, k, r") -> str:
    """A SELECT of literal rows."""
    listed = ", ".join("(" + ", ".join("NULL" if v is None else repr(v) for v in row) + ")" for row in rows)
    return f"SELECT * FROM (VALUES {listed}) AS v ({names})"


def expectation(kind: str, severity: str = "critical", **kwargs) -> dict:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "notes": "because", "description": f"{kind} holds."}


def sql(query: str, severity: str = "critical") -> dict:
    return expectation("unexpected_rows_expectation", severity, unexpected_rows_query=query)


NOT_NULL = expectation("expect_column_values_to_not_be_null", column="k")
UNIQUE = expectation("expect_column_values_to_be_unique", column="k")
COMPOUND = expectation("expect_compound_columns_to_be_unique", column_list=["k", "r"])
NO_ROWS_BELOW_ZERO = sql("SELECT * FROM {batch} WHERE r < 0")


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., suites.Verdict]:
    """check(expectations, select, table=…, **other views) over a suite written for the purpose."""

    def run(expectations: list[dict], select: str, table: str = "t", label: str | None = None, **views: str):
        path = suite(tmp_path, expectations, table)
        variables = {"year_month": "2025-08"}
        con = duck.connect("200MB", scratch=tmp_path)
        return suites.check(path, con, views={table: select, **views}, variables=variables, label=label)

    return run


def suite(folder: Path, expectations: list[dict], table: str = "t") -> Path:
    path = folder / f"{table}.json"
    path.write_text(json.dumps({"name": table, "notes": "One row per <thing>.", "expectations": expectations}))
    return path


def ids(folder: Path, verdict: suites.Verdict, select: str, table: str = "t", **views: str) -> set | None:
    """The ids of all rows that failing_rows gives."""
    con = duckdb.connect()
    for name, text in {table: select, **views}.items():
        con.execute(f"CREATE VIEW {name} AS {text}")
    found = suites.failing_rows(folder / f"{table}.json", verdict, table, con)
    if found is None:
        return None
    return {row[0] for _, select in found for row in con.execute(f"SELECT id FROM ({select})").fetchall()}


@pytest.mark.parametrize(
    ("wanted", "failing"),
    [
        (NOT_NULL, {4}),
        (expectation("expect_column_values_to_be_null", column="k"), {1, 2, 3, 5}),
        (UNIQUE, {2, 3}),
        (expectation("expect_column_values_to_be_between", column="r", min_value=0), {2}),
        (expectation("expect_column_values_to_be_between", column="r", max_value=3), {4}),
        (expectation("expect_column_values_to_be_between", column="r", max_value=3, strict_max=True), {3, 4}),
        (expectation("expect_column_values_to_be_between", column="r", min_value=1, strict_min=True), {1, 2}),
        (expectation("expect_column_values_to_be_in_set", column="k", value_set=["a", "cc"]), {2, 3}),
        (expectation("expect_column_values_to_not_be_in_set", column="k", value_set=["a", "cc"]), {1, 5}),
        (expectation("expect_column_value_lengths_to_equal", column="k", value=1), {5}),
        (expectation("expect_column_value_lengths_to_be_between", column="k", min_value=2), {1, 2, 3}),
        (NO_ROWS_BELOW_ZERO, {2}),
        (sql("SELECT b.* FROM {batch} AS b ANTI JOIN d ON d.k = b.k WHERE b.k IS NOT NULL"), {5}),
        (sql("SELECT * FROM {batch} WHERE regexp_full_match(k, '[b]{{1}}') AND '{{}}' LIKE '{{%'"), {2, 3}),
    ],
    ids=lambda v: v["type"] if isinstance(v, dict) else "",
)
def test_every_kind_of_failure_gives_all_its_rows(check, tmp_path, wanted, failing):
    d = "SELECT unnest(['a', 'b']) AS k"
    verdict = check([wanted], values(ROWS), d=d)
    assert not verdict.passed
    (failure,) = verdict.failures
    assert failure["unexpected_count"] == len(failing)
    assert failure["element_count"] == len(ROWS)
    assert (failure["index"], failure["severity"], failure["notes"]) == (0, "critical", "because")
    assert ids(tmp_path, verdict, values(ROWS), d=d) == failing
    good = [row for row in ROWS if row[0] not in failing]
    passed = check([wanted], values(good), d=d)
    assert passed.passed
    assert passed.failures == []
    assert passed.checked == 1


def test_what_shares_a_hash_with_another_is_no_duplicate(check, monkeypatch):
    """As if every hash stood twice."""
    monkeypatch.setattr(repeated_hashes, "standing_twice", lambda batches, *_: np.concatenate(list(batches)))
    verdict = check([UNIQUE], values(ROWS))
    assert verdict.failures[0]["unexpected_count"] == 2
    assert check([UNIQUE], values([(1, None, 0.0), (2, None, 0.0), (3, "a", 0.0), (4, "b", 0.0)])).passed


def test_more_values_than_are_held_are_looked_through_on_disk(check, monkeypatch, tmp_path):
    monkeypatch.setattr(repeated_hashes, "HELD", 100)
    some = "SELECT unnest(range(5_000)) % {} AS k"
    assert check([UNIQUE], some.format(5_000)).passed
    assert check([UNIQUE], some.format(4_990)).failures[0]["unexpected_count"] == 20
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


@pytest.mark.parametrize("wanted", [UNIQUE, NOT_NULL], ids=lambda wanted: wanted["type"])
def test_a_view_that_reads_a_variable(check, wanted):
    select = "SELECT * FROM ({}) WHERE m = getvariable('year_month')"
    rows = [(1, "a", "2025-08"), (2, "a", "2025-08"), (3, None, "2025-08"), (4, "b", "2025-09"), (5, "b", "2025-09")]
    found = check([wanted], select.format(values(rows, "id, k, m"))).failures[0]["unexpected_count"]
    assert found == {"expect_column_values_to_be_unique": 2, "expect_column_values_to_not_be_null": 1}[wanted["type"]]


@pytest.mark.parametrize("column", ["k", "n", "N", "value", "times", "hash"])
@pytest.mark.parametrize(
    ("value_set", "failing"),
    [(["a", None], {2, 3, 5}), ([], {1, 2, 3, 5}), ([None], {1, 2, 3, 5}), (["a", "b", "cc"], set())],
)
def test_values_that_are_none_of_a_set(check, tmp_path, column, value_set, failing):
    select = values(ROWS, f"id, {column}, r")
    verdict = check([expectation("expect_column_values_to_be_in_set", column=column, value_set=value_set)], select)
    assert verdict.passed is not failing
    assert {f["unexpected_count"] for f in verdict.failures} == ({len(failing)} if failing else set())
    assert not failing or ids(tmp_path, verdict, select) == failing


@pytest.mark.parametrize("column", ["n", "value", "times", "hash"])
def test_a_column_of_any_name_is_unique_or_not(check, column):
    unique = expectation("expect_column_values_to_be_unique", column=column)
    assert check([unique], values(ROWS, f"id, {column}, r")).failures[0]["unexpected_count"] == 2
    assert check([unique], values([(1, -1, 0.0), (2, 1, 0.0)], f"id, {column}, r")).passed


@pytest.mark.parametrize(
    "wanted",
    [UNIQUE, NOT_NULL, expectation("expect_column_values_to_be_in_set", column="k", value_set=["a"])],
    ids=lambda wanted: wanted["type"],
)
def test_a_condition_of_gx_is_kept_to(check, wanted):
    above = {"type": "comparison", "column": {"name": "r"}, "operator": ">", "parameter": 0}
    some = {**wanted, "kwargs": {**wanted["kwargs"], "row_condition": above}}
    fails = [(1, "b", 1.0), (2, "b", 1.0), (3, None, 1.0)]
    passes = [(1, "a", 1.0), *((i, k, -r) for i, k, r in fails)]
    assert not check([wanted], values(passes)).passed
    assert check([some], values(passes)).passed
    assert not check([some], values(fails)).passed


def test_compound_keys(check, tmp_path):
    rows = [(1, "a", 1.0), (2, "a", 1.0), (3, "a", 2.0), (4, None, 1.0), (5, None, 1.0)]
    verdict = check([COMPOUND], values(rows))
    assert verdict.failures[0]["column"] == "k, r"
    assert verdict.failures[0]["detail"] == [{"k": "a", "r": "1.0", "n": 2}]
    assert ids(tmp_path, verdict, values(rows)) == {1, 2}  # a key with a null joins nothing, so it doubles nothing


def test_a_failure_lists_what_failed_with_counts(check):
    verdict = check([UNIQUE, NOT_NULL], values(ROWS))
    assert [f["detail"] for f in verdict.failures] == [[{"k": "b", "n": 2}], [{"k": None, "n": 1}]]


def test_missing_keys_are_listed_most_frequent_first_and_at_most_fifty(check):
    rows = values([(i, f"c{min(i, 60):02}", 0.0) for i in range(100)])
    foreign = sql("SELECT b.k, count(*) AS n FROM {batch} AS b ANTI JOIN d USING (k) GROUP BY k ORDER BY n DESC, k")
    (failure,) = check([foreign], rows, d="SELECT 'c00' AS k").failures
    assert failure["unexpected_count"] == 60
    assert failure["detail"][:2] == [{"k": "c60", "n": 40}, {"k": "c01", "n": 1}]
    assert len(failure["detail"]) == 50


def test_failing_rows_are_complete_beyond_the_samples_of_gx(check, tmp_path):
    select = "SELECT i AS id, if(i % 2 = 0, NULL, 'a') AS k, if(i % 2 = 0, -1.0, 1.0) AS r FROM range(2000) AS t (i)"
    even = set(range(0, 2000, 2))
    for wanted in (NOT_NULL, NO_ROWS_BELOW_ZERO):
        assert ids(tmp_path, check([wanted], select), select) == even
    assert len(ids(tmp_path, check([UNIQUE], select), select)) == 1000


def test_a_warning_does_not_block(check, tmp_path):
    wanted = [{**NOT_NULL, "severity": "warning"}, sql("SELECT * FROM {batch} WHERE r < 0", "warning")]
    verdict = check(wanted, values(ROWS))
    assert verdict.passed
    assert [f["severity"] for f in verdict.failures] == ["warning", "warning"]
    assert ids(tmp_path, verdict, values(ROWS)) == set()  # nothing is withheld for it


def test_severity_is_critical_unless_said(check):
    silent = {k: v for k, v in NOT_NULL.items() if k != "severity"}
    assert not check([silent], values(ROWS)).passed


def test_an_empty_table_fails_only_what_asks_for_rows(check):
    empty = f"SELECT * FROM ({values(ROWS)}) WHERE FALSE"
    rows = expectation("expect_table_row_count_to_be_between", "warning", min_value=1)
    verdict = check([NOT_NULL, UNIQUE, COMPOUND, NO_ROWS_BELOW_ZERO, rows], empty)
    assert verdict.passed
    assert [f["expectation"] for f in verdict.failures] == ["expect_table_row_count_to_be_between"]
    assert verdict.failures[0]["detail"] == [{"observed": 0}]


@pytest.mark.parametrize(
    "wanted",
    [
        expectation("expect_table_row_count_to_be_between", min_value=10),
        expectation("expect_table_row_count_to_equal_other_table", other_table_name="other"),
        sql("SELECT k, count(*) AS n FROM {batch} GROUP BY k HAVING count(*) > 1"),
    ],
    ids=["row count", "other table", "keys that are not the table's"],
)
def test_a_failure_that_is_not_about_rows_fails_the_table(check, tmp_path, wanted):
    other = "SELECT 1 AS x"
    verdict = check([NOT_NULL, wanted], values(ROWS), other=other)
    assert len(verdict.failures) == 2
    assert ids(tmp_path, verdict, values(ROWS), other=other) is None


def test_sql_that_returns_the_tables_key_is_about_the_rows_of_that_key(check, tmp_path):
    names = "id, fact_uid, negotiated_rate"
    rows = values([(1, "x", 1.0), (2, "x", 2.0), (3, "y", 3.0), (4, None, 4.0), (5, None, 5.0)], names)
    twice = sql("SELECT fact_uid, count(*) AS n FROM {batch} GROUP BY ALL HAVING count(*) > 1")
    verdict = check([twice], rows, table="fact_rate_enriched")
    assert ids(tmp_path, verdict, rows, table="fact_rate_enriched") == {1, 2, 4, 5}


def test_reasons_name_the_column_and_the_why(check, tmp_path):
    verdict = check([NOT_NULL], values(ROWS))
    rule = "expect_column_values_to_not_be_null holds"
    assert suites.reason(verdict.failures[0]) == f'k: "{rule}" does not hold. because'


def test_variables_and_limits_reach_the_suites_sql(check):
    told = sql(
        "SELECT getvariable('year_month') AS m, current_setting('memory_limit') AS limit, "
        "current_setting('threads') AS threads, slugify('A  b!') AS slug FROM {batch} LIMIT 1"
    )
    (failure,) = check([told], values(ROWS)).failures
    assert failure["detail"] == [{"m": "2025-08", "limit": "190.7 MiB", "threads": 1, "slug": "a_b"}]


def test_numbers_that_json_has_no_word_for_are_text(check):
    odd = "SELECT 1 AS id, 'nan'::DOUBLE AS r, DATE '2025-01-02' AS k"
    (failure,) = check([sql("SELECT r, k FROM {batch}")], odd).failures
    assert json.loads(json.dumps(failure["detail"], allow_nan=False)) == [{"r": "nan", "k": "2025-01-02"}]


def test_a_verdict_is_json_and_back(check):
    verdict = check([NOT_NULL], values(ROWS))
    again = suites.Verdict.from_dict({**json.loads(json.dumps(verdict.to_dict())), "withheld": 3})
    assert again == verdict
    assert json.loads(json.dumps(verdict.result))["success"] is False


def test_labels(check):
    assert check([NOT_NULL], values(ROWS)).result["meta"]["run_id"]["run_name"] == "2025-08"
    assert check([NOT_NULL], values(ROWS), label="MD/a.json").result["meta"]["run_id"]["run_name"] == "MD/a.json"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (expectation("expect_column_values_to_not_be_null", column="nope"), "nope"),
        (sql("SELECT nope FROM {batch}"), "nope"),
        (sql("SELECT * FROM {batch} WHERE k = '{'"), "brace"),
        (expectation("expect_the_moon", column="k"), "expect_the_moon"),
        (expectation("expect_column_values_to_be_between", column="k", wrong=1), "wrong"),
    ],
    ids=["unknown column", "SQL that does not bind", "single brace", "unknown expectation", "unknown argument"],
)
def test_a_broken_expectation_is_refused_not_passed_over(check, wanted, said):
    with pytest.raises(errors.GateError, match=said) as refused:
        check([NO_ROWS_BELOW_ZERO, wanted], values(ROWS))
    assert refused.value.place.endswith("t.json")


def test_a_suite_that_is_no_json_or_not_there_is_named(tmp_path):
    path = tmp_path / "t.json"
    for call in (suites.suite_hash, lambda p: suites.failing_rows(p, None, "t", None)):
        with pytest.raises(errors.GateError, match="no such suite"):
            call(path)
    path.write_text('{"name": ')
    with pytest.raises(errors.GateError, match=r"t\.json: is no JSON"):
        suites.suite_hash(path)


def test_the_hash_of_a_suite_is_that_of_its_meaning(tmp_path):
    path = suite(tmp_path, [NOT_NULL, UNIQUE])
    former = suites.suite_hash(path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=8, sort_keys=True) + "\n")
    assert suites.suite_hash(path) == former
    suite(tmp_path, [NOT_NULL, {**UNIQUE, "severity": "warning"}])
    assert suites.suite_hash(path) != former


def run(program: str, *arguments: Path) -> str:
    """What a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_hashing_a_suite_imports_no_gx(tmp_path):
    program = (
        "import sys; from pathlib import Path; from pipeline.gates import suites, data_docs; "
        "suites.suite_hash(Path(sys.argv[1])); print({'great_expectations', 'polars'} & set(sys.modules))"
    )
    assert run(program, suite(tmp_path, [NOT_NULL])) == "set()"


@pytest.mark.slow
def test_a_process_that_imported_what_builds_need_ends_without_a_word():
    """DuckDB's binding tells of each object that is left when Python ends."""
    assert run("from pipeline.operations import build_setup; print(build_setup.preload() > 0)") == "True"


@pytest.mark.skipif(sys.platform != "linux", reason="workers fork on Linux only")
def test_what_is_preloaded_survives_a_fork(tmp_path):
    program = """
import os, sys, threading, warnings
from pathlib import Path
from pipeline.gates import suites
suites.preload()
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside an allocator's own thread, from Python 3.12 on
import duckdb
threads = [Path(f"/proc/self/task/{t}/comm").read_text().strip() for t in os.listdir("/proc/self/task")]
print(threading.active_count(), sum(t.startswith("python") for t in threads), "polars" in sys.modules)
sys.stdout.flush()
if os.fork() == 0:
    con = duckdb.connect(config={"threads": 2})
    verdict = suites.check(Path(sys.argv[1]), con, views={"t": "SELECT NULL AS k"}, variables={})
    print(verdict.passed, verdict.failures[0]["unexpected_count"])
    sys.stdout.flush()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""
    assert run(program, suite(tmp_path, [NOT_NULL]), tmp_path).splitlines() == ["1 1 False", "False 1"]


def test_a_check_sees_no_view_of_the_one_before(tmp_path):
    """Suites of a task are checked on one connection; whatever the order, each sees what it is given, and no more."""
    con = duck.connect()
    foreign = sql("SELECT * FROM {batch} ANTI JOIN d USING (k)")
    given = {"d": "SELECT 'a' AS k"}
    first = suites.check(suite(tmp_path, [foreign]), con, views={"t": "SELECT 'a' AS k", **given}, variables={})
    assert first.passed
    with pytest.raises(errors.GateError, match="cannot be evaluated"):
        suites.check(suite(tmp_path, [foreign]), con, views={"t": "SELECT 'a' AS k"}, variables={})
    again = suites.check(suite(tmp_path, [foreign]), con, views={"t": "SELECT 'b' AS k", **given}, variables={})
    assert not again.passed


def test_checks_leave_nothing_open(check, tmp_path):
    source = suites.preload().datasource()
    for _ in range(3):
        check([NOT_NULL], values(ROWS))
    assert source.assets == []
    assert source.get_execution_engine() is None


# ---- Data Docs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def results(check) -> list[dict]:
    """A failed check, one with warnings, one that passed."""
    foreign = sql("SELECT k, count(*) AS n FROM {batch} GROUP BY k HAVING k LIKE '<%'")
    odd = values([(1, "<script>alert(1)</script>", 1.0), (2, "<b>&", 2.0)])
    return [
        check([{**UNIQUE, "severity": "warning"}], values(ROWS), table="dim_code", label="codes").result,
        check([NOT_NULL], values(ROWS[:3]), table="dim_npi", label="").result,
        check(
            [foreign, NOT_NULL, expectation("expect_column_values_to_be_in_set", column="k", value_set=["a"])], odd
        ).result,
    ]


def test_the_index_says_what_failed_first(results, tmp_path):
    index = data_docs.build(results, tmp_path, tmp_path / "docs")
    assert index == tmp_path / "docs" / "index.html"
    text = index.read_text()
    assert "3 checks: 1 failed, 1 with warnings, 1 passed." in text
    assert text.index(">t</a>") < text.index(">dim_code</a>") < text.index(">dim_npi</a>")
    assert ">2025-08</td>" in text
    assert "unexpected_rows_expectation holds." in text


def test_pages_list_the_failed_keys_and_need_no_network(results, tmp_path):
    index = data_docs.build(results, tmp_path, tmp_path / "docs")
    pages = {p.name.split("-")[0]: p.read_text() for p in (tmp_path / "docs").rglob("*.html")}
    assert len(pages) == 4
    for text in pages.values():
        assert "http" not in text.replace("http-equiv", "")
        assert "<script" not in text
    failed = pages["t_2025"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in failed
    assert "&lt;b&gt;&amp;" in failed
    assert "One row per &lt;thing&gt;." in failed
    assert "because (critical)" in failed
    assert all((index.parent / link).exists() for link in _links(index.read_text()))


def test_pages_of_unchanged_results_are_taken_over(results, tmp_path):
    docs = tmp_path / "docs"
    (tmp_path / ".docs-killed").mkdir()
    data_docs.build(results, tmp_path, docs)
    marked = {p: p.write_text(p.read_text() + "<!-- kept -->") and p for p in (docs / "checks").glob("dim_*.html")}
    again = [
        {**r, "meta": {**r["meta"], "run_id": {**r["meta"]["run_id"], "run_time": "2031-01-01T00:00:00"}}}
        for r in results
    ]
    data_docs.build(again[:2], tmp_path, docs)
    assert sorted((docs / "checks").iterdir()) == sorted(marked)  # the third result is gone, and its page
    assert all("<!-- kept -->" in p.read_text() for p in marked)
    assert "2031-01-01 00:00" in (docs / "index.html").read_text()
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["docs"]


def _links(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('href="')[1:]]

"""Checks a table against its suite: is it fit to be published? Only this module, `gx_duckdb` and `data_docs` know GX.

What belongs here: checking a table against its suite, the verdict, and which rows failed. GX gives the verdict;
which rows failed is asked of DuckDB, since GX returns samples. What must not come in: what follows from a verdict
(`tasks.base`, `stages`), any one table's meaning (that is its suite). GX is imported when it is needed, never before.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import duckdb

from pipeline import errors, tables
from pipeline.storage import duck, targets

CRITICAL = "critical"
DETAIL_ROWS = 50
_SQL = "unexpected_rows_expectation"


@dataclass(frozen=True)
class Verdict:
    """What a suite says of a table.

    passed    no critical expectation failed
    checked   expectations in the suite
    failures  one object per failed expectation: index (its place in the suite, from 0), expectation, description
              (what it says of a table that passes), column (names joined by `, `, null for a table's), severity, notes,
              unexpected_count and element_count (rows; for an
              SQL expectation the rows its query returns), detail (up to 50 objects: the values or keys that failed,
              most frequent first, with their counts)
    result    GX's own validation result, for `data_docs`; not part of `to_dict`
    """

    suite: str
    suite_hash: str
    passed: bool
    checked: int
    failures: list[dict]
    seconds: float
    result: dict = field(default_factory=dict, repr=False, compare=False)

    def to_dict(self) -> dict:
        """JSON, without the result."""
        return {k: v for k, v in asdict(self).items() if k != "result"}

    @classmethod
    def from_dict(cls, raw: Mapping) -> Verdict:
        """Back from `to_dict`; what others added to it is left out."""
        return cls(**{k: raw[k] for k in ("suite", "suite_hash", "passed", "checked", "failures", "seconds")})


def preload() -> ModuleType:
    """Import all of GX (3-5 s), to be shared by forked workers; starts no thread pool, opens and queries nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what GX imports is its own affair
        from pipeline.gates import gx_duckdb
    gx_duckdb.datasource()  # and no more: to open a database starts threads
    return gx_duckdb


def suite_hash(path: Path) -> str:
    """Hash of a suite's JSON, whatever its layout and the order of its keys. Does not import GX.

    GateError when there is no such suite or it is no JSON.
    """
    try:
        stat = path.stat()
    except OSError as problem:
        raise _no_suite(path) from problem
    return _suite_hash(path, stat.st_mtime_ns, stat.st_size)


def check(
    suite_path: Path,
    con: duckdb.DuckDBPyConnection,
    *,
    views: Mapping[str, str],
    variables: Mapping[str, object],
    label: str | None = None,
) -> Verdict:
    """Check the view named as the suite (its file's stem) against it.

    con        on whose database it is done, several suites one after the other: opening one takes longer than most checks
    views      view name -> SELECT; the others are there for the suite's own SQL (foreign keys)
    variables  what the suite's SQL reads with getvariable()
    label      what is checked, as the Data Docs name it; the variable `year_month` by default

    Raises GateError when the suite itself is at fault: it cannot be read, or one of its expectations cannot be
    evaluated (an unknown column, SQL that does not run). duckdb.Error when a view cannot be read.
    """
    started = time.perf_counter()
    config = _read(suite_path)
    table = suite_path.stem
    for name, select in views.items():
        con.execute(f"CREATE VIEW {duck.identifier(name)} AS {select}")

    def cursor() -> duckdb.DuckDBPyConnection:
        made = con.cursor()  # variables belong to a connection, views to the database
        for name, value in variables.items():
            made.execute(f"SET VARIABLE {duck.identifier(name)} = {duck.literal(value)}")
        return made

    try:
        result = _validate(suite_path, config, table, cursor)
        failures = _failures(config, table, result, cursor)
    finally:
        for name in views:
            con.execute(f"DROP VIEW {duck.identifier(name)}")
    result["meta"]["run_id"] = {
        "run_name": variables.get("year_month", "") if label is None else label,
        "run_time": datetime.now(UTC).isoformat(),
    }
    return Verdict(
        suite=table,
        suite_hash=suite_hash(suite_path),
        passed=all(f["severity"] != CRITICAL for f in failures),
        checked=len(config["expectations"]),
        failures=failures,
        seconds=round(time.perf_counter() - started, 3),
        result=result,
    )


def failing_rows(
    suite_path: Path, verdict: Verdict, table: str, con: duckdb.DuckDBPyConnection
) -> list[tuple[str, str]] | None:
    """All rows that fail a critical expectation: (reason, SELECT of whole rows of the view `table` of `con`).

    None when a critical failure is not about rows (a count, or SQL whose rows do not carry the table's key): then
    the table fails as a whole. `con` needs the other views and variables of the suite, as in `check`.
    """
    config = _read(suite_path)
    selects = []
    for failure in verdict.failures:
        if failure["severity"] != CRITICAL:
            continue
        select = _rows(config["expectations"][failure["index"]], table, con)
        if select is None:
            return None
        selects.append((reason(failure), select))
    return selects


def reason(failure: Mapping) -> str:
    """A failure in words: the column, what does not hold of it, and why that matters."""
    rule = failure.get("description", "").rstrip(".")
    subject = failure["column"] or ("" if rule else failure["expectation"])
    broken = f'"{rule}" does not hold.' if rule else ""
    return " ".join(filter(None, (subject and f"{subject}:", broken, failure["notes"])))


# ---- suites -------------------------------------------------------------------------------------------------------


def _no_suite(path: Path) -> errors.GateError:
    return errors.GateError("there is no such suite", place=path, remedy="write one: see expectations/README.md")


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise _no_suite(path) from problem
    except ValueError as problem:
        raise errors.GateError(f"is no JSON: {problem}", place=path, remedy="mend the suite") from problem


@functools.lru_cache(maxsize=512)
def _suite_hash(path: Path, _mtime_ns: int, _size: int) -> str:
    return hashlib.sha256(json.dumps(_read(path), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# ---- GX -----------------------------------------------------------------------------------------------------------


def _validate(path: Path, config: dict, table: str, cursor) -> dict:
    """GX's validation result as JSON; each expectation's place in the suite stands in its meta as `index`."""
    gx_duckdb = preload()
    expectations = []
    for index, expectation in enumerate(config["expectations"]):
        try:
            expectations.append(gx_duckdb.load_expectation(expectation, index))
        except ValueError as problem:
            raise _broken(path, expectation, str(problem)) from problem
    suite = gx_duckdb.gx.ExpectationSuite(name=table, expectations=expectations)
    source = gx_duckdb.datasource()
    source.open(cursor)
    try:
        batch = source.batch(table)
        # Counts only: GX would scan a column once more for a sample of each expectation, failed or not.
        found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
        result = found.to_json_dict()
    finally:
        source.release()
    result["results"].sort(key=lambda r: r["expectation_config"]["meta"]["index"])
    for one in result["results"]:
        problem = _exception(one["exception_info"])
        if problem:
            expectation = config["expectations"][one["expectation_config"]["meta"]["index"]]
            raise _broken(path, expectation, problem)
    return result


def _exception(info: Mapping) -> str | None:
    """GX nests what went wrong by metric, or not."""
    if info.get("raised_exception"):
        return str(info["exception_message"]).partition("\n[SQL:")[0]
    nested = [_exception(v) for v in info.values() if isinstance(v, Mapping)]
    return next((n for n in nested if n), None)


def _broken(path: Path, expectation: Mapping, why: str) -> errors.GateError:
    words = f"{expectation.get('type')} {json.dumps(expectation.get('kwargs', {}), sort_keys=True)}"
    remedy = targets.remedy(Exception(why)) or "mend the suite"
    if any(words in why for words in ("OutOfMemory", "Out of Memory", "Unable to allocate")):
        remedy = "give the build more memory: [build] memory_mb in luigi.cfg"
    return errors.GateError(f"cannot be evaluated: {words}: {why}", place=path, remedy=remedy)


def _failures(config: dict, table: str, result: dict, cursor) -> list[dict]:
    """The failed expectations with what DuckDB tells of them, which is put into GX's result too, for the Data Docs."""
    failures = []
    failed = [r for r in result["results"] if not r["success"]]
    if not failed:
        return failures
    con = cursor()
    rows = con.execute(f"SELECT count(*) FROM {duck.identifier(table)}").fetchone()[0]
    for one in failed:
        index = one["expectation_config"]["meta"]["index"]
        expectation, found = config["expectations"][index], one["result"]
        detail = _detail(expectation, table, con)
        if expectation["type"] == _SQL:
            count = found["observed_value"]
            found["details"] = {"unexpected_rows": detail}
        else:
            count = found.get("unexpected_count")
            found["partial_unexpected_counts"] = [
                {"value": ", ".join(str(v) for k, v in d.items() if k != "n"), "count": d["n"]} for d in detail
            ]
        failures.append(
            {
                "index": index,
                "expectation": expectation["type"],
                "description": expectation.get("description", ""),
                "column": ", ".join(_columns(expectation)) or None,
                "severity": expectation.get("severity", CRITICAL),
                "notes": expectation.get("notes", ""),
                "unexpected_count": count,
                "element_count": rows,
                "detail": detail or ([{"observed": found["observed_value"]}] if "observed_value" in found else []),
            }
        )
    return failures


def _detail(expectation: Mapping, table: str, con: duckdb.DuckDBPyConnection) -> list[dict]:
    """Up to 50 of what failed: an SQL expectation's own rows, else the values with how often each stands (`n`)."""
    if expectation["type"] == _SQL:
        select = f"SELECT * FROM ({_query(expectation, table)}) LIMIT {DETAIL_ROWS}"
    else:
        failing = _rows(expectation, table, con)
        if failing is None:
            return []
        columns = ", ".join(map(duck.identifier, _columns(expectation)))
        counts = f"SELECT {columns}, count(*) AS n FROM ({failing}) GROUP BY ALL"
        select = f"{counts} ORDER BY n DESC, {columns} LIMIT {DETAIL_ROWS}"
    found = con.execute(select)
    names = [d[0] for d in found.description]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]


def _plain(value: object) -> object:
    """A DuckDB value as JSON has it; a number that JSON has no word for (nan, inf) and what else it lacks as text."""
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:
        return value
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


# ---- which rows ---------------------------------------------------------------------------------------------------


def _columns(expectation: Mapping) -> list[str]:
    kwargs = expectation["kwargs"]
    return [kwargs["column"]] if "column" in kwargs else list(kwargs.get("column_list", []))


def _query(expectation: Mapping, table: str) -> str:
    """An SQL expectation's query over the view itself. GX puts a subquery there; with doubled braces, as here."""
    return expectation["kwargs"]["unexpected_rows_query"].format(batch=duck.identifier(table)).rstrip("; \n")


def _rows(expectation: Mapping, table: str, con: duckdb.DuckDBPyConnection) -> str | None:
    """SELECT of the whole rows that fail, by the same rule as GX's; None where it is not about rows."""
    kind, kwargs, view = expectation["type"], expectation["kwargs"], duck.identifier(table)
    if kind == _SQL:
        return _sql_rows(_query(expectation, table), table, con)
    if kwargs.get("row_condition"):
        return None
    if kind == "expect_compound_columns_to_be_unique":
        names = ", ".join(map(duck.identifier, kwargs["column_list"]))
        twice = f"SELECT {names} FROM {view} GROUP BY ALL HAVING count(*) > 1"
        return f"SELECT * FROM {view} SEMI JOIN ({twice}) USING ({names})"
    if "column" not in kwargs:
        return None
    column = duck.identifier(kwargs["column"])
    if kind == "expect_column_values_to_not_be_null":
        return f"SELECT * FROM {view} WHERE {column} IS NULL"
    if kind == "expect_column_values_to_be_null":
        return f"SELECT * FROM {view} WHERE {column} IS NOT NULL"
    if kind == "expect_column_values_to_be_unique":
        # By hash first: of many million texts a count of each does not fit into memory.
        alike = f"hash({column}) IN (SELECT hash({column}) FROM {view} GROUP BY ALL HAVING count(*) > 1)"
        twice = f"SELECT {column} FROM {view} WHERE {column} IS NOT NULL AND {alike} GROUP BY ALL HAVING count(*) > 1"
        return f"SELECT * FROM {view} WHERE {column} IN ({twice})"
    if kind in ("expect_column_values_to_be_in_set", "expect_column_values_to_not_be_in_set"):
        word = "NOT IN" if kind.endswith("to_be_in_set") else "IN"
        listed = ", ".join(duck.literal(value) for value in kwargs["value_set"] if value is not None)
        among = f"{column} {word} ({listed})" if listed else "TRUE" if word == "NOT IN" else "FALSE"
        return f"SELECT * FROM {view} WHERE {column} IS NOT NULL AND {among}"
    if kind == "expect_column_values_to_be_between":
        return _outside(view, column, kwargs)
    if kind == "expect_column_value_lengths_to_be_between":
        return _outside(view, f"length({column})", kwargs)
    if kind == "expect_column_value_lengths_to_equal":
        return f"SELECT * FROM {view} WHERE length({column}) <> {duck.literal(kwargs['value'])}"
    return None


def _outside(view: str, value: str, kwargs: Mapping) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    below, above = ("<=" if kwargs.get("strict_min") else "<"), (">=" if kwargs.get("strict_max") else ">")
    tests = [f"{value} {below} {duck.literal(low)}"] if low is not None else []
    tests += [f"{value} {above} {duck.literal(high)}"] if high is not None else []
    return f"SELECT * FROM {view} WHERE {' OR '.join(tests)}"


def _sql_rows(query: str, table: str, con: duckdb.DuckDBPyConnection) -> str | None:
    """The rows behind an SQL expectation: its own where they are whole, else those that share their key with them."""
    returned = [row[0] for row in con.execute(f"DESCRIBE {query}").fetchall()]
    whole = [row[0] for row in con.execute(f"DESCRIBE {duck.identifier(table)}").fetchall()]
    if returned == whole:
        return query
    key = tables.get(table).key if table in tables.load() else ()
    if not key or not set(key) <= set(returned):
        return None
    same = " AND ".join(f"f.{duck.identifier(k)} IS NOT DISTINCT FROM r.{duck.identifier(k)}" for k in key)
    return f"SELECT r.* FROM {duck.identifier(table)} AS r WHERE EXISTS (SELECT 1 FROM ({query}) AS f WHERE {same})"

"""No module gives a library a path in a way of its own: read from the source of every module and SQL file.

`duck`, `database` and `opening` do it, and tests/test_file_names.py holds that they do it right.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline"
# Where a name may be used: every other place is a path that goes past the one way.
LIBRARIES = {
    "storage/duck.py": {"duckdb.connect"},
    "storage/database.py": {"duckdb.connect"},
    "storage/opening.py": {"ParquetFile", "ParquetWriter", "read_schema", "read_excel"},
}
OPENERS = re.compile(
    r"(read|scan|sink|write)_(parquet|csv\w*|json|ndjson|ipc\w*|avro|excel|delta|table|schema|metadata|database\w*)"
    r"|Parquet(File|Writer|Dataset)|dataset|from_parquet|from_csv_auto|from_uri|read_feather|write_feather"
    r"|open_csv|open_json|attach|create_engine|fnmatch|fnmatchcase|add_(sql|pandas|spark)\w*"
)
# Of those, what is given no path: the module, and the first argument as it stands there.
NO_PATH = {
    ("storage/parquet.py", "pq.ParquetWriter(self._out)"),
    ("storage/parquet.py", "pq.write_table(rows)"),
    ("storage/parquet.py", "self._file.write_table(pa.table(columns, schema=self._written_as))"),
    ("storage/parquet.py", "file.write_table(pending.slice(0, ROW_GROUP_ROWS).combine_chunks())"),
    ("storage/parquet.py", "file.write_table(pending.combine_chunks())"),
    ("storage/parquet_reading.py", "ParquetFile"),  # the type
    ("readers/nppes/registry_csv.py", "pacsv.open_csv(file)"),  # a stream
    ("gates/gx_duckdb.py", "sqlalchemy.create_engine('duckdb+ratehouse://')"),
    ("readers/reference_files/parts.py", "rows.sort(pl.all()).write_csv()"),  # to text
    ("sources/sorting.py", "fnmatch.fnmatchcase(one)"),  # [raw] ignore is a pattern on purpose, and reaches no library
    ("sources/sorting.py", "fnmatch"),
}
READERS = r"(read|scan|sniff)_(parquet|csv|json|ndjson|text|blob|xlsx)\w*|parquet_\w+|glob|sqlite_scan|iceberg_scan|delta_scan"
SQL = re.compile(
    rf"\b(?i:{READERS})\s*\(|\bATTACH\b|\bCOPY\b|\b(EX|IM)PORT\s+DATABASE\b|\b((?<!DISTINCT )FROM|JOIN|INTO)\s+'|(?<!current_setting\(')\btemp_directory\b"
    r"|file://|duckdb:///\w|\bhttpfs\b"
)
SQL_PLACES = {"storage/duck.py", "storage/database.py"}
DOORS = {"parquet_files", "csv_file", "write_parquet", "literal_path", "whole_path"}


def problems(module: str, text: str) -> list[str]:
    """What a module's source has that none but the few modules above may have: `line: what`."""
    tree = ast.parse(text)
    found: list[tuple[int, str]] = []
    allowed, said, calls = LIBRARIES.get(module, set()), _docstrings(tree), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            calls[id(node.func)] = node
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name and OPENERS.fullmatch(name) and name not in allowed and not _is_ours(module, node, calls.get(id(node))):
            found.append((node.lineno, ast.unparse(calls.get(id(node), node))))
        if ast.unparse(node) == "duckdb.connect" and "duckdb.connect" not in allowed:
            found.append((node.lineno, "duckdb.connect"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("duckdb", "polars", "fastexcel"):
            found.append((node.lineno, ast.unparse(node)))
        if isinstance(node, ast.ImportFrom) and node.module in (
            "pyarrow.parquet",
            "pyarrow.dataset",
            "glob",
            "fnmatch",
        ):
            found.append((node.lineno, ast.unparse(node)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            if module not in SQL_PLACES and SQL.search(node.value):
                found.append((node.lineno, node.value.strip()))
        if isinstance(node, ast.Call) and name_of(node) in ("glob", "rglob", "iglob") and not _fixed(module, node):
            found.append((node.lineno, ast.unparse(node)))
    return [f"{line}: {what}" for line, what in sorted(set(found))]


def name_of(call: ast.Call) -> str:
    """The name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _docstrings(tree: ast.AST) -> set[int]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds)]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


def _is_ours(module: str, node: ast.expr, call: ast.Call | None) -> bool:
    """Whether it is one of the ways, or a call that is given no path."""
    if isinstance(node, ast.Attribute) and node.attr in DOORS and ast.unparse(node.value) == "duck":
        return True
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return True  # a variable of that name
    if (module, getattr(node, "attr", getattr(node, "id", ""))) in NO_PATH:
        return True
    if call is not None and not call.args:
        return (module, f"{ast.unparse(call.func)}()") in NO_PATH
    if call is None:
        return False
    first = ast.unparse(call.args[0])
    return (module, f"{ast.unparse(call.func)}({first})") in NO_PATH


def _fixed(module: str, call: ast.Call) -> bool:
    """Whether what is looked for is written in the module: a pattern that holds a name from elsewhere is none of ours."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant)


def sources() -> dict[str, str]:
    """The modules and SQL files of the package, by their path under it."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sql")])
    }


def test_every_module_goes_one_way_to_files():
    found = {}
    for name, text in sources().items():
        if name.endswith(".sql"):
            bare = re.sub(r"--[^\n]*", "", text)
            wrong = [bare[hit.start() - 20 : hit.end() + 20] for hit in SQL.finditer(bare)]
        else:
            wrong = problems(name, text)
        if wrong:
            found[name] = wrong
    assert found == {}


def test_the_ways_are_taken():
    """The test above would hold if nothing were read."""
    texts = sources()
    for name in ("duck.parquet_files", "duck.csv_file", "duck.write_parquet", "database.connect", "opening.parquet("):
        assert sum(name in text for text in texts.values()) > 0, name
    assert sum("duck.parquet_files(" in text for text in texts.values()) > 5


def test_what_is_let_pass_is_still_there():
    texts = sources()
    for module, names in LIBRARIES.items():
        assert [name for name in names if name.rpartition(".")[2] not in texts[module]] == []
    for module, call in NO_PATH:
        nodes = ast.walk(ast.parse(texts[module]))
        calls = [
            f"{ast.unparse(n.func)}({ast.unparse(n.args[0]) if n.args else ''})"
            for n in nodes
            if isinstance(n, ast.Call)
        ]
        assert call in calls or (call.isidentifier() and call in texts[module]), call


WRONG = [
    'con.sql(f"FROM read_parquet({duck.literal(str(path))})")',
    'con.sql("SELECT * FROM read_parquet(?)", params=[str(path)])',
    "con.execute(f\"SELECT 1 FROM parquet_scan('{path}')\")",
    "con.execute(f\"CREATE VIEW v AS FROM '{path}'\")",
    "con.execute(f\"SELECT * FROM a JOIN '{path}' USING (b)\")",
    'con.execute(f"COPY t TO {duck.literal(str(path))} (FORMAT csv)")',
    'con.execute(f"ATTACH {duck.literal(str(path))} AS other")',
    'con.execute(f"SET temp_directory = {duck.literal(str(path))}")',
    'con.execute(f"EXPORT DATABASE {duck.literal(str(path))}")',
    'con.sql(f"FROM read_csv_auto({path!r})")',
    'con.sql(f"FROM glob({path!r})")',
    "duckdb.connect(str(path))",
    "duckdb.connect(':memory:')",
    "opened = duckdb.connect\nopened(path)",
    "from duckdb import connect",
    "con.read_parquet(str(path))",
    "con.from_parquet(str(path))",
    "rows.write_parquet(str(path))",
    "pl.read_parquet(path)",
    "pl.scan_parquet(path, glob=False)",
    "pl.scan_csv(path)",
    "frame.sink_parquet(path)",
    "frame.write_parquet(path)",
    "from polars import read_parquet",
    "pq.ParquetFile(path)",
    "pq.ParquetWriter(path, schema)",
    "functools.partial(pq.ParquetFile, memory_map=True)",
    "pq.read_schema(path)",
    "pq.read_table(path)",
    "pq.write_table(rows, path)",
    "from pyarrow.parquet import ParquetFile",
    "ds.dataset(path)",
    "pyarrow.dataset.dataset([path])",
    "pacsv.open_csv(path)",
    "fastexcel.read_excel(path)",
    "folder.glob(f'{name}.*')",
    "folder.rglob(name)",
    "glob.glob(str(folder / '*.parquet'))",
    "fnmatch.fnmatch(name, pattern)",
    "sqlalchemy.create_engine(f'duckdb:///{path}')",
]


@pytest.mark.parametrize("line", WRONG)
def test_another_way_is_found(line):
    """In a module that has nothing else, and at the end of one of ours."""
    assert problems(
        "new.py", f"import duckdb\n\n\ndef read(con, path, name):\n    {line.replace(chr(10), chr(10) + '    ')}\n"
    )
    ours = sources()["stages/enriched.py"]
    assert problems("stages/enriched.py", ours) == []
    assert problems("stages/enriched.py", f"{ours}\n\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "duck.scan(table, [path])",
        'con.sql(f"FROM {duck.parquet_files(path)}")',
        "duck.write_parquet(con, 'FROM t', path)",
        "opening.parquet(path)",
        "opening.parquet_writer(path, schema)",
        "folder.glob('*.json')",
        '"""It goes past read_parquet(…) and COPY."""',
        "con.sql(\"SELECT current_setting('temp_directory')\")",
    ],
)
def test_what_is_no_other_way_is_not(line):
    assert problems("new.py", f"def read(con, path):\n    {line}\n") == []

"""A version changes with what the code says, and with nothing else; it is equal on every Python (see the literals)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipeline.stages import warehouse  # noqa: F401 with it all tasks
from pipeline.tables import load
from pipeline.tasks import code_version
from pipeline.tasks.base import WRITERS, TableTask

WRITTEN = """
def total(rows):
    "Sum of rows."
    # add them up
    return sum(r["rate"] for r in rows) + f(a, b), f"{rows!r:>{width}} {{}}"
"""
REFORMATTED = '''
def total(
    rows,
):
    """Another docstring,

    of three lines.
    """
    return (
        sum(r['rate'] for r in rows)
        + f(
            a,
            b,  # the second
        ),
        f'{rows!r:>{width}} {{}}',
    )
'''


def test_layout_comments_and_docstrings_do_not_count():
    assert code_version.module_version(WRITTEN) == code_version.module_version(REFORMATTED)


@pytest.mark.parametrize(
    ("old", "new"), [("+ f(a, b)", "- f(a, b)"), ('"rate"', '"rates"'), ("rows!r", "rows!s"), ("(a, b)", "(b, a)")]
)
def test_what_it_says_counts(old, new):
    assert code_version.module_version(WRITTEN) != code_version.module_version(WRITTEN.replace(old, new))


def test_the_hash_is_the_same_on_every_python():
    assert code_version.module_version(WRITTEN)[0] == "682b5eaf9d61c801"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("SELECT a,\n  b -- why\nFROM t", True),
        ("SELECT a, b FROM t /* because */", True),
        ("SELECT a, b FROM u", False),
        ("SELECT a, 'b  c' FROM t", False),
    ],
)
def test_sql_counts_without_comments_and_white_space(text, same):
    assert (code_version.sql_version(text) == code_version.sql_version("SELECT a, b FROM t")) is same


def test_white_space_inside_a_sql_literal_counts():
    assert code_version.sql_version("SELECT 'a  b'") != code_version.sql_version("SELECT 'a b'")
    assert code_version.sql_version("SELECT '--a'") != code_version.sql_version("SELECT '--b'")


def test_what_a_module_reaches():
    text = 'from pipeline.storage import duck\nfrom pipeline import errors\nfrom pipeline.naming import slugify\nSQL = "dim_code.sql"\nOTHER = "no_such.sql"\n'
    assert code_version.module_version(text)[1] == [
        "dim_code.sql",
        "pipeline.errors",
        "pipeline.naming",
        "pipeline.storage.duck",
    ]


def test_versions_follow_imports_and_leave_errors_and_declarations_out():
    found = code_version.versions("pipeline.transforms.fact_rate")
    assert {"pipeline.transforms.fact_rate", "pipeline.storage.duck", "pipeline.naming"} <= set(found)
    assert not any(name.startswith(("pipeline.errors", "pipeline.tables")) for name in found)


def test_nothing_is_imported_to_version_it(tmp_path, monkeypatch):
    monkeypatch.setattr(code_version, "PACKAGE", tmp_path)
    (tmp_path / "bomb.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.setattr(code_version, "_seen", {})
    assert list(code_version.versions("pipeline.bomb")) == ["pipeline.bomb"]


def test_after_all_is_known_no_table_has_to_read_its_code(monkeypatch):
    monkeypatch.setattr(code_version, "_seen", {})
    code_version.know_all()
    monkeypatch.setattr(code_version, "_read", lambda name: pytest.fail(f"{name} is read"))
    roots = {root for kind in _kinds(TableTask) if "code_roots" in vars(kind) for root in _literals(kind.code_roots)}
    tables = [
        f"{name}.sql" for name in load() if (code_version.PACKAGE / "transforms" / "sql" / f"{name}.sql").is_file()
    ]
    assert len(roots) > 4
    assert code_version.versions(*roots - {"pipeline.leaves.catalog"}, *tables, *WRITERS)


def _kinds(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


def _literals(method: Callable) -> set[str]:
    """The names of modules that a method has in it, as they stand."""
    texts = (one for value in method.__code__.co_consts for one in (value if type(value) is tuple else (value,)))
    return {text for text in texts if type(text) is str and text.startswith("pipeline.") and not text.endswith(".")}

"""A version changes with what the code says, and with nothing else; it is equal on every Python (see the literals)."""

from __future__ import annotations

import pytest

from pipeline import code_version

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
    text = 'from pipeline import duck, errors\nfrom pipeline.naming import slugify\nSQL = "dim_code.sql"\nOTHER = "no_such.sql"\n'
    assert code_version.module_version(text)[1] == [
        "dim_code.sql",
        "pipeline.duck",
        "pipeline.errors",
        "pipeline.naming",
    ]


def test_versions_follow_imports_and_leave_errors_and_declarations_out():
    found = code_version.versions("pipeline.transforms.fact_rate")
    assert {"pipeline.transforms.fact_rate", "pipeline.duck", "pipeline.naming"} <= set(found)
    assert not any(name.startswith(("pipeline.errors", "pipeline.tables")) for name in found)


def test_nothing_is_imported_to_version_it(tmp_path, monkeypatch):
    monkeypatch.setattr(code_version, "PACKAGE", tmp_path)
    (tmp_path / "bomb.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.setattr(code_version, "_seen", {})
    assert list(code_version.versions("pipeline.bomb")) == ["pipeline.bomb"]

"""The size of functions: at most 60 lines and six parameters, but for compiled kernels."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from kit import REPOSITORY

LINES, PARAMETERS = 60, 6
COMPILED = {"entry", "inner", "intrinsic", "njit"}
# Compiled code calls no method and takes no object: what a pass needs are its arguments, and a part of it that is a
# function of its own takes them all again.
KERNELS = {
    "readers/in_network/rate_columns.py": {"_gather"},
    "readers/in_network/scan/items.py": {"_object", "_scan"},
    "readers/in_network/scan/references.py": {"_record"},
    "readers/in_network/scan/totals.py": {"_total"},
    "transforms/fact_kernels.py": {"arrange", "identify", "keep"},
    "transforms/in_network_counts.py": {"_count_owners", "_count_prices", "_sieve"},
}


def too_large(text: str) -> Iterator[tuple[str, bool]]:
    """(name, whether it is compiled) of the functions of a module that have more lines or parameters than allowed."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            taken += [one for one in (node.args.vararg, node.args.kwarg) if one]
            parameters = sum(one.arg not in ("self", "cls") for one in taken)
            if node.end_lineno - node.lineno >= LINES or parameters > PARAMETERS:
                yield node.name, any(_name(one) in COMPILED for one in node.decorator_list)


def _name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def test_only_compiled_kernels_are_larger():
    found: dict[str, set[str]] = {}
    for path in sorted((REPOSITORY / "pipeline").rglob("*.py")):
        for name, compiled in too_large(path.read_text(encoding="utf-8")):
            place = path.relative_to(REPOSITORY / "pipeline").as_posix()
            assert compiled, f"{place}: {name} has more than {LINES} lines or {PARAMETERS} parameters"
            found.setdefault(place, set()).add(name)
    assert found == KERNELS


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("def f(a, b, c, d, e, f): pass", False),
        ("def f(a, b, c, d, *, e, f, g): pass", True),
        ("def f(a, b, c, d, e, *f, **g): pass", True),
        ("class A:\n def f(self, a, b, c, d, e, f): pass", False),
        ("def f():" + "\n pass" * 59, False),
        ("def f():" + "\n pass" * 60, True),
    ],
)
def test_what_counts(text, large):
    assert bool(list(too_large(text))) == large

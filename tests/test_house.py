"""The order of the house: no module imports one of a higher room, none stands in a circle; the tests mirror its tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import REPOSITORY
from pipeline.tables import declaration, published

# From the ground up. No room sees those after it, and rooms on one line do not see each other.
FLOORS = (
    ("tables",),
    ("vocabulary",),
    ("compiled",),
    ("storage",),
    ("gates",),
    ("readers", "transforms"),
    ("leaves",),
    ("fetching",),
    ("sources",),
    ("tasks",),
    ("stages",),
    ("operations",),
    ("sample",),
    ("cli",),
)
ROOMS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
VOCABULARY = {
    "accounts",
    "decimals",
    "errors",
    "file_names",
    "naming",
    "partition",
    "paths",
    "permissions",
    "raw_kinds",
    "session",
    "settings",
    "signals",
    "source_names",
}


def modules(package: Path) -> dict[str, Path]:
    """Module name -> file, of a package and all that is in it."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules that a module imports, inside of functions and by name too; a package whose module is imported is none."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: imports are written in full"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in known or node.module in known:
                    yield inner if inner in known else node.module
        elif isinstance(node, ast.Call) and node.args and "import_module" in ast.unparse(node.func):
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            begins = first.value if isinstance(first, ast.Constant) else ""
            if found := re.match(r"(pipeline\.\w+)\.", str(begins)):
                yield found[1]


def graph(package: Path) -> dict[str, set[str]]:
    """Module -> those that it imports."""
    known = modules(package)
    return {name: set(imports(name, path, known)) - {name} for name, path in known.items()}


def room(module: str) -> str:
    """The room of a module; of those at the root, the vocabulary."""
    parts = module.split(".")
    return "vocabulary" if len(parts) == 1 or parts[1] in VOCABULARY else parts[1]


def upward(found: dict[str, set[str]]) -> list[str]:
    """The imports of a higher room, or of another one on the same floor, as sentences."""
    return [
        f"{name} imports {other}: {room(other)} is not below {room(name)}"
        for name, others in sorted(found.items())
        for other in sorted(others)
        if room(name) != room(other) and ROOMS[room(other)] >= ROOMS[room(name)]
    ]


def circles(found: dict[str, set[str]]) -> list[set[str]]:
    """The sets of modules that import each other in a loop."""
    reached = {name: _reached(name, found) for name in found}
    loops = {
        frozenset(other for other in seen if name in reached[other]) for name, seen in reached.items() if name in seen
    }
    return [set(loop) for loop in loops]


def _reached(name: str, found: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(found[name])
    while todo:
        other = todo.pop()
        if other not in seen:
            seen.add(other)
            todo.extend(found[other])
    return seen


@pytest.fixture(scope="module")
def today() -> dict[str, set[str]]:
    return graph(REPOSITORY / "pipeline")


def test_every_module_is_in_a_room(today):
    assert {room(name) for name in today} == set(ROOMS)
    assert {name.split(".")[1] for name in today if name.count(".") == 1 and room(name) == "vocabulary"} == VOCABULARY


def test_no_import_runs_upward(today):
    assert upward(today) == []


def test_no_modules_import_each_other_in_a_circle(today):
    assert circles(today) == []


def test_the_entrance_of_a_package_of_readers_imports_nothing(today):
    assert {
        name: others for name, others in today.items() if room(name) == "readers" and _is_package(name) and others
    } == {}


def _is_package(name: str) -> bool:
    return (REPOSITORY / name.replace(".", "/")).is_dir()


@pytest.mark.parametrize(
    "line",
    [
        "from pipeline.cli import lines",
        "def f():\n    from pipeline.stages import facts",
        'import importlib\nimportlib.import_module(f"pipeline.tasks.{1}")',
        "import pipeline.operations.build",
        "from pipeline.transforms.leaf_plan import x",
    ],
)
def test_an_import_upward_is_found_wherever_it_stands(line, tmp_path, today):
    added = tmp_path / "added.py"
    added.write_text(line)
    known = modules(REPOSITORY / "pipeline")
    assert upward({**today, "pipeline.readers.added": set(imports("pipeline.readers.added", added, known))})


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


# ---- the tests of it -------------------------------------------------------------------------------------------------

TESTS = REPOSITORY / "tests"
# What lies beside the rooms: what tests share, and tests of the whole.
APART = {"support", "fault_injection", "bench", "docs"}


def test_every_published_table_has_its_tests_by_its_name():
    names = [one.name for one in vars(published).values() if isinstance(one, declaration.Table)]
    assert len(names) > 20
    assert [name for name in names if not (TESTS / "transforms" / f"test_{name}.py").is_file()] == []


def test_every_folder_of_tests_is_a_room():
    folders = {path.parent.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    rooms = {
        path.parent.relative_to(REPOSITORY / "pipeline").as_posix()
        for path in modules(REPOSITORY / "pipeline").values()
    }
    assert folders - rooms - APART == set()


def test_every_module_says_what_must_not_come_in():
    """So that the next function is put where a reader looks for it."""
    silent = [
        name
        for name, path in modules(REPOSITORY / "pipeline").items()
        if "What must not come in: " not in " ".join((ast.get_docstring(ast.parse(path.read_bytes())) or "").split())
    ]
    assert silent == []


def test_the_modules_that_a_docstring_sends_its_reader_to_are_there(today):
    known = {name.removeprefix("pipeline.") for name in today}
    leaves = {name.rpartition(".")[2] for name in known} | {name.partition(".")[0] for name in known}
    offenders = []
    for name, path in modules(REPOSITORY / "pipeline").items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        text = ast.get_docstring(tree) or ""
        for group in re.findall(r"What must not come in:[^.]*(?:\.[a-z_][^.]*)*", text, re.DOTALL):
            for word in re.findall(r"(?<=[(`, ])`([a-z_]+(?:\.[a-z_]+)*)`", " ".join(re.findall(r"\([^)]*\)", group))):
                word = word.removeprefix("pipeline.")
                if "." in word:
                    found = any(one == word or one.endswith(f".{word}") for one in known)
                else:
                    found = word in leaves | own
                if not found:
                    offenders.append(f"{name}: `{word}`")
    assert offenders == []

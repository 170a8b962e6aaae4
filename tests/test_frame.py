"""The frame: what a fresh clone sets up, what make says, what a wheel carries, what the settings file may name."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline import paths, settings, tables

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
RUNTIME = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
TEST = [Requirement(text) for text in PROJECT["project"]["optional-dependencies"]["test"]]
# Run, not imported: by pip, by make.
TOOLS = {"pytest-xdist", "editables", "hatchling", "ruff"}


def locked() -> list[Requirement]:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def imported(folder: str) -> set[str]:
    """Distributions whose modules the Python files of a folder import."""
    modules = set()
    for path in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
    own = {"pipeline", *(path.stem for path in (REPOSITORY / "tests").rglob("*.py"))}
    owners = importlib.metadata.packages_distributions()
    return {canonicalize_name(owners[m][0]) for m in modules - set(sys.stdlib_module_names) - own}


def make(*words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run make in the checkout, without what the calling make or shell exports."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, env=kept | environment, capture_output=True, encoding="utf-8", timeout=60
    )


@pytest.fixture
def venv(tmp_path) -> str:
    """The words that make `make` believe everything is set up: a stamp newer than what it depends on."""
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / ".ready").touch()
    return f"VENV={tmp_path / 'venv'}"


# ---- dependencies ------------------------------------------------------------------------------------------------


def test_what_the_package_imports_is_what_it_declares():
    assert imported("pipeline") == {canonicalize_name(r.name) for r in RUNTIME}


def test_what_the_tests_import_is_declared():
    declared = {canonicalize_name(r.name) for r in (*RUNTIME, *TEST)}
    assert imported("tests") <= declared
    assert {canonicalize_name(r.name) for r in TEST} - TOOLS <= imported("tests")


def test_every_dependency_has_a_lower_bound_that_the_lock_satisfies():
    versions = {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in locked()}
    for wanted in (*RUNTIME, *TEST, *map(Requirement, PROJECT["build-system"]["requires"])):
        assert any(s.operator == ">=" for s in wanted.specifier), wanted
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), wanted


def test_the_lock_holds_exact_versions_and_no_place_to_fetch_them_from():
    for line in (REPOSITORY / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*( ; .+)?", line)
        assert "://" not in line


def test_the_lock_holds_what_its_packages_need():
    names = {canonicalize_name(r.name) for r in locked() if not r.marker or r.marker.evaluate()}
    for name in names - TOOLS - {"pathspec", "trove-classifiers", "tomlkit"}:  # TOOLS and what hatchling needs
        for text in importlib.metadata.requires(name) or ():
            needed = Requirement(text)
            if not needed.marker or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in names, f"{name} needs {needed}"


def test_the_supported_pythons_are_the_same_everywhere():
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.15"
    assert "not (3, 11) <= sys.version_info[:2] <= (3, 14)" in (REPOSITORY / "Makefile").read_text()


# ---- make --------------------------------------------------------------------------------------------------------


def test_help_is_the_default_and_names_every_target():
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    answer = make()
    assert answer.returncode == 0
    assert answer.stdout == make("help").stdout
    named = re.findall(r"^  ([a-z-]+) +\S", answer.stdout, re.MULTILINE)
    assert sorted(named) == sorted(targets)


@pytest.mark.parametrize(("target", "variable"), [("rerun", "PARTITION"), ("why", "TARGET"), ("query", "SQL")])
def test_a_missing_variable_is_named_with_an_example(target, variable, venv):
    answer = make(target, venv, **{variable: "from the shell, not from make's command line"})
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"make {target}: {variable} is not given\n  make {target} {variable}=")


def test_a_set_up_clone_is_not_set_up_again(venv):
    answer = make("-n", "warehouse", venv)
    (command,) = answer.stdout.splitlines()
    assert command.startswith(f"{venv.removeprefix('VENV=')}/bin/ratehouse")


def test_words_reach_the_command_whole(venv, tmp_path):
    command = tmp_path / "venv" / "bin" / "ratehouse"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    partition = """payer_slug=a/stat_area_name=Coeur d'Alene "ID"; echo `id`"""
    answer = make("rerun", venv, f"PARTITION={partition}", "MONTH=2025-08", "ROOT=a b")
    assert answer.stdout.splitlines() == ["--root", "a b", "rerun", "--month", "2025-08", "--", partition]
    answer = make("rerun", venv, f"PARTITION={partition}", "FORCE=1")
    assert answer.stdout.splitlines() == ["rerun", "--force", "--", partition]
    answer = make("query", venv, "SQL=SELECT 'it''s' AS \"a b\"")
    assert answer.stdout.splitlines() == ["query", "--", "SELECT 'it''s' AS \"a b\""]
    answer = make("warehouse", venv, "WORKERS=2", ROOT="/elsewhere", MONTH="2025-08")
    assert answer.stdout.splitlines() == ["build", "--workers", "2"]


@pytest.mark.parametrize("target", ["status", "sources", "partitions", "stats", "verify", "docs", "dashboard"])
def test_a_target_that_looks_is_the_command_of_its_name(target, venv, tmp_path):
    command = tmp_path / "venv" / "bin" / "ratehouse"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    assert make(target, venv, ROOT="from the shell").stdout.split() == [target]
    assert make(target, venv, "ROOT=a").stdout.split() == ["--root", "a", target]
    if target == "verify":
        assert make(target, venv, "ARGS=--deep --repair").stdout.split() == [target, "--deep", "--repair"]


@pytest.mark.parametrize(
    ("version", "script", "message"),
    [
        ("3.10.9", "exit 1", "is Python 3.10.9, Ratehouse needs Python 3.11 to 3.14"),
        ("3.12.1", 'case "$2" in *ensurepip*) exit 1;; esac', "its venv or ensurepip is missing"),
    ],
)
def test_an_unusable_python_is_refused_with_what_to_do(version, script, message, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo Python {version} && exit 0\n{script}\n')
    python.chmod(0o755)
    answer = make("setup", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}")
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_is_refused(tmp_path):
    answer = make("setup", f"VENV={tmp_path / 'venv'}", "PYTHON=no-such-python")
    assert answer.returncode == 2
    assert "no-such-python: no such program" in answer.stderr


def test_clean_removes_everything_that_a_build_makes_and_nothing_else(tmp_path):
    root = paths.Root(tmp_path / "a b")
    spelled = [getattr(root, name) for name, value in vars(paths.Root).items() if isinstance(value, property)]
    spelled += [root.table(t.name, "2025-08" if t.sharded else None) for t in tables.load().values() if t.folder]
    built = {path.relative_to(root.path).parts[0] for path in (*spelled, root.staged("source", "table"))} - {"raw"}
    kept = {"raw", ".luigi", "luigi.cfg", "notes"}
    for name in built | kept:
        (root.path / name).mkdir(parents=True)
    answer = make("clean", f"ROOT={root.path}")
    assert answer.returncode == 0, answer.stderr
    assert {path.name for path in root.path.iterdir()} == kept


def test_clean_refuses_what_is_no_warehouse(tmp_path):
    (tmp_path / "docs").mkdir()
    answer = make("clean", f"ROOT={tmp_path}")
    assert answer.returncode == 2
    assert "is no warehouse" in answer.stderr
    assert (tmp_path / "docs").exists()


# ---- wheel and settings ------------------------------------------------------------------------------------------


def test_a_wheel_finds_its_suites_and_settings(tmp_path):
    pytest.importorskip("hatchling", reason="the build tool is not installed; make setup does")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=REPOSITORY, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("ratehouse-*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        file.extractall(tmp_path / "site")
    modules = [path for kind in ("*.py", "*.sql", "*.csv") for path in (REPOSITORY / "pipeline").rglob(kind)]
    wanted = {"pipeline/luigi.cfg", *(path.relative_to(REPOSITORY).as_posix() for path in modules)}
    wanted |= {f"pipeline/expectations/{path.name}" for path in (REPOSITORY / "expectations").glob("*.json")}
    assert wanted <= names
    assert {n.split("/")[0] for n in names} == {"pipeline", f"{wheel.name.partition('-py3')[0]}.dist-info"}
    asked = subprocess.run(
        [sys.executable, "-c", "from pipeline import settings; settings.load(); print(settings.home())"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "site")}, check=True, capture_output=True,
        encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert asked.stdout.strip() == str(tmp_path / "site" / "pipeline")


def test_luigis_sections_name_only_what_luigi_knows():
    """Luigi warns of an unknown option in some sections and passes over an unknown section in silence."""
    import luigi.execution_summary
    import luigi.retcodes
    import luigi.scheduler
    import luigi.worker

    known = {
        "core": luigi.interface.core,
        "worker": luigi.worker.worker,
        "scheduler": luigi.scheduler.scheduler,
        "retcode": luigi.retcodes.retcode,
        "execution_summary": luigi.execution_summary.execution_summary,
    }
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(REPOSITORY / "luigi.cfg", encoding="utf-8")
    for section in set(parser.sections()) - set(settings.SECTIONS):
        options = set(known[section].get_param_names()) | getattr(known[section], "ignore_unconsumed", set())
        assert set(parser.options(section)) <= options, section


def test_a_failed_task_makes_luigi_exit_with_its_own_code(tmp_path):
    (tmp_path / "failing.py").write_text(
        "import luigi\nclass Failing(luigi.Task):\n    def run(self):\n        raise ValueError('no')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "failing", "Failing", "--local-scheduler"],
        cwd=tmp_path, capture_output=True, timeout=60,
        env={"PYTHONPATH": str(tmp_path), "LUIGI_CONFIG_PATH": str(REPOSITORY / "luigi.cfg")},
    )  # fmt: skip
    assert answer.returncode == 30, answer.stderr

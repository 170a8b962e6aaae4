"""The README and docs/ show what happens: commands run with the output that they show, code runs, links lead somewhere.

A page is run from top to bottom, in a folder that holds what a checkout does and the built sample as `data`. Its fences:

    console   `$ command`, further lines of it after `> `, then what it prints
    python    is run, and prints the `output` fence after it, if there is one
    sql       DuckDB runs it in the catalog of the sample
    yaml      a file of corrections or declarations, which must be readable
    text      is not run; `NOT_RUN` lists each

In an output `…` stands for a few words, alone on its line for any lines. Runs of blanks and of rules count as one, and so does
a line break: where a sentence is wrapped depends on the name of the folder.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import cli, raw_kinds, settings, tables
from pipeline.readers import corrections, declarations
from pipeline.tables import page, sentences
from pipeline.tasks import base

ROOT = kit.REPOSITORY
# Pages that change the sample come last.
PAGES = sorted((ROOT / "README.md", *(ROOT / "docs").glob("*.md")), key=lambda path: (path.name == "operate.md", path))
KINDS = {"console", "python", "output", "sql", "yaml", "text"}
WIDTH, LONG_WORD = 80, 40
# What no test can run, by its first line, and why.
NOT_RUN = {
    ("README.md", "raw/mrf/       in-network files ─┐"): "a picture",
    ("developing.md", "tables < vocabulary < compiled < storage < gates < readers, transforms < leaves"): "a picture",
    ("operate.md", "make scheduler      # in one terminal"): "stays in the foreground",
    ("operate.md", "ratehouse toc https://payer.example/2025-08-01_index.json --match ppo"): "asks a payer's server",
    ("operate.md", "30 2 * * * cd /srv/ratehouse && make warehouse >> build.log 2>&1"): "a line of cron's",
    (
        "operate.md",
        "disk: needs 1,210 MB to 3,480 MB and 61,000 to 190,000 files; 66.9 GB are free",
    ): "is of a large warehouse",
    ("performance.md", "least     10 %   median     90 %     99 %     most"): "takes a build of 300,000 facts",
}
# What a page's python needs that the tests do not install: there it is only parsed.
NOT_INSTALLED = {"django"}
# Pages that begin with the first build of the sample. It takes half a minute: that of the fixture is compared.
FIRST_BUILD, SHOWN_FIRST = "make warehouse", ("README.md", "start.md")


@dataclass(frozen=True)
class Block:
    """A fence of a page: its kind, its text and the line that it begins in."""

    kind: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """The fences of a page, in order."""
    found, opened = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```") and opened is None:
            opened = Block(line.removeprefix("```"), "", number)
        elif line == "```" and opened is not None:
            found.append(opened)
            opened = None
        elif opened is not None:
            opened = Block(opened.kind, opened.text + line + "\n", opened.line)
    assert opened is None, f"{path.name}:{opened.line}: the fence is not closed"
    return found


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, what it prints) of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *rest = part.splitlines()
        while rest and rest[0].startswith("> "):
            command += "\n" + rest.pop(0).removeprefix("> ")
        yield command, "\n".join(rest)


def plain(text: str) -> str:
    """A text as it is compared: in one line, runs of blanks and of rules as one."""
    return re.sub(r"[─┬┴┼]+", "─", " ".join(text.split()))


def matches(shown: str, printed: str) -> bool:
    """Whether a command printed what a page shows."""
    pattern = ""
    for part in re.split(r"(^…$)", shown.strip(), flags=re.MULTILINE):
        inline = r".{0,200}?".join(map(re.escape, plain(part).split("…")))
        pattern += r"(?:.*?)" if part == "…" else rf" ?{inline} ?" if inline else ""
    return re.fullmatch(pattern, plain(printed)) is not None


@pytest.fixture(scope="module")
def place(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout that `make setup` was run in, with the built sample as data."""
    root = tmp_path_factory.mktemp("docs") / "checkout"
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "luigi.cfg"):
        shutil.copy(ROOT / name, root)
    for name in ("lib", "lib64", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (root / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    command = root / ".venv" / "bin" / "ratehouse"
    command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pipeline.cli "$@"\n')
    command.chmod(0o755)
    (root / ".venv" / ".ready").touch()
    kit.copy(built_sample, root / "data")
    assert kit.build(root / "data").ok  # the catalog names files by their full path
    return root


def run(command: str, place: Path) -> str:
    """What a command prints there, to either stream."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("RATEHOUSE", "MAKE", "MFLAGS"))}
    surroundings |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "BROWSER": "true", "LC_ALL": "C.UTF-8"}
    path = place / "printed"
    with path.open("wb") as out:
        subprocess.run(
            command, shell=True, cwd=place, env=surroundings, stdout=out, stderr=out, timeout=300, check=False
        )
    return path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_runs_with_the_output_that_it_shows(path, place, built_sample, monkeypatch):
    monkeypatch.chdir(place)
    first, names, printed = path.name in SHOWN_FIRST, {}, None
    for block in blocks(path):
        at = f"{path.name}:{block.line}"
        if block.kind == "console":
            for command, shown in commands(block.text):
                if command == FIRST_BUILD and first:
                    first, out = False, (built_sample.parent / "printed.txt").read_text(encoding="utf-8")
                    out = out.replace(str(built_sample), "data").replace(
                        "ratehouse --root", ".venv/bin/ratehouse --root"
                    )
                else:
                    out = run(command, place)
                assert matches(shown, out), f"{at}: $ {command}\nprinted:\n{out}"
                _fits([*out.splitlines(), *shown.splitlines()], at)
        elif block.kind == "python":
            printed = _python(block.text, at, names)
        elif block.kind == "output":
            assert matches(block.text, printed or ""), f"{at}: printed:\n{printed}"
        elif block.kind == "sql":
            with duckdb.connect("data/warehouse.duckdb", read_only=True) as con:
                con.execute(block.text)
        elif block.kind == "yaml":
            Path("written.yml").write_text(block.text, encoding="utf-8")
            reader = declarations if block.text.startswith("- files:") else corrections
            assert reader.read(Path("written.yml"))


def _fits(lines: list[str], at: str) -> None:
    """Lines fit into 80 columns, but for those that hold a path, an address or a partition."""
    wide = [one for one in lines if len(one.rstrip()) > WIDTH and max(map(len, one.split())) <= LONG_WORD]
    assert not wide, f"{at}: wider than {WIDTH} columns: {wide}"


def _python(text: str, at: str, names: dict) -> str:
    code = compile(text, at, "exec")
    wanted = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    missing = {name for name in wanted if importlib.util.find_spec(name) is None and name not in names}
    assert missing <= NOT_INSTALLED, f"{at}: {missing}"
    out = io.StringIO()
    if not missing:
        with contextlib.redirect_stdout(out):
            exec(code, names)
    return out.getvalue()


# ---- what needs no warehouse ------------------------------------------------------------------------------------------


def test_every_fence_has_a_kind_and_what_is_not_run_is_listed():
    found = {
        (path.name, block.kind, block.text.lstrip().partition("\n")[0].rstrip())
        for path in PAGES
        for block in blocks(path)
    }
    assert {kind for _, kind, _ in found} <= KINDS
    assert {(name, first) for name, kind, first in found if kind == "text"} == set(NOT_RUN)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a\n…\nd", "a\nd\n", True),
        ("took … s", "took 1.2 s", True),
        (" a   b\n ────", "a b\n──\n", True),
        ("a", "a\nb", False),
        ("at …/x: is\n  broken", "at /tmp/x:\n  is broken", True),
        ("a\n…\nd", "a\nb\n", False),
        ("", "b", False),
    ],
)
def test_an_output_is_compared_line_by_line(shown, printed, same):
    assert matches(shown, printed) == same


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [*PAGES, ROOT / "expectations" / "README.md"], ids=lambda path: path.stem)
def test_links_and_paths_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (anchor and anchor not in anchors(place)):
            wrong.append(target)
    for name in re.findall(r"`((?:pipeline|tests|docs|expectations|data/raw|\.ci)/[\w./-]*)`", text):
        if name != "docs/" and not (ROOT / name).exists():
            wrong.append(name)
    assert wrong == []


def test_every_page_is_reached_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in PAGES if f"docs/{path.name}" not in readme and path.name != "README.md"] == []


def test_named_commands_and_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) | PLANNED
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert set(re.findall(r"`make ([a-z-]+)", text)) - targets == set()
    assert set(re.findall(r"ratehouse (?:--root \S+ )?([a-z][a-z-]*)\b(?= [-A-Z'\"…`]|`|$)", text, re.MULTILINE)) <= {
        *cli.Commands.PLACES,
    }


# Targets that the README may name.
PLANNED = {"test-all"}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


# ---- pages that follow from declarations --------------------------------------------------------------------------------


def test_the_page_of_tables_is_current():
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == page.text(), (
        "python -m pipeline.tables.page > docs/tables.md"
    )


def test_every_published_table_and_column_has_its_sentence():
    columns = {(declared.name, column) for declared in page.published() for column in declared.columns}
    said = [*(sentences.sentence(*one) for one in columns), *(declared.doc for declared in page.published())]
    assert [one for one in said if not re.search(r"[.)]$", one)] == []
    assert set(sentences.COLUMNS) <= {column for _, column in columns}
    assert {(name, column) for name, own in sentences.OF_TABLE.items() for column in own} <= columns
    staged = [name for name, declared in tables.load().items() if declared not in page.published()]
    assert all(tables.get(name).folder.startswith("staged") for name in staged)


def test_a_sentence_is_no_part_of_a_stamp(monkeypatch):
    before = base._schema("dim_npi")
    monkeypatch.setitem(sentences.COLUMNS, "npi", "Another sentence.")
    assert base._schema("dim_npi") == before
    assert "Provider" not in before


def test_every_setting_is_listed_with_its_default():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\[\w+\] \w+)` \| `?([^|`]*)`? \|", text, re.MULTILINE))
    declared = {
        f"[{name}] {option}": str(parameter._default).lower()
        if isinstance(parameter._default, bool)
        else str(parameter._default)
        for name, section in settings.SECTIONS.items()
        for option, parameter in section.get_params()
    }
    assert set(rows) == set(declared)
    differ = {one: (rows[one], default) for one, default in declared.items() if not _equal(rows[one], default)}
    assert differ == {}


def _equal(shown: str, default: str) -> bool:
    shown = shown.strip().replace(",", "")
    try:
        return float(shown) == float(default)
    except ValueError:
        return shown == default or (shown, default) in {("none", ""), ("all seven", ",".join(settings.partition.KEYS))}


def test_every_reference_file_of_the_sample_is_named_in_its_folder():
    """The page names a file by a pattern, as `PPRRVU*.csv`; each file of the sample has one row, of its own folder."""
    text = (ROOT / "docs" / "data-sources.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "`raw/" in line]
    patterns = [
        (re.search(r"`raw/(\w+)/", row[1])[1], re.findall(r"`([^`]+)`", row[2])) for row in rows if row[1].strip()
    ]
    for folder in raw_kinds.REFERENCES:
        for path in sorted((kit.SAMPLE / folder).iterdir()):
            found = [names for kind, names in patterns if kind == folder and any(path.match(one) for one in names)]
            assert len(found) == 1, f"{folder}/{path.name}: {found}"
    assert {kind for kind, _ in patterns} >= {kind.folder for kind in raw_kinds.KINDS.values() if kind.laid_out}


def test_every_room_is_described():
    text = (ROOT / "docs" / "developing.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "pipeline").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "pipeline").glob("*.py")} - {"__init__"}
    assert [one for one in sorted(rooms) if f"`pipeline/{one}/`" not in text] == []
    assert [one for one in sorted(modules) if f"`{one}`" not in text] == []

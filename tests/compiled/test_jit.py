"""What Numba compiled is used for the sources that it was compiled from, and for no others."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from in_network_documents import GROUP, referring
from pipeline.compiled import jit
from pipeline.operations import warm_up
from pipeline.readers.in_network.scan import slots

KERNEL = "from pipeline.compiled.jit import entry, inner\nfrom helping import helped\n\n@entry\ndef run():\n    return helped()\n"
HELPING = "from pipeline.compiled.jit import inner\n\n@inner\ndef helped():\n    return {}\n"


def test_a_function_that_compiled_code_calls_is_compiled_again_when_it_changes(tmp_path):
    """The file of the function that Python calls stays as it is, and that is all that Numba itself looks at."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from pipeline.compiled import jit; "
        "jit.config.CACHE_DIR = ''; jit.config.CACHE_DIR = jit.cache(Path(sys.argv[1])); "
        "import kernel; print(kernel.run(), sum(kernel.run.stats.cache_hits.values()))"
    )

    def run() -> str:
        command = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(command, capture_output=True, check=True, text=True, env=surroundings).stdout.strip()

    surroundings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "helping.py").write_text(HELPING.format(1))
    assert [run(), run()] == ["1 0", "1 1"]
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    assert run() == "1 1"
    (tmp_path / "helping.py").write_text(HELPING.format(2))
    assert run() == "2 0"


def test_a_change_of_a_slot_is_a_change_of_compiled_code(tmp_path):
    """`jit.cache` looks at modules that name the room of compiled code, and the slots are in one that has no function."""
    before = jit.cache(tmp_path)
    (tmp_path / "slots.py").write_bytes(Path(slots.__file__).read_bytes())
    assert jit.cache(tmp_path) != before


def test_what_was_compiled_from_former_sources_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path / "compiled-now"))
    for name in ("compiled-now", "compiled-before", "other"):
        (tmp_path / name).mkdir()
    warm_up.remove_former()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["compiled-now", "other"]


COMPILE = """
from numba.core.dispatcher import Dispatcher
from pipeline.operations import warm_up
from pipeline.compiled import byte_interner
from pipeline.readers.in_network import rate_columns
from pipeline.readers.in_network.scan import items, references, totals
warm_up.main()
modules = rate_columns, references, items, totals, byte_interner
functions = [one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)]
print({str(kind) for function in functions for kinds in function.signatures for kind in kinds})
"""


@dataclass(frozen=True)
class Made:
    """What `make setup` compiles, in a folder, and the types that the reader's functions take."""

    folder: Path
    kinds: set[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("compiled")
    return Made(folder, ast.literal_eval(run("-c", COMPILE, cache=folder)))


def run(*arguments: object, cache: Path) -> str:
    """What Python prints that finds there, and puts there, what it compiles."""
    command = [sys.executable, *map(str, arguments)]
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    return subprocess.run(command, capture_output=True, check=True, text=True, env=surroundings).stdout


@pytest.mark.slow
def test_what_is_compiled_of_the_reader_is_loaded_before_workers_are_forked(made, tmp_path):
    """And is not compiled then, for a build that may read no file."""
    program = """
from pipeline.gates import suites
from pipeline.operations import build_setup
from pipeline.readers.in_network.scan import items
from pipeline.transforms import in_network_counts
suites.preload = lambda: None
build_setup.preload()
print(len(items._scan.signatures), len(in_network_counts._count_owners.signatures))
"""
    assert run("-c", program, cache=tmp_path).split() == ["0", "0"]
    assert run("-c", program, cache=made.folder).split() == ["1", "1"]


@pytest.mark.slow
def test_all_that_python_calls_is_compiled_beforehand(made):
    package = Path(warm_up.__file__).parents[1]
    entries = {
        f"{path.stem}.{name}"
        for path in package.rglob("*.py")
        for name in re.findall(r"^@entry\ndef (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    there = {path.name.split("-")[0] for path in made.folder.rglob("*.nbi")}
    assert entries - there <= {"jit._one"}, "which is compiled in no time, by `jit.start`"


@pytest.mark.slow
def test_every_kernel_is_compiled_once(made, tmp_path):
    """A plain 0 among the arguments is a type of its own, and an array seven arguments: the first file waits twice as
    long."""
    assert made.kinds == {"int64", "uint64"}
    before = set(made.folder.rglob("*.nbc"))
    readers = {path.stem for path in (Path(warm_up.__file__).parents[1] / "readers").rglob("*.py")}
    times = Counter(name for name in (path.name.split("-")[0] for path in before) if name.split(".")[0] in readers)
    assert len(times) > 10
    assert {name: n for name, n in times.items() if n > 1} == {}
    path = tmp_path / "file.json"
    references = [{"provider_group_id": 1, "provider_groups": [GROUP]}]
    path.write_text(json.dumps(referring(1, provider_references=references)))
    program = """
import pathlib, sys, types
from pipeline.readers.in_network import read as in_network, references
references.FEW = 0
in_network.read(pathlib.Path(sys.argv[1]), batch_id="b", sink=types.SimpleNamespace(write=lambda *_: None))
"""
    run("-c", program, path, cache=made.folder)
    assert {*made.folder.rglob("*.nbc")} == before, "what `make setup` compiles is all that a file needs"

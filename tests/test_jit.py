"""What Numba compiled is used for the sources that it was compiled from, and for no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from pipeline import compiled, jit

KERNEL = (
    "from pipeline.jit import entry, inner\nfrom helping import helped\n\n@entry\ndef run():\n    return helped()\n"
)
HELPING = "from pipeline.jit import inner\n\n@inner\ndef helped():\n    return {}\n"


def test_a_function_that_compiled_code_calls_is_compiled_again_when_it_changes(tmp_path):
    """The file of the function that Python calls stays as it is, and that is all that Numba itself looks at."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from pipeline import jit; "
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


def test_what_was_compiled_from_former_sources_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(jit.config, "CACHE_DIR", str(tmp_path / "compiled-now"))
    for name in ("compiled-now", "compiled-before", "other"):
        (tmp_path / name).mkdir()
    compiled.remove_former()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["compiled-now", "other"]


def test_what_is_compiled_of_the_reader_is_loaded_before_workers_are_forked(tmp_path):
    """And is not compiled then, for a build that may read no file."""
    program = """
from pipeline import compiled, gates, preparation
from pipeline.readers import in_network_scan
from pipeline.transforms import in_network_counts
gates.preload = lambda: None
preparation.preload()
print(len(in_network_scan._scan.signatures), len(in_network_counts._count_owners.signatures))
compiled.load()
"""
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True, env=surroundings) for _ in range(2)]
    assert [done.stdout.split() for done in runs] == [["0", "0"], ["1", "1"]]


def test_all_that_python_calls_is_compiled_beforehand(tmp_path):
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "pipeline.compiled"], check=True, env=surroundings)
    made = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")}
    package = Path(compiled.__file__).parent
    entries = {
        f"{path.stem}.{name}"
        for path in package.rglob("*.py")
        for name in re.findall(r"^@entry\ndef (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert entries - made == {"jit._one"}, "which is compiled in no time, by `jit.start`"

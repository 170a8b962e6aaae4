"""What `make bench` measures with: the memory of a process tree, ended children, the table.

The parts themselves are run by `make bench`; here is what a wrong figure would come from.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import process_tree
import report
from report import Figure

# A parent of 40 MB with a child of 80 MB of its own, which it waits for.
TREE = """
import os, time
mine = bytearray(os.urandom(1)) * 40_000_000
if os.fork() == 0:
    own = bytearray(b"x") * 80_000_000
    time.sleep(1.0)
    os._exit(0)
os.wait()
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_all_processes_and_shared_pages_count_once(tmp_path):
    began = time.time()
    watched = process_tree.run([sys.executable, "-c", TREE], log=tmp_path / "log")
    assert watched.output == "done\n"
    assert 120e6 < watched.peak() < 150e6  # not 200: what the fork shares is counted once
    assert watched.seconds >= 1.0
    assert watched.busy < watched.seconds
    assert watched.peak(until=began) is None


def test_a_command_that_fails_says_its_last_lines(tmp_path):
    with pytest.raises(process_tree.CommandFailed, match=r"exit 3: (?s:.*)\n    the reason\n"):
        process_tree.run([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"], log=tmp_path / "log")


def test_a_bench_that_is_ended_ends_what_it_measures(tmp_path, monkeypatch):
    def ended(_session: int) -> int:
        if mark.exists() and mark.read_text():
            raise KeyboardInterrupt
        return 0

    mark = tmp_path / "pid"
    code = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(process_tree, "tree_bytes", ended)
    with pytest.raises(KeyboardInterrupt):
        process_tree.run([sys.executable, "-c", code], log=tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


@pytest.mark.parametrize(
    ("value", "limit", "verdict"),
    [(1.3, 1.3, "PASS"), (1.31, 1.3, "over its limit: 1.31, not 1.30"), (None, 1.3, "not measured here")],
)
def test_verdicts_are_words(value, limit, verdict):
    assert report.judged(value, limit) == verdict


def test_a_size_takes_the_place_of_its_former_section_and_leaves_the_others(tmp_path):
    path, one = tmp_path / "RESULTS.md", [Figure("a", "what", "1 s", limit="2 s", verdict="PASS")]
    report.write(path, "10 facts", report.section("10 facts", one, []))
    report.write(path, "20 facts", report.section("20 facts", one, ["2 workers"]))
    report.write(path, "10 facts", report.section("10 facts", [Figure("a", "a|b", "3 s")], []))
    text = path.read_text()
    assert text.count("# Measured\n") == 1
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## 10 facts", "## 20 facts"]
    assert "| a\\|b | 3 s |  |  |  |" in text
    assert text.count("| what | 1 s |  | 2 s | PASS |") == 1
    again = path.read_text()
    report.write(path, "20 facts", report.section("20 facts", one, ["2 workers"]))
    assert path.read_text() == again


def test_the_readme_quotes_between_its_marks(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nafter\n")
    report.quote(path, "10 facts", [Figure("a", "what", "1 s", "theirs", "2 s", "PASS")])
    text = path.read_text()
    assert text.startswith(f"before\n{report.MARKS[0]}\n10 facts; ")
    assert text.endswith(f"| what | 1 s | theirs | 2 s (PASS) |\n{report.MARKS[1]}\nafter\n")
    path.write_text("no marks")
    with pytest.raises(ValueError, match="has no <!-- measured"):
        report.quote(path, "10 facts", [])

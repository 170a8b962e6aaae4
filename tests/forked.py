"""Builds by the command that fail at a chosen moment, each forked from one process that has imported everything.

What belongs here: starting such builds, and what they said. What must not come in: what should hold afterwards.

Two thirds of a small build's time go to the gates, which check the same bytes in one trial after another. So a verdict
is kept under the suite, the variables and the bytes of the files that were looked at, and found again by what is equal
in all of them; every verdict was given by the gate itself, and nothing that publishes is spared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import kit

# Forks `ratehouse WORDS` for each line it reads. It opens and runs nothing itself: threads do not survive a fork.
SERVER = """
import hashlib, importlib, json, os, pathlib, pickle, pkgutil, re, sys
import filelock, multiprocessing.queues, pyarrow.pandas_compat, pipeline, rich.console, rich.progress, rich.table
from numba.core.registry import cpu_target
from pipeline import building, faults, gates, task
from pipeline.cli import main
from pipeline.cli import build, progress, show, summary
import pipeline.inspection
building._preload()
for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
cpu_target.typing_context.refresh(), cpu_target.target_context.refresh()  # else at each build's first compiled call
check = gates.check

def checked(suite_path, *, views, variables, label=None, **more):
    def bytes_of(found):
        return hashlib.sha256(pathlib.Path(found[1]).read_bytes()).hexdigest()
    looked_at = {name: re.sub(r"'([^']+\\.parquet)'", bytes_of, select) for name, select in views.items()}
    told = json.dumps([suite_path.name, gates.suite_hash(suite_path), looked_at, variables, label], default=str)
    kept = FOLDER / hashlib.sha256(told.encode()).hexdigest()
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    verdict = check(suite_path, views=views, variables=variables, label=label, **more)
    draft = os.open(f"{kept}.{os.getpid()}", os.O_WRONLY | os.O_CREAT)
    os.write(draft, pickle.dumps(verdict))
    os.close(draft)
    os.rename(f"{kept}.{os.getpid()}", kept)
    return verdict

FOLDER = pathlib.Path("verdicts").absolute()
FOLDER.mkdir(exist_ok=True)
gates.check = checked
for line in sys.stdin:
    asked = json.loads(line)
    if "end" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["end"], 0)[1]), flush=True)
        continue
    pid = os.fork()
    if not pid:
        out = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        sys.stdin.close()
        task._main_pid = os.getpid()
        if asked["plan"]:
            faults.install(asked["plan"])
        sys.argv = ["ratehouse", *asked["words"]]
        code = 70
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(pid, flush=True)
"""


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code (negative: the signal that killed it) and all that it printed."""

    code: int
    text: str


@dataclass(frozen=True)
class Running:
    """A command at work."""

    server: Server
    pid: int
    said: Path

    def end(self) -> Said:
        """Wait for it."""
        code = self.server.ended(self.pid)
        text = self.said.read_text(encoding="utf-8", errors="replace") if self.said.exists() else ""
        self.said.unlink(missing_ok=True)
        return Said(code, text)


class Server:
    """The process from which builds are forked."""

    def __init__(self, process: subprocess.Popen, folder: Path):
        self._process, self._folder, self._begun = process, folder, 0

    def begin(self, root: Path, *words: str, plan: str = "") -> Running:
        """Start a command on a warehouse under a fault plan (`pipeline.faults`)."""
        self._begun += 1
        said = self._folder / f"said-{self._begun}.txt"
        pid = self._ask({"plan": plan, "words": ["--root", str(root), *words], "said": str(said)})
        return Running(self, pid, said)

    def run(self, root: Path, *words: str, plan: str = "") -> Said:
        """Run a command, and wait for it."""
        return self.begin(root, *words, plan=plan).end()

    def build(self, root: Path, plan: str = "", *, workers: int = 1) -> Said:
        """Build with a scheduler of its own."""
        return self.run(root, "build", "--local-scheduler", "--workers", str(workers), plan=plan)

    def ended(self, pid: int) -> int:
        """Wait for a command to end; its exit code."""
        return self._ask({"end": pid})

    def _ask(self, asked: dict) -> int:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, (self._folder / "server.log").read_text()
        return int(answer)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """The server, for as long as the context; it keeps its log in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("RATEHOUSE")}
    surroundings |= {"PYTHONPATH": str(kit.CHECKOUT), "NO_COLOR": "1"}
    with (
        open(folder / "server.log", "w") as log,
        subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=surroundings,
            cwd=folder,
        ) as process,
    ):
        yield Server(process, folder)
        process.stdin.close()

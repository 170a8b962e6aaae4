"""Builds by the command that fail at a chosen moment, each forked from one process that has imported everything.

What belongs here: starting such builds, and what they said. What must not come in: what should hold afterwards.
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

# Forks `ratehouse WORDS` for each line it reads. It runs no query itself: threads do not survive a fork.
SERVER = """
import ctypes, functools, importlib, json, os, pathlib, sys
import faults
from pipeline.operations import build_setup, warm_up
from pipeline.tasks import at_work, code_version
from pipeline.cli import main
from pipeline.cli import build, progress, show, summary
import pipeline.operations.status
import kit, verdicts

def bind():  # root to the permissions of files, too: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for one in range(3):
        sets[one] &= ~0b110
    assert libc.capset(header, sets) == 0, "root may not give up its privilege here"

def child(asked):
    out = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1), os.dup2(out, 2)
    sys.stdin.close()
    if asked["bound"] and os.geteuid() == 0:
        bind()
    if asked["hook"]:
        os.environ["RATEHOUSE_FAULTS_HOOK"] = asked["hook"]
    at_work._main_pid = os.getpid()
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
    if "modules" in asked:
        pathlib.Path(asked["modules"]).write_text("\\n".join(sys.modules))
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(code)

def fork(asked):
    return os.fork() or child(asked)

def threads():  # by name; those that imports start are any build's
    return {one.read_text() for one in pathlib.Path("/proc/self/task").glob("*/comm")}

build_setup.preload()
known = threads() | {"jemalloc_bg_thd\\n"}
here = pathlib.Path.cwd()
verdicts.keep(here / "verdicts")
warm_up.main()
first = kit.small(here / "first")
os.waitpid(fork({
    "said": "first.txt", "plan": "", "bound": False, "hook": "", "modules": "modules.txt",
    "words": ["--root", str(first), "build", "--local-scheduler", "--workers", "1"],
}), 0)
for name in pathlib.Path("modules.txt").read_text().split():
    if name not in sys.modules:
        importlib.import_module(name)
code_version.module_version = functools.cache(code_version.module_version)
code_version.versions(*(name for name in sys.modules if name.split(".")[0] == "pipeline"))
code_version._seen.clear()  # each build still looks at its own cache
assert threads() <= known, f"{threads() - known} would not survive the fork"
for line in sys.stdin:
    asked = json.loads(line)
    if "end" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["end"], 0)[1]), flush=True)
    else:
        print(fork(asked), flush=True)
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

    def begin(self, root: Path, *words: str, plan: str = "", bound: bool = False, hook: str = "") -> Running:
        """Start a command on a warehouse under a fault plan (`pipeline.faults`).

        `bound`: permissions of files bind it though it runs as root. `hook` is the command of a plan whose action is hook.
        """
        self._begun += 1
        said = self._folder / f"said-{self._begun}.txt"
        asked = {"plan": plan, "words": ["--root", str(root), *words], "said": str(said), "bound": bound, "hook": hook}
        return Running(self, self._ask(asked), said)

    def run(self, root: Path, *words: str, plan: str = "", **more) -> Said:
        """Run a command, and wait for it."""
        return self.begin(root, *words, plan=plan, **more).end()

    def build(self, root: Path, plan: str = "", *words: str, workers: int = 1, **more) -> Said:
        """Build with a scheduler of its own."""
        return self.run(root, "build", "--local-scheduler", "--workers", str(workers), *words, plan=plan, **more)

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
    surroundings |= {
        "PYTHONPATH": os.pathsep.join(
            map(
                str,
                (kit.REPOSITORY, kit.REPOSITORY / "tests" / "support", kit.REPOSITORY / "tests" / "fault_injection"),
            )
        ),
        "NO_COLOR": "1",
    }
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

"""Random scripts of changes, damage and killed builds: each build rewrites exactly the files that it must.

The model knows nothing of stamps or stages: the files that must be rewritten are those whose bytes differ from a build
of the same sources from nothing, in a folder of its own. Such builds are kept by their sources, of which there are few.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
from pathlib import Path

import pytest

import forked
import kit
from campaign import ALL, SEED
from scripted_sources import BEGIN, CONTENTS, Sources, contents, files, put
from wholeness import nothing_counts_as_whole_that_is_not, stands_as

pytestmark = pytest.mark.slow

SCRIPTS = int(os.environ.get("RATEHOUSE_SCRIPTS", "500" if ALL else "1"))


class Model:
    """What a build from nothing makes of sources: file -> hash of its bytes."""

    def __init__(self, server: forked.Server, folder: Path):
        self._server, self._folder = server, folder
        self._known: dict[Sources, dict[str, str]] = {}
        self.first = folder / "first"

    def files(self, sources: Sources) -> dict[str, str]:
        """The files of a build of the sources from nothing."""
        if sources not in self._known:
            root = self.first if sources == BEGIN else self._folder / "other"
            shutil.rmtree(root, ignore_errors=True)
            put(root, sources)
            assert self._server.build(root).code == 0
            self._known[sources] = contents(root)
        return self._known[sources]


@pytest.fixture(scope="module")
def model(server: forked.Server, tmp_path_factory: pytest.TempPathFactory) -> Model:
    made = Model(server, tmp_path_factory.mktemp("model"))
    made.files(BEGIN)
    return made


def damage(root: Path, draw: random.Random) -> str:
    """Hurt a file in a way that its size or time shows; says what was done."""
    if draw.random() < 0.2:
        path = draw.choice(sorted((root / ".state" / "stamps").rglob("*.json")))
        path.unlink()
        return f"unstamped {path.relative_to(root)}"
    path = root / draw.choice(sorted(name for name in files(root)))
    how = draw.choice(["deleted", "cut", "replaced", "touched", "object gone"])
    content = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "cut":  # in place: its object is cut too
        os.truncate(path, draw.randrange(len(content)))
    elif how == "replaced":
        path.unlink()
        path.write_bytes(content[::-1])
    elif how == "touched":
        os.utime(path, ns=(1, 1))
    else:
        for kept in (root / ".objects").rglob("*.parquet"):
            if kept.samefile(path):
                kept.unlink()
                break
    return f"{how} {path.relative_to(root)}"


def killed(server: forked.Server, root: Path, draw: random.Random) -> str:
    """Begin a build and kill it at some operation, if it comes that far."""
    n = draw.randint(5, 250)
    plan = f"kill (replace|link|remove|rmdir|rmtree|write) {n} any {re.escape(str(root))}/"
    ended = server.build(root, plan, "--forget-missing")
    assert ended.code in (0, -signal.SIGKILL), ended.text
    return f"killed at {n}" if ended.code else "built"


def must_be_rewritten(before: dict[str, str], wanted: dict[str, str]) -> set[str]:
    """The files whose bytes are not those that they should be."""
    return {name for name in before.keys() | wanted.keys() if before.get(name) != wanted.get(name)}


@pytest.mark.parametrize("block", range(0, SCRIPTS, 25))
def test_a_build_rewrites_exactly_what_it_must_whatever_went_before(server, model, block, tmp_path):
    root = tmp_path / "warehouse"
    for number in range(block, min(SCRIPTS, block + 25)):
        draw = random.Random(SEED * 1_000 + number)
        shutil.rmtree(root, ignore_errors=True)
        kit.copy(model.first, root)
        sources, script = list(BEGIN), []
        for _ in range(draw.randint(2, 5)):
            act = draw.choice(["sources", "sources", "damage", "damage", "kill"])
            if act == "sources":
                which = draw.randrange(len(CONTENTS))
                sources[which] = draw.randrange(len(list(CONTENTS.values())[which]))
                put(root, tuple(sources))
                script.append(f"sources {sources}")
            elif act == "damage":
                script.append(damage(root, draw))
            else:
                script.append(killed(server, root, draw))
                nothing_counts_as_whole_that_is_not(root, model.files(tuple(sources)))
        wanted, before = model.files(tuple(sources)), files(root)
        ended = server.build(root, "", "--forget-missing")
        told = f"script {number}: {script}\n{ended.text}"
        assert ended.code == 0, told
        changed = kit.rewritten(before, files(root))
        assert changed == must_be_rewritten({n: s.sha256 for n, s in before.items()}, wanted), told
        stands_as(root, wanted)
        if number % 10 == 9:
            print(f"{number + 1} of {SCRIPTS} scripts, no problem", flush=True)
        assert server.build(root).text.startswith("nothing to do"), told

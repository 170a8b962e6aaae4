"""What several tests share: the real files, where they are present."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

import forked
import kit
import small_sources

# A deadline is a timed test: it would fail on a busy machine and say nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared"


def _end() -> None:
    """End this process, in which all is reported and closed, and leave it to the system to free what it holds.

    DuckDB's binding is made with nanobind, which prints a page of what is still alive when Python takes itself apart: a
    frame that a view refers to, whatever a thread or a traceback holds. nanobind can be told not to, but DuckDB passes
    no switch on.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nobody asks a worker for its code: what failed is on record with the process that started it


def pytest_configure(config: pytest.Config) -> None:
    """Of a worker, which xdist started: before all that tests register, so it comes after that when the process ends."""
    if hasattr(config, "workerinput"):
        atexit.register(_end)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and tools beside the checkout; skips, saying so, where it is absent."""
    if not (SHARED / "real").is_dir():
        pytest.skip(f"no real files at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def real(shared: Path) -> Path:
    """The real files themselves."""
    return shared / "real"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests last, so that a mistake shows early; those first that go together, for the others fill the gaps."""
    items.sort(key=lambda item: (item.get_closest_marker("slow") is not None, not _shares(item.path)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """What a module makes once for its tests is made by one worker, when the first of them is due."""
    config.option.loadscopereorder = False
    return _Together(config, log)


class _Together(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return file if _shares(HERE.parent / file) else nodeid


@functools.cache
def _shares(file: Path) -> bool:
    """Whether some of its tests share what is made once."""
    return 'scope="module"' in file.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def built_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Callable[[Path], None]], Path]:
    """built_once(name, make): the warehouse that make(root) builds, by the first of the workers of this run that asks for it."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if hasattr(request.config, "workerinput") else own

    def built(name: str, make: Callable[[Path], None]) -> Path:
        with filelock.FileLock(folder / f"{name}.lock"):
            if not (folder / f"{name}.built").exists():
                shutil.rmtree(folder / name, ignore_errors=True)  # another worker may have failed
                make(folder / name / "warehouse")
                (folder / f"{name}.built").touch()
        return folder / name / "warehouse"

    return built


@pytest.fixture(scope="session")
def built_sample(built_once) -> Path:
    """The bundled sample, built; all tests read the same one, those that change it work on a copy (`sample`).

    `printed.txt` beside it has what the build printed.
    """

    def make(root: Path) -> None:
        shutil.copytree(kit.SAMPLE, root / "raw")
        made = kit.ratehouse(root, "build", "--workers", "2", "--local-scheduler")
        assert made.returncode == 0, made.stderr
        (root.parent / "printed.txt").write_text(made.stdout, encoding="utf-8")

    return built_once("sample", make)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on another file system than tests' own; skips where there is none."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system to write on")
    with tempfile.TemporaryDirectory(dir=memory, prefix="ratehouse-test-") as folder:
        yield Path(folder)


@pytest.fixture
def sample(built_sample: Path, tmp_path: Path) -> Path:
    """A copy of the built sample that a test may change; nothing in it is stale."""
    root = kit.copy(built_sample, tmp_path / "warehouse")
    assert kit.build(root).ok  # the catalog names files by their full path
    return root


@pytest.fixture(scope="session")
def two_months_built(built_once) -> Path:
    """A payer's July and August (`small_sources`), built; tests change copies of it."""

    def make(root: Path) -> None:
        small_sources.two_months(root)
        assert kit.build(root).ok

    return built_once("two_months", make)


@pytest.fixture
def two_months(two_months_built: Path, tmp_path: Path) -> Path:
    """A copy of it, whose catalog its first build writes anew."""
    return kit.copy(two_months_built, tmp_path / "warehouse")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[forked.Server]:
    """The process that forks builds which are to fail at a chosen moment: one for each worker that needs it."""
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    with forked.server(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture(scope="session")
def small(built_once) -> Path:
    """The small warehouse, built; tests change copies of it."""

    def make(root: Path) -> None:
        kit.small(root)
        assert kit.build(root).ok

    return built_once("small", make)

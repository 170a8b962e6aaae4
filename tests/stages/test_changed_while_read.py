"""A raw file that is replaced, cut or removed while a build reads it: said in plain words, nothing of it is published, no
verdict is given, and the next build reads what is there then."""

from __future__ import annotations

import functools
import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import kit
import small_sources
from pipeline import errors, raw_kinds, session
from pipeline.operations import build as building
from pipeline.stages import dims
from pipeline.transforms import fact_rate

# A small file of each folder of raw files that has a reader.
GIVEN = {
    "nppes": "NPPES_Deactivated_NPI_Report_20250811.csv",
    "medicare": "GPCI2025.csv",
    "codes": "nucc_taxonomy_250.csv",
    "geo": "dim_zip.csv",
    "pos": "pos_codes.csv",
    "wcfs": "GA_2025.csv",
}
RATES = "mrf/GA/acme_08.json"
READERS = {"mrf": "pipeline.readers.in_network.read", **{name: raw_kinds.KINDS[name].reader for name in GIVEN}}


def lay_out(root: Path) -> list[Path]:
    """A warehouse, not yet built, of a file of each kind; returns these."""
    small_sources.put(root, RATES.removeprefix("mrf/"), "Acme Health", "2025-08", 86.5, 121.0)
    for folder, name in GIVEN.items():
        (root / "raw" / folder).mkdir(parents=True)
        shutil.copy(kit.SAMPLE / folder / name, root / "raw" / folder / name)
    return [root / "raw" / RATES, *(root / "raw" / folder / name for folder, name in GIVEN.items())]


def replace(path: Path) -> None:
    """As by `mv`: a file of the same content, which reading does not tell from the one before."""
    shutil.copyfile(path, path.with_name(".new"))
    os.replace(path.with_name(".new"), path)


def cut(path: Path) -> None:
    """As by a copy that is not whole yet: half of the file, in its place."""
    os.truncate(path, path.stat().st_size // 2)


def while_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], *, after: bool) -> None:
    """Have each file changed once, before or after its reader has opened it."""
    changed: set[Path] = set()

    def once(path: Path) -> None:
        if path not in changed:
            changed.add(path)
            change(path)

    for name in READERS.values():
        module = importlib.import_module(name)

        def read(path, *given, real, **more):
            if not after:
                once(path)
            found = real(path, *given, **more)
            found = found if not after or isinstance(found, dict) or not hasattr(found, "__next__") else list(found)
            if after:
                once(path)
            return found

        monkeypatch.setattr(module, "read", functools.partial(read, real=module.read))


@pytest.fixture(scope="module")
def plain(built_once) -> dict[str, str]:
    """What is published of the same files when nobody touches them."""

    def make(root: Path) -> None:
        lay_out(root)
        assert kit.build(root).ok

    return kit.contents(built_once("one_of_each_kind", make))


def told(root: Path, outcome: building.Outcome) -> dict[str, str]:
    """Path -> what was said of it; every failure must be of one of the files, in words and not by a trace."""
    assert not outcome.ok
    found = {}
    for event in outcome.failures:
        assert event["known"], event["error"]
        assert "Traceback" not in event["error"]
        name = event["label"]
        if name.startswith("raw/"):
            found[name] = event["error"]
    return found


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (replace, True),
        (cut, False),
        (Path.unlink, True),
        pytest.param(replace, False, marks=pytest.mark.slow),
        pytest.param(cut, True, marks=pytest.mark.slow),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_told_and_read_by_the_next_build(
    tmp_path, monkeypatch, plain, change, after
):
    root = tmp_path / "warehouse"
    files = lay_out(root)
    whole = {path: path.read_bytes() for path in files}
    with monkeypatch.context() as patched:
        while_read(patched, change, after=after)
        said = told(root, kit.build(root))
    assert sorted(said) == sorted(path.relative_to(root).as_posix() for path in files)
    for name, words in said.items():
        if change is not Path.unlink:
            assert "was changed, replaced or removed while it was read" in words, words
        assert str(root / name) in words
        assert "run the same command again" in words
    assert not [name for name in kit.contents(root) if name.startswith("staged/")]
    for path, content in whole.items():
        path.write_bytes(content)
    assert kit.build(root).ok
    assert kit.contents(root) == plain
    assert kit.build(root).nothing_to_do


CORRECTION = """
- id: acme
  months: [2025-08]
  match: {code: "99213", negotiated_rate: 86.5}
  action: amend
  set: {negotiated_rate: %s}
  reason: the publisher's own word
"""


@pytest.mark.parametrize("change", ["replaced", "cut", "removed"])
def test_corrections_that_change_after_they_were_read_are_applied_by_the_next_build(tmp_path, monkeypatch, change):
    root = tmp_path / "warehouse"
    small_sources.put(root, RATES.removeprefix("mrf/"), "Acme Health", "2025-08", 86.5, 121.0)
    file = root / "raw" / "corrections" / "acme.yml"
    file.parent.mkdir()
    file.write_text(CORRECTION % "87.0")
    real = fact_rate.batches

    def batches(*given):
        if change == "removed":
            file.unlink()
        else:
            file.write_text(CORRECTION % "88.0" if change == "replaced" else "- id: acme\n  months: [2025-08")
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(fact_rate, "batches", batches)
        if change == "cut":
            with pytest.raises(errors.CorrectionError, match=r"acme\.yml"):
                kit.build(root)
        else:
            outcome = kit.build(root)
            assert not outcome.ok
            assert outcome.failures == []
            assert "raw/corrections" in " ".join(why for _, why in outcome.incomplete)
    file.write_text(CORRECTION % "88.0")
    assert kit.build(root).ok
    assert small_sources.rates(root) == {"2025-08": (2, 209.0)}


def test_the_command_says_which_file_and_ends_with_1(server, tmp_path):
    root = tmp_path / "warehouse"
    file = small_sources.put(root, RATES.removeprefix("mrf/"), "Acme Health", "2025-08", 86.5, 121.0)
    newer = small_sources.put(tmp_path / "other", RATES.removeprefix("mrf/"), "Acme Health", "2025-08", 1.5)
    said = server.build(root, "hook open|write 1 any staged_price", hook=f"mv '{newer}' '{file}'")
    assert said.code == 1
    assert not newer.exists()
    assert f"FAILED {file}:" in said.text
    assert "was changed, replaced or removed while it was read" in kit.words(said.text)
    assert "fault of ratehouse" not in said.text
    assert "Traceback" not in said.text
    said = server.build(root)
    assert said.code == 0, said.text
    assert small_sources.rates(root) == {"2025-08": (1, 1.5)}


def test_a_table_whose_inputs_are_stale_again_when_its_turn_comes_says_so_in_words(tmp_path):
    """As Luigi tells it: a raw file was replaced after it was read."""
    root = kit.small(tmp_path / "warehouse")
    (root / ".state").mkdir()
    session.use(root)
    for missing in ("Unfulfilled dependency at run time: a", "Unfulfilled dependencies at run time: a, b"):
        told = dims.DimCode().on_failure(RuntimeError(missing))
        assert "what it is made of changed while the build ran" in told
    assert dims.DimCode().on_failure(RuntimeError("another")) == "RuntimeError: another\n"

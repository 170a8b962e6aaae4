"""A rerun by force builds what is up to date again, from its inputs: the same bytes, no file replaced, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import kit
from pipeline import errors, paths, session, settings
from pipeline.leaves import writing
from pipeline.operations import rerun, status, verify
from pipeline.operations.build_outcome import Outcome
from pipeline.storage import stamps

MONTH = "2025-08"
HOW = {force: rerun.How(force, True, lambda _: None) for force in (False, True)}
SOURCE = f"raw/mrf/{kit.SMALL}"
# What is asked for, and what is built then.
BY_FORCE = {
    f"fact_rate:{MONTH}": {f"gold/fact_rate_{MONTH}"},
    f"gold/fact_rate_{MONTH}.parquet": {f"gold/fact_rate_{MONTH}"},
    "dim_tin": {"dims/dim_tin"},
    SOURCE: {SOURCE},
    "enriched": {
        f"staged/enriched/fact_rate_enriched_{MONTH}",
        f"staged/enriched/leaf_plan_{MONTH}",
        f"gold/fact_rate_enriched/year_month={MONTH}",
        f"gold/coverage_{MONTH}",
        f"gold/coverage_gap_{MONTH}",
    },
}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    root = kit.small(tmp_path_factory.mktemp("rerun") / "warehouse")
    assert kit.build(root).ok
    return root


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    """A copy of the built warehouse, in use by this process."""
    copied = kit.copy(built, tmp_path / "warehouse")
    assert kit.build(copied).ok  # the catalog names files by their full path
    return copied


def use(root: Path) -> None:
    session.use(root)
    settings.load(root)
    settings.override("build", "workers", "1")
    status.begin()


def again(root: Path, target: str, *, force: bool) -> Outcome:
    use(root)
    return rerun.tables(status.of_stage(target) or status.named(target), HOW[force])


def done(outcome: Outcome) -> set[str]:
    """What was built, but for the leaves, which are counted apart."""
    return {e["label"] for e in outcome.events if e["event"] == "done" and e["task"] != "enriched.EnrichedGroup"}


@pytest.mark.slow
@pytest.mark.parametrize("target", BY_FORCE)
def test_by_force_the_same_is_built_and_nothing_else(root, target):
    before = kit.parquet_files(root)
    assert done(again(root, target, force=False)) == set()
    outcome = again(root, target, force=True)
    assert outcome.ok
    assert done(outcome) == outcome.same == BY_FORCE[target]
    assert {e["why"] for e in outcome.events if e["event"] == "start" and e["label"] == min(outcome.same)} == {
        "it was asked for (rerun --force)"
    }
    changed = kit.rewritten(before, kit.parquet_files(root))
    assert {name for name in changed if not name.startswith(".state/")} == set()
    assert sum(
        e["files"] for e in outcome.events if e.get("task") == "enriched.EnrichedGroup" and e["event"] == "done"
    ) == (target == "enriched")
    assert kit.build(root).nothing_to_do
    assert list(verify.verify(deep=True)) == []


def test_a_leaf_is_written_again_by_force(root):
    (leaf,) = (root / "gold" / "fact_rate_enriched").rglob("*.parquet")
    name = leaf.parent.parent.relative_to(root / "gold" / "fact_rate_enriched").as_posix()
    before = kit.parquet_files(root)
    for force in (False, True):
        use(root)
        outcome = rerun.leaf(MONTH, name, HOW[force])
        assert outcome.ok
        assert [e["rows"] for e in outcome.events if e["event"] == "done"] == [4] * force
        assert outcome.same == ({name} if force else set())
    assert kit.rewritten(before, kit.parquet_files(root)) == set()
    assert kit.build(root).nothing_to_do


@pytest.mark.slow
def test_what_was_asked_for_and_not_built_is_stale_and_the_next_build_builds_it(root):
    """As a kill leaves it between the two."""
    before = kit.contents(root)
    use(root)
    stamps.ask_again(session.current(), "dims/dim_plan")
    (record,) = status.partitions(MONTH)
    writing.ask_again(session.current(), MONTH, {record["partition"]})
    status.begin()
    assert status.why("dim_plan") == "dim_plan would be built: it was asked for (rerun --force)"
    assert status.why(f"fact_rate_enriched:{MONTH}").endswith(f"the manifest of {MONTH} is missing or was changed")
    outcome = kit.build(root)
    assert outcome.ok
    assert {"dims/dim_plan", f"gold/fact_rate_enriched/year_month={MONTH}"} <= done(outcome)
    assert kit.contents(root) == before
    assert kit.build(root).nothing_to_do


def test_a_source_that_is_not_seen_cannot_be_read_again(root):
    shutil.move(root / SOURCE, root.parent / "aside")
    stamp = paths.Root(root).stamp("dims/dim_tin").read_bytes()
    with pytest.raises(errors.UsageError, match="its raw file is not seen"):
        again(root, SOURCE, force=True)
    assert paths.Root(root).stamp("dims/dim_tin").read_bytes() == stamp

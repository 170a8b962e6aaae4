"""Builds that are killed, stopped or doubled: what they leave is never taken for whole, and the next one mends it."""

from __future__ import annotations

import random
import re
import signal
from pathlib import Path

import pytest

import forked
import kit
from sample_changes import ADDED, change, change_back
from wholeness import catalog, nothing_counts_as_whole_that_is_not, readers_see_one_build, stands_as, tables

SEED = 20250801


def killed(server: forked.Server, root: Path, n: int, word: str = "") -> bool:
    """Whether a build died at its n-th rename, link, removal or opening to write, on a path that holds the word.

    What is gone is let go of: the files that a change added go with its taking back.
    """
    plan = f"kill (open|replace|link|remove|rmdir|rmtree) {n} any {re.escape(str(root))}/.*{re.escape(word)}"
    return server.build(root, plan, "--forget-missing").code == -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_any_file_operation_the_next_build_ends_as_an_undisturbed_one(sample, tmp_path):
    random_ = random.Random(SEED)
    original, before = tables(sample), catalog(sample)
    other = kit.copy(sample, tmp_path / "undisturbed")
    change(other)
    assert kit.build(other).ok
    changed, after = tables(other), catalog(other)
    assert len(changed.keys() - original.keys()) > 50
    assert len(original.keys() - changed.keys()) > 5

    with forked.server(tmp_path / "server") as server:
        change(sample)
        for n, word in [(random_.randint(5, 120), "") for _ in range(4)] + [(random_.randint(2, 30), "payer_slug=")]:
            assert killed(server, sample, n, word), (n, word)
            nothing_counts_as_whole_that_is_not(sample, changed)
            readers_see_one_build(sample, [before, after])
        assert kit.build(sample).ok
        stands_as(sample, changed)
        assert catalog(sample) == after

        change_back(sample)
        moments = [
            (2, kit.staged(ADDED)),
            (random_.randint(5, 60), ""),
            (random_.randint(2, 20), "payer_slug=tupelo_and_vine"),
        ]
        moments += [
            (1, "gold/fact_rate_2025-09"),
            (1, "xref_fact_source_2025-09"),
            (1, "warehouse.duckdb"),
            (1, "docs/.page"),
        ]
        for n, word in moments:
            assert killed(server, sample, n, word), (n, word)
            nothing_counts_as_whole_that_is_not(sample, original)
            readers_see_one_build(sample, [before, after])
        assert kit.build(sample).ok
        stands_as(sample, original)
        assert catalog(sample) == before
    assert kit.build(sample).nothing_to_do


@pytest.mark.slow
def test_what_was_begun_and_killed_and_then_taken_back_leaves_no_trace(sample, tmp_path):
    original, before = tables(sample), catalog(sample)
    with forked.server(tmp_path / "server") as server:
        change(sample)
        for month in ("2025-10", "2025-11"):
            further(sample, month)
        november = kit.staged("TX/2025-11_tupelo-vine_tx_in-network-rates.json")
        assert killed(server, sample, 4, november)  # while the file is read
        further(sample, "2025-11").unlink()
        assert killed(server, sample, 1, "gold/fact_rate_2025-10")  # after tables beside it
        further(sample, "2025-10").unlink()
        assert killed(server, sample, random.Random(SEED).randint(10, 30), "payer_slug=")  # among new leaves
        assert killed(server, sample, 1, "manifest.tsv")  # after them
    change_back(sample)
    assert kit.build(sample, forget_missing=True).ok
    stands_as(sample, original)
    assert catalog(sample) == before
    assert [p.name for p in sample.rglob("*") if any(m in p.name for m in ("2025-09", "2025-10", "2025-11"))] == []
    assert kit.build(sample).nothing_to_do


def further(root: Path, month: str) -> Path:
    """A file of a further month."""
    path = root / "raw" / "mrf" / "TX" / f"{month}_tupelo-vine_tx_in-network-rates.json"
    text = (root / "raw" / "mrf" / ADDED).read_text(encoding="utf-8")
    path.write_text(text.replace('"last_updated_on":"2025-09-05"', f'"last_updated_on":"{month}-05"'), encoding="utf-8")
    return path

"""A warehouse that an earlier version built: answers meanwhile, one build brings it up to date, nothing is withdrawn.

Its layout is written by renaming today's back, as it was on 30 November 2026 (commit 027deb9); `make faults` also has that
commit itself build one.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import kit
from campaign import ALL, SEED
from kit import build
from pipeline import errors, paths, source_names
from pipeline.operations import status, verify
from pipeline.storage import stamps, targets
from small_sources import BOTH, JULY, look, names, presence, rates, tables
from wholeness import stands_as

BEFORE = "027deb9"
IN_NETWORK = ("GA/acme_07.json", "GA/acme_08.json")


def as_before(root: Path) -> Path:
    """Rename what today's version built as the one before had it, built by other code."""
    staged = {source_names.label("mrf", path): f"staged/mrf/{path}" for path in IN_NETWORK}
    for new, old in staged.items():
        (root / old).parent.mkdir(parents=True, exist_ok=True)
        (root / new).rename(root / old)
        for result in list((root / ".state/gates").glob(f"{new.replace('/', '.')}~*")):
            result.rename(result.with_name(f"{old.replace('/', '.')}~{result.name.partition('~')[2]}"))
    stamps = root / ".state/stamps"
    for path in list(stamps.rglob("*.json")):
        label = path.relative_to(stamps).as_posix().removesuffix(".json")
        text = targets.verify_checksum_line(path.read_text(encoding="utf-8"))
        for new, old in staged.items():
            text = re.sub(rf"{new}(_\d{{4}}-\d\d)?(?=[:/\"])", old, text)
        stamp = json.loads(text)
        stamp["version"] = 2
        stamp["code"] = dict.fromkeys(stamp["code"], "0" * 16)
        for name in ("path", "read_by", "corrected_by"):
            stamp["notes"].pop(name, None)
        path.unlink()
        to = stamps / f"{staged.get(label, label)}.json"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(targets.add_checksum_line(json.dumps(stamp, indent=1, sort_keys=True)), encoding="utf-8")
    (root / ".state/let_go.jsonl").unlink(missing_ok=True)
    return root


@pytest.mark.slow
def test_it_is_said_to_be_built_by_an_earlier_version_and_one_build_brings_it_up_to_date(two_months):
    assert build(two_months).ok
    wanted = {name: seen.sha256 for name, seen in tables(two_months).items()}
    as_before(two_months)
    look(two_months)
    told = {row["table"]: row for row in status.status() if row["state"] != "built"}
    assert {row["state"] for row in told.values()} == {"stale"}
    assert "it was built by an earlier version of ratehouse" in told[JULY]["reason"]
    assert told["dim_tin"]["reason"].endswith("it was built by an earlier version of ratehouse")
    assert status.why("fact_rate:2025-07").endswith("it was built by an earlier version of ratehouse")
    assert rates(two_months) == BOTH
    outcome = build(two_months)
    assert outcome.ok
    assert not any(e["event"] == "removed" for e in outcome.events)
    stands_as(two_months, wanted)
    assert presence(two_months) == {"GA/acme_07.json:2025-07": "here", "GA/acme_08.json:2025-08": "here"}
    assert build(two_months).nothing_to_do


@pytest.mark.slow
def test_a_source_that_was_gone_when_it_was_upgraded_is_missing_and_kept_as_it_was_read(two_months):
    assert build(two_months).ok
    as_before(two_months)
    shutil.move(two_months / JULY, two_months.parent / "aside")
    look(two_months)
    assert {row["presence"] for row in status.status() if row["table"] == JULY} == {"missing"}
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.deciding) == [JULY]
    assert (outcome.failures, outcome.incomplete) == ([], [])
    assert rates(two_months) == BOTH
    look(two_months)
    (row,) = [r for r in status.sources() if r["presence"] == "missing"]
    assert (row["read_by"], row["read_as_now"]) == (None, False)
    assert list(verify.verify(deep=True)) == []
    assert not any((two_months / "staged/mrf").glob("GA"))


@pytest.mark.slow
def test_killed_while_it_renames_the_next_build_goes_on(server, two_months):
    assert build(two_months).ok
    wanted = {name: seen.sha256 for name, seen in tables(two_months).items()}
    as_before(two_months)
    draw = random.Random(SEED)
    for _ in range(20 if ALL else 3):
        n = draw.randint(1, 12)
        place = "(staged/mrf|stamps/staged|gates/staged)"
        ended = server.build(two_months, f"kill (replace|remove|rmdir) {n} any {place}")
        assert ended.code in (0, -signal.SIGKILL), ended.text
        assert rates(two_months) == BOTH
    assert server.build(two_months).code == 0
    stands_as(two_months, wanted)


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="make faults: the former version is compiled first")
def test_what_the_commit_before_built_is_brought_up_to_date(tmp_path):
    commit = ["git", "-C", str(kit.REPOSITORY), "archive", BEFORE]
    found = subprocess.run(commit, capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"no commit {BEFORE} here: {found.stderr.decode()}")
    former = tmp_path / "former"
    former.mkdir()
    subprocess.run(["tar", "-x", "-C", str(former)], input=found.stdout, check=True)
    root = tmp_path / "warehouse"
    shutil.copytree(kit.SAMPLE, root / "raw")
    words = [sys.executable, "-m", "pipeline.cli", "--root", str(root), "build", "--local-scheduler"]
    subprocess.run(words, cwd=former, env={**os.environ, "PYTHONPATH": str(former)}, check=True, capture_output=True)
    before = rates(root)
    said = kit.ratehouse(root, "status")
    assert said.returncode == 1
    assert "it was built by an earlier version of ratehouse" in " ".join(said.stdout.split())
    assert rates(root) == before
    shutil.move(root / "raw/mrf/US", tmp_path / "aside")
    outcome = build(root)
    assert not outcome.ok
    assert (outcome.failures, outcome.incomplete) == ([], [])
    assert rates(root) == before
    shutil.move(tmp_path / "aside", root / "raw/mrf/US")
    assert build(root).ok
    assert rates(root) == before
    assert list(verify.verify(deep=True)) == []


@pytest.mark.slow
def test_stamps_that_this_version_does_not_understand_are_another_version_s(two_months, monkeypatch):
    """Nothing reads as never built, or as damaged: not in status, why, sources and verify; a build makes the same again."""
    assert build(two_months).ok
    wanted = {name: seen.sha256 for name, seen in tables(two_months).items()}
    ours = stamps.VERSION
    monkeypatch.setattr(stamps, "_EARLIER", ())
    for version, who in ((ours - 1, "a later"), (ours + 1, "an earlier")):
        monkeypatch.setattr(stamps, "VERSION", version)
        stamps.clear_caches()
        look(two_months)
        by = f"it was built by {who} version of ratehouse"
        told = {(row["table"], row["month"]): row for row in status.status()}
        assert {row["state"] for row in told.values()} == {"stale"}
        assert {("fact_rate", "2025-07"), ("fact_rate_enriched", "2025-08"), (JULY, None)} <= told.keys()
        assert [row for row in told.values() if not row["reason"].endswith(by)] == []
        assert status.why("fact_rate:2025-07").endswith(by)
        assert status.why(JULY) == f"{JULY} would be built: {by}"
        assert {row["reason"] for row in status.sources()} == {f"it was read by {who} version of ratehouse"}
        problems = {p.path: p.problem for p in verify.verify(deep=False) if p.path.startswith(".state/stamps/")}
        assert set(problems.values()) == {f"was written by {who} version of ratehouse; a build makes it anew"}
        assert len(problems) == len(stamps.labels(paths.Root(two_months)))
    outcome = build(two_months)
    assert outcome.ok
    assert {
        e["why"].rpartition(": ")[2]
        for e in outcome.events
        if e["event"] == "start" and e["task"] != "enriched.EnrichedGroup"
    } == {by}
    stands_as(two_months, wanted)
    assert build(two_months).nothing_to_do
    assert list(verify.verify(deep=True)) == []


def test_a_source_whose_record_is_another_version_s_is_not_called_lost(two_months, monkeypatch):
    assert build(two_months).ok
    shutil.move(two_months / JULY, two_months.parent / "aside")
    monkeypatch.setattr(stamps, "_EARLIER", ())
    monkeypatch.setattr(stamps, "VERSION", stamps.VERSION + 1)
    stamps.clear_caches()
    with pytest.raises(errors.MissingSources, match="was written by an earlier version of ratehouse, and no raw file"):
        build(two_months)

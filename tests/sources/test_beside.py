"""What hangs on sources: files that `fetch` replaced, provider references beside a file, and `make clean`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

import kit
from kit import build
from pipeline import session
from pipeline.fetching.ledger import FETCHED, Ledger
from small_sources import BOTH, JULY, forget, look, names, put, rates, rows

URL = "https://mrf.example.org/refs/12.json"


def test_a_file_that_fetch_replaced_is_let_go_of(two_months):
    old = two_months / JULY
    digest = hashlib.sha256(old.read_bytes()).hexdigest()
    new = put(two_months, "GA/acme_07-abcd.json", "Acme Health", "2025-07", 1.0)
    look(two_months)
    removed = {"file": JULY, "sha256": digest}
    Ledger(session.current()).put(URL, FETCHED, file=str(new.relative_to(two_months)), removed=removed)
    old.unlink()
    outcome = build(two_months)
    assert outcome.ok
    assert [(one.raw, one.why, one.to) for one in outcome.let_go] == [
        (JULY, "replaced by fetch", "raw/mrf/GA/acme_07-abcd.json")
    ]
    assert rates(two_months) == {**BOTH, "2025-07": (1, 1.0)}


def test_another_file_of_that_name_is_not_the_one_that_fetch_replaced(two_months):
    look(two_months)
    removed = {"file": JULY, "sha256": "0" * 64}
    Ledger(session.current()).put(URL, FETCHED, file="raw/mrf/GA/new.json", removed=removed)
    (two_months / JULY).unlink()
    outcome = build(two_months)
    assert names(outcome.deciding) == [JULY]
    assert rates(two_months) == BOTH


@pytest.mark.slow
def test_provider_references_that_are_gone_take_no_members_from_a_file(two_months, tmp_path):
    path = two_months / JULY
    text = json.loads(path.read_text())
    for item in text["in_network"]:
        item["negotiated_rates"][0] = {"provider_references": [1], **item["negotiated_rates"][0]}
        group = item["negotiated_rates"][0].pop("provider_groups")
    text["provider_references"] = [{"provider_group_id": 1, "location": URL}]
    path.write_text(json.dumps(text))
    beside = two_months / "raw/mrf/GA/references/12.json"
    beside.parent.mkdir()
    beside.write_text(json.dumps({"provider_groups": group}))
    members = "SELECT count(*) FROM xref_group_npi WHERE year_month = '2025-07'"
    assert build(two_months).ok
    assert rows(two_months, members) == [(1,)]
    shutil.move(beside.parent, tmp_path / "aside")
    outcome = build(two_months)
    assert names(outcome.deciding) == [f"{JULY}#references"]
    assert rows(two_months, members) == [(1,)]
    # Nor when the file is to be read again.
    text["in_network"][0]["negotiated_rates"][0]["negotiated_prices"][0]["negotiated_rate"] = 1.0
    path.write_text(json.dumps(text))
    outcome = build(two_months)
    assert not outcome.ok
    assert rates(two_months) == BOTH
    assert rows(two_months, members) == [(1,)]
    assert any("names 1 provider reference that it was read with before" in e["error"] for e in outcome.failures)
    other = kit.copy(two_months, tmp_path / "other")
    shutil.move(tmp_path / "aside", beside.parent)
    assert build(two_months).ok
    assert rows(two_months, members) == [(1,)]
    assert rates(two_months)["2025-07"] == (2, 121.0)
    forget(other, f"{JULY}#references")
    assert build(other).ok
    assert rows(other, members) == [(0,)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_clean_removes_no_rows_that_could_not_be_built_again(two_months, tmp_path):
    (tmp_path / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    (two_months / JULY).unlink()

    def make(*words: str) -> subprocess.CompletedProcess:
        command = ["make", "clean", f"ROOT={two_months}", f"VENV={tmp_path / 'venv'}", *words]
        surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(kit.REPOSITORY), *sys.path])}
        return subprocess.run(
            command, cwd=kit.REPOSITORY, env=surroundings, capture_output=True, text=True, check=False
        )

    said = make()
    assert said.returncode == 2
    assert f"  {JULY}\n" in said.stderr
    assert "make clean FORCE=1" in said.stderr
    assert (two_months / "gold/fact_rate_2025-07.parquet").exists()
    assert make("FORCE=1").returncode == 0
    assert not (two_months / "gold").exists()

"""A leaf whose rows fail the gate: withheld alone, seen by whoever looks, and brought in once its cause is mended."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from luigi.rpc import RemoteScheduler

import browser
import kit
from pipeline import errors, session, settings
from pipeline.operations import build, partition_lookup, status, verify
from pipeline.operations import rerun as operation
from pipeline.stages import facts

MONTH = "2025-08"
FILE = "GA/2025-08_tupelo-vine_ga_in-network-rates.json"
# The one contract of the sample that pays 115.68 for CPT 31231, and the leaf of its 16 rows.
RATE = 115.68
PARTITION = (
    "payer_slug=tupelo_vine_mutual/state=GA/billing_class=institutional/procedure_set=Procedure/"
    "procedure_class=Other%20Organ%20Systems/primary_taxonomy_code=261QA1903X/stat_area_name=Columbus%2C%20GA-AL"
)
LEAF = f"gold/fact_rate_enriched/{PARTITION}/year_month={MONTH}/fact_rate_enriched.parquet"
QUARANTINE = f"quarantine/enriched/{PARTITION}/year_month={MONTH}"
ROWS = 16
RULE = '"negotiated_rate is not negative" does not hold'
RED = "rgb(221, 75, 57)"  # AdminLTE's bg-red

CORRECTION = f"""
- id: columbus-sign
  months: [{MONTH}]
  match: {{code: "31231", negotiated_rate: -{RATE}}}
  action: %s
  reason: the publisher's sign slipped
"""
AMEND = CORRECTION % f"amend\n  set: {{negotiated_rate: {RATE}}}"
DROP = CORRECTION % "drop"


@dataclass(frozen=True)
class Planted:
    """A built warehouse into one raw file of which a minus was put, and the build that met it."""

    root: Path
    before: dict[str, kit.Seen]
    said: subprocess.CompletedProcess
    scheduler: str
    environment: dict[str, str]


def plant(root: Path, old: str = f"{RATE}", new: str = f"-{RATE}") -> None:
    """Change one rate in one raw file."""
    path = root / "raw" / "mrf" / FILE
    text = path.read_text(encoding="utf-8")
    assert text.count(f'"negotiated_rate":{old},') == 1, "the sample has changed: choose another rate"
    path.write_text(text.replace(f'"negotiated_rate":{old},', f'"negotiated_rate":{new},'), encoding="utf-8")


@pytest.fixture(scope="module")
def planted(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The build that met the negative rate, by the command and through a real luigid."""
    folder = tmp_path_factory.mktemp("planted")
    root = kit.copy(built_sample, folder / "warehouse")
    assert kit.build(root).ok  # the catalog names files by their full path
    before = kit.parquet_files(root)
    plant(root)
    with browser.scheduler(folder / "luigid") as url:
        config = folder / "luigi.cfg"
        config.write_text(f"[core]\nscheduler_port = {url.rstrip('/').rpartition(':')[2]}\n")
        environment = {"LUIGI_CONFIG_PATH": str(config)}
        said = kit.ratehouse(root, "build", env=environment)
        yield Planted(root, before, said, url, environment)


def use(root: Path) -> None:
    """Look at a warehouse in this process."""
    session.use(root)
    settings.load(root)
    status.begin()


def correct(root: Path, text: str) -> None:
    """Put a correction on record."""
    folder = root / "raw" / "corrections"
    folder.mkdir(exist_ok=True)
    (folder / "x.yml").write_text(text, encoding="utf-8")


def published(files: dict[str, kit.Seen]) -> dict[str, kit.Seen]:
    """What readers read, but for the table of sources, which holds the raw files' hashes."""
    own = ("gold/", "dims/", "xrefs/", "bench/", "quarantine/")
    return {name: seen for name, seen in files.items() if name.startswith(own) and "dim_source_file" not in name}


def rates(path: Path, condition: str = "TRUE") -> list[float]:
    """The rates in a Parquet file, in order."""
    rows = f"SELECT negotiated_rate FROM read_parquet('{path}', hive_partitioning = false) WHERE {condition}"
    return sorted(rate for (rate,) in duckdb.sql(rows).fetchall())


def accounts(root: Path) -> list[dict]:
    """The months' accounts in the catalog; their sums hold, whatever was withheld or corrected."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        found = con.sql("SELECT * FROM month_accounts ORDER BY year_month")
        months = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    for one in months:
        assert one["rates_read"] == one["rate_facts"] + one["duplicates"] + one["rejected"] + one["corrected_away"]
        assert one["facts"] == one["enriched_rows"] + one["withheld_rows"]
    return months


def test_a_negative_rate_withholds_its_leaf_and_nothing_else(planted):
    root, said = planted.root, planted.said
    assert said.returncode == 1
    assert "Traceback" not in said.stdout + said.stderr
    assert f"WITHHELD {MONTH} {PARTITION}\n" in said.stderr
    words = " ".join(said.stderr.split())
    assert f"{RULE}. Nobody is paid less than nothing" in words
    assert "code 31231, negotiated_rate -115.68)" in words
    assert said.stderr.endswith(
        f"next, once the cause is mended:\n  ratehouse --root {root} rerun {PARTITION} --month {MONTH}\n"
        f"  ratehouse --root {root} build\n"
    )

    after = published(kit.parquet_files(root))
    quarantined = {f"{QUARANTINE}/{name}.parquet" for name in ("rows", "published_before")}
    # What is said of the month as a whole, and which file published the fact, whose identity its rate is part of.
    said_of_it = {
        f"gold/{name}_{MONTH}.parquet" for name in ("coverage", "coverage_gap", "code_spread", "source_price_check")
    }
    said_of_it |= {f"gold/fact_rate_{MONTH}.parquet", f"xrefs/xref_fact_source_{MONTH}.parquet"}
    assert kit.rewritten(published(planted.before), after) == {LEAF} | said_of_it | quarantined
    assert LEAF not in after
    assert after[f"{QUARANTINE}/published_before.parquet"].sha256 == planted.before[LEAF].sha256
    former = rates(root / QUARANTINE / "published_before.parquet")
    assert len(former) == ROWS
    assert rates(root / QUARANTINE / "rows.parquet") == [-RATE, *(rate for rate in former if rate != RATE)]
    reason = (root / QUARANTINE / "reason.txt").read_text(encoding="utf-8").strip()
    assert reason.startswith(f"negotiated_rate: {RULE}")

    use(root)
    fact = facts.FactRate(month=MONTH)
    assert rates(fact.target(), "negotiated_rate < 0") == [-RATE]
    gate = fact.stamp().gates["fact_rate"]
    warned = [(f["description"], f["severity"], f["unexpected_count"]) for f in gate["failures"]]
    assert gate["passed"]
    assert ("negotiated_rate is not negative.", "warning", 1) in warned
    assert [(a["withheld_leaves"], a["withheld_rows"]) for a in accounts(root)] == [(0, 0), (1, ROWS)]
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        enriched = f"SELECT count(*), min(negotiated_rate) >= 0 FROM fact_rate_enriched WHERE year_month = '{MONTH}'"
        assert con.sql(enriched).fetchall() == [(accounts(root)[1]["enriched_rows"], True)]
        of_state = (
            f"SELECT state, status, count(*) FROM partition_manifest WHERE partition = '{PARTITION}' GROUP BY ALL"
        )
        assert sorted(con.sql(of_state).fetchall()) == [("GA", "published", 1), ("GA", "withheld", 1)]


def test_whoever_asks_is_told_of_a_withheld_leaf(planted):
    use(planted.root)
    (row,) = [row for row in status.partitions(None) if row["state"] != "published"]
    assert row == {
        "month": MONTH, "partition": PARTITION, "path": QUARANTINE, "rows": ROWS, "bytes": 0, "state": "withheld",
        "reason": (planted.root / QUARANTINE / "reason.txt").read_text(encoding="utf-8").strip(),
    }  # fmt: skip
    told = {(r["table"], r["month"]): r for r in status.status() if r["state"] != "built"}
    assert {key: r["state"] for key, r in told.items()} == {("fact_rate_enriched", MONTH): "withheld"}
    assert status.why(f"{planted.root}/{LEAF}").startswith(
        f"{PARTITION} of {MONTH} is withheld: negotiated_rate: {RULE}"
    )
    assert list(verify.verify(deep=True)) == []
    listed = kit.ratehouse(planted.root, "partitions", "--month", MONTH)
    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    place = lines.index(f"{MONTH} {ROWS:>7} {PARTITION}")
    assert " ".join(" ".join(lines[place + 1 : place + 3]).split()).startswith(f"WITHHELD: negotiated_rate: {RULE}")


@pytest.mark.browser
def test_a_withheld_leaf_is_red_on_the_dashboard_and_says_why(planted, tmp_path):
    with browser.page(tmp_path / "profile") as page:
        page.open(f"{planted.scheduler}static/visualiser/index.html")
        page.wait("document.querySelector('#FAILED_info .info-box-number').innerText == '1'")
        page.click("#FAILED_info")  # of all tasks ten are shown, of which kind first is left to chance
        page.wait("document.querySelectorAll('#taskTable tbody tr .showError').length == 1")
        failed = "#taskTable tbody tr:has(.showError)"
        assert page.texts(f"{failed} td:nth-child(2)") == ["enriched.Partition"]
        assert page.style(f"{failed} .status-icon", "backgroundColor") == RED
        shown = page.text(f"{failed} td:nth-child(3)")
        for piece in (MONTH, "tupelo_vine_mutual", "261QA1903X", "Columbus%2C%20GA-AL"):
            assert piece in shown
        page.screenshot(tmp_path / "red.png")
        page.click(f"{failed} .showError")
        page.wait("document.querySelector('#errorModal .modal-body')?.innerText.includes('withheld')")
        page.wait("getComputedStyle(document.querySelector('#errorModal')).opacity == 1")
        told = page.text("#errorModal .modal-body")
        assert told.startswith("withheld: negotiated_rate:")  # the box wraps nothing, and shows no more than this
        assert max(map(len, told.split(PARTITION)[0].splitlines())) <= 70
        assert f"{RULE}. Nobody is paid less than nothing" in " ".join(told.split())
        assert f"ratehouse --root {planted.root} rerun {PARTITION} --month {MONTH}" in " ".join(told.split())
        assert page.screenshot(tmp_path / "reason.png").stat().st_size > 10_000
    # One task for the leaf: the others are no tasks, however many there are.
    assert len(RemoteScheduler(planted.scheduler).task_list("", "")) < 200


@pytest.mark.slow
def test_a_rerun_without_mending_says_the_same_and_changes_nothing(planted):
    before = kit.parquet_files(planted.root)
    pairs = " ".join(reversed(PARTITION.split("/")))
    said = kit.ratehouse(planted.root, "rerun", pairs, "--month", MONTH, "--local-scheduler")
    assert said.returncode == 1
    words = " ".join(said.stderr.split())
    assert words.count(RULE) == 1
    assert words.partition(f"WITHHELD {MONTH} {PARTITION} ")[2].startswith(f"negotiated_rate: {RULE}")
    assert said.stderr.endswith(f"\n  ratehouse --root {planted.root} rerun {PARTITION} --month {MONTH}\n")
    assert kit.rewritten(before, kit.parquet_files(planted.root)) == set()


@pytest.mark.slow
def test_a_correction_and_a_rerun_bring_the_leaf_in_and_touch_one_leaf_file(planted, tmp_path):
    root = kit.copy(planted.root, tmp_path / "warehouse")
    correct(root, AMEND)
    before = published(kit.parquet_files(root))
    said = kit.ratehouse(root, "rerun", f"{root}/{LEAF}", "--local-scheduler")
    assert (said.returncode, said.stdout.split(" (")[0]) == (0, f"{MONTH} {PARTITION}\n  is published"), said.stderr
    after = published(kit.parquet_files(root))
    changed = {name for name in kit.rewritten(before, after) if not name.startswith("quarantine/")}
    assert changed == {LEAF, f"gold/fact_rate_{MONTH}.parquet"}
    assert not (root / "quarantine" / "enriched").exists()
    assert rates(root / LEAF) == rates(planted.root / QUARANTINE / "published_before.parquet")
    assert [(a["withheld_leaves"], a["corrected_away"]) for a in accounts(root)] == [(0, 0), (0, 0)]
    assert kit.build(root).nothing_to_do
    assert kit.rewritten(after, published(kit.parquet_files(root))) == set()


@pytest.mark.slow
def test_make_rerun_brings_in_a_leaf_without_the_row_that_a_correction_dropped(planted, tmp_path):
    root = kit.copy(planted.root, tmp_path / "warehouse")
    correct(root, DROP)
    before = published(kit.parquet_files(root))
    command = tmp_path / "venv" / "bin" / "ratehouse"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nPYTHONPATH={kit.REPOSITORY} exec {sys.executable} -m pipeline.cli "$@"\n')
    command.chmod(0o755)
    (tmp_path / "venv" / ".ready").touch()
    words = [f"VENV={tmp_path}/venv", f"ROOT={root}", f"PARTITION={PARTITION}", f"MONTH={MONTH}"]
    said = subprocess.run(
        ["make", "--no-print-directory", "rerun", *words],
        cwd=kit.REPOSITORY, env={"PATH": "/usr/bin:/bin", **planted.environment}, capture_output=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert f"scheduler: {planted.scheduler}" in said.stderr
    after = published(kit.parquet_files(root))
    changed = {name for name in kit.rewritten(before, after) if not name.startswith("quarantine/")}
    assert changed == {LEAF, f"gold/fact_rate_{MONTH}.parquet"}
    former = rates(planted.root / QUARANTINE / "published_before.parquet")
    assert rates(root / LEAF) == [rate for rate in former if rate != RATE]
    assert [(a["withheld_leaves"], a["corrected_away"]) for a in accounts(root)] == [(0, 0), (0, 1)]
    assert kit.build(root).nothing_to_do


def rerun(root: Path) -> build.Outcome:
    """Rerun the leaf in this process."""
    use(root)
    settings.override("build", "workers", "1")
    return operation.leaf(MONTH, PARTITION, operation.How(False, True, lambda _: None))


@pytest.mark.slow
def test_a_mended_raw_file_brings_the_leaf_back_as_it_was(planted, tmp_path):
    root = kit.copy(planted.root, tmp_path / "warehouse")
    plant(root, old=f"-{RATE}", new=f"{RATE}")
    assert rerun(root).ok
    assert not kit.build(root).withheld
    assert {n: s.sha256 for n, s in published(kit.parquet_files(root)).items()} == {
        n: s.sha256 for n, s in published(planted.before).items()
    }


@pytest.mark.slow
def test_a_suite_that_no_longer_minds_brings_the_leaf_in_without_building_rows(planted, tmp_path, monkeypatch):
    root = kit.copy(planted.root, tmp_path / "warehouse")
    home = tmp_path / "home"
    shutil.copytree(kit.REPOSITORY / "expectations", home / "expectations")
    shutil.copy(kit.REPOSITORY / "luigi.cfg", home)
    suite = home / "expectations" / "fact_rate_enriched.json"
    told = json.loads(suite.read_text(encoding="utf-8"))
    for expectation in told["expectations"]:
        if expectation["description"] == "negotiated_rate is not negative.":
            expectation["severity"] = "warning"
    suite.write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr(settings, "home", lambda: home)
    joined = root / "staged" / "enriched" / f"fact_rate_enriched_{MONTH}.parquet"
    inode = joined.stat().st_ino
    assert rerun(root).ok
    assert rates(root / LEAF)[0] == -RATE
    assert joined.stat().st_ino == inode
    assert kit.build(root, months=[MONTH]).nothing_to_do  # the other month is to be checked again


@pytest.mark.slow
def test_a_leaf_whose_last_row_is_corrected_away_goes(planted, tmp_path):
    root = kit.copy(planted.root, tmp_path / "warehouse")
    uids = duckdb.sql(
        f"SELECT fact_uid FROM read_parquet('{root / QUARANTINE}/rows.parquet', hive_partitioning = false)"
    )
    drop = "\n".join(
        f"- {{id: c{i}, months: [{MONTH}], match: {{fact_uid: {uid}}}, action: drop, reason: test}}"
        for i, (uid,) in enumerate(uids.fetchall())
    )
    correct(root, drop)
    outcome = rerun(root)
    assert outcome.ok
    assert outcome.gone
    assert not (root / QUARANTINE).exists()
    assert not (root / LEAF).exists()
    assert accounts(root)[1]["corrected_away"] == ROWS
    assert PARTITION not in {row["partition"] for row in status.partitions(MONTH)}
    assert kit.build(root).nothing_to_do


SHORT = PARTITION.replace("payer_slug=tupelo_vine_mutual/", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "month", "fact", "remedy"),
    [
        (PARTITION.replace("Columbus", "Colombus"), MONTH, f"there is no such partition in {MONTH}", PARTITION),
        (SHORT, MONTH, "the partition names no payer_slug", PARTITION),
        (PARTITION.replace("state=", "sttae="), None, "sttae is no partition key", "do you mean state?"),
        (PARTITION, "2024-01", "no source has the month 2024-01", f"months there are: 2025-07, {MONTH}"),
        (PARTITION, None, "is in several months", f"add --month 2025-07 or {MONTH}"),
    ],
    ids=["a value", "a missing key", "a key", "a month", "no month"],
)
def test_a_wrong_partition_gets_the_nearest_names(planted, typed, month, fact, remedy):
    use(planted.root)
    with pytest.raises(errors.UsageError) as refused:
        partition_lookup.one(typed, month)
    assert refused.value.fact == fact
    lines = refused.value.remedy.splitlines()
    assert remedy in [line.strip() for line in lines]
    assert len(lines) <= 4

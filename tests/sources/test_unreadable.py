"""What the system does not let a build read: missing, never broken; reference files, corrections and stars, too."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import kit
from kit import build
from pipeline.operations import import_star, status, verify
from pipeline.stages import in_network_file
from small_sources import BOTH, JULY, forget, look, names, put, rates, tables

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="permissions and /proc as Linux has them")


@pytest.fixture
def bound(server) -> dict:
    """How a command is run that permissions bind, though the tests run as root."""
    probe = server.run(Path("/"), "--version", bound=True)
    if probe.code != 0:
        reason = f"root may not give up its privilege here: {probe.text}"
        (pytest.fail if os.environ.get("CI") == "true" or "RATEHOUSE_REQUIRE_BROWSER" in os.environ else pytest.skip)(
            reason
        )
    return {"bound": True}


@linux
@pytest.mark.slow
@pytest.mark.parametrize("what", ["file", "touched file", "state folder", "kind's folder"])
def test_what_may_not_be_read_is_missing_and_named(server, bound, two_months, what):
    before = tables(two_months)
    closed = two_months / {"state folder": "raw/mrf/GA", "kind's folder": "raw/mrf"}.get(what, JULY)
    if what == "touched file":
        put(two_months, "GA/acme_07.json", "Acme Health", "2025-07", 1.0)
    closed.chmod(0o000)
    try:
        ended = server.build(two_months, **bound)
        words = " ".join(ended.text.split())
        assert ended.code == 1, ended.text
        assert f"MISSING {JULY}: 2025-07; 2 rows stay: it cannot be" in words
        assert "Permission denied" in words
        assert ("FAILED raw/mrf/GA: cannot be listed: Permission denied" in words) == (what == "state folder")
        assert "Traceback" not in ended.text
        assert tables(two_months) == before
        assert rates(two_months) == BOTH
        said = server.run(two_months, "sources", "--json", **bound)
        assert '"presence": "missing"' in said.text
        assert "broken" not in said.text
    finally:
        closed.chmod(0o755)
    assert server.build(two_months).code == 0
    assert (rates(two_months) == BOTH) == (what != "touched file")


@linux
@pytest.mark.slow
def test_a_file_that_was_never_read_and_may_not_be_is_an_error_and_holds_up_nothing(server, bound, two_months):
    path = put(two_months, "GA/new.json", "New Health", "2025-08", 5.0)
    path.chmod(0o000)
    ended = server.build(two_months, **bound)
    assert ended.code == 1
    assert "FAILED raw/mrf/GA/new.json: cannot be read: Permission denied" in " ".join(ended.text.split())
    assert rates(two_months) == BOTH
    path.chmod(0o644)
    assert server.build(two_months).code == 0
    assert rates(two_months)["2025-08"] == (3, 212.5)


@linux
def test_a_disk_that_fails_while_it_is_read_makes_a_file_missing_not_broken(two_months):
    """Opening /proc/self/mem is allowed, and reading it an input/output error."""
    (two_months / JULY).unlink()
    (two_months / JULY).symlink_to("/proc/self/mem")
    outcome = build(two_months)
    assert not outcome.ok
    (one,) = outcome.deciding
    assert (one.name, "Input/output error" in one.reason) == (JULY, True)
    assert rates(two_months) == BOTH
    (row,) = [r for r in status.sources() if r["year_month"] == "2025-07"]
    assert (row["status"], row["presence"]) == ("whole", "missing")


# ---- a damaged set ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_damaged_set_of_a_missing_source_is_not_cleared_and_its_month_stays(two_months, tmp_path):
    look(two_months)
    task = in_network_file.InNetworkFile(path="GA/acme_07.json")
    staged = task.file_of("staged_price")
    shutil.move(two_months / JULY, tmp_path / "aside")
    content = staged.read_bytes()
    staged.write_bytes(content[:-1])
    other = two_months / "gold/fact_rate_2025-07.parquet"
    facts = other.read_bytes()
    look(two_months)
    found = {one.path: one for one in verify.verify(deep=False)}
    problem = found[staged.relative_to(two_months).as_posix()]
    assert problem.clear == ()
    assert f"the raw file of {JULY} is not seen" in problem.problem
    assert f"ratehouse forget {JULY}" in problem.problem
    outcome = build(two_months)
    assert not outcome.ok
    assert any("cannot be read again" in e["error"] for e in outcome.failures)
    assert rates(two_months) == BOTH
    assert other.read_bytes() == facts
    assert staged.exists()
    shutil.move(tmp_path / "aside", two_months / JULY)
    assert build(two_months).ok
    assert staged.read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_without_its_record_nothing_is_built_of_a_missing_source_and_nothing_goes(two_months, how):
    assert build(two_months).ok
    look(two_months)
    stamp = two_months / ".state/stamps" / f"{in_network_file.InNetworkFile(path='GA/acme_07.json').label}.json"
    (two_months / JULY).unlink()
    if how == "lost":
        stamp.unlink()
    else:
        stamp.write_bytes(stamp.read_bytes()[:-5])
    before = tables(two_months)
    said = kit.ratehouse(two_months, "build", "--local-scheduler")
    assert said.returncode == 1
    label = stamp.relative_to(two_months / ".state/stamps").as_posix().removesuffix(".json")
    assert f"is lost or damaged, and no raw file that it is of is seen: {label}" in " ".join(said.stderr.split())
    assert tables(two_months) == before
    look(two_months)
    assert [one.clear for one in verify.verify(deep=False) if "no raw file is seen" in one.problem] == [()]
    forget(two_months, label)
    assert build(two_months).ok
    assert rates(two_months) == {"2025-08": BOTH["2025-08"]}


# ---- what depends on other folders --------------------------------------------------------------------------------


@pytest.fixture
def corrected(two_months) -> Path:
    folder = two_months / "raw/corrections"
    folder.mkdir()
    (folder / "known.yml").write_text(
        "- {id: one, months: [2025-07], match: {negotiated_rate: 120.0}, action: drop, reason: told}\n"
    )
    assert build(two_months).ok
    assert rates(two_months)["2025-07"] == (1, 85.5)
    return two_months


def test_a_file_of_corrections_that_is_not_seen_blocks_the_months_that_it_corrected(corrected, tmp_path):
    before = tables(corrected)
    shutil.move(corrected / "raw/corrections/known.yml", tmp_path / "aside")
    outcome = build(corrected)
    assert not outcome.ok
    assert tables(corrected) == before
    assert rates(corrected)["2025-07"] == (1, 85.5)
    (failure,) = outcome.failures
    assert (
        "the month 2025-07 is blocked: it was built with a correction of raw/corrections/known.yml" in failure["error"]
    )
    assert names(outcome.deciding) == ["raw/corrections/known.yml"]
    assert (outcome.deciding[0].months, outcome.deciding[0].rows) == (("2025-07",), 1)
    shutil.move(tmp_path / "aside", corrected / "raw/corrections/renamed.yml")  # by its id it is known again
    assert build(corrected).ok
    assert tables(corrected) == before


@pytest.mark.slow
def test_corrections_that_are_forgotten_do_not_apply_any_more(corrected):
    (corrected / "raw/corrections/known.yml").unlink()
    assert not build(corrected).ok
    forget(corrected, "raw/corrections/known.yml")
    assert build(corrected).ok
    assert rates(corrected)["2025-07"] == (2, 205.5)
    assert build(corrected).nothing_to_do


@pytest.mark.slow
def test_an_id_that_is_taken_out_of_a_file_that_is_there_is_an_edit_and_named_with_its_rates(corrected):
    (corrected / "raw/corrections/known.yml").write_text("[]\n")
    outcome = build(corrected)
    assert outcome.ok
    assert outcome.uncorrected == [("2025-07", "one", "known.yml", 1)]
    assert rates(corrected)["2025-07"] == (2, 205.5)


def pos_codes(root: Path, name: str) -> Path:
    path = root / "raw/pos" / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(kit.SAMPLE / "pos/pos_codes.csv", path)
    return path


@pytest.mark.slow
def test_a_reference_file_that_is_gone_keeps_what_it_gave_and_the_last_of_its_kind_is_missing(two_months):
    path = pos_codes(two_months, "pos_codes.csv")
    assert build(two_months).ok
    before = tables(two_months)
    path.unlink()
    outcome = build(two_months)
    assert names(outcome.deciding) == ["raw/pos/pos_codes.csv"]
    assert outcome.deciding[0].months == ()
    assert tables(two_months) == before
    # It is of no month: it decides for a month that is asked for, too.
    assert not build(two_months, months=["2025-08"]).ok
    pos_codes(two_months, "renamed.csv")
    outcome = build(two_months)
    assert outcome.ok
    assert [(one.raw, one.why) for one in outcome.let_go] == [("raw/pos/pos_codes.csv", "moved")]


@pytest.mark.slow
def test_a_later_release_of_the_same_schedule_supersedes_one_that_is_gone(two_months):
    folder = two_months / "raw/medicare"
    folder.mkdir()
    text = (kit.SAMPLE / "medicare/GPCI2025.csv").read_text(encoding="utf-8")
    assert "2025" in text
    (folder / "GPCI2025.csv").write_text(text, encoding="utf-8")
    assert build(two_months).ok
    (folder / "GPCI2025.csv").unlink()
    (folder / "GPCI2026.csv").write_text(text.replace("2025", "2026"), encoding="utf-8")
    outcome = build(two_months)
    assert outcome.ok, names(outcome.deciding)
    assert [(one.raw, one.why, one.to) for one in outcome.let_go] == [
        ("raw/medicare/GPCI2025.csv", "superseded", "raw/medicare/GPCI2026.csv")
    ]
    (folder / "GPCI2026.csv").unlink()
    (folder / "GPCI2025.csv").write_text(text, encoding="utf-8")  # the earlier one takes no later one's place
    outcome = build(two_months)
    assert names(outcome.deciding) == ["raw/medicare/GPCI2026.csv"]


# ---- stars --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_star_schema_that_is_gone_is_missing_until_it_is_forgotten(two_months, tmp_path):
    from star_schemas import guidelines, write

    given = write(tmp_path / "given", guidelines())
    look(two_months)
    brought = import_star.import_star(given)
    assert build(two_months).ok
    before, found = tables(two_months), rates(two_months)
    shutil.move(two_months / "raw/star" / brought.id, tmp_path / "aside")
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.deciding) == [f"raw/star/{brought.id}"]
    assert tables(two_months) == before
    assert rates(two_months) == found
    shutil.move(tmp_path / "aside", two_months / "raw/star" / brought.id)
    assert build(two_months).ok
    shutil.rmtree(two_months / "raw/star" / brought.id)
    forget(two_months, f"star/{brought.id}")
    assert build(two_months).ok
    assert rates(two_months) == BOTH
    assert not (two_months / "staged/star").exists()


@linux
@pytest.mark.slow
def test_a_warehouse_of_another_user_is_read_and_not_changed(server, bound, two_months):
    """What only looks answers; what would write says which right it lacks."""
    before = tables(two_months)
    (leaf, *_) = two_months.rglob("year_month=2025-07/*.parquet")
    partition = leaf.parents[1].relative_to(two_months / "gold" / "fact_rate_enriched").as_posix()
    mine = [two_months, *two_months.rglob("*")]
    for path in mine:
        os.chown(path, 65534, 65534, follow_symlinks=False)
        path.chmod(path.stat().st_mode & ~0o022)
    try:
        for words in (["sources"], ["partitions"], ["why", "fact_rate:2025-07"], ["docs", "--no-open"]):
            said = server.run(two_months, *words, **bound)
            assert (said.code, "Traceback" in said.text) == (0, False), (words, said.text)
        for words in (["build"], ["rerun", partition, "--month", "2025-07"], ["verify", "--repair"]):
            said = server.run(two_months, *words, **bound)
            assert said.code == 1, (words, said.text)
            assert "Traceback" not in said.text, words
            assert "Permission denied" in said.text, (words, said.text)
        assert tables(two_months) == before
        assert rates(two_months) == BOTH
    finally:
        for path in mine:
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
            path.chmod(path.stat().st_mode | 0o200)
    assert server.build(two_months).code == 0

"""Sources that are gone: what missing, moved, replaced, archived and forgotten mean, sentence by sentence."""

from __future__ import annotations

import shutil

import pytest

import kit
from kit import build
from pipeline import errors, session
from pipeline.operations import status, verify
from pipeline.sources import let_go
from pipeline.stages import in_network_file
from small_sources import AUGUST, BOTH, JULY, A, archive, forget, look, names, presence, put, rates, rows, tables


def test_a_missing_source_keeps_its_rows_and_nothing_is_built_because_it_goes_or_comes_back(two_months, tmp_path):
    before, aside = tables(two_months), tmp_path / "aside.json"
    shutil.move(two_months / JULY, aside)
    outcome = build(two_months)
    assert not outcome.ok
    ((one,), deciding) = outcome.missing, outcome.deciding
    assert (one.name, one.months, one.rows, one.presence) == (JULY, ("2025-07",), 2, "missing")
    assert deciding == [one]
    assert (outcome.failures, outcome.incomplete) == ([], [])
    assert tables(two_months) == before
    assert rates(two_months) == BOTH
    assert {e["task"] for e in outcome.events if e["event"] == "done"} == {"warehouse.Warehouse"}
    # It is said wherever a person looks.
    assert presence(two_months) == {"GA/acme_07.json:2025-07": "missing", "GA/acme_08.json:2025-08": "here"}
    (row,) = [r for r in status.status() if r["table"] == JULY]
    assert (row["state"], row["presence"]) == ("built", "missing")
    assert "its raw file is not seen" in row["reason"]
    assert rows(two_months, "SELECT file, presence FROM source_presence ORDER BY ALL") == [
        ("GA/acme_07.json", "missing"),
        ("GA/acme_08.json", "here"),
    ]
    assert f"<td>{JULY}</td><td>missing</td><td>2025-07 2 rows</td>" in (two_months / "docs/index.html").read_text()
    assert list(verify.verify(deep=True)) == []

    again = build(two_months)
    assert again.nothing_to_do
    assert not again.ok
    assert names(again.missing) == [JULY]
    shutil.move(aside, two_months / JULY)
    outcome = build(two_months)
    assert outcome.ok
    assert outcome.missing == []
    assert tables(two_months) == before
    assert build(two_months).nothing_to_do


def test_the_command_names_the_missing_source_with_both_commands_and_exits_1(two_months):
    (two_months / JULY).unlink()
    said = kit.ratehouse(two_months, "build", "--local-scheduler")
    assert said.returncode == 1
    words = " ".join(said.stderr.split())
    assert f"MISSING {JULY}: 2025-07; 2 rows stay: it is not there" in words
    assert f"archive {JULY} (their rows stay)" in words
    assert f"forget {JULY} (their rows go with the next build)" in words
    assert "up to date" not in said.stdout
    assert kit.ratehouse(two_months, "status").returncode == 1
    assert kit.ratehouse(two_months, "sources").returncode == 1


def test_an_archived_source_keeps_its_rows_and_the_build_is_good(two_months):
    (two_months / JULY).unlink()
    assert not build(two_months).ok
    before = tables(two_months)
    (one,) = archive(two_months, JULY)
    assert (one.months, one.rows) == (("2025-07",), 2)
    outcome = build(two_months)
    assert outcome.ok
    assert names(outcome.missing) == [JULY]  # named still, and deciding nothing
    assert presence(two_months)["GA/acme_07.json:2025-07"] == "archived"
    assert tables(two_months) == before
    assert rates(two_months) == BOTH
    assert build(two_months).nothing_to_do


def test_a_forgotten_source_goes_with_the_next_build_and_leaves_no_trace(two_months):
    (two_months / JULY).unlink()
    assert not build(two_months).ok
    forget(two_months, JULY)
    assert rates(two_months) == BOTH  # not before
    outcome = build(two_months)
    assert outcome.ok
    assert [(one.raw, one.why) for one in outcome.let_go] == [(JULY, "forgotten")]
    assert rates(two_months) == {"2025-08": BOTH["2025-08"]}
    assert [p for p in two_months.rglob("*2025-07*") if ".objects" not in p.parts] == []
    id_ = in_network_file.InNetworkFile(path="GA/acme_07.json").batch_id
    assert list(two_months.rglob(f"*{id_}*")) == []
    assert list(verify.verify(deep=True)) == []
    assert build(two_months).nothing_to_do


def test_forgetting_what_is_here_or_mistyped_is_refused_with_the_nearest_names(two_months):
    with pytest.raises(errors.UsageError, match="is here: a source is archived or forgotten once"):
        forget(two_months, JULY)
    (two_months / JULY).unlink()
    with pytest.raises(errors.UsageError, match=rf"do you mean: {JULY}\?"):
        forget(two_months, "raw/mrf/GA/acme_7.json")
    with pytest.raises(errors.UsageError, match="name the sources, or say --missing"):
        forget(two_months)


def test_the_commands_print_months_and_rows_take_the_lock_and_know_missing(two_months):
    (two_months / JULY).unlink()
    said = kit.ratehouse(two_months, "archive", "--missing")
    assert (said.returncode, said.stdout) == (0, f"archived: {JULY}: 2025-07; 2 rows\n")
    assert kit.ratehouse(two_months, "forget", "--missing").stdout == "no source is missing\n"
    said = kit.ratehouse(two_months, "forget", "GA/acme_07.json")
    assert said.returncode == 0
    assert said.stdout.startswith(f"forgotten: {JULY}: 2025-07; 2 rows\nnext, to take their rows out:\n")
    assert kit.ratehouse(two_months, "forget", "nothing.json").returncode == 2


def test_build_forget_missing_does_both(two_months):
    (two_months / JULY).unlink()
    outcome = build(two_months, forget_missing=True)
    assert outcome.ok
    assert rates(two_months) == {"2025-08": BOTH["2025-08"]}


def test_a_source_that_was_forgotten_and_comes_back_before_the_build_stays(two_months, tmp_path):
    shutil.move(two_months / JULY, tmp_path / "aside")
    forget(two_months, JULY)
    shutil.move(tmp_path / "aside", two_months / JULY)
    outcome = build(two_months)
    assert outcome.ok
    assert rates(two_months) == BOTH
    (two_months / JULY).unlink()  # and what was said of it then does not count any more
    assert not build(two_months).ok
    assert rates(two_months) == BOTH


def test_missing_may_be_set_to_archive(two_months):
    (two_months / JULY).unlink()
    (two_months / "luigi.cfg").write_text("[raw]\nmissing = archive\n")
    assert build(two_months).ok
    assert presence(two_months)["GA/acme_07.json:2025-07"] == "archived"
    assert rates(two_months) == BOTH


# ---- moved --------------------------------------------------------------------------------------------------------


def test_a_file_that_moved_is_let_go_of_under_its_old_name(two_months):
    (two_months / JULY).rename(two_months / "raw/mrf/GA/renamed.json")
    outcome = build(two_months)
    assert outcome.ok
    assert [(one.raw, one.why, one.to) for one in outcome.let_go] == [(JULY, "moved", "raw/mrf/GA/renamed.json")]
    assert rates(two_months) == BOTH
    assert presence(two_months) == {"GA/acme_08.json:2025-08": "here", "GA/renamed.json:2025-07": "here"}
    assert list(verify.verify(deep=True)) == []
    assert build(two_months).nothing_to_do


@pytest.mark.slow
def test_a_states_folder_that_is_renamed_moves_its_files_and_to_no_state_makes_them_missing(two_months):
    (two_months / "raw/mrf/GA").rename(two_months / "raw/mrf/TX")
    outcome = build(two_months)
    assert outcome.ok
    assert {one.why for one in outcome.let_go} == {"moved"}
    assert rows(two_months, "SELECT DISTINCT state FROM fact_rate") == [("TX",)]
    assert rates(two_months) == BOTH
    (two_months / "raw/mrf/TX").rename(two_months / "raw/mrf/Texas")
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.missing) == ["raw/mrf/TX/acme_07.json", "raw/mrf/TX/acme_08.json"]
    assert rates(two_months) == BOTH


@pytest.mark.slow
def test_a_copy_that_was_there_before_is_no_move(two_months):
    shutil.copy(two_months / JULY, two_months / "raw/mrf/GA/copy.json")
    assert build(two_months).ok
    (two_months / JULY).unlink()
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.deciding) == [JULY]


# ---- replaced -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_month_under_the_same_path_keeps_the_former_month_as_a_source_of_its_own(two_months):
    """acme.json, overwritten each month."""
    put(two_months, "GA/acme_07.json", "Acme Health", "2025-09", 87.5, 122.0)
    before = tables(two_months)
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.deciding) == [f"{JULY}:2025-07"]
    assert rates(two_months) == {**BOTH, "2025-09": (2, 209.5)}
    changed = kit.rewritten(before, tables(two_months))
    assert [name for name in changed if "2025-07" in name and not name.startswith("staged/mrf/")] == []
    assert rows(
        two_months,
        "SELECT count(*), count(DISTINCT batch_id), count(DISTINCT (batch_id, year_month)) FROM dim_source_file",
    ) == [(3, 2, 3)]
    assert presence(two_months) == {
        "GA/acme_07.json:2025-09": "here",
        "GA/acme_07.json:2025-07": "missing",
        "GA/acme_08.json:2025-08": "here",
    }
    assert list(verify.verify(deep=True)) == []
    assert build(two_months).nothing_to_do
    archive(two_months, f"{JULY}:2025-07")
    assert build(two_months).ok

    # The month comes back under the same path: it counts once, and the other one is the former now.
    put(two_months, "GA/acme_07.json", "Acme Health", "2025-07", 85.5, 120.0, npi=A)
    outcome = build(two_months)
    assert names(outcome.deciding) == [f"{JULY}:2025-09"]
    assert rates(two_months) == {**BOTH, "2025-09": (2, 209.5)}
    forget(two_months, f"{JULY}:2025-09")
    assert build(two_months).ok
    assert rates(two_months) == BOTH
    assert list(verify.verify(deep=True)) == []


def test_the_same_month_under_the_same_path_takes_its_place(two_months):
    put(two_months, "GA/acme_07.json", "Acme Health", "2025-07", 1.0)
    assert build(two_months).ok
    assert rates(two_months) == {**BOTH, "2025-07": (1, 1.0)}


@pytest.mark.slow
def test_a_new_file_of_the_same_payer_state_and_month_leaves_the_month_as_it_is_until_one_says_which(two_months):
    (two_months / JULY).unlink()
    put(two_months, "GA/acme_07_v2.json", "Acme Health", "2025-07", 85.5, 119.0)
    outcome = build(two_months)
    assert not outcome.ok
    assert rates(two_months) == BOTH
    (failure,) = outcome.failures
    assert (
        f"the month 2025-07 is blocked: {JULY} is missing, and raw/mrf/GA/acme_07_v2.json of the same payer"
        in failure["error"]
    )
    assert f"ratehouse forget {JULY}" in failure["error"]
    assert f"ratehouse archive {JULY}" in failure["error"]
    other = kit.copy(two_months, two_months.parent / "other")
    forget(two_months, JULY)
    assert build(two_months).ok
    assert rates(two_months) == {**BOTH, "2025-07": (2, 204.5)}
    archive(other, JULY)
    assert build(other).ok
    assert rates(other) == {**BOTH, "2025-07": (3, 324.5)}  # 85.5 is the same fact in both


# ---- months that are asked for ------------------------------------------------------------------------------------


def test_of_a_month_that_is_asked_for_the_missing_sources_of_others_are_named_and_decide_nothing(two_months):
    (two_months / JULY).unlink()
    outcome = build(two_months, months=["2025-08"])
    assert outcome.ok
    assert names(outcome.missing) == [JULY]
    outcome = build(two_months, months=["2025-07"])
    assert not outcome.ok
    assert names(outcome.deciding) == [JULY]


# ---- broken -------------------------------------------------------------------------------------------------------


def test_a_file_that_turns_broken_keeps_its_rows_in_the_dimensions_until_it_is_mended(two_months):
    before = tables(two_months)
    path = two_months / JULY
    text = path.read_text()
    path.write_text(text[:-40])
    outcome = build(two_months)
    assert not outcome.ok
    changed = kit.rewritten(before, tables(two_months))
    assert changed == {"dims/dim_source_file.parquet"}  # its verdict is on record, and nothing else is touched
    assert rates(two_months) == BOTH
    assert rows(two_months, f"SELECT count(*) FROM dim_npi WHERE npi = '{A}'") == [(1,)]
    assert list(verify.verify(deep=True)) == []
    path.unlink()  # gone, its verdict stays
    assert not build(two_months).ok
    assert rates(two_months) == BOTH
    path.write_text(text)
    assert build(two_months).ok
    assert {n: s.sha256 for n, s in tables(two_months).items()} == {n: s.sha256 for n, s in before.items()}


@pytest.mark.slow
def test_archiving_a_file_that_was_broken_takes_what_it_gave_before(two_months):
    path = two_months / JULY
    path.write_text(path.read_text()[:-40])
    assert not build(two_months).ok
    path.unlink()
    archive(two_months, JULY)
    assert build(two_months).ok
    assert rates(two_months) == BOTH


@pytest.mark.slow
def test_a_file_that_never_gave_a_row_is_let_go_of_when_it_is_removed(two_months):
    broken = two_months / "raw/mrf/GA/cut.json"
    broken.write_text('{"reporting_entity_name": "Acme Health", "last_upd')
    assert not build(two_months).ok
    broken.unlink()
    outcome = build(two_months)
    assert outcome.ok
    assert [(one.raw, one.why) for one in outcome.let_go] == [("raw/mrf/GA/cut.json", "gave no rows")]


# ---- nothing there ------------------------------------------------------------------------------------------------


def test_a_warehouse_without_a_source_is_told_where_to_put_a_file(tmp_path):
    (tmp_path / "raw" / "mrf").mkdir(parents=True)
    said = kit.ratehouse(tmp_path, "build", "--local-scheduler")
    assert said.returncode == 1
    assert "holds no in-network file, and nothing was built before" in " ".join(said.stderr.split())
    assert "/raw/mrf/<STATE>/" in said.stderr
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_the_record_of_let_go_survives_a_line_that_was_cut_off(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    look(root)

    one = let_go.LetGo("staged/mrf/" + "0" * 32, "raw/mrf/GA/x.json", ("2025-07",), 2, let_go.FORGOTTEN)
    let_go.put(session.current(), one)
    with open(session.current().let_go, "ab") as file:
        file.write(b'{"let_go": "staged/mrf/1')
    let_go.put_month_removed(session.current(), "2025-07")
    assert let_go.sources(session.current()) == {one.label: one}
    assert not let_go.may_remove_month(session.current(), "2025-07")


# ---- links and disks ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_state_folder_moved_to_another_disk_and_linked_back_changes_nothing(two_months, tmp_path):
    before = tables(two_months)
    shutil.move(two_months / "raw/mrf/GA", tmp_path / "big")
    (two_months / "raw/mrf/GA").symlink_to(tmp_path / "big")
    outcome = build(two_months)
    assert outcome.ok
    assert outcome.let_go == []
    assert tables(two_months) == before
    new = tmp_path / "new"
    (new / "raw/mrf").mkdir(parents=True)
    (new / "raw/mrf/GA").symlink_to(tmp_path / "big")
    assert build(new).ok
    assert rates(new) == BOTH


@pytest.mark.slow
@pytest.mark.parametrize("how", ["dangling", "emptied", "linked away"])
def test_a_disk_that_is_not_mounted_leaves_what_was_published(two_months, tmp_path, how):
    shutil.move(two_months / "raw/mrf", tmp_path / "disk")
    (two_months / "raw/mrf").symlink_to(tmp_path / "disk")
    before = tables(two_months)
    shutil.move(tmp_path / "disk", tmp_path / "away")
    if how == "emptied":
        (tmp_path / "disk").mkdir()
    elif how == "linked away":
        (two_months / "raw/mrf").unlink()
    outcome = build(two_months)
    assert not outcome.ok
    assert names(outcome.missing) == [JULY, AUGUST]
    assert bool(outcome.unlistable) == (how == "dangling")
    assert tables(two_months) == before
    assert rates(two_months) == BOTH
    if how == "emptied":
        (tmp_path / "disk").rmdir()
    shutil.move(tmp_path / "away", tmp_path / "disk")
    (two_months / "raw/mrf").unlink(missing_ok=True)
    (two_months / "raw/mrf").symlink_to(tmp_path / "disk")
    assert build(two_months).ok
    assert tables(two_months) == before

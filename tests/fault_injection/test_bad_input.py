"""What cannot be read, written or understood: one message that says where and what to do, and the rest is built."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from luigi.rpc import RemoteScheduler

import browser
import kit
from kit import words
from pipeline import errors, session, settings
from pipeline.cli import summary
from pipeline.operations import status, verify
from pipeline.stages import facts, file_task, in_network_file, reference_file
from pipeline.stages.warehouse import accounts_of
from pipeline.transforms import in_network_counts

BROKEN_MONTH, OTHER_MONTH = "2025-08", "2025-07"
TRUNCATED = "TX/2025-08_tupelo-vine_tx_in-network-rates.json"
CHANGED = "TX/2025-07_tupelo-vine_tx_in-network-rates.json"
CUT = 30_000
FACTS_OF_TRUNCATED = 393

# file under raw/mrf -> what is said of it, and what to do
SAID = {
    TRUNCATED: (
        f"ends after {CUT:,} bytes, inside in_network[",
        "Download it again; `ratehouse build --skip-broken`",
    ),
    "GA/zero.json": ("is empty (0 bytes)", "Download it again."),
    "GA/page.json": (
        "is no in-network file: it begins with '<' at byte 0",
        "Download it again, and look at what the address",
    ),
    "GA/undated.json": (
        "has a last_updated_on that is no date: 'last week'; its month is unknown",
        "Ask the publisher",
    ),
    "GA/plain.json.gz": ("is not gzip, though its name ends in .gz", "If it is plain JSON, rename it to plain.json"),
    "GA/gzipped.json": ("is gzip, though its name does not end in .gz", "Rename it to gzipped.json.gz"),
    "ga/small.json": ("raw/mrf/ga/ is no state's folder", "move it into raw/mrf/GA/"),
    "Georgia/small.json": (
        "raw/mrf/Georgia/ is no state's folder",
        "move it into raw/mrf/<STATE>/ (a USPS code such as GA",
    ),
    "small.json": ("raw/mrf/ is no state's folder", "move it into raw/mrf/<STATE>/"),
    "GA/lines.jsonl": ("is no in-network file by its name", "take the .json"),
}


@dataclass(frozen=True)
class Broken:
    """A built warehouse among whose sources all of `SAID` were put, and the build that met them."""

    root: Path
    before: dict[str, kit.Seen]
    said: subprocess.CompletedProcess
    failed: set[tuple[str, str]]  # (task, its path or month) that luigid has as FAILED


def spoil(root: Path) -> None:
    """Put every broken file of `SAID` there, and a changed rate into a file of the other month."""
    mrf = root / "raw" / "mrf"
    small = (mrf / kit.SMALL).read_bytes()
    content = {
        TRUNCATED: (mrf / TRUNCATED).read_bytes()[:CUT],
        "GA/zero.json": b"",
        "GA/page.json": b"<html><body>404</body></html>\n",
        "GA/undated.json": small.replace(b"2025-08-05", b"last week"),
        "GA/gzipped.json": gzip.compress(small),
        "GA/lines.jsonl": b"{}\n{}\n",
    }
    for name in SAID:
        path = mrf / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.get(name, small))
    assert b"last week" in content["GA/undated.json"], "the sample has changed"
    kit.change_rate(root, CHANGED)


@pytest.fixture(scope="module")
def broken(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """The build that met all of it, by the command and through a real luigid."""
    folder = tmp_path_factory.mktemp("broken")
    root = kit.copy(built_sample, folder / "warehouse")
    assert kit.build(root).ok  # the catalog names files by their full path
    before = kit.parquet_files(root)
    spoil(root)
    with browser.scheduler(folder / "luigid") as url:
        config = folder / "luigi.cfg"
        config.write_text(f"[core]\nscheduler_port = {url.rstrip('/').rpartition(':')[2]}\n")
        said = kit.ratehouse(root, "build", env={"LUIGI_CONFIG_PATH": str(config)})
        tasks = RemoteScheduler(url).task_list("FAILED", "").values()
        failed = {(t["name"], t["params"].get("path") or t["params"].get("month")) for t in tasks}
    return Broken(root, before, said, failed)


def use(root: Path) -> None:
    """Look at a warehouse in this process."""
    session.use(root)
    settings.load(root)
    status.begin()


def built(root: Path, capsys: pytest.CaptureFixture, **how) -> tuple[bool, str]:
    """Build in this process; whether all went well, and what a person reads."""
    outcome = kit.build(root, **how)
    capsys.readouterr()
    summary.show(outcome)
    printed = capsys.readouterr()
    assert "fault of ratehouse" not in printed.err
    return outcome.ok, words(printed.out + printed.err)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAID)
def test_a_broken_file_is_named_with_its_fault_and_what_to_do(broken, name):
    fact, remedy = SAID[name]
    assert broken.said.returncode == 1
    assert "Traceback" not in broken.said.stdout + broken.said.stderr
    (message,) = [
        m for m in broken.said.stderr.split("\nFAILED ")[1:] if words(m).split(": ")[0].endswith(f"raw/mrf/{name}")
    ]
    assert f"raw/mrf/{name}: {fact}" in words(message)
    assert remedy in words(message)
    assert ("raw.SourceFile", f"mrf/{name}") in broken.failed


@pytest.mark.slow
def test_a_broken_file_blocks_its_month_alone(broken):
    root = broken.root
    after = kit.parquet_files(root)
    changed = {
        name for name in kit.rewritten(broken.before, after) if name.startswith(("gold/", "dims/", "xrefs/", "bench/"))
    }
    leaves = [name for name in changed if name.startswith("gold/fact_rate_enriched/")]
    assert 1 <= len(leaves) <= 4
    assert all(f"year_month={OTHER_MONTH}" in name for name in leaves)
    rest = changed - set(leaves) - kit.following(OTHER_MONTH)
    assert rest == {f"gold/fact_rate_{OTHER_MONTH}.parquet", "dims/dim_source_file.parquet"}
    assert {task for task in broken.failed if task[0] != "raw.SourceFile"} == {("facts.FactRate", BROKEN_MONTH)}

    use(root)
    told = {(r["table"], r["month"]): r for r in status.status() if r["state"] != "built"}
    of_tables = {key: r["state"] for key, r in told.items() if not key[0].startswith(("staged/", "raw/"))}
    waiting = "dim_provider_group xref_group_npi xref_group_tin xref_group_member xref_contained_code".split()
    waiting += ["enriched_joined", "leaf_plan", "fact_rate_enriched", "coverage", "coverage_gap"]
    states = dict.fromkeys(waiting, "stale") | dict.fromkeys(["fact_rate", "xref_fact_source"], "blocked")
    assert of_tables == {(name, BROKEN_MONTH): state for name, state in states.items()}
    files = {key[0].split("/", 1)[1]: r for key, r in told.items() if key[0].startswith(("staged/", "raw/"))}
    assert {name.removeprefix("mrf/") for name in files} == set(SAID)
    assert {r["state"] for r in files.values()} == {"broken"}
    assert status.why(f"fact_rate:{BROKEN_MONTH}").startswith(f"gold/fact_rate_{BROKEN_MONTH} is blocked: the month")
    assert list(verify.verify(deep=True)) == []
    for month in (OTHER_MONTH, BROKEN_MONTH):  # of the blocked month: as it was built
        sums = accounts_of(month)
        assert sums["rates_read"] == sums["rate_facts"] + sums["duplicates"] + sums["rejected"] + sums["corrected_away"]
        assert sums["duplicates"] == 4
        assert sums["facts"] == sums["enriched_rows"]
    statuses = {row["file"]: row["status"] for row in status.sources() if row["status"] != "whole"}
    assert statuses == dict.fromkeys(SAID, "broken")


@pytest.mark.slow
def test_skipping_broken_files_publishes_the_month_without_them_and_says_so(broken, tmp_path, capsys):
    root = kit.copy(broken.root, tmp_path / "warehouse")
    former = kit.contents(root)
    shard = f"gold/fact_rate_{BROKEN_MONTH}.parquet"

    ok, said = built(root, capsys, skip_broken=True)
    assert ok
    fact, _ = SAID[TRUNCATED]
    assert f"warning: {BROKEN_MONTH} is published WITHOUT raw/mrf/{TRUNCATED}: {fact}" in said
    for name in set(SAID) - {TRUNCATED}:
        assert f"skipped: raw/mrf/{name}: {SAID[name][0]}" in said
    task = facts.FactRate(month=BROKEN_MONTH)
    assert task.stamp().parts["fact_rate"].rows == 1_998 - FACTS_OF_TRUNCATED
    warned = {f["severity"]: f for f in task.stamp().gates["fact_rate"]["failures"] if "file" in str(f["detail"])}
    assert [d["file"] for d in warned["warning"]["detail"]] == [TRUNCATED]
    statuses = {row["file"]: row["status"] for row in status.sources() if row["status"] != "whole"}
    assert statuses.pop(TRUNCATED) == "skipped"
    assert set(statuses.values()) == {"broken"}
    skipped = kit.contents(root)
    assert skipped[shard] != former[shard]
    assert kit.build(root, skip_broken=True).nothing_to_do

    # A plain build later says that the month is blocked, and takes nothing away.
    before = kit.parquet_files(root)
    ok, said = built(root, capsys)
    assert not ok
    assert f"the month {BROKEN_MONTH} is blocked: raw/mrf/{TRUNCATED} (above)" in said
    assert said.count(fact) == 1
    assert f"warning: {BROKEN_MONTH} is published WITHOUT raw/mrf/{TRUNCATED}" in said
    assert kit.rewritten(before, kit.parquet_files(root)) == set()
    told = {r["table"]: r["state"] for r in status.status() if r["month"] == BROKEN_MONTH and r["state"] != "built"}
    assert told["fact_rate"] == "blocked"

    # Mended, it is whole again, to the byte.
    for name in SAID:
        (root / "raw" / "mrf" / name).unlink()
    for name in ("ga", "Georgia"):
        (root / "raw" / "mrf" / name).rmdir()
    shutil.copy(kit.SAMPLE / "mrf" / TRUNCATED, root / "raw" / "mrf" / TRUNCATED)
    ok, said = built(root, capsys)
    assert ok
    assert "WITHOUT" not in said
    assert kit.contents(root)[shard] == former[shard]


@pytest.mark.slow
def test_a_broken_reference_file_holds_up_its_benchmark_and_nothing_else(sample, capsys):
    path = sample / "raw" / "medicare" / "GPCI2025.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(",1.053,") == 1, "the sample has changed"
    path.write_text(text.replace(",1.053,", ",n.a.,"), encoding="utf-8")
    (sample / "raw" / "medicare" / "notes.txt").write_text("read me\n")
    kit.change_rate(sample, CHANGED)
    before = kit.parquet_files(sample)
    message = f"{path}:4: pe_gpci is 'n.a.', not a number"

    ok, said = built(sample, capsys)
    assert not ok
    assert f"FAILED {message} download the file again" in said
    assert "skipped: raw/medicare/notes.txt: " in said
    assert "as long as it is not read, the rates of the physician fee schedule (PFS) stay as they were" in said
    assert "waiting for raw/medicare/GPCI2025.csv: bench/bench_medicare_prof_detail, bench/" in said
    changed = {n for n in kit.rewritten(before, kit.parquet_files(sample)) if not n.startswith((".state/", "staged/"))}
    leaves = {n for n in changed if n.startswith("gold/fact_rate_enriched/")}
    assert leaves, "the month's rows, with the rates as they were published"
    rest = changed - leaves - kit.following(OTHER_MONTH)
    assert rest == {f"gold/fact_rate_{OTHER_MONTH}.parquet", "dims/dim_source_file.parquet"}
    told = {r["table"]: r for r in status.status() if r["state"] not in ("built", "skipped")}
    assert told["raw/medicare/GPCI2025.csv"]["state"] == "broken"
    assert told["bench_medicare_prof_detail"]["state"] == "stale"
    assert "fact_rate" not in told
    assert status.why("raw/medicare/GPCI2025.csv").endswith(f"is blocked: {message}\n  download the file again")

    ok, said = built(sample, capsys, skip_broken=True)
    assert ok
    assert "skipped: raw/medicare/GPCI2025.csv: pe_gpci is 'n.a.', not a number" in said
    path.write_text(text, encoding="utf-8")
    assert kit.build(sample).ok
    assert reference_file.REFERENCES["medicare"](path="GPCI2025.csv").status == file_task.WHOLE


@pytest.mark.slow
def test_a_full_disk_stops_a_build_with_one_message_and_leaves_nothing_half_published(tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if (
        not sys.platform.startswith("linux")
        or os.geteuid() != 0
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("a small file system can be mounted by root on Linux alone")
    try:
        root = kit.small(disk / "warehouse")
        sizes = (64, 160, 320, 640, 960)
        for size in sizes:
            subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
            try:
                ok, said = built(root, capsys)
            except errors.PublishError as refused:
                ok, said = False, str(refused)
            assert not ok, f"{size} KB are enough"
            assert "No space left on device" in said
            assert "free some space on the disk at" in kit.words(said)
            assert "ratehouse stats --disk" in said
            assert "Traceback" not in said
            assert said.count("No space left") <= 2  # the table that failed first, and the catalog
            for path in (root / "gold").rglob("*.parquet"):
                duckdb.sql(f"FROM read_parquet('{path}')").fetchall()  # whole
        said = kit.ratehouse(root, "build", "--local-scheduler")
        assert said.returncode == 1
        assert "No space left on device" in said.stderr
        assert "Traceback" not in said.stdout + said.stderr
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        assert kit.build(root).ok
        assert list(verify.verify(deep=True)) == []
        undisturbed = kit.small(tmp_path / "undisturbed")
        assert kit.build(undisturbed).ok
        assert kit.contents(root) == kit.contents(undisturbed)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_without_permission_a_build_says_where_and_changes_nothing(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    source, gold = root / "raw" / "mrf" / kit.SMALL, root / "gold"
    bound = {"preexec_fn": kit.without_privilege} if os.geteuid() == 0 else {}

    root.chmod(0o555)
    said = kit.ratehouse(root, "build", "--local-scheduler", **bound)
    if said.returncode == 77:
        pytest.skip("root may not give up its privilege here")
    assert said.returncode == 1
    remedy = "give this user the right to write there"
    assert words(said.stderr) == f"error: {root}: cannot be written: Permission denied {remedy}"
    assert kit.ratehouse(root, "status", **bound).returncode == 1  # it reads, and finds nothing built
    root.chmod(0o755)

    assert kit.build(root).ok
    before = kit.parquet_files(root)
    kit.change_rate(root)
    source.chmod(0o000)
    said = kit.ratehouse(root, "build", "--local-scheduler", **bound)
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    missing = f"MISSING raw/mrf/{kit.SMALL}: 2025-08; 4 rows stay: it cannot be read: Permission denied"
    assert missing in words(said.stderr)
    assert kit.rewritten(before, kit.parquet_files(root)) == set()
    source.chmod(0o644)

    gold.chmod(0o555)
    said = kit.ratehouse(root, "build", "--local-scheduler", **bound)
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert f"{gold}/fact_rate_2025-08.parquet: cannot be written: Permission denied {remedy}" in words(said.stderr)
    changed = kit.rewritten(before, kit.parquet_files(root))
    assert {name for name in changed if name.startswith("gold/")} == set()
    gold.chmod(0o755)
    assert kit.build(root).ok
    changed = kit.rewritten(before, kit.parquet_files(root)) - kit.following("2025-08")
    assert len({name for name in changed if name.startswith("gold/")}) == 2  # the shard and the leaf


# ---- settings, folders, months ------------------------------------------------------------------------------------

SETTINGS = {
    "syntax": (b"[build\nworkers = 2\n", ":1: cannot be parsed: no [section] comes before this line", "mend that line"),
    "no setting line": (b"[build]\nhello\n", ":2: cannot be parsed: this is no `name = value`", "mend that line"),
    "twice": (b"[build]\nworkers = 1\nworkers = 2\n", ":3: cannot be parsed: this setting is given twice", "mend that line"),
    "latin-1": (b"[build]\n# caf\xe9\n", ":2: is not UTF-8: it holds the byte 0xe9", "save it as UTF-8"),
    "setting": (b"[build]\nworker = 2\n", ":2: [build] worker is no setting", "do you mean workers?"),
    "former": (b"[facts]\nkeep_sources = true\n", ":2: [facts] keep_sources is a setting no more: xref_fact_source lists", "take the line out"),
    "section": (b"[biuld]\nworkers = 2\n", ":1: [biuld] is no section", "do you mean [build]?"),
    "far section": (b"\n[zzz]\n", ":2: [zzz] is no section", "the sections are warehouse, build, "),
    "Luigi's setting": (b"[core]\nscheduler_prot = 1\n", ":2: [core] scheduler_prot is no setting", "do you mean scheduler_port?"),
    "type": (b"[build]\nworkers = two\n", ":2: [build] workers cannot be two", "write a whole number from 1 to 64"),
    "range": (b"[build]\nworkers = 0\n", ":2: [build] workers cannot be 0", "write a whole number from 1 to 64"),
    "empty": (b"[build]\nmemory_mb =\n", ":2: [build] memory_mb cannot be empty", "write a whole number from 128 to"),
    "share": (b"[ingest]\nmax_rejected_share = 2\n", ":2: [ingest] max_rejected_share cannot be 2", "write a number from 0 to 1"),
    "choice": (b"[facts]\nlayout = weekly\n", ":2: [facts] layout cannot be weekly", "one of hive, monthly, single, state_month"),
    "factor": (b"[medicare]\nconversion_factor = 33,2875\n", ":2: [medicare] conversion_factor cannot be 33,2875", "write other, qualifying_apm, dollars (32.3465), or dollars by day (2024-01-01: 32.7442"),
    "factor's decimals": (b"[medicare]\nconversion_factor = 32.34651\n", ":2: [medicare] conversion_factor cannot be 32.34651", "write other"),
    "factor's day": (b"[medicare]\nconversion_factor = 2024-02-30: 33\n", ":2: [medicare] conversion_factor cannot be 2024-02-30: 33", "write other"),
    "factor's day twice": (b"[medicare]\nconversion_factor = 2024-01-01: 33, 2024-01-01: 34\n", ":2: [medicare] conversion_factor cannot be 2024-01-01: 33,", "write other"),
    "factor of a month": (b"[medicare]\nconversion_factor = 2024-03: 33.2875\n", ":2: [medicare] conversion_factor cannot be 2024-03: 33", "write other"),
    "no factor": (b"[medicare]\nconversion_factor = 0\n", ":2: [medicare] conversion_factor cannot be 0", "write other"),
    "whose factor": (b"[medicare]\nconversion_factor = apm\n", ":2: [medicare] conversion_factor cannot be apm", "write other"),
    "truth": (b"[build]\nskip_broken = maybe\n", ":2: [build] skip_broken cannot be maybe", "write true or false"),
    "Luigi's type": (b"[core]\nscheduler_port = abc\n", ":2: [core] scheduler_port cannot be abc", "write a whole number"),
    "percent": (b"[warehouse]\nroot = 5% more\n", ": [warehouse] root has a % that stands for nothing", "write %%"),
    "keys": (b"[partitioning]\nkeys = state\n", "[partitioning] keys = state is not a prefix", "use the first one to seven of: payer_slug"),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_cannot_be_are_refused_with_their_line_and_the_nearest_name(case, tmp_path):
    content, fact, remedy = SETTINGS[case]
    (tmp_path / "luigi.cfg").write_bytes(content)
    try:
        with pytest.raises(errors.SettingsError) as refused:
            settings.load(tmp_path)
        assert fact in str(refused.value)
        assert str(refused.value).splitlines()[1].strip().startswith(remedy) or remedy in refused.value.remedy
        assert refused.value.exit_code == 2
    finally:
        settings.load()


@pytest.mark.parametrize(
    ("case", "place"),
    [("syntax", "here"), ("latin-1", "LUIGI_CONFIG_PATH"), ("syntax", "LUIGI_CONFIG_PATH"), ("type", "root")],
)
def test_the_command_says_what_is_wrong_with_the_settings(case, place, tmp_path):
    """Luigi reads the last of them as soon as it is imported, before we can."""
    content, fact, remedy = SETTINGS[case]
    root, env = kit.small(tmp_path / "warehouse"), {}
    if place == "here":  # it names its warehouse, in lines that follow
        (tmp_path / "luigi.cfg").write_bytes(content + b"[warehouse]\nroot = warehouse\n")
    elif place == "root":
        (root / "luigi.cfg").write_bytes(content)
    else:
        (tmp_path / "other.cfg").write_bytes(content)
        env = {place: str(tmp_path / "other.cfg")}
    said = kit.ratehouse(root, "build", cwd=tmp_path, env=env)
    assert (said.returncode, said.stdout) == (2, "")
    assert words(said.stderr).startswith("error: ")
    assert f".cfg{fact} {remedy}" in words(said.stderr)
    assert not (root / ".state").exists()


OTHER_PROJECT = {
    "its own tasks": (b"[core]\nscheduler_port = 1\n[MyTask]\nx = 1\n", False),
    "not even Luigi's format": (b"{'a': [\n", False),
    "bytes": (bytes(range(256)), False),
    "a variable of its own": (b"[worker]\ntimeout = ${NO_SUCH_VARIABLE}\n", False),
    "a section that we have too": (b"[build]\nworkers = many\ntarget = all\n", True),
    "a section that we have, broken": (b"[warehouse]\nurl = x\n[warehouse]\n", True),
}


@pytest.mark.parametrize("case", OTHER_PROJECT)
def test_another_project_s_settings_in_the_current_folder_are_not_read(case, tmp_path):
    content, ours = OTHER_PROJECT[case]
    (tmp_path / "luigi.cfg").write_bytes(content)
    root = kit.small(tmp_path / "warehouse")
    said = kit.ratehouse(root, "status", "--json", cwd=tmp_path)
    assert (said.returncode, kit.json_lines(said.stdout)[0]["state"]) == (1, "missing"), said.stderr
    note = f"note: {tmp_path}/luigi.cfg is not read, though it has [{'build' if b'build' in content else 'warehouse'}]:"
    assert words(said.stderr).startswith(note) if ours else said.stderr == ""


def test_the_settings_of_the_current_folder_count_where_they_name_its_warehouse(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    (tmp_path / "luigi.cfg").write_text("[warehouse]\nroot = warehouse\n[raw]\nignore = mrf/GA\n", encoding="utf-8")
    said = kit.ratehouse(None, "status", "--json", cwd=tmp_path)
    assert {row["state"] for row in kit.json_lines(said.stdout) if row["table"].startswith("raw/")} == {"ignored"}
    assert said.stderr == ""
    assert kit.ratehouse(Path(), "status", cwd=root).stderr == ""  # the root's own, wherever one stands


def test_a_missing_settings_file_is_refused(tmp_path):
    kit.small(tmp_path / "warehouse")
    said = kit.ratehouse(tmp_path / "warehouse", "build", env={"LUIGI_CONFIG_PATH": "/no/such.cfg"})
    assert (said.returncode, said.stdout, said.stderr) == (
        2, "", "error: /no/such.cfg: no such file\n  unset LUIGI_CONFIG_PATH, or mend it\n",
    )  # fmt: skip


def test_a_root_that_is_no_warehouse_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for name, fact, remedy in (
        ("nowhere", "no such folder", f"ratehouse init {tmp_path}/nowhere"),
        (".", "holds no raw/, so it is no warehouse", f"ratehouse init {tmp_path}"),
        ("file", "is not a folder", "name the folder that holds raw/"),
    ):
        place = tmp_path if name == "." else tmp_path / name
        with pytest.raises(errors.RootError) as refused:
            session.use(place)
        assert str(refused.value) == f"{place}: {fact}\n  {remedy}"
    said = kit.ratehouse(tmp_path / "nowhere", "build")
    assert said.returncode == 2
    assert words(said.stderr) == f"error: {tmp_path}/nowhere: no such folder ratehouse init {tmp_path}/nowhere"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.slow
def test_a_month_that_is_not_there_is_refused_with_those_there_are(built_sample):
    before = kit.parquet_files(built_sample)
    for command in (["build"], ["partitions"], ["rerun", "payer_slug=x"]):
        said = kit.ratehouse(built_sample, *command, "--month", "2031-01")
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr == "error: no source has the month 2031-01\n  months there are: 2025-07, 2025-08\n"
    said = kit.ratehouse(built_sample, "build", "--month", "2025-8")
    assert (said.returncode, said.stderr) == (2, "error: 2025-8 is no month\n  do you mean 2025-08?\n")
    assert kit.rewritten(before, kit.parquet_files(built_sample)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("gate_fails", [False, True])
def test_rates_that_were_read_and_not_staged_stop_the_file(gate_fails, tmp_path, monkeypatch):
    """Counted apart while they are read and while they are written: what got lost between is no warehouse's. That is said
    before what the gate says."""
    take = in_network_counts.Counting.take
    monkeypatch.setattr(
        in_network_counts.Counting,
        "take",
        lambda self, table, batch: take(self, table, batch.slice(1) if table == "staged_owner" else batch),
    )
    if gate_fails:

        def fails(self, files, con):
            raise errors.GateError("fails", place=self.label, remedy="none")

        monkeypatch.setattr(in_network_file.InNetworkFile, "gate", fails)
    root = kit.small(tmp_path)
    outcome = kit.build(root)
    (failure,) = outcome.failures
    assert (failure["task"], failure["label"]) == ("ingest.InNetworkFile", f"raw/mrf/{kit.SMALL}")
    assert "4 rates were kept, but 2 were staged" in failure["error"]
    assert not [*(root / "gold").rglob("*.parquet"), *(root / "staged").rglob("*.parquet")]
    monkeypatch.undo()
    assert not kit.build(root).failures


@pytest.mark.parametrize("when", ["_read", pytest.param("collect_stats", marks=pytest.mark.slow)])
def test_a_file_replaced_while_it_is_read_is_never_taken_for_read(when, tmp_path, monkeypatch):
    """Whenever another takes its place: the file fails, or the next build reads the other one."""
    root = kit.small(tmp_path)
    meant = getattr(in_network_file.InNetworkFile, when)

    def replaced(self, *given):
        found = meant(self, *given)
        other = self.file.with_suffix(".other")
        shutil.copy2(self.file, other)  # of the same size and time
        text = other.read_text(encoding="utf-8")
        info = other.stat()
        other.write_text(text.replace("2025-08-0", "2025-09-0"), encoding="utf-8")
        os.utime(other, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
        other.replace(self.file)
        return found

    monkeypatch.setattr(in_network_file.InNetworkFile, when, replaced)
    kit.build(root)
    monkeypatch.undo()
    assert not kit.build(root).failures
    assert [p.stem for p in (root / "gold").glob("fact_rate_2*.parquet")] == ["fact_rate_2025-09"]

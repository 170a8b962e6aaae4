"""What is rebuilt, and what is not: every change of a source, a file, the code, a suite or a setting, told by its files.

What a change must rewrite is listed whole, or worked out from the rows themselves; what was built is never asked
which leaves it wrote.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import partition, session, settings
from pipeline.operations import status as inspection
from sample_files import MONTHS, files, move

EDITED = "TX/2025-08_tupelo-vine_tx_in-network-rates.json"
UNKNOWN_NPI = "1234567893"  # CMS's own example of a check digit; no registry file of the sample has it


def why(root: Path, target: str) -> str:
    """What `ratehouse why TARGET` says."""
    session.use(root)
    settings.load(root.resolve())
    inspection.begin()
    return inspection.why(target)


def status(root: Path) -> dict[str, tuple[str, str | None]]:
    """table:month -> (state, reason), as `ratehouse status` shows them."""
    why(root, "warehouse")
    return {f"{r['table']}:{r['month'] or ''}".rstrip(":"): (r["state"], r["reason"]) for r in inspection.status()}


def joined(root: Path, month: str) -> str:
    return f"staged/enriched/fact_rate_enriched_{month}.parquet"


def plan(month: str) -> str:
    return f"staged/enriched/leaf_plan_{month}.parquet"


def leaf_of(row: dict, keys: tuple[str, ...] = partition.KEYS) -> str:
    """The file of the leaf that an enriched row belongs to."""
    return f"gold/fact_rate_enriched/{partition.folder(row, keys)}/year_month={row['year_month']}/fact_rate_enriched.parquet"


def leaves_that_differ(before: list[Path], after: list[Path]) -> set[str]:
    """The leaves whose rows are not the same in two sets of enriched files: rows counted, however often they stand."""
    with duckdb.connect() as con:
        for name, files in (("old", before), ("new", after)):
            listed = ", ".join(f"'{path}'" for path in files)
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet([{listed}], hive_partitioning = false)")
        names = (*partition.KEYS, "year_month")
        found = con.sql(
            f"SELECT DISTINCT {', '.join(names)} FROM ((FROM old EXCEPT ALL FROM new) UNION ALL (FROM new EXCEPT ALL FROM old))"
        ).fetchall()
    return {leaf_of(dict(zip(names, values, strict=True))) for values in found}


def keep_joined(root: Path, folder: Path) -> list[Path]:
    """Copies of the months' enriched rows as they are."""
    folder.mkdir()
    return [Path(shutil.copy(root / joined(root, month), folder)) for month in MONTHS]


def done(outcome) -> set[str]:
    """The tables that a build built, or checked again."""
    return {e["label"] for e in outcome.events if e["event"] == "done" and e["task"] != "enriched.EnrichedGroup"}


# ---- a source that changed ----------------------------------------------------------------------------------------


def test_one_number_of_one_rate_rewrites_its_months_shard_its_leaf_and_what_contains_it(sample):
    raw = sample / "raw" / "mrf" / EDITED
    text = raw.read_text(encoding="utf-8")
    row, number = rate_that_stands_once(sample, text)
    raw.write_text(text.replace(f'"negotiated_rate":{number}', '"negotiated_rate":4321.09'), encoding="utf-8")
    before = files(sample)

    assert why(sample, "fact_rate:2025-08") == (
        f"gold/fact_rate_2025-08 would be built: raw/mrf/{EDITED}: its input raw/mrf/{EDITED} changed"
    )
    assert why(sample, "fact_rate:2025-07") == "gold/fact_rate_2025-07 is up to date"
    said = why(sample, leaf_of(row))
    assert "is published, and will be compared with its new rows" in said
    assert f"raw/mrf/{EDITED} changed" in said
    assert why(sample, "dim_npi") == f"dim_npi would be built: raw/mrf/{EDITED}: its input raw/mrf/{EDITED} changed"

    outcome = kit.build(sample)
    assert outcome.ok
    after = files(sample)
    assert kit.rewritten(before, after) - kit.following("2025-08") == {
        f"{kit.staged(EDITED)}/staged_price.parquet",
        "dims/dim_source_file.parquet",
        "gold/fact_rate_2025-08.parquet",
        joined(sample, "2025-08"),
        plan("2025-08"),
        leaf_of(row),
    }
    with duckdb.connect() as con:
        rates = con.sql(
            f"SELECT negotiated_rate FROM '{sample / leaf_of(row)}' WHERE negotiated_rate = 4321.09"
        ).fetchall()
    assert rates == [(4321.09,)]
    for target in ("fact_rate:2025-08", "dim_npi", leaf_of(row)):
        assert why(sample, target).endswith("is up to date")


def rate_that_stands_once(root: Path, text: str) -> tuple[dict, str]:
    """A rate of the file that makes one fact: (its enriched row, its number as the file writes it)."""
    with duckdb.connect() as con:
        relation = con.sql(f"FROM '{root / joined(root, '2025-08')}' ORDER BY fact_uid")
        rows = [dict(zip(relation.columns, values, strict=True)) for values in relation.fetchall()]
    numbers = re.findall(r'"negotiated_rate":([0-9.]+)', text)
    once = {float(n): n for n in numbers if numbers.count(n) == 1}
    amounts = [row["negotiated_rate"] for row in rows]
    found = [row for row in rows if row["negotiated_rate"] in once and amounts.count(row["negotiated_rate"]) == 1]
    found = [row for row in found if row["reporting_entity_name"].startswith("Tupelo") and row["state"] == "TX"]
    return found[0], once[found[0]["negotiated_rate"]]


@pytest.mark.slow
def test_a_new_month_leaves_every_file_of_other_months_alone_and_goes_without_a_trace(sample, tmp_path):
    before, objects, manifests = (
        files(sample),
        identities(sample / ".objects"),
        identities(sample / ".state" / "enriched"),
    )
    raw = sample / "raw" / "mrf" / "TX" / "2025-09_tupelo-vine_tx_in-network-rates.json"
    raw.write_text(september((sample / "raw" / "mrf" / EDITED).read_text(encoding="utf-8")), encoding="utf-8")
    of_months = [
        sample / name
        for name in before
        if name.startswith(("gold/", "xrefs/", "bench/", "staged/enriched/")) and "2025-0" in name
    ]
    unread = "raw/mrf/TX/2025-09_tupelo-vine_tx_in-network-rates.json: it was never built"
    # Before it is read it may be of any month.
    assert {status(sample)[f"{name}:2025-07"] for name in ("fact_rate", "dim_provider_group")} == {("stale", unread)}
    times = far_back(of_months)

    outcome = kit.build(sample)
    assert outcome.ok
    read = [path for path, time in times.items() if path.stat().st_atime_ns != time]
    assert [path.relative_to(sample).as_posix() for path in read] == []  # where the file system notes it
    after = files(sample)
    grown = {"dims/dim_source_file.parquet", "dims/dim_npi.parquet", "dims/dim_tin.parquet", "dims/dim_code.parquet"}
    grown |= {"xrefs/xref_file_plan.parquet"}
    changed = kit.rewritten(before, after)
    own = kit.staged("TX/2025-09_tupelo-vine_tx_in-network-rates.json")
    assert {name for name in changed if "2025-09" not in name and not name.startswith(own)} == grown
    assert {name for name in before if name not in after} == set()
    assert "gold/fact_rate_2025-09.parquet" in changed
    assert sum(name.startswith("gold/fact_rate_enriched/") for name in changed) > 20
    now = identities(sample / ".objects")
    assert {name: now.get(name) for name in objects} == objects
    now = identities(sample / ".state" / "enriched")
    assert {name: now.get(name) for name in manifests} == manifests
    # the other months were looked at, and found to use none of the rows that are new
    assert {e["month"] for e in outcome.events if e["event"] == "done" and e.get("task") == "enriched.LeafPlan"} == {
        "2025-09"
    }
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        rows = con.sql("SELECT year_month, count(*) FROM fact_rate GROUP BY ALL ORDER BY ALL").fetchall()
        assert [month for month, _ in rows] == [*MONTHS, "2025-09"]
        assert con.sql("SELECT npi, status FROM dim_npi WHERE npi = '1234567893'").fetchall() == [(UNKNOWN_NPI, None)]

    raw.unlink()
    assert not kit.build(sample).ok  # it is missing, and everything stays
    assert set(files(sample)) == set(after)
    assert kit.build(sample, forget_missing=True).ok
    assert hashes(files(sample)) == {name: seen.sha256 for name, seen in before.items()}
    assert [p for p in sample.rglob("*2025-09*") if ".objects" not in p.parts] == []
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("SELECT DISTINCT year_month FROM fact_rate ORDER BY ALL").fetchall() == [(m,) for m in MONTHS]
        assert con.sql("SELECT count(*) FROM partition_manifest WHERE year_month = '2025-09'").fetchall() == [(0,)]
    assert kit.build(sample).nothing_to_do


def september(august: str) -> str:
    """A file of September with one provider (who bills for himself) and one code that no other file names."""
    changes = (('"last_updated_on":"2025-08-05"', '"last_updated_on":"2025-09-05"'), ("2637655681", UNKNOWN_NPI))
    for old, new in changes:
        assert old in august
        august = august.replace(old, new)
    code = re.search(r'"billing_code_type":"CPT","billing_code_type_version":"\d+","billing_code":"(\d+)"', august)
    return august.replace(f'"billing_code":"{code.group(1)}"', '"billing_code":"00001"')


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and mtime of every file under a folder."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def far_back(files: list[Path]) -> dict[Path, int]:
    """Set the times of last reading far back; a file system that keeps them then shows who is read."""
    for path in files:
        os.utime(path, ns=(1_000_000_000, path.stat().st_mtime_ns))
    return {path: path.stat().st_atime_ns for path in files}


def test_a_providers_new_address_rewrites_exactly_the_leaves_whose_rows_it_changes(sample, tmp_path):
    npi = provider_of_two_payers(sample)
    kept = keep_joined(sample, tmp_path / "kept")
    registry = sample / "raw" / "nppes" / "npidata_pfile_20050523-20250810.csv"
    move(registry, npi, "1 Elsewhere Street")
    before = files(sample)

    outcome = kit.build(sample)
    assert outcome.ok
    changed = kit.rewritten(before, files(sample))
    leaves = {name for name in changed if name.startswith("gold/fact_rate_enriched/")}
    assert leaves == leaves_that_differ(kept, [sample / joined(sample, m) for m in MONTHS])
    assert {name.split("year_month=")[1][:7] for name in leaves} == set(MONTHS)
    assert 2 < len(leaves) < 100
    rest = {name for name in changed - leaves if not name.startswith("staged/nppes/")}
    assert rest - {"dims/dim_npi_address_geolocation.parquet"} == {
        "dims/dim_npi_address.parquet",
        *(joined(sample, m) for m in MONTHS),
        *(plan(m) for m in MONTHS),
    }


def provider_of_two_payers(root: Path) -> str:
    """A primary provider for whom two payers publish in both months, among others in the same leaves."""
    files = ", ".join(f"'{root / joined(root, m)}'" for m in MONTHS)
    with duckdb.connect() as con:
        found = con.sql(
            f"SELECT npi FROM read_parquet([{files}]) WHERE status = 'A' GROUP BY npi "
            "HAVING count(DISTINCT payer_slug) > 1 AND count(DISTINCT year_month) = 2 ORDER BY npi"
        ).fetchall()
    return found[0][0]


# ---- a file that somebody changed ---------------------------------------------------------------------------------


def test_a_leaf_deleted_one_replaced_and_a_dimension_cut_to_nothing_are_rebuilt_alone_with_the_same_bytes(sample):
    before = files(sample)
    leaves = [name for name in before if name.startswith("gold/fact_rate_enriched/") and MONTHS[1] in name]
    deleted, replaced, swapped, touched = leaves[3], leaves[40], leaves[41], leaves[42]
    (sample / deleted).unlink()
    os.utime(sample / touched, ns=(1, 1))  # its bytes are as they should be: it is kept
    put(sample / replaced, b"other bytes")
    put(sample / swapped, (sample / leaves[50]).read_bytes())  # a whole leaf, but another's
    size = (sample / "dims/dim_npi.parquet").stat().st_size
    os.truncate(sample / "dims/dim_npi.parquet", 0)

    assert why(sample, deleted) == f"{partition_of(deleted)} of 2025-08 would be built: its file is missing"
    for name in (replaced, swapped):
        assert why(sample, name) == f"{partition_of(name)} of 2025-08 would be built: its file was replaced by hand"
    assert why(sample, "dim_npi") == (
        f"dim_npi would be built: dims/dim_npi.parquet was replaced: 0 bytes, not {size:,}"
    )
    assert why(sample, "dims/dim_npi.parquet").endswith(f"dims/dim_npi.parquet was replaced: 0 bytes, not {size:,}")
    assert why(sample, "dim_tin") == "dim_tin is up to date"

    outcome = kit.build(sample)
    assert outcome.ok
    after = files(sample)
    assert kit.rewritten(before, after) == {deleted, replaced, swapped, touched, "dims/dim_npi.parquet"}
    assert (after[touched].inode, after[touched].mtime_ns) == (before[touched].inode, 1)
    assert hashes(after) == hashes(before)
    assert done(outcome) <= {"dims/dim_npi", "gold/fact_rate_enriched/year_month=2025-08", "warehouse"}
    assert kit.build(sample).nothing_to_do


def test_files_between_the_stages_and_objects_are_rebuilt_too(sample):
    before = files(sample)
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        objects = dict(con.sql("SELECT table_name, object_path FROM table_files").fetchall())
        leaf, its_object = con.sql("SELECT path, object_path FROM partition_manifest ORDER BY path LIMIT 1").fetchall()[
            0
        ]
    gone = [Path(objects["dim_tin"]), Path(its_object)]  # as if the disk had lost them; their links in the tree stand
    for path in gone:
        path.unlink()
    cut = {"gold/fact_rate_2025-07.parquet": 1000, joined(sample, "2025-07"): 0, plan("2025-08"): 10}
    for name, size in cut.items():
        os.truncate(sample / name, size)
    staged = f"{kit.staged(EDITED)}/staged_member.parquet"
    (sample / staged).unlink()
    assert why(sample, "dim_npi").endswith(f"raw/mrf/{EDITED}: {staged} is missing")
    assert "missing" in why(sample, "dim_tin")

    assert kit.build(sample).ok
    after = files(sample)
    assert hashes(after) == hashes(before)
    assert kit.rewritten(before, after) - {leaf, "dims/dim_tin.parquet"} == {*cut, staged}
    assert all(path.is_file() for path in gone)

    linked = sample / "gold/fact_rate_2025-07.parquet"
    assert linked.stat().st_nlink == 2  # the object is the same file, and is cut with it
    os.truncate(linked, 0)
    assert kit.build(sample).ok
    assert hashes(files(sample)) == hashes(before)
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("SELECT count(*) > 1000 FROM fact_rate WHERE year_month = '2025-07'").fetchall() == [(True,)]


def partition_of(leaf: str) -> str:
    """The partition of a leaf's path."""
    return leaf.removeprefix("gold/fact_rate_enriched/").partition("/year_month=")[0]


def hashes(files: dict[str, kit.Seen]) -> dict[str, str]:
    """The hash of each file."""
    return {name: seen.sha256 for name, seen in files.items()}


def put(path: Path, content: bytes) -> None:
    """Replace a file as an editor does: another file under the same name."""
    path.with_suffix(".new").write_bytes(content)
    os.replace(path.with_suffix(".new"), path)


@pytest.mark.slow
@pytest.mark.parametrize("object_too", [False, True])
def test_after_luigi_ran_a_leaf_alone_the_month_is_what_it_is(tmp_path, object_too):
    """Built, where the one leaf that was missing is there again; the catalog is stale only where a file is a new one."""
    root = kit.small(tmp_path / "warehouse")
    assert kit.build(root).ok
    before = kit.contents(root)
    (leaf,) = (root / "gold" / "fact_rate_enriched").rglob("*.parquet")
    if object_too:
        (kept,) = [path for path in (root / ".objects").rglob("*.parquet") if path.samefile(leaf)]
        kept.unlink()
    leaf.unlink()
    assert status(root)["fact_rate_enriched:2025-08"][0] == "stale"
    name = leaf.parent.parent.relative_to(root / "gold" / "fact_rate_enriched").as_posix()
    run_alone = [sys.executable, "-m", "luigi", "--module", "pipeline.stages.enriched", "enriched.Partition"]
    values = [f"--{key.replace('_', '-')}={value}" for key, _, value in (one.partition("=") for one in name.split("/"))]
    ended = subprocess.run(
        [*run_alone, "--month", "2025-08", *values, "--local-scheduler"],
        cwd=kit.REPOSITORY, env=os.environ | {"RATEHOUSE_ROOT": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    states = {table: state for table, (state, _) in status(root).items() if state != "built"}
    assert states == ({"warehouse.duckdb": "stale"} if object_too else {})
    assert kit.contents(root) == before
    assert kit.build(root).ok
    assert kit.build(root).nothing_to_do


# ---- code and suites that changed ---------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's code, suites and settings that a test may change."""
    folder = tmp_path / "project"
    without = shutil.ignore_patterns("__pycache__")
    for name in ("pipeline", "expectations"):
        shutil.copytree(kit.REPOSITORY / name, folder / name, ignore=without)
    shutil.copy(kit.REPOSITORY / "luigi.cfg", folder)
    return folder


def run(project: Path, root: Path, *words: str):
    """The command of a copy of the project."""
    return kit.ratehouse(root, *words, env={"PYTHONPATH": str(project)}, cwd=project)


def build_by(project: Path, root: Path) -> tuple[object, set[str]]:
    """Build by the command of a copy of the project; returns the process, and the tables that were built or checked."""
    journal = root / ".state" / "journal.jsonl"
    offset = journal.stat().st_size
    process = run(project, root, "build", "--workers", "1", "--local-scheduler")
    events = [json.loads(line) for line in journal.read_bytes()[offset:].splitlines()]
    names = {e["label"] for e in events if e["event"] == "done" and e["task"] != "enriched.EnrichedGroup"}
    return process, names


@pytest.mark.slow
def test_touched_sources_and_code_that_only_looks_different_rebuild_nothing(sample, project):
    for path in (sample / "raw").rglob("*"):
        os.utime(path)
    code = [*(project / "pipeline" / "transforms").glob("*.py"), *(project / "pipeline" / "readers").glob("*.py")]
    code += [project / "pipeline" / name for name in ("storage/parquet.py", "storage/duck.py", "naming.py")]
    for path in code:
        path.write_text(another_look(path.read_text(encoding="utf-8")), encoding="utf-8")
    for path in (project / "pipeline" / "transforms" / "sql").glob("*.sql"):
        text = path.read_text(encoding="utf-8").replace("\n", "\n\n   ")
        path.write_text(f"/* laid out anew */ -- with a comment\n{text}\n-- and one more\n", encoding="utf-8")
    for path in (project / "expectations").glob("*.json"):
        suite = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(dict(reversed(suite.items()))), encoding="utf-8")
    before = files(sample)
    process, built = build_by(project, sample)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("nothing to do")
    assert built == set()
    assert kit.rewritten(before, files(sample)) == set()


def another_look(text: str) -> str:
    """The same code without its comments, laid out anew, with another docstring, and a comment of its own."""
    tree = ast.parse(text)
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    return f'"""Said otherwise."""\n# a comment\n{ast.unparse(ast.Module(body, []))}\n'


@pytest.mark.slow
def test_code_with_another_meaning_rebuilds_what_depends_on_it_as_far_as_content_changes(sample, project, tmp_path):
    sql = project / "pipeline" / "transforms" / "sql"
    wrap(sql / "dim_tin.sql", "SELECT * FROM ({}) WHERE TRUE")  # another meaning to a reader of code, the same rows
    wrap(sql / "dim_code.sql", "SELECT * REPLACE (replace(name, 'level 3', 'level three') AS name) FROM ({})")
    reword(project / "expectations" / "dim_payer.json")
    said = run(project, sample, "why", "dim_code").stdout
    assert said == "dim_code would be built: the code of dim_code.sql changed\n"
    said = run(project, sample, "why", "dim_payer").stdout
    assert (
        said
        == "dim_payer would be built: expectations/dim_payer.json changed: it will be checked again, not built again\n"
    )
    kept = keep_joined(sample, tmp_path / "kept")
    before, suite = files(sample), stamp(sample, "dims/dim_payer")["gates"]["dim_payer"]["suite_hash"]

    process, built = build_by(project, sample)
    assert process.returncode == 0, process.stderr
    enriched = {joined(sample, m) for m in MONTHS} | {plan(m) for m in MONTHS}
    assert built == {
        "dims/dim_tin",
        "dims/dim_code",
        "dims/dim_payer",
        *(name.removesuffix(".parquet") for name in enriched),
        *(f"gold/fact_rate_enriched/year_month={m}" for m in MONTHS),
        *(f"gold/{name}_{m}" for name in ("coverage", "coverage_gap") for m in MONTHS),
        "warehouse",
    }
    changed = kit.rewritten(before, files(sample))
    leaves = {name for name in changed if name.startswith("gold/fact_rate_enriched/")}
    assert changed - leaves == {"dims/dim_code.parquet", *enriched}
    assert leaves == leaves_that_differ(kept, [sample / joined(sample, m) for m in MONTHS])
    assert 0 < len(leaves) < sum(name.startswith("gold/fact_rate_enriched/") for name in before)
    assert stamp(sample, "dims/dim_payer")["gates"]["dim_payer"]["suite_hash"] != suite


def wrap(path: Path, around: str) -> None:
    """Put a transform's SELECT into another one."""
    path.write_text(around.format(f"\n{path.read_text(encoding='utf-8')}\n"), encoding="utf-8")


def reword(path: Path) -> None:
    """Change what a suite says and nothing of what it asks."""
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"][0]["notes"] += " Said again."
    path.write_text(json.dumps(suite), encoding="utf-8")


def stamp(root: Path, label: str) -> dict:
    """A stamp as it stands on disk."""
    text = (root / ".state" / "stamps" / f"{label}.json").read_text(encoding="utf-8")
    return json.loads(text.rpartition("\n// sha256 ")[0])


@pytest.mark.slow
def test_a_suite_that_a_published_table_now_fails_marks_it_and_blocks_what_depends_on_it(sample, project):
    path = project / "expectations" / "dim_npi_address.json"
    former = path.read_text(encoding="utf-8")
    suite = json.loads(former)
    suite["expectations"].append(
        {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"max_value": 1},
            "severity": "critical",
            "notes": "One address is enough.",
            "description": "At most one row.",
        }
    )
    path.write_text(json.dumps(suite), encoding="utf-8")
    lost = "dims/dim_npi_address_geolocation.parquet"  # depends on it
    (sample / lost).unlink()
    apart = "dims/dim_tin.parquet"  # does not
    (sample / apart).unlink()
    before = files(sample)
    process, built = build_by(project, sample)
    assert process.returncode == 1
    assert "FAILED" in process.stderr
    assert "One address is enough." in process.stderr
    assert built == {"dims/dim_tin", "warehouse"} or built == {"dims/dim_tin"}
    assert kit.rewritten(before, files(sample)) == {apart}
    assert not stamp(sample, "dims/dim_npi_address")["gates"]["dim_npi_address"]["passed"]
    shown = run(project, sample, "status", "--json")
    assert shown.returncode == 1
    rows = {(r["table"], r["month"]): r for r in kit.json_lines(shown.stdout)}
    assert rows["dim_npi_address", None]["state"] == "failed"
    assert "One address is enough." in rows["dim_npi_address", None]["reason"]
    for table, month in (("dim_npi_address_geolocation", None), *(("fact_rate_enriched", m) for m in MONTHS)):
        assert rows[table, month]["state"] == "stale"
        assert "dims/dim_npi_address: it fails expectations/dim_npi_address.json" in rows[table, month]["reason"]
    stale = {table for table, month in rows if rows[table, month]["state"] != "built"}
    assert stale == {
        "dim_npi_address",
        "dim_npi_address_geolocation",
        "enriched_joined",
        "leaf_plan",
        "fact_rate_enriched",
        "coverage",
        "coverage_gap",
    }

    process, built = build_by(project, sample)  # it is not asked again what nothing changed
    assert process.returncode == 1
    assert "One address is enough." in process.stderr

    path.write_text(former, encoding="utf-8")
    process, built = build_by(project, sample)
    assert process.returncode == 0, process.stderr
    assert "dims/dim_npi_address" in built
    after = files(sample)
    assert kit.rewritten(before, after) == {apart, lost}
    assert run(project, sample, "status").returncode == 0


# ---- settings that changed ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_settings_rebuild_what_they_shape_and_leave_the_rest(sample, tmp_path):
    before = files(sample)
    kept = keep_joined(sample, tmp_path / "kept")
    (sample / "luigi.cfg").write_text("[codes]\ncategory_source = betos\n")
    assert why(sample, "dim_code_cat") == (
        "dim_code_cat would be built: dims/dim_code_cat_history: "
        'the setting [codes] category_source is "betos", and was "rbcs"'
    )
    assert why(sample, "fact_rate:2025-08").endswith("is up to date")
    assert kit.build(sample).ok
    betos = files(sample)
    changed = kit.rewritten(before, betos)
    shaped = {joined(sample, m) for m in MONTHS} | {plan(m) for m in MONTHS}
    shaped |= {f"gold/coverage_gap_{m}.parquet" for m in MONTHS}  # of codes without a category
    leaves = {name for name in changed if name.startswith("gold/fact_rate_enriched/")}
    assert changed - leaves == {"dims/dim_code_cat.parquet", "dims/dim_code_cat_history.parquet", *shaped}
    assert leaves == leaves_that_differ(kept, [sample / joined(sample, m) for m in MONTHS])

    (sample / "luigi.cfg").write_text("[partitioning]\nkeys = payer_slug,state\n")
    assert kit.build(sample).ok
    larger = files(sample)
    few, many = leaves_of(larger), leaves_of(before)
    assert {name.count("/") for name in few} == {5}
    assert len(few) * 5 < len(many)
    assert rows_of(sample, few) == rows_in(kept)
    assert {name: seen.sha256 for name, seen in larger.items() if name not in few and name not in shaped} == {
        name: seen.sha256 for name, seen in before.items() if name not in many and name not in shaped
    }
    with duckdb.connect() as con:  # the keys that are no folders are the order of rows
        order = con.sql(f"SELECT {', '.join(partition.KEYS)} FROM '{sample / max(few)}'").fetchall()
    assert order == sorted(order, key=lambda row: [(value is not None, value) for value in row])

    (sample / "luigi.cfg").unlink()
    assert kit.build(sample).ok
    assert hashes(files(sample)) == hashes(before)
    assert kit.build(sample).nothing_to_do


@pytest.mark.slow
def test_leaves_that_are_to_be_compressed_otherwise_are_stale_and_it_is_said(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    settings_file, tree = root / "luigi.cfg", "gold/fact_rate_enriched/"
    assert kit.build(root).ok
    before = kit.parquet_files(root)
    plain = settings_file.read_text(encoding="utf-8")
    settings_file.write_text(f"{plain}leaf_compression = snappy\n", encoding="utf-8")
    said = why(root, "fact_rate_enriched:2025-08")
    assert said.endswith('the setting [partitioning] leaf_compression is "snappy", and was "zstd"')
    assert kit.build(root).ok
    after = kit.parquet_files(root)
    changed = kit.rewritten(before, after)
    assert changed == {plan("2025-08"), *(name for name in before if name.startswith(tree))}
    assert {_codec(root / name) for name in before if name.startswith(tree)} == {"SNAPPY"}
    settings_file.write_text(plain, encoding="utf-8")
    assert kit.build(root).ok
    assert kit.contents(root) == {name: seen.sha256 for name, seen in before.items()}
    assert {_codec(root / name) for name in before if name.startswith(tree)} == {"ZSTD"}


def _codec(path: Path) -> str:
    (codec,) = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
    return codec[0]


def leaves_of(files: dict[str, kit.Seen]) -> list[str]:
    """The leaves among a warehouse's files."""
    return [name for name in files if name.startswith("gold/fact_rate_enriched/")]


def rows_in(files: list[Path]) -> list[tuple]:
    """Every row of some Parquet files, in the order of fact_uid."""
    listed = ", ".join(f"'{path}'" for path in files)
    with duckdb.connect() as con:
        return con.sql(f"FROM read_parquet([{listed}], hive_partitioning = false) ORDER BY fact_uid").fetchall()


def rows_of(root: Path, leaves: list[str]) -> list[tuple]:
    """Every row of some leaves."""
    return rows_in([root / name for name in leaves])

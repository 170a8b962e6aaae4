"""warehouse.duckdb: every table under every name that it has, its files, its leaves, its accounts."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import kit
from pipeline import __version__, naming, partition, session, settings, tables
from pipeline.leaves import catalog, manifest
from pipeline.operations import status
from pipeline.stages.warehouse import accounts_of, tables_of
from pipeline.storage import journal, targets

PUBLISHED = {name: declared for name, declared in tables.load().items() if not declared.folder.startswith("staged")}
# The names that the user's two documents use, beside our own.
NAMES = """fact_rate fact_rate_enriched dim_code dim_code_cat dim_payer dim_payer_bridge dim_reporting_entity
    dim_provider_group dim_pos_set dim_npi dim_npi_address dim_npi_address_geolocation dim_tin xref_pos xref_group_npi
    xref_group_tin xref_pg_member_npi xref_pg_member_tin bench_medicare_prof bench_opps bench_asc bench_wcfs
    bench_medicare_comprehensive""".split()
OURS = """code_spread source_price_check dim_code_cat_history coverage coverage_gap dim_plan dim_pos xref_file_plan dim_source_file source_warning xref_group_member xref_contained_code xref_fact_source
    bench_medicare_prof_detail bench_asc_area partition_manifest month_accounts benchmark_coverage table_files source_presence
    warehouse""".split()


@pytest.fixture(scope="module")
def root(built_sample: Path) -> Path:
    """The built sample; nothing here changes it."""
    return built_sample


@pytest.fixture
def con(root: Path):
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        yield con


def count(con, name: str) -> int:
    return con.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0]


def files_of(root: Path, name: str) -> list[Path]:
    """A published table's files, by their names alone."""
    if name == "fact_rate_enriched":
        return sorted((root / "gold" / name).rglob("*.parquet"))
    declared = PUBLISHED[name]
    return sorted((root / declared.folder).glob(f"{name}_????-??.parquet" if declared.sharded else f"{name}.parquet"))


def described(con, name: str) -> dict[str, str]:
    return {column: kind for column, kind, *_ in con.sql(f"DESCRIBE {name}").fetchall()}


def test_every_name(con):
    assert {name for (name,) in con.sql("SHOW TABLES").fetchall()} == {*NAMES, *OURS}
    aliases = {alias for declared in PUBLISHED.values() for alias in declared.aliases}
    others = "partition_manifest month_accounts benchmark_coverage table_files source_presence warehouse".split()
    assert {*PUBLISHED} | aliases | {*others} == {*NAMES, *OURS}


def test_why_is_answered_of_every_table_by_its_name_and_its_files(root):
    session.use(root)
    settings.load(root.resolve())
    status.begin()
    for name in PUBLISHED:
        said = [status.why(name), *(status.why(path.relative_to(root).as_posix()) for path in files_of(root, name)[:1])]
        assert {line for text in said for line in text.splitlines() if not line.endswith("is up to date")} == set(), (
            name
        )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_view_is_its_files(con, root, name):
    """Its rows, its columns in their order and types; the same under its other names."""
    declared = PUBLISHED[name]
    files = files_of(root, name)
    assert count(con, name) == sum(pq.ParquetFile(path).metadata.num_rows for path in files)
    also = {"dim_pos_set": {"service_codes": "VARCHAR[]"}, "fact_rate": {"negotiated_dollars": "DOUBLE"}}
    columns = declared.duckdb_columns | also.get(name, {})
    assert list(described(con, name).items()) == list(columns.items())
    for alias in declared.aliases:
        assert (
            con.sql(f"(FROM {name} EXCEPT ALL FROM {alias}) UNION ALL (FROM {alias} EXCEPT ALL FROM {name})").fetchall()
            == []
        )
    assert files or declared.sharded


def test_service_codes_are_pos_members(con):
    different = con.sql("SELECT count(*) FROM dim_pos_set WHERE service_codes IS DISTINCT FROM pos_members").fetchall()
    assert different == [(0,)]
    assert count(con, "dim_pos_set") > 5


def test_dollars_of_facts_are_those_of_the_enriched_rows(con):
    compared = """SELECT count(*), count(f.negotiated_dollars), count(*) FILTER (
        f.negotiated_dollars IS DISTINCT FROM e.negotiated_dollars) FROM fact_rate f JOIN fact_rate_enriched e USING (fact_uid)"""
    rows, in_dollars, different = con.sql(compared).fetchall()[0]
    assert 0 < in_dollars < rows
    assert different == 0


def test_table_files(con, root):
    """Each file once, as it stands; the object beside it is the same file."""
    listed = con.sql(
        "SELECT table_name, year_month, path, object_path, rows, bytes, digest FROM table_files"
    ).fetchall()
    for name, month, path, object_path, rows, size, digest in listed:
        file, kept = root / path, Path(object_path)
        assert (file.stat().st_size, pq.ParquetFile(file).metadata.num_rows) == (size, rows)
        assert (kept.name, kept.parent.parent) == (f"{digest}.parquet", root / ".objects")
        assert kept.read_bytes() == file.read_bytes()
        assert (month is not None) == PUBLISHED[name].sharded
        assert month is None or month in path
    places = {path for *_, path in (row[:3] for row in listed)}
    assert len(places) == len(listed)
    standing = {
        f.relative_to(root).as_posix() for n in PUBLISHED if n != "fact_rate_enriched" for f in files_of(root, n)
    }
    assert standing == {path for path in places if not path.startswith("staged/")}


def test_partition_manifest(con, root):
    """One row a leaf, under the keys that its folder names."""
    relation = con.sql("FROM partition_manifest")
    rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert {row["path"] for row in rows} == {
        p.relative_to(root).as_posix() for p in files_of(root, "fact_rate_enriched")
    }
    assert len({(row["partition"], row["year_month"]) for row in rows}) == len(rows) > 400
    for row in rows:
        assert partition.folder(row) == row["partition"]
        assert (
            row["path"]
            == f"gold/fact_rate_enriched/{row['partition']}/year_month={row['year_month']}/fact_rate_enriched.parquet"
        )
        leaf, kept = root / row["path"], Path(row["object_path"])
        assert leaf.stat().st_size == kept.stat().st_size == row["bytes"]
        assert leaf.read_bytes() == kept.read_bytes()
        assert pq.ParquetFile(leaf).metadata.num_rows == row["rows"]
        assert (row["status"], row["reason"]) == ("published", None)
    per_leaf = f"SELECT {', '.join(partition.KEYS)}, year_month, count(*) AS rows FROM fact_rate_enriched GROUP BY ALL"
    told = f"SELECT {', '.join(partition.KEYS)}, year_month, rows FROM partition_manifest"
    assert con.sql(f"({per_leaf} EXCEPT ALL {told}) UNION ALL ({told} EXCEPT ALL {per_leaf})").fetchall() == []


def test_month_accounts(con):
    """They add up, and agree with the tables that they are of."""
    relation = con.sql("FROM month_accounts ORDER BY year_month")
    accounts = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert [one["year_month"] for one in accounts] == ["2025-07", "2025-08"]
    for one in accounts:
        month = one["year_month"]
        assert one["rates_read"] == one["rate_facts"] + one["duplicates"] + one["rejected"] + one["corrected_away"]
        assert one["prices_read"] == one["priced"] + one["prices_rejected"] + one["without_provider"] > 0
        sums = [Decimal(one[f"{name}_sum"]) for name in ("fact", "duplicate", "rounded", "corrected", "amended")]
        assert Decimal(one["rate_sum"]) == sum(sums)
        assert one["facts"] == one["rate_facts"] + one["star_facts"] == one["enriched_rows"] + one["withheld_rows"]
        told = con.sql(f"""SELECT
            (SELECT count(*) FROM dim_source_file WHERE year_month = '{month}'),
            (SELECT sum(rates_read) FROM dim_source_file WHERE year_month = '{month}'),
            (SELECT sum(source_count) FROM fact_rate WHERE year_month = '{month}'),
            (SELECT count(*) FROM fact_rate WHERE year_month = '{month}'),
            (SELECT count(*) FROM fact_rate_enriched WHERE year_month = '{month}'),
            (SELECT count(*) FROM partition_manifest WHERE year_month = '{month}')""").fetchall()[0]
        assert told == (
            one["files"],
            one["rates_read"],
            one["rates_read"],
            one["facts"],
            one["enriched_rows"],
            one["leaves"],
        )
        assert one["duplicates"] == 4


def test_slugify_is_there_for_the_guide_s_joins(con):
    names = con.sql(
        "SELECT reporting_entity_name_raw, slugify(reporting_entity_name_raw), payer_slug FROM dim_payer_bridge"
    )
    for name, macro, slug in names.fetchall():
        assert macro == slug == naming.slugify(name)


def test_warehouse_says_which_build_wrote_the_catalog_for_which_folder(con, root):
    ((here, build, at, version, storage),) = con.sql("FROM warehouse").fetchall()
    assert (here, version, storage) == (str(root), __version__, "v1.2.0")
    event = next(e for e in journal.read(root / ".state" / "journal.jsonl", build) if e["event"] == "begin")
    assert 0 <= at.replace(tzinfo=datetime.UTC).timestamp() - int(event["at"]) < 3600
    stored = con.sql("SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'warehouse'")
    assert stored.fetchall() == [("v1.2.0+",)]


def test_views_work_from_any_directory(root, tmp_path):
    """In another process, which knows nothing of this one."""
    program = "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print(con.sql('SELECT count(*) FROM fact_rate_enriched').fetchall())"
    command = [sys.executable, "-c", program, str(root / "warehouse.duckdb")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[(3988,)]\n"


def test_a_withheld_leaf_is_left_out(root, tmp_path):
    """The catalog of the same warehouse, were two of its leaves withheld: one with nulls among its keys."""
    session.use(root)
    settings.load(root)
    here, months = session.current(), ["2025-07", "2025-08"]
    stamps = [(task, task.stamp()) for task in tables_of(months)]
    listed = [catalog.Listed(task.table, task.month_or_none, stamp.parts.get(task.table)) for task, stamp in stamps]
    manifests = {month: dict(manifest.records(manifest.manifest(here, month))) for month in months}
    chosen = [
        ("2025-07", next(name for name in manifests["2025-07"] if partition.NULL in name)),
        ("2025-08", next(name for name in manifests["2025-08"] if partition.NULL not in name)),
    ]
    gone = 0
    for month, name in chosen:
        gone += manifests[month][name].rows
        manifests[month][name] = manifests[month][name]._replace(reason="negotiated_rate: negative")
    written = {month: tmp_path / f"{month}.tsv" for month in months}
    for month, path in written.items():
        path.write_text(targets.add_checksum_line("".join(record.line() for record in manifests[month].values())))
    catalog.write(here, tmp_path / "warehouse.duckdb", listed, written, [accounts_of(month) for month in months])
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert count(con, "fact_rate_enriched") == count(con, "fact_rate") - gone
        assert 0 < gone < 1_000
        told = con.sql(
            "SELECT year_month, partition, path, reason FROM partition_manifest WHERE status = 'withheld' ORDER BY ALL"
        )
        assert told.fetchall() == [(month, name, None, "negotiated_rate: negative") for month, name in chosen]
        rows = con.sql(f"SELECT DISTINCT year_month, {', '.join(partition.KEYS)} FROM fact_rate_enriched").fetchall()
        seen = {(month, partition.folder(dict(zip(partition.KEYS, values, strict=True)))) for month, *values in rows}
        assert seen == {(month, name) for month in months for name in manifests[month]} - set(chosen)


def test_every_view_is_there_before_the_first_month(root, tmp_path):
    session.use(root)
    settings.load(root)
    catalog.write(session.current(), tmp_path / "warehouse.duckdb", [], {}, [])
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert {name for (name,) in con.sql("SHOW TABLES").fetchall()} == {*NAMES, *OURS}
        for name, declared in PUBLISHED.items():
            assert count(con, name) == 0
            assert declared.duckdb_columns.items() <= described(con, name).items()


def test_a_root_below_a_folder_named_like_a_key_keeps_its_leaves(root, tmp_path):
    here = tmp_path / "digest=1" / "partition=x"
    shutil.copytree(root / ".state", here / ".state")
    (here / "raw").mkdir()
    session.use(here)
    settings.load(here)
    months = ["2025-07", "2025-08"]
    manifests = {month: manifest.manifest(session.current(), month) for month in months}
    digests = catalog.write(session.current(), tmp_path / "warehouse.duckdb", [], manifests, [])
    assert digests == set().union(*(manifest.digests(session.current(), month) for month in months))
    assert len(digests) > 400


def test_nothing_is_retired_where_no_table_was_ever_published(tmp_path):
    (tmp_path / "raw").mkdir()
    session.use(tmp_path)
    settings.load(tmp_path)
    catalog.retire_objects(session.current(), set())
    assert catalog.retired_objects(session.current()) == {}


@pytest.mark.slow
def test_every_table_is_there_though_little_is_known(tmp_path):
    """One small file and no reference data: a file and a view for each table, empty or not."""
    root = tmp_path / "warehouse"
    (root / "raw" / "mrf" / "TX").mkdir(parents=True)
    small = "TX/2025-07-03_SaludRioBravo_suplemento_in-network-rates.json"
    (root / "raw" / "mrf" / small).write_bytes((kit.SAMPLE / "mrf" / small).read_bytes())
    assert kit.build(root).ok
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        assert (count(con, "fact_rate"), count(con, "fact_rate_enriched")) == (7, 7)
        assert con.sql("SELECT DISTINCT file FROM dim_source_file").fetchall() == [(small,)]
        for name, declared in PUBLISHED.items():
            assert files_of(root, name), f"{name} has a file, empty or not"
            assert declared.duckdb_columns.items() <= described(con, name).items()
        empty = [n for n in PUBLISHED if n.startswith("bench_")] + [
            "dim_code_cat",
            "dim_npi_address",
        ]
        assert {name: count(con, name) for name in empty} == dict.fromkeys(empty, 0)
        assert count(con, "dim_npi") > 0

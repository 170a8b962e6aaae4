"""The enriched tree as others read it, with their plain Hive options: values, nulls and rows come back exactly.

The joined file of each month, from which the leaves are cut, says what is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import kit
from pipeline import partition, tables

pytestmark = pytest.mark.slow  # for the build that it needs

ENRICHED = tables.get("fact_rate_enriched")
KEYS = (*partition.KEYS, "year_month")
AWKWARD = '50%2F = Lubbock/Röster & +1 #2: "Ω?", TX'  # what a naive reader or writer of folders trips over
Rows = dict[str, dict]


@pytest.fixture(scope="module")
def root(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with a statistical area of an awkward name; a module's own copy."""
    root = kit.copy(built_sample, tmp_path_factory.mktemp("awkward") / "warehouse")
    areas = root / "raw" / "geo" / "cbsa2fipsxw.csv"
    text = areas.read_text(encoding="utf-8")
    assert '"Lubbock, TX"' in text
    areas.write_text(text.replace("Lubbock, TX", AWKWARD.replace('"', '""')), encoding="utf-8")
    assert kit.build(root).ok
    return root


@pytest.fixture(scope="module")
def tree(root: Path) -> Path:
    return root / "gold" / "fact_rate_enriched"


@pytest.fixture(scope="module")
def expected(root: Path) -> Rows:
    """fact_uid -> its row in the joined files, which stand in no Hive folder."""
    found: Rows = {}
    for path in sorted((root / "staged" / "enriched").glob("fact_rate_enriched_*.parquet")):
        table = pq.ParquetFile(path).read()
        found |= by_id(table.to_pylist())
    return found


def by_id(rows: list[dict]) -> Rows:
    found = {row["fact_uid"]: row for row in rows}
    assert len(found) == len(rows), "no row twice"
    return found


def test_the_sample_has_every_awkward_value(expected):
    """What the other tests are worth: every key but two is null somewhere, and the characters of the requirement occur."""
    seen = {key: {row[key] for row in expected.values()} for key in KEYS}
    assert {key for key, values in seen.items() if None in values} >= {"procedure_set", "procedure_class"}
    text = "".join(value for values in seen.values() for value in values if value)
    assert not set("/&,%= ") - set(text)
    assert AWKWARD in seen["stat_area_name"]
    assert {"Louisville/Jefferson County, KY-IN", "Cañon City, CO"} <= seen["stat_area_name"]
    assert len(expected) > 3_000


def test_duckdb(tree, expected):
    relation = duckdb.connect().sql(f"FROM read_parquet('{tree}/**/*.parquet', hive_partitioning = true)")
    assert set(relation.columns) == set(ENRICHED.columns)
    assert by_id([dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]) == expected


def test_polars(tree, expected):
    for frame in (
        pl.read_parquet(tree, hive_partitioning=True),
        pl.scan_parquet(tree, hive_partitioning=True).collect(),
    ):
        assert by_id(frame.to_dicts()) == expected
        assert all(frame.schema[key] == pl.String for key in KEYS)
    one = pl.scan_parquet(tree, hive_partitioning=True).filter(pl.col("stat_area_name") == AWKWARD).collect()
    assert set(one["fact_uid"]) == {uid for uid, row in expected.items() if row["stat_area_name"] == AWKWARD}
    none = pl.scan_parquet(tree, hive_partitioning=True).filter(pl.col("procedure_set").is_null()).collect()
    assert set(none["fact_uid"]) == {uid for uid, row in expected.items() if row["procedure_set"] is None}


def test_pyarrow(tree, expected):
    dataset = ds.dataset(tree, format="parquet", partitioning="hive")
    assert set(dataset.schema.names) == set(ENRICHED.columns)
    assert by_id(dataset.to_table().to_pylist()) == expected
    assert dataset.count_rows() == len(expected)
    pruned = dataset.to_table(columns=["fact_uid"], filter=ds.field("stat_area_name") == AWKWARD)
    assert set(pruned["fact_uid"].to_pylist()) == {u for u, row in expected.items() if row["stat_area_name"] == AWKWARD}


def test_pyarrow_with_the_schema_of_the_catalog_where_a_key_is_always_null(root, tree, expected):
    """One folder alone: all values of a key may be null there, which the plain option cannot type."""
    nowhere = next(tree.glob("*/*/*/procedure_set=__HIVE_DEFAULT_PARTITION__"))
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        described = con.sql("DESCRIBE fact_rate_enriched").fetchall()
    kinds = {"VARCHAR": pa.string(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "BIGINT": pa.int64()}
    kinds["VARCHAR[]"] = pa.list_(pa.string())
    schema = pa.schema([(name, kinds[kind]) for name, kind, *_ in described])
    dataset = ds.dataset(nowhere, format="parquet", partitioning="hive", schema=schema)
    found = by_id(dataset.to_table().to_pylist())
    assert found
    assert found == {uid: expected[uid] for uid in found}


def test_folders_and_files_say_the_same(tree, expected):
    """What stands in the file is what its folder is called; read apart, so that neither hides the other."""
    n = 0
    for path in tree.rglob("*.parquet"):
        folders = path.relative_to(tree).parts[:-1]
        named = {key: partition.decode(value) for key, value in (folder.split("=", 1) for folder in folders)}
        assert tuple(named) == KEYS
        rows = pq.ParquetFile(path).read().to_pylist()
        n += len(rows)
        for row in rows:
            assert {key: row[key] for key in KEYS} == named
            assert row == expected[row["fact_uid"]]
        assert path.name == "fact_rate_enriched.parquet"
    assert n == len(expected)


def parquet_files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*.parquet") if "raw" not in path.relative_to(root).parts[:1])


def test_no_file_has_large_text(root):
    """A key that stands in a file as large_string makes pyarrow.dataset fail; other readers meet one type for a column."""
    seen = 0
    for path in parquet_files(root):
        for one in pq.read_schema(path):
            assert not pa.types.is_large_string(one.type), f"{path}: {one.name}"
            assert not pa.types.is_large_list(one.type), f"{path}: {one.name}"
            seen += 1
    assert seen > 1_000


def test_files_have_the_declared_schema(root, tree):
    for path in tree.rglob("*.parquet"):
        assert pq.read_schema(path).remove_metadata().equals(ENRICHED.arrow_schema()), path
    for name, declared in tables.load().items():
        if declared.folder.startswith("staged") or name == "fact_rate_enriched":
            continue
        files = sorted(
            (root / declared.folder).glob(f"{name}_????-??.parquet" if declared.sharded else f"{name}.parquet")
        )
        assert files, name
        for path in files:
            rows = pq.read_table(path)
            kinds = [(field.name, field.type) for field in rows.schema]
            assert kinds == [(field.name, field.type) for field in declared.arrow_schema()], path
            required = {field.name for field in rows.schema if not field.nullable}
            full = {field.name for field in rows.schema if not rows.column(field.name).null_count}
            # Corrected facts come with the schema as it is declared, the others without nulls where there are none.
            assert required in (set(), full) if name == "fact_rate" else not required, path


def test_nothing_else_stands_in_the_tree(tree):
    """A reader's glob finds dot-files too."""
    assert {path.name for path in tree.rglob("*") if path.is_file()} == {"fact_rate_enriched.parquet"}

"""`ratehouse stats`: what it counts is what DuckDB and pyarrow count over the tree, what it estimates is near what comes out.

And fewer partition keys through every command that names a leaf.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import kit
from pipeline import errors, partition, session, settings
from pipeline.operations import leaf_stats
from pipeline.operations.leaf_stats import Depth
from pipeline.storage import parquet
from pipeline.storage.parquet import leaf_bytes

TREE = "gold/fact_rate_enriched"
JOINED = "'ROOT/staged/enriched/fact_rate_enriched_*.parquet'"


@pytest.fixture(scope="module")
def told(built_sample: Path) -> list[dict]:
    """What `stats --json` says of the sample."""
    said = kit.ratehouse(built_sample, "stats", "--json")
    assert said.returncode == 0, said.stderr
    return kit.json_lines(said.stdout)


def of(told: list[dict], kind: str) -> list[dict]:
    """The lines of a kind."""
    return [line for line in told if line["kind"] == kind]


def files_of(root: Path) -> dict[Path, int]:
    """The files of the tree, with their rows."""
    return {path: pq.read_metadata(path).num_rows for path in sorted((root / TREE).rglob("*.parquet"))}


@pytest.mark.slow
def test_months_and_sizes_are_those_of_the_files(built_sample, told):
    files = files_of(built_sample)
    for line in of(told, "month"):
        own = {p: n for p, n in files.items() if p.parent.name == f"year_month={line['month']}"}
        assert (line["leaves"], line["rows"]) == (len(own), sum(own.values()))
        assert line["bytes"] == sum(p.stat().st_size for p in own)
        joined = built_sample / "staged" / "enriched" / f"fact_rate_enriched_{line['month']}.parquet"
        assert line["sorted_bytes"] == joined.stat().st_size
    assert sum(line["leaves"] for line in of(told, "month")) == len(files) > 300
    found = {line["of"]: line for line in of(told, "leaf")}
    for name, values in (("rows", list(files.values())), ("bytes", [p.stat().st_size for p in files])):
        assert (found[name]["least"], found[name]["most"]) == (min(values), max(values))
        listed = ", ".join(f"({value})" for value in values)
        ((median, ninety),) = duckdb.sql(
            f"SELECT quantile_disc(v, 0.5), quantile_disc(v, 0.9) FROM (VALUES {listed}) AS t(v)"
        ).fetchall()
        assert found[name]["median"] == pytest.approx(median, rel=0.02)
        assert found[name]["90 %"] == pytest.approx(ninety, rel=0.02)


@pytest.mark.slow
def test_footers_of_a_sample_are_about_those_of_all(built_sample, told):
    files = files_of(built_sample)
    share = sum(pq.read_metadata(p).serialized_size + 8 for p in files) / sum(p.stat().st_size for p in files)
    (line,) = of(told, "footer")
    assert line["looked_into"] == leaf_stats.FOOTER_SAMPLE < len(files)
    assert line["share"] == pytest.approx(share, abs=0.02)


@pytest.mark.slow
def test_leaves_of_another_depth_are_counted_exactly(built_sample, told):
    assert_depths_are_those_of_the_rows(built_sample, of(told, "depth"))
    assert [line["now"] for line in of(told, "depth")] == [False] * 6 + [True]
    assert sum(line["advised"] for line in of(told, "depth")) == 1
    now = of(told, "depth")[-1]
    assert now["actual_bytes"] == sum(line["bytes"] for line in of(told, "month"))
    assert now["bytes"] == pytest.approx(now["actual_bytes"], rel=0.1)


def assert_depths_are_those_of_the_rows(root: Path, depths: list[dict]) -> None:
    """By the joined files: how many leaves each prefix makes, and how large the smallest and the largest are."""
    joined = root / "staged" / "enriched" / "fact_rate_enriched_*.parquet"
    assert [tuple(line["keys"]) for line in depths] == [partition.KEYS[:n] for n in range(1, 8)]
    for line in depths:
        keys = ", ".join(line["keys"])
        counted = duckdb.sql(
            f"SELECT count(*), min(n), max(n) FROM (SELECT count(*) AS n FROM '{joined}' GROUP BY year_month, {keys})"
        ).fetchall()
        assert [(line["leaves"], line["rows"]["least"], line["rows"]["most"])] == counted


@pytest.mark.slow
def test_fewer_keys_through_every_command(sample, told):
    before = files_of(sample)
    (sample / "luigi.cfg").write_text("[partitioning]\nkeys = payer_slug, state, billing_class\n")
    assert kit.build(sample).ok
    files = files_of(sample)
    assert {len(path.relative_to(sample / TREE).parts) for path in files} == {5}
    assert sum(files.values()) == sum(before.values())
    assert_sorted_with_statistics(max(files, key=files.get))

    # What was estimated for three keys when there were seven, and what came out.
    estimated = of(told, "depth")[2]
    assert estimated["leaves"] == len(files)
    assert estimated["bytes"] == pytest.approx(sum(path.stat().st_size for path in files), rel=0.25)
    now = of(kit.json_lines(kit.ratehouse(sample, "stats", "--json").stdout), "depth")
    assert [line["now"] for line in now] == [False, False, True, False, False, False, False]
    assert_depths_are_those_of_the_rows(sample, now)
    assert now[6]["bytes"] == pytest.approx(of(told, "depth")[6]["actual_bytes"], rel=0.1)

    listed = kit.json_lines(kit.ratehouse(sample, "partitions", "--month", "2025-08", "--json").stdout)
    assert {sample / line["path"]: line["rows"] for line in listed} == {
        path: rows for path, rows in files.items() if path.parent.name == "year_month=2025-08"
    }
    one = listed[len(listed) // 2]
    assert list(partition.parse(one["partition"], partition.KEYS[:3])) == list(partition.KEYS[:3])
    leaf, name = sample / one["path"], one["partition"]
    assert kit.ratehouse(sample, "why", leaf.relative_to(sample).as_posix()).stdout.strip().endswith("is up to date")
    content = leaf.read_bytes()
    leaf.unlink()
    assert kit.ratehouse(sample, "why", name).stdout.splitlines()[-1].endswith("its file is missing")
    said = kit.ratehouse(sample, "rerun", name, "--month", "2025-08", "--local-scheduler")
    assert (said.returncode, "is published" in said.stdout) == (0, True), said.stderr
    assert leaf.read_bytes() == content
    seven = kit.ratehouse(sample, "why", f"{name}/procedure_set=x")
    assert seven.returncode == 2
    assert "procedure_set is no partition key" in seven.stderr
    assert kit.build(sample).nothing_to_do


@pytest.mark.slow
def test_a_leaf_larger_than_a_row_group_is_written_piece_by_piece(sample, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(parquet, "SMALL_ROWS", 50)
    # The second setting has the joined rows written anew: in row groups of that size, which no leaf begins with.
    (sample / "luigi.cfg").write_text("[partitioning]\nkeys = payer_slug\n[geocoding]\nfill_coordinates = false\n")
    whole = []
    monkeypatch.setattr(parquet, "leaf_bytes", lambda rows, how: whole.append(rows.num_rows) or leaf_bytes(rows, how))
    assert kit.build(sample).ok
    files = files_of(sample)
    assert max(files.values()) > 500 > 100 >= max(whole, default=0)
    for path, rows in files.items():
        metadata = pq.read_metadata(path)
        assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)][:-1] == [100] * (
            (rows - 1) // 100
        )
        column = metadata.schema.names.index("state")
        known = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
        ranges = [value for one in known if one and one.has_min_max for value in (one.min, one.max)]
        assert ranges == sorted(ranges)  # so a reader of one state passes over most row groups
    listed = ", ".join(f"'{path}'" for path in files)
    columns = "* EXCLUDE (year_month), year_month"
    for one, other in ((f"[{listed}]", JOINED), (JOINED, f"[{listed}]")):
        missing = duckdb.sql(
            f"SELECT {columns} FROM read_parquet({one.replace('ROOT', str(sample))}, hive_partitioning = false) "
            f"EXCEPT SELECT {columns} FROM read_parquet({other.replace('ROOT', str(sample))}, hive_partitioning = false)"
        )
        assert missing.fetchall() == []
    assert (
        sum(files.values())
        == duckdb.sql(f"SELECT count(*) FROM {JOINED.replace('ROOT', str(sample))}").fetchall()[0][0]
    )


def assert_sorted_with_statistics(leaf: Path) -> None:
    """The keys that are no folders order the rows; a leaf of 1,000 rows or more says their least and most for skipping."""
    columns = list(partition.KEYS)
    rows = pq.ParquetFile(leaf).read(columns=columns).to_pylist()
    order = [[(row[key] is not None, row[key] or "") for key in columns] for row in rows]
    assert order == sorted(order)
    if len(rows) >= 1_000:
        group = pq.read_metadata(leaf).row_group(0)
        known = {group.column(n).path_in_schema: group.column(n).statistics for n in range(group.num_columns)}
        for key in columns[3:]:
            values = [row[key] for row in rows if row[key] is not None]
            assert (known[key].min, known[key].max) == (min(values), max(values))


def test_nothing_built_is_said(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    session.use(root)
    settings.load(root)
    with pytest.raises(errors.RatehouseError, match="there are no leaves yet") as refused:
        leaf_stats.measure(session.current())
    assert str(refused.value).splitlines()[1].endswith("build")


@pytest.mark.parametrize(
    ("sizes", "advised"),
    [  # bytes at one to seven keys, beside 100 of one sorted file
        ([100, 110, 120, 150, 190, 400, 900], 5),
        ([100, 110, 120, 150, 190, 199, 200], 7),
        ([300, 310, 320, 350, 390, 400, 900], 1),
        ([300, 290, 280, 350, 390, 400, 900], 3),
    ],
)
def test_the_advice_follows_from_the_figures(sizes, advised):
    depths = [Depth(partition.KEYS[: n + 1], 1, (1,) * 6, size, 1.0, None) for n, size in enumerate(sizes)]
    assert leaf_stats._advised(depths, 100) == advised


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], (5, 5, 5, 5, 5, 5)), ([3, 1, 2], (1, 1, 2, 2, 2, 3)), (list(range(101)), (0, 10, 50, 90, 99, 100))],
)
def test_quantiles_are_values_that_occur(values, expected):
    assert leaf_stats.quantiles(values) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(1, 50.0), (2, 55.0), (11, 100.0), (12, 110.0), (16, 150.0), (21, 200.0), (42, 400.0), (210, 2000.0)],
)
def test_what_a_leaf_takes_is_read_off_between_two_trials(rows, expected):
    trials = leaf_stats._Trials(sizes=[1, 11, 21], bytes=[50.0, 100.0, 200.0])
    assert trials.at(rows, trials.bytes) == pytest.approx(expected)


@pytest.mark.slow
def test_it_is_printed_within_80_columns(built_sample):
    said = kit.ratehouse(built_sample, "stats")
    assert said.returncode == 0, said.stderr
    assert max(map(len, said.stdout.splitlines())) <= 80
    assert "Advice: " in said.stdout

"""The leaf plan: which rows make which leaf, how leaves are packed into groups, and what changes a leaf's digest."""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path

import polars as pl
import pytest

from pipeline import partition, tables
from pipeline.storage import duck, parquet, parquet_reading
from pipeline.transforms import leaf_plan

ENRICHED = tables.get("fact_rate_enriched")
FIRST = {
    "payer_slug": "evry_health",
    "state": "TX",
    "billing_class": "professional",
    "procedure_set": "E&M",
    "procedure_class": "Office/Outpatient Services",
    "primary_taxonomy_code": "207Q00000X",
    "stat_area_name": "Austin-Round Rock-San Marcos, TX",
    "year_month": "2025-06",
    "negotiated_rate": 150.0,
    "pos_members": ["11"],
    "is_geocoded": True,
    "group_npi_count": 3,
}
SECOND = FIRST | {"procedure_class": None, "stat_area_name": "Cañon City, CO"}
THIRD = FIRST | {"state": None, "primary_taxonomy_code": None}


def leaf(rows: int, **values) -> list[dict]:
    """Rows of one leaf, which the first key names."""
    return [FIRST | values for _ in range(rows)]


def plan(
    folder: Path,
    rows: list[dict],
    *,
    group_rows=100,
    keys=partition.KEYS,
    withheld=(),
    threads=2,
    known=None,
    compression="zstd",
) -> list[dict]:
    """The plan of a file of these rows, each with an id of its place; columns that a literal leaves out are null."""
    schema = ENRICHED.polars_schema()
    rows = [{"fact_uid": f"{n:032x}"} | row for n, row in enumerate(rows)]
    frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)
    path = folder / "joined.parquet"
    parquet.write(path, ENRICHED, frame.to_arrow().to_batches())
    con = duck.connect(threads=threads)
    read = f"read_parquet('{path}', file_row_number = true, hive_partitioning = false)"
    duck.view(con, "fact_rate_enriched", f"SELECT *, file_row_number AS row_number FROM {read}")
    con.execute("CREATE TEMP TABLE withheld (partition VARCHAR, reason VARCHAR)")
    for pair in withheld:
        con.execute("INSERT INTO withheld VALUES (?, ?)", pair)
    declared = tables.get("leaf_plan")
    between = parquet_reading.Pieces([(path, len(rows))]).between
    select = leaf_plan.build(con, keys, group_rows, between, compression, known or {})
    planned = con.sql(f"SELECT {', '.join(declared.columns)} FROM ({select}) ORDER BY first_row")
    return [dict(zip(declared.columns, row, strict=True)) for row in planned.fetchall()]


def digests(folder: Path, *leaves: list[dict], **more) -> list[str]:
    return [one["digest"] for one in plan(folder, [row for rows in leaves for row in rows], **more)]


def test_runs(tmp_path):
    """Names as folders have them, nulls and all; each leaf a run of rows."""
    found = plan(tmp_path, [FIRST, FIRST, SECOND, THIRD, THIRD, THIRD])
    assert [(one["first_row"], one["rows"]) for one in found] == [(0, 2), (2, 1), (3, 3)]
    assert [one["partition"] for one in found] == [partition.folder(row) for row in (FIRST, SECOND, THIRD)]
    assert found[0]["partition"] == (
        "payer_slug=evry_health/state=TX/billing_class=professional/procedure_set=E%26M/"
        "procedure_class=Office%2FOutpatient%20Services/primary_taxonomy_code=207Q00000X/"
        "stat_area_name=Austin-Round%20Rock-San%20Marcos%2C%20TX"
    )
    assert "procedure_class=__HIVE_DEFAULT_PARTITION__" in found[1]["partition"]
    assert "/state=__HIVE_DEFAULT_PARTITION__/" in found[2]["partition"]
    assert len({one["digest"] for one in found}) == 3


def test_fewer_keys(tmp_path):
    found = plan(tmp_path, [FIRST, SECOND, THIRD], keys=("payer_slug", "state"))
    assert [(one["partition"], one["rows"]) for one in found] == [
        ("payer_slug=evry_health/state=TX", 2),
        ("payer_slug=evry_health/state=__HIVE_DEFAULT_PARTITION__", 1),
    ]


def test_a_null_is_not_a_text_that_looks_like_one(tmp_path):
    names = [None, "null", "", "__HIVE_DEFAULT_PARTITION__"]
    found = plan(tmp_path, [FIRST | {"stat_area_name": name} for name in names])
    assert len({one["partition"] for one in found}) == len({one["digest"] for one in found}) == 4


def test_a_leaf_that_is_compressed_otherwise_is_another(tmp_path):
    zstd, snappy = (digests(tmp_path, [FIRST], [SECOND], compression=name) for name in ("zstd", "snappy"))
    assert not {*zstd} & {*snappy}


def test_no_rows(tmp_path):
    assert plan(tmp_path, []) == []


@pytest.mark.parametrize(
    ("sizes", "budget", "groups"),
    [
        ([2, 1, 1, 5, 1], 3, [[2], [1], [1], [5], [1]]),  # one that is larger than the budget stands alone
        ([2, 1, 1, 5, 1], 100, [[2, 1, 1, 5, 1]]),
        ([1, 1, 1], 1, [[1], [1], [1]]),
        ([3, 3], 5, [[3], [3]]),  # a leaf is never cut
        ([5, 1, 4], 5, [[5], [1, 4]]),
    ],
)
def test_packing(tmp_path, sizes, budget, groups):
    """Runs of whole leaves in key order, each named after its first."""
    rows = [row for n, size in enumerate(sizes) for row in leaf(size, payer_slug=f"payer_{n}")]
    found = plan(tmp_path, rows, group_rows=budget)
    assert [one["rows"] for one in found] == sizes
    packed: dict[str, list] = {}
    for one in found:
        packed.setdefault(one["leaf_group"], []).append(one)
    assert [[one["rows"] for one in group] for group in packed.values()] == groups
    assert all(name == group[0]["partition"] for name, group in packed.items())


def test_a_group_has_no_more_than_so_many_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(leaf_plan, "GROUP_LEAVES", 2)
    rows = [row for n in range(5) for row in leaf(1, payer_slug=f"payer_{n}")]
    found = plan(tmp_path, rows)
    assert [one["leaf_group"] for one in found] == [found[n]["partition"] for n in (0, 1, 2, 2, 4)]


@pytest.mark.parametrize("seed", range(20))
def test_groups_take_as_long_as_each_other(seed):
    """An even number of them, none beyond its limits, each within half a leaf of its share."""
    sizes = random.Random(seed).choices(range(1, 40), k=1000 + seed)
    begun = leaf_plan._groups(sizes, 4000)
    starts = sorted(set(begun))
    assert begun == [max(s for s in starts if s <= n) for n in range(len(sizes))]
    cut = [sizes[start:end] for start, end in itertools.pairwise([*starts, len(sizes)])]
    assert len(cut) == 2 * math.ceil(sum(sizes) / 4000 / 2)
    assert all(sum(group) <= 4000 for group in cut)
    weights = [sum(group) + leaf_plan.LIKE_ROWS * len(group) for group in cut]
    assert max(weights) - min(weights) <= 2 * (leaf_plan.LIKE_ROWS + 40)


def test_unsorted_rows_are_refused(tmp_path):
    with pytest.raises(AssertionError, match="1 leaves are not runs"):
        plan(tmp_path, [FIRST, SECOND, FIRST])


def test_withheld_leaves_keep_their_place(tmp_path):
    name = partition.folder(SECOND)
    found = plan(tmp_path, [FIRST, SECOND, THIRD], withheld=[(name, "negotiated_rate: negative")])
    assert [one["reason"] for one in found] == [None, "negotiated_rate: negative", None]
    plain = plan(tmp_path, [FIRST, SECOND, THIRD])
    assert [one["digest"] for one in found] == [one["digest"] for one in plain]


ANOTHER = {"string": "another", "float64": 0.1 + 0.2, "bool": False, "int64": 4, "list": ["11", "22"]}


def test_a_digest_changes_with_every_column_and_of_that_leaf_alone(tmp_path):
    """One leaf for each column, of which the second row changes in it; every other leaf stays as it is."""
    columns = [c for c in ENRICHED.columns if c not in (*partition.KEYS, "fact_uid")]
    before = digests(tmp_path, *(leaf(2, payer_slug=c) for c in columns))
    changed = [[*leaf(1, payer_slug=c), *leaf(1, payer_slug=c, **{c: ANOTHER[ENRICHED.columns[c]]})] for c in columns]
    after = digests(tmp_path, *changed)
    assert [c for c, one, other in zip(columns, before, after, strict=True) if one == other] == []
    one_of_them = [
        *(leaf(2, payer_slug=c) for c in columns[:7]),
        changed[7],
        *(leaf(2, payer_slug=c) for c in columns[8:]),
    ]
    assert digests(tmp_path, *one_of_them) == [*before[:7], after[7], *before[8:]]


# Values that a careless text of a row would not tell apart.
ALIKE = [
    ("negotiated_rate", 0.1 + 0.2, 0.3),
    ("negotiated_rate", 0.0, None),
    ("pos_members", [], None),
    ("pos_members", [None], ["null"]),
    ("pos_members", ["1", "1"], ["1,1"]),
    ("code", "", None),
    ("code", "null", None),
    ("is_geocoded", False, None),
    ("code_name", 'a","code_name":"b', "a"),
    ("code_name", "Ca\u00f1on", "Can\u0303on"),
]


def test_a_digest_tells_apart_what_looks_alike(tmp_path):
    one, other = (
        digests(tmp_path, *(leaf(1, payer_slug=f"payer_{n}", **{case[0]: case[which]}) for n, case in enumerate(ALIKE)))
        for which in (1, 2)
    )
    assert [case for case, *pair in zip(ALIKE, one, other, strict=True) if len(set(pair)) == 1] == []


def test_a_digest_is_of_the_rows_in_their_order_and_nothing_else(tmp_path):
    named = [{"fact_uid": letter * 32} for letter in "ab"]
    one, other = leaf(1, payer_slug="x", **named[0]), leaf(1, payer_slug="x", **named[1])
    before = leaf(3, payer_slug="a")
    assert digests(tmp_path, one + other) != digests(tmp_path, other + one)
    assert digests(tmp_path, before, one + other)[1:] == digests(tmp_path, one + other), "not of its place in the file"
    assert digests(tmp_path, one + other, group_rows=1) == digests(tmp_path, one + other), "not of its group"
    assert digests(tmp_path, one) != digests(tmp_path, one + one), "a row more is other content"
    many = leaf(5_000, payer_slug="y")
    assert digests(tmp_path, one, many, threads=1) == digests(tmp_path, one, many, threads=2)

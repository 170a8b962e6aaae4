"""Partition names: every value comes back exactly, and a person may type them in any of three ways."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import errors, partition
from pipeline.leaves.catalog import PARTITION_KEY
from pipeline.transforms.leaf_plan import PARTITION_VALUE

ODD = [
    "a/b",
    "a & b, c",
    "50%",
    "k=v",
    "Ünïcode - ñ",
    "日本",
    " ",
    "%2F",
    "__HIVE_DEFAULT_PARTITION__",
    "a\\b",
    "'",
    '"',
    "..",
]
VALUES = {
    "payer_slug": "acme",
    "state": "GA",
    "billing_class": None,
    "procedure_set": "E&M, 50%",
    "procedure_class": "a/b",
    "primary_taxonomy_code": "207Q00000X",
    "stat_area_name": "San José=X",
}


@pytest.fixture(scope="module")
def con():
    made = duckdb.connect()
    made.execute(PARTITION_VALUE)
    made.execute(PARTITION_KEY)
    return made


@settings(deadline=None)
@given(st.one_of(st.none(), st.text(min_size=1), st.sampled_from(ODD)))
def test_a_value_comes_back_from_its_folder_name(value):
    try:
        text = partition.encode(value)
    except UnicodeEncodeError:  # a lone surrogate is no text that a file name or a Parquet file could hold
        return
    assert "/" not in text
    assert "\\" not in text
    assert partition.decode(text) == value


@pytest.mark.parametrize("value", [None, *ODD, "plain", "a_b-c.d~e", "".join(map(chr, range(32, 0x250)))])
def test_sql_spells_a_value_as_python_does(con, value):
    encoded = partition.encode(value)
    assert con.execute("SELECT partition_value(?)", [value]).fetchall()[0][0] == encoded
    assert con.execute("SELECT partition_key(?)", [encoded]).fetchall()[0][0] == partition.decode(encoded) == value


NAME = partition.folder(VALUES)


@pytest.mark.parametrize(
    "typed",
    [
        NAME,
        f"data/gold/fact_rate_enriched/{NAME}/year_month=2025-08/fact_rate_enriched.parquet",
        "/".join(reversed(NAME.split("/"))),
        " ".join(NAME.split("/")),
    ],
)
def test_a_partition_is_understood_as_printed_as_a_path_and_as_pairs(typed):
    assert partition.parse(typed) == VALUES


def test_the_month_of_a_path():
    assert partition.month_in(f"{NAME}/year_month=2025-08/x.parquet") == "2025-08"
    assert partition.month_in(NAME) is None


def test_a_wrong_key_gets_the_nearest():
    with pytest.raises(errors.UsageError, match="do you mean payer_slug"):
        partition.parse(NAME.replace("payer_slug", "payer_slugg"))


def test_a_missing_key_is_named():
    with pytest.raises(errors.UsageError, match="names no state"):
        partition.parse(NAME.replace("state=GA/", ""))

"""Partition names: every value comes back exactly, and a person may type them in any of three ways."""

from __future__ import annotations

import hashlib
from urllib.parse import unquote

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
        text = partition.encode("state", value)
    except UnicodeEncodeError:  # a lone surrogate is no text that a file name or a Parquet file could hold
        return
    assert "/" not in text
    assert "\\" not in text
    assert partition.is_encoded(text)
    assert partition.decode(text) == (text if partition.is_shortened(text) else value)


@pytest.mark.parametrize(
    "value", [None, *ODD, "plain", "a_b-c.d~e@", *(chr(n) * 3 for n in range(32, 0x250, 7)), "é" * 99]
)
def test_sql_spells_a_value_as_python_does(con, value):
    encoded = partition.encode("stat_area_name", value)
    assert con.execute("SELECT partition_value('stat_area_name', ?)", [value]).fetchall()[0][0] == encoded
    found = con.execute("SELECT partition_key(?)", [encoded]).fetchall()[0][0]
    assert found == partition.decode(encoded)
    assert found == (encoded if partition.is_shortened(encoded) else value)


@pytest.mark.parametrize("key", partition.KEYS)
@pytest.mark.parametrize("character", ["a", "/", "é", "€", "😀", "a€"])
def test_a_folder_s_name_has_255_bytes_at_most_and_is_whole_where_it_fits(con, key, character):
    """Of every length around the limit: by what a file system counts, and with no half of a character."""
    names = set()
    for length in range(15, 260):
        value = (character * length)[:length]
        text = partition.encode(key, value)
        name = f"{key}={text}".encode()
        encoded = "".join(c if c == "a" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in value)
        assert len(name) <= 255
        assert con.execute("SELECT partition_value(?, ?)", [key, value]).fetchall() == [(text,)]
        if len(key) + 1 + len(encoded) <= 255:
            assert text == encoded
        else:
            begin, _, digest = text.partition("@")
            assert value.startswith(unquote(begin, errors="strict"))
            assert digest == hashlib.md5(value.encode()).hexdigest()
            assert len(name) > 255 - 12
        names.add(name)
    assert len(names) == 245


def test_long_values_that_begin_alike_have_folders_of_their_own_and_a_value_that_looks_shortened_too():
    one, other = "acme_" * 60 + "a", "acme_" * 60 + "b"
    shown = partition.encode("payer_slug", one)
    assert shown != partition.encode("payer_slug", other)
    assert partition.encode("payer_slug", shown) != shown
    assert partition.encode("payer_slug", "a@" + "0" * 32) == "a%40" + "0" * 32


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
    assert partition.named(typed) == NAME


def test_a_shortened_partition_is_understood_as_printed_and_by_its_whole_value():
    values = {**VALUES, "payer_slug": "acme_" * 60}
    name = partition.folder(values)
    assert partition.named(name) == name
    assert partition.named(f"payer_slug={values['payer_slug']}/{name.partition('/')[2]}") == name


def test_the_month_of_a_path():
    assert partition.month_in(f"{NAME}/year_month=2025-08/x.parquet") == "2025-08"
    assert partition.month_in(NAME) is None


def test_a_wrong_key_gets_the_nearest():
    with pytest.raises(errors.UsageError, match="do you mean payer_slug"):
        partition.parse(NAME.replace("payer_slug", "payer_slugg"))


def test_a_missing_key_is_named():
    with pytest.raises(errors.UsageError, match="names no state"):
        partition.parse(NAME.replace("state=GA/", ""))

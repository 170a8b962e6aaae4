"""Slugs, ids and join codes: Python and SQL agree, and agree with figures worked out elsewhere."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import naming
from pipeline.storage import duck


@pytest.fixture(scope="module")
def con():
    return duck.connect()


def asked(con, expression, *values):
    return con.execute(f"SELECT {expression}", list(values)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Evry Health", "evry_health"),
        ("  CareFirst BlueCross / BlueShield!", "carefirst_bluecross_blueshield"),
        ("Älter & Söhne, 50%", "lter_s_hne_50"),
        ("---", None),
        ("", None),
        (None, None),
    ],
)
def test_slugs(con, text, slug):
    assert naming.slugify(text) == slug
    assert asked(con, "slugify(?::VARCHAR)", text) == slug


@settings(deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_sql_slugs_as_python_does(con, text):
    assert asked(con, "slugify(?)", text) == naming.slugify(text)


@pytest.mark.parametrize(
    ("code_type", "code", "expected"),
    [
        ("CPT", "99213", ("HCPCS", "99213")),
        ("CPT", "100", ("HCPCS", "00100")),
        ("HCPCS", "J1745", ("HCPCS", "J1745")),
        ("RC", "450", ("RC", "0450")),
        ("REV", "0200", ("RC", "0200")),
        ("MS-DRG", "1", ("MS-DRG", "001")),
        ("CSTM-ALL", "X1", (None, None)),
        ("CPT", "CSTM-00", (None, None)),
        ("NDC", "12", ("NDC", "12")),
    ],
)
def test_join_codes(con, code_type, code, expected):
    assert naming.join_code(code_type, code) == expected
    assert (
        asked(con, "join_code_type(?, ?)", code_type, code),
        asked(con, "join_code(?, ?)", code_type, code),
    ) == expected


# 1234567893 is the example of the NPI standard itself (CMS, "Requirements for NPI and NPI check digit").
@pytest.mark.parametrize(
    ("npi", "good"),
    [("1234567893", True), ("1234567890", False), ("1003000126", True), ("123456789", False), ("12345678x3", False)],
)
def test_npi_check_digits(npi, good):
    assert naming.npi_check_digit_ok(npi) is good


def test_ids_are_hashes_of_sorted_distinct_members():
    assert naming.pos_set_id([]) == hashlib.md5(b"").hexdigest()
    assert naming.pos_set_id(["22", "11", "22"]) == hashlib.md5(b"11|22").hexdigest()
    members = [("ein", "2", "9"), ("ein", "1", "8"), ("ein", "1", "8")]
    assert naming.members_uid(members) == hashlib.md5(b"ein:1:8|ein:2:9").hexdigest()
    assert naming.contained_codes_uid([]) is None


def test_the_fact_uid_is_the_hash_that_the_data_model_states(con):
    values = ["GA", "2025-08", "acme", "professional", "CPT", "99213", "25", "m" * 32, "p" * 32, "negotiated", "ffs"]
    text = "|".join([*values, "", "123.45", "", "outpatient", "", "", ""])
    arguments = ", ".join(["?"] * 11)
    made = asked(con, f"fact_uid({arguments}, NULL, 123.45::DOUBLE, NULL, 'outpatient', NULL, NULL, NULL)", *values)
    assert made == hashlib.md5(text.encode()).hexdigest()


@settings(deadline=None)
@given(rate=st.floats(allow_nan=False, allow_infinity=False))
def test_a_rate_is_spelled_as_the_shortest_text_of_its_double(con, rate):
    assert asked(con, "CAST(?::DOUBLE AS VARCHAR)", rate) == repr(rate)

"""Who bills: literal staged rows in, literal rows out."""

from __future__ import annotations

import itertools

import pytest

from dimension_rows import ALSO_NEW, ANA, BOB, MEMBERS, NEW, OLD, ROWS, TIN_ONLY, made, member


def named(file: str, name: str | None, members: int = 1, tin: str = "741234567") -> dict:
    return {"file": file, "tin_type": "ein", "tin_value": tin, "business_name": name, "members": members}


TIN_NAMES = {
    "the earliest month's": ([named(OLD, "Clinic"), named(NEW, "Clinic, Inc.", 99)], "Clinic"),
    "of a later month where the earliest has none": (
        [named(OLD, None, 99), named(NEW, "Clinic, Inc.")],
        "Clinic, Inc.",
    ),
    "what stands most often, counted over files": (
        [named(NEW, "B", 2), named(ALSO_NEW, "B", 2), named(NEW, "A", 3)],
        "B",
    ),
    "ties by text": ([named(NEW, "B", 2), named(ALSO_NEW, "A", 2)], "A"),
    "none": ([named(NEW, None)], None),
}


@pytest.mark.parametrize("rule", TIN_NAMES)
def test_its_name(rule):
    rows, expected = TIN_NAMES[rule]
    for order in itertools.permutations(rows):
        assert made("dim_tin", staged_tin=list(order), staged_member=ROWS[:1]) == [("ein", "741234567", expected)]


def test_every_tin_that_a_group_names():
    """With or without a name, and a provider's own number is another TIN than an employer's of the same digits."""
    own = member(ANA, tin=ANA) | {"tin_type": "npi"}
    found = made("dim_tin", staged_member=[*ROWS, own, member(ANA, tin=ANA)], staged_tin=[named(NEW, "Clinic")])
    assert found == [
        ("ein", ANA, None),
        ("ein", "741234567", "Clinic"),
        ("ein", "759999999", None),
        ("ein", "760000001", None),
        ("npi", ANA, None),
    ]


def test_a_tin_that_is_nobodys_has_no_row():
    """Two people whose TIN is published as 0: members under no TIN."""
    rows = [member(npi, tin=None, members=uid) | {"tin_type": "npi"} for npi, uid in ((ANA, MEMBERS), (BOB, TIN_ONLY))]
    assert made("dim_tin", staged_tin=[named(NEW, "Solo", tin=None)], staged_member=rows) == []


def test_no_source_no_row():
    assert made("dim_tin", []) == []

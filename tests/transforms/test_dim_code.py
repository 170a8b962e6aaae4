"""What a billing code is called: literal staged rows in, literal rows out."""

from __future__ import annotations

import itertools

import pytest

from dimension_rows import ALSO_NEW, NEW, OLD, made


def said(file: str, desc: str | None, name: str | None = None, rates: int = 1, code: str = "99213") -> dict:
    return {"file": file, "code_type": "CPT", "code": code, "code_desc": desc, "name": name, "rates": rates}


CODE_TEXTS = {
    "the earliest month's, however few rates carry it": (
        [said(OLD, "visit", rates=1), said(NEW, "office visit", rates=9_000)],
        ("visit", None),
    ),
    "in it what most rates carry, counted over its files": (
        [said(NEW, "visit", rates=5), said(NEW, "clinic", rates=4), said(ALSO_NEW, "clinic", rates=2)],
        ("clinic", None),
    ),
    "ties by text": ([said(NEW, "visit", rates=5), said(ALSO_NEW, "clinic", rates=5)], ("clinic", None)),
    "ties by the name where descriptions agree": ([said(NEW, "visit", "B"), said(NEW, "visit", "A")], ("visit", "A")),
    "a text of a later month before none at all": ([said(OLD, None, rates=99), said(NEW, "visit")], ("visit", None)),
    "a name is a text": ([said(OLD, None, "Visit"), said(NEW, "visit", "Visit")], (None, "Visit")),
    "description and name of one record, never of two": (
        [said(NEW, "visit", None, rates=3), said(NEW, None, "Visit", rates=2)],
        ("visit", None),
    ),
    "nothing where nobody says anything": ([said(OLD, None), said(NEW, None)], (None, None)),
}


@pytest.mark.parametrize("rule", CODE_TEXTS)
def test_its_texts(rule):
    rows, expected = CODE_TEXTS[rule]
    for order in itertools.permutations(rows):
        assert made("dim_code", staged_code=list(order)) == [("CPT", "99213", *expected)]


def test_one_row_a_type_and_code():
    rows = [said(OLD, "visit"), said(OLD, "drug", code="J0129"), said(OLD, "room") | {"code_type": "RC"}]
    assert made("dim_code", staged_code=rows) == [
        ("CPT", "99213", "visit", None),
        ("CPT", "J0129", "drug", None),
        ("RC", "99213", "room", None),
    ]


def test_of_a_star_schema_fills_gaps_only():
    brought = {"code_type": "CPT", "code_desc": "brought", "name": None, "batch_id": "s", "first_month": "2020-01"}
    stars = [brought | {"code": "99213"}, brought | {"code": "99214"}, brought | {"code": "99215"}]
    rows = [said(NEW, "visit"), said(NEW, None, code="99214")]
    assert [row[1:3] for row in made("dim_code", staged_code=rows, star_code=stars)] == [
        ("99213", "visit"),
        ("99214", "brought"),
        ("99215", "brought"),
    ]


def test_no_source_no_row():
    assert made("dim_code", []) == []

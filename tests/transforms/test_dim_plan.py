"""Every plan that uses a file; which file it uses is tested with xref_file_plan."""

from __future__ import annotations

import hashlib

import reference_tables
from pipeline.stages import dims
from pipeline.storage import duck
from pipeline.transforms import file_plans

NAMES = ("plan_name", "plan_id_type", "plan_id", "plan_market_type", "issuer_name", "plan_sponsor_name")


def plans(*headers: tuple) -> list[tuple]:
    con = reference_tables.connection()
    files = [
        {"batch_id": str(n), "year_month": "2025-08", "file": f"GA/{n}.json", "file_key": str(n), **dict(zip(NAMES, one, strict=True))}
        for n, one in enumerate(headers)
    ]  # fmt: skip
    duck.view(con, "listed_file", dims.listed_files(files))
    return con.sql(f"SELECT {', '.join(NAMES)}, plan_uid FROM ({file_plans.plans(con)}) ORDER BY ALL").fetchall()


def test_a_plan_stands_once_whatever_files_use_it():
    gold = ("Gold", "HIOS", "1", "Group", "Acme", None)
    uid = hashlib.md5(b'["Gold","hios","1","group","Acme",null]').hexdigest()
    assert plans(gold, gold, ("Gold", "hios", "1", "group", "Acme", None)) == [
        ("Gold", "hios", "1", "group", "Acme", None, uid)
    ]


def test_plans_that_differ_in_anything_are_two():
    one = ("Gold", "ein", "1", "group", None, "Sponsor")
    assert (
        len(plans(one, ("Gold", "ein", "1", "group", None, None), ("Gold", "ein", "2", "group", None, "Sponsor"))) == 3
    )


def test_no_character_of_a_name_makes_two_plans_one():
    found = plans(("A|B", "ein", "1", "group", None, None), ("A", "B|ein", "1", "group", None, None))
    assert len({one[-1] for one in found}) == len(found) == 2
    found = plans(("A", None, "1", None, "B|", None), ("A", None, "1", None, "B", "|"))
    assert len({one[-1] for one in found}) == len(found) == 2


def test_an_empty_text_is_null():
    without = ("Gold", "hios", "1", None, None, None)
    assert [one[:-1] for one in plans(without, ("Gold", "hios", "1", "", "", ""))] == [without]
    assert plans(("", "hios", "", "group", "Acme", None)) == []


def test_a_header_that_names_none_gives_none():
    assert plans((None, None, None, None, None, None), (None, "hios", None, "group", "Acme", None)) == []
    assert [one[2] for one in plans((None, None, "7", None, None, None))] == ["7"]

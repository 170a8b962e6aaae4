"""dim_code_cat_history: categories of codes with the days they hold."""

from __future__ import annotations

import gzip
import itertools
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import naming
from pipeline.readers import codes
from reference_tables import connection, run, stage

LABEL = {"category_source": "betos", "source_file": "labels.csv"}


def category(code, start, label, *, end=None, source="rbcs", release="2022", **more):
    parts = {"procedure_set": label, "procedure_class": "class", "procedure_group": "group", "source_file": release}
    key = {"category_source": source, "proc_cd": code, "effective_from": start, "effective_to": end, "release": release}
    return key | parts | more


def history(rows, source="rbcs", labels=()):
    con = connection(category_source=source)
    stage(con, "staged_category", rows)
    stage(con, "staged_category_label", [LABEL | {"prefix": p, "label": t} for p, t in labels])
    return run(con, "dim_code_cat_history")


def test_a_row_holds_until_the_day_before_the_next():
    rows = [
        category("00001", "2016-01-01", "b"),
        category("00001", "2014-01-01", "a"),
        category("00002", "2014-01-01", "c"),
    ]
    assert [r[:4] for r in history(rows)] == [
        ("00001", "2014-01-01", "2015-12-31", "a"),
        ("00001", "2016-01-01", "9999-12-31", "b"),
        ("00002", "2014-01-01", "9999-12-31", "c"),
    ]


def test_a_published_end_is_kept():
    rows = [category("1", "2014-01-01", "a", end="2014-06-30"), category("1", "2016-01-01", "b", end="2019-12-31")]
    assert [r[1:3] for r in history(rows)] == [("2014-01-01", "2014-06-30"), ("2016-01-01", "2019-12-31")]


def test_the_later_release_replaces_a_code_whole():
    rows = [category("1", "2014-01-01", "old"), category("2", "2014-01-01", "only old")]
    rows += [category("1", "2015-01-01", "new", release="2023")]
    assert [(r[0], r[1], r[3]) for r in history(rows)] == [("1", "2015-01-01", "new"), ("2", "2014-01-01", "only old")]


def test_sources_are_never_mixed():
    rows = [category("1", "2014-01-01", "a"), category("2", "1900-01-01", "b", source="betos", release=None)]
    assert [r[0] for r in history(rows)] == ["1"]
    assert [r[0] for r in history(rows, source="betos")] == ["2"]


def test_the_label_of_the_two_letters_cuts_off_the_class():
    text = "Injections and Infusions - non-oncologic-Other"
    row = category("96365", "1900-01-01", "Treatments", source="betos", class_prefix="RI", class_and_group=text)
    (cut,) = history([row], "betos", [("RI", "Injections and Infusions - non-oncologic"), ("R", "TREATMENTS")])
    assert cut[3:] == ("Treatments", "Injections and Infusions - non-oncologic", "Other")
    assert history([row], "betos")[0][4:] == ("class", "group")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.integers(2010, 2030), st.one_of(st.none(), st.integers(0, 9))),
        max_size=12,
        unique_by=lambda r: r[:2],
    )
)
def test_rows_never_overlap(drawn):
    rows = [category(c, f"{y}-01-01", "x", end=None if n is None else f"{y + n}-12-31") for c, y, n in drawn]
    found = history(rows)
    assert len(found) == len(rows)
    for before, after in itertools.pairwise(found):
        assert before[1] <= before[2]
        assert before[0] != after[0] or before[2] < after[1]


def test_nothing_staged_gives_no_row():
    assert history([]) == []


@pytest.mark.parametrize(("source", "rows", "several"), [("rbcs", 17033, 1471), ("betos", 8992, 0)])
def test_the_published_files(real, source, rows, several):
    read = [codes.read(path) for path in sorted((real / "codes").iterdir())]
    con = connection(category_source=source)
    for name in ("staged_category", "staged_category_label"):
        stage(con, name, pl.concat(frames[name] for frames in read if name in frames))
    found = run(con, "dim_code_cat_history")
    assert len(found) == rows
    counts = pl.Series([r[0] for r in found]).value_counts()["count"]
    assert (counts > 1).sum() == several
    assert not [r for r in found if None in r]
    # 0001U: no family from 2014, genetic analysis from 2016; the office visit of both sources
    by_code = {r[0]: r[3:] for r in found}
    if source == "rbcs":
        assert [r[1:3] + r[5:] for r in found if r[0] == "0001U"] == [
            ("2014-01-01", "2015-12-31", "No RBCS Family"),
            ("2016-01-01", "9999-12-31", "Genetic Analysis"),
        ]
        assert by_code["99213"][:2] == ("E&M", "Office/Outpatient Services")
    else:
        assert by_code["99213"] == (
            "Evaluation and Management",
            "Office/ outpatient services",
            "Established office visits",
        )


def test_of_the_codes_that_a_payer_published_in_june_2025_all_but_a_few_have_a_category(real):
    path = real / "mrf" / "TX" / "2025-06-23_Evry-Health_in-network-rates.json.gz"
    items = json.loads(gzip.decompress(path.read_bytes()))["in_network"]
    joined = {naming.join_code(i["billing_code_type"], i["billing_code"]) for i in items}
    assert {kind for kind, _ in joined} == {"HCPCS"}
    published = {code for _, code in joined}
    con = connection(category_source="rbcs")
    stage(con, "staged_category", codes.read(real / "codes" / "rbcs_2024.csv")["staged_category"])
    rows = run(con, "dim_code_cat_history", "proc_cd", "effective_from", "effective_to")
    in_force = [code for code, start, end in rows if start <= "2025-06-01" <= end]
    assert len(in_force) == len(set(in_force))  # the file ends no code, so each has one category on any day
    found = published & set(in_force)
    assert (len(published), len(found)) == (3483, 3470)  # 99.6 %; of the rest five are drugs, three hearing aids

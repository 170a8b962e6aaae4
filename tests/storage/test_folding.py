"""Names that a file system takes for one: which pairs those are, and what a folder here makes of names."""

from __future__ import annotations

import pytest

from pipeline.storage import folding
from pipeline.storage.folding import Folding

NONE, CASE, FORM, BOTH = Folding(), Folding(case=True), Folding(form=True), Folding(case=True, form=True)


@pytest.mark.parametrize(
    ("paths", "shared_by"),
    [
        (["a=1/b=x", "a=1/b=y"], []),
        (["a=1/b=x", "a=1/b=X"], [CASE, BOTH]),
        (["A=1/b=x", "a=1/b=y"], [CASE, BOTH]),  # one folder under two names, though the files are two
        (["a=1/b=x", "a=1x/b=X"], []),
        (["caf\u00e9", "cafe\u0301"], [FORM, BOTH]),
        (["CAF\u00c9", "cafe\u0301"], [BOTH]),
        (["stra\u00dfe", "STRASSE"], [CASE, BOTH]),
    ],
)
def test_two_paths_are_twins_where_a_step_of_theirs_is_one_name(paths, shared_by):
    for kind in (NONE, CASE, FORM, BOTH):
        assert list(kind.twins(paths)) == ([tuple(sorted(paths))] if kind in shared_by else [])


def test_of_three_names_of_one_file_each_is_told_with_the_first():
    assert list(CASE.twins(["b", "a/X", "a/x", "A/y"])) == [("A/y", "a/X"), ("A/y", "a/x")]


def test_a_folder_is_asked_by_a_file_that_is_gone_afterwards(tmp_path):
    folding.of.cache_clear()
    (tmp_path / "Name").touch()
    found = folding.of(tmp_path / "new")
    assert found.case == (tmp_path / "nAME").exists()
    assert list((tmp_path / "new").iterdir()) == []
    assert folding.of.cache_info().misses == 1
    assert folding.of(tmp_path / "new") is found

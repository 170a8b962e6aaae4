"""A registry file that holds too much of one thing is refused by its place."""

from __future__ import annotations

import json
import zipfile

import pytest

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.nppes import read as nppes
from pipeline.readers.nppes import registry_csv

COLUMNS = list(registry_csv._EXTRACT.values())
ROW = "1234567893,1" + "," * (len(COLUMNS) - 2)


def rows(path) -> int:
    return sum(frame.height for frames in nppes.read(path) for name, frame in frames.items() if name == "staged_nppes")


@pytest.mark.parametrize("name", ["registry.csv", "registry.zip"])
def test_a_line_that_is_too_long_is_refused_by_its_place(tmp_path, monkeypatch, name):
    monkeypatch.setattr(registry_csv, "BLOCK_BYTES", 1_000)
    for length, whole in ((400, True), (5_000, False)):
        text = "\n".join([",".join(COLUMNS), ROW, ROW.replace(",1,", f",1,{'x' * length},", 1)[:-1], ROW, ""])
        if name.endswith(".zip"):
            with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("registry.csv", text)
        else:
            (tmp_path / name).write_text(text)
        if whole:
            assert rows(tmp_path / name) == 3
            continue
        with pytest.raises(
            SourceError, match="has a line of more than 2 MB, the most that is read of a line"
        ) as caught:
            rows(tmp_path / name)
        file, _, line = caught.value.place.rpartition(":")
        assert file.endswith("registry.csv")
        assert int(line) in (2, 3), "the first of the block that holds it"


def test_answers_that_are_too_large_are_refused_by_name(tmp_path, monkeypatch):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"result_count": 0, "results": []}) + " " * 2_000)
    assert rows(path) == 0
    monkeypatch.setattr(limits, "MOST_ANSWERS", 1_000)
    with pytest.raises(SourceError, match="holds more than 1,000 bytes, the most that is read of answers") as caught:
        rows(path)
    assert "answers.json" in caught.value.place
    with zipfile.ZipFile(tmp_path / "answers.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "answers.json")
    with pytest.raises(SourceError, match="holds more than 1,000 bytes") as caught:
        rows(tmp_path / "answers.zip")
    assert "answers.zip!answers.json" in caught.value.place


@pytest.mark.parametrize(
    ("values", "fact"),
    [
        ("[]," * 100 + "1", "holds [0-9]+ values, where 50 are the most that are read"),
        ("[" * 40_000, "nests too deeply|holds"),
        ("1" * 9_000, "record 1 is not one of the NPI Registry API"),
    ],
)
def test_answers_of_too_many_or_too_large_values_are_refused_by_name(tmp_path, monkeypatch, values, fact):
    if "," in values:
        monkeypatch.setattr(limits, "MOST_ANSWER_VALUES", 50)
    path = tmp_path / "answers.json"
    path.write_text(f'{{"results": [{values}]}}')
    with pytest.raises(SourceError, match=fact) as caught:
        rows(path)
    assert "answers.json" in caught.value.place

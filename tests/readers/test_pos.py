"""Reader of place-of-service codes."""

from __future__ import annotations

import pytest

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import pos
from pipeline.readers.reference_files.account import Account


def staged(tmp_path, text: str) -> list[tuple]:
    path = tmp_path / "codes.csv"
    path.write_text(text)
    return pos.read(path)["staged_pos_code"].rows()


def test_types_and_lost_zeros(tmp_path):
    text = "pos_code,pos_type,pos_name\n1,Non-Facility,Pharmacy\n21,Facility,Inpatient Hospital\n28,Unassigned,Unassigned\n"
    assert staged(tmp_path, text) == [
        ("01", "Pharmacy", False, "codes.csv"),
        ("21", "Inpatient Hospital", True, "codes.csv"),
        ("28", "Unassigned", None, "codes.csv"),
    ]


def test_what_is_wrong_is_said_with_its_line(tmp_path):
    with pytest.raises(SourceError, match=r"codes\.csv:3: pos_code 'x1' is no code"):
        staged(tmp_path, "pos_code,pos_type,pos_name\n11,Non-Facility,Office\nx1,Facility,Ward\n")
    with pytest.raises(SourceError, match="place of service 11 is listed more than once"):
        staged(tmp_path, "pos_code,pos_type,pos_name\n11,Non-Facility,Office\n11,Facility,Office\n")
    with pytest.raises(SourceError, match="without the column pos_name"):
        staged(tmp_path, "pos_code,pos_type\n11,Facility\n")
    with pytest.raises(SourceError, match="the file is empty"):
        staged(tmp_path, "\n")
    with pytest.raises(UnrecognisedFile):
        staged(tmp_path, "see the layout\n")


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("pos_code,pos_name\n11,Office\n21,Hospital\n28,Unassigned\n", "codes.csv: 11 without a type"),
        ("pos_code,pos_type,pos_name\n11,Clinic,Office\n21,,Hospital\n28,,Unassigned\n", "codes.csv: 11 Clinic"),
    ],
)
def test_codes_without_a_type_are_kept_and_counted(tmp_path, text, warned):
    path = tmp_path / "codes.csv"
    path.write_text(text)
    account = Account()
    assert pos.read(path, account)["staged_pos_code"]["facility"].to_list() == [None, None, None]
    ((kind, count, example),) = account.warnings
    assert (kind, count) == ("no_kind", 2)
    assert example.split("; ")[0] == warned


def test_the_published_list(real):
    table = pos.read(real / "pos" / "pos_codes.csv")["staged_pos_code"]
    counts = table["facility"].value_counts().rows()
    assert table.height == 99
    assert dict(counts) == {False: 34, True: 18, None: 47}
    assert table.filter(table["pos"] == "24").row(0)[:3] == ("24", "Ambulatory Surgical Center", True)

"""What a bundle or capitation contains."""

from __future__ import annotations

from dimension_rows import ALSO_NEW, MONTH, NEW, made
from pipeline import naming


def test_one_row_a_code_in_however_many_files():
    uid = naming.contained_codes_uid([("bundled_codes", "CPT", "36415"), ("covered_services", "CPT", "80053")])
    row = {"contained_codes_uid": uid, "role": "bundled_codes", "code_type": "CPT", "code": "36415"}
    rows = [row | {"file": f} for f in (NEW, ALSO_NEW)]
    rows.append(row | {"file": NEW, "role": "covered_services", "code": "80053"})
    assert made("xref_contained_code", MONTH, staged_contained_code=rows) == [
        ("2025-07", uid, "bundled_codes", "CPT", "36415"),
        ("2025-07", uid, "covered_services", "CPT", "80053"),
    ]


def test_no_source_no_row():
    assert made("xref_contained_code", []) == []

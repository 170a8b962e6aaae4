"""Which NPI of a provider group bills under which TIN."""

from __future__ import annotations

from dimension_rows import ANA, BOB, GROUPS, MEMBERS, MONTH, NEW, ROWS, TIN_ONLY, group, made, member


def test_who_bills_under_which_tin():
    found = made("xref_group_member", MONTH, staged_group=GROUPS[:1], staged_member=ROWS)
    assert [row[3:] for row in found] == [
        ("ein", "741234567", ANA),
        ("ein", "741234567", BOB),
        ("ein", "759999999", ANA),
        ("ein", "760000001", None),
    ]


def test_members_under_a_tin_that_is_nobodys_bill_under_none():
    """Two people whose TIN is published as 0: members under no TIN."""
    rows = [member(npi, tin=None, members=uid) | {"tin_type": "npi"} for npi, uid in ((ANA, MEMBERS), (BOB, TIN_ONLY))]
    known = {"staged_group": [group(NEW, "g1"), group(NEW, "g4", members=TIN_ONLY)], "staged_member": rows}
    assert [row[2:] for row in made("xref_group_member", MONTH, **known)] == [
        ("g1", "npi", None, ANA),
        ("g4", "npi", None, BOB),
    ]


def test_no_source_no_row():
    assert made("xref_group_member", []) == []

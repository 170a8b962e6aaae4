"""Which TINs a provider group has."""

from __future__ import annotations

from dimension_rows import ANA, BOB, GROUPS, MEMBERS, MONTH, NEW, ROWS, TIN_ONLY, group, made, member


def test_every_tin_of_every_group_once():
    found = made("xref_group_tin", MONTH, staged_group=GROUPS, staged_member=ROWS)
    assert [row[2:] for row in found] == [
        *((uid, "ein", tin) for uid in ("g1", "g2") for tin in ("741234567", "759999999", "760000001")),
        ("g4", "ein", "760000001"),
        ("g5", "ein", "741234567"),
    ]


def test_a_tin_that_is_nobodys_is_shared_by_no_groups():
    """Two people whose TIN is published as 0: members under no TIN, in none of the tables of TINs."""
    rows = [member(npi, tin=None, members=uid) | {"tin_type": "npi"} for npi, uid in ((ANA, MEMBERS), (BOB, TIN_ONLY))]
    known = {"staged_group": [group(NEW, "g1"), group(NEW, "g4", members=TIN_ONLY)], "staged_member": rows}
    assert made("xref_group_tin", MONTH, **known) == []


def test_those_of_star_schemas_come_beside():
    """But nothing for a group that a file of ours defines."""
    brought = {"pg_uid": "s1", "payer_slug": "brought", "year_month": "2025-07", "batch_id": "s"}
    tins = [
        brought | {"tin_type": "ein", "tin_value": "1"},
        brought | {"pg_uid": "g1", "tin_type": "ein", "tin_value": "2"},
    ]
    known = {"staged_group": GROUPS[:1], "staged_member": ROWS[:1]}
    assert [row[1:] for row in made("xref_group_tin", MONTH, star_group_tin=tins, **known)] == [
        ("brought", "s1", "ein", "1"),
        ("evry_health", "g1", "ein", "741234567"),
    ]


def test_no_source_no_row():
    assert made("xref_group_tin", []) == []

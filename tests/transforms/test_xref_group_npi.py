"""Which NPIs a provider group has."""

from __future__ import annotations

from dimension_rows import ANA, BOB, EVA, GROUPS, MONTH, ROWS, made


def test_every_npi_of_every_group_once():
    """No row for a TIN alone, none for a group that nobody defines, one where an NPI bills under two TINs."""
    assert made("xref_group_npi", MONTH, staged_group=GROUPS, staged_member=ROWS) == [
        ("2025-07", "evry_health", "g1", ANA),
        ("2025-07", "evry_health", "g1", BOB),
        ("2025-07", "evry_health", "g2", ANA),
        ("2025-07", "evry_health", "g2", BOB),
        ("2025-07", "evry_health", "g5", EVA),
    ]


def test_those_of_star_schemas_come_beside():
    """But nothing for a group that a file of ours defines."""
    brought = {"pg_uid": "s1", "payer_slug": "brought", "year_month": "2025-07", "batch_id": "s"}
    npis = [brought | {"npi": ANA}, brought | {"pg_uid": "g1", "npi": "1999999984"}]
    known = {"staged_group": GROUPS[:1], "staged_member": ROWS[:1]}
    assert [row[1:] for row in made("xref_group_npi", MONTH, star_group_npi=npis, **known)] == [
        ("brought", "s1", ANA),
        ("evry_health", "g1", ANA),
    ]


def test_no_source_no_row():
    assert made("xref_group_npi", []) == []

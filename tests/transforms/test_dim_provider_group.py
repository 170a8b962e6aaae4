"""The provider groups that a month's files name."""

from __future__ import annotations

import staged_rates
from dimension_rows import ALSO_NEW, GROUPS, MEMBERS, MONTH, NEW, ROWS, TIN_ONLY, made


def test_a_row_for_each_group_of_each_file():
    batch, other = staged_rates.batch(NEW), staged_rates.batch(ALSO_NEW)
    assert made("dim_provider_group", MONTH, staged_group=GROUPS) == [
        ("g1", "2025-07", "evry_health", "7", MEMBERS, "HMO|PPO", batch, "1.0.0", True),
        ("g2", "2025-07", "evry_health", None, MEMBERS, None, batch, "1.0.0", True),
        ("g3", "2025-07", "evry_health", "690.65627", None, None, batch, "1.0.0", False),
        ("g4", "2025-07", "evry_health", "7", TIN_ONLY, None, batch, "1.0.0", True),
        ("g5", "2025-07", "evry_health", "7", MEMBERS, None, other, "1.0.0", True),
    ]


def test_those_of_star_schemas_come_beside():
    """But nothing for a group that a file of ours defines."""
    brought = {"pg_uid": "s1", "payer_slug": "brought", "year_month": "2025-07", "batch_id": "s"}
    groups = [brought | {"has_members": True}, brought | {"pg_uid": "g1", "has_members": True}]
    known = {"staged_group": GROUPS[:1], "staged_member": ROWS[:1]}
    assert [(row[0], row[2]) for row in made("dim_provider_group", MONTH, star_group=groups, **known)] == [
        ("g1", "evry_health"),
        ("s1", "brought"),
    ]


def test_no_source_no_row():
    assert made("dim_provider_group", []) == []

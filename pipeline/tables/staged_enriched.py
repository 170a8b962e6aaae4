"""What the enriched stage works from: which rows make which leaf.

What belongs here: its columns. What must not come in: how leaves are cut (`transforms.leaf_plan`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

LEAF_PLAN = table(
    "leaf_plan",
    "staged/enriched",
    "partition first_row:int64 rows:int64 digest leaf_group reason",
    key="partition",
    sort="first_row",
    sharded=True,
    doc="One row per leaf of a month: its rows in the joined file, the digest of its content, the leaf whose name "
    "its group has, and why it is withheld (null when it is not).",
)

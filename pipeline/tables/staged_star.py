"""What ingest leaves of a star schema that was brought: the same tables as published, before they are merged."""

from __future__ import annotations

from pipeline.tables import table
from pipeline.tables.published import FACT_RATE

STAR_FACT = table(
    "star_fact",
    "staged/star",
    " ".join(f"{c}:{k}" for c, k in FACT_RATE.columns.items()),
    key="fact_uid",
    doc="Facts as given, their fact_uid kept; columns that the given schema lacks are null.",
)

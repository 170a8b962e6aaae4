"""The Luigi tasks, one a table.

What belongs here: what a table needs, where its file is, which transform makes it. What must not come in: what data mean
(`transforms`).

`luigi --module pipeline.stages enriched.Partition --month 2025-08 --payer-slug …` runs one of them alone, in the
warehouse that the settings name.
"""

from pipeline.stages import (
    bench,
    coverage,
    dims,
    enriched,
    enriched_rows,
    facts,
    in_network_file,
    ingest,
    raw,
    reference_file,
    star,
    warehouse,
    xrefs,
)

__all__ = [
    "bench",
    "coverage",
    "dims",
    "enriched",
    "enriched_rows",
    "facts",
    "in_network_file",
    "ingest",
    "raw",
    "reference_file",
    "star",
    "warehouse",
    "xrefs",
]

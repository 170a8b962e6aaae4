"""The staged tables of a table of contents: plans and files by the structure in which they are together.

What belongs here: their declarations. What must not come in: how such a table is read (`readers.toc`), which files of ours it lists (`transforms.file_plans`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

STAGED_TOC_PLAN = table(
    "staged_toc_plan",
    "staged/toc",
    "structure:int64 plan_name plan_id_type plan_id plan_market_type issuer_name plan_sponsor_name source_file",
    key="structure plan_name plan_id_type plan_id plan_market_type issuer_name plan_sponsor_name source_file",
    doc="The plans of each reporting structure of a table of contents.",
)
STAGED_TOC_FILE = table(
    "staged_toc_file",
    "staged/toc",
    "structure:int64 location file_key source_file",
    key="structure location source_file",
    doc="The in-network files of each reporting structure; file_key is what a file's name is compared by (`naming.listed_file_key`).",
)

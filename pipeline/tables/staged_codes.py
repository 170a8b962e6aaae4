"""The staged tables of code sets: procedure categories, provider taxonomy and places of service.

What belongs here: their columns. What must not come in: which source counts where several have a code (`transforms`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

STAGED_CATEGORY = table(
    "staged_category",
    "staged/codes",
    """category_source proc_cd effective_from effective_to procedure_set procedure_class procedure_group class_prefix
    class_and_group major_indicator code_added code_ended release source_file source_row:int64""",
    key="category_source proc_cd effective_from source_file source_row",
    doc="A HCPCS code's category. category_source: rbcs or betos. effective_to is null where the publisher gives none; "
    "an undated source (betos) holds from 1900-01-01. class_prefix and class_and_group are BETOS 2.0's own, for the class "
    "label to be cut off exactly; release is the latest date (rbcs) the file holds, or null.",
)
STAGED_CATEGORY_LABEL = table(
    "staged_category_label",
    "staged/codes",
    "category_source prefix label source_file",
    key="category_source prefix source_file",
    doc="BETOS 2.0 labels: one letter names the set, two letters the class.",
)
STAGED_TAXONOMY = table(
    "staged_taxonomy",
    "staged/codes",
    "taxonomy_code grouping classification specialization display_name description release source_file",
    key="taxonomy_code source_file",
    doc="NUCC Health Care Provider Taxonomy. description is `classification, specialization`, as the registry words it; "
    "release is the version in the file's name (nucc_taxonomy_251.csv), null where that has none.",
)
STAGED_POS_CODE = table(
    "staged_pos_code",
    "staged/pos",
    "pos pos_name facility:bool source_file",
    key="pos source_file",
    doc="Place-of-service codes; facility is null where CMS assigned neither type (unassigned codes).",
)

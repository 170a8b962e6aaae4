"""Says what stays as published while a reference file cannot be read: words for each staged table.

What belongs here: what each staged table is needed for, in words; a new one belongs into `_NEEDED_FOR`. What must not come in: which table is built
(`stages`).
"""

from __future__ import annotations

from collections.abc import Iterable

_PFS = "the rates of the physician fee schedule (PFS)"
_OPPS, _ASC = "the rates of hospital outpatient care (OPPS)", "the rates of surgical centers (ASC)"
_NEEDED_FOR = {
    "staged_pfs_rvu": (_PFS,),
    "staged_gpci": (_PFS,),
    "staged_anesthesia": (_PFS,),
    "staged_anesthesia_base": (_PFS,),
    "staged_zip_locality": ("the rates of a provider's own locality",),
    "staged_opps": (_OPPS,),
    "staged_asc": (_ASC,),
    "staged_asc_device": (_ASC,),
    "staged_wage_index": (_OPPS, _ASC),
    "staged_wage_index:OPPS": (_OPPS,),
    "staged_wage_index:ASC": (_ASC,),
    "staged_wcfs": ("the rates of workers' compensation",),
    "staged_nppes": ("the providers, and the enriched rows",),
    "staged_nppes_address": ("the providers' addresses, and the enriched rows",),
    "staged_taxonomy": ("the providers, and the enriched rows",),
    "staged_category": ("the code categories, and the enriched rows",),
    "staged_category_label": ("the code categories, and the enriched rows",),
    "staged_toc_plan": ("the plans of files",),
    "staged_toc_file": ("the plans of files",),
    "staged_pos_code": ("the places of service, and the enriched rows",),
    **dict.fromkeys(
        ("staged_zip_cbsa", "staged_zip_county", "staged_zip_place", "staged_cbsa_county", "staged_geocode"),
        ("the places of addresses, and the enriched rows",),
    ),
}


def sentence(feeds: Iterable[str]) -> str:
    """What stays as it was published until a file is mended that would give these staged tables."""
    needed = list(dict.fromkeys(word for table in feeds for word in _NEEDED_FOR.get(table, ())))
    if not needed:
        return "it holds up nothing else"
    words = " and ".join(needed)
    return f"as long as it is not read, {words} stay as they were published; all else is built"

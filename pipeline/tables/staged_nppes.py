"""The staged tables of provider-registry files.

What belongs here: their columns. What must not come in: which of several addresses or specialties counts (`transforms`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

STAGED_NPPES = table(
    "staged_nppes",
    "staged/nppes",
    """npi source_kind source_file source_row:int64 source_date release_date enumeration_type status first_name
    middle_name last_name name_prefix name_suffix organization_name other_organization_name parent_organization_name
    credential sole_proprietor enumeration_date last_updated certification_date deactivation_date reactivation_date
    replacement_npi primary_taxonomy_code primary_taxonomy_desc primary_taxonomy_state primary_taxonomy_license
    primary_specialty_desc""",
    key="npi source_kind source_file source_row",
    dictionary_encode="""source_kind source_file source_date release_date enumeration_type status name_prefix name_suffix sole_proprietor
    enumeration_date last_updated certification_date deactivation_date reactivation_date primary_taxonomy_code
    primary_taxonomy_desc primary_taxonomy_state primary_specialty_desc""",
    doc="One row per record of a registry file. source_kind: api (NPI Registry answer), monthly (npidata_pfile, weekly "
    "update too), extract, deactivation (report of NPIs and dates). source_date is the record's own date: the latest "
    "of its update, deactivation and reactivation; release_date the file's, from its name, null where that has none. "
    "source_row numbers the file's records from 1. A deactivated record may hold nothing but its NPI and date: "
    "enumeration_type is null then. primary_specialty_desc is the extract's own wording, not a taxonomy description.",
)
STAGED_NPPES_ADDRESS = table(
    "staged_nppes_address",
    "staged/nppes",
    """npi address_purpose position:int64 address_hash address_type address_1 address_2 city state postal_code
    country_code telephone_number fax_number source_kind source_file source_row:int64 source_date release_date""",
    key="npi address_purpose position source_kind source_file source_row",
    dictionary_encode="address_purpose address_type state country_code source_kind source_file source_date release_date",
    doc="One row per address of a record. address_purpose: LOCATION or MAILING; position counts within the purpose, 1 "
    "is the primary one. source_kind as in staged_nppes, or locations (pl_pfile: further practice locations, all at "
    "position 2 in the order of source_row; their source_date is the file's, for its records carry none).",
)

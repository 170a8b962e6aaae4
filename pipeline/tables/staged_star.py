"""The staged tables of an imported star schema: typed tables, before they are merged with what else is known.

batch_id is the star schema's id. first_month and last_month are those of its facts: where star schemas differ, the
earliest text of a code or payer stays, and the latest word on a provider counts.

What belongs here: their columns. What must not come in: how another layout is recognised (`readers.star`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table
from pipeline.tables.published import FACT_RATE

# ---- of a month --------------------------------------------------------------------------------------------------

STAR_FACT = table(
    "star_fact",
    "staged/star_month",
    " ".join(f"{c}:{k}" for c, k in FACT_RATE.columns.items()),
    key="fact_uid",
    doc="The month's facts as given, their fact_uid kept; columns that the given schema lacks are null.",
)
STAR_GROUP = table(
    "star_group",
    "staged/star_month",
    """payer_slug pg_uid year_month provider_group_id_raw pg_members_uid network_names version has_members:bool
    batch_id""",
    key="payer_slug pg_uid",
    doc="Every provider group that the month's facts name; payer_slug is the slug of the fact's reporting_entity_name.",
)
STAR_GROUP_NPI = table(
    "star_group_npi",
    "staged/star_month",
    "payer_slug pg_uid npi year_month batch_id",
    key="payer_slug pg_uid npi",
    doc="The NPIs of those groups.",
)
STAR_GROUP_TIN = table(
    "star_group_tin",
    "staged/star_month",
    "payer_slug pg_uid tin_type tin_value year_month batch_id",
    key="payer_slug pg_uid tin_type tin_value",
    doc="The TINs of those groups.",
)

# ---- of a whole star schema --------------------------------------------------------------------------------------

STAR_CODE = table(
    "star_code", "staged/star", "code_type code code_desc name batch_id first_month", key="code_type code"
)
STAR_CODE_CAT = table(
    "star_code_cat",
    "staged/star",
    "proc_cd procedure_set procedure_class procedure_group batch_id first_month",
    key="proc_cd",
)
STAR_PAYER = table(
    "star_payer",
    "staged/star",
    "reporting_entity_name payer_slug reporting_entity_type version batch_id first_month",
    key="reporting_entity_name",
    doc="Every name of a payer, those that facts alone name included; payer_slug is the name's slug.",
)
STAR_POS_SET = table("star_pos_set", "staged/star", "pos_set_id pos_members:list batch_id", key="pos_set_id")
STAR_TIN = table(
    "star_tin", "staged/star", "tin_type tin_value business_name batch_id first_month", key="tin_type tin_value"
)
STAR_NPI = table(
    "star_npi",
    "staged/star",
    """npi enumeration_type status first_name last_name organization_name credential sole_proprietor enumeration_date
    last_updated primary_taxonomy_code primary_taxonomy_desc primary_taxonomy_state primary_taxonomy_license
    described:bool batch_id last_month""",
    key="npi",
    doc="Every NPI that it names; described where it says anything of it but the number.",
)
STAR_NPI_ADDRESS = table(
    "star_npi_address",
    "staged/star",
    """npi address_purpose address_hash address_type address_1 address_2 city state postal_code country_code
    telephone_number fax_number position:int64 batch_id last_month""",
    key="npi address_purpose address_hash",
    doc="position is the order in which its file lists an NPI's addresses of a purpose, from 1.",
)
STAR_NPI_ADDRESS_GEOLOCATION = table(
    "star_npi_address_geolocation",
    "staged/star",
    """npi address_hash latitude:float64 longitude:float64 county_name county_fips stat_area_name stat_area_code
    matched_address batch_id last_month""",
    key="npi address_hash",
    doc="What the guidelines fill in where a place is not known (0.0, Unknown, 00000, Not Geocoded) is null here.",
)

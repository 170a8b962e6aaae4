"""What ingest leaves of one in-network file: rates not yet multiplied by their provider groups."""

from __future__ import annotations

from pipeline.tables import table

STAGED_PRICE = table(
    "staged_price",
    "staged/in_network",
    """price_ix:int64 object_ix:int64 code_type code negotiation_arrangement severity_of_illness contained_codes_uid
    billing_class negotiated_type negotiated_rate:float64 expiration_date pos_set_id billing_code_modifiers
    additional_information setting""",
    key="price_ix",
    doc="One row per negotiated price, in the file's order; object_ix numbers the negotiated_rates object it stands in.",
)
STAGED_OWNER = table(
    "staged_owner",
    "staged/in_network",
    "owner_ix:int64 object_ix:int64 pg_uid",
    key="owner_ix",
    doc="One row per provider group that a negotiated_rates object names (a reference, or its one in-line list); "
    "a group named twice stands twice. A rate is read once per price and owner of the same object_ix.",
)
STAGED_GROUP = table(
    "staged_group",
    "staged/in_network",
    "pg_uid provider_group_id_raw pg_members_uid network_names",
    key="pg_uid",
    doc="Every group that the file defines or a rate names; pg_members_uid is null where the file does not define it.",
)
STAGED_MEMBER = table(
    "staged_member",
    "staged/in_network",
    "pg_members_uid tin_type tin_value npi",
    key="pg_members_uid tin_type tin_value npi",
    doc="The members behind each distinct pg_members_uid; npi is null where the publisher names the TIN only.",
)
STAGED_CODE = table(
    "staged_code",
    "staged/in_network",
    "code_type code code_desc name rates:int64",
    key="code_type code code_desc name",
    doc="Each distinct description of a code in the file, with the number of read rates under it.",
)
STAGED_POS_SET = table("staged_pos_set", "staged/in_network", "pos_set_id pos_members:list", key="pos_set_id")
STAGED_CONTAINED_CODE = table(
    "staged_contained_code",
    "staged/in_network",
    "contained_codes_uid role code_type code",
    key="contained_codes_uid role code_type code",
)
STAGED_TIN = table(
    "staged_tin",
    "staged/in_network",
    "tin_type tin_value business_name members:int64",
    key="tin_type tin_value business_name",
    doc="Each business name that the file gives a TIN (null if none), with the number of times it stands there.",
)

"""The staged tables of an in-network file: its rates, not yet multiplied by their provider groups.

What belongs here: their columns. What must not come in: columns of facts (`published`), how a field is read
(`readers.mrf_fields`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

# Prices and owners are most of a file: what they repeat is named by number. `_ix` columns are places or numbers, in the
# order in which things stand in the file; a rate is read once per price and owner of the same object_ix.
STAGED_PRICE = table(
    "staged_price",
    "staged/in_network",
    "object_ix:int32 item_ix:int32 terms_ix:int32 negotiated_rate:float64",
    key="",
    doc="One row per negotiated price, in the file's order; object_ix numbers the negotiated_rates object it is in.",
)
STAGED_ITEM = table(
    "staged_item",
    "staged/in_network",
    "item_ix:int32 code_type code negotiation_arrangement severity_of_illness contained_codes_uid",
    key="item_ix",
    doc="What the rates of an in_network item have in common; items that say the same share a row.",
)
STAGED_TERMS = table(
    "staged_terms",
    "staged/in_network",
    """terms_ix:int32 billing_class negotiated_type expiration_date pos_set_id billing_code_modifiers
    additional_information setting""",
    key="terms_ix",
    doc="What a price says beside its rate; prices that say the same share a row.",
)
STAGED_OWNER = table(
    "staged_owner",
    "staged/in_network",
    "object_ix:int32 group_ix:int32",
    key="",
    doc="One row per provider group that a negotiated_rates object names (a reference, or its one in-line list), in the "
    "file's order; a group named twice is there twice.",
)
STAGED_GROUP = table(
    "staged_group",
    "staged/in_network",
    "group_ix:int32 pg_uid provider_group_id_raw pg_members_uid network_names",
    key="group_ix",
    doc="Every group that the file defines or a rate names, numbered as rates name them, then the others; pg_members_uid "
    "is null where the file does not define it. No two have the same pg_uid.",
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
    doc="Each business name that the file gives a TIN (null if none), with the number of times it occurs there.",
)

"""The closed list of warnings that reading an in-network file can give.

What belongs here: a constant for each kind, its name and one sentence that says what it means. What must not come in:
where an issue was found and how often (`in_network.account`), what varies from file to file (the detail of an
example), records that cannot be read (they are rejected, not warned of).
"""

from __future__ import annotations

from typing import NamedTuple


class Issue(NamedTuple):
    """A kind of warning: its name in `source_warning`, and a sentence that says what it means for the rates."""

    kind: str
    meaning: str


RATE_OBJECT_WITHOUT_PROVIDER = Issue(
    "rate_object_without_provider",
    "A rate object names no provider group, so its prices belong to nobody and make no fact.",
)
RATE_OBJECT_WITHOUT_PRICES = Issue(
    "rate_object_without_prices", "A rate object has no negotiated_prices, so its provider groups get no rate from it."
)
ITEM_WITHOUT_RATES = Issue("item_without_rates", "An item has no negotiated_rates, so its code gets no rate from it.")
ITEM_WITHOUT_CODE = Issue(
    "item_without_code", "An item has no billing_code or no billing_code_type; its rates join no dimension by code."
)
NO_RATES = Issue("no_rates", "The file holds no rate.")
LIST_NULL = Issue("list_null", "The file's list of items or of provider references is null and is taken as empty.")
HEADER_UNREADABLE = Issue("header_unreadable", "A field of the file's header cannot be read and is taken as missing.")
ENTITY_MISSING = Issue(
    "entity_missing", "The file names no reporting entity (reporting_entity_name), so its rates are of no payer."
)
LABEL_UNREADABLE = Issue(
    "label_unreadable", "The name or description of an item cannot be read and is taken as missing."
)
PLACE_OF_SERVICE_NO_CODE = Issue(
    "place_of_service_no_code",
    "A place of service is no code of CMS and no CSTM-00; it is left out of a list that has others.",
)
PLACE_OF_SERVICE_UNREADABLE = Issue(
    "place_of_service_unreadable",
    "A list of places of service holds no code of CMS; the rate keeps a set of its own, which is no place and not any place.",
)
NUMBER_WITH_POINT = Issue(
    "number_with_point",
    "A whole number is written with a point or an exponent (12.0 for 12), as data frames write it; it is read as the number.",
)
SEVERAL_IN_ONE_TEXT = Issue(
    "several_in_one_text",
    'Several NPIs, places of service or modifiers are in one text ("21,22"); they are read as several.',
)
MISSING_SPELT_OUT = Issue(
    "missing_spelt_out", "A text says that there is no value (N/A, null, none, nan); it is read as a missing value."
)
DATE_IN_ANOTHER_FORM = Issue(
    "date_in_another_form",
    "A date is not written YYYY-MM-DD and has one reading (the month first, as 12/31/2025); it is read as that.",
)
INVISIBLE_CHARACTERS = Issue(
    "invisible_characters",
    "A code or another term holds blanks, no-break or zero-width spaces that nobody sees; they are left out.",
)
CODE_TYPE_UNKNOWN = Issue(
    "code_type_unknown",
    "A billing_code_type is none of CMS's schema; its rates keep it, and join no reference by code.",
)
CODE_UNUSUAL = Issue(
    "code_unusual", "A CPT or HCPCS code has not five letters and digits; its rates keep it as it is published."
)
MODIFIER_UNUSUAL = Issue(
    "modifier_unusual", "A modifier has not two letters and digits; its rates keep it as it is published."
)
OLDER_FORM = Issue(
    "older_form",
    "A key is of an older draft of the schema, or an object is where a list of them belongs; it is read as what it says.",
)
KEY_REPEATED = Issue(
    "key_repeated", "A key occurs twice in one object; the last value is read, and what was before it is lost."
)
NPI_UNUSUAL = Issue("npi_unusual", "An NPI has not ten digits; it is kept as published, and no registry knows it.")
NPI_OF_TIN = Issue(
    "npi_of_tin", "A group names no NPI, and its TIN is of type npi; the NPI that stands for the TIN is its provider."
)
EIN_ZERO_RESTORED = Issue(
    "ein_zero_restored", "An EIN of eight digits lost its leading zero, as numbers do; the zero is put back."
)
TIN_UNUSUAL = Issue(
    "tin_unusual", "A TIN is no EIN of nine digits and no NPI of ten, as its type says; it is kept as published."
)
TIN_MISSING = Issue(
    "tin_missing", "A provider group has no TIN, or 0 for it, which is nobody's; who bills for its NPIs is unknown."
)
REFERENCE_WITHOUT_ID = Issue(
    "reference_without_id", "A provider reference has no provider_group_id, so no rate can name it."
)
REFERENCE_WITHOUT_GROUPS = Issue(
    "reference_without_groups",
    "A provider reference has neither provider_groups nor a location; the providers of rates that name it are unknown.",
)
NPI_ZERO_BESIDE_OTHERS = Issue(
    "npi_zero_beside_others", "A list of NPIs holds 0, which means the TIN alone, beside real NPIs."
)
NPI_BLANK = Issue("npi_blank", "A list of NPIs holds null or blank entries, which are left out.")
REFERENCE_UNDEFINED = Issue(
    "reference_undefined", "Rates name a provider reference that the file does not define; their providers are unknown."
)
REFERENCE_UNUSABLE = Issue(
    "reference_unusable",
    "The file that holds the provider groups of a web address cannot be used; their providers are unknown.",
)
SURROGATE_HALF = Issue("surrogate_half", "A text holds half of a surrogate pair, which is replaced by U+FFFD.")
DECLARATION_IDLE = Issue(
    "declaration_idle",
    "A declared billing class is of no rate of the file: no rate has what its billing_class_where says.",
)

ALL = tuple(one for one in list(globals().values()) if isinstance(one, Issue))
BY_KIND = {one.kind: one for one in ALL}

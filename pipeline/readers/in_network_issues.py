"""The kinds of warnings that reading an in-network file may give: a closed list.

What belongs here: a constant for each kind, its name and one sentence that says what it means. What must not come in:
where an issue was found and how often (`in_network_account.Warnings`), what varies from file to file (the detail of an
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
LABEL_UNREADABLE = Issue(
    "label_unreadable", "The name or description of an item cannot be read and is taken as missing."
)
PLACE_OF_SERVICE_NO_CODE = Issue(
    "place_of_service_no_code", "A place of service is no code of CMS and no CSTM-00; it is left out of the list."
)
EXPIRATION_NO_DATE = Issue(
    "expiration_no_date", "An expiration_date is no date; the rate is taken as one without an end."
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

ALL = tuple(one for one in list(globals().values()) if isinstance(one, Issue))
BY_KIND = {one.kind: one for one in ALL}

"""TINs of plain form, read together: what `in_network_fields.tin` says of each, without an object of Python for any.

What belongs here: that. What must not come in: a reading of a TIN that `in_network_fields` has not, or a refusal: what is
not of plain form is left to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Nothing that `in_network_fields` would leave out but hyphens and blanks around a name, no escape, no key twice.
_PLAIN = (
    r'^\{ *"type" *: *"(?P<type>[A-Za-z]+)" *, *"value" *: *"(?P<value>-*[0-9A-Za-z][-0-9A-Za-z]*)" *'
    r'(?:, *"business_name" *: *"(?P<name>[ !#-\[\]-~]*)" *)?\}$'
)


class Plain(NamedTuple):
    """TINs that are of plain form: which of all these are, what their members begin with (`tin_type:tin_value:`), and
    tin_type, tin_value, business_name joined by a NUL, the last one empty where there is none."""

    places: np.ndarray
    prefixes: pa.Array
    keys: pa.Array


def plain(texts: pa.LargeStringArray) -> Plain:
    """Those of these TINs, JSON texts, that are of plain form."""
    found = pc.extract_regex(texts, _PLAIN)
    places = np.flatnonzero(found.is_valid())
    kind, value, name = found.drop_null().flatten()
    kind, value = pc.ascii_lower(kind), pc.replace_substring(value, "-", "")
    nothing, colon, nul = (pa.scalar(text, texts.type) for text in ("", ":", "\0"))
    prefixes = pc.binary_join_element_wise(kind, value, nothing, colon)
    return Plain(places, prefixes, pc.binary_join_element_wise(kind, value, pc.ascii_trim(name, " "), nul))

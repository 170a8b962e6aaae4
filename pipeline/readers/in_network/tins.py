"""The TINs of a file: those of plain form read together, what `mrf_membership.tin` says of each without an object of
Python for any; all of them numbered, counted and staged.

What belongs here: that. What must not come in: a reading of a TIN that `mrf_membership` has not, or a refusal: what is
not of plain form is left to it; who bills under a TIN (`in_network.members`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers.in_network.account import Tally
from pipeline.readers.in_network.staging import Rows
from pipeline.readers.mrf_membership import Tin

_TOGETHER = 1024  # are staged at a time

# An EIN or NPI as it should be, nothing that `mrf_membership` would leave out but a hyphen and blanks around a name, no
# escape, no key twice.
_PLAIN = (
    r'^\{ *"type" *: *"(?P<type>[Ee][Ii][Nn]|[Nn][Pp][Ii])" *, *"value" *: *"(?P<value>[0-9][0-9]-?[0-9]{7,8})" *'
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
    kind, value, name = found.flatten()
    kind, value = pc.ascii_lower(kind), pc.replace_substring(value, "-", "")
    digits = pc.if_else(pc.equal(kind, "ein"), 9, 10)
    nobody = pc.equal(pc.utf8_trim(value, "0"), "")
    good = pc.and_not(pc.equal(pc.binary_length(value), digits), nobody).fill_null(False)
    places = np.flatnonzero(good)
    kind, value, name = (column.filter(good) for column in (kind, value, name))
    nothing, colon, nul = (pa.scalar(text, texts.type) for text in ("", ":", "\0"))
    prefixes = pc.binary_join_element_wise(kind, value, nothing, colon)
    return Plain(places, prefixes, pc.binary_join_element_wise(kind, value, pc.ascii_trim(name, " "), nul))


def tin_key(tin: Tin) -> bytes:
    """What a TIN is numbered by, as `Plain.keys`."""
    return "\0".join(v or "" for v in tin).encode()


class Tins:
    """All TINs of a file by number, and how many entries name each."""

    def __init__(self):
        self._keys, self._entries = ByteInterner(), Tally()

    def numbers(self, tins: Iterable[Tin]) -> np.ndarray:
        """Their numbers."""
        return self._keys.numbers([tin_key(tin) for tin in tins])

    def numbers_of(self, keys: pa.LargeStringArray | pa.LargeBinaryArray) -> np.ndarray:
        """The numbers of TINs, by their keys."""
        return self._keys.numbers_of(keys)

    def count(self, numbers: np.ndarray, times: np.ndarray | int = 1) -> None:
        """Count entries in the order of the file, each so many times."""
        self._entries.add(numbers, times)

    def stage(self, rows: Rows) -> None:
        """Stage all of them, in the order in which they were counted first, and let go of them: no more can be numbered."""
        self._keys.only_read()
        order, times = self._entries.first_seen_order(), self._entries.ensure(len(self._keys))
        for start in range(0, len(order), _TOGETHER):
            numbers = order[start : start + _TOGETHER]
            for key, entries in zip(self._keys.spans(numbers), times[numbers].tolist(), strict=True):
                tin_type, value, name = key.decode().split("\0", 2)
                rows.add((tin_type or None, value or None, name or None, entries))
            rows.relieve()
        self._keys, self._entries = ByteInterner(), Tally()

"""The members of provider groups, of the entries that `in_network.scan.references` found: as text, many groups at once.

What belongs here: reading each distinct TIN once, putting entries together as `mrf_membership` does. What must not
come in: whose members they are (`in_network.provider_groups`), entries that are not of regular form.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers import mrf_membership as membership
from pipeline.readers.in_network.account import Column
from pipeline.readers.in_network.scan import slots
from pipeline.readers.in_network.tins import Tins, plain, tin_key
from pipeline.readers.json_stream.cursor import parsed_all
from pipeline.readers.mrf_fields import Notes, Unreadable

_LARGE = 4 << 20  # bytes of distinct TINs, at which they are forgotten
_NPIS = 10**10  # an NPI has ten digits
_MOST = (1 << 63) // _NPIS  # groups times TINs that can be numbered beside an NPI, to be sorted as one number


class Members:
    """Reads entries: rows of (number of the TIN's JSON text in `texts`, NPIs up to here); of lists, `ends` are the entries up
    to the end of each.

    tins  the file's
    """

    def __init__(self, tins: Tins):
        self._tins = tins
        self._fresh()

    def _fresh(self) -> None:
        self.texts, self._read = ByteInterner(), 0
        self._prefixes = ByteInterner()  # `tin_type:tin_value:`
        # Of texts; -1 where one is unreadable, or takes care to see.
        self._prefix_of, self._tin_of = Column(np.int64, -1), Column(np.int64, -1)

    def forget(self) -> None:
        """Let go of TINs where there are many, and no entry names them any more."""
        if self.texts.size > _LARGE:
            self._fresh()

    def read(self) -> None:
        """Read the TINs that are new."""
        first, last = self._read, len(self.texts)
        found = plain(self.texts.between(first, last))
        self._take(first + found.places, found.prefixes, found.keys)
        rest = np.delete(np.arange(first, last), found.places)
        readable, prefixes, keys = [], [], []
        for place, value in zip(rest.tolist(), parsed_all(self.texts.spans(rest)), strict=True):
            notes: Notes = []
            try:
                prefix, tin = membership.tin(value, notes)
            except Unreadable:
                continue
            if notes:  # they are told of each group that has it
                continue
            readable.append(place)
            prefixes.append(prefix)
            keys.append(tin_key(tin))
        self._take(readable, *(pa.array(texts, pa.large_binary()) for texts in (prefixes, keys)))
        self._read = last

    def _take(self, places: np.ndarray | list[int], prefixes: pa.Array, keys: pa.Array) -> None:
        last = len(self.texts)
        self._prefix_of.ensure(last)[places] = self._prefixes.numbers_of(prefixes)
        self._tin_of.ensure(last)[places] = self._tins.numbers_of(keys)

    def unreadable(self, entries: np.ndarray) -> np.ndarray:
        """The places of those entries of which the TIN cannot be read, or takes care to see."""
        return np.flatnonzero(self._prefix_of.ensure(len(self.texts))[entries[:, slots.ENTRY_TIN]] < 0)

    def readable(self, ends: np.ndarray, entries: np.ndarray, npis: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of which lists every TIN can be read; and the ends, entries and NPIs of these alone."""
        good = np.ones(len(ends), np.bool_)
        good[np.searchsorted(ends, self.unreadable(entries), "right")] = False
        if good.all():
            return good, ends, entries, npis
        sizes, named = np.diff(ends, prepend=0), np.diff(entries[:, slots.ENTRY_NPIS], prepend=0)
        left = np.repeat(good, sizes)
        rows = np.column_stack((entries[left, slots.ENTRY_TIN], np.cumsum(named[left])))
        return good, np.cumsum(sizes[good]), rows, npis[np.repeat(left, named)]

    def tins(self, entries: np.ndarray) -> np.ndarray:
        """The numbers of their TINs."""
        return self._tin_of.values[entries[:, slots.ENTRY_TIN]]

    def joined(self, ends: np.ndarray, entries: np.ndarray, npis: np.ndarray) -> pa.StringArray:
        """The members of lists of entries that can be read, as `Membership` has them."""
        used, place = np.unique(self._prefix_of.values[entries[:, slots.ENTRY_TIN]], return_inverse=True)
        if len(ends) > 1 and len(ends) * len(used) > _MOST:
            half = len(ends) // 2
            behind = int(ends[half - 1])
            named = int(entries[behind - 1, slots.ENTRY_NPIS])
            rest = ends[half:] - behind, entries[behind:] - (0, named), npis[named:]
            return pa.concat_arrays([self.joined(ends[:half], entries[:behind], npis[:named]), self.joined(*rest)])
        prefixes = pa.array(self._prefixes.spans(used), pa.string())
        order = pc.sort_indices(prefixes)
        rank = np.empty(len(used), np.int64)
        rank[order.to_numpy()] = np.arange(len(used))
        # Sorted as texts are: a prefix ends in its second colon, and all NPIs have ten digits.
        of_entry = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)) * len(used) + rank[place]
        members = np.repeat(of_entry, np.diff(entries[:, slots.ENTRY_NPIS], prepend=0)) * _NPIS + npis
        members.sort()
        members = members[np.concatenate(([True], members[1:] != members[:-1]))]
        of, npi = np.divmod(members, _NPIS)
        lists, tin = np.divmod(of, len(used))
        texts = prefixes.take(order).take(pa.array(tin)), pc.cast(pa.array(npi), pa.string())
        starts = np.searchsorted(lists, np.arange(len(ends) + 1)).astype(np.int32)
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(starts), pc.binary_join_element_wise(*texts, "")), "|")

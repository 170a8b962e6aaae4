"""The in-line lists of a file, provider groups that stand beside their prices: read together, numbered, and told apart by
who their members are.

What belongs here: that, on numbers and bytes. What must not come in: references and the rows of groups
(`in_network.provider_groups`), who the members of a list are (`in_network.members`, `mrf_membership`).
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers import mrf_membership as membership
from pipeline.readers.in_network.account import Column
from pipeline.readers.in_network.members import Members
from pipeline.readers.in_network.scan import references as reference_scan
from pipeline.readers.in_network.tins import Tins
from pipeline.readers.json_stream.cursor import parsed
from pipeline.readers.mrf_fields import Note


def members_digest(members: bytes) -> bytes:
    """`naming.members_uid` of members that are sorted, distinct and joined already, as bytes."""
    return hashlib.md5(members, usedforsecurity=False).digest()


class Inline(NamedTuple):
    """An in-line list: the number of its group, its TINs by number, and what is odd in it."""

    group: int
    tins: np.ndarray
    notes: tuple[Note, ...]


class _Unnumbered(NamedTuple):
    """An in-line list that has no number yet: its members, its TINs by number, and what is odd in it."""

    members: bytes
    tins: np.ndarray
    notes: tuple[Note, ...]


class Inlines:
    """In-line lists by number. Lists that are written differently have numbers of their own, but one group when their members
    are the same.

    group_ix  of groups, -1 before they are staged
    """

    def __init__(self, tins: Tins):
        self._tins = tins
        self._lists: list[Inline] = []
        self._groups = ByteInterner()  # their pg_members_uids
        self._members: dict[int, bytes] = {}  # of groups that are not staged yet
        self.group_ix = Column(np.int32, -1)
        self._entries = Members(tins)

    def __len__(self) -> int:
        return len(self._lists)

    def __getitem__(self, number: int) -> Inline:
        return self._lists[number]

    def forget(self) -> None:
        """Forget the numbers of lists; groups keep theirs."""
        self._lists.clear()

    def number(self, groups: Any) -> int:
        """The number of a list. Raises Unreadable."""
        return self._number_all([self._unnumbered(membership.membership(groups))])[0]

    def numbers(self, texts: ByteInterner, first: int, last: int) -> list[int | None]:
        """The numbers of lists by their JSON text, None for one that cannot be read."""
        entries_of = self._entries
        entries_of.forget()
        ends, entries, npis = reference_scan.lists(texts, first, last, entries_of.texts)
        entries_of.read()
        regular = np.flatnonzero(ends >= 0)
        found: list[_Unnumbered | None] = [None] * len(ends)
        good, ends, entries, npis = entries_of.readable(ends[regular], entries, npis)
        if len(regular := regular[good]):
            members = entries_of.joined(ends, entries, npis).cast(pa.binary())
            tins = np.split(entries_of.tins(entries).astype(np.int32), ends[:-1])
            for place, text, theirs in zip(regular.tolist(), members.to_pylist(), tins, strict=True):
                found[place] = _Unnumbered(text, theirs, ())
        for place, known in enumerate(found):
            if known is None:
                with contextlib.suppress(ValueError):
                    found[place] = self._unnumbered(membership.membership(parsed(texts.span(first + place))))
        counted = iter(self._number_all([one for one in found if one is not None]))
        return [None if one is None else next(counted) for one in found]

    def _unnumbered(self, found: membership.Membership) -> _Unnumbered:
        tins = self._tins.numbers(found.tins).astype(np.int32)
        return _Unnumbered(found.members.encode(), tins, found.notes)

    def _number_all(self, found: list[_Unnumbered]) -> list[int]:
        """Number lists together: each call into compiled code costs as much as a hundred of its numbers."""
        groups = self._groups.numbers([members_digest(one.members) for one in found]).tolist()
        known = self.group_ix.ensure(len(self._groups))
        first = len(self._lists)
        for group, one in zip(groups, found, strict=True):
            if known[group] < 0:
                self._members[group] = one.members
            self._lists.append(Inline(group, one.tins, one.notes))
        return list(range(first, len(self._lists)))

    def groups_of(self, numbers: np.ndarray) -> np.ndarray:
        """The groups of lists."""
        return np.array([self._lists[number].group for number in numbers.tolist()])

    def count_tins(self, numbers: np.ndarray, times: np.ndarray) -> None:
        """Count the TINs of lists, each of which stands so often in the file."""
        tins = [self._lists[number].tins for number in numbers.tolist()]
        if tins:
            self._tins.count(np.concatenate(tins), np.repeat(times, [len(one) for one in tins]))

    def take(self, groups: list[int]) -> tuple[list[bytes], list[bytes]]:
        """The members and the pg_members_uids, as bytes, of groups that are staged now."""
        return [self._members.pop(group) for group in groups], self._groups.spans(np.array(groups))

    def any_named(self) -> bool:
        """Whether a rate named any."""
        return bool((self.group_ix.values >= 0).any())

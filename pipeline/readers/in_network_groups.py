"""The provider groups of a file: its references, its in-line lists, and who their members are.

What belongs here: numbering groups, defining references, staging groups, members and TINs. Everything is held as
numbers in NumPy arrays or on disk: a payer's file defines millions of references. What must not come in: rates.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline import naming
from pipeline.readers import in_network_fields as fields
from pipeline.readers import in_network_reference_scan as reference_scan
from pipeline.readers.in_network_account import Account, Column, Tally, json_path
from pipeline.readers.in_network_fields import Unreadable
from pipeline.readers.in_network_members import Members, tin_key
from pipeline.readers.in_network_staging import Rows
from pipeline.readers.in_network_totals import Totals
from pipeline.readers.json_text import parsed
from pipeline.readers.spans import Spans
from pipeline.readers.spool import Spool

_TOGETHER = 1024  # references are numbered at a time

Resolve = Callable[[str], Sequence[dict] | None]


class Missing(Mapping):
    """Reference id -> URL, for the references of a file that were not resolved; kept on disk."""

    def __init__(self, spool: Spool, ids: Spans, places: dict[int, int] | np.ndarray, numbers: np.ndarray):
        self._spool, self._ids, self._places, self._numbers = spool, ids, places, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return (self._ids.span(number).decode() for number in self._numbers)

    def items(self) -> Iterator[tuple[str, str]]:
        """Ids and URLs, read in the file's order."""
        return ((self._ids.span(n).decode(), self._spool.get(int(self._places[n])).decode()) for n in self._numbers)

    def __getitem__(self, reference: str) -> str:
        for one, location in self.items():
            if one == reference:
                return location
        raise KeyError(reference)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    __hash__ = None


class _Definition(NamedTuple):
    """A reference as one record of the file defines it."""

    reference: bytes
    networks: tuple[str, ...] = ()
    location: str | None = None
    members: str | None = None
    tins: Sequence[fields.Tin] = ()
    spoilt: bool = False


class Definitions(NamedTuple):
    """References as records of the file define them, all of which can be read: their numbers in `Groups.ids`, a row each,
    their members (as `fields.Membership`) and network names; and the numbers of the TINs of all of them."""

    references: np.ndarray
    members: pa.StringArray
    networks: list[tuple[str, ...]]
    tins: np.ndarray


def _digest(members: bytes) -> bytes:
    """`naming.members_uid` of members that are sorted, distinct and joined already."""
    return hashlib.md5(members, usedforsecurity=False).digest()


class _Unnumbered(NamedTuple):
    """An in-line list that has no number yet: its members, its TINs by number, and what is odd in it."""

    members: bytes
    tins: np.ndarray
    mixed: bool
    blanks: bool


class Inline(NamedTuple):
    """An in-line list: the number of its group among in-line ones, its TINs by number, and what is odd in it."""

    group: int
    tins: np.ndarray
    mixed: bool
    blanks: bool


class Groups:
    """All provider groups of a file.

    A reference is known by its number in `ids`; an in-line list by its number in `inlines`, where lists that are
    written differently have numbers of their own, but one group when their members are the same.
    """

    def __init__(self, batch_id: str, rows: dict[str, Rows], account: Account, resolve: Resolve | None):
        self._batch_id, self._rows, self._account, self._resolve = batch_id, rows, account, resolve
        self.ids = Spans()
        self.named = Tally()  # the rates that name each reference
        self.inlines: list[Inline] = []
        self._inline_groups = Spans()  # the pg_members_uids of in-line groups
        self._inline_members: dict[int, bytes] = {}  # of in-line groups that are not staged yet
        self._prefix = hashlib.md5(f"{batch_id}|".encode(), usedforsecurity=False)
        self._count = 0  # of those that have a group_ix
        self._reference_ix, self._inline_ix = Column(np.int32, -1), Column(np.int32, -1)
        self._tins, self._tin_entries = Spans(), Tally()
        self._inline_read = Members(self.number_tins)
        self._memberships = Spans()  # pg_members_uids whose members are staged
        self._spool = Spool()
        self._waiting: list[_Definition] = []  # that are not numbered yet
        self._defined = Tally()
        self._members, self._locations = Column(np.int64, -1), Column(np.int64, -1)  # places in the spool
        self._networks, self._network_names = Column(np.int32), {(): 0}
        self._spoilt = Column(np.bool_)

    # Definitions.

    def define(self, record: Any, index: int) -> None:
        """Take in one definition; a reference defined several times has the members of all of them."""
        if type(record) is not dict:
            self._account.reject((), f"{fields.kind(record)} stands where an object belongs", 0)
            return
        reference = None
        try:
            reference = (fields.text(record.get("provider_group_id")) or "").encode()
            networks = fields.networks(record.get("network_name"))
            location = fields.text(record.get("location"))
            groups = record.get("provider_groups") or (location and self._resolve and self._resolve(location))
            found = fields.membership(groups) if groups else None
        except Unreadable as e:
            self._account.reject((), f"{e}; the rates that name it stay unresolved", 0)
            if reference is not None:
                self._waiting.append(_Definition(reference, spoilt=True))
            return
        members, tins = None, ()
        if found:
            members, tins = found.members, found.tins
            for what in self.odd(found.mixed, found.blanks):
                self._account.warnings.add(
                    what, (self._account.section, index), json_path("provider_references", index)
                )
        self._waiting.append(_Definition(reference, networks, location, members, tins))
        if len(self._waiting) >= _TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Number the references that were defined; before any other is."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        numbers = self.ids.numbers([one.reference for one in waiting])
        self._defined.add(numbers)
        tins = [tin_key(tin) for one in waiting for tin in one.tins]
        if tins:
            self._tin_entries.add(self._tins.numbers(tins))
        for number, one in zip(numbers.tolist(), waiting, strict=True):
            if one.spoilt:
                self._spoilt.upto(number + 1)[number] = True
            else:
                self._keep(number, one.networks, one.location, one.members)

    def define_all(self, them: Definitions) -> None:
        """Take in definitions."""
        self.settle()
        numbers = them.references
        self._defined.add(numbers)
        self._tin_entries.add(them.tins)
        places = self._members.upto(int(numbers.max()) + 1)
        if len(np.unique(numbers)) == len(numbers) and (places[numbers] < 0).all() and not any(them.networks):
            places[numbers] = self._spool.put_all(them.members)
            return
        for number, members, networks in zip(numbers.tolist(), them.members.to_pylist(), them.networks, strict=True):
            self._keep(number, networks, None, members)

    def _keep(self, number: int, networks: tuple[str, ...], location: str | None, members: str | None) -> None:
        """Keep what one definition says, beside what those before it said."""
        if networks:
            known = self._networks.upto(number + 1)
            if known[number]:
                networks = tuple(sorted({*networks, *list(self._network_names)[known[number]]}))
            known[number] = self._network_names.setdefault(networks, len(self._network_names))
        if location:
            self._locations.upto(number + 1)[number] = self._spool.put(location)
        if members is not None:
            places = self._members.upto(number + 1)
            if places[number] >= 0:
                members = fields.merged(self._spool.get(int(places[number])).decode(), members)
            places[number] = self._spool.put(members)

    @staticmethod
    def odd(mixed: bool, blanks: bool) -> list[str]:
        """What is worth saying of a list of members."""
        return ["NPI 0 beside real NPIs"] * mixed + ["null or blank among NPIs, left out"] * blanks

    def count_tins(self, tins: list[np.ndarray], times: np.ndarray) -> None:
        """Count the TINs of lists, each of which stands so often in the file."""
        if tins:
            self._tin_entries.add(np.concatenate(tins), np.repeat(times, [len(t) for t in tins]))

    def inline(self, groups: Any) -> int:
        """The number of an in-line list. Raises Unreadable."""
        found = fields.membership(groups)
        return self._number_inlines([self._unnumbered(found)])[0]

    def inline_all(self, lists: Spans, first: int, last: int) -> list[int | None]:
        """The numbers of in-line lists by their JSON text, None for one that cannot be read."""
        members = self._inline_read
        members.forget()
        ends, entries, npis = reference_scan.lists(lists, first, last, members.texts)
        members.read()
        regular = np.flatnonzero(ends >= 0)
        found: list[_Unnumbered | None] = [None] * len(ends)
        if len(regular) and not len(members.unreadable(entries)):
            texts = members.joined(ends[regular], entries, npis).cast(pa.binary())
            tins = np.split(members.tins(entries).astype(np.int32), ends[regular[:-1]])
            for place, text, theirs in zip(regular.tolist(), texts.to_pylist(), tins, strict=True):
                found[place] = _Unnumbered(text, theirs, False, False)
        for place, known in enumerate(found):
            if known is None:
                with contextlib.suppress(ValueError):
                    found[place] = self._unnumbered(fields.membership(parsed(lists.span(first + place))))
        counted = iter(self._number_inlines([one for one in found if one is not None]))
        return [None if one is None else next(counted) for one in found]

    def _unnumbered(self, found: fields.Membership) -> _Unnumbered:
        tins = self._tins.numbers([tin_key(tin) for tin in found.tins]).astype(np.int32)
        return _Unnumbered(found.members.encode(), tins, found.mixed, found.blanks)

    def _number_inlines(self, found: list[_Unnumbered]) -> list[int]:
        """Number in-line lists together: each call into compiled code costs as much as a hundred of its numbers."""
        groups = self._inline_groups.numbers([_digest(one.members) for one in found]).tolist()
        numbers = self._inline_ix.upto(len(self._inline_groups))
        first = len(self.inlines)
        for group, one in zip(groups, found, strict=True):
            if numbers[group] < 0:  # not staged yet
                self._inline_members[group] = one.members
            self.inlines.append(Inline(group, one.tins, one.mixed, one.blanks))
        return list(range(first, len(self.inlines)))

    def number_tins(self, keys: pa.LargeStringArray | pa.LargeBinaryArray) -> np.ndarray:
        """The numbers of TINs, by their keys."""
        return self._tins.numbers_of(keys)

    # Use.

    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
        """What `in_network_totals` counts in: of references their group_ix, the rates that name each, and its turn; then
        the next turn and the next group_ix."""
        times, turns, turn = self.named.tables(len(self.ids))
        return self._reference_ix.upto(len(self.ids)), times, turns, turn, self._count

    def counted(self, owners: np.ndarray, found: Totals, *, inline: bool) -> np.ndarray:
        """Take in what was counted in `tables`, and the TINs of in-line lists; the group_ix of owners."""
        self.named.counted(found.turn)
        if not inline:
            self._count = found.group
            return found.owner_group
        lists, first, times = np.unique(-1 - owners[owners < 0], return_index=True, return_counts=True)
        order = np.argsort(first)
        self.count_tins([self.inlines[number].tins for number in lists[order].tolist()], times[order])
        return self.group_ix(owners)

    def group_ix(self, owners: np.ndarray) -> np.ndarray:
        """The group_ix of owners: numbers of references, or -1 - those of in-line lists, whose groups are staged."""
        references, groups = self._reference_ix.upto(len(self.ids)), self._inline_ix.upto(len(self._inline_groups))
        inline = np.flatnonzero(owners < 0)
        if len(inline):
            lists, where = np.unique(-1 - owners[inline], return_inverse=True)
            owners = owners.copy()
            owners[inline] = -1 - np.array([self.inlines[n].group for n in lists.tolist()])[where]

        def known() -> np.ndarray:
            if not len(inline):
                return references[owners]
            found = references[np.maximum(owners, 0)]
            found[inline] = groups[-1 - owners[inline]]
            return found

        found = known()
        new = list(dict.fromkeys(owners[found < 0].tolist()))
        if not new:
            return found
        unstaged = []
        for number, owner in enumerate(new, self._count):
            if owner >= 0:
                references[owner] = number
            else:
                groups[-1 - owner] = number
                unstaged.append(-1 - owner)
        self._count += len(new)
        self._stage_inlines(unstaged)
        return known()

    def _stage_inlines(self, groups: list[int]) -> None:
        """Stage in-line groups, which rates name for the first time."""
        if not groups:
            return
        numbers = self._inline_ix.values[groups].tolist()
        digests = self._inline_groups.spans(np.array(groups))
        self._stage_members([self._inline_members.pop(group) for group in groups], digests)
        for number, digest in zip(numbers, digests, strict=True):
            members_uid = digest.hex()
            uid = naming.md5_of(self._batch_id, "inline:" + members_uid)
            self._rows["group"].add((number, uid, None, members_uid, None))
            self._rows["group"].relieve()

    def _uid(self, reference: bytes) -> str:
        """The pg_uid of a reference: naming.md5_of(batch_id, its id)."""
        digest = self._prefix.copy()
        digest.update(reference)
        return digest.hexdigest()

    def _stage_members(self, members: list[bytes], digests: list[bytes]) -> None:
        """Stage the rows of memberships that are new; `digests` are their pg_members_uids as bytes."""
        known = len(self._memberships)
        for number, digest, text in zip(self._memberships.numbers(digests).tolist(), digests, members, strict=True):
            if number == known:
                known += 1
                self._rows["member"].add_all(digest.hex(), text)

    # The end.

    def finish(self) -> tuple[int, Missing, str]:
        """Stage what is left: the rows of references and TINs. Returns the unresolved rates, the references that only
        have a URL, and the file's schema_shape (see `in_network.Result`)."""
        self.settle()
        self.ids.only_read()
        self._stage_tins()
        group = self._rows["group"]
        count = len(self.ids)
        members, locations = self._members.upto(count), self._locations.upto(count)
        networks, spoilt = self._networks.upto(count), self._spoilt.upto(count)
        group_ix, times = self._reference_ix.upto(count), self.named.upto(count)
        names = ["|".join(n) or None for n in self._network_names]
        unresolved, missing, order = 0, [], self._defined.order()
        for start in range(0, len(order), _TOGETHER):
            numbers = order[start : start + _TOGETHER]
            here = (members[numbers] >= 0) & ~spoilt[numbers]
            texts = self._spool.get_all(members[numbers[here]])
            digests = [_digest(text) for text in texts]
            self._stage_members(texts, digests)
            staged = iter(digests)
            unnamed = numbers[group_ix[numbers] < 0]
            group_ix[unnamed] = np.arange(self._count, self._count + len(unnamed))
            self._count += len(unnamed)
            columns = (group_ix[numbers], here, networks[numbers])
            for reference, number, resolved, network in zip(
                self.ids.spans(numbers), *(c.tolist() for c in columns), strict=True
            ):
                members_uid = next(staged).hex() if resolved else None
                group.add((number, self._uid(reference), reference.decode() or None, members_uid, names[network]))
            group.relieve()
            absent = numbers[~here]
            unresolved += int(times[absent].sum())
            missing += absent[locations[absent] >= 0].tolist()
        named = self.named.order()
        for turn in np.flatnonzero(~self._defined.came(named)):
            number = int(named[turn])
            reference = self.ids.span(number)
            group.add((int(group_ix[number]), self._uid(reference), reference.decode() or None, None, None))
            group.relieve()
            unresolved += int(times[number])
            what = "reference that the file does not define"
            self._account.warnings.add(
                what, (self._account.section, int(turn)), f"provider group {reference.decode()!r}"
            )
        return unresolved, Missing(self._spool, self.ids, locations, np.array(missing, np.int64)), self._shape()

    def _stage_tins(self) -> None:
        self._tins.only_read()
        order, times, rows = self._tin_entries.order(), self._tin_entries.upto(len(self._tins)), self._rows["tin"]
        for start in range(0, len(order), _TOGETHER):
            numbers = order[start : start + _TOGETHER]
            for key, entries in zip(self._tins.spans(numbers), times[numbers].tolist(), strict=True):
                tin_type, value, name = key.decode().split("\0", 2)
                rows.add((tin_type or None, value or None, name or None, entries))
            rows.relieve()
        self._tins, self._tin_entries = Spans(), Tally()  # before memberships take their place

    def _shape(self) -> str:
        named, inline = self.named.order(), (self._inline_ix.values >= 0).any()
        if not len(named):
            return "inline" if inline else "none"
        elsewhere = (self._members.upto(named.max() + 1)[named] < 0) & (
            self._locations.upto(named.max() + 1)[named] >= 0
        )
        if inline or (elsewhere.any() and not elsewhere.all()):
            return "mixed"
        return "locations" if elsewhere.all() else "references"

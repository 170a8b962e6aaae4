"""The provider groups of a file: its references, its in-line lists, and who their members are.

What belongs here: defining references, numbering and staging groups and members. Everything is held as numbers in NumPy
arrays or on disk: a payer's file defines millions of references. What must not come in: how an in-line list is read
(`in_network.inline_groups`), rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline import naming
from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers import mrf_fields as fields
from pipeline.readers import mrf_issues as issues
from pipeline.readers import mrf_membership as membership
from pipeline.readers.in_network import drafts
from pipeline.readers.in_network.account import Account, Column, Tally, json_path
from pipeline.readers.in_network.inline_groups import Inlines, members_digest
from pipeline.readers.in_network.scan.totals import Totals
from pipeline.readers.in_network.staging import Rows
from pipeline.readers.in_network.text_store import TextStore
from pipeline.readers.in_network.tins import Tins
from pipeline.readers.mrf_fields import Unreadable

_TOGETHER = 1024  # references are numbered at a time

Resolve = Callable[[str], Sequence[dict] | None]


class Missing(Mapping):
    """Reference id -> URL, for the references of a file that were not resolved; kept on disk."""

    def __init__(self, spool: TextStore, ids: ByteInterner, places: dict[int, int] | np.ndarray, numbers: np.ndarray):
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
    tins: Sequence[membership.Tin] = ()
    spoilt: bool = False


class Definitions(NamedTuple):
    """References as records of the file define them, all of which can be read: their numbers in `Groups.ids`, a row each,
    their members (as `membership.Membership`) and network names; and the numbers of the TINs of all of them."""

    references: np.ndarray
    members: pa.StringArray
    networks: list[tuple[str, ...]]
    tins: np.ndarray


class Groups:
    """All provider groups of a file.

    A reference is known by its number in `ids`; an in-line list by its number in `inlines`.
    """

    def __init__(self, batch_id: str, rows: dict[str, Rows], account: Account, resolve: Resolve | None):
        self._batch_id, self._rows, self._account, self._resolve = batch_id, rows, account, resolve
        self.ids = ByteInterner()
        self.named = Tally()  # the rates that name each reference
        self.tins = Tins()
        self.inlines = Inlines(self.tins)
        self._prefix = hashlib.md5(f"{batch_id}|".encode(), usedforsecurity=False)
        self._count = 0  # of those that have a group_ix
        self._reference_ix = Column(np.int32, -1)
        self._memberships = ByteInterner()  # pg_members_uids whose members are staged
        self._spool = TextStore()
        self._waiting: list[_Definition] = []  # that are not numbered yet
        self._defined = Tally()
        self._members, self._locations = Column(np.int64, -1), Column(np.int64, -1)  # places in the spool
        self._networks, self._network_names = Column(np.int32), {(): 0}
        self._spoilt = Column(np.bool_)

    # Definitions.

    def define(self, record: Any, index: int) -> None:
        """Take in one definition; a reference defined several times has the members of all of them."""
        if type(record) is not dict:
            self._account.reject((), f"{fields.kind(record)} is where an object belongs", 0)
            return
        reference = None
        notes: fields.Notes = []
        try:
            fields.repeated(record, notes)
            reference = drafts.reference_of(record, notes)
            networks = fields.networks(record.get("network_name"))
            location = fields.text(record.get("location"))
            groups = drafts.groups_of(record, notes) or (location and self._resolve and self._resolve(location))
            found = membership.membership(groups) if groups else None
        except Unreadable as e:
            self._account.reject((), f"{e}; the rates that name it stay unresolved", 0)
            if reference is not None:
                self._waiting.append(_Definition(reference, spoilt=True))
            return
        if not reference:
            notes.append(fields.Note(issues.REFERENCE_WITHOUT_ID, ""))
        members, tins = None, ()
        if found:
            members, tins = found.members, found.tins
            notes += found.notes
        elif not location:
            notes.append(fields.Note(issues.REFERENCE_WITHOUT_GROUPS, ""))
        for number, (issue, detail) in enumerate(fields.once(notes)):
            place = self._account.section, index, number
            self._account.warnings.add(issue, place, json_path("provider_references", index), detail=detail)
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
        self.tins.count(self.tins.numbers(tin for one in waiting for tin in one.tins))
        for number, one in zip(numbers.tolist(), waiting, strict=True):
            if one.spoilt:
                self._spoilt.ensure(number + 1)[number] = True
            else:
                self._keep(number, one.networks, one.location, one.members)

    def define_all(self, them: Definitions) -> None:
        """Take in definitions."""
        self.settle()
        numbers = them.references
        self._defined.add(numbers)
        self.tins.count(them.tins)
        places = self._members.ensure(int(numbers.max()) + 1)
        if len(np.unique(numbers)) == len(numbers) and (places[numbers] < 0).all() and not any(them.networks):
            places[numbers] = self._spool.put_all(them.members)
            return
        for number, members, networks in zip(numbers.tolist(), them.members.to_pylist(), them.networks, strict=True):
            self._keep(number, networks, None, members)

    def _keep(self, number: int, networks: tuple[str, ...], location: str | None, members: str | None) -> None:
        """Keep what one definition says, beside what those before it said."""
        if networks:
            known = self._networks.ensure(number + 1)
            if known[number]:
                networks = tuple(sorted({*networks, *list(self._network_names)[known[number]]}))
            known[number] = self._network_names.setdefault(networks, len(self._network_names))
        if location:
            self._locations.ensure(number + 1)[number] = self._spool.put(location)
        if members is not None:
            places = self._members.ensure(number + 1)
            if places[number] >= 0:
                members = membership.merged(self._spool.get(int(places[number])).decode(), members)
            places[number] = self._spool.put(members)

    # Use.

    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
        """What `in_network.scan.totals` counts in: of references their group_ix, the rates that name each, and its turn; then
        the next turn and the next group_ix."""
        times, turns, turn = self.named.tables(len(self.ids))
        return self._reference_ix.ensure(len(self.ids)), times, turns, turn, self._count

    def counted(self, owners: np.ndarray, found: Totals, *, inline: bool) -> np.ndarray:
        """Take in what was counted in `tables`, and the TINs of in-line lists; the group_ix of owners."""
        self.named.counted(found.turn)
        if not inline:
            self._count = found.group
            return found.owner_group
        lists, first, times = np.unique(-1 - owners[owners < 0], return_index=True, return_counts=True)
        order = np.argsort(first)
        self.inlines.count_tins(lists[order], times[order])
        return self.group_ix(owners)

    def group_ix(self, owners: np.ndarray) -> np.ndarray:
        """The group_ix of owners: numbers of references, or -1 - those of in-line lists, whose groups are staged."""
        references, groups = self._reference_ix.ensure(len(self.ids)), self.inlines.group_ix.values
        inline = np.flatnonzero(owners < 0)
        if len(inline):
            lists, where = np.unique(-1 - owners[inline], return_inverse=True)
            owners = owners.copy()
            owners[inline] = -1 - self.inlines.groups_of(lists)[where]

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
        numbers = self.inlines.group_ix.values[groups].tolist()
        members, digests = self.inlines.take(groups)
        self._stage_members(members, digests)
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
        have a URL, and the file's schema_shape (see `in_network.read.Result`)."""
        self.settle()
        self.ids.only_read()
        self.tins.stage(self._rows["tin"])  # before memberships take their place
        group = self._rows["group"]
        count = len(self.ids)
        members, locations = self._members.ensure(count), self._locations.ensure(count)
        networks, spoilt = self._networks.ensure(count), self._spoilt.ensure(count)
        group_ix, times = self._reference_ix.ensure(count), self.named.ensure(count)
        names = ["|".join(n) or None for n in self._network_names]
        unresolved, missing, order = 0, [], self._defined.first_seen_order()
        for start in range(0, len(order), _TOGETHER):
            numbers = order[start : start + _TOGETHER]
            here = (members[numbers] >= 0) & ~spoilt[numbers]
            texts = self._spool.get_all(members[numbers[here]])
            digests = [members_digest(text) for text in texts]
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
        named = self.named.first_seen_order()
        for turn in np.flatnonzero(~self._defined.has_seen(named)):
            number = int(named[turn])
            reference = self.ids.span(number)
            group.add((int(group_ix[number]), self._uid(reference), reference.decode() or None, None, None))
            group.relieve()
            unresolved += int(times[number])
            self._account.warnings.add(
                issues.REFERENCE_UNDEFINED,
                (self._account.section, int(turn)),
                "provider_references",
                detail=f"none has the provider_group_id {reference.decode()!r}",
            )
        return unresolved, Missing(self._spool, self.ids, locations, np.array(missing, np.int64)), self._shape()

    def _shape(self) -> str:
        named, inline = self.named.first_seen_order(), self.inlines.any_named()
        if not len(named):
            return "inline" if inline else "none"
        elsewhere = (self._members.ensure(named.max() + 1)[named] < 0) & (
            self._locations.ensure(named.max() + 1)[named] >= 0
        )
        if inline or (elsewhere.any() and not elsewhere.all()):
            return "mixed"
        return "locations" if elsewhere.all() else "references"

"""One in-network file to the staged tables: every rate the file holds, or a refusal by name.

What belongs here: the order of things in the file (header, references, items, rate objects, prices, in any order of
keys, v1.x and v2.x alike), counting, and keeping what cannot be read. What must not come in: how JSON arrives
(`unpacked`, `json_text`), what a single field says (`in_network_fields`), where anything is written (the caller's
sink), a branch on the file's `version`.

The callers' interface is `read`, `Result` and `Sink`; a faster reader takes the place of what is behind them.
"""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Any

from pipeline import naming
from pipeline.errors import SourceError
from pipeline.readers import in_network_fields as fields
from pipeline.readers.in_network_fields import Memo, Unreadable
from pipeline.readers.in_network_staging import MemberRows, Quarantine, Rows, Sink
from pipeline.readers.json_text import JsonText, locate
from pipeline.readers.unpacked import opened

HEADER = (
    "reporting_entity_name",
    "reporting_entity_type",
    "plan_name",
    "plan_id",
    "plan_id_type",
    "plan_market_type",
    "issuer_name",
    "plan_sponsor_name",
    "version",
    "last_updated_on",
)
# The key that gives away what else a file is, its name, and where such a file is of use.
OTHER_KINDS = {
    "reporting_structure": (
        "a table of contents",
        "Download the in-network files that it lists, and keep it out of raw/mrf.",
    ),
    "out_of_network": ("an allowed-amounts file", "Take it out of raw/mrf: out-of-network amounts are no rates."),
    "drugs": ("a prescription-drug file", "Take it out of raw/mrf: drug prices have a schema of their own."),
    "provider_groups": (
        "a provider-reference file",
        "Take it out of raw/mrf: it holds groups that in-network files refer to, and no rates.",
    ),
}
_SNIPPET = 2000  # characters of a record that cannot be read
_FEW = 100  # such records carried by the error that blocks a file
_UNREADABLE = (Unreadable, TypeError, AttributeError)  # the last two: a list or text where a memo expects a text, dict
_EXACT = Context(prec=2000, traps=[Inexact])  # room for any sum of rates within fields._LONGEST_NUMBER
_ZERO = Decimal(0)

Resolve = Callable[[str], Sequence[dict] | None]


@dataclass(frozen=True)
class Result:
    """What a whole file said of itself and what was counted while reading it.

    The header is as published: entity name and version untouched, the rest without blanks around it, plan_id_type
    lower case, null where blank. year_month is the first seven characters of last_updated_on.

    schema_shape  how rates name their provider groups: `inline` (lists beside the prices), `references` (by id),
                  `locations` (by id, and every reference is a URL alone), `mixed` (in-line lists and ids, or ids of
                  both kinds), `none` (no rate names any)
    rates_read    prices x provider groups, rejected ones included
    rejected      the part that could not be read; `quarantine` holds the records
    unresolved    the part of the others whose reference has no members in the file
    zero_rates    the part of them with a rate of 0
    rate_sum      the exact sum of those rates, a decimal as text (dollars and percents alike)
    missing_references  reference id -> URL, for those defined by a URL that was not resolved
    """

    reporting_entity_name: str | None
    reporting_entity_type: str | None
    plan_name: str | None
    plan_id: str | None
    plan_id_type: str | None
    plan_market_type: str | None
    issuer_name: str | None
    plan_sponsor_name: str | None
    version: str | None
    last_updated_on: str
    year_month: str
    schema_shape: str
    rates_read: int
    rejected: int
    unresolved: int
    zero_rates: int
    rate_sum: str
    warnings: tuple[str, ...]
    quarantine: Quarantine
    missing_references: dict[str, str]


def read(
    path: Path,
    *,
    batch_id: str,
    sink: Sink,
    chunk_bytes: int = 1 << 20,
    batch_rows: int = 65536,
    max_rejected_share: float = 0.01,
    resolve: Resolve | None = None,
) -> Result:
    """Read one in-network file (`.json`, `.json.gz`, `.zip` of one `.json`) into the tables of `staged_mrf`.

    The rows and their order follow from the file alone, whatever the chunk size. `batch_id` is what pg_uid is made
    with. `resolve` gives the `provider_groups` that stand behind the URL of a reference, or None when they are not
    at hand. Memory is a chunk, the longest item, a batch per table, and the file's provider references.

    Raises SourceError for a file that is broken, is of another kind, has no month, or of whose rates more than
    `max_rejected_share` cannot be read. It carries `offset` (the byte of the decompressed text, where there is one),
    `header` (what was read of it, year_month included) and `quarantine` (the first records that could not be read).
    """
    path = Path(path)
    reader = _Reader(path, batch_id, sink, batch_rows, resolve)
    try:
        with _seldom_collected(), opened(path) as blocks:
            reader.walk(JsonText(blocks, path, chunk_bytes))
        return reader.result(max_rejected_share)
    except SourceError as e:
        e.header = {**reader.header, "year_month": fields.month(reader.header["last_updated_on"])}
        e.quarantine = [record for record, _ in zip(reader.quarantine, range(_FEW), strict=False)]
        raise


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Parsed JSON has no cycles, yet every few hundred objects set off a search for them: a sixth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Reader:
    """What is known of the file so far."""

    def __init__(self, path: Path, batch_id: str, sink: Sink, batch_rows: int, resolve: Resolve | None):
        self.path, self.batch_id, self.resolve = path, batch_id, resolve
        names = ("price", "owner", "group", "code", "pos_set", "contained_code", "tin")
        self.rows = {name: Rows(f"staged_{name}", sink, batch_rows) for name in names}
        self.rows["member"] = self.members = MemberRows("staged_member", sink, batch_rows)
        self.header: dict[str, str | None] = dict.fromkeys(HEADER)
        self.quarantine = Quarantine()
        self._unreadable: list[tuple[tuple, str, int]] = []  # of the value at hand: path, reason, rates
        self._warnings: dict[str, tuple[int, str]] = {}

        self.prices = self.objects = self.owners = 0  # as many as were staged; their next index
        self.kept = self.rejected = self.zeros = 0
        self.total = _ZERO
        self.code_rates: Counter[tuple] = Counter()
        self.tin_entries: Counter[fields.Tin] = Counter()
        self.pos_sets: set[str] = set()
        self.contained: set[str] = set()  # contained_codes_uids whose codes are staged
        self.memberships: set[str] = set()  # pg_members_uids whose members are staged

        self.inline: set[str] = set()  # pg_uids of in-line groups
        self.references: dict[str, str | None] = {}  # id -> members, None while only a URL is known
        self.networks: dict[str, tuple[str, ...]] = {}
        self.locations: dict[str, str] = {}
        self.spoilt: set[str] = set()  # ids of which some definition cannot be read
        self.named: Counter[str] = Counter()  # id -> rates that name it
        self.uids: Memo = Memo(lambda reference: naming.md5_of(batch_id, reference))

        self._pos = Memo(self._pos_set)
        self._lower, self._text = Memo(fields.lower), Memo(fields.text)
        self._rate, self._expiration, self._modifiers = (
            Memo(fields.rate),
            Memo(fields.expiration),
            Memo(fields.modifiers),
        )
        self._expiration_is_odd = Memo(fields.expiration_is_odd)

    # The file, key by key.

    def walk(self, text: JsonText) -> None:
        """Read the one JSON object of the file."""
        first = text.peek()
        if not first:
            raise self._refusal("holds nothing but blanks", "Download it again.", text.offset())
        if first != "{":
            at = text.offset()
            page = "; this looks like a web page" if first == "<" else ""
            raise self._refusal(
                f"is no in-network file: it begins with {first!r} at byte {at}, not with a JSON object{page}",
                "Download it again, and look at what the address answers.",
                at,
            )
        seen = set()
        for key in text.keys():  # noqa: SIM118 not a dict: a cursor
            text.doing = key
            if key in ("in_network", "provider_references"):
                if key in seen:
                    at = text.key_offset
                    raise self._refusal(
                        f"{key} stands twice, again at byte {at}", "Keep one of them, or split the file in two.", at
                    )
                seen.add(key)
                self._each(text, key, self._item if key == "in_network" else self._reference)
            elif key in self.header:
                self._head(key, text.value())
            elif key in OTHER_KINDS and "in_network" not in seen:
                what, remedy = OTHER_KINDS[key]
                at = text.key_offset
                raise self._refusal(f"is {what}, not an in-network file ({key} at byte {at})", remedy, at)
            else:
                text.skip()
        text.doing = "what follows the JSON object"
        text.end()
        if "in_network" not in seen:
            raise self._refusal("is no in-network file: it has no in_network", "Take it out of raw/mrf.")
        if text.replaced:
            self._warn("half of a surrogate pair in a text, now U+FFFD", "the file", text.replaced)

    def _each(self, text: JsonText, key: str, read_one: Callable[[Any, int], None]) -> None:
        """Read the records of an array one by one, and put on record what could not be read of each."""
        if text.peek() != "[":
            at, value = text.offset(), text.value()
            if value is not None:
                raise self._refusal(
                    f"{key} at byte {at} is {fields.kind(value)}, where a list belongs",
                    "Ask the publisher for a file that follows the schema.",
                    at,
                )
            self._warn(f"{key} is null", key)
            return
        text.doing = f"{key}[0]"
        for index, record in enumerate(text.items()):
            read_one(record, index)
            if self._unreadable:
                self._put_on_record(text, key, index)
            text.doing = f"{key}[{index + 1}]"
        text.doing = f"what follows {key}"

    def _head(self, key: str, value: Any) -> None:
        try:
            found = fields.text(value)
        except Unreadable as e:
            self._warn(f"{key} cannot be read ({e})", key)
            found = None
        if found and key in ("reporting_entity_name", "version"):
            found = value
        self.header[key] = fields.lower(found) if key == "plan_id_type" else found

    # What cannot be read, and what is worth saying.

    def _refusal(self, fact: str, remedy: str, offset: int | None = None) -> SourceError:
        return SourceError(fact, place=self.path, remedy=remedy, offset=offset)

    def _reject(self, path: tuple, reason: str, rates: int) -> None:
        self._unreadable.append((path, reason, rates))
        self.rejected += rates

    def _put_on_record(self, text: JsonText, key: str, index: int) -> None:
        wanted: dict = {}
        for path, _, _ in self._unreadable:
            node = wanted
            for step in path:
                node = node.setdefault(step, {})
        start, end = text.span
        places = {(): (start, end), **locate(text.text, start, wanted)}
        for path, reason, rates in self._unreadable:
            at, to = places[path]
            self.quarantine.add(
                file=self.path.name,
                path=_json_path(key, index, *path),
                offset=text.offset(at),
                reason=reason,
                rates=rates,
                snippet=text.text[at : min(to, at + _SNIPPET)],
            )
        self._unreadable.clear()

    def _warn(self, what: str, where: str, times: int = 1) -> None:
        count, first = self._warnings.get(what, (0, where))
        self._warnings[what] = (count + times, first)

    # Provider references.

    def _reference(self, record: Any, index: int) -> None:
        """Take in one definition; a reference defined several times has the members of all of them."""
        if type(record) is not dict:
            self._reject((), f"{fields.kind(record)} stands where an object belongs", 0)
            return
        reference = None
        try:
            reference = fields.text(record.get("provider_group_id")) or ""
            networks = fields.networks(record.get("network_name"))
            location = fields.text(record.get("location"))
            groups = record.get("provider_groups") or (location and self.resolve and self.resolve(location))
            found = fields.membership(groups) if groups else None
        except Unreadable as e:
            self._reject((), f"{e}; the rates that name it stay unresolved", 0)
            if reference is not None:
                self.spoilt.add(reference)
                self.references.setdefault(reference, None)
            return
        before = self.references.setdefault(reference, None)
        if networks:
            self.networks[reference] = tuple(sorted({*networks, *self.networks.get(reference, ())}))
        if location:
            self.locations[reference] = location
        if found:
            self._note(found, "provider_references", index)
            self.references[reference] = fields.merged(before, found.members) if before else found.members

    def _note(self, found: fields.Membership, *where: str | int) -> None:
        self.tin_entries.update(found.tins)
        if found.mixed:
            self._warn("NPI 0 beside real NPIs", _json_path(*where))
        if found.blanks:
            self._warn("null or blank among NPIs, left out", _json_path(*where))

    def _stage_members(self, members: str) -> str:
        """The pg_members_uid of a membership, whose rows are staged when it is new."""
        uid = naming.md5_of(members)  # as naming.members_uid: the members are sorted, distinct and joined already
        if uid not in self.memberships:
            self.memberships.add(uid)
            self.members.add_all(uid, members)
        return uid

    # Items, rate objects, prices.

    def _item(self, item: Any, index: int) -> None:
        if type(item) is not dict:
            self._reject((), f"{fields.kind(item)} stands where an object belongs", 1)
            return
        objects = item.get("negotiated_rates")
        if objects is None:
            objects = []
            self._warn("item without negotiated_rates", f"in_network[{index}]")
        try:
            if type(objects) is not list:
                raise Unreadable(f"negotiated_rates: {fields.kind(objects)} stands where a list belongs")
            code_type, code = fields.upper(item.get("billing_code_type")), fields.upper(item.get("billing_code"))
            contained = self._contained(fields.contained_codes(item))
            arrangement = fields.lower(item.get("negotiation_arrangement"))
            severity = fields.text(item.get("severity_of_illness"))
        except Unreadable as e:
            # The rates of an item that is unknown are counted where they can be.
            self._reject((), str(e), _countable(objects))
            self.objects += len(objects) if type(objects) is list else 0
            return
        if code is None or code_type is None:
            self._warn("item without billing_code or billing_code_type", f"in_network[{index}]")
        before = self.kept
        head = (code_type, code, arrangement, severity, contained)
        for number, record in enumerate(objects):
            self._rates(record, head, index, number)
            self.objects += 1
            self.rows["price"].relieve()
            self.rows["owner"].relieve()
        self.code_rates[code_type, code, self._label(item, "description", index), self._label(item, "name", index)] += (
            self.kept - before
        )

    def _label(self, item: dict, key: str, index: int) -> str | None:
        try:
            return fields.text(item.get(key))
        except Unreadable as e:
            self._warn(f"{key} cannot be read ({e})", f"in_network[{index}]")
            return None

    def _contained(self, codes: fields.Contained) -> str | None:
        uid = naming.contained_codes_uid(codes)
        if uid and uid not in self.contained:
            self.contained.add(uid)
            for role, code_type, code in codes:
                self.rows["contained_code"].add((uid, role, code_type or None, code or None))
            self.rows["contained_code"].relieve()
        return uid

    def _pos_set(self, value: tuple | str | None) -> fields.PosSet:
        found = fields.pos_set(value)
        if found.uid not in self.pos_sets:
            self.pos_sets.add(found.uid)
            self.rows["pos_set"].add((found.uid, list(found.codes)))
        return found

    def _rates(self, record: Any, head: tuple, index: int, number: int) -> None:
        """One negotiated_rates object: its owners, its prices, and a rate for each pair of them."""
        path = ("negotiated_rates", number)
        if type(record) is not dict:
            self._reject(path, f"{fields.kind(record)} stands where an object belongs", 1)
            return
        prices = record.get("negotiated_prices")
        if type(prices) is not list:
            if prices is not None:
                self._reject(path, f"negotiated_prices: {fields.kind(prices)} stands where a list belongs", 1)
                return
            prices = []
        if not prices:
            self._warn("rate object without negotiated_prices", _json_path("in_network", index, *path))
        named, anonymous, faults = self._owners(record, path, index)
        owners = len(named) + anonymous
        if not owners and not faults:
            where = _json_path("in_network", index, *path)
            self._warn("rate object that names no provider group, and so has no rates", where)
        before, total, zeros = self.prices, _ZERO, 0
        code_type, code, arrangement, severity, contained = head
        add, plus, lower, plain, object_ix = self.rows["price"].add, _EXACT.add, self._lower, self._text, self.objects
        for place, price in enumerate(prices):
            try:
                get = price.get
                amount, exact = self._rate[get("negotiated_rate")]
                pos, modifiers, expiration = get("service_code"), get("billing_code_modifier"), get("expiration_date")
                pos = self._pos[tuple(pos) if type(pos) is list else pos]
                until = self._expiration[expiration]
                row = (
                    self.prices,
                    object_ix,
                    code_type,
                    code,
                    arrangement,
                    severity,
                    contained,
                    lower[get("billing_class")],
                    lower[get("negotiated_type")],
                    amount,
                    until,
                    pos.uid,
                    self._modifiers[tuple(modifiers) if type(modifiers) is list else modifiers],
                    plain[get("additional_information")],
                    lower[get("setting")],
                )
            except _UNREADABLE:
                reason = fields.first_unreadable(price, _READINGS)
                if reason is None:
                    raise
                self._reject((*path, "negotiated_prices", place), reason, owners + len(faults))
                continue
            add(row)
            self.prices += 1
            total = plus(total, exact)
            zeros += amount == 0
            if pos.odd or (until is None and self._expiration_is_odd[expiration]):
                where = _json_path("in_network", index, *path, "negotiated_prices", place)
                if pos.odd:
                    self._warn("place of service that is no code, left out", where)
                if until is None and self._expiration_is_odd[expiration]:
                    self._warn("expiration_date that is no date, taken as none", where)
        count = self.prices - before
        for place, reason in faults:
            self._reject(place, reason, count)
        for reference in named:
            self.named[reference] += count
        self.kept += count * owners
        self.zeros += zeros * owners
        if owners:
            self.total = _EXACT.fma(total, Decimal(owners), self.total)

    def _owners(self, record: dict, path: tuple, index: int) -> tuple[list[str], int, list[tuple[tuple, str]]]:
        """Stage the groups that a rate object names; returns the ids of references, how many in-line lists (0 or 1),
        and (path, reason) of each that cannot be read."""
        named, faults = [], []
        references = record.get("provider_references")
        if type(references) is not list:
            references = [] if references is None else [references]
        add = self.rows["owner"].add
        for place, value in enumerate(references):
            try:
                reference = fields.text(value) or ""
            except Unreadable as e:
                listed = type(record["provider_references"]) is list
                faults.append(((*path, "provider_references", place) if listed else path, f"provider_references: {e}"))
                continue
            named.append(reference)
            add((self.owners, self.objects, self.uids[reference]))
            self.owners += 1
        groups = record.get("provider_groups")
        if not groups:
            return named, 0, faults
        try:
            found = fields.membership(groups)
        except Unreadable as e:
            faults.append((path, str(e)))
            return named, 0, faults
        self._note(found, "in_network", index, *path)
        uid = self._stage_members(found.members)
        pg_uid = naming.md5_of(self.batch_id, "inline:" + uid)
        if pg_uid not in self.inline:
            self.inline.add(pg_uid)
            self.rows["group"].add((pg_uid, None, uid, None))
            self.rows["group"].relieve()
        add((self.owners, self.objects, pg_uid))
        self.owners += 1
        return named, 1, faults

    # The end.

    def result(self, max_rejected_share: float) -> Result:
        """Stage what only the whole file tells, and sum up."""
        year_month = fields.month(self.header["last_updated_on"])
        if year_month is None:
            said = self.header["last_updated_on"]
            fact = "has no last_updated_on" if said is None else f"has a last_updated_on that is no date: {said[:40]!r}"
            raise self._refusal(f"{fact}; its month is unknown", "Ask the publisher which month it is of.")
        rates_read = self.kept + self.rejected
        if self.rejected > max_rejected_share * rates_read:
            first = next(r for r in self.quarantine if r["rates"])
            raise self._refusal(
                f"{self.rejected} of {rates_read} rates cannot be read, more than a share of {max_rejected_share:g}; "
                f"first {first['path']} at byte {first['offset']}: {first['reason']}",
                "Mend or replace the file, or allow a larger share of rejected rates in luigi.cfg.",
                first["offset"],
            )
        unresolved, missing = self._stage_references()
        for key, rates in self.code_rates.items():
            self.rows["code"].add((*key, rates))
        for key, entries in self.tin_entries.items():
            self.rows["tin"].add((*key, entries))
        for rows in self.rows.values():
            rows.flush()
        if not rates_read:
            self._warn("no rates in the file", "in_network")
        return Result(
            **self.header,
            year_month=year_month,
            schema_shape=self._shape(),
            rates_read=rates_read,
            rejected=self.rejected,
            unresolved=unresolved,
            zero_rates=self.zeros,
            rate_sum=str(self.total),
            warnings=tuple(
                f"{what}: {times} (first at {first})" if times > 1 else f"{what}: {first}"
                for what, (times, first) in self._warnings.items()
            ),
            quarantine=self.quarantine,
            missing_references=missing,
        )

    def _stage_references(self) -> tuple[int, dict[str, str]]:
        """Group rows of all references; returns the unresolved rates and the URL of each reference without members."""
        unresolved, missing = 0, {}
        add = self.rows["group"].add
        for reference, members in self.references.items():
            uid = self._stage_members(members) if members and reference not in self.spoilt else None
            add((self.uids[reference], reference or None, uid, "|".join(self.networks.get(reference, ())) or None))
            self.rows["group"].relieve()
            if uid is None:
                unresolved += self.named[reference]
                if reference in self.locations:
                    missing[reference] = self.locations[reference]
        for reference, rates in self.named.items():
            if reference not in self.references:
                add((self.uids[reference], reference or None, None, None))
                self.rows["group"].relieve()
                unresolved += rates
                self._warn("reference that the file does not define", f"provider group {reference!r}")
        return unresolved, missing

    def _shape(self) -> str:
        if not self.named:
            return "inline" if self.inline else "none"
        elsewhere = {not self.references.get(reference) and reference in self.locations for reference in self.named}
        if self.inline or len(elsewhere) > 1:
            return "mixed"
        return "locations" if elsewhere == {True} else "references"


# The fields of a price and how each is read, in the order in which the first fault is told.
_READINGS = (
    ("negotiated_rate", fields.rate),
    ("service_code", fields.pos_set),
    ("billing_code_modifier", fields.modifiers),
    ("expiration_date", fields.text),
    ("billing_class", fields.text),
    ("negotiated_type", fields.text),
    ("additional_information", fields.text),
    ("setting", fields.text),
)


def _json_path(*steps: str | int) -> str:
    """`in_network[3].negotiated_rates[0]` of its steps."""
    return "".join(f"[{s}]" if type(s) is int else f".{s}" for s in steps).removeprefix(".")


def _countable(objects: Any) -> int:
    """How many rates the objects of an unreadable item stand for; at least one."""
    total = 0
    for record in objects if type(objects) is list else ():
        if type(record) is dict and type(record.get("negotiated_prices")) is list:
            references = record.get("provider_references")
            owners = len(references) if type(references) is list else 0
            total += len(record["negotiated_prices"]) * (owners + bool(record.get("provider_groups")))
    return max(1, total)

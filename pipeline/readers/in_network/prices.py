"""From numbered prices and owners to staged rows: columns in, columns out.

What belongs here: what every rate of an item has in common (`ItemFields`), what a price has beside its rate (`PriceTerms`), their
rows, sums and counts. What must not come in: bytes and JSON text (`in_network.items`), groups beyond their numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline import naming
from pipeline.compiled import exact_sums
from pipeline.decimals import EXACT
from pipeline.errors import SourceError
from pipeline.readers import mrf_dates as dates
from pipeline.readers import mrf_fields as fields
from pipeline.readers import mrf_issues as issues
from pipeline.readers.in_network import codes
from pipeline.readers.in_network.account import Account, Column, json_path
from pipeline.readers.in_network.provider_groups import Groups
from pipeline.readers.in_network.rate_columns import HARD, RateColumns
from pipeline.readers.in_network.scan.totals import Next, Totals, total
from pipeline.readers.in_network.staging import Rows
from pipeline.readers.mrf_fields import Memo, Unreadable
from pipeline.readers.mrf_issues import Issue

_NUMBERED = 1 << 16  # items and terms whose numbers are remembered, some 500 bytes each
_MOST_OBJECTS = (1 << 31) - 1  # an object_ix has 32 bits


class ItemFields(NamedTuple):
    """What an item's rates have in common, its labels, and (issue, detail) of what is found before and after its
    rates."""

    code_type: str | None
    code: str | None
    arrangement: str | None
    severity: str | None
    contained: codes.Contained
    description: str | None
    name: str | None
    before: tuple[tuple[Issue, str], ...]
    after: tuple[tuple[Issue, str], ...]


def item_fields(item: dict) -> ItemFields:
    """Read an item, all but its negotiated_rates. Raises Unreadable where its rates cannot be identified."""
    get, notes = item.get, []
    fields.repeated(item, notes)
    code_type = codes.code_type(get("billing_code_type"), notes)
    code = codes.code(get("billing_code"), code_type, notes)
    contained = codes.contained_codes(item, notes)
    arrangement = fields.lower(get("negotiation_arrangement"), notes)
    severity = fields.identifier(get("severity_of_illness"), notes)
    before = ((issues.ITEM_WITHOUT_CODE, ""),) * (code is None or code_type is None) + fields.once(notes)
    labels, after = [], ()
    for key in ("description", "name"):
        try:
            labels.append(fields.text(get(key)))
        except Unreadable as e:
            labels.append(None)
            after += ((issues.LABEL_UNREADABLE, f"{key}: {e}"),)
    return ItemFields(code_type, code, arrangement, severity, contained, *labels, before, after)


class PriceTerms(NamedTuple):
    """What a price has beside its rate, and what is odd in it."""

    billing_class: str | None
    negotiated_type: str | None
    expiration: str | None
    pos: codes.PosSet
    modifiers: str | None
    additional_information: str | None
    setting: str | None
    notes: tuple[fields.Note, ...]


# The fields of a price and how each is read, in the order in which the first fault is told.
READINGS = (
    ("negotiated_rate", fields.rate),
    ("service_code", codes.pos_set),
    ("billing_code_modifier", codes.modifiers),
    ("expiration_date", dates.expiration),
    ("billing_class", fields.lower),
    ("negotiated_type", fields.lower),
    ("additional_information", fields.text),
    ("setting", fields.lower),
)


def price_terms(price: dict) -> PriceTerms:
    """Read a price, all but its rate. Raises Unreadable, TypeError or AttributeError where one is no such price."""
    get, key, notes = price.get, fields.list_key, []
    fields.repeated(price, notes)
    found = (
        fields.lower(get("billing_class"), notes),
        fields.lower(get("negotiated_type"), notes),
        dates.expiration(get("expiration_date"), notes),
        codes.pos_set(key(get("service_code")), notes),
        codes.modifiers(key(get("billing_code_modifier")), notes),
        fields.text(get("additional_information"), notes),
        fields.lower(get("setting"), notes),
    )
    return PriceTerms(*found, fields.once(notes))


class _Numbers:
    """Numbers of distinct values in the order in which they come. When there are many they are forgotten, and have new
    ones when they come again: wherever the file is cut into parts, the same values have the same numbers."""

    def __init__(self):
        self._known: dict[tuple, int] = {}
        self._next = 0

    def full(self, value: tuple) -> bool:
        """Whether others have to be forgotten before this value is numbered."""
        return len(self._known) >= _NUMBERED and value not in self._known

    def forget(self) -> None:
        self._known.clear()

    def number(self, value: tuple) -> tuple[int, bool]:
        """The number of a value, and whether it is new."""
        found = self._known.setdefault(value, self._next)
        new = found == self._next
        self._next += new
        return found, new


class Prices:
    """Stages prices and owners, and counts what was read (`pipeline.accounts` says what each term means).

    prices_read, rates_read  all that stand in the file, be they readable or not
    priced, without_provider, kept, zeros  of price objects and rates that can be read
    total, rounded           the exact sum of the kept rates as published, and how much of it a double does not hold
    """

    def __init__(self, account: Account, groups: Groups, rows: dict[str, Rows], place: Path):
        self._account, self._groups, self._rows, self._place = account, groups, rows, place
        self.objects = 0  # as many as were staged; the next one's object_ix
        self.prices_read = self.priced = self.without_provider = 0
        self.rates_read = self.kept = self.zeros = 0
        self.total = self.rounded = Decimal(0)
        self.exact: list[Decimal] = []  # of rates with HARD decimals that are not staged yet
        self.code_rates: Counter[tuple] = Counter()
        self._tails: list[PriceTerms] = []
        self._tail_numbers: dict[PriceTerms, int] = {}
        self._suspicious = Column(np.uint8)  # of tails
        self._items, self._terms = _Numbers(), _Numbers()
        self._terms_of = Column(np.int32, -1)  # of tails
        self._pos_sets: set[str] = set()
        self._contained: Memo = Memo(naming.contained_codes_uid)
        self._contained_staged: set[str] = set()

    def tail_number(self, found: PriceTerms) -> int:
        """The number of a tail."""
        number = self._tail_numbers.setdefault(found, len(self._tails))
        if number == len(self._tails):
            self._tails.append(found)
            self._suspicious.ensure(number + 1)[number] = bool(found.notes)
        return number

    def exactly(self, exact: Decimal) -> tuple[int, int]:
        """Mantissa and decimals of a rate (see `HARD`)."""
        _, digits, exponent = exact.as_tuple()
        if len(digits) <= 18 and -18 <= exponent <= 0:
            return int(exact.scaleb(-exponent)), -exponent
        self.exact.append(exact)
        return len(self.exact) - 1, HARD

    @property
    def tails(self) -> int:
        """How many tails are numbered."""
        return len(self._tails)

    def forget(self) -> None:
        """Forget tails and exact rates: none that is not staged may refer to them."""
        self._tails.clear()
        self._tail_numbers.clear()
        self._suspicious, self._terms_of = Column(np.uint8), Column(np.int32, -1)
        self.exact.clear()

    def introduce(self, heads: dict[int, ItemFields]) -> None:
        """Say what is odd of items themselves; once for each, whose rate objects may be staged in several parts."""
        section = self._account.section
        for item, found in heads.items():
            for phase, notes in ((0, found.before), (2, found.after)):
                for i, (issue, detail) in enumerate(notes):
                    place, where = (section, item, phase, i), json_path("in_network", item)
                    self._account.warnings.add(issue, place, where, detail=detail)

    def stage(self, part: RateColumns, heads: dict[int, ItemFields]) -> None:
        """Stage the rate objects of consecutive items; `heads` are those of all of these items, in order."""
        if self.objects + len(part) > _MOST_OBJECTS:
            raise SourceError(
                f"holds more than {_MOST_OBJECTS:,} rate objects",
                place=self._place,
                remedy="Cut its in_network into several files.",
            )
        items = np.array([self._item_ix(found) for found in heads.values()], np.int32)
        tails, inline = len(self._tails), bool((part.owner < 0).any())
        *tables, turn, group = self._groups.tables()
        found = total(
            part,
            np.fromiter(heads, np.int64, len(heads)),
            items,
            (self._terms_of.ensure(tails), self._suspicious.ensure(tails), *tables),
            Next(self.objects, turn, -1 if inline else group),
        )
        self._sum(part, found)
        self._warn(part, suspicious_terms=found.suspicious > 0)
        terms_ix = self._terms_ix(part.tail) if found.new_terms else found.price_terms
        group_ix = self._groups.counted(part.owner, found, inline=inline)
        self._rows["price"].put(
            [pa.array(column) for column in (found.price_object, found.price_item, terms_ix, part.rate)]
        )
        self._rows["owner"].put([pa.array(found.owner_object), pa.array(group_ix)])
        for one, rates in zip(heads.values(), found.rates.tolist(), strict=True):
            self.code_rates[one.code_type, one.code, one.description, one.name] += rates
        self.prices_read += int(part.listed.sum())
        self.rates_read += int(part.countable.sum())
        self.priced += found.priced
        self.without_provider += found.without_provider
        self.kept += int(found.rates.sum())
        self.objects += len(part)

    def _item_ix(self, found: ItemFields) -> int:
        """The item_ix of what an item says, staged where it is new."""
        values = (*found[:4], self._contained_codes(found.contained))
        if self._items.full(values):
            self._items.forget()
        number, new = self._items.number(values)
        if new:
            self._rows["item"].add((number, *values))
            self._rows["item"].relieve()
        return number

    def _terms_ix(self, tails: np.ndarray) -> np.ndarray:
        """The terms_ix of tails in the file's order, staged where they are new."""
        found, done = np.empty(len(tails), np.int32), 0
        while done < len(tails):
            done += self._number_terms(tails[done:], found[done:])
        return found

    def _number_terms(self, tails: np.ndarray, found: np.ndarray) -> int:
        """Fill in the terms_ix of the first of these tails; returns how many: up to where numbers were forgotten."""
        known = self._terms_of.ensure(len(self._tails))
        for number in dict.fromkeys(tails[known[tails] < 0].tolist()):
            tail = self._tails[number]
            values = (*tail[:3], tail.pos.uid, *tail[4:7])
            if self._terms.full(values):
                settled_to = int(np.argmax(tails == number))
                found[:settled_to] = known[tails[:settled_to]]
                self._terms.forget()
                known[:] = -1
                return settled_to
            known[number], new = self._terms.number(values)
            if new:
                self._rows["terms"].add((known[number].item(), *values))
                self._rows["terms"].relieve()
                self._stage_pos_set(tail.pos)
        found[:] = known[tails]
        return len(tails)

    def _stage_pos_set(self, pos: codes.PosSet) -> None:
        if pos.uid not in self._pos_sets:
            self._pos_sets.add(pos.uid)
            self._rows["pos_set"].add((pos.uid, list(pos.codes)))

    def _contained_codes(self, contained: codes.Contained) -> str | None:
        uid = self._contained[contained]
        if uid and uid not in self._contained_staged:
            self._contained_staged.add(uid)
            for role, code_type, code in contained:
                self._rows["contained_code"].add((uid, role, code_type or None, code or None))
            self._rows["contained_code"].relieve()
        return uid

    def _sum(self, part: RateColumns, found: Totals) -> None:
        """Add the exact decimals of all rates."""
        self.zeros += found.zeros
        if found.hard or found.long:
            self._sum_rounded(part)
        if found.summed:
            for mantissa, decimals in found.exact_sums():
                self.total = EXACT.add(self.total, EXACT.scaleb(Decimal(mantissa), -decimals))
            return
        owners = np.repeat(part.owners, part.prices)
        for mantissa, decimals, times in zip(
            *(c.tolist() for c in (part.mantissa, part.decimals, owners)), strict=True
        ):
            if times:
                rate = self.exact[mantissa] if decimals == HARD else EXACT.scaleb(Decimal(mantissa), -decimals)
                self.total = EXACT.fma(rate, Decimal(times), self.total)

    def _sum_rounded(self, part: RateColumns) -> None:
        """Add what rates have beyond what doubles stand for."""
        owners = np.repeat(part.owners, part.prices)
        for decimals, times in exact_sums.rounded(part.rate, part.mantissa, part.decimals, owners):
            self.rounded = EXACT.add(self.rounded, EXACT.scaleb(Decimal(times), -decimals))
        for row in np.flatnonzero(
            (owners > 0) & ((part.decimals == HARD) | ~(np.abs(part.rate) < exact_sums.BELOW[-1]))
        ):
            mantissa, decimals, times = int(part.mantissa[row]), int(part.decimals[row]), int(owners[row])
            exact = self.exact[mantissa] if decimals == HARD else EXACT.scaleb(Decimal(mantissa), -decimals)
            left = EXACT.subtract(exact, exact_sums.decimal(float(part.rate[row])))
            self.rounded = EXACT.fma(left, Decimal(times), self.rounded)

    def _warn(self, part: RateColumns, *, suspicious_terms: bool) -> None:
        """Say what is odd, each with the first place where it stands."""
        warnings, section = self._account.warnings, self._account.section

        def warn(
            issue: Issue,
            rows: np.ndarray,
            step: int,
            of_row: np.ndarray,
            place: np.ndarray | None = None,
            detail: str = "",
        ) -> None:
            if not len(rows):
                return
            row = of_row[rows[0]]
            where = ["in_network", int(part.item[row]), "negotiated_rates", int(part.object[row])]
            if place is not None:
                where += ["negotiated_prices", int(place[rows[0]])]
            order = (section, where[1], 1, where[3], min(step, 3), where[-1], step)
            warnings.add(issue, order, json_path(*where), len(rows), detail=detail)

        each = np.arange(len(part))
        warn(issues.RATE_OBJECT_WITHOUT_PRICES, np.flatnonzero(part.priceless), 0, each)
        self._warn_of_lists(part, warn)
        warn(issues.RATE_OBJECT_WITHOUT_PROVIDER, np.flatnonzero(part.ownerless), 2, each)
        if suspicious_terms:
            self._warn_of_tails(part, warn)

    def _warn_of_tails(self, part: RateColumns, warn) -> None:
        of_price = np.repeat(np.arange(len(part)), part.prices)
        rows = np.flatnonzero(self._suspicious.values[part.tail])
        tails, where = np.unique(part.tail[rows], return_inverse=True)
        notes = [self._tails[number].notes for number in tails.tolist()]
        for step, (issue, noted, details) in enumerate(_by_issue(notes), start=3):
            here = np.flatnonzero(noted[where])
            warn(issue, rows[here], step, of_price, part.place, details[where[here[0]]])

    def _warn_of_lists(self, part: RateColumns, warn) -> None:
        inline = np.flatnonzero(part.owner < 0)
        if not len(inline):
            return
        of_owner = np.repeat(np.arange(len(part)), part.owners)
        lists, where = np.unique(-1 - part.owner[inline], return_inverse=True)
        found = [self._groups.inlines[n] for n in lists.tolist()]
        for issue, noted, details in _by_issue([one.notes for one in found]):
            here = np.flatnonzero(noted[where])
            warn(issue, inline[here], 1, of_owner, detail=details[where[here[0]]])


def _by_issue(notes: list[tuple[fields.Note, ...]]) -> Iterator[tuple[Issue, np.ndarray, list[str]]]:
    """Of each issue, which of these have a note of it, and the detail of each, the first one of several."""
    found: dict[Issue, dict[int, str]] = {}
    for place, here in enumerate(notes):
        for issue, detail in here:
            found.setdefault(issue, {}).setdefault(place, detail)
    for issue, details in sorted(found.items()):
        noted = np.zeros(len(notes), np.bool_)
        noted[list(details)] = True
        yield issue, noted, [details.get(place, "") for place in range(len(notes))]

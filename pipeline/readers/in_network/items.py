"""The items of in_network[], from bytes to numbered prices and owners: the compiled pass where a record is of regular
form, parsed JSON where it is not.

What belongs here: going through the list, reading each distinct span once, putting rejected records on record. What
must not come in: how bytes are walked (`in_network.scan.items`), what stands around what is cut out of them (`in_network.item_templates`),
a rate object of parsed JSON (`in_network.parsed_rates`), what a field says (`mrf_fields`), rows (`in_network.prices`).

An item is taken as it comes, for one may be larger than memory: its rate objects wait as numbers (`_Open`) until it
ends, because what they have in common may stand behind them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.compiled.jit import address
from pipeline.readers import limits
from pipeline.readers import mrf_fields as fields
from pipeline.readers import mrf_issues as issues
from pipeline.readers.in_network import drafts
from pipeline.readers.in_network import parsed_rates as records
from pipeline.readers.in_network.account import Account, Column, json_path
from pipeline.readers.in_network.item_templates import MARKED, ItemTemplates, begins, tail_of
from pipeline.readers.in_network.prices import ItemFields, Prices, item_fields
from pipeline.readers.in_network.provider_groups import Groups
from pipeline.readers.in_network.rate_columns import NOTHING, RateColumns, Scanned, doubles
from pipeline.readers.in_network.scan import slots
from pipeline.readers.in_network.scan.items import scan, through
from pipeline.readers.json_stream.byte_buffer import ByteBuffer
from pipeline.readers.json_stream.cursor import JsonText, TooLarge, parsed
from pipeline.readers.json_stream.positions import locate
from pipeline.readers.json_stream.values import extent
from pipeline.readers.mrf_fields import Unreadable

_LARGE = 64 << 20  # bytes of distinct spans, at which they are forgotten
_MANY = 1 << 18  # tails, the same
_SEEN = 1 << 20  # most references seen lately: 16 MB
_TOGETHER = 1024  # in-line lists are read at a time
_FEW = 256  # rate objects, which are not worth a part of their own
_BEGINNING = 8192  # bytes of an item that are kept for its record: more than a snippet takes


class _Open:
    """The item at hand: what stands before its rates, and what of them was read."""

    def __init__(self, prefix: bytes, offset: int, section: int):
        self.prefix, self.offset = prefix, offset
        self.beginning = b""
        self.parts: list[RateColumns] = [NOTHING]
        self.objects = 0
        self.account = Account()
        self.account.section = section

    def begin(self, held: ByteBuffer) -> None:
        """Keep of these bytes what still belongs to the beginning."""
        at, left = self.offset + len(self.beginning), _BEGINNING - len(self.beginning)
        if left > 0 and held.start <= at < held.end:
            self.beginning += held.text(at, min(at + left, held.end))

    def add(self, part: RateColumns) -> None:
        """Take in rate objects."""
        self.objects += len(part)
        if len(self.parts[-1]) + len(part) <= _FEW:
            self.parts[-1] = RateColumns.joined([self.parts[-1], part])
        else:
            self.parts.append(part)


class Items:
    """Reads the list of items of a file."""

    def __init__(self, file: str, account: Account, groups: Groups, prices: Prices, chunk_bytes: int):
        self._file, self._account, self._groups, self._prices = file, account, groups, prices
        self._chunk = max(1, chunk_bytes)
        self._fresh()
        self._heads = ItemTemplates()
        self._seen = np.full((1 << 10, slots.SEEN_WIDTH), -1, np.int64)  # references seen lately, by id
        self._index = 0  # of the item at hand
        self._open: _Open | None = None
        self._most = max(1 << 8, min(1 << 15, chunk_bytes >> 6))  # a rate object takes some 64 bytes at least
        self._make_room()

    def _make_room(self) -> None:
        most = self._most
        self._out = (
            np.zeros((most, slots.ITEM_WIDTH), np.int64),
            np.zeros((2 * most, slots.OBJECT_WIDTH), np.int64),
            np.zeros((4 * most, slots.PRICE_WIDTH), np.int64),
            np.zeros(16 * most, np.int32),
        )

    def read(self, text: JsonText) -> None:
        """Read the list that begins at the cursor."""
        text.take("[")
        held, mode = ByteBuffer(*text.unread()), slots.FIRST_ITEM
        position, ended = held.start, False
        while True:
            if self._open is None:
                self._forget()
            cursor = np.zeros(slots.ITEM_CURSOR, np.int64)
            cursor[slots.POSITION], cursor[slots.MODE] = position, mode
            cursor[slots.ITEM_ROOM], cursor[slots.ITEM_TABLES] = [len(column) for column in self._out], self._tables()
            status = through(held, scan, cursor)
            left = not ended and status in (slots.MORE, slots.FULL) and self._leave_last(cursor)
            moved = int(cursor[slots.POSITION]) > position
            status = self._take(held, cursor, status)
            if self._open:
                self._open.begin(held)
            position, mode = int(cursor[slots.POSITION]), int(cursor[slots.MODE])
            first, piece = held.chunk_at(position)
            if status == slots.END:
                text.give_back(held.rest(position), position)
                return
            if status == slots.NO_ROOM:
                self._grow(first + len(piece) - position)
            elif status == slots.FULL and not moved:
                self._most *= 2
                self._make_room()
            elif status == slots.FALLBACK:
                record = mode in (slots.ITEM, slots.OBJECT) and piece[position - first] in b"[{"
                end = int(extent(piece, position - first, len(piece))) if record else 0
                if end > 0 and self._odd(held.text(position, first + end), position, mode):
                    position, mode = first + end, mode + 1
                else:
                    status = slots.MORE if end < 0 else slots.BROKEN
            if status == slots.MORE:
                text.doing = f"in_network[{self._index}]"
                if (not left and held.extend(position)) or held.refill(text, position, self._chunk, self._at(mode)):
                    continue
                if left:  # nothing follows that it could be read with
                    ended = True
                    continue
            if status in (slots.MORE, slots.BROKEN):
                mode = self._slowly(text, held.rest(position), position, mode)
                if mode < 0:
                    return
                held = ByteBuffer(*text.unread())
                position = held.start

    def _at(self, mode: int) -> str:
        """The JSON path of the record at hand."""
        path = ("in_network", self._index)
        return (
            json_path(*path, "negotiated_rates", self._open.objects)
            if mode == slots.OBJECT and self._open
            else json_path(*path)
        )

    def _leave_last(self, cursor: np.ndarray) -> bool:
        """Leave an item that begins behind others, and does not end, to be read with what follows: to stage it in two parts
        costs more than to read its rate objects again, unless they are an eighth of all bytes at hand."""
        items, objects = self._out[0][: cursor[slots.ITEMS]], self._out[1]
        if len(items) < 2 or items[-1, slots.ITEM_END] >= 0:
            return False
        start, whole = int(items[-1, slots.ITEM_START]), int(items[-2, slots.ITEM_OBJECTS])
        if cursor[slots.POSITION] - start > self._chunk // 8:
            return False
        cursor[slots.ITEMS], cursor[slots.OBJECTS] = len(items) - 1, whole
        cursor[slots.PRICES] = objects[whole - 1, slots.OBJECT_PRICES] if whole else 0
        cursor[slots.OWNERS] = objects[whole - 1, slots.OBJECT_OWNERS] if whole else 0
        cursor[slots.POSITION], cursor[slots.MODE] = start, slots.ITEM
        return True

    def _tables(self) -> tuple:
        if len(self._seen) < _SEEN and len(self._seen) < 4 * len(self._groups.ids):
            self._seen = np.full((4 * len(self._seen), slots.SEEN_WIDTH), -1, np.int64)
        columns = self._follow.ensure(self._tails.most), self._bad_tails.ensure(self._tails.most)
        return (
            *map(address, self._out),
            self._tails.table,
            *map(address, columns),
            self._groups.ids.table,
            self._lists.table,
            address(self._bad_lists.ensure(self._lists.most)),
            address(self._seen),
            len(self._seen),
        )

    def _grow(self, span: int) -> None:
        for spans in (self._tails, self._lists, self._groups.ids):
            if spans.full(span):
                spans.grow(span)

    # What the compiled pass found.

    def _take(self, held: ByteBuffer, cursor: np.ndarray, status: int) -> int:
        """Read what is new, and take in all that can be; the cursor is set back to where it cannot."""
        items, count = self._out[0][: cursor[slots.ITEMS]], int(cursor[slots.OBJECTS])
        news = self._read_tails() | self._read_lists()
        rate, irregular = self._rates(held, int(cursor[slots.PRICES]), count)
        if news:
            irregular = min(irregular, self._first_bad(cursor))
        if irregular < count:
            cursor[slots.POSITION], cursor[slots.MODE] = self._out[1][irregular, slots.OBJECT_START], slots.OBJECT
            status, count = slots.FALLBACK, irregular
            items = items[: np.searchsorted(items[:, slots.ITEM_OBJECTS], irregular, "right") + 1].copy()
            items[-1, slots.ITEM_SUFFIX :] = (-1, -1, irregular)
        heads: dict[int, ItemFields] = {}
        rows = items.tolist()
        around = [
            (held.text(start, behind) if start >= 0 else self._open.prefix, held.text(close, end) if end >= 0 else None)
            for start, behind, close, end, _ in rows
        ]
        self._heads.read(one for one in around if one[1] is not None)
        for row, (start, _, close, end, _) in enumerate(rows):
            found = None
            if end >= 0:
                found = heads[self._index + row] = self._heads[around[row]]
            elif start < 0 or begins(around[row][0]):
                continue
            if found is None:
                heads.pop(self._index + row, None)
                # An item that is too large to be parsed is read as one that goes on: its rates are read already.
                opens = start < 0 or (end - start > limits.MOST_VALUE and begins(around[row][0]))
                stands, mode = (close, slots.SUFFIX) if opens else (start, slots.ITEM)
                cursor[slots.POSITION], cursor[slots.MODE], status = stands, mode, slots.FALLBACK
                items = items[: row + opens].copy()
                if opens:
                    items[-1, slots.ITEM_END] = -1
                count = int(items[-1, slots.ITEM_OBJECTS]) if len(items) else 0
                break
        self._accept(held, items, self._part(items, count, rate), heads)
        return status

    def _accept(self, held: ByteBuffer, items: np.ndarray, part: RateColumns, heads: dict[int, ItemFields]) -> None:
        """Stage whole items, and hold what there is of the last one."""
        done = 0
        if self._open and len(items):
            done = int(items[0, slots.ITEM_OBJECTS])
            self._open.add(part.cut(0, done))
            if self._index in heads:
                self._close(heads.pop(self._index))
                items = items[1:]
            else:
                return
        self._index += len(heads)
        closed_to = int(items[len(heads) - 1, slots.ITEM_OBJECTS]) if heads else done
        if heads:
            self._prices.introduce(heads)
            self._prices.stage(part.cut(done, closed_to), heads)
        if len(items) > len(heads):
            start, behind = items[-1, [slots.ITEM_START, slots.ITEM_RATES]].tolist()
            self._open = _Open(held.text(start, behind), start, self._account.section)
            self._open.add(part.cut(closed_to, len(part)))

    def _part(self, items: np.ndarray, count: int, rate: np.ndarray) -> RateColumns:
        objects = self._out[1][:count]
        size, named = (int(objects[-1, i]) if count else 0 for i in (slots.OBJECT_PRICES, slots.OBJECT_OWNERS))
        numbers = self._tail_of.values, self._list_of.values
        before = self._open.objects if self._open else 0
        found = Scanned(objects, items, self._out[2][:size], self._out[3][:named], rate[:size])
        return RateColumns.gathered(found, numbers, self._index, before)

    def _read_tails(self) -> bool:
        """Read the tails that are new; whether one of them cannot be read."""
        count, bad = len(self._tails), self._bad_tails.ensure(len(self._tails))
        known, numbers = self._tails_known, self._tail_of.ensure(count)
        for raw in range(known, count):
            try:
                numbers[raw] = self._prices.tail_number(tail_of(*self._tails.parts(raw)))
            except (ValueError, *records.UNREADABLE):
                bad[raw] = 1
        self._tails_known = count
        return bool(bad[known:count].any())

    def _read_lists(self) -> bool:
        """Read the in-line lists that are new; whether one of them cannot be read."""
        count, bad = len(self._lists), self._bad_lists.ensure(len(self._lists))
        known, numbers = self._lists_known, self._list_of.ensure(count)
        for start in range(known, count, _TOGETHER):
            end = min(start + _TOGETHER, count)
            for raw, number in enumerate(self._groups.inlines.numbers(self._lists, start, end), start):
                if number is None:
                    bad[raw] = 1
                else:
                    numbers[raw] = number
        self._lists_known = count
        return bool(bad[known:count].any())

    def _rates(self, held: ByteBuffer, size: int, objects: int) -> tuple[np.ndarray, int]:
        """The rates of all prices as doubles, and the first object of which one is none."""
        prices, found, i = self._out[2][:size], np.empty(size), -1
        while (i := doubles(prices, found, i + 1)) < size:
            start, left = prices[i, slots.PRICE_MANTISSA :].tolist()
            if left >= 0:
                found[i] = float(f"{start}e-{left}")
                continue
            try:
                found[i], exact = fields.rate(held.text(start, start - left).decode())
            except Unreadable:
                return found, int(np.searchsorted(self._out[1][:objects, slots.OBJECT_PRICES], i, "right"))
            prices[i, slots.PRICE_MANTISSA :] = self._prices.exactly(exact)
        return found, len(self._out[1])

    def _first_bad(self, cursor: np.ndarray) -> int:
        """The first object of which a tail or list cannot be read."""
        objects, found = self._out[1][: cursor[slots.OBJECTS]], [len(self._out[1])]
        bad = np.flatnonzero(self._bad_tails.values[self._out[2][: cursor[slots.PRICES], slots.PRICE_TAIL]])
        if len(bad):
            found.append(int(np.searchsorted(objects[:, slots.OBJECT_PRICES], bad[0], "right")))
        owner = self._out[3][: cursor[slots.OWNERS]]
        lists = np.flatnonzero(owner < 0)
        bad = lists[self._bad_lists.values[-1 - owner[lists]] > 0]
        if len(bad):
            found.append(int(np.searchsorted(objects[:, slots.OBJECT_OWNERS], bad[0], "right")))
        return min(found)

    def _forget(self) -> None:
        """Between items, let go of what was only needed to read them."""
        self._prices.exact.clear()
        held = self._tails.size + self._lists.size
        if held > _LARGE or self._prices.tails > _MANY or len(self._groups.inlines) > _MANY:
            self._fresh()
            self._prices.forget()
            self._groups.inlines.forget()

    def _fresh(self) -> None:
        self._tails, self._lists = ByteInterner(), ByteInterner()
        self._tails_known = self._lists_known = 0
        self._follow, self._bad_tails = Column(np.int64, -1), Column(np.uint8)
        self._bad_lists, self._tail_of, self._list_of = Column(np.uint8), Column(np.int64), Column(np.int64)

    # What is not of regular form.

    def _odd(self, content: bytes, offset: int, mode: int) -> bool:
        """Read a record that is whole; False where it is no JSON after all."""
        try:
            record = parsed(content)
        except ValueError:
            return False
        self._record(record, content.decode(), offset, mode)
        return True

    def _record(self, record: Any, text: str, offset: int, mode: int) -> None:
        if mode == slots.ITEM:
            self._item(record, text, offset)
        else:
            number = self._open.objects
            self._object(record, number, ())
            steps = ("in_network", self._index, "negotiated_rates", number)
            self._open.account.quarantine_rejects(self._file, steps, text, offset)

    def _slowly(self, text: JsonText, rest: bytes, offset: int, mode: int) -> int:
        """Take a step where the bytes are no JSON, or end, or it takes care to see; returns the new mode, or -1 at the
        end of the list."""
        text.doing = f"in_network[{self._index}]"
        if mode == slots.SUFFIX:
            head_of = self._open.prefix + MARKED + b"]"
            text.give_back(head_of + rest, offset - len(head_of))
            try:
                record = text.value()
            except TooLarge:
                behind = text.text[text.at :].encode()[len(head_of) :]
                raise text.too_large_at(offset, behind, limits.MOST_VALUE, self._at(mode)) from None
            around = text.text[slice(*text.span)]
            self._open.begin(ByteBuffer(around.encode()[len(head_of) :], offset))
            self._end(record, around, offset - len(head_of))
            return slots.AFTER_ITEM
        text.give_back(rest, offset)
        if mode in (slots.FIRST_ITEM, slots.FIRST_OBJECT):
            mode += 1
            if text.peek() == "]":
                text.at += 1
                return -1 if mode == slots.ITEM else slots.SUFFIX
        elif mode == slots.AFTER_ITEM:
            return slots.ITEM if text.take(",]") == "," else -1
        elif mode == slots.AFTER_OBJECT:
            if (found := text.peek()) not in (",", "]"):
                raise text.broken(text.at, "',' delimiter")
            text.at += 1
            return slots.OBJECT if found == "," else slots.SUFFIX
        record = text.value(self._at(mode))
        if self._open:
            self._open.begin(ByteBuffer(rest, offset))
            self._open.begin(ByteBuffer(text.text[slice(*text.span)].encode(), text.offset(text.span[0])))
        self._record(record, text.text[slice(*text.span)], text.offset(text.span[0]), mode)
        return mode + 1

    def _end(self, record: dict, text: str, offset: int) -> None:
        """End the item at hand, of which `record` is what stands around its rates."""
        opened, self._open = self._open, None
        size = offset + len(text.encode()) - opened.offset
        beginning = opened.beginning[:size].decode(errors="ignore")
        ((rates, _),) = locate(text, 0, {"negotiated_rates": {}}).values()
        again = len(text[:rates].encode()) != len(opened.prefix) - 1  # behind those that were taken for them
        if again:
            self._item(record, text, offset, beginning, opened.offset)
            return
        try:
            found = item_fields(record)
        except Unreadable as e:
            account = Account()
            self._reject(account, str(e), [(part.listed.sum(), part.countable.sum()) for part in opened.parts])
            account.quarantine_rejects(self._file, ("in_network", self._index), beginning, opened.offset)
            self._account.merge(account)
            self._prices.objects += opened.objects
            self._index += 1
            return
        self._open = opened
        self._close(found)

    def _reject(self, account: Account, reason: str, extents: list[tuple[int, int]]) -> None:
        """Reject an item that cannot be read. Its prices and rates are counted where they can be; `extents` has those of its
        rate objects."""
        prices, rates = (
            max(1, sum(map(int, counts))) for counts in (zip(*extents, strict=True) if extents else ((), ()))
        )
        self._prices.prices_read += prices
        self._prices.rates_read += rates
        account.reject((), reason, rates, prices)

    def _close(self, found: ItemFields) -> None:
        """Stage the item at hand."""
        opened, self._open = self._open, None
        self._account.merge(opened.account)
        heads = {self._index: found}
        self._prices.introduce(heads)
        opened.parts.reverse()
        while opened.parts:
            self._prices.stage(opened.parts.pop(), heads)
        self._index += 1

    def _object(self, record: Any, number: int, path: tuple) -> None:
        """Take in a rate object of the item at hand."""
        at = records.Place(self._index, number, path)
        self._open.add(records.read(record, at, groups=self._groups, prices=self._prices, account=self._open.account))

    def _item(self, item: Any, text: str, offset: int, beginning: str | None = None, start: int = 0) -> None:
        """Read a whole item; `text` may be what stands around its first rates alone, when its beginning is told too."""
        steps = ("in_network", self._index)
        objects: list[drafts.Placed] = []
        notes: fields.Notes = []
        try:
            if type(item) is not dict:
                raise Unreadable(f"{fields.kind(item)} is where an object belongs")
            objects = drafts.rates_of(item, notes)
            if not objects and item.get("negotiated_rates") is None:
                notes.append(fields.Note(issues.ITEM_WITHOUT_RATES, ""))
            found = item_fields(item)
        except Unreadable as e:
            self._note(notes)
            self._reject(self._account, str(e), [records.extent(record) for _, record in objects])
            stands = (text, offset) if beginning is None else (beginning, start)
            self._account.quarantine_rejects(self._file, steps, *stands)
            self._prices.objects += len(objects)
            self._index += 1
            return
        self._note(notes)
        self._open = _Open(b"", offset, self._account.section)
        for number, (path, record) in enumerate(objects):
            self._object(record, number, path)
        self._open.account.quarantine_rejects(self._file, steps, text, offset)
        self._close(found)

    def _note(self, notes: fields.Notes) -> None:
        """Say what is odd in where the item at hand has its rates."""
        for issue, detail in notes:
            place, where = (self._account.section, self._index), json_path("in_network", self._index)
            self._account.warnings.add(issue, place, where, detail=detail)

"""The list provider_references, from bytes to defined references: the compiled pass where a definition is of regular
form, parsed JSON where it is not.

What belongs here: going through the list, putting what cannot be read on record. What must not come in: the compiled pass
itself (`in_network.scan.references`), who the members of a group are (`in_network.members`), what becomes of a definition
(`in_network.provider_groups`), what a field says (`mrf_fields`).
"""

from __future__ import annotations

import contextlib

import numpy as np

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.compiled.jit import address
from pipeline.readers import mrf_fields as fields
from pipeline.readers.in_network.account import Account
from pipeline.readers.in_network.members import Members
from pipeline.readers.in_network.provider_groups import Definitions, Groups
from pipeline.readers.in_network.scan import slots
from pipeline.readers.in_network.scan.items import through
from pipeline.readers.in_network.scan.references import scan
from pipeline.readers.json_stream.byte_buffer import ByteBuffer
from pipeline.readers.json_stream.cursor import JsonText, TooLarge, parsed
from pipeline.readers.json_stream.values import extent

FEW = 1_000  # the first records of a list, which take less time to parse than the compiled pass to load, or to compile


class ProviderReferences:
    """Reads the list of references of a file."""

    def __init__(self, file: str, account: Account, groups: Groups, chunk_bytes: int):
        self._file, self._account, self._groups = file, account, groups
        self._chunk = max(1, chunk_bytes)
        self._index = 0  # of the record at hand
        self._most = max(1 << 8, min(1 << 14, chunk_bytes >> 6))
        self._networks, self._names = (
            ByteInterner(),
            [],
        )  # of each span of them: their names, None where they cannot be read
        self._members = Members(groups.tins)
        self._make_room()

    def _make_room(self) -> None:
        widths = slots.RECORD_WIDTH, slots.ENTRY_WIDTH, 1
        self._rows = [np.zeros((self._most, width), np.int64) for width in widths]

    def read(self, text: JsonText) -> None:
        """Read the list that begins at the cursor."""
        text.take("[")
        mode = slots.FIRST_ITEM
        with contextlib.suppress(TooLarge):  # to be parsed, perhaps: the compiled pass takes more
            while self._index < FEW:
                mode = self._slowly(text, mode)
                if mode < 0:
                    return
        held = ByteBuffer(*text.unread())
        position = held.start
        while True:
            self._members.forget()
            cursor = np.zeros(slots.REFERENCE_CURSOR, np.int64)
            cursor[slots.POSITION], cursor[slots.MODE] = position, mode
            tables = self._groups.ids.table, self._members.texts.table, self._networks.table
            cursor[slots.REFERENCE_TABLES] = self._most, *map(address, self._rows), *tables
            status = self._take(cursor, through(held, scan, cursor))
            moved = int(cursor[slots.POSITION]) > position
            position, mode = int(cursor[slots.POSITION]), int(cursor[slots.MODE])
            first, piece = held.chunk_at(position)
            if status == slots.END:
                text.give_back(held.rest(position), position)
                return
            if status == slots.NO_ROOM:
                span = first + len(piece) - position
                for spans in (self._groups.ids, self._members.texts, self._networks):
                    if spans.full(span):
                        spans.grow(span)
            elif status == slots.FULL and not moved:
                self._most *= 2
                self._make_room()
            elif status == slots.FALLBACK:
                whole = piece[position - first] in b"[{"
                end = int(extent(piece, position - first, len(piece))) if whole else 0
                if end > 0 and self._odd(held.text(position, first + end), position):
                    position, mode = first + end, slots.AFTER_ITEM
                else:
                    status = slots.MORE if end < 0 else slots.BROKEN
            text.doing = where = f"provider_references[{self._index}]"
            if status == slots.MORE and (held.extend(position) or held.refill(text, position, self._chunk, where)):
                continue
            if status in (slots.MORE, slots.BROKEN):
                text.give_back(held.rest(position), position)
                mode = self._slowly(text, mode)
                if mode < 0:
                    return
                held = ByteBuffer(*text.unread())
                position = held.start

    # What the compiled pass found.

    def _take(self, cursor: np.ndarray, status: int) -> int:
        """Read what is new, and take in all that can be; the cursor is set back to where it cannot."""
        records = self._rows[0][: cursor[slots.RECORDS]]
        entries = self._rows[1][: cursor[slots.ENTRIES]]
        self._members.read()
        self._read_networks()
        bad = [len(records)]
        if len(unreadable := self._members.unreadable(entries)):
            bad.append(int(np.searchsorted(records[:, slots.RECORD_ENTRIES], unreadable[0], "right")))
        bad += [
            i
            for i in np.flatnonzero(records[:, slots.RECORD_NETWORKS] >= 0).tolist()
            if self._names[records[i, slots.RECORD_NETWORKS]] is None
        ][:1]
        if (first := min(bad)) < len(records):
            cursor[slots.POSITION], cursor[slots.MODE], status = (
                records[first, slots.RECORD_START],
                slots.ITEM,
                slots.FALLBACK,
            )
            records = records[:first]
        if len(records):
            self._groups.define_all(self._definitions(records))
        self._index += len(records)
        return status

    def _definitions(self, records: np.ndarray) -> Definitions:
        entries = self._rows[1][: records[-1, slots.RECORD_ENTRIES]]
        members = self._members.joined(
            records[:, slots.RECORD_ENTRIES], entries, self._rows[2][: entries[-1, slots.ENTRY_NPIS], 0]
        )
        networks = [self._names[number] if number >= 0 else () for number in records[:, slots.RECORD_NETWORKS].tolist()]
        return Definitions(records[:, slots.RECORD_ID].copy(), members, networks, self._members.tins(entries))

    def _read_networks(self) -> None:
        """Read the lists of network names that are new."""
        for place in range(len(self._names), len(self._networks)):
            try:
                self._names.append(fields.networks(parsed(self._networks.span(place))))
            except ValueError:
                self._names.append(None)

    # What is not of regular form.

    def _odd(self, content: bytes, offset: int) -> bool:
        """Read a record that is whole; False where it is no JSON after all."""
        try:
            record = parsed(content)
        except ValueError:
            return False
        self._define(record, content, offset)
        return True

    def _define(self, record: object, content: bytes | str, offset: int) -> None:
        self._groups.define(record, self._index)
        if self._account.pending_rejects:
            text = content if type(content) is str else content.decode()
            self._account.quarantine_rejects(self._file, ("provider_references", self._index), text, offset)
        self._index += 1

    def _slowly(self, text: JsonText, mode: int) -> int:
        """Take a step where the bytes are no JSON, or end, or it takes care to see; returns the new mode, or -1 at the
        end of the list."""
        text.doing = f"provider_references[{self._index}]"
        if mode == slots.AFTER_ITEM:
            return slots.ITEM if text.take(",]") == "," else -1
        if mode == slots.FIRST_ITEM and text.peek() == "]":
            text.at += 1
            return -1
        record = text.value()
        self._define(record, text.text[slice(*text.span)], text.offset(text.span[0]))
        return slots.AFTER_ITEM

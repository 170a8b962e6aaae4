"""A table of contents: which in-network files a payer publishes, and for which plans.

What belongs here: reading it, of v1.x and v2.x alike, without holding it whole. What must not come in: whether a
file is here, how large it is (`fetching`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers import mrf_fields as fields
from pipeline.readers.file_kinds import KIND_OF_KEY
from pipeline.readers.json_stream.cursor import JsonText
from pipeline.readers.json_stream.decompression import opened

_OBJECT, _TEXT, _NUMBER = 120, 60, 8  # bytes that Python takes for each beside its content, about


class Plan(NamedTuple):
    """A plan as it is published, without the blanks around its fields."""

    plan_name: str | None
    plan_id_type: str | None
    plan_id: str | None
    plan_market_type: str | None
    issuer_name: str | None
    plan_sponsor_name: str | None


@dataclass(frozen=True)
class Listed:
    """An in-network file: its address, as published, and the first description that is given of it."""

    url: str
    description: str | None


class Contents:
    """What a table of contents lists, each file once, in its order.

    Payers list the same files for thousands of plans: of a file is kept in which structures it stands, and the plans
    of a structure are kept once. `oddities` are entries that cannot be read, with their place in the file. `size` are the
    bytes of all that is kept, about.
    """

    def __init__(self) -> None:
        self.files: list[Listed] = []
        self.oddities: list[str] = []
        self.size = 0
        self._known: dict[Plan, Plan] = {}
        self._numbers: dict[str, int] = {}
        self._structures: list[array] = []  # of each file
        self._plans: list[tuple[Plan, ...]] = []  # of each structure

    def plans(self, file: Listed) -> list[Plan]:
        """The distinct plans of a file, in the order of the table of contents."""
        structures = self._structures[self._numbers[file.url]]
        return list(dict.fromkeys(plan for number in structures for plan in self._plans[number]))

    def matching(self, text: str | None) -> Iterator[Listed]:
        """The files of which a text stands in the address, the description or a plan's fields, in any case."""
        wanted = (text or "").casefold()
        fits = [any(wanted in (word or "").casefold() for plan in plans for word in plan) for plans in self._plans]
        for file in self.files:
            own = wanted in file.url.casefold() or wanted in (file.description or "").casefold()
            if own or any(fits[number] for number in self._structures[self._numbers[file.url]]):
                yield file

    def take(self, record: dict, place: str) -> None:
        """Take in one reporting structure."""
        number = len(self._plans)
        plans, files = entries(record, place, self.oddities)
        self._plans.append(tuple(map(self._once, plans)))
        self.size += _OBJECT + _NUMBER * len(plans)
        for file in files:
            if file.url not in self._numbers:
                self._numbers[file.url] = len(self.files)
                self.files.append(file)
                self._structures.append(array("L"))
                self.size += 3 * _OBJECT + len(file.url) + len(file.description or "")
            structures = self._structures[self._numbers[file.url]]
            if not structures or structures[-1] != number:
                structures.append(number)
                self.size += _NUMBER

    def _once(self, plan: Plan) -> Plan:
        """The plan, as it was met first."""
        if plan not in self._known:
            self.size += 2 * _OBJECT + sum(_TEXT + len(word) for word in plan if word)
        return self._known.setdefault(plan, plan)


def entries(record: dict, place: str, oddities: list[str]) -> tuple[list[Plan], list[Listed]]:
    """The plans and the in-network files of a reporting structure, as often as they stand there; to `oddities` is added what
    of it cannot be read."""
    plans = [_plan(plan, place, oddities) for plan in _list(record, "reporting_plans", place, oddities)]
    files = []
    for entry in _list(record, "in_network_files", place, oddities):
        try:
            url = fields.text(entry.get("location")) if type(entry) is dict else None
            description = fields.text(entry.get("description")) if url else None
        except fields.Unreadable:
            url = None
        if url:
            files.append(Listed(url, description))
        else:
            oddities.append(f"{place}.in_network_files has an entry without a location")
    return plans, files


def _list(record: dict, key: str, place: str, oddities: list[str]) -> list:
    """A list, or the single object that stands in its place (of both there are files)."""
    value = record.get(key)
    if type(value) is dict:
        return [value]
    if type(value) is not list:
        if value is not None:
            oddities.append(f"{place}.{key} is {fields.kind(value)}, where a list belongs")
        return []
    return value


def _plan(record: Any, place: str, oddities: list[str]) -> Plan:
    words = []
    for name in Plan._fields:
        try:
            words.append(fields.text(record.get(name)) if type(record) is dict else None)
        except fields.Unreadable:
            oddities.append(f"{place}.reporting_plans has a {name} that is no text")
            words.append(None)
    return Plan(*words)


def read(path: Path) -> Contents:
    """Read a table of contents (`.json`, `.json.gz`, `.zip`). Memory is one structure, the distinct files and plans.

    Raises SourceError as `structures`, and for one that lists more than can be held.
    """
    contents = Contents()
    for record, place, offset in structures(path, contents.oddities):
        contents.take(record, place)
        if contents.size > limits.MOST_LISTED:
            raise _too_large(path, contents, place, offset)
    return contents


def structures(path: Path, oddities: list[str]) -> Iterator[tuple[dict, str, int]]:
    """The reporting structures of a table of contents, one after the other, each with its place in the file and its byte.

    Of a file that lists its plans at the top, each with its files, a plan with its files is a structure. To `oddities` is
    added what cannot be read. Raises SourceError for a file that is broken or of another kind.
    """
    found = False
    with opened(path) as blocks:
        text = JsonText(blocks, path)
        if text.peek() != "{":
            raise _refusal(path, f"is no table of contents: it begins with {text.peek()!r}, not with a JSON object")
        for key in text.keys():  # noqa: SIM118 not a dict: a cursor
            text.doing = key
            if key in ("reporting_structure", "reporting_plans"):
                found = True
                if text.peek() != "[":
                    raise _refusal(path, f"is no table of contents: its {key} is no list", text.offset())
                for index, record in enumerate(text.items()):
                    offset = text.offset(text.span[0])
                    place = f"{key}[{index}]"
                    if type(record) is not dict:
                        oddities.append(f"{place} is {fields.kind(record)}, where an object belongs")
                    elif key == "reporting_plans":
                        yield {key: [record], "in_network_files": record.get("in_network_files")}, place, offset
                    else:
                        yield record, place, offset
                    text.doing = f"{key}[{index + 1}]"
            elif key in KIND_OF_KEY and not found:
                raise _refusal(path, f"is {KIND_OF_KEY[key]}, not a table of contents", text.key_offset)
            else:
                text.skip()
        text.doing = "what follows the JSON object"
        text.end()
    if not found:
        raise _refusal(path, "is no table of contents: it has no reporting_structure")


def _too_large(path: Path, contents: Contents, place: str, offset: int) -> SourceError:
    return SourceError(
        f"lists more than can be held: {len(contents.files):,} files and their plans up to {place} take more than "
        f"{limits.megabytes(limits.MOST_LISTED)}",
        place=path,
        remedy="Split its reporting_structure into several files.",
        offset=offset,
    )


def _refusal(path: Path, fact: str, offset: int | None = None) -> SourceError:
    return SourceError(fact, place=path, remedy="Name the payer's table of contents (its index file).", offset=offset)

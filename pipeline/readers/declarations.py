"""Declarations: raw/declarations/*.yml to a checked list of what in-network files should have said of themselves.

What belongs here: what a declaration may say, the pattern that names its files, which declarations contradict each other,
and the billing class that one gives to rates. What must not come in: which files there are (`stages.declarations`), what
else is read of a file (`readers.in_network`).

    - files: "GA/acme_*.json.gz"
      set: {last_updated_on: 2026-02-04, billing_class: professional, billing_class_where: {setting: null}}
      reason: the file's own header has no date
      source: the payer's page of 2026-02-06
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import errors, naming
from pipeline.readers import mrf_dates, yaml_entries
from pipeline.readers.in_network import codes
from pipeline.readers.mrf_fields import Unreadable

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS = ("files", "set", "reason", "source")
HEADER = ("last_updated_on", "reporting_entity_name")
CLASS, WHERE = "billing_class", "billing_class_where"
SETTABLE = (*HEADER, CLASS, WHERE)
CLASSES = ("professional", "institutional", "both")
# What a rate's terms say, as staged: in lower case, but for modifiers, and the places of service as the id of their set.
PLACES = "service_code"
MATCHABLE = (CLASS, "setting", "negotiated_type", "billing_code_modifiers", "additional_information", PLACES)
_ISO = re.compile(r"\d{4}-\d\d(-\d\d)?", re.ASCII)


@dataclass(frozen=True)
class ClassRule:
    """A billing class for the rates whose terms have all the values of `where`; for every rate where that is empty."""

    billing_class: str
    where: Mapping[str, str | None] = field(default_factory=dict)

    def excludes(self, other: ClassRule) -> bool:
        """Whether no rate can be of both: they ask for different values of one column."""
        return any(name in other.where and other.where[name] != value for name, value in self.where.items())


@dataclass(frozen=True)
class Declaration:
    """What files should have said: `header` (of `HEADER`) and a class for rates; `files` is the pattern of their paths under
    raw/mrf, `file` its own path under raw/declarations, `number` its place there from 1."""

    files: str
    header: Mapping[str, str]
    billing_class: ClassRule | None
    reason: str
    file: str
    number: int

    @cached_property
    def _pattern(self) -> re.Pattern:
        return re.compile("".join(_WILD.get(c, re.escape(c)) for c in self.files), re.DOTALL)

    def matches(self, path: str) -> bool:
        """Whether it is of the file of that path under raw/mrf."""
        return path == self.files or self._pattern.fullmatch(path) is not None

    @property
    def shown(self) -> str:
        """How a person finds it."""
        return f"the declaration number {self.number} ({self.files})"

    def values(self) -> dict:
        """What it sets, as JSON values."""
        found: dict = dict(self.header)
        if self.billing_class:
            found[CLASS] = self.billing_class.billing_class
            if self.billing_class.where:
                found[WHERE] = dict(self.billing_class.where)
        return found

    def text(self) -> list[str]:
        """The same in words, `name=value`; of a class the rates that it is for behind it."""
        found = [f"{name}={value}" for name, value in self.header.items()]
        if self.billing_class:
            rule = self.billing_class
            where = ", ".join(f"{name}: {'null' if v is None else v or '[]'}" for name, v in sorted(rule.where.items()))
            found.append(f"{CLASS}={rule.billing_class}" + (f" where {where}" if where else ""))
        return found


# `*` and `?` take any characters but the slash between folders; no other character means anything.
_WILD = {"*": "[^/]*", "?": "[^/]"}


def read(path: Path, file: str | None = None) -> list[Declaration]:
    """The declarations of one file. `file` is its path under raw/declarations, as text.

    DeclarationError names the file, the declaration and what to mend.
    """
    raw = yaml_entries.read(path, "declaration", "- files: …", errors.DeclarationError)
    return [_Check(number, path).of(entry, file or path.name) for number, entry in enumerate(raw, 1)]


@dataclass(frozen=True)
class _Check:
    number: int
    path: Path

    def refuse(self, fact: str, remedy: str, files: object = None) -> errors.DeclarationError:
        of = f" ({files})" if isinstance(files, str) else ""
        return errors.DeclarationError(
            f"the declaration number {self.number}{of} {fact}", place=self.path, remedy=remedy
        )

    def of(self, entry: object, file: str) -> Declaration:
        if not isinstance(entry, dict):
            raise self.refuse("is no mapping", "write files, set and reason")
        files, given = entry.get("files"), entry.get("set")
        self._known(entry, FIELDS, "field", files)
        for name in ("files", "set", "reason"):
            if not entry.get(name):
                raise self.refuse(f"has no {name}", f"add {name}: …", files)
        if not isinstance(files, str):
            raise self.refuse("names its files by what is no text", 'write files: "GA/acme_*.json.gz"')
        if not isinstance(given, dict):
            raise self.refuse("has a set that is no mapping", "write set: {last_updated_on: 2026-02-04}", files)
        self._known(given, SETTABLE, "key in its set,", files)
        header = {name: self._text(given, name, files) for name in HEADER if name in given}
        if "last_updated_on" in header:
            self._month(header["last_updated_on"], files)
        if (name := header.get("reporting_entity_name")) and naming.slugify(name) is None:
            fact = f"sets reporting_entity_name to {name!r}, which has no letter and no digit"
            raise self.refuse(fact, "write the payer's name as it stands in its other files", files)
        rule = self._class(given, files)
        pattern = files.removeprefix("raw/mrf/")
        return Declaration(pattern, header, rule, str(entry["reason"]), file, self.number)

    def _known(self, given: dict, known: Iterable[str], what: str, files: object) -> None:
        bad = next((str(name) for name in given if name not in known), None)
        if bad is not None:
            raise self.refuse(f"has the {what} {bad}", yaml_entries.meant(bad, known), files)

    def _text(self, given: dict, name: str, files: str) -> str:
        value = given[name]
        if isinstance(value, datetime.date):  # YAML reads 2026-02-04 as one
            return value.isoformat()[:10]
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(f"sets {name} to {value!r}, which is no text", f'write {name}: "…" in quotes', files)
        return value.strip()

    def _month(self, text: str, files: str) -> None:
        day = f"{text}-01" if len(text) == 7 else text
        try:
            known = bool(_ISO.fullmatch(text)) and datetime.date.fromisoformat(day) is not None
        except ValueError:
            known = False
        if not known or mrf_dates.month(text)[0] is None:
            fact = f"sets last_updated_on to {text}, which is no date"
            raise self.refuse(fact, "write last_updated_on: 2026-02-04, or its month alone: 2026-02", files)

    def _class(self, given: dict, files: str) -> ClassRule | None:
        if CLASS not in given:
            if WHERE in given:
                raise self.refuse(f"has {WHERE} without {CLASS}", f"add {CLASS}: professional, or another", files)
            return None
        name, where = given[CLASS], given.get(WHERE) or {}
        if name not in CLASSES:
            raise self.refuse(f"sets {CLASS} to {name}", f"write one of: {', '.join(CLASSES)}", files)
        if not isinstance(where, dict):
            raise self.refuse(f"has a {WHERE} that is no mapping", f"write {WHERE}: {{setting: null}}", files)
        self._known(where, MATCHABLE, f"column in its {WHERE},", files)
        return ClassRule(name, {column: self._value(column, value, files) for column, value in where.items()})

    def _value(self, column: str, value: object, files: str) -> str | None:
        """A value as the terms have it; of places of service the codes of the set, sorted and joined, `` for none."""
        if column == PLACES:
            return self._places(value, files)
        if value is None:
            return None
        if not isinstance(value, (str, list)):
            fact = f"has {column}: {value!r} in its {WHERE}, which is no text"
            raise self.refuse(fact, f'write {column}: "…" in quotes, or null', files)
        if column == "billing_code_modifiers":
            parts = value if isinstance(value, list) else value.split("|")
            try:
                return codes.modifiers(tuple(parts), [])
            except Unreadable as wrong:
                fact = f"has {column}: {value!r}, which is no list of modifiers: {wrong}"
                raise self.refuse(fact, f'write {column}: ["26"], or null where none was published', files) from None
        if isinstance(value, list):
            raise self.refuse(f"has a list for {column}", "write one value, in a declaration of its own", files)
        return (value.strip() if column == "additional_information" else value.strip().lower()) or None

    def _places(self, value: object, files: str) -> str:
        given = [] if value is None else value if isinstance(value, list) else [value]
        remedy = f'write {PLACES}: ["11"], or null where no list was published'
        for one in given:
            if not isinstance(one, str):
                raise self.refuse(f"has {PLACES}: {one!r} as a number, which loses its zeros", remedy, files)
            if one.strip() and not codes.pos_set(one, []).codes:
                raise self.refuse(f"has {PLACES}: {one!r}, which is no place of service", remedy, files)
        return "|".join(codes.pos_set(tuple(given), []).codes)


def contradiction(first: Declaration, second: Declaration) -> str | None:
    """What two declarations of one file both set: `last_updated_on`; None where both can hold.

    Two that set a class both hold where no rate can be of both.
    """
    name = next((name for name in HEADER if name in first.header and name in second.header), None)
    if name is None and first.billing_class and second.billing_class:
        name = None if first.billing_class.excludes(second.billing_class) else CLASS
    return name


def with_classes(terms: pa.RecordBatch, rules: Iterable[ClassRule]) -> tuple[pa.RecordBatch, int]:
    """Rows of staged_terms with the declared billing classes; and of how many of them a rule says anything.

    A rule is asked of what was published, whatever another one sets.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    place = terms.schema.get_field_index(CLASS)
    made, met = terms.column(place), pa.array([False] * terms.num_rows)
    for rule in rules:
        hit = pa.array([True] * terms.num_rows)
        for name, value in rule.where.items():
            column, wanted = _published(name, value)
            same = pc.is_null(terms.column(column)) if wanted is None else pc.equal(terms.column(column), wanted)
            hit = pc.and_(hit, pc.fill_null(same, False))
        made = pc.if_else(hit, pa.scalar(rule.billing_class, pa.string()), made)
        met = pc.or_(met, hit)
    return terms.set_column(place, terms.schema.field(place), made), met.true_count


def _published(name: str, value: str | None) -> tuple[str, str | None]:
    """The column of staged_terms that has what a rule asks for, and its value there."""
    if name != PLACES:
        return name, value
    return "pos_set_id", naming.pos_set_id((value or "").split("|") if value else ())

"""One in-network file to the staged tables: every rate the file holds, or a refusal by name.

What belongs here: the order of things in the file (header, references, items, rate objects, prices, in any order of
keys, v1.x and v2.x alike), counting, and keeping what cannot be read. What must not come in: how JSON arrives
(`json_stream.decompression`, `json_stream.cursor`), what a single field says (`mrf_fields`), where anything is written (the caller's
sink), a branch on the file's `version`.

The callers' interface is `read`, `Result` and `Sink`; a faster reader takes the place of what is behind them.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pipeline import decimals
from pipeline.errors import SourceError
from pipeline.readers import mrf_dates as dates
from pipeline.readers import mrf_fields as fields
from pipeline.readers import mrf_issues as issues
from pipeline.readers.file_kinds import KIND_OF_KEY
from pipeline.readers.in_network.account import Account, SourceWarning
from pipeline.readers.in_network.items import Items
from pipeline.readers.in_network.prices import Prices
from pipeline.readers.in_network.provider_groups import Groups, Resolve
from pipeline.readers.in_network.references import ProviderReferences
from pipeline.readers.in_network.staging import MemberRows, Quarantine, QueuedSink, Rows, Sink
from pipeline.readers.json_stream.cursor import JsonText
from pipeline.readers.json_stream.decompression import opened, unpacked_ahead
from pipeline.readers.mrf_fields import Unreadable
from pipeline.readers.mrf_issues import Issue

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
# By the key that gives away what else a file is: what to do with it.
_OTHER_KINDS = {
    "reporting_structure": "Download the in-network files that it lists, and keep it out of raw/mrf.",
    "out_of_network": "Take it out of raw/mrf: out-of-network amounts are no rates.",
    "drugs": "Take it out of raw/mrf: drug prices have a schema of their own.",
    "provider_groups": "Take it out of raw/mrf: it holds groups that in-network files refer to, and no rates.",
}
_NO_MONTH = {False: "is no date", True: "might be of several months"}
_FEW = 100  # such records carried by the error that blocks a file


@dataclass(frozen=True)
class Result:
    """What a whole file said of itself and what was counted while reading it.

    The header is as published: entity name and version untouched, the rest without blanks around it, plan_id_type
    lower case, null where blank; what is declared of it (`readers.declarations`) stands in its place, and `published` has
    what the file itself says there. year_month is the first seven characters of last_updated_on.

    schema_shape  how rates name their provider groups: `inline` (lists beside the prices), `fetching.reference_lookup` (by id),
                  `locations` (by id, and every reference is a URL alone), `mixed` (in-line lists and ids, or ids of
                  both kinds), `none` (no rate names any)
    prices_read, priced, prices_rejected, without_provider
                  price objects, and what became of them (`pipeline.accounts`)
    rates_read    prices x provider groups, rejected ones included
    kept          the part that could be read and is staged
    rejected      the part that could not be read; `quarantine` holds the records
    unresolved    the part of the others whose reference has no members in the file
    zero_rates    the part of them with a rate of 0
    rate_sum      the exact sum of those rates, a decimal as text (dollars and percents alike)
    rounded_sum   the part of it that doubles do not hold, the same
    warnings      the kinds of `mrf_issues` that were found
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
    published: Mapping[str, str | None]
    schema_shape: str
    prices_read: int
    priced: int
    prices_rejected: int
    without_provider: int
    rates_read: int
    kept: int
    rejected: int
    unresolved: int
    zero_rates: int
    rate_sum: str
    rounded_sum: str
    warnings: tuple[SourceWarning, ...]
    quarantine: Quarantine
    missing_references: Mapping[str, str]


class Pace(NamedTuple):
    """How a file is read, none of which changes what is read: the bytes of a piece, the rows of a batch, and the threads,
    1 or 2."""

    chunk_bytes: int = 4 << 20
    batch_rows: int = 65536
    threads: int = 1


class Elsewhere(NamedTuple):
    """What is known of a file and does not stand in it: `resolve` gives the `provider_groups` behind the URL of a reference,
    None where they are not at hand; `declared` are fields of the header that the file should have."""

    resolve: Resolve | None = None
    declared: Mapping[str, str] = MappingProxyType({})


class _Options(NamedTuple):
    """How to read, as `read` was told."""

    batch_id: str
    sink: Sink
    elsewhere: Elsewhere
    pace: Pace


def read(
    path: Path,
    *,
    batch_id: str,
    sink: Sink,
    max_rejected_share: float = 0.01,
    elsewhere: Elsewhere | None = None,
    **pace: int,
) -> Result:
    """Read one in-network file (`.json`, `.json.gz`, `.zip` of one `.json`) into the tables of `staged_mrf`.

    The rows and their order follow from the file alone, whatever the chunk size; with 2 threads unpacking and the sink
    work in others than the reader. `batch_id` is what pg_uid is made with. `pace` are fields of `Pace`.

    Memory is a chunk and what waits to be read and to be written, the longest rate object (up to a limit: `limits`), a batch per table (`batch_rows`
    of it, but for prices and owners, which come as they are read), 40 bytes a price and 8 an owner of the item at hand, and
    some 350 a reference.

    Raises SourceError for a file that is broken, is of another kind, has no month, holds a value that is too large, or of
    whose rates more than `max_rejected_share` cannot be read. It carries `offset` (the byte of the decompressed text, where
    there is one), `header` (what was read of it as it counts, year_month included, and `published`) and `quarantine` (the
    first records that could not be read).
    """
    path = Path(path)
    how = Pace(**pace)
    with QueuedSink(sink) if how.threads > 1 else contextlib.nullcontext(sink) as sink:
        return _read(path, _Options(batch_id, sink, elsewhere or Elsewhere(), how), max_rejected_share)


def _read(path: Path, options: _Options, max_rejected_share: float) -> Result:
    reader = _Reader(path, options)
    try:
        with (
            _seldom_collected(),
            opened(path) as packed,
            unpacked_ahead(packed) if options.pace.threads > 1 else contextlib.nullcontext(packed) as blocks,
        ):
            reader.walk(JsonText(blocks, path, options.pace.chunk_bytes))
        return reader.result(max_rejected_share)
    except SourceError as e:
        month, _ = dates.month(reader.in_force["last_updated_on"])
        e.header = {**reader.in_force, "year_month": month, "published": reader.published}
        e.quarantine = [record for record, _ in zip(reader.account.quarantine, range(_FEW), strict=False)]
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


def _below_mrf(path: Path) -> str:
    """A file's path under raw/mrf, as far as it is in such a folder."""
    parts = path.parts
    return "/".join(parts[len(parts) - parts[::-1].index("mrf") :] if "mrf" in parts else parts[-2:])


class _Reader:
    """What is known of the file so far."""

    def __init__(self, path: Path, options: _Options):
        self.path, self._options = path, options
        names = ("price", "item", "terms", "owner", "group", "code", "pos_set", "contained_code", "tin")
        rows = {name: Rows(f"staged_{name}", options.sink, options.pace.batch_rows) for name in names}
        rows["member"] = MemberRows("staged_member", options.sink, options.pace.batch_rows)
        self.rows, self.account = rows, Account()
        self.header: dict[str, str | None] = dict.fromkeys(HEADER)
        self.groups = Groups(options.batch_id, rows, self.account, options.elsewhere.resolve)
        self.prices = Prices(self.account, self.groups, rows, path)

    @property
    def in_force(self) -> dict[str, str | None]:
        """The header as it counts: with what is declared of it."""
        return {**self.header, **self._options.elsewhere.declared}

    @property
    def published(self) -> dict[str, str | None]:
        """What the file itself says where something is declared."""
        return {name: self.header[name] for name in self._options.elsewhere.declared}

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
            self.account.section += 1
            if key in ("in_network", "provider_references"):
                if key in seen:
                    at = text.key_offset
                    raise self._refusal(
                        f"{key} occurs twice, again at byte {at}", "Keep one of them, or split the file in two.", at
                    )
                seen.add(key)
                self._list(text, key)
            elif key == "last_update_on" and not self.header["last_updated_on"]:  # CMS's schema of 2020
                self._warn(issues.OLDER_FORM, key)
                self._head("last_updated_on", text.value())
            elif key in self.header:
                if key in seen:
                    self._warn(issues.KEY_REPEATED, key)
                seen.add(key)
                self._head(key, text.value())
            elif key in _OTHER_KINDS and "in_network" not in seen:
                what, at = KIND_OF_KEY[key], text.key_offset
                raise self._refusal(f"is {what}, not an in-network file ({key} at byte {at})", _OTHER_KINDS[key], at)
            else:
                text.skip()
        text.doing = "what follows the JSON object"
        text.end()
        if "in_network" not in seen:
            raise self._refusal("is no in-network file: it has no in_network", "Take it out of raw/mrf.")
        self.account.section += 1
        if text.replaced:
            self._warn(issues.SURROGATE_HALF, "the file", text.replaced)

    def _list(self, text: JsonText, key: str) -> None:
        """Read an array of records, and put on record what could not be read of each."""
        if text.peek() != "[":
            at, value = text.offset(), text.value()
            if value is not None:
                raise self._refusal(
                    f"{key} at byte {at} is {fields.kind(value)}, where a list belongs",
                    "Ask the publisher for a file that follows the schema.",
                    at,
                )
            self._warn(issues.LIST_NULL, key)
            return
        text.doing = f"{key}[0]"
        if key == "in_network":
            Items(self.path.name, self.account, self.groups, self.prices, self._options.pace.chunk_bytes).read(text)
        else:
            ProviderReferences(self.path.name, self.account, self.groups, self._options.pace.chunk_bytes).read(text)
            self.groups.settle()
        text.doing = f"what follows {key}"

    def _head(self, key: str, value: Any) -> None:
        notes: fields.Notes = []
        try:
            found = fields.text(value, notes)
        except Unreadable as e:
            self._warn(issues.HEADER_UNREADABLE, key, detail=str(e))
            found = None
        if found and key in ("reporting_entity_name", "version"):
            found, notes = str(value), []
        for issue, detail in notes:
            self._warn(issue, key, detail=detail)
        self.header[key] = fields.lower(found) if key == "plan_id_type" else found

    def _refusal(self, fact: str, remedy: str, offset: int | None = None) -> SourceError:
        return SourceError(fact, place=self.path, remedy=remedy, offset=offset)

    def _warn(self, issue: Issue, where: str, times: int = 1, *, detail: str = "") -> None:
        self.account.warnings.add(issue, (self.account.section,), where, times, detail=detail)

    def result(self, max_rejected_share: float) -> Result:
        """Stage what only the whole file tells, and sum up."""
        header = self.in_force
        year_month, form = dates.month(header["last_updated_on"])
        if year_month and form:
            detail = f"{self.header['last_updated_on']!r} is of {year_month}"
            self._warn(issues.DATE_IN_ANOTHER_FORM, "last_updated_on", detail=detail)
        if year_month is None:
            text = header["last_updated_on"]
            fact = (
                "has no last_updated_on"
                if text is None
                else f"has a last_updated_on that {_NO_MONTH[form]}: {text[:40]!r}"
            )
            remedy = (
                "Ask the publisher which month it is of, and declare it in raw/declarations: "
                f'- {{files: "{_below_mrf(self.path)}", set: {{last_updated_on: YYYY-MM-DD}}, reason: …}}'
            )
            raise self._refusal(f"{fact}; its month is unknown", remedy)
        if not header["reporting_entity_name"]:
            self._warn(issues.ENTITY_MISSING, "reporting_entity_name")
        account, rates_read = self.account, self.prices.rates_read
        if account.rejected > max_rejected_share * rates_read:
            first = next(r for r in account.quarantine if r["rates"])
            raise self._refusal(
                f"{account.rejected} of {rates_read} rates cannot be read, more than a share of {max_rejected_share:g}; "
                f"first {first['path']} at byte {first['offset']}: {first['reason']}",
                "Mend or replace the file, or allow a larger share of rejected rates in luigi.cfg.",
                first["offset"],
            )
        account.section += 1
        unresolved, missing, shape = self.groups.finish()
        for key, rates in self.prices.code_rates.items():
            self.rows["code"].add((*key, rates))
        for rows in self.rows.values():
            rows.flush()
        account.section += 1
        if not rates_read:
            self._warn(issues.NO_RATES, "in_network")
        return Result(
            **header,
            year_month=year_month,
            published=self.published,
            schema_shape=shape,
            prices_read=self.prices.prices_read,
            priced=self.prices.priced,
            prices_rejected=account.rejected_prices,
            without_provider=self.prices.without_provider,
            rates_read=rates_read,
            kept=self.prices.kept,
            rejected=account.rejected,
            unresolved=unresolved,
            zero_rates=self.prices.zeros,
            rate_sum=str(self.prices.total),
            rounded_sum=decimals.text(self.prices.rounded),
            warnings=account.warnings.found(),
            quarantine=account.quarantine,
            missing_references=missing,
        )

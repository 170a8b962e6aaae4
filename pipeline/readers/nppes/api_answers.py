"""Answers of the NPI Registry API v2.1 -> staged rows.

What belongs here: the API's fields, several answers in one file. What must not come in: rules that other kinds of
registry file share (`nppes.records`).
"""

from __future__ import annotations

import functools
import json
import re

import polars as pl

from pipeline import tables
from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import limits
from pipeline.readers.nppes import records as rules
from pipeline.readers.nppes.records import About, Frames


def read(data: bytes, about: About) -> Frames:
    """Both staged tables of API answers; a provider that stands in the file twice is kept as last updated."""
    records: list[dict] = []
    for answer in _documents(data, about):
        if "Errors" in answer:
            descriptions = "; ".join(str(e.get("description")) for e in answer["Errors"])
            raise SourceError(
                f"the registry answered with an error: {descriptions}", place=about.place, remedy="ask it again"
            )
        if "results" in answer:
            records.extend(answer["results"])
        elif "number" in answer and "basic" in answer:
            records.append(answer)
        else:
            raise UnrecognisedFile("JSON, but no answer of the NPI Registry (no results)", place=about.place)
    providers, places = [], []
    for row, record in enumerate(records, start=1):
        try:
            provider = _provider(record, row)
            places.extend(_listed_addresses(record, provider))
        except (KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"record {row} is not one of the NPI Registry API v2.1: {error!r}",
                place=about.place,
                remedy="ask the registry again with version=2.1",
            ) from error
        providers.append(provider)
    fields = dict.fromkeys(tables.get("staged_nppes").columns, pl.String) | {"source_row": pl.Int64}
    data = rules.numbered(pl.DataFrame(providers, schema=fields), about)
    days = ["enumeration_date", "last_updated", "certification_date", "deactivation_date", "reactivation_date"]
    answered = data["status"]
    data = rules.dated(rules.dates(data, about, days, "%Y-%m-%d")).with_columns(status=answered.fill_null("A"))
    # One provider may stand in several answers: the latest record of it, then the one listed last.
    data = data.sort("npi", "source_date", "source_row", nulls_last=False).unique(
        "npi", keep="last", maintain_order=True
    )
    fields = dict.fromkeys(tables.get("staged_nppes_address").columns, pl.String)
    fields |= {"source_row": pl.Int64, "position": pl.Int64}
    listed = pl.DataFrame(places, schema=fields).drop("source_date")
    listed = listed.join(data.select("npi", "source_row", "source_date"), on=["npi", "source_row"], validate="m:1")
    listed = rules.addresses(listed).sort("npi", "address_purpose", "position")
    return {
        "staged_nppes": rules.finish(data, "staged_nppes", about, "api"),
        "staged_nppes_address": rules.finish(listed, "staged_nppes_address", about, "api"),
    }


def _documents(data: bytes, about: About) -> list[dict]:
    """The JSON objects of a file: one, a list, or one a line."""
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    if values > limits.MOST_ANSWER_VALUES:
        raise SourceError(
            f"holds {values:,} values, where {limits.MOST_ANSWER_VALUES:,} are the most that are read of answers",
            place=about.place,
            remedy="split it into several files",
        )
    try:
        return _parsed(data, about)
    except RecursionError:
        raise SourceError("nests too deeply", place=about.place, remedy="ask the registry again") from None


def _parsed(data: bytes, about: About) -> list[dict]:
    # A number is text all the same, and Python makes no integer of thousands of digits.
    loads = functools.partial(json.loads, parse_int=str)
    try:
        parsed = loads(data)
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8: {error}", place=about.place, remedy="ask the registry again") from error
    except json.JSONDecodeError as whole:
        try:
            parsed = [loads(line) for line in data.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise SourceError(
                f"not JSON: {whole.msg}",
                place=f"{about.place}:{whole.lineno}",
                remedy="the answer may be cut off: ask the registry again",
                offset=whole.pos,
            ) from whole
    parsed = parsed if isinstance(parsed, list) else [parsed]
    if not all(isinstance(answer, dict) for answer in parsed):
        raise UnrecognisedFile("JSON, but no answer of the NPI Registry", place=about.place)
    return parsed


def _text(value: object) -> str | None:
    """A field as trimmed text; null for blank and for the registry's `--`."""
    text = "" if value is None else str(value).strip()
    return None if text in ("", "--") else text


def _provider(record: dict, row: int) -> dict[str, str | int | None]:
    basic = record["basic"]
    primary = next((t for t in record["taxonomies"] if t.get("primary")), None)
    if primary is None:
        primary = record["taxonomies"][0] if len(record["taxonomies"]) == 1 else {}
    licence = _text(primary.get("license")) or ""
    others = [n["organization_name"] for n in record.get("other_names", []) if n.get("organization_name")]
    fields = {
        name: _text(basic.get(name))
        for name in (
            "first_name middle_name last_name name_prefix name_suffix organization_name credential enumeration_date "
            "last_updated certification_date deactivation_date reactivation_date replacement_npi status"
        ).split()
    }
    return fields | {
        "npi": _text(record["number"]),
        "source_row": row,
        "enumeration_type": rules.ENTITY.get(record["enumeration_type"]),
        "sole_proprietor": rules.SOLE.get(basic.get("sole_proprietor")),
        "other_organization_name": _text(others[0]) if others else None,
        "parent_organization_name": _text(basic.get("parent_organization_legal_business_name")),
        **{f"primary_taxonomy_{ours}": _text(primary.get(ours)) for ours in ("code", "desc", "state")},
        "primary_taxonomy_license": None if re.search(rules.MASKED, licence) else licence or None,
    }


def _listed_addresses(record: dict, provider: dict) -> list[dict[str, str | int | None]]:
    """Addresses, then further practice locations, numbered within their purpose; a further location is never first."""
    rows, counts = [], {}
    for further, address in [(0, a) for a in record["addresses"]] + [
        (1, a) for a in record.get("practiceLocations", [])
    ]:
        purpose = address["address_purpose"]
        counts[purpose] = max(counts.get(purpose, 0), further) + 1
        fields = {
            name: _text(address.get(name))
            for name in (*rules.ADDRESS, "address_type", "telephone_number", "fax_number")
        }
        rows.append(
            fields
            | {"npi": provider["npi"], "source_row": provider["source_row"], "address_purpose": purpose}
            | {"position": counts[purpose]}
        )
    return rows

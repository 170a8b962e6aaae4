"""The facts of raw in-network files read the slow, obvious way: what the product's own are held against.

What belongs here: the identity of a fact as the data model words it, over `json`, `decimal` and `hashlib`. What must
not come in: anything of `pipeline`. Whole files are held in memory, so: small files.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

PLACE_OF_SERVICE = re.compile(r"\d{2}|\d|CSTM-00")
IDENTITY = """state year_month payer_slug billing_class code_type code billing_code_modifiers owner pos_set_id
    negotiated_type negotiation_arrangement expiration_date rate_text additional_information setting
    severity_of_illness network_names contained_codes_uid""".split()


@dataclass
class Fact:
    """A fact: the columns of the rate that is kept, who its group's members are, and what collapsed into it."""

    columns: dict
    members: frozenset[tuple[str, str, str]] | None
    source_count: int = 0
    dollars: Decimal = Decimal(0)
    batches: list[str] = field(default_factory=list)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def document(path: Path) -> dict:
    """The JSON of a file, plain or packed; fractions keep their digits, for some of them are names."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (name,) = archive.namelist()
            data = archive.read(name)
    return json.loads(data.decode("utf-8-sig"), parse_float=Decimal)


def text(value) -> str | None:
    """Trimmed text, null where nothing is left."""
    return None if value is None else str(value).strip() or None


def lower(value) -> str | None:
    return None if value is None else text(str(value).lower())


def upper(value) -> str | None:
    return None if value is None else text(str(value).upper())


def joined(values) -> str | None:
    """Sorted distinct texts with `|` between them, null if there are none."""
    return "|".join(sorted({text(v) for v in values or () if text(v)})) or None


def places(value) -> tuple[str, ...]:
    """The distinct place-of-service codes, sorted; what is none is left out."""
    codes = {str(v).strip().upper() for v in value or ()}
    return tuple(sorted(c.zfill(2) for c in codes if PLACE_OF_SERVICE.fullmatch(c)))


def members(groups: list[dict]) -> frozenset[tuple[str, str, str]]:
    """(tin type, tin, npi) of a provider group; the NPI of a TIN alone is 0."""
    found = set()
    for group in groups:
        tin = group["tin"]
        kind, value = tin["type"].strip().lower(), re.sub(r"[^0-9A-Za-z]", "", str(tin["value"]))
        found |= {(kind, value, str(npi).strip()) for npi in group.get("npi", group.get("NPI")) or [0]}
    return frozenset(found)


def members_uid(listed: frozenset[tuple[str, str, str]]) -> str:
    return md5("|".join(sorted(":".join(m) for m in listed)))


def read(mrf: Path) -> Iterator[tuple[dict, frozenset | None, Decimal]]:
    """Every rate of every file under raw/mrf, in the order of file names: its columns, its group's members, its dollars."""
    for path in sorted(mrf.glob("*/*"), key=lambda p: p.relative_to(mrf).as_posix()):
        yield from rates(document(path), path.relative_to(mrf).as_posix())


def rates(doc: dict, name: str) -> Iterator[tuple[dict, frozenset | None, Decimal]]:
    """The same of one file, by its path under raw/mrf."""
    batch = md5(name)
    defined, networks = {}, {}
    for reference in doc.get("provider_references") or ():
        key = text(reference["provider_group_id"])
        networks.setdefault(key, []).extend(reference.get("network_name") or ())
        if reference.get("provider_groups"):
            defined[key] = defined.get(key, frozenset()) | members(reference["provider_groups"])
    uids = {key: members_uid(listed) for key, listed in defined.items()}
    file = {
        "state": name.split("/")[0],
        "year_month": doc["last_updated_on"].strip()[:7],
        "reporting_entity_name": doc["reporting_entity_name"],
        "payer_slug": slug(doc["reporting_entity_name"]),
        "batch_id": batch,
    }
    for item in doc["in_network"]:
        contained = {
            f"{role}:{upper(one['billing_code_type'])}:{upper(one['billing_code'])}"
            for role in ("bundled_codes", "covered_services")
            for one in item.get(role) or ()
        }
        code = {
            "code_type": upper(item["billing_code_type"]),
            "code": upper(item["billing_code"]),
            "negotiation_arrangement": lower(item["negotiation_arrangement"]),
            "severity_of_illness": text(item.get("severity_of_illness")),
            "contained_codes_uid": md5("|".join(sorted(contained))) if contained else None,
            "code_desc": text(item.get("description")),
            "code_name": text(item.get("name")),
        }
        for listed in item["negotiated_rates"]:
            owners = []
            for key in map(text, listed.get("provider_references") or ()):
                names = {"provider_group_id_raw": key, "pg_uid": md5(f"{batch}|{key}"), "pg_members_uid": uids.get(key)}
                owners.append((names | {"network_names": joined(networks.get(key))}, defined.get(key)))
            if listed.get("provider_groups"):
                inline = members(listed["provider_groups"])
                uid = members_uid(inline)
                names = {"provider_group_id_raw": None, "pg_uid": md5(f"{batch}|inline:{uid}"), "pg_members_uid": uid}
                owners.append((names | {"network_names": None}, inline))
            for price in listed["negotiated_prices"]:
                expires = text(price.get("expiration_date"))
                terms = {
                    "billing_class": lower(price["billing_class"]),
                    "negotiated_type": lower(price["negotiated_type"]),
                    "negotiated_rate": float(price["negotiated_rate"]),
                    "expiration_date": expires[:10] if expires and not expires.startswith("9999") else None,
                    "pos": places(price.get("service_code")),
                    "pos_set_id": md5("|".join(places(price.get("service_code")))),
                    "billing_code_modifiers": joined(map(upper, price.get("billing_code_modifier") or ())),
                    "additional_information": text(price.get("additional_information")),
                    "setting": lower(price.get("setting")),
                }
                for owner, who in owners:
                    yield file | code | terms | owner, who, Decimal(price["negotiated_rate"])


def fact_uid(columns: dict) -> str:
    """MD5 of the identity, null as empty; the rate as its shortest text."""
    known = columns | {
        "owner": columns["pg_members_uid"] or columns["pg_uid"],
        "rate_text": repr(columns["negotiated_rate"]),
    }
    return md5("|".join(known[name] or "" for name in IDENTITY))


def facts(read_rates: Iterable[tuple[dict, frozenset | None, Decimal]]) -> dict[str, Fact]:
    """The facts among rates, by their ids; the first rate of the first file is kept."""
    found: dict[str, Fact] = {}
    gc.disable()  # a document is millions of objects without a cycle, which the collector would look at again and again
    try:
        for columns, who, dollars in read_rates:
            fact = found.setdefault(fact_uid(columns), Fact(columns, who))
            fact.source_count += 1
            fact.dollars += dollars
            fact.batches.append(columns["batch_id"])
    finally:
        gc.enable()
    return found

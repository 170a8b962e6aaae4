"""The identities of the data model: slugs, MD5 ids and join codes, in Python and in SQL.

What belongs here: pure functions that name a thing, each with its SQL macro beside it (`MACROS`, loaded by
`duck.connect`); a test holds the two together. What must not come in: paths, settings, Luigi.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import unquote

# A fact: what its fact_uid is the MD5 of, in this order, joined by `|`, null as empty (data model, fact_rate). Changing it
# renumbers every fact.
FACT_IDENTITY = (
    "state",
    "year_month",
    "payer_slug",
    "billing_class",
    "code_type",
    "code",
    "billing_code_modifiers",
    "owner_uid",
    "pos_set_id",
    "negotiated_type",
    "negotiation_arrangement",
    "expiration_date",
    "negotiated_rate",
    "additional_information",
    "setting",
    "severity_of_illness",
    "network_names",
    "contained_codes_uid",
)
# Of a group whose members are listed they are its identity, else its TIN, in SQL.
OWNER_UID = "coalesce(pg_members_uid, pg_uid)"
_PACKED = re.compile(r"(\.json)?(\.gz|\.zip)$|\.json$")
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def slugify(text: str | None) -> str | None:
    """Lower case, each run of anything but a-z0-9 one underscore, none at the ends; null for null or nothing left.

    Letters are lowered in ASCII only, so that SQL and Python agree on every Unicode text.
    """
    if text is None:
        return None
    lowered = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)
    return _NOT_SLUG.sub("_", lowered).strip("_") or None


def md5_of(*parts: str | None) -> str:
    """Lower-case hex MD5 of the UTF-8 parts joined by `|`, null as empty."""
    return hashlib.md5("|".join("" if p is None else p for p in parts).encode()).hexdigest()


def pos_set_id(codes: Iterable[str]) -> str:
    """Id of a set of place-of-service codes: MD5 of the sorted distinct codes; the empty set is the MD5 of ''."""
    return md5_of(*sorted(set(codes)))


def unreadable_pos_set_id(texts: Iterable[str]) -> str:
    """Id of a list of places of service in which no code could be read, by its texts; that of no set of codes."""
    return md5_of("unreadable", *sorted(set(texts)))


def members_uid(members: Iterable[tuple[str, str, str]]) -> str:
    """Id of a provider group's membership: MD5 of its sorted distinct `tin_type:tin_value:npi`."""
    return md5_of(*sorted({":".join(m) for m in members}))


def contained_codes_uid(contained: Iterable[tuple[str, str, str]]) -> str | None:
    """Id of what a bundle or capitation contains: MD5 of the sorted distinct `role:code_type:code`; null if nothing."""
    texts = sorted({":".join(c) for c in contained})
    return md5_of(*texts) if texts else None


def listed_file(location: str) -> str | None:
    """The name of the file that a location names: its address's last step, decoded, without its query; null where it has none."""
    path = location.partition("#")[0].partition("?")[0].rstrip()
    return unquote(path.replace("\\", "/").rpartition("/")[2]) or None


def listed_file_key(name: str | None) -> str | None:
    """What the name of an in-network file is compared by with the names that a table of contents lists: in lower case,
    without the ending that tells how it is packed, and with `_` for what no system takes in a name."""
    return _PACKED.sub("", _UNSAFE.sub("_", name.lower())) or None if name else None


def address_hash(address_1, address_2, city, state, postal_code, country_code) -> str:
    """Id of a place: MD5 of the address's parts, upper case, runs of blanks as one, null as empty."""
    parts = (address_1, address_2, city, state, postal_code, country_code)
    return md5_of(*(None if p is None else " ".join(p.upper().split()) for p in parts))


def npi_check_digit_ok(npi: str) -> bool:
    """Whether a ten-digit NPI carries its Luhn check digit (CMS: ISO 7812 over the NPI with the prefix 80840)."""
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    total = 24  # what the constant prefix 80840 adds
    for place, digit in enumerate(reversed(npi)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# CPT and HCPCS are one namespace of five characters; RC and REV one of four digits; MS-DRG has three digits;
# a CSTM-ALL type or the code CSTM-00 joins nothing.
# zip5 takes ZIP+4 with and without its hyphen; a registry kept as numbers lost the zero in front.
MACROS = """
CREATE OR REPLACE MACRO slugify(s) AS
  nullif(trim(regexp_replace(translate(s, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), '[^a-z0-9]+', '_', 'g'), '_'), '');
CREATE OR REPLACE MACRO join_code_type(code_type, code) AS CASE
  WHEN code = 'CSTM-00' OR code_type = 'CSTM-ALL' THEN NULL
  WHEN code_type IN ('CPT', 'HCPCS') THEN 'HCPCS'
  WHEN code_type IN ('RC', 'REV') THEN 'RC'
  ELSE code_type END;
CREATE OR REPLACE MACRO join_code(code_type, code) AS CASE
  WHEN code = 'CSTM-00' OR code_type = 'CSTM-ALL' THEN NULL
  WHEN code_type IN ('CPT', 'HCPCS') AND length(code) < 5 THEN lpad(code, 5, '0')
  WHEN code_type IN ('RC', 'REV') AND length(code) < 4 THEN lpad(code, 4, '0')
  WHEN code_type IN ('MS-DRG') AND length(code) < 3 THEN lpad(code, 3, '0')
  ELSE code END;
CREATE OR REPLACE MACRO zip5(postal_code) AS CASE
  WHEN regexp_full_match(postal_code, '[0-9]{5}(-?[0-9]{4})?') THEN substr(postal_code, 1, 5)
  WHEN regexp_full_match(postal_code, '[0-9]{4}|[0-9]{8}') THEN '0' || substr(postal_code, 1, 4) END;
CREATE OR REPLACE MACRO is_domestic(country_code) AS
  coalesce(country_code, 'US') IN ('US', 'PR', 'VI', 'GU', 'AS', 'MP');
CREATE OR REPLACE MACRO is_military(state) AS coalesce(state IN ('AA', 'AE', 'AP'), FALSE);
"""


def fact_uid_sql() -> str:
    """The fact_uid of a rate, as an SQL expression over its columns."""
    values = {"owner_uid": OWNER_UID}
    return f"fact_uid({', '.join(values.get(name, name) for name in FACT_IDENTITY)})"


def fact_text_sql(after: str | None = None, before: str | None = None) -> str:
    """A run of a fact's text as an SQL expression: the columns after one and before another, and the bars on either side."""
    first = 0 if after is None else FACT_IDENTITY.index(after) + 1
    last = len(FACT_IDENTITY) if before is None else FACT_IDENTITY.index(before)
    columns = [f"CAST({name} AS VARCHAR)" if name == "negotiated_rate" else name for name in FACT_IDENTITY[first:last]]
    text = ", '|', ".join(columns)
    if columns and after is not None:
        text = f"'|', {text}"
    if columns and before is not None:
        text = f"{text}, '|'"
    return f"concat({text})"


MACROS += f"CREATE OR REPLACE MACRO fact_uid({', '.join(FACT_IDENTITY)}) AS md5({fact_text_sql()});\n"


def join_code(code_type: str, code: str) -> tuple[str | None, str | None]:
    """(join code type, join code) of a published code: the pair on which reference tables are joined."""
    if code == "CSTM-00" or code_type == "CSTM-ALL":
        return None, None
    if code_type in ("CPT", "HCPCS"):
        return "HCPCS", code.zfill(5) if len(code) < 5 else code
    if code_type in ("RC", "REV"):
        return "RC", code.zfill(4) if len(code) < 4 else code
    if code_type == "MS-DRG":
        return code_type, code.zfill(3) if len(code) < 3 else code
    return code_type, code

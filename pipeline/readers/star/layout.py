"""A star schema that somebody else made: which file is which table, and which columns it has.

Two layouts are known, and mixtures of them: that of the partitioned-ETL guidelines (`gold/fact_rate.parquet`,
`dims/<table>.parquet`, `xrefs/<table>.parquet`) and that of the data-model guide (`silver/<table>/<table>.parquet`).
What belongs here: telling tables and columns by names and schemas. What must not come in: reading a row (`star.rows`,
`star.checks`), copying files.
"""

from __future__ import annotations

import difflib
import functools
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline import naming, tables
from pipeline.errors import TOO_MANY_FILES, SourceError, UnreadableSource, is_systems
from pipeline.storage import opening, raw_files

# Columns by table, as both documents name them: `name:kind=other_name`, `?` where a file may lack it. The kinds:
# text (where none is given), number (floating point), id (text or integer), list (of text).
_COLUMNS = {
    "fact_rate": """fact_uid state year_month reporting_entity_name code_type code pg_uid pos_set_id negotiated_type
        negotiation_arrangement negotiated_rate:number expiration_date provider_group_id_raw:id billing_class?
        payer_slug? billing_code_modifiers? additional_information? setting? severity_of_illness? network_names?
        contained_codes_uid? pg_members_uid?""",
    "dim_code": "code_type code code_desc=code_description name=code_name",
    "dim_code_cat": "proc_cd procedure_set procedure_class procedure_group",
    "dim_payer": "payer_slug reporting_entity_name reporting_entity_type? version?",
    "dim_provider_group": "pg_uid year_month? provider_group_id_raw:id? network_names? version?",
    "dim_pos_set": "pos_set_id pos_members:list=service_codes",
    "dim_npi": """npi enumeration_type status first_name last_name organization_name credential sole_proprietor
        enumeration_date last_updated primary_taxonomy_code primary_taxonomy_desc primary_taxonomy_state
        primary_taxonomy_license""",
    "dim_npi_address": """npi address_purpose address_hash address_type address_1 address_2 city state postal_code
        country_code telephone_number fax_number""",
    "dim_npi_address_geolocation": """npi address_hash latitude:number longitude:number county_name county_fips
        stat_area_name stat_area_code matched_address""",
    "dim_tin": "tin_type tin_value business_name?",
    "xref_group_npi": "pg_uid npi year_month?",
    "xref_group_tin": "pg_uid tin_type tin_value year_month?",
}
NEEDED = ("fact_rate", "dim_code", "dim_pos_set", "xref_group_npi")
# Files of the documents that are not taken, and why.
_NOT_TAKEN = {
    "xref_pos": "it is made here from dim_pos_set",
    "dim_payer_bridge": "it is made here from the names in the facts",
    "bench_": "benchmarks are made here from fee schedules, which say from when they hold (raw/medicare, raw/wcfs)",
}
_KIND_WORDS = {
    "text": "text (string)",
    "number": "a number (float64)",
    "id": "text or an integer",
    "list": "a list of texts (list of string)",
}


@dataclass(frozen=True)
class Column:
    """A column of ours: its kind, the names it may have in a file, whether the file must have it."""

    name: str
    kind: str
    names: tuple[str, ...]
    needed: bool


@dataclass(frozen=True)
class File:
    """One file of a star schema: the table of ours that it is, and our columns -> its own names for them."""

    table: str
    path: Path
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Star:
    """The files of a star schema by table of ours, and what else stands there: (path, why it is not taken)."""

    folder: Path
    files: Mapping[str, File]
    skipped: tuple[tuple[str, str], ...]


TABLES = tuple(_COLUMNS)


@functools.cache
def columns_of(table: str) -> tuple[Column, ...]:
    """The columns that a file of the table is read for."""
    found = []
    for word in _COLUMNS[table].split():
        spelled, _, other = word.removesuffix("?").partition("=")
        name, _, kind = spelled.partition(":")
        names = (name, other.removesuffix("?")) if other else (name,)
        found.append(Column(name, kind or "text", names, not word.endswith("?")))
    return tuple(found)


def identity(hashes: Mapping[str, str]) -> str:
    """The id of a star schema: the MD5 of its tables' names with the hashes of their files."""
    return naming.md5_of(*sorted(f"{table}:{digest}" for table, digest in hashes.items()))


def place_of(table: str) -> str:
    """Where a table's file stands in a star schema that was brought, relative to its folder."""
    return f"{tables.get(table).folder}/{table}.parquet"


def _places(table: str) -> list[str]:
    """Everywhere a table's file may stand in a star schema; the guidelines' place first."""
    declared = tables.get(table)
    names = (table, *declared.aliases)
    flat = [f"{declared.folder}/{name}.parquet" for name in names]
    if declared.folder == "gold":
        return flat
    return [*flat, *(f"silver/{n}/{n}.parquet" for n in names), *(f"silver/{n}.parquet" for n in names)]


# ---- what is there -----------------------------------------------------------------------------------------------


def find(folder: Path) -> dict[str, Path]:
    """Table of ours -> its file. SourceError for a file that is needed and missing, or that stands twice."""
    found: dict[str, Path] = {}
    for table in _COLUMNS:
        there = [folder / place for place in _places(table) if (folder / place).is_file()]
        if len(there) > 1:
            raise SourceError(
                f"is there twice: there is {there[1].relative_to(folder).as_posix()} too",
                place=there[0],
                remedy=f"keep the one that goes with the facts, {again(folder)}",
            )
        if there:
            found[table] = there[0]
    for table in NEEDED:
        if table not in found:
            raise _missing(folder, table)
    return found


def _missing(folder: Path, table: str) -> SourceError:
    guidelines, *others = _places(table)
    inner = [sub for sub in ("data", "core/data") if any((folder / sub / p).is_file() for p in _places(table))]
    if inner:
        return SourceError(
            "is missing", place=folder / guidelines, remedy=f"do you mean:\n  {command(folder / inner[0])}"
        )
    names = [p for p in others if not p.startswith("silver/") or p.count("/") > 1]
    shown = f" (or as {', '.join(names)})" if names else ""
    return SourceError("is missing", place=folder / guidelines, remedy=f"put it there{shown}, {again(folder)}")


def look(folder: Path) -> Star:
    """The star schema in a folder, by the schemas of its files; no row is read.

    SourceError names the file and the column that is missing or of another type.
    """
    found = find(folder)
    schemas = {table: _schema(folder, path) for table, path in found.items()}
    files = {}
    for table, path in found.items():
        optional = _dispensable(table, schemas)
        names = {}
        for column in columns_of(table):
            name = next((n for n in column.names if n in schemas[table].names), None)
            if name is not None:
                _check_type(folder, path, column, name, schemas[table].field(name).type)
                names[column.name] = name
            elif column.name not in optional:
                raise _no_column(folder, path, column, schemas[table].names)
        files[table] = File(table, path, names)
    taken = {file.path for file in files.values()}
    parts = [
        folder / sub / p for sub in ("gold", "dims", "xrefs", "silver") for p in raw_files.walk(folder / sub).files
    ]
    others = sorted(p for p in parts if p.suffix == ".parquet" and p not in taken)
    return Star(folder, files, tuple((p.relative_to(folder).as_posix(), _why_not(p.stem)) for p in others))


def _dispensable(table: str, schemas: Mapping[str, pa.Schema]) -> set[str]:
    """The columns that this file may lack, which the two documents' schemas decide."""
    may_lack = {c.name for c in columns_of(table) if not c.needed}
    given = set(schemas[table].names)
    if table == "dim_npi" and not given & {c.name for c in columns_of(table)[1:]}:
        return may_lack | {c.name for c in columns_of(table)[1:]}  # the guide's plain list of NPIs
    if table == "fact_rate" and "payer_slug" in given:  # the guidelines' facts; some columns come by their joins
        may_lack -= {"billing_class"}
        if "dim_payer" in schemas:
            may_lack |= {"reporting_entity_name"}
        if "provider_group_id_raw" in (schemas["dim_provider_group"].names if "dim_provider_group" in schemas else ()):
            may_lack |= {"provider_group_id_raw"}
    return may_lack


def _schema(folder: Path, path: Path) -> pa.Schema:
    try:
        return opening.parquet_schema(path)
    except pa.ArrowInvalid as problem:
        fact = "is empty" if path.stat().st_size == 0 else "is no whole Parquet file"
        raise SourceError(fact, place=path, remedy=f"write it anew, {again(folder)}") from problem
    except OSError as problem:
        if problem.errno in TOO_MANY_FILES:
            raise
        words = problem.strerror or " ".join(str(problem).split())
        kind = UnreadableSource if is_systems(problem) else SourceError
        raise kind(f"cannot be read: {words}", place=path, remedy=f"mend that, {again(folder)}") from problem


def _no_column(folder: Path, path: Path, column: Column, given: Collection[str]) -> SourceError:
    near = difflib.get_close_matches(column.name, given, 1, 0.75)
    rename = (
        f"rename {near[0]} to {column.name}"
        if near
        else f"write the file with {column.name}, {_KIND_WORDS[column.kind]}"
    )
    names = " or ".join(column.names)
    return SourceError(f"the column {names} is missing", place=path, remedy=f"{rename}, {again(folder)}")


def _check_type(folder: Path, path: Path, column: Column, name: str, kind: pa.DataType) -> None:
    def is_text(t: pa.DataType) -> bool:
        if pa.types.is_dictionary(t):
            return is_text(t.value_type)
        return pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t)

    def is_list(t: pa.DataType) -> bool:
        lists = pa.types.is_list(t) or pa.types.is_large_list(t)
        return lists and (is_text(t.value_type) or pa.types.is_null(t.value_type))

    right = {
        "text": is_text(kind),
        # A whole-number type means that somebody's cents are gone.
        "number": pa.types.is_float32(kind) or pa.types.is_float64(kind),
        "id": is_text(kind) or pa.types.is_integer(kind),
        "list": is_list(kind),
    }[column.kind]
    if not right and not pa.types.is_null(kind):  # a column of nulls has no type to be wrong
        raise SourceError(
            f"the column {name} is {kind}, and must be {_KIND_WORDS[column.kind]}",
            place=path,
            remedy=f"write the file with {name} as {_KIND_WORDS[column.kind]}, {again(folder)}",
        )


def _why_not(name: str) -> str:
    return next((why for known, why in _NOT_TAKEN.items() if name.startswith(known)), "it is no table of a star schema")


def again(folder: Path) -> str:
    """What follows a remedy: the command that takes the star schema in."""
    return f"then:\n  {command(folder)}"


def command(folder: Path) -> str:
    """The command that takes in the star schema in a folder."""
    return f"ratehouse import-star {shlex.quote(str(folder))}"

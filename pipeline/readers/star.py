"""A star schema that somebody else made -> typed tables of `staged_star`.

Two layouts are known, and mixtures of them: that of the partitioned-ETL guidelines (`gold/fact_rate.parquet`,
`dims/<table>.parquet`, `xrefs/<table>.parquet`) and that of the data-model guide (`silver/<table>/<table>.parquet`).
What belongs here: which file is which table, which columns it must have, what may not be in it, and the SELECTs that
turn it into our tables. What must not come in: copying files, choosing between sources.
"""

from __future__ import annotations

import difflib
import functools
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import duck, naming, partition, tables
from pipeline.errors import SourceError

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
# Rows without these join nothing.
_KEYS = {
    "dim_code": "code_type code",
    "dim_code_cat": "proc_cd",
    "dim_payer": "reporting_entity_name",
    "dim_provider_group": "pg_uid",
    "dim_pos_set": "pos_set_id",
    "dim_npi": "npi",
    "dim_npi_address": "npi address_purpose address_hash",
    "dim_npi_address_geolocation": "npi address_hash",
    "dim_tin": "tin_type tin_value",
    "xref_group_npi": "pg_uid npi",
    "xref_group_tin": "pg_uid tin_type tin_value",
}
# What every fact must say: it is published, partitioned and joined by these.
_NEVER_NULL = "fact_uid state year_month reporting_entity_name code_type code pg_uid pos_set_id negotiated_rate".split()
# Files of the documents that are not taken, and why.
_NOT_TAKEN = {
    "xref_pos": "it is made here from dim_pos_set",
    "dim_payer_bridge": "it is made here from the names in the facts",
    "bench_": "benchmarks are made here from fee schedules, which say from when they hold (raw/medicare, raw/wcfs)",
}
_SQL_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "id": "VARCHAR", "list": "VARCHAR[]"}
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
    passed_over: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Checked:
    """What a check found: rows of facts by month, and what a person should know although it hinders nothing."""

    months: dict[str, int]
    notices: list[str]


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
                f"stands twice: there is {there[1].relative_to(folder).as_posix()} too",
                place=there[0],
                remedy=f"keep the one that goes with the facts, {_again(folder)}",
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
            "is missing", place=folder / guidelines, remedy=f"do you mean:\n  {_command(folder / inner[0])}"
        )
    names = [p for p in others if not p.startswith("silver/") or p.count("/") > 1]
    shown = f" (or as {', '.join(names)})" if names else ""
    return SourceError("is missing", place=folder / guidelines, remedy=f"put it there{shown}, {_again(folder)}")


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
    parts = [p for sub in ("gold", "dims", "xrefs", "silver") for p in (folder / sub).rglob("*.parquet")]
    others = sorted(p for p in parts if p not in taken)
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
        return pq.read_schema(path)
    except pa.ArrowInvalid as problem:
        fact = "is empty" if path.stat().st_size == 0 else "is no whole Parquet file"
        raise SourceError(fact, place=path, remedy=f"write it anew, {_again(folder)}") from problem
    except OSError as problem:
        words = problem.strerror or " ".join(str(problem).split())
        raise SourceError(f"cannot be read: {words}", place=path, remedy=f"mend that, {_again(folder)}") from problem


def _no_column(folder: Path, path: Path, column: Column, given: Collection[str]) -> SourceError:
    near = difflib.get_close_matches(column.name, given, 1, 0.75)
    rename = (
        f"rename {near[0]} to {column.name}"
        if near
        else f"write the file with {column.name}, {_KIND_WORDS[column.kind]}"
    )
    names = " or ".join(column.names)
    return SourceError(f"the column {names} is missing", place=path, remedy=f"{rename}, {_again(folder)}")


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
            remedy=f"write the file with {name} as {_KIND_WORDS[column.kind]}, {_again(folder)}",
        )


def _why_not(name: str) -> str:
    return next((why for known, why in _NOT_TAKEN.items() if name.startswith(known)), "it is no table of a star schema")


def _again(folder: Path) -> str:
    return f"then:\n  {_command(folder)}"


def _command(folder: Path) -> str:
    return f"ratehouse import-star {shlex.quote(str(folder))}"


# ---- as our tables -----------------------------------------------------------------------------------------------


def views(star: Star, prefix: str = "given") -> dict[str, str]:
    """View name -> SELECT: `<prefix>_<table>` with all columns of `columns_of` (null where the file lacks one) and
    `place`, the row's number in its file; and `<prefix>_facts`, the facts in our columns and spelling.

    A fact's name of the payer and group id come by the guidelines' joins where its own file lacks them.
    """
    found = {}
    for table in _COLUMNS:
        file = star.files.get(table)
        pieces = []
        for column in columns_of(table):
            given = duck.identifier(file.columns[column.name]) if file and column.name in file.columns else "NULL"
            pieces.append(f"CAST({given} AS {_SQL_TYPES[column.kind]}) AS {duck.identifier(column.name)}")
        if file:
            scanned = f"read_parquet({duck.literal(str(file.path))}, hive_partitioning = false, file_row_number = true)"
            found[f"{prefix}_{table}"] = f"SELECT {', '.join(pieces)}, file_row_number AS place FROM {scanned}"
        else:
            found[f"{prefix}_{table}"] = f"SELECT {', '.join(pieces)}, CAST(NULL AS BIGINT) AS place WHERE FALSE"
    found[f"{prefix}_facts"] = _facts(star, prefix)
    return found


def _facts(star: Star, prefix: str) -> str:
    given = star.files["fact_rate"].columns
    name, raw, joins = "f.reporting_entity_name", "f.provider_group_id_raw", ""
    if "payer_slug" in given and "dim_payer" in star.files:
        name = f"coalesce({name}, p.reporting_entity_name)"
        joins += f""" LEFT JOIN (SELECT payer_slug, min(reporting_entity_name) AS reporting_entity_name
            FROM {prefix}_dim_payer GROUP BY payer_slug) AS p ON p.payer_slug = f.payer_slug"""
    if "provider_group_id_raw" not in given:
        raw = "g.provider_group_id_raw"
        joins += f""" LEFT JOIN (SELECT pg_uid, min(provider_group_id_raw) AS provider_group_id_raw
            FROM {prefix}_dim_provider_group GROUP BY pg_uid) AS g ON g.pg_uid = f.pg_uid"""
    return f"""
SELECT f.fact_uid, f.state, f.year_month, {name} AS reporting_entity_name,
  lower(trim(f.billing_class)) AS billing_class, upper(trim(f.code_type)) AS code_type, upper(trim(f.code)) AS code,
  f.pg_uid, f.pos_set_id, lower(trim(f.negotiated_type)) AS negotiated_type,
  lower(trim(f.negotiation_arrangement)) AS negotiation_arrangement, f.negotiated_rate,
  CASE WHEN f.expiration_date NOT LIKE '9999%' THEN f.expiration_date END AS expiration_date,
  {raw} AS provider_group_id_raw, f.billing_code_modifiers, f.additional_information, f.setting,
  f.severity_of_illness, f.network_names, f.contained_codes_uid, f.pg_members_uid
FROM {prefix}_fact_rate AS f{joins}"""


# Staged table -> SELECT over the given views. Variables: batch_id (the id), first_month and last_month of the facts.
# Of rows that share a key the first in the order of their own values is taken, whatever their order in the file; of
# addresses, whose order says which is the main one, the first in the file.
STAGED = {
    "star_code": """
        SELECT upper(trim(code_type)) AS code_type, upper(trim(code)) AS code, code_desc, name
        FROM given_dim_code WHERE code_type IS NOT NULL AND code IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY upper(trim(code_type)), upper(trim(code))
          ORDER BY code_desc NULLS LAST, name NULLS LAST) = 1""",
    "star_code_cat": """
        SELECT upper(trim(proc_cd)) AS proc_cd, procedure_set, procedure_class, procedure_group
        FROM given_dim_code_cat WHERE proc_cd IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY upper(trim(proc_cd))
          ORDER BY procedure_set NULLS LAST, procedure_class NULLS LAST, procedure_group NULLS LAST) = 1""",
    "star_payer": """
        SELECT reporting_entity_name, slugify(reporting_entity_name) AS payer_slug, reporting_entity_type, version
        FROM (
          SELECT reporting_entity_name, reporting_entity_type, version FROM given_dim_payer
          UNION ALL
          SELECT DISTINCT reporting_entity_name, NULL, NULL FROM given_facts
        )
        WHERE reporting_entity_name IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY reporting_entity_name
          ORDER BY reporting_entity_type NULLS LAST, version NULLS LAST) = 1""",
    # The guide's own slip is mended here: ['n', 'u', 'l'] is no code. The MD5 of '' is the empty set, listed or not.
    "star_pos_set": """
        SELECT pos_set_id, pos_members
        FROM (
          SELECT pos_set_id, list_sort(list_distinct(list_filter(
            coalesce(pos_members, []), lambda pos: regexp_full_match(pos, '[0-9]{2}|CSTM-00')))) AS pos_members
          FROM given_dim_pos_set
          UNION ALL
          SELECT DISTINCT pos_set_id, []::VARCHAR[] FROM given_facts WHERE pos_set_id = md5('')
        )
        WHERE pos_set_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY pos_set_id ORDER BY pos_members) = 1""",
    "star_tin": """
        SELECT tin_type, tin_value, business_name
        FROM (
          SELECT tin_type, tin_value, business_name FROM given_dim_tin
          UNION ALL
          SELECT tin_type, tin_value, NULL FROM given_xref_group_tin
        )
        WHERE tin_type IS NOT NULL AND tin_value IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY tin_type, tin_value ORDER BY business_name NULLS LAST) = 1""",
    "star_npi": """
        WITH listed AS (
          SELECT * EXCLUDE (place), coalesce(enumeration_type, status, first_name, last_name, organization_name,
            primary_taxonomy_code, last_updated) IS NOT NULL AS described
          FROM given_dim_npi
          UNION ALL BY NAME
          SELECT DISTINCT npi, FALSE AS described FROM given_xref_group_npi
        )
        SELECT * REPLACE (
          CASE upper(status) WHEN 'ACTIVE' THEN 'A' WHEN 'DEACTIVATED' THEN 'D' ELSE status END AS status)
        FROM listed WHERE npi IS NOT NULL AND npi <> '0'
        QUALIFY row_number() OVER (PARTITION BY npi ORDER BY described DESC, last_updated DESC NULLS LAST,
          status NULLS LAST, primary_taxonomy_code NULLS LAST, to_json(listed)::VARCHAR) = 1""",
    "star_npi_address": """
        WITH first AS (
          FROM given_dim_npi_address
          WHERE npi IS NOT NULL AND address_purpose IS NOT NULL AND address_hash IS NOT NULL
          QUALIFY row_number() OVER (PARTITION BY npi, address_purpose, address_hash ORDER BY place) = 1
        )
        SELECT *, row_number() OVER (PARTITION BY npi, address_purpose ORDER BY place) AS position FROM first""",
    # What the guidelines fill in where a place is not known says nothing of where it is.
    "star_npi_address_geolocation": """
        SELECT npi, address_hash,
          CASE WHEN latitude <> 0 OR longitude <> 0 THEN latitude END AS latitude,
          CASE WHEN latitude <> 0 OR longitude <> 0 THEN longitude END AS longitude,
          nullif(county_name, 'Unknown') AS county_name, nullif(county_fips, '00000') AS county_fips,
          nullif(stat_area_name, 'Unknown') AS stat_area_name, nullif(stat_area_code, '00000') AS stat_area_code,
          nullif(matched_address, 'Not Geocoded') AS matched_address
        FROM given_dim_npi_address_geolocation
        WHERE npi IS NOT NULL AND address_hash IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY npi, address_hash ORDER BY latitude NULLS LAST, longitude NULLS LAST,
          county_fips NULLS LAST, stat_area_code NULLS LAST, stat_area_name NULLS LAST, county_name NULLS LAST,
          matched_address NULLS LAST) = 1""",
}
# The same of one month (variable year_month). A group belongs to the payer and month whose facts name it.
_GROUPS = """
        WITH named AS (
          SELECT slugify(reporting_entity_name) AS payer_slug, pg_uid, min(provider_group_id_raw) AS provider_group_id_raw,
            min(pg_members_uid) AS pg_members_uid, min(network_names) AS network_names
          FROM given_facts WHERE year_month = getvariable('year_month')
          GROUP BY ALL
        ), npis AS (
          SELECT DISTINCT n.payer_slug, n.pg_uid, x.npi
          FROM given_xref_group_npi AS x JOIN named AS n USING (pg_uid)
          WHERE x.npi <> '0' AND coalesce(x.year_month, getvariable('year_month')) = getvariable('year_month')
        ), tins AS (
          SELECT DISTINCT n.payer_slug, n.pg_uid, x.tin_type, x.tin_value
          FROM given_xref_group_tin AS x JOIN named AS n USING (pg_uid)
          WHERE x.tin_type IS NOT NULL AND x.tin_value IS NOT NULL
            AND coalesce(x.year_month, getvariable('year_month')) = getvariable('year_month')
        )"""
STAGED_OF_MONTH = {
    "star_fact": """
        SELECT DISTINCT *, 1 AS source_count FROM given_facts WHERE year_month = getvariable('year_month')""",
    "star_group": f"""{_GROUPS}, described AS (
          SELECT pg_uid, min(network_names) AS network_names, min(version) AS version
          FROM given_dim_provider_group
          WHERE coalesce(year_month, getvariable('year_month')) = getvariable('year_month')
          GROUP BY pg_uid
        ), payers AS (
          SELECT slugify(reporting_entity_name) AS payer_slug, min(version) AS version FROM given_dim_payer GROUP BY ALL
        )
        SELECT n.payer_slug, n.pg_uid, n.provider_group_id_raw, n.pg_members_uid,
          coalesce(n.network_names, d.network_names) AS network_names, coalesce(d.version, p.version) AS version,
          (n.payer_slug, n.pg_uid) IN (SELECT (payer_slug, pg_uid) FROM npis)
            OR (n.payer_slug, n.pg_uid) IN (SELECT (payer_slug, pg_uid) FROM tins) AS has_members
        FROM named AS n
        LEFT JOIN described AS d ON d.pg_uid = n.pg_uid
        LEFT JOIN payers AS p ON p.payer_slug = n.payer_slug""",
    "star_group_npi": f"{_GROUPS} SELECT * FROM npis",
    "star_group_tin": f"{_GROUPS} SELECT * FROM tins",
}


def select(table: str) -> str:
    """The SELECT of a staged table with its declared columns, in its order, over the views of `views`."""
    declared = tables.get(table)
    text = STAGED.get(table) or STAGED_OF_MONTH[table]
    variables = ("batch_id", "first_month", "last_month", "year_month")
    given = [v for v in variables if v in declared.columns and (table, v) != ("star_fact", "year_month")]
    added = "".join(f", getvariable('{name}') AS {name}" for name in given)
    columns = ", ".join(
        f"CAST({duck.identifier(c)} AS {kind}) AS {duck.identifier(c)}" for c, kind in declared.duckdb_columns.items()
    )
    order = ", ".join(f"{duck.identifier(c)} NULLS FIRST" for c in declared.sort)
    return f"SELECT {columns} FROM (SELECT *{added} FROM ({text})) ORDER BY {order}"


# ---- what may not be in it ---------------------------------------------------------------------------------------


def check(
    con: duckdb.DuckDBPyConnection, star: Star, *, states: Collection[str], others: Mapping[str, Star]
) -> Checked:
    """Read every file and refuse what no later stage could mend; `others` are the star schemas brought before, by id.

    SourceError for: a file that cannot be read to its end, a fact without one of the columns that it is published by,
    a month that is no YYYY-MM, a state that is none of `states`, a fact_uid with two contents (here, or here and in
    another star schema), a pos_set_id that dim_pos_set does not define, coordinates beyond the Earth.
    """
    rows = {table: _read_through(con, star, file) for table, file in star.files.items()}
    for name, query in views(star).items():
        duck.view(con, name, query)
    if not rows["fact_rate"]:
        raise _refusal(star, "fact_rate", "holds no fact", "write the facts into it")
    _check_nulls(con, star)
    months = _check_months(con, star, states)
    repeated = _check_ids(con, star)
    _check_places(con, star)
    for known, other in others.items():
        _check_against(con, star, other, known)
    notices = [f"gold/fact_rate.parquet: {repeated:,} rows stand more than once; once is enough"] if repeated else []
    return Checked(months, [*notices, *_notices(con, star)])


def _refusal(star: Star, table: str, fact: str, remedy: str) -> SourceError:
    return SourceError(fact, place=star.files[table].path, remedy=f"{remedy}, {_again(star.folder)}")


def _read_through(con: duckdb.DuckDBPyConnection, star: Star, file: File) -> int:
    """Read the columns that are used, to the end; returns the number of rows."""
    hashed = ", ".join(f"max(hash({duck.identifier(name)}))" for name in file.columns.values())
    scanned = f"read_parquet({duck.literal(str(file.path))}, hive_partitioning = false)"
    try:
        return con.execute(f"SELECT count(*), {hashed} FROM {scanned}").fetchall()[0][0]
    except duckdb.Error as problem:
        words = " ".join(str(problem).split())[:200]
        raise _refusal(star, file.table, f"cannot be read: {words}", "write it anew") from problem


def _check_nulls(con: duckdb.DuckDBPyConnection, star: Star) -> None:
    # A name without a letter or digit has no slug, and so no partition.
    tests = [f"{c} IS NULL" if c != "reporting_entity_name" else f"slugify({c}) IS NULL" for c in _NEVER_NULL]
    counts = ", ".join(f"count(*) FILTER ({test})" for test in tests)
    total, *found = con.execute(f"SELECT count(*), {counts} FROM given_facts").fetchall()[0]
    for column, nulls in zip(_NEVER_NULL, found, strict=True):
        if nulls:
            where = " (by payer_slug, from dim_payer)" if column not in star.files["fact_rate"].columns else ""
            raise _refusal(
                star,
                "fact_rate",
                f"the column {column}{where} is null in {nulls:,} of {total:,} facts",
                "fill these, or leave them out",
            )


def _check_months(con: duckdb.DuckDBPyConnection, star: Star, states: Collection[str]) -> dict[str, int]:
    months = dict(con.execute("SELECT year_month, count(*) FROM given_facts GROUP BY ALL ORDER BY ALL").fetchall())
    for month in months:
        if not partition.is_month(month):
            raise _refusal(
                star,
                "fact_rate",
                f"year_month is {month!r} in {months[month]:,} facts",
                "write months as YYYY-MM, such as 2025-08",
            )
    for state, count in con.execute("SELECT state, count(*) FROM given_facts GROUP BY ALL ORDER BY ALL").fetchall():
        if state not in states:
            raise _refusal(
                star,
                "fact_rate",
                f"state is {state!r} in {count:,} facts",
                "write states as USPS codes such as GA, or US",
            )
    return months


def _check_ids(con: duckdb.DuckDBPyConnection, star: Star) -> int:
    """Refuse a fact_uid with two contents; returns how many rows only repeat another."""
    repeated, twice, example = con.execute("""
        WITH ids AS (
          SELECT fact_uid, count(*) AS n, min(content) <> max(content) AS differs
          FROM (SELECT fact_uid, hash(f) AS content FROM given_facts AS f) GROUP BY fact_uid
        )
        SELECT sum(n) - count(*), count(*) FILTER (differs), min(fact_uid) FILTER (differs) FROM ids""").fetchall()[0]
    if twice:
        relation = con.execute("SELECT DISTINCT * FROM given_facts WHERE fact_uid = ? ORDER BY ALL LIMIT 2", [example])
        names = [column[0] for column in relation.description]
        first, second = relation.fetchall()
        name, one, other = next((n, a, b) for n, a, b in zip(names, first, second, strict=True) if a != b)
        raise _refusal(
            star, "fact_rate", f"fact_uid {example} stands for two facts ({name}: {one!r} and {other!r}); so do {twice - 1:,} more",
            "give each fact an id of its own",
        )  # fmt: skip
    return int(repeated)


def _check_places(con: duckdb.DuckDBPyConnection, star: Star) -> None:
    undefined = con.execute("""
        SELECT pos_set_id, count(*) FROM given_facts ANTI JOIN given_dim_pos_set USING (pos_set_id)
        WHERE pos_set_id <> md5('') GROUP BY ALL ORDER BY ALL""").fetchall()
    if undefined:
        fact = f"pos_set_id {undefined[0][0]} is not in it, and {undefined[0][1]:,} facts name it; so with {len(undefined) - 1:,} more"
        raise _refusal(star, "dim_pos_set", fact, "add them")
    if "dim_npi_address_geolocation" in star.files:
        for column, limit in (("latitude", 90), ("longitude", 180)):
            beyond = f"SELECT count(*), max({column}) FROM given_dim_npi_address_geolocation WHERE abs({column}) > {limit} OR isnan({column})"
            count, example = con.execute(beyond).fetchall()[0]
            if count:
                fact = f"the column {column} is no {column} in {count:,} rows ({example})"
                raise _refusal(star, "dim_npi_address_geolocation", fact, "write degrees, or null")


def _check_against(con: duckdb.DuckDBPyConnection, star: Star, other: Star, known: str) -> None:
    """Refuse an id that stands for another fact in a star schema brought before; what one of them lacks is no difference."""
    for name, query in views(other, "known").items():
        duck.view(con, name, query)
    compared = [c for c in tables.get("fact_rate").columns if c not in ("fact_uid", "batch_id", "source_count")]
    differs = " OR ".join(f"coalesce(n.{c} <> k.{c}, FALSE)" for c in compared)
    pairs = ", ".join(f"n.{c}, k.{c}" for c in compared)
    relation = con.execute(
        f"SELECT {pairs}, n.fact_uid FROM given_facts AS n JOIN known_facts AS k USING (fact_uid) "
        f"WHERE {differs} ORDER BY n.fact_uid LIMIT 1"
    )
    for *pairs, example in relation.fetchall():
        name, new, old = next(
            (c, a, b)
            for c, a, b in zip(compared, pairs[::2], pairs[1::2], strict=True)
            if None not in (a, b) and a != b
        )
        raise _refusal(
            star, "fact_rate", f"fact_uid {example} stands for another fact in raw/star/{known} ({name}: here {new!r}, there {old!r})",
            f"give the new fact an id of its own, or remove raw/star/{known} if these files replace it",
        )  # fmt: skip


def _notices(con: duckdb.DuckDBPyConnection, star: Star) -> list[str]:
    """Rows that are passed over for want of a key, keys with two contents, slugs that are not ours."""
    found = []
    for table, key in _KEYS.items():
        if table not in star.files:
            continue
        keys = key.split()
        name = star.files[table].path.relative_to(star.folder).as_posix()
        missing = " OR ".join(f"{k} IS NULL" for k in keys)
        count = con.execute(f"SELECT count(*) FROM given_{table} WHERE {missing}").fetchall()[0][0]
        if count:
            found.append(f"{name}: {count:,} rows without {' or '.join(keys)} are passed over")
        if table.startswith("xref_") or table == "dim_provider_group":  # their rows are of a month each
            continue
        twice = con.execute(f"""
            SELECT count(*) FROM (
              SELECT {", ".join(keys)} FROM (SELECT * EXCLUDE (place) FROM given_{table}) AS g WHERE NOT ({missing})
              GROUP BY ALL HAVING min(hash(g)) <> max(hash(g)))""").fetchall()[0][0]
        if twice:
            found.append(
                f"{name}: {twice:,} times {', '.join(keys)} stands with two contents; the first of them is taken"
            )
    for slug, ours in con.execute("""
        SELECT DISTINCT payer_slug, slugify(reporting_entity_name) AS ours FROM given_dim_payer
        WHERE payer_slug <> slugify(reporting_entity_name) ORDER BY ALL""").fetchall():
        found.append(f"payer_slug {slug} becomes {ours}, the slug of its reporting_entity_name")
    return found

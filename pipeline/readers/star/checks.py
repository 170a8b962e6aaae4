"""What may not be in a star schema that somebody else made.

What belongs here: refusing, before it is taken in, what no later stage could mend. What must not come in: what its rows
become (`star.rows`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from pipeline import partition, tables
from pipeline.errors import SourceError
from pipeline.readers.star.layout import File, Star, again
from pipeline.readers.star.rows import views
from pipeline.storage import duck

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


@dataclass(frozen=True)
class Checked:
    """What a check found: rows of facts by month, what a person should know although it hinders nothing, and how many facts
    have no billing class."""

    months: dict[str, int]
    notices: list[str]
    without_class: int = 0


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
    notices = [f"gold/fact_rate.parquet: {repeated:,} rows occur more than once; once is enough"] if repeated else []
    without_class = con.execute("SELECT count(*) FROM given_facts WHERE billing_class IS NULL").fetchall()[0][0]
    return Checked(months, [*notices, *_notices(con, star)], without_class)


def _refusal(star: Star, table: str, fact: str, remedy: str) -> SourceError:
    return SourceError(fact, place=star.files[table].path, remedy=f"{remedy}, {again(star.folder)}")


def _read_through(con: duckdb.DuckDBPyConnection, star: Star, file: File) -> int:
    """Read the columns that are used, to the end; returns the number of rows."""
    hashed = ", ".join(f"max(hash({duck.identifier(name)}))" for name in file.columns.values())
    try:
        return con.execute(f"SELECT count(*), {hashed} FROM {duck.parquet_files(file.path)}").fetchall()[0][0]
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
            found.append(f"{name}: {twice:,} times {', '.join(keys)} has two contents; the first of them is taken")
    for slug, ours in con.execute("""
        SELECT DISTINCT payer_slug, slugify(reporting_entity_name) AS ours FROM given_dim_payer
        WHERE payer_slug <> slugify(reporting_entity_name) ORDER BY ALL""").fetchall():
        found.append(f"payer_slug {slug} becomes {ours}, the slug of its reporting_entity_name")
    return found

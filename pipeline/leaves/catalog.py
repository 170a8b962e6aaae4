"""warehouse.duckdb: where a reader finds every table, by every name it has, and the files of each partition.

What belongs here: the catalog's tables and views, and the time after which files of former builds go. What must
not come in: rows of data; the views point to immutable objects, so that a reader sees one finished build.
"""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import __version__, partition, settings, tables
from pipeline.leaves import manifest
from pipeline.paths import Root
from pipeline.storage import journal, targets
from pipeline.storage.targets import PublishedFile

# The format of the database file: DuckDB 1.2 and later open it. What is stored in it, views, macros and generated columns,
# must be of functions that 1.2 has too; `if()` is none of them.
STORAGE_VERSION = "v1.2.0"


@dataclass(frozen=True)
class Listed:
    """A table's file (of a month) that stands; `part` is None when it does not."""

    table: str
    month: str | None
    part: PublishedFile | None


def write(
    root: Root,
    path: Path,
    listed: list[Listed],
    manifests: dict[str, Path],
    accounts: list[dict],
    presence: Sequence[dict] = (),
) -> set[str]:
    """Write a catalog: views over every table, `partition_manifest`, `month_accounts`, `benchmark_coverage`,
    `table_files`, `source_presence` (of each in-network file: here, missing or archived), `warehouse`, the macro slugify.
    `manifests` are the months' files of leaves. Returns the digests of all leaves.
    """
    import pyarrow as pa

    from pipeline import naming
    from pipeline.storage import database, duck
    from pipeline.transforms.benchmark_choice import NEGOTIATED_DOLLARS

    with database.new(path, STORAGE_VERSION) as con:
        _origin(con, root)
        for statement in naming.MACROS.split(";"):
            if statement.strip():
                con.execute(statement)
        # Every published table, those of which there is no month yet included: a reader finds them empty.
        published = [name for name, declared in tables.load().items() if not declared.folder.startswith("staged")]
        by_table: dict[str, list[Path]] = {name: [] for name in published}
        for one in listed:
            if one.part is not None:
                by_table[one.table].append(root.object(one.part.digest))
        for name, files in by_table.items():
            if name == "fact_rate_enriched":
                continue
            declared = tables.get(name)
            con.execute(f"CREATE VIEW {duck.identifier(name)} AS {duck.scan(declared, files)}")
            for alias in declared.aliases:
                con.execute(f"CREATE VIEW {duck.identifier(alias)} AS SELECT * FROM {duck.identifier(name)}")
        con.execute(
            "CREATE OR REPLACE VIEW dim_pos_set AS SELECT *, pos_members AS service_codes FROM ("
            + duck.scan(tables.get("dim_pos_set"), by_table["dim_pos_set"])
            + ")"
        )
        con.execute(
            f"CREATE OR REPLACE VIEW fact_rate AS SELECT *, {NEGOTIATED_DOLLARS} AS negotiated_dollars FROM ("
            + duck.scan(tables.get("fact_rate"), by_table["fact_rate"])
            + ")"
        )
        _manifest(con, root, manifests)
        _enriched(con, by_table.get("fact_rate_enriched", []))
        _table(con, "table_files", _files(root, listed))
        arrow = pa.table({c: pa.array([a[c] for a in accounts], kind) for c, kind in _account_columns().items()})
        _table(con, "month_accounts", arrow)
        _coverage(con, accounts)
        columns = ("batch_id", "file", "year_month", "presence")
        _table(con, "source_presence", pa.table({c: pa.array([p[c] for p in presence], pa.string()) for c in columns}))
        return set(con.execute("SELECT digest FROM partition_manifest").fetchnumpy()["digest"].tolist())


def _files(root: Root, listed: list[Listed]):
    """table_files: a row for each file of a table that stands."""
    import pyarrow as pa

    files = [
        (o.table, o.month, o.part.path, str(root.object(o.part.digest)), o.part.rows, o.part.bytes, o.part.digest)
        for o in listed
        if o.part
    ]
    names = ["table_name", "year_month", "path", "object_path", "rows", "bytes", "digest"]
    kinds = [pa.int64() if name in ("rows", "bytes") else pa.string() for name in names]
    return pa.table({name: pa.array([f[i] for f in files], kinds[i]) for i, name in enumerate(names)})


def _origin(con, root: Root) -> None:
    """warehouse: one row, the folder whose files the views name, and by which build and version this was written (UTC)."""
    con.execute("""
        CREATE TABLE warehouse (
          root VARCHAR, build VARCHAR, written_at TIMESTAMP, ratehouse_version VARCHAR, storage_version VARCHAR)""")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
    row = [str(root.path), os.environ.get(journal.BUILD), now, __version__, STORAGE_VERSION]
    con.execute("INSERT INTO warehouse VALUES (?, ?, ?, ?, ?)", row)


def _account_columns() -> dict:
    """The columns of month_accounts; sums of amounts are exact decimals as text."""
    import pyarrow as pa

    names = """year_month files prices_read priced prices_rejected without_provider rates_read facts rate_facts star_facts
        duplicates rejected corrected_away rate_sum fact_sum duplicate_sum rounded_sum corrected_sum amended_sum leaves
        enriched_rows withheld_leaves withheld_rows""".split()
    return {name: pa.string() if name == "year_month" or name.endswith("_sum") else pa.int64() for name in names}


def _table(con, name: str, rows) -> None:
    con.register("given", rows)
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    con.unregister("given")


def _coverage(con, accounts: list[dict]) -> None:
    """benchmark_coverage: how many facts of a month, billing class and code type have a Medicare rate; `origin` is the
    release it comes from and whether that was in force, or why there is none.
    """
    import pyarrow as pa

    kinds = {"year_month": pa.string(), "billing_class": pa.string(), "code_type": pa.string()}
    kinds |= {"has_rate": pa.bool_(), "origin": pa.string(), "facts": pa.int64()}
    rows = [(a["year_month"], *counted) for a in accounts for counted in a["benchmarks"]]
    columns = {name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(kinds.items())}
    _table(con, "benchmark_coverage", pa.table(columns))


# The same as partition.decode; a test holds the two together.
PARTITION_KEY = f"""
CREATE TEMP MACRO partition_key(v) AS
CASE WHEN v = '{partition.NULL}' THEN NULL WHEN contains(v, '%') THEN url_decode(v) ELSE v END
"""


def _manifest(con, root: Root, manifests: dict[str, Path]) -> None:
    """partition_manifest: one row per leaf, its keys decoded (one is called state), the object that a reader should
    open, its tree path, its status (published or withheld, with the reason).
    """
    from pipeline.storage import duck

    keys = settings.partitioning().key_list()
    names = ", ".join(f"{duck.identifier(key)} VARCHAR" for key in keys)
    # Measured with 259,000 leaves: to store the names of their files too took a second of two, so these are made when
    # they are read; Zstandard takes two thirds of the time that is left, and half of the bytes.
    con.execute(f"""
        CREATE TABLE partition_manifest (
          {names}, year_month VARCHAR, partition VARCHAR USING COMPRESSION zstd,
          path VARCHAR AS (CASE WHEN reason IS NULL THEN {root.leaf_name_in_sql("partition", "year_month")} END),
          object_path VARCHAR AS (
            CASE WHEN reason IS NULL THEN {duck.literal(f"{root.path}/")} || {root.object_name_in_sql("digest")} END),
          rows BIGINT, bytes BIGINT, digest VARCHAR,
          status VARCHAR AS (CASE WHEN reason IS NULL THEN 'published' ELSE 'withheld' END), reason VARCHAR)""")
    files = {month: path for month, path in manifests.items() if manifest.whole_manifest(path)}
    if not files:
        return
    # Read by DuckDB, all of them at once: in Python 138,000 leaves took two seconds.
    fields = dict.fromkeys(manifest.Record._fields, "VARCHAR") | {"rows": "BIGINT", "bytes": "BIGINT"}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in fields.items())
    options = (
        f"columns = {{{columns}}}, delim = '\t', quote = '', escape = '', header = false, auto_detect = false, "
        "null_padding = true"
    )
    rows = " UNION ALL ".join(
        f"SELECT *, {duck.literal(month)} AS month FROM {duck.csv_file(path, options)}" for month, path in files.items()
    )
    values = ", ".join(f"partition_key(parts[{place}][{len(key) + 2}:])" for place, key in enumerate(keys, 1))
    con.execute(PARTITION_KEY)
    con.execute(f"""
        INSERT INTO partition_manifest
        SELECT {values}, month, partition, rows, if(reason IS NULL, bytes, 0), digest, reason
        FROM (
          SELECT *, string_split(partition, '/') AS parts
          FROM ({rows})
          WHERE digest IS NOT NULL)""")  # a file's last line is the seal
    con.execute("DROP MACRO partition_key")


def _enriched(con, files: list[Path]) -> None:
    """fact_rate_enriched: the months' joined files less the withheld leaves, which reads faster than 100,000 leaves."""
    from pipeline.storage import duck

    declared = tables.get("fact_rate_enriched")
    keys = settings.partitioning().key_list()
    match = " AND ".join(
        f"w.{duck.identifier(k)} IS NOT DISTINCT FROM e.{duck.identifier(k)}" for k in (*keys, "year_month")
    )
    con.execute(
        f"CREATE VIEW fact_rate_enriched AS SELECT e.* FROM ({duck.scan(declared, files)}) AS e WHERE NOT EXISTS "
        f"(SELECT 1 FROM partition_manifest AS w WHERE w.status = 'withheld' AND {match})"
    )


def retired_objects(root: Root) -> dict[str, float]:
    """Digest -> since when (seconds of the epoch) no build names the object."""
    try:
        return json.loads(root.retired.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def retire_objects(root: Root, kept: set[str]) -> None:
    """Remove objects that no build of the last [build] object_hours named; the others stay for readers of old catalogs."""
    now, known = time.time(), retired_objects(root)
    folders = [one.path for one in os.scandir(root.objects) if one.is_dir()] if root.objects.is_dir() else []
    named = {f"{digest}.parquet" for digest in kept}
    # No Path for each of 260,000, and nothing else either.
    others = [name for folder in folders for name in os.listdir(folder) if name not in named]  # noqa: PTH208
    digests = [name.removesuffix(".parquet") for name in others if name.endswith(".parquet")]
    retired = {digest: known.get(digest, now) for digest in digests}
    limit = now - settings.build().object_hours * 3600
    for digest in [d for d, since in retired.items() if since <= limit]:
        targets.remove(root.object(digest), root.objects)
        del retired[digest]
    targets.write_text(root, root.retired, json.dumps(retired, sort_keys=True))

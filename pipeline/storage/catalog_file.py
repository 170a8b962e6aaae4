"""warehouse.duckdb as a file that other programs open too: publishing it, what they leave at it, opening it.

What belongs here: DuckDB's logs of changes (`.wal`) next to the catalog, the folder that a catalog was written for, whether
a reader can open it, and putting a new one in its place. What must not come in: what a catalog holds (`catalog`), when one
is to be written (`stages.warehouse`).

DuckDB replays a log onto whatever database has its name. A program that opened the catalog for writing and was killed
leaves one. Readers of the next build's catalog would then see that program's changes made to it, or could not open it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import errors, paths
from pipeline.paths import Root
from pipeline.storage import targets

LOG_ENDINGS = (".wal", ".wal.checkpoint", ".wal.recovery")
ROOT_SETTING = "[warehouse] root"  # in the stamp
OWN_VIEWS = "keep views and tables of your own in a database of your own, which attaches this one (docs/connect.md)"
REASON = f"""Another program had warehouse.duckdb open for writing, and a build wrote a new one.
This is the former one, with what that program changed: open it with DuckDB. Where DuckDB cannot replay the .wal, the
database file has these changes already: move the .wal away.
The next time {OWN_VIEWS}.
"""


def logs(root: Root) -> list[Path]:
    """The logs next to the catalog. A build leaves none: a program that opened the catalog for writing did."""
    found = (f"{root.catalog}{ending}" for ending in LOG_ENDINGS)
    return [Path(path) for path in found if os.path.lexists(path)]


def log_problem(root: Root) -> str | None:
    """What is wrong when a log is next to the catalog, None when none is."""
    found = logs(root)
    if not found:
        return None
    return f"{found[0].name} is next to it: a program has it open for writing, or was killed while it had"


def root_problem(root: Root, written_for: str | None) -> str | None:
    """What is wrong when a catalog was written for another folder, None when it names the files of this one."""
    if written_for is None or written_for == str(root.path) or _is_same_folder(written_for, root.path):
        return None
    return f"it names the files of {written_for}, where the warehouse was when it was built"


def file_problem(root: Root, size: int, mtime_ns: int, sha256: str) -> str | None:
    """What is wrong with the catalog's bytes; it is read only where its time is another."""
    try:
        info = os.stat(root.catalog)
    except FileNotFoundError:
        return "warehouse.duckdb is missing"
    if info.st_size == size and targets.is_as_recorded(root.catalog, info, mtime_ns, sha256):
        return None
    return "warehouse.duckdb was changed by hand"


def publish(root: Root, draft: Path, former: str | None) -> Path | None:
    """Put a new catalog in its place, whole or not at all; `former` is the SHA-256 of the one that its stamp has.

    Returns the folder in quarantine of what another program made of the former one, if one did. The former one's log is
    moved away first: without it a reader opens the former catalog as it was published.
    """
    with targets.translate_os_errors(root.catalog):
        targets.fsync(draft)
        kept = set_aside(root, {former, _last_published(root)})
        targets.write_text(root, root.catalog_hash, targets.file_hash(draft))
        targets.replace(draft, root.catalog)
        kept = _move_logs(root) or kept  # of a program that still has the former one open
        targets.fsync(root.path)
    return kept


def set_aside(root: Root, published: set[str | None]) -> Path | None:
    """Keep a catalog that another program changed, with its log, in quarantine/extra/; returns that folder.

    None when there is no log, and its SHA-256 is one of `published` (or none is known). The file gets a second name, so
    that a program that still has it open goes on writing to it there.
    """
    here, known = root.catalog.is_file(), published - {None}
    sha256 = targets.file_hash(root.catalog) if here else None
    if not logs(root) and (sha256 is None or not known or sha256 in known):
        return None
    folder = _kept(root, sha256)
    targets.write_text(root, folder / "reason.txt", REASON)
    if here:
        targets.link(root.catalog, folder / root.catalog.name, root.scratch)
    _move_logs(root, folder)
    targets.fsync(folder)
    return folder


def _move_logs(root: Root, folder: Path | None = None) -> Path | None:
    """Move the logs next to the catalog to a folder of quarantine/extra/; returns it, None when there was none."""
    found = logs(root)
    for log in found:
        if folder is None or (folder / log.name).exists():
            folder = _kept(root, targets.file_hash(log))
        targets.replace(log, folder / log.name)
    return folder if found else None


def _kept(root: Root, sha256: str | None) -> Path:
    """The folder of what is set aside, by its content: a build that is killed meanwhile and run again finds the same."""
    return paths.make_folder(root.quarantine / "extra" / f"catalog-{(sha256 or 'lost')[:12]}")


def _last_published(root: Root) -> str | None:
    """The SHA-256 of the catalog that was published last, though the build may have been killed before its stamp."""
    try:
        return root.catalog_hash.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


@contextmanager
def opened(root: Root) -> Iterator:
    """A connection that reads the catalog; CatalogError where a reader would fail, or get another warehouse's rows."""
    import duckdb

    from pipeline.storage import database

    build = paths.command("build", root.path)
    if not root.catalog.exists():
        raise errors.CatalogError("there is no catalog yet", place=root.path, remedy=build)
    log = log_problem(root)
    if log:
        remedy = f"end that program, where it still runs; then have the log set aside, and the catalog written anew:\n  {build}"
        raise errors.CatalogError(log, place=root.catalog, remedy=remedy)
    try:
        con = database.connect(root.catalog, read_only=True)
    except duckdb.Error as problem:
        raise _unreadable(root, problem) from problem
    with con:
        elsewhere = root_problem(root, recorded_root(con))
        if elsewhere:
            raise errors.CatalogError(
                elsewhere, place=root.catalog, remedy=f"have it written for this folder:\n  {build}"
            )
        yield con


def _unreadable(root: Root, problem: Exception) -> errors.CatalogError:
    """DuckDB's refusal to open the catalog, with what to do."""
    message, build = str(problem).partition("\n")[0], paths.command("build", root.path)
    if "Conflicting lock" in message or "being used by another process" in message:
        return errors.CatalogError(
            f"another program has it open for writing: {message}",
            place=root.catalog,
            remedy="end that program, then run the same command again; readers open it read-only",
        )
    remedy = f"have it written anew: move it away, then\n  {build}"
    return errors.CatalogError(f"no reader can open it: {message}", place=root.catalog, remedy=remedy)


def recorded_root(con) -> str | None:
    """The folder that the catalog behind a connection was written for; None when it names no file at all."""
    names = {name for (name,) in con.sql("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()}
    if "warehouse" in names and (rows := con.sql("SELECT root FROM warehouse").fetchall()):
        return rows[0][0]
    if "table_files" not in names:
        return None
    # Written by a version that has no such relation: the root is what comes before the object's name.
    rows = con.sql("SELECT object_path FROM table_files LIMIT 1").fetchall()
    return str(Path(rows[0][0]).parents[2]) if rows else None


def reading_problem(root: Root) -> str | None:
    """What a reader meets who opens the catalog and asks every relation in it for its columns; None when nothing."""
    import duckdb

    try:
        with opened(root) as con:
            for (name,) in con.sql("SHOW TABLES").fetchall():
                try:
                    con.sql(f'SELECT * FROM "{name}" LIMIT 0').fetchall()
                except duckdb.Error as problem:
                    return f"its relation {name} cannot be read: {str(problem).partition(chr(10))[0]}"
    except errors.CatalogError as problem:
        return problem.fact
    return None


def _is_same_folder(one: str, other: Path) -> bool:
    """Whether both are one folder, reached by two paths."""
    try:
        return other.samefile(one)
    except OSError:
        return False

"""Database files of DuckDB: opening one, and writing a new one wherever it is to stand.

What belongs here: that. What must not come in: what is in a database (`catalog`), connections in memory (`duck`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline import errors
from pipeline.file_names import whole_path
from pipeline.storage import targets
from pipeline.storage.duck import literal


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to a database file; one that is to be written must not lie under a folder with a `?` (`writable`)."""
    place = whole_path(path)
    spill = {"temp_directory": f"{place}.tmp"} if "?" in place else {}  # DuckDB's own would be in another folder
    return duckdb.connect(place, read_only=read_only, config=spill)


@contextmanager
def new(path: Path, storage: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that writes a new database file, in the format of a version of DuckDB (`v1.2.0`), whole when it ends.

    The file must not lie under a folder with a `?` (`writable`).
    """
    with duckdb.connect(":memory:") as con:
        con.execute(f"ATTACH {literal(whole_path(path))} AS made (STORAGE_VERSION {literal(storage)})")
        con.execute("USE made")
        yield con
        con.execute("USE memory")
        con.execute("DETACH made")


@contextmanager
def writable(path: Path) -> Iterator[Path]:
    """Where to write a new database file that is to stand at `path`; there it stands when the context ends.

    Under a folder with a `?` DuckDB reads a database but cannot write one: it is written in the system's folder for
    temporary files, and copied. PublishError when that folder cannot be written.
    """
    if "?" not in whole_path(path):
        yield path
        return
    with targets.translate_os_errors(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="ratehouse-") as folder:
        if "?" in whole_path(folder):
            raise errors.PublishError(
                "DuckDB cannot write a database under a folder with a ? in its name",
                place=folder,
                remedy="set TMPDIR to a folder without one, then run the same command again",
            )
        new = Path(folder) / "new.duckdb"
        yield new
        shutil.copyfile(new, path)

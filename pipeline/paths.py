"""The only module that spells a path: where everything stands under a warehouse root.

What belongs here: places. What must not come in: reading or writing them (but for making a folder).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline import errors, file_names, tables

BESIDE = "references"  # folder beside in-network files for what they refer to
LEAF_NAME = "fact_rate_enriched.parquet"


@dataclass(frozen=True)
class Root:
    """One warehouse: the folder that holds raw/ and everything built from it."""

    path: Path

    @cached_property
    def id(self) -> str:
        """Short id of the warehouse: what tells its tasks from another's on a shared scheduler."""
        return f"{self.path.name}-{hashlib.md5(str(self.path).encode()).hexdigest()[:6]}"

    raw = property(lambda self: self.path / "raw")
    mrf = property(lambda self: self.path / "raw" / "mrf")
    corrections = property(lambda self: self.path / "raw" / "corrections")
    declarations = property(lambda self: self.path / "raw" / "declarations")
    toc = property(lambda self: self.path / "raw" / "toc")
    star = property(lambda self: self.path / "raw" / "star")
    fetched = property(lambda self: self.path / "raw" / "fetched")  # raw, so that nothing that is built replaces it
    ledger = property(lambda self: self.path / "raw" / "fetched" / "ledger.jsonl")
    fetch_lock = property(lambda self: self.path / "raw" / "fetched" / "fetch.lock")
    partial = property(lambda self: self.path / "raw" / "fetched" / "partial")
    state = property(lambda self: self.path / ".state")
    scratch = property(lambda self: self.path / ".scratch")
    objects = cached_property(lambda self: self.path / ".objects")
    quarantine = property(lambda self: self.path / "quarantine")
    gold = property(lambda self: self.path / "gold")
    tree = property(lambda self: self.path / "gold" / "fact_rate_enriched")
    catalog = property(lambda self: self.path / "warehouse.duckdb")
    catalog_hash = property(lambda self: self.path / ".state" / "catalog.sha256")
    docs = property(lambda self: self.path / "docs")
    geocoding = property(lambda self: self.path / "geocoding")
    journal = property(lambda self: self.path / ".state" / "journal.jsonl")
    lock = property(lambda self: self.path / ".state" / "build.lock")
    raw_hashes = property(lambda self: self.path / ".state" / "raw_hashes.jsonl")
    code_cache = property(lambda self: self.path / ".state" / "code_versions.json")
    gate_results = property(lambda self: self.path / ".state" / "gates")
    retired = property(lambda self: self.path / ".state" / "retired_objects.json")
    let_go = property(lambda self: self.path / ".state" / "let_go.jsonl")
    unreadable = property(lambda self: self.path / ".state" / "unreadable.jsonl")

    def reference(self, folder: str) -> Path:
        """raw/<folder> of a reference source."""
        return self.raw / folder

    def table(self, name: str, month: str | None = None) -> Path:
        """A published table's file, or its shard of a month."""
        declared = tables.get(name)
        assert declared.sharded == (month is not None), f"{name}: sharded tables have a month, others none"
        return self.path / declared.folder / (f"{name}_{month}.parquet" if month else f"{name}.parquet")

    def staged(self, source: str, table: str) -> Path:
        """A staged table of one source; `source` is the source's folder under staged/."""
        return self.path / "staged" / source / f"{table}.parquet"

    def joined(self, month: str, number: int = 1) -> Path:
        """The month's enriched rows, from which its leaves are cut: the first file, or a further one of a large month."""
        more = f".{number:04}" if number > 1 else ""
        return self.path / "staged" / "enriched" / f"fact_rate_enriched_{month}{more}.parquet"

    def all_joined(self, month: str) -> list[Path]:
        """Every file of the month's enriched rows that stands, whoever left it."""
        folder, begin = self.path / "staged" / "enriched", f"fact_rate_enriched_{month}."
        return sorted(path for path in folder.iterdir() if path.name.startswith(begin)) if folder.is_dir() else []

    def stamp(self, label: str) -> Path:
        """The stamp of a task, by its label."""
        return self.state / "stamps" / f"{label}.json"

    def month_state(self, month: str) -> Path:
        """What the enriched stage keeps of a month beside its stamps: key sets, leaf plan, manifests."""
        return self.state / "enriched" / month

    def gate_result(self, label: str, suite: str) -> Path:
        """What the gate last found of a table of a task; the part before the last `~` is the same for all of a task's."""
        return self.gate_results / f"{label.replace('/', '.')}~{suite}.json"

    def rejected(self, label: str) -> Path:
        """The records of a source that could not be read, by its label."""
        return self.quarantine / "records" / f"{label.rpartition('/')[2]}.jsonl"

    def star_options(self, star: str) -> Path:
        """What `import-star` was told of a star schema; a dot begins it, for it is none of its tables."""
        return self.star / star / ".import.json"

    def kept(self, digest: str, ending: str) -> Path:
        """A fetched file that has no place of its own among raw files, by its content and its kind (`.json.gz`)."""
        return self.fetched / "kept" / digest[:2] / f"{digest}{ending}"

    def object(self, digest: str) -> Path:
        """The immutable file of that content."""
        return self.path / self.object_name(digest)

    @staticmethod
    def object_name(digest: str) -> str:
        """The same as `relative` shows it."""
        return f".objects/{digest[:2]}/{digest}.parquet"

    @staticmethod
    def object_name_in_sql(digest: str) -> str:
        """The same of a column of digests, as an SQL expression."""
        return f"'.objects/' || left({digest}, 2) || '/' || {digest} || '.parquet'"

    def leaf(self, partition: str, month: str) -> Path:
        """A leaf's file in the Hive tree; `partition` is `k=v/…`."""
        return self.path / self.leaf_name(partition, month)

    @staticmethod
    def leaf_name(partition: str, month: str) -> str:
        """The same as `relative` shows it."""
        return f"gold/fact_rate_enriched/{partition}/year_month={month}/{LEAF_NAME}"

    @staticmethod
    def leaf_name_in_sql(partition: str, month: str) -> str:
        """The same of columns of partitions and months, as an SQL expression."""
        return f"'gold/fact_rate_enriched/' || {partition} || '/year_month=' || {month} || '/{LEAF_NAME}'"

    def relative(self, path: Path) -> str:
        """A path as it is shown and stamped: relative to the root, with slashes."""
        return path.relative_to(self.path).as_posix()

    def portable(self, place: str | None) -> str | None:
        """A place in words, as a stamp keeps it: without the root, so that it is right wherever the warehouse is moved."""
        return place and place.removeprefix(f"{self.path}{os.sep}")

    def placed(self, place: str | None) -> str | None:
        """The same as it is shown: under the root as it is now."""
        return place and str(self.path / place)

    def make_state(self) -> None:
        """Create the folder of what is kept between builds; PublishError when it cannot be."""
        self._make(self.state)

    def make_scratch(self) -> None:
        """Create the folder for drafts, which stands only while something is written; PublishError when it cannot be."""
        self._make(self.scratch)

    def _make(self, folder: Path) -> None:
        try:
            make_folder(folder)
        except OSError as problem:
            raise errors.PublishError(
                f"cannot be written: {problem.strerror}",
                place=self.path,
                remedy="give this user the right to write there",
            ) from problem


def check_root(folder: Path) -> None:
    """RootError for a folder in which no warehouse can be built, because DuckDB could not open its files."""
    whole = folder.resolve()
    wrong = file_names.problem_of_folder(whole)
    if wrong:
        raise errors.RootError(wrong, place=whole, remedy="rename that folder, or put the warehouse elsewhere")


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; returns it. PublishError where a link stands in its way that leads to nothing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as problem:
        for place in (path, *path.parents):
            if place.is_symlink() and not place.exists():
                raise errors.PublishError(
                    f"is a link to {place.readlink()}, which is not there",
                    place=place,
                    remedy="mount the disk that it is on, or mend the link, then run the same command again",
                ) from problem
        raise
    return path


def shown(path: Path) -> str:
    """A path as a person would type it here: from the current folder where it is below it, else whole."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path != here and path.is_relative_to(here) else str(path)


def command(words: str, root: Path) -> str:
    """A command to paste into the shell that this process was started from.

    It names the root, for the next shell may have another one set, and the program by its path where the shell would
    not find it: `make setup` puts it into .venv and leaves PATH alone.
    """
    ours = Path(sys.executable).parent / "ratehouse"
    found = shutil.which("ratehouse")
    plain = not ours.exists() or (found is not None and Path(found).samefile(ours))
    return f"{'ratehouse' if plain else shlex.quote(shown(ours))} --root {shlex.quote(shown(root))} {words}"

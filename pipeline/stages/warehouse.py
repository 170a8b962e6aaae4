"""The end of a build: the catalog, from which a reader finds everything else.

What belongs here: which tables the catalog lists, and what goes with a month that is gone. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import json
from pathlib import Path

import luigi

from pipeline import accounts, naming, partition, session, settings, tables
from pipeline.leaves import catalog, manifest, writing
from pipeline.sources import let_go
from pipeline.stages import bench, coverage, dims, enriched, enriched_rows, facts, file_task, ingest, star, xrefs
from pipeline.storage import catalog_file, stamps, targets
from pipeline.storage.stamps import Stale, Stamp
from pipeline.tasks.base import TableTask, for_months

luigi.namespace("warehouse", scope=__name__)


def tables_of(months: list[str]) -> list[TableTask]:
    """Every task whose table the catalog lists."""
    kinds = [dims.KINDS, xrefs.KINDS, bench.KINDS, facts.KINDS, (enriched_rows.EnrichedRows,), coverage.KINDS]
    return [task for of_stage in kinds for task in for_months(of_stage, months)]


class Warehouse(TableTask):
    """data/warehouse.duckdb: the manifest, a view for every table, the accounts of every month.

    It publishes what stands when it runs; it does not wait for a month that failed.
    """

    in_object_store = False

    @property
    def label(self) -> str:
        return "warehouse"

    def target(self) -> Path:
        return self.warehouse.catalog

    def targets(self) -> dict[str, Path]:
        return {}

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(self.warehouse.catalog))

    def requires(self) -> list:
        return []

    def code_roots(self) -> tuple[str, ...]:
        return ("pipeline.leaves.catalog",)

    def other_inputs(self) -> dict[str, str]:
        inputs = {}
        for task in tables_of(facts.months()):
            for name in task.published:
                if digest := task.digest_of(name):
                    inputs[task.label if name == task.table else f"{task.label}:{name}"] = digest
        for month in facts.months():
            stamp = enriched.EnrichedMonth(month=month).stamp()
            inputs[f"the leaves of {month}"] = manifest.written_as(stamp.notes) if stamp else ""
            fact = facts.FactRate(month=month).stamp()
            inputs[f"the accounts of {month}"] = naming.md5_of(json.dumps(fact.notes, sort_keys=True)) if fact else ""
        inputs["the presence of sources"] = naming.md5_of(json.dumps(source_presence(), sort_keys=True))
        return inputs

    def settings_used(self) -> dict[str, object]:
        return {catalog_file.ROOT_SETTING: str(self.warehouse.path)}

    def file_problem(self, stamp: Stamp) -> str | None:
        root = self.warehouse
        problem = (
            catalog_file.file_problem(root, *stamp.notes["file"], stamp.notes["sha256"])
            or catalog_file.log_problem(root)
            or catalog_file.root_problem(root, stamp.basis.settings.get(catalog_file.ROOT_SETTING))
        )
        if problem:
            return problem
        left = orphans(facts.months())
        return f"files are left of {left[0]}, which no source has any more" if left else None

    def gate_staleness(self, stamp: Stamp) -> Stale | None:
        return None  # everything in it passed its own gate

    def build(self, why: Stale) -> Stamp:
        from pipeline.storage import database

        root = self.warehouse
        basis = self.basis()
        months = facts.months()
        for month in orphans(months):
            remove_month(month)
        if let_go.any_month(root):
            let_go.put_month_removed(root, None)
        listed = []
        for task in tables_of(months):
            for name in task.published:
                parts = (task.stamp() or stamps.NONE).parts_of(name)
                listed += [catalog.Listed(name, task.month_or_none, part) for part in parts or [None]]
        of_months = [accounts_of(month) for month in months]
        for account in of_months:
            if account["built"]:
                accounts.check(accounts.OF_MONTHS, account, root.catalog)
        with self.scratch() as folder, targets.translate_os_errors(folder):
            draft = folder / "warehouse.duckdb"
            with database.writable(draft) as place:
                manifests = {m: manifest.manifest(root, m) for m in months}
                of_leaves = catalog.write(root, place, listed, manifests, of_months, source_presence())
            former = self.stamp()
            kept = catalog_file.publish(root, draft, former.notes["sha256"] if former else None)
        if kept is not None:
            self.journal("set_aside", place=root.relative(kept))
        catalog.retire_objects(root, of_leaves | objects_of_tables(months))
        info = root.catalog.stat()
        notes = {"file": [info.st_size, info.st_mtime_ns], "sha256": targets.file_hash(root.catalog)}
        stamp = Stamp(basis, {}, {}, notes)
        stamps.write(root, self.label, stamp)
        return stamp


def source_presence() -> list[dict]:
    """batch_id, file, year_month and presence of every in-network source: the catalog's table source_presence."""
    return [
        {"batch_id": task.batch_id, "file": task.path, "year_month": task.month, "presence": task.presence}
        for task in ingest.in_network()
        if task.stamp() is not None
    ]


def objects_of_tables(months: list[str]) -> set[str]:
    """The digest of every object that a stamp names."""
    return {p.digest for task in tables_of(months) for p in (task.stamp() or stamps.NONE).parts.values()}


def objects_in_use() -> set[str]:
    """The digest of every object that a stamp or a manifest names."""
    root, months = session.current(), facts.months()
    return objects_of_tables(months).union(*(manifest.digests(root, month) for month in months))


def accounts_of(month: str) -> dict:
    """A month's accounts (`pipeline.accounts` says what the terms mean and which of them add up); facts = rate_facts + those
    that star schemas alone have; its leaves; `benchmarks`: how many facts have a Medicare rate, from which release, or why
    none (`fact_rate_enriched.benchmark_counts`). Of a month that is not up to date: as it was built. A term that the version
    that built it did not count is None.
    """
    task = facts.FactRate(month=month)
    fact, leaf = task.stamp(), enriched.EnrichedMonth(month=month).stamp()
    joined = enriched_rows.EnrichedRows(month=month).stamp()
    notes = fact.notes if fact else {}
    counts = [t.stamp().notes["counts"] for t in ingest.of_month(month) if t.status == file_task.WHOLE]
    read = {"files": len(counts), **accounts.of_files(counts)}
    if fact and task.staleness() is not None:
        read = {name: notes.get(name, None if "files" in notes else now) for name, now in read.items()}
    made = {name: notes.get(name) if fact else 0 for name in accounts.OF_MONTH}
    made |= {name: notes.get(name) if fact else "0.00" for name in accounts.SUMS_OF_MONTH}
    rows = fact.parts["fact_rate"].rows if fact else 0
    return {
        "year_month": month,
        "built": fact is not None,
        **read,
        "facts": rows,
        **made,
        "star_facts": notes.get("star_facts") if fact else 0,
        "leaves": leaf.notes["leaves"] if leaf else 0,
        "enriched_rows": leaf.notes["rows"] if leaf else 0,
        "withheld_leaves": len(leaf.notes["withheld"]) if leaf else 0,
        "withheld_rows": leaf.notes["withheld_rows"] if leaf else 0,
        "skipped_files": notes.get("skipped", []),
        "benchmarks": joined.notes.get("benchmarks", []) if joined else [],
    }


def orphans(months: list[str]) -> list[str]:
    """Months that no source has any more, because those that had them were let go of, and of which something stands: a
    file, a stamp, or what is kept of leaves.

    None while a source is unread, or broken before its date (and not skipped), for it may be of any month.
    """
    root = session.current()
    if any(task.stamp() is None for task in (*ingest.in_network(), *star.tasks())):
        return []
    if not settings.build().skip_broken and any(
        t.status == file_task.BROKEN and t.month is None for t in ingest.in_network()
    ):
        return []
    folders = {tables.get(name).folder for name in tables.load() if tables.get(name).sharded} | {"staged/enriched"}
    places = [place for name in folders for place in (root.path / name, root.stamp(name).with_suffix(""))]
    stems = {p.name.partition(".")[0] for place in places if place.is_dir() for p in place.iterdir()}
    names = {stem[-7:] for stem in stems if stem[-8:-7] == "_"}
    names |= {p.name for p in root.month_state("").iterdir()} if root.month_state("").is_dir() else set()
    found = {name for name in names if partition.is_month(name)} - set(months)
    return sorted(month for month in found if let_go.may_remove_month(root, month) or month in _skipped())


def _skipped() -> set[str]:
    """The months of broken files that this build was told to publish without."""
    if not settings.build().skip_broken:
        return set()
    return {t.month for t in ingest.in_network() if t.status == file_task.BROKEN and t.month} | {
        month for t in star.broken() for month in t.months
    }


def remove_month(month: str) -> None:
    """Take away every file of a month that no source has any more."""
    root = session.current()
    writing.remove_month(root, month)
    for task in [*tables_of([month]), enriched.LeafPlan(month=month), enriched.EnrichedMonth(month=month)]:
        if task.month_or_none != month:
            continue
        for path in task.targets().values():
            targets.remove(path, root.path)
        task.clear_places()
        targets.remove(root.stamp(task.label), root.state)
        task.journal("removed", why="no source has this month any more")
    let_go.put_month_removed(root, month)

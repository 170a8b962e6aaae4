"""Looking at a warehouse without changing it: its state table by table, and why something is stale.

What belongs here: answers for `status`, `why`, `partitions`, `sources`, as plain rows. What must not come in:
printing (`cli`), building, looking for damage (`operations.verify`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pipeline import accounts, errors, partition, paths, session, source_names
from pipeline.leaves import manifest
from pipeline.operations import build, partition_lookup
from pipeline.sources import listing, presence
from pipeline.stages import enriched, enriched_rows, facts, file_task, in_network_file, ingest, star
from pipeline.stages.warehouse import Warehouse, accounts_of, tables_of
from pipeline.storage import stamps, targets
from pipeline.tasks import code_version
from pipeline.tasks.base import TableTask


def begin() -> None:
    """Look at the files as they are now."""
    code_version.use_cache(session.current().code_cache)
    build.clear_caches()


def tasks() -> list[TableTask]:
    """Every task of the warehouse that has a stamp, in the order of the stages."""
    months = facts.months()
    found = [*build.sources(), *star.shards(), *tables_of(months)]
    found += [enriched.LeafPlan(month=m) for m in months] + [enriched.EnrichedMonth(month=m) for m in months]
    return [*found, *build.layout(), Warehouse()]


def name_of(task: TableTask) -> str:
    """The table's name as `status` shows it."""
    if isinstance(task, enriched.EnrichedMonth):
        return "fact_rate_enriched"
    if isinstance(task, enriched_rows.EnrichedRows):
        return "enriched_joined"
    if isinstance(task, facts.FactLayout):
        return "fact_rate_layout"
    if isinstance(task, Warehouse):
        return "warehouse.duckdb"
    return task.table or task.shown


def status() -> list[dict]:
    """table, month, state, rows, reason, presence of everything. state: built, stale, missing, blocked, failed, broken,
    withheld; presence, of sources: here, missing, archived.
    """
    rows = []
    for task in tasks():
        why, stamp = task.staleness(), task.stamp()
        state = "built" if why is None else _state(task, why.kind)
        parts = (stamp.parts_of(task.table) or stamp.parts.values()) if stamp else ()
        count = sum(p.rows for p in parts) if parts else None
        reason = why.sentence if why else None
        if (
            isinstance(task, file_task.FileTask)
            and task.status != file_task.WHOLE
            and (why is None or why.kind == "blocked")
        ):
            state, reason = ("broken" if task.status == file_task.BROKEN else "skipped"), task.reason
        if isinstance(task, enriched.EnrichedMonth) and stamp:
            count = stamp.notes["rows"]
            if stamp.notes["withheld"] and why is None:
                state, reason = "withheld", f"{_leaves(len(stamp.notes['withheld']))} withheld: ratehouse partitions"
        found_presence = task.presence if isinstance(task, file_task.FileTask) else None
        if found_presence not in (None, presence.HERE) and reason is None:
            reason = f"its raw file is not seen: it {task.why_not_seen()}; what was built of it is used as it is"
        rows.append(
            {
                "table": name_of(task),
                "month": task.month_or_none,
                "state": state,
                "rows": count,
                "reason": reason,
                **({"accounts": _accounts(task)} if isinstance(task, facts.FactRate) else {}),
                "presence": found_presence,
            }
        )
    empty = {"month": None, "rows": None, "presence": presence.HERE}
    unlistable = presence.unlistable()
    rows += [{"table": e.place, **empty, "state": "unreadable", "reason": e.fact} for e in unlistable]
    rows += [{"table": m.error.place, **empty, "state": "broken", "reason": m.error.fact} for m in listing.misplaced()]
    rows += [{"table": f"raw/{s.path}", **empty, "state": "skipped", "reason": s.reason} for s in listing.skipped()]
    for pattern, found in listing.ignored().items():
        reason = f"by [raw] ignore: {pattern}"
        rows += [{"table": f"raw/{path}", **empty, "state": "ignored", "reason": reason} for path in found]
    return rows


def _accounts(fact: facts.FactRate) -> dict | None:
    """The terms of a month's accounts, as it was built; None before."""
    found = accounts_of(fact.month)
    return {name: found[name] for name in accounts.MONTH_TERMS} if found["built"] else None


def _leaves(count: int) -> str:
    return "1 leaf is" if count == 1 else f"{count:,} leaves are"


def _state(task: TableTask, kind: str) -> str:
    if kind == "blocked":
        return "blocked"
    if kind == "gate":
        return "failed"
    return "stale" if task.stamp() else "missing"


def why(text: str) -> str:
    """One sentence on why a table, table:YYYY-MM, path or partition would be built again, or that it would not."""
    root = session.current()
    found = [t for t in tasks() if _named(t, text, None, root)]  # first, for the name of a file may be like the others
    if not found and "=" in text and partition.KEYS[0] in text:
        return "\n".join(_why_partition(*pair) for pair in partition_lookup.months_of(text, None))
    name, colon, month = text.rpartition(":")
    if not found and colon and any(_named(t, name, None, root) for t in tasks()):
        facts.check_month(month)
        found = [t for t in tasks() if _named(t, name, month, root)]
    if not found:
        known = sorted({name_of(t) for t in tasks()})
        near = partition.nearest(name if colon else text, [*known, *(t.shown for t in tasks())])
        raise errors.UsageError(
            "is no table, path or partition of this warehouse", place=text, remedy=f"do you mean: {', '.join(near)}?"
        )
    sentences = []
    for task in found:
        reason = task.staleness()
        label = task.shown if len(found) > 1 or task.month_or_none else text
        state = f"would be built: {reason.sentence}" if reason else "is up to date"
        if reason and reason.kind == "blocked":
            state = f"is blocked: {reason.sentence}"
        stamp = task.stamp()
        if reason is None and isinstance(task, file_task.FileTask) and task.status != file_task.WHOLE:
            state = f"is {task.status}: {task.reason}"
        if reason is None and stamp and isinstance(task, enriched.EnrichedMonth) and stamp.notes["withheld"]:
            state += f", but {_leaves(len(stamp.notes['withheld']))} withheld"
        sentences.append(f"{label} {state}")
    return "\n".join(sentences)


def _named(task: TableTask, name: str, month: str | None, root: paths.Root) -> bool:
    if month is not None and task.month_or_none != month:
        return False
    if name in (name_of(task), task.table, task.label, task.shown):
        return True
    places = {task.label, *(root.relative(p) for p in task.targets().values())}
    places |= {part.path for part in (task.stamp() or stamps.NONE).parts.values()}
    if isinstance(task, file_task.FileTask):
        places.add(f"raw/{task.raw_name}")
    return any(given in places or given.removesuffix(".parquet") == task.label for given in _from_root(name, root))


def _from_root(name: str, root: paths.Root) -> set[str]:
    """A path as it was typed, taken from the warehouse root, as we print paths, and from the current folder."""
    found = {Path(name).as_posix()}
    with contextlib.suppress(ValueError):  # it stands elsewhere
        found.add(root.relative(Path(name).resolve()))
    return found


def _why_partition(month: str, name: str) -> str:
    root = session.current()
    record = manifest.records(manifest.manifest(root, month))[name]
    if record.reason:
        return f"{name} of {month} is withheld: {record.reason}"
    leaf = root.leaf(name, month)
    if not leaf.exists():
        return f"{name} of {month} would be built: its file is missing"
    info = leaf.stat()
    if info.st_size != record.bytes or not targets.is_as_recorded(leaf, info, record.mtime_ns, record.sha256):
        return f"{name} of {month} would be built: its file was replaced by hand"
    upstream = enriched.EnrichedMonth(month=month).staleness()
    if upstream and upstream.kind != "file":
        return f"{name} of {month} stands, and will be compared with its new rows: {upstream.sentence}"
    return f"{name} of {month} is up to date"


def partitions(month: str | None) -> Iterator[dict]:
    """month, partition, path, rows, bytes, state, reason of every leaf in the manifests."""
    root = session.current()
    for of in [month] if month else facts.months():
        for record in manifest.records(manifest.manifest(root, of)).values():
            place = (
                manifest.quarantined(root, of, record.partition) if record.reason else root.leaf(record.partition, of)
            )
            yield {
                "month": of,
                "partition": record.partition,
                "path": root.relative(place),
                "rows": record.rows,
                "bytes": 0 if record.reason else record.bytes,
                "state": "withheld" if record.reason else "published",
                "reason": record.reason or None,
            }


SOURCE_FIELDS = ["file", "state", "year_month", "reporting_entity_name", "status", *in_network_file.COUNTS]


def sources() -> Iterator[dict]:
    """Every in-network file with its counts; `status` is whole, broken, skipped or unread, `reason` says why."""
    for task in ingest.in_network():
        if task.stamp() is None:
            yield {
                **dict.fromkeys(SOURCE_FIELDS),
                "file": task.path,
                "state": task.state,
                "status": "unread",
                "reason": None,
                **_provenance(task),
            }
            continue
        row = task.source_row()
        fact = facts.FactRate(month=task.month).stamp() if task.month else None
        if row["status"] == file_task.BROKEN and fact and task.raw_name in fact.notes["skipped"]:
            row["status"] = "skipped"
        yield {**{name: row[name] for name in SOURCE_FIELDS}, "reason": row["reason"], **_provenance(task)}
    empty = {**dict.fromkeys((*SOURCE_FIELDS, "batch_id", "read_by", "read_as_now")), "presence": presence.HERE}
    for error in presence.unlistable():
        yield {**empty, "file": error.place.removeprefix("raw/mrf/"), "status": "unreadable", "reason": error.fact}
    for one in listing.misplaced():
        yield {**empty, "file": _as_source(one.path), "status": file_task.BROKEN, "reason": one.error.fact}


def _provenance(task: in_network_file.InNetworkFile) -> dict:
    """Which id a source has, whether it is here, and which version of ratehouse read it: `read_as_now` says whether with
    the code and the settings of now.
    """
    kept = task.set_stamp()
    basis = task.basis() if kept else None
    return {
        "batch_id": task.batch_id,
        "presence": task.presence,
        "read_by": kept.notes.get("read_by") if kept else None,
        "read_as_now": (kept.basis.code, kept.basis.settings) == (basis.code, basis.settings) if kept else None,
    }


def unread() -> Iterator[dict]:
    """What under raw/ is no source by a person's choice, or by its name: file, status (skipped, ignored), reason."""
    for one in listing.skipped():
        yield {"file": _as_source(one.path), "status": "skipped", "reason": one.reason}
    for pattern, found in listing.ignored().items():
        for path in found:
            yield {"file": _as_source(path), "status": "ignored", "reason": f"by [raw] ignore: {pattern}"}


def _as_source(path: str) -> str:
    """A path under raw/ as `sources` names files: under raw/mrf without that, elsewhere with raw/."""
    path = source_names.as_text(path)
    return path.removeprefix("mrf/") if path.startswith("mrf/") else f"raw/{path}"


WARNING_FIELDS = "file year_month kind count example meaning".split()


def source_warnings() -> Iterator[dict]:
    """What a person should know of each in-network file, a row for each kind of issue."""
    for task in ingest.in_network():
        for row in task.warning_rows():
            yield {name: row[name] for name in WARNING_FIELDS}

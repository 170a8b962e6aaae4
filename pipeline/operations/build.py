"""A build: what is owed, in which order, by which scheduler, and how it ended.

What belongs here: the phases of a build, the lock, the sweep, the verdict. What must not come in: how a table is
built (`tasks.base`, `stages`), what the last lines say (`build_outcome`), printing (`cli`).

A failed task holds up all that Luigi schedules above it. So a build runs in three phases, each a Luigi run of its
own: the sources, from which the months are known; the tables, where a month that fails leaves the others alone;
and then the catalog over what stands, with a task for each leaf that was withheld and each file that is broken.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import luigi

from pipeline import errors, session, settings, signals
from pipeline.leaves import catalog, file_times, manifest
from pipeline.operations import build_outcome, build_setup, disk_need, earlier_layout, letting_go, records
from pipeline.operations.build_outcome import Outcome
from pipeline.paths import Root
from pipeline.sources import listing, presence
from pipeline.stages import (
    bench,
    corrections,
    coverage,
    declarations,
    dims,
    enriched,
    facts,
    file_task,
    ingest,
    raw,
    star,
    undecided,
    xrefs,
)
from pipeline.stages.warehouse import Warehouse, tables_of
from pipeline.storage import journal, locks, targets
from pipeline.tasks import base, code_version, worker


def tables_for(months: list[str]) -> list[luigi.Task]:
    """Every task between the sources and the catalog, of some months; blocked months by the task that says why."""
    open_months = [m for m in months if facts.FactRate(month=m).blocked() is None]
    blocked = [m for m in months if m not in open_months]
    found = [
        one
        for stage in (enriched, coverage, facts, dims, xrefs, bench)
        for one in base.for_months(stage.KINDS, open_months)
    ]
    found += [facts.FactRate(month=m) for m in blocked]
    return found


def sources() -> list[luigi.Task]:
    """Every task that reads a source file."""
    return [*ingest.in_network(), *ingest.references(), *star_tasks()]


def without_broken_sources(tasks: list[luigi.Task]) -> list[luigi.Task]:
    """The tasks that need no source whose reading just failed; it would only fail again under each of them."""
    failed = {one.task_id for one in sources() if not one.complete()}
    known: dict[str, bool] = {}

    def sound(one: luigi.Task) -> bool:
        if one.task_id not in known:
            known[one.task_id] = one.task_id not in failed and all(sound(need) for need in one.requires())
        return known[one.task_id]

    return [one for one in tasks if not failed or sound(one)]


def star_tasks() -> list[luigi.Task]:
    """The tasks that read star schemas."""
    return list(star.tasks())


def layout() -> list[luigi.Task]:
    """The other layout of the facts, when one is set or one has to go."""
    one = facts.FactLayout()
    return [one] if settings.facts().layout != "monthly" or one.stamp() is not None else []


def broken() -> list[raw.SourceFile]:
    """The source files that cannot be read, misplaced ones included, unless the build skips them."""
    if settings.build().skip_broken:
        return []
    found = [raw.SourceFile(path=path) for path in listing.misplaced_alike()]
    found += [
        raw.SourceFile(path=t.raw_name) for t in [*ingest.in_network(), *star_tasks()] if t.status == file_task.BROKEN
    ]
    return found


def idle_corrections() -> list[errors.CorrectionError]:
    """The corrections none of whose months any source has; of the others, the month's facts say when they match nothing."""
    known = facts.months()
    idle = [c for c in corrections.every() if not set(c["months"]) & set(known)]
    return [
        errors.CorrectionError(
            f"the correction {c['id']} matches nothing: no source has the month {' or '.join(c['months'])}",
            place=c["place"],
            remedy=f"mend its months; there are {', '.join(known) or 'none yet'}",
        )
        for c in idle
    ]


def idle() -> list[errors.RatehouseError]:
    """What a person wrote down that changes nothing: corrections of no month, declarations of no file."""
    return [*idle_corrections(), *declarations.idle()]


def withheld(months: list[str]) -> list[tuple[str, str, str]]:
    """(month, partition, reason) of every leaf that the gate holds back."""
    stamps = [(m, enriched.EnrichedMonth(month=m).stamp()) for m in months]
    return [(m, name, why) for m, stamp in stamps if stamp for name, why in stamp.notes["withheld"].items()]


def clear_caches(*, leaves_too: bool = True) -> None:
    """Forget what was seen of the files: something else may have changed them. Leaves a build looks at once."""
    base.clear_caches()
    if leaves_too:
        manifest.clear_caches()
        targets.clear_caches()
    ingest.clear_caches()
    corrections.clear_caches()
    declarations.clear_caches()
    undecided.clear_caches()


def first_stale(months: list[str] | None) -> str | None:
    """The first thing that is not up to date, None when nothing is owed."""
    for one in sources():
        if not one.complete():
            return one.label
    chosen = months or facts.months()
    for one in [*tables_for(chosen), *([] if months else layout()), Warehouse()]:
        if not one.complete():
            return one.label
    return None


def begin(root: Root, outcome: Outcome, forget_missing: bool) -> None:
    """Look at the sources, under the lock, before anything is built of them.

    MissingSources where there is none, or where the record of one is lost; CorrectionError and DeclarationError where one
    cannot be read: it is not known which months or files it is of.
    """
    code_version.use_cache(root.code_cache)
    clear_caches()
    presence.begin()
    if earlier_layout.is_one(root):
        earlier_layout.rename(root)
        clear_caches()
    corrections.check()
    declarations.check()
    records.check(root, forget_missing)
    records.check_any()
    if targets.was_interrupted(root):
        letting_go.sweep(root)
    letting_go.look(root)
    if forget_missing:
        letting_go.forget([one for one in letting_go.missing() if one.presence == presence.MISSING])
    outcome.let_go = letting_go.settle(root)
    letting_go.remove(root)
    clear_caches(leaves_too=False)


def read_sources(root: Root, outcome: Outcome, workers: int, options: dict) -> None:
    """Read the sources that are new or changed, and let go of those whose place they take."""
    run([one for one in sources() if not one.complete()], workers, options)
    outcome.let_go = list({one.label: one for one in [*outcome.let_go, *letting_go.settle(root)]}.values())
    letting_go.remove(root)
    clear_caches(leaves_too=False)


def build(
    months: list[str] | None,
    *,
    workers: int,
    local_scheduler: bool,
    started: Callable[[str], None],
    foreseen: Callable[[list[disk_need.Need]], None] = lambda _: None,
    forget_missing: bool = False,
) -> Outcome:
    """Bring the warehouse, or some months of it, up to date. `started(scheduler)` is called when there is work, and then
    `foreseen(needs)` with what it will roughly take of each disk.

    LockedError when another build is at work; UsageError when a month is asked for that no source has; MissingSources
    when there is nothing to build from. `forget_missing` lets go of every source that is missing.
    """
    root = session.current()
    begun = time.monotonic()
    outcome = Outcome()
    with targets.translate_os_errors(root.path), locks.locked(root):
        begin(root, outcome, forget_missing)
        if all(one.complete() for one in sources()):
            known_months(months)  # else after they are read
        stale = first_stale(months) if _months_known() else "sources"
        chosen = months or facts.months()
        if stale is None and not broken() and not withheld(chosen) and not idle():
            _tidy(root)
            catalog.remove_expired(root)
            file_times.record_times(root)
            code_version.save_cache()
            outcome.nothing_to_do = True
            build_outcome.look_back(outcome, chosen, months, sources())
            return outcome
        needs = disk_need.estimate(root, sources()) if stale is not None else []
        with (
            build_setup.scheduler_of(local_scheduler, started) as (address, options),
            build_setup.prepared(root, workers, lambda: needs and foreseen(needs)),
        ):
            outcome.scheduler = address
            if stale is not None:
                read_sources(root, outcome, workers, options)
                known_months(months)
                run(without_broken_sources(tables_for(months or facts.months())), workers, options)
            chosen = months or facts.months()
            outcome.withheld = withheld(chosen)
            beside = [enriched.Partition.named(month, name) for month, name, _ in outcome.withheld]
            run([Warehouse(), *([] if months else layout()), *beside, *broken()], workers, options)
            _judge(outcome, root, chosen, months)
            write_docs(root)
        file_times.record_times(root)
        code_version.save_cache()
    outcome.seconds = time.monotonic() - begun
    return outcome


@luigi.Task.event_handler(luigi.Event.PROCESS_FAILURE)
def _killed(one: luigi.Task, message: str) -> None:
    """Put on record, in the parent, that the process of a task died before it could do so itself."""
    label = getattr(one, "shown", None) or getattr(one, "name", None) or getattr(one, "first", one.task_id)
    error = errors.WorkerKilled(
        f"the process that built it was killed ({message.rpartition('exit code ')[2]})",
        place=label,
        remedy="if the system did so for want of memory: lower [build] workers or memory_mb; "
        "then run the same command again",
    )
    journal.write(
        session.current().journal,
        "failed",
        task=one.get_task_family(),
        label=label,
        error=str(error),
        kind=type(error).__name__,
        known=True,
    )


def run(tasks: list[luigi.Task], workers: int, options: dict) -> None:
    """Have Luigi run tasks and what they need; how they ended is in the journal and on disk."""
    clear_caches(leaves_too=False)
    if tasks:
        watch, begun = worker.Watch(), time.monotonic()
        try:
            luigi.build(tasks, watch, workers=workers, no_lock=True, detailed_summary=True, **options)
        except luigi.rpc.RPCError as gone:
            raise errors.SchedulerGone(
                "the scheduler answers no more",
                place=options.get("scheduler_url"),
                remedy="run the same command again: it goes on, and schedules itself where none answers",
            ) from gone
        signals.check()
        took = time.monotonic() - begun
        journal.write(
            session.current().journal,
            "scheduled",
            tasks=watch.tasks,
            settled=watch.settled,
            seconds=round(took, 3),
            luigi_seconds=round(took - watch.waited, 3),
        )
    clear_caches(leaves_too=False)


def _months_known() -> bool:
    return all(one.stamp() is not None for one in ingest.in_network())


def known_months(months: list[str] | None) -> None:
    """UsageError for a month that no source has."""
    for month in months or ():
        facts.check_month(month)


def _judge(outcome: Outcome, root: Root, months: list[str], asked: list[str] | None) -> None:
    """Look at the targets themselves: a build is good when everything stands, not when Luigi says so."""
    outcome.events = list(journal.read(root.journal, os.environ[journal.BUILD]))
    outcome.failures = [e for e in outcome.events if e["event"] == "failed" and e["task"] != "enriched.Partition"]
    for source in broken():
        error = source.problem()
        if error is not None:
            outcome.failures.append(
                {
                    "task": "raw.SourceFile",
                    "label": f"raw/{source.path}",
                    "error": str(error),
                    "fact": error.fact,
                    "known": True,
                }
            )
    for error in idle():
        task = "raw.Correction" if isinstance(error, errors.CorrectionError) else "raw.Declaration"
        outcome.failures.append({"task": task, "label": error.place, "error": str(error), "known": True})
    named = {e["label"] for e in outcome.failures}
    for one in [*sources(), *tables_for(months), *(layout() if asked is None else []), Warehouse()]:
        why = one.staleness()
        if why is not None and one.shown not in named:
            outcome.incomplete.append((one.shown, why.sentence))
    build_outcome.look_back(outcome, months, asked, sources())


def write_docs(root: Root) -> None:
    """Build the Data Docs from what the gates found."""
    from pipeline.gates import data_docs

    begun, months = time.monotonic(), facts.months()
    gated = [*sources(), *tables_of(months)]
    gated += [one for m in months for one in (enriched.LeafPlan(month=m), *star.of_month(m))]
    present = {root.gate_result(one.label, "").name.rpartition("~")[0] for one in gated}
    results = []
    for path in sorted(root.gate_results.glob("*.json")):
        if path.name.rpartition("~")[0] in present:
            results.append(path)
        else:
            path.unlink()  # of a source or month that is gone
    absent = [(one.name, one.presence, " ".join([*one.months, f"{one.rows:,} rows"])) for one in letting_go.missing()]
    data_docs.build(
        (json.loads(p.read_text(encoding="utf-8")) for p in results),
        settings.home() / "expectations",
        root.docs,
        absent,
    )
    journal.write(root.journal, "docs", seconds=round(time.monotonic() - begun, 3))


def _tidy(root: Root) -> None:
    """What a build leaves that was killed after its last table: drafts, and no Data Docs of what it found."""
    if targets.was_interrupted(root) or not (root.docs / "index.html").exists():
        write_docs(root)
        targets.sweep(root)


def usable_workers(asked: int) -> int:
    """How many workers this system can run: Luigi forks them, which is safe on Linux alone (a system library of macOS may
    have threads, which do not survive it); elsewhere one."""
    return asked if sys.platform.startswith("linux") else 1

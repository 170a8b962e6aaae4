"""Building one thing again: a leaf, the tables of a stage, one table, one raw file; by force where it is up to date, too.

What belongs here: that, with what it needs, the catalog, and nothing else. What must not come in: finding what a person
means (`status`, `partition_lookup`), how a build goes (`build`), printing (`cli`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline import errors, session
from pipeline.leaves import file_times, manifest, writing
from pipeline.operations import build_outcome, build_setup
from pipeline.operations.build import begin, clear_caches, known_months, read_sources, run, withheld
from pipeline.operations.build_outcome import Outcome
from pipeline.paths import Root
from pipeline.stages import coverage, enriched, file_task, star
from pipeline.stages.warehouse import Warehouse, accounts_of
from pipeline.storage import journal, locks, stamps, targets
from pipeline.tasks import code_version
from pipeline.tasks.base import TableTask


@dataclass(frozen=True)
class How:
    """force: whether what is up to date is built again; started: called with the scheduler that serves."""

    force: bool
    local_scheduler: bool
    started: Callable[[str], None]


def leaf(month: str, name: str, how: How) -> Outcome:
    """Build one leaf again and what it needs; then the month's manifest, its coverage, and the catalog.

    A leaf that has no rows any more is removed.
    """
    root, outcome = session.current(), Outcome()
    with _at_work(root, outcome, how) as options:
        known_months([month])
        task, plan = enriched.Partition.named(month, name), enriched.LeafPlan(month=month)
        run([plan], 1, options)
        outcome.gone = plan.complete() and name not in manifest.plan(root, month).by_partition
        before = _leaf_hashes(root, month, name)
        if how.force and not outcome.gone and plan.complete():
            writing.ask_again(root, month, {name})
        if not outcome.gone:
            run([task], 1, options)
        enriched.EnrichedMonth(month=month).refresh()
        clear_caches(leaves_too=False)
        if plan.complete():
            run([coverage.Coverage(month=month), coverage.CoverageGap(month=month)], 1, options)
            clear_caches(leaves_too=False)
        run([Warehouse()], 1, options)
        clear_caches(leaves_too=False)
        _look_back(root, outcome, [month])
        if how.force and before and before == _leaf_hashes(root, month, name):
            outcome.same = {name}
        if not outcome.failures and not outcome.gone and not task.complete():
            outcome.incomplete = [(name, str(plan.staleness() or "it does not stand as planned"))]
        outcome.withheld = [w for w in withheld([month]) if w[1] == name]
    return outcome


def tables(tasks: list[TableTask], how: How) -> Outcome:
    """Build the tables of tasks again, with what they need, and the catalog; what depends on them is left to a build.

    By force all that they read is read again: nothing is taken over from what they made before. UsageError for a source
    whose raw file is not seen.
    """
    root, outcome = session.current(), Outcome()
    unseen = [one for one in tasks if isinstance(one, (file_task.FileTask, star.StarMonth)) and not one.is_seen]
    if how.force and unseen:
        raise errors.UsageError(
            f"its raw file is not seen: it {unseen[0].why_not_seen()}", place=unseen[0].shown, remedy="put it back"
        )
    with _at_work(root, outcome, how, tasks) as options:
        run([one for one in tasks if not one.complete()], 1, options)
        clear_caches(leaves_too=False)
        run([Warehouse()], 1, options)
        clear_caches(leaves_too=False)
        _look_back(root, outcome, sorted({one.month_or_none for one in tasks} - {None}))
        built = {event["label"] for event in outcome.events if event["event"] == "done"}
        outcome.same = {
            name for name, one in _compared(tasks) if name in built and _hashes(root, one) == outcome.hashes.get(name)
        }
        failed = {event["label"] for event in outcome.failures}
        for one in tasks:
            why = one.staleness()
            if why is not None and one.shown not in failed:
                outcome.incomplete.append((one.shown, why.sentence))
    return outcome


@contextmanager
def _at_work(root: Root, outcome: Outcome, how: How, tasks: list[TableTask] = []) -> Iterator[dict]:  # noqa: B006 read only
    """Under the lock, with sources that were read; what is to be built by force is marked before that."""
    begun = time.monotonic()
    with targets.translate_os_errors(root.path), locks.locked(root):
        begin(root, outcome, forget_missing=False)
        with (
            build_setup.scheduler_of(how.local_scheduler, how.started) as (address, options),
            build_setup.prepared(root, 1),
        ):
            outcome.scheduler = address
            outcome.hashes = {name: _hashes(root, one) for name, one in _compared(tasks) if one.stamp() is not None}
            for one in tasks if how.force else ():
                if isinstance(one, enriched.EnrichedMonth):
                    writing.ask_again(root, one.month, manifest.records(manifest.manifest(root, one.month)).keys())
                stamps.ask_again(root, one.label)
            clear_caches()
            read_sources(root, outcome, 1, options)
            yield options
        file_times.record_times(root)
        code_version.save_cache()
    outcome.seconds = time.monotonic() - begun


def _look_back(root: Root, outcome: Outcome, months: list[str]) -> None:
    outcome.events = list(journal.read(root.journal, os.environ[journal.BUILD]))
    outcome.failures = [e for e in outcome.events if e["event"] == "failed"]
    outcome.accounts = [accounts_of(month) for month in months]
    build_outcome.look_for_missing(outcome, months or None)


def _compared(tasks: list[TableTask]) -> Iterator[tuple[str, TableTask]]:
    """The tasks, by name, whose bytes follow from what they are made of; the catalog's have the time in them."""
    return ((one.shown, one) for one in tasks if not isinstance(one, Warehouse))


def _hashes(root: Root, task: TableTask) -> dict[str, str]:
    """What a task made: name -> SHA-256 of a file; the leaves of a month by their partition."""
    if isinstance(task, enriched.EnrichedMonth):
        return {one.partition: one.sha256 for one in manifest.records(manifest.manifest(root, task.month)).values()}
    return {name: part.sha256 for name, part in (task.stamp() or stamps.NONE).parts.items()}


def _leaf_hashes(root: Root, month: str, name: str) -> dict[str, str]:
    found = manifest.records(manifest.manifest(root, month)).get(name)
    return {name: found.sha256} if found else {}

"""`ratehouse build` and `ratehouse rerun`: doing the work, and telling how it ended.

What belongs here: the options of both commands, and what they print while they work. What must not come in: what is built
(`operations.build`), the last lines of a build (`summary`, `closing`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from pipeline import partition, session, settings, signals
from pipeline.cli import lines
from pipeline.storage import journal


@click.command()
@click.option("--month", "months", multiple=True, metavar="YYYY-MM", help="Only this month (may be given again).")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that build side by side. [default: luigi.cfg]")
@click.option("--local-scheduler", is_flag=True, help="Do not use the central scheduler even when one answers.")
@click.option("--skip-broken", is_flag=True, help="Publish without source files that cannot be read, and say so.")
@click.option("--forget-missing", is_flag=True, help="Remove the rows of every source that is missing.")
def build(
    months: tuple[str, ...], workers: int | None, local_scheduler: bool, skip_broken: bool, forget_missing: bool
) -> int:
    """Build what is missing or out of date, and nothing else.

    Exit 0 when everything is published and up to date, 1 when something failed, 2 when the command is wrong.

    \b
    Example: ratehouse build --month 2025-08 --workers 2
    """
    from pipeline.cli import disk, progress, summary
    from pipeline.operations import build as operation

    for month in months:
        partition.month(month)
    signals.listen()
    used = _usable(workers)
    settings.override("build", "workers", str(used))
    if skip_broken:
        settings.override("build", "skip_broken", "true")
    with _stopped_with_word(), progress.shown(session.current()):
        outcome = operation.build(
            list(months) or None,
            workers=used,
            local_scheduler=local_scheduler,
            started=say_scheduler(used),
            foreseen=disk.say_needs,
            forget_missing=forget_missing,
        )
    summary.show(outcome)
    return 0 if outcome.ok else 1


@click.command()
@click.argument("target")
@click.option("--month", metavar="YYYY-MM", help="The month, where TARGET does not name it.")
@click.option("--force", is_flag=True, help="Build it again where it is up to date, too.")
@click.option("--local-scheduler", is_flag=True, help="Do not use the central scheduler even when one answers.")
def rerun(target: str, month: str | None, force: bool, local_scheduler: bool) -> int:
    """Build one thing again, once what was wrong is mended.

    TARGET is a partition, as `ratehouse partitions` prints it, as a path, or as k=v pairs in any order; or a table,
    table:YYYY-MM, the path of a table or of a raw file; or a stage: ingest, dims, xrefs, bench, facts, enriched.
    What is up to date is left as it is, but with --force: then it is built from its inputs, nothing of the former
    taken over, and whether its bytes are the same is said.

    \b
    Example: ratehouse rerun 'payer_slug=acme/state=GA/…' --month 2025-08
    Example: ratehouse rerun fact_rate:2025-08 --force
    """
    from pipeline.cli import progress, summary
    from pipeline.operations import partition_lookup, status
    from pipeline.operations import rerun as operation

    signals.listen()
    settings.override("build", "workers", "1")
    status.begin()
    how = operation.How(force, local_scheduler, say_scheduler(1))
    found = status.of_stage(target) or status.named(target)
    if month and found:
        found = status.of_month(found, target, month)
    if found:
        with progress.shown(session.current()):
            outcome = operation.tables(found, how)
        summary.show_rerun_of_tables(outcome, [one.shown for one in found])
    else:
        month, name = partition_lookup.one(target, month)
        with progress.shown(session.current()):
            outcome = operation.leaf(month, name, how)
        summary.show_rerun(outcome, month, name)
    return 0 if outcome.ok else 1


def _usable(asked: int | None) -> int:
    """How many workers a build has; says so where it has fewer than a person asked for."""
    from pipeline.operations import build as operation

    used = operation.usable_workers(asked or settings.build().workers)
    if asked and used < asked:
        click.echo("note: a build has one worker on this system; several are used on Linux alone", err=True)
    return used


@contextmanager
def _stopped_with_word() -> Iterator[None]:
    """Where a build is asked to stop: say what it did until then (`cli.main` says how to go on)."""
    record = session.current().journal
    offset = record.stat().st_size if record.exists() else 0
    try:
        yield
    except KeyboardInterrupt:
        done = [e for e in journal.read(record, None, offset) if e["event"] == "done"]
        leaves = sum(e["files"] for e in done if e["task"] == "enriched.EnrichedGroup")
        built = len({e["label"] for e in done if e["task"] != "enriched.EnrichedGroup"})
        sentence = f"built until then: {lines.counted(built, 'table')}, {lines.counted(leaves, 'leaf', 'leaves')}"
        click.echo(sentence, err=True)
        raise


def say_scheduler(workers: int):
    """What a build calls with the scheduler that serves it: says so, and what is built with how many workers."""

    def print_address(address: str) -> None:
        local = "its own (`make scheduler` starts one that has a dashboard)"
        click.echo(f"building {session.current().path} with {lines.counted(workers, 'worker')}", err=True)
        click.echo(f"scheduler: {local if address == 'local' else address}", err=True)
        sys.stderr.flush()

    return print_address

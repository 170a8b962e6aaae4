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
    used = operation.usable_workers(workers or settings.build().workers)
    settings.override("build", "workers", str(used))
    if skip_broken:
        settings.override("build", "skip_broken", "true")
    with _stopped_with_word(), progress.shown(session.current()):
        outcome = operation.build(
            list(months) or None,
            workers=used,
            local_scheduler=local_scheduler,
            started=say_scheduler(used),
            foreseen=disk.say_need,
            forget_missing=forget_missing,
        )
    summary.show(outcome)
    return 0 if outcome.ok else 1


@click.command()
@click.argument("partition_name", metavar="PARTITION")
@click.option("--month", metavar="YYYY-MM", help="The month, where PARTITION does not name it.")
@click.option("--local-scheduler", is_flag=True, help="Do not use the central scheduler even when one answers.")
def rerun(partition_name: str, month: str | None, local_scheduler: bool) -> int:
    """Build one leaf again, once what was wrong is mended.

    PARTITION is given as `ratehouse partitions` prints it, as a path, or as k=v pairs in any order.

    \b
    Example: ratehouse rerun 'payer_slug=acme/state=GA/…' --month 2025-08
    """
    from pipeline.cli import progress, summary
    from pipeline.operations import build as operation
    from pipeline.operations import partition_lookup

    signals.listen()
    month, name = partition_lookup.one(partition_name, month)
    settings.override("build", "workers", "1")
    with progress.shown(session.current()):
        outcome = operation.rerun(month, name, local_scheduler=local_scheduler, started=say_scheduler(1))
    summary.show_rerun(outcome, month, name)
    return 0 if outcome.ok else 1


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

"""`ratehouse verify`: saying what is damaged, and having it mended.

What belongs here: the options, and a line for each problem. What must not come in: looking for damage, and repairing it
(`operations.verify`).
"""

from __future__ import annotations

import json

import click

from pipeline import session, settings, signals
from pipeline.cli import lines
from pipeline.cli.show import AS_JSON


@click.command()
@click.option("--deep", is_flag=True, help="Read every byte; count leaves against facts, facts against sources.")
@click.option("--repair", is_flag=True, help="Mend what is found, building again exactly what has to be.")
@AS_JSON
def verify(deep: bool, repair: bool, as_json: bool) -> int:
    """Look for files that are missing, damaged or strange.

    Exit 1 when there are any, or with --repair when any are left. Files of nobody are moved to quarantine/extra/.

    \b
    Example: ratehouse verify --deep --repair
    """
    from pipeline.operations import status
    from pipeline.operations import verify as operation

    status.begin()
    if repair:
        return _repair(deep, as_json)
    found = list(operation.verify(deep))
    for one in found:
        _say(one, None, as_json)
    if not as_json:
        more = (
            f"{lines.counted(len(found), 'problem')}; `ratehouse verify{' --deep' * deep} --repair` mends what can be"
        )
        click.echo(more if found else "no problems")
    return 1 if found else 0


def _repair(deep: bool, as_json: bool) -> int:
    from pipeline.cli import disk, progress, summary
    from pipeline.cli.build import say_scheduler
    from pipeline.operations import build as build_operation
    from pipeline.operations import verify as operation

    def build() -> build_operation.Outcome:
        used = build_operation.usable_workers(settings.build().workers)
        settings.override("build", "workers", str(used))
        with progress.shown(session.current()):
            return build_operation.build(
                None, workers=used, local_scheduler=False, started=say_scheduler(used), foreseen=disk.say_needs
            )

    signals.listen()
    done, left, outcome = operation.repair(deep, build)
    for one, what in done.items():
        _say(one, what, as_json)
    if outcome is not None and not outcome.ok:
        summary.show_failures(outcome)
        summary.show_missing(outcome)
    if not as_json:
        for one in left:
            _say(one, "still so", as_json)
        sentence = f"{lines.counted(len(done), 'problem')}, {len(left):,} left"
        click.echo(sentence if done else "no problems")
    return 1 if left or not (outcome is None or outcome.ok) else 0


def _say(one, done: str | None, as_json: bool) -> None:
    if as_json:
        row = {"path": one.path, "problem": one.problem, **({"repair": done} if done else {})}
        click.echo(json.dumps(row, ensure_ascii=False))
        return
    click.echo(one.path)
    click.echo(lines.wrapped(f"{one.problem}: {done}" if done else one.problem, "  "))

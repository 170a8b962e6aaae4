"""What a build says of sources that are gone: let go of, missing, or corrected before and not any more.

What belongs here: that. What must not come in: which they are (`operations.letting_go`), what failed (`summary`).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import click

from pipeline.cli import lines
from pipeline.operations.build_outcome import Outcome

MANY = 10


def show(outcome: Outcome, command: Callable[[str], str]) -> None:
    """Print what was let go of, and, to standard error, what is missing and what to do about it."""
    _let_go(outcome, command)
    for month, name, file, rates in outcome.uncorrected:
        count = lines.counted(rates, "rate")
        click.echo(
            lines.wrapped(
                f"{month} is published without the correction {name}, which raw/corrections/{file} does not have any "
                f"more: {count} as published"
            )
        )
    sys.stdout.flush()
    _missing(outcome, command)


def _let_go(outcome: Outcome, command: Callable[[str], str]) -> None:
    for one in outcome.let_go[:MANY]:
        there = f", and is read from {one.to}" if one.why == "moved" and one.to else ""
        words = {"superseded": f"superseded by {one.to}", "replaced by fetch": f"replaced by {one.to}"}
        click.echo(lines.wrapped(f"withdrawn: {one.raw}: {words.get(one.why, one.why)}{there}"))
    if len(outcome.let_go) > MANY:
        click.echo(f"  … and {len(outcome.let_go) - MANY:,} more sources")


def _missing(outcome: Outcome, command: Callable[[str], str]) -> None:
    found = outcome.deciding
    for one in found[:MANY]:
        months = f" {', '.join(one.months)};" if one.months else ""
        text = f"MISSING {one.name}:{months} {lines.counted(one.rows, 'row')} stay: {one.reason}"
        click.echo(lines.wrapped(text), err=True)
    if len(found) > MANY:
        click.echo(f"  … and {len(found) - MANY:,} more ({command('status')} lists them)", err=True)
    others = [one for one in outcome.missing if one.presence == "missing" and one not in found]
    if others:
        click.echo(lines.wrapped(f"missing, of other months: {', '.join(one.name for one in others[:MANY])}"), err=True)
    if found:
        text = "next: bring them back, and run the same command again; or say that they are gone for good:"
        click.echo(lines.wrapped(text), err=True)
        name = shlex.quote(found[0].name) if len(found) == 1 else "--missing"
        click.echo(f"  {command(f'archive {name}')}   (their rows stay)", err=True)
        click.echo(f"  {command(f'forget {name}')}   (their rows go with the next build)", err=True)

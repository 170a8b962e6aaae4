"""`ratehouse archive` and `ratehouse forget`: saying of a source that is not seen whether its rows stay or go.

What belongs here: the options of both commands, and what they print. What must not come in: finding a source by its name,
and putting on record what becomes of it (`operations.letting_go_by_name`).
"""

from __future__ import annotations

import click

from pipeline import paths, session
from pipeline.cli import lines

MANY = 20
_MISSING = click.option("--missing", "all_missing", is_flag=True, help="Every source that is missing.")


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1)
@_MISSING
def archive(names: tuple[str, ...], all_missing: bool) -> int:
    """Keep the rows of sources whose raw file is gone for good.

    Builds then end with exit 0 without it, so that raw files may be deleted once they are built. NAME is a source as a
    build names it when it is missing.

    \b
    Example: ratehouse archive raw/mrf/GA/acme_2025-07.json
    """
    from pipeline.operations import letting_go_by_name as by_name

    with by_name.locked() as known:
        chosen = known.chosen(names, all_missing, archive=True)
        _show("archived", chosen)
        known.archive(chosen)
    return 0


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1)
@_MISSING
def forget(names: tuple[str, ...], all_missing: bool) -> int:
    """Remove the rows of sources whose raw file is gone.

    They go with the next build.

    NAME is a source as a build names it when it is missing; archived ones may be named, too.

    \b
    Example: ratehouse forget raw/mrf/GA/acme_2025-07.json
    """
    from pipeline.operations import letting_go_by_name as by_name

    with by_name.locked() as known:
        chosen = known.chosen(names, all_missing, archive=False)
        _show("forgotten", chosen)
        known.forget(chosen)
    if chosen:
        click.echo(f"next, to take their rows out:\n  {paths.command('build', session.current().path)}")
    return 0


def _show(done: str, chosen: list) -> None:
    """What is let go of, with its months and rows, before anything is done."""
    if not chosen:
        click.echo("no source is missing")
    for one in chosen[:MANY]:
        months = ", ".join(one.months) or "no month of its own"
        click.echo(lines.wrapped(f"{done}: {one.name}: {months}; {lines.counted(one.rows, 'row')}"))
    if len(chosen) > MANY:
        rest = chosen[MANY:]
        click.echo(f"{done}: {len(rest):,} more, {sum(one.rows for one in rest):,} rows")

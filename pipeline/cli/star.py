"""`ratehouse import-star`: a star schema that somebody else made becomes a source of the warehouse.

What belongs here: the options, and what is printed. What must not come in: copying and checking files
(`operations.import_star`).
"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pipeline import paths, session
from pipeline.cli import lines


@click.command("import-star")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--billing-class",
    type=click.Choice(["professional", "institutional", "both"]),
    help="The class of facts that have none, as those of the data-model guide.",
)
@click.option("--no-build", is_flag=True, help="Make it a source only; the next build takes it in.")
@click.pass_context
def import_star(ctx: click.Context, directory: Path, billing_class: str | None, no_build: bool) -> int:
    """Take in a star schema that was made elsewhere.

    DIR holds gold/fact_rate.parquet, dims/*.parquet and xrefs/*.parquet, or silver/*. The files are checked, copied into raw/star, and built with everything else. Facts keep their fact_uid, and one that
    is here already is not added; taking in the same files again adds nothing, but may name another --billing-class. It is remembered.

    \b
    Example: ratehouse import-star ../old-pipeline/data
    """
    from pipeline.cli import build
    from pipeline.operations import import_star

    imported = import_star.import_star(directory, billing_class)
    place = f"raw/star/{imported.id}"
    if imported.new:
        months = f"{len(imported.months)} month{'s' * (len(imported.months) != 1)}"
        click.echo(f"{directory}: {sum(imported.months.values()):,} facts of {months}, {len(imported.tables)} tables")
        for month, facts in imported.months.items():
            click.echo(f"  {month} {facts:>12,} facts")
        for name, why in imported.skipped:
            click.echo(f"passed over: {name}: {why}")
        for notice in imported.notices:
            click.echo(f"note: {notice}")
        _say_class(directory, imported)
        click.echo(f"they are a source of this warehouse now: {place}")
    else:
        click.echo(f"{directory}: nothing to add: {place} holds these files already")
        if imported.billing_class:
            click.echo(f"  billing class of facts that have none: {imported.billing_class}")
    if no_build:
        click.echo(f"  {paths.command('build', session.current().path)}")
        return 0
    return ctx.invoke(build.build, months=(), workers=None, local_scheduler=False, skip_broken=False)


def _say_class(directory: Path, imported) -> None:
    """Say which billing class facts got that have none; or that they have none, and so no Medicare rate."""
    count = lines.counted(imported.without_class, "fact")
    if imported.billing_class:
        click.echo(f"billing class of {count} that have none: {imported.billing_class}")
    elif imported.without_class:
        text = f"note: {count} have no billing class, so they are compared with no Medicare rate; to name theirs:"
        click.echo(lines.wrapped(text))
        words = f"import-star {shlex.quote(str(directory))} --billing-class professional"
        click.echo(f"  {paths.command(words, session.current().path)}")

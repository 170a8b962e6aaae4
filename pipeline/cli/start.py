"""`ratehouse init` and `ratehouse sample`: a warehouse of your own, and generated raw files.

What belongs here: the options of both commands, the folders and notes of a new warehouse. What must not come in: what
the generated files hold (`sample`), which folders there are (`raw_kinds`).
"""

from __future__ import annotations

from pathlib import Path

import click

from pipeline import paths, permissions, raw_kinds
from pipeline.cli import lines
from pipeline.storage import targets


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> None:
    """Lay out a warehouse of your own: folders for raw files.

    Each folder in DIR gets a note on what goes there.

    \b
    Example: ratehouse init my-warehouse
    """
    paths.check_root(directory)
    with targets.translate_os_errors(directory):
        permissions.follow(directory)
        for kind in raw_kinds.KINDS.values():
            if not kind.laid_out:
                continue
            note = paths.make_folder(directory / "raw" / kind.folder) / "README.md"
            if not note.exists():
                what = kind.purpose[0].upper() + kind.purpose[1:]
                note.write_text(f"# raw/{kind.folder}\n\n{what}.\n", encoding="utf-8")
    click.echo(f"{directory} is laid out; next:")
    where = f"  put in-network files into {directory}/raw/mrf/<STATE>/ and reference files into the folders beside it"
    click.echo(lines.wrapped(where))
    click.echo(f"  {paths.command('build', directory.resolve())}")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--facts", type=click.IntRange(1_000, 100_000_000), default=4_000, show_default=True, help="Facts, about."
)
@click.option(
    "--leaves", type=click.IntRange(1), help="Leaves, about. [default: a tenth of the facts, at most 100,000]"
)
@click.option("--months", type=click.IntRange(1, 120), default=2, show_default=True, help="Months.")
@click.option("--first-month", metavar="YYYY-MM", default="2025-07", show_default=True, help="The first of them.")
@click.option("--markets", type=click.IntRange(1, 10), help="Pairs of a payer and a folder. [default: 5 or 10]")
@click.option("--providers", type=click.IntRange(1), help="Providers in the registry. [default: as leaves need]")
@click.option("--services", type=click.IntRange(1), help="Billing codes. [default: the catalogue's 132]")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
def sample(directory: Path, **options) -> None:
    """Write generated raw files, as publishers write them.

    They go into DIR/raw: in-network files and every kind of reference file.

    \b
    Example: ratehouse sample big --facts 3000000 --leaves 138000 --months 1
    """
    from pipeline import sample as generator

    paths.check_root(directory)
    with targets.translate_os_errors(directory):
        permissions.follow(directory)
        summary = generator.write(directory, progress=_Told(options["facts"]), **options)
    rates = sum(file.rates for file in summary.files)
    click.echo(f"{directory}: {len(summary.files)} in-network files, {rates:,} rates, {summary.facts:,} facts,")
    click.echo(f"  about {summary.leaves:,} leaves, {summary.registered:,} providers, {summary.bytes:,} bytes; next:")
    click.echo(f"  {paths.command('build', directory.resolve())}")


class _Told:
    """Says how far a large sample is, a line for each further tenth."""

    def __init__(self, facts: int):
        self._quiet, self._tenths = facts < 500_000, 0

    def __call__(self, path, written: int, planned: int) -> None:
        tenths = written * 10 // max(1, planned)
        if tenths > self._tenths and not self._quiet:
            self._tenths = tenths
            click.echo(f"{written:,} of {planned:,} facts written", err=True)

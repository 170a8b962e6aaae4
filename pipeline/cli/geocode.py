"""`ratehouse geocode`: addresses to the census geocoder and back, by hand: a build never uses the network.

What belongs here: the options, and what is printed. What must not come in: which addresses there are
(`operations.geocode_export`), any request.
"""

from __future__ import annotations

from pathlib import Path

import click

from pipeline import errors, paths, session
from pipeline.cli import lines

PAGE = "https://geocoding.geo.census.gov/geocoder/geographies/addressbatch?form"


@click.command()
@click.option(
    "--export",
    "folder",
    is_flag=False,
    flag_value="",
    metavar="[DIR]",
    help="Write batch files into DIR. [default: geocoding/ under the root]",
)
@click.option("--mailing", is_flag=True, help="Mailing addresses too.")
@click.option("--again", is_flag=True, help="Also what was asked before without a match.")
def geocode(folder: str | None, mailing: bool, again: bool) -> None:
    """Write the addresses that still need geocoding.

    In the batch format of the census geocoder, at most 10,000 a file, ready to upload by hand. Its answers go into
    raw/geo/; the next build uses them before ZIP centroids.

    \b
    Example: ratehouse geocode --export
    """
    from pipeline.operations import geocode_export, status

    if folder is None:
        raise errors.UsageError("geocode does nothing yet without --export", remedy="ratehouse geocode --export")
    status.begin()
    done = geocode_export.export(Path(folder) if folder else None, mailing=mailing, again=again)
    for path, count in done.files.items():
        click.echo(f"{path}: {lines.counted(count, 'address', 'addresses')}")
    for reason, count in done.withheld.items():
        click.echo(f"not asked: {reason}: {count:,}")
    if not done.files:
        click.echo("no address needs geocoding")
        return
    root = session.current()
    click.echo("next:")
    click.echo(f"  upload each file at {PAGE}")
    where = f"  put the answers (GeocodeResults.csv) into {root.reference('geo')}/, each under a name of its own"
    click.echo(lines.wrapped(where))
    click.echo(f"  {paths.command('build', root.path)}")

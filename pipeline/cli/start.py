"""`ratehouse init | sample | import-star`: getting raw files into a warehouse."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline import errors, paths, targets

LAYOUT = {
    "mrf": "in-network files: mrf/<STATE>/*.json[.gz|.zip]; <STATE> is a USPS code such as GA, or US",
    "nppes": "the provider registry: npidata_pfile CSVs or ZIPs, NPI Registry API answers",
    "medicare": "fee schedules: RVU, GPCI, ZIP to locality, OPPS, ASC, wage index files",
    "wcfs": "workers' compensation schedules",
    "codes": "RBCS or BETOS 2.0, NUCC taxonomy",
    "geo": "ZIP to county and CBSA, GeoNames, CBSA delineation, census geocoder results",
    "pos": "place-of-service codes",
    "corrections": "known publisher errors, *.yml",
}


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> None:
    """Lay out a warehouse of your own in DIR: the folders for raw files, each with a note on what goes there.

    \b
    Example: ratehouse init my-warehouse
    """
    with targets.writing(directory):
        for name, what in LAYOUT.items():
            folder = paths.make_folder(directory / "raw" / name)
            note = folder / "README.md"
            if not note.exists():
                note.write_text(f"# raw/{name}\n\n{what[0].upper()}{what[1:]}.\n", encoding="utf-8")
    click.echo(f"{directory} is laid out; next:")
    click.echo(f"  put in-network files into {directory}/raw/mrf/<STATE>/ and reference files beside it")
    click.echo(f"  ratehouse --root {directory} build")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--facts", type=click.IntRange(1, 100_000_000), help="Facts, about. [default: a small sample]")
@click.option("--leaves", type=click.IntRange(1), help="Leaves, about.")
@click.option("--months", type=click.IntRange(1, 120), default=2, show_default=True, help="Months.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
def sample(directory: Path, facts: int | None, leaves: int | None, months: int, seed: int) -> None:
    """Write generated raw files into DIR/raw, as publishers write them.

    \b
    Example: ratehouse sample big --facts 3000000 --leaves 138000
    """
    from pipeline import sample as generator

    if (directory / "raw").exists() and any((directory / "raw").iterdir()):
        raise errors.UsageError("holds raw files already", place=directory / "raw", remedy="name a new folder")
    options = {"facts": facts} if facts else {}
    with targets.writing(directory):
        summary = generator.write(directory, seed=seed, leaves=leaves, months=months, **options)
    click.echo(f"{summary}")
    click.echo(f"  ratehouse --root {directory} build")

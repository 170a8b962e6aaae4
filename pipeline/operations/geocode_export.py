"""Addresses on their way to the census geocoder: which of them to ask for, and the files to upload.

What belongs here: writing batch files from the built dimension. What must not come in: reading the answers
(`readers.geo`), what a place gets from them (dim_npi_address_geolocation.sql), any use of the network.

The batch format (Census Geocoder, Find Locations/Geographies Using Address Batch): unique id, street, city, state, ZIP,
separated by commas, no header, at most 10,000 records a file. The id is our address_hash, which the answers repeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import errors, paths, session
from pipeline.stages import dims, ingest
from pipeline.storage import duck, targets
from pipeline.tasks.base import selects
from pipeline.tasks.limits import memory, threads

ROWS_A_FILE = 10_000


@dataclass
class Exported:
    """What was written: files with their addresses, and how many addresses were left out, by reason."""

    files: dict[Path, int] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)


def export(folder: Path | None = None, *, mailing: bool = False, again: bool = False) -> Exported:
    """Write the addresses that still need geocoding to `folder`, geocoding/ under the root by default.

    Mailing addresses, and addresses that the geocoder was asked for without a match, are written where asked for. Batch
    files of an earlier export are replaced. Raises RatehouseError where the addresses are not built or are out of date.
    """
    root = session.current()
    folder = folder or root.geocoding
    if folder.resolve().is_relative_to(root.raw):
        raise errors.UsageError(
            "holds what publishers wrote; these files are ours", place=folder, remedy="name another folder, or none"
        )
    places = dims.DimNpiAddressGeolocation()
    why = places.staleness()  # answers that nobody has read yet would be asked for again
    if why is not None:
        raise errors.RatehouseError(
            f"the addresses are not up to date: {why.sentence}",
            place=places.label,
            remedy=paths.command("build", root.path),
        )
    con = duck.connect(memory(), threads())
    try:
        for name, select in selects(
            {"dim_npi_address": [dims.DimNpiAddress()], **ingest.staged("staged_geocode")}
        ).items():
            duck.view(con, name, select)
        for name, value in (("mailing", mailing), ("again", again)):
            con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
        con.execute(f"CREATE TEMP TABLE request AS {duck.sql('geocode_request.sql')}")
        done = Exported(withheld=dict(con.sql(_WITHHELD).fetchall()))
        with targets.translate_os_errors(folder):
            _remove_former(folder)
            rows = con.execute(_ASKED)
            while batch := rows.fetchmany(ROWS_A_FILE):
                path = paths.make_folder(folder) / f"census_batch_{len(done.files) + 1:03d}.csv"
                path.write_text("".join(map(_line, batch)), encoding="utf-8", newline="\n")
                done.files[path] = len(batch)
    finally:
        con.close()
    return done


_WITHHELD = "SELECT withheld, count(*) FROM request WHERE withheld IS NOT NULL GROUP BY ALL ORDER BY ALL"
_ASKED = "SELECT address_hash, street, city, state, zip FROM request WHERE withheld IS NULL ORDER BY address_hash"


def _line(row: tuple[str | None, ...]) -> str:
    return ",".join(value or "" for value in row) + "\n"


def _remove_former(folder: Path) -> None:
    """Nobody should upload what an earlier export left behind the new files."""
    for path in folder.glob("census_batch_*.csv"):
        if re.fullmatch(r"census_batch_\d{3,}\.csv", path.name):
            path.unlink()

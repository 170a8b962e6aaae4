"""Keeps a build from reading a copy of a reference file that is missing while its rows are still used: they would count
twice.

What belongs here: which better copies of a file are on record, and refusing to read theirs again. What must not come in:
copies among the files that are seen (`readers.reference_files.parts` compares those by their content).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import errors
from pipeline.readers.reference_files import copies
from pipeline.sources import presence

if TYPE_CHECKING:
    import polars as pl

    from pipeline.stages.file_task import FileTask


def better_copies(task: FileTask) -> list[FileTask]:
    """The files, seen or on record, of the same name but for an ending that is read before this one's; best first."""
    return [type(task)(path=name) for name in copies.better(task.path, presence.names(task.folder))]


def recorded_input(task: FileTask) -> dict[str, str]:
    """A file that is not seen as an input: by the hash of what was read of it."""
    stamp, name = task.stamp(), f"raw/{task.raw_name}"
    return {name: stamp.basis.inputs[name]} if stamp and name in stamp.basis.inputs else {}


def refuse(task: FileTask, frames: dict[str, pl.DataFrame]) -> None:
    """CopyOfFile when a better copy that is not seen gave every row of these tables."""
    import polars as pl

    from pipeline.readers.reference_files import parts
    from pipeline.storage import opening

    for other in better_copies(task):
        if other.is_seen:
            continue
        gave = {name: [pl.from_arrow(opening.parquet(path).read()) for path in other.files_of(name)] for name in frames}
        if frames and all(parts.is_copy(name, frame, gave[name]) for name, frame in frames.items()):
            raise errors.CopyOfFile(
                f"is a copy of {other.shown}, skipped",
                place=task.shown,
                remedy="what was read of that file is used, though the file is not seen",
            )

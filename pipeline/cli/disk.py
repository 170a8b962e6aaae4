"""What a warehouse takes on disk, and what a build will need of it, in words.

What belongs here: printing what `operations.disk_use` and `operations.disk_need` found. What must not come in: counting,
estimating.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from pipeline import paths, session
from pipeline.cli import lines

if TYPE_CHECKING:
    from pipeline.operations.disk_need import Need
    from pipeline.operations.disk_use import Usage
    from pipeline.storage.file_systems import FileSystem


def say_needs(needs: list[Need]) -> None:
    """Say on stderr what a build will roughly need, in one line a disk, and a warning where less is free."""
    for need in needs:
        _say_need(need, f"the disk at {need.disk.mount}" if len(needs) > 1 else "disk")


def _say_need(need: Need, name: str) -> None:
    files = f" and {_inodes_of(need)}" if need.most_inodes else ""
    click.echo(lines.wrapped(f"{name}: needs {_bytes_of(need)}{files}; {_free(need.disk)}"), err=True)
    if need.bytes_short or need.inodes_short:
        click.echo(lines.wrapped(_warning(need)), err=True)
        click.echo(f"  {paths.command('stats --disk', session.current().path)}", err=True)


def _warning(need: Need) -> str:
    """What to say where the disk may not have what a build needs."""
    surely = need.disk.free_bytes < need.least_bytes or (need.inodes_short and need.disk.free_files < need.least_inodes)
    lacks = [
        *([f"needs {_bytes_of(need)}, and {lines.size(need.disk.free_bytes)} are free"] if need.bytes_short else []),
        *([f"makes {_inodes_of(need)}, and has room for {need.disk.free_files:,}"] if need.inodes_short else []),
    ]
    return (
        f"WARNING: the disk at {need.disk.mount} {'is' if surely else 'may be'} too full for this build, which "
        f"{'; and '.join(lacks)}. Where it runs full, the build ends with an error, publishes nothing by halves, and goes "
        f"on when it is run again. Free some space, or move the warehouse. What takes it, and what may go:"
    )


def _bytes_of(need: Need) -> str:
    low, high = lines.size(need.least_bytes), lines.size(need.most_bytes)
    return f"about {low}" if low == high else f"{low} to {high}"


def _inodes_of(need: Need) -> str:
    low, high = _rounded(need.least_inodes), _rounded(need.most_inodes)
    return f"{low:,} files" if low == high else f"{low:,} to {high:,} files"


def _rounded(count: int) -> int:
    """A count with its first two figures."""
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step


def _free(disk: FileSystem) -> str:
    return f"{lines.size(disk.free_bytes)} are free"


def show(found: Usage, *, as_json: bool) -> int:
    """Print what a warehouse takes and what may go; 1 where something could not be counted, else 0."""
    if as_json:
        _print_json(found)
    else:
        _parts(found)
        _removable(found)
    for place, why in found.unseen:
        click.echo(lines.wrapped(f"not counted: {place}: {why}; give this user the right to look there"), err=True)
    return 1 if found.unseen else 0


def _print_json(found: Usage) -> None:
    rows = [{"kind": "part", **dataclasses.asdict(one)} for one in found.parts]
    rows += [{"kind": "removable", **dataclasses.asdict(one)} for one in found.removable]
    rows += [{"kind": "disk", **dataclasses.asdict(one), "mount": str(one.mount)} for one in found.disks]
    rows += [{"kind": "unseen", "place": place, "reason": why} for place, why in found.unseen]
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


def _parts(found: Usage) -> None:
    rows = [
        [one.name, f"{one.files:,}", f"{one.folders:,}", lines.size(one.bytes_on_disk), lines.size(one.length)]
        for one in found.parts
    ]
    total = [sum(getattr(one, name) for one in found.parts) for name in ("files", "folders", "bytes_on_disk", "length")]
    rows.append(["all", f"{total[0]:,}", f"{total[1]:,}", lines.size(total[2]), lines.size(total[3])])
    names = ("part", "files", "folders", "on disk", "length of files")
    lines.table([(name, "left" if name == "part" else "right") for name in names], rows)
    for disk in found.disks:
        room = "" if disk.free_files is None else f", and there is room for {disk.free_files:,} more files"
        click.echo(lines.wrapped(f"the disk at {disk.mount}: {_free(disk)}{room}"))


def _removable(found: Usage) -> None:
    click.echo("what may go:")
    for one in found.removable:
        what = f"{one.name}: {lines.counted(one.files, 'file')}, {lines.size(one.bytes_on_disk)}: {one.reason}"
        click.echo(lines.wrapped(what, "  "))
        click.echo(f"    {one.command}")

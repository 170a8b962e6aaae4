"""The file systems that a path may be on: where each is mounted, and what is free there.

What belongs here: asking the system. What must not come in: what a warehouse keeps where (`paths`), and what it needs
(`operations.disk_need`).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileSystem:
    """One file system: where it is mounted, its number (`st_dev`), and what is free there for this user.

    `free_files` is how many more files and folders it can name (inodes); None where it knows no such limit. Quotas are
    not in these figures.
    """

    mount: Path
    device: int
    free_bytes: int
    free_files: int | None


def of(path: Path | str) -> FileSystem:
    """The file system that a path is on, or would be on if it were made. OSError where the system does not say."""
    here = Path(path).absolute()
    while not here.exists():
        here = here.parent
    here = here.resolve()
    device = here.stat().st_dev
    mount = here if here.is_dir() else here.parent
    while mount != mount.parent and mount.parent.stat().st_dev == device:
        mount = mount.parent
    if not hasattr(os, "statvfs"):
        return FileSystem(mount, device, shutil.disk_usage(here).free, None)
    found = os.statvfs(here)
    return FileSystem(
        mount,
        device,
        found.f_bavail * found.f_frsize,
        found.f_favail if found.f_files else None,  # btrfs and others make inodes as they are asked for
    )


def allocated(info: os.stat_result) -> int:
    """Bytes that a file or folder takes on its disk; its length where the system does not say."""
    blocks = getattr(info, "st_blocks", None)
    return info.st_size if blocks is None else blocks * 512

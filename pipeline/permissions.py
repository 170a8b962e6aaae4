"""Who may read and write what this process makes: those who may read and write the folder that it is made in.

What belongs here: that, once for the process, so that no writer has to think of it. What must not come in: rights that are
lacking (`storage.targets` says so), changing those of what stands.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipeline import settings

FOR_ALL = stat.S_IWOTH


def follow(folder: Path) -> None:
    """From here on, what this process and its children make may be read and written by group and others as the folder may.

    If the folder does not exist yet, its parent counts. The umask stays as it is where everybody may write to the folder,
    and with `[warehouse] file_mode = umask`. The system itself hands the group on (setgid).
    """
    if settings.warehouse().file_mode != "folder":
        return
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    mode = folder.stat().st_mode
    if not mode & FOR_ALL:
        os.umask(~mode & (stat.S_IRWXG | stat.S_IRWXO))

"""Around everything that writes into a warehouse: its lock, and an end when the build ends.

What belongs here: that. What must not come in: what is written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import signals
from pipeline.paths import Root
from pipeline.storage import locks, targets

# A killed worker is gone without a word; its children must not go on writing (prctl's PR_SET_PDEATHSIG).
_PR_SET_PDEATHSIG = 1
_main_pid = os.getpid()


@contextmanager
def at_work(root: Root) -> Iterator[None]:
    """Around everything that writes: under the warehouse's lock, and not outliving the build that asked for it."""
    _die_with_parent()
    signals.check()
    with locks.held(root), targets.translate_os_errors(root.path):
        root.make_scratch()
        yield


def _die_with_parent() -> None:
    """In a worker's child on Linux: end when the parent is killed, so that nobody writes beside the next build."""
    if os.getpid() == _main_pid or not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _main_pid:  # it was killed before we could ask
        os.kill(os.getpid(), signal.SIGKILL)

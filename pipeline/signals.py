"""Handles Ctrl-C and SIGTERM, and remembers that one came.

What belongs here: what the signals do, and the memory that one came, since what they raise may be swallowed on its way.
What must not come in: what is tidied up then (`operations.build`), words for a person (`cli`).
"""

from __future__ import annotations

import os
import signal
import sys

# What a signal raises within a callback (of a fork, of a collected object) is forgotten by Python: so it comes again.
AGAIN_SECONDS = 0.3

_asked = False
_listening = False


def listen() -> None:
    """Have SIGINT and SIGTERM raise KeyboardInterrupt here, and end at once the processes that Luigi forks."""
    global _listening
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if not _listening and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_end_at_once)
    if not _listening:
        sys.unraisablehook = _silent_of_this(sys.unraisablehook)
    _listening = True


def check() -> None:
    """Raise KeyboardInterrupt if we were asked to stop: DuckDB makes a failed query of it, which is no failure."""
    if _asked:
        raise KeyboardInterrupt


def heard() -> None:
    """From here on we stop; nothing need be raised again."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(number, frame):
    global _asked
    _asked = True
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise KeyboardInterrupt


def _silent_of_this(former):
    def hook(unraisable):
        if not (_asked and issubclass(unraisable.exc_type, KeyboardInterrupt)):
            former(unraisable)

    return hook


def _end_at_once() -> None:
    """A worker's child has nothing to tidy up: its drafts are its parent's to sweep, and it is told by its own signals."""
    global _asked
    _asked = False
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)

"""One build at a time for each warehouse; readers are never held up.

What belongs here: taking the lock, and telling who has it. What must not come in: what is done under it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import errors
from pipeline.paths import Root
from pipeline.storage import journal, targets

# How long a build waits for the children of a killed one to end.
LOCK_SECONDS = 5.0


@contextmanager
def held(root: Root) -> Iterator[None]:
    """The lock, unless the build that this process belongs to has it: a task may also be run by `luigi` alone."""
    if os.environ.get(journal.BUILD):
        yield
    else:
        with locked(root):
            yield


@contextmanager
def locked(root: Root) -> Iterator[None]:
    """One build at a time: LockedError says who holds the lock and since when."""
    import filelock

    root.make_state()
    holder = root.lock.with_suffix(".json")
    lock = filelock.FileLock(root.lock)
    with targets.translate_os_errors(root.lock):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            try:
                who = json.loads(holder.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                who = {}
            if _alive(who):
                _refuse(root, who)
            try:  # the children of a killed build are ending
                lock.acquire(timeout=LOCK_SECONDS)
            except filelock.Timeout:
                _refuse(root, who)
    try:
        lock_holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            "command": sys.argv[1:],
        }
        holder.write_text(json.dumps(lock_holder), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def is_held(root: Root) -> bool:
    """Whether a build is at work here, by what it wrote of itself; the lock is not tried, for another build may want it."""
    try:
        return _alive(json.loads(root.lock.with_suffix(".json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _alive(who: dict) -> bool:
    if not who or who.get("host") != socket.gethostname():
        return bool(who)
    try:
        os.kill(who["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _refuse(root: Root, who: dict) -> None:
    holder = f"process {who['pid']} on {who['host']} since {who['since']}" if who else "another process"
    raise errors.LockedError(
        f"a build is at work here: {holder}",
        place=root.path,
        remedy="wait for it to end, or stop that process; then run the same command again",
    )

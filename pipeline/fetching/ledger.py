"""What was fetched from which address, and what failed and why: JSON lines, the last one of an address counts.

What belongs here: appending to the ledger and asking it. What must not come in: the network; a build reads this too.

A line has `url`, `at` (UTC), `outcome` (fetched or failed) and, where they are known, `reason`, `status` (HTTP),
`sha256`, `bytes`, `etag`, `last_modified`, `file` (relative to the root), and `removed`, the file that this one took the place
of and that is removed (its path and `sha256`).
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from pipeline.fetching import addresses
from pipeline.paths import Root, make_folder
from pipeline.storage import targets

FETCHED, FAILED = "fetched", "failed"


class Ledger:
    """The ledger of one warehouse, as it was when it was opened and as this process went on with it."""

    def __init__(self, root: Root):
        self.root = root
        self._lock = threading.Lock()
        self._last: dict[str, dict] = {}
        self._fetched: dict[str, dict[str, dict]] = {}  # identity -> file -> line
        self._owners: dict[str, set[str]] = {}  # file -> identities
        self._removed: dict[tuple[str, str], dict] = {}  # (file, sha256) -> the line of what took its place
        for line in root.ledger.read_bytes().splitlines() if root.ledger.exists() else ():
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):  # cut off by a kill
                continue

    def _take(self, line: dict) -> None:
        name = addresses.identity(line["url"])
        self._last[name] = line
        if line["outcome"] == FETCHED:
            files = self._fetched.setdefault(name, {})
            files.pop(line["file"], None)
            files[line["file"]] = line
            self._owners.setdefault(line["file"], set()).add(name)
            if "removed" in line:
                self._removed[line["removed"]["file"], line["removed"]["sha256"]] = line

    def fetched(self, url: str) -> dict | None:
        """The line of an address's last success whose file still stands, however it was signed, whatever failed since."""
        lines = [*self._fetched.get(addresses.identity(url), {}).values()]
        return next((line for line in reversed(lines) if self.path(line).is_file()), None)

    def removed(self) -> dict[tuple[str, str], dict]:
        """(file, sha256) of every file that was removed for another one -> the line of that one."""
        return self._removed

    def failure(self, url: str) -> dict | None:
        """The line of what failed, where an address's last attempt did."""
        line = self._last.get(addresses.identity(url))
        return line if line and line["outcome"] == FAILED else None

    def only_of(self, url: str) -> list[Path]:
        """The files that this address alone was ever found to give, the last one first; some may be gone."""
        name = addresses.identity(url)
        files = [file for file in self._fetched.get(name, {}) if self._owners[file] == {name}]
        return [self.root.path / file for file in reversed(files)]

    def path(self, line: dict) -> Path:
        """The file of a success."""
        return self.root.path / line["file"]

    def put(self, url: str, outcome: str, **values) -> dict:
        """Put the outcome of an address on record, at once."""
        line = {"url": url, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "outcome": outcome}
        line |= {name: value for name, value in values.items() if value is not None}
        with self._lock, targets.translate_os_errors(self.root.ledger):
            make_folder(self.root.ledger.parent)
            with open(self.root.ledger, "ab", buffering=0) as file:
                if file.tell() and not self._ends_whole():
                    file.write(b"\n")
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._take(line)
        return line

    def _ends_whole(self) -> bool:
        """Whether the last line is whole: after a kill it may not be, and the next one would be lost in it."""
        with open(self.root.ledger, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


_opened: dict[Path, tuple[tuple[int, int], Ledger]] = {}


def current(root: Root) -> Ledger:
    """The ledger as it is now, read again only when it changed."""
    try:
        info = os.stat(root.ledger)
        key = (info.st_size, info.st_mtime_ns)
    except FileNotFoundError:
        key = (0, 0)
    if root.ledger not in _opened or _opened[root.ledger][0] != key:
        _opened[root.ledger] = key, Ledger(root)
    return _opened[root.ledger][1]

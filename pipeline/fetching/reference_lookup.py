"""Where the provider groups behind a web address are on this machine: beside the in-network file, or fetched.

What belongs here: finding the file of an address, its digest, and giving its groups to the reader. What must not
come in: the network (`fetching.client`), what such a file says (`readers.provider_references`).

The rule. Beside an in-network file, in `references/`, a file counts for an address when it stands there under the
address's host and path (`references/example.org/a/12.json`, as `wget -x` lays files out) or under the last step of
its path alone (`references/12.json`); the name decoded, with `.gz` after it or not. A name that two addresses of the
same in-network file share stands for neither; where addresses of two in-network files of a folder end in it, it stands
for both, and only the longer form tells them apart. What the user put there counts before what `ratehouse fetch
--references` brought.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pipeline import errors, paths
from pipeline.fetching import addresses, ledger
from pipeline.paths import Root
from pipeline.storage import raw_files, raw_hashes

PREFIX = "reference "  # before an address among the inputs of a stamp
UNREADABLE = "unreadable"  # stands for the content of a file that the system will not let us read
_listed: dict[Path, frozenset[str]] = {}
_inputs: dict[Path, tuple[list[str], dict[str, str]]] = {}


def clear_caches() -> None:
    """Look at the folders again."""
    _listed.clear()
    _inputs.clear()


def inputs(root: Root, source: Path, urls: list[str]) -> dict[str, str]:
    """`reference <address>` -> digest, of those references of an in-network file that are at hand.

    A file may have 100,000, and is asked some ten times in a build with nothing to do: the answer for the same list is
    remembered until `forget`.
    """
    known = _inputs.get(source)
    if known is None or known[0] is not urls:
        known = _inputs[source] = urls, ReferenceLookup(root, source, urls).inputs()
    return known[1]


class ReferenceLookup:
    """The references of one in-network file that are web addresses.

    `urls` are those that are known of it; `resolve` adds to them. `at_hand` is address -> digest of the file that
    stood for it, `unusable` address -> why that file gives no groups.
    """

    def __init__(self, root: Root, source: Path, urls: Iterable[str] = ()):
        self.root, self._folder = root, source.parent / paths.BESIDE
        self.urls: dict[str, None] = {}
        self.at_hand: dict[str, str] = {}
        self.unusable: dict[str, str] = {}
        self._there = _listing(self._folder)
        self._ledger = ledger.current(root)
        self._bearers: Counter[str] = Counter()  # name beside the file -> addresses that it could stand for
        self._used: set[str] = set()
        for url in urls:
            self._know(url)

    def _know(self, url: str) -> None:
        if url not in self.urls:
            self.urls[url] = None
            if self._there:
                self._bearers.update(_names(url))

    @property
    def ambiguous(self) -> bool:
        """Whether a file was taken for one address before another one came that it could stand for as well."""
        return any(self._bearers[name] > 1 for name in self._used)

    def find(self, url: str) -> tuple[Path, str] | None:
        """The file that stands for an address, and the digest of its content; None when there is none."""
        place = self._beside(url)
        if place is None:
            line = self._ledger.fetched(url) if addresses.is_address(url) else None
            if line is None:
                return None
            place = self._ledger.path(line)
            if os.stat(place).st_size == line["bytes"]:  # named after its content, and never written again
                return place, line["sha256"]
        try:
            return place, raw_hashes.content_hash(self.root, place)
        except errors.SourceError:
            return place, UNREADABLE

    def _beside(self, url: str) -> Path | None:
        for name in _names(url) if self._there else ():
            found = next((n for n in (name, f"{name}.gz") if n in self._there), None)
            if found and self._bearers[name] <= 1:
                self._used.add(name)
                return self._folder / found
        return None

    def inputs(self) -> dict[str, str]:
        """`reference <address>` -> digest, of those that are at hand now."""
        return {f"{PREFIX}{url}": found[1] for url in self.urls if (found := self.find(url))}

    def resolve(self, url: str) -> list[dict] | None:
        """The provider_groups behind an address, or None when they are not at hand or cannot be used."""
        from pipeline.readers import provider_references

        self._know(url)
        found = self.find(url)
        if found is None:
            return None
        place, self.at_hand[url] = found
        try:
            return provider_references.read(place)
        except errors.SourceError as problem:
            self.unusable[url] = f"{self.root.relative(place)} {problem.fact}"
            return None


def _names(url: str) -> tuple[str, ...]:
    """The names under which a file beside counts for an address, the more telling first."""
    try:
        parts = addresses.parts(url)
    except ValueError:  # no address at all
        return ()
    return ("/".join(parts), parts[-1]) if len(parts) > 1 else ()


def _listing(folder: Path) -> frozenset[str]:
    """The files below a folder, by their path in it."""
    if folder not in _listed:
        _listed[folder] = frozenset(raw_files.walk(folder).files)
    return _listed[folder]

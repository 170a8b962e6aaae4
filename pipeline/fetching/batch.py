"""Many addresses, side by side: each ends on record as fetched, here already, or failed and why.

What belongs here: what is asked for at all, where a whole file goes, the ledger. What must not come in: HTTP
(`client`), printing (`cli`).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import errors, settings
from pipeline.fetching import addresses
from pipeline.fetching.client import Client, Limits, OnBytes, Whole
from pipeline.fetching.ledger import FAILED, FETCHED, Ledger
from pipeline.paths import Root, make_folder
from pipeline.readers import file_kinds
from pipeline.storage import raw_files, raw_hashes, targets

THREADS = 16  # more than a household line fills
FETCHED_NOW, HERE = "fetched", "here"
_ENDINGS = (".json.gz", ".json.zip", ".json", ".gz", ".zip")

Check = Callable[[Path], object]


@dataclass(frozen=True)
class Outcome:
    """How an address ended: `state` is fetched, here or failed; `path` the file, `reason` why there is none."""

    url: str
    state: str
    path: Path | None = None
    bytes: int | None = None
    reason: str | None = None


Done = Callable[[Outcome], None]


@contextmanager
def fetching(root: Root) -> Iterator[Batch]:
    """A batch of this warehouse, the only one at work in it: LockedError when there is another."""
    import filelock

    with targets.translate_os_errors(root.fetch_lock):
        make_folder(root.fetch_lock.parent)
        lock = filelock.FileLock(root.fetch_lock)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise errors.LockedError(
                "another ratehouse fetch or toc is at work here",
                place=root.path,
                remedy="wait for it to end, or stop that process; then run the same command again",
            ) from None
    batch = Batch(root)
    try:
        yield batch
    finally:
        batch.client.close()
        lock.release()


def client(root: Root) -> Client:
    """A client as patient as the settings say."""
    limits = settings.fetch()
    return Client(root, Limits(**{name: getattr(limits, name) for name in Limits.__dataclass_fields__}))


class Batch:
    """Fetches into one warehouse."""

    def __init__(self, root: Root):
        self.root, self.ledger, self.client = root, Ledger(root), client(root)
        self._placing = threading.Lock()

    def fetch(self, urls: Iterable[str], folder: Path | None, check: Check, on_bytes: OnBytes, done: Done) -> None:
        """Fetch each address once, into `folder`, or by content among what is kept where that is None.

        `check` raises SourceError for a file that is not what was asked for. `on_bytes(url, bytes, total)` is called from
        several threads, `done` from this one. Addresses that differ by their signature alone are one file.
        PublishError, and no further file, when the disk does not take them.
        """
        alike: dict[str, list[str]] = {}
        for url in dict.fromkeys(urls):
            alike.setdefault(addresses.identity(url), []).append(url)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
        try:
            waiting: list[Future] = [
                pool.submit(self._one_of, group, folder, check, on_bytes) for group in alike.values()
            ]
            for future in as_completed(waiting):
                done(future.result())
        except BaseException:
            self.client.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()

    def _one_of(self, urls: list[str], folder: Path | None, check: Check, on_bytes: OnBytes) -> Outcome:
        """Fetch one file by the first of its addresses that gives it: of several signatures some may have expired."""
        outcome = None
        for url in urls:
            outcome = self._one(url, folder, check, on_bytes)
            if outcome.state != FAILED:
                break
        return outcome

    def _one(self, url: str, folder: Path | None, check: Check, on_bytes: OnBytes) -> Outcome:
        former = self.unchanged(url)
        try:
            whole = self.client.download(url, former, on_bytes)
            if whole is not None:
                _checked(whole, check)
        except errors.FetchError as problem:
            self.ledger.put(url, FAILED, reason=problem.fact, status=problem.status)
            return Outcome(url, FAILED, reason=problem.fact)
        with self._placing, targets.translate_os_errors(self.root.fetched):
            if whole is None:
                return self._again(url, former, folder)
            if folder is None:
                return self._recorded(url, *self._keep(whole), whole)
            return self._placed(url, whole, folder)

    def unchanged(self, url: str) -> dict | None:
        """The ledger's line of an address whose file stands here, byte for byte as it was fetched."""
        line = self.ledger.fetched(url) if addresses.is_address(url) else None
        try:
            with self._placing:
                same = line and raw_hashes.content_hash(self.root, self.ledger.path(line)) == line["sha256"]
        except errors.SourceError:
            return None
        return line if same else None

    def _again(self, url: str, former: dict, folder: Path | None) -> Outcome:
        """A file that the server has no newer one of; it may have been fetched for another folder."""
        path = self.ledger.path(former)
        if folder is None or path.parent == folder:
            return Outcome(url, HERE, path, former["bytes"])
        ending = next((e for e in _ENDINGS if path.name.lower().endswith(e)), "")
        copy = make_folder(self.root.partial) / f"copy{ending}"
        shutil.copyfile(path, copy)
        targets.fsync(copy)
        whole = Whole(copy, ending, former["sha256"], former["bytes"], former.get("etag"), former.get("last_modified"))
        return self._placed(url, whole, folder)

    def _placed(self, url: str, whole: Whole, folder: Path) -> Outcome:
        """Give a file its place, put it on record, and only then remove the one whose place it takes."""
        state, path, former = self._place(url, whole, folder)
        targets.fsync(folder)
        removed = None
        if former is not None:
            removed = {"file": self.root.relative(former), "sha256": raw_hashes.content_hash(self.root, former)}
        outcome = self._recorded(url, state, path, whole, removed)
        if former is not None:
            former.unlink()
            targets.fsync(folder)
        return outcome

    def _recorded(self, url: str, state: str, path: Path, whole: Whole, removed: dict | None = None) -> Outcome:
        answered = {name: getattr(whole, name) for name in ("sha256", "bytes", "etag", "last_modified")}
        self.ledger.put(url, FETCHED, file=self.root.relative(path), removed=removed, **answered)
        return Outcome(url, state, path, whole.bytes)

    def _keep(self, whole: Whole) -> tuple[str, Path]:
        kept = self.root.kept(whole.sha256, whole.ending)
        targets.sweep_folder(kept.parent)
        targets.store(whole.path, kept, whole.sha256)
        targets.fsync(kept.parent)
        return FETCHED_NOW, kept

    def _place(self, url: str, whole: Whole, folder: Path) -> tuple[str, Path, Path | None]:
        """Give a file its name in a folder, unless the same content stands there already, whatever its name; returns also
        the file whose place it takes, where that has another name.

        What the address alone gave before goes where it is of the same month: the publisher has replaced it. That of
        another month stays, for a publisher who has one address for all months takes none of them back.
        """
        targets.sweep_folder(make_folder(folder))
        former = next((p for p in self.ledger.only_of(url) if p.parent == folder and p.is_file()), None)
        if former and _month(former) != _month(whole.path):
            former = None
        state, path = HERE, self._same_in(folder, whole)
        if path is None:
            state, path = (
                FETCHED_NOW,
                folder / f"{_stem(former.name if former else addresses.file_name(url))}{whole.ending}",
            )
            if path.exists() and path != former:  # another file of that name, perhaps the user's own
                path = path.with_name(f"{_stem(path.name)}-{whole.sha256[:8]}{whole.ending}")
            targets.replace(whole.path, path)
        else:
            whole.path.unlink()
        return state, path, former if former and former != path else None

    def _same_in(self, folder: Path, whole: Whole) -> Path | None:
        """The file of a folder, or below it, that has the same content and kind."""
        for path in (folder / name for name in raw_files.walk(folder).files if name.lower().endswith(whole.ending)):
            if path.stat().st_size == whole.bytes:
                if raw_hashes.content_hash(self.root, path) == whole.sha256:
                    return path
        return None


def _month(path: Path) -> str | None:
    """The month of a file; None of one that says none, or was damaged by hand since it was fetched."""
    try:
        return file_kinds.month(path)
    except errors.SourceError:
        return None


def _checked(whole: Whole, check: Check) -> None:
    """Have a file looked at before it is taken; one that is refused is not kept."""
    try:
        check(whole.path)
    except errors.SourceError as problem:
        whole.path.unlink()
        raise errors.FetchError(f"what came {problem.fact}", place=problem.place) from problem


def _stem(name: str) -> str:
    """A file's name without the ending of its kind."""
    known = next((e for e in _ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(known)] or "file"

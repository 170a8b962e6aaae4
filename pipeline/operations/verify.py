"""Whether what stands is what was published, and putting it right where it is not.

What belongs here: holding every file against its stamp, the leaves against the fact, the facts against their sources
(`verify`); and taking away what is damaged, so that a build makes exactly that again (`mend`). What must not come in:
building (`operations.build` does it), printing (`cli`), whether something is up to date (`tasks.base`).

`deep` reads every byte. Without it sizes, times and stamps are looked at, and no data file is opened but one that has
another time than is on record: with the bytes that were published it is sound, and the next build puts its time on record.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import accounts, decimals, partition, paths, session, settings, tables
from pipeline.leaves import catalog
from pipeline.leaves import manifest as leaves
from pipeline.operations import build, records
from pipeline.operations.status import tasks
from pipeline.paths import Root
from pipeline.stages import dims, enriched, enriched_rows, facts, file_task, ingest, star, warehouse
from pipeline.storage import catalog_file, locks, raw_hashes, stamps, targets
from pipeline.tasks import base
from pipeline.tasks.base import TableTask

ALIKE = "differs from what was published, in size and time the same"
ROUNDS = 3  # a stamp, what it hid, and nothing more
SCANNED = ("dims", "xrefs", "bench", "gold", "staged")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a path (relative to the root), and what `mend` may do about it.

    `clear` are the files to take away so that the next build makes them again, `copy` a second file that should hold
    the same bytes, `expected` (sha256, mtime in ns) what they should be; `extra` marks a file of nobody, `by_build` what
    the next build mends by itself. Without any of them nothing here can mend it, and `problem` says what to do.
    """

    path: str
    problem: str
    clear: tuple[Path, ...] = ()
    copy: Path | None = None
    expected: tuple[str, int] | None = None
    extra: bool = False
    by_build: bool = False


@dataclass(frozen=True)
class _Published:
    """A file as its stamp or manifest has it, where it stands, and its second name among the objects, if it has one."""

    place: Path
    kept: Path | None
    bytes: int
    mtime_ns: int
    sha256: str


def verify(deep: bool) -> Iterator[Problem]:
    """Everything that is missing, extra, resized, changed, unreadable or wrongly stamped, that an interrupted build
    left, or (deep) whose rows or sums do not agree with what they were made of.
    """
    root = session.current()
    stamps.clear_caches()
    base.clear_caches()
    damaged_stamps = list(_stamps(root))
    yield from damaged_stamps
    expected: set[Path] = set()
    sound = not damaged_stamps
    lost: set[str] = set()  # labels of damaged sets that cannot be read again
    for one in tasks():
        if one.stamp() is None:  # a killed build may have published a table, and not yet stamped it
            expected.update(one.targets().values())
        for part in (one.stamp() or stamps.NONE).parts.values():
            kept = root.object(part.digest) if one.in_object_store else None
            place = root.path / part.path
            expected.add(place)
            for found in _file(root, _Published(place, kept, part.bytes, part.mtime_ns, part.sha256), deep):
                sound = False
                lost |= {one.label} if _cannot_be_read_again(one) else set()
                yield _unless_blocked(found, one, lost)
    for month in facts.months():
        for found in _leaves(root, month, deep, expected):
            sound = False
            yield _unless_blocked(found, enriched.EnrichedMonth(month=month), lost)
        yield from _keys(root, month, deep)
    yield from _catalog(root, deep, sound)
    if not damaged_stamps and not any(task.stamp() is None for task in (*ingest.in_network(), *star.tasks())):
        yield from _extra(root, expected)  # else a file may be of a table that is not known for want of the stamp
    yield from _left_over(root)
    if deep:
        yield from _raw(root)
    if deep and sound:
        for month in facts.months():
            yield from _rows(root, month)
            yield from _sums(root, month)
        yield from _sources(root)


# ---- files --------------------------------------------------------------------------------------------------------


def _file(root: Root, one: _Published, deep: bool) -> Iterator[Problem]:
    """What is wrong with a published file, and with its object where that is a file of its own."""
    clear = (one.place,) if one.kept is None else (one.place, one.kept)
    more = {"clear": clear, "copy": one.kept, "expected": (one.sha256, one.mtime_ns)}
    wrong = _wrong(one.place, one, deep, timed=True)
    if wrong:
        yield Problem(root.relative(one.place), wrong, **more)
    if one.kept is None or _same(one.place, one.kept):
        return
    lost = _wrong(one.kept, one, deep, timed=False)
    if lost:
        yield Problem(root.relative(one.kept), lost, **{**more, "copy": one.place})


def _wrong(path: Path, one: _Published, deep: bool, *, timed: bool) -> str | None:
    try:
        info = os.stat(path)
        if info.st_size != one.bytes:
            return f"has {info.st_size:,} bytes, not {one.bytes:,}"
        moved = timed and info.st_mtime_ns != one.mtime_ns
        if (deep or moved) and targets.file_hash(path) != one.sha256:
            return "was replaced by hand" if moved else ALIKE
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    return None


def _same(place: Path, kept: Path) -> bool:
    try:
        return place.samefile(kept)
    except OSError:
        return False


def _unless_blocked(found: Problem, maker: TableTask, lost: set[str]) -> Problem:
    """What is to be built again must be able to be: else it stays, for the rest of it may still be of use."""
    why = _blocked(maker, lost)
    if why is None or not found.clear:
        return found
    return Problem(
        found.path, f"{found.problem}; it cannot be built again now: {why}", copy=found.copy, expected=found.expected
    )


def _blocked(maker: TableTask, lost: set[str]) -> str | None:
    why = maker.blocked()
    if why is not None:
        return why.fact
    if maker.label in lost:
        return _cannot_be_read_again(maker)
    return next(
        (sentence for group in maker.views().values() for one in group if (sentence := _blocked(one, lost))), None
    )


def _cannot_be_read_again(maker: TableTask) -> str | None:
    """Why a staged set cannot be made again, so that it must not be taken away; None of any other task."""
    if not isinstance(maker, (file_task.FileTask, star.StarMonth)):
        return None
    if not maker.is_seen:
        gone = f"the raw file of {maker.shown} is not seen: it {maker.why_not_seen()}"
        return (
            f"{gone}; put it back, or remove its rows from the warehouse: ratehouse forget {shlex.quote(maker.shown)}"
        )
    if isinstance(maker, file_task.FileTask) and file_task.KEPT in maker.stamp().notes:
        return f"{maker.shown} is broken now, and this is what it gave before"
    return None


def _stamps(root: Root) -> Iterator[Problem]:
    """Stamps that cannot be read, or whose text is not the one that was written."""
    lost = set(records.lost(root))
    for label in stamps.labels(root):
        path = root.stamp(label)
        if stamps.read(root, label) is None and label in lost:
            sentence = "is no stamp, or was changed; it cannot be made again, for no raw file is seen that it is of"
            yield Problem(root.relative(path), f"{sentence}: put it back, or: ratehouse forget {label}")
        elif stamps.read(root, label) is None:
            other = stamps.other_version(root, label)
            wrong = f"was written by {other}; a build makes it anew" if other else "is no stamp, or was changed"
            yield Problem(root.relative(path), wrong, clear=(path,))
    for label in sorted(lost):
        if not root.stamp(label).exists():
            sentence = f"is lost, and no raw file is seen that it is of: put it back, or: ratehouse forget {label}"
            yield Problem(root.relative(root.stamp(label)), sentence)


def _leaves(root: Root, month: str, deep: bool, expected: set[Path]) -> Iterator[Problem]:
    """What is wrong with a month's manifest, its leaves, and the rows of those that are withheld."""
    stamp = enriched.EnrichedMonth(month=month).stamp()
    manifest = leaves.manifest(root, month)
    if stamp is None:
        return
    if not manifest.exists() or targets.file_hash(manifest) != stamp.notes["manifest"]:
        yield Problem(root.relative(manifest), "is missing or was changed", clear=(manifest,))
        # Which are its leaves is not known.
        expected.update(p for p in root.tree.rglob("*.parquet") if p.parent.name == f"year_month={month}")
        return
    for record in leaves.records(manifest).values():
        if record.reason:
            yield from _withheld(root, month, record, deep)
            continue
        place = root.leaf(record.partition, month)
        expected.add(place)
        one = _Published(place, root.object(record.digest), record.bytes, record.mtime_ns, record.sha256)
        yield from _file(root, one, deep)


def _withheld(root: Root, month: str, record: leaves.Record, deep: bool) -> Iterator[Problem]:
    """What is wrong with the rows of a withheld leaf, and with what is told of them."""
    folder = leaves.quarantined(root, month, record.partition)
    rows, reason = folder / "rows.parquet", folder / "reason.txt"
    yield from _file(root, _Published(rows, None, record.bytes, record.mtime_ns, record.sha256), deep)
    clear = (rows, reason)  # written together
    if not reason.exists():
        yield Problem(root.relative(reason), "is missing", clear=clear)
    elif deep and " ".join(reason.read_text(encoding="utf-8", errors="replace").split()) != record.reason:
        yield Problem(root.relative(reason), "differs from what was written", clear=clear)


def _keys(root: Root, month: str, deep: bool) -> Iterator[Problem]:
    """The key sets by which a month is spared what does not concern it: damaged, they would spare it what does."""
    joined = enriched_rows.EnrichedRows(month=month)
    stamp = joined.stamp()
    for name, sha256 in (stamp.notes.get("keys", {}) if stamp else {}).items():
        path = enriched_rows.key_set(month, name)
        clear = (path, root.stamp(joined.label))  # made along with the table
        if not path.exists():
            yield Problem(root.relative(path), "is missing", clear=clear)
        elif deep and targets.file_hash(path) != sha256:
            yield Problem(root.relative(path), "differs from what was written", clear=clear)


def _catalog(root: Root, deep: bool, sound: bool) -> Iterator[Problem]:
    """What is wrong with the catalog, and what other programs left next to it. It is opened, as a reader does, when `deep`
    and when its files are `sound`: else these are what is wrong.
    """
    name = root.relative(root.catalog)
    for log in catalog_file.logs(root):
        sentence = (
            "was left by a program that had the catalog open for writing: readers see its changes, or cannot open it"
        )
        yield Problem(root.relative(log), sentence, by_build=True)
    stamp = warehouse.Warehouse().stamp()
    if stamp is None:
        return
    size, mtime = stamp.notes["file"]
    damaged = list(_file(root, _Published(root.catalog, None, size, mtime, stamp.notes["sha256"]), deep))
    yield from damaged
    elsewhere = catalog_file.root_problem(root, stamp.basis.settings.get(catalog_file.ROOT_SETTING))
    if elsewhere:
        yield Problem(name, elsewhere, by_build=True)
    if deep and sound and not damaged and not elsewhere and not catalog_file.logs(root):
        unread = catalog_file.reading_problem(root)
        if unread:
            yield Problem(name, unread)


def _extra(root: Root, expected: set[Path]) -> Iterator[Problem]:
    for folder in SCANNED:
        for path in sorted((root.path / folder).rglob("*")):
            if path.is_file() and path not in expected and not _is_draft(path):
                yield Problem(root.relative(path), "belongs to no table of this warehouse", extra=True)


def _left_over(root: Root) -> Iterator[Problem]:
    """Drafts of an interrupted build, and objects that no build has named for longer than they are kept."""
    drafts = list(root.scratch.rglob("*"))
    for folder in targets.COPIED_TO if targets.was_interrupted(root) else ():
        drafts += filter(_is_draft, (root.path / folder).rglob("*"))
    for path in sorted(drafts):
        if path.is_file():
            sentence = "is a draft that an interrupted build left; the next build sweeps it"
            yield Problem(root.relative(path), sentence, by_build=True)
    kept = warehouse.objects_in_use() | catalog.retired_objects(root).keys()
    limit = time.time() - settings.build().object_hours * 3600
    for path in sorted(root.objects.rglob("*")) if root.objects.is_dir() else ():
        if path.is_file() and not _is_draft(path) and path.stem not in kept and path.stat().st_mtime < limit:
            yield Problem(root.relative(path), "is named by no build", extra=True)


def _is_draft(path: Path) -> bool:
    return path.name.startswith(targets.DRAFT_BEGINS)


def _raw(root: Root) -> Iterator[Problem]:
    """Raw files whose bytes are not those that were read, though their size and time are."""
    for name, found in raw_hashes.changed_unseen(root):
        if found:
            sentence = "differs from what was read, in size and time the same: fetch it again from its publisher"
            yield Problem(name, sentence)
        else:
            sentence = f"has the hash of {name} wrong"
            yield Problem(root.relative(root.raw_hashes), sentence, clear=(root.raw_hashes,))


# ---- rows and sums ------------------------------------------------------------------------------------------------


def _rows(root: Root, month: str) -> Iterator[Problem]:
    """Every fact stands in exactly one leaf, and each leaf has the rows that the fact has for it."""
    from pipeline.storage import duck

    fact, joined = facts.FactRate(month=month), enriched_rows.EnrichedRows(month=month)
    if enriched.EnrichedMonth(month=month).staleness() is not None:
        return  # not up to date: what stands is of an earlier fact
    keys = settings.partitioning().key_list()
    columns = ", ".join(map(duck.identifier, keys))
    with joined.connection() as con:
        for name, one in (("fact", fact), ("joined", joined)):
            duck.view(con, name, duck.scan(tables.get(one.table), one.files_of(one.table)))
        ((missing, twice),) = con.sql("""
            SELECT count(*) FILTER (n IS NULL), count(*) FILTER (n > 1)
            FROM fact LEFT JOIN (SELECT fact_uid, count(*) AS n FROM joined GROUP BY ALL) USING (fact_uid)""").fetchall()
        counted = {
            partition.folder(dict(zip(keys, values, strict=True)), keys): rows
            for *values, rows in con.sql(f"SELECT {columns}, count(*) FROM joined GROUP BY ALL").fetchall()
        }
    place = root.relative(root.joined(month))
    clear = tuple(joined.files_of(joined.table))
    if missing or twice:
        yield Problem(place, f"lacks {missing:,} facts of {month}, and has {twice:,} more than once", clear=clear)
    manifest_rows = {name: record.rows for name, record in leaves.records(leaves.manifest(root, month)).items()}
    for name in sorted(counted.keys() | manifest_rows.keys()):
        if counted.get(name) != manifest_rows.get(name):
            rows = f"has {manifest_rows.get(name, 0):,} rows, and the fact {counted.get(name, 0):,} for it"
            leaf = root.leaf(name, month)
            yield Problem(root.relative(leaf), rows, clear=(leaf, leaves.manifest(root, month)))


def _sums(root: Root, month: str) -> Iterator[Problem]:
    """The month's accounts (`pipeline.accounts`): whether they add up, and whether its facts are what they say."""
    fact = facts.FactRate(month=month)
    stamp = fact.stamp()
    if stamp is None or fact.staleness() is not None:
        return
    path, accounts_kept = stamp.parts["fact_rate"].path, warehouse.accounts_of(month)
    clear = (root.path / path,)
    as_built = {**accounts_kept, **stamp.notes}
    for wrong in dict.fromkeys(
        w for a in (accounts_kept, as_built) for w in accounts.imbalances(accounts.OF_MONTHS, a)
    ):
        yield Problem(path, f"the accounts of {month} do not add up: {wrong}", clear=clear)
    if accounts_kept["star_facts"]:
        return  # star schemas bring facts without the rates that they were made of
    for term, found in _recounted(fact).items():
        if found != accounts_kept[term]:
            yield Problem(path, f"has {term} {found}, and its accounts {accounts_kept[term]}", clear=clear)


def _recounted(fact: facts.FactRate) -> dict[str, int | str]:
    """The terms of a month's accounts that its facts themselves say."""
    from pipeline.compiled import exact_sums
    from pipeline.storage import duck

    counts, sums = [0, 0], [exact_sums.ExactSum(), exact_sums.ExactSum()]
    with fact.connection() as con:
        duck.view(con, "fact", duck.scan(tables.get("fact_rate"), fact.files_of("fact_rate")))
        rows = con.sql("""
            SELECT negotiated_rate, count(*), CAST(sum(source_count - 1) AS BIGINT)
            FROM fact WHERE negotiated_rate IS NOT NULL GROUP BY ALL""")
        for batch in rows.to_arrow_reader(1 << 16):
            amounts, *columns = (column.to_numpy() for column in batch.columns)
            for place, times in enumerate(columns):
                counts[place] += int(times.sum())
                sums[place].add(amounts, times)
    found = dict(zip(("rate_facts", "duplicates"), counts, strict=True))
    return found | {
        name: decimals.text(one.total) for name, one in zip(("fact_sum", "duplicate_sum"), sums, strict=True)
    }


def _sources(root: Root) -> Iterator[Problem]:
    """The accounts of files: whether each adds up, and whether dim_source_file and the months have the same."""
    from pipeline.storage import duck

    for one in ingest.in_network():
        counts = one.stamp().notes["counts"] if one.status == file_task.WHOLE else {}
        for wrong in accounts.imbalances(accounts.OF_FILE, counts):
            clear = (root.stamp(one.label),)
            yield Problem(f"raw/{one.raw_name}", f"its accounts do not add up: {wrong}", clear=clear)
    listed = dims.DimSourceFile()
    if listed.staleness() is not None:
        return
    place = listed.file_of(listed.table)
    terms = ", ".join(accounts.COUNTED)
    with listed.connection() as con:
        rows = con.sql(
            f"SELECT year_month, {terms} FROM ({duck.scan(tables.get(listed.table), [place])}) WHERE status = 'whole'"
        )
        files = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    for month in facts.months():
        if facts.FactRate(month=month).staleness() is not None:
            continue
        accounts_kept = warehouse.accounts_of(month)
        of_month = [one for one in files if one["year_month"] == month]
        for term in accounts.COUNTED if of_month else ():
            found = accounts.added(one[term] for one in of_month)
            if found != accounts_kept[term]:
                problem = f"has {term} {found} of {month}, and the accounts of the month {accounts_kept[term]}"
                yield Problem(root.relative(place), problem, clear=(place,))


# ---- mending ------------------------------------------------------------------------------------------------------


def mend(problems: list[Problem]) -> dict[Problem, str]:
    """Put right what can be without building, and take away the rest, so that a build makes exactly that again.

    Problem -> what was done. A file of nobody is moved to quarantine/extra/. To be called under the lock.
    """
    root = session.current()
    interrupted = targets.was_interrupted(root)  # tells the next build that one was, so it is that build's to sweep
    with targets.translate_os_errors(root.path):
        root.make_scratch()
        done = {one: _mend(root, one) for one in problems}
        if not interrupted:
            targets.clear_folder(root.scratch)
    return done


def _mend(root: Root, one: Problem) -> str:
    path = root.path / one.path
    if one.extra:
        to = root.quarantine / "extra" / one.path
        paths.make_folder(to.parent)
        targets.replace(path, to)
        targets.remove(path, root.path)
        return f"moved to {root.relative(to)}"
    if one.expected:
        sha256, mtime = one.expected
        if _holds(path, sha256):
            os.utime(path, ns=(mtime, mtime))
            return "given its time back"
        if one.copy is not None and _holds(one.copy, sha256):
            os.utime(one.copy, ns=(mtime, mtime))
            targets.link(one.copy, path, root.scratch)
            targets.fsync(path.parent)
            return f"mended from {root.relative(one.copy)}"
    if root.scratch in path.parents:
        return "swept by the next build"
    if one.by_build:
        return "mended by the next build"
    if not one.clear:
        return "left as it is"
    for file in one.clear:
        file.unlink(missing_ok=True)
    return "built again"


def _holds(path: Path, sha256: str) -> bool:
    try:
        return targets.file_hash(path) == sha256
    except OSError:
        return False


def repair(deep: bool, build_again: Callable[[], object]) -> tuple[dict[Problem, str], list[Problem], object]:
    """Mend what `verify` finds; returns what was done, what is left, and what the last `build_again()` returned.

    It looks again after each build, for a lost stamp of a source hides what else is wrong with that source's month.
    """
    root = session.current()
    done: dict[Problem, str] = {}
    outcome = None
    for _ in range(ROUNDS):
        with locks.locked(root):
            build.clear_caches()
            found = [one for one in verify(deep) if one not in done]
            if not found:
                break
            done.update(mend(found))
        outcome = build_again()
        build.clear_caches()
    return done, list(verify(deep)) if done else [], outcome

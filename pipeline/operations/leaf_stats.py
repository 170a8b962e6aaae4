"""What a warehouse's leaves cost in bytes and seconds, and what they would with fewer or more partition keys.

What belongs here: counting by the manifests, looking into a few leaves, estimating. What must not come in: printing
(`cli`), building. Leaves are found through the manifests, never by a glob.

How another depth is estimated: the rows of each of its leaves are counted exactly; what a leaf of so many rows takes is
measured by encoding slices of this warehouse's own rows as leaves are (`parquet.leaf_bytes`), from 1 row up to a row
group, and read off between these by straight lines. To the seconds of encoding comes what the journal says a leaf took
beside it (reading, fsync, links), the same for a leaf of any size. Everything else of a build (reading sources, joins,
gates) is the same at every depth, and not counted.
"""

from __future__ import annotations

import bisect
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import errors, partition, paths, settings
from pipeline.leaves import manifest as leaves
from pipeline.paths import Root
from pipeline.storage import journal

SHARES = (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)  # least, …, most
FOOTER_SAMPLE = 200
# Rows of the trials, and how many slices of each: a mean, for what a few rows take differs.
TRIALS = ((1, 24), (8, 24), (40, 16), (200, 8), (999, 4), (1_000, 4), (8_000, 2), (32_000, 1), (122_880, 1))
# The fixed costs of leaves may be as large as what their rows take in one sorted file: beyond, most of the tree is not data.
MOST_TIMES = 2.0


@dataclass(frozen=True)
class Month:
    """A month's leaves as published. `sorted_bytes`: the same rows in the one sorted file that they are cut from."""

    month: str
    leaves: int
    rows: int
    bytes: int
    sorted_bytes: int
    withheld: int


@dataclass(frozen=True)
class Depth:
    """What so many keys mean: `rows` are quantiles (`SHARES`) of rows a leaf; bytes, and worker seconds of writing all
    leaves, are estimates but for `actual_bytes` of the present depth.
    """

    keys: tuple[str, ...]
    leaves: int
    rows: tuple[int, ...]
    bytes: int
    seconds: float
    actual_bytes: int | None


@dataclass(frozen=True)
class Stats:
    """All that `ratehouse stats` tells. `timed` leaves are those of which the journal knows the seconds."""

    keys: tuple[str, ...]
    months: list[Month]
    leaf_rows: tuple[int, ...]
    leaf_bytes: tuple[int, ...]
    looked_into: int
    footer_share: float
    depths: list[Depth]
    trials: int
    timed: int
    advised: int


@dataclass
class _Trials:
    """Rows -> mean bytes, mean seconds, of slices encoded as leaves."""

    sizes: list[int] = field(default_factory=list)
    bytes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    count: int = 0
    beside: float = 0.0  # seconds a leaf takes beside its encoding

    def at(self, rows: int, known: list[float]) -> float:
        """What a leaf of so many rows takes, between two trials by a straight line, beyond the largest by its share."""
        if rows >= self.sizes[-1]:
            return known[-1] * rows / self.sizes[-1]
        upper = bisect.bisect_left(self.sizes, rows)
        if self.sizes[upper] == rows or upper == 0:
            return known[upper]
        low, high = self.sizes[upper - 1], self.sizes[upper]
        return known[upper - 1] + (known[upper] - known[upper - 1]) * (rows - low) / (high - low)


def measure(root: Root) -> Stats:
    """Count, look into some leaves, estimate. RatehouseError when no leaf is built."""
    keys = settings.partitioning().key_list()
    manifests = {month: leaves.records(leaves.manifest(root, month)) for month in _months(root)}
    manifests = {month: known for month, known in manifests.items() if known}
    published = [r for known in manifests.values() for r in known.values() if not r.reason]
    if not published:
        raise errors.RatehouseError(
            "there are no leaves yet", place=root.path, remedy=paths.command("build", root.path)
        )
    built = tuple(piece.partition("=")[0] for piece in published[0].partition.split("/"))
    looked_into, footer_share = _footers(root, manifests)
    counted = _rows_by_depth(root, manifests, built)
    trials = _trials(root, max(manifests, key=lambda m: sum(r.rows for r in manifests[m].values())))
    timed = _beside(root, trials)
    actual = sum(r.bytes for r in published)
    depths = [
        Depth(
            keys=partition.KEYS[: number + 1],
            leaves=len(rows),
            rows=quantiles(rows),
            bytes=round(sum(trials.at(n, trials.bytes) for n in rows)),
            seconds=sum(trials.at(n, trials.seconds) for n in rows) + trials.beside * len(rows),
            actual_bytes=actual if partition.KEYS[: number + 1] == built else None,
        )
        for number, rows in enumerate(counted)
    ]
    months = [_month(root, month, known) for month, known in manifests.items()]
    return Stats(
        keys=keys,
        months=months,
        leaf_rows=quantiles([r.rows for r in published]),
        leaf_bytes=quantiles([r.bytes for r in published]),
        looked_into=looked_into,
        footer_share=footer_share,
        depths=depths,
        trials=trials.count,
        timed=timed,
        advised=_advised(depths, sum(m.sorted_bytes for m in months)),
    )


def quantiles(values: list[int]) -> tuple[int, ...]:
    """The values at `SHARES` of the sorted list, each one that occurs (of two, the smaller)."""
    ordered = sorted(values)
    return tuple(ordered[int(share * (len(ordered) - 1))] for share in SHARES)


def _months(root: Root) -> list[str]:
    from pipeline.stages import facts

    return facts.months()


def _month(root: Root, month: str, known: dict[str, leaves.Record]) -> Month:
    stands = [r for r in known.values() if not r.reason]
    held = [r for r in known.values() if r.reason]
    rows = sum(r.rows for r in stands)
    joined = leaves.joined(root, month)
    whole, there = sum(part.bytes for part in joined), sum(part.rows for part in joined)
    sorted_bytes = round(whole * rows / max(1, there))  # withheld rows stand in it too
    return Month(month, len(stands), rows, sum(r.bytes for r in stands), sorted_bytes, len(held))


def _footers(root: Root, manifests: dict[str, dict[str, leaves.Record]]) -> tuple[int, float]:
    """How many leaves were looked into, evenly over the list, and which share of their bytes their footers are."""
    listed = [(month, name) for month, known in manifests.items() for name, r in sorted(known.items()) if not r.reason]
    step = max(1, len(listed) // FOOTER_SAMPLE)
    footers = whole = 0
    chosen = listed[::step][:FOOTER_SAMPLE]
    for month, name in chosen:
        place = root.leaf(name, month)
        try:
            with open(place, "rb") as file:
                size = file.seek(0, 2)
                file.seek(size - 8)
                footers += int.from_bytes(file.read(4), "little") + 8  # its length and the magic word
                whole += size
        except OSError as problem:
            raise errors.RatehouseError(
                "the leaf cannot be read", place=place, remedy=paths.command("build", root.path)
            ) from problem
    return len(chosen), footers / whole


def _rows_by_depth(
    root: Root, manifests: dict[str, dict[str, leaves.Record]], built: tuple[str, ...]
) -> list[list[int]]:
    """For one key to all seven: the rows of each leaf, withheld ones too, in all months."""
    counted: list[Counter] = [Counter() for _ in partition.KEYS]
    for month, known in manifests.items():
        if built == partition.KEYS:
            named = ((record.partition.split("/"), record.rows) for record in known.values())
        else:
            named = _joined_leaves([root.path / part.path for part in leaves.joined(root, month)])
        for pieces, rows in named:
            for number, counter in enumerate(counted):
                counter[(month, *pieces[: number + 1])] += rows
    return [list(counter.values()) for counter in counted]


def _joined_leaves(joined: list[Path]) -> list[tuple[list[str | None], int]]:
    """The values of all seven keys in a month's joined rows, with how many rows have them."""
    from pipeline.storage import duck

    columns = ", ".join(map(duck.identifier, partition.KEYS))
    with duck.connect() as con:
        found = con.sql(f"SELECT {columns}, count(*) FROM {duck.parquet_files(joined)} GROUP BY ALL").fetchall()
    return [(list(values), rows) for *values, rows in found]


def _trials(root: Root, month: str) -> _Trials:
    """Encode slices of the month's first row group as leaves."""
    from pipeline import tables
    from pipeline.storage import opening, parquet

    with opening.parquet(root.joined(month)) as file:
        rows = file.read_row_group(0).cast(tables.get("fact_rate_enriched").arrow_schema())
    trials = _Trials()
    compression = settings.partitioning().leaf_compression
    parquet.leaf_bytes(rows.slice(0, 1), compression)  # the first call sets up Arrow
    for size, times in TRIALS:
        size = min(size, rows.num_rows)
        if trials.sizes and size <= trials.sizes[-1]:
            break
        starts = [(rows.num_rows - size) * n // max(1, times - 1) for n in range(times)]
        made = seconds = 0.0
        for start in starts:
            piece = rows.slice(start, size)
            began = time.process_time()
            made += parquet.leaf_bytes(piece, compression).size
            seconds += time.process_time() - began
        trials.sizes.append(size)
        trials.bytes.append(made / times)
        trials.seconds.append(seconds / times)
        trials.count += times
    return trials


def _beside(root: Root, trials: _Trials) -> int:
    """Learn from the journal what a leaf takes beside its encoding; of how many leaves it tells."""
    done = [e for e in journal.read(root.journal) if e["event"] == "done" and e.get("task") == "enriched.EnrichedGroup"]
    done = [e for e in done if e["files"]]
    written = sum(e["files"] for e in done)
    if written:
        encoding = sum(e["files"] * trials.at(max(1, round(e["rows"] / e["files"])), trials.seconds) for e in done)
        trials.beside = max(0.0, (sum(e["seconds"] for e in done) - encoding) / written)
    return written


def _advised(depths: list[Depth], sorted_bytes: int) -> int:
    """How many keys: the most at which the tree is at most `MOST_TIMES` the one sorted file, else where it is smallest."""
    good = [n for n, depth in enumerate(depths, 1) if depth.bytes <= MOST_TIMES * sorted_bytes]
    return max(good) if good else 1 + min(range(len(depths)), key=lambda n: depths[n].bytes)

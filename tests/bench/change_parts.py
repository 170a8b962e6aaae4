"""Parts of `warehouse.py` that measure what a built warehouse costs when nothing, or little, changes.

What belongs here: the parts nothing, rerun, address, months. What must not come in: a first build and its baselines
(`build_parts`), the table (`report`).
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import statistics
from pathlib import Path

import duckdb

from build_parts import ENRICHED, events_of, journal_size, stage
from pipeline import partition, paths
from report import Figure, judged, megabytes, seconds

NOTHING_SECONDS, RERUN_SECONDS = 3.0, 10.0
ADDRESS_SHARE = 0.1
MONTHS_SPREAD = 1.10
TIMES = 3  # of what takes a second or two
# Thirteen months in the order in which they come in: the measured ones are neighbours, of one year's fee schedules, and
# none of the sample's first two, which hold more oddities.
FIRST_MONTH, MONTHS = "2025-01", 13
BEGIN = ("2025-03",)
MEASURED = (
    (1, "2025-04", ("2025-07", "2025-08", "2025-09", "2025-10")),
    (6, "2025-05", ("2025-11", "2025-12", "2026-01", "2025-01", "2025-02")),
    (12, "2025-06", ()),
)
COLUMN = "Provider First Line Business Practice Location Address"


def _ask(root: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(paths.Root(root).catalog), read_only=True) as con:
        return con.sql(sql).fetchall()


def _build(bench, root: Path, name: str):
    words = ["--root", str(root), "build", "--workers", str(bench.asked.workers), "--local-scheduler"]
    return bench.ratehouse(name, *words)


def _nothing(bench, root: Path, name: str, what: str) -> Figure:
    print(f"  building {what} again, {TIMES} times, nothing to do", flush=True)
    runs = [_build(bench, root, f"nothing-{name}-{n}") for n in range(TIMES)]
    for run in runs:
        assert run.output.startswith("nothing to do"), f"there was something to do:\n{run.output}"
    took = statistics.median(run.seconds for run in runs)
    busy = statistics.median(run.busy for run in runs)
    return Figure(
        name,
        f"nothing to do: {what}",
        seconds(took),
        f"median of {TIMES}; {seconds(busy)} of processors, {megabytes(max(run.peak() or 0 for run in runs))} at most",
        seconds(NOTHING_SECONDS),
        judged(took, NOTHING_SECONDS, shown="{:.2f} s"),
    )


def nothing(bench) -> list[Figure]:
    """A build with nothing to do."""
    if bench.found.get("unsettled"):
        print("  settling what another part changed", flush=True)
        _build(bench, bench.root, "settle")
    months = f"{bench.asked.months} month" + "s" * (bench.asked.months > 1)
    return [_nothing(bench, bench.root, "nothing", f"{bench.found['leaves']:,} leaves, {months}")]


def rerun(bench) -> list[Figure]:
    """One leaf, deleted from the tree and from the objects, by `ratehouse rerun`."""
    listed = _ask(
        bench.root,
        "SELECT partition, year_month, rows, path, object_path, digest FROM partition_manifest "
        "WHERE status = 'published' ORDER BY rows, partition, year_month",
    )
    name, month, rows, path, kept, digest = listed[len(listed) // 2]
    leaf = bench.root / path
    for file in (leaf, Path(kept)):
        file.unlink(missing_ok=True)
    print(f"  running one deleted leaf of {rows} rows again", flush=True)
    watched = bench.ratehouse("rerun", "--root", str(bench.root), "rerun", name, "--month", month, "--local-scheduler")
    missing = [str(file) for file in (leaf, Path(kept)) if not file.exists()]
    assert not missing, f"not there again: {missing}"
    now = _ask(bench.root, f"SELECT digest FROM partition_manifest WHERE path = '{path.replace(chr(39), chr(39) * 2)}'")
    assert now == [(digest,)], f"the leaf is another: {now}, not {digest}"
    return [
        Figure(
            "rerun",
            "rerun of one leaf",
            seconds(watched.seconds),
            f"of {rows} rows, deleted before; {seconds(watched.busy)} of processors, {megabytes(watched.peak())}",
            seconds(RERUN_SECONDS),
            judged(watched.seconds, RERUN_SECONDS, shown="{:.1f} s"),
        )
    ]


def address(bench) -> list[Figure]:
    """Another street number of one provider in the registry's file; the leaves that hold its rows are written again."""
    root = bench.root
    npi = _usual_provider(root)
    keys = ", ".join(f'"{key}"' for key in partition.KEYS)
    holding = {
        (partition.folder(dict(zip(partition.KEYS, values[1:], strict=True))), values[0])
        for values in _ask(root, f"SELECT DISTINCT year_month, {keys} FROM fact_rate_enriched WHERE npi = '{npi}'")
    }
    before = _digests(root)
    _move(root, npi)
    offset = journal_size(root)
    print(f"  building after the address of one provider changed, in {len(holding):,} leaves", flush=True)
    bench.found["unsettled"] = True
    watched = _build(bench, root, "address")
    bench.found["unsettled"] = False
    after = _digests(root)
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    events = events_of(root, offset)
    written = sum(e["files"] for e in events if e["event"] == "done" and e["task"] == "enriched.EnrichedGroup")
    began, ended = stage(events, *ENRICHED)
    full = bench.found["stage_seconds"]
    same = changed == holding and written == len(holding)
    return [
        Figure(
            "address",
            "one provider's address changed: leaves written again",
            f"{written:,} (of {len(after):,}), {len(changed):,} by the catalog",
            f"{len(holding):,} hold it",
            "exactly these",
            "PASS" if same else "over its limit: not exactly these",
        ),
        Figure(
            "address",
            "the enriched stage then, beside the full one",
            f"{seconds(ended - began)}; all of the build, registry and catalog too, {seconds(watched.seconds)}",
            f"full stage {seconds(full)}; {seconds(watched.busy)} of processors for all",
            "a tenth",
            judged((ended - began) / full, ADDRESS_SHARE),
        ),
    ]


def _digests(root: Path) -> dict[tuple[str, str], str]:
    return {
        (name, month): d
        for name, month, d in _ask(root, "SELECT partition, year_month, digest FROM partition_manifest")
    }


def _usual_provider(root: Path) -> str:
    """Of the primary providers in the monthly file, the one that stands in as many leaves as half of them do."""
    (monthly,) = (root / "raw" / "nppes").glob("npidata_pfile_*-20250810.csv")
    with open(monthly, encoding="utf-8") as file:
        there = {line[1:11] for line in file}
    keys = ", ".join(f'"{key}"' for key in partition.KEYS)
    found = _ask(
        root,
        f"SELECT npi, count(DISTINCT (year_month, {keys})) AS leaves FROM fact_rate_enriched "
        "WHERE geo_source = 'zip' GROUP BY npi ORDER BY leaves, npi",
    )
    known = [npi for npi, _ in found if npi in there]
    return known[len(known) // 2]


def _move(root: Path, npi: str) -> None:
    """Give a provider of the monthly file the next street number."""
    (monthly,) = (root / "raw" / "nppes").glob("npidata_pfile_*-20250810.csv")
    draft = monthly.with_suffix(".tmp")
    with open(monthly, encoding="utf-8", newline="") as file, open(draft, "w", encoding="utf-8", newline="") as out:
        head = file.readline()
        out.write(head)
        column = next(csv.reader([head])).index(COLUMN)
        for line in file:
            if line.startswith(f'"{npi}"'):
                fields = next(csv.reader([line]))
                number, _, street = fields[column].partition(" ")
                fields[column] = f"{int(number) + 1} {street}"
                text = io.StringIO()
                csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(fields)
                line = text.getvalue()
            out.write(line)
    os.replace(draft, monthly)


def months(bench) -> list[Figure]:
    """A new month where 1, 6 and 12 exist; nothing to do where 12 exist."""
    asked = bench.asked
    root, later = bench.folder / "by-month", bench.folder / "by-month-later"
    for folder in (root, later):
        shutil.rmtree(folder, ignore_errors=True)
    facts, leaves = asked.month_facts * MONTHS, asked.month_leaves * MONTHS
    print(f"  generating {MONTHS} months of {asked.month_facts:,} facts, {asked.month_leaves:,} leaves", flush=True)
    words = ["--facts", facts, "--leaves", leaves, "--months", MONTHS, "--first-month", FIRST_MONTH]
    bench.ratehouse("sample-months", "sample", str(later), *map(str, words))
    (root / "raw").mkdir(parents=True)
    for folder in (p for p in (later / "raw").iterdir() if p.name != "mrf"):
        folder.rename(root / "raw" / folder.name)

    def bring(names: tuple[str, ...]) -> None:
        for path in sorted((later / "raw" / "mrf").glob("*/*")):
            if re.match(r"\d{4}-\d{2}", path.name)[0] in names:
                place = root / "raw" / "mrf" / path.parent.name
                place.mkdir(parents=True, exist_ok=True)
                path.rename(place / path.name)

    bring(BEGIN)
    print("  building the first month", flush=True)
    _build(bench, root, "months-begin")
    taken, figures = [], []
    for existing, month, filling in MEASURED:
        if existing == 12:
            there = len(_digests(root))
            figures.append(_nothing(bench, root, "months", f"{there:,} leaves, {existing} months"))
        bring((month,))
        before, offset = _digests(root), journal_size(root)
        print(f"  building a new month where {existing} {'exist' if existing > 1 else 'exists'}", flush=True)
        watched = _build(bench, root, f"months-{existing}")
        wrote = [e for e in events_of(root, offset) if e["event"] == "done" and e["task"] == "enriched.EnrichedGroup"]
        touched = {e["month"] for e in wrote}
        assert touched == {month}, f"leaves of other months were written: {touched}"
        now = _digests(root)
        assert before.items() <= now.items(), "leaves of other months changed"
        taken.append((existing, watched, len(now) - len(before)))
        if filling:
            bring(filling)
            print(f"  building {len(filling)} more months", flush=True)
            _build(bench, root, f"months-fill-{existing}")
    shutil.rmtree(later, ignore_errors=True)
    spread = max(w.seconds for _, w, _ in taken) / min(w.seconds for _, w, _ in taken)
    busy = max(w.busy for _, w, _ in taken) / min(w.busy for _, w, _ in taken)
    counts = ", ".join(f"{leaves:,}" for _, _, leaves in taken)
    figures.append(
        Figure(
            "months",
            f"a new month of {asked.month_facts:,} facts when 1, 6 and 12 exist",
            ", ".join(seconds(w.seconds) for _, w, _ in taken) + f": {spread:.2f} times at most",
            f"{', '.join(seconds(w.busy) for _, w, _ in taken)} of processors: {busy:.2f} times; {counts} leaves written",
            "equal within 10 %",
            judged(spread, MONTHS_SPREAD, shown="{:.2f} times"),
        )
    )
    return figures

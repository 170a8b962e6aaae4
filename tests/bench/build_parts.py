"""Parts of `warehouse.py` that measure a first build and other ways to write the same leaves.

What belongs here: the parts build, polars, guidelines, sorted. What must not come in: changes of a built warehouse
(`change_parts`), the table (`report`).
"""

from __future__ import annotations

import shutil

from pipeline import paths
from pipeline.storage import journal
from report import Figure, judged, megabytes, seconds

RATES_A_SECOND = 13_400_000 / 600  # 13.4 million rates in ten minutes
LEAST_RATES = 3_000_000
TREE_BYTES = 2_000_000_000
LUIGI_SHARE, GATE_SHARE = 0.05, 0.15
POLARS_TIMES, POLARS_MEMORY = 1.3, 0.25
GUIDELINES_SHARE = 1 / 25
SORTED_SHARE = 0.75


def events_of(root, offset: int) -> list[dict]:
    """What the journal got since it had `offset` bytes."""
    return list(journal.read(paths.Root(root).journal, offset=offset))


def journal_size(root) -> int:
    """Bytes of the journal now."""
    path = paths.Root(root).journal
    return path.stat().st_size if path.exists() else 0


def stage(events: list[dict], *tasks: str) -> tuple[float, float]:
    """When the first of these tasks began and the last ended (seconds of the epoch); (0, 0) when none ran."""
    found = [e for e in events if e.get("task") in tasks and e["event"] in ("start", "done")]
    return (min(e["at"] for e in found), max(e["at"] for e in found)) if found else (0.0, 0.0)


LEAVES = ("enriched.LeafPlan", "enriched.EnrichedGroup", "enriched.EnrichedMonth")
ENRICHED = ("enriched.EnrichedRows", *LEAVES)


def build(bench) -> list[Figure]:
    """Generate raw files, then build everything of them."""
    asked = bench.asked
    if "raw" not in bench.found:
        shutil.rmtree(bench.root, ignore_errors=True)
        print(f"  generating {asked.facts:,} facts for {asked.leaves:,} leaves", flush=True)
        words = ["--facts", asked.facts, "--leaves", asked.leaves, "--months", asked.months]
        words += ["--providers", asked.providers] if asked.providers else []
        made = bench.ratehouse("sample", "sample", str(bench.root), *map(str, words))
        bench.found["raw"] = " ".join(made.output.split("; next:")[0].split(": ", 1)[1].split())
        bench.save()
    for kept in (p for p in bench.root.iterdir() if p.name != "raw"):  # of a run that was stopped
        shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    print("  building it", flush=True)
    watched = bench.ratehouse(
        "build", "--root", str(bench.root), "build", "--workers", str(asked.workers), "--local-scheduler"
    )
    events = events_of(bench.root, 0)
    began, ended = stage(events, *ENRICHED)
    rates = sum(row["rates_read"] for row in _accounts(bench.root))
    leaves = sum(row["leaves"] for row in _accounts(bench.root))
    bench.found |= {
        "build_seconds": watched.seconds,
        "stage_seconds": ended - began,
        "leaves_seconds": (lambda a, b: b - a)(*stage(events, *LEAVES)),
        "stage_bytes": watched.peak(began, ended),
        "leaves": leaves,
        "told": [bench.found["raw"], f"{leaves:,} leaves were published"],
    }
    speed = rates / watched.seconds
    return [
        Figure(
            "build",
            "raw in-network JSON to published warehouse",
            f"{seconds(watched.seconds)} for {rates:,} rates: {speed:,.0f} a second",
            f"{seconds(watched.busy)} of processors",
            f"{RATES_A_SECOND:,.0f} rates a second (13.4 M in 10 min)",
            _speed_verdict(speed, rates),
        ),
        Figure(
            "build",
            "peak memory of all processes, whole build",
            megabytes(watched.peak()),
            f"in the enriched stage {megabytes(bench.found['stage_bytes'])}",
            megabytes(TREE_BYTES),
            judged(watched.peak() and watched.peak() / 1e6, TREE_BYTES / 1e6, shown="{:,.0f} MB"),
        ),
        *_shares(events, watched.seconds),
    ]


def _speed_verdict(speed: float, rates: int) -> str:
    """Whether it is fast enough; of few rates the fixed costs are most, and nothing follows for many."""
    if rates < LEAST_RATES:
        return f"judged from {LEAST_RATES:,} rates on"
    return "PASS" if speed >= RATES_A_SECOND else f"over its limit: {RATES_A_SECOND / speed:.1f} times as long"


def _accounts(root) -> list[dict]:
    import duckdb

    with duckdb.connect(str(paths.Root(root).catalog), read_only=True) as con:
        return con.sql("SELECT rates_read, leaves FROM month_accounts").to_arrow_table().to_pylist()


def _shares(events: list[dict], whole: float) -> list[Figure]:
    """What of a build was Luigi's own time, and what the gates took."""
    luigi = sum(e["luigi_seconds"] for e in events if e["event"] == "scheduled")
    tasks = sum(e["tasks"] for e in events if e["event"] == "scheduled")
    done = [e for e in events if e["event"] == "done"]
    checks = sum(e.get("gate_seconds", 0) for e in done)
    imports = sum(e.get("gate_import_seconds", 0) for e in events)
    docs = sum(e["seconds"] for e in events if e["event"] == "docs")
    # By worker: two tasks that run side by side for a second are two seconds of work. `done` of a month is its sum.
    work = sum(e["seconds"] for e in done) + imports + docs + luigi
    gates = (checks + imports + docs) / work
    return [
        Figure(
            "build",
            "share of the build in Luigi's scheduling (its parent not waiting for a task)",
            f"{luigi / whole:.1%}",
            f"{luigi:.1f} s of {whole:.0f} s, {tasks} tasks run",
            f"{LUIGI_SHARE:.0%}",
            judged(luigi / whole, LUIGI_SHARE, shown="{:.1%}"),
        ),
        Figure(
            "build",
            "share of the build in gates (of the seconds of all workers)",
            f"{gates:.1%}",
            f"checks {checks:.1f} s, import of Great Expectations {imports:.1f} s, Data Docs {docs:.1f} s, of {work:.0f} s",
            f"{GATE_SHARE:.0%}",
            judged(gates, GATE_SHARE, shown="{:.1%}"),
        ),
    ]


def _joined(bench):
    """The joined rows of the first month, from which its leaves are cut: a pattern of their files."""
    first = min((bench.root / "staged" / "enriched").glob("fact_rate_enriched_*.parquet"))
    return first.with_name(f"{first.name.partition('.')[0]}*.parquet")


def _not_beside(bench, part: str) -> list[Figure] | None:
    """Why a baseline is not measured at this size, if so."""
    asked = bench.asked
    if asked.months > 1:
        return [Figure(part, f"beside {part}", "not measured", "measured with --months 1")]
    if asked.facts > asked.most_for_baselines:
        return [
            Figure(
                part, f"beside {part}", "not measured", f"more than --most-for-baselines {asked.most_for_baselines:,}"
            )
        ]
    return None


def polars(bench) -> list[Figure]:
    """Polars' one pass over the joined rows."""
    if passed := _not_beside(bench, "polars"):
        return passed
    print("  Polars writes the same joined rows in one pass", flush=True)
    found, watched = bench.baseline("polars", _joined(bench))
    ours, memory, theirs = bench.found["stage_seconds"], bench.found["stage_bytes"], watched.peak()
    share = memory / theirs if memory and theirs else None
    return [
        Figure(
            "polars",
            "enriched stage, all of it (join, gate, plan, leaves durable)",
            f"{seconds(ours)}; from the joined rows on {seconds(bench.found['leaves_seconds'])}",
            f"Polars' sink_parquet(PartitionBy) of the joined rows: {seconds(found['seconds'])}, "
            f"{found['files']:,} files, {megabytes(found['bytes'])}",
            f"{POLARS_TIMES} times",
            judged(ours / found["seconds"], POLARS_TIMES, shown="{:.2f} times"),
        ),
        Figure(
            "polars",
            "its peak memory, all processes",
            megabytes(memory),
            f"Polars: {megabytes(theirs)}",
            "a quarter",
            judged(share, POLARS_MEMORY),
        ),
        Figure(
            "polars",
            "fsync of every leaf",
            "in the figure above",
            f"Polars makes none; each file and folder afterwards: {seconds(found['fsync_seconds'])}",
        ),
    ]


def guidelines(bench) -> list[Figure]:
    """The algorithm of the guidelines, for some of the leaves."""
    if passed := _not_beside(bench, "guidelines"):
        return passed
    print("  the guidelines' algorithm writes 300 leaves", flush=True)
    found, _ = bench.baseline("guidelines", _joined(bench))
    each = found["seconds"] / found["measured"]
    whole = found["load_seconds"] + each * found["leaves"]
    ours = bench.found["stage_seconds"]
    return [
        Figure(
            "guidelines",
            "the same stage beside the guidelines' algorithm",
            f"{seconds(ours)}: 1/{whole / ours:.1f} of it",
            f"{found['measured']} leaves measured at {each * 1000:.1f} ms each; EXTRAPOLATED to {found['leaves']:,}: {seconds(whole)}",
            "1/25",
            "PASS" if ours / whole <= GUIDELINES_SHARE else f"over its limit: 1/{whole / ours:.1f}, not 1/25",
        )
    ]


def sorted_file(bench) -> list[Figure]:
    """One file of all rows, sorted by the keys and not."""
    joined = _joined(bench)
    print("  writing the joined rows in no order of the keys", flush=True)
    found, _ = bench.baseline("unsorted", joined)
    files = list(joined.parent.glob(joined.name))
    size = sum(file.stat().st_size for file in files)
    return [
        Figure(
            "sorted",
            "the unpartitioned enriched rows, sorted by the keys",
            f"{megabytes(size)} in {len(files)} files",
            f"the same rows by a hash, in one: {megabytes(found['bytes'])}",
            f"{SORTED_SHARE} times",
            judged(size / found["bytes"], SORTED_SHARE),
        )
    ]

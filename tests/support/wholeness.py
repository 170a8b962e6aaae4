"""What must hold of a warehouse after whatever happened to it, by its files against those of an undisturbed build.

What belongs here: looking and comparing. What must not come in: doing anything to a warehouse.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

import kit
from pipeline import session, settings
from pipeline.operations import status, verify


def tables(root: Path) -> dict[str, str]:
    """The hash of every Parquet file but those that a build keeps for itself."""
    return {name: digest for name, digest in kit.contents(root).items() if not name.startswith(".state/")}


def look(root: Path) -> None:
    session.use(root)
    settings.load(root.resolve())
    status.begin()


def nothing_counts_as_whole_that_is_not(root: Path, undisturbed: dict[str, str]) -> int:
    """Every file that counts as up to date has the bytes of an undisturbed build; returns how many tasks do."""
    look(root)
    complete = [task for task in status.tasks() if task.staleness() is None]
    now = tables(root)
    for task in complete:
        stamp = task.stamp()
        wrong = [p.path for p in stamp.parts.values() if now.get(p.path) != undisturbed.get(p.path, "no such file")]
        assert wrong == [], task.label
        if task.get_task_family() == "enriched.EnrichedMonth":
            of_month = f"year_month={task.month}/"
            leaves = {name: digest for name, digest in undisturbed.items() if of_month in name}
            assert {name: digest for name, digest in now.items() if of_month in name} == leaves
    return len(complete)


def readers_see_one_build(root: Path, builds: list[dict[str, tuple[int, float]]]) -> None:
    """Who reads through the catalog sees every month of one finished build, whatever lies about beside it."""
    assert catalog(root) in builds


def catalog(root: Path) -> dict[str, tuple[int, float]]:
    """Rows and sum of rates by month and table, read through warehouse.duckdb."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return {
            f"{table}:{month}": (rows, total)
            for table in ("fact_rate", "fact_rate_enriched")
            for month, rows, total in con.sql(
                f"SELECT year_month, count(*), sum(CAST(negotiated_rate AS DECIMAL(18, 2))) FROM {table} GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        }


def stands_as(root: Path, undisturbed: dict[str, str]) -> None:
    """A warehouse holds what an undisturbed build holds, no draft, and nothing that belongs to no table."""
    now = tables(root)
    differing = sorted(name for name in now.keys() | undisturbed.keys() if now.get(name) != undisturbed.get(name))
    assert not differing, differing
    assert not (root / ".scratch").exists()
    look(root)
    assert list(verify.verify(deep=True)) == []
    assert [p for p in root.iterdir() if p.name.startswith(".") and p.name not in (".objects", ".state")] == []

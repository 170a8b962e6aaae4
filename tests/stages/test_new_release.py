"""A new release of the physician fee schedule: who is rebuilt, who is left alone, and who is named as the cause.

Expected leaves are worked out from the joined rows before and after, by plain SQL; what was built is not asked.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

import kit
from pipeline import partition, session, settings
from pipeline.operations import status

JULY, AUGUST, OCTOBER = "PPRRVU2025_Jul.csv", "PPRRVU2025_Aug.csv", "PPRRVU2025_Oct.csv"
OFFICE_VISIT = "99213"


def release(root: Path, name: str, month: str, released: str, work_rvu: str) -> None:
    """The sample's July release under another month, with another work RVU for one office visit."""
    folder = root / "raw" / "medicare"
    text = (folder / JULY).read_text(encoding="latin-1")
    visit = f"{OFFICE_VISIT},,,A,,1.30,"
    assert text.count("July Release") == text.count("RELEASED 06/12/2025") == text.count(visit) == 1
    text = text.replace("July Release", f"{month} Release").replace("06/12/2025", released)
    (folder / name).write_text(text.replace(visit, f"{OFFICE_VISIT},,,A,,{work_rvu},"), encoding="latin-1")


def why(root: Path, target: str) -> str:
    session.use(root)
    settings.load(root.resolve())
    status.begin()
    return status.why(target)


def leaves(root: Path) -> dict[str, kit.Seen]:
    return {n: seen for n, seen in kit.parquet_files(root).items() if n.startswith("gold/fact_rate_enriched/")}


def joined(root: Path, month: str) -> Path:
    return root / "staged" / "enriched" / f"fact_rate_enriched_{month}.parquet"


@pytest.mark.slow
def test_a_release_rewrites_the_leaves_whose_values_it_changes_and_why_names_it(sample, tmp_path):
    old = shutil.copy(joined(sample, "2025-08"), tmp_path / "old.parquet")
    before = leaves(sample)
    release(sample, AUGUST, "August", "07/20/2025", "1.31")
    release(sample, OCTOBER, "October", "09/20/2025", "9.99")  # of no month that is there

    assert why(sample, "bench_medicare_prof_detail") == (
        f"bench_medicare_prof_detail would be built: raw/medicare/{AUGUST}: it was never built"
    )
    assert f"raw/medicare/{AUGUST}" in why(sample, "fact_rate_enriched:2025-08")
    done = kit.build(sample)
    assert done.ok, done.failures

    changed = kit.rewritten(before, leaves(sample))
    keys = ", ".join(partition.KEYS)
    with duckdb.connect() as con:
        for name, path in (("old", old), ("new", joined(sample, "2025-08"))):
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}', hive_partitioning = false)")
        differing = con.sql(f"""
            SELECT DISTINCT {keys} FROM ((FROM new EXCEPT ALL FROM old) UNION ALL (FROM old EXCEPT ALL FROM new))
            """).fetchall()
        source = "regexp_replace(benchmark_source, '(, national)?(; rarely done there)?$', '')"
        sources = con.sql(f"SELECT DISTINCT {source} FROM new WHERE benchmark_type = 'PFS'").fetchall()
    folders = {partition.folder(dict(zip(partition.KEYS, row, strict=True)), partition.KEYS) for row in differing}
    assert {n.removeprefix("gold/fact_rate_enriched/").partition("/year_month=")[0] for n in changed} == folders
    assert {n.partition("/year_month=")[2][:7] for n in changed} == {"2025-08"}, "July is left alone"
    assert sources == [("PFS RVU25-08 effective 2025-08-01 (in force)",)]

"""A month's joined rows in pieces: the same rows and leaves as in one file, and what changed in a few rows costs a few.

What is in a piece, and how rows are cut, is tested with the join (`test_fact_rate_enriched`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kit
from pipeline import session, settings
from pipeline.operations import verify
from pipeline.stages import enriched_rows
from sample_files import MONTHS, files, move
from wholeness import tables

pytestmark = pytest.mark.slow

LEAVES = "gold/fact_rate_enriched/"


def pieces(root: Path, month: str) -> list[str]:
    """The month's files, in the order of their rows."""
    session.use(root)
    settings.load(root.resolve())
    parts = enriched_rows.EnrichedRows(month=month).stamp().parts_of("fact_rate_enriched")
    return [part.path for part in parts]


def rows(root: Path, month: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(root / name) for name in pieces(root, month)])


def all_well(root: Path) -> None:
    session.use(root)
    settings.load(root.resolve())
    assert list(verify.verify(deep=True)) == []
    of_months = {name for month in MONTHS for name in pieces(root, month)}
    assert {n for n in files(root) if n.startswith("staged/enriched/fact_rate_enriched_")} == of_months


def holding(root: Path, npi: str) -> set[str]:
    """The pieces that have rows of a provider."""
    names = [name for month in MONTHS for name in pieces(root, month)]
    with duckdb.connect() as con:
        return {n for n in names if con.sql(f"SELECT 1 FROM '{root / n}' WHERE npi = '{npi}' LIMIT 1").fetchall()}


def test_pieces(sample, tmp_path):
    whole = {month: rows(sample, month) for month in MONTHS}
    before = files(sample)
    (sample / "luigi.cfg").write_text("[partitioning]\npiece_rows = 150\n")
    assert kit.build(sample).ok
    for month in MONTHS:
        assert len(pieces(sample, month)) >= 10
        assert rows(sample, month).equals(whole[month]), "the same rows in the same order"
    assert not any(name.startswith(LEAVES) for name in kit.rewritten(before, files(sample)))
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        (counted,) = con.sql("SELECT count(*), count(DISTINCT fact_uid) FROM fact_rate_enriched").fetchall()
        ((listed,),) = con.sql("SELECT count(*) FROM table_files WHERE table_name = 'fact_rate_enriched'").fetchall()
    assert counted == (3988, 3988)
    assert listed == sum(len(pieces(sample, month)) for month in MONTHS)
    all_well(sample)

    # One provider's address: the pieces with rows of it, and no others.
    npi = next(n for n in primary_providers(sample) if len(holding(sample, n)) <= 4)
    before, held = files(sample), holding(sample, npi)
    move(sample / "raw" / "nppes" / "npidata_pfile_20050523-20250810.csv", npi, "1 Elsewhere Street")
    assert kit.build(sample).ok
    changed = {n for n in kit.rewritten(before, files(sample)) if n.startswith("staged/enriched/fact_rate_enriched_")}
    assert changed == held
    all_well(sample)

    # A piece that is lost, and one that is cut: these alone.
    first, second = pieces(sample, MONTHS[0])[:2]
    before = files(sample)
    (sample / first).unlink()
    with open(sample / second, "r+b") as file:
        file.truncate(1000)
    assert kit.build(sample).ok
    assert kit.rewritten(before, files(sample)) == {second}, "of the first, its object is the same file"
    assert {n: seen.sha256 for n, seen in files(sample).items()} == {n: seen.sha256 for n, seen in before.items()}

    # Fewer rows: the pieces before and behind are the same, under other numbers, and none is left over.
    gone = sorted((sample / "raw" / "mrf").glob(f"*/{MONTHS[1]}*"))[-1]
    before = {month: {Path(sample / n).read_bytes() for n in pieces(sample, month)} for month in MONTHS}
    gone.unlink()
    assert kit.build(sample, forget_missing=True).ok
    now = {month: {Path(sample / n).read_bytes() for n in pieces(sample, month)} for month in MONTHS}
    assert now[MONTHS[0]] == before[MONTHS[0]]
    assert 0 < len(now[MONTHS[1]]) < len(before[MONTHS[1]])
    assert now[MONTHS[1]] & before[MONTHS[1]], "some are the same"
    all_well(sample)

    # All of it as a build from nothing has it.
    fresh = tmp_path / "fresh"
    shutil.copytree(sample / "raw", fresh / "raw", copy_function=shutil.copy2)
    shutil.copy(sample / "luigi.cfg", fresh)
    assert kit.build(fresh).ok
    assert tables(sample) == tables(fresh)

    # And back in one file, the others removed.
    (sample / "luigi.cfg").unlink()
    before = files(sample)
    assert kit.build(sample).ok
    assert [len(pieces(sample, month)) for month in MONTHS] == [1, 1]
    assert not any(name.startswith(LEAVES) for name in kit.rewritten(before, files(sample)))
    all_well(sample)


def primary_providers(root: Path) -> list[str]:
    names = [str(root / name) for month in MONTHS for name in pieces(root, month)]
    registry = root / "raw" / "nppes" / "npidata_pfile_20050523-20250810.csv"
    known = {line[1:11] for line in registry.read_text(encoding="utf-8").splitlines()}
    with duckdb.connect() as con:
        found = con.sql(f"SELECT DISTINCT npi FROM read_parquet({names}) WHERE status = 'A' ORDER BY npi").fetchall()
    return [npi for (npi,) in found if npi in known]

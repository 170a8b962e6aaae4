"""The layouts of the fact: the same rows in each, made of what is staged; the former one goes when another is published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest

import kit
from pipeline import errors, settings, tables
from pipeline.storage import journal

MONTHS, STATES = ("2025-07", "2025-08"), ("GA", "TX", "US")
FILES = {
    "monthly": set(),
    "state_month": {f"gold/fact_rate/fact_rate_{s}_{m}.parquet" for s in STATES for m in MONTHS},
    "single": {"gold/fact_rate/fact_rate.parquet"},
    "hive": {f"gold/fact_rate/state={s}/year_month={m}/fact_rate.parquet" for s in STATES for m in MONTHS},
}
SHARDS = {f"gold/fact_rate_{m}.parquet" for m in MONTHS}


def choose(root: Path, layout: str) -> None:
    (root / "luigi.cfg").write_text(f"[facts]\nlayout = {layout}\n", encoding="utf-8")


def rows(paths_: list[Path]) -> list[tuple]:
    """Every row of some files, which stand in no Hive folder as far as this reader knows."""
    names = [str(p) for p in paths_]
    relation = duckdb.connect().sql(f"SELECT * FROM read_parquet({names}, hive_partitioning = false) ORDER BY fact_uid")
    assert relation.columns == list(tables.get("fact_rate").columns)
    return relation.fetchall()


def layout_files(root: Path) -> set[str]:
    folder = root / "gold" / "fact_rate"
    return {p.relative_to(root).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_the_same_rows_in_each(sample):
    """From one layout to the next and back: nothing is read again, no shard is touched, nothing of the former one stays."""
    shards = [sample / name for name in sorted(SHARDS)]
    expected = rows(shards)
    before, former = kit.parquet_files(sample), None
    for layout in ("state_month", "single", "hive", "monthly"):
        choose(sample, layout)
        offset = (sample / ".state" / "journal.jsonl").stat().st_size
        assert kit.build(sample).ok
        events = list(journal.read(sample / ".state" / "journal.jsonl", offset=offset))
        assert {e["task"] for e in events if e["event"] == "done"} == {"facts.FactLayout"}
        assert not [e for e in events if e.get("task", "").startswith(("ingest.", "enriched."))]
        (done,) = (e for e in events if e["event"] == "done")
        assert done["why"] == (
            f"the setting [facts] layout is {layout}, and was {former}" if former else "it was never built"
        )
        former = layout

        assert layout_files(sample) == FILES[layout]
        after = kit.parquet_files(sample)
        assert kit.rewritten(before, after) == FILES[layout]
        if layout == "monthly":
            assert not (sample / "gold" / "fact_rate").exists(), "not even its folder"
            continue
        assert rows([sample / name for name in FILES[layout]]) == expected
        assert kit.build(sample).nothing_to_do
        for name in FILES[layout]:
            found = duckdb.sql(
                f"SELECT DISTINCT state, year_month FROM read_parquet('{sample / name}', hive_partitioning = false)"
            )
            told = set(found.fetchall())
            if layout == "single":
                assert told == {(s, m) for s in STATES for m in MONTHS}
            else:
                ((state, month),) = told
                assert f"{state}_{month}" in name or f"state={state}/year_month={month}/" in name
        if layout == "hive":
            others_read_it(sample / "gold" / "fact_rate", len(expected))


def others_read_it(tree: Path, expected: int) -> None:
    """The Hive layout is read as the enriched tree is."""
    found = duckdb.sql(
        f"SELECT state, year_month, count(*) FROM read_parquet('{tree}/*/*/*.parquet', hive_partitioning = true) GROUP BY ALL"
    )
    told = {(state, month): n for state, month, n in found.fetchall()}
    assert sum(told.values()) == expected
    for frame in (
        pl.read_parquet(tree, hive_partitioning=True),
        pl.from_arrow(ds.dataset(tree, format="parquet", partitioning="hive").to_table()),
    ):
        counted = frame.group_by("state", "year_month").len().rows()
        assert {(state, month): n for state, month, n in counted} == told


@pytest.mark.slow
def test_a_changed_fact_changes_its_file_alone(sample):
    """And a file of the layout that is lost is made again, alone."""
    choose(sample, "hive")
    assert kit.build(sample).ok
    raw = sample / "raw" / "mrf" / "TX" / "2025-08_tupelo-vine_tx_in-network-rates.json"
    text = raw.read_text(encoding="utf-8")
    first = text.index('"negotiated_rate"')
    end = min(i for i in (text.find(",", first), text.find("}", first)) if i > 0)
    raw.write_text(f'{text[:first]}"negotiated_rate": 77.77{text[end:]}', encoding="utf-8")
    before = kit.parquet_files(sample)
    assert kit.build(sample).ok
    changed = {n for n in kit.rewritten(before, kit.parquet_files(sample)) if n.startswith("gold/fact_rate/")}
    assert changed == {"gold/fact_rate/state=TX/year_month=2025-08/fact_rate.parquet"}
    found = rows([sample / name for name in changed])
    rate = list(tables.get("fact_rate").columns).index("negotiated_rate")
    assert 77.77 in {row[rate] for row in found}

    lost = sample / "gold/fact_rate/state=GA/year_month=2025-07/fact_rate.parquet"
    before = kit.parquet_files(sample)
    lost.unlink()
    assert kit.build(sample).ok
    after = kit.parquet_files(sample)
    assert kit.rewritten(before, after) == {lost.relative_to(sample).as_posix()}
    assert (
        kit.contents(sample)[lost.relative_to(sample).as_posix()] == before[lost.relative_to(sample).as_posix()].sha256
    )


@pytest.mark.slow
def test_a_blocked_month_holds_up_no_other(sample):
    """A month that cannot be read is not in the layout; one that was published before stays in it as it was."""
    choose(sample, "hive")
    mrf = sample / "raw" / "mrf"
    whole = (mrf / "GA" / "2025-08_tupelo-vine_ga_in-network-rates.json").read_bytes()
    (mrf / "GA" / "2025-08_tupelo-vine_ga_in-network-rates.json").write_bytes(whole[: len(whole) // 2])
    new = whole.replace(b"2025-08", b"2025-09")
    (mrf / "GA" / "2025-09_broken.json").write_bytes(new[: len(new) // 2])
    before = kit.parquet_files(sample)
    outcome = kit.build(sample)
    assert not outcome.ok
    assert {e["label"] for e in outcome.failures} >= {"gold/fact_rate_2025-08", "gold/fact_rate_2025-09"}
    assert layout_files(sample) == FILES["hive"]
    shards = [sample / name for name in sorted(SHARDS)]
    assert rows([sample / name for name in FILES["hive"]]) == rows(shards)
    assert not SHARDS & kit.rewritten(before, kit.parquet_files(sample))


def test_no_such_layout(tmp_path):
    (tmp_path / "raw").mkdir()
    choose(tmp_path, "weekly")
    with pytest.raises(errors.SettingsError, match="weekly") as refused:
        settings.load(tmp_path)
    assert "state_month" in str(refused.value)
    settings.load()

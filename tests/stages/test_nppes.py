"""The registry in a build: staged once, kept by NPI, and never read again for a new month."""

from __future__ import annotations

import dataclasses
import json
import shutil

import duckdb
import pytest

import kit
from pipeline import paths, session, settings, source_names, tables
from pipeline.readers.nppes import read as nppes
from pipeline.readers.nppes import registry_csv
from pipeline.stages import reference_file
from pipeline.storage import external_sort
from pipeline.tasks import base as task

MONTHLY = "npidata_pfile_20050523-20250810.csv"


@pytest.mark.slow
def test_a_new_month_does_not_read_the_registry_again(tmp_path, monkeypatch):
    """A group of the new month names a provider that nobody named before: the registry knew it all along."""
    kit.small(tmp_path)
    (tmp_path / "raw" / "nppes").mkdir()
    shutil.copy(kit.SAMPLE / "nppes" / MONTHLY, tmp_path / "raw" / "nppes")
    staged = tmp_path / source_names.label("nppes", MONTHLY)
    assert kit.build(tmp_path).ok
    before = kit.parquet_files(staged)
    providers = f"read_parquet('{staged}/staged_nppes.parquet')"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        listed = [npi for (npi,) in con.sql(f"SELECT npi FROM {providers}").fetchall()]
        ((unnamed, family),) = con.sql(
            f"SELECT npi, coalesce(last_name, organization_name) FROM {providers} "
            "WHERE status = 'A' AND npi NOT IN (SELECT npi FROM dim_npi) ORDER BY npi LIMIT 1"
        ).fetchall()
    assert listed == sorted(listed)
    raw = tmp_path / "raw" / "mrf"
    document = json.loads((raw / kit.SMALL).read_text(encoding="utf-8").replace("2025-08", "2025-09"))
    for reference in document["provider_references"]:
        reference["provider_groups"][0]["npi"] = [int(unnamed)]
    (raw / "GA" / "2025-09_new_in-network-rates.json").write_text(json.dumps(document), encoding="utf-8")

    def refuse(*_):
        raise AssertionError("the registry is read again")

    monkeypatch.setattr(nppes, "read", refuse)
    assert kit.build(tmp_path).ok
    assert kit.parquet_files(staged) == before
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        known = con.sql(
            f"SELECT status, coalesce(last_name, organization_name) FROM dim_npi WHERE npi = '{unnamed}'"
        ).fetchall()
        assert known == [("A", family)]
        ((kept, named),) = con.sql(
            "SELECT (SELECT list(npi ORDER BY npi) FROM dim_npi), "
            "(SELECT list(DISTINCT npi ORDER BY npi) FROM xref_group_member WHERE npi IS NOT NULL)"
        ).fetchall()
        assert kept == named
        assert len(kept) < len(listed)


def test_blocks_of_any_size_are_staged_as_the_same_bytes(tmp_path, monkeypatch):
    root = tmp_path / "warehouse"
    (root / "raw" / "nppes").mkdir(parents=True)
    shutil.copy(kit.SAMPLE / "nppes" / MONTHLY, root / "raw" / "nppes")
    session.use(root)
    settings.load(root.resolve())
    task = reference_file.REFERENCES["nppes"](path=MONTHLY)
    made = []
    for size, rows in ((8 << 20, 1 << 20), (40_000, 1), (20_000, 100)):
        monkeypatch.setattr(registry_csv, "BLOCK_BYTES", size)
        monkeypatch.setattr(registry_csv, "BLOCK_ROWS", rows)
        monkeypatch.setattr(external_sort, "SPILLED_ROWS", rows)  # all in memory, or by ranges on disk
        folder = paths.make_folder(task.warehouse.scratch / str(size))
        task.produce({name: folder / f"{name}.parquet" for name in task.targets()})
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1] == made[2]
    assert sorted(made[0]) == ["staged_nppes.parquet", "staged_nppes_address.parquet"]


def test_another_choice_of_columns_written_as_numbers_is_another_file(monkeypatch):
    """Bytes and digests change with it, so it belongs to what a table was built from."""
    declared = tables.get("staged_nppes")
    chosen = task._schema(declared.name)
    monkeypatch.setitem(
        tables.REGISTRY, declared.name, dataclasses.replace(declared, dictionary_encode=declared.dictionary_encode[1:])
    )
    assert task._schema(declared.name) != chosen

"""A verdict is known again by all that it rests on, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import kit
import verdicts

SUITE = kit.REPOSITORY / "expectations" / "dim_tin.json"


def basis(path: Path, suite: Path = SUITE, month: str = "2025-08", label: str = "dims/dim_tin") -> str:
    views = {"dim_tin": f"SELECT tin FROM read_parquet(['{path}'], hive_partitioning = false)"}
    return verdicts._basis(suite, views, {"year_month": month}, label)


def test_the_bytes_of_the_files_count_and_their_names_do_not(tmp_path):
    one, alike, other = (tmp_path / name for name in ("one's.parquet", "alike.parquet", "other.parquet"))
    one.write_bytes(b"rows")
    alike.write_bytes(b"rows")
    other.write_bytes(b"other rows")
    quoted = Path(str(one).replace("'", "''"))
    assert basis(quoted) == basis(alike) != basis(other)


def test_suite_variables_and_label_count(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"rows")
    suite = tmp_path / "dim_tin.json"
    suite.write_text(SUITE.read_text(encoding="utf-8").replace('"critical"', '"warning"', 1), encoding="utf-8")
    assert suite.read_text(encoding="utf-8") != SUITE.read_text(encoding="utf-8")
    known = [basis(path), basis(path, suite), basis(path, month="2025-09"), basis(path, label="dims/dim_npi")]
    assert len(set(known)) == 4

"""What is known of each in-network file: its header, its counts, its verdict."""

from __future__ import annotations

import duckdb

import staged_rates
from dimension_rows import NEW, OLD, made, source
from pipeline import tables

COLUMNS = tables.get("dim_source_file").columns
BROKEN = {"status": "broken", "reason": "cut off", "rates_read": None}


def test_every_file_has_its_row_the_broken_ones_too():
    """Of one path a row for each month that it was of, in the order of files and months."""
    sources = [source(NEW, status="whole"), source(OLD, status="whole"), source(OLD, year_month="2025-05", **BROKEN)]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in made("dim_source_file", sources)]
    assert [(row["file"], row["year_month"], row["status"], row["reason"]) for row in rows] == [
        (OLD, "2025-05", "broken", "cut off"),
        (OLD, "2025-06", "whole", None),
        (NEW, "2025-07", "whole", None),
    ]
    assert [row["batch_id"] for row in rows] == [staged_rates.batch(f) for f in (OLD, OLD, NEW)]
    assert [row["rates_read"] for row in rows] == [None, 10, 10]


def test_no_source_no_row():
    assert made("dim_source_file", []) == []


def test_what_a_build_says_of_its_files(two_months_built):
    """Two rates each, 205.5 and 207.5 dollars together, of one provider."""
    with duckdb.connect(str(two_months_built / "warehouse.duckdb"), read_only=True) as con:
        found = con.sql("FROM dim_source_file ORDER BY file")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == 2
    for row, (file, month, total) in zip(
        rows, [("GA/acme_07.json", "2025-07", "205.5"), ("GA/acme_08.json", "2025-08", "207.5")], strict=True
    ):
        expected = {"batch_id": staged_rates.batch(file), "file": file, "state": "GA", "year_month": month}
        expected |= {"payer_slug": "acme_health", "reporting_entity_name": "Acme Health", "status": "whole"}
        expected |= {"reporting_entity_type": "insurer", "last_updated_on": f"{month}-05", "version": "1.0.0"}
        expected |= dict.fromkeys(("prices_read", "priced", "rates_read", "facts", "codes"), 2)
        expected |= dict.fromkeys(("prices_rejected", "without_provider", "duplicates", "rejected", "unresolved"), 0)
        expected |= dict.fromkeys(("groups", "npis", "tins", "tin_npi_pairs", "pos_sets"), 1)
        assert {name: row[name] for name in expected} == expected
        assert (row["bytes"], row["reason"]) == ((two_months_built / "raw" / "mrf" / file).stat().st_size, None)
        assert {name: float(row[name]) for name in ("rate_sum", "fact_sum", "duplicate_sum", "rounded_sum")} == {
            "rate_sum": float(total),
            "fact_sum": float(total),
            "duplicate_sum": 0,
            "rounded_sum": 0,
        }

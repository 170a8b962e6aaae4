"""Who reads through the catalog while builds publish sees, at each look, what exactly one finished build had."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kit
from campaign import ALL
from scripted_sources import BEGIN, put

pytestmark = pytest.mark.slow

# One line for each look: the rows by every way that leads to them, and the dollars.
READER = """
import json, sys, pathlib, time, duckdb
catalog, stop = sys.argv[1:]
while not pathlib.Path(stop).exists():
    with duckdb.connect(catalog, read_only=True, config={"threads": 1}) as con:
        one = lambda sql: con.sql(sql).fetchall()[0]
        paths = [path for path, in con.sql("SELECT object_path FROM partition_manifest").fetchall()]
        seen = [
            *one("SELECT count(*), sum(negotiated_rate)::DECIMAL(18, 2)::VARCHAR FROM fact_rate"),
            *one("SELECT count(*), sum(negotiated_rate)::DECIMAL(18, 2)::VARCHAR FROM fact_rate_enriched"),
            *one(f"SELECT count(*), sum(negotiated_rate)::DECIMAL(18, 2)::VARCHAR FROM read_parquet({paths})"),
            *one("SELECT sum(rows)::BIGINT FROM partition_manifest"),
            *one("SELECT sum(facts)::BIGINT FROM month_accounts"),
            *one("SELECT count(*) FROM fact_rate JOIN fact_rate_enriched USING (fact_uid)"),
        ]
    print(json.dumps(seen), flush=True)
    time.sleep(0.05)  # leaves the builds a processor
"""


def test_no_look_through_the_catalog_mixes_two_builds(server, tmp_path):
    root, stop, seen = tmp_path / "warehouse", tmp_path / "stop", tmp_path / "seen.jsonl"
    rounds = 50 if ALL else 2
    put(root, BEGIN)
    assert server.build(root).code == 0
    finished = {look(root, tmp_path)}
    with open(seen, "w") as out:
        command = [sys.executable, "-c", READER, str(root / "warehouse.duckdb"), str(stop)]
        reader = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
        try:
            for n in range(rounds):
                put(root, (n % 3, (n // 2) % 2, (n // 3) % 2))
                path = root / "raw" / "mrf" / kit.SMALL  # and a price that no other round has
                text = re.sub(r'("negotiated_rate": ?)[\d.]+', rf"\g<1>{100 + n}.5", path.read_text(), count=1)
                path.write_text(text)
                assert server.build(root).code == 0
                finished.add(look(root, tmp_path))
        finally:
            stop.touch()
            told = reader.communicate(timeout=60)[1]
    assert (reader.returncode, told) == (0, "")
    looks = [tuple(json.loads(line)) for line in seen.read_text().splitlines()]
    assert len(looks) > 5 * rounds
    for facts, dollars, *same in looks:
        assert same == [facts, dollars, facts, dollars, facts, facts, facts]
    assert set(looks) <= finished
    assert len(set(looks)) > rounds // 3


def look(root: Path, folder: Path) -> tuple:
    """What the reader sees of a warehouse that stands still."""
    once = folder / "once"
    code = READER.replace("while not", "if not")
    command = [sys.executable, "-c", code, str(root / "warehouse.duckdb"), str(once)]
    return tuple(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))

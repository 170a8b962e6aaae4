"""Nothing that is built is named after a raw file: hostile, long and ambiguous names, all in one warehouse."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from kit import build
from pipeline import source_names
from pipeline.operations import status, verify
from pipeline.stages import ingest
from small_sources import look, put, rows

DEEP = (
    "GA/blue-cross-blue-shield-of-georgia/commercial-large-group-and-self-insured/2025-08-01/"
    "downloaded-from-table-of-contents/in-network/part-01-of-12/"
    "2025-08-01_blue-cross-blue-shield-of-georgia_open-access-pos_in-network-rates.json"
)
NAMES: list[str | bytes] = [
    "GA/a.b.json",
    "GA/a/b.json",
    "GA/" + "x" * 245 + ".json",
    DEEP,
    "GA/rates[1].json",
    "GA/it's 100%; a*b?.json",
    "GA/line\nbreak.json",
]
if sys.platform.startswith("linux"):
    NAMES += [b"GA/caf\xe9.json", r"GA/caf\xe9.json"]


@given(st.text(st.characters(exclude_characters="\0"), max_size=20) | st.binary(max_size=20).map(os.fsdecode))
def test_a_path_and_its_text_stand_for_each_other(path):
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # no name of a file
        return
    text = source_names.as_text(path)
    assert text.encode().decode() == text
    assert source_names.from_text(text) == path


def test_the_id_is_the_md5_of_the_paths_bytes():
    assert source_names.id_of("GA/a.json") == "19873b0ff7d5f233d47932f3bf7130b6"
    assert source_names.id_of(source_names.as_text(os.fsdecode(b"\xe9"))) == "3406877694691ddd1dfb0aca54681407"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_files_under_hostile_names_are_each_their_own_source(tmp_path):
    root = tmp_path / "warehouse"
    for number, name in enumerate(NAMES):
        put(root, name, f"Payer {number}", "2025-08", 10.0 + number)
    outcome = build(root)
    assert outcome.ok, [e["error"] for e in outcome.failures]
    found = rows(
        root,
        "SELECT reporting_entity_name, CAST(sum(negotiated_rate) AS INTEGER) FROM fact_rate GROUP BY ALL ORDER BY ALL",
    )
    assert found == [(f"Payer {number}", 10 + number) for number in range(len(NAMES))]
    shown = [source_names.as_text(os.fsdecode(name)) for name in NAMES]
    assert [name for (name,) in rows(root, "SELECT file FROM dim_source_file ORDER BY rate_sum")] == shown
    look(root)
    listed = {row["file"]: row["batch_id"] for row in status.sources()}
    assert listed == {name: source_names.id_of(name) for name in shown}
    json.dumps(list(status.status()), ensure_ascii=False).encode()
    assert list(verify.verify(deep=True)) == []

    # Of what was built no name has anything of theirs, and none is long.
    built = [p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_relative_to(root / "raw")]
    assert [name for name in built if re.search(r"a\.b\.|x{20}|rates\[|blue-cross|caf[^0-9a-f]|100%|line", name)] == []
    assert max(len(name.rpartition("/")[2]) for name in built) < 130
    assert {p.name for p in (root / "staged/mrf").iterdir()} == set(listed.values())
    assert build(root).nothing_to_do

    # Each can be named in commands as it is shown, when it is gone.
    (root / "raw" / "mrf" / os.fsdecode(NAMES[-2])).unlink()
    (root / "raw" / "mrf" / DEEP).unlink()
    outcome = build(root)
    gone = [f"raw/mrf/{name}" for name in sorted((shown[-2], DEEP))]
    assert [one.name for one in outcome.missing] == gone
    said = kit.ratehouse(root, "forget", *gone)
    assert said.returncode == 0, said.stderr
    assert build(root).ok
    assert rows(root, "SELECT count(*) FROM dim_source_file") == [(len(NAMES) - 2,)]


@pytest.mark.slow
def test_rejected_records_say_which_file_they_are_of(tmp_path):
    root = tmp_path / "warehouse"
    path = put(root, "GA/a.b.json", "Acme Health", "2025-08", *range(1, 200))
    path.write_text(path.read_text().replace('"negotiated_rate": 7,', '"negotiated_rate": "n/a",'))
    assert build(root).ok
    look(root)
    (task,) = ingest.in_network()
    (record,) = (root / "quarantine/records" / f"{task.batch_id}.jsonl").read_text().splitlines()
    assert json.loads(record)["source"] == "raw/mrf/GA/a.b.json"

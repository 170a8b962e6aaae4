"""What becomes of each file under raw/: where a misplaced one belongs, what is skipped, what is ignored."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import zipfile
from pathlib import Path

import pytest

import kit
from pipeline import errors, raw_kinds, session, settings
from pipeline.operations import build, status
from pipeline.readers import beginnings
from pipeline.sources import listing
from pipeline.sources.sorting import Sorter
from pipeline.stages import reference_file

RATES = json.dumps({"reporting_entity_name": "Acme", "last_updated_on": "2025-08-01", "in_network": []})


def _sorted(*names: str, ignore: tuple[str, ...] = (), looks: bool | None = False):
    sorter = Sorter(ignore, lambda path: looks)
    for name in names:
        sorter.take(name)
    return sorter.sorted


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("mfr/GA/x.json", "raw/mrf/GA/"),
        ("mfr/x.json", "raw/mrf/<STATE>/"),
        ("x.json", "raw/mrf/<STATE>/"),
        ("X.JSON.GZ", "raw/mrf/<STATE>/"),
        ("GA/x.json", "raw/mrf/GA/"),
        ("ga/deep/x.json.gz", "raw/mrf/GA/"),
        ("MRF/GA/x.json", "raw/mrf/GA/"),
        ("mrf/x.json", "raw/mrf/<STATE>/"),
        ("mrf/ga/x.json", "raw/mrf/GA/"),
        ("mrf/Georgia/x.zip", "raw/mrf/<STATE>/"),
        ("mrf/nppes/npi.csv", "raw/nppes/"),
        ("Medicare/x.csv", "raw/medicare/"),
        ("medicares/x.txt", "raw/medicare/"),
        ("npidata_pfile_20050523-20250810.csv", "raw/nppes/"),
        ("NPPES_Data_Dissemination_August_2025.zip", "raw/nppes/"),
        ("downloads/PPRRVU2025_Oct.csv", "raw/medicare/"),
        ("July 2025 Addendum B.csv", "raw/medicare/"),
        ("reference/geo/ZIP_CBSA_062025.xlsx", "raw/geo/"),
        ("geonames_US.txt", "raw/geo/"),
        ("nucc_taxonomy_250.csv", "raw/codes/"),
        ("fixes.yml", "raw/corrections/"),
        ("Fixes.YAML", "raw/corrections/"),
        ("declared.yml", "raw/declarations/"),
        ("2025-08-01_acme_index.json", "raw/toc/"),
        ("x.json.bz2", None),
    ],
)
def test_a_misplaced_file_is_named_with_the_right_place(name, place):
    found = _sorted(name)
    assert (found.read, found.skipped, [m.path for m in found.misplaced]) == ({}, [], [name])
    error = found.misplaced[0].error
    assert error.place == f"raw/{name}"
    if place:
        assert error.remedy.startswith(f"move it into {place}")
    assert "[raw] ignore" in error.remedy


def test_what_several_readers_take_may_go_to_any_of_them():
    (one,) = _sorted("table.csv").misplaced
    folders = "raw/nppes/, raw/medicare/, raw/codes/, raw/geo/, raw/pos/, raw/wcfs/"
    assert one.error.remedy.startswith(f"move it into the folder of its kind: {folders}")


def test_yaml_may_be_of_two_kinds():
    (one,) = _sorted("x.yml").misplaced
    assert one.error.remedy.startswith("move it into the folder of its kind: raw/corrections/, raw/declarations/;")


def test_a_parquet_file_comes_in_by_a_command():
    (one,) = _sorted("gold/fact_rate.parquet").misplaced
    assert "ratehouse import-star" in one.error.remedy


@pytest.mark.parametrize(
    "name",
    """mrf/GA/x.json.bz2 mrf/GA/x.json.zst mrf/GA/x.jsonl mrf/GA/x.ndjson mrf/GA/x.ndjson.gz mrf/GA/x.json.gz.1
    mrf/GA/x.json.1 mrf/GA/x.JSON.XZ mrf/GA/x.json.7z mrf/GA/x.json.tar.gz mrf/GA/x.json.txt""".split()
    + ["mrf/GA/x.json (1)", "mrf/GA/x.json.gz (12)"],
)
def test_a_name_near_to_an_in_network_files_is_an_error(name):
    (one,) = _sorted(name).misplaced
    assert one.error.fact == "is no in-network file by its name"
    assert "in-network files end in .json, .json.gz or .zip" in one.error.remedy


@pytest.mark.parametrize("name", ["rates.txt", "rates", "rates.gz", "rates.dat", "rates.csv"])
def test_a_file_that_begins_like_rates_is_an_error_whatever_its_name(name):
    (one,) = _sorted(f"mrf/GA/{name}", looks=True).misplaced
    assert one.error.fact == "begins like an in-network file, but is none by its name"
    assert _sorted(f"mrf/GA/{name}").skipped[0].path == f"mrf/GA/{name}"
    assert "cannot be opened" in _sorted(f"mrf/GA/{name}", looks=None).misplaced[0].error.fact


@pytest.mark.parametrize(
    ("name", "notable"),
    [
        ("medicare/letter.pdf", True),
        ("medicare/RVU25.sas7bdat", True),
        ("nppes/npidata.csv.gz", True),
        ("geo/cbsa.html", True),
        ("mrf/GA/layout.pdf", True),
        ("mrf/GA/data dictionary.xlsx", True),
        ("mrf/notes.pdf", True),
        ("corrections/fixes.yml.txt", True),
        ("mrf/GA/x.json.crdownload", True),
        ("mrf/GA/x.json.aria2", True),
        ("mrf/GA/x.json.part", True),
        ("nppes/x.zip.download", True),
        ("nppes/x.tmp", True),
        ("mrf/GA/x.json.bak", True),
        ("star/fact_rate.parquet", True),
        ("star/abc/notes.txt", True),
        ("utilization/x.csv", True),
        ("mrf/GA/Thumbs.db", False),
        ("desktop.ini", False),
        ("mrf/GA/x.json~", False),
        ("mrf/GA/#x.json#", False),
        ("medicare/~$GPCI2025.xlsx", False),
        ("README.txt", False),
        ("medicare/RVU25D/README.md", False),
        ("mrf/README.txt", False),
        ("codes/LICENSE", False),
        ("mrf/GA/x.json.gz.sha256", False),
        ("mrf/GA/SHA256SUMS", False),
        ("mrf/GA/MD5SUMS.txt", False),
    ],
)
def test_what_nobody_reads_is_skipped_with_its_reason(name, notable):
    found = _sorted(name)
    assert (found.read, found.misplaced) == ({}, [])
    ((path, reason, is_notable),) = [(s.path, s.reason, s.notable) for s in found.skipped]
    assert (path, is_notable) == (name, notable)
    assert reason


@pytest.mark.parametrize(
    "name",
    [
        ".gitattributes",
        "README.md",
        "mrf/README.md",
        "mrf/GA/.DS_Store",
        "mrf/GA/._x.json",
        "mrf/GA/references/any.bin",
    ],
)
def test_what_nobody_put_there_as_data_is_passed_over_in_silence(name):
    found = _sorted(name)
    assert (found.read, found.misplaced, found.skipped) == ({}, [], [])


@pytest.mark.parametrize(
    "name",
    """mrf/GA/x.json mrf/GA/deep/X.JSON.GZ mrf/US/x.zip nppes/x.csv nppes/x.zip medicare/ZIP5.txt medicare/ZIP5
    medicare/RVU25D.zip geo/x.xlsx geo/US.zip medicare/PPRRVU.xls medicare/AA.csv.gz pos/x.csv wcfs/GA.csv codes/betpuf20.txt corrections/a.yml corrections/sub/b.YAML
    star/abc/gold/fact_rate.parquet""".split()
    + ["medicare/2026 July Web Addendum B.07.13.26"],
)
def test_what_a_reader_takes_is_read(name):
    kind, _, rest = name.partition("/")
    found = _sorted(name)
    assert (found.read, found.misplaced, found.skipped) == ({kind: [rest]}, [], [])


def test_patterns_pass_names_over_and_are_counted():
    names = [
        "mrf/GA/old/a.json",
        "mrf/GA/old/b.json",
        "mrf/GA/new.json",
        "x.json",
        "mrf/GA/c.json.bak",
        "mrf/GA/[1].json",
    ]
    found = _sorted(*names, ignore=("mrf/GA/old", "*.bak", "?.json", "never", "*[[]1].json"))
    assert found.read == {"mrf": ["GA/new.json"]}
    assert (found.misplaced, found.skipped) == ([], [])
    assert found.ignored == {
        "mrf/GA/old": ["mrf/GA/old/a.json", "mrf/GA/old/b.json"],
        "*.bak": ["mrf/GA/c.json.bak"],
        "?.json": ["x.json"],
        "never": [],
        "*[[]1].json": ["mrf/GA/[1].json"],
    }


def test_names_that_are_not_utf_8_can_be_printed():
    name = os.fsdecode(b"mfr/r\xe9seau.json")
    (one,) = _sorted(name).misplaced
    assert (one.path, one.error.place) == (r"mfr/r\xe9seau.json", r"raw/mfr/r\xe9seau.json")
    assert str(one.error).encode()
    (skipped,) = _sorted(os.fsdecode(b"medicare/r\xe9seau.pdf")).skipped
    assert skipped.path == r"medicare/r\xe9seau.pdf"
    assert _sorted(os.fsdecode(b"medicare/r\xe9.csv")).read == {"medicare": [os.fsdecode(b"r\xe9.csv")]}
    assert _sorted(name, ignore=("mfr",)).ignored == {"mfr": [r"mfr/r\xe9seau.json"]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (RATES.encode(), True),
        (b"\xef\xbb\xbf\n\n" + RATES.encode(), True),
        (gzip.compress(RATES.encode(), mtime=0), True),
        (bz2.compress(RATES.encode()), True),
        (lzma.compress(RATES.encode()), True),
        (gzip.compress(b" " * 40_000 + RATES.encode(), mtime=0)[:-9], True),
        (b'[{"negotiated_rates": []}]', True),
        (b'{"openapi": "3.0", "info": {}}', False),
        (b"code,in_network\n", False),
        (b"%PDF-1.7", False),
        (b"\x1f\x8b broken", False),
        (b"BZh broken", False),
        (b"", False),
    ],
)
def test_the_beginning_tells_an_in_network_file(tmp_path, content, expected):
    file = tmp_path / "x"
    file.write_bytes(content)
    assert beginnings.begins_like_rates(file) is expected


def test_a_zip_of_rates_without_its_ending_is_known(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.1", "w") as archive:
        archive.writestr("x.json", RATES)
    assert beginnings.begins_like_rates(tmp_path / "x.1")


def test_the_registry_is_what_ingest_reads():
    assert set(reference_file.REFERENCES) == set(raw_kinds.REFERENCES)


# ---- in a warehouse -----------------------------------------------------------------------------------------------


@pytest.fixture
def root(small: Path, tmp_path: Path) -> Path:
    root = kit.copy(small, tmp_path / "warehouse")
    assert kit.build(root).ok
    return root


def put(root: Path, name: str, content: bytes | str = RATES) -> None:
    path = root / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def look(root: Path) -> None:
    session.use(root)
    settings.load(root)
    status.begin()


@pytest.mark.parametrize("name", ["mfr/GA/x.json", "x.json", "mrf/x.json", "GA/x.json.gz", "Medicare/x.csv"])
def test_a_build_names_a_misplaced_file_and_fails_though_nothing_else_is_to_do(root, name):
    put(root, name)
    outcome = kit.build(root)
    assert not outcome.ok
    (event,) = outcome.failures
    assert event["label"] == f"raw/{name}"
    assert event["error"].startswith(f"raw/{name}: ")
    assert [a["facts"] for a in outcome.accounts] == [4]
    assert [(r["table"], r["state"]) for r in status.status() if r["state"] != "built"] == [(f"raw/{name}", "broken")]
    assert kit.build(root, skip_broken=True).ok


def test_the_command_fails_for_a_misplaced_file_and_says_where_it_belongs(root):
    put(root, "mfr/GA/x.json")
    made = kit.ratehouse(root, "build", "--local-scheduler")
    assert made.returncode == 1
    said = " ".join(made.stderr.split())
    assert "FAILED raw/mfr/GA/x.json: raw/mfr/ is no folder that is read move it into raw/mrf/GA/" in said
    assert kit.ratehouse(root, "status").returncode == 1
    listed = kit.ratehouse(root, "sources", "--json")
    assert listed.returncode == 1
    rows = {row["file"]: row["status"] for row in kit.json_lines(listed.stdout)}
    assert rows == {kit.SMALL: "whole", "raw/mfr/GA/x.json": "broken"}


def test_misplaced_files_of_one_folder_are_one_failure(root):
    for number in range(12):
        put(root, f"mfr/GA/{number:02}.json")
    outcome = kit.build(root)
    assert [e["label"] for e in outcome.failures] == ["raw/mfr/GA/00.json"]
    assert "(and 11 more files there, to mfr/GA/11.json)" in outcome.failures[0]["error"]
    assert sum(row["state"] == "broken" for row in status.status()) == 12


def test_what_nobody_reads_is_listed_and_no_error(root):
    for name in (
        "mrf/GA/layout.pdf",
        "medicare/letter.pdf",
        "mrf/GA/x.json.crdownload",
        "mrf/GA/Thumbs.db",
        "mrf/.DS_Store",
    ):
        put(root, name, b"%PDF-1.7\0")
    outcome = kit.build(root)
    assert (outcome.ok, outcome.nothing_to_do) == (True, True)
    assert [name for name, _ in outcome.skipped] == [
        "raw/mrf/GA/layout.pdf",
        "raw/mrf/GA/x.json.crdownload",
        "raw/medicare/letter.pdf",
    ]
    made = kit.ratehouse(root, "status", "--json")
    assert made.returncode == 0
    rows = [(r["table"], r["state"]) for r in kit.json_lines(made.stdout) if r["state"] != "built"]
    assert rows == [
        ("raw/mrf/GA/Thumbs.db", "skipped"),
        ("raw/mrf/GA/layout.pdf", "skipped"),
        ("raw/mrf/GA/x.json.crdownload", "skipped"),
        ("raw/medicare/letter.pdf", "skipped"),
    ]
    shown = kit.ratehouse(root, "status")
    assert shown.returncode == 0
    assert "raw/mrf: 3 files" in shown.stdout
    listed = kit.ratehouse(root, "sources")
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[-1] == "1 file, 1 whole, 4 skipped"


def test_the_setting_passes_files_over_and_says_how_many(root):
    for name in ("mfr/GA/x.json", "mfr/GA/y.json", "mrf/GA/z.json.bz2"):
        put(root, name)
    with (root / "luigi.cfg").open("a") as file:
        file.write("[raw]\nignore = mfr/*\n  *.bz2, never/*\n")
    outcome = kit.build(root)
    assert outcome.ok
    assert outcome.ignored == {"mfr/*": 2, "*.bz2": 1, "never/*": 0}
    states = {r["table"]: r["state"] for r in status.status() if r["state"] != "built"}
    assert states == dict.fromkeys(("raw/mfr/GA/x.json", "raw/mfr/GA/y.json", "raw/mrf/GA/z.json.bz2"), "ignored")


def test_what_cannot_be_listed_is_an_error_with_its_remedy(root):
    (root / "raw" / "mrf" / "TX").symlink_to(root / "unmounted" / "TX")
    outcome = kit.build(root)
    assert not outcome.ok
    (error,) = outcome.unlistable
    assert isinstance(error, errors.SourceError)
    assert error.place == "raw/mrf/TX"
    assert error.fact == f"cannot be listed: a link to {root}/unmounted/TX, which is not there"
    assert error.remedy == "mount the disk that it is on, mend the link, or remove it"
    assert [(r["table"], r["state"]) for r in status.status() if r["state"] != "built"] == [
        ("raw/mrf/TX", "unreadable")
    ]
    assert not kit.build(root, skip_broken=True).ok
    made = kit.ratehouse(root, "build", "--local-scheduler")
    assert made.returncode == 1
    assert "FAILED raw/mrf/TX: cannot be listed: a link to" in made.stderr
    assert kit.ratehouse(root, "sources").returncode == 1


def test_a_state_folder_that_was_linked_elsewhere_changes_nothing(root, tmp_path):
    (root / "raw" / "mrf" / "GA").rename(tmp_path / "disk")
    (root / "raw" / "mrf" / "GA").symlink_to(tmp_path / "disk")
    outcome = kit.build(root)
    assert (outcome.ok, outcome.nothing_to_do, [a["facts"] for a in outcome.accounts]) == (True, True, [4])


def test_a_folder_of_no_kind_that_a_state_links_to_is_only_skipped(root):
    (root / "raw" / "mrf" / "GA").rename(root / "raw" / "payers")
    (root / "raw" / "mrf" / "GA").symlink_to(root / "raw" / "payers")
    outcome = kit.build(root)
    assert (outcome.ok, outcome.skipped) == (True, [("raw/payers", "it is the same folder as raw/mrf/GA")])


def test_corrections_in_folders_are_read(root):
    put(root, "corrections/2025/a.YML", "- id: a\n")
    look(root)
    assert listing.corrections() == ("2025/a.YML",)
    with pytest.raises(errors.CorrectionError):
        build.build(None, workers=1, local_scheduler=True, started=lambda _: None)

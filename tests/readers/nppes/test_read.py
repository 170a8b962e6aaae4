"""Reader of provider-registry files."""

from __future__ import annotations

import json
import zipfile

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import nppes_files
from pipeline import naming, tables
from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers.nppes import read as nppes
from pipeline.readers.nppes import records as nppes_records
from pipeline.readers.nppes import registry_csv
from pipeline.readers.reference_files.account import Account

MONTHLY = "npidata_pfile_20050523-20250810.csv"
LOCATION = {
    "address_purpose": "LOCATION",
    "address_type": "DOM",
    "address_1": "1 ELM ST",
    "city": "AUSTIN",
    "state": "TX",
}
LOCATION |= {"postal_code": "787011234", "country_code": "US", "telephone_number": "512-555-0000"}
RECORD = {
    "number": "1003000126",
    "enumeration_type": "NPI-1",
    "basic": {
        "first_name": "ANN",
        "last_name": "LEE",
        "name_prefix": "--",
        "credential": "M.D.",
        "sole_proprietor": "YES",
        "status": "A",
        "enumeration_date": "2010-01-02",
        "last_updated": "2020-03-04",
    },
    "addresses": [LOCATION | {"address_purpose": "MAILING", "address_1": "PO BOX 1"}, LOCATION],
    "practiceLocations": [LOCATION | {"address_1": "2 OAK ST"}],
    "taxonomies": [
        {"code": "207Q00000X", "desc": "Family Medicine", "license": "A1", "state": "TX", "primary": False},
        {"code": "207R00000X", "desc": "Internal Medicine", "license": None, "state": None, "primary": True},
    ],
    "other_names": [],
}


def read(tmp_path, content: str | bytes, name: str = "file.json") -> dict[str, pl.DataFrame]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return whole(path)


def whole(path) -> dict[str, pl.DataFrame]:
    """Both tables of a file, its parts put together."""
    parts = list(nppes.read(path))
    return {name: pl.concat(p[name] for p in parts if name in p) for name in {n: None for p in parts for n in p}}


def answer(*records: dict) -> str:
    return json.dumps({"result_count": len(records), "results": records})


def test_one_answer(tmp_path):
    frames = read(tmp_path, answer(RECORD))
    row = frames["staged_nppes"].row(0, named=True)
    assert {k: v for k, v in row.items() if v is not None} == {
        "npi": "1003000126",
        "source_kind": "api",
        "source_file": "file.json",
        "source_row": 1,
        "source_date": "2020-03-04",
        "enumeration_type": "NPI-1",
        "status": "A",
        "first_name": "ANN",
        "last_name": "LEE",
        "credential": "M.D.",
        "sole_proprietor": "YES",
        "enumeration_date": "2010-01-02",
        "last_updated": "2020-03-04",
        "primary_taxonomy_code": "207R00000X",
        "primary_taxonomy_desc": "Internal Medicine",
    }
    listed = frames["staged_nppes_address"].select("address_purpose", "position", "address_1", "postal_code").rows()
    assert listed == [
        ("LOCATION", 1, "1 ELM ST", "787011234"),
        ("LOCATION", 2, "2 OAK ST", "787011234"),
        ("MAILING", 1, "PO BOX 1", "787011234"),
    ]


def test_several_answers_keep_the_latest_of_a_provider(tmp_path):
    later = RECORD | {"basic": RECORD["basic"] | {"last_updated": "2021-01-01", "last_name": "LEE-WU"}}
    later |= {"practiceLocations": []}
    for content in (f"[{answer(later)}, {answer(RECORD)}]", f"{answer(RECORD)}\n{answer(later)}\n"):
        frames = read(tmp_path, content)
        assert frames["staged_nppes"]["last_name"].to_list() == ["LEE-WU"]
        assert frames["staged_nppes_address"].height == 2


def monthly(**changes: str) -> dict[str, str]:
    names = {"switch": "Healthcare Provider Primary Taxonomy Switch_{}", "code": "Healthcare Provider Taxonomy Code_{}"}
    row = nppes_files.line(RECORD)
    for name, value in changes.items():
        stem, _, number = name.rpartition("_")
        row[names[stem].format(number) if stem in names else name] = value
    return row


@pytest.mark.parametrize(("answered", "meant"), [("Y", "YES"), ("N", "NO"), ("X", None), ("", None)])
def test_sole_proprietor(tmp_path, answered, meant):
    frames = read(tmp_path, nppes_files.text([monthly() | {"Is Sole Proprietor": answered}]), MONTHLY)
    assert frames["staged_nppes"]["sole_proprietor"].to_list() == [meant]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "207R00000X"),
        ({"switch_1": "Y"}, "207Q00000X"),  # two say so: the first
        ({"switch_2": "X"}, None),  # nobody says so, and two are listed
        ({"switch_2": "X", "code_2": ""}, "207Q00000X"),  # the only one
    ],
)
def test_primary_taxonomy_by_its_switch(tmp_path, changes, code):
    frames = read(tmp_path, nppes_files.text([monthly(**changes)]), MONTHLY)
    assert frames["staged_nppes"]["primary_taxonomy_code"].to_list() == [code]


def test_deactivated_and_reactivated(tmp_path):
    blank = dict.fromkeys(nppes_files.header(), "")
    gone = blank | {"NPI": "1003000100", "NPI Deactivation Date": "08/03/2020", "Replacement NPI": "1003000126"}
    back = monthly() | {"NPI Deactivation Date": "01/01/2019", "NPI Reactivation Date": "02/01/2019"}
    frames = read(tmp_path, nppes_files.text([gone, back]), MONTHLY)
    columns = ["npi", "status", "source_date", "enumeration_type", "replacement_npi", "release_date", "source_row"]
    assert frames["staged_nppes"].select(columns).rows() == [
        ("1003000100", "D", "2020-08-03", None, "1003000126", "2025-08-10", 1),
        ("1003000126", "A", "2020-03-04", "NPI-1", None, "2025-08-10", 2),
    ]
    assert frames["staged_nppes_address"]["npi"].unique().to_list() == ["1003000126"]


def test_foreign_and_masked(tmp_path):
    country = "Provider Business Practice Location Address Country Code (If outside U.S.)"
    zips = "Provider Business Practice Location Address Postal Code"
    row = monthly() | {country: "CA", zips: "M5V 2T6", "Provider Other Organization Name": "<UNAVAIL>"}
    frames = read(tmp_path, nppes_files.text([row]), MONTHLY)
    listed = (
        frames["staged_nppes_address"].select("address_purpose", "address_type", "country_code", "postal_code").rows()
    )
    assert sorted(listed) == [("LOCATION", "FGN", "CA", "M5V 2T6"), ("MAILING", "DOM", "US", "787011234")]
    assert frames["staged_nppes"]["other_organization_name"].to_list() == [None]


PL_HEADER = [
    "NPI",
    "Provider Secondary Practice Location Address- Address Line 1",
    "Provider Secondary Practice Location Address-  Address Line 2",
    *[
        f"Provider Secondary Practice Location Address - {x}"
        for x in ("City Name", "State Name", "Postal Code", "Country Code (If outside U.S.)", "Telephone Number")
    ],
    "Provider Secondary Practice Location Address - Telephone Extension",
    "Provider Practice Location Address - Fax Number",
]


def test_zip_with_locations_and_what_stands_beside(tmp_path):
    further = dict(
        zip(PL_HEADER, ["1003000126", "2 OAK ST", "", "AUSTIN", "TX", "78701-1234", "US", "5125550000"], strict=False)
    )
    with zipfile.ZipFile(tmp_path / "NPPES_Data_Dissemination.zip", "w") as archive:
        archive.writestr("readme.pdf", b"%PDF-1.4\n\x00")
        archive.writestr(MONTHLY, nppes_files.text([monthly()]))
        archive.writestr(MONTHLY.replace(".csv", "_fileheader.csv"), nppes_files.text([]))
        archive.writestr("pl_pfile_20050523-20250810.csv", nppes_files.text([further], PL_HEADER))
        archive.writestr("endpoint_pfile_20050523-20250810.csv", '"NPI","Endpoint Type"\n"1003000126","DIRECT"\n')
    frames = whole(tmp_path / "NPPES_Data_Dissemination.zip")
    assert frames["staged_nppes"].height == 1
    columns = [
        "source_kind",
        "address_purpose",
        "position",
        "address_1",
        "postal_code",
        "telephone_number",
        "source_date",
    ]
    assert sorted(frames["staged_nppes_address"].select(columns).rows()) == [
        ("locations", "LOCATION", 2, "2 OAK ST", "787011234", "512-555-0000", "2025-08-10"),
        ("monthly", "LOCATION", 1, "1 ELM ST", "787011234", "512-555-0000", "2020-03-04"),
        ("monthly", "MAILING", 1, "PO BOX 1", "787011234", "512-555-0000", "2020-03-04"),
    ]
    members = {MONTHLY, "pl_pfile_20050523-20250810.csv"}
    assert set(frames["staged_nppes_address"]["source_file"]) == {f"NPPES_Data_Dissemination.zip/{m}" for m in members}


def test_two_files_of_one_kind_in_a_zip_keep_apart(tmp_path):
    """Weekly updates zipped together: the same NPI on the same line of each."""
    weeks = {"npidata_pfile_20250804-20250810.csv": "LEE", "npidata_pfile_20250811-20250817.csv": "LEE-WU"}
    with zipfile.ZipFile(tmp_path / "weeks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, family in weeks.items():
            archive.writestr(name, nppes_files.text([monthly() | {"Provider Last Name (Legal Name)": family}]))
    staged = whole(tmp_path / "weeks.zip")["staged_nppes"]
    assert staged.select("source_file", "release_date", "last_name", "source_row").rows() == [
        ("weeks.zip/npidata_pfile_20250804-20250810.csv", "2025-08-10", "LEE", 1),
        ("weeks.zip/npidata_pfile_20250811-20250817.csv", "2025-08-17", "LEE-WU", 1),
    ]
    assert not staged.select(tables.get("staged_nppes").key).is_duplicated().any()


def test_a_zip_that_is_damaged_inside_is_refused(tmp_path):
    path = tmp_path / "NPPES.zip"
    rows = [monthly() | {"Provider Last Name (Legal Name)": f"LEE {n * 7919}"} for n in range(3000)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MONTHLY, nppes_files.text(rows))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=rf"NPPES.zip!{MONTHLY}"):
        whole(path)


@pytest.mark.parametrize("masked", ["$$$$$$$$$", "********", "_________"])
def test_a_licence_that_cms_masks_is_none(tmp_path, masked):
    frames = read(tmp_path, nppes_files.text([monthly() | {"Provider License Number_2": masked}]), MONTHLY)
    assert frames["staged_nppes"]["primary_taxonomy_license"].to_list() == [None]
    taxonomies = [t | {"license": masked} for t in RECORD["taxonomies"]]
    frames = read(tmp_path, answer(RECORD | {"taxonomies": taxonomies}))
    assert frames["staged_nppes"]["primary_taxonomy_license"].to_list() == [None]


def test_the_first_fault_of_a_file_is_said_though_a_later_one_is_found_first(tmp_path, monkeypatch):
    rows = [monthly() | {"NPI": str(1003000000 + n)} for n in range(60)]
    rows[5] |= {"NPI": "12"}
    text = nppes_files.text(rows) + '"1"\n'
    monkeypatch.setattr(registry_csv, "BLOCK_BYTES", 30_000)
    with pytest.raises(SourceError, match=r"csv:7: '12' is no NPI"):
        read(tmp_path, text, MONTHLY)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_a_text_in_any_encoding_is_read_and_what_is_not_utf_8_is_counted(tmp_path, encoding):
    path = tmp_path / MONTHLY
    path.write_bytes(nppes_files.text([monthly() | {"Provider First Name": "\xc9VA"}] * 3).encode(encoding))
    account = Account()
    providers = pl.concat(part["staged_nppes"] for part in nppes.read(path, account))
    assert providers["first_name"].to_list() == ["\xc9VA"] * 3
    told = [["not_utf8", 3, "line 2: byte 0xC9"]] if encoding == "latin-1" else []
    assert account.warnings == told


def test_a_stray_byte_in_an_npi_costs_nothing(tmp_path):
    path = tmp_path / MONTHLY
    text = nppes_files.text([monthly()]).encode()
    npi = monthly()["NPI"].encode()
    assert text.count(npi) == 1
    path.write_bytes(text.replace(npi, npi + b"\xff"))
    account = Account()
    (part,) = nppes.read(path, account)
    assert part["staged_nppes"]["npi"].to_list() == [npi.decode()]
    assert [kind for kind, *_ in account.warnings] == ["stray_byte", "not_utf8"]


def test_report_of_deactivated_npis_as_sheet_and_as_csv(tmp_path):
    book = openpyxl.Workbook()
    for row in (["NPPES Deactivated Records as of Aug 11 2025", None], ["NPI", "NPPES Deactivation Date"]):
        book.active.append(row)
    book.active.append(["1003000100", "08/03/2020"])
    book.save(tmp_path / "NPPES Deactivated NPI Report 20250811.xlsx")
    (sheet,) = whole(tmp_path / "NPPES Deactivated NPI Report 20250811.xlsx").values()
    csv = read(tmp_path, "NPI,NPPES Deactivation Date\n1003000100,08/03/2020\n", "deactivated_20250811.csv")[
        "staged_nppes"
    ]
    columns = ["npi", "source_kind", "status", "source_date", "release_date", "enumeration_type"]
    wanted = [("1003000100", "deactivation", "D", "2020-08-03", "2025-08-11", None)]
    assert sheet.select(columns).rows() == csv.select(columns).rows() == wanted


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (answer(RECORD)[:-30], "a.json", r"a.json:1: not JSON"),
        ('{"Errors": [{"description": "Invalid number"}]}', "a.json", "answered with an error: Invalid number"),
        (answer({k: v for k, v in RECORD.items() if k != "addresses"}), "a.json", "record 1 is not one of"),
        (answer(RECORD | {"number": "12"}), "a.json", "'12' is no NPI of ten digits"),
        ("", "a.json", "the file is empty"),
        (
            nppes_files.text([monthly() | {"Last Update Date": "2020-03-04"}]),
            MONTHLY,
            r"csv:2: last_updated '2020-03-04'",
        ),
        (nppes_files.text([monthly(), monthly() | {"NPI": "1E+09"}]), MONTHLY, r"csv:3: '1E\+09' is no NPI"),
        (nppes_files.text([monthly()]) + '"1"\n', MONTHLY, "not readable as CSV"),
        (
            nppes_files.text([], [h for h in nppes_files.header() if h != "Last Update Date"]) + "1\n",
            MONTHLY,
            "without the col",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, name, said):
    with pytest.raises(SourceError, match=said):
        read(tmp_path, content, name)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (nppes_files.text([]), MONTHLY.replace(".csv", "_fileheader.csv")),
        ('"NPI","Endpoint Type"\n"1003000126","DIRECT"\n', "endpoint_pfile.csv"),
        ('{"a": 1}', "a.json"),
        ("[1]", "a.json"),
        ("Read me\n", "README.txt"),
    ],
)
def test_another_file_is_passed_over(tmp_path, content, name):
    with pytest.raises(UnrecognisedFile):
        read(tmp_path, content, name)


PART = st.one_of(st.none(), st.text(max_size=8), st.text(" |\tXé\u2003", max_size=5))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(PART, min_size=6, max_size=6), min_size=1, max_size=6))
def test_the_hash_of_columns_is_that_of_values(rows):
    listed = [
        dict(zip(nppes_records.ADDRESS, parts, strict=True)) | {"telephone_number": None, "fax_number": None}
        for parts in rows
    ]
    data = nppes_records.addresses(pl.DataFrame(listed, schema=dict.fromkeys(listed[0], pl.String)))
    for found in data.iter_rows(named=True):
        assert found["address_hash"] == naming.address_hash(*(found[n] for n in nppes_records.ADDRESS))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(" \tXé\u2003\xa0", min_size=1, max_size=4)), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_a_column_is_trimmed_where_any_of_its_values_needs_it(values, offset):
    """An empty text comes as null from the CSV reader."""
    column = pa.array([*["  ZZ "] * offset, *values], pa.string()).slice(offset)  # of a block cut out of a larger one
    batch = pa.record_batch([column, pa.array(["1"] * len(values))], names=["text", "npi"])
    trimmed = registry_csv._trimmed(batch, 0)["text"].to_list()
    assert trimmed == [(value or "").strip() or None for value in values]


def test_blanks_are_those_of_python():
    assert sorted(nppes_records.BLANKS) == [c for c in map(chr, range(0x110000)) if c.isspace()]


@pytest.mark.parametrize("name", nppes_records.ADDRESS)
@pytest.mark.parametrize(
    "text", ["1  ELM\tST", " 1 elm st", "1 elm st ", "\x1c1 ELM\xa0 \u3000ST\x1f", "1 ELM | ST", "\u2028", ""]
)
def test_blanks_within_an_address_do_not_count(name, text):
    row = dict.fromkeys(nppes_records.ADDRESS, "x") | {name: text, "telephone_number": None, "fax_number": None}
    (found,) = nppes_records.addresses(pl.DataFrame([row], schema=dict.fromkeys(row, pl.String)))["address_hash"]
    assert found == naming.address_hash(*(row[name] for name in nppes_records.ADDRESS))


def test_a_file_of_many_blocks_is_the_same_rows(tmp_path, monkeypatch):
    rows = [monthly() | {"NPI": str(1003000000 + n), "Provider Last Name (Legal Name)": f"L{n}"} for n in range(300)]
    whole = read(tmp_path, nppes_files.text(rows), MONTHLY)
    monkeypatch.setattr(registry_csv, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(registry_csv, "BLOCK_ROWS", 40)
    assert len(list(nppes.read(tmp_path / MONTHLY))) > 3
    for name, frame in read(tmp_path, nppes_files.text(rows), MONTHLY).items():
        assert_frame_equal(frame.sort(tables.get(name).sort), whole[name].sort(tables.get(name).sort))
    assert whole["staged_nppes"]["source_row"].to_list() == list(range(1, 301))


def test_every_published_record_comes_through(real):
    frames = {p.name: whole(p) for p in (real / "nppes").iterdir()}
    counts = {name: tuple(f.height for f in both.values()) for name, both in frames.items()}
    assert counts == {
        "nppes.json": (200, 419),  # two addresses each and 19 further practice locations
        "nppes_type2.json": (1, 2),
        "provider_data__provider.csv": (1050, 1028),  # 22 deactivated records are blank
    }
    answers = frames["nppes.json"]["staged_nppes"]
    always = ["first_name", "last_name", "sole_proprietor", "enumeration_date", "last_updated", "primary_taxonomy_code"]
    assert answers.select(always).null_count().row(0) == (0,) * len(always)
    assert answers["credential"].count() == 131
    assert answers["primary_taxonomy_desc"].count() == 198
    extract = frames["provider_data__provider.csv"]["staged_nppes"]
    assert dict(extract["status"].value_counts().rows()) == {"A": 1025, "D": 25}
    assert dict(extract["enumeration_type"].value_counts().rows()) == {"NPI-1": 843, "NPI-2": 185, None: 22}
    assert extract.filter(pl.col("status") == "D")["deactivation_date"].null_count() == 0


def test_the_monthly_file_gives_what_the_answers_give(real, tmp_path):
    records = [
        r for n in ("nppes", "nppes_type2") for r in json.loads((real / "nppes" / f"{n}.json").read_text())["results"]
    ]
    answers = read(tmp_path, answer(*[r | {"practiceLocations": []} for r in records]))
    files = read(tmp_path, nppes_files.text([nppes_files.line(r) for r in records]), MONTHLY)
    assert len(nppes_files.header()) == 330
    provenance = ["source_kind", "source_file", "source_row", "release_date"]
    for name, missing in (("staged_nppes", ["primary_taxonomy_desc"]), ("staged_nppes_address", [])):
        keys = [k for k in tables.get(name).sort if k not in provenance]
        left, right = (f[name].drop(*provenance, *missing).sort(keys) for f in (answers, files))
        assert_frame_equal(left, right)

"""Reference files as publishers offer them: zips, copies of one table, stray bytes, encodings, a proposed rule's files."""

from __future__ import annotations

import csv
import gzip
import io
import struct
import zipfile

import openpyxl
import polars as pl
import pytest

from medicare_files import GPCI, GPCI_FIXED, WAGES, addendum_b, put, rvu, zipped
from pipeline import errors
from pipeline.readers import codes, geo, limits, pos
from pipeline.readers.medicare import read as medicare
from pipeline.readers.reference_files import workbooks
from pipeline.readers.reference_files.account import Account
from pipeline.storage import archives

ZIP9 = "GA303031021201 Z9   10001      A".ljust(75) + "20254\n"
VISIT = "G0463,J2,5012,1.4879,$136.02"
JANUARY = "2026 January Web Addendum B.12.29.25"


def read(path, reader=medicare) -> tuple[dict[str, pl.DataFrame], dict[str, tuple[int, str]]]:
    """The tables, and the warnings by kind."""
    account = Account()
    found = reader.read(path, account)
    return found, {kind: (count, example) for kind, count, example in account.warnings}


def workbook(tmp_path, *sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "made.xlsx")
    return (tmp_path / "made.xlsx").read_bytes()


def cells(text: str) -> list[list]:
    return [[c or None for c in row] for row in csv.reader(text.splitlines())]


# ---- zips ------------------------------------------------------------------------------------------------------------


def test_cms_zip_as_downloaded_each_table_once_and_copies_named(tmp_path):
    data = {
        "RVU25D/PPRRVU2025_Oct.csv": rvu(),
        "RVU25D/PPRRVU2025_Oct.txt": "99213  fixed  width\n" * 30,
        "RVU25D/PPRRVU2025_Oct.xlsx": workbook(tmp_path, cells(rvu())),
        "RVU25D/GPCI2025.csv": GPCI,
        "RVU25D/GPCI2025.txt": GPCI_FIXED,
        "RVU25D/GPCI2025.xlsx": workbook(tmp_path, cells(GPCI)),
        "RVU25D/RVU25D.pdf": b"%PDF-1.7\x00",
        "__MACOSX/RVU25D/._GPCI2025.csv": b"\x00\x05\x16\x07",
        "RVU25D/.DS_Store": b"\x00\x00\x00\x01",
    }
    zipped(data, tmp_path / "RVU25D.zip")
    found, told = read(tmp_path / "RVU25D.zip")
    assert {name: frame.height for name, frame in found.items()} == {"staged_pfs_rvu": 1, "staged_gpci": 2}
    assert set(found["staged_gpci"]["source_file"]) == {"RVU25D.zip/RVU25D/GPCI2025.csv"}
    assert set(found["staged_gpci"]["effective_from"]) == {"2025-10-01"}, "the GPCIs of the release that they came in"
    assert set(found["staged_pfs_rvu"]["release"]) == {"RVU25D"}
    count, names = told["copy"]
    assert count == 4
    for name in ("PPRRVU2025_Oct.txt", "PPRRVU2025_Oct.xlsx", "GPCI2025.txt", "GPCI2025.xlsx"):
        assert f"RVU25D/{name} (of RVU25D/{name.rpartition('.')[0]}.csv)" in names
    assert told["skipped"] == (1, "RVU25D/RVU25D.pdf")
    assert set(told) == {"copy", "skipped"}


def test_of_a_zip_without_csv_the_workbook_is_read(tmp_path):
    zipped({"GPCI2025.txt": GPCI_FIXED, "GPCI2025.xlsx": workbook(tmp_path, cells(GPCI))}, tmp_path / "g.zip")
    found, told = read(tmp_path / "g.zip")
    assert found["staged_gpci"].select("locality", "pe_gpci").rows() == [("01", "0.997"), ("99", "0.883")]
    assert told == {"copy": (1, "GPCI2025.txt (of GPCI2025.xlsx)")}


def test_the_two_factors_of_2026_are_no_copies(tmp_path):
    files = {
        f"PPRRVU2026_Jan_{name}.csv": rvu(year="2026", month="January", released="12/29/2025", factor=factor)
        for name, factor in (("nonQPP", "33.4009"), ("QPP", "33.5675"))
    }
    zipped(files, tmp_path / "RVU26A.zip")
    found, told = read(tmp_path / "RVU26A.zip")
    assert sorted(found["staged_pfs_rvu"].select("source_file", "conversion_factor").rows()) == [
        ("RVU26A.zip/PPRRVU2026_Jan_QPP.csv", "33.5675"),
        ("RVU26A.zip/PPRRVU2026_Jan_nonQPP.csv", "33.4009"),
    ]
    assert told == {}


ASC_HEAD = (
    "{title},,,,\nHCPCS Code,Short Descriptor,{when} Payment Indicator,{when} Payment Weight,{when} Payment Rate\n"
)
AA = ASC_HEAD.format(title="Addendum AA", when="January 2025") + '66984,Eye,A2,22.1,"$1,234.50"\n'
BB = ASC_HEAD.format(title="Addendum BB", when="January 2025") + "J1100,Drug,K2,,$1.10\n"


def test_a_workbook_with_several_tables_gives_each(tmp_path):
    ff = "Addendum FF,\nHCPCS Code,January 2025 Device Offset Amount / Device Portion\n64628,7500.10\n"
    data = workbook(tmp_path, cells(AA), cells(BB), cells(ff), [["Read me"]])
    put(tmp_path, {"medicare/January_2025_ASC_Addenda.xlsx": data})
    found, told = read(tmp_path / "raw/medicare/January_2025_ASC_Addenda.xlsx")
    assert found["staged_asc"].select("code", "payment_rate").rows() == [("66984", "1234.50"), ("J1100", "1.10")]
    assert found["staged_asc_device"]["code"].to_list() == ["64628"]
    assert told == {}


def test_a_workbook_that_repeats_the_csv_files_of_its_zip_is_a_copy(tmp_path):
    rounded = AA.replace("22.1", "22.10004")  # the workbook has more decimals than the CSV shows
    files = {
        "508-Version-Jan-2025-ASC-AA.csv": AA,
        "508-Version-Jan-2025-ASC-BB.csv": BB,
        "January_2025_ASC_Addenda.xlsx": workbook(tmp_path, cells(rounded), cells(BB)),
    }
    zipped(files, tmp_path / "asc.zip")
    found, told = read(tmp_path / "asc.zip")
    assert sorted(found["staged_asc"].select("code", "payment_weight").rows()) == [("66984", "22.1"), ("J1100", None)]
    assert told == {"copy": (1, "January_2025_ASC_Addenda.xlsx")}


@pytest.mark.parametrize("packed", ["zip", "gz"])
def test_other_publishers_tables_are_read_packed_too(tmp_path, packed):
    nucc = "Code,Grouping,Classification,Specialization\n207N00000X,Physicians,Dermatology,\n"
    hud = "ZIP,CBSA,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO\n30303,12060,1,1,1,1\n"
    places = "US\t30303\tAtlanta\tGeorgia\tGA\tFulton\t121\t\t\t33.75\t-84.39\t4\n"
    rbcs = "hcpcs_cd,rbcs_cat_desc,rbcs_subcat_desc,rbcs_family_desc,rbcs_assignment_eff_dt\n99213,E,O,F,2020-01-01\n"
    pos_codes = "pos_code,pos_type,pos_name\n11,Non-facility,Office\n"
    for reader, name, text, table in (
        (codes, "nucc_taxonomy_250.csv", nucc, "staged_taxonomy"),
        (codes, "rbcs_2024.csv", rbcs, "staged_category"),
        (geo, "ZIP_CBSA_062025.csv", hud, "staged_zip_cbsa"),
        (geo, "US.txt", places, "staged_zip_place"),
        (pos, "pos.csv", pos_codes, "staged_pos_code"),
    ):
        path = tmp_path / f"{name}.{packed}"
        if packed == "zip":
            zipped({name: text, "readme.txt": "how to read it\n"}, path)
        else:
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
        found, told = read(path, reader)
        assert list(found) == [table]
        assert told == ({"skipped": (1, "readme.txt")} if packed == "zip" else {})
        if "release" in found[table].columns and table != "staged_category":
            assert found[table]["release"].to_list() == [{"staged_taxonomy": "25.0"}.get(table, "2025-06")]


def test_a_zip_of_zips_is_refused_by_name_and_an_inner_one_beside_tables_is_named(tmp_path):
    inner = zipped({"b.csv": addendum_b(VISIT)})
    zipped({"january-2026-opps-addendum-b.zip": inner}, tmp_path / "all.zip")
    with pytest.raises(errors.SourceError, match=r"is a zip of zips \(january-2026-opps-addendum-b\.zip\)") as caught:
        read(tmp_path / "all.zip")
    assert not isinstance(caught.value, errors.UnrecognisedFile)
    assert "unpack it" in caught.value.remedy
    zipped({"GPCI2025.csv": GPCI, "more.zip": inner}, tmp_path / "some.zip")
    found, told = read(tmp_path / "some.zip")
    assert list(found) == ["staged_gpci"]
    assert told["skipped"] == (1, "more.zip (a zip within the zip: unpack it)")


def test_a_member_that_unpacks_to_too_much_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_TABLE", 10_000)
    large = GPCI + "," * 20_000
    zipped({"x/GPCI2025.csv": large}, tmp_path / "bomb.zip")
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(large.encode(), mtime=0))
    (tmp_path / "large.csv").write_text(large)
    for name in ("bomb.zip", "bomb.csv.gz", "large.csv"):
        with pytest.raises(errors.SourceError, match="holds more than 10,000 bytes, the most that is read") as caught:
            read(tmp_path / name)
        assert type(caught.value) is errors.SourceError
        assert name.removesuffix(".gz") in caught.value.place


def test_what_is_too_large_and_no_table_of_ours_is_skipped(tmp_path, monkeypatch):
    """By its beginning: CMS's ZIP9 file is a hundred times as large as what is read beside it."""
    monkeypatch.setattr(limits, "MOST_TABLE", 10_000)
    nine = ZIP9 * (20_000 // len(ZIP9))
    zipped({"ZIP9_OCT2025.txt": nine, "GPCI2025.csv": GPCI}, tmp_path / "both.zip")
    found, told = read(tmp_path / "both.zip")
    assert list(found) == ["staged_gpci"]
    assert told["skipped"] == (1, "ZIP9_OCT2025.txt")
    (tmp_path / "report.csv").write_bytes(b"%PDF-1.7\x00" + b"x" * 20_000)
    with pytest.raises(errors.UnrecognisedFile, match="is not a text file"):
        read(tmp_path / "report.csv")


@pytest.mark.parametrize(
    ("limit", "fact"),
    [("MOST_LINES", "has 8 lines, where 3 are"), ("MOST_CELLS", "has 56 cells, where 3 are"), ("MOST_COLUMNS", "cells in one line, where 3 are")],
)  # fmt: skip
def test_a_text_of_too_many_lines_or_cells_is_refused_by_name(tmp_path, monkeypatch, limit, fact):
    monkeypatch.setattr(limits, limit, 3)
    (tmp_path / "GPCI2025.csv").write_text("\n".join(GPCI.splitlines()[:1] * 8) + "\n")
    with pytest.raises(errors.SourceError, match=fact) as caught:
        read(tmp_path / "GPCI2025.csv")
    assert "GPCI2025.csv" in caught.value.place


def test_the_tables_of_a_zip_have_a_limit_together(tmp_path, monkeypatch):
    zipped({f"{n}/GPCI202{n}.csv": GPCI.replace("2025", f"202{n}") for n in range(3, 6)}, tmp_path / "many.zip")
    monkeypatch.setattr(limits, "MOST_ZIP", 2 * len(GPCI) + 1)
    with pytest.raises(errors.SourceError, match=r"holds tables of more than .*, the most that is read of a zip"):
        read(tmp_path / "many.zip")


def test_a_first_line_that_is_no_header_is_of_no_known_kind(tmp_path):
    for number, line in enumerate(["x" * 200_000, "a," * 20_000]):
        (tmp_path / f"{number}.csv").write_text(line + "\n")
        for reader in (codes, geo):
            with pytest.raises(errors.UnrecognisedFile):
                read(tmp_path / f"{number}.csv", reader)


# ---- workbooks that ask for more than they hold ----------------------------------------------------------------------


def test_a_workbook_is_measured_to_its_last_row_and_column(tmp_path, monkeypatch):
    """Empty cells included: a rectangle is made of them."""
    data = workbook(tmp_path, [["a", None, None, "b"], [], ["c"]], [[None, 1]])
    assert workbooks._number(b"XFD") == 16_384
    monkeypatch.setattr(limits, "MOST_CELLS", 3 * 4 + 2)
    assert workbooks.opened(data, "book.xlsx").sheet_names == ["s0", "s1"]
    monkeypatch.setattr(limits, "MOST_CELLS", 3 * 4 + 1)
    with pytest.raises(errors.SourceError, match=r"^book.xlsx: has more than 13 cells, empty ones included"):
        workbooks.opened(data, "book.xlsx")


def changed(data: bytes, member: str, change) -> bytes:
    """A workbook with one of its members changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return zipped(
            {name: change(book.read(name)) if name == member else book.read(name) for name in book.namelist()}
        )


def test_a_few_bytes_do_not_ask_for_a_sheet_of_all_cells(tmp_path):
    data = workbook(tmp_path, [["a"]])
    for far in (
        b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>',
        b'<row r="9"><c  s="1" r="XFD999999"><v>1</v></c></row>',
    ):
        bomb = changed(
            data,
            "xl/worksheets/sheet1.xml",
            lambda xml, far=far: xml.replace(b"</sheetData>", far * 8 + b"</sheetData>").replace(b'r="A1"', b'r="F1"'),
        )
        for reader in (medicare, geo):
            (tmp_path / "bomb.xlsx").write_bytes(bomb)
            with pytest.raises(errors.SourceError, match="has more than 5,000,000 cells") as caught:
                read(tmp_path / "bomb.xlsx", reader)
            assert "bomb.xlsx" in caught.value.place


def test_a_text_that_stands_in_many_cells_counts_in_each(tmp_path, monkeypatch):
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>1</v></c></row>' for n in range(1, 51))
    texts = f"<sst><si><t>other</t></si><si><t>{'x' * 1_000}</t></si></sst>"
    sheet = changed(
        workbook(tmp_path, [["a"]]), "xl/worksheets/sheet1.xml", lambda xml: f"<sheetData>{rows}</sheetData>"
    )
    with zipfile.ZipFile(io.BytesIO(sheet)) as book:
        data = zipped({**{name: book.read(name) for name in book.namelist()}, "xl/sharedStrings.xml": texts})
    monkeypatch.setattr(limits, "MOST_CELL_TEXT", 60_000)
    workbooks.opened(data, "texts.xlsx")
    monkeypatch.setattr(limits, "MOST_CELL_TEXT", 50_000)
    with pytest.raises(errors.SourceError, match="has more than 50,000 bytes of text in its cells"):
        workbooks.opened(data, "texts.xlsx")


def test_a_workbook_is_unpacked_to_its_true_end(tmp_path, monkeypatch):
    data = workbook(tmp_path, [["a", 1]] * 2_000)
    monkeypatch.setattr(limits, "MOST_TABLE", 20_000)
    with pytest.raises(errors.SourceError, match="unpacks to more than 80,000 bytes"):
        workbooks.opened(data, "book.xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        size = book.getinfo("xl/worksheets/sheet1.xml").file_size
    assert size > 80_000
    lying = data.replace(struct.pack("<L", size), struct.pack("<L", 100))
    assert lying != data
    with pytest.raises(errors.SourceError, match="unpacks to more than 80,000 bytes"):
        workbooks.opened(lying, "book.xlsx")


def test_a_binary_workbook_is_refused_by_name(tmp_path):
    data = zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": b"\x83\x01\x00"})
    (tmp_path / "ZIP_CBSA_062025.xlsb").write_bytes(data)
    with pytest.raises(errors.SourceError, match=r"is a binary workbook \(\.xlsb\)") as caught:
        read(tmp_path / "ZIP_CBSA_062025.xlsb", geo)
    assert "save it as .xlsx" in caught.value.remedy


# ---- zips that ask for more than they hold ---------------------------------------------------------------------------


def test_a_zip_with_too_long_a_list_of_files_is_refused_by_name(tmp_path, monkeypatch):
    zipped({f"{n}.csv": "" for n in range(100)}, tmp_path / "many.zip")
    monkeypatch.setattr(archives, "MOST_DIRECTORY", 5_000)
    with pytest.raises(errors.SourceError, match=r"is a zip whose list of files takes 5,[0-9]{3} bytes") as caught:
        read(tmp_path / "many.zip")
    assert "many.zip" in caught.value.place
    monkeypatch.setattr(archives, "MOST_DIRECTORY", 6_000)
    with pytest.raises(errors.SourceError, match=r"is empty"):
        read(tmp_path / "many.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_zipfile_unpacks_all_at_once_is_refused_by_name(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "GPCI.zip", "w", method) as archive:
        archive.writestr("GPCI2025.csv", GPCI)
    with pytest.raises(
        errors.SourceError, match=r"cannot be unpacked: it is packed by (bzip2|lzma), not by deflate"
    ) as caught:
        read(tmp_path / "GPCI.zip")
    assert "GPCI2025.csv" in caught.value.place


@pytest.mark.parametrize(
    ("name", "content", "kind", "fact"),
    [
        ("empty.zip", zipped({}), errors.UnrecognisedFile, "is a zip without any file"),
        ("papers.zip", zipped({"a.pdf": b"%PDF-", "b.txt": "a letter\n"}), errors.UnrecognisedFile, "without any table that is read"),
        ("cut.zip", zipped({"GPCI2025.csv": GPCI})[:200], errors.SourceError, "is not a whole zip archive"),
        ("cut.csv.gz", gzip.compress(GPCI.encode(), mtime=0)[:100], errors.SourceError, "cannot be unpacked"),
    ],
)  # fmt: skip
def test_what_is_packed_and_gives_nothing(tmp_path, name, content, kind, fact):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.SourceError, match=fact) as caught:
        read(tmp_path / name)
    assert type(caught.value) is kind


def test_a_damaged_member_is_named(tmp_path):
    whole = bytearray(zipped({"GPCI2025.csv": GPCI}))
    at = whole.index(b"GPCI2025.csv") + 20
    whole[at : at + 8] = b"\xff" * 8
    (tmp_path / "RVU25D.zip").write_bytes(bytes(whole))
    with pytest.raises(errors.SourceError, match="cannot be unpacked") as caught:
        read(tmp_path / "RVU25D.zip")
    assert caught.value.place.endswith("RVU25D.zip!GPCI2025.csv")
    assert caught.value.feeds == ("staged_gpci",), "by its name"


def test_an_encrypted_zip_is_refused(tmp_path):
    whole = bytearray(zipped({"b.csv": "x"}))
    for at in (whole.index(b"PK\x03\x04") + 6, whole.index(b"PK\x01\x02") + 8):
        whole[at] |= 1
    (tmp_path / "secret.zip").write_bytes(bytes(whole))
    assert zipfile.ZipFile(tmp_path / "secret.zip").infolist()[0].flag_bits & 1
    with pytest.raises(errors.SourceError, match=r"cannot be unpacked.*encrypted"):
        read(tmp_path / "secret.zip")


# ---- copies beside a file --------------------------------------------------------------------------------------------


def test_of_an_unpacked_zip_one_form_is_read_and_the_others_are_copies(tmp_path):
    files = {
        "medicare/x/GPCI2025.csv": GPCI,
        "medicare/x/GPCI2025.txt": GPCI_FIXED,
        "medicare/x/gpci2025.XLSX": workbook(tmp_path, cells(GPCI)),
        "medicare/GPCI2025.txt": GPCI_FIXED,
    }
    put(tmp_path, files)
    folder = tmp_path / "raw/medicare"
    assert list(read(folder / "x/GPCI2025.csv")[0]) == ["staged_gpci"]
    for name in ("GPCI2025.txt", "gpci2025.XLSX"):
        with pytest.raises(errors.CopyOfFile, match=r"is a copy of GPCI2025\.csv, skipped"):
            read(folder / "x" / name)
    with pytest.raises(errors.UnrecognisedFile, match="is a text of fixed width, which is not read"):
        read(folder / "GPCI2025.txt")  # it stands alone
    (folder / "x/GPCI2025.csv").write_text("broken")
    assert list(read(folder / "x/gpci2025.XLSX")[0]) == ["staged_gpci"], "the best that can be read is read"


def test_a_file_of_the_same_name_with_another_table_is_no_copy(tmp_path):
    put(tmp_path, {"medicare/2025.csv": GPCI, "medicare/2025.txt": rvu()})
    assert list(read(tmp_path / "raw/medicare/2025.txt")[0]) == ["staged_pfs_rvu"]


# ---- what is not in force --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("July 2026 Addendum B.csv", addendum_b(VISIT, title="Addendum B.-Proposed OPPS Payment by HCPCS Code for CY {year}")),
        ("2026 NPRM Addendum B.07152025.csv", addendum_b(VISIT)),
        ("GPCI2026.csv", GPCI.replace("FINAL", "PROPOSED").replace("2025", "2026")),
        ("AA.csv", AA.replace("January 2025", "Proposed CY 2026")),
        ("table3.csv", "TABLE 3 - FY 2026 PROPOSED RULE WAGE INDEX,,,\n" + WAGES),
        ("rvu.csv", rvu().replace("Relative Value File October Release", "Proposed Rule Relative Value File")),
    ],
)  # fmt: skip
def test_a_proposed_rule_is_never_in_force(tmp_path, name, text):
    put(tmp_path, {f"medicare/{name}": text})
    with pytest.raises(errors.ProposedRule, match="is of a proposed rule, which is never in force, skipped"):
        read(tmp_path / "raw/medicare" / name)
    zipped({name: text, "508/GPCI2025.csv": GPCI}, tmp_path / "z.zip")
    found, told = read(tmp_path / "z.zip")
    assert list(found) == ["staged_gpci"]
    assert told == {"proposed": (1, name)}


def test_a_final_rule_that_speaks_of_the_proposed_one_is_in_force(tmp_path):
    text = addendum_b(VISIT, title="Addendum B.-Final OPPS Payment for CY {year} (compare the proposed rule)")
    put(tmp_path, {"medicare/July 2026 b.csv": text})
    assert list(read(tmp_path / "raw/medicare/July 2026 b.csv")[0]) == ["staged_opps"]


# ---- bytes -----------------------------------------------------------------------------------------------------------


def opps(tmp_path, data: bytes, name: str = f"{JANUARY}.csv"):
    put(tmp_path, {f"medicare/{name}": data})
    found, told = read(tmp_path / f"raw/medicare/{name}")
    return found["staged_opps"].select("code", "si", "payment_rate").rows(), told


def test_a_stray_byte_beside_a_code_is_taken_out_with_a_warning(tmp_path):
    text = addendum_b(VISIT, "G0465,T,5054,20.0,$1800.00").encode().replace(b"G0465", b"G0465\xff")
    rows, told = opps(tmp_path, text)
    assert rows == [("G0463", "J2", "136.02"), ("G0465", "T", "1800.00")]
    assert told == {"stray_byte": (1, "line 6: 'G0465\xff' read as 'G0465'"), "not_utf8": (1, "line 6: byte 0xFF")}


@pytest.mark.parametrize(
    ("was", "bytes_there"),
    [
        (b"G0463", b"\xffG0463"),
        (b"G0463", b"G04\xff63"),
        (b"G0463", "G0463\u200b".encode()),
        (b"G0463", b"\xa0G0463\xa0"),
        (b"G0463", "\ufeffG0463".encode()),
        (b"G0463", "“G0463”".encode()),
        (b"J2", b"J2\xff"),
        (b'"$136.02"', b'"$136.02\xff"'),
        (b'"$136.02"', b'" $136.02\xa0"'),
    ],
)
def test_stray_bytes_in_other_places(tmp_path, was, bytes_there):
    text = addendum_b(VISIT).encode()
    assert text.count(was) == 1
    rows, _ = opps(tmp_path, text.replace(was, bytes_there))
    assert rows == [("G0463", "J2", "136.02")]


def test_a_code_that_a_stray_byte_made_unreadable_costs_its_row_alone(tmp_path):
    text = addendum_b(VISIT, "G0465,T,5054,20.0,$1800.00").encode().replace(b"G0465", b"G04\xff\xff")
    rows, told = opps(tmp_path, text)
    assert rows == [("G0463", "J2", "136.02")]
    assert told["unreadable_row"] == (1, "line 6: the HCPCS code is 'G04\xff\xff'")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_and_a_stray_byte_in_utf_8_leaves_other_characters_alone(tmp_path, encoding):
    wages = 'CBSA,Area Name,State,Wage Index\n15860,"Cañon City “west”",CO,0.9\n'
    put(tmp_path, {"medicare/wages 2025.csv": wages.encode(encoding)})
    found, told = read(tmp_path / "raw/medicare/wages 2025.csv")
    assert found["staged_wage_index"].select("cbsa", "area_name").rows() == [("15860", "Cañon City “west”")]
    assert told == ({"not_utf8": (1, "line 2: byte 0xF1")} if encoding == "cp1252" else {})
    if encoding == "utf-8":
        put(tmp_path, {"medicare/wages 2025.csv": wages.encode().replace(b"0.9", b"0.9\xff")})
        found, told = read(tmp_path / "raw/medicare/wages 2025.csv")
        assert found["staged_wage_index"].select("area_name", "wage_index").rows() == [("Cañon City “west”", "0.9")]
        assert set(told) == {"stray_byte", "not_utf8"}


@pytest.mark.parametrize("none", ["", ".", "-", "N/A", "NA", "n/a", "*", " "])
def test_what_stands_for_no_figure(tmp_path, none):
    rows, _ = opps(tmp_path, addendum_b(VISIT, f"C1713,N,,,{none}").encode())
    assert rows == [("G0463", "J2", "136.02"), ("C1713", "N", None)]


@pytest.mark.parametrize("figure", ["$1,234.50", "1,234.50", " $1234.50 ", "1234.50"])
def test_figures_as_publishers_write_them(tmp_path, figure):
    text = addendum_b(VISIT).replace("$136.02", figure)
    assert opps(tmp_path, text.encode())[0] == [("G0463", "J2", "1234.50")]


def test_an_unclosed_quotation_mark_is_refused_with_its_line(tmp_path):
    put(tmp_path, {f"medicare/{JANUARY}.csv": addendum_b(VISIT) + '"G0465,' + "x" * 200_000})
    with pytest.raises(errors.SourceError, match="cannot be split into cells") as caught:
        read(tmp_path / f"raw/medicare/{JANUARY}.csv")
    assert caught.value.place.rpartition(":")[2].isdigit()


# ---- real files ------------------------------------------------------------------------------------------------------


def test_the_final_rule_s_addendum_b_with_its_stray_byte(real):
    path = real / "schedules" / "opps_2025" / "2025 NFRM Addendum B.11122024.txt.gz"
    found, told = read(path)
    table = found["staged_opps"]
    assert (table.height, set(table["effective_from"])) == (18_682, {"2025-01-01"})
    assert "A4341" in table["code"].to_list()
    assert told["stray_byte"] == (1, "line 11540: 'A4341\xff' read as 'A4341'")


@pytest.mark.parametrize("name", ["D1.10242024", "D2.10102024", "E.10102024", "L.10212024"])
def test_the_addenda_of_the_final_rule_without_prices_are_skipped(real, name):
    with pytest.raises(errors.UnrecognisedFile):
        read(real / "schedules" / "opps_2025" / f"2025 NFRM Addendum {name}.txt")


def test_the_addenda_of_every_asc_release_are_read_from_their_quarter(real):
    """FF of January 2024 bears "CY 2023" in its title: its headings decide, and that is said."""
    folder = real / "schedules" / "asc"
    said = {}
    for path in sorted(folder.glob("*/*.gz")):
        if path.name.startswith("EE"):
            continue
        found, told = read(path)
        (frame,) = found.values()
        day = path.parent.name
        assert set(frame["effective_from"]) == {f"{day[:4]}-{day[4:6]}-01"}, path
        if "release" in told:
            said[f"{day}/{path.name}"] = told["release"]
    assert said == {
        "20240101/FF.txt.gz": (1, "FF.txt: the title says 2023, a heading January 2024, which counts"),
    }


def test_cms_s_zip_of_real_files_gives_what_they_give(real, tmp_path):
    names = ["25LOCCO.csv", "ANES2025.csv", "GPCI2025.csv", "PPRRVU2025_Oct.csv"]
    alone = {}
    for name in names:
        alone |= read(real / "medicare" / name)[0]
    zipped(
        {f"RVU25D/{n}": (real / "medicare" / n).read_bytes() for n in [*names, "ZIP5lyout.txt"]},
        tmp_path / "RVU25D.zip",
    )
    found, told = read(tmp_path / "RVU25D.zip")
    assert told["skipped"] == (1, "RVU25D/ZIP5lyout.txt")
    assert set(found) == set(alone)
    for name, frame in found.items():
        without = pl.exclude("source_file", "effective_from")
        assert frame.select(without).equals(alone[name].select(without)), name


# ---- what is not the file that its name says -------------------------------------------------------------------------

PAGE = b"<!DOCTYPE html>\n<html><head><title>License for Use of Current Procedural Terminology</title></head></html>\n"


@pytest.mark.parametrize("name", ["july-2026-opps-addendum-b.zip", "2026 July Web Addendum B.csv", "RVU26C.xlsx"])
def test_a_web_page_under_the_file_s_name_is_refused_with_the_way_out(tmp_path, name):
    (tmp_path / name).write_bytes(PAGE)
    with pytest.raises(errors.SourceError, match="is a web page, not the publisher's file") as caught:
        read(tmp_path / name)
    assert not isinstance(caught.value, errors.UnrecognisedFile)
    assert "accept a licence" in caught.value.remedy
    assert caught.value.feeds


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("layout.docx", zipped({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"})),
        ("layout.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600),
        ("RVU25D.pdf", b"%PDF-1.7\n%text without NUL\n"),
        ("page.html", PAGE),
        ("ZIP9_OCT2025.txt", "GA303031021201 Z9   10001      A".ljust(75) + "20254\n"),
    ],
)
def test_documents_and_what_no_reader_knows_are_skipped(tmp_path, name, content):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.UnrecognisedFile):
        read(tmp_path / name)


def test_cms_s_zip_of_localities_gives_zip5_and_names_the_rest(tmp_path):
    record = "GA303031021201 Z9   0 A".ljust(75) + "20254\n"
    further = "GA303031021201 Z9   10001      A".ljust(75) + "20254\n"
    table = workbook(tmp_path, [["STATE", "ZIP CODE", "CARRIER", "LOCALITY"], ["GA", "30303", "10212", "01"]])
    files = {
        "ZIP5_OCT2025.txt": record,
        "ZIP5_OCT2025.xlsx": table,
        "ZIP5lyout.txt": "Zip5 Record Layout\n",
        "ZIP9_OCT2025.txt": further + further.replace("0001", "0002").replace("1021201", "1021299"),
    }
    zipped(files, tmp_path / "zip-code-carrier-locality-file.zip")
    found, told = read(tmp_path / "zip-code-carrier-locality-file.zip")
    assert found["staged_zip_locality"].select("zip_code", "locality", "effective_from").rows() == [
        ("30303", "01", "2025-10-01")
    ]
    assert told == {
        "copy": (1, "ZIP5_OCT2025.xlsx (of ZIP5_OCT2025.txt)"),
        "skipped": (2, "ZIP5lyout.txt; ZIP9_OCT2025.txt"),
    }


def test_a_zip_made_on_windows_with_backslashes(tmp_path):
    zipped({"RVU25D/GPCI2025.csv": GPCI}, tmp_path / "w.zip")
    whole = (tmp_path / "w.zip").read_bytes().replace(b"RVU25D/GPCI", b"RVU25D\\GPCI")
    (tmp_path / "w.zip").write_bytes(whole)
    found, _ = read(tmp_path / "w.zip")
    assert set(found["staged_gpci"]["effective_from"]) == {"2025-10-01"}

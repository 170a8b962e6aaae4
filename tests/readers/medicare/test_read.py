"""readers/medicare: which of CMS's files a file is, what its rows say, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest

from medicare_texts import ANES, ASC, GPCI, LOCALITIES, OFFICE, OPPS, rvu_file, zip_record
from pipeline import errors, tables
from pipeline.readers.medicare import read as medicare
from pipeline.readers.reference_files.account import Account


@pytest.fixture
def write(tmp_path):
    """Write a file and read it with the reader."""

    def read(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return medicare.read(path)

    return read


def table(found: dict[str, pl.DataFrame], name: str, *columns: str) -> list[tuple]:
    """The rows of the one table that was read, some columns of it; the schema is the declared one."""
    assert list(found) == [name]
    assert dict(found[name].schema) == dict(tables.get(name).polars_schema())
    return found[name].select(columns).rows()


@pytest.mark.parametrize(
    ("file", "name", "rows"),
    [
        ("25LOCCO.csv", "staged_locality_county", 110),
        ("ANES2025.csv", "staged_anesthesia", 109),
        ("GPCI2025.csv", "staged_gpci", 109),
        ("OPPSCAP_Oct.csv", "staged_opps_cap", 16_100),
        ("PPRRVU2025_Oct.csv", "staged_pfs_rvu", 19_090),
        ("ZIP5_OCT2025.txt", "staged_zip_locality", 42_956),
    ],
)
def test_real_files_are_known_by_their_content(real, tmp_path, file, name, rows):
    original = medicare.read(real / "medicare" / file)
    assert len(table(original, name, "source_file")) == rows
    assert set(original[name]["source_file"]) == {file}
    key = tables.get(name).key
    assert original[name].select(key).is_unique().all()
    assert original[name].select(pl.col(key).null_count()).row(0) == (0,) * len(key)
    # under another name (which keeps the year, all that anaesthesia factors have) it is the same file
    renamed = tmp_path / "downloaded 2025.dat"
    renamed.write_bytes((real / "medicare" / file).read_bytes())
    same = medicare.read(renamed)[name]
    without = pl.exclude("source_file", "release")
    assert same.select(without).equals(original[name].select(without))


def test_real_relative_values(real):
    found = medicare.read(real / "medicare" / "PPRRVU2025_Oct.csv")["staged_pfs_rvu"]
    assert set(zip(found["effective_from"], found["release"], found["released"], strict=True)) == {
        ("2025-10-01", "RVU25D", "2025-09-11")
    }
    [row] = found.filter(code="77080", modifier="TC").to_dicts()
    assert row == {
        "code": "77080",
        "modifier": "TC",
        "status": "A",
        "work_rvu": "0.00",
        "pe_rvu_nonfacility": "0.89",
        "pe_rvu_facility": "0.89",
        "mp_rvu": "0.01",
        "nonfacility_na": False,
        "facility_na": True,
        "pctc_indicator": "1",
        "global_days": "XXX",
        "conversion_factor": "32.3465",
        "opps_pe_nonfacility": "3.25",
        "opps_pe_facility": "3.25",
        "opps_mp": "0.04",
        "effective_from": "2025-10-01",
        "released": "2025-09-11",
        "release": "RVU25D",
        "source_file": "PPRRVU2025_Oct.csv",
    }


def test_real_carriers_and_localities_are_one_set(real):
    """Zeros that 25LOCCO lost and blanks that ANES2025 gained: all three files then name the same 109 localities."""
    sets = {}
    for file in ("GPCI2025.csv", "ANES2025.csv", "25LOCCO.csv"):
        [frame] = medicare.read(real / "medicare" / file).values()
        sets[file] = set(frame.select("carrier", "locality").rows())
    assert len(sets["GPCI2025.csv"]) == 109
    assert sets["ANES2025.csv"] == sets["GPCI2025.csv"] == sets["25LOCCO.csv"]


def test_real_zips_lie_in_known_localities(real):
    zips = medicare.read(real / "medicare" / "ZIP5_OCT2025.txt")["staged_zip_locality"]
    places = medicare.read(real / "medicare" / "GPCI2025.csv")["staged_gpci"]
    assert zips.join(places, on=["carrier", "locality"], how="anti").is_empty()
    assert set(zips["effective_from"]) == {"2025-10-01"}
    assert not set(zips["state"]) & {"EK", "WK", "EM", "WM"}
    kansas = zips.filter(state="KS")
    assert (len(kansas), set(kansas["carrier"])) == (63 + 712, {"05202"})
    missouri = zips.filter(state="MO")
    assert (len(missouri), set(missouri["locality"])) == (858 + 342, {"01", "02", "99"})
    assert zips.filter(zip_code="00601")["state"].to_list() == ["PR"]


def test_the_layout_beside_the_zip_file_is_passed_over(real):
    with pytest.raises(errors.UnrecognisedFile, match=r"ZIP5lyout\.txt"):
        medicare.read(real / "medicare" / "ZIP5lyout.txt")


@pytest.mark.parametrize(
    ("title", "released", "factor", "expected"),
    [
        ("2025 National Physician Fee Schedule Relative Value File October Release", "09/11/2025", "32.3465", ("2025-10-01", "RVU25D")),
        ("2025 National Physician Fee Schedule Relative Value File January Release", "12/23/2024", "32.3465", ("2025-01-01", "RVU25A")),
        ("2024 National Physician Fee Schedule Relative Value File January Release", "12/21/2023", "32.7442", ("2024-01-01", "RVU24A")),
        ("2024 National Physician Fee Schedule Relative Value File January Release", "3/12/2024", "33.2875", ("2024-03-09", "RVU24AR")),
        ("2024 National Physician Fee Schedule Relative Value File April Release", "3/22/2024", "33.2875", ("2024-04-01", "RVU24B")),
        ("2026 National Physician Fee Schedule Relative Value File July Release", "6/01/2026", "33.4009", ("2026-07-01", "RVU26C")),
    ],
)  # fmt: skip
def test_a_release_holds_from_its_quarter(write, title, released, factor, expected):
    text = rvu_file(OFFICE.replace("32.3465", factor), title=title, released=released)
    found = write("x.csv", text)
    assert table(found, "staged_pfs_rvu", "effective_from", "release", "conversion_factor") == [(*expected, factor)]


def test_a_title_in_two_lines(write):
    text = rvu_file(OFFICE).replace("Schedule Relative", "Schedule,,\n,,Relative")
    assert table(write("x.csv", text), "staged_pfs_rvu", "release") == [("RVU25D",)]


def test_codes_without_their_zeros_and_latin_1_are_read(write):
    text = rvu_file(OFFICE.replace("99213,", "100,"), "ª0001,,I,0,0,,0,,0,9,XXX,32.3465,,0,0,0")
    found = write("x.csv", text, encoding="latin-1")
    assert table(found, "staged_pfs_rvu", "code", "facility_na") == [("00100", True), ("ª0001", False)]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (rvu_file(OFFICE).replace("WORK", "WERK"), "has no column WORK RVU"),
        (rvu_file(OFFICE).replace("HCPCS,MOD", "CODE,MOD"), "no heading that begins HCPCS,MOD"),
        (rvu_file(OFFICE, released="09/11/2023"), "its title says 2025, but it was released 2023-09-11"),
        (rvu_file(OFFICE, released="soon"), "does not say when it was released"),
        (rvu_file(OFFICE.replace("1.30", "1.3O")), "work_rvu is '1.3O', not a number"),
        (rvu_file(OFFICE.replace("1.30", "")), "work_rvu is empty"),
        (rvu_file(OFFICE.replace("32.3465", "32.34651")), "more than 4 decimals"),
        (rvu_file(OFFICE[:20]), "pe_rvu_facility is empty"),
        (rvu_file(OFFICE, OFFICE.replace("1.30", "1.31")), "gives code 99213 twice, differently"),
        (rvu_file(OFFICE, title="2025 National Physician Fee Schedule Relative Value File Smarch Release"), "SMARCH is no month"),
    ],
)  # fmt: skip
def test_broken_relative_values_are_refused(write, text, fact):
    with pytest.raises(errors.SourceError) as caught:
        write("x.csv", text)
    assert not isinstance(caught.value, errors.UnrecognisedFile)
    assert fact.lower() in caught.value.fact.lower()
    assert str(caught.value.place).split(":")[0].endswith("x.csv")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("work", "figures", "expected"),
    [
        ("2025 PW GPCI (with 1.0 Floor)", "1", ("1", None)),
        ("2024 PW GPCI (without 1.0 Floor)", "0.983", (None, "0.983")),
        ("2024 PW GPCI (without 1.0 Floor),2024 PW GPCI (with 1.0 Floor)", "0.983,1", ("1", "0.983")),
    ],
)
def test_gpcis_with_either_work_column(write, work, figures, expected):
    text = GPCI.format(title=work[:4], year=work[:4], work=work, figures=figures)
    found = write("GPCI.csv", text)
    columns = ("carrier", "locality", "state", "work_gpci_floor", "work_gpci_no_floor", "pe_gpci", "effective_from")
    assert table(found, "staged_gpci", *columns) == [("10112", "00", "AL", *expected, "0.869", f"{work[:4]}-01-01")]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"title": "2024"}, "name 2024 and 2025"),
        ({"work": "2025 WORK"}, "has no column"),
        ({"figures": "one"}, "work_gpci_floor is 'one', not a number"),
        ({"figures": ""}, "work_gpci_floor is empty"),
    ],
)
def test_broken_gpcis_are_refused(write, change, fact):
    good = {"title": "2025", "year": "2025", "work": "2025 PW GPCI (with 1.0 Floor)", "figures": "1"}
    with pytest.raises(errors.SourceError, match=fact):
        write("GPCI.csv", GPCI.format(**good | change))


def test_anaesthesia_factors_need_a_year_in_their_name(write):
    text = "Contractor,Locality,Locality Name,National Anes CF of 20.3178\n2102 ,1 ,ALASKA*,27.86 \n"
    columns = ("carrier", "locality", "anesthesia_factor", "national_factor", "effective_from")
    expected = [("02102", "01", "27.86", "20.3178", "2025-01-01")]
    assert table(write("ANES2025.csv", text), "staged_anesthesia", *columns) == expected
    with pytest.raises(errors.SourceError, match="does not say of which year"):
        write("ANES.csv", text)


def test_anaesthesia_base_units(write):
    text = "2025 Anesthesia Base Units by CPT Code,\nCode,Base Unit\n100,5\n01999,0\n"
    assert table(write("base.csv", text), "staged_anesthesia_base", "code", "base_units", "effective_from") == [
        ("00100", "5", "2025-01-01"),
        ("01999", "0", "2025-01-01"),
    ]


def test_opps_addendum_b(write):
    columns = ("code", "si", "apc", "weight", "payment_rate", "effective_from", "release")
    found = table(write("July 2025 Web Addendum B.07.01.25.csv", OPPS), "staged_opps", *columns)
    when = ("2025-07-01", "Addendum B 2025-07")
    assert found == [
        ("00100", "N", None, None, None, *when),
        ("0633T", "S", "5521", "0.9909", "1088.38", *when),
        ("J9999", "K", "0701", None, "4.335", *when),
        ("C1713", "N", None, None, None, *when),
    ]
    with pytest.raises(errors.SourceError, match="says 2025, but not from which quarter it holds"):
        write("addendum_b.csv", OPPS)  # never January by default
    assert table(write("July 2025 b.txt", OPPS.replace(",", "\t").replace('"$1\t', '"$1,').replace("breast w/3d\t", "breast,")), "staged_opps", "payment_rate")[1] == ("1088.38",)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "fact"),
    [
        ("July 2024 Addendum B.csv", OPPS, "its text says 2025, but July 2024 is there too"),
        ("b.csv", OPPS.replace("Relative Weight", "Weight"), "has no column RELATIVE WEIGHT"),
        ("b.csv", OPPS.replace("Payment Rate", "Rate"), "has no column PAYMENT RATE"),
        ("b.csv", OPPS.replace("CY 2025", "the year"), "does not say of which year"),
        ("July 2025 b.csv", OPPS.replace("0633T", "J9999"), "gives code J9999 twice"),
        ("July 2025 b.csv", OPPS.split("100,Anesth")[0], "has a heading but no rows"),
    ],
)
def test_broken_addendum_b_is_refused(write, name, text, fact):
    with pytest.raises(errors.SourceError, match=fact):
        write(name, text)


def workbook(tmp_path, name, *sheets):
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / name)
    return medicare.read(tmp_path / name)


def test_addenda_as_workbooks(tmp_path):
    heading = ["HCPCS Code", "Short Descriptor", "SI", "APC", "Relative Weight", "Payment Rate"]
    rows = [
        ["Addendum B.-Final OPPS Payment by HCPCS Code for CY 2025"],
        heading,
        [10004, "Fna", "N", None, None, None],
        [100, "Anesth", "N", None, None, None],
        ["0633T", "Ct", "S", 5521, 0.9909, 1723.05],
        ["J9999", "Drug", "K", 701, None, 0.1 + 0.2],  # stored as 0.30000000000000004
    ]
    found = workbook(tmp_path, "April 2025 Addendum B.xlsx", ("Read me", [["About this workbook"]]), ("B", rows))
    assert table(found, "staged_opps", "code", "apc", "weight", "payment_rate", "effective_from") == [
        ("10004", None, None, None, "2025-04-01"),
        ("00100", None, None, None, "2025-04-01"),
        ("0633T", "5521", "0.9909", "1723.05", "2025-04-01"),
        ("J9999", "0701", None, "0.3", "2025-04-01"),
    ]


def test_a_broken_workbook_is_refused(write):
    with pytest.raises(errors.SourceError, match="cannot be read as a workbook"):
        write("b.xlsx", b"PK\x03\x04 and then nothing")


@pytest.mark.parametrize(
    ("when", "day"), [("April 2026", "2026-04-01"), ("Final CY 2025", "2025-01-01"), ("January 2025", "2025-01-01")]
)
def test_asc_addendum_aa(write, when, day):
    found = write("AA.csv", ASC.format(when=when))
    assert table(found, "staged_asc", "code", "pi", "payment_weight", "payment_rate", "effective_from") == [
        ("64628", "J8", "175.6211", "9891.33", day),
        ("66984", "A2", "22.1", "1234.50", day),
        ("00670", "N1", None, None, day),
    ]


def test_asc_addendum_ff(write):
    text = (
        "Addendum FF for CY 2025,,,,,\n"
        "HCPCS Code,Short Descriptor,Indicator,APC,OPPS Rate,Device Offset Amount / Device Portion\n"
        '64628,Trml,J8,5115,"$12,000.00","$7,500.10"\n66984,Xcapsl,A2,5491,"$2,000.00",\n'
    )
    found = write("January 2025 FF.csv", text)
    assert table(found, "staged_asc_device", "code", "device_portion", "effective_from") == [
        ("64628", "7500.10", "2025-01-01")
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "table3.csv",
            "TABLE 3 - WAGE INDEX TABLE BY CBSA - FY 2025,,,\nCBSA,Area Name,State,Wage Index\n10180,\"Abilene, TX\",TX,0.9\n45,TEXAS,TX,0.85\n",
            [("OPPS", "TX", "10180", "0.9"), ("OPPS", "TX", "45", "0.85")],
        ),
        (
            "wages.csv",
            'CY 2025 ASC wage index,,\nCBSA,CBSA Name,WI25\n10900,"Allentown-Bethlehem-Easton, PA-NJ",1.1234\n',
            [("ASC", "PA", "10900", "1.1234"), ("ASC", "NJ", "10900", "1.1234")],
        ),
        ("wage_index_2025.csv", "CBSA,State,Wage Index\n10180,TX,0.9\n", [("", "TX", "10180", "0.9")]),
    ],
)  # fmt: skip
def test_wage_index(write, name, text, expected):
    found = write(name, text)
    assert table(found, "staged_wage_index", "schedule", "state", "cbsa", "wage_index") == expected
    assert set(found["staged_wage_index"]["effective_from"]) == {"2025-01-01"}


def test_areas_as_the_asc_file_names_them(write):
    """The rest of a state by the state's name, an area of one county by its code, two indices of one area."""
    text = (
        "CBSA\tWI26\tCBSA Name\n01\t0.6367\tALABAMA\n50001\t0.6800\tWashington County\n"
        '12100\t1.0333\t"Atlantic City, NJ"\n12100\t1.0303\t"Atlantic City, NJ"\n12100\t1.0303\t"Atlantic City, NJ"\n'
    )
    found = write("areas.txt", text)
    columns = ("schedule", "state", "cbsa", "listing", "counties", "wage_index", "effective_from")
    assert table(found, "staged_wage_index", *columns) == [
        ("ASC", "AL", "01", 1, None, "0.6367", "2026-01-01"),
        ("ASC", "AL", "50001", 1, "01129", "0.6800", "2026-01-01"),
        ("ASC", "NJ", "12100", 2, None, "1.0333", "2026-01-01"),
        ("ASC", "NJ", "12100", 1, None, "1.0303", "2026-01-01"),
    ]


def test_a_rest_of_a_state_that_lost_its_zero(write):
    found = write("wages.csv", "CBSA,CBSA Name,WI25\n1,ALABAMA,0.6471\n")
    assert table(found, "staged_wage_index", "state", "cbsa") == [("AL", "01")]


def test_a_row_without_an_index_is_left_out_and_counted(tmp_path):
    """New Jersey has no rural area; Arkansas' takes in hospitals of Louisiana, where it does not lie (IPPS Table 3)."""
    path = tmp_path / "FY 2025 Table 3.csv"
    path.write_text("CBSA,Area Name,State,Wage Index\n04,ARKANSAS,AR,0.7\n04,ARKANSAS,LA,\n31,NEW JERSEY,NJ,\n")
    account = Account()
    found = medicare.read(path, account)
    assert table(found, "staged_wage_index", "state", "cbsa") == [("AR", "04")]
    assert account.warnings == [["no_index", 2, "04 ARKANSAS; 31 NEW JERSEY"]]


def test_an_area_of_more_rows_than_can_be_counted_is_refused(write):
    rows = "".join(f'12100,"Atlantic City, NJ",1.{n:02}\n' for n in range(13))
    with pytest.raises(errors.SourceError, match="lists the area 12100 NJ 13 times"):
        write("wages.csv", f"CBSA,CBSA Name,WI25\n{rows}")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_names_in_whatever_encoding(write, encoding):
    name = "Cañon City" if encoding == "latin-1" else "Cañon City “west”"
    found = write("wages 2025.csv", f"CBSA,Area Name,State,Wage Index\n15860,{name},CO,0.9\n", encoding)
    assert table(found, "staged_wage_index", "area_name") == [(name,)]


def test_an_area_without_state_is_refused(write):
    with pytest.raises(errors.SourceError, match="in which state the area 10180 Abilene lies is not said"):
        write("wages 2025.csv", "CBSA,Area Name,Wage Index\n10180,Abilene,0.9\n")


def test_zip_records(write):
    text = zip_record("EK", carrier=" 5202", locality=" 0") + zip_record("WM", "64001", "05302", "02")
    columns = ("zip_code", "carrier", "locality", "state", "effective_from", "release")
    assert table(write("z.txt", text), "staged_zip_locality", *columns) == [
        ("66002", "05202", "00", "KS", "2025-10-01", "ZIP5 2025Q4"),
        ("64001", "05302", "02", "MO", "2025-10-01", "ZIP5 2025Q4"),
    ]


def test_a_zip_in_two_localities_is_refused(write):
    assert len(write("z.txt", zip_record() * 2)["staged_zip_locality"]) == 1
    with pytest.raises(errors.SourceError, match="gives zip_code 66002 twice, differently"):
        write("z.txt", zip_record() + zip_record(locality="01"))


def test_a_record_cut_off_is_named_by_line(write):
    with pytest.raises(errors.SourceError, match="is not a record of 80 characters") as caught:
        write("z.txt", zip_record() + zip_record()[:40])
    assert caught.value.place.endswith("z.txt:2")


@pytest.mark.parametrize(
    ("text", "kind", "fact"),
    [
        ("", errors.SourceError, "is empty"),
        ("  \n\n", errors.SourceError, "is empty"),
        ("hello\n", errors.UnrecognisedFile, "is none of Medicare's"),
        ("npi,name\n1,x\n", errors.UnrecognisedFile, "is none of Medicare's"),
        (b"%PDF-1.7\x00\x01", errors.UnrecognisedFile, "is not a text file"),
    ],
)
def test_what_is_no_fee_schedule(write, text, kind, fact):
    with pytest.raises(kind, match=fact):
        write("x.csv", text)


# ---- no record is lost ---------------------------------------------------------------------------------------------

CAP = (
    "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE\n0633T,TC,C,01112,05,150.69,150.69\n,,,,,,\n"
)
ADDENDUM_FF = "Addendum FF for CY 2025,\nHCPCS Code,Device Offset Amount / Device Portion\n64628,7500.10\n*note,\n"
WAGES = "FY 2025,,\nCBSA,State,Wage Index\n10180,TX,0.9\n* note,,\n"
SMALL_GPCI = GPCI.format(title="2025", year="2025", work="2025 PW GPCI (with 1.0 Floor)", figures="1")
SMALL_ASC = ASC.format(when="January 2025")


@pytest.mark.parametrize(
    ("name", "text", "old", "new", "fact"),
    [
        ("gpci.csv", SMALL_GPCI, "10112,", "1O112,", "the carrier is '1O112'"),
        ("gpci.csv", SMALL_GPCI, "10112,", ",", "the carrier is empty"),
        ("gpci.csv", SMALL_GPCI, ",0,ALABAMA", ",,ALABAMA", "the locality is empty"),
        ("gpci.csv", SMALL_GPCI, "10112,AL,", "10112,,", "the state is ''"),
        ("gpci.csv", SMALL_GPCI, ",0,ALABAMA", ",STATE,ALABAMA", "the locality is 'STATE'"),
        ("locco.csv", LOCALITIES, "10112", "n/a", "the carrier is 'n/a'"),
        ("locco.csv", LOCALITIES, ",0,ALABAMA", ",,ALABAMA", "the locality is empty"),
        ("ANES2025.csv", ANES, "02102", "O2102", "the contractor is 'O2102'"),
        ("ANES2025.csv", ANES, ",01 ,", ",1A,", "the locality is '1A'"),
        ("ANES2025.csv", ANES, "27.86", "", "the factor is empty"),
        ("cap.csv", CAP, "0633T", "", "the HCPCS code is empty"),
        ("cap.csv", CAP, "01112", "1112A", "the carrier is '1112A'"),
        ("rvu.csv", rvu_file(OFFICE), "99213,", ",", "the HCPCS code is empty"),
        ("July 2025 b.csv", OPPS, "0633T,", "063-3T,", "the HCPCS code is '063-3T'"),
        ("aa.csv", SMALL_ASC, "66984,", "66984 *,", "the HCPCS code is '66984 [*]'"),
        ("January 2025 ff.csv", ADDENDUM_FF, "64628,", "646 28,", "the HCPCS code is '646 28'"),
        ("wages.csv", WAGES, "10180", "Abilene", "the CBSA is 'Abilene'"),
        ("zip.txt", zip_record(), "0520200", "     00", "the carrier is empty"),
        ("zip.txt", zip_record(), "0520200", "05202  ", "the locality is empty"),
    ],
)  # fmt: skip
def test_a_record_whose_key_cannot_be_read_is_refused_not_lost(write, name, text, old, new, fact):
    """Remarks below a table have one cell; a row with figures and no key is a record that would be missed."""
    whole = write(name, text)
    assert len(next(iter(whole.values()))) >= 1
    assert text.count(old) == 1
    with pytest.raises(errors.SourceError, match=fact) as caught:
        write(name, text.replace(old, new))
    assert caught.value.place.rpartition(":")[2].isdigit()
    assert caught.value.remedy

"""Reader of geography files."""

from __future__ import annotations

import openpyxl
import polars as pl
import pytest

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import geo


def staged(tmp_path, text: str, name: str = "file.csv") -> dict[str, pl.DataFrame]:
    path = tmp_path / name
    path.write_text(text)
    return geo.read(path)


def workbook(tmp_path, rows: list[list], query: str | None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if query:
        book.create_sheet("SQL").append([query])
    book.save(tmp_path / "renamed.xlsx")
    return geo.read(tmp_path / "renamed.xlsx")


HUD = ["ZIP", "CBSA", "USPS_ZIP_PREF_CITY", "USPS_ZIP_PREF_STATE", "RES_RATIO", "BUS_RATIO", "OTH_RATIO", "TOT_RATIO"]


def test_hud_workbook_with_its_release_and_numbers_for_codes(tmp_path):
    rows = [HUD, [501, 35620, "HOLTSVILLE", "NY", 0, 1, 0, 1], ["44118", "17410", "CLEVELAND", "OH", 0.25, 1, 1, 0.5]]
    table = workbook(tmp_path, rows, "select * from ZIP_CBSA_062025 order by zip")["staged_zip_cbsa"]
    assert table.rows() == [
        ("00501", "35620", "HOLTSVILLE", "NY", 0.0, 1.0, 0.0, 1.0, "2025-06", "renamed.xlsx"),
        ("44118", "17410", "CLEVELAND", "OH", 0.25, 1.0, 1.0, 0.5, "2025-06", "renamed.xlsx"),
    ]
    assert workbook(tmp_path, rows, None)["staged_zip_cbsa"]["release"].to_list() == [None, None]


def test_county_codes_that_lost_their_zero(tmp_path):
    text = "ZIP,COUNTY,county_name,city,state\n06001,9110,,AVON,CT\n96799,60,,PAGO PAGO,AS\n601,72001,,ADJUNTAS,PR\n"
    table = staged(tmp_path, text)["staged_zip_county"]
    assert table.select("zip", "county_fips", "state_fips", "source_row").rows() == [
        ("00601", "72001", "72", 4),
        ("06001", "09110", "09", 2),
        ("96799", None, "60", 3),
    ]


def test_county_crosswalk_with_ratios(tmp_path):
    text = "ZIP,COUNTY,USPS_ZIP_PREF_CITY,USPS_ZIP_PREF_STATE,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO\n"
    (table,) = staged(tmp_path, text + "00501,36103,HOLTSVILLE,NY,0,1,0,1\n", "ZIP_COUNTY_122024.csv").values()
    assert table.select("zip", "county_fips", "res_ratio", "tot_ratio", "release").rows() == [
        ("00501", "36103", 0.0, 1.0, "2024-12")
    ]


def test_geonames(tmp_path):
    lines = [
        "US\t99553\tAkutan\tAlaska\tAK\tAleutians East\t013\t\t\t54.143\t-165.7854\t1",
        'US\t09001\tAPO "AE"\t\t\t\t\t\t\t38.1105\t15.6613\t',
    ]
    table = staged(tmp_path, "\n".join(lines), "US.txt")["staged_zip_place"]
    columns = ["zip", "place_name", "state", "county_fips", "county_name", "latitude", "longitude", "accuracy"]
    assert table.select(columns).rows() == [
        ("09001", 'APO "AE"', None, None, None, 38.1105, 15.6613, None),
        ("99553", "Akutan", "AK", "02013", "Aleutians East", 54.143, -165.7854, 1),
    ]


def test_delineation(tmp_path):
    head = (
        "cbsacode,metropolitandivisioncode,csacode,cbsatitle,metropolitanmicropolitanstatis,metropolitandivisiontitle,"
    )
    head += "csatitle,countycountyequivalent,statename,fipsstatecode,fipscountycode,centraloutlyingcounty\n"
    line = '21640,,,"Eufaula, AL-GA",Micropolitan Statistical Area,,,Barbour County,Alabama,1,5,Central\n'
    table = staged(tmp_path, head + line)["staged_cbsa_county"]
    assert table.select("county_fips", "cbsa_code", "cbsa_title", "cbsa_type", "county_name").rows() == [
        ("01005", "21640", "Eufaula, AL-GA", "Micropolitan Statistical Area", "Barbour County")
    ]
    with pytest.raises(SourceError, match=r"file\.csv:2: cbsatitle blank where a title is needed"):
        staged(tmp_path, head + line.replace('"Eufaula, AL-GA"', ""))
    with pytest.raises(SourceError, match=r"file\.csv:3: county 15 is in two CBSAs"):
        staged(tmp_path, head + line + line)


CENSUS = """"aa","1600 PENNSYLVANIA AVE NW, WASHINGTON, DC, 20500","Match","Exact","1600 PENNSYLVANIA AVE NW, WASHINGTON, \
DC, 20500","-77.03518,38.89869","76225813","L","11","001","006202","1031"
"bb","1 NOWHERE, X, TX, 00000","No_Match"
"cc","1 MAIN ST, X, TX, 00000","Tie"
"""


def test_census_results_longitude_first_and_short_rows(tmp_path):
    table = staged(tmp_path, CENSUS, "GeocodeResults.csv")["staged_geocode"]
    assert table.select("address_id", "match", "latitude", "longitude", "county_fips", "tract").rows() == [
        ("aa", "Match", 38.89869, -77.03518, "11001", "006202"),
        ("bb", "No_Match", None, None, None, None),
        ("cc", "Tie", None, None, None, None),
    ]


def test_census_results_that_begin_with_no_match_and_give_locations_alone(tmp_path):
    lines = ['"b","x","No_Match"', '"a","y","Match","Non_Exact","Y ST, Z, TX, 75001","-96.8,32.9","123","R"']
    table = staged(tmp_path, "\n".join(lines))["staged_geocode"]
    assert table.select("address_id", "latitude", "longitude", "county_fips").rows() == [
        ("a", 32.9, -96.8, None),
        ("b", None, None, None),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ZIP,CBSA\n1,2\n", "without the columns res_ratio, bus_ratio, oth_ratio, tot_ratio"),
        ("ZIP,COUNTY\n501,36103\n501,36103\n", "file.csv:3: ZIP 00501 and county 36103 are there twice"),
        ("ZIP,COUNTY\nA501,36103\n", "file.csv:2: zip 'A501' is no ZIP"),
        ("ZIP,COUNTY\n501,103\n", "file.csv:2: county '103' is no county code of five digits"),
        (f"{','.join(HUD)}\n501,35620,H,NY,1.5,1,0,1\n", "file.csv:2: res_ratio '1.5' is no share"),
        (f"{','.join(HUD)}\n501,35620,H,NY,many,1,0,1\n", "file.csv:2: res_ratio 'many' is no number"),
        (CENSUS.replace("-77.03518,38.89869", "38.89869,-97.03518"), "file.csv:1: latitude '-97.03518' is no latitude"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        staged(tmp_path, text)


def test_another_file_is_passed_over(tmp_path):
    with pytest.raises(UnrecognisedFile):
        staged(tmp_path, "Read me first\n")
    with pytest.raises(UnrecognisedFile):
        workbook(tmp_path, [["State", "Rate"], ["NY", 1]], None)


def test_the_published_files(real):
    heights = {p.name: [(t, f.height) for t, f in geo.read(p).items()] for p in (real / "geo").iterdir()}
    assert heights == {
        "ZIP_CBSA_062025.xlsx": [("staged_zip_cbsa", 47633)],
        "dim_zip.csv": [("staged_zip_county", 54553)],
        "geonames_US.txt": [("staged_zip_place", 41483)],
        "cbsa2fipsxw.csv": [("staged_cbsa_county", 1915)],
    }
    hud = geo.read(real / "geo" / "ZIP_CBSA_062025.xlsx")["staged_zip_cbsa"]
    assert hud["release"].unique().to_list() == ["2025-06"]
    without = hud.group_by("zip").agg(pl.col("res_ratio").max()).filter(pl.col("res_ratio") == 0)
    assert without.height == 3640

"""dim_npi_address_geolocation: where an address is, by the geocoder or by its ZIP."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.readers import geo
from reference_tables import connection, run, stage

PLACE = ("latitude", "longitude", "county_name", "county_fips", "stat_area_name", "stat_area_code", "geo_source")


def stage_geography(con, *, zip_cbsa=(), zip_county=(), places=(), delineation=(), geocodes=()):
    def rows(given, names, **more):
        return [dict(zip(names.split(), values, strict=True)) | {"source_file": "f", **more} for values in given]

    stage(con, "staged_zip_cbsa", rows(zip_cbsa, "zip cbsa_code res_ratio tot_ratio"))
    stage(con, "staged_zip_county", rows(zip_county, "zip county_fips county_name res_ratio tot_ratio", source_row=1))
    stage(
        con, "staged_zip_place", rows(places, "zip state county_fips county_name latitude longitude", country_code="US")
    )
    stage(con, "staged_cbsa_county", rows(delineation, "county_fips cbsa_code cbsa_title county_name"))
    names = "address_id match match_type latitude longitude county_fips matched_address"
    stage(con, "staged_geocode", rows(geocodes, names, source_row=1))


def stage_addresses(con, given):
    """(hash, postal code, state) of addresses, all of one provider."""
    fixed = {"npi": "1", "address_purpose": "LOCATION", "country_code": "US"}
    stage(con, "dim_npi_address", [fixed | {"address_hash": h, "postal_code": z, "state": s} for h, z, s in given])


def located(postal_code="75001", state="TX", **geography):
    con = connection()
    stage_geography(con, **geography)
    stage_addresses(con, [("h", postal_code, state)])
    found = run(con, "dim_npi_address_geolocation", *PLACE)
    return found[0] if found else None


DALLAS = ("48113", "19100", "Dallas-Fort Worth-Arlington, TX", "Dallas County")
COLLIN = ("48085", "19100", "Dallas-Fort Worth-Arlington, TX", "Collin County")


def test_centroid_county_and_cbsa_of_the_zip():
    found = located(
        zip_cbsa=[("75001", "19100", 1.0, 1.0)],
        zip_county=[("75001", "48113", "Dallas", None, None)],
        places=[("75001", "TX", "48113", "Dallas", 32.9, -96.8)],
        delineation=[DALLAS],
    )
    assert found == (32.9, -96.8, "Dallas County", "48113", "Dallas-Fort Worth-Arlington, TX", "19100", "zip")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("75001", "19100", 0.4, 0.9), ("75001", "99999", 0.6, 0.1)], "99999"),
        ([("75001", "19100", 0.0, 0.4), ("75001", "11111", 0.0, 0.6)], "11111"),
        ([("75001", "19100", 0.5, 0.5), ("75001", "11111", 0.5, 0.5)], "11111"),
    ],
)
def test_cbsa_by_residential_then_total_ratio_then_code(rows, code):
    delineation = [DALLAS, ("01001", "11111", "Elsewhere, AL", "County")]
    found = located(zip_cbsa=rows, delineation=delineation)
    names = {"19100": DALLAS[2], "11111": "Elsewhere, AL", "99999": "Non-CBSA"}
    assert found[4:6] == (names[code], code)


@pytest.mark.parametrize(
    ("candidates", "place", "chosen"),
    [
        # by ratio, even against GeoNames
        ([("75001", "48085", None, 0.1, 0.9), ("75001", "48113", None, 0.9, 0.1)], ("TX", "48085"), "48113"),
        # GeoNames' county, if it is a candidate
        ([("75001", "48085", None, None, None), ("75001", "48113", None, None, None)], ("TX", "48113"), "48113"),
        # one inside the CBSA
        ([("75001", "48001", None, None, None), ("75001", "48113", None, None, None)], ("TX", "48999"), "48113"),
        # GeoNames has old counties in Connecticut
        ([("75001", "48001", None, None, None), ("75001", "48113", None, None, None)], ("CT", "48001"), "48113"),
        # the smallest
        ([("75001", "48003", None, None, None), ("75001", "48001", None, None, None)], ("TX", "48999"), "48001"),
    ],
)
def test_county(candidates, place, chosen):
    found = located(
        zip_cbsa=[("75001", "19100", 1.0, 1.0)],
        zip_county=candidates,
        places=[("75001", *place, "name", 1.0, 2.0)],
        delineation=[DALLAS, COLLIN],
    )
    assert found[3] == chosen


def test_the_zip_without_candidates_takes_geonames_county_and_its_cbsa():
    found = located(places=[("75001", "TX", "48113", "Dallas", 1.0, 2.0)], delineation=[DALLAS])
    assert found[2:6] == ("Dallas County", "48113", DALLAS[2], "19100")
    found = located(places=[("75001", "TX", "48001", "Anderson", 1.0, 2.0)], delineation=[DALLAS])
    assert found[2:6] == ("Anderson", "48001", "Non-CBSA", "99999")
    found = located(places=[("06103", "CT", "09003", "Hartford", 1.0, 2.0)], postal_code="06103", delineation=[DALLAS])
    assert found == (1.0, 2.0, None, None, None, None, "zip")


def test_without_a_delineation_nothing_is_called_non_cbsa():
    assert located(places=[("75001", "TX", "48001", "Anderson", 1.0, 2.0)])[2:6] == ("Anderson", "48001", None, None)


def test_a_cbsa_that_the_delineation_numbers_otherwise():
    # as Cleveland: 17410 in HUD's file, 17460 in the delineation
    found = located(
        zip_cbsa=[("75001", "19999", 1.0, 1.0), ("75002", "19999", 1.0, 1.0)],
        zip_county=[("75001", "48001", None, None, None), ("75001", "48113", None, None, None)],
        delineation=[DALLAS],
    )
    assert found[3:6] == ("48113", DALLAS[2], "19100")


def test_the_geocoders_match_goes_first():
    geography = {
        "zip_cbsa": [("75001", "19100", 1.0, 1.0)],
        "places": [("75001", "TX", "48113", "Dallas", 1.0, 2.0)],
        "delineation": [DALLAS, ("01001", "11111", "Elsewhere, AL", "Autauga County")],
    }
    match = ("h", "Match", "Exact", 3.0, 4.0, "01001", "1 ELM ST")
    loose = ("h", "Match", "Non_Exact", 5.0, 6.0, "48113", "2 ELM ST")
    assert located(geocodes=[loose, match], **geography) == (
        *(3.0, 4.0, "Autauga County", "01001", "Elsewhere, AL", "11111", "census"),
    )
    outside = ("h", "Match", "Exact", 3.0, 4.0, "01009", "1 ELM ST")
    assert located(geocodes=[outside], **geography)[2:6] == (None, "01009", "Non-CBSA", "99999")
    coordinates = ("h", "Match", "Exact", 3.0, 4.0, None, "1 ELM ST")
    assert located(geocodes=[coordinates], **geography) == (
        3.0,
        4.0,
        "Dallas County",
        "48113",
        DALLAS[2],
        "19100",
        "census",
    )
    for verdict in ("No_Match", "Tie"):
        failed = ("h", verdict, None, None, None, None, None)
        assert located(geocodes=[failed], **geography)[0::6] == (1.0, "zip")


@pytest.mark.parametrize(
    ("postal_code", "state", "zip5"),
    [
        ("750011234", "TX", "75001"),
        ("75001-1234", "TX", "75001"),
        ("75001", "TX", "75001"),
        ("6039", "CT", "06039"),
        ("60391234", "CT", "06039"),
        ("7500", None, "07500"),
        ("750", "TX", None),
        (None, "TX", None),
        ("75001", "AE", None),
        ("SW1A 1AA", None, None),
    ],
)
def test_zips_as_written(postal_code, state, zip5):
    places = [(z, "TX", None, None, float(z), 1.0) for z in ("75001", "06039", "07500")]
    found = located(postal_code, state, places=places)
    assert (found and found[0]) == (zip5 and float(zip5))


def test_a_military_post_office_is_no_place():
    assert located("09001", None, places=[("09001", None, None, None, 38.1, 15.6)]) is None


def test_nothing_staged_gives_no_row():
    assert run(connection(), "dim_npi_address_geolocation") == []
    assert located() is None


@pytest.fixture(scope="module")
def medicare_zips(real):
    """Of every ZIP of Medicare's file: its state there, and what it gets from the published files of 2025."""
    con = connection()
    frames = [geo.read(p) for p in sorted((real / "geo").iterdir())]
    for name in {n for f in frames for n in f}:
        stage(con, name, pl.concat(f[name] for f in frames if name in f))
    lines = (real / "medicare" / "ZIP5_OCT2025.txt").read_text(encoding="latin-1").splitlines()
    states = {line[2:7]: line[:2] for line in lines if line.strip()}
    stage_addresses(con, [(z, z, s) for z, s in states.items()] + [(z, z, None) for z in BESIDE_MEDICARE])
    rows = run(con, "dim_npi_address_geolocation", "address_hash", *PLACE)
    return states, {r[0]: dict(zip(PLACE, r[1:], strict=True)) for r in rows}


def test_the_share_of_every_medicare_zip_that_has_a_place(medicare_zips):
    """Of 42,956 ZIPs: the rest stand in no file (HUD and ZIP to county leave out most PO boxes and large mailers)."""
    states, places = medicare_zips
    assert len(states) == 42956
    counted = {name: sum(z in places and places[z][name] is not None for z in states) for name in PLACE}
    shares = {name: round(100 * n / len(states), 1) for name, n in counted.items()}
    assert counted == {
        "latitude": 40964,  # GeoNames' file has no Puerto Rico: 178 of the rest
        "longitude": 40964,
        "county_fips": 41139,
        "county_name": 41086,  # counties that no file names: of islands, of Alaska, Oglala Lakota
        "stat_area_code": 41140,
        "stat_area_name": 41140,
        "geo_source": 41159,
    }
    assert (shares["county_fips"], shares["stat_area_code"], shares["latitude"]) == (95.8, 95.8, 95.4)
    assert sum(p["stat_area_code"] == "99999" for p in places.values()) == 9114
    assert {p["stat_area_name"] for p in places.values() if p["stat_area_code"] == "99999"} == {"Non-CBSA"}


@pytest.mark.parametrize(("half", "state"), [("EK", "20"), ("WK", "20"), ("EM", "29"), ("WM", "29")])
def test_halves_of_kansas_and_missouri_lie_where_they_should(medicare_zips, half, state):
    states, places = medicare_zips
    inside = [places[z]["county_fips"][:2] == state for z, s in states.items() if s == half and z in places]
    assert len(inside) > 50
    assert sum(inside) / len(inside) > 0.99


# Not in Medicare's file: military post offices and a ZIP that nobody has.
BESIDE_MEDICARE = ("09001", "34001", "96201", "00000")

# By hand: the county by the census's county of the place and the lists of counties, the area by that county's row of
# the delineation or, where a ZIP lies in several areas, by HUD's ratios, which stand beside it.
# ZIP | county | its name | area | its title   # why; - is none
BY_HAND = """
# One county, one area; leading zeros
10001 | 36061 | New York County | 35620 | New York-Newark-Jersey City, NY-NJ
60614 | 17031 | Cook County | 16980 | Chicago-Naperville-Elgin, IL-IN
00501 | 36103 | Suffolk County | 35620 | New York-Newark-Jersey City, NY-NJ   # residential ratio 0
20001 | 11001 | District of Columbia | 47900 | Washington-Arlington-Alexandria, DC-VA-MD-WV
# Cities that are no part of a county
21201 | 24510 | Baltimore city | 12580 | Baltimore-Columbia-Towson, MD
63101 | 29510 | St. Louis city | 41180 | St. Louis, MO-IL
24450 | 51678 | Lexington city | 99999 | Non-CBSA   # before Rockbridge and Botetourt, as GeoNames has it
# Cleveland: 17410 in HUD's file, 17460 in the delineation; Cleveland, Tennessee is another
44113 | 39035 | Cuyahoga County | 17460 | Cleveland, OH
44001 | 39093 | Lorain County | 17460 | Cleveland, OH
44060 | 39085 | Lake County | 17460 | Cleveland, OH
37311 | 47011 | Bradley County | 17420 | Cleveland, TN
# Connecticut: planning regions, not the counties that GeoNames keeps
06103 | 09110 | Capitol Planning Region | 25540 | Hartford-West Hartford-East Hartford, CT
06510 | 09170 | South Central Connecticut Planning Region | 35300 | New Haven, CT
06401 | 09140 | Naugatuck Valley Planning Region | 47930 | Waterbury-Shelton, CT
06901 | 09190 | Western Connecticut Planning Region | 14860 | Bridgeport-Stamford-Danbury, CT
# Puerto Rico and islands; Adjuntas and the others outside every area are named by no file
00901 | 72127 | San Juan Municipio | 41980 | San Juan-Bayamón-Caguas, PR
00601 | 72001 | - | 99999 | Non-CBSA
96910 | 66010 | - | 99999 | Non-CBSA
00801 | 78030 | - | 99999 | Non-CBSA
# Kansas (EK) and Missouri (WM, EM) by halves; one area over the border
66101 | 20209 | Wyandotte County | 28140 | Kansas City, MO-KS
64101 | 29095 | Jackson County | 28140 | Kansas City, MO-KS
65101 | 29051 | Cole County | 27620 | Jefferson City, MO
# Micropolitan areas, over state lines too
87301 | 35031 | McKinley County | 23700 | Gallup, NM
83001 | 56039 | Teton County | 27220 | Jackson, WY-ID
05001 | 50027 | Windsor County | 30150 | Lebanon-Claremont, NH-VT
36027 | 01005 | Barbour County | 21640 | Eufaula, AL-GA
# Outside every area
86515 | 04001 | Apache County | 99999 | Non-CBSA   # residential ratio 0
99553 | 02013 | Aleutians East Borough | 99999 | Non-CBSA
57764 | 46102 | - | 99999 | Non-CBSA   # Oglala Lakota, which GeoNames calls Shannon, 46113
# Several areas
30139 | 13129 | Gordon County | 15660 | Calhoun, GA   # residential 0.66 against Atlanta's 0.34
03276 | 33001 | Belknap County | 18180 | Concord, NH   # residential 0.51 of Concord, total 0.53 of Laconia
14173 | 36009 | Cattaraugus County | 36460 | Olean, NY   # residential 0 in both, total 0.995 against 0.005
36849 | 01081 | Lee County | 12220 | Auburn-Opelika, AL   # residential 0 in both, total 0.99
14812 | 36097 | Schuyler County | 99999 | Non-CBSA   # residential 0.496 outside, the rest in two areas
# Nowhere
09001 | - | - | - | -
34001 | - | - | - | -
96201 | - | - | - | -
00000 | - | - | - | -
"""


def by_hand() -> list[list[str | None]]:
    """The five fields of each line of BY_HAND."""
    lines = [line.split("   #")[0] for line in BY_HAND.strip().splitlines() if not line.startswith("#")]
    return [[None if field.strip() == "-" else field.strip() for field in line.split("|")] for line in lines]


@pytest.mark.parametrize(("code", "fips", "county", "area", "title"), by_hand(), ids=[b[0] for b in by_hand()])
def test_zips_by_hand(medicare_zips, code, fips, county, area, title):
    place = medicare_zips[1].get(code, dict.fromkeys(PLACE))
    names = ("county_fips", "county_name", "stat_area_code", "stat_area_name")
    assert tuple(place[n] for n in names) == (fips, county, area, title)

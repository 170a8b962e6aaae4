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


def test_every_medicare_zip_on_the_published_files(real):
    con = connection()
    frames = [geo.read(p) for p in sorted((real / "geo").iterdir())]
    for name in {n for f in frames for n in f}:
        stage(con, name, pl.concat(f[name] for f in frames if name in f))
    lines = (real / "medicare" / "ZIP5_OCT2025.txt").read_text(encoding="latin-1").splitlines()
    states = {line[2:7]: line[:2] for line in lines if line.strip()}
    assert len(states) == 42956
    stage_addresses(con, [(z, z, s) for z, s in states.items()])
    rows = run(con, "dim_npi_address_geolocation", "address_hash", *PLACE)
    found = {r[0]: r[1:] for r in rows}
    # Of 42,956: 41,159 stand in any file (HUD and ZIP to county leave out most PO boxes and large mailers); county
    # 95.8 %, CBSA or none 95.8 %, coordinates 95.4 % (GeoNames' file has no Puerto Rico).
    counted = {name: sum(r[n] is not None for r in found.values()) for n, name in enumerate(PLACE)}
    assert len(found) == 41159
    assert counted["county_fips"] == 41139
    assert counted["county_name"] == 41086
    assert counted["stat_area_code"] == counted["stat_area_name"] == 41140
    assert counted["latitude"] == 40964
    assert sum(r[5] == "99999" for r in found.values()) == 9114
    assert {r[5] for r in found.values() if r[4] == "Cleveland, OH"} == {"17460"}
    # By hand from the delineation and the census's county of the place.
    for code, county, area in [
        ("10001", "36061", "New York-Newark-Jersey City, NY-NJ"),
        ("44113", "39035", "Cleveland, OH"),
        ("60614", "17031", "Chicago-Naperville-Elgin, IL-IN"),
        ("06103", "09110", "Hartford-West Hartford-East Hartford, CT"),
        ("20001", "11001", "Washington-Arlington-Alexandria, DC-VA-MD-WV"),
        ("21201", "24510", "Baltimore-Columbia-Towson, MD"),
        ("63101", "29510", "St. Louis, MO-IL"),
        ("66101", "20209", "Kansas City, MO-KS"),
        ("99501", "02020", "Anchorage, AK"),
        ("96910", "66010", "Non-CBSA"),
        ("00601", "72001", "Non-CBSA"),
        ("00501", "36103", "New York-Newark-Jersey City, NY-NJ"),
    ]:
        assert found[code][3:5] == (county, area), code
    # The ZIP file's halves of Kansas and Missouri lie where they should.
    for half, fips in (("EK", "20"), ("WK", "20"), ("EM", "29"), ("WM", "29")):
        inside = [found[z][3][:2] == fips for z, s in states.items() if s == half and z in found and found[z][3]]
        assert inside
        assert sum(inside) / len(inside) > 0.99

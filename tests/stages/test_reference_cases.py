"""Reference files as they are found, through the build: what is read, what is skipped, what a person is told.

Figures are those of the cases that these come from; they rest on CMS's formula, not on the code.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import kit
from medicare_files import (
    GPCI,
    GPCI_FIXED,
    OFFICE,
    OUTPATIENT,
    POS,
    WAGES,
    addendum_b,
    in_network,
    put,
    rvu,
    zipped,
)

pytestmark = pytest.mark.slow

EXTRACT = (
    "npi,entity_type_code,entity_type_description,primary_taxonomy_code,primary_specialty_description,"
    "provider_first_name,provider_last_name,provider_credential,provider_organization_name,"
    "provider_other_organization_name,provider_other_organization_name_type_code,"
    "provider_other_organization_name_type_description,parent_organization_name,practice_address_line_1,"
    "practice_address_line_2,practice_city,practice_state,practice_zip_code,mailing_telephone_number,"
    "location_telephone_number,official_telephone_number,last_updated,deactivation_date,deactivation_flag\n"
    "1550000016,1,Individual,207N00000X,Dermatology,INVENTED,PERSON0,,,,,,,0 MAIN ST,,ATLANTA,GA,303030000,,,,"
    "2025-01-01,,0\n"
)
CBSA = (
    "cbsacode,cbsatitle,metropolitanmicropolitanstatis,countycountyequivalent,statename,fipsstatecode,fipscountycode\n"
    '12060,"Atlanta-Invented, GA",Metropolitan Statistical Area,Fulton County,Georgia,13,121\n'
    '16860,"Chattanooga-Invented, TN-GA",Metropolitan Statistical Area,Walker County,Georgia,13,295\n'
)
CBSA_ZIP = """\
CBSA,ZIP,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO
12060,30303,0.0020,0.0300,0.0010,0.0040
12060,30305,0.9980,0.9700,0.9990,0.9960
16860,30303,0.0300,0.0100,0.0200,0.0280
16860,30741,0.9700,0.9900,0.9800,0.9720
"""
JANUARY = "2026 January Web Addendum B.12.29.25.csv"
JANUARY_TEXT = (
    addendum_b("G0463,J2,5012,1.4879,$136.02", "G0465,T,5054,20.0,$1800.00").encode().replace(b"G0465", b"G0465\xff")
)


def rows(root: Path, columns: str) -> list[tuple]:
    """The enriched rows, in order of month and code."""
    with duckdb.connect(root / "warehouse.duckdb", read_only=True) as con:
        return con.sql(f"SELECT year_month, {columns} FROM fact_rate_enriched ORDER BY year_month, code").fetchall()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> tuple[Path, object]:
    """An unpacked RVU25D, July's Addendum B of 2026 under CMS's name, HUD's reverse crosswalk."""
    root = tmp_path_factory.mktemp("cases") / "warehouse"
    files = {
        "mrf/GA/2025-10.json": in_network("2025-10", OFFICE),
        "mrf/GA/2026-03.json": in_network("2026-03", OUTPATIENT),
        "mrf/GA/2026-08.json": in_network("2026-08", OUTPATIENT),
        "medicare/PPRRVU2025_Oct.csv": rvu(),
        "medicare/GPCI2025.csv": GPCI,
        "medicare/GPCI2025.txt": GPCI_FIXED,
        "medicare/wage index OPPS 2026.csv": WAGES,
        "medicare/2026 July Web Addendum B.07.13.26.csv": addendum_b("G0463,J2,5012,1.4879,$140.00"),
        "geo/CBSA_ZIP_062025.csv": CBSA_ZIP,
        "geo/cbsa2fips.csv": CBSA,
        "nppes/extract.csv": EXTRACT,
        "pos/pos_codes.csv": POS,
    }
    put(root, files)
    return root, kit.build(root)


def test_an_unpacked_zip_is_read_and_its_fixed_width_copy_named(unpacked):
    root, outcome = unpacked
    assert outcome.ok, (outcome.failures, outcome.incomplete)
    (first, *_) = rows(root, "code, medicare_state_rate, rate_to_medicare_ratio")
    assert first[:3] == ("2025-10", "99213", 86.745)
    assert round(first[3], 4) == 1.1528
    assert ("raw/medicare/GPCI2025.txt", "is a copy of GPCI2025.csv, skipped") in outcome.skipped


def test_a_release_holds_from_the_quarter_that_its_name_says(unpacked):
    root, _ = unpacked
    assert rows(root, "code, medicare_state_rate, benchmark_source")[1:] == [
        ("2026-03", "G0463", 140.0, "OPPS Addendum B 2026-07 effective 2026-07-01 (nearest of its year)"),
        ("2026-08", "G0463", 140.0, "OPPS Addendum B 2026-07 effective 2026-07-01 (in force)"),
    ]


def test_hud_s_reverse_crosswalk_is_named_and_places_nobody(unpacked):
    root, outcome = unpacked
    (why,) = [why for file, why in outcome.skipped if file == "raw/geo/CBSA_ZIP_062025.csv"]
    assert why.startswith("is HUD's CBSA_ZIP crosswalk, the wrong way round")
    assert "16860" not in {area for _, area in rows(root, "stat_area_code")}


def test_a_stray_byte_costs_nothing_and_a_zip_gives_the_same(tmp_path):
    root = tmp_path / "warehouse"
    files = {
        "mrf/GA/2026-03.json": in_network("2026-03", OUTPATIENT),
        "medicare/wage index OPPS 2026.csv": WAGES,
        f"medicare/{JANUARY}": JANUARY_TEXT,
    }
    put(root, files)
    outcome = kit.build(root)
    assert outcome.ok, (outcome.failures, outcome.incomplete)
    wanted = [("2026-03", "G0463", 136.02, 2.0, "OPPS Addendum B 2026-01 effective 2026-01-01 (in force)")]
    columns = "code, medicare_state_rate, rate_to_medicare_ratio, benchmark_source"
    assert rows(root, columns) == wanted
    file = f"raw/medicare/{JANUARY}"
    assert (file, "stray_byte", 1, "line 6: 'G0465\xff' read as 'G0465'") in outcome.reference_warnings
    before = kit.contents(root)
    told = kit.ratehouse(root, "status")
    assert "stray character, which was removed: line 6" in " ".join(told.stdout.split())

    name = "january-2026-opps-addendum-b.zip"
    zipped({f"508 Version 2026 January Web Addendum B/{JANUARY}": JANUARY_TEXT}, root / "raw" / "medicare" / name)
    both = kit.build(root)  # the zip beside what was unpacked of it: each rate once
    assert both.ok
    assert rows(root, columns) == wanted
    assert (f"raw/medicare/{name}", "copy", 1, f"opps of {file}") in both.reference_warnings
    (root / "raw" / "medicare" / JANUARY).unlink()
    again = kit.build(root)
    assert rows(root, columns) == wanted
    assert [w for w in again.reference_warnings if w[0] == f"raw/medicare/{name}" and w[1] == "stray_byte"]
    benches = {n: h for n, h in before.items() if "bench_opps" in n}
    assert benches
    assert {n: h for n, h in kit.contents(root).items() if n in benches} == benches

"""Reference files that are broken, old, doubled or of the wrong kind, through the build: an error with its line, or a count.

One small warehouse, built three times: as it is handed over, without what is broken, and with releases that contradict
each other. What a reader alone does with broken text is in the readers' own tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import kit
from kit import words
from medicare_texts import (
    ANES,
    ASC,
    GPCI,
    HEADINGS,
    LOCALITIES,
    OFFICE,
    OPPS,
    TITLES,
    rvu_file,
    zip_record,
)
from pipeline import session
from pipeline.operations import build, status
from pipeline.stages import bench, dims, file_task, reference_file
from pipeline.tasks import base

pytestmark = pytest.mark.slow

GEORGIA = {"title": "2025", "year": "2025", "work": "2025 PW GPCI (with 1.0 Floor)", "figures": "1.001"}
ANAESTHESIA = "00100,,J,0.00,0.00,,0.00,,0.00,9,XXX,32.3465,,0.00,0.00,0.00"
NPPES_COLUMNS = (
    "npi,entity_type_code,entity_type_description,primary_taxonomy_code,primary_specialty_description,"
    "provider_first_name,provider_last_name,provider_credential,provider_organization_name,"
    "provider_other_organization_name,provider_other_organization_name_type_code,"
    "provider_other_organization_name_type_description,parent_organization_name,practice_address_line_1,"
    "practice_address_line_2,practice_city,practice_state,practice_zip_code,mailing_telephone_number,"
    "location_telephone_number,official_telephone_number,last_updated,deactivation_date,deactivation_flag"
)
# The two members of the one group in kit.SMALL.
TWICE, WITHOUT_ZIP = "2750469852", "2076707647"
CBSA_HEAD = (
    "cbsacode,cbsatitle,metropolitanmicropolitanstatis,countycountyequivalent,statename,fipsstatecode,fipscountycode"
)


def gpci(*rows: str, **changes) -> str:
    """A GPCI file: the localities of Georgia, zeros lost and blanks gained as in 25LOCCO and ANES2025."""
    head = GPCI.format(**GEORGIA | changes).splitlines(keepends=True)
    return "".join(head[:3]) + "".join(r + "\n" for r in rows or ("10212 ,GA,1 ,ATLANTA,1.003,1.003,1.001",))


def nppes(*rows: dict) -> str:
    """A registry extract."""
    names = NPPES_COLUMNS.split(",")
    return "\n".join([NPPES_COLUMNS, *(",".join(row.get(n, "") for n in names) for row in rows)]) + "\n"


def provider(npi: str, zip_code: str, last_name: str) -> dict:
    place = {"practice_address_line_1": "1 MAIN ST", "practice_city": "ATLANTA", "practice_state": "GA"}
    person = {"npi": npi, "entity_type_code": "1", "provider_last_name": last_name, "last_updated": "2025-01-01"}
    return person | place | {"practice_zip_code": zip_code, "deactivation_flag": "0"}


# What is read, though it is not as it should be: file under raw/ -> its content.
ODD = {
    "medicare/rvu_latin1.csv": rvu_file(OFFICE, ANAESTHESIA, "ª0001,,I,0,0,,0,,0,9,XXX,32.3465,,0,0,0").encode("latin-1"),
    "medicare/gpci.csv": gpci(),
    "medicare/ANES2025.csv": ANES.replace("02102 ,01 ,ALASKA*", "10212 , 1 ,ATLANTA"),
    "medicare/locco.csv": LOCALITIES.replace("10112,0,ALABAMA", "10212,1,GEORGIA"),
    "medicare/zip.txt": zip_record("GA", "30303", "10212", " 1", "20253"),
    "medicare/July 2025 Addendum B.csv": OPPS,
    "medicare/July 2025 AA.csv": ASC.format(when="July 2025"),
    "medicare/wage index 2025.csv": 'CBSA,Area Name,State,Wage Index\n10,"Cañon City",GA,0.9\n'.encode("latin-1"),
    "wcfs/ga.csv": "state,effective_from,code_type,code,amount\nGA,2025-01-01,CPT,99213,120\n",
    "geo/cbsa.csv": (CBSA_HEAD + "\n41900,San Germán PR,Metropolitan Statistical Area,San Germán Municipio,PR,72,125\n").encode("latin-1"),
    "geo/zips.csv": "ZIP,COUNTY\n30303,13121\n",
    "nppes/extract.csv": nppes(provider(TWICE, "30303", "FIRST"), provider(TWICE, "30303", "SECOND"), provider(WITHOUT_ZIP, "", "X")),
}  # fmt: skip

# file under raw/ -> (content, what the build says of it, with the line where there is one)
BROKEN = {
    # another year's header
    "medicare/rvu_2023.csv": (rvu_file(OFFICE, released="09/11/2023"), "its title says 2025, but it was released 2023-09-11"),
    "medicare/gpci_2024.csv": (gpci(title="2024"), ":3: its title and headings name 2024 and 2025"),
    "medicare/July 2024 Addendum B.csv": (OPPS, "its text says 2025, but July 2024 is there too"),
    "medicare/wage 2024.csv": ("FY 2025,,\nCBSA,State,Wage Index\n10,GA,0.9\n", "does not say of which year it is (2024, 2025)"),
    "medicare/ANES.csv": (ANES, "does not say of which year it is (no year found)"),
    # a missing column
    "medicare/rvu_column.csv": (TITLES.format(title="2025 National Physician Fee Schedule Relative Value File July Release", released="06/12/2025") + HEADINGS.replace("GLOB", "GLUB") + OFFICE + "\n", ":9: has no column GLOB DAYS"),
    "medicare/gpci_column.csv": (gpci().replace("2025 PE GPCI", "2025 PE"), ":3: has no column (20\\d\\d )?PE GPCI.*"),
    "medicare/cap.csv": ("HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE\n", ":1: has no column NON FACILI?TY PRICE"),
    "medicare/addendum_b.csv": (OPPS.replace("Relative Weight", "Weight"), ":3: has no column RELATIVE WEIGHT"),
    "medicare/aa_column.csv": (ASC.format(when="July 2025").replace("Payment Rate", "Rate"), ":3: has no column .*PAYMENT RATE"),
    "medicare/locco_column.csv": (LOCALITIES.replace("Fee Schedule Area", "Area"), ":2: has no column FEE SCHEDULE AREA"),
    "geo/hud.csv": ("ZIP,CBSA,RES_RATIO\n30303,12060,1\n", ":1: HUD's ZIP to CBSA crosswalk without the columns bus_ratio, oth_ratio, tot_ratio"),
    "wcfs/column.csv": ("state,code,code_type,amount\nGA,99213,CPT,1\n", ":1: has no column EFFECTIVE FROM"),
    # a locality that cannot be read, which would else be lost
    "medicare/gpci_locality.csv": (gpci("1O212,GA,1,ATLANTA,1,1,1"), ":4: the carrier is '1O212'"),
    "medicare/zip_locality.txt": (zip_record() + zip_record(carrier="     "), ":2: the carrier is empty"),
    # a CBSA without a title; a county in two
    "geo/cbsa_title.csv": (CBSA_HEAD + "\n12060,,Metropolitan Statistical Area,Fulton County,Georgia,13,121\n", ":2: cbsatitle blank where a title is needed"),
    "geo/cbsa_twice.csv": (CBSA_HEAD + "\n12060,A,,Fulton,GA,13,121\n12061,B,,Fulton,GA,13,121\n", ":3: county 13121 is in two CBSAs"),
    # what is not whole
    "medicare/empty.csv": ("", "is empty"),
    "medicare/b.xlsx": (b"PK\x03\x04 and then nothing", "cannot be read as a workbook"),
}  # fmt: skip

# Files of another kind: skipped, and named.
ELSEWHERE = {
    "medicare/extract.csv": (nppes(provider(TWICE, "30303", "X")), "is none of Medicare's fee-schedule files that are read"),
    "medicare/letter.txt": (b"%PDF-1.7\x00\x01", "is not a text file"),
    "geo/gpci.csv": (gpci(), "not a geography file that is known"),
    "codes/gpci.csv": (gpci(), "not a code set that is known"),
    "wcfs/gpci.csv": (gpci(), "is no workers' compensation fee schedule"),
}  # fmt: skip

# Two releases for one quarter that differ: file beside that of ODD -> (content, the bench table that refuses the two, what is said)
CONTRADICTING = {
    "medicare/July 2025 Addendum B again.csv": (OPPS.replace("1,088.38", "1,088.39"), "bench_opps", "July 2025 Addendum B again.csv and July 2025 Addendum B.csv both hold from 2025-07-01 but differ on 0633T"),
    "medicare/July 2025 AA again.csv": (ASC.format(when="July 2025").replace("1,234.50", "1,234.51"), "bench_asc", "July 2025 AA again.csv and July 2025 AA.csv both hold from 2025-07-01 but differ on 66984"),
    "medicare/rvu_again.csv": (rvu_file(OFFICE.replace("1.30,1.35", "1.31,1.35")), "bench_medicare_prof", "rvu_again.csv and rvu_latin1.csv both hold from 2025-10-01 but differ on 99213 2025-09-11 32.3465"),
    "wcfs/ga_again.csv": (ODD["wcfs/ga.csv"].replace("120", "121"), "bench_wcfs", "ga.csv and ga_again.csv both hold from 2025-01-01 but differ on GA CPT 99213"),
}  # fmt: skip


@dataclass(frozen=True)
class Handed:
    """The warehouse and what its builds said: as handed over, without what is broken, with what contradicts."""

    root: Path
    whole: build.Outcome
    skipped: build.Outcome
    contradicting: build.Outcome


def put(root: Path, name: str, content: bytes | str) -> None:
    path = root / "raw" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="module")
def handed(tmp_path_factory) -> Handed:
    root = kit.small(tmp_path_factory.mktemp("reference") / "warehouse")
    (root / "luigi.cfg").write_text("[medicare]\nconversion_factor = 2025-07-01: 33.5\n")
    for name, content in ODD.items():
        put(root, name, content)
    for name, (content, _) in (BROKEN | ELSEWHERE).items():
        put(root, name, content)
    whole = kit.build(root)
    skipped = kit.build(root, skip_broken=True)
    for name in BROKEN:
        (root / "raw" / name).unlink()
    for name, (content, *_) in CONTRADICTING.items():
        put(root, name, content)
    return Handed(root, whole, skipped, kit.build(root))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reference_file_is_refused_with_its_line(handed, name):
    _, fact = BROKEN[name]
    (event,) = [e for e in handed.whole.failures if e["label"] == f"raw/{name}"]
    assert event["known"]
    place = f"{handed.root}/raw/{name}"
    assert words(event["error"]).startswith(place + (fact if fact.startswith(":") else f": {fact}"))
    assert len(event["error"].splitlines()) > 1, "and what to do"
    assert [why for file, why in handed.skipped.skipped if file == f"raw/{name}"], "named where it is skipped, too"


def test_nothing_else_fails(handed):
    assert {e["label"] for e in handed.whole.failures} == {f"raw/{name}" for name in BROKEN}
    assert handed.skipped.ok, handed.skipped.failures


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_file_of_another_kind_is_skipped_and_named(handed, name):
    for outcome in (handed.whole, handed.skipped, handed.contradicting):
        (why,) = [why for file, why in outcome.skipped if file == f"raw/{name}"]
        assert why.startswith(ELSEWHERE[name][1])
    assert reference_file.REFERENCES[name.split("/")[0]](path=name.split("/")[1]).status == file_task.UNRECOGNISED


@pytest.mark.parametrize("name", CONTRADICTING)
def test_two_releases_for_one_quarter_are_refused_by_name(handed, name):
    _, table, fact = CONTRADICTING[name]
    told = [e for e in handed.contradicting.failures if e["label"].split("/")[-1].startswith(f"{table}_2025-08")]
    assert [e["known"] for e in told] == [True]
    assert fact in words(told[0]["error"])
    assert "remove one of" in told[0]["error"]


def use(root: Path) -> None:
    session.use(root)
    status.begin()


def detail(root: Path, columns: str) -> list[tuple]:
    use(root)
    path = bench.BenchMedicareProfDetail().target()
    return pl.read_parquet(path).select(columns.split()).rows()


def test_localities_without_zeros_and_with_blanks_are_one(handed):
    """GPCI, anaesthesia factors and ZIPs name the locality in three ways; the set factor is not anaesthesia's."""
    assert detail(handed.root, "carrier locality code conversion_factor release") == [
        ("10212", "01", "00100", 27.86, "RVU25D at 33.5"),
        ("10212", "01", "99213", 33.5, "RVU25D at 33.5"),
        ("10212", "01", "ª0001", 33.5, "RVU25D at 33.5"),
    ]
    (frame,) = [
        pl.read_parquet(p)
        for p in reference_file.REFERENCES["medicare"](path="zip.txt").targets().values()
        if p.exists() and "zip" in p.name
    ]
    assert frame.select("zip_code", "carrier", "locality").rows() == [("30303", "10212", "01")]


def test_latin_1_is_read_as_such(handed):
    use(handed.root)
    for task, table, column, text in (
        (
            reference_file.REFERENCES["medicare"](path="wage index 2025.csv"),
            "staged_wage_index",
            "area_name",
            "Cañon City",
        ),
        (reference_file.REFERENCES["medicare"](path="rvu_latin1.csv"), "staged_pfs_rvu", "code", "ª0001"),
        (
            reference_file.REFERENCES["geo"](path="cbsa.csv"),
            "staged_cbsa_county",
            "county_name",
            "San Germán Municipio",
        ),
    ):
        assert text in pl.read_parquet(task.targets()[table])[column].to_list()


def warned(task, table: str) -> list[tuple]:
    """(severity, rows that it counts) of each expectation that failed."""
    return [(f["severity"], f["detail"]) for f in task.stamp().gates[table]["failures"]]


def test_an_npi_that_stands_twice_in_a_file_is_counted(handed):
    use(handed.root)
    assert ("warning", [{"npi": TWICE, "source_file": "extract.csv", "n": 2}]) in warned(
        reference_file.REFERENCES["nppes"](path="extract.csv"), "staged_nppes"
    )


def test_an_address_without_a_zip_is_counted(handed):
    use(handed.root)
    (task,) = [t for t in base.for_months(dims.KINDS, []) if t.table == "dim_npi_address"]
    assert ("warning", [{"postal_code": None, "n": 1}]) in warned(task, "dim_npi_address")

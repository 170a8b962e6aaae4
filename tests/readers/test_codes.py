"""Reader of code sets: RBCS, BETOS 2.0 and its labels, NUCC taxonomy."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import codes

RBCS = "hcpcs_code,rbcs_procedure,rbcs_category,rbcs_subcategory,rbcs_family,hcpcs_date_added,hcpcs_date_ended,rbcs_date_effective"


def staged(tmp_path, text: str, name: str = "file.csv") -> pl.DataFrame:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    (frame,) = codes.read(path).values()
    return frame


def test_rbcs(tmp_path):
    table = staged(
        tmp_path,
        f"{RBCS}\r\n1U,Non-Procedure,Test,Molecular Testing,Genetic Analysis,2017-02-01,9999-12-31,2016-01-01\r\n"
        "0001U,Non-Procedure,Test,Molecular Testing,No RBCS Family,2017-02-01,9999-12-31,2014-01-01\r\n",
    )
    columns = ["proc_cd", "effective_from", "effective_to", "procedure_set", "procedure_class", "procedure_group"]
    assert table.select(*columns, "release").rows() == [
        ("0001U", "2014-01-01", None, "Test", "Molecular Testing", "No RBCS Family", "2017-02-01"),
        ("0001U", "2016-01-01", None, "Test", "Molecular Testing", "Genetic Analysis", "2017-02-01"),
    ]


def test_rbcs_in_the_layout_of_cms(tmp_path):
    head = "HCPCS_Cd,RBCS_ID,RBCS_Cat,RBCS_Cat_Desc,RBCS_Cat_Subcat,RBCS_Subcat_Desc,RBCS_FamNumb,RBCS_Family_Desc,"
    head += "RBCS_Major_Ind,HCPCS_Cd_Add_Dt,HCPCS_Cd_End_Dt,RBCS_Assignment_Eff_Dt,RBCS_Assignment_End_Dt"
    table = staged(tmp_path, f"{head}\n99213,EO001N,E,E&M,EO,Office,001,Visits,N,01/01/1992,,1/1/2014,12/31/2019\n")
    assert table.select("proc_cd", "effective_from", "effective_to", "procedure_set", "major_indicator").rows() == [
        ("99213", "2014-01-01", "2019-12-31", "E&M", "Non-Procedure")
    ]


def test_hyphens_inside_betos_labels(tmp_path):
    lines = [
        '96365 RI30N "Treatments- Injections and Infusions - non-oncologic-Other"',
        '90471 RI31N "Treatments- Injections and Infusions - non-oncologic-Injection (including vaccinations)"',
        '71045 IS20N "Imaging- Standard X-ray-Chest x-ray"',
        '70030 IS99N "Imaging- Standard X-ray-Other"',
        '2028f NA99N "Unclassified- Exceptions Unclassified-Other"',
        '37246 PV01M "Procedures- Vascular-Transluminal balloon angioplasty - non-cardiac-Other"',
        '36475 PV99M "Procedures- Vascular-Other"',
    ]
    table = staged(tmp_path, "\n".join(lines), "betpuf20.txt")
    assert table.select("proc_cd", "procedure_set", "procedure_class", "procedure_group").rows() == [
        ("2028F", "Unclassified", "Exceptions Unclassified", "Other"),
        ("36475", "Procedures", "Vascular", "Other"),
        ("37246", "Procedures", "Vascular", "Transluminal balloon angioplasty - non-cardiac-Other"),
        ("70030", "Imaging", "Standard X-ray", "Other"),
        ("71045", "Imaging", "Standard X-ray", "Chest x-ray"),
        ("90471", "Treatments", "Injections and Infusions - non-oncologic", "Injection (including vaccinations)"),
        ("96365", "Treatments", "Injections and Infusions - non-oncologic", "Other"),
    ]


def test_nucc(tmp_path):
    text = "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\n"
    text += '207VE0102X,Allopathic,Obstetrics & Gynecology,Reproductive Endocrinology,"a, b",,RE Physician,Individual\n'
    text += "208D00000X,Allopathic,General Practice,,,,General Practice Physician,Individual\n"
    table = staged(tmp_path, text, "nucc_taxonomy_251.csv")
    assert table.select("taxonomy_code", "description", "release").rows() == [
        ("207VE0102X", "Obstetrics & Gynecology, Reproductive Endocrinology", "25.1"),
        ("208D00000X", "General Practice", "25.1"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RBCS.replace("rbcs_family,", "") + "\n", "an RBCS file without the column rbcs_family"),
        (
            f"{RBCS}\n00100,x,Anesthesia,a,b,2000-01-01,,01-2014\n",
            r"file.csv:2: rbcs_date_effective '01-2014' is no date",
        ),
        (f"{RBCS}\n0A,b\n", "file.csv:2: 2 fields where there are 8 columns"),
        (
            f"{RBCS}\n00100,x,A,a,b,,,2014-01-01\n00100,x,B,a,b,,,2014-01-01\n",
            "file.csv:3: 00100 2014-01-01 is there twice",
        ),
        ('99213 EV11N "Evaluation- Office-Visits"\nand so on\n', "file.csv:2: not a line of BETOS 2.0"),
        ("Code,Grouping,Classification,Specialization\n12,a,b,c\n", "code '12' is no taxonomy code"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        staged(tmp_path, text)


def test_another_file_is_passed_over(tmp_path):
    with pytest.raises(UnrecognisedFile):
        staged(tmp_path, "Read me first\n")


def test_latin_1_is_read(tmp_path):
    text = "Code,Grouping,Classification,Specialization\n208D00000X,a,M\xe9decin,\n".encode("latin-1")
    assert staged(tmp_path, text)["classification"].to_list() == ["Médecin"]


def test_the_published_files(real):
    read = {path.name: codes.read(path) for path in (real / "codes").iterdir()}
    rbcs, betos = read["rbcs_2024.csv"]["staged_category"], read["betpuf20.txt"]["staged_category"]
    assert rbcs.height == 17033
    assert rbcs["proc_cd"].n_unique() == 15522
    assert rbcs.group_by("proc_cd").len().filter(pl.col("len") > 1).height == 1471
    assert betos.height == 8992
    assert betos["class_prefix"].n_unique() == 38
    # The class cut off by what labels share is the publisher's own label for the two letters, for every code.
    labels = read["betos2_cat_lvl2.csv"]["staged_category_label"]
    labelled = betos.join(labels, left_on="class_prefix", right_on="prefix", validate="m:1")
    assert labelled.height == betos.height
    assert labelled.filter(pl.col("label") != pl.col("procedure_class")).is_empty()
    sets = dict(read["betos2_cat.csv"]["staged_category_label"].select("prefix", "label").rows())
    assert {(p[0], s.upper()) for p, s in betos.select("class_prefix", "procedure_set").rows()} == set(sets.items())

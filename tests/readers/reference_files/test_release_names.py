"""readers/release_names: the quarter that a file's text or name says, in CMS's own spellings; never one by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import errors, raw_kinds
from pipeline.readers.reference_files import release_names
from pipeline.readers.reference_files.account import Account

TITLE = "Addendum B.-OPPS Payment by HCPCS Code for CY {}"

# name -> (year of the title, first month of the quarter); what stands in brackets is the folder, before `!` the zip
NAMES = {
    "2026 July Web Addendum B.07.13.26.csv": ("2026", 7),
    "2026 January Web Addendum B.12.29.25.csv": ("2026", 1),
    "508 Version of January 2025 Web Addendum B.12.31.24.csv": ("2025", 1),
    "2026 April Web Addendum B.03.23.26.csv": ("2026", 4),
    "October 2025 Web Addendum B.09.26.25.xlsx": ("2025", 10),
    "july-2026-opps-addendum-b.xlsx": ("2026", 7),
    "cy-2026-april-opps-addendum-b.csv": ("2026", 4),
    "october-2024-addendum-b-2024-10-02.csv": ("2024", 10),
    "july-2024-addendum-b-080524.csv": ("2024", 7),
    "opps-addendum-b-2025q3.csv": ("2025", 7),
    "Addendum_B_07.2025.csv": ("2025", 7),
    "Addendum B 2025-04.csv": ("2025", 4),
    "2025-01 Web Addendum B cut.csv": ("2025", 1),
    "2025 Q3.csv": ("2025", 7),
    "Q4 2025 Addendum B.csv": ("2025", 10),
    "Addendum B 3Q25.csv": ("2025", 7),
    "Addendum B, 2nd Quarter 2025.csv": ("2025", 4),
    "20250401.csv": ("2025", 4),
    "addb_202507.csv": ("2025", 7),
    "October 2025 ASC AA.csv": ("2025", 10),
    "508-Version-Jan-2025-ASC-AA.csv": ("2025", 1),
    "July 2026 ASC Addenda - Addendum AA.07.08.26.csv": ("2026", 7),
    "OPPS_Oct.csv": ("2025", 10),
    "2025 NFRM Addendum B.11122024.txt": ("2025", 1),
    "CMS-1809-FC Addendum B.csv": ("2025", 1),
    "January_2025_ASC_Addenda.xlsx": ("2025", 1),
    # the file does not say, its folder or its zip does
    "july-2026-opps-addendum-b.zip!b.csv": ("2026", 7),
    "cms.zip!508 Version July 2026 Web Addendum B/b.csv": ("2026", 7),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_the_quarter_where_the_text_says_the_year_alone(name):
    year, month = NAMES[name]
    account = Account()
    found = release_names.quarter_of(["", TITLE.format(year)], Path("/data/2019/raw/medicare") / name, account)
    assert (found, account.warnings) == ((year, month), [])


def test_a_folder_below_the_kinds_says_it_and_none_above(tmp_path):
    def of(path):
        return release_names.quarter_of(["", TITLE.format("2026")], Path(path), Account())

    assert of("/data/April 2026/raw/medicare/july-2026-opps-addendum-b/b.csv") == ("2026", 7)
    with pytest.raises(errors.SourceError, match="not from which quarter"):
        of("/data/April 2026/raw/medicare/b.csv")


@pytest.mark.parametrize(
    "name",
    ["addendum_b.csv", "CY2025 Addendum B.csv", "Addendum B.07.13.25.csv", "B 11122024.csv", "b 2024-10-02.csv", "b.10.02.2024.csv"],
)  # fmt: skip
def test_a_year_or_a_day_of_posting_alone_is_no_quarter(name):
    with pytest.raises(errors.SourceError, match="says 2025, but not from which quarter it holds") as caught:
        release_names.quarter_of(["", TITLE.format("2025")], Path("/raw/medicare") / name, Account())
    assert f"as in '2025 July {name}'" in caught.value.remedy


@pytest.mark.parametrize(
    ("said", "name", "found", "warned"),
    [
        # headings go before the title, the title before the name; what disagrees is said
        (["January 2024 Payment Indicator", "Addendum FF for CY 2023"], "FF.csv", ("2024", 1), "the title says 2023, a heading January 2024, which counts"),
        (["", "Effective October 1, 2025 through December 31, 2025"], "b.csv", ("2025", 10), None),
        (["", "Addendum B, October 2025"], "July 2025 b.csv", ("2025", 10), "its name says July 2025, its text October 2025, which counts"),
        (["Final CY 2025 Payment Indicator"], "AA.csv", ("2025", 1), None),
        (["", TITLE.format("2025"), "Effective date: 07/01/2025"], "b.csv", ("2025", 7), None),
        (["", TITLE.format("2025"), "Effective 2025-10-01"], "b.csv", ("2025", 10), None),
    ],
)  # fmt: skip
def test_what_the_file_says_goes_before_its_name(said, name, found, warned):
    account = Account()
    assert release_names.quarter_of(said, Path(name), account) == found
    assert [example.partition(": ")[2] for _, _, example in account.warnings] == ([warned] if warned else [])


@pytest.mark.parametrize(
    ("said", "name", "fact"),
    [
        ([TITLE.format("2025")], "July 2024 b.csv", "its text says 2025, but July 2024 is there too"),
        ([TITLE.format("2025")], "April 2025 and July 2025 b.csv", "the name April 2025 and July 2025 b says April 2025 and July 2025"),
        (["Addendum B"], "b.csv", "does not say of which year"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused(said, name, fact):
    with pytest.raises(errors.SourceError, match=fact) as caught:
        release_names.quarter_of(["", *said], Path(name), Account())
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "name", "year"),
    [
        ("", "GPCI2025.csv", "2025"),
        ("", "ANES2025.csv", "2025"),
        ("", "25LOCCO.csv", "2025"),
        ("", "CY_2022_Anesthesia_Base_Units_110921.txt", "2022"),
        ("", "RVU25D.zip!ANES.csv", "2025"),
        ("", "rvu25a-updated-01_10_2024.zip!ANES.csv", "2025"),
        ("FY 2026 Table 3, posted 08/15/2025", "table3.csv", "2026"),
        ("", "wage index 2025 10.24.2024.csv", "2025"),
    ],
)
def test_years(text, name, year):
    assert release_names.year_of(text, Path(name)) == year


@pytest.mark.parametrize(("text", "name"), [("", "ANES.csv"), ("FY 2025", "wage 2024.csv"), ("", "2024 or 2025.csv")])
def test_no_year_or_two_are_refused(text, name):
    with pytest.raises(errors.SourceError, match="does not say of which year it is"):
        release_names.year_of(text, Path(name))


def test_a_yearly_table_holds_from_the_release_that_it_came_in():
    of = lambda name: release_names.first_month("2025", Path(name))  # noqa: E731
    assert [of(n) for n in ("GPCI2025.csv", "RVU25D.zip!GPCI2025.csv", "RVU25A.zip!x/GPCI2025.csv", "RVU24D.zip!GPCI2025.csv")] == [1, 10, 1, 1]  # fmt: skip
    assert of("/w/raw/medicare/rvu25b/GPCI2025.csv") == 4


def test_the_folders_are_those_of_the_registry():
    assert set(raw_kinds.REFERENCES) == release_names.FOLDERS

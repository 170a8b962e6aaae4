"""Which file would mend what rows lack, and where it goes: for each kind of gap and each reason.

What belongs here: that, in words and parts. What must not come in: counting rows (`coverage`), what is said at the end of
a build (`cli.closing`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

NPPES_FILE = "NPPES's monthly file (npidata_pfile, ZIP or CSV, download.cms.gov/nppes)"
_RELEASE = re.compile(r"(PFS|OPPS|ASC) (\d{4}) not loaded: .*")
_WAGES = re.compile(r"no (OPPS|ASC) wage index for (\d{4})")
_UNKNOWN_PLACE = re.compile(r"kind of places of service [\d|]+ unknown")
_NPPES_PAGE = "https://download.cms.gov/nppes/NPI_Files.html"
_PAGES = {
    "PFS": "https://www.cms.gov/medicare/payment/fee-schedules/physician/pfs-relative-value-files",
    "OPPS": "https://www.cms.gov/medicare/payment/prospective-payment-systems/hospital-outpatient-pps/"
    "quarterly-addenda-updates",
    "ASC": "https://www.cms.gov/medicare/payment/prospective-payment-systems/ambulatory-surgical-center-asc/"
    "asc-payment-rates-addenda",
}
# The wage index of a calendar year, by schedule: the file, and its publisher's page.
_WAGE_FILES = {
    "OPPS": (
        "Table 3 of CMS's inpatient rule (IPPS) of fiscal year {year}",
        "https://www.cms.gov/medicare/payment/prospective-payment-systems/acute-inpatient-pps/wage-index-files",
    ),
    "ASC": ("the ASC wage index of {year} (it comes with CMS's rule)", _PAGES["ASC"]),
}
_NAMES = {
    "PFS": "physician fee schedule",
    "OPPS": "outpatient schedule (OPPS)",
    "ASC": "surgical centre schedule (ASC)",
}
# Geography: staged table -> the file that fills it, and its publisher's page.
GEOGRAPHY = {
    "staged_zip_cbsa": "HUD's ZIP to CBSA crosswalk (ZIP_CBSA)",
    "staged_zip_county": "a list of the counties of ZIPs (HUD's ZIP_COUNTY)",
    "staged_zip_place": "GeoNames' postal codes (US.txt)",
    "staged_cbsa_county": "the CBSA delineation",
}
_HUD = "https://www.huduser.gov/portal/datasets/usps_crosswalk.html"


class Mending(NamedTuple):
    """A file that would mend a gap, its publisher's page, the folder that it goes into, and the command that would get it;
    each null where there is none. `why` says what is missing, as a sentence begins."""

    file: str | None = None
    page: str | None = None
    folder: str | None = None
    command: str | None = None
    why: str | None = None

    @property
    def words(self) -> str | None:
        """What is missing, and what to put where; null where no file mends it."""
        return f"{self.why}. Put {self.file} into {self.folder}" if self.file else None


def of(kind: str, reason: str, month: str, staged: Collection[str], *, references_missing: bool = False) -> Mending:
    """What mends a gap of a month. `staged` are the reference tables that have rows; `references_missing` says whether files
    of the month define groups by web addresses of which nothing is at hand."""
    if kind == "medicare":
        return of_medicare(reason, month, staged)
    if kind == "provider" and reason == NO_NPI:
        return Mending(command="ratehouse fetch --references") if references_missing else Mending()
    if kind == "provider" and reason == UNREGISTERED:
        return _registry(staged)
    if kind in ("place", "coordinates") and reason not in (NO_PROVIDER,):
        lacking = [file for table, file in GEOGRAPHY.items() if table not in staged]
        return Mending(" and ".join(lacking), _HUD, "raw/geo/") if lacking else Mending()
    if kind == "category" and "staged_category" not in staged:
        return Mending("RBCS", "https://data.cms.gov", "raw/codes/")
    return Mending()


# Reasons that `coverage_gap.sql` gives.
NO_NPI = "the group names no NPI"
UNREGISTERED = "the registry does not know the NPI"
NO_PROVIDER = "no known provider"


def _registry(staged: Collection[str], why: str = "the registry does not know the NPIs") -> Mending:
    newest = "the newest of " if "staged_nppes" in staged else ""
    return Mending(f"{newest}{NPPES_FILE}", _NPPES_PAGE, "raw/nppes/", why=why)


def of_medicare(reason: str, month: str, staged: Collection[str]) -> Mending:
    """What rows that have no Medicare rate for a reason (`benchmark_reason`) would get one by.

    No file where Medicare prices no such rate, or the file that is there has no rate for the code.
    """
    if reason == "state unknown":
        return _registry(staged, "the state of their provider is not known")
    if _UNKNOWN_PLACE.fullmatch(reason):
        newest = "the newest" if "staged_pos_code" in staged else "the"
        page = "https://www.cms.gov/medicare/coding-billing/place-of-service-codes"
        why = "the kind of a place of service is not known"
        return Mending(f"{newest} place-of-service codes", page, "raw/pos/", why=why)
    wages = _WAGES.fullmatch(reason)
    if wages:
        schedule, year = wages.groups()
        file, page = _WAGE_FILES[schedule]
        return Mending(
            file.format(year=year), page, "raw/medicare/", why=f"no wage index of {schedule} of {year} is there"
        )
    found = _RELEASE.match(reason)
    if not found:
        return Mending()
    schedule, year = found.groups()
    quarter = (int(month[5:7]) - 1) // 3
    letter, first = "ABCD"[quarter], ("January", "April", "July", "October")[quarter]
    files = {
        "PFS": f"CMS's RVU{year[2:]}{letter} zip (its PPRRVU, GPCI and LOCCO tables)",
        "OPPS": f"CMS's OPPS Addendum B of {first} {year} and the wage index of {year}",
        "ASC": f"CMS's ASC addenda AA, BB and FF of {first} {year} and the wage index of {year}",
    }
    why = f"no {_NAMES[schedule]} of {year} is there"
    return Mending(files[schedule], _PAGES[schedule], "raw/medicare/", why=why)


def no_release(reason: str) -> bool:
    """Whether rows have no rate because the schedule has no release for them."""
    return _RELEASE.match(reason) is not None

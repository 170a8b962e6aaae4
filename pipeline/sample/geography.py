"""Geography files: ZIP to area and county, ZIP centroids, the delineation of areas, and a geocoder's answers.

What belongs here: the layouts of HUD, GeoNames, OMB (as NBER publishes it) and the Census geocoder. What must not come
in: the places themselves (`figures`).
"""

from __future__ import annotations

import csv
import io

from pipeline.naming import address_hash
from pipeline.sample import containers, figures, oddities
from pipeline.sample.containers import csv_text
from pipeline.sample.people import PLACES, Pool

# What HUD and the county list say besides: a ZIP in two areas, one without residents, one in two counties.
_MAYAGUEZ, _DALLAS, _ALVIN = "00680", "75201", "77511"
_STATES = {"GA": "Georgia", "TX": "Texas", "KY": "Kentucky", "CO": "Colorado", "NM": "New Mexico", "IL": "Illinois"}
_STATES |= {"FL": "Florida"}
_PUERTO_RICO = (("72011", "10380"), ("72023", "32420"), ("72067", "32420"))


def zip_areas() -> bytes:
    """HUD's ZIP_CBSA of June 2025: a sheet of ratios, and the query that made it in another."""
    rows: list[list[str | float]] = []
    for place in sorted(PLACES, key=lambda place: place.zip):
        head = [place.zip, place.cbsa, place.city, place.state]
        if place.zip == _MAYAGUEZ:
            rows.append([place.zip, "10380", place.city, place.state, 0.000047, 0, 0, 0.00004])
            rows.append([*head, 0.999953, 1, 1, 0.99996])
        elif place.zip == _DALLAS:
            rows.append([*head, 0, 1, 0, 1])
        else:
            rows.append([*head, 1, 1, 1, 1])
    names = [
        "ZIP",
        "CBSA",
        "USPS_ZIP_PREF_CITY",
        "USPS_ZIP_PREF_STATE",
        "RES_RATIO",
        "BUS_RATIO",
        "OTH_RATIO",
        "TOT_RATIO",
    ]
    return containers.workbook(
        {"Export Worksheet": [names, *rows], "SQL": [[], ["select * from ZIP_CBSA_062025 order by zip"]]}
    )


def zip_counties() -> str:
    """ZIP to county; as such lists go, county codes have lost their leading zeros, Puerto Rico's have no name."""
    rows = []
    for place in sorted(PLACES, key=lambda place: place.zip):
        counties = [(place.county_fips, place.county)]
        if place.zip == _MAYAGUEZ:
            counties += [(fips, "") for fips, _ in _PUERTO_RICO]
        if place.zip == _ALVIN:
            counties.insert(0, ("48167", "Galveston County"))
        rows += [[place.zip, str(int(fips)), name, place.city, place.state] for fips, name in counties]
    return csv_text([["ZIP", "COUNTY", "county_name", "city", "state"], *rows])


def centroids() -> str:
    """GeoNames postal codes: tabs, no header, nothing quoted; Puerto Rico is a file of its own there."""
    lines = []
    for place in PLACES:
        if place.latitude:
            head = ["US", place.zip, place.city.title(), _STATES[place.state], place.state, place.geonames_county]
            lines.append("\t".join([*head, place.county_fips[2:], "", "", place.latitude, place.longitude, "4"]))
    return "\n".join(lines) + "\n"


def delineation() -> str:
    """OMB's delineation by county, in the columns of NBER's file; divisions and combined areas are left blank."""
    head = ["cbsacode", "metropolitandivisioncode", "csacode", "cbsatitle", "metropolitanmicropolitanstatis"]
    head += ["metropolitandivisiontitle", "csatitle", "countycountyequivalent", "statename", "fipsstatecode"]
    head += ["fipscountycode", "centraloutlyingcounty"]
    areas = {cbsa: (title, kind) for cbsa, title, kind in figures.rows("areas")}
    rows = []
    for fips, cbsa, county, state, position in figures.rows("counties"):
        title, kind = areas[cbsa]
        kind = f"{kind} Statistical Area"
        rows.append([cbsa, "", "", title, kind, "", "", county, state, fips[:2], fips[2:], position])
    return csv_text([head, *rows])


def geocoded(pools: tuple[Pool, ...]) -> str:
    """A geocoder's batch answers without header: matches (longitude first), a tie and one that was not found.

    The identifiers are those of `naming.address_hash`; some answers name the county, others only where it is.
    """
    lines = []
    some = [provider for pool in pools for index in (0, 1) for provider in pool.providers(index)][::3]
    for number, provider in enumerate([*oddities.providers(), *some]):
        place = provider.place
        parts = (provider.line_1, provider.line_2 or None, place.city, place.state, provider.zip_9 or None, "US")
        asked = f"{provider.line_1}, {place.city.title()}, {place.state}, {place.zip}"
        head = [address_hash(*parts), asked]
        if not place.latitude:
            lines.append([*head, "Tie" if place.state == "PR" else "No_Match"])
            continue
        if number % 2:
            continue  # nobody asked for this one: its ZIP will have to do
        found = f"{provider.line_1.upper()}, {place.city}, {place.state}, {place.zip}"
        side = "LR"[number % 4 // 2]
        answer = [*head, "Match", "Non_Exact" if number % 3 else "Exact", found]
        answer += [
            f"{place.longitude}{number % 90 + 10},{place.latitude}{number % 90 + 10}",
            f"{61_000_000 + number}",
            side,
        ]
        if number % 4 == 0:
            answer += [place.county_fips[:2], place.county_fips[2:], f"{10_000 + number:06d}", "1004"]
        lines.append(answer)
    lines = list({line[0]: line for line in lines}.values())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(lines)
    return text.getvalue()

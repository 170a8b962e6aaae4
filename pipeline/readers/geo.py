"""Geography files -> staged_zip_cbsa, staged_zip_county, staged_zip_place, staged_cbsa_county, staged_geocode.

Reads, told apart by their content: HUD's ZIP crosswalks (workbook or CSV), a plain ZIP to county list, GeoNames postal
codes, the CBSA delineation by county, census geocoder batch results. What must not come in: which county, CBSA or
coordinates a ZIP or address gets (dim_npi_address_geolocation.sql).
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers import geo_shares
from pipeline.readers.reference_files import delimited, parts
from pipeline.readers.reference_files.account import Account
from pipeline.readers.reference_files.parts import Frames, Part, feeding

# FIPS 5-2 state codes by USPS code; GeoNames numbers counties within the state's USPS code.
STATE_FIPS = dict(
    pair.split(":")
    for pair in (
        "AL:01 AK:02 AZ:04 AR:05 CA:06 CO:08 CT:09 DE:10 DC:11 FL:12 GA:13 HI:15 ID:16 IL:17 IN:18 IA:19 KS:20 KY:21 "
        "LA:22 ME:23 MD:24 MA:25 MI:26 MN:27 MS:28 MO:29 MT:30 NE:31 NV:32 NH:33 NJ:34 NM:35 NY:36 NC:37 ND:38 OH:39 "
        "OK:40 OR:41 PA:42 RI:44 SC:45 SD:46 TN:47 TX:48 UT:49 VT:50 VA:51 WA:53 WV:54 WI:55 WY:56 AS:60 FM:64 GU:66 "
        "MH:68 MP:69 PW:70 PR:72 VI:78"
    ).split()
)
_GEONAMES = (
    "country_code zip place_name state_name state county_name county_code admin3_name admin3_code latitude longitude "
    "accuracy"
).split()
_DELINEATION = {
    "cbsa_code": "cbsacode",
    "cbsa_title": "cbsatitle",
    "cbsa_type": "metropolitanmicropolitanstatis",
    "metropolitan_division_code": "metropolitandivisioncode",
    "csa_code": "csacode",
    "csa_title": "csatitle",
    "county_name": "countycountyequivalent",
    "state_name": "statename",
    "central_outlying": "centraloutlyingcounty",
}
# Census geocoder, batch: locations give eight fields, geographies four more; No_Match and Tie stop after the third.
_GEOCODE = (
    "address_id input_address match match_type matched_address coordinates tigerline_id side state county tract block"
).split()
_MATCHES = ("Match", "No_Match", "Tie")
_RATIOS = ("res_ratio", "bus_ratio", "oth_ratio", "tot_ratio")
# What a file is likely to hold by its publisher's name for it: for one that cannot be read.
_NAMES = (
    ("ZIP.?CBSA", ("staged_zip_cbsa",)),
    ("ZIP.?COUNTY|dim_zip", ("staged_zip_county",)),
    ("cbsa2fips|delineation|list1_", ("staged_cbsa_county",)),
    ("geocode", ("staged_geocode",)),
    ("geonames|(^|[/!])US.(txt|zip)$", ("staged_zip_place",)),
)


def read(path: Path, account: Account | None = None) -> Frames:
    """The staged tables of one geography file: a table, a workbook, or a zip that holds some.

    Raises UnrecognisedFile where it is none of the known ones, or a crosswalk the wrong way round; SourceError (with
    the line) for a missing column, a ZIP, code or number that cannot be read.
    """
    return parts.read(path, _tables, account or Account(), parts.named_by(_NAMES))


def _tables(part: Part, account: Account) -> Frames:
    path = part.path
    if part.is_workbook:
        return _workbook(part, account)
    text = part.text(account, "the file is empty")
    first = delimited.first_line(text)
    if first.count("\t") == len(_GEONAMES) - 1:
        return {"staged_zip_place": _geonames(path, text, account)}
    columns = delimited.columns_of(first)
    if {"zip", "cbsa"} <= set(columns) or {"zip", "county"} <= set(columns):
        return _crosswalk(path, delimited.frame(path, text), _release(path.stem), account)
    if len({"cbsacode", "cbsatitle", "fipscountycode"} & set(columns)) > 1:
        with feeding("staged_cbsa_county"):
            return {"staged_cbsa_county": _delineation(path, text, columns, account)}
    if 3 <= len(columns) <= len(_GEOCODE) and columns[2] in ("match", "no_match", "tie"):
        with feeding("staged_geocode"):
            return {"staged_geocode": _geocode(path, text)}
    raise UnrecognisedFile(
        "not a geography file that is known (HUD's ZIP crosswalks, ZIP to county, GeoNames, CBSA delineation, "
        "census geocoder results)",
        place=path,
    )


def _workbook(part: Part, account: Account) -> Frames:
    names, sheets = delimited.sheet(part.data, part.path)
    for name in names:
        data = sheets[name]
        if not data.height or data.width < 2:
            continue
        body = delimited.headed(data)
        if "zip" in body.columns and ("cbsa" in body.columns or "county" in body.columns):
            # HUD leaves the query that made the sheet in another one: "select * from ZIP_CBSA_062025".
            notes = " ".join(v for n in names if n != name and sheets[n].width for v in sheets[n].to_series() if v)
            return _crosswalk(part.path, body, _release(notes) or _release(part.path.stem), account)
    raise UnrecognisedFile("no sheet with the columns ZIP and CBSA or COUNTY", place=part.path)


def _release(text: str) -> str | None:
    """YYYY-MM of HUD's `ZIP_CBSA_MMYYYY`, None where the text holds none."""
    found = re.search(r"ZIP_(?:CBSA|COUNTY)_(0[1-9]|1[0-2])(20\d\d)", text, re.IGNORECASE)
    return f"{found[2]}-{found[1]}" if found else None


def _crosswalk(path: Path, data: pl.DataFrame, release: str | None, account: Account) -> Frames:
    """HUD's ZIP to CBSA or county with four ratios, or a list of the counties of each ZIP without any."""
    target = "cbsa" if "cbsa" in data.columns else "county"
    with feeding(f"staged_zip_{target}"):
        return _zip_to(target, path, delimited.mended(data, path, ("zip", target, *_RATIOS), account), release, account)


def _zip_to(target: str, path: Path, data: pl.DataFrame, release: str | None, account: Account) -> Frames:
    to_cbsa = target == "cbsa"
    if to_cbsa:
        delimited.require(path, data.columns, _RATIOS, "HUD's ZIP to CBSA crosswalk")
    found = [name for name in _RATIOS if name in data.columns]
    if found and len(found) < len(_RATIOS):
        delimited.require(path, data.columns, _RATIOS, "HUD's ZIP crosswalk")
    zipped = pl.col("zip").str.zfill(5)
    delimited.refuse(data, path, pl.col("zip").is_null() | ~zipped.str.contains(r"^\d{5}$"), "zip", "is no ZIP")
    wrong = pl.col(target).is_null() | ~pl.col(target).str.contains(r"^\d{1,5}$")
    delimited.refuse(data, path, wrong, target, "is no code")
    ratios = [delimited.number(data, path, name).alias(name) for name in found]
    for name in found:
        outside = pl.col(name).cast(pl.Float64, strict=False).is_between(0, 1).not_()
        delimited.refuse(data, path, outside, name, "is no share between 0 and 1")
    if found:
        geo_shares.check(data.with_columns(zipped, *ratios), path, target, account)
    place = {
        ours: theirs
        for ours in ("city", "state")
        for theirs in (ours, f"usps_zip_pref_{ours}")
        if theirs in data.columns
    }
    staged = data.select(
        zipped.alias("zip"),
        target,
        *ratios,
        *[pl.col(theirs).alias(ours) for ours, theirs in place.items()],
        *(["county_name"] if "county_name" in data.columns else []),
        pl.lit(release, dtype=pl.String).alias("release"),
        pl.lit(path.name).alias("source_file"),
        pl.col("source_line").alias("source_row"),
    )
    fact = f"ZIP {{zip}} and {target} {{{target}}} are there twice"
    delimited.refuse_twice(staged, path, ["zip", target], fact)
    if to_cbsa:
        return {"staged_zip_cbsa": delimited.staged(staged.with_columns(cbsa_code="cbsa"), "staged_zip_cbsa")}
    # A state's code alone (60 for American Samoa) names no county; five digits lose at most one leading zero.
    code = pl.col("county")
    alone = code.str.len_chars() <= 2
    delimited.refuse(data, path, code.str.len_chars() == 3, "county", "is no county code of five digits")
    county = pl.when(~alone).then(code.str.zfill(5))
    return {
        "staged_zip_county": delimited.staged(
            staged.with_columns(
                county_fips=county,
                state_fips=pl.when(alone).then(code.str.zfill(2)).otherwise(code.str.zfill(5).str.slice(0, 2)),
            ),
            "staged_zip_county",
        )
    }


def _geonames(path: Path, text: str, account: Account) -> pl.DataFrame:
    with feeding("staged_zip_place"):
        return _places(path, text, account)


def _places(path: Path, text: str, account: Account) -> pl.DataFrame:
    # GeoNames quotes nothing, and a place's name may hold a quotation mark.
    lines = [line.split("\t") for line in text.splitlines() if line.strip()]
    for number, fields in enumerate(lines, start=1):
        if len(fields) != len(_GEONAMES):
            raise SourceError(
                f"{len(fields)} fields where GeoNames has {len(_GEONAMES)}",
                place=f"{path}:{number}",
                remedy="download the file again",
            )
    data = pl.DataFrame(lines, schema=dict.fromkeys(_GEONAMES, pl.String), orient="row")
    data = data.select(pl.all().str.strip_chars().replace("", None)).with_row_index("source_line", offset=1)
    data = delimited.mended(data, path, ("zip", "county_code", "latitude", "longitude", "accuracy"), account)
    delimited.refuse(data, path, ~pl.col("zip").str.contains(r"^\d{5}$").fill_null(False), "zip", "is no ZIP")
    latitude, longitude, accuracy = (
        delimited.number(data, path, name) for name in ("latitude", "longitude", "accuracy")
    )
    fips = pl.col("state").replace_strict(STATE_FIPS, default=None, return_dtype=pl.String)
    return delimited.staged(
        data.select(
            "zip",
            "country_code",
            "place_name",
            "state",
            "county_name",
            latitude.alias("latitude"),
            longitude.alias("longitude"),
            accuracy.cast(pl.Int64).alias("accuracy"),
            county_fips=fips + pl.col("county_code").str.zfill(3),
            source_file=pl.lit(path.name),
            source_row=pl.col("source_line").cast(pl.Int64),
        ),
        "staged_zip_place",
    )


def _delineation(path: Path, text: str, columns: list[str], account: Account) -> pl.DataFrame:
    needed = ["cbsacode", "cbsatitle", "fipsstatecode", "fipscountycode", "countycountyequivalent"]
    delimited.require(path, columns, needed, "a CBSA delineation")
    codes = ("cbsacode", "fipsstatecode", "fipscountycode", "metropolitandivisioncode", "csacode")
    data = delimited.mended(delimited.frame(path, text), path, codes, account)
    fips = pl.col("fipsstatecode").str.zfill(2) + pl.col("fipscountycode").str.zfill(3)
    delimited.refuse(data, path, ~fips.str.contains(r"^\d{5}$").fill_null(False), "fipscountycode", "is no county")
    delimited.refuse(
        data, path, ~pl.col("cbsacode").str.contains(r"^\d{5}$").fill_null(False), "cbsacode", "is no CBSA"
    )
    delimited.refuse(data, path, pl.col("cbsatitle").is_null(), "cbsatitle", "where a title is needed")
    fact = "county {fipsstatecode}{fipscountycode} is in two CBSAs"
    delimited.refuse_twice(data.with_columns(fips.alias("fips")), path, ["fips"], fact, line="source_line")
    found = {ours: theirs for ours, theirs in _DELINEATION.items() if theirs in columns}
    staged = data.select(
        fips.alias("county_fips"),
        *[pl.col(theirs).alias(ours) for ours, theirs in found.items()],
        pl.lit(path.name).alias("source_file"),
    )
    return delimited.staged(staged, "staged_cbsa_county")


def _geocode(path: Path, text: str) -> pl.DataFrame:
    data = delimited.frame(path, text, names=_GEOCODE)
    delimited.refuse(data, path, pl.col("address_id").is_null(), "address_id", "where an identifier is needed")
    unknown = ~pl.col("match").is_in(_MATCHES).fill_null(False)
    delimited.refuse(data, path, unknown, "match", f"is none of {', '.join(_MATCHES)}")
    matched = pl.col("match") == "Match"
    pair = pl.col("coordinates").str.split_exact(",", 1)
    data = data.with_columns(longitude=pair.struct.field("field_0"), latitude=pair.struct.field("field_1"))
    for column, limit in (("longitude", 180), ("latitude", 90)):
        value = pl.col(column).cast(pl.Float64, strict=False)
        wrong = matched & ~value.is_between(-limit, limit).fill_null(False)
        delimited.refuse(data, path, wrong, column, f"is no {column} (the first of the two is the longitude)")
    return delimited.staged(
        data.select(
            "address_id",
            "input_address",
            "match",
            "match_type",
            "matched_address",
            "tigerline_id",
            "side",
            "tract",
            "block",
            latitude=pl.when(matched).then(pl.col("latitude").cast(pl.Float64, strict=False)),
            longitude=pl.when(matched).then(pl.col("longitude").cast(pl.Float64, strict=False)),
            state_fips=pl.col("state").str.zfill(2),
            county_fips=pl.col("state").str.zfill(2) + pl.col("county").str.zfill(3),
            source_file=pl.lit(path.name),
            source_row="source_line",
        ),
        "staged_geocode",
    )

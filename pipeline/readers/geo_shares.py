"""Tells HUD's ZIP to area files from its area to ZIP files, whose columns have the same names: by which shares add up to 1.

What belongs here: the test of the shares. What must not come in: reading the file (`geo`), which area a ZIP gets.

HUD offers ZIP_CBSA (what share of each ZIP's addresses lies in each CBSA: a ZIP's shares add up to 1) and CBSA_ZIP
(what share of each CBSA's addresses lies in each ZIP: a CBSA's shares add up to 1); likewise ZIP_COUNTY and COUNTY_ZIP.
0.2 % of a large area is more addresses than 3 % of a small one, so the second kind places ZIPs wrongly.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.errors import SourceError, UnrecognisedFile
from pipeline.readers.reference_files.account import SHARES, Account

RATIOS = ("res_ratio", "bus_ratio", "oth_ratio", "tot_ratio")
_TOLERANCE = 0.02  # shares rounded to four decimals, over the hundreds of ZIPs of a large area
_PAGE = "https://www.huduser.gov/portal/datasets/usps_crosswalk.html"


def check(data: pl.DataFrame, path: Path, target: str, account: Account) -> None:
    """UnrecognisedFile for a crosswalk from `target` (cbsa, county) to ZIP; SourceError when it is of neither way.

    `data` has zip, the target and the four ratios as numbers. ZIPs whose shares do not add up to 1 are counted.
    """
    by_zip, by_target = _sums(data, "zip"), _sums(data, target)
    right, reverse = _fit(by_zip), _fit(by_target)
    ours, theirs = f"ZIP_{target.upper()}", f"{target.upper()}_ZIP"
    area = "CBSA" if target == "cbsa" else "county"
    if right < 0.9 and reverse > right:
        turned = UnrecognisedFile(
            f"is HUD's {theirs} crosswalk, the wrong way round (the shares of each {area} add up to 1, not those of "
            "each ZIP), skipped",
            place=path,
            remedy=f"download {ours} in its place: {_PAGE}",
        )
        turned.is_telling = True
        raise turned
    if right < 0.5:
        raise SourceError(
            f"the shares of most of its ZIPs do not add up to 1, as those of HUD's {ours} crosswalk do",
            place=path,
            remedy=f"download {ours} whole: {_PAGE}",
        )
    wrong = by_zip.filter(~_is_one(pl.col("tot_ratio"))).sort("zip")
    if wrong.height:
        first = wrong.row(0, named=True)
        account.warn(SHARES, f"those of ZIP {first['zip']} add up to {first['tot_ratio']:.4f}", wrong.height)


def _sums(data: pl.DataFrame, key: str) -> pl.DataFrame:
    return data.group_by(key).agg(pl.col(RATIOS).fill_null(0).sum())


def _is_one(sum_of_shares: pl.Expr) -> pl.Expr:
    return (sum_of_shares - 1).abs() <= _TOLERANCE


def _fit(sums: pl.DataFrame) -> float:
    """The share of sums that are 1; a ZIP without, say, any business has a sum of 0 there, but never in all."""
    fits = [
        _is_one(pl.col(name)) if name == "tot_ratio" else _is_one(pl.col(name)) | (pl.col(name) == 0) for name in RATIOS
    ]
    return sums.select(pl.mean_horizontal([fit.mean() for fit in fits])).item() or 0.0

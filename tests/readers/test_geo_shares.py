"""readers/geo_shares: which way round a crosswalk is, by its shares; its columns have the same names either way."""

from __future__ import annotations

import random

import pytest

from medicare_files import zipped
from pipeline import errors
from pipeline.readers import geo
from pipeline.readers.reference_files.account import Account

RATIOS = ("RES_RATIO", "BUS_RATIO", "OTH_RATIO", "TOT_RATIO")


def world(target: str, *, seed: int = 1) -> dict[tuple[str, str], list[int]]:
    """(ZIP, area) -> addresses (residential, business, other, all): a fifth of the ZIPs lie in two areas."""
    rng = random.Random(seed)
    areas = [f"{12000 + 20 * n}" if target == "CBSA" else f"13{n:03}" for n in range(1, 8)]
    found = {}
    for n in range(120):
        for area in rng.sample(areas, 2 if n % 5 == 0 else 1):
            res, bus, other = rng.randrange(0, 9000), rng.randrange(0, 900), rng.choice([0, 0, rng.randrange(1, 90)])
            found[f"{30000 + n}", area] = [res + 1, bus, other, res + 1 + bus + other]
    return found


def crosswalk(
    target: str, by: int, *, columns: list[str] | None = None, digits: int = 12, keep=lambda zip_code, area: True
) -> str:
    """HUD's table with the shares of each ZIP (by = 0) or of each area (by = 1)."""
    counts = world(target)
    totals: dict[str, list[int]] = {}
    for key, addresses in counts.items():
        total = totals.setdefault(key[by], [0, 0, 0, 0])
        totals[key[by]] = [a + b for a, b in zip(total, addresses, strict=True)]
    order = columns or ["ZIP", target, *RATIOS]
    lines = [",".join(order)]
    for key, addresses in counts.items():
        if keep(*key):
            row = dict(zip(("ZIP", target), key, strict=True))
            shares = zip(RATIOS, addresses, totals[key[by]], strict=True)
            row |= {name: f"{a / t if t else 0:.{digits}f}" for name, a, t in shares}
            lines.append(",".join(row[c] for c in order))
    return "\n".join(lines) + "\n"


def read(tmp_path, text: str, name: str):
    (tmp_path / name).write_text(text)
    account = Account()
    return geo.read(tmp_path / name, account), account.warnings


@pytest.mark.parametrize("digits", [12, 4])
@pytest.mark.parametrize("target", ["CBSA", "COUNTY"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_shares_decide_whatever_the_order_of_columns_and_the_name(tmp_path, target, turned, digits):
    columns = [target, "ZIP", *RATIOS] if turned else None
    right = crosswalk(target, 0, columns=columns, digits=digits)
    reverse = crosswalk(target, 1, columns=columns, digits=digits)
    for name in (f"ZIP_{target}_062025.csv", f"{target}_ZIP_062025.csv"):
        found, told = read(tmp_path, right, name)
        assert list(found) == [f"staged_zip_{target.lower()}"]
        assert told == []
        with pytest.raises(
            errors.UnrecognisedFile, match=f"is HUD's {target}_ZIP crosswalk, the wrong way round"
        ) as no:
            read(tmp_path, reverse, name)
        assert f"download ZIP_{target} in its place" in no.value.remedy


def test_inside_a_zip_it_is_named_too(tmp_path):
    zipped({"CBSA_ZIP_062025.csv": crosswalk("CBSA", 1)}, tmp_path / "hud.zip")
    with pytest.raises(errors.UnrecognisedFile, match="is HUD's CBSA_ZIP crosswalk, the wrong way round") as caught:
        geo.read(tmp_path / "hud.zip")
    assert caught.value.place.endswith("hud.zip!CBSA_ZIP_062025.csv")
    files = {"CBSA_ZIP_062025.csv": crosswalk("CBSA", 1), "ZIP_CBSA_062025.csv": crosswalk("CBSA", 0)}
    zipped(files, tmp_path / "hud.zip")
    account = Account()
    found = geo.read(tmp_path / "hud.zip", account)
    assert set(found["staged_zip_cbsa"]["source_file"]) == {"hud.zip/ZIP_CBSA_062025.csv"}
    ((kind, count, example),) = account.warnings
    assert (kind, count) == ("skipped", 1)
    assert "is HUD's CBSA_ZIP crosswalk, the wrong way round" in example


def test_a_cut_of_a_reverse_crosswalk_is_not_taken_either(tmp_path):
    """Of some ZIPs of each area neither a ZIP's nor an area's shares add up to 1."""
    cut = crosswalk("CBSA", 1, keep=lambda zip_code, area: zip_code < "30080")
    with pytest.raises(errors.SourceError, match="the shares of most of its ZIPs do not add up to 1") as caught:
        read(tmp_path, cut, "x.csv")
    assert caught.value.feeds == ("staged_zip_cbsa",)


def test_a_cut_of_the_right_one_is_read_and_what_it_lacks_is_counted(tmp_path):
    found, told = read(tmp_path, crosswalk("CBSA", 0, keep=lambda zip_code, area: area < "12100"), "x.csv")
    assert found["staged_zip_cbsa"].height > 50
    ((kind, count, example),) = told
    short = {z for z, a in world("CBSA") if a >= "12100"} & {z for z, a in world("CBSA") if a < "12100"}
    assert (kind, count) == ("shares", len(short))
    assert example.startswith(f"those of ZIP {min(short)} add up to 0.")


def test_a_list_of_counties_without_shares_is_read(tmp_path):
    assert list(read(tmp_path, "ZIP,COUNTY\n30303,13121\n", "dim_zip.csv")[0]) == ["staged_zip_county"]


def test_hud_s_own_file_is_the_right_way_round(real):
    account = Account()
    found = geo.read(real / "geo" / "ZIP_CBSA_062025.xlsx", account)
    assert found["staged_zip_cbsa"].height == 47_633
    assert account.warnings == []


def test_stray_bytes_beside_codes_are_taken_out(tmp_path):
    head = "cbsacode,cbsatitle,metropolitanmicropolitanstatis,countycountyequivalent,statename,fipsstatecode,fipscountycode"
    row = "12060,Cañon,Metropolitan Statistical Area,Fulton,Georgia,13,121"
    data = f"{head}\n{row}\n".encode().replace(b"12060", b"12060\xff").replace(b",121", b",\xa0121")
    (tmp_path / "cbsa.csv").write_bytes(data)
    account = Account()
    table = geo.read(tmp_path / "cbsa.csv", account)["staged_cbsa_county"]
    assert table.select("county_fips", "cbsa_code", "cbsa_title").rows() == [("13121", "12060", "Cañon")]
    assert [kind for kind, *_ in account.warnings] == ["stray_byte", "not_utf8"]

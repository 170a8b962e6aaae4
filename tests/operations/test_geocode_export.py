"""Addresses for the census geocoder: which are asked for and how they are written, and the way of the answers back."""

from __future__ import annotations

import csv

import duckdb
import pytest

import kit
from pipeline import errors, session
from pipeline.operations import geocode_export, status
from pipeline.storage import duck
from reference_tables import connection, stage

PLACE = {"address_1": "1 ELM ST", "city": "AUSTIN", "state": "TX", "postal_code": "787011234", "country_code": "US"}


def asked(*, answers=(), mailing=False, again=False, purpose="LOCATION", **parts):
    """(street, city, state, ZIP) and the reason against it of one address that differs from PLACE."""
    con = connection()
    row = {"npi": "1", "address_purpose": purpose, "address_hash": "h"} | PLACE | parts
    stage(con, "dim_npi_address", [row, row | {"npi": "2"}])
    stage(
        con, "staged_geocode", [{"address_id": "h", "match": m, "source_file": str(n)} for n, m in enumerate(answers)]
    )
    for name, value in (("mailing", mailing), ("again", again)):
        con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
    ((_, *fields, withheld),) = con.sql(duck.sql("geocode_request.sql")).fetchall()
    return tuple(fields), withheld


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ({}, ("1 ELM ST", "AUSTIN", "TX", "78701")),
        ({"address_2": "STE 4"}, ("1 ELM ST", "AUSTIN", "TX", "78701")),
        ({"address_1": "ELM BUILDING", "address_2": "1 ELM ST"}, ("1 ELM ST", "AUSTIN", "TX", "78701")),
        ({"address_1": 'ELM, "OLD" HALL 2'}, ("ELM OLD HALL 2", "AUSTIN", "TX", "78701")),
        ({"postal_code": "6039", "state": "CT"}, ("1 ELM ST", "AUSTIN", "CT", "06039")),
        ({"postal_code": None}, ("1 ELM ST", "AUSTIN", "TX", None)),
        ({"city": None}, ("1 ELM ST", None, "TX", "78701")),
        ({"country_code": "PR", "state": "PR", "postal_code": "00601"}, ("1 ELM ST", "AUSTIN", "PR", "00601")),
        ({"country_code": None}, ("1 ELM ST", "AUSTIN", "TX", "78701")),
        ({"address_1": "100 POBLANO RD"}, ("100 POBLANO RD", "AUSTIN", "TX", "78701")),
    ],
)
def test_an_address_as_the_geocoder_wants_it(parts, fields):
    assert asked(**parts) == (fields, None)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"country_code": "CA"}, "abroad"),
        ({"state": "AE", "postal_code": "09001"}, "military post office"),
        ({"address_1": None}, "without a street"),
        ({"address_1": "PO BOX 12"}, "post office box"),
        ({"address_1": "P.O. Box 12"}, "post office box"),
        ({"address_1": "P O BOX 12"}, "post office box"),
        ({"postal_code": None, "city": None}, "without ZIP and city"),
        ({"purpose": "MAILING"}, "mailing address"),
        ({"answers": ["Match"], "again": True}, "found already"),
        ({"answers": ["No_Match", "Match"]}, "found already"),
        ({"answers": ["No_Match"]}, "asked before, without a match"),
        ({"answers": ["Tie"]}, "asked before, without a match"),
    ],
)
def test_what_is_not_asked_and_why(parts, reason):
    assert asked(**parts)[1] == reason


def test_what_is_asked_on_demand():
    assert asked(purpose="MAILING", mailing=True)[1] is None
    assert asked(answers=["Tie"], again=True)[1] is None


def test_spellings_of_one_address_are_asked_once_and_always_alike():
    con = connection()
    spelled = [{"npi": str(n), "address_purpose": "LOCATION", "address_hash": "h"} | PLACE for n in range(3)]
    spelled[0] |= {"address_1": "1 Elm St"}
    spelled[1] |= {"address_1": "1 elm st"}
    for name in ("mailing", "again"):
        con.execute(f"SET VARIABLE {name} = false")
    for rows in (spelled, spelled[::-1]):
        stage(con, "dim_npi_address", rows)
        (row,) = con.sql(duck.sql("geocode_request.sql")).fetchall()
        assert row[:2] == ("h", "1 ELM ST")


@pytest.mark.slow
def test_files_of_at_most_ten_thousand_go_and_their_answers_place_the_addresses(sample, tmp_path, monkeypatch):
    """The whole way: what is exported, answered as the geocoder answers, is geocoded; nothing is left to ask."""
    assert geocode_export.ROWS_A_FILE == 10_000
    monkeypatch.setattr(geocode_export, "ROWS_A_FILE", 100)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "census_batch_099.csv").write_text("of an earlier export\n")
    session.use(sample)
    with pytest.raises(errors.UsageError, match="holds what publishers wrote"):
        geocode_export.export(sample / "raw" / "geo")
    done = geocode_export.export(folder)
    assert sorted(done.files) == sorted(folder.iterdir())
    sizes = list(done.files.values())
    assert len(sizes) > 1
    assert set(sizes[:-1]) == {100}
    lines = [line for path in done.files for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == sum(sizes)
    assert {line.count(",") for line in lines} == {4}
    hashes = [line.split(",")[0] for line in lines]
    assert hashes == sorted(set(hashes))
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        counts = con.sql("SELECT count(DISTINCT address_hash) FROM dim_npi_address").fetchall()
        placed = dict(con.sql("SELECT address_hash, geo_source FROM dim_npi_address_geolocation").fetchall())
    assert counts == [(len(lines) + sum(done.withheld.values()),)]
    assert {placed.get(h) for h in hashes} <= {"zip", None}
    for number, path in enumerate(done.files):
        answer = sample / "raw" / "geo" / f"GeocodeResults_{number}.csv"
        with path.open(encoding="utf-8") as requests, answer.open("w", encoding="utf-8") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            for n, (name, *parts) in enumerate(csv.reader(requests)):
                found = ["Match", "Exact", ", ".join(parts).upper(), "-84.39,33.75", "1", "L", "13", "121", "1", "2"]
                writer.writerow([name, ", ".join(parts), *(["No_Match"] if n == 0 else found)])
    status.begin()
    with pytest.raises(errors.RatehouseError, match="not up to date"):
        geocode_export.export(folder)  # the files that were just put there are not read yet
    assert kit.build(sample).ok
    with duckdb.connect(str(sample / "warehouse.duckdb"), read_only=True) as con:
        sources = con.sql(
            "SELECT address_hash, geo_source, county_fips, latitude, longitude FROM dim_npi_address_geolocation"
        ).fetchall()
    now = {h: rest for h, *rest in sources}
    assert sum(now[h] == ["census", "13121", 33.75, -84.39] for h in hashes if h in now) == len(hashes) - len(sizes)
    again = geocode_export.export(folder)
    assert again.files == {}
    assert list(folder.iterdir()) == []
    assert again.withheld["asked before, without a match"] >= len(sizes)

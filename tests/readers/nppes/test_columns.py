"""Every column of the registry's published records, against a plain reading of the same files; 330 columns against answers."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import polars as pl

import nppes_files
from pipeline import naming
from pipeline.readers.nppes import read as nppes
from reference_tables import connection, run, stage

# The guidelines' provider columns, then their address columns.
PROVIDER = (
    "npi first_name last_name organization_name enumeration_type status primary_taxonomy_code primary_taxonomy_desc "
    "primary_taxonomy_state primary_taxonomy_license credential sole_proprietor enumeration_date last_updated"
).split()
ADDRESS = (
    "npi address_purpose address_type address_1 address_2 city state postal_code country_code telephone_number "
    "fax_number address_hash"
).split()
HASHED = "address_1 address_2 city state postal_code country_code".split()
# Providers of which a file of 330 columns and answers are compared; RATEHOUSE_PROVIDERS=200000 for the long way.
PROVIDERS = int(os.environ.get("RATEHOUSE_PROVIDERS", "2000"))


def dimensions(paths: list[Path]) -> tuple[list[tuple], list[tuple]]:
    """dim_npi and dim_npi_address of registry files, all of whose providers some group names."""
    con = connection()
    parts = [part for path in paths for part in nppes.read(path)]
    for name in ("staged_nppes", "staged_nppes_address"):
        stage(con, name, pl.concat(part[name] for part in parts if name in part))
    con.execute(
        "CREATE OR REPLACE TEMP VIEW staged_member AS SELECT DISTINCT '' AS pg_members_uid, npi FROM staged_nppes"
    )
    providers = run(con, "dim_npi", *PROVIDER)
    con.execute("CREATE OR REPLACE TEMP VIEW dim_npi AS SELECT DISTINCT npi FROM staged_nppes")
    return providers, run(con, "dim_npi_address", *ADDRESS)


def published(real: Path) -> list[dict]:
    """The 201 records of the registry's answers."""
    return [
        r for n in ("nppes", "nppes_type2") for r in json.loads((real / "nppes" / f"{n}.json").read_text())["results"]
    ]


def text(value: str | None) -> str | None:
    value = (value or "").strip()
    return None if value in ("", "--") else value


def plainly_answered(record: dict) -> tuple[dict, list[dict]]:
    """A record of an answer as its columns, field by field."""
    basic = record["basic"]
    (taxonomy,) = [t for t in record["taxonomies"] if t["primary"]] or [{}]
    names = "first_name last_name organization_name credential sole_proprietor enumeration_date last_updated status"
    provider = {name: text(basic.get(name)) for name in names.split()}
    provider |= {"npi": record["number"], "enumeration_type": record["enumeration_type"]}
    provider |= {f"primary_taxonomy_{x}": text(taxonomy.get(x)) for x in ("code", "desc", "state", "license")}
    listed = {}
    for place in [*record["addresses"], *record["practiceLocations"]]:
        place = {name: text(place.get(name)) for name in ADDRESS} | {"npi": record["number"]}
        place["address_hash"] = naming.address_hash(*(place[n] for n in HASHED))
        listed.setdefault((place["address_purpose"], place["address_hash"]), place)
    return provider, list(listed.values())


def plainly_extracted(row: dict[str, str]) -> tuple[dict, list[dict]]:
    """A row of the extract as its columns; it has no licences, no fax and no mailing address."""
    theirs = {"first_name": "provider_first_name", "last_name": "provider_last_name", "npi": "npi"}
    theirs |= {"organization_name": "provider_organization_name", "credential": "provider_credential"}
    theirs |= {"primary_taxonomy_code": "primary_taxonomy_code", "last_updated": "last_updated"}
    provider = {ours: text(row[name]) for ours, name in theirs.items()}
    provider["status"] = "D" if row["deactivation_flag"] == "1" else "A"
    provider["enumeration_type"] = {"1": "NPI-1", "2": "NPI-2", "": None}[row["entity_type_code"]]
    theirs = {"address_1": "practice_address_line_1", "address_2": "practice_address_line_2", "city": "practice_city"}
    theirs |= {"state": "practice_state", "postal_code": "practice_zip_code", "npi": "npi"}
    place = {ours: text(row[name]) for ours, name in theirs.items()}
    if not any(place[n] for n in theirs if n != "npi"):
        return provider, []
    number = text(row["location_telephone_number"])
    dashed = f"{number[:3]}-{number[3:6]}-{number[6:]}" if number and len(number) == 10 and number.isdigit() else number
    place |= {"address_purpose": "LOCATION", "address_type": "DOM", "country_code": "US", "telephone_number": dashed}
    return provider, [place | {"address_hash": naming.address_hash(*(place[n] for n in HASHED))}]


def test_every_published_record_comes_through_with_every_column(real):
    answers = [plainly_answered(record) for record in published(real)]
    with (real / "nppes" / "provider_data__provider.csv").open(encoding="utf-8", newline="") as file:
        extracted = [plainly_extracted(row) for row in csv.DictReader(file)]
    assert (len(answers), len(extracted)) == (201, 1050)
    said = {p["primary_taxonomy_code"]: p["primary_taxonomy_desc"] for p, _ in answers if p["primary_taxonomy_desc"]}
    for provider, _ in extracted:  # an extract describes no taxonomy: another provider's answer does
        # A blank record of a deactivation has its NPI, its status and nothing else that is kept.
        blank = provider["enumeration_type"] is None
        provider["primary_taxonomy_desc"] = said.get(provider["primary_taxonomy_code"])
        if blank:
            provider |= dict.fromkeys(provider.keys() - {"npi", "status"})
    providers, addresses = dimensions(sorted((real / "nppes").iterdir()))
    expected = [*answers, *extracted]
    assert {p[0]: p for p in providers} == {p["npi"]: tuple(p.get(name) for name in PROVIDER) for p, _ in expected}
    assert sorted(addresses, key=str) == sorted(
        (tuple(place.get(n) for n in ADDRESS) for _, listed in expected for place in listed),
        key=str,
    )


def test_a_file_of_330_columns_gives_what_the_answers_give(real, tmp_path):
    """Providers drawn from the published ones, in both of the registry's ways."""
    records = [r | {"practiceLocations": []} for r in published(real)]
    drawn = [
        records[n % len(records)] | {"number": str(1_000_000_000 + 7919 * n % 900_000_000)} for n in range(PROVIDERS)
    ]
    for n, record in enumerate(drawn):
        street = {"address_1": f"{n} {record['addresses'][1]['address_1']}"}
        record["addresses"] = [record["addresses"][0], record["addresses"][1] | street]
    monthly, answers = tmp_path / "npidata_pfile_20050523-20250810.csv", tmp_path / "answers.json"
    monthly.write_text(nppes_files.text([nppes_files.line(record) for record in drawn]), encoding="utf-8")
    with answers.open("w", encoding="utf-8") as file:
        for start in range(0, len(drawn), 200):  # the API gives 200 at most
            file.write(json.dumps({"results": drawn[start : start + 200]}) + "\n")
    (by_file, places_by_file), (by_answer, places_by_answer) = dimensions([monthly]), dimensions([answers])
    described = PROVIDER.index("primary_taxonomy_desc")  # which the file leaves to the NUCC code set
    assert [p[:described] + p[described + 1 :] for p in by_file] == [
        p[:described] + p[described + 1 :] for p in by_answer
    ]
    assert places_by_file == places_by_answer
    assert len(by_file) == len({record["number"] for record in drawn}) == PROVIDERS

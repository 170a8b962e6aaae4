"""dim_npi_address: the addresses of the NPIs that groups name."""

from __future__ import annotations

from reference_tables import connection, run, stage

NPI = "1003000126"


def listed(text, purpose="LOCATION", position=1, kind="api", date="2020-01-01", row=1, npi=NPI, **more):
    given = {"npi": npi, "address_purpose": purpose, "position": position, "address_hash": text, "address_1": text}
    return given | {"source_kind": kind, "source_date": date, "source_file": f"{kind}.x", "source_row": row} | more


def addresses(rows, *, records=(), npis=(NPI,)):
    con = connection()
    stage(con, "dim_npi", [{"npi": n} for n in npis])
    stage(con, "staged_nppes_address", rows)
    stage(con, "staged_nppes", list(records))
    found = run(con, "dim_npi_address", "npi", "address_purpose", "address_hash", "position")
    return [r[1:] if r[0] == NPI else r for r in found]


def test_only_of_providers_that_groups_name():
    assert addresses([listed("a"), listed("b", npi="2")]) == [("LOCATION", "a", 1)]
    assert addresses([listed("a")], npis=()) == []
    assert addresses([]) == []


def test_each_purpose_from_the_latest_record_that_carries_it():
    rows = [
        listed("old", date="2019"),
        listed("mail", "MAILING", date="2019"),
        listed("new", kind="extract", date="2021"),
    ]
    assert addresses(rows) == [("LOCATION", "new", 1), ("MAILING", "mail", 1)]


def test_further_locations_of_the_location_file_follow_the_primary_one():
    rows = [listed("first", kind="monthly"), listed("m", "MAILING", kind="monthly")]
    rows += [listed(t, position=2, kind="locations", date="2025-08-10", row=n) for n, t in enumerate("ba", start=5)]
    assert addresses(rows) == [
        ("LOCATION", "a", 3),
        ("LOCATION", "b", 2),
        ("LOCATION", "first", 1),
        ("MAILING", "m", 1),
    ]


def test_a_later_answer_without_further_locations_takes_them_away():
    answer = {"npi": NPI, "source_kind": "api", "enumeration_type": "NPI-1", "source_file": "api.x", "source_row": 1}
    rows = [listed("first"), listed("further", position=2, kind="locations", date="2025-08-10")]
    assert addresses(rows, records=[answer | {"source_date": "2025-09-01"}]) == [("LOCATION", "first", 1)]
    assert len(addresses(rows, records=[answer | {"source_date": "2025-08-01"}])) == 2


def test_an_address_listed_twice_stands_where_it_is_first():
    rows = [listed("a", telephone_number="1"), listed("b", position=2), listed("a", position=3, telephone_number="2")]
    assert addresses(rows) == [("LOCATION", "a", 1), ("LOCATION", "b", 2)]


def test_two_files_of_one_date_do_not_mix():
    rows = [
        listed("a", source_file="1.json"),
        listed("b", position=2, source_file="1.json"),
        listed("c", source_file="2.json"),
    ]
    assert addresses(rows) == [("LOCATION", "b", 2), ("LOCATION", "c", 1)]

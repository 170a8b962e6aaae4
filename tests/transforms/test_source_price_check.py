"""What the rates of a file are as a whole: literal facts in, a row a file out."""

from __future__ import annotations

import statistics

import pytest

from enriched_made import connection, fact
from enriched_tables import ANA, MONTH, PAYER, WORLD, pfs, pos_id, published
from pipeline.transforms import fact_rate_enriched


def checked(facts: list[dict], **changed) -> tuple[dict[str, dict], set[str]]:
    """The row of each file, and the files that are to be looked at."""
    with connection(MONTH, True, 2, WORLD | {"fact_rate": facts} | changed) as con:
        fact_rate_enriched.build(con)
        rows = con.sql(fact_rate_enriched.others("source_price_check"))
        found = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
        suspicious = {one["batch_id"] for one in fact_rate_enriched.suspicious_files(con)}
    assert len({row["batch_id"] for row in found}) == len(found)
    return {row["batch_id"]: row for row in found}, suspicious


def rates(amounts: list[float], **values) -> list[dict]:
    """A fact for each amount (Medicare pays 100.00); none is a variant of another."""
    return [fact(negotiated_rate=a, additional_information=str(n), **values) for n, a in enumerate(amounts)]


def test_the_middle_of_a_file_s_ratios():
    amounts = [17.0 * 1.1**n for n in range(41)]
    others = rates([0.0, -3.0], code="99213", batch_id="b1") + rates(
        [50.0] * 3, batch_id="b1", negotiated_type="percentage"
    )
    found, suspicious = checked(rates(amounts, batch_id="b1") + others + rates([100.0], batch_id="b2"))
    assert found["b1"]["facts"] == 46
    assert (found["b1"]["compared"], found["b2"]["compared"]) == (41, 1)
    assert found["b1"]["median_ratio"] == pytest.approx(statistics.median(amounts) / 100, rel=0.003)
    assert suspicious == set()


def test_files_that_may_not_be_in_dollars():
    """Under 0.2 or over 10 in the middle; a file of 19 rates says nothing."""
    files = {"cents": 15.0, "low enough": 25.0, "thousands": 1500.0, "high": 900.0}
    facts = [one for name, amount in files.items() for one in rates([amount] * 20, batch_id=name)]
    assert checked(facts + rates([15.0] * 19, batch_id="few"))[1] == {"cents", "thousands"}


def test_files_whose_class_may_not_be_theirs():
    """Four in five of the facts that leave their class open look like physicians' fees. They are held against the
    physician schedule: against hospitals' they would not seem to be in dollars."""
    tins = [
        PAYER | {"pg_uid": "g1", "tin_type": "npi", "tin_value": ANA},
        PAYER | {"pg_uid": "g2", "tin_type": "ein", "tin_value": "581234567"},
    ]
    opened = {"billing_class": "institutional", "pos_set_id": pos_id()}
    doubtful = {"pg_uid": "g2", "pg_members_uid": "m2"}
    facts = [
        *rates([150.0] * 20, **opened, batch_id="all"),
        *rates([150.0] * 16, **opened, batch_id="most"),
        *rates([150.0] * 4, **opened, batch_id="most", **doubtful),
        *rates([150.0] * 15, **opened, batch_id="some"),
        *rates([150.0] * 5, **opened, batch_id="some", **doubtful),
        *rates([150.0] * 19, **opened, batch_id="few"),
        *rates([150.0] * 5, batch_id="professional"),
    ]
    found, suspicious = checked(facts, xref_group_tin=tins)
    columns = ("class_open", "class_suspect", "class_undecided")
    assert {name: tuple(row[c] for c in columns) for name, row in found.items()} == {
        "all": (20, 20, 0),
        "most": (20, 16, 4),
        "some": (20, 15, 5),
        "few": (19, 19, 0),
        "professional": (0, 0, 0),
    }
    assert suspicious == {"all", "most"}
    assert found["all"]["median_ratio"] == pytest.approx(1.5, rel=0.003)


def test_a_physician_s_file_of_a_year_without_a_release_is_held_against_another_s():
    """Elbow X-rays at ten cents: no schedule of the year is here, and the class is the wrong one."""
    tins = [PAYER | {"pg_uid": "g1", "tin_type": "npi", "tin_value": ANA}]
    schedule = {
        "bench_medicare_comprehensive": [],
        "bench_medicare_prof_detail": [pfs("01", effective_from="2027-01-01")],
    }
    facts = rates([0.1] * 20, billing_class="institutional", pos_set_id=pos_id())
    found, suspicious = checked(facts, xref_group_tin=tins, **schedule)
    assert found["b1"]["compared"] == 20
    assert found["b1"]["median_ratio"] == pytest.approx(0.1 / 88.01, rel=0.05)
    assert suspicious == {"b1"}


@pytest.mark.parametrize(
    ("kind", "places", "staged"),
    [("OPPS", ("21",), {"staged_opps": [{"si": "V"}]}), ("ASC", ("24",), {"staged_asc": [{"pi": "A2"}]})],
)
def test_a_hospital_s_file_of_a_year_without_a_wage_index_is_held_against_the_nation_s_rate(kind, places, staged):
    """Visits at ten cents; the nation pays $90.00."""
    row = {"code": "99213", "payment_rate": "90.00", "effective_from": "2025-01-01", "source_file": "b.csv"}
    schedule = {name: [row | one for one in rows] for name, rows in staged.items()}
    nation = [published(kind=kind, state="US", medicare_state_rate=90.0)]
    facts = rates([0.1] * 20, billing_class="institutional", pos_set_id=pos_id(*places))
    found, suspicious = checked(facts, bench_medicare_comprehensive=nation, **schedule)
    assert found["b1"]["compared"] == 20
    assert found["b1"]["median_ratio"] == pytest.approx(0.1 / 90, rel=0.05)
    assert suspicious == {"b1"}


def test_no_facts_no_files():
    assert checked([]) == ({}, set())

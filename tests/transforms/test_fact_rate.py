"""The facts of a month: literal staged rows in, literal facts out; what makes two rates one fact, and what a correction does."""

from __future__ import annotations

import errno
import hashlib
import random
import tempfile
import threading
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staged_rates
from pipeline import decimals, errors, session, tables
from pipeline import settings as configured
from pipeline.accounts import OF_MONTHS
from pipeline.accounts import imbalances as imbalances_of
from pipeline.operations import build as building
from pipeline.stages.facts import FactRate, months
from pipeline.storage import parquet
from pipeline.transforms import fact_numbers, fact_rate

A, B = "TX/a.json", "TX/b.json"
assert staged_rates.batch(B) < staged_rates.batch(A), "the file that is first by name is not first by batch_id"

MEMBERS = "5f2b" * 8
PRICE = {
    "file": A,
    "object_ix": 0,
    "code_type": "CPT",
    "code": "99213",
    "negotiation_arrangement": "ffs",
    "billing_class": "professional",
    "negotiated_type": "negotiated",
    "negotiated_rate": 150.0,
    "pos_set_id": "6512bd43d9caa6e02c990b0a82652dca",
}
# What tells one fact from another, and another value of each.
OTHERS = {
    "billing_class": "institutional",
    "code_type": "HCPCS",
    "code": "99214",
    "billing_code_modifiers": "25",
    "pos_set_id": "d41d8cd98f00b204e9800998ecf8427e",
    "negotiated_type": "derived",
    "negotiation_arrangement": "bundle",
    "expiration_date": "2025-12-31",
    "negotiated_rate": 150.01,
    "additional_information": "a note",
    "setting": "outpatient",
    "severity_of_illness": "2",
    "contained_codes_uid": "c" * 32,
}


def source(file: str = A, **values) -> dict:
    return {
        "file": file,
        "state": file.split("/")[0],
        "year_month": "2025-06",
        "reporting_entity_name": "Evry Health",
        "payer_slug": "evry_health",
    } | values


def group(file: str = A, uid: str = "g1", **values) -> dict:
    return {"file": file, "pg_uid": uid, "provider_group_id_raw": "7", "pg_members_uid": MEMBERS} | values


def build(
    prices, owners=None, groups=None, sources=None, corrections=(), stars=(), pieces=((2, 1, 3), (5, 3, 2))
) -> tuple[list[dict], dict]:
    """The facts, and the accounts; prices and owners in the file's order, one owner g1 a file by default.

    `pieces` are ways to cut them that make no difference: see `in_pieces`.
    """
    files = list(dict.fromkeys(p["file"] for p in prices))
    con = staged_rates.connection(year_month="2025-06")
    staged_rates.stage(con, "source_file", sources or [source(f) for f in files])
    owners = owners or [{"file": f, "object_ix": 0, "pg_uid": "g1"} for f in files]
    staged_rates.stage_rates(con, prices, owners, groups or [group(f) for f in files])
    staged_rates.stage(con, "star_fact", list(stars))
    select = fact_rate.build(con, list(corrections))
    accounts = totals(con)
    assert imbalances(con, accounts) == []
    facts = staged_rates.answer(con, "fact_rate", select)
    assert streamed(con, corrections) == facts
    assert totals(con) == accounts
    if not corrections and not stars:
        for way in pieces:
            assert in_pieces(con, *way) == facts
            assert totals(con) == accounts
    staged_rates.publish_facts(con, facts)
    listed = con.sql(fact_rate.sources(con, list(corrections)) + " ORDER BY ALL").fetchall()
    return facts, accounts | {"sources": listed}


def totals(con) -> dict:
    """What is counted of the month."""
    found = con.sql("SELECT * FROM read_totals")
    return dict(zip(found.columns, found.fetchall()[0], strict=True))


def imbalances(con, told: dict) -> list[str]:
    """Where the month's accounts do not agree with its staged rates."""
    rates = con.sql("SELECT negotiated_rate FROM staged_price JOIN staged_owner USING (batch_id, object_ix)").fetchall()
    read = {"rates_read": len(rates), "rejected": 0, "rounded_sum": "0.00"}
    published = [Decimal(repr(rate)) for (rate,) in rates]
    read["rate_sum"] = str(decimals.total(published))
    read["rounded_sum"] = str(decimals.total(rate - rate.quantize(Decimal("1e-9")) for rate in published))
    assert told["read"] == len(rates)
    account = {"rate_facts" if name == "facts" else name: value for name, value in told.items()}
    return imbalances_of(OF_MONTHS, account | read)


def streamed(con, corrections) -> list[dict]:
    """The same facts as a month's file gets them: put in order by number, or sorted from a scratch file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scratch"
        rows = [row for batch in fact_rate.batches(con, list(corrections), path) for row in batch.to_pylist()]
        assert list(path.parent.iterdir()) == []
    return rows


def texts_are_numbered_as_they_come_first(batch: pa.RecordBatch) -> bool:
    columns = [c for c in batch.columns if pa.types.is_dictionary(c.type)]
    assert len(columns) == 20
    return all(list(dict.fromkeys(filter(None, c.to_pylist()))) == c.dictionary.to_pylist() for c in columns)


def in_pieces(con, facts: int, prices: int, rows: int) -> list[dict]:
    """The same facts again, so many held at once, where a piece of them has no room for more."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fact_numbers, "FACTS", facts)
        patch.setattr(fact_numbers, "PRICES", prices)
        batches = list(fact_numbers.batches(con, Path(folder) / "scratch", rows))
    assert all(map(texts_are_numbered_as_they_come_first, batches))
    made = 0
    for batch in batches:
        made += batch.num_rows
        assert (made - 1) // rows == (made - batch.num_rows) // rows, "a batch does not reach over a row group's end"
    return [row for batch in batches for row in batch.to_pylist()]


def correction(action: str = "drop", match: dict | None = None, put: dict | None = None, name: str = "c1") -> dict:
    return {"id": name, "action": action, "match": match or {"code": "99213"}, "set": put or {}, "place": "c.yml"}


def test_one_rate():
    """Every column, and an id that can be had with md5sum."""
    facts, accounts = build(
        [PRICE | {"expiration_date": "2025-12-31", "billing_code_modifiers": "25|59"}],
        groups=[group(network_names="PPO")],
    )
    told = (
        f"TX|2025-06|evry_health|professional|CPT|99213|25|59|{MEMBERS}|6512bd43d9caa6e02c990b0a82652dca|negotiated|ffs|"
        "2025-12-31|150.0||||PPO|"
    )
    assert facts == [
        {
            "fact_uid": hashlib.md5(told.encode()).hexdigest(),
            "state": "TX",
            "year_month": "2025-06",
            "reporting_entity_name": "Evry Health",
            "billing_class": "professional",
            "code_type": "CPT",
            "code": "99213",
            "pg_uid": "g1",
            "pos_set_id": "6512bd43d9caa6e02c990b0a82652dca",
            "negotiated_type": "negotiated",
            "negotiation_arrangement": "ffs",
            "negotiated_rate": 150.0,
            "expiration_date": "2025-12-31",
            "provider_group_id_raw": "7",
            "billing_code_modifiers": "25|59",
            "additional_information": None,
            "setting": None,
            "severity_of_illness": None,
            "network_names": "PPO",
            "contained_codes_uid": None,
            "pg_members_uid": MEMBERS,
            "batch_id": staged_rates.batch(A),
            "source_count": 1,
        }
    ]
    assert (accounts["read"], accounts["duplicates"], accounts["facts"]) == (1, 0, 1)


@pytest.mark.parametrize("column", OTHERS)
def test_rates_that_differ_in_one_column_are_two_facts(column):
    facts, _ = build([PRICE, PRICE | {column: OTHERS[column]}])
    assert [f["source_count"] for f in facts] == [1, 1]
    assert {f[column] for f in facts} == {PRICE.get(column), OTHERS[column]}


def test_networks_and_members_and_states_tell_facts_apart():
    owners = [{"file": A, "object_ix": 0, "pg_uid": uid} for uid in ("g1", "g2", "g3")]
    groups = [group(), group(uid="g2", network_names="PPO"), group(uid="g3", pg_members_uid="0" * 32)]
    facts, _ = build([PRICE], owners, groups)
    assert sorted(f["pg_uid"] for f in facts) == ["g1", "g2", "g3"]
    facts, _ = build([PRICE, PRICE | {"file": "MD/a.json"}])
    assert [(f["state"], f["source_count"]) for f in facts] == [("MD", 1), ("TX", 1)]


@pytest.mark.parametrize("column", ["pg_uid", "provider_group_id_raw", "reporting_entity_name"])
def test_what_names_a_contract_only_tells_no_facts_apart(column):
    """The same members under another id, the same payer written another way: one fact, kept as the first file has it."""
    sources = [source(A), source(B)]
    groups, owners = [group(A), group(B)], [{"file": f, "object_ix": 0, "pg_uid": "g1"} for f in (A, B)]
    if column == "pg_uid":
        groups[1]["pg_uid"] = owners[1]["pg_uid"] = "g2"
    elif column == "provider_group_id_raw":
        groups[1][column] = "8"
    else:
        sources[1][column] = "EVRY Health"  # the same slug
    facts, accounts = build([PRICE | {"file": B}, PRICE], owners, groups, sources)
    assert [(f["source_count"], f["batch_id"]) for f in facts] == [(2, staged_rates.batch(A))]
    assert facts[0][column] == {"pg_uid": "g1", "provider_group_id_raw": "7"}.get(column, "Evry Health")
    assert accounts["sources"] == [(facts[0]["fact_uid"], staged_rates.batch(f), 1) for f in (B, A)]


def test_first_price_and_owner_of_the_first_file_are_kept():
    """Three rates of the second file come first in the tables, and its groups too; the first file's first owner is kept."""
    prices = [PRICE | {"file": B}, PRICE | {"file": B}, PRICE | {"object_ix": 1}, PRICE]
    owners = [
        {"file": B, "object_ix": 0, "pg_uid": "b0"},
        {"file": A, "object_ix": 0, "pg_uid": "a0"},
        {"file": A, "object_ix": 1, "pg_uid": "a1"},
        {"file": A, "object_ix": 1, "pg_uid": "a2"},
    ]
    groups = [group(B, "b0"), *(group(A, uid) for uid in ("a0", "a1", "a2"))]
    facts, accounts = build(prices, owners, groups)
    assert [(f["pg_uid"], f["source_count"]) for f in facts] == [("a1", 5)]
    assert (accounts["read"], accounts["facts"], accounts["duplicates"]) == (5, 1, 4)
    assert accounts["sources"] == [(facts[0]["fact_uid"], staged_rates.batch(f), n) for f, n in ((B, 2), (A, 3))]


def test_a_rate_is_read_once_per_price_and_owner_of_its_object():
    prices = [PRICE, PRICE | {"negotiated_rate": 160.0}, PRICE | {"object_ix": 1, "negotiated_rate": 170.0}]
    owners = [{"file": A, "object_ix": o, "pg_uid": g} for o, g in ((0, "g1"), (0, "g2"), (0, "g1"), (1, "g2"))]
    facts, accounts = build(prices, owners, [group(), group(uid="g2", pg_members_uid="0" * 32)])
    assert sorted((f["negotiated_rate"], f["pg_uid"], f["source_count"]) for f in facts) == [
        (150.0, "g1", 2),  # a group that an object names twice is read twice
        (150.0, "g2", 1),
        (160.0, "g1", 2),
        (160.0, "g2", 1),
        (170.0, "g2", 1),
    ]
    assert accounts["read"] == 7


def test_unresolved_references_keep_their_rates():
    """Nobody knows whether two undefined groups are the same, so they are not: not even under one id in two files."""
    groups = [group(f, f"{f}-7", pg_members_uid=None) for f in (A, B)]
    owners = [{"file": f, "object_ix": 0, "pg_uid": f"{f}-7"} for f in (A, A, B)]
    facts, _ = build([PRICE, PRICE | {"file": B}], owners, groups)
    assert sorted((f["pg_uid"], f["pg_members_uid"], f["source_count"]) for f in facts) == [
        (f"{A}-7", None, 2),
        (f"{B}-7", None, 1),
    ]


def test_no_file_no_fact():
    con = staged_rates.connection(year_month="2025-06")
    assert staged_rates.answer(con, "fact_rate", fact_rate.build(con, [])) == []


# ---- corrections -----------------------------------------------------------------------------------------------------


def test_amended_rates_are_identified_and_collapsed_again():
    """$15,000 was meant to be $150, which another file publishes: one fact is left, and no rate is gone."""
    wrong = PRICE | {"negotiated_rate": 15_000.0}
    amend = correction("amend", {"negotiated_rate": 15_000.0}, {"negotiated_rate": 150.0})
    facts, accounts = build([wrong, PRICE | {"file": B}], corrections=[amend])
    plain, _ = build([PRICE, PRICE | {"file": B}])
    assert facts == plain
    assert [(f["negotiated_rate"], f["source_count"]) for f in facts] == [(150.0, 2)]
    assert (accounts["read"], accounts["duplicates"], accounts["facts"]) == (2, 1, 1)


def test_dropped_rates_are_accounted_for():
    prices = [PRICE, PRICE, PRICE | {"code": "99214"}]
    facts, accounts = build(prices, corrections=[correction("drop")])
    assert [f["code"] for f in facts] == ["99214"]
    assert (accounts["read"], accounts["corrected_away"], accounts["facts"]) == (3, 2, 1)


def test_corrections_match_what_was_published():
    """By the id of the uncorrected rate; a second correction does not see what the first set; null matches null."""
    (published,), _ = build([PRICE])
    first = correction("amend", {"fact_uid": published["fact_uid"]}, {"code": "99214", "negotiated_rate": 1.0}, "first")
    second = correction("amend", {"code": "99213", "setting": None}, {"setting": "inpatient"}, "second")
    facts, _ = build([PRICE], corrections=[first, second])
    assert [(f["code"], f["negotiated_rate"], f["setting"]) for f in facts] == [("99214", 1.0, "inpatient")]
    with pytest.raises(errors.CorrectionError, match="second"):
        build([PRICE], corrections=[first, correction("drop", {"code": "99214"}, name="second")])


def test_a_correction_to_null_and_of_one_file_only():
    noted = [PRICE | {"file": f, "additional_information": "see contract"} for f in (A, B)]
    amend = correction("amend", {"batch_id": staged_rates.batch(B)}, {"additional_information": None})
    facts, _ = build(noted, corrections=[amend])
    assert {(f["additional_information"], f["batch_id"]) for f in facts} == {
        ("see contract", staged_rates.batch(A)),
        (None, staged_rates.batch(B)),
    }


def test_a_correction_that_matches_nothing_is_refused():
    with pytest.raises(errors.CorrectionError, match="c2 matches no rate of this month") as refused:
        build([PRICE], corrections=[correction(), correction("drop", {"code": "99999"}, name="c2")])
    assert "c.yml" in str(refused.value)


def test_texts_with_quotes_match():
    said = 'the "usual" provider\'s rate; DROP TABLE fact_first --'
    facts, _ = build(
        [PRICE | {"additional_information": said}, PRICE],
        corrections=[correction("drop", {"additional_information": said})],
    )
    assert [f["additional_information"] for f in facts] == [None]


# ---- star schemas ----------------------------------------------------------------------------------------------------


def test_star_facts_come_beside_and_keep_their_ids():
    (known,), _ = build([PRICE])
    given_fact = known | {"source_count": 1, "batch_id": "star"}
    other = given_fact | {"fact_uid": "0" * 32, "negotiated_rate": 99.0}
    twice = other | {"batch_id": "another star", "negotiated_rate": 98.0}
    facts, accounts = build([PRICE], stars=[given_fact, other, twice])
    assert [(f["fact_uid"], f["negotiated_rate"], f["batch_id"]) for f in facts] == sorted(
        [
            ("0" * 32, 98.0, "another star"),
            (known["fact_uid"], 150.0, staged_rates.batch(A)),
        ]
    )
    assert (accounts["read"], accounts["facts"]) == (1, 1)


# ---- any rates -------------------------------------------------------------------------------------------------------

PRICES = st.fixed_dictionaries(
    {
        "file": st.sampled_from([A, B]),
        "object_ix": st.integers(0, 1),
        "code": st.sampled_from(["99213", "99214"]),
        "negotiated_rate": st.sampled_from([150.0, 0.0, 1234567.89, 0.1 + 0.2]),
        "setting": st.sampled_from([None, "inpatient"]),
    }
)


@given(
    st.lists(PRICES, min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=4),
)
@settings(max_examples=12, deadline=None)
def test_any_rates_collapse_as_a_dictionary_would(listed, named):
    """Every rate is in exactly one fact, in the one that a dictionary of identities has, kept from its first place."""
    prices = [PRICE | p for p in listed]
    files = sorted({p["file"] for p in prices})
    owners = [
        {"file": f, "object_ix": o, "pg_uid": f"{f}-{known}"}
        for f in files
        for o, known in sorted(named, key=lambda one: one[0])
    ]
    groups = [
        group(f, f"{f}-{known}", pg_members_uid=MEMBERS if known else None) for f in files for known in (True, False)
    ]
    expected: dict[tuple, list] = {}
    for file in files:
        for price in (p for p in prices if p["file"] == file):
            for owner in (o for o in owners if (o["file"], o["object_ix"]) == (file, price["object_ix"])):
                who = MEMBERS if owner["pg_uid"].endswith("True") else owner["pg_uid"]
                key = (price["code"], price["negotiated_rate"], price["setting"], who)
                expected.setdefault(key, [owner["pg_uid"], staged_rates.batch(file), 0])[2] += 1
    facts, accounts = build(prices, owners, groups)
    got = {
        (f["code"], f["negotiated_rate"], f["setting"], f["pg_members_uid"] or f["pg_uid"]): [
            f["pg_uid"],
            f["batch_id"],
            f["source_count"],
        ]
        for f in facts
    }
    assert got == expected
    assert len(facts) == len(expected) == accounts["facts"]
    assert sum(f["source_count"] for f in facts) == accounts["read"] == accounts["facts"] + accounts["duplicates"]


def test_many_rates_of_few_facts_and_of_many():
    """Thousands of rates, some of them one fact a hundred times over, in several places of one payer's two names."""
    rng = random.Random(3)
    groups = [group(f, f"{f}{n}", pg_members_uid=f"{n:032x}" if n % 3 else None) for f in (A, B) for n in range(400)]
    owners = [
        {"file": f, "object_ix": o, "pg_uid": f"{f}{n}"}
        for f in (A, B)
        for o in range(20)
        for n in rng.choices(range(4 if o % 2 else 400), k=150)
    ]
    prices = [
        PRICE | {"file": f, "object_ix": rng.randrange(20), "code": rng.choice(["1", "2", "3|4"])}
        | {"negotiated_rate": rng.choice([1.5, 2.0, 1e-7, 123456789.25])}
        for f in (A, B)
        for _ in range(60)
    ]  # fmt: skip
    sources = [source(A), source(B, state="TX", reporting_entity_name="EVRY Health")]
    facts, accounts = build(prices, owners, groups, sources, pieces=[(1000, 7, 999), (20_000, 60, 64)])
    assert accounts["read"] == 120 * 150
    assert max(f["source_count"] for f in facts) > 100
    assert len(facts) > 3000


def test_identity_is_every_column_but_these():
    """A column that is added to the fact must be put on one side or the other."""
    told = {*OTHERS, "state", "year_month", "reporting_entity_name", "pg_members_uid", "pg_uid", "network_names"}
    assert set(tables.get("fact_rate").columns) - told == {
        "fact_uid",
        "provider_group_id_raw",
        "batch_id",
        "source_count",
    }


@pytest.mark.slow
def test_a_full_disk_is_told_while_facts_are_still_made(sample, monkeypatch):
    """The writer fails while other threads make the next facts with the task's connection: they end, and then it does."""
    session.use(sample)
    configured.load(sample)
    building.clear_caches()
    monkeypatch.setattr(fact_numbers, "FACTS", 5)

    def write(path, table, batches, **options):
        assert next(batches).num_rows
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parquet, "write", write)
    before = threading.active_count()
    assert months()
    for month in months():
        with pytest.raises(OSError, match="No space left"):
            FactRate(month=month).produce({"fact_rate": sample / "draft.parquet"})
    assert threading.active_count() == before

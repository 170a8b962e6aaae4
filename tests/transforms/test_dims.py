"""Dimensions and cross-references made of in-network files: literal staged rows in, literal rows out."""

from __future__ import annotations

import itertools

import pytest

import staged_rates
from pipeline import naming

OLD, NEW, ALSO_NEW = "TX/2025-06.json", "TX/2025-07_a.json", "TX/2025-07_b.json"
EVRY = "Evry Health"


def source(file: str, name: str | None = EVRY, **values) -> dict:
    month = file.split("/")[1][:7]
    known = {"file": file, "state": "TX", "year_month": month, "reporting_entity_name": name, "rates_read": 10}
    return known | {"payer_slug": naming.slugify(name), "reporting_entity_type": "issuer", "version": "1.0.0"} | values


SOURCES = [source(OLD), source(NEW), source(ALSO_NEW)]


def made(name: str, sources: list[dict] = SOURCES, **staged: list[dict]) -> list[tuple]:
    """The rows of a table, as tuples in its order."""
    con = staged_rates.connection()
    staged_rates.stage(con, "source_file", sources)
    for view, rows in staged.items():
        staged_rates.stage(con, view, rows)
    return [tuple(row.values()) for row in staged_rates.answer(con, name)]


# ---- dim_code --------------------------------------------------------------------------------------------------------


def said(file: str, desc: str | None, name: str | None = None, rates: int = 1, code: str = "99213") -> dict:
    return {"file": file, "code_type": "CPT", "code": code, "code_desc": desc, "name": name, "rates": rates}


CODE_TEXTS = {
    "the earliest month's, however few rates carry it": (
        [said(OLD, "visit", rates=1), said(NEW, "office visit", rates=9_000)],
        ("visit", None),
    ),
    "in it what most rates carry, counted over its files": (
        [said(NEW, "visit", rates=5), said(NEW, "clinic", rates=4), said(ALSO_NEW, "clinic", rates=2)],
        ("clinic", None),
    ),
    "ties by text": ([said(NEW, "visit", rates=5), said(ALSO_NEW, "clinic", rates=5)], ("clinic", None)),
    "ties by the name where descriptions agree": ([said(NEW, "visit", "B"), said(NEW, "visit", "A")], ("visit", "A")),
    "a text of a later month before none at all": ([said(OLD, None, rates=99), said(NEW, "visit")], ("visit", None)),
    "a name is a text": ([said(OLD, None, "Visit"), said(NEW, "visit", "Visit")], (None, "Visit")),
    "description and name of one record, never of two": (
        [said(NEW, "visit", None, rates=3), said(NEW, None, "Visit", rates=2)],
        ("visit", None),
    ),
    "nothing where nobody says anything": ([said(OLD, None), said(NEW, None)], (None, None)),
}


@pytest.mark.parametrize("rule", CODE_TEXTS)
def test_dim_code(rule):
    rows, expected = CODE_TEXTS[rule]
    for order in itertools.permutations(rows):
        assert made("dim_code", staged_code=list(order)) == [("CPT", "99213", *expected)]


def test_dim_code_is_by_type_and_code():
    rows = [said(OLD, "visit"), said(OLD, "drug", code="J0129"), said(OLD, "room") | {"code_type": "RC"}]
    assert made("dim_code", staged_code=rows) == [
        ("CPT", "99213", "visit", None),
        ("CPT", "J0129", "drug", None),
        ("RC", "99213", "room", None),
    ]


def test_dim_code_of_a_star_schema_fills_gaps_only():
    brought = {"code_type": "CPT", "code_desc": "brought", "name": None, "batch_id": "s", "first_month": "2020-01"}
    stars = [brought | {"code": "99213"}, brought | {"code": "99214"}, brought | {"code": "99215"}]
    rows = [said(NEW, "visit"), said(NEW, None, code="99214")]
    assert [row[1:3] for row in made("dim_code", staged_code=rows, star_code=stars)] == [
        ("99213", "visit"),
        ("99214", "brought"),
        ("99215", "brought"),
    ]


# ---- dim_payer -------------------------------------------------------------------------------------------------------


def test_dim_payer():
    """One row a slug: what the earliest month says, in it what most rates are under."""
    sources = [
        source(NEW, "EVRY HEALTH", rates_read=9_000, version="2.0.0"),
        source(OLD, "Evry Health", rates_read=3),
        source("TX/2025-06_b.json", "Evry-Health", rates_read=4, version="1.3.1"),
        source("TX/2025-06_c.json", "Evry-Health", rates_read=1, version="1.3.1"),
        source("GA/2025-07.json", "Médica & Familia, 100% S.A."),
        source("GA/2025-08.json", None),
    ]
    for order in (sources, sources[::-1]):
        assert made("dim_payer", order) == [
            ("evry_health", "Evry-Health", "issuer", "1.3.1"),
            ("m_dica_familia_100_s_a", "Médica & Familia, 100% S.A.", "issuer", "1.0.0"),
        ]
        assert made("dim_payer_bridge", order) == [
            ("EVRY HEALTH", "evry_health"),
            ("Evry Health", "evry_health"),
            ("Evry-Health", "evry_health"),
            ("Médica & Familia, 100% S.A.", "m_dica_familia_100_s_a"),
        ]


# ---- groups ----------------------------------------------------------------------------------------------------------

MEMBERS, TIN_ONLY = "a" * 32, "b" * 32
ANA, BOB, EVA = "1003000126", "1003000134", "1003000142"


def group(
    file: str, uid: str, raw: str | None = "7", members: str | None = MEMBERS, networks: str | None = None
) -> dict:
    named = {"provider_group_id_raw": raw, "pg_members_uid": members, "network_names": networks}
    return {"file": file, "pg_uid": uid} | named


def member(npi: str | None, tin: str = "741234567", members: str = MEMBERS, file: str = NEW) -> dict:
    return {"file": file, "pg_members_uid": members, "tin_type": "ein", "tin_value": tin, "npi": npi}


GROUPS = [
    group(NEW, "g1", networks="HMO|PPO"),
    group(NEW, "g2", raw=None),  # in-line
    group(NEW, "g3", raw="690.65627", members=None),  # not defined
    group(NEW, "g4", members=TIN_ONLY),
    group(ALSO_NEW, "g5"),
]
ROWS = [
    member(ANA),
    member(BOB),
    member(ANA, tin="759999999"),
    member(None, tin="760000001"),  # a TIN beside NPIs
    member(None, members=TIN_ONLY, tin="760000001"),
    member(EVA, file=ALSO_NEW),  # the same id means the same members: here it does not, so that mixed files would show
]
MONTH = SOURCES[1:]


def test_dim_provider_group():
    batch, other = staged_rates.batch(NEW), staged_rates.batch(ALSO_NEW)
    assert made("dim_provider_group", MONTH, staged_group=GROUPS) == [
        ("g1", "2025-07", "evry_health", "7", MEMBERS, "HMO|PPO", batch, "1.0.0", True),
        ("g2", "2025-07", "evry_health", None, MEMBERS, None, batch, "1.0.0", True),
        ("g3", "2025-07", "evry_health", "690.65627", None, None, batch, "1.0.0", False),
        ("g4", "2025-07", "evry_health", "7", TIN_ONLY, None, batch, "1.0.0", True),
        ("g5", "2025-07", "evry_health", "7", MEMBERS, None, other, "1.0.0", True),
    ]


def test_xref_group_npi():
    """No row for a TIN alone, none for a group that nobody defines, one where an NPI bills under two TINs."""
    assert made("xref_group_npi", MONTH, staged_group=GROUPS, staged_member=ROWS) == [
        ("2025-07", "evry_health", "g1", ANA),
        ("2025-07", "evry_health", "g1", BOB),
        ("2025-07", "evry_health", "g2", ANA),
        ("2025-07", "evry_health", "g2", BOB),
        ("2025-07", "evry_health", "g5", EVA),
    ]


def test_xref_group_tin():
    found = made("xref_group_tin", MONTH, staged_group=GROUPS, staged_member=ROWS)
    assert [row[2:] for row in found] == [
        *((uid, "ein", tin) for uid in ("g1", "g2") for tin in ("741234567", "759999999", "760000001")),
        ("g4", "ein", "760000001"),
        ("g5", "ein", "741234567"),
    ]


def test_a_tin_that_is_nobodys_is_shared_by_no_groups():
    """Two people whose TIN is published as 0: members under no TIN, in none of the tables of TINs."""
    rows = [member(npi, tin=None, members=uid) | {"tin_type": "npi"} for npi, uid in ((ANA, MEMBERS), (BOB, TIN_ONLY))]
    known = {"staged_group": [group(NEW, "g1"), group(NEW, "g4", members=TIN_ONLY)], "staged_member": rows}
    assert made("xref_group_tin", MONTH, **known) == []
    assert [row[2:] for row in made("xref_group_member", MONTH, **known)] == [
        ("g1", "npi", None, ANA),
        ("g4", "npi", None, BOB),
    ]
    assert made("dim_tin", staged_tin=[named(NEW, "Solo", tin=None)], staged_member=rows) == []


def test_xref_group_member_knows_who_bills_under_which_tin():
    found = made("xref_group_member", MONTH, staged_group=GROUPS[:1], staged_member=ROWS)
    assert [row[3:] for row in found] == [
        ("ein", "741234567", ANA),
        ("ein", "741234567", BOB),
        ("ein", "759999999", ANA),
        ("ein", "760000001", None),
    ]


def test_groups_of_star_schemas_come_beside():
    brought = {"pg_uid": "s1", "payer_slug": "brought", "year_month": "2025-07", "batch_id": "s"}
    groups = [brought | {"has_members": True}, brought | {"pg_uid": "g1", "has_members": True}]
    npis = [brought | {"npi": ANA}, brought | {"pg_uid": "g1", "npi": "1999999984"}]
    tins = [
        brought | {"tin_type": "ein", "tin_value": "1"},
        brought | {"pg_uid": "g1", "tin_type": "ein", "tin_value": "2"},
    ]
    known = {"staged_group": GROUPS[:1], "staged_member": ROWS[:1]}
    assert [(row[0], row[2]) for row in made("dim_provider_group", MONTH, star_group=groups, **known)] == [
        ("g1", "evry_health"),
        ("s1", "brought"),
    ]
    assert [row[1:] for row in made("xref_group_npi", MONTH, star_group_npi=npis, **known)] == [
        ("brought", "s1", ANA),
        ("evry_health", "g1", ANA),
    ]
    assert [row[1:] for row in made("xref_group_tin", MONTH, star_group_tin=tins, **known)] == [
        ("brought", "s1", "ein", "1"),
        ("evry_health", "g1", "ein", "741234567"),
    ]


# ---- dim_tin ---------------------------------------------------------------------------------------------------------


def named(file: str, name: str | None, members: int = 1, tin: str = "741234567") -> dict:
    return {"file": file, "tin_type": "ein", "tin_value": tin, "business_name": name, "members": members}


TIN_NAMES = {
    "the earliest month's": ([named(OLD, "Clinic"), named(NEW, "Clinic, Inc.", 99)], "Clinic"),
    "of a later month where the earliest has none": (
        [named(OLD, None, 99), named(NEW, "Clinic, Inc.")],
        "Clinic, Inc.",
    ),
    "what stands most often, counted over files": (
        [named(NEW, "B", 2), named(ALSO_NEW, "B", 2), named(NEW, "A", 3)],
        "B",
    ),
    "ties by text": ([named(NEW, "B", 2), named(ALSO_NEW, "A", 2)], "A"),
    "none": ([named(NEW, None)], None),
}


@pytest.mark.parametrize("rule", TIN_NAMES)
def test_dim_tin(rule):
    rows, expected = TIN_NAMES[rule]
    for order in itertools.permutations(rows):
        assert made("dim_tin", staged_tin=list(order), staged_member=ROWS[:1]) == [("ein", "741234567", expected)]


def test_dim_tin_holds_every_tin_that_a_group_names():
    """With or without a name, and a provider's own number is another TIN than an employer's of the same digits."""
    own = member(ANA, tin=ANA) | {"tin_type": "npi"}
    found = made("dim_tin", staged_member=[*ROWS, own, member(ANA, tin=ANA)], staged_tin=[named(NEW, "Clinic")])
    assert found == [
        ("ein", ANA, None),
        ("ein", "741234567", "Clinic"),
        ("ein", "759999999", None),
        ("ein", "760000001", None),
        ("npi", ANA, None),
    ]


# ---- sets ------------------------------------------------------------------------------------------------------------


def test_dim_pos_set():
    """One row a set, whatever number of files has it; the empty set is one."""
    office, nowhere = naming.pos_set_id(["11"]), naming.pos_set_id([])
    rows = [{"file": f, "pos_set_id": office, "pos_members": ["11"]} for f in (OLD, NEW)]
    rows.append({"file": NEW, "pos_set_id": nowhere, "pos_members": []})
    brought = [{"pos_set_id": uid, "pos_members": ["99"], "batch_id": "s"} for uid in (office, "own id")]
    assert made("dim_pos_set", staged_pos_set=rows, star_pos_set=brought) == [
        (office, ["11"]),
        (nowhere, []),
        ("own id", ["99"]),
    ]


def test_xref_contained_code():
    uid = naming.contained_codes_uid([("bundled_codes", "CPT", "36415"), ("covered_services", "CPT", "80053")])
    row = {"contained_codes_uid": uid, "role": "bundled_codes", "code_type": "CPT", "code": "36415"}
    rows = [row | {"file": f} for f in (NEW, ALSO_NEW)]
    rows.append(row | {"file": NEW, "role": "covered_services", "code": "80053"})
    assert made("xref_contained_code", MONTH, staged_contained_code=rows) == [
        ("2025-07", uid, "bundled_codes", "CPT", "36415"),
        ("2025-07", uid, "covered_services", "CPT", "80053"),
    ]


@pytest.mark.parametrize(
    "table",
    """dim_code dim_payer dim_payer_bridge dim_provider_group dim_tin dim_pos_set dim_source_file xref_group_npi
    xref_group_tin xref_group_member xref_contained_code""".split(),
)
def test_no_source_no_row(table):
    assert made(table, []) == []

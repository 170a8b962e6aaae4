"""The reader of in-network files, against a recount that shares no code with it and against small tables."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading
import types
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numba
import numpy as np
import pytest

import kit
from generate_mrf import odd_file
from mutate_mrf import mutated
from pipeline import naming, tables
from pipeline.compiled.jit import address
from pipeline.errors import SourceError
from pipeline.readers import mrf_membership
from pipeline.readers.in_network import item_templates, references
from pipeline.readers.in_network import members as in_network_members
from pipeline.readers.in_network import prices as in_network_prices
from pipeline.readers.in_network import read as in_network
from pipeline.readers.in_network.read import HEADER
from pipeline.readers.in_network.scan import items as in_network_scan
from pipeline.readers.json_stream import byte_buffer, decompression
from pipeline.storage import parquet, prefetch, repeated_hashes

sys.path.insert(0, str(kit.REPOSITORY / "tests" / "bench"))
import process_tree
from in_network_documents import (
    GROUP,
    ITEM,
    PRICE,
    STAGED,
    _plainly,
    document,
    grouped,
    itemised,
    priced,
    read,
    referring,
    whole,
)

SHARED_FIELDS = (
    "reporting_entity_name year_month version rates_read unresolved zero_rates facts rate_sum groups tin_npi_pairs npis "
    "tins codes pos_sets"
).split()
EXPECTED = kit.REPOSITORY.parent / "shared" / "real" / "expected.jsonl"
REAL = [json.loads(line) for line in EXPECTED.read_text().splitlines()] if EXPECTED.exists() else []


def counted(path: Path, *, again: bool = True) -> dict:
    """What `ratehouse sources` would say of the file, and by_class and by_type of the recount."""
    result, sink = read(path)
    con = sink.database()
    counts = sink.counts(con)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated_hashes, "HELD", 1 + sink.table("price").num_rows // 3)
        assert not again or sink.counts(con) == counts, "however many prices are looked at at once"
    assert result.rates_read == counts["rates"] + result.rejected
    for by, column in (("by_class", "billing_class"), ("by_type", "negotiated_type")):
        query = f"SELECT coalesce({column}, ''), count(*) FROM price JOIN staged_owner USING (object_ix) GROUP BY 1"
        counts[by] = dict(con.execute(query).fetchall())
    return {**vars(result), **counts}


def compared(path: Path, recount: dict, *, again: bool = True) -> tuple[dict, dict]:
    ours, fields = counted(path, again=again), [*SHARED_FIELDS, "prices", "duplicates", "by_class", "by_type"]
    ours["prices"] = ours["prices_read"]
    recount = {**recount, "duplicates": recount["rates_read"] - recount["facts"]}
    assert ours["prices_read"] == ours["priced"] + ours["without_provider"], "nothing is rejected"
    return {f: ours[f] for f in fields}, {f: recount[f] for f in fields}


@pytest.fixture(autouse=True)
def after_one_reference(monkeypatch):
    """The compiled pass reads all references but the first, not only those of lists that are worth it."""
    monkeypatch.setattr(references, "FEW", 1)


@pytest.fixture
def write(tmp_path):
    """Writes a document, text or bytes as a file and gives its path."""

    def write(content, name: str = "file.json") -> Path:
        if isinstance(content, dict):
            content = json.dumps(content)
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


# Against the recount.


@pytest.mark.parametrize("recount", REAL, ids=lambda e: f"{e['path'].split('/')[-1]}/{e['file']}")
def test_real_files_agree_with_the_recount(recount, real):
    ours, theirs = compared(real / recount["path"] / recount["file"], recount)
    assert ours == theirs


def test_real_files_are_there(real):
    assert len(REAL) == 15


def _odd_files(shared: Path, folder: Path, seeds: range, *, again: bool = True) -> None:
    paths = []
    for seed in seeds:
        suffix, content = odd_file(seed)
        paths.append(folder / f"{seed}{suffix}")
        paths[-1].write_bytes(content)
    program = [sys.executable, str(shared / "tools" / "recount_mrf.py"), *map(str, paths)]
    answer = subprocess.run(program, capture_output=True, text=True, check=True, encoding="utf-8")
    for path, line in zip(paths, answer.stdout.splitlines(), strict=True):
        ours, theirs = compared(path, json.loads(line), again=again)
        assert ours == theirs, path.name


def test_odd_files_agree_with_the_recount(shared, tmp_path):
    _odd_files(shared, tmp_path, range(60))


@pytest.mark.slow
def test_many_odd_files_agree_with_the_recount(shared, tmp_path):
    _odd_files(shared, tmp_path, range(60, 360), again=False)


# One file, row by row.


def test_staged_rows_of_one_file(write):
    """Each table of what a file with a reference, a URL, an in-line list and a bundle leaves, by eye."""
    text = """
    {"in_network": [{
        "billing_code": "j1", "billing_code_type": "hcpcs", "name": "N", "description": " D ",
        "negotiation_arrangement": "Bundle", "severity_of_illness": 2,
        "bundled_codes": [{"billing_code_type": "cpt", "billing_code": "00100"}],
        "negotiated_rates": [
            {"provider_references": [690.64470, "x"], "negotiated_prices": [
                {"negotiated_type": "Fee Schedule", "negotiated_rate": 12.50, "expiration_date": "2025-12-31T00:00:00",
                 "billing_class": "Professional", "service_code": ["22", 5, "n"], "billing_code_modifier": ["tc", "26"],
                 "additional_information": " a ", "setting": "Inpatient"},
                {"negotiated_type": "negotiated", "negotiated_rate": 0, "expiration_date": "9999-12-31",
                 "billing_class": "institutional"}]},
            {"provider_groups": [{"NPI": [0], "tin": {"type": "EIN", "value": "12-3456789", "business_name": "B"}}],
             "negotiated_prices": [{"negotiated_rate": -1.0, "negotiated_type": "negotiated"}]}]}],
     "provider_references": [
        {"provider_group_id": 690.64470, "network_name": ["Q", "P"], "provider_groups": [
            {"npi": [1003000126, "1003000127"], "tin": {"type": "npi", "value": "1003000126"}}]},
        {"provider_group_id": "x", "location": "https://example.org/x.json"}],
     "plan_id_type": "EIN", "plan_name": " ", "plan_id": "11", "version": "1.0.0", "reporting_entity_name": " P ",
     "last_updated_on": "2025-06-23T00:00:00-05:00"}"""
    result, sink = read(write(text))
    reference, url = naming.md5_of("batch", "690.64470"), naming.md5_of("batch", "x")
    resolved = naming.members_uid([("npi", "1003000126", "1003000126"), ("npi", "1003000126", "1003000127")])
    tin_only = naming.members_uid([("ein", "123456789", "0")])
    inline = naming.md5_of("batch", "inline:" + tin_only)
    contained = naming.contained_codes_uid([("bundled_codes", "CPT", "00100")])
    pos, no_pos = naming.pos_set_id(["05", "22"]), naming.pos_set_id([])
    head = {
        "code_type": "HCPCS",
        "code": "J1",
        "negotiation_arrangement": "bundle",
        "severity_of_illness": "2",
        "contained_codes_uid": contained,
    }
    nothing = dict.fromkeys(("expiration_date", "billing_code_modifiers", "additional_information", "setting"))
    assert [tuple(r.values()) for r in sink.rows("price")] == [(0, 0, 0, 12.5), (0, 0, 1, 0.0), (1, 0, 2, -1.0)]
    assert sink.rows("item") == [{"item_ix": 0, **head}]
    assert sink.rows("terms") == [
        {
            "terms_ix": 0,
            "billing_class": "professional",
            "negotiated_type": "fee schedule",
            "expiration_date": "2025-12-31",
            "pos_set_id": pos,
            "billing_code_modifiers": "26|TC",
            "additional_information": "a",
            "setting": "inpatient",
        },
        {
            "terms_ix": 1,
            "billing_class": "institutional",
            "negotiated_type": "negotiated",
            "pos_set_id": no_pos,
            **nothing,
        },
        {"terms_ix": 2, "billing_class": None, "negotiated_type": "negotiated", "pos_set_id": no_pos, **nothing},
    ]
    assert [tuple(r.values()) for r in sink.rows("owner")] == [(0, 0), (0, 1), (1, 2)]
    assert [tuple(r.values()) for r in sink.rows("group")] == [
        (2, inline, None, tin_only, None),
        (0, reference, "690.64470", resolved, "P|Q"),
        (1, url, "x", None, None),
    ]
    assert [tuple(r.values()) for r in sink.rows("member")] == [
        (tin_only, "ein", "123456789", None),
        (resolved, "npi", "1003000126", "1003000126"),
        (resolved, "npi", "1003000126", "1003000127"),
    ]
    assert [tuple(r.values()) for r in sink.rows("code")] == [("HCPCS", "J1", "D", "N", 5)]
    assert [tuple(r.values()) for r in sink.rows("pos_set")] == [(pos, ["05", "22"]), (no_pos, [])]
    assert [tuple(r.values()) for r in sink.rows("contained_code")] == [(contained, "bundled_codes", "CPT", "00100")]
    assert [tuple(r.values()) for r in sink.rows("tin")] == [
        ("ein", "123456789", "B", 1),
        ("npi", "1003000126", None, 1),
    ]
    assert {name: getattr(result, name) for name in HEADER if getattr(result, name)} == {
        "reporting_entity_name": " P ",
        "plan_id": "11",
        "plan_id_type": "ein",
        "version": "1.0.0",
        "last_updated_on": "2025-06-23T00:00:00-05:00",
    }
    counts = (result.rates_read, result.rejected, result.unresolved, result.zero_rates, result.rate_sum)
    assert counts == (5, 0, 2, 2, "24.00")
    assert (result.year_month, result.schema_shape) == ("2025-06", "mixed")
    assert result.missing_references == {"x": "https://example.org/x.json"}
    place = "in_network[0].negotiated_rates[0].negotiated_prices[0]: service_code 'n'"
    assert result.warnings == (("place_of_service_no_code", 1, place),)


# What is tolerated: (what, document or text, query over the staged tables, its rows).
ONE_NPI = [("ein", "111111111", "1234567893")]
MEMBERS = "SELECT tin_type, tin_value, npi FROM staged_member ORDER BY ALL"
TOLERATED = {
    "blank line first": ("\n \r\n" + json.dumps(document()), MEMBERS, ONE_NPI),
    "byte order mark": ("\ufeff" + json.dumps(document()), MEMBERS, ONE_NPI),
    "blanks last": (json.dumps(document()) + "\n\n", MEMBERS, ONE_NPI),
    "raw tab in a text": (
        json.dumps(itemised(name="a\tb")).replace("\\t", "\t"),
        "SELECT name FROM staged_code",
        [("a\tb",)],
    ),
    "every escape": (
        json.dumps(itemised(name="#")).replace("#", r"\"\\\/\b\f\n\r\t\u00e9\ud83e\uddb5\u0041"),
        "SELECT name FROM staged_code",
        [('"\\/\b\f\n\r\té🦵A',)],
    ),
    "half a surrogate pair": (itemised(name="a\ud83eb"), "SELECT name FROM staged_code", [("a\ufffdb",)]),
    "a key twice": (
        json.dumps(priced(setting="both")).replace('"setting"', '"setting": "inpatient", "setting"'),
        "SELECT setting FROM price",
        [("both",)],
    ),
    "unknown keys": (
        document(extra=[{"in_network": [1]}, 2], more={"a": None}, number=1.5),
        "SELECT count(*) FROM staged_price",
        [(1,)],
    ),
    "NPI as text": (grouped({**GROUP, "npi": ["1234567893", " 1234567893 "]}), MEMBERS, ONE_NPI),
    "one NPI without its list": (grouped({**GROUP, "npi": 1234567893}), MEMBERS, ONE_NPI),
    "NPI in capitals": (grouped({"tin": GROUP["tin"], "NPI": [1234567893]}), MEMBERS, ONE_NPI),
    "NPI 0": (grouped({**GROUP, "npi": [0]}), MEMBERS, [("ein", "111111111", None)]),
    "NPI 0 as text": (grouped({**GROUP, "npi": ["0"]}), MEMBERS, [("ein", "111111111", None)]),
    "NPI 0 beside another": (
        grouped({**GROUP, "npi": [0, 1234567893]}),
        MEMBERS,
        [*ONE_NPI, ("ein", "111111111", None)],
    ),
    "no NPIs": (grouped({**GROUP, "npi": []}), MEMBERS, [("ein", "111111111", None)]),
    "NPIs null": (grouped({**GROUP, "npi": None}), MEMBERS, [("ein", "111111111", None)]),
    "NPIs left out": (grouped({"tin": GROUP["tin"]}), MEMBERS, [("ein", "111111111", None)]),
    "null among NPIs": (grouped({**GROUP, "npi": [None, 1234567893, ""]}), MEMBERS, ONE_NPI),
    "a group twice": (grouped(GROUP, GROUP), MEMBERS, ONE_NPI),
    "tin type in capitals": (grouped({**GROUP, "tin": {"type": "EIN", "value": "111111111"}}), MEMBERS, ONE_NPI),
    "tin as number": (grouped({**GROUP, "tin": {"type": "ein", "value": 111111111}}), MEMBERS, ONE_NPI),
    "tin null": (grouped({**GROUP, "tin": None}), MEMBERS, [(None, None, "1234567893")]),
    "reference as text for a number": (
        referring("690.65627", provider_references=[{"provider_group_id": 690.65627, "provider_groups": [GROUP]}]),
        MEMBERS,
        ONE_NPI,
    ),
    "one reference without its list": (
        json.dumps(referring(7, provider_references=[{"provider_group_id": 7, "provider_groups": [GROUP]}])).replace(
            "[7]", "7"
        ),
        "SELECT count(*) FROM staged_owner JOIN staged_group USING (group_ix) WHERE pg_members_uid IS NOT NULL",
        [(1,)],
    ),
    "references past 2^53": (
        referring(
            9007199254740993,
            9007199254740992,
            provider_references=[{"provider_group_id": 9007199254740993, "provider_groups": [GROUP]}],
        ),
        "SELECT provider_group_id_raw, pg_members_uid IS NULL FROM staged_group ORDER BY 1",
        [("9007199254740992", True), ("9007199254740993", False)],
    ),
    "a reference defined twice": (
        referring(
            1,
            provider_references=[
                {"provider_group_id": 1, "network_name": ["B"], "provider_groups": [GROUP]},
                {"provider_group_id": 1, "network_name": ["A"], "provider_groups": [{**GROUP, "npi": [1003000126]}]},
            ],
        ),
        "SELECT npi, network_names FROM staged_member JOIN staged_group USING (pg_members_uid) ORDER BY ALL",
        [("1003000126", "A|B"), ("1234567893", "A|B")],
    ),
    "a reference nowhere defined": (
        referring("?"),
        "SELECT provider_group_id_raw, pg_members_uid, network_names FROM staged_group",
        [("?", None, None)],
    ),
    "no network names": (
        referring(1, provider_references=[{"provider_group_id": 1, "network_name": [], "provider_groups": [GROUP]}]),
        "SELECT network_names FROM staged_group",
        [(None,)],
    ),
    "a network name without its list": (
        referring(1, provider_references=[{"provider_group_id": 1, "network_name": "A", "provider_groups": [GROUP]}]),
        "SELECT network_names FROM staged_group",
        [("A",)],
    ),
    "rate as text": (priced(negotiated_rate=" 12.50 "), "SELECT negotiated_rate FROM price", [(12.5,)]),
    "rate with exponent": (
        json.dumps(priced()).replace("100.5", "1.5E+2"),
        "SELECT negotiated_rate FROM price",
        [(150.0,)],
    ),
    "minus zero": (
        json.dumps(priced()).replace("100.5", "-0.0"),
        "SELECT CAST(negotiated_rate AS VARCHAR) FROM price",
        [("0.0",)],
    ),
    "datetime for a date": (
        priced(expiration_date="2025-12-31T00:00:00-06:00"),
        "SELECT expiration_date FROM price",
        [("2025-12-31",)],
    ),
    "expiry in year 9999": (
        priced(expiration_date="9999-12-31T00:00:00"),
        "SELECT expiration_date FROM price",
        [(None,)],
    ),
    "no expiry": (priced(), "SELECT expiration_date FROM price", [(None,)]),
    "modifier as text": (
        priced(billing_code_modifier=" tc "),
        "SELECT billing_code_modifiers FROM price",
        [("TC",)],
    ),
    "modifiers in any order": (
        priced(billing_code_modifier=["tc", 26, "TC"]),
        "SELECT billing_code_modifiers FROM price",
        [("26|TC",)],
    ),
    "no modifiers": (priced(billing_code_modifier=[]), "SELECT billing_code_modifiers FROM price", [(None,)]),
    "POS as text": (
        priced(service_code="11, 5|CSTM-00"),
        "SELECT pos_members FROM staged_pos_set",
        [(["05", "11", "CSTM-00"],)],
    ),
    "POS spelt null": (priced(service_code=["n", "u", "l"]), "SELECT pos_members FROM staged_pos_set", [([],)]),
    "POS null": (priced(service_code=None), "SELECT pos_members FROM staged_pos_set", [([],)]),
    "blank texts": (
        priced(additional_information=" ", setting=""),
        "SELECT additional_information, setting FROM price",
        [(None, None)],
    ),
    "contained codes null": (
        itemised(covered_services=None),
        "SELECT contained_codes_uid FROM price",
        [(None,)],
    ),
    "code as number": (itemised(billing_code=99213), "SELECT code FROM price", [("99213",)]),
    "no code": (itemised(billing_code=None), "SELECT code FROM price", [(None,)]),
    "name that is a list": (itemised(name=["a"]), "SELECT code, name FROM staged_code", [("27447", None)]),
    "month only": (document(last_updated_on="2025-06"), "SELECT count(*) FROM staged_price", [(1,)]),
}


@pytest.mark.parametrize("what", TOLERATED)
def test_tolerated(what, write):
    content, query, rows = TOLERATED[what]
    result, sink = read(write(content))
    assert sink.database().execute(query).fetchall() == rows
    assert (result.rates_read - result.rejected) == len(sink.rows("owner")) > 0


@pytest.mark.parametrize(
    ("content", "kind", "count", "example"),
    [
        (grouped({**GROUP, "npi": [0, 1234567893]}), "npi_zero_beside_others", 1, "in_network[0].negotiated_rates[0]"),
        (grouped({**GROUP, "npi": [None, 1]}), "npi_blank", 1, "in_network[0].negotiated_rates[0]"),
        (itemised(name="\udc00"), "surrogate_half", 1, "the file"),
        (itemised(name=[]), "label_unreadable", 1, "in_network[0]: name: a list is where a text belongs"),
        (itemised(billing_code=" "), "item_without_code", 1, "in_network[0]"),
        (document(plan_id=[]), "header_unreadable", 1, "plan_id: a list is where a text belongs"),
        ('{"in_network": null, "last_updated_on": "2025-06-01"}', "list_null", 1, "in_network"),
        (
            referring("?", "!"),
            "reference_undefined",
            2,
            "provider_references: none has the provider_group_id '?'",
        ),
        (document(in_network=[]), "no_rates", 1, "in_network"),
        (
            document(in_network=[{**ITEM, "negotiated_rates": [{"negotiated_prices": [PRICE]}]}]),
            "rate_object_without_provider",
            1,
            "in_network[0].negotiated_rates[0]",
        ),
        (
            document(in_network=[{**ITEM, "negotiated_rates": [{"provider_groups": [GROUP]}]}]),
            "rate_object_without_prices",
            1,
            "in_network[0].negotiated_rates[0]",
        ),
        (document(in_network=[ITEM]), "item_without_rates", 1, "in_network[0]"),
    ],
)
def test_warnings(content, kind, count, example, write):
    assert (kind, count, example) in read(write(content))[0].warnings


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (document(), "inline"),
        (referring(1, provider_references=[{"provider_group_id": 1, "provider_groups": [GROUP]}]), "references"),
        (referring(1), "references"),
        (referring(1, provider_references=[{"provider_group_id": 1, "location": "https://a/b"}]), "locations"),
        (
            referring(
                1,
                2,
                provider_references=[
                    {"provider_group_id": 1, "location": "https://a/b"},
                    {"provider_group_id": 2, "provider_groups": [GROUP]},
                ],
            ),
            "mixed",
        ),
        (document(in_network=[]), "none"),
    ],
)
def test_schema_shape(content, shape, write):
    assert read(write(content))[0].schema_shape == shape


@pytest.mark.parametrize(
    ("tokens", "total"),
    [
        (["45000.0"], "45000.0"),
        (["20000.00", "25000.00"], "45000.00"),
        (["0.1"] * 3, "0.3"),
        (["1e3", "0.05"], "1000.05"),
        (["1E+3"], "1000"),
        (
            ["12345678901234567890.12", "0.0000000000000000000000000001"],
            "12345678901234567890.1200000000000000000000000001",
        ),
        (["1e308", "-1e308", "1e-300"], "1E-300"),
    ],
)
def test_rate_sum_is_exact(tokens, total, write):
    prices = ",".join(f'{{"negotiated_rate": {t}, "negotiated_type": "negotiated"}}' for t in tokens)
    text = json.dumps(document()).replace(json.dumps(PRICE), prices)
    result, sink = read(write(text))
    assert result.rate_sum == total
    assert Decimal(result.rate_sum) == sum(map(Decimal, [*tokens, "0"])) or len(total) > 28
    assert [r["negotiated_rate"] for r in sink.rows("price")] == [float(t) for t in tokens]


def test_a_reference_is_the_same_group_as_its_in_line_list(write):
    """One contract written in line, by reference, and by a URL that is at hand: the same members."""
    uids = set()
    definition = {"provider_group_id": 5, "provider_groups": [GROUP]}
    by_url = {"provider_group_id": 5, "location": "https://a/5.json"}
    for content in (
        document(),
        referring(5, provider_references=[definition]),
        referring(5, provider_references=[by_url]),
    ):
        result, sink = read(write(content), elsewhere=in_network.Elsewhere({"https://a/5.json": [GROUP]}.get))
        assert (result.unresolved, result.missing_references) == (0, {})
        uids.update(r["pg_members_uid"] for r in sink.rows("group"))
    assert uids == {naming.members_uid([("ein", "111111111", "1234567893")])}


# What cannot be read is put on record.

FOUR = [PRICE, {**PRICE, "negotiated_rate": "n/a"}, PRICE, PRICE]
TWO_REFERENCES = [{"provider_group_id": i, "provider_groups": [GROUP]} for i in (1, 2)]
REJECTED = {
    "a rate that is no number": (
        [{"provider_references": [1, 2], "negotiated_prices": FOUR}],
        (8, 2),
        [(".negotiated_rates[0].negotiated_prices[1]", 2, "negotiated_rate is no number: 'n/a'", json.dumps(FOUR[1]))],
    ),
    "a rate that is missing": (
        [{"provider_references": [1], "negotiated_prices": [{}, PRICE]}],
        (2, 1),
        [(".negotiated_rates[0].negotiated_prices[0]", 1, "negotiated_rate is missing", "{}")],
    ),
    "a price that is null": (
        [{"provider_references": [1], "negotiated_prices": [None, PRICE]}],
        (2, 1),
        [(".negotiated_rates[0].negotiated_prices[0]", 1, "null is where an object belongs", "null")],
    ),
    "a text that is a list": (
        [{"provider_references": [1], "negotiated_prices": [{**PRICE, "setting": []}, PRICE]}],
        (2, 1),
        [(".negotiated_rates[0].negotiated_prices[0]", 1, "setting: a list is where a text belongs", None)],
    ),
    "a place of service that is an object": (
        [{"provider_references": [1], "negotiated_prices": [{**PRICE, "service_code": [{}]}, PRICE]}],
        (2, 1),
        [(".negotiated_rates[0].negotiated_prices[0]", 1, "service_code: an object is where a text belongs", None)],
    ),
    "true for a rate": (
        [{"provider_references": [1], "negotiated_prices": [{"negotiated_rate": True}, PRICE]}],
        (2, 1),
        [
            (
                ".negotiated_rates[0].negotiated_prices[0]",
                1,
                "negotiated_rate: true or false is where a text belongs",
                None,
            )
        ],
    ),
    "a rate object that is none": (
        [7, {"provider_references": [1], "negotiated_prices": [PRICE]}],
        (2, 1),
        [(".negotiated_rates[0]", 1, "a text or number is where an object belongs", "7")],
    ),
    "prices that are no list": (
        [
            {"provider_references": [1], "negotiated_prices": {}},
            {"provider_references": [1], "negotiated_prices": [PRICE]},
        ],
        (2, 1),
        [(".negotiated_rates[0]", 1, "negotiated_prices: an object is where a list belongs", None)],
    ),
    "an in-line list that is broken, beside a reference": (
        [{"provider_references": [1], "provider_groups": [None], "negotiated_prices": FOUR}],
        (8, 5),
        [
            (".negotiated_rates[0].negotiated_prices[1]", 2, "negotiated_rate is no number: 'n/a'", None),
            (".negotiated_rates[0]", 3, "provider_groups: null is where an object belongs", None),
        ],
    ),
    "a reference that is an object": (
        [{"provider_references": [1, {}], "negotiated_prices": [PRICE, PRICE]}],
        (4, 2),
        [
            (
                ".negotiated_rates[0].provider_references[1]",
                2,
                "provider_references: an object is where a text belongs",
                "{}",
            )
        ],
    ),
    "a separator in an NPI": (
        [{"provider_groups": [{**GROUP, "npi": ["1|ein:2:3"]}], "negotiated_prices": [PRICE]}],
        (1, 1),
        [(".negotiated_rates[0]", 1, "npi '1|ein:2:3' holds a separator", None)],
    ),
}


@pytest.mark.parametrize("what", REJECTED)
def test_rejected(what, write):
    rates, counts, records = REJECTED[what]
    content = document(in_network=[ITEM, {**ITEM, "negotiated_rates": rates}], provider_references=TWO_REFERENCES)
    text = json.dumps(content)
    result, sink = read(write("\ufeff " + text), max_rejected_share=1.0)
    assert (result.rates_read, result.rejected) == counts
    found = [(r["path"], r["rates"], r["reason"]) for r in result.quarantine]
    assert found == [("in_network[1]" + path, n, reason) for path, n, reason, _ in records]
    for record, (_, _, _, snippet) in zip(result.quarantine, records, strict=True):
        assert record["file"] == "file.json"
        assert ("\ufeff " + text).encode()[record["offset"] :].startswith(record["snippet"].encode())
        assert snippet is None or record["snippet"] == snippet
        json.loads(record["snippet"])
    assert sink.counts(sink.database())["rates"] + result.rejected == result.rates_read


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("again", ["5", "null", '"x"', f"[{item_templates._MARK}]", "[{}, 7]", "same"])
def test_rates_that_stand_twice_in_an_item_are_the_last(again, readable, write):
    """Wherever the file is cut, and with the item itself on record, not what was read of it."""
    rates = json.dumps([{"provider_groups": [GROUP], "negotiated_prices": [PRICE] * 3}] * 20)
    head = {**ITEM, "negotiated_rates": 1} if readable else {**ITEM, "billing_code": [], "negotiated_rates": 1}
    item = json.dumps(head).removesuffix("1}") + rates
    item += f', "negotiated_rates": {rates if again == "same" else again}}}'
    text = json.dumps(document()).replace('"in_network": [', f'"in_network": [{item}, {item}, ')
    path = write(text)
    found = _outcome(path, 1 << 20)
    if isinstance(found, dict):
        for record in found["quarantine"]:
            assert text.encode()[record["offset"] :].startswith(record["snippet"].encode())
    for chunk in (64, 300, 2000, 5000):
        assert _outcome(path, chunk) == found, chunk
    read_well = readable and again in ("null", "same")
    assert len(found["quarantine"] if isinstance(found, dict) else found[3]) >= (0 if read_well else 2)


@pytest.mark.parametrize("again", ["5", "null", '"x"', item_templates._MARK, f'"{item_templates._MARK}"'])
def test_a_rate_that_stands_twice_in_a_price_is_the_last(again, write):
    """Also where it is what the reader puts in the place of a rate that it cuts out."""
    price = json.dumps(PRICE)
    twice = price.removesuffix("}") + f', "negotiated_rate": {again}}}'
    once = price.replace("100.5", again)
    assert once != price
    found = []
    for one in (twice, once):
        result, sink = read(write(json.dumps(document()).replace(price, f"{price}, {one}")), max_rejected_share=1)
        reasons = [record["reason"] for record in result.quarantine]
        found.append((result.rates_read, result.rejected, result.rate_sum, reasons, len(sink.rows("price"))))
    assert found[0] == found[1]


def test_more_rate_objects_than_can_be_numbered_are_refused(write, monkeypatch):
    monkeypatch.setattr(in_network_prices, "_MOST_OBJECTS", 3)
    rates = [{"provider_groups": [GROUP], "negotiated_prices": [PRICE]}]
    assert read(write(document(in_network=[{**ITEM, "negotiated_rates": rates * 3}])))[0].rates_read == 3
    with pytest.raises(SourceError, match="more than 3 rate objects"):
        read(write(document(in_network=[{**ITEM, "negotiated_rates": rates * 4}])))


def test_of_a_key_that_stands_twice_the_last_is_on_record(write):
    """The prices of the first list are not those that were read, nor is their place that of the record."""
    twice = f'"negotiated_prices": [{{}}, {{"a": [1]}}], "negotiated_prices": [{json.dumps(PRICE)}, "bad"]'
    text = json.dumps(document()).replace(f'"negotiated_prices": [{json.dumps(PRICE)}]', twice)
    result, _ = read(write(text), max_rejected_share=0.5)
    (record,) = result.quarantine
    assert (record["offset"], record["snippet"]) == (text.index('"bad"'), '"bad"')


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_has_not_is_rejected_with_its_price(name, write):
    prices = json.dumps([PRICE, PRICE]).replace("100.5", name, 1)
    text = json.dumps(document()).replace(json.dumps([PRICE]), prices)
    result, sink = read(write(text), max_rejected_share=0.5)
    (record,) = result.quarantine
    assert record["reason"] == f"negotiated_rate: {name}, which is no JSON, is where a text belongs"
    assert (result.rates_read, result.rejected, len(sink.rows("price"))) == (2, 1, 1)


@pytest.mark.parametrize("token", ["1e309", "-1e400", "1e-400", "1e999999999", "0e-999999", "1" * 401])
def test_a_rate_beyond_a_double_is_rejected(token, write):
    result, _ = read(write(json.dumps(document()).replace("100.5", token)), max_rejected_share=1)
    assert (result.rejected, result.rate_sum) == (1, "0")
    assert "beyond" in next(iter(result.quarantine))["reason"]


def test_an_item_that_cannot_be_identified_counts_its_rates(write):
    rates = [{"provider_references": [1, 2, 3], "provider_groups": [GROUP], "negotiated_prices": [PRICE, PRICE]}]
    bad = [{**ITEM, "billing_code": [], "negotiated_rates": rates}, {**ITEM, "bundled_codes": [7]}, 7]
    result, _ = read(write(document(in_network=[*bad, *document()["in_network"]])), max_rejected_share=1)
    assert [(r["path"], r["rates"], r["reason"]) for r in result.quarantine] == [
        ("in_network[0]", 8, "a list is where a text belongs"),
        ("in_network[1]", 1, "bundled_codes: a text or number is where an object belongs"),
        ("in_network[2]", 1, "a text or number is where an object belongs"),
    ]
    assert (result.rates_read, result.rejected) == (11, 10)


def test_a_reference_that_cannot_be_read_leaves_its_rates_unresolved(write):
    definitions = [
        {"provider_group_id": 1, "provider_groups": [GROUP]},
        {"provider_group_id": 1, "provider_groups": [{**GROUP, "npi": [{}]}]},
        None,
        {"provider_group_id": 2, "provider_groups": [GROUP]},
    ]
    result, sink = read(write(referring(1, 2, provider_references=definitions)))
    assert (result.rates_read, result.rejected, result.unresolved) == (2, 0, 1)
    assert [(r["path"], r["rates"]) for r in result.quarantine] == [
        ("provider_references[1]", 0),
        ("provider_references[2]", 0),
    ]
    assert [r["pg_members_uid"] is None for r in sink.rows("group")] == [True, False]


def test_too_many_rejected_rates_block_the_file(write):
    rates = [{"provider_groups": [GROUP], "negotiated_prices": FOUR}]
    path = write(document(in_network=[{**ITEM, "negotiated_rates": rates}]))
    assert read(path, max_rejected_share=0.25)[0].rejected == 1
    with pytest.raises(
        SourceError, match=r"1 of 4 rates cannot be read, more than a share of 0.24; first in_network"
    ) as e:
        read(path, max_rejected_share=0.24)
    assert e.value.offset == path.read_bytes().index(b'"n/a"') - len(json.dumps(FOUR[1]).split('"n/a"')[0])
    assert [r["rates"] for r in e.value.quarantine] == [1]
    assert e.value.header["year_month"] == "2025-06"


# Refusals: file name, content, message, offset.
TEXT = json.dumps(document())
AFTER_MONTH = TEXT.index('"version"')


def _zip(*members: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return out.getvalue()


LONG = json.dumps(document(in_network=document()["in_network"] * 2000, extra=random.Random(1).randbytes(50_000).hex()))
REFUSED = {
    "empty": ("a.json", b"", "is empty (0 bytes)", 0),
    "empty gz": ("a.json.gz", b"", "is empty (0 bytes)", 0),
    "blank": ("a.json", b" \n", "holds nothing but blanks", 2),
    "empty in gz": ("a.json.gz", gzip.compress(b""), "holds nothing but blanks", 0),
    "web page": (
        "a.json",
        b"\n<html>",
        "begins with '<' at byte 1, not with a JSON object; this looks like a web page",
        1,
    ),
    "text": ("a.json", b"hello", "begins with 'h' at byte 0", 0),
    "array": ("a.json", b"[]", "begins with '[' at byte 0", 0),
    "plain JSON named gz": ("a.json.gz", TEXT, "is not gzip, though its name ends in .gz", 0),
    "gz named JSON": ("a.json", gzip.compress(TEXT.encode()), "is gzip, though its name does not end in .gz", None),
    "zip named JSON": ("a.json", _zip(("a.json", TEXT)), "is a zip archive", None),
    "JSON named zip": ("a.zip", TEXT, "is not a whole zip archive", None),
    "zip of two": ("a.zip", _zip(("a.json", TEXT), ("b.json", TEXT)), "holds 2 JSON files (a.json, b.json)", None),
    "zip of none": ("a.zip", _zip(("a.csv", TEXT)), "holds no JSON file", None),
    "UTF-16": ("a.json", TEXT.encode("utf-16"), "is not UTF-8 at byte 0", 0),
    "UTF-16 without mark": ("a.json", TEXT.encode("utf-16-le"), "is not UTF-8 at byte 0", 0),
    "Latin-1": (
        "a.json",
        json.dumps(itemised(name="Clínica"), ensure_ascii=False).encode("latin-1"),
        "is not UTF-8 at byte ",
        json.dumps(itemised(name="Clínica"), ensure_ascii=False).index("í"),
    ),
    "table of contents": (
        "a.json",
        json.dumps({"last_updated_on": "2025-06-01", "reporting_structure": []}),
        "is a table of contents, not an in-network file (reporting_structure at byte 34)",
        34,
    ),
    "allowed amounts": ("a.json", '{"out_of_network": []}', "is an allowed-amounts file, not an in-network file", 1),
    "drugs": ("a.json", '{"drugs": [{}]}', "is a prescription-drug file", 1),
    "provider reference": ("a.json", json.dumps({"provider_groups": [GROUP]}), "is a provider-reference file", 1),
    "another object": ("a.json", '{"a": 1}', "is no in-network file: it has no in_network", None),
    "no month": (
        "a.json",
        json.dumps(document(last_updated_on=None)),
        "has no last_updated_on; its month is unknown",
        None,
    ),
    "blank month": ("a.json", json.dumps(document(last_updated_on=" ")), "has no last_updated_on", None),
    "odd month": ("a.json", json.dumps(document(last_updated_on="06/01/25")), "is no date: '06/01/25'", None),
    "month 13": ("a.json", json.dumps(document(last_updated_on="2025-13-01")), "is no date: '2025-13-01'", None),
    "month as list": ("a.json", json.dumps(document(last_updated_on=["2025-06"])), "has no last_updated_on", None),
    "in_network twice": (
        "a.json",
        TEXT[:-1] + ', "in_network": []}',
        "in_network occurs twice, again at byte",
        len(TEXT) + 1,
    ),
    "in_network an object": ("a.json", json.dumps(document(in_network={})), "is an object, where a list belongs", None),
    "more after the end": ("a.json", TEXT + "\n{}", "goes on at byte", len(TEXT) + 1),
    "comma missing": ("a.json", TEXT.replace(', "version"', ' "version"'), ', or } belongs where \'"version"', None),
    "value missing": ("a.json", TEXT.replace('"P"', ""), "value belongs where ", TEXT.index('"P"')),
    "key without quotes": (
        "a.json",
        TEXT.replace('"version"', "version"),
        'a key in "quotes" belongs where',
        AFTER_MONTH,
    ),
    "bad escape": (
        "a.json",
        json.dumps(itemised(name="#")).replace("#", "\\q" + "x" * 99),
        "an escape of JSON belongs",
        None,
    ),
    "nests too deeply": (
        "a.json",
        '{"in_network": [' + "[" * 100_000 + "]" * 100_000 + "]}",
        "nests too deeply at byte 16",
        16,
    ),
    "cut in a text": (
        "a.json",
        TEXT[: AFTER_MONTH + 5],
        f"ends after {AFTER_MONTH + 5} bytes, inside ",
        AFTER_MONTH + 5,
    ),
    "cut in a gz": (
        "a.json.gz",
        gzip.compress(LONG.encode())[:-9],
        "is cut off: the gzip stream breaks off after byte ",
        None,
    ),
    "damage in a gz": (
        "a.json.gz",
        gzip.compress(LONG.encode())[:-8] + b"12345678",
        "the gzip stream is damaged after byte ",
        None,
    ),
    "a gz and more": (
        "a.json.gz",
        gzip.compress(TEXT.encode()) + b"more",
        "the gzip stream is damaged after byte",
        len(TEXT),
    ),
    "cut in a zip": (
        "a.zip",
        _zip(("a.json", LONG))[:-30],
        f"is a zip archive that is cut off: it ends after {len(_zip(('a.json', LONG))) - 30:,} bytes, before its directory",
        None,
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what, write):
    name, content, message, offset = REFUSED[what]
    path = write(content, name)
    with pytest.raises(SourceError, match=re.escape(message)) as e:
        read(path)
    assert e.value.remedy
    assert str(e.value).startswith(str(path))
    assert offset is None or e.value.offset == offset


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"cannot be opened: No such file"):
        read(tmp_path / "a.json")


def test_the_real_file_that_breaks_off_is_said_to_be_cut_off(real):
    path = real / "mrf" / "NV" / "sierra_2025-05_truncated.json"
    with pytest.raises(SourceError) as e:
        read(path)
    assert e.value.fact == "ends after 31,250 bytes, inside in_network[0]"
    assert e.value.offset == path.stat().st_size
    assert (e.value.header["last_updated_on"], e.value.header["year_month"]) == ("2025-05-01", "2025-05")
    assert e.value.header["reporting_entity_name"] == "Sierra Health & Life - Nevada"


def test_tables_of_contents_are_named_for_what_they_are(real):
    for path in sorted((real / "toc").glob("*.json")):
        with pytest.raises(SourceError, match="is a table of contents"):
            read(path)
    with pytest.raises(SourceError, match="is a provider-reference file"):
        read(real / "mrf" / "cms-v1.3.1" / "provider-reference.json")


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_cut_anywhere_a_file_breaks_off_there(chunk, write):
    """Every prefix of a file is refused at its last byte, with the month as soon as it is there."""
    text = json.dumps(
        itemised(name="é🦵\ud83e", extra=[-1.5e-7, True, False, None, "\u0001"]), ensure_ascii=False
    ).replace("\ud83e", r"\ud83e\uddb5\ud83e")
    content = text.encode()
    for size in range(1, len(content), 1 if chunk > 7 else 5):
        with pytest.raises(SourceError, match=f"ends after {size:,} bytes, (inside|behind) ") as e:
            read(write(content[:size]), chunk_bytes=chunk)
        assert e.value.offset == size
        assert e.value.header["year_month"] == ("2025-06" if size >= AFTER_MONTH - 2 else None)
    assert read(write(content), chunk_bytes=chunk)[0].rates_read == 1


def test_what_stands_before_the_damage_of_a_gz_is_read(write):
    for content in (gzip.compress(LONG.encode())[:-9], gzip.compress(LONG.encode())[:-8] + b"12345678"):
        with pytest.raises(SourceError) as e:
            read(write(content, "a.json.gz"))
        assert e.value.header["year_month"] == "2025-06"
        assert 0 < e.value.offset <= len(LONG)


def test_a_file_that_is_damaged_early_is_still_known(write):
    """Bytes are unpacked in large steps, of which a damaged one is lost; not so at the beginning."""
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=1 << 20))
    packed = gzip.compress(json.dumps(document(in_network=[{**ITEM, "name": noise}])).encode(), 6)
    damaged = bytearray(packed)
    damaged[len(packed) // 3 :] = bytes(255 - b for b in damaged[len(packed) // 3 :])
    with pytest.raises(SourceError, match="gzip stream is damaged after byte") as e:
        read(write(bytes(damaged), "a.json.gz"))
    assert e.value.header["year_month"] == "2025-06"
    assert 0 < e.value.offset < 1 << 20


@pytest.mark.parametrize("behind", [",", " ,", "]", " ]"])
def test_references_of_any_number_of_digits_are_told_apart(behind, write):
    """Digits are read eight at a time, as long as there are eight bytes."""
    ids = [f"{n}" for size in range(1, 20) for n in (10 ** (size - 1), 10**size - 1, 3 * 10**size // 7)]
    named = ids + ids[::-1] + ids  # those that were seen before are looked up by their number
    text = json.dumps(referring(1)).replace('"provider_references": [1]', '"provider_references": [@]')
    listed = behind.join(named) + "]" if "," in behind else ",".join(named) + behind
    for chunk in (1 << 20, 64):
        result, sink = read(write(text.replace("@]", listed)), chunk_bytes=chunk)
        number = {row["group_ix"]: row["provider_group_id_raw"] for row in sink.rows("group")}
        assert [number[row["group_ix"]] for row in sink.rows("owner")] == named
        assert result.unresolved == len(named)


def test_digits_are_read_eight_at_a_time():
    """A reference that was seen before is looked up by this number alone."""

    @numba.njit
    def number(at):
        count = in_network_scan._digits(at)
        return count, in_network_scan._number(at, count) if count else 0

    rng = random.Random(1)
    behind = [bytes([byte]) for byte in range(256) if not 48 <= byte <= 57]
    for _ in range(20_000):
        digits = "".join(rng.choices("0123456789", k=rng.randrange(9)))
        text = digits.encode() + rng.choice(behind) + rng.randbytes(8)
        held = np.frombuffer(text, np.uint8)
        assert number(address(held)) == (len(digits), int(digits or 0)), text


def test_packed_any_way_a_file_reads_the_same(write):
    """Plain, gzip, several members with padding between and after them, zip with a folder and a stowaway."""
    content = LONG.encode()
    plain = whole(write(content))
    several = b"".join(gzip.compress(content[i : i + 9999]) + b"\0" * (i % 5) for i in range(0, len(content), 9999))
    zipped = _zip(("__MACOSX/._a.json", "x"), ("readme.txt", "x"), ("in/a.JSON", LONG))
    for name, packed in (("a.json.gz", gzip.compress(content)), ("b.json.GZ", several), ("c.zip", zipped)):
        assert whole(write(packed, name)) == plain


# The same, whatever the chunks.

CHUNKS = (1 << 10, 1 << 12, 100_003, 1 << 20, 1 << 22)


def test_any_chunk_size_gives_the_same_rows(tmp_path):
    for seed in range(12):
        suffix, content = odd_file(seed)
        path = tmp_path / f"{seed}{suffix}"
        path.write_bytes(content)
        first = whole(path, chunk_bytes=CHUNKS[0])
        for chunk in CHUNKS[1:]:
            assert whole(path, chunk_bytes=chunk) == first, (path.name, chunk)


@pytest.mark.slow
@pytest.mark.parametrize("file", [e for e in REAL if e["rates_read"] > 30_000], ids=lambda e: e["file"])
def test_any_chunk_size_gives_the_same_rows_of_a_real_file(file, real):
    path = real / file["path"] / file["file"]
    assert whole(path, chunk_bytes=CHUNKS[0]) == whole(path, chunk_bytes=CHUNKS[-1])


def test_one_or_two_threads_give_the_same_bytes(tmp_path):
    """Every staged file as ingest writes it, from any chunk size of 1 KB to 64 MB."""
    suffix, content = odd_file(3)
    path = tmp_path / f"3{suffix}"
    path.write_bytes(content)

    def staged(folder: Path, **options) -> dict[str, bytes]:
        folder.mkdir()
        writers = {f"staged_{name}": None for name in STAGED}
        with contextlib.ExitStack() as stack:
            for name in writers:
                writers[name] = stack.enter_context(parquet.Writer(folder / name, tables.get(name)))
            sink = types.SimpleNamespace(write=lambda table, batch: writers[table].write(batch))
            in_network.read(path, batch_id="batch", sink=sink, **options)
        return {p.name: p.read_bytes() for p in folder.iterdir()}

    first = staged(tmp_path / "first")
    assert len(first) == len(STAGED)
    for i, (chunk, threads) in enumerate(itertools.product((1 << 10, 1 << 16, 64 << 20), (1, 2))):
        assert staged(tmp_path / str(i), chunk_bytes=chunk, threads=threads) == first, (chunk, threads)


def test_what_the_sink_raises_behind_the_reader_is_raised(write):
    def full(table, batch):
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        in_network.read(write(document()), batch_id="b", sink=types.SimpleNamespace(write=full), threads=2)


@pytest.mark.parametrize("together", [1, 1 << 20])
def test_unpacked_ahead_a_file_breaks_off_at_the_same_byte(together, write, monkeypatch):
    """What stands before the damage is read, by one thread or two, wherever in a handful of blocks it is."""
    monkeypatch.setattr(decompression, "_TOGETHER", together)
    long = json.dumps(document(in_network=document()["in_network"] * 6000))
    packed = gzip.compress(long.encode(), 0)  # as large as its text, so that a cut falls into any block
    assert len(packed) > 5 * decompression.BLOCK
    outcomes = []
    for size in (
        200,
        decompression.BLOCK - 1,
        decompression.BLOCK + 1,
        3 * decompression.BLOCK + 7,
        len(packed) - 8,
        len(packed),
    ):
        path = write(packed[:size], "a.json.gz")
        outcomes.append(_outcome(path, 1 << 20, threads=2))
        assert outcomes[-1] == _outcome(path, 1 << 20), size
    assert isinstance(outcomes[-1], dict)
    assert [type(o) for o in outcomes[:-1]] == [tuple] * 5


def test_what_nobody_reads_is_not_unpacked():
    taken = []

    def blocks():
        for number in range(10_000):
            taken.append(number)
            yield bytes(decompression.BLOCK)

    with decompression.unpacked_ahead(blocks()) as coming:
        assert next(coming) == bytes(decompression.BLOCK)
    assert len(taken) <= 7 * 16
    assert not [t for t in threading.enumerate() if t.name.startswith(prefetch.THREAD)]


def test_a_small_file_waits_for_no_matrix_multiplication(write):
    """Numba imports scipy.linalg before its first function runs, which takes longer than the file."""
    program = f"""
import pathlib, sys, types
from pipeline.readers.in_network import read as in_network
in_network.read(pathlib.Path({str(write(document()))!r}), batch_id="b", sink=types.SimpleNamespace(write=print))
print(sorted({{"scipy.linalg", "great_expectations", "polars", "duckdb", "luigi"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_large_item_is_taken_as_it_comes(write):
    """Its rates stand before what they have in common, and its record is put down from where it begins."""
    rates = [{"provider_groups": [GROUP], "negotiated_prices": [{**PRICE, "negotiated_rate": i}]} for i in range(500)]
    good, bad = {"negotiated_rates": rates, **ITEM}, {"negotiated_rates": rates, **ITEM, "billing_code": []}
    path = write(document(in_network=[good, bad, good]))
    found = whole(path, chunk_bytes=1 << 10, max_rejected_share=0.5)
    assert found == whole(path, max_rejected_share=0.5)
    assert (found["rates_read"], found["rejected"], found["rate_sum"]) == (1500, 500, str(2 * sum(range(500))))
    (record,) = found["quarantine"]
    assert record["snippet"] == json.dumps(bad)[:2000]
    assert record["offset"] == path.read_bytes().index(json.dumps(bad).encode())


def test_any_batch_size_gives_the_same_rows(tmp_path):
    for seed in range(12, 18):
        suffix, content = odd_file(seed)
        path = tmp_path / f"{seed}{suffix}"
        path.write_bytes(content)
        assert whole(path, batch_rows=1) == whole(path)
        assert all(batch.num_rows == 1 for batch in read(path, batch_rows=1)[1].batches["staged_group"])


def _outcome(path: Path, chunk: int, **options):
    try:
        return whole(path, chunk_bytes=chunk, max_rejected_share=0.5, **options)
    except SourceError as e:
        return str(e), e.offset, e.header, e.quarantine


def _mutations(folder: Path, seeds: Iterable[int]) -> None:
    """Each is refused by name or read, the same in small pieces and large ones and as plain parsed JSON."""
    read_right = 0
    for seed in seeds:
        path = folder / "m.json"
        path.write_bytes(mutated(seed))
        found = _outcome(path, 1 << 20)
        assert _outcome(path, (1, 3, 64, 1024)[seed % 4]) == found, seed
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decompression, "BLOCK", (1, 7, 100, 1000)[seed % 4])
            patch.setattr(byte_buffer, "_BRIDGE", (1, 20, 300)[seed % 3])
            assert _outcome(path, 1 << 20) == found, seed
        with pytest.MonkeyPatch.context() as patch:
            _plainly(patch)
            assert _outcome(path, 1 << 20) == found, seed
        if isinstance(found, dict):
            read_right += 1
            assert sum(r["rates"] for r in found["quarantine"]) == found["rejected"], seed
    assert 0 < read_right < len(seeds)


_ENTRY = json.dumps(GROUP)
_ENTRIES = (
    _ENTRY,
    _ENTRY.replace("1234567893", "1003000126, 0"),
    _ENTRY.replace("[1234567893]", "[[]]"),
    _ENTRY.replace("[1234567893]", "NaN"),
    _ENTRY.replace("11-1111111", "\\ud83d"),
    _ENTRY.replace("11-1111111", '},{\\"[,'),
    _ENTRY[:-1] + "]",
    _ENTRY.replace("]", "}"),
    "5",
    "[]",
    "null",
    "{}",
)


_SHAPES = ("[%s]", "[%s,]", "[%s %s]", "[ %s\n,\t%s ]", "[%s,,%s]", "[%s:%s]", "[%s, %s}", "[,%s]")


@pytest.mark.parametrize("shape", _SHAPES)
def test_in_line_lists_are_read_as_parsed_json_is(shape, write):
    """Taken apart at commas, they are what they are as a whole: also where one of them is no JSON, or has no reading."""
    good, slot = _ENTRY.replace("11-1111111", "22-2222222"), '"provider_groups":0'
    refused = 0
    for entry in _ENTRIES:
        rates = [{"provider_groups": 0, "negotiated_prices": [PRICE]}] * 3
        text = json.dumps(document(in_network=[{**ITEM, "negotiated_rates": rates}]), separators=(",", ":"))
        odd = shape % ((entry, good)[: shape.count("%s")])
        for listed in (f"[{good}]", odd, f"[{good},{entry}]"):
            text = text.replace(slot, f'"provider_groups":{listed}', 1)
        path = write(text)
        found = _outcome(path, 1 << 20)
        assert _outcome(path, 7) == found, entry
        with pytest.MonkeyPatch.context() as patch:
            _plainly(patch)
            assert _outcome(path, 1 << 20) == found, entry
        refused += not isinstance(found, dict)
    assert 0 < refused <= len(_ENTRIES)


@pytest.mark.parametrize("shape", _SHAPES)
def test_references_are_read_as_parsed_json_is(shape, write):
    """Also where a definition, one of its groups or its id is no JSON, has no reading, or stands twice."""
    good = _ENTRY.replace("11-1111111", "22-2222222").replace("[1234567893]", '["1003000126", 1234567893, 1003000126]')
    refused, found_all = 0, []
    zeros = _ENTRY.replace("1234567893", '"0123456789"')
    for entry in (
        *_ENTRIES,
        zeros,
        _ENTRY.replace("11-1111111", "2"),
        _ENTRY.replace("}}", ', "business_name": "B"}}'),
    ):
        for number in ('"1"', "1.50", '" 1"', '"\\u0031"', "null", "[1]", "1e", '"ö"', ""):
            for more in (
                "",
                ', "network_name": ["A", "B"]',
                ', "network_name": "B"',
                ', "network_name": [{}]',
                ', "x": 0',
            ):
                if (number != '"1"' and entry != _ENTRY) or (more and entry != good and number != '"1"'):
                    continue
                groups = shape % ((entry, good)[: shape.count("%s")])
                records = [
                    f'{{"provider_group_id": 1, "provider_groups": [{good}, {good}] {more}}}',
                    f'{{"provider_groups": {groups}, "provider_group_id": {number} {more}}}',
                    f'{{"provider_group_id": 2, "provider_groups": [{good}]}}',
                ]
                text = json.dumps(referring(1, "1", 1.5, 2, provider_references=0))
                path = write(text.replace('"provider_references": 0', f'"provider_references": [{", ".join(records)}]'))
                found = _outcome(path, 1 << 20)
                assert _outcome(path, 7) == found, (entry, number, more)
                with pytest.MonkeyPatch.context() as patch:
                    _plainly(patch)
                    assert _outcome(path, 1 << 20) == found, (entry, number, more)
                refused += not isinstance(found, dict)
                found_all.append(found)
    assert 0 < refused <= len(found_all)


def test_tins_of_in_line_lists_are_forgotten_when_there_are_many(write, monkeypatch):
    groups = [{"npi": [npi], "tin": {"type": "npi", "value": str(npi)}} for npi in range(1_000_000_000, 1_000_000_100)]
    rates = [{"provider_groups": groups[i : i + 3], "negotiated_prices": [PRICE]} for i in range(98)]
    path = write(document(in_network=[{**ITEM, "negotiated_rates": rates}] * 2))
    found = whole(path, chunk_bytes=256)
    monkeypatch.setattr(in_network_members, "_LARGE", 10)
    assert whole(path, chunk_bytes=256) == found


def test_in_line_lists_beside_one_that_cannot_be_read_are_still_read_together(write, monkeypatch):
    """Only those that the compiled pass leaves are read by themselves, to the same."""

    def listed(number: int, **more: object) -> list[dict]:
        npis = [[1_000_000_000 + n for n in range(number, number + size)] for size in (1, 2, 3)]
        return [{"npi": npi, "tin": {"type": "ein", "value": f"{number + 1:09}", **more}} for npi in npis]

    lists = [listed(n) for n in range(50)]
    lists[7] = [*listed(7, value=[])[:1], *listed(7)]
    lists[20], lists[21], lists[49] = ([*listed(n), *listed(n, value=[])] for n in (20, 21, 49))
    lists[30] = [{"npi": [0, 1_000_000_001], "tin": {"type": "ein", "value": "1"}}]
    rates = [{"provider_groups": groups, "negotiated_prices": [PRICE]} for groups in lists]
    path = write(document(in_network=[{**ITEM, "negotiated_rates": rates}]))
    alone, membership = [], mrf_membership.membership
    monkeypatch.setattr(mrf_membership, "membership", lambda groups: alone.append(groups) or membership(groups))
    found = whole(path, max_rejected_share=1)
    assert 5 <= len(alone) <= 10, "those five, and not the other 45"
    _plainly(monkeypatch)
    assert whole(path, max_rejected_share=1) == found


def test_items_and_terms_are_numbered_anew_when_there_are_many(write, monkeypatch):
    """They say the same then, wherever the file is cut, and rates are counted by what they say."""
    items = [
        {
            **ITEM,
            "billing_code": str(99210 + n % 5),
            "negotiated_rates": [
                {
                    "provider_references": [1],
                    "negotiated_prices": [
                        {**PRICE, "additional_information": str((n + m) % 7)} for m in range(1 + n % 4)
                    ],
                }
            ],
        }
        for n in range(40)
    ]
    path = write(document(in_network=items))
    columns = ", ".join(
        c for name in ("item", "terms") for c in tables.get(f"staged_{name}").columns if c[-3:] != "_ix"
    )
    told = f"SELECT object_ix, negotiated_rate, {columns} FROM price ORDER BY ALL"

    def found() -> tuple:
        con = read(path)[1].database()
        numbers = con.execute(
            "SELECT (SELECT count(*) FROM staged_item), (SELECT count(*) FROM staged_terms)"
        ).fetchone()
        counts = {name: count for name, count in counted(path).items() if name != "quarantine"}
        return con.execute(told).fetchall(), counts, numbers

    rows, counts, numbers = found()
    assert numbers == (5, 7)
    monkeypatch.setattr(in_network_prices, "_NUMBERED", 3)
    few = found()
    assert few[:2] == (rows, counts)
    assert few[2] > (20, 20)
    whole_file = whole(path)
    for chunk in (1, 100, 1000):
        assert whole(path, chunk_bytes=chunk) == whole_file


# Seeds whose reading once depended on the chunk size, or differed from plain parsed JSON: the snippet of an item that
# cannot be read, warnings of one, the order of what is said of the whole file, where a text ends too early.
CORPUS = (177, 220, 260, 557, 667, 1819, 2130, 21586)


def test_mutated_files_are_read_or_refused_by_name(tmp_path):
    _mutations(tmp_path, [*CORPUS, *range(60)])


@pytest.mark.slow
def test_many_mutated_files_are_read_or_refused_by_name(tmp_path):
    """RATEHOUSE_FUZZ=20000 for the long campaign."""
    _mutations(tmp_path, range(60, int(os.environ.get("RATEHOUSE_FUZZ", "260"))))


def test_memory_is_a_chunk_and_an_item(write):
    """Six times the file, no more memory: the longest item and the batches bound it."""
    import tracemalloc

    rates = [{"provider_references": [i], "negotiated_prices": [PRICE]} for i in range(20)]

    def peak(items: int) -> int:
        text = json.dumps(document(in_network=[{**ITEM, "negotiated_rates": rates}] * items))
        path = write(text)
        del text
        tracemalloc.start()
        in_network.read(path, batch_id="b", sink=Nowhere(), chunk_bytes=1 << 13, batch_rows=500)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    class Nowhere:
        def write(self, table, batch):
            pass

    peak(10)
    # Twice: when Python makes room in a table of its own, such as that of interned names, it is seen here.
    small, large = min(peak(100), peak(100)), min(peak(600), peak(600))
    assert large < small * 1.3 + 200_000
    assert large < 2_000_000


@pytest.mark.parametrize("odd", ["5", '{"name": "\\ud83d"}'])
def test_a_record_that_takes_care_to_see_does_not_take_the_rest_of_the_file_with_it(odd, write):
    import tracemalloc

    class Nowhere:
        def write(self, table, batch):
            pass

    items = ",".join([json.dumps(document()["in_network"][0])] * 10_000)
    text = json.dumps(document(in_network=0)).replace('"in_network": 0', f'"in_network": [{odd}, {items}]')
    path, size = write(text), len(text)
    del text, items
    peaks = []
    for _ in range(2):  # as above
        tracemalloc.start()
        in_network.read(path, batch_id="b", sink=Nowhere(), chunk_bytes=1 << 13, max_rejected_share=0.5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert size > 2_000_000
    assert min(peaks) < size / 2


READ_TO_PARQUET = """
import sys
from pathlib import Path
from pipeline import tables
from pipeline.storage import parquet
from pipeline.readers.in_network import read as in_network

class Sink(dict):
    def __missing__(self, name):
        self[name] = parquet.Writer(Path(sys.argv[2]) / f"{name}.parquet", tables.get(name))
        return self[name]
    def write(self, name, batch):
        self[name].write(batch)

sink = Sink()
result = in_network.read(Path(sys.argv[1]), batch_id="b", sink=sink, threads=2)
for writer in sink.values():
    writer.__exit__(None, None, None)
print(result.rates_read, result.unresolved, *(sink[n].written.rows for n in sys.argv[3:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_two_million_references_are_read_in_a_gigabyte(tmp_path):
    """Each with a TIN of its own and two NPIs, all of them named by rates."""
    count, items = 2_000_000, 200
    path = tmp_path / "many.json.gz"
    group = '{"provider_group_id":%d,"provider_groups":[{"npi":[%d,%d],"tin":{"type":"ein","value":"%09d"}}]}'
    numbers = ((i, 10**9 + i * 97, 2 * 10**9 - 1 - i, i) for i in range(count))
    price = json.dumps([PRICE])
    item = json.dumps(ITEM)[:-1]
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(json.dumps(document(in_network=None))[:-1] + ', "provider_references": [')
        for first in range(0, count, 10_000):
            text = ",".join(group % one for one in itertools.islice(numbers, 10_000))
            file.write("," * bool(first) + text)
        file.write('], "in_network": [')
        for number in range(items):
            ids = ",".join(map(str, range(number, count, items)))
            rates = f'[{{"provider_references": [{ids}], "negotiated_prices": {price}}}]'
            file.write("," * bool(number) + item + f', "negotiated_rates": {rates}}}')
        file.write("]}")
    names = ("staged_group", "staged_member", "staged_tin")
    command = [sys.executable, "-c", READ_TO_PARQUET, str(path), str(tmp_path), *names]
    watched = process_tree.run(command, log=tmp_path / "log", env={**os.environ, "PYTHONPATH": str(kit.REPOSITORY)})
    assert watched.output.split() == [str(n) for n in (count, 0, count, 2 * count, count)]
    assert watched.peak() < 1_000_000_000

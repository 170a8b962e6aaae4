"""Members read together, held against reading each entry by itself."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compiled.byte_interner import ByteInterner
from pipeline.readers import mrf_membership
from pipeline.readers.in_network import members as in_network_members
from pipeline.readers.in_network.members import Members
from pipeline.readers.in_network.scan import references
from pipeline.readers.in_network.tins import plain, tin_key
from pipeline.readers.json_stream.cursor import parsed

VALUE = st.one_of(
    st.from_regex(r"[0-9]{2}-?[0-9]{7}", fullmatch=True),
    st.text('0aZ- _é:|\\"\n\0', max_size=6),
    st.none(),
    st.integers(),
)
TIN = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(["ein", "EIN", "npi", " ein", "e:n", ""]), VALUE), "value": VALUE},
    optional={"business_name": st.one_of(VALUE, st.text(max_size=8)), "more": VALUE},
)


def said(text: str) -> tuple[str, bytes] | None:
    """What is said of a TIN read by itself, as `plain` does; None where it cannot be read, or something in it is odd."""
    notes = []
    try:
        prefix, tin = mrf_membership.tin(parsed(text.encode()), notes)
    except ValueError:
        return None
    return None if notes else (prefix, tin_key(tin))


@given(
    tins=st.lists(
        st.tuples(TIN, st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :")]), st.booleans()), max_size=20
    )
)
def test_plain_tins_are_read_as_each_is(tins):
    texts = [json.dumps(tin, separators=separators, ensure_ascii=ascii) for tin, separators, ascii in tins]
    found = plain(pa.array(texts, pa.large_string()))
    read = list(zip(found.prefixes.to_pylist(), (key.encode() for key in found.keys.to_pylist()), strict=True))
    assert read == [said(texts[place]) for place in found.places.tolist()]


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ('{"type":"ein","value":"12-3456789"}', True),
        ('{"type":"NPI","value":"1234567893"}', True),
        ('{"type": "ein", "value": "123456789", "business_name": " A & B, Inc. "}', True),
        ('{"type":"ein","value":"123456789","business_name":""}', True),
        ('{"type":"npi","value":"0123456789"}', True),
        ('{"value":"123456789","type":"ein"}', False),
        ('{"type":"ein","value":123456789}', False),
        ('{"type":"ein","value":"123456789","type":"npi"}', False),
        ('{"type":"ein","value":"123456789","business_name":"\\u0041"}', False),
        ('{"type":"ein","value":"123456789","business_name":"é"}', False),
        ('{"type":"ein","value":"-"}', False),
        ('{"type":"ein","value":"123456789"}x', False),
        ('{"type":"ein","value":"12345678"}', False),
        ('{"type":"ein","value":"1234567890"}', False),
        ('{"type":"npi","value":"123456789"}', False),
        ('{"type":"ein","value":"000000000"}', False),
        ('{"type":"ein","value":"00-0000000"}', False),
        ('{"type":"npi","value":"0000000000"}', False),
        ('{"type":"ssn","value":"123456789"}', False),
    ],
)
def test_what_payers_write_is_plain(text, is_plain):
    found = plain(pa.array([text], pa.large_string()))
    assert len(found.places) == is_plain
    if is_plain:
        assert (found.prefixes[0].as_py(), found.keys[0].as_py().encode()) == said(text)


def lists_of_groups(rng: random.Random) -> list[list[dict]]:
    """Lists of groups, of which a few are of no regular form."""
    digits = {"ein": 9, "npi": 10}
    tins = [{"type": t, "value": str(rng.randrange(1, 30)).zfill(n)} for t, n in rng.choices([*digits.items()], k=8)]
    odd = [0, "1234567893x", None]

    def npi() -> object:
        return rng.choice(odd) if rng.random() < 0.02 else rng.choice([str, int])(1_000_000_000 + rng.randrange(5))

    return [
        [{"npi": [npi() for _ in range(rng.randint(1, 5))], "tin": rng.choice(tins)} for _ in range(rng.randint(1, 6))]
        for _ in range(rng.randint(1, 40))
    ]


@pytest.mark.parametrize("most", [in_network_members._MOST, 1, 50])
def test_entries_together_are_the_members_of_each_list(most, monkeypatch):
    """However many groups and TINs can be sorted at once."""
    monkeypatch.setattr(in_network_members, "_MOST", most)
    regular = 0
    for seed in range(40):
        lists = lists_of_groups(random.Random(seed))
        spans, numbers = ByteInterner(), ByteInterner()
        placed = spans.numbers([json.dumps(one).encode() for one in lists])
        lists = [lists[place] for place in np.unique(placed, return_index=True)[1].tolist()]
        members = Members(numbers)
        ends, entries, npis = references.lists(spans, 0, len(spans), members.texts)
        members.read()
        assert not len(members.unreadable(entries))
        known = ends[ends >= 0]
        texts = members.joined(known, entries, npis).to_pylist() if len(known) else []
        tins = np.split(members.tins(entries), known[:-1])
        for place, text, theirs in zip(np.flatnonzero(ends >= 0).tolist(), texts, tins, strict=len(known) > 0):
            alone = mrf_membership.membership(json.loads(json.dumps(lists[place])))
            assert (text, ()) == (alone.members, alone.notes)
            assert numbers.spans(theirs) == [tin_key(tin) for tin in alone.tins]
        odd = {
            place
            for place, one in enumerate(lists)
            if any(type(n) is not int and n not in NPIS for g in one for n in g["npi"])
            or any(0 in g["npi"] for g in one)
        }
        assert odd == set(np.flatnonzero(ends < 0).tolist())
        regular += len(known)
    assert regular > 100


NPIS = {str(1_000_000_000 + n) for n in range(5)}

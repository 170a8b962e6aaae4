"""Ids of facts that share what they are made of: hashlib says what each of them is."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compiled import md5
from pipeline.transforms import fact_numbers

TEXTS = st.text("0123456789abcdefé|", max_size=40)
# Owners are MD5s; any other text is one too.
IDS = st.integers(0, 2**128 - 1).map("{:032x}".format)
OWNERS = st.sampled_from([IDS, st.one_of(IDS, TEXTS)])
NETWORKS = st.one_of(st.sampled_from(["", "HMO", "PPO", "EPO1", "POS2"]), TEXTS)
GROUPS = OWNERS.flatmap(lambda owner: st.lists(st.tuples(owner, NETWORKS), min_size=1, max_size=6))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_facts(data):
    """Facts of a price one after the other, so that of most texts only a part is put in anew, in any lane."""
    pairs = data.draw(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=4))
    rates = data.draw(st.lists(st.tuples(TEXTS, st.integers(0, len(pairs) - 1)), min_size=1, max_size=6))
    groups = data.draw(GROUPS)
    owners = data.draw(st.lists(st.integers(0, 3 * md5.LANES), min_size=len(rates), max_size=len(rates)))
    price = np.repeat(np.arange(len(rates), dtype=np.int32), owners)
    seed = data.draw(st.integers(0, 1000))
    group = np.random.default_rng(seed).integers(0, len(groups), len(price), np.int32)
    pair = np.array([of for _, of in rates], np.int32)
    texts = [*zip(*pairs, strict=True), [text for text, _ in rates], *zip(*groups, strict=True)]
    uid = np.empty((len(price), 2), np.uint64)
    fact_numbers._identify([pa.chunked_array([pa.array(list(t))]) for t in texts], price, pair, group, uid)
    heads, middles, behinds, tails, amounts, owner, networks = texts
    for i, (p, g) in enumerate(zip(price, group, strict=True)):
        of = pair[p]
        whole = heads[of] + owner[g] + middles[of] + amounts[p] + behinds[of] + networks[g] + tails[of]
        assert f"{uid[i, 0]:016x}{uid[i, 1]:016x}" == hashlib.md5(whole.encode()).hexdigest(), (i, whole)

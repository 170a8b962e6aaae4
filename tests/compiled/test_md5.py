"""MD5 side by side: hashlib says what each digest is."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compiled import md5
from pipeline.compiled.jit import address, copy, entry, put


@entry
def _digest(data, ends, room, work):
    start, texts = 0, work + md5.WORK
    for lane in range(md5.LANES):
        size = ends[lane] - start
        text = texts + lane * room
        copy(text, data + start, size)
        md5.pad(text, size)
        put(work + md5.SIZES, lane, size)
        start = ends[lane]
    md5.digest(texts, room, work)


def digests(texts: list[bytes]) -> list[str]:
    """The digests of as many texts as there are lanes."""
    data = np.frombuffer(b"".join(texts) + b".", np.uint8)
    room = (max(map(len, texts)) + 8) // md5.BLOCK * md5.BLOCK + md5.BLOCK
    work = np.full(md5.WORK + md5.LANES * room, 0xAA, np.uint8)  # nothing that it finds there counts
    _digest(address(data), np.cumsum([len(t) for t in texts]), room, address(work))
    return [f"{word:016x}" for word in work[md5.FOUND : md5.WORK].view(np.uint64).tolist()]


def expected(texts: list[bytes]) -> list[str]:
    whole = [hashlib.md5(text).hexdigest() for text in texts]
    return [half for one in whole for half in (one[:16], one[16:])]


def test_every_length_up_to_five_blocks():
    """Beside a text of another length: each lane ends with its own last block."""
    for first in range(0, 5 * md5.BLOCK, md5.LANES):
        texts = [bytes([size % 251]) * size for size in range(first, first + md5.LANES)]
        assert digests(texts) == expected(texts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=md5.LANES, max_size=md5.LANES))
def test_any_texts(texts):
    assert digests(texts) == expected(texts)

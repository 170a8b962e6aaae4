"""The digest of a run of rows, against the same chain in plain Python, and by what it must not depend on."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest

from pipeline.transforms import leaf_digest

TABLE = pa.table(
    {
        "text": ["a", None, "", "Cañon", "a", "null"],
        "number": [1.5, -0.0, None, 0.0, 1e300, 0.1],
        "count": pa.array([1, None, -3, 2**40, 0, 7], pa.int64()),
        "flag": [True, False, None, True, False, None],
        "codes": [["11", "22"], [], None, [None, "11"], ["1", "122"], [""]],
    }
)
LANES = ((0x9E3779B97F4A7C15, 0x452821E638D01377), (0x243F6A8885A308D3, 0xBE5466CF34E90C6C))
NULL = (0x13198A2E03707344, 0xA4093822299F31D0)


def chain(words: list[int], lane: int, start: int | None = None) -> int:
    k, at = LANES[lane]
    at = at if start is None else start
    for word in words:
        at = (at ^ word) * k % 2**64
        at ^= at >> 29
    return at


def cell(value, lane: int) -> int:
    if value is None:
        return NULL[lane]
    if isinstance(value, str):
        return chain([len(value.encode()), *value.encode()], lane)
    if isinstance(value, float):
        return chain([struct.unpack("<Q", struct.pack("<d", value))[0]], lane)
    if isinstance(value, list):
        return chain([*(cell(one, lane) for one in value), len(value)], lane)
    return chain([int(value) % 2**64], lane)


def plainly(rows: list[dict], ends: list[int], salt: str = "") -> list[str]:
    found = []
    for begin, end in zip([0, *ends], ends, strict=False):
        lanes = [
            chain(
                [chain([cell(v, lane) for v in row.values()], lane) for row in rows[begin:end]], lane, cell(salt, lane)
            )
            for lane in (0, 1)
        ]
        found.append("".join(f"{lane:016x}" for lane in lanes))
    return found


@pytest.mark.parametrize("ends", [[6], [1, 2, 3, 4, 5, 6], [2, 5, 6]])
def test_against_plain_python(ends):
    assert leaf_digest.digests([TABLE], np.array(ends), "salt") == plainly(TABLE.to_pylist(), ends, "salt")


def encoded(table: pa.Table) -> pa.Table:
    return table.set_column(0, "text", table["text"].dictionary_encode())


@pytest.mark.parametrize(
    "pieces",
    [
        [encoded(TABLE)],
        [TABLE.slice(0, 1), TABLE.slice(1, 3), TABLE.slice(4)],
        [encoded(TABLE).slice(0, 3), encoded(TABLE.slice(3))],
        [pa.concat_tables([TABLE.slice(0, 2), TABLE.slice(2)])],
    ],
    ids=["dictionary", "pieces", "pieces with dictionaries", "chunks"],
)
def test_not_of_how_the_rows_lie_in_memory(pieces):
    ends = np.array([1, 5, 6])
    assert leaf_digest.digests(pieces, ends) == leaf_digest.digests([TABLE], ends)


def test_rows_without_a_run_are_refused():
    with pytest.raises(AssertionError, match="6 rows"):
        leaf_digest.digests([TABLE.slice(0, 2), TABLE.slice(2)], np.array([7]))


def test_a_kind_of_column_that_is_not_known_is_refused():
    with pytest.raises(TypeError, match="date32"):
        leaf_digest.digests([pa.table({"day": pa.array([0], pa.date32())})], np.array([1]))

"""The digest of each leaf's rows: what decides whether a leaf is written again.

What belongs here: 128 bits for every run of rows, from the values alone, never from how they lie in memory or in a file.
What must not come in: which rows make a leaf (`leaf_plan`); cryptography, for nobody gains by two leaves of one digest.

A cell is hashed in two lanes of 64 bits, each a chain of `h = (h ^ word) * odd constant; h ^= h >> 29`; a row is the
chain over its cells, a leaf the chain over its rows. The values of a dictionary are hashed once, and its rows look them
up: most columns of the enriched table repeat a few values.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.compiled.jit import entry, inner

# Odd, of the golden ratio and of pi: two lanes that share no constant.
_K0, _K1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x243F6A8885A308D3)
_START0, _START1 = np.uint64(0x452821E638D01377), np.uint64(0xBE5466CF34E90C6C)
_SHIFT = np.uint64(29)
_NULL = np.array([[0x13198A2E03707344, 0xA4093822299F31D0]], np.uint64)  # no value's hash but by chance


def digests(tables: Iterable[pa.Table], ends: np.ndarray, salt: str = "") -> list[str]:
    """The digest of each run of rows, as 32 hex digits; another one for every `salt`.

    The tables, of the same columns, are taken as one; run i has the rows from ends[i - 1] (0 for the first) up to
    ends[i], which rise to their number of rows. TypeError for a column that is neither text, number, boolean nor a list
    of such.
    """
    runs = np.repeat(_cells(pa.array([salt]))[0], len(ends), axis=0)
    first = 0
    for table in tables:
        rows = np.empty((table.num_rows, 2), np.uint64)
        rows[:] = _START0, _START1
        for column in table.columns:
            done = 0
            for chunk in column.chunks:
                hashes, place = _cells(chunk)
                _chain(rows[done : done + len(chunk)], hashes, place)
                done += len(chunk)
        _runs(rows, ends, first, runs)
        first += table.num_rows
    assert first == (ends[-1] if len(ends) else 0), f"{first} rows, where the runs have {ends[-1:]}"
    return [run.tobytes().hex() for run in runs.astype(">u8")]


def _cells(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of distinct or of all values, two lanes each, and which of them each row has."""
    if pa.types.is_dictionary(array.type):
        values, place = _cells(array.dictionary)
        hashes = np.concatenate((values[place], _NULL))
        return hashes, array.indices.fill_null(len(hashes) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    hashes = np.empty((len(array), 2), np.uint64)
    kind = array.type
    if pa.types.is_string(kind):
        _texts(*_lengths_and_bytes(array), hashes)
    elif pa.types.is_list(kind):
        sizes = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        values, place = _cells(array.flatten())
        hashes[:] = _START0, _START1
        _lists(sizes, values, place, hashes)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        _words(pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False).view(np.uint64), hashes)
    elif pa.types.is_float64(kind):
        _words(pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False).view(np.uint64), hashes)
    else:
        raise TypeError(f"no digest for a column of {kind}")
    if array.null_count:
        hashes[array.is_null().to_numpy(zero_copy_only=False)] = _NULL
    return hashes, np.arange(len(array))


def _lengths_and_bytes(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The length of each text and the bytes of all; a null has none."""
    lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    held = array.drop_null() if array.null_count else array
    _, offsets, data = held.buffers()
    if data is None or not len(held):
        return lengths, np.empty(0, np.uint8)
    start = np.frombuffer(offsets, np.int32)[held.offset]
    return lengths, np.frombuffer(data, np.uint8)[start:]


@inner
def _on(lane, word, k):
    lane = (lane ^ word) * k
    return lane ^ (lane >> _SHIFT)


@entry
def _texts(lengths, data, hashes):
    at = 0
    for i in range(len(lengths)):
        one, two = _on(_START0, np.uint64(lengths[i]), _K0), _on(_START1, np.uint64(lengths[i]), _K1)
        for _ in range(lengths[i]):
            one, two = _on(one, np.uint64(data[at]), _K0), _on(two, np.uint64(data[at]), _K1)
            at += 1
        hashes[i, 0], hashes[i, 1] = one, two


@entry
def _words(words, hashes):
    for i in range(len(words)):
        hashes[i, 0], hashes[i, 1] = _on(_START0, words[i], _K0), _on(_START1, words[i], _K1)


@entry
def _lists(sizes, values, place, hashes):
    at = 0
    for i in range(len(sizes)):
        for _ in range(sizes[i]):
            cell = place[at]
            hashes[i, 0], hashes[i, 1] = (
                _on(hashes[i, 0], values[cell, 0], _K0),
                _on(hashes[i, 1], values[cell, 1], _K1),
            )
            at += 1
        hashes[i, 0], hashes[i, 1] = (
            _on(hashes[i, 0], np.uint64(sizes[i]), _K0),
            _on(hashes[i, 1], np.uint64(sizes[i]), _K1),
        )


@entry
def _chain(rows, hashes, place):
    for i in range(len(rows)):
        cell = place[i]
        rows[i, 0], rows[i, 1] = _on(rows[i, 0], hashes[cell, 0], _K0), _on(rows[i, 1], hashes[cell, 1], _K1)


@entry
def _runs(rows, ends, first, runs):
    run = np.searchsorted(ends, first, "right")
    for i in range(len(rows)):
        while ends[run] <= first + i:
            run += 1
        runs[run, 0], runs[run, 1] = _on(runs[run, 0], rows[i, 0], _K0), _on(runs[run, 1], rows[i, 1], _K1)

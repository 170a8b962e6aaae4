"""Which hashes stand twice, held against counting them one by one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from pipeline.storage import repeated_hashes

HASHES = st.one_of(st.integers(0, (1 << 64) - 1), st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1]))


def in_place_of(monkeypatch, folder: Path, made: Callable) -> None:
    """Have `made` give the temporary files of a folder; Numba looks by one whether it may write to its own."""
    temporary = tempfile.TemporaryFile

    def make(*, dir):
        return made(lambda: temporary(dir=dir)) if Path(dir) == folder else temporary(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", make)


@given(
    batches=st.lists(st.lists(HASHES, max_size=20), max_size=8),
    held=st.integers(1, 40),
    threads=st.integers(1, 2),
)
def test_the_hashes_that_stand_twice(tmp_path_factory, batches, held, threads):
    count = sum(map(len, batches))
    arrays = (np.array(batch, np.uint64) for batch in batches)
    found = repeated_hashes.standing_twice(arrays, count, tmp_path_factory.mktemp("scratch") / "made", threads, held)
    assert found.tolist() == sorted(h for h, n in Counter(h for batch in batches for h in batch).items() if n > 1)


def test_more_than_is_held_goes_to_the_folder_and_leaves_nothing_there(tmp_path, monkeypatch):
    made, folder = [], tmp_path / "scratch"
    in_place_of(monkeypatch, folder, lambda make: made.append(make()) or made[-1])
    hashes = np.random.default_rng(3).integers(0, 1 << 64, 50_000, np.uint64)
    twice = hashes[[7, 49_000]].copy()
    looked = repeated_hashes.Hashes(folder, 10_000)
    for part in (*np.split(hashes, 5), twice):
        looked.take(part)
    assert folder.is_dir()
    parts = list(looked.twice(2))
    assert np.concatenate(parts).tolist() == sorted(twice.tolist())
    assert len(parts) == 6, "as many shares as there are of what is held at once"
    assert [file.closed for file in made] == [True]
    assert list(folder.iterdir()) == []


def test_what_stands_very_often_takes_no_more_room_than_what_stands_twice(tmp_path, monkeypatch):
    sizes = []
    repeated = repeated_hashes._repeated
    monkeypatch.setattr(repeated_hashes, "_repeated", lambda hashes: sizes.append(len(hashes)) or repeated(hashes))
    looked = repeated_hashes.Hashes(tmp_path, 100)
    looked.take(np.append(np.full(5_000, 7, np.uint64), np.arange(100, 200, dtype=np.uint64)))
    assert (looked.count, np.concatenate(list(looked.twice(1))).tolist()) == (5_100, [7])
    assert sum(sizes) == 50 * 2 + 100


def test_what_fits_is_held(tmp_path):
    looked = repeated_hashes.Hashes(tmp_path / "scratch", 100)
    looked.take(np.arange(100, dtype=np.uint64) // np.uint64(2))
    assert np.concatenate(list(looked.twice(1))).tolist() == list(range(50))
    assert list(tmp_path.iterdir()) == []


@kit.on_a_full_disk
def test_a_disk_that_is_full_is_an_error(tmp_path, monkeypatch):
    with kit.FULL_DISK.open("w+b", buffering=0) as full:
        in_place_of(monkeypatch, tmp_path, lambda make: full)
        with pytest.raises(OSError, match="No space left"):
            repeated_hashes.standing_twice([np.arange(100, dtype=np.uint64)], 100, tmp_path, 1, 10)


def test_fewer_than_there_are_is_an_error(tmp_path):
    with pytest.raises(EOFError, match="3 of 4 values"):
        repeated_hashes.standing_twice([np.arange(3, dtype=np.uint64)], 4, tmp_path, 1, 10)

"""The whole way on the bundled sample."""

from __future__ import annotations

import kit


def test_a_second_build_has_nothing_to_do(sample):
    before = kit.parquet_files(sample)
    assert kit.build(sample).nothing_to_do
    assert kit.rewritten(before, kit.parquet_files(sample)) == set()

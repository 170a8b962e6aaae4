"""What is said of a table that does not fit into the memory that the settings allow."""

from __future__ import annotations

import pytest

import kit
from pipeline import errors, session, settings
from pipeline.storage import duck
from pipeline.tasks import limits


def test_a_table_that_needs_more_memory_says_which_setting_it_is(tmp_path):
    root = kit.small(tmp_path / "warehouse")
    session.use(root)
    settings.load(root)
    con = duck.connect("20MB")
    with pytest.raises(errors.MemoryLimitError) as refused, limits.within_memory("dims/dim_tin"):
        con.execute("SELECT list(range) FROM range(10_000_000)").fetchall()
    assert str(refused.value) == (
        "dims/dim_tin: needs more memory than its share of [build] memory_mb = 1500 with 2 workers\n"
        "  raise memory_mb in luigi.cfg, or: ratehouse build --workers 1"
    )
    with pytest.raises(ZeroDivisionError), limits.within_memory("dims/dim_tin"):
        raise ZeroDivisionError

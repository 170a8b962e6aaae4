"""readers/wcfs: the one CSV shape of workers' compensation schedules."""

from __future__ import annotations

import pytest

from pipeline import errors, tables
from pipeline.readers import wcfs

HEAD = "state,effective_from,code_type,code,amount"


@pytest.fixture
def write(tmp_path):
    """Write a file and read it with the reader."""

    def read(text):
        (tmp_path / "wcfs.csv").write_text(text, encoding="utf-8")
        return wcfs.read(tmp_path / "wcfs.csv")["staged_wcfs"]

    return read


def test_rows_as_documented(write):
    found = write(f"{HEAD},modifier\ntx,2025-01-01,CPT,99213,131.44,\nTX,2025-01-01,hcpcs,99213,$60.10,26\n")
    assert dict(found.schema) == dict(tables.get("staged_wcfs").polars_schema())
    assert found.select("state", "effective_from", "code_type", "code", "modifier", "amount", "release").rows() == [
        ("TX", "2025-01-01", "CPT", "99213", "", "131.44", "TX fee schedule"),
        ("TX", "2025-01-01", "CPT", "99213", "26", "60.10", "TX fee schedule"),
    ]


def test_without_modifiers_and_with_lost_zeros(write):
    found = write(f"{HEAD}\nNV,2023-07-01,CPT,100,1\nNV,2023-07-01,CPT,J1100,\"1,000.5\"\nNV,2023-07-01,REV,0450,2\n")  # fmt: skip
    assert found.select("code_type", "code", "amount").rows() == [
        ("CPT", "00100", "1"),
        ("HCPCS", "J1100", "1000.5"),
        ("REV", "0450", "2"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "fact"),
    [
        ("", errors.SourceError, "is empty"),
        ("a,b,c\n1,2,3\n", errors.UnrecognisedFile, "is no workers' compensation fee schedule"),
        ("state,code,code_type,amount\nTX,1,CPT,1\n", errors.SourceError, "has no column EFFECTIVE FROM"),
        (f"{HEAD}\nTexas,2025-01-01,CPT,99213,1\n", errors.SourceError, "state is 'Texas'"),
        (f"{HEAD}\nTX,1/1/2025,CPT,99213,1\n", errors.SourceError, "effective_from is '1/1/2025'"),
        (f"{HEAD}\nTX,2025-01-01,CPT,99213,abc\n", errors.SourceError, "amount is 'abc', not a number"),
        (f"{HEAD}\nTX,2025-01-01,CPT,99213,\n", errors.SourceError, "amount is empty"),
        (f"{HEAD}\nTX,2025-01-01,,99213,1\n", errors.SourceError, "without code_type or code"),
        (f"{HEAD}\nTX,2025-01-01,CPT,99213,1\nTX,2025-01-01,HCPCS,99213,2\n", errors.SourceError, "99213 for TX twice"),
    ],
)
def test_what_is_refused(write, text, kind, fact):
    with pytest.raises(kind, match=fact):
        write(text)

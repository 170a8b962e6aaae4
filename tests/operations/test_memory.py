"""A build takes no more memory for what a few megabytes of input may hold: gigabytes of blanks, a text, a rate object, a
line, a workbook's cells."""

from __future__ import annotations

import gzip
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

import kit
import process_tree
import small_sources

GIGABYTE = 1 << 30
MOST = 1_200_000_000  # bytes of all processes
WHOLE = small_sources.text("Acme", "2025-08", 1.0, 2.0).encode()
ITEMS, LAST = WHOLE.index(b"[{") + 1, WHOLE.rindex(b'{"negotiation')
PRICE = WHOLE[WHOLE.index(b'{"negotiated_type') : WHOLE.index(b"]}]}, {")]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc"),
]


def repeated(text: bytes, size: int) -> Iterator[bytes]:
    """As much of a text, in pieces."""
    piece = text * ((1 << 20) // len(text))
    for _ in range(size // len(piece)):
        yield piece


def packed(path: Path, *parts: bytes | Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as file:
        for part in parts:
            for piece in [part] if isinstance(part, bytes) else part:
                file.write(piece)


def in_network(folder: Path) -> None:
    """Two files that are read, three that are refused."""
    blanks = repeated(b" \n\t\r", GIGABYTE)
    packed(folder / "blanks.json.gz", WHOLE[:LAST], blanks, WHOLE[LAST:])
    keys = (b"".join(b'"key %d": %d, ' % (n, n) for n in range(k, k + 10_000)) for k in range(0, 1_000_000, 10_000))
    packed(folder / "keys.json.gz", b"{", keys, WHOLE[1:])
    texts = b'"additional_information": "', repeated(b"long ", GIGABYTE), b'", '
    at = WHOLE.index(PRICE) + 1
    packed(folder / "text.json.gz", WHOLE[:at], *texts, WHOLE[at:])
    packed(folder / "object.json.gz", WHOLE[: at - 1], repeated(PRICE + b",", GIGABYTE), WHOLE[at - 1 :])
    packed(folder / "odd.json.gz", WHOLE[:at], b'"odd": [', repeated(b"[],", GIGABYTE), b"0], ", WHOLE[at:])


def references(raw: Path) -> None:
    """A registry with one line, a workbook with ten million cells, a zip of zips."""
    for folder in ("nppes", "geo", "medicare"):
        (raw / folder).mkdir(parents=True)
    with (
        zipfile.ZipFile(raw / "nppes" / "registry.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("npidata_pfile_20050523-20250810.csv", "w") as member,
    ):
        member.write(b"NPI,NPPES Deactivation Date\n1234567893,")
        for piece in repeated(b"long ", GIGABYTE):
            member.write(piece)
    openpyxl.Workbook().save(raw / "empty.xlsx")
    with (
        zipfile.ZipFile(raw / "empty.xlsx") as empty,
        zipfile.ZipFile(raw / "geo" / "ZIP_CBSA_062025.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
    ):
        for name in empty.namelist():
            if name != "xl/worksheets/sheet1.xml":
                book.writestr(name, empty.read(name))
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for row in range(1, 1_000_001):
                cells = b"".join(b'<c r="%s%d"><v>1</v></c>' % (b"ABCDEFGHIJ"[n : n + 1], row) for n in range(10))
                sheet.write(b'<row r="%d">%s</row>' % (row, cells))
            sheet.write(b"</sheetData></worksheet>")
    (raw / "empty.xlsx").unlink()
    with (
        zipfile.ZipFile(raw / "medicare" / "RVU25A.zip", "w", zipfile.ZIP_DEFLATED) as outer,
        outer.open("inner.zip", "w") as inner,
        zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("PPRRVU.csv", "w") as member,
    ):
        for piece in repeated(b"99213,", GIGABYTE // 4):
            member.write(piece)


REFUSED = {
    "mrf/GA/text.json.gz": "in_network[0].negotiated_rates[0].negotiated_prices[0].additional_information",
    "mrf/GA/object.json.gz": "in_network[0].negotiated_rates[0].negotiated_prices[",
    "mrf/GA/odd.json.gz": "in_network[0].negotiated_rates[0].negotiated_prices[0].odd[",
    "nppes/registry.zip": "has a line of more than 2 MB",
    "geo/ZIP_CBSA_062025.xlsx": "has more than 5,000,000 cells",
    "medicare/RVU25A.zip": "is a zip of zips (inner.zip)",
}


def test_a_build_of_small_files_that_hold_gigabytes(tmp_path):
    """All of them at once, with two workers."""
    in_network(tmp_path / "raw" / "mrf" / "GA")
    references(tmp_path / "raw")
    assert max(path.stat().st_size for path in (tmp_path / "raw").rglob("*.*")) < 64 << 20
    command = [sys.executable, "-m", "pipeline.cli", "--root", str(tmp_path), "build", "--skip-broken"]
    watched = process_tree.run(
        ["sh", "-c", '"$@"; echo "exit $?"', "sh", *command],
        log=tmp_path / "log",
        env={**os.environ, "PYTHONPATH": str(kit.REPOSITORY), "NO_COLOR": "1", "COLUMNS": "2000"},
        cwd=kit.REPOSITORY,
    )
    assert watched.peak() < MOST
    said = kit.words(watched.output)
    for name, place in REFUSED.items():
        assert f"raw/{name}" in said
        assert place in said.replace(" ", "") or place in said, name
    sources = kit.ratehouse(tmp_path, "sources").stdout
    for name in ("blanks", "keys"):
        assert f"GA/{name}.json.gz" in sources
    assert sources.count("2 prices = 2 priced + 0 rejected + 0 without provider") == 2

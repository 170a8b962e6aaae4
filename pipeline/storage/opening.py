"""Opens one file with Arrow or Calamine: always this file, never a pattern, an address or a folder of files.

What belongs here: opening, for every module that opens one. What must not come in: DuckDB (`duck`, `database`), what is done
with the rows. Polars opens no file here; where it does, it has to be told glob=False and hive_partitioning=False.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

# Told nothing of a file system, Arrow takes the name of a file that is not there yet for an address.


def parquet(path: Path, **options) -> pq.ParquetFile:
    """A Parquet file; `options` are those of pyarrow.parquet.ParquetFile."""
    return pq.ParquetFile(str(Path(path).absolute()), filesystem=LocalFileSystem(), **options)


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a Parquet file."""
    return pq.read_schema(str(Path(path).absolute()), filesystem=LocalFileSystem())


def parquet_writer(path: Path, schema: pa.Schema, **options) -> pq.ParquetWriter:
    """What writes a Parquet file; `options` are those of pyarrow.parquet.ParquetWriter."""
    return pq.ParquetWriter(str(Path(path).absolute()), schema, filesystem=LocalFileSystem(), **options)


def workbook(data: bytes):
    """An Excel workbook of its bytes, as fastexcel reads it; its FastExcelError where they are none."""
    import fastexcel

    return fastexcel.read_excel(data)

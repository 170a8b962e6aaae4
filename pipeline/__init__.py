"""Ratehouse: payers' published rates and public reference data, made into a Parquet warehouse.

The package is laid out by what a newcomer looks for: `readers` turn a publisher's bytes into frames,
`transforms` turn frames into frames, `stages` are the Luigi tasks (one a table), `tables` says what each
table's columns are. Everything else is the machinery of "built, gated, published, up to date".
"""

__version__ = "0.1.0"

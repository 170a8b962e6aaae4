"""How a table is declared.

What belongs here: what a declaration says, and the register of them. What must not come in: any one table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_DUCKDB = {
    "string": "VARCHAR",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "list": "VARCHAR[]",
}

REGISTRY: dict[str, Table] = {}


@dataclass(frozen=True)
class Table:
    """One table's declaration.

    columns  name -> string | float64 | bool | int32 | int64 | list (of string)
    key      columns whose values are unique together; none where rows stand as they were read, and may be repeated
    sort     the order of rows in the file, where they are sorted; unique, so that the bytes are deterministic
    sharded  one file a month (`name_YYYY-MM.parquet`) instead of one file
    folder   where under the warehouse root the file stands
    dictionary_encode  text columns of few distinct values where rows are millions: they are sorted and written as numbers
    later    of a staged table: column -> its value in sets that were staged before the column was declared
    """

    name: str
    folder: str
    columns: dict[str, str]
    key: tuple[str, ...]
    sort: tuple[str, ...] = ()
    sharded: bool = False
    doc: str = ""
    aliases: tuple[str, ...] = field(default=())
    dictionary_encode: tuple[str, ...] = field(default=())
    later: dict[str, object] = field(default_factory=dict)

    def __post_init__(self):
        unknown = set(self.columns.values()) - set(_DUCKDB)
        assert not unknown, f"{self.name}: no such column types: {unknown}"
        for column in (*self.key, *self.sort, *self.dictionary_encode, *self.later):
            assert column in self.columns, f"{self.name}: {column} is not a column"
        if not self.sort:
            object.__setattr__(self, "sort", self.key)

    @property
    def duckdb_columns(self) -> dict[str, str]:
        """Column name -> DuckDB type."""
        return {name: _DUCKDB[kind] for name, kind in self.columns.items()}

    def arrow_schema(self):
        """The pyarrow schema: plain strings, never large ones (see `parquet`)."""
        import pyarrow as pa

        kinds = {
            "string": pa.string(),
            "float64": pa.float64(),
            "bool": pa.bool_(),
            "int32": pa.int32(),
            "int64": pa.int64(),
            "list": pa.list_(pa.string()),
        }
        return pa.schema([(name, kinds[kind]) for name, kind in self.columns.items()])

    def polars_schema(self):
        """The Polars schema, for readers that build frames."""
        import polars as pl

        kinds = {
            "string": pl.String,
            "float64": pl.Float64,
            "bool": pl.Boolean,
            "int32": pl.Int32,
            "int64": pl.Int64,
            "list": pl.List(pl.String),
        }
        return pl.Schema({name: kinds[kind] for name, kind in self.columns.items()})


def table(name: str, folder: str, columns: str, key: str, sort: str = "", **others) -> Table:
    """Declare and register a table; `others` are fields of `Table`.

    `columns` is text: names one after another, `name:type` where not string; `key`, `sort` and `dictionary_encode` are such texts too.
    """
    parsed = dict(c.split(":") if ":" in c else (c, "string") for c in columns.split())
    others["dictionary_encode"] = tuple(others.get("dictionary_encode", "").split())
    made = Table(name, folder, parsed, tuple(key.split()), tuple(sort.split()), **others)
    assert name not in REGISTRY, f"{name} is declared twice"
    REGISTRY[name] = made
    return made

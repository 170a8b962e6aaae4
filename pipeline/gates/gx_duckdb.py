"""Great Expectations over one DuckDB database: the data source that GX lacks.

What belongs here: the GX classes that this project subclasses, and the process's GX context. Importing this module
imports GX (3-5 s), so only functions of `gates.suites` and `data_docs` import it. What must not come in: suites, verdicts,
what any one table is.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; a build never uses the network
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # scipy and numpy would each start threads that nothing here uses

import duckdb
import duckdb_engine
import great_expectations as gx
import pyarrow
import sqlalchemy
from great_expectations.compatibility import pydantic
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.datasource.fluent.sql_datasource import TableAsset
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.expectations.metrics.query_metric_provider import QueryMetricProvider
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.util import get_sqlalchemy_selectable

from pipeline.storage import repeated_hashes
from pipeline.storage.prefetch import prefetch

_BATCH_ROWS, _BUFFER = 1 << 20, "16MB"
_FOUND = "hashes_that_stand_twice"


class _Reading(duckdb_engine.ConnectionWrapper):
    """A connection without transactions: in one, a query that cannot run would fail all that come after it.

    another  opens one more connection to the same database, with the same variables
    """

    def __init__(self, another: Callable[[], duckdb.DuckDBPyConnection]):
        super().__init__(another())
        self.another = another

    def begin(self) -> None:
        """Nothing to begin, commit or roll back: a check only reads."""

    commit = rollback = begin


class _Quoting(duckdb_engine.DuckDBIdentifierPreparer):
    """Quotes every name. duckdb-engine asks which words are reserved, of a database that it opens for that in each worker."""

    def __init__(self, dialect: sqlalchemy.Dialect, **settings):
        super(duckdb_engine.DuckDBIdentifierPreparer, self).__init__(dialect, **settings)

    def _requires_quotes(self, value: str) -> bool:
        return True


class Dialect(duckdb_engine.Dialect):
    """DuckDB's SQL."""

    preparer = _Quoting
    supports_statement_cache = False  # as duckdb-engine's; SQLAlchemy wants each dialect to say it


sqlalchemy.dialects.registry.register("duckdb.ratehouse", __name__, "Dialect")


class DuckdbEngine(SqlAlchemyExecutionEngine):
    """GX's SQL engine that keeps its one connection open.

    GX closes a connection before it fetches, and with it duckdb-engine drops the result.
    """

    @contextmanager
    def get_connection(self):
        """The one connection, left open."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection

    def close(self) -> None:
        """Close the connection; the database behind it is its opener's."""
        if getattr(self, "_connection", None) is not None:
            self._connection.close()
            self._connection = None
        super().close()


class DuckdbColumnTypes(TableMetricProvider):
    """The columns of the batch, asked of DuckDB itself: duckdb-engine's reflection takes 150 ms a table."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)

    @metric_value(engine=DuckdbEngine)
    def _duckdb(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        manager = execution_engine.batch_manager
        batch = manager.batch_data_cache[metric_domain_kwargs.get("batch_id") or manager.active_batch_data_id]
        rows = execution_engine.execute_query(sqlalchemy.text(f'DESCRIBE "{batch.source_table_name}"')).fetchall()
        return [{"name": name, "type": kind, "primary_key": False} for name, kind, *_ in rows]


class DuckdbUnexpectedRows(QueryMetricProvider):
    """No rows: the count decides, and `gates.suites` fetches the rows of what failed.

    GX would run the query of each UnexpectedRowsExpectation a second time, for 200 rows that it then drops.
    """

    metric_name = "unexpected_rows_query.table"
    value_keys = ("unexpected_rows_query",)

    @metric_value(engine=DuckdbEngine)
    def _duckdb(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        return []


class _CountOfColumn(MetricProvider):
    """A count of the rows of which a column's value is not as it should be."""

    domain_keys = ("batch_id", "table", "column", "row_condition", "condition_parser")

    @staticmethod
    def rows(engine: DuckdbEngine, domain: dict) -> sqlalchemy.FromClause:
        """The rows that are looked at: those of the batch for which the condition holds, if there is one."""
        return get_sqlalchemy_selectable(engine.get_domain_records(domain))


class DuckdbNull(_CountOfColumn):
    """How many rows have no value: as a filter, which a file's statistics of the column answer, if it has them.

    GX sums a CASE over every row, and of all columns in one query.
    """

    metric_name = "column_values.nonnull.unexpected_count"

    @metric_value(engine=DuckdbEngine)
    def _duckdb(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        rows = cls.rows(execution_engine, metric_domain_kwargs)
        column = sqlalchemy.column(metric_domain_kwargs["column"])
        null = sqlalchemy.select(sqlalchemy.func.count()).select_from(rows).where(column.is_(None))
        return execution_engine.execute_query(null).scalar()


class DuckdbInSet(_CountOfColumn):
    """How many rows have a value that is none of a set: each value that there is, looked at once.

    GX looks at the value of every row. Null is none that is looked at.
    """

    metric_name = "column_values.in_set.unexpected_count"
    value_keys = ("value_set",)

    @metric_value(engine=DuckdbEngine)
    def _duckdb(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        rows = cls.rows(execution_engine, metric_domain_kwargs)
        column = sqlalchemy.column(metric_domain_kwargs["column"]).label("value")
        times = sqlalchemy.func.count().label("times")
        first = sqlalchemy.literal_column("1")  # by its place: the table may have a column of either name
        values = sqlalchemy.select(column, times).select_from(rows).group_by(first).subquery()
        allowed = [value for value in metric_value_kwargs["value_set"] if value is not None]
        other = values.c.value.is_not(None) & values.c.value.not_in(allowed)
        # FILTER, not WHERE: that one DuckDB asks of every row before it groups them.
        unexpected = sqlalchemy.select(sqlalchemy.func.sum(values.c.times).filter(other))
        return int(execution_engine.execute_query(unexpected).scalar() or 0)


class DuckdbUnique(_CountOfColumn):
    """How many rows have a value that another has too: exact, and found by sorting hashes.

    GX counts each value's rows in a window over all of them. For 87 million ids that takes more memory than there is; and
    grouping their hashes takes DuckDB four times as long as this. Values that stand twice are held as hashes and counted by
    DuckDB: very many of them take memory.
    """

    metric_name = "column_values.unique.unexpected_count"

    @metric_value(engine=DuckdbEngine)
    def _duckdb(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        rows = cls.rows(execution_engine, metric_domain_kwargs)
        column = sqlalchemy.column(metric_domain_kwargs["column"])
        hashed, counted = sqlalchemy.func.hash(column), sqlalchemy.func.count()
        valued = sqlalchemy.select(hashed).select_from(rows).where(column.is_not(None))
        with (
            execution_engine.get_connection() as connection,
            connection.connection.dbapi_connection.another() as con,
        ):

            def asked(select: sqlalchemy.Select) -> duckdb.DuckDBPyRelation:
                return con.sql(str(select.compile(connection, compile_kwargs={"literal_binds": True})))

            [(count,)] = asked(valued.with_only_columns(counted)).fetchall()
            [(scratch, threads)] = con.sql(
                "SELECT current_setting('temp_directory'), current_setting('threads')"
            ).fetchall()
            con.execute(f"SET streaming_buffer_size = '{_BUFFER}'")  # DuckDB goes on while these are put aside
            batches = (batch.column(0).to_numpy().copy() for batch in asked(valued).to_arrow_reader(_BATCH_ROWS))
            with closing(prefetch(batches)) as coming:
                found = repeated_hashes.standing_twice(coming, count, Path(scratch), threads, repeated_hashes.HELD)
            if not len(found):
                return 0
            con.register(_FOUND, pyarrow.table({"hash": found}))
            alike = hashed.in_(sqlalchemy.select(sqlalchemy.column("hash")).select_from(sqlalchemy.table(_FOUND)))
            values = valued.with_only_columns(column.label("value")).where(alike).subquery()
            counts = sqlalchemy.select(counted.label("times")).select_from(values).group_by(values.c.value)
            times = counts.having(counted > 1).subquery()
            [(unexpected,)] = asked(sqlalchemy.select(sqlalchemy.func.sum(times.c.times))).fetchall()
        return int(unexpected or 0)


class DuckdbDatasource(SQLDatasource):
    """A GX data source over a DuckDB database that someone else opened."""

    type: Literal["duckdb"] = "duckdb"
    connection_string: str = "duckdb://"
    _opened: DuckdbEngine | None = pydantic.PrivateAttr(None)
    _cursor: Callable[[], duckdb.DuckDBPyConnection] | None = pydantic.PrivateAttr(None)
    _engine: sqlalchemy.Engine | None = pydantic.PrivateAttr(None)

    def prepare(self) -> None:
        """Make what serves all databases; none is opened."""
        self._engine = sqlalchemy.create_engine(
            "duckdb+ratehouse://",
            creator=lambda: _Reading(self._cursor),
            poolclass=sqlalchemy.pool.NullPool,
        )

    @property
    def execution_engine_type(self):
        """The engine above."""
        return DuckdbEngine

    def open(self, cursor: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        """Read through what `cursor` returns: one more connection to the opened database."""
        self._cursor = cursor
        self._opened = DuckdbEngine(engine=self._engine, create_temp_table=False)

    def batch(self, table: str) -> Batch:
        """A view of the opened database, whole.

        The public way, add_table_asset, writes the context's configuration as YAML into memory: a third of a check.
        """
        asset = TableAsset(name=table, table_name=table)
        asset._datasource = self
        self.assets = [asset]
        whole = BatchDefinition(name="whole")
        whole.set_data_asset(asset)
        return whole.get_batch()

    def release(self) -> None:
        """Let go of the database."""
        if self._opened is not None:
            self._opened.close()
        self._opened = self._cursor = None
        self.assets = []

    def test_connection(self, test_assets: bool = True) -> None:
        """Nothing to test: who opened the database knows that it is there."""

    def get_execution_engine(self) -> DuckdbEngine:
        """The engine over the opened database."""
        return self._opened

    def get_engine(self) -> sqlalchemy.Engine:
        """Its SQLAlchemy engine."""
        return self._opened.engine


def load_expectation(config: dict, index: int):
    """One expectation of a suite's JSON, its place in the suite kept in its meta; ValueError when it is none.

    An ExpectationSuite given JSON would log what it cannot load, and go on without it.
    """
    try:
        return ExpectationConfiguration(**{**config, "meta": {"index": index}}).to_domain_obj()
    except (TypeError, GreatExpectationsError) as problem:
        raise ValueError(str(problem)) from problem


@functools.cache
def datasource() -> DuckdbDatasource:
    """This process's data source, in a context that writes no file and sends nothing."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_duckdb(name="duckdb")
    source.prepare()
    return source

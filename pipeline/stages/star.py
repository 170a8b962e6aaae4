"""Star schemas that were brought by `ratehouse import-star`: sources beside the in-network files.

What belongs here: their tasks, and which of them a month or a dimension reads. What must not come in: reading them
(`readers.star.rows`), bringing them (`operations.import_star`).
"""

from __future__ import annotations

import os
from pathlib import Path

import luigi

from pipeline import errors, session, settings, tables
from pipeline.sources import listing, presence, star_options
from pipeline.stages import file_task, raw
from pipeline.storage import raw_hashes, stamps
from pipeline.storage.chunked_file import Written
from pipeline.storage.stamps import Stale, Stamp
from pipeline.tasks.base import TableTask
from pipeline.tasks.parameters import MonthParameter, NameParameter

luigi.namespace("ingest", scope=__name__)


class _Staged(file_task.RawFileTask):
    """A task that makes staged tables of a star schema."""

    folder = ""  # of its tables
    billing_class: str | None = None  # of facts that have none
    in_object_store = False

    @property
    def place(self) -> Path:
        """The star schema's own folder."""
        return self.warehouse.star / self.star

    @property
    def is_seen(self) -> bool:
        """Whether its files are here: those that were read, or its folder before any was."""
        return _is_seen(self.star)

    def why_not_seen(self) -> str:
        """Why they are not."""
        return _why_not_seen(self.star)

    def own_staleness(self) -> Stale | None:
        return TableTask.own_staleness(self) if self.is_seen else file_task.staleness_unseen(self)

    def build(self, why: Stale) -> Stamp:
        if not self.is_seen and self.stamp() is not None:
            raise file_task.lost_set(self, why)
        return self.build_of_unchanged(why)

    def raw_files(self) -> list[Path]:
        return [self.place / name for name in listing.files_of_star(self.star)]

    def targets(self) -> dict[str, Path]:
        return {
            name: self.warehouse.path / f"{self.label}/{name}.parquet" for name in file_task.staged_tables(self.folder)
        }

    def code_roots(self) -> tuple[str, ...]:
        return ("pipeline.readers.star.rows",)

    def other_inputs(self) -> dict[str, str]:
        return {f"raw/star/{self.star}/{name}": digest for name, digest in hashes(self.star).items()}

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline.readers.star import layout
        from pipeline.readers.star import rows as star_rows
        from pipeline.storage import duck, parquet

        made = {}
        with self.connection() as con:
            for name, query in star_rows.views(layout.look(self.place), billing_class=self.billing_class).items():
                duck.view(con, name, query)
            for name, value in {"batch_id": self.star, **self.dated(con)}.items():
                con.execute(f"SET VARIABLE {name} = {duck.literal(value)}")
            for name, draft in drafts.items():
                rows = con.sql(star_rows.select(name)).to_arrow_reader(parquet.ROW_GROUP_ROWS)
                made[name] = parquet.write(draft, tables.get(name), rows)
        return made

    def dated(self, con) -> dict[str, str]:
        """Further variables of the SELECTs: first_month and last_month, where they need them."""
        return {}


class Star(_Staged, file_task.FileTask):
    """A star schema, by its id: what it says of codes, payers, providers and places, and its verdict."""

    star = NameParameter("star schema", lambda: presence.names("star"))
    path = property(lambda self: self.star)  # as FileTask names it
    folder = "star"

    @property
    def file(self) -> Path:
        return self.place

    @property
    def label(self) -> str:
        return f"staged/star/{self.star}"

    def stamp(self) -> Stamp | None:
        return TableTask.stamp(self)

    @property
    def rows(self) -> int:
        return sum(self.months.values())

    @property
    def source_months(self) -> tuple[str, ...]:
        return tuple(self.months)

    def requires(self) -> list:
        return [raw.SourceFile(path=self.raw_name)] if self.is_seen else []

    def build(self, why: Stale) -> Stamp:
        try:
            return super().build(why)
        except errors.UnreadableSource as refused:
            presence.put_unreadable(self.raw_name, refused.fact)
            raise
        except errors.ChangedSource:
            raise  # no verdict: the next build reads it
        except errors.SourceError as broken:
            if not self.is_seen:
                raise
            former = self.stamp()  # what it gave before stays in the dimensions
            return self.verdict(
                broken, file_task.BROKEN, {"months": self.months}, former if former and former.parts else None
            )

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline.readers.star import layout

        found = hashes(self.star)
        if layout.identity({Path(name).stem: digest for name, digest in found.items()}) != self.star:
            raise errors.SourceError(
                "its files are not those that were brought",
                place=self.place,
                remedy=f"remove raw/star/{self.star}, then bring it again: ratehouse import-star DIR",
            )
        return super().produce(drafts)

    def dated(self, con) -> dict[str, str]:
        self._months = dict(
            con.sql("SELECT year_month, count(*) FROM given_facts GROUP BY ALL ORDER BY ALL").fetchall()
        )
        return {"first_month": min(self._months), "last_month": max(self._months)}

    def notes(self) -> dict:
        return {**self.origin(), "status": file_task.WHOLE, "months": self._months}

    @property
    def months(self) -> dict[str, int]:
        """Rows of facts by month, as far as it was read."""
        stamp = self.stamp()
        return stamp.notes["months"] if stamp else {}

    def problem(self) -> errors.SourceError | None:
        """What is wrong with its files as they stand; None when nothing is known."""
        stamp = self.stamp()
        if stamp is None or stamp.notes["status"] != file_task.BROKEN or self.own_staleness() is not None:
            return None
        return errors.SourceError(
            stamp.notes["reason"], place=self.warehouse.placed(stamp.notes["place"]), remedy=stamp.notes["remedy"]
        )


class StarMonth(_Staged):
    """A month of a star schema: its facts, and the provider groups that they name."""

    star = NameParameter("star schema", lambda: presence.names("star"))
    month = MonthParameter()
    folder = "star_month"

    @property
    def label(self) -> str:
        return f"staged/star/{self.star}/{self.month}"

    @property
    def shown(self) -> str:
        return f"{presence.shown('star', self.star)}:{self.month}"

    @property
    def billing_class(self) -> str | None:
        """That of its facts that have none, as `import-star` was told."""
        return star_options.billing_class(self.warehouse, self.star)

    def settings_used(self) -> dict[str, object]:
        told = self.billing_class
        return {"--billing-class of import-star": told} if told else {}

    def requires(self) -> list:
        return [Star(star=self.star)]


def hashes(star: str) -> dict[str, str]:
    """The files of a star schema that was brought, by their path in its folder, with their content hashes."""
    root = session.current()
    folder = root.star / star
    return {name: raw_hashes.content_hash(root, folder / name) for name in listing.files_of_star(star)}


def _is_seen(star: str) -> bool:
    root = session.current()
    stamp = stamps.read(root, f"staged/star/{star}")
    return presence.is_seen("star", star) and all(
        os.access(root.path / name, os.R_OK) for name in (stamp.basis.inputs if stamp else ())
    )


def _why_not_seen(star: str) -> str:
    root = session.current()
    if not presence.is_seen("star", star):
        return presence.why_not_seen("star", star)
    stamp = stamps.read(root, f"staged/star/{star}")
    return f"lacks {next(name for name in stamp.basis.inputs if not os.access(root.path / name, os.R_OK))}"


def tasks() -> list[Star]:
    """The task of every star schema, those included that are not seen any more."""
    names = {*presence.seen_files("star"), *(one.path for one in presence.recorded("star"))}
    return [Star(star=name) for name in sorted(names)]


def whole() -> list[Star]:
    """Those that are not known to be broken."""
    return [task for task in tasks() if task.status in (None, file_task.WHOLE)]


def with_rows() -> list[Star]:
    """Those that give rows of dimensions: the whole ones, and broken ones that were whole before."""
    return [task for task in tasks() if task.status in (None, file_task.WHOLE) or task.stamp().parts]


def broken(month: str | None = None) -> list[Star]:
    """Those whose files are not what was brought; those with facts of a month, when one is given."""
    return [t for t in tasks() if t.status == file_task.BROKEN and (month is None or month in t.months)]


def months() -> list[str]:
    """The months that star schemas have facts of, in order; broken ones count too, unless they are skipped."""
    skipped = {file_task.BROKEN} if settings.build().skip_broken else set()
    return sorted({month for task in tasks() if task.status not in skipped for month in task.months})


def of_month(month: str) -> list[StarMonth]:
    """The tasks that stage a month's facts and groups."""
    return [StarMonth(star=task.star, month=month) for task in whole() if month in task.months]


def shards() -> list[StarMonth]:
    """The tasks of every month of every star schema."""
    return [StarMonth(star=task.star, month=month) for task in whole() for month in task.months]


def views(*names: str, month: str | None = None) -> dict[str, list[TableTask]]:
    """Views over staged tables of star schemas: those of a month for tables that are staged by month, else of all."""
    of_all, by_month = file_task.staged_tables("star"), file_task.staged_tables("star_month")
    assert set(names) <= {*of_all, *by_month}, f"no such tables of star schemas: {names}"
    return {name: list(with_rows()) if name in of_all else list(of_month(month)) for name in names}


raw.PROBLEM_OF["star"] = lambda path: Star(star=path).problem()

"""The dimensions, one task a table.

What belongs here: what each reads. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import json

import luigi

from pipeline import naming, settings
from pipeline.stages import file_task, in_network_file, ingest, star
from pipeline.stages.from_rates import FromRates, source_rows, warning_rows
from pipeline.tasks.base import TableTask

luigi.namespace("dims", scope=__name__)

_PLAN = ("plan_name", "plan_id_type", "plan_id", "plan_market_type", "issuer_name", "plan_sponsor_name")
_OF_PLANS = ("batch_id", "year_month", "file", *_PLAN)


class _AboutFiles(TableTask):
    """A table of what stamps say of the in-network files; nothing that was staged of them is read."""

    def requires(self) -> list:
        return list(ingest.in_network())

    @staticmethod
    def _files() -> list[in_network_file.InNetworkFile]:
        """One for each path and month: a broken file is listed for the month that it is of, and not what it gave before."""
        known: dict[tuple, in_network_file.InNetworkFile] = {}
        for task in ingest.in_network():  # a path's own comes first
            known.setdefault((task.path, task.month) if task.stamp() else (task.path, task.label), task)
        return list(known.values())

    def _rows(self, task: in_network_file.InNetworkFile) -> object:
        """What the table says of a file that was read or is broken, as JSON values."""
        raise NotImplementedError

    def other_inputs(self) -> dict[str, str]:
        return {task.label: self._digest(task) for task in self._files()}

    def _digest(self, task: in_network_file.InNetworkFile) -> str:
        return naming.md5_of(json.dumps(self._rows(task), sort_keys=True)) if task.stamp() else ""

    def _upstream_staleness(self):
        from pipeline.storage.stamps import Stale

        for task in ingest.in_network():
            why = task.staleness()
            if why is not None:
                return Stale("upstream", f"{task.shown}: {why.sentence}")
        return None


class DimSourceFile(_AboutFiles):
    """One row per in-network file, broken ones included: its header, its counts, its verdict."""

    table = "dim_source_file"

    def _rows(self, task: in_network_file.InNetworkFile) -> dict:
        return task.source_row()

    def view_selects(self) -> dict[str, str]:
        return {"source_file": source_rows([task.source_row() for task in self._files()])}


class AboutPlans(_AboutFiles):
    """A table of the plans that use files: made of files' headers and of tables of contents."""

    transform = "file_plans"

    def views(self) -> dict[str, list[TableTask]]:
        return ingest.staged("staged_toc_plan", "staged_toc_file")

    def requires(self) -> list:
        return list(dict.fromkeys([*TableTask.requires(self), *super().requires()]))

    def _upstream_staleness(self):
        return super()._upstream_staleness() or TableTask._upstream_staleness(self)

    @staticmethod
    def _files() -> list[in_network_file.InNetworkFile]:
        """One for each path and month of which facts are published: of a broken file what it gave before."""
        known: dict[tuple, in_network_file.InNetworkFile] = {}
        for task in ingest.in_network():
            if (stamp := task.set_stamp()) is not None:
                known.setdefault((task.path, stamp.notes["header"].get("year_month")), task)
        return list(known.values())

    def _rows(self, task: in_network_file.InNetworkFile) -> dict:
        row = task.set_row()
        key = naming.listed_file_key(task.path.rpartition("/")[2])
        return {**{name: row[name] for name in _OF_PLANS}, "file_key": key}

    def view_selects(self) -> dict[str, str]:
        return {**super().view_selects(), "listed_file": listed_files([self._rows(task) for task in self._files()])}


class DimPlan(AboutPlans):
    """The plans that use a file."""

    table = "dim_plan"

    def select(self, con) -> str:
        from pipeline.transforms import file_plans

        return file_plans.plans(con)


class SourceWarning(_AboutFiles):
    """What a person should know of each in-network file, a row for each kind of issue. No input of any other table."""

    table = "source_warning"

    def _rows(self, task: in_network_file.InNetworkFile) -> list[dict]:
        return task.warning_rows()

    def view_selects(self) -> dict[str, str]:
        return {"listed_warning": warning_rows([row for task in self._files() for row in task.warning_rows()])}


class DimCode(FromRates):
    """What a billing code is called."""

    table = "dim_code"
    staged = ("staged_code",)
    stars = ("star_code",)


class DimCodeCatHistory(TableTask):
    """The category of a HCPCS code, with its dates."""

    table = "dim_code_cat_history"

    def views(self) -> dict[str, list[TableTask]]:
        return {**ingest.staged("staged_category", "staged_category_label"), **star.views("star_code_cat")}

    def settings_used(self) -> dict[str, object]:
        return {"[codes] category_source": settings.codes().category_source}

    def variables(self) -> dict[str, object]:
        return {**super().variables(), "category_source": settings.codes().category_source}


class DimCodeCat(TableTask):
    """The latest category of a HCPCS code."""

    table = "dim_code_cat"

    def views(self) -> dict[str, list[TableTask]]:
        return {"dim_code_cat_history": [DimCodeCatHistory()]}


class DimPayer(FromRates):
    """Who publishes."""

    table = "dim_payer"
    stars = ("star_payer",)

    def _upstream_staleness(self):
        return _headers_stale(self)


class DimPayerBridge(FromRates):
    """A payer's name as published, and its slug."""

    table = "dim_payer_bridge"
    stars = ("star_payer",)

    def _upstream_staleness(self):
        return _headers_stale(self)


class DimProviderGroup(FromRates):
    """The provider groups that a month's files name."""

    table = "dim_provider_group"
    staged = ("staged_group",)
    stars = ("star_group",)


class DimPosSet(FromRates):
    """The sets of places of service that rates are for."""

    table = "dim_pos_set"
    staged = ("staged_pos_set",)
    stars = ("star_pos_set",)


class DimPos(TableTask):
    """The kind of each place of service."""

    table = "dim_pos"

    def views(self) -> dict[str, list[TableTask]]:
        return ingest.staged("staged_pos_code")


class DimTin(FromRates):
    """Who bills."""

    table = "dim_tin"
    staged = ("staged_tin", "staged_member")
    stars = ("star_tin",)


class DimNpi(FromRates):
    """Every provider that a group names, as the registry knows it."""

    table = "dim_npi"
    staged = ("staged_member",)
    also = ("staged_nppes", "staged_taxonomy")
    stars = ("star_npi",)


class DimNpiAddress(TableTask):
    """Those providers' addresses."""

    table = "dim_npi_address"

    def views(self) -> dict[str, list[TableTask]]:
        staged = ingest.staged(*file_task.staged_tables("nppes"))
        return {"dim_npi": [DimNpi()], **staged, **star.views("star_npi_address")}


class DimNpiAddressGeolocation(TableTask):
    """Where those addresses are."""

    table = "dim_npi_address_geolocation"

    def views(self) -> dict[str, list[TableTask]]:
        staged = ingest.staged(*file_task.staged_tables("geo"))
        return {"dim_npi_address": [DimNpiAddress()], **staged, **star.views("star_npi_address_geolocation")}


def _headers_stale(task: FromRates):
    """Staleness of a table that reads files by their headers, and so has no staged view of theirs to ask."""
    from pipeline.storage.stamps import Stale

    for file in [*task.files(), *star.with_rows()]:
        why = file.staleness()
        if why is not None:
            return Stale("upstream", f"{file.shown}: {why.sentence}")
    return None


def listed_files(rows: list[dict]) -> str:
    """Rows of in-network files, with what tables of contents may call them and the plan of their header, as a SELECT."""
    from pipeline.storage import duck

    columns = (*_OF_PLANS, "file_key")
    if not rows:
        return "SELECT " + ", ".join(f"CAST(NULL AS VARCHAR) AS {c}" for c in columns) + " WHERE FALSE"
    values = ", ".join("(" + ", ".join(duck.literal(row[c]) for c in columns) + ")" for row in rows)
    casts = ", ".join(f"CAST({c} AS VARCHAR) AS {c}" for c in columns)
    return f"SELECT {casts} FROM (VALUES {values}) AS listed({', '.join(columns)})"


KINDS = (
    DimSourceFile,
    DimPlan,
    SourceWarning,
    DimCode,
    DimCodeCatHistory,
    DimCodeCat,
    DimPayer,
    DimPayerBridge,
    DimPosSet,
    DimPos,
    DimTin,
    DimNpi,
    DimNpiAddress,
    DimNpiAddressGeolocation,
    DimProviderGroup,
)

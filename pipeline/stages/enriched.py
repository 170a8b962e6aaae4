"""The tasks that plan and write the leaves of a month: one Parquet file for each business partition.

What belongs here: the tasks that plan, write and account for them, and what these remember of leaves (`leaves.manifest`). What must
not come in: the rows (`stages.enriched_rows`), the plan itself (`transforms`), how a file is published (`targets`).
"""

from __future__ import annotations

import bisect
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import luigi

from pipeline import errors, naming, session, settings
from pipeline.leaves import manifest, writing
from pipeline.stages.enriched_rows import EnrichedRows
from pipeline.storage import journal, stamps, targets
from pipeline.storage.prefetch import prefetch
from pipeline.storage.stamps import Stale, Stamp
from pipeline.tasks.at_work import at_work
from pipeline.tasks.base import TableTask, clear_caches
from pipeline.tasks.parameters import KeyParameter, MonthParameter, PartitionParameter, RootParameter

luigi.namespace("enriched", scope=__name__)


class LeafPlan(TableTask):
    """Which rows of a month make which leaf, which leaves are withheld, and which are written together."""

    priority = 1  # for leaves, most of a build, wait for it, and what it needs
    table = "leaf_plan"
    transform = "leaf_plan"
    in_object_store = False

    def views(self) -> dict[str, list[TableTask]]:
        return {"fact_rate_enriched": [EnrichedRows(month=self.month)]}

    def withheld(self) -> dict[str, str]:
        """Partition -> reason, as the gate found."""
        stamp = EnrichedRows(month=self.month).stamp()
        return stamp.notes["withheld"] if stamp else {}

    def other_inputs(self) -> dict[str, str]:
        return {"the gate's withheld leaves": naming.md5_of(json.dumps(self.withheld(), sort_keys=True))}

    def settings_used(self) -> dict[str, object]:
        part = settings.partitioning()
        return {
            "[partitioning] keys": list(part.key_list()),
            "[partitioning] group_rows": part.group_rows,
            "[partitioning] leaf_compression": part.leaf_compression,
        }

    def pieces(self) -> list[targets.PublishedFile]:
        """The files of the joined rows."""
        return manifest.joined(self.warehouse, self.month)

    def view_selects(self) -> dict[str, str]:
        from pipeline.storage import duck

        placed, first = [], 0
        for part in self.pieces():
            source = duck.parquet_files(self.warehouse.path / part.path, numbered=True)
            placed.append(f"SELECT * EXCLUDE (file_row_number), file_row_number + {first} AS row_number FROM {source}")
            first += part.rows
        return {"fact_rate_enriched": " UNION ALL ".join(placed)}

    def select(self, con) -> str:
        from pipeline.storage import parquet_reading
        from pipeline.transforms import leaf_plan

        con.execute("CREATE TEMP TABLE withheld (partition VARCHAR, reason VARCHAR)")
        rows = list(self.withheld().items())
        if rows:
            con.executemany("INSERT INTO withheld VALUES (?, ?)", rows)
        part = settings.partitioning()
        joined = parquet_reading.Pieces([(self.warehouse.path / one.path, one.rows) for one in self.pieces()])

        def between(first: int, behind: int) -> Iterator:
            with closing(prefetch(joined.between(first, behind))) as coming:
                yield from coming

        return leaf_plan.build(con, part.key_list(), part.group_rows, between, part.leaf_compression, self._known())

    def _known(self) -> dict[tuple[int, int], str]:
        """(first row, the one behind) -> digest, of the leaves that lie in one piece, the same as when last planned."""
        former, now = self.stamp(), self.basis()
        if former is None or (former.basis.code, former.basis.settings) != (now.code, now.settings):
            return {}
        if self.file_problem(former):
            return {}
        places, first = {}, 0
        for digest, rows in former.notes.get("pieces", ()):
            places[digest] = first, first + rows
            first += rows
        former_plan = sorted(
            (one.first_row, one.rows, one.digest) for one in manifest.plan(self.warehouse, self.month).leaves
        )
        starts = [one[0] for one in former_plan]
        known, first = {}, 0
        for part in self.pieces():
            if part.digest in places:
                began, ended = places[part.digest]
                moved = first - began
                for start, rows, digest in former_plan[
                    bisect.bisect_left(starts, began) : bisect.bisect_left(starts, ended)
                ]:
                    if start + rows <= ended:
                        known[start + moved, start + rows + moved] = digest
            first += part.rows
        return known

    def notes(self) -> dict:
        return {"pieces": [[part.digest, part.rows] for part in self.pieces()]}


class EnrichedGroup(luigi.Task):
    """A run of leaves of a month that are written together, named after the first."""

    root = RootParameter(positional=False)
    month = MonthParameter()
    first = PartitionParameter()

    def output(self) -> luigi.LocalTarget:
        """Its manifest."""
        return luigi.LocalTarget(str(manifest.group_manifest(session.current(), self.month, self.first)))

    def complete(self) -> bool:
        """Whether every leaf of it stands as the plan has it."""
        return not manifest.stale_leaves(session.current(), self.month, self.first)

    def run(self) -> None:
        """Write the leaves that are not as planned."""
        with at_work(session.current()):
            writing.build_group(session.current(), self.month, self.first)

    def on_failure(self, exception: BaseException) -> str:
        return writing.failed(session.current(), self, exception)


class EnrichedMonth(TableTask):
    """A month's leaves, all of them: compiles the manifests of its groups."""

    table = "fact_rate_enriched"
    in_object_store = False

    @property
    def priority(self) -> int:
        """The leaves of months that stand are looked at while something is built."""
        return -1 if self.stamp() else 0

    @property
    def label(self) -> str:
        return f"gold/fact_rate_enriched/year_month={self.month}"

    def targets(self) -> dict[str, Path]:
        return {}

    def output(self) -> list[luigi.LocalTarget]:
        return [luigi.LocalTarget(str(manifest.manifest(self.warehouse, self.month)))]

    def views(self) -> dict[str, list[TableTask]]:
        return {"leaf_plan": [LeafPlan(month=self.month)]}

    def code_roots(self) -> tuple[str, ...]:
        return ("pipeline.transforms.leaf_plan",)

    def own_staleness(self) -> Stale | None:
        stamp = self.stamp()
        changed = stamps.compare(stamp, self.basis()) if stamp else None
        return changed or super().own_staleness()  # a changed plan, before 100,000 files are looked at

    def gate_staleness(self, stamp: Stamp) -> Stale | None:
        return None  # its rows passed the gate before they were cut

    def skip_if_current(self) -> bool:
        if super().skip_if_current():
            return True
        # Worker's processes that follow ask for both, each of them: they inherit what is read here.
        manifest.plan(self.warehouse, self.month)
        manifest.records(manifest.manifest(self.warehouse, self.month))
        return False

    def file_problem(self, stamp: Stamp) -> str | None:
        return manifest.problem(self.warehouse, self.month, stamp.notes["manifest"])

    def run(self):
        """Have every group that owes a leaf written, then compile."""
        why = self.own_staleness()
        if why is None:
            clear_caches()  # what was looked up before its inputs were built
            self.journal("unchanged")
            return
        stale = [
            EnrichedGroup(month=self.month, first=first) for first in manifest.stale_groups(self.warehouse, self.month)
        ]
        if stale:
            yield stale
        self.journal("start", why=why.sentence)
        with at_work(self.warehouse):
            basis = self.basis()
            notes = writing.compile_month(self.warehouse, self.month)
            stamps.write(self.warehouse, self.label, Stamp(basis, {}, {}, notes))
        clear_caches()
        self.journal(
            "done", seconds=0, why=why.sentence, rows=notes["rows"], files=notes["leaves"], gates=0, warnings=0
        )

    def refresh(self) -> None:
        """Compile the month after one of its leaves was written alone; it counts as built only when it owes no other."""
        if not LeafPlan(month=self.month).complete():
            return
        former, basis = self.stamp(), self.basis()
        if manifest.stale_groups(self.warehouse, self.month):
            if former is None:
                return
            basis = former.basis
        notes = writing.compile_month(self.warehouse, self.month)
        stamps.write(self.warehouse, self.label, Stamp(basis, {}, {}, notes))
        clear_caches()


class Partition(luigi.Task):
    """One leaf. It is run when its rows were withheld, to show why, and by `rerun`, to bring it in."""

    root = RootParameter(positional=False)
    month = MonthParameter()
    payer_slug = KeyParameter(default="")
    state = KeyParameter(default="")
    billing_class = KeyParameter(default="")
    procedure_set = KeyParameter(default="")
    procedure_class = KeyParameter(default="")
    primary_taxonomy_code = KeyParameter(default="")
    stat_area_name = KeyParameter(default="")

    @classmethod
    def named(cls, month: str, name: str) -> Partition:
        """The task of a partition as it is printed; values stand in the parameters as in the folder."""
        values = dict(piece.split("=", 1) for piece in name.split("/"))
        return cls(month=month, **values)

    @property
    def name(self) -> str:
        """The partition as it is printed."""
        return "/".join(f"{k}={getattr(self, k)}" for k in settings.partitioning().key_list())

    def requires(self) -> list:
        return [LeafPlan(month=self.month)]

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(session.current().leaf(self.name, self.month)))

    def complete(self) -> bool:
        """Whether the leaf stands as the plan has it, and the plan is up to date."""
        return LeafPlan(month=self.month).complete() and manifest.leaf_is_current(
            session.current(), self.month, self.name
        )

    def run(self) -> None:
        """Write the leaf, or say why it is withheld."""
        with at_work(session.current()):
            try:
                writing.build_leaf(session.current(), self.month, self.name)
            except errors.WithheldPartition:
                self._refresh_if_alone()
                raise
            self._refresh_if_alone()

    def _refresh_if_alone(self) -> None:
        """Compile the month where `luigi` runs the leaf alone; a build does so itself, once for all leaves."""
        if journal.BUILD not in os.environ:
            EnrichedMonth(month=self.month).refresh()

    def on_failure(self, exception: BaseException) -> str:
        return writing.failed(session.current(), self, exception)


KINDS = (EnrichedMonth,)

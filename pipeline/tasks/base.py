"""The base of every task that builds a table: build -> gate -> publish -> stamp, and when that is owed.

What belongs here: the one way in which anything gets built. A task answers what it is (`label`, `table`), what it
reads (`views`), which code and settings shape it, and how rows are made (`transform` or `produce`); this module
does the rest. What must not come in: any one table's meaning.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import shlex
import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import luigi

from pipeline import errors, naming, paths, session, signals, source_names, tables
from pipeline.paths import Root
from pipeline.storage import journal, staged_views, stamps, targets
from pipeline.storage.chunked_file import Written
from pipeline.storage.stamps import BuildInputs, Stale, Stamp
from pipeline.tasks import code_version, gating, limits
from pipeline.tasks.at_work import at_work
from pipeline.tasks.parameters import MonthParameter, RootParameter

# Modules whose rules shape every Parquet file's bytes, whatever the transform.
WRITERS = ("pipeline.storage.parquet", "pipeline.storage.duck")

# Called with a task that `luigi` runs alone, before it is built: the stages look again at what a build would have told them.
BEFORE_A_TASK_ALONE: list[Callable[[TableTask], None]] = []

_memo: dict[str, Stale | None] = {}
_memo_pid = os.getpid()


def clear_caches() -> None:
    """Look at everything again: what was stale may have been built by another process."""
    _memo.clear()


_UNFULFILLED = "Unfulfilled depend"  # Luigi, of a task whose inputs were built and are stale again


class TableTask(luigi.Task):
    """One table's file, or the set of staged tables of one source.

    A task whose `table` is declared sharded is of one month: it has the parameter `month`.
    """

    root = RootParameter(positional=False)

    table: str = ""  # the declared table that it makes, for tasks that make one
    transform: str = ""  # `x.sql` under transforms/sql, or a module of pipeline.transforms with build(con) -> SELECT
    in_object_store = True  # stands among the objects too, for the catalog
    hashed_while_read = (
        False  # whether `final_inputs` knows the hashes of what was read, so that they need not come first
    )
    use_all_cores = False  # runs alone more often than not, so DuckDB takes every core for it

    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        declared = tables.load().get(cls.table)
        if declared is not None and declared.sharded and not hasattr(cls, "month"):
            cls.month = MonthParameter()
            cls.month.__set_name__(cls, "month")  # Python does so itself only of what a class is written with

    # ---- what a subclass says -------------------------------------------------------------------------------

    @property
    def warehouse(self) -> Root:
        """Where this task's files stand."""
        return session.current()

    @property
    def label(self) -> str:
        """Its name in stamps and sentences: its path under the root, without the ending."""
        return self.warehouse.relative(self.target()).removesuffix(".parquet")

    @property
    def shown(self) -> str:
        """Its name as a person reads it in sentences."""
        return self.label

    @property
    def input_name(self) -> str:
        """Its name among the inputs of what reads it."""
        return self.label

    @property
    def month_or_none(self) -> str | None:
        """The month of a sharded table."""
        return getattr(self, "month", None)

    def target(self) -> Path:
        """The file of a task that makes one table."""
        return self.warehouse.table(self.table, self.month_or_none)

    def targets(self) -> dict[str, Path]:
        """Table name -> file."""
        return {self.table: self.target()}

    @property
    def published(self) -> tuple[str, ...]:
        """The tables that the catalog lists of it."""
        return (self.table,)

    def place_of(self, part: str) -> Path:
        """The file of a part that `produce` made."""
        return self.targets()[part]

    def clear_places(self, parts: Iterable[str] = ()) -> None:
        """Remove its files but those of `parts`: a table that stands in several may have had more of them."""

    def views(self) -> dict[str, list[TableTask]]:
        """Table name -> the tasks whose files, together, the transform sees under that name."""
        return {}

    def gate_views(self) -> dict[str, list[TableTask]]:
        """What the suite sees beside the draft and `views`: scheduled before, but no input of the bytes."""
        return {}

    def waits_for(self, task: TableTask) -> bool:
        """Whether it is built only once that input is up to date; else it takes what is published of it."""
        return True

    def settings_used(self) -> dict[str, object]:
        """Settings that shape the bytes, by their name in luigi.cfg; JSON values."""
        return {}

    def variables(self) -> dict[str, object]:
        """What the transform and the suite read with getvariable()."""
        return {"year_month": self.month_or_none}

    def code_roots(self) -> tuple[str, ...]:
        """The modules and SQL files that make the rows; what they reach counts too."""
        name = self.transform or f"{self.table}.sql"
        return (name,) if name.endswith(".sql") else (f"pipeline.transforms.{name}",)

    def other_inputs(self) -> dict[str, str]:
        """Inputs that are no tables: name -> digest."""
        return {}

    def final_inputs(self, basis: BuildInputs) -> BuildInputs:
        """The basis for the stamp, with the inputs that only `produce` came to know of."""
        return basis

    def blocked(self) -> errors.RatehouseError | None:
        """Why it must not be built now, if so."""
        return None

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        """Write each table's draft; returns what was written, by part. The default runs the transform in DuckDB.

        A table in several files puts the drafts of the further ones into `drafts`, by their part's name.
        """
        from pipeline.storage import duck, parquet

        declared = tables.get(self.table)
        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            select = self.select(con)
            columns = ", ".join(
                f"CAST({duck.identifier(c)} AS {kind}) AS {duck.identifier(c)}"
                for c, kind in declared.duckdb_columns.items()
            )
            order = ", ".join(f"{duck.identifier(c)} NULLS FIRST" for c in declared.sort)
            rows = con.sql(f"SELECT {columns} FROM ({select}) ORDER BY {order}").to_arrow_reader(parquet.ROW_GROUP_ROWS)
            written = parquet.write(drafts[self.table], declared, rows)
        return {self.table: written}

    def select(self, con) -> str:
        """The SELECT that makes the rows."""
        from pipeline.storage import duck

        name = self.transform or f"{self.table}.sql"
        if name.endswith(".sql"):
            return duck.sql(name)
        return importlib.import_module(f"pipeline.transforms.{name}").build(con)

    def before_publishing(self) -> None:
        """Called when a draft passed its gate, before it takes the place of what was published."""

    def collect_stats(self, drafts: dict[str, Path], con) -> None:
        """Learn from the drafts what `notes` says of them, while the gate checks them in another thread; `con` is a connection
        to the gate's database, without the task's variables."""

    def notes(self) -> dict:
        """What the stamp keeps beside the parts; called after `collect_stats`."""
        return {}

    # ---- Luigi's questions ----------------------------------------------------------------------------------

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Its parameters; Luigi looks through the whole class for them each time that it asks, ten times a task."""
        return super().get_params()

    def requires(self) -> list[TableTask]:
        """Every task whose files it reads, once."""
        wanted = [*self.views().values(), *self.gate_views().values()]
        return list(dict.fromkeys(task for group in wanted for task in group if self.waits_for(task)))

    def output(self) -> list[luigi.LocalTarget]:
        """Its files."""
        return [luigi.LocalTarget(str(path)) for path in self.targets().values()]

    def complete(self) -> bool:
        """Whether its files exist, whole, and were built from what its inputs are now."""
        return self.staleness() is None

    # ---- up to date or not ----------------------------------------------------------------------------------

    def stamp(self) -> Stamp | None:
        """Its stamp, if it was ever built."""
        return stamps.read(self.warehouse, self.label)

    def staleness(self) -> Stale | None:
        """Why it is not up to date, looking up the stream too; remembered within the process."""
        global _memo_pid
        if _memo_pid != os.getpid():
            clear_caches()
            _memo_pid = os.getpid()
        if self.task_id not in _memo:
            _memo[self.task_id] = self._upstream_staleness() or self.own_staleness()
        return _memo[self.task_id]

    def _upstream_staleness(self) -> Stale | None:
        blocked = self.blocked()
        if blocked is not None:
            return Stale("blocked", str(blocked))
        for group in self.views().values():
            for task in filter(self.waits_for, group):
                why = task.staleness()
                if why is not None:
                    first = why.sentence.partition("\n")[0]  # a remedy is the blocked task's own to give
                    deepest = first if why.kind == "upstream" else f"{task.shown}: {first}"
                    return Stale("upstream", deepest)
        return None

    def own_staleness(self) -> Stale | None:
        """Why it is not up to date, supposing that its inputs are."""
        stamp = self.stamp()
        if stamp is None:
            if other := stamps.other_version(self.warehouse, self.label):
                return Stale("earlier", f"it was built by {other}")
            there = [p for p in self.targets().values() if p.exists()]
            return Stale("unbuilt", "it has no stamp" if there else "it was never built")
        problem = self.file_problem(stamp)
        if problem:
            return Stale("file", problem)
        changed = stamps.compare(stamp, self.basis(), _shown_input) or self.gate_staleness(stamp)
        if changed and stamp.earlier and changed.kind in ("input", "code", "setting", "suite"):
            return Stale("earlier", "it was built by an earlier version of ratehouse")
        return changed

    def file_problem(self, stamp: Stamp) -> str | None:
        """What is wrong with its files, by size and time."""
        for part in stamp.parts.values():
            found = part.problem(self.warehouse)
            if found is None and self.in_object_store:
                found = targets.object_problem(self.warehouse, part.digest, part.bytes)
            if found:
                return found
        return None

    def gate_staleness(self, stamp: Stamp) -> Stale | None:
        """Whether its suites changed since they passed it, or it failed them."""
        from pipeline.gates import suites

        for name in dict.fromkeys(map(stamps.table_of, stamp.parts)):
            if suites.suite_hash(gating.suite_path(name)) != stamp.gates.get(name, {}).get("suite_hash"):
                return Stale("suite", f"expectations/{name}.json changed: it will be checked again, not built again")
        if stamp.failed_gate:
            return Stale("gate", f"it fails expectations/{stamp.failed_gate}.json: {gating.first_failure(stamp)}")
        return None

    def basis(self) -> BuildInputs:
        """What it rests on, now. An input that does not exist yet counts as '' (its task will be asked to build it)."""
        inputs = {
            f"{task.input_name}:{name}": digest
            for name, group in self.views().items()
            for task in group
            if (digest := task.digest_of(name)) is not None
        }
        inputs.update(self.other_inputs())
        schemas = {f"schema of {n}": _schema(n) for n in (*self.views(), *self.targets())}
        code = code_version.versions(*self.code_roots(), *WRITERS)
        return BuildInputs(inputs, code, {**self.settings_used(), **schemas})

    def digest_of(self, table: str) -> str | None:
        """The digest of one of its tables; None when it makes no such table (a broken source makes none)."""
        stamp = self.stamp()
        if stamp is None:
            return ""
        found = [part.digest for part in stamp.parts_of(table)]
        return naming.md5_of(" ".join(found)) if len(found) > 1 else found[0] if found else None

    def files_of(self, table: str) -> list[Path]:
        """The files of one of its tables, in their order; none when it made none."""
        stamp = self.stamp()
        return [self.warehouse.path / part.path for part in stamp.parts_of(table)] if stamp else []

    def columns_of(self, table: str) -> staged_views.Columns:
        """Column -> kind of the files of one of its tables, as they were written; None where that is not known."""
        stamp = self.stamp()
        schema = stamp.basis.settings.get(f"schema of {table}") if stamp else None
        return staged_views.columns_of(schema) if schema else None

    def scan_of(self, table: str) -> str:
        """A SELECT over the files of one of its tables."""
        return staged_views.scan(tables.get(table), [(path, self.columns_of(table)) for path in self.files_of(table)])

    def file_of(self, table: str) -> Path | None:
        """The file of one of its tables that stands in one; None when it made none."""
        return next(iter(self.files_of(table)), None)

    def skip_if_current(self) -> bool:
        """Whether, now that its inputs are built, nothing is owed: then it is put on record as unchanged, and not run.

        Luigi's worker asks it in the parent (`tasks.worker`), where a process would only find out the same.
        """
        if self.stamp() is None or self.blocked() is not None or self.own_staleness() is not None:
            return False
        _memo.pop(self.task_id, None)  # what was looked up before its inputs were built
        self.journal("unchanged")
        return True

    # ---- doing it -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Bring it up to date: build, check again, or find that nothing that it uses changed."""
        with at_work(self.warehouse):
            self._run()

    def _run(self) -> None:
        forget_stamps_of_others()
        if journal.BUILD not in os.environ:
            self._look_for_itself()
        started = time.monotonic()
        blocked = self.blocked()
        if blocked is not None:
            raise blocked
        why = self.own_staleness()
        _memo.pop(self.task_id, None)  # what was looked up before its inputs were built
        if why is None:
            self.journal("unchanged")
            return
        self.journal("start", why=why.sentence)
        if why.kind in ("suite", "gate"):
            stamp = self.check_again()
        else:
            with limits.within_memory(self.shown):
                stamp = self.build(why)
        _memo.pop(self.task_id, None)
        self.journal("done", seconds=round(time.monotonic() - started, 3), why=why.sentence, **self._summary(stamp))

    def _look_for_itself(self) -> None:
        """Do what a build does between reading and making tables, where `luigi` runs the task alone.

        UsageError when no source has its month.
        """
        clear_caches()
        for look in BEFORE_A_TASK_ALONE:
            look(self)

    def build(self, why: Stale) -> Stamp:
        """Produce, gate, publish, stamp."""
        former = self.stamp()
        basis = None if self.hashed_while_read else self.basis()
        with self.scratch() as folder:
            drafts = {name: folder / f"{name}.parquet" for name in self.targets()}
            with targets.translate_os_errors(folder):
                made = self.produce(drafts)
            basis = basis or self.basis()
            old = former.parts if former else {}
            new = [name for name, one in made.items() if name not in old or old[name].digest != one.digest]
            # The gate leaves a core idle at times, and the disk for all of its time.
            with (
                self.connection() as con,
                closing(con.cursor()) as other,
                ThreadPoolExecutor(2, thread_name_prefix="beside") as beside,
            ):
                looked = beside.submit(self.collect_stats, drafts, other)
                synced = [beside.submit(targets.fsync, drafts[name]) for name in new if self.use_all_cores]
                try:
                    verdicts = self.gate(gating.by_table({name: drafts[name] for name in made}), con)
                finally:  # of both failures, ours is told before the source's
                    looked.result()
            parts = {}
            with targets.translate_os_errors(folder):
                for one in synced:
                    one.result()
            self.before_publishing()
            for name, one in made.items():
                place = self.place_of(name)
                parts[name] = targets.publish(
                    self.warehouse,
                    drafts[name],
                    place,
                    one,
                    former=old.get(name),
                    in_object_store=self.in_object_store,
                )
            self.clear_places(parts)
            stamp = Stamp(self.final_inputs(basis), parts, verdicts, self.notes())
            stamps.write(self.warehouse, self.label, stamp)
        return stamp

    def check_again(self) -> Stamp:
        """Check published files against suites that changed; a file that now fails stays, marked failed."""
        stamp = self.stamp()
        try:
            files = {name: self.warehouse.path / part.path for name, part in sorted(stamp.parts.items())}
            with self.connection() as con:
                gates = self.gate(gating.by_table(files), con)
        except errors.GateError as failed:
            stamps.write(self.warehouse, self.label, Stamp(stamp.basis, stamp.parts, failed.verdicts, stamp.notes))
            raise
        stamp = Stamp(stamp.basis, stamp.parts, gates, stamp.notes)
        stamps.write(self.warehouse, self.label, stamp)
        return stamp

    def gate(self, files: dict[str, list[Path]], con) -> dict[str, dict]:
        """Check tables, each in its files, against their suites, in the database of `con`; returns suite -> verdict, raises
        GateError when a critical one fails."""
        from pipeline.gates import suites
        from pipeline.storage import duck

        verdicts: dict[str, dict] = {}
        failed = []
        others = {**self.view_selects(), **selects(self.gate_views())}
        for name, places in files.items():
            verdict = suites.check(
                gating.suite_path(name),
                con,
                views={**others, name: duck.scan(tables.get(name), places)},
                variables={k: v for k, v in self.variables().items() if v is not None},
                label=self.shown,
            )
            self.save_gate_result(name, verdict)
            verdicts[name] = verdict.to_dict()
            if not verdict.passed:
                failed.append(verdict)
        if failed:
            error = errors.GateError(
                "fails " + "; ".join(gating.failures_in_words(v) for v in failed),
                place=self.shown,
                remedy="mend the source (or the suite), then: ratehouse build  "
                f"(see: ratehouse why {shlex.quote(self.shown)})",
            )
            error.verdicts = verdicts
            raise error
        return verdicts

    def save_gate_result(self, suite: str, verdict) -> None:
        """Keep the validation result for Data Docs."""
        path = self.warehouse.gate_result(self.label, suite)
        targets.write_text(self.warehouse, path, json.dumps(verdict.result, sort_keys=True))

    def view_selects(self) -> dict[str, str]:
        """View name -> SELECT over the files behind it."""
        return selects(self.views())

    @contextmanager
    def connection(self, *, shared_by: int = 1) -> Iterator:
        """A bounded DuckDB connection with the task's variables set; so many at a time share the task's memory."""
        from pipeline.storage import duck

        con = duck.connect(limits.memory(shared_by), limits.threads(self.use_all_cores), self.warehouse.scratch)
        try:
            for name, value in self.variables().items():
                con.execute(f"SET VARIABLE {duck.identifier(name)} = {duck.literal(value)}")
            yield con
        finally:
            con.close()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for drafts, gone afterwards."""
        with targets.translate_os_errors(self.warehouse.scratch):
            folder = paths.make_folder(self.warehouse.scratch / f"{self.label.replace('/', '.')[-150:]}-{os.getpid()}")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def journal(self, event: str, **values) -> None:
        """Put an event of this task on record."""
        journal.write(
            self.warehouse.journal,
            event,
            task=self.get_task_family(),
            label=self.shown,
            **({"month": self.month_or_none} if self.month_or_none else {}),
            **values,
        )

    def on_failure(self, exception: BaseException) -> str:
        """What the dashboard and the journal say of a failure: our own errors in words, others with their trace."""
        signals.check()
        _memo.pop(self.task_id, None)
        if isinstance(exception, RuntimeError) and str(exception).startswith(_UNFULFILLED):
            exception = errors.ChangedInputs(self.shown)
        known = isinstance(exception, errors.RatehouseError)
        text = str(exception) if known else "".join(traceback.format_exception(exception))
        self.journal("failed", error=text, kind=type(exception).__name__, known=known)
        return exception.on_dashboard() if known else text

    def _summary(self, stamp: Stamp) -> dict:
        warnings = sum(f["severity"] != "critical" for g in stamp.gates.values() for f in g["failures"])
        return {
            "rows": sum(p.rows for p in stamp.parts_of(self.table) or stamp.parts.values()),
            "files": len(stamp.parts),
            "gates": len(stamp.gates),
            "gate_seconds": round(sum(g.get("seconds", 0) for g in stamp.gates.values()), 3),
            "warnings": warnings,
        }


def for_months(kinds: Iterable[type[TableTask]], months: list[str]) -> list[TableTask]:
    """A task of each kind, those of sharded tables for each month: the others first, then month by month."""
    kinds = list(kinds)
    whole = [kind() for kind in kinds if not tables.get(kind.table).sharded]
    return whole + [kind(month=month) for month in months for kind in kinds if tables.get(kind.table).sharded]


def forget_stamps_of_others() -> None:
    """Read raw hashes again: another worker may have added to them."""
    from pipeline.storage import raw_hashes

    raw_hashes.clear_caches()


def selects(views: dict[str, Iterable[TableTask]]) -> dict[str, str]:
    """View name -> SELECT over the published files of those tasks."""
    return {
        name: staged_views.scan(
            tables.get(name), [(path, task.columns_of(name)) for task in group for path in task.files_of(name)]
        )
        for name, group in views.items()
    }


def _shown_input(name: str) -> str:
    """An input as a person reads it: what is named by a source's id, with the raw file's name."""
    if name.startswith("declarations/"):
        return f"raw/{name}"
    if not name.startswith("staged/"):
        return name
    from pipeline.sources import presence

    return source_names.replace_labels(name, presence.shown_label)


def _schema(name: str) -> str:
    declared = tables.get(name)
    columns = " ".join(f"{c}:{k}" for c, k in declared.columns.items())
    return " | ".join((columns, " ".join(declared.sort), *filter(None, [" ".join(declared.dictionary_encode)])))

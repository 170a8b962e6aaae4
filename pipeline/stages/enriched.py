"""The enriched rows: joined once a month, cut into leaves, one Parquet file for each business partition.

What belongs here: the tasks of that stage and what they remember of leaves (`leaves`). What must not come in: the
join and the plan themselves (`transforms`), how a file is published (`targets`).
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import luigi

from pipeline import errors, leaf_writing, leaves, naming, partition, paths, settings, stamps, tables, targets
from pipeline.lookahead import ahead
from pipeline.stages import bench, dims, ingest, xrefs
from pipeline.stages.facts import FactRate
from pipeline.stamps import Basis, Stale, Stamp
from pipeline.task import RootParameter, TableTask, at_work, forget, suite_path
from pipeline.writing import Written

luigi.namespace("enriched", scope=__name__)

# dim table -> (key set of the month, its columns): the rows of the dimension that a month's keys use.
USED = {
    "dim_code": ("code", ("code_type", "code")),
    "dim_code_cat_history": ("proc_cd", ("proc_cd",)),
    "dim_payer": ("payer_slug", ("payer_slug",)),
    "dim_pos_set": ("pos_set_id", ("pos_set_id",)),
    "dim_npi": ("npi", ("npi",)),
    "dim_npi_address": ("npi", ("npi",)),
    "dim_npi_address_geolocation": ("npi", ("npi",)),
}
KEY_SETS = {
    "code": "SELECT DISTINCT code_type, code FROM fact_rate",
    "proc_cd": "SELECT DISTINCT join_code(code_type, code) AS proc_cd FROM (SELECT DISTINCT code_type, code FROM fact_rate) WHERE join_code_type(code_type, code) = 'HCPCS'",
    "payer_slug": "SELECT DISTINCT slugify(name) AS payer_slug FROM (SELECT DISTINCT reporting_entity_name AS name FROM fact_rate)",
    "pos_set_id": "SELECT DISTINCT pos_set_id FROM fact_rate",
    "npi": "SELECT DISTINCT npi FROM xref_group_npi",
}


class FactRateEnriched(TableTask):
    """A month's facts with every dimension joined in, sorted by the partition keys.

    A large month stands in several files. Those whose rows are joined from the same as before are kept, so that a
    dimension that changed in one row costs the files that use it.
    """

    table = "fact_rate_enriched"
    transform = "fact_rate_enriched"
    large = True
    month = luigi.Parameter()

    def target(self) -> Path:
        return self.warehouse.joined(self.month)

    def views(self) -> dict[str, list[TableTask]]:
        return {
            "fact_rate": [FactRate(month=self.month)],
            "dim_code": [dims.DimCode()],
            "dim_code_cat_history": [dims.DimCodeCatHistory()],
            "dim_payer": [dims.DimPayer()],
            "dim_provider_group": [dims.DimProviderGroup(month=self.month)],
            "dim_pos_set": [dims.DimPosSet()],
            "xref_group_npi": [xrefs.XrefGroupNpi(month=self.month)],
            "dim_npi": [dims.DimNpi()],
            "dim_npi_address": [dims.DimNpiAddress()],
            "dim_npi_address_geolocation": [dims.DimNpiAddressGeolocation()],
            "bench_medicare_comprehensive": [bench.BenchMedicareComprehensive(month=self.month)],
            "bench_medicare_prof_detail": [bench.BenchMedicareProfDetail()],
            "bench_wcfs": [bench.BenchWcfs(month=self.month)],
            **ingest.staged("staged_pos_code", "staged_zip_locality"),
        }

    def shaping(self) -> dict[str, object]:
        return {
            "[geocoding] fill_coordinates": settings.geocoding().fill_coordinates,
            "[partitioning] piece_rows": settings.partitioning().piece_rows,
        }

    def variables(self) -> dict[str, object]:
        return {**super().variables(), "fill_coordinates": settings.geocoding().fill_coordinates}

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline import duck, parquet
        from pipeline.transforms import fact_rate_enriched

        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            self._keep_key_sets(con)
            self._used = {name: used_digest(con, self.month, name) for name in USED}
            first = drafts[self.table]
            most_rows = settings.partitioning().piece_rows
            pieces = fact_rate_enriched.pieces(con, first.with_suffix(".unsorted"), most_rows)
            names = {piece: _part(number) for number, piece in enumerate(pieces, 1)}
            drafts.update({name: first.with_name(f"{name}.parquet") for name in names.values()})
            self._told = {name: piece.told for piece, name in names.items()}
            made = self._keep(names, drafts)
            owed = [piece for piece, name in names.items() if name not in made]
            with closing(ahead(fact_rate_enriched.batches(con, owed))) as rows:
                for piece, batch in rows:
                    made[names[piece]] = parquet.write(drafts[names[piece]], tables.get(self.table), [batch])
            files = [str(drafts[name]) for name in names.values()]
            enriched = f"read_parquet({duck.literal(files)}, hive_partitioning = false)"
            self._benchmarks = fact_rate_enriched.benchmark_counts(con, enriched)
        return {name: made[name] for name in names.values()}

    def _keep(self, names: dict, drafts: dict[str, Path]) -> dict[str, Written]:
        """Take over, as drafts, the pieces that stand and were joined from the same; returns what they hold, by part."""
        former, now = self.stamp(), self.basis()
        if former is None or (former.basis.code, former.basis.settings) != (now.code, now.settings):
            return {}
        stand = {
            told: part
            for name, told in former.notes.get("pieces", {}).items()
            if (part := former.parts[name]).problem(self.warehouse) is None
            and targets.object_problem(self.warehouse, part.digest, part.bytes) is None
        }
        kept = {
            name: stand[piece.told] for piece, name in names.items() if piece.told is not None and piece.told in stand
        }
        for name, part in kept.items():
            targets.link(self.warehouse.object(part.digest), drafts[name], self.warehouse.scratch)
        return {name: Written(part.digest, part.rows, part.sha256) for name, part in kept.items()}

    def place_of(self, part: str) -> Path:
        return self.warehouse.joined(self.month, int(part.rpartition(".")[2]) if "." in part else 1)

    def clear_places(self, parts: Iterable[str] = ()) -> None:
        kept = {self.place_of(part) for part in parts}
        for path in self.warehouse.all_joined(self.month):
            if path not in kept:
                targets.remove(path, self.warehouse.path)

    def notes(self) -> dict:
        keys = {name: targets.file_hash(key_set(self.month, name)) for name in KEY_SETS}
        return {
            "used": self._used,
            "withheld": self._withheld,
            "keys": keys,
            "benchmarks": self._benchmarks,
            "pieces": self._told,
        }

    def _keep_key_sets(self, con) -> None:
        """Keep, beside the month's manifest, the keys by which it uses the dimensions."""
        from pipeline import duck

        for name, select in KEY_SETS.items():
            path = key_set(self.month, name)
            draft = paths.make_folder(self.warehouse.scratch) / f"keys-{self.month}-{name}.parquet"
            con.execute(f"COPY ({select} ORDER BY ALL) TO {duck.literal(str(draft))} (FORMAT parquet)")
            paths.make_folder(path.parent)
            targets.replace(draft, path)

    def build(self, why: Stale) -> Stamp:
        stamp = self._still_holds(why)
        if stamp is None:
            return super().build(why)
        stamps.write(self.warehouse, self.label, stamp)
        return stamp

    def _still_holds(self, why: Stale) -> Stamp | None:
        """A new stamp for the file as it is, when only rows of dimensions changed that the month does not use."""
        stamp = self.stamp()
        if why.kind != "input" or stamp is None or not all(key_set(self.month, n).exists() for n in KEY_SETS):
            return None
        now = self.basis()
        changed = {n for n in {*now.inputs, *stamp.basis.inputs} if now.inputs.get(n) != stamp.basis.inputs.get(n)}
        names = {n.rpartition(":")[2] for n in changed}
        settled = Basis(now.inputs, stamp.basis.code, stamp.basis.settings)
        if not names <= set(USED) or stamps.compare(Stamp(settled, {}), now):
            return None
        from pipeline import duck

        with self.connection() as con:
            for name in names:
                duck.view(con, name, self.view_selects()[name])
                if used_digest(con, self.month, name) != stamp.notes["used"][name]:
                    return None
        return Stamp(now, stamp.parts, stamp.gates, stamp.notes)

    def gate(self, files: dict[str, list[Path]], con) -> dict[str, dict]:
        """Check the joined rows; rows that fail withhold their leaves, a failure of no row blocks the month."""
        self._withheld: dict[str, str] = {}
        try:
            return super().gate(files, con)
        except errors.GateError as failed:
            self._withheld = self._leaves_that_fail(files, failed)
            verdicts = failed.verdicts
            verdicts[self.table] = {**verdicts[self.table], "passed": True, "withheld": len(self._withheld)}
            return verdicts

    def _leaves_that_fail(self, files: dict[str, list[Path]], failed: errors.GateError) -> dict[str, str]:
        from pipeline import duck, gates

        keys = settings.partitioning().key_list()
        columns = ", ".join(map(duck.identifier, keys))
        withheld: dict[str, list[str]] = {}
        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            duck.view(con, self.table, duck.scan(tables.get(self.table), files[self.table]))
            verdict = gates.Verdict.from_dict(failed.verdicts[self.table])
            attributed = gates.failing_rows(suite_path(self.table), verdict, self.table, con)
            if attributed is None:
                raise failed
            for reason, select in attributed:
                example = "struct_pack(fact_uid, code, negotiated_rate)"
                counts = f"SELECT {columns}, count(*), min({example}) FROM ({select}) GROUP BY ALL ORDER BY ALL"
                for *values, rows, first in con.sql(counts).fetchall():
                    name = partition.folder(dict(zip(keys, values, strict=True)), keys)
                    row = ", ".join(f"{column} {value}" for column, value in first.items())
                    told = f"1 row: {row}" if rows == 1 else f"{rows:,} rows, such as: {row}"
                    withheld.setdefault(name, []).append(f"{reason} ({told})")
        return {name: "; ".join(reasons) for name, reasons in sorted(withheld.items())}

    def check_again(self) -> Stamp:
        stamp = super().check_again()
        stamp.notes = {**stamp.notes, "withheld": self._withheld}
        stamps.write(self.warehouse, self.label, stamp)
        return stamp


class LeafPlan(TableTask):
    """Which rows of a month make which leaf, which leaves are withheld, and which are written together."""

    priority = 1  # for leaves, most of a build, wait for it, and what it needs
    table = "leaf_plan"
    transform = "leaf_plan"
    readable = False
    month = luigi.Parameter()

    def views(self) -> dict[str, list[TableTask]]:
        return {"fact_rate_enriched": [FactRateEnriched(month=self.month)]}

    def withheld(self) -> dict[str, str]:
        """Partition -> reason, as the gate found."""
        stamp = FactRateEnriched(month=self.month).stamp()
        return stamp.notes["withheld"] if stamp else {}

    def other_inputs(self) -> dict[str, str]:
        return {"the gate's withheld leaves": naming.md5_of(json.dumps(self.withheld(), sort_keys=True))}

    def shaping(self) -> dict[str, object]:
        part = settings.partitioning()
        return {"[partitioning] keys": list(part.key_list()), "[partitioning] group_rows": part.group_rows}

    def pieces(self) -> list[targets.Part]:
        """The files of the joined rows."""
        return leaves.joined(self.warehouse, self.month)

    def view_selects(self) -> dict[str, str]:
        from pipeline import duck

        placed, first = [], 0
        for part in self.pieces():
            file = duck.literal(str(self.warehouse.path / part.path))
            source = f"read_parquet({file}, file_row_number = true, hive_partitioning = false)"
            placed.append(f"SELECT * EXCLUDE (file_row_number), file_row_number + {first} AS row_number FROM {source}")
            first += part.rows
        return {"fact_rate_enriched": " UNION ALL ".join(placed)}

    def select(self, con) -> str:
        from pipeline import parquet_reading
        from pipeline.transforms import leaf_plan

        con.execute("CREATE TEMP TABLE withheld (partition VARCHAR, reason VARCHAR)")
        rows = list(self.withheld().items())
        if rows:
            con.executemany("INSERT INTO withheld VALUES (?, ?)", rows)
        part = settings.partitioning()
        joined = parquet_reading.Pieces([(self.warehouse.path / one.path, one.rows) for one in self.pieces()])

        def between(first: int, behind: int) -> Iterator:
            with closing(ahead(joined.between(first, behind))) as coming:
                yield from coming

        return leaf_plan.build(con, part.key_list(), part.group_rows, between, self._known())

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
            (one.first_row, one.rows, one.digest) for one in leaves.plan(self.warehouse, self.month).leaves
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
    month = luigi.Parameter()
    first = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        """Its manifest."""
        return luigi.LocalTarget(str(leaves.group_manifest(paths.current(), self.month, self.first)))

    def complete(self) -> bool:
        """Whether every leaf of it stands as the plan has it."""
        return not leaves.owed(paths.current(), self.month, self.first)

    def run(self) -> None:
        """Write the leaves that are not as planned."""
        with at_work(paths.current()):
            leaf_writing.build_group(paths.current(), self.month, self.first)

    def on_failure(self, exception: BaseException) -> str:
        return leaf_writing.failed(paths.current(), self, exception)


class EnrichedMonth(TableTask):
    """A month's leaves, all of them: compiles the manifests of its groups."""

    table = "fact_rate_enriched"
    readable = False
    month = luigi.Parameter()

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
        return [luigi.LocalTarget(str(leaves.manifest(self.warehouse, self.month)))]

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

    def settle(self) -> bool:
        if super().settle():
            return True
        # Worker's processes that follow ask for both, each of them: they inherit what is read here.
        leaves.plan(self.warehouse, self.month)
        leaves.records(leaves.manifest(self.warehouse, self.month))
        return False

    def file_problem(self, stamp: Stamp) -> str | None:
        return leaves.problem(self.warehouse, self.month, stamp.notes["manifest"])

    def run(self):
        """Have every group that owes a leaf written, then compile."""
        why = self.own_staleness()
        if why is None:
            forget()  # what was looked up before its inputs were built
            self.journal("unchanged")
            return
        owed = [
            EnrichedGroup(month=self.month, first=first) for first in leaves.groups_owed(self.warehouse, self.month)
        ]
        if owed:
            yield owed
        self.journal("start", why=why.sentence)
        with at_work(self.warehouse):
            basis = self.basis()
            notes = leaf_writing.compile_month(self.warehouse, self.month)
            stamps.write(self.warehouse, self.label, Stamp(basis, {}, {}, notes))
        forget()
        self.journal(
            "done", seconds=0, why=why.sentence, rows=notes["rows"], files=notes["leaves"], gates=0, warnings=0
        )


class Partition(luigi.Task):
    """One leaf. It is run when its rows were withheld, to show why, and by `rerun`, to bring it in."""

    root = RootParameter(positional=False)
    month = luigi.Parameter()
    payer_slug = luigi.Parameter(default="")
    state = luigi.Parameter(default="")
    billing_class = luigi.Parameter(default="")
    procedure_set = luigi.Parameter(default="")
    procedure_class = luigi.Parameter(default="")
    primary_taxonomy_code = luigi.Parameter(default="")
    stat_area_name = luigi.Parameter(default="")

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
        return luigi.LocalTarget(str(paths.current().leaf(self.name, self.month)))

    def complete(self) -> bool:
        """Whether the leaf stands as the plan has it, and the plan is up to date."""
        return LeafPlan(month=self.month).complete() and leaves.leaf_stands(paths.current(), self.month, self.name)

    def run(self) -> None:
        """Write the leaf, or say why it is withheld."""
        with at_work(paths.current()):
            leaf_writing.build_leaf(paths.current(), self.month, self.name)

    def on_failure(self, exception: BaseException) -> str:
        return leaf_writing.failed(paths.current(), self, exception)


def _part(number: int) -> str:
    """The name of a part of the joined rows, so that the names' order is that of the parts."""
    return "fact_rate_enriched" if number == 1 else f"fact_rate_enriched.{number:04}"


def key_set(month: str, name: str) -> Path:
    """The file with the keys by which a month uses a dimension."""
    return paths.current().month_state(month) / f"keys_{name}.parquet"


def used_digest(con, month: str, name: str) -> str:
    """Digest of the rows of a dimension (a view on the connection) that the month's keys use."""
    from pipeline import duck

    keys, columns = USED[name]
    declared = tables.get(name)
    packed = ", ".join(f"{duck.identifier(c)} := {duck.identifier(c)}" for c in declared.columns)
    using = ", ".join(map(duck.identifier, columns))
    return con.sql(f"""
        SELECT coalesce(md5(string_agg(row_digest, '' ORDER BY row_digest)), '') FROM (
          SELECT md5(CAST(to_json(struct_pack({packed})) AS VARCHAR)) AS row_digest
          FROM {duck.identifier(name)}
          SEMI JOIN read_parquet({duck.literal(str(key_set(month, keys)))}) USING ({using}))""").fetchall()[0][0]


def by_table(months: list[str]) -> list[luigi.Task]:
    """The last enriched task of each month."""
    return [EnrichedMonth(month=m) for m in months]

"""The enriched rows of a month: its facts with every dimension joined in, before they are cut into leaves.

What belongs here: the task that joins them, what it remembers of the dimensions' rows that a month uses, and which leaves its
gate withholds. What must not come in: the join itself (`transforms`), leaves (`enriched`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import luigi

from pipeline import errors, partition, paths, session, settings, tables
from pipeline.stages import bench, dims, ingest, xrefs
from pipeline.stages.facts import FactRate, XrefFactSource
from pipeline.storage import stamps, targets
from pipeline.storage.chunked_file import Written
from pipeline.storage.prefetch import prefetch
from pipeline.storage.stamps import BuildInputs, Stale, Stamp
from pipeline.tasks.base import TableTask
from pipeline.tasks.gating import suite_path

luigi.namespace("enriched", scope=__name__)

# dim table -> (key set of the month, its columns): the rows of the dimension that a month's keys use.
DIM_ROWS_USED = {
    "dim_code": ("code", ("code_type", "code")),
    "dim_code_cat_history": ("proc_cd", ("proc_cd",)),
    "dim_payer": ("payer_slug", ("payer_slug",)),
    "dim_pos_set": ("pos_set_id", ("pos_set_id",)),
    "dim_pos": ("pos", ("pos",)),
    "dim_npi": ("npi", ("npi",)),
    "dim_npi_address": ("npi", ("npi",)),
    "dim_npi_address_geolocation": ("npi", ("npi",)),
    "dim_tin": ("tin", ("tin_type", "tin_value")),
}
MONTH_KEY_QUERIES = {
    "code": "SELECT DISTINCT code_type, code FROM fact_rate",
    "proc_cd": "SELECT DISTINCT join_code(code_type, code) AS proc_cd FROM (SELECT DISTINCT code_type, code FROM fact_rate) WHERE join_code_type(code_type, code) = 'HCPCS'",
    "payer_slug": "SELECT DISTINCT slugify(name) AS payer_slug FROM (SELECT DISTINCT reporting_entity_name AS name FROM fact_rate)",
    "pos_set_id": "SELECT DISTINCT pos_set_id FROM fact_rate",
    "pos": "SELECT DISTINCT unnest(pos_members) AS pos FROM dim_pos_set SEMI JOIN fact_rate USING (pos_set_id)",
    "npi": "SELECT DISTINCT npi FROM xref_group_npi",
    "tin": "SELECT DISTINCT tin_type, tin_value FROM xref_group_tin",
}
# What flags rest on beside what rows are joined with.
FOR_FLAGS = ("staged_opps", "staged_asc", "staged_category")
# What is found while the facts are held against each other, each a table of its own.
OTHERS = ("code_spread", "source_price_check")


class EnrichedRows(TableTask):
    """A month's facts with every dimension joined in, sorted by the partition keys.

    A large month stands in several files. Those whose rows are joined from the same as before are kept, so that a
    dimension that changed in one row costs the files that use it.
    """

    table = "fact_rate_enriched"
    transform = "fact_rate_enriched"
    use_all_cores = True

    @property
    def published(self) -> tuple[str, ...]:
        return (self.table, *OTHERS)

    def target(self) -> Path:
        return self.warehouse.joined(self.month)

    def targets(self) -> dict[str, Path]:
        return {**super().targets(), **{name: self.warehouse.table(name, self.month) for name in OTHERS}}

    def views(self) -> dict[str, list[TableTask]]:
        return {
            "fact_rate": [FactRate(month=self.month)],
            "xref_fact_source": [XrefFactSource(month=self.month)],
            "dim_code": [dims.DimCode()],
            "dim_code_cat_history": [dims.DimCodeCatHistory()],
            "dim_payer": [dims.DimPayer()],
            "dim_provider_group": [dims.DimProviderGroup(month=self.month)],
            "dim_pos_set": [dims.DimPosSet()],
            "dim_pos": [dims.DimPos()],
            "xref_group_npi": [xrefs.XrefGroupNpi(month=self.month)],
            "xref_group_tin": [xrefs.XrefGroupTin(month=self.month)],
            "xref_group_member": [xrefs.XrefGroupMember(month=self.month)],
            "dim_tin": [dims.DimTin()],
            "dim_npi": [dims.DimNpi()],
            "dim_npi_address": [dims.DimNpiAddress()],
            "dim_npi_address_geolocation": [dims.DimNpiAddressGeolocation()],
            "bench_medicare_comprehensive": [bench.BenchMedicareComprehensive(month=self.month)],
            "bench_medicare_prof_detail": [bench.BenchMedicareProfDetail()],
            "bench_asc_area": [bench.BenchAscArea(month=self.month)],
            "bench_wcfs": [bench.BenchWcfs(month=self.month)],
            **ingest.staged("staged_zip_locality", "staged_cbsa_county", *FOR_FLAGS),
        }

    def waits_for(self, task: TableTask) -> bool:
        """A fee schedule that cannot be read holds up its own benchmark; rows are joined with what is published of it."""
        return not bench.is_held_up(task)

    def settings_used(self) -> dict[str, object]:
        return {
            "[geocoding] fill_coordinates": settings.geocoding().fill_coordinates,
            "[partitioning] piece_rows": settings.partitioning().piece_rows,
        }

    def variables(self) -> dict[str, object]:
        return {**super().variables(), "fill_coordinates": settings.geocoding().fill_coordinates}

    def produce(self, drafts: dict[str, Path]) -> dict[str, Written]:
        from pipeline.storage import duck, parquet
        from pipeline.transforms import fact_rate_enriched

        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            self._keep_key_sets(con)
            self._used = {name: used_digest(con, self.month, name) for name in DIM_ROWS_USED}
            first = drafts[self.table]
            most_rows = settings.partitioning().piece_rows
            pieces = fact_rate_enriched.pieces(con, first.with_suffix(".unsorted"), most_rows)
            names = {piece: _part(number) for number, piece in enumerate(pieces, 1)}
            drafts.update({name: first.with_name(f"{name}.parquet") for name in names.values()})
            self._piece_digests = {name: piece.digest for piece, name in names.items()}
            others = {name: self._write_other(con, name, drafts[name]) for name in OTHERS}
            self._suspicious = fact_rate_enriched.suspicious_files(con)
            made = self._keep(names, drafts)
            stale = [piece for piece, name in names.items() if name not in made]
            with closing(prefetch(fact_rate_enriched.batches(con, stale))) as rows:
                for piece, batch in rows:
                    made[names[piece]] = parquet.write(drafts[names[piece]], tables.get(self.table), [batch])
            enriched = duck.parquet_files(drafts[name] for name in names.values())
            self._benchmarks = fact_rate_enriched.benchmark_counts(con, enriched)
        return {name: made[name] for name in names.values()} | others

    def _write_other(self, con, name: str, draft: Path) -> Written:
        from pipeline.storage import parquet
        from pipeline.transforms import fact_rate_enriched

        declared = tables.get(name)
        typed = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in declared.duckdb_columns.items())
        order = ", ".join(f"{column} NULLS FIRST" for column in declared.sort)
        rows = con.sql(f"SELECT {typed} FROM ({fact_rate_enriched.others(name)}) ORDER BY {order}")
        return parquet.write(draft, declared, rows.to_arrow_reader(parquet.ROW_GROUP_ROWS))

    def _keep(self, names: dict, drafts: dict[str, Path]) -> dict[str, Written]:
        """Take over, as drafts, the pieces that stand and were joined from the same; returns what they hold, by part."""
        former, now = self.stamp(), self.basis()
        if former is None or (former.basis.code, former.basis.settings) != (now.code, now.settings):
            return {}
        stand = {
            digest: part
            for name, digest in former.notes.get("pieces", {}).items()
            if (part := former.parts[name]).problem(self.warehouse) is None
            and targets.object_problem(self.warehouse, part.digest, part.bytes) is None
        }
        kept = {
            name: stand[piece.digest]
            for piece, name in names.items()
            if piece.digest is not None and piece.digest in stand
        }
        for name, part in kept.items():
            targets.link(self.warehouse.object(part.digest), drafts[name], self.warehouse.scratch)
        return {name: Written(part.digest, part.rows, part.sha256) for name, part in kept.items()}

    def place_of(self, part: str) -> Path:
        if part in OTHERS:
            return self.targets()[part]
        return self.warehouse.joined(self.month, int(part.rpartition(".")[2]) if "." in part else 1)

    def clear_places(self, parts: Iterable[str] = ()) -> None:
        kept = {self.place_of(part) for part in parts}
        for path in self.warehouse.all_joined(self.month):
            if path not in kept:
                targets.remove(path, self.warehouse.path)

    def notes(self) -> dict:
        keys = {name: targets.file_hash(key_set(self.month, name)) for name in MONTH_KEY_QUERIES}
        return {
            "used": self._used,
            "withheld": self._withheld,
            "keys": keys,
            "benchmarks": self._benchmarks,
            "pieces": self._piece_digests,
            "suspicious": self._suspicious,
        }

    def _keep_key_sets(self, con) -> None:
        """Keep, beside the month's manifest, the keys by which it uses the dimensions."""
        from pipeline.storage import duck

        for name, select in MONTH_KEY_QUERIES.items():
            path = key_set(self.month, name)
            draft = paths.make_folder(self.warehouse.scratch) / f"keys-{self.month}-{name}.parquet"
            duck.write_parquet(con, f"{select} ORDER BY ALL", draft)
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
        if why.kind != "input" or stamp is None or not all(key_set(self.month, n).exists() for n in MONTH_KEY_QUERIES):
            return None
        now = self.basis()
        changed = {n for n in {*now.inputs, *stamp.basis.inputs} if now.inputs.get(n) != stamp.basis.inputs.get(n)}
        names = {n.rpartition(":")[2] for n in changed}
        known = BuildInputs(now.inputs, stamp.basis.code, stamp.basis.settings)
        if not names <= set(DIM_ROWS_USED) or stamps.compare(Stamp(known, {}), now):
            return None
        from pipeline.storage import duck

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
            verdicts = failed.verdicts
            if any(not verdicts[name]["passed"] for name in OTHERS):
                raise
            self._withheld = self._leaves_that_fail(files, failed)
            verdicts[self.table] = {**verdicts[self.table], "passed": True, "withheld": len(self._withheld)}
            return verdicts

    def _leaves_that_fail(self, files: dict[str, list[Path]], failed: errors.GateError) -> dict[str, str]:
        from pipeline.gates import suites
        from pipeline.storage import duck

        keys = settings.partitioning().key_list()
        columns = ", ".join(map(duck.identifier, keys))
        withheld: dict[str, list[str]] = {}
        with self.connection() as con:
            for name, select in self.view_selects().items():
                duck.view(con, name, select)
            duck.view(con, self.table, duck.scan(tables.get(self.table), files[self.table]))
            verdict = suites.Verdict.from_dict(failed.verdicts[self.table])
            attributed = suites.failing_rows(suite_path(self.table), verdict, self.table, con)
            if attributed is None:
                raise failed
            for reason, select in attributed:
                example = "struct_pack(fact_uid, code, negotiated_rate)"
                counts = f"SELECT {columns}, count(*), min({example}) FROM ({select}) GROUP BY ALL ORDER BY ALL"
                for *values, rows, first in con.sql(counts).fetchall():
                    name = partition.folder(dict(zip(keys, values, strict=True)), keys)
                    row = ", ".join(f"{column} {value}" for column, value in first.items())
                    examples = f"1 row: {row}" if rows == 1 else f"{rows:,} rows, such as: {row}"
                    withheld.setdefault(name, []).append(f"{reason} ({examples})")
        return {name: "; ".join(reasons) for name, reasons in sorted(withheld.items())}

    def check_again(self) -> Stamp:
        stamp = super().check_again()
        stamp.notes = {**stamp.notes, "withheld": self._withheld}
        stamps.write(self.warehouse, self.label, stamp)
        return stamp


def _part(number: int) -> str:
    """The name of a part of the joined rows, so that the names' order is that of the parts."""
    return "fact_rate_enriched" if number == 1 else f"fact_rate_enriched.{number:04}"


def key_set(month: str, name: str) -> Path:
    """The file with the keys by which a month uses a dimension."""
    return session.current().month_state(month) / f"keys_{name}.parquet"


def used_digest(con, month: str, name: str) -> str:
    """Digest of the rows of a dimension (a view on the connection) that the month's keys use."""
    from pipeline.storage import duck

    keys, columns = DIM_ROWS_USED[name]
    declared = tables.get(name)
    packed = ", ".join(f"{duck.identifier(c)} := {duck.identifier(c)}" for c in declared.columns)
    using = ", ".join(map(duck.identifier, columns))
    return con.sql(f"""
        SELECT coalesce(md5(string_agg(row_digest, '' ORDER BY row_digest)), '') FROM (
          SELECT md5(CAST(to_json(struct_pack({packed})) AS VARCHAR)) AS row_digest
          FROM {duck.identifier(name)}
          SEMI JOIN {duck.parquet_files(key_set(month, keys))} USING ({using}))""").fetchall()[0][0]

"""The benchmarks, one task a table (and month).

What belongs here: which staged schedules each is made of, and what a refused file holds up. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import luigi

from pipeline import errors, settings, tables
from pipeline.stages import ingest, reference_file
from pipeline.tasks.base import TableTask

luigi.namespace("bench", scope=__name__)


PFS = ("staged_pfs_rvu", "staged_gpci", "staged_anesthesia", "staged_anesthesia_base")
OPPS = ("staged_opps", "staged_wage_index:OPPS")
ASC = ("staged_asc", "staged_asc_device", "staged_wage_index:ASC")
SCHEDULES = {"PFS": PFS, "OPPS": OPPS, "ASC": ASC}


class _FromFees(TableTask):
    """A benchmark made of staged fee schedules. A file that is refused holds it up when it is of one of its tables."""

    staged: tuple[str, ...] = ()

    def views(self) -> dict[str, list[TableTask]]:
        return ingest.staged(*self.staged)

    def held_up_by(self) -> errors.RatehouseError | None:
        """What is wrong with a file that would feed it, and cannot be read."""
        return refused(*self.staged)

    def settings_used(self) -> dict[str, object]:
        if "staged_wcfs" in self.staged:
            return {}
        chosen = settings.medicare()
        return {
            "[medicare] work_gpci": chosen.work_gpci,
            "[medicare] conversion_factor": chosen.conversion_factor,
        }

    def variables(self) -> dict[str, object]:
        chosen = settings.medicare()
        return {
            **super().variables(),
            "work_gpci": None if chosen.work_gpci == "as_published" else chosen.work_gpci,
            "conversion_factor": chosen.conversion_factor,
            "set_factors": chosen.set_factors() or None,
        }

    @property
    def transform(self) -> str:
        """A module of the table's name: a fee schedule's rules do not fit one SELECT."""
        return self.table


class BenchMedicareProfDetail(_FromFees):
    """The physician fee schedule by locality, modifier and place.

    ZIPs of one quarter in two localities are refused with it; but a file of ZIPs that cannot be read does not hold it up.
    """

    table = "bench_medicare_prof_detail"
    staged = PFS

    def views(self) -> dict[str, list[TableTask]]:
        zips = ingest.staged("staged_zip_locality")["staged_zip_locality"]
        return super().views() | {"staged_zip_locality": [one for one in zips if not one.blocked()]}


class BenchMedicareProf(_FromFees):
    """The physician fee schedule as a state's mean."""

    table = "bench_medicare_prof"
    staged = PFS


class BenchOpps(_FromFees):
    """The outpatient prospective payment system."""

    table = "bench_opps"
    staged = OPPS


class BenchAsc(_FromFees):
    """The ambulatory surgical centre schedule."""

    table = "bench_asc"
    staged = ASC


class BenchAscArea(_FromFees):
    """The same by wage area."""

    table = "bench_asc_area"
    staged = ASC


class BenchWcfs(_FromFees):
    """The states' workers' compensation schedules."""

    table = "bench_wcfs"
    staged = ("staged_wcfs",)


class BenchMedicareComprehensive(_FromFees):
    """The three Medicare schedules one under another.

    A file that is refused holds up its own schedule: of that the rows that were published before stay, if there are
    any, and the other schedules are built.
    """

    table = "bench_medicare_comprehensive"
    staged = (*PFS, "staged_opps", "staged_asc", "staged_asc_device", "staged_wage_index")

    def held_up(self) -> list[str]:
        """The schedules that a refused file holds up."""
        return [name for name, staged in SCHEDULES.items() if refused(*staged)]

    def held_up_by(self) -> None:
        """Nothing: a schedule that is held up stays as it was."""

    def views(self) -> dict[str, list[TableTask]]:
        return {name: [one for one in group if not one.blocked()] for name, group in super().views().items()}

    def settings_used(self) -> dict[str, object]:
        held = self.held_up()
        return super().settings_used() | ({"schedules held up": held} if held else {})

    def select(self, con) -> str:
        from pipeline.storage import duck
        from pipeline.transforms import bench_medicare_comprehensive

        former = self.stamp()
        whole = former is not None and all(p.problem(self.warehouse) is None for p in former.parts.values())
        published = duck.scan(tables.get(self.table), self.files_of(self.table) if whole else [])
        return bench_medicare_comprehensive.build(con, dict.fromkeys(self.held_up(), published))


def refused(*staged: str) -> errors.RatehouseError | None:
    """What is wrong with a file that would feed one of these staged tables, and cannot be read; None where none is."""
    files = (one for group in ingest.staged(*staged).values() for one in group)
    return next((problem for one in files if (problem := one.blocked())), None)


def is_held_up(task: TableTask) -> bool:
    """Whether it is a benchmark, or a file of Medicare's, that waits for somebody to mend a file."""
    if isinstance(task, _FromFees):
        return task.held_up_by() is not None
    return isinstance(task, reference_file.REFERENCES["medicare"]) and task.blocked() is not None


KINDS = (
    BenchMedicareProfDetail,
    BenchMedicareProf,
    BenchOpps,
    BenchAsc,
    BenchAscArea,
    BenchWcfs,
    BenchMedicareComprehensive,
)

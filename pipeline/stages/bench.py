"""The benchmarks, one task a table (and month)."""

from __future__ import annotations

import luigi

from pipeline import settings
from pipeline.stages import ingest
from pipeline.stages.parameters import MonthParameter
from pipeline.task import TableTask

luigi.namespace("bench", scope=__name__)


class _FromFees(TableTask):
    """A benchmark made of staged fee schedules."""

    folders = ("medicare",)

    def views(self) -> dict[str, list[TableTask]]:
        return ingest.staged(*(name for folder in self.folders for name in ingest.staged_tables(folder)))

    def shaping(self) -> dict[str, object]:
        if self.folders != ("medicare",):
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
    """The physician fee schedule by locality, modifier and place."""

    table = "bench_medicare_prof_detail"


class BenchMedicareProf(_FromFees):
    """The physician fee schedule as a state's mean."""

    table = "bench_medicare_prof"
    month = MonthParameter()


class BenchOpps(_FromFees):
    """The outpatient prospective payment system."""

    table = "bench_opps"
    month = MonthParameter()


class BenchAsc(_FromFees):
    """The ambulatory surgical centre schedule."""

    table = "bench_asc"
    month = MonthParameter()


class BenchWcfs(_FromFees):
    """The states' workers' compensation schedules."""

    table = "bench_wcfs"
    folders = ("wcfs",)
    month = MonthParameter()


class BenchMedicareComprehensive(_FromFees):
    """The three Medicare schedules one under another."""

    table = "bench_medicare_comprehensive"
    month = MonthParameter()


SHARDED = (BenchMedicareProf, BenchOpps, BenchAsc, BenchWcfs, BenchMedicareComprehensive)


def by_table(months: list[str]) -> list[TableTask]:
    """Every benchmark's task, month-sharded ones for each month."""
    return [BenchMedicareProfDetail()] + [cls(month=m) for m in months for cls in SHARDED]

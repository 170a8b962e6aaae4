"""The cross-references, one task a table (and month).

What belongs here: what each reads. What must not come in: how rows are made (`transforms`).
"""

from __future__ import annotations

import luigi

from pipeline.stages import ingest
from pipeline.stages.dims import AboutPlans, DimPlan, DimPosSet, DimSourceFile
from pipeline.stages.from_rates import FromRates
from pipeline.tasks.base import TableTask

luigi.namespace("xrefs", scope=__name__)


class XrefPos(TableTask):
    """A set of places of service, taken apart."""

    table = "xref_pos"

    def views(self) -> dict[str, list[TableTask]]:
        return {"dim_pos_set": [DimPosSet()], **ingest.staged("staged_pos_code")}


class XrefGroupNpi(FromRates):
    """Which NPIs a provider group has."""

    table = "xref_group_npi"
    staged = ("staged_group", "staged_member")
    stars = ("star_group_npi",)


class XrefGroupTin(FromRates):
    """Which TINs a provider group has."""

    table = "xref_group_tin"
    staged = ("staged_group", "staged_member")
    stars = ("star_group_tin",)


class XrefGroupMember(FromRates):
    """Which NPI bills under which TIN in a provider group."""

    table = "xref_group_member"
    staged = ("staged_group", "staged_member")


class XrefContainedCode(FromRates):
    """What a bundle or capitation contains."""

    table = "xref_contained_code"
    staged = ("staged_contained_code",)


class XrefFilePlan(AboutPlans):
    """Which plans use which file."""

    table = "xref_file_plan"

    def gate_views(self) -> dict[str, list[TableTask]]:
        return {"dim_plan": [DimPlan()], "dim_source_file": [DimSourceFile()]}

    def select(self, con) -> str:
        from pipeline.transforms import file_plans

        chosen = file_plans.uses(con)
        self._counts = file_plans.counts(con)
        return chosen

    def notes(self) -> dict:
        return {"counts": self._counts}


KINDS = (XrefFilePlan, XrefPos, XrefGroupNpi, XrefGroupTin, XrefGroupMember, XrefContainedCode)

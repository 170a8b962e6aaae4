"""Star schemas that were brought by `ratehouse import-star`: sources beside the in-network files."""

from __future__ import annotations

from pipeline.task import TableTask


def months() -> list[str]:
    """The months that star schemas have facts of."""
    return []


def of_month(month: str) -> list[TableTask]:
    """The staged facts of a month."""
    return []


def tasks() -> list[TableTask]:
    """The task of every star schema."""
    return []

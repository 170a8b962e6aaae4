"""The Luigi task of a raw file: it shows a broken file in red on the dashboard.

What belongs here: that task. What must not come in: which files there are (`sources`), reading a file: the modules that do
say here what they found (`PROBLEM_OF`).
"""

from __future__ import annotations

from collections.abc import Callable

import luigi

from pipeline import errors, session, source_names
from pipeline.sources import listing, presence
from pipeline.tasks.parameters import NameParameter, RootParameter

luigi.namespace("raw", scope=__name__)

# Kind of raw files (`mrf`) -> what is wrong with one of them, by its path under the kind's folder, as far as it was read.
PROBLEM_OF: dict[str, Callable[[str], errors.SourceError | None]] = {}


class SourceFile(luigi.Task):
    """A file that a publisher wrote, by its path under raw/. It is red while its content cannot be read."""

    root = RootParameter(positional=False)
    path = NameParameter("file under raw/", presence.all_names)

    def output(self) -> luigi.LocalTarget:
        """The file itself."""
        return luigi.LocalTarget(str(session.current().raw / source_names.from_text(self.path)))

    def problem(self) -> errors.SourceError | None:
        """What is wrong with the file as it stands, as far as it was read."""
        if error := listing.misplaced_alike().get(self.path):
            return error
        kind, _, path = self.path.partition("/")
        return PROBLEM_OF[kind](path) if kind in PROBLEM_OF else None

    def complete(self) -> bool:
        """Whether it is there, and nothing is known against it."""
        return self.output().exists() and self.problem() is None

    def run(self) -> None:
        """Say what is wrong with it."""
        raise self.problem() or errors.SourceError(
            "is gone", place=f"raw/{self.path}", remedy="run the build again: it will see what is left"
        )

    def on_failure(self, exception: BaseException) -> str:
        """The reason, in words, for the dashboard."""
        return exception.on_dashboard() if isinstance(exception, errors.RatehouseError) else str(exception)

"""The files that a user puts under raw/: which there are, and which of them cannot be read.

What belongs here: listing raw files, and the task that shows a broken one. What must not come in: reading them
(`ingest`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import luigi

from pipeline import errors, paths, raw_files, source_names
from pipeline.stages.parameters import NameParameter
from pipeline.task import RootParameter

luigi.namespace("raw", scope=__name__)

IN_NETWORK_ENDINGS = (".json", ".json.gz", ".zip")
# USPS: states, the District, territories and the military "states".
STATES = frozenset(
    """AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA
    RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI FM MH PW AA AE AP""".split()
)
EVERYWHERE = "US"


@dataclass(frozen=True)
class Misplaced:
    """A file under raw/mrf that no state can be read from, and why."""

    path: Path
    error: errors.SourceError


def _is_ours(path: Path) -> bool:
    """Not a file that an editor, a system or a download in progress leaves."""
    return not path.name.startswith(".") and path.suffix not in (".part", ".tmp", ".md")


@functools.cache
def listing(folder: str) -> raw_files.Listing:
    """What a folder directly under raw/ holds."""
    return raw_files.walk(paths.current().raw / folder)


@functools.cache
def in_network() -> tuple[tuple[str, ...], tuple[Misplaced, ...]]:
    """The in-network files by their path under raw/mrf, in order; and those that stand where none belongs."""
    folder = paths.current().mrf
    good, bad = [], []
    for path in (p for p in map(folder.joinpath, listing("mrf").files) if _is_ours(p)):
        name = path.relative_to(folder).as_posix()
        folders = name.split("/")[:-1]
        if any(part.startswith(".") for part in folders) or paths.BESIDE in folders[1:]:
            continue
        state, slash, _ = name.partition("/")
        if not slash or state not in STATES | {EVERYWHERE}:
            shown = f"raw/mrf/{state}/" if slash else "raw/mrf/"
            hint = state.upper() if slash and state.upper() in STATES | {EVERYWHERE} else "<STATE>"
            error = errors.SourceError(
                f"{shown} is no state's folder",
                place=f"raw/mrf/{name}",
                remedy=f"move it into raw/mrf/{hint}/ (a USPS code such as GA, or US for the whole country)",
            )
            bad.append(Misplaced(path, error))
        elif not path.name.lower().endswith(IN_NETWORK_ENDINGS):
            error = errors.SourceError(
                "is no in-network file by its name",
                place=f"raw/mrf/{name}",
                remedy="in-network files end in .json, .json.gz or .zip; rename it, or move it away",
            )
            bad.append(Misplaced(path, error))
        else:
            good.append(name)
    return tuple(good), tuple(bad)


@functools.cache
def reference(folder: str) -> tuple[str, ...]:
    """The files of a reference folder, by their path under it, in order."""
    return tuple(name for name in listing(folder).files if _is_ours(Path(name)))


@functools.cache
def stars() -> tuple[str, ...]:
    """The star schemas that were brought, by their folder under raw/star; a dot begins one that is being brought."""
    return listing("star").folders


def misplaced_names() -> list[str]:
    """The misplaced files by their path under raw/."""
    return [misplaced.path.relative_to(paths.current().raw).as_posix() for misplaced in in_network()[1]]


def _all_names() -> list[str]:
    from pipeline.stages import sources

    return sources.all_names()


def forget() -> None:
    """Look at the folders again."""
    for known in (listing, in_network, reference, stars):
        known.cache_clear()


class SourceFile(luigi.Task):
    """A file that a publisher wrote, by its path under raw/. It is red while its content cannot be read."""

    root = RootParameter(positional=False)
    path = NameParameter("file under raw/", _all_names)

    def output(self) -> luigi.LocalTarget:
        """The file itself."""
        return luigi.LocalTarget(str(paths.current().raw / source_names.from_text(self.path)))

    def problem(self) -> errors.SourceError | None:
        """What is wrong with the file as it stands, as far as it was read."""
        from pipeline.stages import ingest, star

        if self.path.startswith("star/"):
            return star.Star(star=self.path.removeprefix("star/")).problem()
        if self.path.startswith("mrf/"):
            name = self.path.removeprefix("mrf/")
            misplaced = {m.path: m.error for m in in_network()[1]}.get(
                paths.current().mrf / source_names.from_text(name)
            )
            return misplaced or ingest.InNetworkFile(path=name).problem()
        return None

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

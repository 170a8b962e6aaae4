"""Settings: typed, few, in one file (`luigi.cfg`), as Luigi's Config classes.

What belongs here: the sections and their meaning, finding the file, refusing what is no setting. What must not
come in: a setting that only a test needs, a default that names data (months, files).

Read in this order, later wins: the checkout's (or wheel's) luigi.cfg, one in the current folder, one in the
warehouse root, the file in LUIGI_CONFIG_PATH.
"""

from __future__ import annotations

import configparser
import datetime
import difflib
import operator
import os
import re
from pathlib import Path

import luigi

from pipeline import errors, partition

LAYOUTS = ("monthly", "state_month", "single", "hive")
CATEGORY_SOURCES = ("rbcs", "betos")


class Number(luigi.NumericalParameter):
    """A number from `low` to `high`, both allowed."""

    def __init__(self, kind: type, low: float, high: float, **more):
        super().__init__(var_type=kind, min_value=low, max_value=high, right_op=operator.le, **more)
        self.expected = f"a {'whole ' if kind is int else ''}number from {low:,} to {high:,}"


class ConversionFactor(luigi.Parameter):
    """Whose conversion factor (`other`, `qualifying_apm`), or which: dollars alone, or `day: dollars, day: dollars`."""

    expected = "other, qualifying_apm, dollars (32.3465), or dollars by day (2024-01-01: 32.7442, 2024-03-09: 33.2875)"

    def parse(self, text: str) -> str:
        """The text in its one spelling, days in order; ValueError when it is none of these."""
        if text in ("other", "qualifying_apm"):
            return text
        if re.fullmatch(_DOLLARS, text):
            return text
        factors: dict[str, str] = {}
        for part in text.split(","):
            found = re.fullmatch(rf"\s*(\d{{4}}-\d\d-\d\d)\s*:\s*({_DOLLARS})\s*", part)
            if not found or found[1] in factors:
                raise ValueError(part)
            factors[datetime.date.fromisoformat(found[1]).isoformat()] = found[2]
        return ", ".join(f"{day}: {dollars}" for day, dollars in sorted(factors.items()))


# Four decimals at most, as CMS publishes factors; prices are calculated with as many.
_DOLLARS = r"[1-9]\d?(?:\.\d{1,4})?"


class warehouse(luigi.Config):
    """[warehouse]: where it is."""

    root = luigi.Parameter(default="data", description="folder that holds raw/ and everything built from it")


class build(luigi.Config):
    """[build]: how it runs. None of these shapes the bytes."""

    workers = Number(int, 1, 64, default=2, description="processes that build side by side")
    memory_mb = Number(int, 128, 10_000_000, default=1500, description="memory for data of all workers together, in MB")
    read_chunk_kb = Number(
        int, 1, 1_000_000, default=8192, description="bytes read from a source file at a time, in KB"
    )
    read_threads = Number(
        int, 1, 2, default=2, description="threads to read an in-network file: 1, or 2 to write beside reading"
    )
    skip_broken = luigi.BoolParameter(
        default=False,
        parsing=luigi.BoolParameter.EXPLICIT_PARSING,
        description="publish without files that cannot be read (the command's --skip-broken)",
    )
    object_hours = Number(
        float, 0, 100_000, default=24.0, description="hours that files of former builds stay for readers"
    )


class raw(luigi.Config):
    """[raw]: which files under raw/ are sources, and what becomes of those that are not seen any more."""

    missing = luigi.ChoiceParameter(
        default="stop",
        choices=("stop", "archive"),
        description="what a build makes of a source that was built and is not seen any more: stop (exit 1 until it is "
        "back, archived or forgotten), or archive (its rows stay, and raw files may be deleted after a build)",
    )
    ignore = luigi.Parameter(
        default="",
        description="patterns of paths under raw/ that are passed over, one a line or separated by commas: * stands for "
        "anything, ? for one character, [ab] for one of them; a folder's name for all that is in it",
    )

    def ignored(self) -> tuple[str, ...]:
        """The patterns, in order, each once."""
        found = [one.strip().rstrip("/") for line in self.ignore.splitlines() for one in line.split(",")]
        return tuple(dict.fromkeys(one for one in found if one))


class ingest(luigi.Config):
    """[ingest]: what a source file may be."""

    max_rejected_share = Number(
        float, 0, 1, default=0.01, description="share of unreadable records above which a file is broken"
    )


class fetch(luigi.Config):
    """[fetch]: how files are got over the network. None of these shapes the bytes."""

    per_host = Number(int, 1, 64, default=2, description="connections to one host at a time")
    tries = Number(int, 1, 100, default=5, description="attempts that bring nothing before an address is given up")
    backoff_seconds = Number(
        float, 0, 3600, default=1.0, description="wait before the third attempt, doubled for each further one"
    )
    longest_wait_seconds = Number(
        float, 0, 86_400, default=120.0, description="longest wait, a server's own Retry-After included"
    )
    timeout_seconds = Number(float, 0.1, 3600, default=60.0, description="silence after which a connection is dead")


class facts(luigi.Config):
    """[facts]: the fact table."""

    layout = luigi.ChoiceParameter(default="monthly", choices=LAYOUTS, description="how fact_rate is cut into files")


class partitioning(luigi.Config):
    """[partitioning]: the tree of enriched leaves."""

    keys = luigi.Parameter(
        default=",".join(partition.KEYS), description="a prefix of the seven keys; the rest become the order of rows"
    )
    group_rows = Number(
        int, 1, 1_000_000_000, default=60_000, description="rows of the leaves that are written together"
    )
    # Below a row group, so that it can be held in memory as one.
    piece_rows = Number(
        int, 1, 122_880, default=122_880, description="rows of a file of a month's joined rows, at most"
    )

    def key_list(self) -> tuple[str, ...]:
        """The keys as a tuple; SettingsError when they are no prefix of the seven."""
        names = tuple(k.strip() for k in self.keys.split(",") if k.strip())
        if not names or names != partition.KEYS[: len(names)]:
            raise errors.SettingsError(
                f"[partitioning] keys = {self.keys} is not a prefix of the seven keys",
                remedy="use the first one to seven of: " + ", ".join(partition.KEYS),
            )
        return names


class geocoding(luigi.Config):
    """[geocoding]: places that are not known."""

    fill_coordinates = luigi.BoolParameter(
        default=True,
        parsing=luigi.BoolParameter.EXPLICIT_PARSING,
        description="0.0 for an unknown coordinate, as the guidelines have it; false keeps it null",
    )


class codes(luigi.Config):
    """[codes]: procedure categories."""

    category_source = luigi.ChoiceParameter(default="rbcs", choices=CATEGORY_SOURCES, description="whose categories")


class medicare(luigi.Config):
    """[medicare]: what a release leaves open."""

    work_gpci = luigi.ChoiceParameter(
        default="as_published",
        choices=("as_published", "with_floor", "without_floor"),
        description="which work GPCI counts where a release gives two; as_published refuses such a file",
    )
    conversion_factor = ConversionFactor(
        default="other",
        description="the file's conversion factor, from 2026 that of qualifying APM participants or that of all others; "
        "or the dollars themselves, for every release or from a day to the next one named, at most to the year's end",
    )

    def set_factors(self) -> list[str]:
        """The factors that are set, as `YYYY-MM-DD dollars`, or `dollars` alone for every release; none else."""
        text = self.conversion_factor
        return [] if text in ("other", "qualifying_apm") else [part.replace(":", "") for part in text.split(", ")]


SECTIONS = {
    cls.__name__: cls for cls in (warehouse, build, raw, ingest, fetch, facts, partitioning, geocoding, codes, medicare)
}


# Settings of earlier versions, and what became of each.
REMOVED = {("facts", "keep_sources"): "xref_fact_source lists the files of every fact now, always"}

# Sections of Luigi whose options and values can be checked, and the rest of which its documentation speaks.
LUIGI_SECTIONS = {
    "core": luigi.interface.core,
    "worker": luigi.worker.worker,
    "scheduler": luigi.scheduler.scheduler,
    "execution_summary": luigi.execution_summary.execution_summary,
}
OTHER_SECTIONS = frozenset(
    """batch_notifier cors datadog elasticsearch email hadoop hdfs hive kubernetes logging mysql postgres prometheus
    redshift resources retcode s3 salesforce sendgrid smtp spark task_history webhdfs""".split()
)


def home() -> Path:
    """The folder that holds expectations/ and luigi.cfg: the package's own in a wheel, else the checkout."""
    package = Path(__file__).parent
    return package if (package / "expectations").is_dir() else package.parent


def load(root: Path | None = None) -> None:
    """Read the settings files; SettingsError names the file, the line and the nearest name of what is no setting."""
    paths = [home() / "luigi.cfg", Path.cwd() / "luigi.cfg"]
    if root is not None:
        paths.append(root / "luigi.cfg")
    if os.environ.get("LUIGI_CONFIG_PATH"):
        paths.append(Path(os.environ["LUIGI_CONFIG_PATH"]))
        if not paths[-1].is_file():
            raise errors.SettingsError("no such file", place=paths[-1], remedy="unset LUIGI_CONFIG_PATH, or mend it")
    seen = []
    for path in paths:
        if path.is_file() and path.resolve() not in seen:
            seen.append(path.resolve())
            _check(path)
    config = luigi.configuration.get_config()  # the one instance, which Luigi's modules hold since they were imported
    config.clear()
    config.read([str(p) for p in seen])
    luigi.task_register.Register.clear_instance_cache()
    for name, section in SECTIONS.items():
        try:
            section()
        except ValueError as problem:
            if not isinstance(problem.__cause__, configparser.InterpolationError):
                raise
            raise errors.SettingsError(
                f"[{name}] {problem.__cause__.option} has a % that stands for nothing",
                place=", ".join(map(str, seen)),
                remedy="write %% for a percent sign",
            ) from problem
    partitioning().key_list()


def override(section: str, name: str, value: str) -> None:
    """Set what the command line says over the files, for this process and its children."""
    luigi.configuration.get_config().set(section, name, value)
    luigi.task_register.Register.clear_instance_cache()


def _check(path: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except OSError as problem:
        raise errors.SettingsError(
            f"cannot be read: {problem.strerror}", place=path, remedy="give this user the right to read it"
        ) from problem
    except (UnicodeDecodeError, configparser.Error) as problem:
        raise errors.SettingsError.unreadable(path, problem) from problem
    for name in parser.sections():
        if name in SECTIONS:
            _check_section(path, parser, name, SECTIONS[name], strict=True)
        elif name in LUIGI_SECTIONS:
            _check_section(path, parser, name, LUIGI_SECTIONS[name], strict=False)
        elif name not in OTHER_SECTIONS:
            near = difflib.get_close_matches(name, [*SECTIONS, *LUIGI_SECTIONS, *OTHER_SECTIONS], 1)
            remedy = f"do you mean [{near[0]}]?" if near else f"the sections are {', '.join(SECTIONS)}, and Luigi's own"
            raise errors.SettingsError(f"[{name}] is no section", place=_line(path, f"[{name}]"), remedy=remedy)


def _check_section(path: Path, parser: configparser.ConfigParser, name: str, section: type, *, strict: bool) -> None:
    """Refuse what is no setting of a section and what is no value of one; of Luigi's own only what looks mistyped."""
    known = dict(section.get_params())
    hidden = getattr(section, "ignore_unconsumed", set())  # Luigi reads them in another way
    for option in parser.options(name):
        parameter = known.get(option.replace("-", "_"))
        if became := REMOVED.get((name, option.replace("-", "_"))):
            fact = f"[{name}] {option} is a setting no more: {became}"
            raise errors.SettingsError(fact, place=_line(path, option), remedy="take the line out")
        near = difflib.get_close_matches(option, known, 1, 0.6 if strict else 0.8)
        if parameter is None and (strict or near) and option.replace("-", "_") not in hidden:
            remedy = f"do you mean {near[0]}?" if near else f"[{name}] has {', '.join(known)}"
            raise errors.SettingsError(f"[{name}] {option} is no setting", place=_line(path, option), remedy=remedy)
        if parameter is None:
            continue
        value = parser.get(name, option)
        try:
            parameter.parse(value)
        except (ValueError, TypeError, luigi.parameter.ParameterException) as problem:
            remedy = f"write {_expected(parameter)}"
            fact = f"[{name}] {option} cannot be {value or 'empty'}"
            raise errors.SettingsError(fact, place=_line(path, option), remedy=remedy) from problem


def _expected(parameter: luigi.Parameter) -> str:
    if isinstance(parameter, (Number, ConversionFactor)):
        return parameter.expected
    if isinstance(parameter, luigi.BoolParameter):
        return "true or false"
    if isinstance(parameter, luigi.ChoiceParameter):
        return "one of " + ", ".join(sorted(parameter._choices))
    return "a whole number" if isinstance(parameter, luigi.IntParameter) else "a number"


def _line(path: Path, begins: str) -> str:
    """`file:line` of the first line that begins so."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"{path}:{next(n for n, line in enumerate(lines, 1) if line.strip().lower().startswith(begins.lower()))}"

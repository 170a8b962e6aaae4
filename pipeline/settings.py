"""Settings: typed, few, in one file (`luigi.cfg`), as Luigi's Config classes.

What belongs here: the sections and their meaning, finding the file, refusing what is no setting. What must not
come in: a setting that only a test needs, a default that names data (months, files).

Read in this order, later wins: the checkout's (or wheel's) luigi.cfg, one in the current folder, one in the
warehouse root, the file in LUIGI_CONFIG_PATH.
"""

from __future__ import annotations

import configparser
import difflib
import os
from pathlib import Path

import luigi

from pipeline import errors, partition, paths

LAYOUTS = ("monthly", "state_month", "single", "hive")
CATEGORY_SOURCES = ("rbcs", "betos")


class warehouse(luigi.Config):
    """[warehouse]: where it is."""

    root = luigi.Parameter(default="data", description="folder that holds raw/ and everything built from it")


class build(luigi.Config):
    """[build]: how it runs. None of these shapes the bytes."""

    workers = luigi.IntParameter(default=2, description="processes that build side by side")
    memory_mb = luigi.IntParameter(default=1500, description="memory for data of all workers together, in MB")
    read_chunk_kb = luigi.IntParameter(default=1024, description="bytes read from a source file at a time, in KB")
    skip_broken = luigi.BoolParameter(
        default=False,
        parsing=luigi.BoolParameter.EXPLICIT_PARSING,
        description="publish without files that cannot be read (the command's --skip-broken)",
    )
    object_hours = luigi.FloatParameter(default=24.0, description="hours that files of former builds stay for readers")


class ingest(luigi.Config):
    """[ingest]: what a source file may be."""

    max_rejected_share = luigi.FloatParameter(default=0.01, description="share of unreadable records above which a file is broken")


class facts(luigi.Config):
    """[facts]: the fact table."""

    layout = luigi.ChoiceParameter(default="monthly", choices=LAYOUTS, description="how fact_rate is cut into files")
    keep_sources = luigi.BoolParameter(default=False, parsing=luigi.BoolParameter.EXPLICIT_PARSING)


class partitioning(luigi.Config):
    """[partitioning]: the tree of enriched leaves."""

    keys = luigi.Parameter(
        default=",".join(partition.KEYS), description="a prefix of the seven keys; the rest become the order of rows"
    )
    group_rows = luigi.IntParameter(default=60_000, description="rows of the leaves that are written together")

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


SECTIONS = {cls.__name__: cls for cls in (warehouse, build, ingest, facts, partitioning, geocoding, codes, medicare)}


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
        except (ValueError, luigi.parameter.ParameterException) as problem:
            raise errors.SettingsError(f"[{name}] {problem}", remedy=_sources(seen)) from problem
    partitioning().key_list()


def choose_root(given: str | None) -> paths.Root:
    """Make a folder this process's warehouse (given, else RATEHOUSE_ROOT, else [warehouse] root) and read its settings."""
    load()
    root = paths.use(given or os.environ.get("RATEHOUSE_ROOT") or warehouse().root)
    load(root.path)
    return root


def override(section: str, name: str, value: str) -> None:
    """Set what the command line says over the files, for this process and its children."""
    luigi.configuration.get_config().set(section, name, value)
    luigi.task_register.Register.clear_instance_cache()


def _sources(paths: list[Path]) -> str:
    return "settings come from " + ", ".join(str(p) for p in paths) if paths else "no luigi.cfg was found"


def _check(path: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise errors.SettingsError(f"cannot be read: {problem}", place=path, remedy="make it a readable text file") from problem
    except configparser.Error as problem:
        detail = " ".join(str(problem).split())
        raise errors.SettingsError(f"cannot be parsed: {detail}", place=path, remedy="mend that line") from problem
    for name in parser.sections():
        if name not in SECTIONS:
            near = difflib.get_close_matches(name, SECTIONS, 1, 0.75)
            if near:  # other sections are Luigi's own
                raise errors.SettingsError(f"[{name}] is no section", place=path, remedy=f"do you mean [{near[0]}]?")
            continue
        known = [n.replace("-", "_") for n, _ in SECTIONS[name].get_params()]
        for option in parser.options(name):
            if option.replace("-", "_") not in known:
                near = difflib.get_close_matches(option, known, 1) or [", ".join(known)]
                raise errors.SettingsError(
                    f"[{name}] {option} is no setting", place=path, remedy=f"do you mean {near[0]}?"
                )

"""Raw files as publishers write them, made from a seed: a small warehouse to look at, or a large one to measure.

What belongs here: which files a sample consists of, and what they hold in total. What must not come in: their layouts
(`mrf`, `oddities`, `contents`, `registry`, `fees`, `geography`,
`codesets`), sizes (`plan`) and people (`people`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RootError, UsageError
from pipeline.sample import codesets, contents, fees, geography, mrf, oddities, plan, registry
from pipeline.sample.containers import Output

FACTS = 4_000  # of the sample that the repository carries
FIRST_MONTH = "2025-07"
# From this many facts in a file on, zlib compresses it (see `containers`).
_LARGE_FILE = 5_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Written:
    """One in-network file: its path under `raw/mrf`, month, rates read and distinct facts in it."""

    path: str
    month: str
    rates: int
    facts: int


@dataclass(frozen=True)
class Summary:
    """What a sample holds.

    facts    distinct facts of all months, repeats within and between files collapsed
    rates    rates read: what the files hold
    leaves   leaves of the regular contracts; `oddities` add some 30 a month
    """

    root: Path
    files: tuple[Written, ...] = field(repr=False)
    facts: int
    leaves: int
    registered: int
    bytes: int

    @property
    def rates(self) -> int:
        return sum(written.rates for written in self.files)


@dataclass(frozen=True)
class Sizes:
    """How large a sample is to be.

    facts      distinct facts of all months together, met within two hundred; 1,000 to 200 million
    leaves     partitions of all months together, met within 2 % from 1,000 on (5 % below) where there are 4 facts or
               more to a leaf, up to some 500,000 a month; the oddities add some 30 a month; default: a tenth of `facts`,
               40 to 100,000
    months     how many, from `first_month` (YYYY-MM) on; they are alike, so with the same facts and leaves a month, a
               sample of fewer months is the beginning of one of more
    markets    pairs of payer and folder, 1 to 10; default 5 (four payers, GA, TX and US), 10 from a million facts a month
    providers  NPIs of the practices that are priced, about; default a fiftieth of a month's facts, 240 to 2 million
    services   codes of the catalogue and, above its 130, made-up ones (X0001, …): more codes, fewer practices
    """

    facts: int = FACTS
    leaves: int | None = None
    months: int = 2
    first_month: str = FIRST_MONTH
    markets: int | None = None
    providers: int | None = None
    services: int | None = None


def write(
    directory: Path,
    *,
    seed: int = 7,
    oddities_too: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
    **sizes: int | str | None,
) -> Summary:
    """Write `directory`/raw in the layout that a warehouse root has; the same arguments give the same files.

    oddities_too  also the small files of quirks, within the facts
    progress      called with the file (path under raw), facts written and facts planned
    sizes         fields of `Sizes`

    Memory stays under 60 MB. UsageError for sizes that make no sense; RootError when `directory`/raw holds files already
    and `overwrite` is not set.
    """
    asked = Sizes(**sizes)
    _check(asked)
    raw = directory / "raw"
    if not overwrite and raw.is_dir() and any(raw.iterdir()):
        raise RootError("holds raw files already", place=raw, remedy="name another folder, or empty this one")
    names = plan.months_from(asked.first_month, asked.months)
    oddity_files = oddities.files(names) if oddities_too else []
    aside = sum(file.facts for file in oddity_files) - oddities.BETWEEN_FILES * bool(oddity_files)
    facts, leaves = max(asked.facts - aside, asked.months), asked.leaves or plan.default_leaves(asked.facts)
    counts = plan.Counts(asked.markets, asked.providers, asked.services)
    made = plan.make(seed, facts, leaves, names, counts)
    writer = _Writer(raw, made.facts + aside, progress)
    for market in made.markets:
        for turn, month in enumerate(names):
            _contract(writer, made, market, month, turn)
    for file in oddity_files:
        path = f"mrf/{file.folder}/{file.name}"
        writer.put(path, file.content)
        writer.counted(Written(path.removeprefix("mrf/"), file.month, file.rates, file.facts))
    if oddities_too:
        writer.put(f"toc/{contents.NAME}", contents.index())
    registered = _registry(writer, made)
    _references(writer, made)
    return Summary(raw, tuple(writer.files), made.facts + aside, made.leaves, registered, writer.bytes)


def _check(asked: Sizes) -> None:
    for name, least, most in (
        ("facts", 1_000, plan.MOST_FACTS),
        ("leaves", 1, 10_000_000),
        ("months", 1, 240),
        ("markets", 1, plan.MOST_MARKETS),
        ("services", 1, 10_000),
        ("providers", 1, 5_000_000),
    ):
        value = getattr(asked, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name} is {value:,}", remedy=f"ask for {least:,} to {most:,}")


class _Writer:
    """Puts files under `raw`, counts them and tells how far it is."""

    def __init__(self, raw: Path, planned: int, progress: Progress | None):
        self.raw, self.planned, self.progress = raw, planned, progress
        self.files: list[Written] = []
        self.facts = self.bytes = 0

    def put(self, path: str, content: str | bytes) -> None:
        with self.open(path) as out:
            out.write(content)
        self.bytes += out.size

    def open(self, path: str, *, streaming: bool = False) -> Output:
        return Output(self.raw / path, streaming=streaming)

    def counted(self, written: Written) -> None:
        self.files.append(written)
        self.tick(f"mrf/{written.path}", written.facts)

    def tick(self, path: str, facts: int) -> None:
        self.facts += facts
        if self.progress:
            self.progress(path, self.facts, self.planned)


def _contract(writer: _Writer, made: plan.Plan, market: plan.Market, month: str, turn: int) -> None:
    large = market.facts > _LARGE_FILE
    path = f"mrf/{market.folder}/{mrf.name_of(market, month, large)}"
    with writer.open(path, streaming=large) as out:
        mrf.write(out, made.seed, market, month, turn, lambda facts: writer.tick(path, facts))
    writer.bytes += out.size
    writer.files.append(Written(path.removeprefix("mrf/"), month, market.facts, market.facts))


def _registry(writer: _Writer, made: plan.Plan) -> int:
    records = 0
    for name, fill in (
        (registry.MONTHLY, lambda out: registry.write_monthly(out, made.pools)),
        (registry.ANSWER, lambda out: registry.write_answers(out, made.pools)),
        (registry.WEEKLY, registry.write_weekly),
        (registry.LOCATIONS, registry.write_locations),
        (registry.DEACTIVATED, registry.write_deactivated),
    ):
        with writer.open(f"nppes/{name}") as out:
            count = fill(out)
        records += count if name in (registry.MONTHLY, registry.ANSWER) else 0
        writer.bytes += out.size
    return records


def _references(writer: _Writer, made: plan.Plan) -> None:
    codes = made.made_up
    for path, content in (
        ("medicare/PPRRVU2025_Jul.csv", fees.relative_values(codes)),
        ("medicare/GPCI2025.csv", fees.gpcis()),
        ("medicare/ANES2025.csv", fees.anesthesia()),
        ("medicare/ANES2025_base.csv", fees.anesthesia_base()),
        ("medicare/25LOCCO.csv", fees.locality_counties()),
        ("medicare/ZIP5_JUL2025.txt", fees.zip_localities()),
        ("medicare/OPPSCAP_Jul.csv", fees.opps_caps()),
        ("medicare/July 2025 Addendum B.csv", fees.addendum_b(codes)),
        ("medicare/July 2025 ASC Addendum AA.csv", fees.addendum_aa(codes)),
        ("medicare/July 2025 ASC Addendum BB.csv", fees.addendum_bb(codes)),
        ("medicare/July 2025 ASC Addendum FF.csv", fees.addendum_ff(codes)),
        ("medicare/FY 2025 Table 3 wage index.csv", fees.wage_index()),
        ("medicare/CY 2025 ASC wage index.csv", fees.asc_wage_index()),
        ("wcfs/GA_2025.csv", fees.compensation("GA", 148)),
        ("wcfs/TX_2025.csv", fees.compensation("TX", 126)),
        ("geo/ZIP_CBSA_062025.xlsx", geography.zip_areas()),
        ("geo/dim_zip.csv", geography.zip_counties()),
        ("geo/geonames_US.txt", geography.centroids()),
        ("geo/cbsa2fipsxw.csv", geography.delineation()),
        ("geo/GeocodeResults.csv", geography.geocoded(made.pools)),
        ("codes/rbcs_2024.csv", codesets.rbcs(codes)),
        ("codes/betpuf20.txt", codesets.betos(codes)),
        ("codes/betos2_cat.csv", codesets.betos_sets()),
        ("codes/betos2_cat_lvl2.csv", codesets.betos_classes()),
        ("codes/nucc_taxonomy_250.csv", codesets.taxonomy()),
        ("pos/pos_codes.csv", codesets.places_of_service()),
    ):
        writer.put(path, content)

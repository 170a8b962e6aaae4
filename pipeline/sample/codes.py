"""The services of the sample: codes with names of our own, their categories, first prices, and how they are billed.

What belongs here: which price variants (modifier, places of service) a contract lists for a code.
What must not come in: files (`mrf`, `fees` write those) and the tables that it reads (`figures`).

Only the numbers of CPT codes are used; every name here is ours, as CPT's descriptions are the AMA's. OPPS status and
APC are those of 2025; relative weights are rounded, and the price of what neither Medicare schedule of the sample
prices is of the right order only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from pipeline.sample import figures

PFS_FACTOR = 323465  # ten-thousandths of a dollar: CMS-1807-F, CY 2025
OPPS_FACTOR = 89169  # thousandths of a dollar: CMS-1809-FC, CY 2025
ASC_FACTOR = 54895  # thousandths of a dollar: CMS-1809-FC, CY 2025

# Categories that a payer's professional contract covers, first those that most contracts are about.
_FIRST = ("99213", "71046", "45378", "20610", "93000", "80053", "97110", "66984", "93306", "70553", "99284", "74177")

# Where a service is done, as the POS set that a price lists. `any` differs by payer (see `mrf`).
PLACES = {
    "office": ("11",),
    "clinic": ("11", "49", "72"),
    "facility": ("19", "21", "22"),
    "surgical": ("21", "22", "24"),
    "inpatient": ("21",),
    "emergency": ("23",),
    "home": ("12",),
    "nursing": ("31", "32"),
    "laboratory": ("11", "81"),
    "ambulance": ("41", "42"),
    "outpatient": ("19", "22"),
    "centre": ("24",),
    "dialysis": ("65",),
    "none": (),
    "any": ("CSTM-00",),
}
# Categories whose services are done in one kind of place.
_ONLY = {
    "E&M|Emergency Department Services": "emergency",
    "E&M|Hospital Inpatient Services": "inpatient",
    "E&M|Critical Care Services": "inpatient",
    "E&M|Observation Care Services": "facility",
    "E&M|Nursing Facility Services": "nursing",
    "E&M|Home Services": "home",
    "E&M|Hospice": "nursing",
    "Test|General Laboratory": "laboratory",
    "Test|Molecular Testing": "laboratory",
    "Treatment|Dialysis": "dialysis",
    "Other|Ambulance": "ambulance",
    "Anesthesia|Anesthesia": "surgical",
}


@dataclass(frozen=True)
class Variant:
    """One price of a contract's line: its modifier ('' if none), where it holds, and its price at Medicare's level."""

    modifier: str
    place: str
    cents: int
    inpatient: bool = False


@dataclass(frozen=True)
class Service:
    """A code as a contract lists it."""

    code: str
    name: str
    category: str
    variants: tuple[Variant, ...] = field(repr=False)

    @property
    def code_type(self) -> str:
        """CPT for numbers and HCPCS for letters, as payers write them."""
        return "CPT" if self.code[0].isdigit() else "HCPCS"


@functools.cache
def catalogue() -> dict[str, tuple[str, ...]]:
    """Code -> (name, OPPS status, APC, OPPS weight, ASC indicator, cents), texts as in `services.csv`."""
    return {code: tuple(rest) for code, *rest in figures.rows("services")}


@functools.cache
def fee_rows() -> dict[str, dict[str, list[str]]]:
    """Code -> modifier -> the fee schedule's columns from STATUS CODE to OPPS MP, without the conversion factor."""
    rows: dict[str, dict[str, list[str]]] = {}
    for code, modifier, *rest in figures.rows("relative_values"):
        rows.setdefault(code, {})[modifier] = rest
    return rows


@functools.cache
def category_of() -> dict[str, str]:
    """Code -> `category|subcategory` of RBCS, the row that took effect last."""
    return {code: f"{category}|{subcategory}" for code, _, category, subcategory, *_ in figures.rows("rbcs")}


def hundredths(text: str) -> int:
    """A figure with two decimals as an integer of hundredths."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def opps_cents(code: str) -> int:
    """Weight times conversion factor in cents, rounded half up; 0 where the catalogue has no weight."""
    weight = catalogue()[code][3]
    return (hundredths(weight) * OPPS_FACTOR + 500) // 1_000 if weight else 0


def asc_cents(code: str) -> int:
    """The sample's ASC price: 53 % of the OPPS price (CMS: the OPPS weight, scaled, times a smaller factor)."""
    return opps_cents(code) * 53 // 100


def _pfs_cents(row: list[str], facility: bool) -> int:
    total = hundredths(row[9] if facility else row[8])
    return (total * PFS_FACTOR + 5_000) // 10_000


def _professional(code: str) -> tuple[Variant, ...]:
    fallback = int(catalogue()[code][5] or 0)
    rows, only = fee_rows().get(code, {}), _ONLY.get(category_of()[code])
    row = rows.get("")
    if row is None or not _pfs_cents(row, False):
        return (Variant("", only or "any", fallback or opps_cents(code)),)
    near, far = _pfs_cents(row, False), _pfs_cents(row, True)
    if "26" in rows and "TC" in rows and _pfs_cents(rows["TC"], False):
        reading = Variant("26", "facility", _pfs_cents(rows["26"], True))
        return (Variant("", "office", near), reading, Variant("TC", "office", _pfs_cents(rows["TC"], False)))
    if only:
        return (Variant("", only, far, only == "inpatient"),)
    if near != far:
        stopped = (Variant("53", "centre", _pfs_cents(rows["53"], True)),) if "53" in rows else ()
        return (Variant("", "office", near), Variant("", "facility", far), *stopped)
    return (Variant("", "surgical" if category_of()[code].startswith("Procedure") else "any", near),)


def _institutional(code: str) -> tuple[Variant, ...]:
    surgical = (Variant("", "centre", asc_cents(code)),) if catalogue()[code][4] else ()
    return (Variant("", "outpatient", opps_cents(code)), *surgical)


@functools.cache
def professional() -> dict[str, tuple[Service, ...]]:
    """Category -> the services that physicians bill, the categories of `_FIRST` first."""
    return _by_category(tuple(catalogue()), _professional)


@functools.cache
def institutional() -> dict[str, tuple[Service, ...]]:
    """Category -> the services that hospitals and surgical centres bill: those with an OPPS weight."""
    return _by_category(tuple(code for code in catalogue() if catalogue()[code][3]), _institutional)


def _by_category(codes: tuple[str, ...], variants) -> dict[str, tuple[Service, ...]]:
    first = [category_of()[code] for code in _FIRST]
    grouped: dict[str, list[Service]] = {category: [] for category in first}
    for code in codes:
        category = category_of()[code]
        grouped.setdefault(category, []).append(Service(code, catalogue()[code][0], category, variants(code)))
    return {category: tuple(services) for category, services in grouped.items() if services}


def made_up(count: int) -> list[tuple[str, str]]:
    """(code, the code of the catalogue that it takes figures and category from) of `count` codes that nobody publishes.

    X and four digits: HCPCS has no codes X0001 to X9999. For sizes that need more codes than the catalogue has.
    """
    models = [services[n % len(services)].code for n in range(8) for services in professional().values()]
    return [(f"X{n + 1:04d}", models[n % len(models)]) for n in range(count)]

"""The arithmetic of a sample: how many practices, codes and profiles give so many facts in so many leaves.

What belongs here: the payers, their markets, and the sizes of what each market's files hold. What must not come in:
text of files, names, prices.

A market's contract prices every service of its list for every practice of its list: facts = practices x prices, with
one more practice that is priced for some services only, to use up what is left. A leaf is a pair of category (of the
service) and profile (taxonomy and place of the practice), so leaves = categories x profiles, in each month and market
and for each billing class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

from pipeline import partition
from pipeline.sample import codes, people

# The share of facts and leaves that institutional rates take.
_INSTITUTIONAL = 5  # one in five
# In-line groups take about 30 times the bytes of references: in large samples that market gets a tenth of a full share.
_LARGE = 100_000
_LARGE_INLINE = 10
_MOST_REFERENCES = 20  # references in a rates object: with 1.7 prices each, 65 rates per KB, as large payers write
MOST_FACTS = 200_000_000


@dataclass(frozen=True)
class Payer:
    """Who publishes; `style` says how its files are written (see `mrf`)."""

    name: str
    kind: str
    stem: str
    style: str
    networks: tuple[str, ...]
    plan: str
    plan_id: str
    level: int  # its prices, in hundredths of Medicare's


QUARTZFIELD = Payer(
    "Quartzfield Health Plan, Inc.",
    "health insurance issuer",
    "Quartzfield-Health-Plan",
    "v1 references",
    (),
    "Quartzfield Open Access HMO",
    "978000001",
    135,
)
TUPELO = Payer(
    "Tupelo & Vine Mutual",
    "health insurance issuer",
    "tupelo-vine",
    "v2",
    ("Vine Choice PPO", "Vine Select EPO"),
    "Vine Choice 3000",
    "97800002-0010001",
    150,
)
SALUD = Payer(
    "Salud Río Bravo / Médica & Familia, 100% S.A.",
    "third-party administrator",
    "SaludRioBravo",
    "v1 inline",
    (),
    "Plan Médica & Familia",
    "978000003",
    118,
)
LARKHAVEN = Payer(
    "Larkhaven National Network",
    "health insurance issuer",
    "larkhaven",
    "v2",
    ("Larkhaven National PPO",),
    "Larkhaven Employer PPO",
    "978000004",
    165,
)
BRINDLEWOOD = Payer(
    "Brindlewood Benefit Trust",
    "group health plan",
    "brindlewood",
    "v2",
    ("Brindlewood Broad",),
    "Brindlewood Trust Plan",
    "978000005",
    142,
)
OSPREY = Payer(
    "Osprey Hollow Assurance",
    "health insurance issuer",
    "Osprey-Hollow",
    "v1 references",
    (),
    "Osprey Gold HMO",
    "978000006",
    128,
)
# (payer, folder, pool of practices); a size takes the first so many.
_MARKETS = (
    (QUARTZFIELD, "GA", "GA"),
    (TUPELO, "TX", "TX"),
    (LARKHAVEN, "US", "US"),
    (SALUD, "TX", "TX in-line"),
    (TUPELO, "GA", "GA"),
    (BRINDLEWOOD, "TX", "TX"),
    (OSPREY, "GA", "GA"),
    (OSPREY, "TX", "TX"),
    (BRINDLEWOOD, "GA", "GA"),
    (QUARTZFIELD, "TX", "TX"),
)
_POOLS = {"GA": ("GA",), "TX": ("TX",), "US": (), "TX in-line": ("TX",)}
MOST_MARKETS = len(_MARKETS)


@dataclass(frozen=True)
class List:
    """One billing class of a contract: every service for practices `first` to `first + practices - 1` of the pool.

    One more practice is priced for the services whose numbers `partly` holds. `block` practices have the same prices
    and stand in one rates object.
    """

    billing_class: str
    pool: people.Pool
    services: tuple[codes.Service, ...]
    categories: int
    profiles: int
    practices: int
    partly: frozenset[int]
    block: int
    first: int = 0

    @property
    def prices(self) -> int:
        """Prices of one practice."""
        return sum(len(service.variants) for service in self.services)

    @property
    def facts(self) -> int:
        """Facts of one month."""
        return self.practices * self.prices + sum(len(self.services[n].variants) for n in self.partly)

    @property
    def leaves(self) -> int:
        """Leaves of one month."""
        return self.categories * self.profiles


@dataclass(frozen=True)
class Market:
    """What one payer publishes in one folder, month by month."""

    number: int
    payer: Payer
    folder: str
    lists: tuple[List, ...]

    @property
    def facts(self) -> int:
        """Facts of one month."""
        return sum(part.facts for part in self.lists)

    @property
    def leaves(self) -> int:
        """Leaves of one month."""
        return sum(part.leaves for part in self.lists)


@dataclass(frozen=True)
class Plan:
    """All markets and pools; `made_up` are codes that nobody publishes, with the codes whose figures they take."""

    seed: int
    months: tuple[str, ...]
    markets: tuple[Market, ...]
    pools: tuple[people.Pool, ...]
    made_up: tuple[tuple[str, str], ...]

    @property
    def facts(self) -> int:
        """Facts of all months."""
        return len(self.months) * sum(market.facts for market in self.markets)

    @property
    def leaves(self) -> int:
        """Leaves of all months."""
        return len(self.months) * sum(market.leaves for market in self.markets)


def months_from(first: str, count: int) -> tuple[str, ...]:
    """`count` months from `first` (YYYY-MM) on. UsageError when `first` is no month."""
    year, _, month = partition.month(first).partition("-")
    start = int(year) * 12 + int(month) - 1
    return tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(start, start + count))


def default_leaves(facts: int) -> int:
    """Ten facts a leaf in a small sample, and 100,000 leaves at most: the guidelines expect 50,000 to 100,000."""
    return max(40, min(facts // 10, 100_000))


class Counts(NamedTuple):
    """How many there are to be, None for as many as the facts take."""

    markets: int | None = None
    providers: int | None = None
    services: int | None = None


_AS_FITS = Counts()


def make(seed: int, facts: int, leaves: int, months: tuple[str, ...], counts: Counts = _AS_FITS) -> Plan:
    """The plan nearest to what is asked. `facts` and `leaves` are of all months together.

    The months are alike, so that a sample of fewer months at the same facts a month is the beginning of one of more.
    """
    markets, providers, services = counts
    a_month = max(1, facts // len(months))
    count = markets or (5 if a_month < 10 * _LARGE else MOST_MARKETS)
    chosen = _MARKETS[:count]
    made_up = tuple(codes.made_up(max(0, (services or 0) - len(codes.catalogue()))))
    shares = [1.0 / _LARGE_INLINE if p.style == "v1 inline" and a_month > _LARGE else 1.0 for p, _, _ in chosen]
    drafts: dict[tuple[str, str], list[tuple[int, List]]] = {}
    for number, ((_, _, pool_name), share) in enumerate(zip(chosen, shares, strict=True)):
        part_facts = a_month * share / sum(shares)
        part_leaves = leaves / len(months) * share / sum(shares)
        for billing_class, weight in (("professional", 1 - 1 / _INSTITUTIONAL), ("institutional", 1 / _INSTITUTIONAL)):
            pool = _empty_pool(seed, pool_name, billing_class)
            offered = _offer(billing_class, made_up, rotate=number * 3)
            part = _fit(pool, billing_class, offered, round(part_facts * weight), part_leaves * weight)
            drafts.setdefault((pool_name, billing_class), []).append((number, part))
    wanted = providers or max(240, min(a_month // 50, 2_000_000))
    lists: dict[int, list[List]] = {number: [] for number in range(count)}
    sizes = {key: _practices(parts) for key, parts in drafts.items()}
    facilities = sum(size for (_, billing_class), size in sizes.items() if billing_class == "institutional")
    pools = []
    for parts in drafts.values():
        pool, placed = _share(parts, (wanted - facilities) / (sum(sizes.values()) - facilities))
        pools.append(pool)
        for number, part in placed:
            lists[number].append(part)
    made = tuple(Market(n, payer, folder, tuple(lists[n])) for n, (payer, folder, _) in enumerate(chosen))
    return Plan(seed, months, made, tuple(pools), made_up)


def _empty_pool(seed: int, name: str, billing_class: str) -> people.Pool:
    professional = billing_class == "professional"
    number = 2 * list(_POOLS).index(name) + (not professional)
    taxonomies = people.PROFESSIONS if professional else people.FACILITIES
    return people.Pool(seed, number, people.places_of(_POOLS[name]), taxonomies, 0, 1, 1, 1.0)


def _offer(billing_class: str, made_up: tuple[tuple[str, str], ...], rotate: int) -> list[list[codes.Service]]:
    """The services by category, beginning with another category for each market, made-up ones behind the others."""
    known = codes.professional() if billing_class == "professional" else codes.institutional()
    by_category = {category: list(services) for category, services in known.items()}
    models = {service.code: service for services in known.values() for service in services}
    for code, model in made_up:
        if model in models:
            like = models[model]
            by_category[like.category].append(replace(like, code=code, name=f"Made-up service {code}"))
    ordered = list(by_category.values())
    rotate %= len(ordered)
    return ordered[rotate:] + ordered[:rotate]


def _fit(pool: people.Pool, billing_class: str, offered: list[list[codes.Service]], facts: int, leaves: float) -> List:
    """Categories, services and practices whose product is nearest to the facts and leaves asked of this list."""
    categories = min(len(offered), max(1, round(1.3 * sqrt(leaves))))
    profiles = min(pool.most_profiles, max(1, round(leaves / categories)))
    categories = min(len(offered), max(1, round(leaves / profiles)))
    while True:
        in_turn = _in_turn(offered[:categories])
        one_each = sum(len(service.variants) for service in in_turn[:categories])
        if facts >= one_each * profiles or (categories == 1 and profiles == 1):
            break  # else: not a fact for each leaf
        categories, profiles = (categories, profiles - 1) if profiles >= categories else (categories - 1, profiles)
    count, prices = categories, one_each
    while count < len(in_turn) and (prices + len(in_turn[count].variants)) * profiles * 3 <= facts * 2:
        prices += len(in_turn[count].variants)
        count += 1
    services = tuple(in_turn[:count])
    practices = max(1, facts // prices)
    partly = _partly(services, facts - practices * prices)
    block = max(1, min(_MOST_REFERENCES, practices // 3))
    return List(billing_class, pool, services, categories, profiles, practices, partly, block)


def _partly(services: tuple[codes.Service, ...], facts: int) -> frozenset[int]:
    """Numbers of services whose prices are `facts` together, or as near below as there are."""
    chosen = set()
    for number, service in enumerate(services):
        if len(service.variants) <= facts:
            chosen.add(number)
            facts -= len(service.variants)
    return frozenset(chosen)


def _in_turn(offered: list[list[codes.Service]]) -> list[codes.Service]:
    """The first service of each category, then the second of each, and so on."""
    longest = max(map(len, offered))
    return [services[n] for n in range(longest) for services in offered if n < len(services)]


def _practices(parts: list[tuple[int, List]]) -> int:
    """Practices of a pool: payers share some of them, and each finds enough."""
    each = [part.practices + 1 for _, part in parts]
    return max(*each, sum(each) * 3 // 4) if len(each) > 1 else each[0]


def _share(parts: list[tuple[int, List]], members: float) -> tuple[people.Pool, list[tuple[int, List]]]:
    """The pool with its counts, and the lists with the run of practices that each takes of it."""
    count = _practices(parts)
    profiles = min(part.profiles for _, part in parts)
    spread = max(1, min(part.practices for _, part in parts) // profiles)
    facility = parts[0][1].billing_class == "institutional"
    pool = replace(
        parts[0][1].pool,
        count=count,
        profiles=profiles,
        spread=spread,
        members=1.0 if facility else max(1.0, min(24.0, members)),
    )
    placed = []
    for rank, (number, part) in enumerate(parts):
        room = count - part.practices - 1
        first = room * rank // (len(parts) - 1) if len(parts) > 1 else 0
        placed.append((number, replace(part, pool=pool, profiles=profiles, first=first)))
    return pool, placed

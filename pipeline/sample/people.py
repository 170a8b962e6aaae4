"""Who the sample's providers are: practices, their members, tax numbers, names and addresses. All of it is invented.

What belongs here: the pools of practices, each a function of its index, so that any number of them needs no memory.
What must not come in: how a payer lists them (`mrf`) or the registry does (`registry`).

Every member of a practice has the practice's taxonomy and place (its *profile*), but for a straggler in some of the
larger ones, who changes neither mode. So the primary provider that the data model chooses shows the profile, and the
number of leaves can be planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.sample import figures
from pipeline.sample.draws import draw, ein, npi

# NUCC taxonomy code and the name of the specialty; prime numbers of both, see `Pool.profile`.
PROFESSIONS = figures.rows("professions")
FACILITIES = figures.rows("facilities")
_ORGANISATIONS = frozenset(code for code, _ in (*FACILITIES, PROFESSIONS[21], PROFESSIONS[22]))
# Stragglers of larger practices: taxonomies that no profile has.
_STRAGGLERS = (("207RN0300X", "Internal Medicine, Nephrology"), ("207RE0101X", "Internal Medicine, Endocrinology"))
TAXONOMIES = dict((*PROFESSIONS, *FACILITIES, *_STRAGGLERS))

_words = str.split
_GIVEN = _words(
    "Alva Bettina Casimir Delphine Edgar Fenna Gideon Hollis Imara Jorge Keziah Leopold Marisol Nolan Odette Pascal "
    "Quentin Rosalind Soraya Tobias Ursula Vikram Winifred Xiomara Yusuf Zelda Anselm Brisa Corwin Dalia"
)
_FAMILY_HEADS = _words(
    "Ash Birch Cald Dorn Elder Fal Green Hart Iver Juni Kest Lor Mar North Oak Pell Quill Rav Sorr Thorn"
)
_FAMILY_TAILS = _words(
    "bury combe dale field ford grove ham ingham land ley mere mont ridge shaw stead ton vale wick wood worth"
)
_HEADS = _words(
    "Amber Bluestem Cedarline Driftwood Eastmoor Fernbank Goldenrod Hollowell Ironwood Juniper Kingsvale Lanternhill "
    "Magnolia Northgate Opaline Persimmon Quarry Riverbend Sweetgum Tallgrass"
)
_KINDS = {
    "282N00000X": "Regional Hospital",
    "261QA1903X": "Surgery Center",
    "282NC0060X": "County Hospital",
    "261QR0200X": "Imaging Center",
    "283X00000X": "Rehabilitation Hospital",
    "332B00000X": "Medical Supply",
    "225100000X": "Physical Therapy",
    "207X00000X": "Orthopaedics",
    "2085R0202X": "Radiology Group",
    "207RC0000X": "Heart Group",
}
_STREETS = _words(
    "Larkspur Wheelwright Saddlebrook Millrace Foxglove Copperfield Tanager Quailrun Honeysuckle Stonebridge"
)
_WAYS = _words("St Ave Blvd Dr Ln Pkwy Rd Way")
_CREDENTIALS = {
    "363LF0000X": "FNP-C",
    "225100000X": "PT, DPT",
    "1041C0700X": "LCSW",
    "111N00000X": "D.C.",
    "363A00000X": "PA-C",
}

MOST_MEMBERS = 32  # so that index * 32 + member stays unique
POOLS = 8


class Place(NamedTuple):
    """A ZIP with what the geography files say of it, all text as published."""

    state: str
    zip: str
    city: str
    county_fips: str
    county: str
    geonames_county: str
    cbsa: str
    latitude: str
    longitude: str
    carrier: str
    locality: str
    rural: str


PLACES = tuple(Place(*row) for row in figures.rows("places"))
# The further ZIPs of an area come last in `places.csv`: one place an area and state is what profiles count.
_LAST = {"76102", "77550", "77511"}


def places_of(states: tuple[str, ...]) -> tuple[Place, ...]:
    """The places of those states, one an area, in the order of the states (none named: every state's, others first)."""
    core = [place for place in PLACES if place.zip not in _LAST]
    if states:
        return tuple(place for state in states for place in core if place.state == state)
    return tuple(sorted(core, key=lambda place: place.state in ("GA", "TX")))


class Provider(NamedTuple):
    """One record of the registry."""

    npi: str
    individual: bool
    given: str
    family: str
    organisation: str
    credential: str
    taxonomy: str
    place: Place
    line_1: str
    line_2: str
    zip_9: str
    telephone: str
    fax: str
    sole: str
    enumerated: str
    updated: str
    licence: str
    deactivated: str
    mailing_elsewhere: bool


class Practice(NamedTuple):
    """A practice as payers name it: `tins` are (type, value, business name, its members' NPIs)."""

    index: int
    profile: int
    npis: tuple[str, ...]
    tins: tuple[tuple[str, str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Pool:
    """Practices 0 to `count` - 1, of one kind in one region.

    number     which of the `POOLS` it is: NPIs and EINs of two pools never meet
    profiles   how many profiles there are; every run of `profiles * spread` practices has all of them
    spread     each spread-th practice takes the next profile in turn, the others a popular one
    members    members of a practice on average, 1 to 24
    """

    seed: int
    number: int
    places: tuple[Place, ...]
    taxonomies: tuple[tuple[str, str], ...]
    count: int
    profiles: int
    spread: int
    members: float

    @property
    def most_profiles(self) -> int:
        """As many as there are pairs of place and taxonomy."""
        return len(self.places) * len(self.taxonomies)

    def at(self, profile: int) -> tuple[Place, str]:
        """The place and taxonomy of a profile: neighbours differ in both, and no two profiles are alike.

        The number of taxonomies is prime and no divisor of the number of places plus one (asserted by a test), so that
        going once more round the places meets each taxonomy once.
        """
        places = len(self.places)
        turn = profile // places
        return self.places[profile % places], self.taxonomies[(turn + profile) % len(self.taxonomies)][0]

    def profile(self, index: int) -> int:
        """The profile of a practice: in turn, or drawn so that the first ones are the most popular."""
        if index % self.spread == 0:
            return index // self.spread % self.profiles
        x = draw(self.seed, self.number, index, 1)
        return (x & 0xFFFF) * (x >> 16 & 0xFFFF) * self.profiles >> 32

    def size(self, index: int) -> int:
        """Members of a practice: half of them small, the mean about `members`."""
        if self.members <= 1:
            return 1
        x = draw(self.seed, self.number, index, 2)
        share = (x & 0xFFFF) / 65536 * (x >> 16 & 0xFFFF) / 65536  # of mean 1/4
        return min(MOST_MEMBERS, 1 + int((self.members - 0.5) * 4 * share))

    def practice(self, index: int) -> Practice:
        """The practice's NPIs and tax numbers."""
        size = self.size(index)
        first = (index * POOLS + self.number) * MOST_MEMBERS
        npis = tuple([npi(first + k) for k in range(size)])
        x = draw(self.seed, self.number, index, 3)
        number = index * POOLS + self.number
        if size == 1 and x % 4 == 0 and len(self.taxonomies) > len(FACILITIES):
            return Practice(index, self.profile(index), npis, (("npi", npis[0], "", npis),))
        name = self.name(index)
        tins = [("ein", ein(number), name, npis)]
        if size > 1 and x % 5 == 0:  # a second company of the same people: which NPI bills under which TIN matters
            tins.append(("ein", ein(number + 40_000_000), f"{name} Services", npis[: (size + 1) // 2]))
        return Practice(index, self.profile(index), npis, tuple(tins))

    def name(self, index: int) -> str:
        """The organisation's name."""
        x = draw(self.seed, self.number, index, 4)
        place, taxonomy = self.at(self.profile(index))
        kind = _KINDS.get(taxonomy, "Medical Group")
        return f"{_HEADS[x % len(_HEADS)]} {kind} of {place.city.title()} {index + 1}"

    def providers(self, index: int) -> Iterator[Provider]:
        """The registry's records of a practice; some of a larger practice's last members are unknown to it."""
        practice = self.practice(index)
        home, taxonomy = self.at(practice.profile)
        size = len(practice.npis)
        for member, number in enumerate(practice.npis):
            x = draw(self.seed, self.number, index, 5, member)
            last = size > 3 and member == size - 1
            if last and x % 8 == 0:
                continue  # unknown to the registry
            straggler = last and x % 8 == 1
            place = self.places[x % len(self.places)] if straggler else home
            code = _STRAGGLERS[x % 2][0] if straggler else taxonomy
            group = code in _ORGANISATIONS or (member == 0 and size > 2)
            year = 2005 + (x >> 13) % 18
            yield Provider(
                npi=number,
                individual=not group,
                given=_GIVEN[(x >> 18) % len(_GIVEN)],
                family=_FAMILY_HEADS[(x >> 8) % 20] + _FAMILY_TAILS[(x >> 23) % 20],
                organisation=self.name(index) if group else "",
                credential=_CREDENTIALS.get(code, "M.D."),
                taxonomy=code,
                place=place,
                line_1=f"{100 + (x >> 28) % 9800} {_STREETS[(x >> 32) % 10]} {_WAYS[(x >> 36) % 8]}",
                line_2=f"Suite {100 + (x >> 39) % 400}" if x >> 48 & 1 else "",
                zip_9=place.zip + f"{1000 + (x >> 41) % 9000}",
                telephone=f"{201 + (x >> 44) % 700}55501{(x >> 52) % 100:02d}",
                fax=f"{201 + (x >> 44) % 700}55501{(x >> 55) % 100:02d}" if x >> 49 & 1 else "",
                sole="X" if group else "YNN"[(x >> 50) % 3],
                enumerated=f"{year}-{1 + (x >> 16) % 12:02d}-{1 + (x >> 20) % 28:02d}",
                updated=f"{max(year + 1, 2015 + (x >> 57) % 10)}-{1 + (x >> 26) % 12:02d}-{1 + (x >> 30) % 28:02d}",
                licence=f"{place.state}{10_000 + (x >> 34) % 89_999}" if not group else "",
                deactivated=f"2024-{1 + (x >> 26) % 12:02d}-15" if last and x % 8 == 2 else "",
                mailing_elsewhere=x >> 51 & 3 == 0,
            )

"""Draws without state: the same seed and keys give the same number everywhere, in any order.

What belongs here: mixing integers, and the numbers that identify (NPI, EIN) made from an index. What must not come in:
`random` (its helpers changed between Pythons) and anything that remembers.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15

# NPIs are issued from 1000000000 upwards and none begins with 2 yet: no number of the sample is anybody's.
_NPI_LEAD = "2"
_NPI_SPACE = 10**8
# Spreads consecutive indices over the space; odd and no multiple of 5, so that no two indices meet.
_NPI_STEP = 61_803_397
# Prefixes that the IRS has not assigned to any campus.
_EIN_PREFIXES = ("97", "89", "79", "69", "49")
_EIN_SPACE = 10**7
_EIN_STEP = 6_180_339


def draw(seed: int, *keys: int) -> int:
    """A number of 64 bits that depends on the seed and every key (splitmix64: Steele, Lea and Flood, 2014)."""
    x = seed & _MASK
    for key in keys:
        x = ((x ^ key) + _GOLDEN) & _MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
        x ^= x >> 31
    return x


def _doubled(digit: int) -> int:
    return digit * 2 - 9 if digit > 4 else digit * 2


# What four digits add to Luhn's sum, the last of them doubled.
_LUHN = [_doubled(n % 10) + n // 10 % 10 + _doubled(n // 100 % 10) + n // 1000 for n in range(10_000)]


def npi(index: int) -> str:
    """The NPI of that index (0 to 10^8 - 1): ten digits beginning with 2, the last its check digit.

    CMS takes Luhn's digit (ISO 7812) of the NPI with the prefix 80840 before it, which adds 24.
    """
    body = index * _NPI_STEP % _NPI_SPACE
    total = 24 + _doubled(int(_NPI_LEAD)) + _LUHN[body // 10_000] + _LUHN[body % 10_000]
    return f"{_NPI_LEAD}{body:08d}{-total % 10}"


def wrong_npi(index: int) -> str:
    """The same with a check digit that is wrong."""
    right = npi(index)
    return right[:9] + str((int(right[9]) + 1) % 10)


def ein(index: int) -> str:
    """The EIN of that index (0 to 5 * 10^7 - 1): nine digits, no hyphen, a prefix that nobody was given."""
    return _EIN_PREFIXES[index // _EIN_SPACE] + f"{index % _EIN_SPACE * _EIN_STEP % _EIN_SPACE:07d}"

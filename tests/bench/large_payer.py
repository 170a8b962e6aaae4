"""A file shaped like a large payer's, of any size: thousands of references, items whose rate objects name many of them.

What belongs here: the text of the file. What must not come in: measuring.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

REFERENCES = 20_000
_POS = (
    "01 02 03 04 05 06 07 08 09 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 31 32 33 34 41 42 49 50 51 52 53 54 "
    "55 56 57 58 60 61 62 65 71 72 81 99"
).split()
_POS_SETS = [["11"], ["22"], ["21", "22", "23"], ["24"], _POS, _POS[:40], _POS[:20], [c for c in _POS if c > "11"]]
_HEADER = (
    '{"reporting_entity_name":"Large Payer","reporting_entity_type":"health insurance issuer",'
    '"last_updated_on":"2025-08-01","version":"1.3.1"'
)


def _references(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        groups = []
        for _ in range(rng.choice((1, 1, 1, 2))):
            npis = ",".join(str(1_000_000_000 + rng.randrange(900_000_000)) for _ in range(rng.randint(1, 9)))
            tin = f"{rng.randrange(10, 99)}-{rng.randrange(10**6):07d}"
            groups.append(f'{{"npi":[{npis}],"tin":{{"type":"ein","value":"{tin}"}}}}')
        yield f'{{"provider_group_id":{number},"provider_groups":[{",".join(groups)}]}}'


def _terms(rng: random.Random) -> tuple[str, str]:
    """What stands before and behind the rate of a price."""
    before = f'{{"negotiated_type":"{rng.choice(("negotiated", "fee schedule"))}","negotiated_rate":'
    if rng.random() < 0.3:
        behind = ',"expiration_date":"9999-12-31","billing_class":"institutional","billing_code_modifier":[]}'
        return before, behind
    pos = ",".join(f'"{c}"' for c in rng.choice(_POS_SETS))
    modifier = rng.choice(("", "", "", '"26"', '"TC"', '"50"'))
    behind = f',"expiration_date":"2025-12-31","service_code":[{pos}],"billing_class":"professional",'
    return before, f'{behind}"billing_code_modifier":[{modifier}],"additional_information":""}}'


def _rate(rng: random.Random) -> str:
    return f"{rng.randrange(100, 500_000) / 100:.{rng.choice((1, 2, 2, 2))}f}"


def _item(rng: random.Random, number: int, references: int) -> str:
    objects = []
    terms = [_terms(rng) for _ in range(9)]  # an item's rate objects list the same services, with other rates
    for _ in range(rng.randint(1, 120)):
        named = ",".join(map(str, rng.sample(range(references), min(references, rng.randint(5, 45)))))
        prices = ",".join(_rate(rng).join(t) for t in terms[: rng.choice((1, 2, 4, 6, 8, 9))])
        objects.append(f'{{"provider_references":[{named}],"negotiated_prices":[{prices}]}}')
    return (
        f'{{"negotiation_arrangement":"ffs","name":"Service {number}","billing_code_type":"CPT",'
        f'"billing_code_type_version":"2025","billing_code":"{10_000 + number % 90_000}",'
        f'"description":"A service of that number","negotiated_rates":[{",".join(objects)}]}}'
    )


def write(path: Path, size: int, references: int = REFERENCES) -> int:
    """Write such a `.json.gz`, of about `size` bytes of JSON; returns how many it became.

    The same items come again, under other codes, every few thousand: making each anew would take longer than reading
    all of them.
    """
    rng = random.Random(1)
    written = 0
    with gzip.open(path, "wb", compresslevel=1) as file:

        def put(text: str) -> None:
            nonlocal written
            written += file.write(text.encode())

        put(_HEADER)
        for number, reference in enumerate(_references(rng, references)):
            put((',"provider_references":[' if number == 0 else ",") + reference)
        put('],"in_network":[' if references else ',"in_network":[')
        pool = [_item(rng, 0, references) for _ in range(min(1500, 1 + size // 40_000))]
        number = 0
        while written < size:
            text = pool[number % len(pool)].replace(
                '"billing_code":"10000"', f'"billing_code":"{10_000 + number % 90_000}"'
            )
            put(text if number == 0 else "," + text)
            number += 1
        put("]}")
    return written

"""In-network files as payers write them: the contracts of `plan`, month by month, of any size.

What belongs here: the text of the regular files. What must not come in: sizes (`plan`), who the practices are
(`people`), and what is odd (`oddities`). Prices stand in no table: each is drawn from its code, its block of practices
and the month, so that nothing grows with the file, and objects are put together from text prepared once, because
`json.dumps` of each price is 20 times slower.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipeline.sample.codes import PLACES, Service, Variant
from pipeline.sample.containers import Output
from pipeline.sample.draws import draw
from pipeline.sample.people import Practice
from pipeline.sample.plan import List, Market, Payer

_OBJECTS = 2_000  # rates objects held as text before they are written
# What `codes.PLACES` leaves open: where a price holds that names no place. Payers say so in three ways.
_ANYWHERE = {"v1 references": ("11", "19", "22"), "v1 inline": (), "v2": ("CSTM-00",)}
# Hospitals' prices without a place of service: usual in v1, where only professional rates need one.
_HOSPITAL = {"v1 references": (), "v1 inline": (), "v2": ("19", "22")}
_TYPES = ("negotiated",) * 5 + ("fee schedule", "derived", "negotiated")
_EXPIRES = ("9999-12-31", "2026-12-31", "2025-12-31")
_VERSIONS = {"v1 references": "1.3.1", "v1 inline": "1", "v2": "2.0.0"}


class Style(NamedTuple):
    """How a payer writes: what follows `last_updated_on`'s month, the tax number, the amount, the file's name."""

    day: str
    ein: Callable[[str], str]
    amount: Callable[[int], str]
    name: str


def _plain(cents: int) -> str:
    """Dollars as JavaScript prints them: 145.5, 90."""
    text = f"{cents // 100}.{cents % 100:02d}"
    return text.rstrip("0").rstrip(".")


def _fixed(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


STYLES = {
    "v1 references": Style("-01", lambda t: f"{t[:2]}-{t[2:]}", _plain, "{month}-01_{stem}_in-network-rates.json.gz"),
    "v1 inline": Style("-03T00:00:00-05:00", lambda t: t, _fixed, "{month}-03_{stem}_in-network-rates.json.gz"),
    "v2": Style("-05", lambda t: t, _fixed, "{month}_{stem}_{folder}_in-network-rates.json{end}"),
}


def name_of(market: Market, month: str, large: bool) -> str:
    """The file's name; v2 payers publish plain JSON while it is small, and one of them zips it."""
    end = ".gz" if large else ".zip" if market.folder == "US" else ""
    return STYLES[market.payer.style].name.format(
        month=month, stem=market.payer.stem, folder=market.folder.lower(), end=end
    )


def header(payer: Payer, month: str) -> dict[str, str]:
    """The root's fields before `provider_references`, in the payer's schema generation."""
    head = {"reporting_entity_name": payer.name, "reporting_entity_type": payer.kind}
    if payer.style == "v2":
        head |= {"plan_name": payer.plan, "issuer_name": payer.name, "plan_sponsor_name": "Fernbank Foundry LLC"}
        head |= {
            "plan_id_type": "ein" if payer.plan_id.isdigit() else "hios",
            "plan_id": payer.plan_id.replace("-", ""),
        }
    else:
        head |= {"plan_name": payer.plan, "plan_id_type": "EIN", "plan_id": payer.plan_id}
    head |= {"plan_market_type": "group", "last_updated_on": month + STYLES[payer.style].day}
    return head | {"version": _VERSIONS[payer.style]}


def write(out: Output, seed: int, market: Market, month: str, turn: int, tick: Callable[[int], None]) -> None:
    """One file: `market`'s rates of `month`, which is the sample's month number `turn` (from 0).

    Rates read and facts of the file are `market.facts`: it holds no duplicate. `tick` is told of facts as they are
    written.
    """
    payer = market.payer
    head = _compact(header(payer, month))[:-1]
    out.write(head)
    if payer.style != "v1 inline":
        out.write(',"provider_references":[')
        out.lines(_separated(_reference(payer, part, practice) for part in market.lists for practice in _listed(part)))
        out.write("]")
    out.write(',"in_network":[')
    comma = ""
    for part in market.lists:
        owners, extra = _owners(payer, part)
        for number, service in enumerate(part.services):
            out.write(comma + _item(payer, service))
            comma = ","
            listed = [*owners, extra] if extra and number in part.partly else owners
            out.lines(_objects(seed, market, part, service, listed, turn))
            out.write("]}")
            tick(len(service.variants) * (part.practices + (number in part.partly)))
    out.write("]}\n")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _separated(texts: Iterator[str]) -> Iterator[str]:
    comma = ""
    for text in texts:
        yield comma + text
        comma = ",\n"


def _listed(part: List) -> Iterator[Practice]:
    for index in range(part.first, part.first + part.practices + bool(part.partly)):
        yield part.pool.practice(index)


def group_id(payer: Payer, part: List, index: int) -> str:
    """The payer's number of a practice: whole, or with a fraction whose digits count (320.25975)."""
    if payer.style == "v2":
        return str((part.pool.number + 1) * 10_000_000 + index)
    first = 10_000 if part.pool.count < 90_000 else 1_000_000  # as many digits for each, so that none ends another
    return f"{320 + part.pool.number}.{first + index}"


def _groups(payer: Payer, practice: Practice) -> str:
    """The list `provider_groups` of a practice: a group for each of its tax numbers."""
    texts = []
    for kind, value, name, npis in practice.tins:
        shown = STYLES[payer.style].ein(value) if kind == "ein" else value
        tin = f'"type":"{kind}","value":"{shown}"'
        if payer.style == "v2" and kind == "ein":
            tin += f',"business_name":"{name}"'
        members = '","'.join(npis) if payer.style == "v1 inline" else ",".join(npis)
        members = f'["{members}"]' if payer.style == "v1 inline" else f"[{members}]"
        texts.append(f'{{"npi":{members},"tin":{{{tin}}}}}')
    return f"[{','.join(texts)}]"


def _reference(payer: Payer, part: List, practice: Practice) -> str:
    networks = f'"network_name":{_compact(list(payer.networks))},' if payer.style == "v2" else ""
    number = group_id(payer, part, practice.index)
    return f'{{"provider_group_id":{number},{networks}"provider_groups":{_groups(payer, practice)}}}'


def _owners(payer: Payer, part: List) -> tuple[list[str], str]:
    """The beginning of each block's rates object, and that of the practice that is priced partly."""
    last = part.first + part.practices
    if payer.style == "v1 inline":
        texts = [f'{{"provider_groups":{_groups(payer, practice)}' for practice in _listed(part)]
        return texts[: part.practices], texts[-1] if part.partly else ""
    numbers = [group_id(payer, part, index) for index in range(part.first, last)]
    blocks = (numbers[n : n + part.block] for n in range(0, len(numbers), part.block))
    texts = [f'{{"provider_references":[{",".join(block)}]' for block in blocks]
    return texts, f'{{"provider_references":[{group_id(payer, part, last)}]' if part.partly else ""


def _item(payer: Payer, service: Service) -> str:
    fields = {
        "negotiation_arrangement": "ffs",
        "name": service.name,
        "billing_code_type": service.code_type,
        "billing_code_type_version": "2025",
        "billing_code": service.code,
        "description": f"{service.name} ({service.category.split('|')[1]})",
    }
    if payer.style == "v1 inline":
        fields["covered_services"] = None
    return _compact(fields)[:-1] + ',"negotiated_rates":['


def _price(payer: Payer, billing_class: str, category: str, variant: Variant) -> tuple[str, str]:
    """What stands before and after the amount of a variant's price."""
    place = {"any": _ANYWHERE, "outpatient": _HOSPITAL}.get(variant.place, {}).get(payer.style, PLACES[variant.place])
    x = draw(payer.level, int.from_bytes(category.encode()[:8], "big"))
    before = f'{{"negotiated_type":"{_TYPES[x % len(_TYPES)]}","negotiated_rate":'
    after = (
        f',"expiration_date":"{_EXPIRES[x >> 8 & 1 if payer.style == "v2" else 0]}","service_code":{_compact(place)}'
    )
    after += f',"billing_class":"{billing_class}"'
    if payer.style == "v1 inline":  # always there, mostly empty; and dates with a time
        after = after.replace('"9999-12-31"', '"2025-12-31T00:00:00"')
        after += f',"billing_code_modifier":{_compact([variant.modifier] if variant.modifier else [])}'
    elif variant.modifier:
        after += f',"billing_code_modifier":["{variant.modifier}"]'
    if payer.style == "v2":
        after += f',"setting":"{"inpatient" if variant.inpatient else "outpatient"}"'
    return before, after + "}"


def _objects(seed: int, market: Market, part: List, service: Service, owners: list[str], turn: int) -> Iterator[str]:
    """The rates objects of one item, some thousand at a time."""
    payer, amount = market.payer, STYLES[market.payer.style].amount
    texts = [_price(payer, part.billing_class, service.category, variant) for variant in service.variants]
    priced = [
        (before, after, v.cents * payer.level) for (before, after), v in zip(texts, service.variants, strict=True)
    ]
    key = draw(seed, market.number, part.pool.number, int.from_bytes(service.code.encode(), "big"))
    held: list[str] = []
    comma = ""
    for number, owner in enumerate(owners):
        x = draw(key, number)
        # 70 to 190 hundredths of the payer's level, small ones more often; 2 % more in the months that raise it.
        share = 70 + (x & 0x3FF) * (x >> 10 & 0x3FF) * 120 // 0x100000
        share *= 100 + 2 * sum((i + (x >> 20)) % 6 == 0 for i in range(1, turn + 1))
        prices = [before + amount(max(1, base * share // 1_000_000)) + after for before, after, base in priced]
        held.append(f'{comma}{owner},"negotiated_prices":[{",".join(prices)}]}}')
        comma = ",\n"
        if len(held) == _OBJECTS:
            yield "".join(held)
            held = []
    yield "".join(held)

"""In-network files as odd as publishers make them, from a seed: everything that the reader tolerates, and nothing that
it must refuse, so that a plain recount of the same bytes is the answer.

What belongs here: the text of files. What must not come in: the project's own readings, which these files test.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random


class Raw(str):
    """A JSON token written as it is: 690.64470 and 1.5e2 keep their text."""


def odd_file(seed: int, *, packed: bool = True) -> tuple[str, bytes]:
    """(file suffix, content) of one odd file, gzipped now and then."""
    rng = random.Random(seed)
    content = Writer(rng).text(document(rng)).encode()
    content = rng.choice([b"", b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"]) + content
    content += rng.choice([b"", b"\n", b"\r\n  \n"])
    form = rng.randrange(3)
    if form == 0 or not packed:
        return ".json", content
    if form == 1:
        return ".json.gz", gzip.compress(content, mtime=0)
    cuts = sorted(rng.randrange(len(content)) for _ in range(rng.randint(1, 4)))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    return ".json.gz", b"".join(gzip.compress(p, mtime=0) for p in parts)


class Writer:
    """JSON text with keys in any order, any whitespace, any escape, and now and then a key that stands twice."""

    def __init__(self, rng: random.Random):
        self.rng, self.dense = rng, rng.random() < 0.5

    def _gap(self) -> str:
        return "" if self.dense else self.rng.choice(["", "", " ", "\n", "\r\n\t", "    "])

    def _string(self, value: str) -> str:
        if self.rng.random() < 0.7:
            return json.dumps(value, ensure_ascii=self.rng.random() < 0.5)
        out = []
        for unit in value.encode("utf-16-be").hex(" ", 2).split():
            char = chr(int(unit, 16))
            plain = char.isascii() and char.isalnum() and self.rng.random() < 0.5
            out.append(char if plain else f"\\u{self.rng.choice([unit, unit.upper()])}")
        return '"' + "".join(out) + '"'

    def text(self, value) -> str:
        """The JSON text of dicts, lists, str, Raw, bool and None."""
        gap = self._gap
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            pairs = list(value.items())
            self.rng.shuffle(pairs)
            if pairs and self.rng.random() < 0.05:
                pairs = [(pairs[0][0], "decoy"), *pairs[1:], pairs[0]]
                if pairs[0][0] in ("in_network", "provider_references"):
                    pairs = pairs[1:]
            inner = (f"{gap()}{self._string(k)}{gap()}:{gap()}{self.text(v)}{gap()}" for k, v in pairs)
            return "{" + ",".join(inner) + "}"
        if isinstance(value, list):
            return "[" + ",".join(f"{gap()}{self.text(v)}{gap()}" for v in value) + gap() + "]"
        return json.dumps(value)


def _some(rng: random.Random, record: dict, share: float = 0.7) -> dict:
    """The record without some of its keys; a few of them null."""
    return {k: (None if rng.random() < 0.1 else v) for k, v in record.items() if rng.random() < share}


def _almost(rng: random.Random, record: dict, other: dict) -> dict:
    """The record again, mostly with one key as in another of its kind: what differs by a hair, or not at all."""
    key = rng.choice(sorted({*record, *other}))
    changed = {**record, key: other.get(key, record.get(key))}
    return rng.choice([record, changed, changed])


def _label(rng: random.Random) -> str:
    return rng.choice(["", " ", "Knee", " Knee ", "Clínica «Sæ»", "膝", 'a\tb\n"c"\\/', "Knee 🦵", "null", "x" * 300])


def _number_or_text(rng: random.Random, token: str):
    return rng.choice([Raw(token), token, f" {token} "]) if token[0] != "0" or token == "0" else token


def npis(rng: random.Random):
    """What stands under `npi`."""
    few = [_number_or_text(rng, str(1_000_000_000 + rng.randrange(12))) for _ in range(rng.randint(1, 5))]
    return rng.choice([few, few, few, few, [Raw("0")], ["0"], [*few, Raw("0")], [], None])


def provider_group(rng: random.Random) -> dict:
    """An entry of provider_groups."""
    digits = f"{rng.randrange(1, 9):02d}{rng.randrange(3):07d}"
    tin = {
        "type": rng.choice(["ein", "EIN", "npi", "NPI", " ein "]),
        "value": rng.choice([digits, f"{digits[:2]}-{digits[2:]}", f" {digits} "]),
    }
    if rng.random() < 0.4:
        tin["business_name"] = _label(rng)
    listed = npis(rng)
    if rng.random() < 0.05:  # a group that names neither an NPI nor a TIN is refused
        tin, listed = rng.choice([None, {}, {"type": None, "value": None}]), [Raw("1000000007")]
    group = {"tin": tin, rng.choice(["npi", "npi", "npi", "NPI"]): listed}
    if tin and rng.random() < 0.05:
        group.pop("npi", None)
    return group


def provider_groups(rng: random.Random) -> list:
    """A non-empty list of them, now and then with a repeated entry."""
    groups = [provider_group(rng) for _ in range(rng.randint(1, 4))]
    return groups + groups[:1] * (rng.random() < 0.2)


def reference_ids(rng: random.Random) -> list[str]:
    """Ids that a float or an integer of 64 bits would spoil."""
    pool = ["0", "1", "2", "17", "690.64470", "690.6447", "320.25975", "9007199254740993", "9007199254740992"]
    pool += ["123456789012345678901234567890", "1.5", "-3", "44.10"]
    return rng.sample(pool, rng.randint(0, 8))


def reference(rng: random.Random, name: str) -> dict:
    """A definition of a reference: its groups, a URL, both or neither."""
    out = {"provider_group_id": rng.choice([Raw(name), name])}
    if rng.random() < 0.8:
        out["provider_groups"] = provider_groups(rng)
    elif rng.random() < 0.3:
        out["provider_groups"] = rng.choice([[], None])
    if rng.random() < 0.3:
        out["location"] = f"https://example.org/groups/{name}.json?a=1&b=%20"
    if rng.random() < 0.5:
        out["network_name"] = rng.choice([[], None, ["PPO"], ["PPO", "HMO"], ["HMO", " PPO ", "PPO", ""]])
    return out


def contained(rng: random.Random) -> list:
    """What a bundle or capitation contains."""
    return [
        _some(
            rng,
            {
                "billing_code_type": rng.choice(["CPT", "cpt", "RC"]),
                "billing_code": rng.choice(["27447", " 27446", "0360", Raw("99213")]),
                "description": _label(rng),
            },
            0.95,
        )
        for _ in range(rng.randint(0, 3))
    ]


def price(rng: random.Random) -> dict:
    """A negotiated price; the rate is always there."""
    codes = ["11", "5", "05", Raw("22"), "CSTM-00", "cstm-00", "n", "u", "l", None, "", "123", " 21 "]
    out = _some(
        rng,
        {
            "negotiated_type": rng.choice(
                ["negotiated", "Negotiated", "derived", "fee schedule", "percentage", " per diem"]
            ),
            "expiration_date": rng.choice(
                ["2025-12-31", "2025-12-31T00:00:00", "9999-12-31", "9999-12-31T00:00:00-06:00", ""]
            ),
            "billing_class": rng.choice(["professional", "institutional", "Institutional", "both"]),
            "service_code": rng.choice(
                [
                    [],
                    ["n", "u", "l"],
                    ["CSTM-00"],
                    [*rng.choices(codes, k=rng.randint(0, 5)), "22"],  # no list without any code: it is no empty set
                    "11",
                    "11, 22|5",
                    "CSTM-00",
                    "null",
                ]
            ),
            "billing_code_modifier": rng.choice(
                [[], ["26"], ["TC", "26", "tc "], "26", " 59 ", "", [Raw("50")], [None, "LT"]]
            ),
            "additional_information": _label(rng),
            "setting": rng.choice(["inpatient", "Outpatient", "both", ""]),
            "vendor_extra": rng.choice([{"deep": [{"er": [True, Raw("1e5")]}]}, [], Raw("-0.5e-3"), False]),
        },
    )
    token = rng.choice(
        [
            "0",
            "0.00",
            "-12.5",
            "100",
            "100.00",
            "123.45",
            "1.5e2",
            "15E+1",
            "99999999999.99",
            "0.1",
            "1e-7",
            "33.333333",
        ]
    )
    out["negotiated_rate"] = Raw(token) if rng.random() < 0.9 else rng.choice([token, f" {token} "])
    return out


def rate_object(rng: random.Random, ids: list[str]) -> dict:
    """A negotiated_rates object that names references, an in-line list, both or neither."""
    out = {}
    pool = [*ids, "undefined", "4711"]
    if rng.random() < 0.7:
        out["provider_references"] = [rng.choice([i, f" {i} "]) for i in rng.choices(pool, k=rng.randint(0, 4))]
        out["provider_references"] = [
            Raw(i.strip()) if i.strip()[-1].isdigit() and rng.random() < 0.6 else i for i in out["provider_references"]
        ]
    elif rng.random() < 0.2:
        out["provider_references"] = None
    if rng.random() < 0.4:
        out["provider_groups"] = provider_groups(rng)
    elif rng.random() < 0.2:
        out["provider_groups"] = rng.choice([[], None])
    prices = [price(rng) for _ in range(rng.randint(0, 4))]
    out["negotiated_prices"] = prices + [_almost(rng, p, price(rng)) for p in prices[:2]]
    if not prices and rng.random() < 0.3:
        out["negotiated_prices"] = None
    return out


def item(rng: random.Random, ids: list[str]) -> dict:
    """An in_network item."""
    out = _some(
        rng,
        {
            "negotiation_arrangement": rng.choice(["ffs", "FFS", "bundle", "capitation", " ffs"]),
            "name": _label(rng),
            "description": _label(rng),
            "billing_code_type_version": rng.choice(["2025", Raw("2025"), "10"]),
            "severity_of_illness": rng.choice(["1", Raw("2"), "", "major"]),
            "bundled_codes": contained(rng),
            "covered_services": contained(rng),
            "vendor_extra": {"billing_code": "decoy"},
        },
    )
    out["billing_code_type"] = rng.choice(["CPT", "cpt", " HCPCS ", "MS-DRG", "RC", "CSTM-ALL"])
    out["billing_code"] = rng.choice(["27447", "j1234", Raw("99213"), " 0200", "CSTM-00", Raw("81.50"), None])
    objects = [rate_object(rng, ids) for _ in range(rng.randint(0, 4))]
    out["negotiated_rates"] = objects + [_almost(rng, o, rate_object(rng, ids)) for o in objects[:2]]
    if not objects and rng.random() < 0.5:
        out["negotiated_rates"] = None
    return out


def document(rng: random.Random) -> dict:
    """A whole file."""
    ids = reference_ids(rng)
    references = [reference(rng, i) for i in ids]
    references += [reference(rng, i) for i in ids if rng.random() < 0.2]
    for one, other in itertools.pairwise(references):
        if "provider_groups" in one and rng.random() < 0.3:
            other["provider_groups"] = one["provider_groups"]
    items = [item(rng, ids) for _ in range(rng.randint(0, 7))]
    out = _some(
        rng,
        {
            "reporting_entity_type": "health insurance issuer",
            "plan_name": _label(rng),
            "plan_id": rng.choice(["11-1111111", Raw("1111111111")]),
            "plan_id_type": rng.choice(["EIN", "hios"]),
            "plan_market_type": "group",
            "issuer_name": "Issuer",
            "plan_sponsor_name": "Sponsor",
            "vendor_extra": [{"in_network": [Raw("1")]}, [], {}],
            "vendor_number": Raw("12"),
        },
    )
    out["reporting_entity_name"] = rng.choice(["Payer", " Payer Ltd ", "Ünïted", "A/B & C, D=%"])
    out["version"] = rng.choice(["1.0.0", "2.0.0", "1", "v"])
    out["last_updated_on"] = rng.choice(["2025-06-23", "2025-06-23T00:00:00-05:00", "2025-06", " 2025-06-01 "])
    out["in_network"] = items + [_almost(rng, i, item(rng, ids)) for i in items[:2]]
    if references or rng.random() < 0.5:
        rng.shuffle(references)
        out["provider_references"] = references
    return out

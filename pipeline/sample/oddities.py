"""What real files hold besides the regular: a few small files that show every quirk a reader meets, and their providers.

What belongs here: oddities that are read or counted, none that breaks a file (the tests of the readers make those).
What must not come in: numbers that grow with the sample. Each file says how many of its rates repeat another one of the
file; the tests recount them with the independent reader.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipeline.sample import mrf, plan
from pipeline.sample.draws import ein, npi, wrong_npi
from pipeline.sample.people import PLACES, TAXONOMIES, Place, Provider

_FIRST_NPI = 99_990_000  # behind every pool's (see `people.Pool.practice`)
_FIRST_EIN = 39_990_000


@dataclass(frozen=True)
class Odd:
    """A file of oddities: its folder, name and bytes, and what it counts."""

    folder: str
    name: str
    content: str
    month: str
    rates: int
    duplicates: int

    @property
    def facts(self) -> int:
        return self.rates - self.duplicates


def _place(city: str) -> Place:
    return next(place for place in PLACES if place.city == city)


# A military post office: no county, no CBSA, not in the geography files.
_MILITARY = Place("AE", "09180", "APO", "", "", "", "", "", "", "", "", "-")
_NOWHERE = Place("GA", "", "ATLANTA", "", "", "", "", "", "", "", "", "-")
_PEOPLE = (
    # name, who, taxonomy, place
    ("louisville", "", "Beargrass Surgery Center", "261QA1903X", _place("LOUISVILLE")),
    ("canon", "Íñigo Peñalver", "", "207Q00000X", _place("CANON CITY")),
    ("mayaguez", "Marisol Añasco", "", "208000000X", _place("MAYAGUEZ")),
    ("cruces", "", "Doña Ana Valley Clinic", "261QP2300X", _place("LAS CRUCES")),
    ("chicago", "", "Lakeshore Fernbank Hospital", "282N00000X", _place("CHICAGO")),
    ("rural", "Tobias O'Dornley", "", "207R00000X", _place("SWAINSBORO")),
    ("worth", "Winifred Hartridge-Pell", "", "225100000X", _place("FORT WORTH")),
    ("galveston", "Vikram Northwood", "", "1041C0700X", _place("GALVESTON")),
    ("alvin", "Rosalind Oakmere", "", "2084N0400X", _place("ALVIN")),
    ("military", "Anselm Ravsford", "", "207P00000X", _MILITARY),
    ("no zip", "Brisa Kestham", "", "1041C0700X", _NOWHERE),
    ("deactivated", "Corwin Thornley", "", "207X00000X", _place("MACON")),
    ("moved", "Dalia Elderstead", "", "207X00000X", _place("SAVANNAH")),
    ("cincinnati", "", "Amber & Sons, Home/Oxygen Supply (50% Owned)", "332B00000X", _place("HOUSTON")),
)
_NPIS = {who: npi(_FIRST_NPI + n) for n, (who, *_) in enumerate(_PEOPLE)}
_NPIS |= {f"unknown {n}": npi(_FIRST_NPI + 100 + n) for n in range(3)}
_NPIS |= {f"wrong {n}": wrong_npi(_FIRST_NPI + 200 + n) for n in range(2)}


def providers() -> list[Provider]:
    """The registry's records of these files' providers; unknown ones and wrong numbers have none."""
    records = []
    for n, (who, person, organisation, taxonomy, place) in enumerate(_PEOPLE):
        given, _, family = person.partition(" ")
        records.append(
            Provider(
                npi=_NPIS[who],
                individual=not organisation,
                given=given,
                family=family,
                organisation=organisation,
                credential="" if organisation else "MD",
                taxonomy=taxonomy,
                place=place,
                line_1="PSC 4 Box 17" if place is _MILITARY else f"{210 + 11 * n} Foxglove Ave",
                line_2="# 4B" if n % 3 == 0 else "",
                zip_9=place.zip + ("0017" if place.zip and n % 2 else ""),
                telephone=f"706555010{n % 10}",
                fax="",
                sole="X" if organisation else "YN"[n % 2],
                enumerated=f"20{10 + n:02d}-03-{1 + n:02d}",
                updated=f"2024-{1 + n % 12:02d}-11",
                licence="" if organisation else f"{place.state}-{4000 + n}",
                deactivated="2025-06-30" if who == "deactivated" else "",
                mailing_elsewhere=who == "moved",
            )
        )
    assert all(record.taxonomy in TAXONOMIES for record in records)
    return records


def moved() -> Provider:
    """The record of the weekly update: one provider who has moved since the monthly file."""
    (before,) = (record for record in providers() if record.npi == _NPIS["moved"])
    place = _place("AUGUSTA")
    return before._replace(place=place, zip_9=place.zip, line_1="8 Tanager Way", updated="2025-08-12")


def files(months: tuple[str, ...]) -> list[Odd]:
    """The files of oddities; the second month has those of a sample of two, else all stand in the only one."""
    first, second = months[0], months[min(1, len(months) - 1)]
    return [_behavioral(first), _supplement(first), _inline(first), _national(second), *_twice(second)]


def _npi(*who: str) -> list[int]:
    return [int(_NPIS[name]) for name in who]


def _ein(number: int, hyphen: bool = True) -> str:
    value = ein(_FIRST_EIN + number)
    return f"{value[:2]}-{value[2:]}" if hyphen else value


def _rate(amount: object, codes: object, billing_class: str = "professional", **rest: object) -> dict:
    kind = rest.pop("kind", "negotiated")
    expires = rest.pop("expires", "9999-12-31")
    price = {"negotiated_type": kind, "negotiated_rate": amount, "expiration_date": expires, "service_code": codes}
    return price | {"billing_class": billing_class} | rest


def _line(code_type: str, code: str, name: str, rates: list[dict], **rest: object) -> dict:
    head = {"negotiation_arrangement": rest.pop("arrangement", "ffs"), "name": name, "billing_code_type": code_type}
    head |= {"billing_code_type_version": "2025", "billing_code": code, "description": name}
    return head | rest | {"negotiated_rates": rates}


def _counted(doc: dict) -> int:
    """Rates read: each price once for each reference and once for an in-line list."""
    return sum(
        len(rates["negotiated_prices"])
        * (len(rates.get("provider_references") or ()) + bool(rates.get("provider_groups")))
        for item in doc["in_network"]
        for rates in item["negotiated_rates"]
    )


def _behavioral(month: str) -> Odd:
    """v1: blank lines first, fractions as group ids, references by URL, NPIs as text under `NPI`, both classes, repeats."""
    doc = mrf.header(plan.QUARTZFIELD, month) | {"last_updated_on": f"{month}-01T06:30:00Z", "version": "1.0.0"}
    far = "https://mrf.quartzfield.example/groups"
    text = [_NPIS["rural"], _NPIS["no zip"]]
    doc["provider_references"] = [
        {"provider_group_id": 320.25975, "provider_groups": [{"NPI": text, "tin": {"type": "EIN", "value": _ein(1)}}]},
        {
            "provider_group_id": 320.2598,
            "provider_groups": [{"npi": _npi("rural"), "tin": {"type": "npi", "value": text[0]}}],
        },
        {"provider_group_id": 320.26001, "location": f"{far}/320.26001.json"},
        {"provider_group_id": 320.26002, "location": f"{far}/320.26002.json?v=2&part=1%202"},
    ]
    both = _rate(118.4, ["n", "u", "l"], "both")
    office = [_rate(104.16, ["11"]), _rate(104.16, ["11"]), _rate(88, ["11", "02"], expires="2025-12-31")]
    doc["in_network"] = [
        _line("CPT", "90834", "Psychotherapy, 45 minutes", [_priced([320.25975, 320.2598], office)]),
        _line("CPT", "90834", "Psychotherapy, 45 minutes", [_priced([320.25975], office[:1])]),
        _line("CPT", "90837", "Psychotherapy, 60 minutes", [_priced([320.25975, 320.26001, 320.26002], [both])]),
        _line("CPT", "90791", "Psychiatric evaluation", [_priced([320.26001, 999.1], [_rate(150, ["11", "53"])])]),
        _line("HCPCS", "G0463", "Hospital clinic visit", [_priced([320.2598], [_rate(0, ["22"], "institutional")])]),
        _line("CPT", "142", "Anaesthesia, lens surgery", [_priced([320.2598], [_rate(61.25, ["24"])])]),
    ]
    content = json.dumps(doc, indent=1, ensure_ascii=True).replace("320.2598", "320.25980")
    content = "\n\n" + content
    return Odd(
        "GA", f"{month}-01_Quartzfield-Health-Plan_behavioral_in-network-rates.json", content, month, _counted(doc), 3
    )


def _priced(references: list, prices: list[dict]) -> dict:
    return {"provider_references": references, "negotiated_prices": prices}


def _grouped(groups: list[dict], prices: list[dict]) -> dict:
    return {"provider_groups": groups, "negotiated_prices": prices}


def _supplement(month: str) -> Odd:
    """v1 with a byte order mark: every negotiated type, a capitation with its services, empty and null lists."""
    doc = mrf.header(plan.SALUD, month) | {
        "last_updated_on": f"{month}-03",
        "version": "1.6.2",
        "provider_references": [],
    }
    worth = {"npi": _npi("worth", "galveston"), "tin": {"type": "ein", "value": _ein(3, hyphen=False)}}
    alvin = {"npi": [_NPIS["alvin"]], "tin": {"type": "NPI", "value": _NPIS["alvin"]}}
    services = [{"billing_code_type": "CPT", "billing_code_type_version": "2025", "billing_code": code, "description": ""}
                for code in ("99213", "99214")]  # fmt: skip
    doc["in_network"] = [
        _line("CPT", "97110", "Terapia con ejercicio ½ hora", [_grouped([worth, alvin], [
            _rate(62.5, [], kind="percentage", additional_information="Percent of billed charges, outlier rule applies"),
            _rate(31.02, ["11"], billing_code_modifier=["GP", "59"]),
            _rate(31.02, ["11"], billing_code_modifier=["59", "GP", "GP"]),
        ])], covered_services=None),
        _line("CPT", "97140", "Manual therapy, 15 minutes", [_grouped([worth], [
            _rate(29.5, ["05", "07"], kind="derived", billing_code_modifier=[]),
            _rate(29.5, ["22"], kind="fee schedule", billing_code_modifier=["XU"]),
        ])]),
        _line("RC", "128", "Room and board, rehabilitation", [_grouped([worth], [
            _rate(1240, None, "institutional", kind="per diem"),
        ])]),
        _line("CSTM-ALL", "CSTM-00", "All services", [_grouped([alvin], [
            _rate(140, ["CSTM-00"], kind="percentage"),
        ])]),
        _line("LOCAL", "PCP-CAP", "Primary care, per member and month", [_grouped([worth], [
            _rate(18.75, ["11"]),
        ])], arrangement="capitation", covered_services=services),
    ]  # fmt: skip
    content = "\ufeff" + json.dumps(doc, ensure_ascii=False)
    return Odd("TX", f"{month}-03_SaludRioBravo_suplemento_in-network-rates.json", content, month, _counted(doc), 1)


def _inline(month: str) -> Odd:
    """v1 in-line under `US`: tax numbers alone, 0 beside NPIs, an empty NPI list, modifiers; keys in an odd order."""
    payer = plan.LARKHAVEN
    head = mrf.header(payer, month) | {"version": "1.2.0", "plan_name": " ", "plan_market_type": None}
    alone = {"npi": [0], "tin": {"type": "ein", "value": _ein(5)}}
    beside = {"npi": [0, *_npi("cruces")], "tin": {"type": "ein", "value": _ein(6)}}
    empty = {"npi": [], "tin": {"type": "ein", "value": _ein(7)}}
    wrong = {"npi": _npi("wrong 0", "wrong 1"), "tin": {"type": "ein", "value": _ein(8)}}
    items = [
        _line("CPT", "99213", "Established patient visit, level 3", [
            _grouped([alone], [_rate(81.2, ["11"])]),
            _grouped([beside], [_rate(81.2, ["11"]), _rate(60.07, ["22"])]),
            _grouped([empty], [_rate(77, ["11"])]),
            _grouped([wrong], [_rate(77, ["11"])]),
            # A physician's fee that is called institutional, without setting and places.
            _grouped([{"npi": _npi("canon"), "tin": {"type": "ein", "value": _ein(9)}}], [_rate(96.5, [], "institutional")]),
        ]),
        _line("HCPCS", "E1390", "Oxygen concentrator, rental", [
            _grouped([{"npi": _npi("cincinnati"), "tin": {"type": "ein", "value": _ein(10)}}],
                     [_rate(97.77, ["12"], billing_code_modifier=["RR"])]),
        ]),
    ]  # fmt: skip
    doc = {"in_network": items} | {key: head[key] for key in reversed(head)}
    content = json.dumps(doc, ensure_ascii=False, indent=2).replace("\n", "\r\n")
    return Odd("US", f"{month}_larkhaven_wrap_in-network-rates.json", content, month, _counted(doc), 0)


def _national(month: str) -> Odd:
    """v2 with all its fields: DRGs by severity, bundles, settings, two networks, odd amounts, POS and providers."""
    doc = mrf.header(plan.LARKHAVEN, month) | {"version": "2.2.0"}
    named = (
        (1, ["Larkhaven National PPO", "Larkhaven Select"], ("chicago",), "Lakeshore Fernbank Hospital"),
        (2, ["Larkhaven National PPO"], ("louisville", "unknown 0"), "Beargrass Surgery Center"),
        (3, [], ("mayaguez", "military"), "Clínica Añasco"),
        (4, ["Larkhaven Select"], ("unknown 1", "unknown 2"), "Nobody the registry knows"),
        (5, ["Larkhaven Select"], ("deactivated", "moved"), "Thornley & Elderstead, P.C."),
    )
    doc["provider_references"] = [
        {"provider_group_id": number, "network_name": networks,
         "provider_groups": [{"npi": _npi(*who), "tin": {"type": "ein", "value": _ein(20 + number), "business_name": name}}]}
        for number, networks, who, name in named
    ]  # fmt: skip
    knee = [{"billing_code_type": "CPT", "billing_code_type_version": "2025", "billing_code": code, "description": text}
            for code, text in (("27447", "Total knee replacement"), ("97110", "Exercise therapy, 15 minutes"))]  # fmt: skip
    stay = {"billing_class": "institutional", "setting": "inpatient"}
    out = {"billing_class": "institutional", "setting": "outpatient"}
    visit = {"setting": "outpatient"}
    doc["in_network"] = [
        _line("MS-DRG", "470", "Major joint replacement", [
            _priced([1], [_rate(28411.5, ["21"], **stay), _rate(2310.25, ["21"], kind="per diem", **stay)]),
        ], severity_of_illness="2"),
        _line("MS-DRG", "470", "Major joint replacement", [_priced([1], [_rate(34177, ["21"], **stay)])], severity_of_illness="3"),
        _line("MS-DRG", "39", "Neck artery operation", [_priced([1], [_rate(9120, ["21"], **stay)])]),
        _line("RC", "0360", "Operating room", [_priced([1], [
            _rate(48.5, ["22"], kind="percentage", additional_information="Percent of charges, no cap", **out),
        ])]),
        _line("CPT", "27447", "Total knee replacement with care after", [
            _priced([2], [_rate(24500, ["24"], **out), _rate(26000, ["22", "24"], **out)]),
        ], arrangement="bundle", bundled_codes=knee),
        _line("CPT", "66984", "Cataract removal with lens", [_priced([2], [
            _rate(1544.1, ["24"], **out), _rate(1544.1, ["CSTM-00"], **out), _rate(0.01, ["24"], expires="2025-12-31", **out),
        ])]),
        _line("CPT", "99214", "Established patient visit, level 4", [
            # Variants: the same terms, two amounts.
            _priced([3, 4, 5], [_rate(131.5, ["11"], **visit), _rate(1405.5, ["11"], **visit)]),
            _priced([5], [_rate(3177.25, ["11"], additional_information="Includes 24/7 on-call", **visit)]),
        ]),
        _line("CPT", "45378", "Diagnostic colonoscopy", [_priced([5, 3], [
            _rate(402.2, ["28", "24"], billing_code_modifier=["53"], **visit),
            _rate(402.2, ["06", "24"], expires="2024-12-31", **visit),
            _rate(155, ["24"], billing_code_modifier=["26", "TC"], **visit),
        ])]),
        _line("CPT", "71046", "Chest x-ray, two views", [_priced([1, 3], [
            _rate(0, ["22"], **out), _rate(55.5, ["22", "23"], **(out | {"setting": "both"})),
        ])]),
        _line("HCPCS", "J9271", "Pembrolizumab, per mg", [_priced([1], [
            _rate(58.11, ["19"], billing_code_modifier=["JZ"], **out), _rate(61.4, ["19"], billing_code_modifier=["JG"], **out),
        ])]),
    ]  # fmt: skip
    content = json.dumps(doc, ensure_ascii=False, indent="\t") + "\n"
    return Odd("US", f"{month}_larkhaven_facility_in-network-rates.json", content, month, _counted(doc), 0)


def _twice(month: str) -> list[Odd]:
    """v2: one contract in the files of two plans, as payers publish it: the second file's rates are the first one's."""
    made = []
    for number, plan_name in ((1, "Vine Select 1500"), (2, "Vine Select 5000")):
        doc = mrf.header(plan.TUPELO, month) | {"plan_name": plan_name}
        group = {
            "npi": _npi("rural", "moved"),
            "tin": {"type": "ein", "value": _ein(30), "business_name": "Emanuel Joint Care"},
        }
        reference = {"provider_group_id": 70 + number, "network_name": ["Vine Select EPO"], "provider_groups": [group]}
        prices = [_rate(61.75, ["11"], setting="outpatient"), _rate(52.4, ["22"], setting="outpatient")]
        doc["provider_references"] = [reference]
        doc["in_network"] = [
            _line("CPT", code, name, [_priced([70 + number], prices)])
            for code, name in (("20610", "Large joint injection"), ("99213", "Established patient visit, level 3"))
        ]
        name = f"{month}_tupelo-vine_ga_select-{number}_in-network-rates.json"
        made.append(Odd("GA", name, json.dumps(doc, ensure_ascii=False), month, _counted(doc), 0))
    return made


BETWEEN_FILES = 4  # facts of the second file of `_twice`, all in its first

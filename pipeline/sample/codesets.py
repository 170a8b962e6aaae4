"""Code sets: procedure categories (RBCS, BETOS 2.0), provider taxonomy, places of service.

What belongs here: their layouts. What must not come in: which codes (`codes`, `people`) and their categories (`figures`).
"""

from __future__ import annotations

import csv
import io

from pipeline.sample import figures
from pipeline.sample.people import TAXONOMIES

_MAJOR = {"N": "Non-Procedure", "O": "Other", "M": "Major"}
_BETOS_SETS = {
    "A": "ANESTHESIA",
    "E": "EVALUATION AND MANAGEMENT",
    "I": "IMAGING",
    "N": "UNCLASSIFIED",
    "P": "PROCEDURES",
    "R": "TREATMENTS",
    "T": "TESTS",
}
# CMS's place-of-service codes that pay the facility rate (Medicare Claims Processing Manual, chapter 12, 20.4.2).
_FACILITY = frozenset("02 19 21 22 23 24 26 31 34 41 42 51 52 53 56 61".split())
_POS = """\
01|Pharmacy
02|Telehealth, not at home
03|School
04|Homeless shelter
05|Indian health, free-standing
06|Indian health, at a provider
07|Tribal clinic, free-standing
08|Tribal clinic, at a provider
09|Prison
10|Telehealth at home
11|Office
12|Home
13|Assisted living
14|Group home
15|Mobile unit
16|Temporary lodging
17|Retail clinic
18|Workplace
19|Hospital department off campus
20|Urgent care
21|Inpatient hospital
22|Hospital department on campus
23|Emergency room
24|Ambulatory surgical center
25|Birthing center
26|Military treatment
27|Street outreach
31|Skilled nursing
32|Nursing facility
33|Custodial care
34|Hospice
41|Ambulance by land
42|Ambulance by air or water
49|Independent clinic
50|Federally qualified health center
51|Inpatient psychiatric
52|Psychiatric day hospital
53|Community mental health center
54|Intermediate care
55|Residential addiction treatment
56|Residential psychiatric treatment
57|Addiction treatment, not residential
58|Opioid treatment
60|Mass immunization
61|Inpatient rehabilitation
62|Outpatient rehabilitation
65|Dialysis center
66|All-inclusive care program
71|Public health clinic
72|Rural health clinic
81|Independent laboratory
99|Other
"""


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _with_made_up(lines: list[list[str]], made_up: tuple[tuple[str, str], ...]) -> list[list[str]]:
    by_code: dict[str, list[list[str]]] = {}
    for line in lines:
        by_code.setdefault(line[0], []).append(line)
    return lines + [[code, *line[1:]] for code, model in made_up for line in by_code.get(model, [])]


def rbcs(made_up: tuple[tuple[str, str], ...]) -> str:
    """RBCS with a row for each assignment; made-up codes stand in their models' categories."""
    head = ["hcpcs_code", "rbcs_procedure", "rbcs_category", "rbcs_subcategory", "rbcs_family"]
    head += ["hcpcs_date_added", "hcpcs_date_ended", "rbcs_date_effective"]
    rows = []
    for line in figures.RBCS.splitlines():
        code, major, category, subcategory, family, added, effective = line.split("|")
        rows.append([code, _MAJOR[major], category, subcategory, family, added, "9999-12-31", effective])
    return _csv([head, *_with_made_up(rows, made_up)])


def betos(made_up: tuple[tuple[str, str], ...]) -> str:
    """BETOS 2.0: `code id "Set- Class-Group"`."""
    rows = _with_made_up([line.split("|") for line in figures.BETOS.splitlines()], made_up)
    return "".join(f'{code} {number} "{label}"\n' for code, number, label in rows)


def betos_sets() -> str:
    """The sets of BETOS 2.0 by the first letter of the id."""
    rows = [
        [str(n), label, letter, f"betos_{letter.lower()}"] for n, (letter, label) in enumerate(_BETOS_SETS.items(), 1)
    ]
    return _csv([["betos_cat", "betos_cat_name", "betos_code_start", "betos_code_abbr"], *rows])


def betos_classes() -> str:
    """The classes by the first two letters, taken from the labels: what stands between the first and the last hyphen."""
    found = {}
    for line in figures.BETOS.splitlines():
        _, number, label = line.split("|")
        found.setdefault(number[:2], label.split("-")[1].strip())
    rows = [
        [start, label, str(n), f"betos_level2_{start.lower()}"]
        for n, (start, label) in enumerate(sorted(found.items()), 1)
    ]
    return _csv([["betos_code_start", "betos_level2_cat_name", "betos_level2_cat", "betos_code_abbr"], *rows])


def taxonomy() -> str:
    """NUCC's code set, without its definitions."""
    head = ["Code", "Grouping", "Classification", "Specialization", "Definition", "Notes", "Display Name", "Section"]
    rows = []
    for code, name in sorted({**TAXONOMIES, "208D00000X": "General Practice"}.items()):
        first, _, second = name.partition(", ")
        grouping = (
            "Hospitals" if code.startswith("28") else "Allopathic & Osteopathic Physicians" if code[:2] == "20" else ""
        )
        section = "Individual" if code[0] in "1" or code[:2] in ("20", "22", "36") else "Non-Individual"
        rows.append([code, grouping, first, second, "", "", f"{second} {first}".strip(), section])
    return _csv([head, *rows])


def places_of_service() -> str:
    """Place-of-service codes with the type that the physician fee schedule pays them by; the names are short ones of ours."""
    rows = [line.split("|") for line in _POS.splitlines()]
    kinds = [[code, "Facility" if code in _FACILITY else "Non-Facility", name] for code, name in rows]
    return _csv([["pos_code", "pos_type", "pos_name"], *kinds])

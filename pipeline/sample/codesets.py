"""Code sets: procedure categories (RBCS, BETOS 2.0), provider taxonomy, places of service.

What belongs here: their layouts. What must not come in: which codes (`codes`, `people`) and their categories (`figures`).
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.sample import figures
from pipeline.sample.containers import csv_text
from pipeline.sample.people import TAXONOMIES

_BETOS_SETS = {
    "A": "ANESTHESIA",
    "E": "EVALUATION AND MANAGEMENT",
    "I": "IMAGING",
    "N": "UNCLASSIFIED",
    "P": "PROCEDURES",
    "R": "TREATMENTS",
    "T": "TESTS",
}


def _with_made_up(lines: Iterable[Iterable[str]], made_up: tuple[tuple[str, str], ...]) -> list[list[str]]:
    by_code: dict[str, list[list[str]]] = {}
    lines = [list(line) for line in lines]
    for line in lines:
        by_code.setdefault(line[0], []).append(line)
    return lines + [[code, *line[1:]] for code, model in made_up for line in by_code.get(model, [])]


def rbcs(made_up: tuple[tuple[str, str], ...]) -> str:
    """RBCS with a row for each assignment; made-up codes stand in their models' categories."""
    head = ["hcpcs_code", "rbcs_procedure", "rbcs_category", "rbcs_subcategory", "rbcs_family"]
    head += ["hcpcs_date_added", "hcpcs_date_ended", "rbcs_date_effective"]
    rows = [[*first, "9999-12-31", effective] for *first, effective in figures.rows("rbcs")]
    return csv_text([head, *_with_made_up(rows, made_up)])


def betos(made_up: tuple[tuple[str, str], ...]) -> str:
    """BETOS 2.0: `code id "Set- Class-Group"`."""
    rows = _with_made_up(figures.rows("betos"), made_up)
    return "".join(f'{code} {number} "{label}"\n' for code, number, label in rows)


def betos_sets() -> str:
    """The sets of BETOS 2.0 by the first letter of the id."""
    rows = [
        [str(n), label, letter, f"betos_{letter.lower()}"] for n, (letter, label) in enumerate(_BETOS_SETS.items(), 1)
    ]
    return csv_text([["betos_cat", "betos_cat_name", "betos_code_start", "betos_code_abbr"], *rows])


def betos_classes() -> str:
    """The classes by the first two letters, taken from the labels: what stands between the first and the last hyphen."""
    found = {}
    for _, number, label in figures.rows("betos"):
        found.setdefault(number[:2], label.split("-")[1].strip())
    rows = [
        [start, label, str(n), f"betos_level2_{start.lower()}"]
        for n, (start, label) in enumerate(sorted(found.items()), 1)
    ]
    return csv_text([["betos_code_start", "betos_level2_cat_name", "betos_level2_cat", "betos_code_abbr"], *rows])


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
    return csv_text([head, *rows])


def places_of_service() -> str:
    """Place-of-service codes with the type that the physician fee schedule pays them by; the names are short ones of ours.

    The facility rate: Medicare Claims Processing Manual, chapter 12, 20.4.2.
    """
    return csv_text([["pos_code", "pos_type", "pos_name"], *figures.rows("places_of_service")])

"""Fee schedules: Medicare's as CMS lays them out, and workers' compensation in this project's own shape.

What belongs here: the layout of each file, title lines and stray columns included. What must not come in: figures
(`figures`, `codes`). Relative values, GPCIs and anaesthesia factors are CMS's of 2025; OPPS and ASC prices follow from the
catalogue's rounded weights, wage indices and workers' compensation amounts are drawn: nobody should price by them.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.sample import codes, figures
from pipeline.sample.containers import csv_text
from pipeline.sample.draws import draw
from pipeline.sample.people import PLACES, places_of

_FACTOR = f"{codes.PFS_FACTOR / 10_000:.4f}"
_TITLES = (
    ("2025 National Physician Fee Schedule Relative Value File July Release", 2),
    ("Sample of numbers only: CPT codes are the American Medical Association's; no description is repeated here.", 2),
    ("", 2),
    ("", 2),
    ("RELEASED 06/12/2025", 2),
)
_MADE_UP = tuple[tuple[str, str], ...]


def relative_values(made_up: _MADE_UP) -> str:
    """PPRRVU of July 2025: ten lines of titles and headings, then codes and modifiers without descriptions."""
    headings = figures.lines("relative_value_headings")  # five lines, one above another
    width = len(headings[0])
    titles = [[""] * at + [text] + [""] * (width - at - 1) for text, at in _TITLES]
    rows = []
    for code, model in (*((code, code) for code in codes.fee_rows()), *made_up):
        for modifier, row in codes.fee_rows().get(model, {}).items():
            rows.append([code, modifier, "", *row[:21], _FACTOR, *row[21:]])
    return csv_text([*titles, *headings, *sorted(rows)])


def localities() -> tuple[tuple[str, ...], ...]:
    """carrier, state, locality, name, work, PE and MP GPCI, anaesthesia factor."""
    return figures.rows("localities")


def gpcis() -> str:
    """Addendum E of 2025: title, blank line, headings, localities, notes."""
    title = "ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY"
    head = ["Medicare Administrative Contractor (MAC)", "State", "Locality Number", "Locality Name"]
    head += ["2025 PW GPCI (with 1.0 Floor)", "2025 PE GPCI", "2025 MP GPCI"]
    blank = [""] * 6
    rows = [row[:7] for row in localities()]
    return csv_text([[title, *blank], ["", *blank], head, *rows, ["", *blank], ["Sample: some states only.", *blank]])


def anesthesia() -> str:
    """Anaesthesia factors of 2025, with the blanks that CMS's export leaves behind numbers."""
    rows = [
        [f"{carrier} ", f"{locality} ", name, f"{factor} "] for carrier, _, locality, name, *_, factor in localities()
    ]
    return csv_text(
        [["Contractor", "Locality", "Locality Name", "National Anes CF of 20.3178"], *rows, ["", "", "", ""]]
    )


def locality_counties() -> str:
    """Localities by county: the state on the first of its rows only, numbers without leading zeros, stray blanks."""
    rows: list[list[str]] = []
    for state, name in (("GA", "GEORGIA "), ("TX", "TEXAS ")):
        for carrier, where, locality, area, *_ in localities():
            if where == state:
                rest = area.startswith("REST")
                inside = sorted({p.county for p in PLACES if (p.carrier, p.locality) == (carrier, locality)})
                counties = "ALL OTHER COUNTIES " if rest else ", ".join(inside).upper().replace(" COUNTY", "") + " "
                rows.append([str(int(carrier)), str(int(locality)), name, "REST OF STATE " if rest else area, counties])
                name = ""
        rows.append([""] * 5)
    title = "COUNTIES INCLUDED IN 2025 LOCALITIES. (ALPHABETICALLY BY STATE AND LOCALITY NAME WITHIN STATE)"
    head = ["Medicare Adminstrative Contractor", "Locality Number", "State ", "Fee Schedule Area ", "Counties"]
    return csv_text([[title, "", "", "", ""], [""] * 5, head, [""] * 5, *rows])


def anesthesia_base() -> str:
    """Base units of the catalogue's anaesthesia codes (CMS, 2025)."""
    return csv_text(
        [["2025 Anesthesia Base Units by CPT Code", ""], ["Code", "2025 Base Unit"], ["00142", "4"], ["00731", "5"]]
    )


def zip_localities() -> str:
    """ZIP5 of the third quarter of 2025: fixed width, 80 characters and CR LF."""
    lines = []
    for place in sorted(PLACES, key=lambda place: (place.state, place.zip)):
        rural = place.rural.replace("-", " ")
        head = f"{place.state}{place.zip}{place.carrier}{place.locality}{rural}Z9{rural}  0 A"
        lines.append(f"{head:75}20253\r\n")
    return "".join(lines)


def _cents(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def opps_caps() -> str:
    """CMS's capped prices: the same formula with the OPPS amounts, where it gives less (42 CFR 414.22(b)(4))."""
    head = ["HCPCS", "MOD", "PROCSTAT", "CARRIER", "LOCALITY", "FACILITY PRICE", "NON-FACILTY PRICE"]
    rows = []
    for code, by_modifier in codes.fee_rows().items():
        for modifier, row in by_modifier.items():
            ours, theirs, mp = row[3], row[24], row[26]  # PE non-facility; PE and MP that the OPPS payment uses
            if row[0] != "A" or codes.hundredths(theirs) == 0:
                continue
            for carrier, _, locality, _, work, pe, malpractice, _ in localities():
                usual = _priced((row[2], work), (ours, pe), (row[7], malpractice))
                capped = _priced((row[2], work), (theirs, pe), (mp, malpractice))
                if capped < usual and carrier in ("10212", "04412"):
                    rows.append([code, modifier, "A", carrier, locality, _cents(capped), _cents(capped)])
    return csv_text([head, *sorted(rows)])


def _priced(*parts: tuple[str, str]) -> int:
    """Cents: the sum of RVU x GPCI, times the conversion factor, rounded half up once."""
    total = sum(codes.hundredths(rvu) * _thousandths(gpci) for rvu, gpci in parts)
    return (total * codes.PFS_FACTOR + 5_000_000) // 10_000_000


def _thousandths(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1000 + int((part + "000")[:3])


def _listed(made_up: _MADE_UP) -> Iterator[tuple[str, str]]:
    yield from ((code, code) for code in sorted(codes.catalogue()))
    yield from made_up


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d} " if cents else ""


def addendum_b(made_up: _MADE_UP) -> str:
    """OPPS Addendum B of July 2025: money with sign, comma and a blank behind; `.` where there is none."""
    note = (
        "Note: Actual copayments would be lower due to the cap on copayments at the Inpatient Deductible of $1,676.00"
    )
    head = ["HCPCS Code", "Short Descriptor", "SI", "APC", "Relative Weight", "Payment Rate"]
    head += ["National Unadjusted Copayment", "Minimum Unadjusted Copayment", note]
    head += ["Drug and Device Pass-Through Expiration during Calendar Year", "* Indicates a Change"]
    rows = []
    for code, model in _listed(made_up):
        name, status, apc, weight, _, price = codes.catalogue()[model]
        cents = codes.opps_cents(model) or (int(price) if status in ("K", "G") else 0)
        least = _dollars(cents // 5)
        shown = [code, name[:28], status, apc, f"{weight}00" if weight else "", _dollars(cents)]
        rows.append([*shown, "." if cents else "", least, "", "", ""])
    titles = (
        "Addendum B.-Final OPPS Payment by HCPCS Code for CY 2025",
        "Sample: rounded weights, names of our own",
        "July 2025",
    )
    blank = [""] * (len(head) - 1)
    return csv_text([*([title, *blank] for title in titles), ["", *blank], head, *rows])


def _asc(made_up: _MADE_UP, title: str, chosen) -> str:
    month = "July 2025"
    head = ["HCPCS Code", "", "Short Descriptor", "Subject to Multiple Procedure Discounting"]
    head += [f"{month} Payment Indicator", f"{month}  Payment Weight  ", f"{month} Payment Rate"]
    rows = []
    for code, model in _listed(made_up):
        name, status, _, _, indicator, price = codes.catalogue()[model]
        if indicator and chosen(indicator):
            cents = int(price) if indicator == "K2" else codes.asc_cents(model)
            weight = "" if indicator == "K2" else f"{cents * 10_000_000 // codes.ASC_FACTOR / 1_000_000:.4f}"
            rows.append([code, "", name[:28], "Y" if status == "T" else "N", indicator, weight, _dollars(cents)])
    blank = [""] * (len(head) - 1)
    return csv_text([[title, *blank], ["Sample: names of our own", *blank], ["", *blank], ["", *blank], head, *rows])


def addendum_aa(made_up: _MADE_UP) -> str:
    """ASC Addendum AA of July 2025: surgical procedures."""
    title = "Addendum AA -- Final ASC Covered Surgical Procedures for CY 2025"
    return _asc(made_up, title, lambda indicator: indicator[0] in "AGJPR")


def addendum_bb(made_up: _MADE_UP) -> str:
    """ASC Addendum BB of July 2025: ancillary services."""
    title = "Addendum BB -- Final ASC Covered Ancillary Services Integral to Covered Surgical Procedures for CY 2025"
    return _asc(made_up, title, lambda indicator: indicator[0] in "KZ")


def addendum_ff(made_up: _MADE_UP) -> str:
    """ASC Addendum FF of July 2025: what of a device-intensive procedure's price is the device's."""
    head = ["HCPCS Code", "Short Descriptor", "July 2025 Payment Indicator", "July 2025 Device Offset Percentage"]
    head += ["July 2025 Device Offset Amount"]
    rows = []
    for code, model in _listed(made_up):
        name, _, _, _, indicator, _ = codes.catalogue()[model]
        if indicator == "J8":
            rows.append([code, name[:28], indicator, "55.00%", _dollars(codes.asc_cents(model) * 11 // 20)])
    return csv_text([["Addendum FF -- Device-intensive procedures for CY 2025", "", "", "", ""], [""] * 5, head, *rows])


def _index(cbsa: str) -> str:
    return f"0.{7_600 + draw(2025, int(cbsa)) % 2_300:04d}"


def _areas() -> list[tuple[str, str, str]]:
    titles = {cbsa: title for cbsa, title, _ in figures.rows("areas")}
    found = {(place.cbsa, titles[place.cbsa], place.state) for place in places_of(()) if place.cbsa in titles}
    rural = {("11", "GEORGIA", "GA"), ("45", "TEXAS", "TX")}  # as CMS counts states
    return sorted(found | rural)


def wage_index() -> str:
    """IPPS Table 3 of fiscal year 2025: areas, and the rest of a state under its two digits. The indices are drawn."""
    rows = [
        [cbsa, title, state, _index(cbsa), f"{0.8 + int(_index(cbsa)[2:]) / 50_000:.4f}"]
        for cbsa, title, state in _areas()
    ]
    return csv_text(
        [
            ["TABLE 3.-FY 2025 IPPS WAGE INDEX BY CBSA (sample)", "", "", "", ""],
            ["CBSA", "Area Name", "State", "Wage Index", "GAF"],
            *rows,
        ]
    )


def asc_wage_index() -> str:
    """The ASC file of calendar year 2025 as CMS lays it out: an area's states end its name, the rest of a state is the
    state's name in capitals, an area of one county has no state. Abilene stands twice, as 27 areas do in CMS's file."""
    rows = [[cbsa, title, _index(cbsa)] for cbsa, title, _ in _areas()]
    abilene = next(row for row in rows if row[0] == "10180")
    rows += [[*abilene[:2], "0.9013"], ["50001", "Washington County", "0.6800"]]
    unique = {(row[0], row[2]): row for row in rows}
    return csv_text([["CBSA", "CBSA Name", "WI25"], *sorted(unique.values())])


def compensation(state: str, level: int) -> str:
    """A state's workers' compensation amounts from 2025 on: `level` hundredths of Medicare's national price."""
    rows = []
    for code in sorted(codes.fee_rows()):
        for services in codes.professional().values():
            for service in services:
                if service.code == code:
                    rows += [
                        [state, "2025-01-01", service.code_type, code, _cents(v.cents * level // 100), v.modifier]
                        for v in service.variants
                        if v.place not in ("facility",) or v.modifier
                    ]
    return csv_text([["state", "effective_from", "code_type", "code", "amount", "modifier"], *rows])

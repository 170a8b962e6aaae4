"""The services of the sample: codes with names of our own, their categories, first prices, and how they are billed.

What belongs here: the catalogue, and which price variants (modifier, places of service) a contract lists for a code.
What must not come in: files (`mrf`, `fees` write those) and published figures (`figures`).

Only the numbers of CPT codes are used; every name here is ours, as CPT's descriptions are the AMA's. OPPS status and
APC are those of 2025; relative weights are rounded, and the price of what neither Medicare schedule of the sample
prices is of the right order only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from pipeline.sample import figures

# code | name | OPPS status | APC | OPPS relative weight | ASC indicator | cents, where neither schedule has a price
_CATALOGUE = """\
99213|Established patient visit, level 3|||||
99214|Established patient visit, level 4|||||
99203|New patient visit, level 3|||||
99204|New patient visit, level 4|||||
G0463|Hospital clinic visit|J2|5012|1.43||13000
G0439|Yearly wellness visit, later years|||||
99395|Yearly preventive visit, younger adult|||||15800
71046|Chest x-ray, two views|Q3|5521|0.97|Z3|
73562|Knee x-ray, three views|Q1|5521|0.97|Z3|
77067|Screening mammogram, both sides|A||||
72110|Lower spine x-ray, full set|Q1|5522|1.19|Z3|
73030|Shoulder x-ray|Q1|5521|0.97|Z3|
45378|Diagnostic colonoscopy|T|5311|9.94|A2|
45380|Colonoscopy with biopsy|T|5312|12.61|A2|
45385|Colonoscopy with snare removal|T|5312|12.61|A2|
43239|Upper endoscopy with biopsy|T|5301|9.73|A2|
47562|Gallbladder removal by scope|J1|5361|62.4|G2|
49505|Groin hernia repair|J1|5341|41.3|A2|
20610|Large joint injection|T|5441|3.24|P3|
27447|Total knee replacement|J1|5115|144.6|J8|
27130|Total hip replacement|J1|5115|144.6|J8|
29881|Knee arthroscopy with meniscus work|J1|5113|35.9|A2|
29827|Shoulder scope, cuff repair|J1|5114|77.8|A2|
64483|Nerve root injection, lower spine|T|5443|9.71|A2|
62323|Epidural injection, lower spine|T|5442|7.42|A2|
63047|Lower spine decompression|J1|5115|144.6|G2|
93000|Electrocardiogram with report|M||||
93005|Electrocardiogram, tracing only|Q1|5733|0.66||
93010|Electrocardiogram, reading only|M||||
80053|Metabolic panel, comprehensive|Q4||||1056
85025|Complete blood count, automated|Q4||||777
36415|Blood draw|Q4||||857
80061|Lipid panel|Q4||||1339
84443|Thyroid hormone test|Q4||||1680
83036|Glycated hemoglobin|Q4||||971
97110|Exercise therapy, 15 minutes|A||||
97140|Manual therapy, 15 minutes|A||||
97161|Therapy evaluation, simple|A||||
97530|Activity therapy, 15 minutes|A||||
66984|Cataract removal with lens|J1|5491|26.4|A2|
67028|Eye injection|T|5694|3.86|P3|
93306|Heart ultrasound, complete|S|5524|5.74|Z2|
76700|Abdomen ultrasound|Q3|5522|1.19|Z3|
93880|Neck artery ultrasound|S|5523|2.71|Z2|
76830|Pelvic ultrasound, internal|S|5522|1.19|Z3|
70553|Head MRI without then with contrast|Q3|5572|4.18|Z2|
73721|Leg joint MRI|Q3|5523|2.71|Z2|
72148|Lower spine MRI|Q3|5523|2.71|Z2|
99284|Emergency visit, level 4|J2|5024|4.47||
99285|Emergency visit, level 5|J2|5025|6.41||
99283|Emergency visit, level 3|J2|5023|2.96||
74177|Abdomen and pelvis CT with contrast|Q3|5571|2.02|Z2|
70450|Head CT|Q3|5522|1.19|Z3|
71260|Chest CT with contrast|Q3|5571|2.02|Z2|
90834|Psychotherapy, 45 minutes|Q3|5822|0.93||
90837|Psychotherapy, 60 minutes|Q3|5823|1.69||
90791|Psychiatric evaluation|Q3|5823|1.69||
11042|Wound cleaning to fat layer|T|5052|4.43|A2|
17000|Skin lesion destruction, first|Q1|5051|2.16|P3|
11102|Skin biopsy, tangential|T|5051|2.16|P3|
12001|Simple wound repair, small|Q1|5051|2.16|P3|
99232|Hospital visit, later day, level 2|B||||
99223|Hospital visit, first day, level 3|B||||
99239|Hospital discharge, long|B||||
88305|Tissue examination, level 4|Q2|5672|1.93||
88342|Antibody stain of tissue|Q2|5673|3.57||
52000|Bladder scope|T|5372|7.18|A2|
31231|Nasal endoscopy|T|5151|2.04|P3|
50590|Kidney stone shock waves|J1|5374|39.3|G2|
58558|Uterus scope with biopsy|J1|5414|33.7|A2|
36556|Central line placement|T|5182|17.4|A2|
36561|Port placement|J1|5183|35.8|A2|
36475|Vein closure by heat|T|5183|35.8|A2|
36902|Dialysis graft balloon|J1|5192|62.7|J8|
J1885|Ketorolac injection, per 15 mg|N||||42
96372|Injection under skin or muscle|Q1|5692|0.76||
90471|Giving one vaccine|Q1|5692|0.76||
J0585|Botulinum toxin, per unit|K|1412||K2|655
95810|Sleep study|S|5724|10.6||
95886|Muscle nerve test, full limb|N||||
78452|Heart stress imaging, nuclear|S|5593|15.9|Z2|
78815|Body scan, tumour tracer|S|5594|16.7|Z2|98000
93458|Heart catheter, left|J1|5191|34.9|G2|
33208|Pacemaker, two leads|J1|5223|117.4|J8|
99490|Chronic care hours, monthly|V|5822|0.93||
99496|Care after discharge, complex|V|5012|1.43||
92014|Eye examination, established|V|5012|1.43||
92004|Eye examination, new|V|5012|1.43||
96413|Chemotherapy infusion, first hour|S|5694|3.86||
J9271|Pembrolizumab, per mg|K|1490||K2|5790
98941|Spine adjustment, 3-4 regions|E1||||
98940|Spine adjustment, 1-2 regions|E1||||
90935|Dialysis with one check|S|5401|7.29||
93798|Monitored heart exercise session|S|5771|1.38||
99183|Pressure chamber supervision|B||||
G0277|Pressure chamber, per half hour|S|5061|1.64||
99291|Critical care, first hour|J2|5041|9.06||
77412|Radiation delivery, level 3|S|5622|2.96||31000
77427|Radiation weekly management|B||||
94060|Breathing test before and after medicine|S|5722|3.31||
94726|Lung volume test|Q1|5721|1.64||
92134|Retina imaging|Q1|5732|0.39|Z3|
95004|Skin prick allergy tests|Q1|5732|0.39||
92083|Visual field test|Q1|5734|1.28||
99309|Nursing home visit, level 3|M||||
99348|Home visit, level 2|B||||
00142|Anaesthesia, lens surgery|N||||18500
00731|Anaesthesia, upper endoscopy|N||||21400
19083|Breast biopsy with ultrasound|J1|5072|17.6|G2|
19301|Partial breast removal|J1|5091|41.8|A2|
87635|Virus test, amplified probe|Q4||||5131
81528|Stool DNA screening|A||||50887
36430|Blood transfusion|S|5241|4.71||
E0601|Airway pressure device, rental|Y||||7400
A4253|Glucose strips, 50|Y||||830
K0001|Standard wheelchair, rental|Y||||4900
E1390|Oxygen concentrator, rental|Y||||11200
L1833|Knee brace, adjustable|A||||52300
E0260|Hospital bed, semi-electric, rental|Y||||9400
J7613|Albuterol, inhaled, 1 mg|M||||9
A6196|Alginate dressing, small|N||||840
A0428|Ambulance, basic life support|A||||27500
A0425|Ambulance mileage|A||||890
B4035|Feeding kit, pump, daily|Y||||1210
92557|Hearing evaluation, complete|Q1|5721|1.64||
V2020|Spectacle frame|A||||7900
G0378|Hospital observation, per hour|N||||9800
G0337|Hospice counselling, before election|B||||9000
99461|Newborn care outside hospital, first day|M||||
94010|Breathing test|Q1|5721|1.64||
70496|Head artery CT|Q3|5571|2.02|Z2|
93976|Abdomen vessel ultrasound, limited|S|5522|1.19|Z3|
"""

PFS_FACTOR = 323465  # ten-thousandths of a dollar: CMS-1807-F, CY 2025
OPPS_FACTOR = 89169  # thousandths of a dollar: CMS-1809-FC, CY 2025
ASC_FACTOR = 54895  # thousandths of a dollar: CMS-1809-FC, CY 2025

# Categories that a payer's professional contract covers, first those that most contracts are about.
_FIRST = ("99213", "71046", "45378", "20610", "93000", "80053", "97110", "66984", "93306", "70553", "99284", "74177")

# Where a service is done, as the POS set that a price lists. `any` differs by payer (see `mrf`).
PLACES = {
    "office": ("11",),
    "clinic": ("11", "49", "72"),
    "facility": ("19", "21", "22"),
    "surgical": ("21", "22", "24"),
    "inpatient": ("21",),
    "emergency": ("23",),
    "home": ("12",),
    "nursing": ("31", "32"),
    "laboratory": ("11", "81"),
    "ambulance": ("41", "42"),
    "outpatient": ("19", "22"),
    "centre": ("24",),
    "dialysis": ("65",),
    "none": (),
    "any": ("CSTM-00",),
}
# Categories whose services are done in one kind of place.
_ONLY = {
    "E&M|Emergency Department Services": "emergency",
    "E&M|Hospital Inpatient Services": "inpatient",
    "E&M|Critical Care Services": "inpatient",
    "E&M|Observation Care Services": "facility",
    "E&M|Nursing Facility Services": "nursing",
    "E&M|Home Services": "home",
    "E&M|Hospice": "nursing",
    "Test|General Laboratory": "laboratory",
    "Test|Molecular Testing": "laboratory",
    "Treatment|Dialysis": "dialysis",
    "Other|Ambulance": "ambulance",
    "Anesthesia|Anesthesia": "surgical",
}


@dataclass(frozen=True)
class Variant:
    """One price of a contract's line: its modifier ('' if none), where it holds, and its price at Medicare's level."""

    modifier: str
    place: str
    cents: int
    inpatient: bool = False


@dataclass(frozen=True)
class Service:
    """A code as a contract lists it."""

    code: str
    name: str
    category: str
    variants: tuple[Variant, ...] = field(repr=False)

    @property
    def code_type(self) -> str:
        """CPT for numbers and HCPCS for letters, as payers write them."""
        return "CPT" if self.code[0].isdigit() else "HCPCS"


@functools.cache
def catalogue() -> dict[str, tuple[str, ...]]:
    """Code -> (name, OPPS status, APC, OPPS weight, ASC indicator, cents), texts as in the table above."""
    rows = (line.split("|") for line in _CATALOGUE.splitlines())
    return {code: tuple(rest) for code, *rest in rows}


@functools.cache
def fee_rows() -> dict[str, dict[str, list[str]]]:
    """Code -> modifier -> the fee schedule's columns from STATUS CODE to OPPS MP, without the conversion factor."""
    rows: dict[str, dict[str, list[str]]] = {}
    for line in figures.PFS.splitlines():
        code, modifier, *rest = line.split(",")
        rows.setdefault(code, {})[modifier] = rest
    return rows


@functools.cache
def category_of() -> dict[str, str]:
    """Code -> `category|subcategory` of RBCS, the row that took effect last."""
    found = {}
    for line in figures.RBCS.splitlines():
        code, _, category, subcategory, *_ = line.split("|")
        found[code] = f"{category}|{subcategory}"
    return found


def hundredths(text: str) -> int:
    """A figure with two decimals as an integer of hundredths."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def opps_cents(code: str) -> int:
    """Weight times conversion factor in cents, rounded half up; 0 where the catalogue has no weight."""
    weight = catalogue()[code][3]
    return (hundredths(weight) * OPPS_FACTOR + 500) // 1_000 if weight else 0


def asc_cents(code: str) -> int:
    """The sample's ASC price: 53 % of the OPPS price (CMS: the OPPS weight, scaled, times a smaller factor)."""
    return opps_cents(code) * 53 // 100


def _pfs_cents(row: list[str], facility: bool) -> int:
    total = hundredths(row[9] if facility else row[8])
    return (total * PFS_FACTOR + 5_000) // 10_000


def _professional(code: str) -> tuple[Variant, ...]:
    fallback = int(catalogue()[code][5] or 0)
    rows, only = fee_rows().get(code, {}), _ONLY.get(category_of()[code])
    row = rows.get("")
    if row is None or not _pfs_cents(row, False):
        return (Variant("", only or "any", fallback or opps_cents(code)),)
    near, far = _pfs_cents(row, False), _pfs_cents(row, True)
    if "26" in rows and "TC" in rows and _pfs_cents(rows["TC"], False):
        reading = Variant("26", "facility", _pfs_cents(rows["26"], True))
        return (Variant("", "office", near), reading, Variant("TC", "office", _pfs_cents(rows["TC"], False)))
    if only:
        return (Variant("", only, far, only == "inpatient"),)
    if near != far:
        stopped = (Variant("53", "centre", _pfs_cents(rows["53"], True)),) if "53" in rows else ()
        return (Variant("", "office", near), Variant("", "facility", far), *stopped)
    return (Variant("", "surgical" if category_of()[code].startswith("Procedure") else "any", near),)


def _institutional(code: str) -> tuple[Variant, ...]:
    surgical = (Variant("", "centre", asc_cents(code)),) if catalogue()[code][4] else ()
    return (Variant("", "outpatient", opps_cents(code)), *surgical)


@functools.cache
def professional() -> dict[str, tuple[Service, ...]]:
    """Category -> the services that physicians bill, the categories of `_FIRST` first."""
    return _by_category(tuple(catalogue()), _professional)


@functools.cache
def institutional() -> dict[str, tuple[Service, ...]]:
    """Category -> the services that hospitals and surgical centres bill: those with an OPPS weight."""
    return _by_category(tuple(code for code in catalogue() if catalogue()[code][3]), _institutional)


def _by_category(codes: tuple[str, ...], variants) -> dict[str, tuple[Service, ...]]:
    first = [category_of()[code] for code in _FIRST]
    grouped: dict[str, list[Service]] = {category: [] for category in first}
    for code in codes:
        category = category_of()[code]
        grouped.setdefault(category, []).append(Service(code, catalogue()[code][0], category, variants(code)))
    return {category: tuple(services) for category, services in grouped.items() if services}


def made_up(count: int) -> list[tuple[str, str]]:
    """(code, the code of the catalogue that it takes figures and category from) of `count` codes that nobody publishes.

    X and four digits: HCPCS has no codes X0001 to X9999. For sizes that need more codes than the catalogue has.
    """
    models = [services[n % len(services)].code for n in range(8) for services in professional().values()]
    return [(f"X{n + 1:04d}", models[n % len(models)]) for n in range(count)]

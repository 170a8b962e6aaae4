"""Texts of Medicare's files in the layouts in which CMS publishes them, with a row or two."""

from __future__ import annotations

TITLES = """\
,,{title},,
,,CPT codes and descriptions are copyright.,,
,,,,
,,RELEASED {released},,
"""

HEADINGS = """\
,,,,,,,,,,,,,NON-FACILITY,FACILITY,
,,,,,NON-FAC,,FACILITY ,,,,,,PE USED,PE USED,MP USED
,,,WORK,,NA,,NA,,,,,,FOR OPPS,FOR OPPS,FOR OPPS
,,STATUS,,NON-FAC,,FACILITY,,MP,PCTC,GLOB,CONV,,PAYMENT,PAYMENT,PAYMENT
HCPCS,MOD,CODE,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,IND,DAYS,FACTOR,OTHER,AMOUNT,AMOUNT,AMOUNT
"""


def rvu_file(
    *rows, title="2025 National Physician Fee Schedule Relative Value File October Release", released="09/11/2025"
):
    return TITLES.format(title=title, released=released) + HEADINGS + "".join(r + "\n" for r in rows)


OFFICE = "99213,,A,1.30,1.35,,0.57,NA,0.10,0,XXX,32.3465,,0.00,0.00,0.00"

GPCI = """\
ADDENDUM E. FINAL CY {title} GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY,,,,,,
,,,,,,
Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,{work},{year} PE GPCI,{year} MP GPCI
10112,AL,0,ALABAMA,{figures},0.869,0.575
Notes about,,,,,,
"""

# Headings and money as in the January 2025 web addenda: `$`, thousands separators, `.` for none.
OPPS = """\
,Addendum B.- Final OPPS Payment by HCPCS Code for CY 2025,,,,,,,,
,CPT codes and descriptions only are copyright,,,,,,,,
HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,Minimum Unadjusted Copayment,Note,* Indicates a Change
100,Anesth salivary gland,N,,,,,,,
0633T,"Ct breast w/3d, uni",S,5521,0.9909,"$1,088.38",.,$17.68,,
J9999,Drug,K,701,,$4.335,.,$0.87,,
C1713,Anchor,N,,,.,,,,
* footnote about something,,,,,,,,,
"""

# Headings as CMS ships them, the release before each and stray blanks inside; some come with an empty second column.
ASC = """\
ASC Covered Surgical Procedures,,,,,,
,,,,,,
HCPCS Code,,Short Descriptor,Subject to Multiple Procedure Discounting,{when} Payment Indicator,{when}  Payment Weight  ,{when} Payment Rate
64628,,Trml dstrj ios bvn 1st 2 l/s,Y,J8,175.6211,"$9,891.33 "
66984,,Xcapsl ctrc rmvl w/o ecp,Y,A2,22.1,"$1,234.50"
00670,,Packaged,N,N1,,
"""


def zip_record(state="KS", code="66002", carrier="05202", locality="00", tail="20254"):
    return f"{state}{code}{carrier}{locality} Z9   0 A".ljust(75) + tail + "\n"


LOCALITIES = """COUNTIES INCLUDED IN 2025 LOCALITIES.,,,,
Medicare Adminstrative Contractor,Locality Number,State ,Fee Schedule Area ,Counties
10112,0,ALABAMA ,STATEWIDE ,ALL COUNTIES
* serviced by two carriers.,,,,
"""

ANES = "Contractor,Locality,Locality Name,National Anes CF of 20.3178\n02102 ,01 ,ALASKA*,27.86\n*floor,,,\n"

"""Small files of Medicare's in the layouts in which CMS publishes them, and an in-network file that they price.

All figures are invented but those of the physician fee schedule, which are CMS's of October 2025.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

RVU_TITLES = """\
,,{year} National Physician Fee Schedule Relative Value File {month} Release,,,,,,,,,,,,,,,,,,,,,,,,,,,,
,,CPT codes and descriptions only are copyright 2024 American Medical Association.  All Rights Reserved. ,,,,,,,,,,,,,,,,,,,,,,,,,,,,
,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
,, ,,,,,,,,,,,,,,,,,,,,,,,,,,,,
,,RELEASED {released},,,,,,,,,,,,,,,,,,,,,,,,,,,,
"""
RVU_HEADINGS = """\
,, , ,,,,,,,,,,,,,,,,,,,,,,,,,NON-FACILITY,FACILITY,
,,,,NOT USED,,,,,,,,,,,,,,,,,,,,,PHYSICIAN,,DIAGNOSTIC,PE USED,PE USED,MP USED
,,,,FOR,,,NON-FAC,,FACILITY ,,,,,,,,,,,,,,,,SUPERVISION OF,,IMAGING,FOR OPPS,FOR OPPS,FOR OPPS
,,,STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,TEAM,ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT
HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT
"""
RVU_ROW = (
    "{code},,TEXT,A,,1.30,1.35,,0.57,,0.10,2.75,1.97,0,XXX,0.00,0.00,0.00,0,0,0,0,0,,{factor},09,0,99,0.00,0.00,0.00\n"
)


def rvu(*, year="2025", month="October", released="09/11/2025", factor="32.3465", code="99213") -> str:
    """PPRRVU with one code."""
    titles = RVU_TITLES.format(year=year, month=month, released=released)
    return titles + RVU_HEADINGS + RVU_ROW.format(code=code, factor=factor)


GPCI = """\
ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY,,,,,,
,,,,,,
Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI
10212,GA,01,ATLANTA,1,0.997,1.128
10212,GA,99,REST OF GEORGIA,1,0.883,1.125
"""
# As CMS sets the same table in columns of fixed width.
GPCI_FIXED = """\
ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY

Medicare Admi State  Locality                                      Locality Name                                      2025 PW GPCI2025 PE GPCI2025 MP GPCI
10212           GA      01   ATLANTA                                                                                     1.000       0.997       1.128
10212           GA      99   REST OF GEORGIA                                                                             1.000       0.883       1.125
"""
WAGES = 'CBSA,Area Name,State,Wage Index\n12060,"Atlanta, GA",GA,1.0\n'


def addendum_b(*rows: str, year="2026", title="Addendum B.-OPPS Payment by HCPCS Code for CY {year}") -> str:
    """OPPS Addendum B of rows `code,si,apc,weight,rate`; its title names the year and no quarter."""
    body = ""
    for row in rows:
        code, si, apc, weight, rate = row.split(",")
        body += f'{code},Invented,{si},{apc},{weight},"{rate}",.,$27.21,,,,\n'
    return (
        f"{title.format(year=year)},,,,,,,,,\n"
        '"CPT codes and descriptions only are copyright 2025 of their owner. All rights reserved."\n,\n'
        "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,"
        "Minimum Unadjusted Copayment,Note,IRA Coinsurance percentage,Adjusted Beneficiary Copayment,* Indicates a Change\n"
        + body
    )


def zipped(members: dict[str, bytes | str], path: Path | None = None) -> bytes:
    """A zip of members; written to `path`, if one is given."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held.getvalue())
    return held.getvalue()


OFFICE = ("CPT", "99213", "professional", ["11"], 100.0)
OUTPATIENT = ("HCPCS", "G0463", "institutional", ["22"], 272.04)


def in_network(month: str, *prices: tuple) -> str:
    """An in-network file of one provider with prices `code type, code, class, places, dollars`."""
    items = [
        {
            "negotiation_arrangement": "ffs",
            "name": code,
            "billing_code_type": kind,
            "billing_code_type_version": "2025",
            "billing_code": code,
            "description": code,
            "negotiated_rates": [
                {
                    "provider_groups": [{"npi": [1550000016], "tin": {"type": "ein", "value": "11-1111111"}}],
                    "negotiated_prices": [
                        {
                            "negotiated_type": "negotiated",
                            "negotiated_rate": dollars,
                            "expiration_date": "9999-12-31",
                            "service_code": places,
                            "billing_class": of_class,
                            "setting": "outpatient",
                        }
                    ],
                }
            ],
        }
        for kind, code, of_class, places, dollars in prices
    ]
    head = {
        "reporting_entity_name": "Larkspur Health Plan",
        "reporting_entity_type": "health insurance issuer",
        "last_updated_on": f"{month}-01",
        "version": "1.3.1",
    }
    return json.dumps(head | {"in_network": items})


POS = "pos_code,pos_type,pos_name\n11,Non-facility,Office\n22,Facility,On Campus-Outpatient Hospital\n"


def put(root: Path, files: dict[str, bytes | str]) -> Path:
    """Write files under raw/; returns the root."""
    for name, content in files.items():
        path = root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root

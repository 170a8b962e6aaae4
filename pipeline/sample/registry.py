"""The provider registry's files: the monthly CSV of 330 columns, its companions, and NPI Registry API answers.

What belongs here: NPPES's layouts (data dissemination readme of the registry; API version 2.1). What must not come in:
who the providers are (`people`, `oddities`).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from pipeline.sample import oddities
from pipeline.sample.containers import Output
from pipeline.sample.people import TAXONOMIES, Place, Pool, Provider

MONTHLY = "npidata_pfile_20050523-20250810.csv"
WEEKLY = "npidata_pfile_20250811-20250817.csv"
LOCATIONS = "pl_pfile_20050523-20250810.csv"
DEACTIVATED = "NPPES_Deactivated_NPI_Report_20250811.csv"
ANSWER = "npi_registry_api.json"
_ANSWERS = 12  # providers of each pool that stand in an API answer instead of the monthly file


def _columns() -> tuple[str, ...]:
    names = (
        "NPI|Entity Type Code|Replacement NPI|Employer Identification Number (EIN)|Provider Organization Name (Legal "
        "Business Name)|Provider Last Name (Legal Name)|Provider First Name|Provider Middle Name|Provider Name Prefix "
        "Text|Provider Name Suffix Text|Provider Credential Text|Provider Other Organization Name|Provider Other "
        "Organization Name Type Code|Provider Other Last Name|Provider Other First Name|Provider Other Middle Name|"
        "Provider Other Name Prefix Text|Provider Other Name Suffix Text|Provider Other Credential Text|Provider Other "
        "Last Name Type Code"
    ).split("|")
    for line, rest in (
        ("Mailing Address", "Mailing Address"),
        ("Practice Location Address", "Practice Location Address"),
    ):
        names += [f"Provider First Line Business {line}", f"Provider Second Line Business {line}"]
        names += [f"Provider Business {rest} {part}" for part in ("City Name", "State Name", "Postal Code")]
        names += [f"Provider Business {rest} Country Code (If outside U.S.)"]
        names += [f"Provider Business {rest} Telephone Number", f"Provider Business {rest} Fax Number"]
    names += (
        "Provider Enumeration Date|Last Update Date|NPI Deactivation Reason Code|NPI Deactivation Date|NPI Reactivation "
        "Date|Provider Sex Code|Authorized Official Last Name|Authorized Official First Name|Authorized Official Middle "
        "Name|Authorized Official Title or Position|Authorized Official Telephone Number"
    ).split("|")
    for n in range(1, 16):
        names += [f"Healthcare Provider Taxonomy Code_{n}", f"Provider License Number_{n}"]
        names += [f"Provider License Number State Code_{n}", f"Healthcare Provider Primary Taxonomy Switch_{n}"]
    for n in range(1, 51):
        names += [f"Other Provider Identifier_{n}", f"Other Provider Identifier Type Code_{n}"]
        names += [f"Other Provider Identifier State_{n}", f"Other Provider Identifier Issuer_{n}"]
    names += (
        "Is Sole Proprietor|Is Organization Subpart|Parent Organization LBN|Parent Organization TIN|Authorized Official "
        "Name Prefix Text|Authorized Official Name Suffix Text|Authorized Official Credential Text"
    ).split("|")
    names += [f"Healthcare Provider Taxonomy Group_{n}" for n in range(1, 16)]
    return (*names, "Certification Date")


COLUMNS = _columns()
_AT = {name: n for n, name in enumerate(COLUMNS)}


@functools.cache
def _template(names: tuple[str, ...]) -> str:
    """A row in which those columns are filled, for `str.format` with their values in the order of the names."""
    row = [""] * len(COLUMNS)
    for n, name in enumerate(names):
        row[_AT[name]] = f"{{{n}}}"
    return '"' + '","'.join(row) + '"\n'


def _american(date: str) -> str:
    return f"{date[5:7]}/{date[8:]}/{date[:4]}" if date else ""


def _filled(values: dict[str, str]) -> str:
    return _template(tuple(values)).format(*values.values())


def _mailing(provider: Provider) -> tuple[str, str, str, str, str]:
    if provider.mailing_elsewhere:
        return "PO Box 4411", "", "ATLANTA", "GA", "303010044"
    place = provider.place
    return provider.line_1, provider.line_2, place.city, place.state, provider.zip_9


def _secondary(code: str) -> str:
    """The taxonomy that some providers list first, though it is not their primary one."""
    return "208D00000X" if code != "208D00000X" else ""


def monthly_row(provider: Provider) -> str:
    """The provider's record of the monthly file; a deactivated one has its number and the date alone, as NPPES has it."""
    if provider.deactivated:
        date = _american(provider.deactivated)
        return _filled({"NPI": provider.npi, "NPI Deactivation Date": date})
    values = {"NPI": provider.npi, "Entity Type Code": "1" if provider.individual else "2"}
    if provider.individual:
        values |= {
            "Provider Last Name (Legal Name)": provider.family.upper(),
            "Provider First Name": provider.given.upper(),
        }
        values |= {"Provider Credential Text": provider.credential, "Provider Sex Code": "F"}
    else:
        values |= {"Provider Organization Name (Legal Business Name)": provider.organisation.upper()}
        values |= {"Employer Identification Number (EIN)": "<UNAVAIL>", "Is Organization Subpart": "N"}
        values |= {"Authorized Official Last Name": "FERNWICK", "Authorized Official First Name": "IMARA"}
        values |= {"Authorized Official Title or Position": "ADMINISTRATOR"}
        values |= {"Authorized Official Telephone Number": provider.telephone}
    places = {"Mailing Address": _mailing(provider)}
    places["Practice Location Address"] = _location(provider.place, provider)
    for kind, (line_1, line_2, city, state, code) in places.items():
        values |= {f"Provider First Line Business {kind}": line_1, f"Provider Second Line Business {kind}": line_2}
        values |= {f"Provider Business {kind} City Name": city, f"Provider Business {kind} State Name": state}
        values |= {f"Provider Business {kind} Postal Code": code}
        values |= {f"Provider Business {kind} Country Code (If outside U.S.)": "US"}
        values |= {f"Provider Business {kind} Telephone Number": provider.telephone}
        values |= {f"Provider Business {kind} Fax Number": provider.fax}
    values |= {"Provider Enumeration Date": _american(provider.enumerated)}
    values |= {"Last Update Date": _american(provider.updated), "Certification Date": _american(provider.updated)}
    listed = [(provider.taxonomy, provider.licence, provider.place.state if provider.licence else "", "Y")]
    if int(provider.npi[8]) == 7 and _secondary(provider.taxonomy):  # the switch decides, not the order
        listed.insert(0, (_secondary(provider.taxonomy), "", "", "N"))
    for n, (code, licence, state, switch) in enumerate(listed, 1):
        values |= {f"Healthcare Provider Taxonomy Code_{n}": code, f"Provider License Number_{n}": licence}
        values |= {f"Provider License Number State Code_{n}": state}
        values |= {f"Healthcare Provider Primary Taxonomy Switch_{n}": switch}
    if provider.individual:
        values |= {"Is Sole Proprietor": provider.sole}
    return _filled(values)


def _location(place: Place, provider: Provider) -> tuple[str, str, str, str, str]:
    return provider.line_1, provider.line_2, place.city, place.state, provider.zip_9


def answer(provider: Provider) -> dict:
    """The provider as the NPI Registry API 2.1 answered while it was active: no empty field, ISO's dates."""
    mailing, location = _mailing(provider), _location(provider.place, provider)
    military = {"address_type": "MIL" if provider.place.state == "AE" else "DOM", "country_code": "US"}
    addresses = []
    for purpose, (line_1, line_2, city, state, code) in (("LOCATION", location), ("MAILING", mailing)):
        address = {"address_1": line_1.upper(), "address_2": line_2.upper(), "address_purpose": purpose, "city": city}
        address |= {"state": state, "postal_code": code, "telephone_number": _dashed(provider.telephone)}
        address |= {"fax_number": _dashed(provider.fax), "country_name": "United States"} | military
        addresses.append({key: value for key, value in address.items() if value})
    basic = {"enumeration_date": provider.enumerated, "last_updated": provider.updated, "status": "A"}
    if provider.individual:
        basic |= {"first_name": provider.given.upper(), "last_name": provider.family.upper(), "name_prefix": "--"}
        basic |= {
            "credential": provider.credential,
            "sex": "F",
            "sole_proprietor": {"Y": "YES", "N": "NO"}[provider.sole],
        }
    else:
        basic |= {"organization_name": provider.organisation.upper(), "organizational_subpart": "NO"}
        basic |= {"certification_date": provider.updated, "authorized_official_last_name": "FERNWICK"}
    taxonomy = {"code": provider.taxonomy, "desc": TAXONOMIES[provider.taxonomy], "license": provider.licence or None}
    taxonomy |= {"primary": True, "state": provider.place.state if provider.licence else None, "taxonomy_group": ""}
    return {
        "addresses": addresses,
        "basic": basic,
        "created_epoch": "1389230978000",
        "endpoints": [],
        "enumeration_type": "NPI-1" if provider.individual else "NPI-2",
        "identifiers": [],
        "number": provider.npi,
        "other_names": [],
        "practiceLocations": [],
        "taxonomies": [taxonomy],
    }


def _dashed(number: str) -> str:
    return f"{number[:3]}-{number[3:6]}-{number[6:]}" if number else ""


def _all(pools: Iterable[Pool]) -> Iterator[tuple[int, Provider]]:
    """Every provider with its number within its pool."""
    for pool in pools:
        number = 0
        for index in range(pool.count):
            for provider in pool.providers(index):
                yield number, provider
                number += 1


def _answered(number: int, provider: Provider) -> bool:
    return number % 3 == 0 and number < 3 * _ANSWERS and not provider.deactivated


def write_monthly(out: Output, pools: tuple[Pool, ...]) -> int:
    """The monthly file; how many records. Providers of the API answers are not in it."""
    out.write(",".join(f'"{name}"' for name in COLUMNS) + "\n")
    records = 0
    for number, provider in _all(pools):
        if not _answered(number, provider):
            out.write(monthly_row(provider))
            records += 1
    for provider in oddities.providers()[::2]:
        out.write(monthly_row(provider))
        records += 1
    return records


def write_weekly(out: Output) -> int:
    """A weekly update: the same columns, the records that changed."""
    out.write(",".join(f'"{name}"' for name in COLUMNS) + "\n" + monthly_row(oddities.moved()))
    return 1


def write_answers(out: Output, pools: tuple[Pool, ...]) -> int:
    """One API answer with the rest of the providers (the API gives 200 at most)."""
    some = (pair for pool in pools for pair in islice(_all((pool,)), 3 * _ANSWERS))
    found = [answer(provider) for number, provider in some if _answered(number, provider)]
    found += [answer(provider) for provider in oddities.providers()[1::2]]
    out.write(json.dumps({"result_count": len(found), "results": found}, indent=1, ensure_ascii=False))
    return len(found)


def write_locations(out: Output) -> int:
    """Further practice locations: two of one provider."""
    prefix = "Provider Secondary Practice Location Address"
    names = ["NPI", f"{prefix}- Address Line 1", f"{prefix}-  Address Line 2", f"{prefix} - City Name"]
    names += [f"{prefix} - State Name", f"{prefix} - Postal Code", f"{prefix} - Country Code (If outside U.S.)"]
    names += [f"{prefix} - Telephone Number", f"{prefix} - Telephone Extension"]
    names += ["Provider Practice Location Address - Fax Number"]
    first = oddities.providers()[0]
    rows = [
        (first.npi, "77 Millrace Ln", "", "LOUISVILLE", "KY", "402010003", "US", "5025550190", "12", ""),
        (first.npi, "9 Copperfield Rd", "Floor 2", "CHICAGO", "IL", "60601", "US", "3125550191", "", ""),
    ]
    out.lines('"' + '","'.join(row) + '"\n' for row in [tuple(names), *rows])
    return len(rows)


def write_deactivated(out: Output) -> int:
    """The report of deactivated NPIs, as CSV."""
    gone = [provider for provider in oddities.providers() if provider.deactivated]
    out.write("NPI,NPPES Deactivation Date\n")
    out.lines(f"{provider.npi},{_american(provider.deactivated)}\n" for provider in gone)
    return len(gone)

"""The registry's file layouts, written from API answers: an independent second way to the same staged rows."""

from __future__ import annotations

import csv
import io

# Header of npidata_pfile (NPPES Data Dissemination, code values document): 330 columns in this order.
_ADDRESS = "City Name|State Name|Postal Code|Country Code (If outside U.S.)|Telephone Number|Fax Number".split("|")
_KINDS = {"MAILING": "Mailing", "LOCATION": "Practice Location"}


def header() -> list[str]:
    """The 330 column names."""
    names = "NPI|Entity Type Code|Replacement NPI|Employer Identification Number (EIN)".split("|")
    names += ["Provider Organization Name (Legal Business Name)", "Provider Last Name (Legal Name)"]
    names += [f"Provider {x}" for x in "First Name|Middle Name|Name Prefix Text|Name Suffix Text".split("|")]
    names += ["Provider Credential Text"]
    names += [f"Provider Other {x}" for x in "Organization Name|Organization Name Type Code|Last Name".split("|")]
    names += [f"Provider Other {x}" for x in "First Name|Middle Name|Name Prefix Text|Name Suffix Text".split("|")]
    names += ["Provider Other Credential Text", "Provider Other Last Name Type Code"]
    for kind in _KINDS.values():
        names += [f"Provider {nth} Line Business {kind} Address" for nth in ("First", "Second")]
        names += [f"Provider Business {kind} Address {part}" for part in _ADDRESS]
    names += "Provider Enumeration Date|Last Update Date|NPI Deactivation Reason Code|NPI Deactivation Date".split("|")
    names += "NPI Reactivation Date|Provider Sex Code".split("|")
    official = "Last Name|First Name|Middle Name|Title or Position|Telephone Number".split("|")
    names += [f"Authorized Official {x}" for x in official]
    for n in range(1, 16):
        names += [f"Healthcare Provider Taxonomy Code_{n}", f"Provider License Number_{n}"]
        names += [f"Provider License Number State Code_{n}", f"Healthcare Provider Primary Taxonomy Switch_{n}"]
    for n in range(1, 51):
        names += [f"Other Provider Identifier{x}_{n}" for x in ("", " Type Code", " State", " Issuer")]
    names += "Is Sole Proprietor|Is Organization Subpart|Parent Organization LBN|Parent Organization TIN".split("|")
    names += [f"Authorized Official {x}" for x in "Name Prefix Text|Name Suffix Text|Credential Text".split("|")]
    names += [f"Healthcare Provider Taxonomy Group_{n}" for n in range(1, 16)]
    return [*names, "Certification Date"]


def _us_date(text: str | None) -> str:
    return f"{text[5:7]}/{text[8:]}/{text[:4]}" if text else ""


def line(record: dict) -> dict[str, str]:
    """One API record as the monthly file would give it: dates of the American form, telephone numbers of digits."""
    basic = record["basic"]
    row = dict.fromkeys(header(), "")
    row["NPI"] = record["number"]
    row["Entity Type Code"] = record["enumeration_type"].removeprefix("NPI-")
    row["Provider Organization Name (Legal Business Name)"] = basic.get("organization_name", "")
    row["Provider Last Name (Legal Name)"] = basic.get("last_name", "")
    for name, key in (("First Name", "first_name"), ("Middle Name", "middle_name"), ("Credential Text", "credential")):
        row[f"Provider {name}"] = basic.get(key, "")
    for name, key in (("Name Prefix Text", "name_prefix"), ("Name Suffix Text", "name_suffix")):
        row[f"Provider {name}"] = basic.get(key, "").replace("--", "")
    others = [n["organization_name"] for n in record["other_names"] if "organization_name" in n]
    row["Provider Other Organization Name"] = others[0] if others else ""
    for address in record["addresses"]:
        kind = _KINDS[address["address_purpose"]]
        row[f"Provider First Line Business {kind} Address"] = address["address_1"]
        row[f"Provider Second Line Business {kind} Address"] = address.get("address_2", "")
        keys = "city state postal_code country_code telephone_number fax_number".split()
        for part, key in zip(_ADDRESS, keys, strict=True):
            value = address.get(key, "")
            row[f"Provider Business {kind} Address {part}"] = value.replace("-", "") if "number" in key else value
    row["Provider Enumeration Date"] = _us_date(basic["enumeration_date"])
    row["Last Update Date"] = _us_date(basic["last_updated"])
    row["Certification Date"] = _us_date(basic.get("certification_date"))
    row["Is Sole Proprietor"] = basic.get("sole_proprietor", "")[:1]
    for n, taxonomy in enumerate(record["taxonomies"], start=1):
        row[f"Healthcare Provider Taxonomy Code_{n}"] = taxonomy["code"]
        row[f"Provider License Number_{n}"] = taxonomy["license"] or ""
        row[f"Provider License Number State Code_{n}"] = taxonomy["state"] or ""
        row[f"Healthcare Provider Primary Taxonomy Switch_{n}"] = "Y" if taxonomy["primary"] else "N"
    return row


def text(rows: list[dict[str, str]], names: list[str] | None = None) -> str:
    """Rows under their header, every field quoted, as the registry writes them."""
    out = io.StringIO()
    writer = csv.DictWriter(out, names or header(), quoting=csv.QUOTE_ALL, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()

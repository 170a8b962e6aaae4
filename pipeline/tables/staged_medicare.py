"""The staged tables of fee-schedule files (Medicare's and the states' for workers' compensation).

What belongs here: one table per kind of file, as its publisher lays it out. Figures (RVUs, GPCIs, factors, amounts)
stay decimal text exactly as published: the transforms calculate in DECIMAL. Every row names its file, the day from
which it holds (`effective_from`, YYYY-MM-DD) and its release; the choice between files is the transforms'.

What must not come in: columns that are calculated.
"""

from __future__ import annotations

from pipeline.tables.declaration import table

_FOLDER = "staged/medicare"

STAGED_PFS_RVU = table(
    "staged_pfs_rvu",
    _FOLDER,
    """code modifier status work_rvu pe_rvu_nonfacility pe_rvu_facility mp_rvu nonfacility_na:bool facility_na:bool
    pctc_indicator global_days conversion_factor opps_pe_nonfacility opps_pe_facility opps_mp effective_from released
    release source_file""",
    key="source_file code modifier",
    doc="Relative value file (PPRRVU): one row per code and modifier ('' where none). released: the day that the file "
    "says it was released; release: RVU25D and the like.",
)
STAGED_GPCI = table(
    "staged_gpci",
    _FOLDER,
    """carrier locality state locality_name work_gpci_floor work_gpci_no_floor pe_gpci mp_gpci effective_from release
    source_file""",
    key="source_file carrier locality",
    doc="Geographic practice cost indices. A file with one work column fills one of the two, by its heading.",
)
STAGED_LOCALITY_COUNTY = table(
    "staged_locality_county",
    _FOLDER,
    "line:int64 carrier locality state_name fee_schedule_area counties effective_from release source_file",
    key="source_file line",
    doc="Counties of each locality, in words; the state's name is carried down from the row that has it.",
)
STAGED_ANESTHESIA = table(
    "staged_anesthesia",
    _FOLDER,
    "carrier locality locality_name anesthesia_factor national_factor effective_from release source_file",
    key="source_file carrier locality",
    doc="Anaesthesia conversion factor of each locality (dollars a unit) and the nation's.",
)
STAGED_ANESTHESIA_BASE = table(
    "staged_anesthesia_base",
    _FOLDER,
    "code base_units effective_from release source_file",
    key="source_file code",
)
STAGED_OPPS_CAP = table(
    "staged_opps_cap",
    _FOLDER,
    "code modifier status carrier locality facility_price nonfacility_price effective_from release source_file",
    key="source_file code modifier carrier locality",
    doc="CMS's own capped prices (OPPSCAP), kept to check ours by. effective_from is null: the file does not say.",
)
STAGED_ZIP_LOCALITY = table(
    "staged_zip_locality",
    _FOLDER,
    "zip_code carrier locality state effective_from release source_file",
    key="source_file zip_code carrier locality",
    doc="ZIP code to carrier and locality; state is a USPS code (EK and WK are Kansas, EM and WM Missouri).",
)
STAGED_OPPS = table(
    "staged_opps",
    _FOLDER,
    "code si apc weight payment_rate effective_from release source_file",
    key="source_file code",
    doc="OPPS Addendum B: status indicator, APC, relative weight, national unadjusted payment rate.",
)
STAGED_OPPS_APC = table(
    "staged_opps_apc",
    _FOLDER,
    "apc si weight payment_rate effective_from release source_file",
    key="source_file apc",
    doc="OPPS Addendum A: relative weight and rate of each group of services (APC), kept to check Addendum B by.",
)
STAGED_OPPS_DEVICE = table(
    "staged_opps_device",
    _FOLDER,
    "code device_percent device_amount effective_from release source_file",
    key="source_file code",
    doc="OPPS Addendum P: the device's share of a procedure's APC rate (percent, dollars), kept to check Addendum FF by.",
)
STAGED_ASC = table(
    "staged_asc",
    _FOLDER,
    "code pi payment_weight payment_rate effective_from release source_file",
    key="source_file code",
    doc="ASC Addenda AA (surgical) and BB (ancillary): payment indicator, weight, national unadjusted payment rate.",
)
STAGED_ASC_DEVICE = table(
    "staged_asc_device",
    _FOLDER,
    "code device_portion effective_from release source_file",
    key="source_file code",
    doc="ASC Addendum FF: the device portion (dollars) of a device-intensive procedure.",
)
STAGED_WAGE_INDEX = table(
    "staged_wage_index",
    _FOLDER,
    "schedule state cbsa listing:int64 area_name counties wage_index effective_from release source_file",
    key="source_file state cbsa listing",
    doc="Wage index by area; an area in two states is under both. schedule: OPPS, ASC, or '' where the file is "
    "of neither in particular. listing: which row of the area it is, by rising index; most have one. counties: county "
    "FIPS codes joined by `|`, of an area that is counties.",
    later={"listing": 1, "counties": None},
)
STAGED_WCFS = table(
    "staged_wcfs",
    "staged/wcfs",
    "line:int64 state effective_from code_type code modifier amount release source_file",
    key="source_file state effective_from code_type code modifier",
    doc="A state's workers' compensation fee schedule in the one CSV shape of `readers/wcfs.py`.",
)

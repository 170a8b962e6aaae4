"""The staged tables of geography files.

`release` is the date that a file gives of itself (YYYY-MM), null where it gives none; ZIPs have five digits, FIPS
codes two (state) or five (county), restored where a publisher lost leading zeros.

What belongs here: their columns. What must not come in: which county or area a ZIP counts for (`transforms`).
"""

from __future__ import annotations

from pipeline.tables.declaration import table

STAGED_ZIP_CBSA = table(
    "staged_zip_cbsa",
    "staged/geo",
    """zip cbsa_code city state res_ratio:float64 bus_ratio:float64 oth_ratio:float64 tot_ratio:float64 release
    source_file""",
    key="zip cbsa_code source_file",
    doc="HUD's ZIP to CBSA crosswalk: share of a ZIP's addresses in each CBSA; 99999 is outside every CBSA.",
)
STAGED_ZIP_COUNTY = table(
    "staged_zip_county",
    "staged/geo",
    """zip county_fips state_fips county_name city state res_ratio:float64 bus_ratio:float64 oth_ratio:float64
    tot_ratio:float64 release source_file source_row:int64""",
    key="zip source_file source_row",
    doc="Counties that a ZIP touches; ratios are null where the publisher gives none. county_fips is null where the "
    "publisher gives the state's code alone (island territories without counties).",
)
STAGED_ZIP_PLACE = table(
    "staged_zip_place",
    "staged/geo",
    """zip country_code place_name state county_fips county_name latitude:float64 longitude:float64 accuracy:int64
    source_file source_row:int64""",
    key="zip source_file source_row",
    doc="GeoNames postal codes: a ZIP's centroid in degrees (WGS84) and county; accuracy 1 (estimated) to 6 (centroid). "
    "state is null for military post offices.",
)
STAGED_CBSA_COUNTY = table(
    "staged_cbsa_county",
    "staged/geo",
    """county_fips cbsa_code cbsa_title cbsa_type metropolitan_division_code csa_code csa_title county_name state_name
    central_outlying release source_file""",
    key="county_fips source_file",
    doc="OMB's delineation: the counties of each metropolitan or micropolitan statistical area.",
)
STAGED_GEOCODE = table(
    "staged_geocode",
    "staged/geo",
    """address_id input_address match match_type matched_address latitude:float64 longitude:float64 tigerline_id side
    state_fips county_fips tract block source_file source_row:int64""",
    key="address_id source_file source_row",
    doc="Census geocoder batch results. address_id is the identifier that was uploaded (our address_hash); match: "
    "Match, No_Match or Tie; county_fips is null where only locations were asked for.",
)

"""The published tables: facts, dimensions, cross-references, benchmarks and the enriched rows.

What belongs here: their declarations. What must not come in: staged tables, how a table is made.
"""

from __future__ import annotations

from pipeline.tables.declaration import table

FACT_RATE = table(
    "fact_rate",
    "gold",
    """fact_uid state year_month reporting_entity_name billing_class code_type code pg_uid pos_set_id negotiated_type
    negotiation_arrangement negotiated_rate:float64 expiration_date provider_group_id_raw billing_code_modifiers
    additional_information setting severity_of_illness network_names contained_codes_uid pg_members_uid batch_id
    source_count:int64""",
    key="fact_uid",
    sort="state reporting_entity_name billing_class code_type code fact_uid",
    sharded=True,
    doc="One row per distinct negotiated rate of a month.",
)

CODE_SPREAD = table(
    "code_spread",
    "gold",
    "year_month join_code_type join_code part place unit n:int64 groups:int64 low:float64 high:float64",
    key="year_month join_code_type join_code part place unit",
    sharded=True,
    doc="Between which amounts the month's rates for a code lie, for each part of the service, place and unit: outside of "
    "them a rate is an `outlier`.",
)
SOURCE_PRICE_CHECK = table(
    "source_price_check",
    "gold",
    """year_month batch_id facts:int64 compared:int64 median_ratio:float64 class_open:int64 class_suspect:int64
    class_undecided:int64""",
    key="year_month batch_id",
    sharded=True,
    doc="What the rates of a file are as a whole, held against Medicare's of the nearest release of any year: whether they "
    "are in dollars, and of the class that the file says. A fact of several files counts for the first.",
)

DIM_CODE = table(
    "dim_code",
    "dims",
    "code_type code code_desc name",
    key="code_type code",
    doc="Every billing code that a file names, with the texts of the earliest month that gives any.",
)
DIM_CODE_CAT = table(
    "dim_code_cat",
    "dims",
    "proc_cd procedure_set procedure_class procedure_group",
    key="proc_cd",
    doc="The latest category of a HCPCS code, RBCS or BETOS 2.0 by setting.",
)
DIM_CODE_CAT_HISTORY = table(
    "dim_code_cat_history",
    "dims",
    "proc_cd effective_from effective_to procedure_set procedure_class procedure_group",
    key="proc_cd effective_from",
    doc="Every category that a HCPCS code had, with the days on which it holds; they never overlap. The enriched rows take "
    "the one in force on the first day of their month.",
)
DIM_PAYER = table(
    "dim_payer",
    "dims",
    "payer_slug reporting_entity_name reporting_entity_type version",
    key="payer_slug",
    aliases=("dim_reporting_entity",),
    doc="One row per payer, as the earliest month describes it.",
)
DIM_PAYER_BRIDGE = table(
    "dim_payer_bridge",
    "dims",
    "reporting_entity_name_raw payer_slug",
    key="reporting_entity_name_raw",
    doc="Every spelling of a payer's name, with its payer_slug.",
)
DIM_PROVIDER_GROUP = table(
    "dim_provider_group",
    "dims",
    """pg_uid year_month payer_slug provider_group_id_raw pg_members_uid network_names batch_id version
    has_members:bool""",
    key="pg_uid",
    sharded=True,
    doc="Every provider group of the month's files.",
)
DIM_POS_SET = table(
    "dim_pos_set",
    "dims",
    "pos_set_id pos_members:list",
    key="pos_set_id",
    doc="Every set of place-of-service codes that a price names. The catalog's view has pos_members also as service_codes.",
)
DIM_POS = table(
    "dim_pos",
    "dims",
    "pos effective_from pos_name kind basis",
    key="pos effective_from",
    doc="Every place of service, and of which kind it is for the physician fee schedule from a day on.",
)
DIM_NPI = table(
    "dim_npi",
    "dims",
    """npi enumeration_type status first_name last_name organization_name credential sole_proprietor enumeration_date
    last_updated primary_taxonomy_code primary_taxonomy_desc primary_taxonomy_state primary_taxonomy_license
    npi_valid:bool deactivation_date replacement_npi registry_source""",
    key="npi",
    doc="Every NPI that a group names, with what the registry (NPPES) knows of it.",
)
DIM_NPI_ADDRESS = table(
    "dim_npi_address",
    "dims",
    """npi address_purpose address_hash address_type address_1 address_2 city state postal_code country_code
    telephone_number fax_number position:int64""",
    key="npi address_purpose address_hash",
    doc="All addresses of the NPIs of dim_npi.",
)
DIM_NPI_ADDRESS_GEOLOCATION = table(
    "dim_npi_address_geolocation",
    "dims",
    """npi address_hash latitude:float64 longitude:float64 county_name county_fips stat_area_name stat_area_code
    matched_address geo_source""",
    key="npi address_hash",
    doc="Where an address is, by the census geocoder's match, else by its ZIP. An address that neither places has no row.",
)
DIM_TIN = table(
    "dim_tin",
    "dims",
    "tin_type tin_value business_name",
    key="tin_type tin_value",
    doc="Every TIN that a group names, with its business name in the earliest month that gives one.",
)
DIM_SOURCE_FILE = table(
    "dim_source_file",
    "dims",
    """batch_id file content_hash bytes:int64 state year_month last_updated_on payer_slug reporting_entity_name
    reporting_entity_type plan_name plan_id plan_id_type plan_market_type issuer_name plan_sponsor_name version
    schema_shape prices_read:int64 priced:int64 prices_rejected:int64 without_provider:int64 rates_read:int64 facts:int64
    duplicates:int64 rejected:int64 unresolved:int64 zero_rates:int64 rate_sum fact_sum duplicate_sum rounded_sum
    groups:int64 tin_npi_pairs:int64 npis:int64 tins:int64 codes:int64 pos_sets:int64 status reason
    published_last_updated_on published_reporting_entity_name declared declared_in""",
    key="batch_id year_month",
    sort="file year_month",
    doc="One row per source file and month: a path that gave another month before has a row for each. The counts add up "
    "as their columns say; pipeline/accounts.py holds the sums.",
)
DIM_PLAN = table(
    "dim_plan",
    "dims",
    "plan_uid plan_name plan_id_type plan_id plan_market_type issuer_name plan_sponsor_name",
    key="plan_uid",
    doc="Every plan that uses a file, by the file's own header or by a table of contents under `raw/toc`.",
)
SOURCE_WARNING = table(
    "source_warning",
    "dims",
    "batch_id file year_month kind count:int64 example meaning",
    key="batch_id year_month kind",
    sort="file year_month kind",
    doc="What is odd in a source file that could be read: how often something of a kind was found, and where first.",
)

XREF_POS = table(
    "xref_pos",
    "xrefs",
    "pos_set_id pos via_wildcard:bool",
    key="pos_set_id pos",
    doc="The codes of each set, one a row. A set that holds CSTM-00 lists every code that CMS has assigned.",
)
XREF_GROUP_NPI = table(
    "xref_group_npi",
    "xrefs",
    "year_month payer_slug pg_uid npi",
    key="year_month payer_slug pg_uid npi",
    sharded=True,
    aliases=("xref_pg_member_npi",),
    doc="The NPIs of each provider group.",
)
XREF_GROUP_TIN = table(
    "xref_group_tin",
    "xrefs",
    "year_month payer_slug pg_uid tin_type tin_value",
    key="year_month payer_slug pg_uid tin_type tin_value",
    sharded=True,
    aliases=("xref_pg_member_tin",),
    doc="The TINs of each provider group.",
)
XREF_GROUP_MEMBER = table(
    "xref_group_member",
    "xrefs",
    "year_month payer_slug pg_uid tin_type tin_value npi",
    key="year_month payer_slug pg_uid tin_type tin_value npi",
    sharded=True,
    doc="Which NPI bills under which TIN. npi is null where the publisher names the TIN only.",
)
XREF_CONTAINED_CODE = table(
    "xref_contained_code",
    "xrefs",
    "year_month contained_codes_uid role code_type code",
    key="year_month contained_codes_uid role code_type code",
    sharded=True,
    doc="The codes that a bundle or a capitation contains.",
)
XREF_FILE_PLAN = table(
    "xref_file_plan",
    "xrefs",
    "batch_id year_month file plan_uid source toc location",
    key="batch_id year_month plan_uid",
    doc="Which plans use which file. A table of contents means a file by the last step of its address, in any case of "
    "letters, without query and without `.json`, `.gz` or `.zip`: files of one name in two folders are both meant.",
)
XREF_FACT_SOURCE = table(
    "xref_fact_source",
    "xrefs",
    "fact_uid batch_id read_count:int64",
    key="fact_uid batch_id",
    sharded=True,
    doc="Every file that published the fact, and how often. A fact that an imported star schema alone has names that.",
)

BENCH_MEDICARE_PROF = table(
    "bench_medicare_prof",
    "bench",
    "state year_month code_type code medicare_prof_rate:float64 medicare_national_rate:float64 release",
    key="state year_month code_type code",
    sharded=True,
    doc="Medicare's physician fee schedule (PFS) outside of facilities, without modifier, unweighted mean over the state's "
    "localities (dollars); under `US` the national rate.",
)
BENCH_OPPS = table(
    "bench_opps",
    "bench",
    """state year_month code_type code opps_weight:float64 opps_si opps_mar_stateavg:float64
    medicare_national_rate:float64 release""",
    key="state year_month code_type code",
    sharded=True,
    doc="Medicare's rates for hospital outpatient services (OPPS), unweighted mean over the state's wage areas "
    "(dollars); under `US` the national rate.",
)
BENCH_ASC = table(
    "bench_asc",
    "bench",
    "state year_month code_type code asc_pi asc_mar_stateavg:float64 medicare_national_rate:float64 release",
    key="state year_month code_type code",
    sharded=True,
    doc="Medicare's rates for ambulatory surgical centers (ASC), unweighted mean over the state's wage areas "
    "(dollars); under `US` the national rate.",
)
BENCH_ASC_AREA = table(
    "bench_asc_area",
    "bench",
    """cbsa area_name states counties year_month code_type code asc_pi wage_index:float64 asc_area_rate:float64
    release""",
    key="cbsa year_month code_type code",
    sharded=True,
    doc="Medicare's rates for ambulatory surgical centers (ASC) in each wage area (dollars). In an area that CMS lists "
    "under several indices only codes stand that no index touches: which index is a center's depends on its county.",
)
BENCH_WCFS = table(
    "bench_wcfs",
    "bench",
    "state year_month code_type code wcfs_amount:float64 release",
    key="state year_month code_type code",
    sharded=True,
    doc="The states' workers' compensation schedules in force in the month, rows without modifier (dollars).",
)
BENCH_MEDICARE_PROF_DETAIL = table(
    "bench_medicare_prof_detail",
    "bench",
    """carrier locality state effective_from code modifier status work_rvu:float64 pe_rvu_nonfacility:float64
    pe_rvu_facility:float64 mp_rvu:float64 work_gpci:float64 pe_gpci:float64 mp_gpci:float64 conversion_factor:float64
    nonfacility_rate:float64 facility_rate:float64 nonfacility_capped:bool facility_capped:bool
    nonfacility_national_rate:float64 facility_national_rate:float64 reason release nonfacility_na:bool
    facility_na:bool pctc_indicator""",
    key="carrier locality effective_from code modifier",
    doc="The physician fee schedule by locality, release and modifier, for facilities and outside of them (dollars). The "
    "national rates are capped where the locality's are.",
)
BENCH_MEDICARE_COMPREHENSIVE = table(
    "bench_medicare_comprehensive",
    "bench",
    """state year_month code_type code benchmark_type medicare_national_rate:float64 medicare_state_rate:float64
    work_rvu:float64 practice_expense_rvu:float64 malpractice_rvu:float64 total_rvu:float64 conversion_factor:float64
    opps_weight:float64 opps_si asc_pi release""",
    key="state year_month code_type code benchmark_type",
    sharded=True,
    doc="The three Medicare schedules one under another, with the columns of each; under `US` the national rates.",
)

COVERAGE = table(
    "coverage",
    "gold",
    """year_month state payer_slug billing_class facts:int64 with_dollars:int64 with_provider:int64 with_place:int64
    with_tin_name:int64 with_medicare:int64 comparable:int64 withheld:int64 groups_unresolved:int64
    class_undecided:int64""",
    key="year_month state payer_slug billing_class",
    sharded=True,
    doc="How many facts of a month, folder, payer and billing class have what an answer needs; withheld ones are counted too.",
)
COVERAGE_GAP = table(
    "coverage_gap",
    "gold",
    "year_month state payer_slug billing_class kind reason facts:int64 file page folder command",
    key="year_month state payer_slug billing_class kind reason",
    sharded=True,
    doc="Why facts lack something, how many, and which file would mend it; the end of a build says the same. Of a kind the "
    "facts over all reasons and those of `coverage` that have it are all facts.",
)

# The guidelines' essential columns in their order (the second `state` is address_state), then the fact's, then ours.
FACT_RATE_ENRICHED = table(
    "fact_rate_enriched",
    "gold/fact_rate_enriched",
    """fact_uid state year_month payer_slug billing_class code_type code negotiated_type negotiation_arrangement
    negotiated_rate:float64 expiration_date provider_group_id_raw reporting_entity_name code_description code_name
    procedure_set procedure_class procedure_group pos_set_id pos_members:list npi first_name last_name
    organization_name enumeration_type status primary_taxonomy_code primary_taxonomy_desc primary_taxonomy_state
    primary_taxonomy_license credential sole_proprietor enumeration_date last_updated address_purpose address_type
    address_1 address_2 city address_state postal_code country_code telephone_number fax_number address_hash
    latitude:float64 longitude:float64 county_name county_fips stat_area_name stat_area_code matched_address
    benchmark_type medicare_national_rate:float64 medicare_state_rate:float64 work_rvu:float64
    practice_expense_rvu:float64 malpractice_rvu:float64 total_rvu:float64 conversion_factor:float64
    opps_weight:float64 opps_si asc_pi rate_to_medicare_ratio:float64 is_above_medicare:bool provider_type
    is_sole_proprietor:bool is_individual_provider:bool
    pg_uid billing_code_modifiers additional_information setting severity_of_illness network_names
    contained_codes_uid pg_members_uid
    is_geocoded:bool geo_source group_npi_count:int64 group_state_count:int64 benchmark_source benchmark_reason
    benchmark_facility:bool medicare_locality_rate:float64 rate_to_medicare_locality_ratio:float64
    wcfs_amount:float64 rate_to_wcfs_ratio:float64 rate_flags
    negotiated_dollars:float64 benchmark_setting pfs_nonfacility_rate:float64 pfs_facility_rate:float64
    rate_variants:int64 rate_variant_min:float64 rate_variant_max:float64 variant_scope tin_value tin_type tin_name
    group_tin_count:int64 group_known_npi_count:int64 source_count:int64""",
    key="fact_uid",
    sort="""payer_slug state billing_class procedure_set procedure_class primary_taxonomy_code stat_area_name
    code_type code fact_uid""",
    sharded=True,
    doc="Exactly one row per fact, with every dimension joined in.",
)

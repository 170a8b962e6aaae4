"""Values of in-network files as they are found: what has one reading is read and warned of, the rest is rejected and counted.

The figures of each case are what its file means, worked out by hand; both ways of reading must give them.
"""

from __future__ import annotations

import datetime
import gzip
import json
import random

import pytest

import campaign
import odd_values
from in_network_documents import GROUP, ITEM, PRICE, _plainly, document, grouped, itemised, priced, read, referring
from odd_values import Raw
from pipeline import naming
from pipeline.errors import SourceError
from pipeline.readers import file_kinds, mrf_dates, mrf_issues
from pipeline.readers.in_network import references as in_network_references
from pipeline.readers.in_network.read import Elsewhere
from pipeline.readers.mrf_fields import Unreadable

A, B, C = "1550000016", "1550000024", "1550000032"
WHOLE, SEVERAL = "number_with_point", "several_in_one_text"


@pytest.fixture(autouse=True)
def after_one_reference(monkeypatch):
    """The compiled pass reads all references but the first."""
    monkeypatch.setattr(in_network_references, "FEW", 1)


@pytest.fixture
def write(tmp_path):
    """Writes a document or bytes as a file and gives its path."""

    def write(content, name: str = "file.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else odd_values.text(content).encode())
        return path

    return write


FACTS = """
SELECT code_type, code, i.severity_of_illness, negotiated_rate, expiration_date, billing_code_modifiers, pos_set_id, pos_members,
  billing_class, negotiated_type, additional_information, setting, provider_group_id_raw,
  (SELECT list_sort(list((tin_type, tin_value, npi))) FROM staged_member m WHERE m.pg_members_uid = g.pg_members_uid) AS members
FROM staged_price JOIN staged_item i USING (item_ix) JOIN staged_terms USING (terms_ix) JOIN staged_pos_set USING (pos_set_id)
  JOIN staged_owner USING (object_ix) JOIN staged_group g USING (group_ix) ORDER BY ALL"""


def facts(sink) -> list[tuple]:
    """Each rate with what it is of, read from the staged tables."""
    return sink.database().execute(FACTS).fetchall()


def told(path, **options) -> dict:
    """What is read of a file, the same both ways: rates, counts, warnings by kind, records that could not be read."""
    found = []
    for plainly in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if plainly:
                _plainly(patch)
            try:
                result, sink = read(path, max_rejected_share=1, **options)
            except SourceError as e:
                found.append({"refused": e.fact})
                continue
        assert result.rates_read == result.kept + result.rejected
        assert result.prices_read == result.priced + result.prices_rejected + result.without_provider
        found.append(
            {
                "rates": facts(sink),
                "counts": (result.rates_read, result.rejected, result.unresolved, result.prices_read),
                "month": result.year_month,
                "warnings": result.warnings,
                "kinds": {kind: count for kind, count, _ in result.warnings},
                "records": [(r["path"], r["rates"], r["reason"]) for r in result.quarantine],
            }
        )
    assert found[0] == found[1]
    return found[0]


def members(found: dict) -> list:
    return [row[-1] for row in found["rates"]]


# Numbers with a point.


def test_every_integer_of_a_data_frame_is_a_float(write):
    group = {"npi": [Raw(f"{A}.0"), Raw(f"{B}.0")], "tin": {"type": "ein", "value": Raw("123456789.0")}}
    prices = [{**PRICE, "service_code": [Raw("11.0")]}]
    rates = [{"provider_references": [Raw("12")], "negotiated_prices": prices}]
    items = [{**ITEM, "billing_code": code, "negotiated_rates": rates} for code in ("99213", Raw("99214.0"))]
    references = [{"provider_group_id": Raw("12.0"), "provider_groups": [group]}]
    found = told(write(document(in_network=items, provider_references=references)))
    assert found["counts"] == (2, 0, 0, 2)
    assert [(row[1], row[7], row[12]) for row in found["rates"]] == [("99213", ["11"], "12"), ("99214", ["11"], "12")]
    assert members(found) == [[("ein", "123456789", A), ("ein", "123456789", B)]] * 2
    assert found["kinds"][WHOLE] == 4


@pytest.mark.parametrize("named", ["12", "12.0", "12.000", "1.2e1", "120E-1", '"12"', '"12.0"', '" 12.0 "'])
@pytest.mark.parametrize("defined", ["12", "12.0", "1.2E1", '"12.0"'])
def test_a_whole_number_names_a_reference_however_it_is_written(named, defined, write):
    references = [{"provider_group_id": Raw(d), "provider_groups": [GROUP]} for d in ("7", defined)]
    found = told(write(referring(Raw("7"), Raw(named), Raw(named), provider_references=references)))
    assert found["counts"] == (3, 0, 0, 1)
    odd = named.strip('" ') != "12", defined.strip('" ') != "12"
    assert found["kinds"].get(WHOLE, 0) == 2 * odd[0] + odd[1]


def test_ids_that_are_no_whole_numbers_keep_their_digits(write):
    ids = ["690.64470", "690.6447", "690.65627", "62.0004643342", "1.20e-1", "9007199254740993"]
    references = [{"provider_group_id": Raw(one), "provider_groups": [GROUP]} for one in ids]
    found = told(write(referring(*map(Raw, ids), provider_references=references)))
    assert sorted(row[12] for row in found["rates"]) == sorted(ids)
    assert (found["counts"][2], found["kinds"]) == (0, {})


@pytest.mark.parametrize(
    ("code_type", "code", "read_as"),
    [
        ("CPT", "99213.0", "99213"),
        ("CPT", Raw("99213.0"), "99213"),
        ("RC", Raw("450.0"), "450"),
        ("MS-DRG", Raw("4.7e2"), "470"),
        ("ICD", "250.00", "250.00"),
        ("ICD", "3E02305", "3E02305"),
        ("LOCAL", "12.0", "12.0"),
        ("HCPCS", "1E500", "1E500"),
    ],
)
def test_codes_that_are_numbers(code_type, code, read_as, write):
    found = told(write(itemised(billing_code_type=code_type, billing_code=code)))
    assert [row[:2] for row in found["rates"]] == [(code_type, read_as)]
    assert (WHOLE in found["kinds"]) == (read_as != code)


# Who is in a group. What stands in `npi` and `tin`, the members (None: rejected), the kind of warning.
EIN = {"type": "ein", "value": "11-1111111"}
ONE, TWO = [("ein", "111111111", A)], [("ein", "111111111", A), ("ein", "111111111", B)]
WHO = [
    ([f"{A},{B}"], EIN, TWO, SEVERAL),
    (f"{A}, {B}", EIN, TWO, SEVERAL),
    ([f"{A};{B}"], EIN, TWO, SEVERAL),
    ([f"{A} {B}"], EIN, TWO, SEVERAL),
    ([f"{A}|{B}"], EIN, TWO, SEVERAL),
    ([f"{A}/{B}"], EIN, TWO, SEVERAL),
    (f"[{A}, {B}]", EIN, TWO, SEVERAL),
    ([f"{A}.0,{B}.0"], EIN, TWO, SEVERAL),
    ([f"{A}.0"], EIN, ONE, WHOLE),
    (Raw(f"{A}.0"), EIN, ONE, WHOLE),
    ([Raw("1.550000016e9")], EIN, ONE, WHOLE),
    ([f"\u200b{A}\u00a0"], EIN, ONE, "invisible_characters"),
    ([A, "N/A"], EIN, ONE, "missing_spelt_out"),
    ([A, None], EIN, ONE, "npi_blank"),
    ([Raw("123456789")], EIN, [("ein", "111111111", "123456789")], "npi_unusual"),
    ([f"{A}{B}x"], EIN, None, None),
    (["Dr. Smith"], EIN, None, None),
    ([Raw(f"-{A}")], EIN, None, None),
    ([Raw(f"{A}.5")], EIN, None, None),
    ([f"{A},12"], EIN, None, None),
    (["15500000161"], EIN, None, None),
    (["1.55E+09"], EIN, None, None),
    ([A], {"type": "ein", "value": Raw("123456789.0")}, [("ein", "123456789", A)], WHOLE),
    ([A], {"type": "ein", "value": "12-3456789.0"}, [("ein", "123456789", A)], WHOLE),
    ([A], {"type": "ein", "value": "123456789 "}, [("ein", "123456789", A)], None),
    ([A], {"type": "ein", "value": "12345678"}, [("ein", "012345678", A)], "ein_zero_restored"),
    ([A], {"type": "ein", "value": Raw("12345678")}, [("ein", "012345678", A)], "ein_zero_restored"),
    ([A], {"type": "ein", "value": "1-2345678"}, [("ein", "012345678", A)], "ein_zero_restored"),
    ([A], {"type": "ein", "value": "12-345678"}, [("ein", "12345678", A)], "tin_unusual"),
    ([A], {"type": "npi", "value": "12345678"}, [("npi", "12345678", A)], "tin_unusual"),
    ([A], {"type": "ein", "value": Raw("123456789.5")}, None, None),
    ([A], {"type": "npi", "value": "0"}, [("npi", None, A)], "tin_missing"),
    ([A], {"type": "ein", "value": "00-0000000"}, [("ein", None, A)], "tin_missing"),
    ([A], {"type": "ein", "value": Raw("0.0")}, [("ein", None, A)], "tin_missing"),
    ([A], {"type": "ein", "value": "N/A"}, [("ein", None, A)], "tin_missing"),
    ([A], {"type": "ein", "value": None}, [("ein", None, A)], "tin_missing"),
    ([A], None, [(None, None, A)], "tin_missing"),
    ([Raw("0")], {"type": "npi", "value": A}, [("npi", A, A)], "npi_of_tin"),
    (["0"], {"type": "npi", "value": Raw(f"{A}.0")}, [("npi", A, A)], "npi_of_tin"),
    ([], {"type": "npi", "value": A}, [("npi", A, A)], "npi_of_tin"),
    ([Raw("0")], EIN, [("ein", "111111111", None)], None),
    ([Raw("0")], {"type": "ein", "value": "0"}, None, None),
    ([], None, None, None),
    ([A], "11-1111111", ONE, "older_form"),
    ([A], A, [("npi", A, A)], "older_form"),
    ([A], "somebody", None, None),
]  # fmt: skip


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "reference"])
@pytest.mark.parametrize(("npi", "tin", "expected", "kind"), WHO)
def test_who_is_in_a_group(npi, tin, expected, kind, inline, write):
    """The same in line, in a reference and behind a web address."""
    group = {"npi": npi, "tin": tin}
    if inline:
        found = told(write(grouped(group)))
    else:
        plain = {"provider_group_id": Raw("1"), "provider_groups": [GROUP]}
        references = [plain, {"provider_group_id": Raw("2"), "provider_groups": [group]}]
        found = told(write(referring(Raw("2"), provider_references=references)))
        references[1] = {"provider_group_id": Raw("2"), "location": "https://a/2.json"}
        parsed = json.loads(odd_values.text([group]), parse_float=lambda token: token)
        if "." not in odd_values.text(group):
            elsewhere = told(
                write(referring(Raw("2"), provider_references=references)), elsewhere=Elsewhere(lambda url: parsed)
            )
            assert members(elsewhere) == members(found)
    if expected is None:
        assert found["kinds"].keys() <= {"no_rates"} | ({"tin_missing"} if tin is None else set())
        assert len(found["records"]) == 1
        assert found["counts"][1:3] == ((1, 0) if inline else (0, 1)), "rejected in line, unresolved by reference"
        return
    assert members(found) == [sorted(expected)]
    assert found["counts"][1:3] == (0, 0)
    assert (
        set(found["kinds"]) - ({"tin_missing"} if tin is None else set())
        == ({kind} if kind else set()) - ({"tin_missing"} if tin is None else set())
        or kind in found["kinds"]
    )
    assert (kind is None) == (not found["kinds"])


def test_people_with_tin_0_are_not_one(write):
    """No group of nobody's TIN is another's, and the sole practitioner is known by the TIN."""
    groups = [
        {"npi": [Raw("0")], "tin": {"type": "npi", "value": A}},
        {"npi": [Raw(B)], "tin": {"type": "npi", "value": "0"}},
        {"npi": [Raw(C)], "tin": {"type": "npi", "value": "0"}},
    ]
    rates = [{"provider_groups": [group], "negotiated_prices": [PRICE]} for group in groups]
    found = told(write(document(in_network=[{**ITEM, "negotiated_rates": rates}])))
    assert sorted(members(found), key=str) == [[("npi", A, A)], [("npi", None, B)], [("npi", None, C)]]
    assert found["kinds"] == {"npi_of_tin": 1, "tin_missing": 2}


def test_providers_one_level_deeper_are_each_their_own(write):
    tins = ["11-1111111", "22-2222222", "33-3333333"]
    references = [
        {"provider_group_id": Raw(str(n)), "provider_groups": [{"providers": [{"npi": [Raw(npi)], "tin": {"type": "ein", "value": tin}}]}]}
        for n, (npi, tin) in enumerate(zip((A, B, C), tins, strict=True), start=1)
    ]  # fmt: skip
    prices = ["100", "100", "120"]
    rates = [
        {"provider_references": [Raw(str(n))], "negotiated_prices": [{**PRICE, "negotiated_rate": Raw(price)}]}
        for n, price in enumerate(prices, start=1)
    ]
    found = told(write(document(in_network=[{**ITEM, "negotiated_rates": rates}], provider_references=references)))
    assert [(row[3], row[-1]) for row in sorted(found["rates"], key=lambda row: row[-1])] == [
        (100.0, [("ein", "111111111", A)]),
        (100.0, [("ein", "222222222", B)]),
        (120.0, [("ein", "333333333", C)]),
    ]
    assert (found["counts"], found["kinds"]) == ((3, 0, 0, 3), {"older_form": 3})


# The drafts of the schema: rate objects, and the price and members that they mean (None: counted, and no rate).
AMOUNT = {"negotiated_rate": Raw("5"), "negotiated_type": "negotiated"}
DRAFTS = [
    ({"provider_groups": [GROUP], "negotiated_price": AMOUNT}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_price": [AMOUNT]}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_prices": AMOUNT}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_price": Raw("5")}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_rate": Raw("5")}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_rate": [AMOUNT]}, 5.0),
    ({"provider_groups": [GROUP], "negotiated_prices": [{"negotiated_rate": [Raw("5")]}]}, 5.0),
    ({"provider_groups": GROUP, "negotiated_prices": [AMOUNT]}, 5.0),
    ({"provider_group": GROUP, "negotiated_prices": [AMOUNT]}, 5.0),
    ({"provider_group": [GROUP], "negotiated_prices": [AMOUNT]}, 5.0),
    ({"providers": [GROUP], "negotiated_prices": [AMOUNT]}, 5.0),
    ({"providers": ["1234567893"], "tin": "11-1111111", "negotiated_price": AMOUNT}, 5.0),
    ({**GROUP, "negotiated_prices": [AMOUNT]}, 5.0),
]  # fmt: skip


@pytest.mark.parametrize(("rates", "rate"), DRAFTS)
def test_rate_objects_of_older_drafts_are_read(rates, rate, write):
    found = told(write(document(in_network=[{**ITEM, "negotiated_rates": [rates]}])))
    assert [(row[3], row[-1]) for row in found["rates"]] == [(rate, [("ein", "111111111", "1234567893")])]
    assert found["counts"] == (1, 0, 0, 1)
    assert found["kinds"]["older_form"] >= 1


@pytest.mark.parametrize("key", ["negotiated_rates", "negotiated_rate"])
def test_an_object_in_place_of_the_list_of_rates_is_read(key, write):
    rates = {"provider_groups": [GROUP], "negotiated_prices": [PRICE, {**PRICE, "negotiated_rate": "x"}]}
    found = told(write(document(in_network=[{**ITEM, key: rates}])))
    assert found["counts"] == (2, 1, 0, 2)
    assert found["records"][0][0] == f"in_network[0].{key}.negotiated_prices[1]"
    assert found["kinds"] == {"older_form": 1}


def test_the_first_schema_of_cms_is_read(write):
    """As its example of 2020 has it: providers, TIN and place of service beside one negotiated_price, last_update_on."""
    rates = [
        {"providers": [A, B], "tin": "11-1111111", "service_code": "22", "negotiated_price": {**AMOUNT, "expiration_date": "2022-01-01"}},
        {"providers": [{"npi": Raw(C), "tin": Raw("222222222")}], "service_code": "11", "negotiated_rate": Raw("7")},
    ]  # fmt: skip
    content = document(in_network=[{**ITEM, "negotiated_rates": rates}], last_updated_on=None)
    found = told(write({"last_update_on": "2020-08-27", **content}))
    assert [(row[3], row[4], row[7], row[-1]) for row in found["rates"]] == [
        (5.0, "2022-01-01", ["22"], TWO),
        (7.0, None, ["11"], [("ein", "222222222", C)]),
    ]
    assert found["month"] == "2020-08"


def test_a_rate_object_that_has_no_price_is_counted(write):
    rates = [{"provider_groups": [GROUP], "price": AMOUNT}, {"provider_groups": [GROUP], "negotiated_prices": [PRICE]}]
    found = told(write(document(in_network=[{**ITEM, "negotiated_rates": rates}])))
    assert (len(found["rates"]), found["kinds"]) == (1, {"rate_object_without_prices": 1})


def test_references_without_groups_or_id_are_warned_of(write):
    references = [
        {"provider_group_id": Raw("1")},
        {"provider_groups": [GROUP]},
        {"provider_group_id": "", "provider_groups": [GROUP]},
    ]
    found = told(write(referring(Raw("1"), provider_references=references)))
    assert found["counts"][2] == 1
    assert found["kinds"] == {"reference_without_groups": 1, "reference_without_id": 2}


# Places of service and modifiers: published, read, kind of warning; "?" is a set of its own without codes.
PLACES = [
    (["21", "22"], ["21", "22"], None),
    (["21,22"], ["21", "22"], SEVERAL),
    ("21,22", ["21", "22"], SEVERAL),
    (["21 22"], ["21", "22"], SEVERAL),
    (["21;22"], ["21", "22"], SEVERAL),
    (["21|22"], ["21", "22"], SEVERAL),
    ([Raw("21"), Raw("22")], ["21", "22"], None),
    ([Raw("21.0")], ["21"], WHOLE),
    (["21.0"], ["21"], WHOLE),
    ("['21', '22']", ["21", "22"], SEVERAL),
    ("11", ["11"], None),
    (Raw("5"), ["05"], None),
    (["cstm-00"], ["CSTM-00"], None),
    ([], [], None),
    (None, [], None),
    ([None, ""], [], None),
    (["n", "u", "l"], [], "missing_spelt_out"),
    ("N/A", [], "missing_spelt_out"),
    (["11", "x"], ["11"], "place_of_service_no_code"),
    (["x"], "?", "place_of_service_unreadable"),
    (["211"], "?", "place_of_service_unreadable"),
    ("211", "?", "place_of_service_unreadable"),
    (["21-22"], "?", "place_of_service_unreadable"),
    (["Office"], "?", "place_of_service_unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("published", "codes", "kind"), PLACES)
def test_places_of_service(published, codes, kind, write):
    found = told(write(priced(service_code=published)))
    ((uid, listed),) = [row[6:8] for row in found["rates"]]
    assert found["kinds"] == ({kind: 1} if kind else {})
    if codes == "?":
        assert listed == []
        assert uid != naming.pos_set_id([]), "nothing that could be read is not any place"
    else:
        assert (uid, listed) == (naming.pos_set_id(codes), codes)


def test_lists_of_places_in_which_nothing_can_be_read_do_not_become_one(write):
    prices = [{**PRICE, "service_code": [text]} for text in ("Office", "Hospital", "Office")]
    found = told(
        write(
            document(
                in_network=[{**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": prices}]}]
            )
        )
    )
    assert len({row[6] for row in found["rates"]} | {naming.pos_set_id([])}) == 3


@pytest.mark.parametrize(
    ("published", "modifiers", "kind"),
    [
        (["26", "59"], "26|59", None),
        (["26,59"], "26|59", SEVERAL),
        ("26,59", "26|59", SEVERAL),
        (["59 26"], "26|59", SEVERAL),
        ("26-59", "26|59", SEVERAL),
        (["NU", ""], "NU", None),
        ([Raw("26.0")], "26", WHOLE),
        (["26.0"], "26", WHOLE),
        (["tc"], "TC", None),
        (["null"], None, "missing_spelt_out"),
        (["NA"], "NA", None),
        (["professional"], "PROFESSIONAL", "modifier_unusual"),
        (["2659"], "2659", "modifier_unusual"),
        ([], None, None),
    ],
)
def test_modifiers(published, modifiers, kind, write):
    found = told(write(priced(billing_code_modifier=published)))
    assert [row[5] for row in found["rates"]] == [modifiers]
    assert found["kinds"] == ({kind: 1} if kind else {})


@pytest.mark.parametrize(
    ("code_type", "code", "read_as", "kind"),
    [
        ("CPT", "99213\u00a0", ("CPT", "99213"), None),
        ("CPT", "99213\u200b", ("CPT", "99213"), "invisible_characters"),
        ("CPT", "99\t213", ("CPT", "99213"), "invisible_characters"),
        ("CPT", "99\u00a0213", ("CPT", "99213"), "invisible_characters"),
        ("cpt\u200b", "99213", ("CPT", "99213"), "invisible_characters"),
        ("RC", "0 450", ("RC", "0450"), "invisible_characters"),
        ("LOCAL", "AB 12", ("LOCAL", "AB 12"), None),
        ("CPT4", "99213", ("CPT4", "99213"), "code_type_unknown"),
        ("CPT-4", "99213", ("CPT-4", "99213"), "code_type_unknown"),
        ("HCPC", "99213", ("HCPC", "99213"), "code_type_unknown"),
        ("CPT", "99213-26", ("CPT", "99213-26"), "code_unusual"),
        ("CPT", "CSTM-00", ("CPT", "CSTM-00"), None),
        ("HCPCS", "CSTM-RM", ("HCPCS", "CSTM-RM"), None),
        ("CSTM-ALL", "CSTM-ALL", ("CSTM-ALL", "CSTM-ALL"), None),
    ],
)
def test_codes(code_type, code, read_as, kind, write):
    found = told(write(itemised(billing_code_type=code_type, billing_code=code)))
    assert [row[:2] for row in found["rates"]] == [read_as]
    assert found["kinds"] == ({kind: 1} if kind else {})


def test_codes_that_a_bundle_contains_are_read_as_codes_are(write):
    listed = [
        {"billing_code_type": "CPT", "billing_code": Raw("27447.0")},
        {"billing_code_type": "CPT4", "billing_code": "1"},
    ]
    result, sink = read(write(itemised(bundled_codes=listed)))
    assert [(r["code_type"], r["code"]) for r in sink.rows("contained_code")] == [("CPT", "27447"), ("CPT4", "1")]
    assert {w.kind for w in result.warnings} == {WHOLE, "code_type_unknown"}


# Dates.


def test_prices_that_end_on_different_days_stay_two(write):
    prices = [{**PRICE, "expiration_date": day} for day in ("12/31/2025", "6/30/2026")]
    found = told(
        write(
            document(
                in_network=[{**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": prices}]}]
            )
        )
    )
    assert [row[4] for row in found["rates"]] == ["2025-12-31", "2026-06-30"]
    assert found["kinds"] == {"date_in_another_form": 2}


@pytest.mark.parametrize(
    ("published", "day", "odd"),
    [
        ("2025-12-31", "2025-12-31", False),
        ("2025-12-31T00:00:00Z", "2025-12-31", False),
        ("2025-12-31 00:00:00", "2025-12-31", False),
        ("9999-12-31", None, False),
        ("9999-12-31T23:59:59", None, False),
        ("", None, False),
        ("12/31/2025", "2025-12-31", True),
        ("6/30/2026", "2026-06-30", True),
        ("2025/12/31", "2025-12-31", True),
        ("20251231", "2025-12-31", True),
        ("31-DEC-2025", "2025-12-31", True),
        ("12-31-2025", "2025-12-31", True),
        ("12312025", "2025-12-31", True),
        ("13/12/2025", "2025-12-13", True),
        ("03/04/2025", "2025-03-04", True),
        ("12/31/2025 12:00:00 AM", "2025-12-31", True),
        ("December 31st, 2025", "2025-12-31", True),
        ("Wed, 31 Dec 2025 00:00:00 GMT", "2025-12-31", True),
        ("2025-6-1", "2025-06-01", True),
        ("31.12.2025", "2025-12-31", True),
        ("12/31/9999", None, True),
        ("31-DEC-9999", None, True),
        ("99991231", None, True),
        ("N/A", None, True),
        ("12/31/25", "?", True),
        ("31-DEC-25", "?", True),
        ("04.03.2025", "?", True),
        ("2025-02-30", "?", True),
        ("13/13/2025", "?", True),
        ("2025", "?", True),
        ("2025-12", "?", True),
        ("46022", "?", True),
        ("1767139200000", "?", True),
        ("0000-00-00", "?", True),
        ("soon", "?", True),
        ("2025-W01-1", "?", True),
    ],
)
def test_expiration_dates(published, day, odd, write):
    prices = [{**PRICE, "expiration_date": published}, PRICE]
    content = document(
        in_network=[{**ITEM, "negotiated_rates": [{"provider_groups": [GROUP], "negotiated_prices": prices}]}]
    )
    found = told(write(content))
    if day == "?":
        assert found["counts"][:2] == (2, 1)
        ((where, rates, why),) = found["records"]
        assert (where, rates) == ("in_network[0].negotiated_rates[0].negotiated_prices[0]", 1)
        assert why.startswith("expiration_date ")
        return
    assert sorted(str(row[4]) for row in found["rates"]) == sorted([str(day), "None"])
    assert bool(found["kinds"]) == odd


def test_any_day_is_read_in_any_form():
    """Against the calendar of the standard library."""
    rng = random.Random(5)
    forms = (
        "%Y-%m-%d %m/%d/%Y %Y/%m/%d %Y%m%d %d-%b-%Y %m-%d-%Y %b_%d,_%Y %B_%d_%Y %d_%B_%Y %Y-%m-%dT%H:%M:%S "
        "%m/%d/%Y_%I:%M:%S_%p %a,_%d_%b_%Y_%H:%M:%S %Y-%b-%d %m/%d/%Y_%H:%M"
    ).split()
    for _ in range(3000):
        when = datetime.datetime(2000, 1, 1) + datetime.timedelta(minutes=rng.randrange(60 * 24 * 365 * 60))
        text = when.strftime(rng.choice(forms).replace("_", " "))
        text = rng.choice([text, text.upper(), text.replace("/0", "/").removeprefix("0") if "/" in text else text])
        assert mrf_dates.expiration(text, []) == when.date().isoformat(), text
        assert mrf_dates.month(text)[0] == when.strftime("%Y-%m"), text


def test_no_text_is_a_day_that_it_does_not_name():
    """Whatever is read has the day's own numbers in it."""
    rng = random.Random(6)
    for _ in range(20_000):
        text = "".join(rng.choices("0123456789/-. TDEC", k=rng.randrange(1, 12)))
        try:
            day = mrf_dates.expiration(text, [])
        except Unreadable:
            continue
        if day:
            year, month, number = day.split("-")
            assert year in text, text
            assert number.lstrip("0") in text, text
            assert month.lstrip("0") in text or (month == "12" and "DEC" in text), text


@pytest.mark.parametrize(
    ("published", "month", "odd"),
    [
        ("2026-02-04", "2026-02", False),
        ("2026-02-04T00:00:00-05:00", "2026-02", False),
        ("2026-02", "2026-02", False),
        ("2/4/2026", "2026-02", True),
        ("20260204", "2026-02", True),
        (Raw("20260204"), "2026-02", True),
        ("2026/02/04", "2026-02", True),
        ("February 4, 2026", "2026-02", True),
        ("2026-2-4", "2026-02", True),
        ("02/2026", "2026-02", True),
        ("2026/02", "2026-02", True),
        ("Feb 2026", "2026-02", True),
        ("202602", "2026-02", True),
        ("04.02.2026", None, "might be of several months"),
        ("2/4/26", None, "is no date"),
        ("last week", None, "is no date"),
        ("2026-13-01", None, "is no date"),
    ],
)
def test_the_month_of_a_file(published, month, odd, write):
    path = write(document(last_updated_on=published))
    found = told(path)
    if month is None:
        assert found["refused"] == f"has a last_updated_on that {odd}: {published!r}; its month is unknown"
        return
    assert found["month"] == month
    assert found["kinds"] == ({"date_in_another_form": 1} if odd else {})
    if not isinstance(published, Raw):
        assert file_kinds.month(path) == month


# Keys that stand twice.


def test_keys_that_stand_twice_are_warned_of(write):
    """Of each the last is read, as JSON readers do, at every level; in the list of a root they are refused (see above)."""
    text = odd_values.text(
        document(
            in_network=[{**ITEM, "negotiated_rates": [{"provider_references": [1, 2], "negotiated_prices": [PRICE]}]}],
            provider_references=[{"provider_group_id": n, "provider_groups": [{**GROUP, "npi": [n]}]} for n in (1, 2)],
        )
    )
    for place in (
        '"billing_code":',
        '"negotiated_prices":',
        '"setting":',
        '"npi": [2]',
        '"type": "ein"',
        '"version":',
        '"provider_group_id": 2',
    ):
        key = place.split('"')[1]
        if place == '"setting":':
            twice = text.replace(
                '"negotiated_type"', '"setting": "inpatient", "setting": "outpatient", "negotiated_type"'
            )
        else:
            twice = text.replace(place, f'"{key}": null, {place}')
        assert twice != text
        found = told(write(twice.encode()))
        assert found["kinds"].get("key_repeated", 0) >= 1, place
        assert found["counts"] == told(write(text.encode()))["counts"], place


# Everything at once.


@pytest.mark.parametrize("seed", range(40))
def test_a_contract_is_read_the_same_however_it_is_written(seed, write):
    plain, odd = odd_values.contract(random.Random(seed))
    expected, found = told(write(plain)), told(write(odd))
    assert expected["kinds"] == {}
    assert expected["records"] == found["records"] == []
    assert found["rates"] == expected["rates"]
    assert (found["month"], found["counts"]) == (expected["month"], expected["counts"])


@pytest.mark.parametrize("seed", range(40))
def test_nothing_of_a_spoilt_file_vanishes(seed, write):
    """Each price is read, rejected or without a provider; both ways of reading say the same (`told`)."""
    content = odd_values.spoilt(random.Random(seed))
    found = told(write(content), chunk_bytes=(64, 1 << 20)[seed % 2])
    if "refused" in found:
        return
    assert len(found["rates"]) + found["counts"][1] == found["counts"][0]
    for row in found["rates"]:
        for _, tin, npi in row[-1] or ():
            assert npi is None or (npi.isdigit() and len(npi) <= 10)
            assert tin or npi


@pytest.mark.slow
def test_many_contracts_and_spoilt_files(write):
    """As the two before, of many more seeds; a thousand with RATEHOUSE_CAMPAIGN."""
    for seed in range(40, 1040 if campaign.ALL else 240):
        test_a_contract_is_read_the_same_however_it_is_written(seed, write)
        test_nothing_of_a_spoilt_file_vanishes(seed, write)


# Files that are cut off.

LONG = odd_values.text(document(in_network=document()["in_network"] * 300)).encode()


@pytest.mark.parametrize("cut", [1, 40, 100, 5_000, 20_000, len(LONG) - 1])
def test_a_file_that_is_cut_off_is_said_to_be(cut, write):
    with pytest.raises(SourceError) as plain:
        read(write(LONG[:cut]))
    assert plain.value.fact.startswith(f"ends after {cut:,} bytes, ")
    with pytest.raises(SourceError) as packed:
        read(write(gzip.compress(LONG[:cut]), "a.json.gz"))
    assert packed.value.fact == plain.value.fact
    whole = gzip.compress(LONG)
    with pytest.raises(SourceError) as broken:
        read(write(whole[: len(whole) // 2], "a.json.gz"))
    assert broken.value.fact.startswith("is cut off: the gzip stream breaks off after byte ")
    assert broken.value.fact.count("inside in_network[") == 1


def test_a_stray_bracket_at_the_end_of_a_cut_file_is_no_other_fault(write):
    """As the file of Sierra Health & Life has it: the text ends where another list would go on."""
    text = LONG[: LONG.index(b"}]}]}") + 3] + b"}"
    with pytest.raises(SourceError) as e:
        read(write(text))
    assert e.value.fact == f"ends after {len(text):,} bytes, inside in_network[0]"
    with pytest.raises(SourceError) as e:
        read(write(LONG.replace(b"]}]}", b"]}x]}", 1)))
    assert "is no JSON at byte " in e.value.fact


def test_every_kind_has_a_name_and_a_sentence():
    assert len({one.kind for one in mrf_issues.ALL}) == len(mrf_issues.ALL)
    assert all(one.meaning.endswith(".") for one in mrf_issues.ALL)

"""What an in-network file may hold of one thing: blanks and values that nobody reads of any size, records up to a limit, and
a larger one is refused by its place, wherever the file is cut into chunks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from in_network_documents import GROUP, ITEM, PRICE, _plainly, document, whole
from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.in_network import references
from pipeline.readers.json_stream.byte_buffer import ByteBuffer
from pipeline.readers.json_stream.cursor import TooLarge

VALUE, RECORD = 3_000, 9_000  # the limits, lowered
CHUNKS = (100, 700, 2_500)
LONG = "x" * 20_000
RATE = {"provider_groups": [GROUP], "negotiated_prices": [PRICE]}
REFERENCES = [{"provider_group_id": number, "provider_groups": [GROUP]} for number in range(3)]
DOCUMENT = document(
    provider_references=REFERENCES,
    in_network=[{**ITEM, "negotiated_rates": [RATE, {"provider_references": [1], "negotiated_prices": [PRICE]}]}] * 2,
)


@pytest.fixture(autouse=True)
def lowered(monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", VALUE)
    monkeypatch.setattr(limits, "MOST_RECORD", RECORD)
    monkeypatch.setattr(references, "FEW", 1)


@pytest.fixture
def held(monkeypatch) -> list[int]:
    """How many bytes were at hand, at every time."""
    found, add = [], ByteBuffer.add

    def adding(self, blocks, start):
        add(self, blocks, start)
        found.append(self.end - self.start)

    monkeypatch.setattr(ByteBuffer, "add", adding)
    return found


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    return path


def refusals(path: Path) -> set[tuple[str, int | None]]:
    """What the file is refused with, of every chunk size; each is TooLarge."""
    found = set()
    for chunk in CHUNKS:
        with pytest.raises(TooLarge) as refused:
            whole(path, chunk_bytes=chunk)
        found.add((refused.value.fact, refused.value.offset))
    return found


@pytest.mark.parametrize("between", ["between records", "between rate objects", "around lists", "before and after"])
def test_blanks_of_any_size_are_passed_over(between, tmp_path, held):
    text, blanks = json.dumps(DOCUMENT), " \n\t\r" * 10_000
    plain = whole(written(tmp_path, text))
    for before, after in {
        "between records": (('}, {"provider_group_id"', f'}}{blanks},{blanks}{{"provider_group_id"'),
                            ('}, {"negotiation_arrangement"', f'}}{blanks},{blanks}{{"negotiation_arrangement"')),
        "between rate objects": (('}, {"provider_references"', f'}}{blanks},{blanks}{{"provider_references"'),),
        "around lists": (('"negotiated_rates": [', f'"negotiated_rates": [{blanks}'), ('}]}]}', f'}}]}}{blanks}]{blanks}}}'),
                         ('"in_network": [', f'{blanks}"in_network"{blanks}:{blanks}[{blanks}')),
        "before and after": (('{"reporting', f'{blanks}{{{blanks}"reporting'), ('"version": ', f'"version":{blanks}')),
    }[between]:  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    path = written(tmp_path, text + blanks)
    assert path.stat().st_size > 80_000
    for chunk in CHUNKS:
        assert whole(path, chunk_bytes=chunk) == plain
    assert max(held) <= 2 * max(CHUNKS) + 1_000


@pytest.mark.parametrize("value", [json.dumps(LONG), json.dumps([[{"a": [1, LONG]}] * 20]), "[" + "1," * 30_000 + "1]"])
def test_a_value_of_a_key_that_nobody_reads_may_have_any_size(value, tmp_path):
    text = json.dumps(DOCUMENT)
    plain = whole(written(tmp_path, text))
    for place in ('"version"', '"in_network"'):
        path = written(tmp_path, text.replace(place, f'"a note": {value}, {place}'))
        for chunk in CHUNKS:
            found = whole(path, chunk_bytes=chunk)
            assert found == plain


def test_an_item_may_have_any_size(tmp_path):
    text = json.dumps(document(in_network=[{**ITEM, "negotiated_rates": [RATE] * 200}]))
    assert len(text) > 3 * RECORD
    for chunk in CHUNKS:
        assert whole(written(tmp_path, text), chunk_bytes=chunk)["kept"] == 200


def of_items(*items: dict) -> dict:
    return document(in_network=list(items))


def of_rates(*rates: dict) -> dict:
    return of_items({**ITEM, "negotiated_rates": list(rates)})


TOO_LARGE = {
    # the document, what the refusal says behind the size, and before what in the text the value begins
    "text of the header": (document(plan_name=LONG), "plan_name", f'"{LONG}'),
    "text of an item": (of_items(DOCUMENT["in_network"][0], {"note": LONG, **ITEM, "negotiated_rates": [RATE]}),
                        "in_network[1].note", '{"note"'),
    "text behind rates": (of_items({**ITEM, "negotiated_rates": [RATE], "note": LONG}), "in_network[0].note", ', "note"'),
    "text of a price": (of_rates(RATE, {**RATE, "negotiated_prices": [PRICE, {**PRICE, "additional_information": LONG}]}),
                        "in_network[0].negotiated_rates[1].negotiated_prices[1].additional_information", None),
    "prices": (of_rates(RATE, RATE, {**RATE, "negotiated_prices": [PRICE] * 200}),
               "in_network[0].negotiated_rates[2].negotiated_prices[", None),
    "providers": (of_rates({**RATE, "provider_groups": [{**GROUP, "npi": [1234567893] * 2_000}]}),
                  "in_network[0].negotiated_rates[0].provider_groups[0].npi[", None),
    "references": (of_rates({"provider_references": list(range(5_000)), "negotiated_prices": [PRICE]}),
                   "in_network[0].negotiated_rates[0].provider_references[", None),
    "a definition": (document(provider_references=[*REFERENCES, {"provider_group_id": 9, "provider_groups": [
                        {**GROUP, "npi": [1234567893] * 2_000}]}]), "provider_references[3].provider_groups[0].npi[", None),
    "the first definition": (document(provider_references=[{"provider_group_id": 9, "provider_groups": [
                        {**GROUP, "npi": [1234567893] * 2_000}]}]), "provider_references[0].provider_groups[0].npi[", None),
    "another object": (of_rates({"odd": [[]] * 9_000, **RATE}), "in_network[0].negotiated_rates[0].odd[", None),
    "keys": (of_items({**{f"key {n}": n for n in range(2_000)}, **ITEM, "negotiated_rates": [RATE]}), "in_network[0]", None),
    "another shape": (of_items({**ITEM, "negotiated_rate": [RATE] * 100}), "in_network[0].negotiated_rate[", None),
    "another value": (document(in_network=[LONG]), "in_network[0]", f'"{LONG}'),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says", "begins"), TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("plainly", [False, True], ids=["compiled", "plain"])
def test_a_larger_value_is_refused_by_its_place(content, says, begins, plainly, tmp_path, monkeypatch):
    if plainly:
        _plainly(monkeypatch)
    text = json.dumps(content)
    found = refusals(written(tmp_path, text))
    assert len({offset for _, offset in found}) == 1, "wherever the file is cut"
    for fact, offset in found:
        assert fact.startswith("has a value of more than ")
        assert f" at byte {offset:,}: {says}" in fact
        assert begins is None or plainly or text.index(begins) == offset, "of an item that is parsed whole, its own"


@pytest.mark.parametrize("size", [VALUE - 50, VALUE + 50, RECORD - 50])
def test_a_record_of_regular_form_may_be_larger_than_one_that_is_parsed(size, tmp_path):
    """A rate object, and a definition."""
    npis = [1234567893] * ((size - 150) // 12)
    group = {**GROUP, "npi": npis}
    rates = of_rates({"provider_groups": [group], "negotiated_prices": [PRICE]}, RATE)
    reference = document(
        provider_references=[REFERENCES[0], {"provider_group_id": 7, "provider_groups": [group]}],
        in_network=[{**ITEM, "negotiated_rates": [{"provider_references": [7], "negotiated_prices": [PRICE]}]}],
    )
    first = {**reference, "provider_references": reference["provider_references"][1:]}
    for content, kept in ((reference, 1), (first, 1)):
        for chunk in CHUNKS:
            assert whole(written(tmp_path, json.dumps(content)), chunk_bytes=chunk)["kept"] == kept
    assert len(json.dumps(group)) > size - 300
    if size < VALUE:
        assert whole(written(tmp_path, json.dumps(rates)))["kept"] == 2


def test_an_item_too_large_to_be_parsed_that_cannot_be_read_is_rejected_alone(tmp_path):
    """As a smaller one is, wherever the file is cut."""
    bad = {**ITEM, "negotiated_rates": [RATE] * 40, "billing_code": {}}
    assert len(json.dumps(bad)) > 2 * VALUE
    path = written(tmp_path, json.dumps(of_items(DOCUMENT["in_network"][0], bad, DOCUMENT["in_network"][0])))
    found = [whole(path, chunk_bytes=chunk, max_rejected_share=1) for chunk in (*CHUNKS, 1 << 20)]
    assert all(one == found[0] for one in found)
    assert (found[0]["rejected"], found[0]["quarantine"][0]["path"]) == (40, "in_network[1]")


@pytest.mark.parametrize("size", [VALUE + 500, RECORD - 500])
def test_a_file_that_ends_in_a_large_record_is_cut_off_not_too_large(size, tmp_path):
    text = json.dumps(of_rates({"provider_references": list(range(5_000)), "negotiated_prices": [PRICE]}))
    end = text.index('{"provider_references"') + size
    path = written(tmp_path, text[:end])
    for chunk in CHUNKS:
        with pytest.raises(SourceError, match=f"ends after {end:,} bytes, inside in_network"):
            whole(path, chunk_bytes=chunk)

"""A cursor over JSON: passing over a value holds no more than a piece of it, and no value is held that is too large."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.json_stream import cursor
from pipeline.readers.json_stream.cursor import JsonText, TooLarge

PLACE = Path("file.json")
AT_HAND = 64  # characters of a value that is passed over whole, lowered


def cut(text: str, size: int) -> Iterator[bytes]:
    data = text.encode()
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(cursor, "_AT_HAND", AT_HAND)
    monkeypatch.setattr(cursor, "_PIECE", 16)


def some_value(rng: random.Random, depth: int = 0) -> object:
    if depth < 4 and rng.random() < 0.6:
        values = [some_value(rng, depth + 1) for _ in range(rng.randint(0, 5))]
        return values if rng.random() < 0.5 else {some_text(rng) + str(i): v for i, v in enumerate(values)}
    return rng.choice([None, True, 12, -1.5e9, "", some_text(rng), some_text(rng) * 40])


def some_text(rng: random.Random) -> str:
    return "".join(rng.choices('ab"\\/\n\té€😀{}[],:', k=rng.randint(0, 6)))


def outcome(step, text: JsonText) -> tuple:
    """Where a step leaves the cursor, or the refusal that it ends with."""
    try:
        step()
        return text.offset(), text.peek()
    except SourceError as refusal:
        return refusal.offset, refusal.fact


@pytest.mark.parametrize("seed", range(60))
def test_passing_over_a_value_ends_where_reading_it_does(seed, little):
    rng = random.Random(seed)
    value = json.dumps(some_value(rng), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    for size in (1, 7, 1000):
        reader, skipper = (JsonText(cut(value + ' , "next"', size), PLACE) for _ in range(2))
        assert outcome(skipper.skip, skipper) == outcome(reader.value, reader)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_broken_in_a_value_that_is_passed_over_is_refused_as_where_it_is_read(seed, little):
    rng = random.Random(seed)
    value = json.dumps([some_value(rng), some_value(rng)], ensure_ascii=rng.random() < 0.5)
    at = rng.randrange(1, len(value))
    for spoilt in (value[:at], value[:at] + rng.choice('"}]{,:x\\') + value[at:], value[:at] + value[at + 1 :]):
        reader, skipper = (JsonText(cut(spoilt, 1000), PLACE) for _ in range(2))
        read, passed = outcome(reader.value, reader), outcome(skipper.skip, skipper)
        assert passed[0] == read[0], spoilt
        assert (" is no JSON" in f" {passed[1]}") == (" is no JSON" in f" {read[1]}"), spoilt


@pytest.mark.parametrize(
    "value",
    ['"' + "x" * 50_000 + '"', '["' + "\\n" * 20_000 + '"]', "[" + '{"a": [1, 2]},' * 5_000 + "0]", "[1,  " + " " * 50_000 + "2]",
     '{"' + "k" * 50_000 + '": 1}', "{" + ",".join(f'"{i}": [[{i}]]' for i in range(5_000)) + "}", '[[[["' + "x" * 9_000 + '"]]]]'],
)  # fmt: skip
def test_no_more_than_a_piece_of_it_is_held(value, little):
    text, held = JsonText(cut(value + ",", 100), PLACE), []
    grow = text._grow

    def growing(*most):
        grown = grow(*most)
        held.append(len(text.text))
        return grown

    text._grow = growing
    text.skip()
    assert text.peek() == ","
    assert max(held) <= 2 * AT_HAND + 100, "the text at hand, a chunk of 16 and what stood before the cursor"


def test_a_value_that_is_passed_over_may_nest_no_deeper_than_one_that_is_read(little):
    text = JsonText(cut("[" * 100_000, 1000), PLACE)
    with pytest.raises(SourceError, match="nests too deeply at byte"):
        text.skip()


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_a_value_is_read_up_to_the_limit_and_refused_beyond_it(size, monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 200)
    for length in (150, 200, 201, 500):
        value = '{"name": "' + "x" * (length - 12) + '"}'
        assert len(value) == length
        text = JsonText(cut(f"  {value} ", size), PLACE, 64)
        text.doing = "in_network[7]"
        if length <= 200:
            assert text.value() == json.loads(value)
            continue
        with pytest.raises(TooLarge) as refused:
            text.value()
        assert str(refused.value).splitlines()[0] == (
            "file.json: has a value of more than 200 bytes at byte 2: in_network[7].name"
        )
        assert refused.value.offset == 2


def test_a_text_that_ends_inside_a_value_is_cut_off_not_too_large(monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 200)
    text = JsonText(cut('"' + "x" * 150, 50), PLACE, 64)
    with pytest.raises(SourceError, match="ends after 151 bytes") as refused:
        text.value()
    assert not isinstance(refused.value, TooLarge)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a": [1, {"b": "x", "c": {"d', ".a[1].c"),
        ('{"a": [1, {"b": "x", "c": {"d": "', ".a[1].c.d"),
        ('[[], [{}, "]", ', "[1][2]"),
        ('{"a": "b", "c', ""),
        (',"x": "', ".x"),
        ('"text', ""),
        ("", ""),
        ('{"a": ' * 40, ".a" * 32),
        ('{"' + "k" * 100 + '": [', "[0]"),
    ],
)
def test_the_path_of_what_is_open_where_a_text_ends(text, path):
    assert cursor._open_path(text.encode()) == path


def test_a_whole_number_of_any_length_has_its_digits():
    for written, digits in (
        ("12.0", "12"),
        ("-0.0", "0"),
        ("-7.00", "-7"),
        ("1.2e1", "12"),
        ("9" * 9_999 + ".0", "9" * 9_999),
    ):
        (found,) = cursor.parsed(f"[{written}]".encode())
        assert found.digits == digits


def test_keys_of_any_number_are_handed_out_one_by_one():
    text = JsonText(iter([b"{"] + [b'"%d": %d,' % (i, i) for i in range(20_000)] + [b'"last": 0}']), PLACE, 64)
    count = 0
    for _ in text.keys():  # noqa: SIM118 not a dict: a cursor
        text.skip()
        count += 1
        assert len(text.text) < 500
    assert count == 20_001


def test_a_key_that_is_too_large_is_refused_by_where_it_stands(monkeypatch):
    monkeypatch.setattr(limits, "MOST_VALUE", 200)
    text = JsonText(cut('{"version": 1, "' + "k" * 500 + '": 2}', 64), PLACE, 64)
    keys = text.keys()
    text.doing = next(keys)
    text.skip()
    with pytest.raises(TooLarge, match=r"at byte 15: a key behind version"):
        next(keys)

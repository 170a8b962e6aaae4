"""One large JSON text in a file, walked from its beginning to its end without holding it.

What belongs here: decoding, taking one value after another with exact number text, and saying at which byte a text is
broken. What must not come in: where the bytes come from (`json_stream.decompression`), what any key means.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.errors import SourceError
from pipeline.readers import limits
from pipeline.readers.json_stream.decompression import AGAIN, CutOff

_FOLLOWS = "what follows "  # what `doing` begins with behind a value
# Longer than any token that can look wrong only because the buffer ends in it (`-Infinity`, `\\ud83d\\ude00`).
_TAIL = 16
_PIECE = 1 << 16
_AT_HAND = 4 * _PIECE  # characters of a value that is passed over whole; a longer one is entered
_DEEPEST = 1000  # levels of a value that is passed over: as many as Python's own parser takes, about
_LONGEST = 40  # characters of a number that is looked at for being whole: no id has more digits
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")

blank = re.compile(r"[ \t\n\r]*").match  # at a place of a text
_unescaped = re.compile(r'[^"\\]*').match
_key = re.compile(rb'"((?:[^"\\]|\\.){1,60})"', re.DOTALL).match  # one that an error names
_escape = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})').match
_scalar = re.compile(r"[^,\]}\s]*").match
_cut_number = re.compile(r"[\s,:]*(\.|[eE][+-]?|[+-])?").fullmatch


class Constant:
    """NaN, Infinity or -Infinity, which some writers put where JSON has no number; equal to nothing, unhashable."""

    __slots__ = ("name",)
    __hash__ = None

    def __init__(self, name: str):
        self.name = name


class Whole(str):
    """A whole number that is written with a point or an exponent, as it is written; `digits` are those of the number:
    to JSON, 12, 12.0 and 1.2e1 are one. Equal to no text."""

    __slots__ = ()

    @property
    def digits(self) -> str:
        """The number as an integer is written."""
        whole, point, decimals = str(self).partition(".")
        if point and not decimals.strip("0"):  # of any length: Python makes no integer of thousands of digits
            return "0" if whole == "-0" else whole
        return str(int(Decimal(str(self))))

    def __eq__(self, other: object) -> bool:
        return type(other) is Whole and str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self) ^ 1


_point = re.compile(r"(-?\d+)\.0+", re.ASCII).fullmatch
_exponent = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d\d?", re.ASCII).fullmatch


def _number(text: str) -> str:
    """A number that is written with a point or an exponent: its text, Whole where it is one."""
    if text[-1] == "0" and _point(text):
        return Whole(text)
    if "." in text and text[-4:].isdigit():  # most numbers that are not whole
        return text
    whole = _exponent(text) and len(text) < _LONGEST and Decimal(text) == Decimal(text).to_integral_value()
    return Whole(text) if whole else text


REPEATED = "\0repeated"  # the key of an object under which it says what keys stand in it more than once


def _object(pairs: list[tuple[str, Any]]) -> dict:
    """The object of these keys and values; of a key that stands twice the last value, as JSON readers take it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen, again = set(), {}
        for key, _ in pairs:
            if key in seen:
                again[key] = None
            seen.add(key)
        found[REPEATED] = ", ".join(map(str, again))
    return found


# Numbers stay the text they were published as: 690.64470 is an id, and integers may pass 2^53.
scan = json.JSONDecoder(
    parse_float=_number, parse_int=str, parse_constant=Constant, object_pairs_hook=_object, strict=False
).scan_once


_half_a_pair = re.compile(r"\\u[dD][89a-fA-F]").search


def parsed(text: bytes, *, halves: bool = False) -> Any:
    """The value that a UTF-8 text is from its first byte to its last. Raises ValueError where it is no such text, is too
    large, nests too deeply, or (unless `halves`) may hold half of a surrogate pair: `JsonText` then says what is wrong, and
    where."""
    if len(text) > limits.MOST_VALUE:
        raise ValueError("too large")
    try:
        decoded = text.decode()
        found, end = scan(decoded, 0)
    except StopIteration as e:
        raise ValueError(f"no value at {e.value}") from None
    except RecursionError:
        raise ValueError("nests too deeply") from None
    if end != len(decoded) or (not halves and b"\\u" in text and _half_a_pair(decoded)):
        raise ValueError("more than a value, or half of a surrogate pair")
    return found


def parsed_all(texts: list[bytes]) -> list[Any]:
    """`parsed` of texts that each end where their brackets are closed, None for one that is no JSON."""
    try:  # together they are JSON where each of them is
        return parsed(b"[" + b",".join(texts) + b"]")
    except ValueError:
        return [_parsed_or_none(text) for text in texts]


def _parsed_or_none(text: bytes) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return None


class TooLarge(SourceError):
    """A value takes more than `limits` lets be held of a file."""


class _GoesOn(Exception):
    """A value has more characters than were asked for."""


def _open_path(text: bytes) -> str:
    """The JSON path, in the value that a text begins or goes on with, of what is not closed at the text's end."""
    import numpy as np

    from pipeline.readers.json_stream import values  # compiled: only a refusal waits for it

    path = ""
    if text[:1] not in (b"{", b"[", b'"'):  # what stands in an object behind one of its values
        text = b"{" + text
    for start, key, commas in values.unclosed(np.frombuffer(text, np.uint8)).tolist():
        if text[start] == values.OPEN_LIST:
            path += f"[{commas}]"
        elif key >= 0 and (name := _key(text, key)):
            path += "." + name[1].decode(errors="replace")
    return path


class _Later(Exception):
    """A failure that is to be raised when the text before it is used up."""

    def __init__(self, failure: Callable[[], SourceError]):
        self.failure = failure


class _Source:
    """Blocks of bytes, to which some can be given back."""

    def __init__(self, blocks: Iterator[bytes]):
        self._blocks = blocks
        self._back: memoryview = memoryview(b"")
        self.failure: _Later | None = None

    def next(self, most: int) -> bytes | memoryview:
        """The next block, of at most so many bytes; empty at the end. Raises _Later where the blocks fail."""
        if not self._back and self.failure:
            raise self.failure
        if not self._back:
            try:
                self._back = memoryview(next(self._blocks, b""))
            except SourceError as e:
                failure = e
                self.failure = _Later(lambda: failure)
                raise self.failure from e
        block, self._back = self._back[:most], self._back[most:]
        return block

    def fail(self, failure: Callable[[], SourceError]) -> None:
        """Fail where the next block would come."""
        self._back, self.failure = memoryview(b""), _Later(failure)

    def give_back(self, block: bytes) -> None:
        """Put bytes before those that are left."""
        self._back = memoryview(b"".join((block, self._back)))


def _expected(message: str) -> str:
    """What the standard library's message says should stand there."""
    if message.startswith("Expecting "):
        return message.removeprefix("Expecting ")
    return "an escape of JSON" if message.startswith("Invalid \\") else "a value"


class JsonText:
    """A cursor over JSON text that arrives in pieces.

    `keys()` and `items()` walk an object and an array, `value()` takes a value whole; after it `span` is where the
    value stands in `text`. Memory is a chunk and the value at hand. Whatever is broken raises SourceError with the
    byte offset of the decompressed text; what stands before it has been handed out by then. So does a value that is too
    large (TooLarge), with the cursor where it begins.
    """

    def __init__(self, blocks: Iterator[bytes], place: Path, chunk_bytes: int = 1 << 20):
        self.text, self.at, self.span = "", 0, (0, 0)
        self.doing = "the beginning"  # what an error says it was in, or (`what follows …`) behind
        self.key_offset = 0  # byte offset of the key that `keys` gave last
        self.replaced = 0  # texts that held half of a surrogate pair
        # What is parsed here is small: the bytes that `unread` and `more` hand over are most of a file.
        self._place, self._chunk = place, max(1, min(chunk_bytes, _PIECE))
        self._source = _Source(self._checked(blocks))
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._base = 0  # byte offset of text[0]
        self._fed = 0  # bytes given to the decoder
        self._failure: Callable[[], SourceError] | None = None  # raised when the text before it is used up
        self._ended = False

    def offset(self, at: int | None = None) -> int:
        """Byte offset, in the decompressed text, of a position in `text` (of the cursor, unless told)."""
        at = self.at if at is None else at
        return self._base + (at if self.text.isascii() else len(self.text[:at].encode()))

    def _checked(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for number, block in enumerate(blocks):
            if number == 0 and (block[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in block[:4]):
                raise self._not_utf8(0)
            yield block

    def unread(self) -> tuple[bytes, int]:
        """Hand over the bytes that were taken in and not yet read, and the offset of the first; `more` gives those
        that follow. Nothing else may be asked until `give_back`."""
        rest = self.text[self.at :].encode() + self._decoder.getstate()[0]
        offset = self.offset()
        if self._failure:
            self._source.fail(self._failure)
            self._failure = None
        self._decoder.reset()
        self.text, self.at, self._base, self._fed = "", 0, offset, offset
        return rest, offset

    def more(self, most: int) -> list[bytes | memoryview]:
        """The next bytes, in pieces; none where they end or fail, which is said when they are to be parsed."""
        found = []
        try:
            while most > 0 and (block := self._source.next(most)):
                found.append(block)
                most -= len(block)
        except _Later:
            pass
        return found

    def give_back(self, rest: bytes, offset: int) -> None:
        """Go on with these bytes, which stand at that offset, and those that `more` did not give."""
        self._source.give_back(rest)
        self._base = self._fed = offset
        self._ended = False

    def _grow(self, most: int | None = None) -> bool:
        """Take in a chunk, or as much again as is unread (so a long value costs linear time), but no more than that `most`
        characters and one are; False at the end."""
        if self._failure:
            raise self._failed()
        if self._ended:
            return False
        unread = len(self.text) - self.at
        want = max(self._chunk, unread if most is None else min(unread, most + 1 - unread))
        parts, got = [], 0
        first = self._fed == 0
        while got < want and not self._ended and not self._failure:
            parts.append(self._decoded())
            got += len(parts[-1])
        self._base = self.offset()
        self.text = self.text[self.at :] + "".join(parts)
        self.at = 0
        if first and self.text.startswith("\ufeff"):
            self.text, self._base = self.text[1:], 3
        return got > 0 or self._grow()

    def _decoded(self) -> str:
        try:
            block = self._source.next(self._chunk)
        except _Later as e:
            self._failure = e.failure
            return ""
        held = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as e:
            at = self._fed - held + e.start
            end = self._fed
            self._failure = (lambda: self._not_utf8(at)) if block else (lambda: self._broken_off(end))
            return e.object[: e.start].decode()
        self._fed += len(block)
        self._ended = not block
        return text

    def _not_utf8(self, offset: int) -> SourceError:
        return SourceError(
            f"is not UTF-8 at byte {offset}, in {self.doing}",
            place=self._place,
            remedy="Convert it, for instance: iconv -f WINDOWS-1252 -t UTF-8 (or -f UTF-16), then build again.",
            offset=offset,
        )

    def _broken_off(self, offset: int) -> SourceError:
        return SourceError(
            f"ends after {offset:,} bytes, {self._where()}", place=self._place, remedy=AGAIN, offset=offset
        )

    def _where(self) -> str:
        """In what the cursor is."""
        before = self.doing.removeprefix(_FOLLOWS)
        return f"behind {before}" if before != self.doing else f"inside {self.doing}"

    def _failed(self) -> SourceError:
        """What failed where the next bytes would come; of bytes that end too early, in what they end."""
        found = self._failure()
        if not isinstance(found, CutOff):
            return found
        return SourceError(
            f"{found.fact}, {self._where()}", place=found.place, remedy=found.remedy, offset=found.offset
        )

    def broken(self, at: int, expected: str) -> SourceError:
        """The refusal of what stands at a position of `text`: the text ends there, or it is no JSON."""
        while len(self.text) - at < _TAIL and not self._ended:
            shift = at - self.at
            grown = self._grow()
            at = self.at + shift  # what was read is let go of at the end of the text too
            if not grown:
                break
        rest, end = self.text[at:], self.offset(len(self.text))
        if _cut_number(rest) or any(word.startswith(rest.lstrip(" \t\r\n,:")) for word in _LITERALS):
            return self._broken_off(end)
        if self._ended and len(rest) < _TAIL and not self._closes(rest):
            return self._broken_off(end)
        offset = self.offset(at)
        found = repr(rest[: _TAIL - 4])
        return SourceError(
            f"is no JSON at byte {offset:,}, {self._where()}: {expected} belongs where {found} is",
            place=self._place,
            remedy=AGAIN,
            offset=offset,
        )

    def _closes(self, rest: str) -> bool:
        """Whether the last characters of the text can close the list, if the cursor is in one, and the file's object."""
        return rest.rstrip().endswith("}") and ("[" not in self.doing or "]" in rest)

    def peek(self) -> str:
        """The next character that is no blank, '' at the end; the cursor stands on it."""
        while True:
            self.at = blank(self.text, self.at).end()
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._grow():
                return ""

    def take(self, expected: str) -> str:
        """Step over the next character, which must be one of `expected`."""
        found = self.peek()
        if not found or found not in expected:
            raise self.broken(self.at, " or ".join(expected))
        self.at += 1
        return found

    def value(self, where: str | None = None) -> Any:
        """The next value: dict, list, text, True, False, None; a number as its text; NaN and the like as Constant.

        Raises TooLarge, which names `where` it stands, for one of more than `limits.MOST_VALUE` characters.
        """
        try:
            return self._value(limits.MOST_VALUE)
        except _GoesOn:
            raise self.too_large(self.at, limits.MOST_VALUE, where) from None

    def _value(self, most: int) -> Any:
        """As `value`; _GoesOn where the value has more than so many characters."""
        if self.peek() not in '{["':
            # A number may go on in the next chunk. None that we can use has as many digits as the bound.
            while _scalar(self.text, self.at).end() == len(self.text) < self.at + 4096 and self._grow():
                pass
        while True:
            try:
                found, end = scan(self.text, self.at)
                break
            except StopIteration as e:
                at, message = e.value, "a value"
            except json.JSONDecodeError as e:
                at, message = e.pos, e.msg
            except RecursionError:
                raise self._too_deep() from None
            near_end = len(self.text) - at < _TAIL
            open_text = message.startswith("Unterminated string") or (
                near_end and message.startswith("Invalid \\u") and '"' not in self.text[at:]
            )
            shift = at - self.at
            if (open_text or near_end) and len(self.text) - self.at > most:
                raise _GoesOn
            if (open_text or near_end) and self._grow(most):
                continue
            at = self.at + shift
            if open_text:
                raise self._broken_off(self.offset(len(self.text)))
            raise self.broken(at, _expected(message))
        if end - self.at > most:
            raise _GoesOn
        self.span, self.at = (self.at, end), end
        # Half a surrogate pair can only come in as an escape; neither UTF-8 nor Arrow can hold it.
        if self.text.find("\\u", *self.span) >= 0:
            try:
                found = self._whole(found)
            except RecursionError:
                raise self._too_deep() from None
        return found

    def too_large(self, at: int, most: int, where: str | None = None) -> TooLarge:
        """The refusal of the value at a position of `text`, which goes on after so many characters."""
        return self.too_large_at(self.offset(at), self.text[at : at + most].encode(), most, where)

    def too_large_at(self, offset: int, text: bytes, most: int, where: str | None = None) -> TooLarge:
        """The refusal of a value that begins at a byte of the file with that text, and goes on after so many bytes."""
        return TooLarge(
            f"has a value of more than {limits.megabytes(most)} at byte {offset:,}: {where or self.doing}{_open_path(text)}",
            place=self._place,
            remedy="Ask the publisher for a file without it; `ratehouse build --skip-broken` publishes its month without it.",
            offset=offset,
        )

    def ends(self, offset: int) -> SourceError:
        """The refusal of bytes, handed out by `more`, that end at a byte of the file inside a value."""
        if self._source.failure:
            self._failure = self._source.failure.failure
            return self._failed()
        return self._broken_off(offset)

    def _too_deep(self) -> SourceError:
        return SourceError(
            f"nests too deeply at byte {self.offset()}, in {self.doing}",
            place=self._place,
            remedy="No in-network file nests more than ten levels; " + AGAIN,
            offset=self.offset(),
        )

    def _whole(self, value: Any) -> Any:
        """The value with each lone surrogate replaced by U+FFFD."""
        if type(value) is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                self.replaced += 1
                return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        elif type(value) is list:
            return [self._whole(v) for v in value]
        elif type(value) is dict:
            return {self._whole(k): self._whole(v) for k, v in value.items()}
        return value

    def keys(self) -> Iterator[str]:
        """The keys of the object at hand; take or skip the value of each before asking for the next."""
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            if self.peek() != '"':
                raise self.broken(self.at, 'a key in "quotes"')
            key = self.value(f"a key behind {self.doing.removeprefix(_FOLLOWS)}")
            self.key_offset = self.offset(self.span[0])
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def items(self) -> Iterator[Any]:
        """The values of the array at hand, one by one."""
        self.take("[")
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def skip(self) -> None:
        """Pass over the next value, of which no more than a piece is held, however large it is."""
        closing: list[str] = []  # what closes the objects and lists that the cursor is in
        while True:
            found = self.peek()
            if self._passed():
                ended = True
            elif found == '"':
                self._skip_text()
                ended = True
            else:
                if len(closing) == _DEEPEST:
                    raise self._too_deep()
                closing.append("}" if found == "{" else "]")
                self.at += 1
                ended = self.peek() == closing[-1]
                if ended:
                    self.at += 1
                    closing.pop()
            while ended and closing:
                ended = self.take("," + closing[-1]) != ","
                if ended:
                    closing.pop()
            if ended:
                return
            if closing[-1] == "}":
                self._skip_key()

    def _passed(self) -> bool:
        """Pass over a value that is no longer than what may be at hand; False, and the cursor stays, where it is."""
        try:
            self._value(_AT_HAND)
        except _GoesOn:
            return False
        return True

    def _skip_key(self) -> None:
        if self.peek() != '"':
            raise self.broken(self.at, 'a key in "quotes"')
        self._skip_text()
        self.take(":")

    def _skip_text(self) -> None:
        """Pass over a text, of which no more than a chunk is held."""
        self.at += 1
        while True:
            self.at = _unescaped(self.text, self.at).end()
            rest = len(self.text) - self.at
            if rest and self.text[self.at] == '"':
                self.at += 1
                return
            if rest and (escape := _escape(self.text, self.at)):
                self.at = escape.end()
            elif rest >= _TAIL:
                raise self.broken(self.at + (self.text[self.at + 1] == "u"), "an escape of JSON")
            elif not self._grow():
                raise self._broken_off(self.offset(len(self.text)))

    def end(self) -> None:
        """Nothing but blanks may follow."""
        if self.peek():
            raise SourceError(
                f"goes on at byte {self.offset()} after its JSON has ended",
                place=self._place,
                remedy="Keep one JSON object in the file.",
                offset=self.offset(),
            )

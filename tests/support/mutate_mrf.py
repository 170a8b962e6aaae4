"""In-network files that something went wrong with: bytes flipped, cut and doubled, values of the wrong type.

What belongs here: damage, from a seed. What must not come in: what the reader makes of it.
"""

from __future__ import annotations

import functools
import random
import re

from generate_mrf import odd_file

_JSON = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"-", b"1e999", b"\\ud83e", b"\xff", b"\0"]
_VALUES = [b"null", b"true", b"[]", b"{}", b"[[]]", b'[{"npi":[1]}]', b'""', b'"x"', b"0", b"-1", b"1e400", b"NaN"]
_VALUES += [b"12345678901234567890.5", b"[null]", b'{"tin":{}}', b'"\\ud83e"', b"[1,2", b"01", b'"11"']
_value = re.compile(rb':\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|\[\s*\])').finditer


@functools.cache
def _whole(seed: int) -> bytes:
    return odd_file(seed, packed=False)[1]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content after one to three mishaps."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(out) + 1)
        to = min(len(out), at + rng.choice((1, 3, 30, 300)))
        match rng.randrange(8):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at:to]
            case 2:
                out[at:at] = out[at:to]
            case 3:
                out[at : at + 1] = rng.choice(_JSON)
            case 4 if rng.random() < 0.3:
                del out[at:]
            case _:
                places = [m.span(1) for m in _value(out)]
                if places:
                    start, end = rng.choice(places)
                    out[start:end] = rng.choice(_VALUES)
        if not out:
            out = bytearray(b" ")
    return bytes(out)


def mutated(seed: int, files: int = 60) -> bytes:
    """One of so many odd files, damaged."""
    rng = random.Random(seed)
    return damaged(_whole(rng.randrange(files)), rng)

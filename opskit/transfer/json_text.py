"""JSON as PostgreSQL's parser judges it and its jsonb prints it.

The json type keeps its text byte for byte, with equal keys and numbers of any size; jsonb keeps the values.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

DEEPEST = 400
"""How deeply values may nest. PostgreSQL's own limit is its stack, some thousand levels; Python's is lower
and depends on the caller."""

_LARGEST, _FINEST = 131_072, 16_383
"""Digits before and after the point that numeric holds
(https://www.postgresql.org/docs/15/datatype-numeric.html)."""

_LONGEST_JSONB = 2**28 - 1
"""Bytes: an entry of jsonb keeps its length in 28 bits."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def json_text(text: str) -> str | None:
    r"""The text itself when PostgreSQL's json takes it.

    >>> json_text('{"a":1, "a":1e999999}'), json_text('"\\u0000"'), json_text("NaN"), json_text("'a'")
    ('{"a":1, "a":1e999999}', '"\\u0000"', None, None)
    """
    if _too_deep(text):
        return None
    try:
        # numbers stay text: json looks at their spelling only
        json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_constant)
    except ValueError:
        return None
    return text


def jsonb_text(text: str) -> str | None:
    """JSON text as jsonb prints it: keys by length and bytes, numbers as numeric.

    jsonb keeps the last of two equal keys only, so an object that has them does not fit.

    >>> jsonb_text('{"bb":1, "a":[1.50,"x"]}')
    '{"a": [1.50, "x"], "bb": 1}'
    """
    if _too_deep(text) or len(text.encode("utf-8", "surrogatepass")) > _LONGEST_JSONB:
        return None
    try:
        parsed = cast(
            "object",
            json.loads(
                text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_duplicates
            ),
        )
        return _jsonb(parsed)
    except (ValueError, ArithmeticError):  # Decimal has limits of its own
        return None


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        deepest = max(deepest, depth)
    return deepest > DEEPEST


def _no_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _jsonb(value: object) -> str:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        keys = sorted(entries, key=lambda key: (len(key.encode()), key.encode()))
        # map() and not a generator: one frame for each level
        return "{" + ", ".join(map(_entry, keys, [entries[key] for key in keys])) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_jsonb, cast("list[object]", value))) + "]"
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no text in PostgreSQL: UnicodeEncodeError is a ValueError
        if "\0" in value:
            raise ValueError(value)
    return json.dumps(value, ensure_ascii=False)


def _entry(key: str, value: object) -> str:
    return f"{_jsonb(key)}: {_jsonb(value)}"


def _number(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if value.adjusted() >= _LARGEST or not isinstance(exponent, int) or exponent < -_FINEST:
        raise ValueError(value)
    return format(value or abs(value), "f")  # -0.0 has no place in numeric

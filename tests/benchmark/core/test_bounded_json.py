"""JSON of strangers: what exceeds the bounds is refused, whatever the parser would make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmark.core.bounded_json import DEPTH, TEXT, VALUES, check_bounds, parse_object


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_an_ordinary_object():
    content = {"a": [1, 2.5, None, True, {"b": "η"}], "c": {}, "largest": 2**63}
    assert parse_object(json.dumps(content).encode()) == content
    check_bounds(nested(DEPTH))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(DEPTH + 1), "nested deeper than 20 levels"),
        (nested(900), "nested deeper than 20 levels"),
        ({"a": 10**400}, "a whole number of 1,329 bits"),
        ({"a": -(10**20)}, "a whole number"),
        ({"a": "\ud83d"}, "surrogates not allowed"),
        ({"\ud83d": 1}, "surrogates not allowed"),
        ({"a": "x" * (TEXT + 1)}, "a text of 100,001 characters"),
        ({"x" * (TEXT + 1): 1}, "a text of 100,001 characters"),
        ({"a": [0] * VALUES}, "more than 100,000 values"),
        ([1], "holds a list, expected a JSON object"),
        (None, "holds a NoneType"),
    ],
)
def test_what_exceeds_a_bound(value: Any, reason: str):
    with pytest.raises(ValueError, match=reason):
        parse_object(json.dumps(value).encode())


def test_what_the_parser_of_python_refuses():
    for content in (b"", b"{", b"[" * 100_000, b'{"a": ' + b"1" * 10_000 + b"}", b"\xff\xfe\x00"):
        with pytest.raises((ValueError, RecursionError)):
            parse_object(content)


def test_what_is_not_json():
    with pytest.raises(ValueError, match="a object, expected a JSON value"):
        check_bounds({"a": object()})

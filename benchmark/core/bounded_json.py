"""JSON of strangers: bounded in depth, in the number of its values, and in the size of each."""

from __future__ import annotations

import json
from typing import Any

DEPTH = 20
VALUES = 100_000
TEXT = 100_000
WHOLE = 2**63
"""Bounds: nested containers, values in all, characters of a text, and the size of whole numbers."""


def parse_object(content: bytes) -> dict[str, Any]:
    """A JSON object, for `StoredFile.parse`. Raises ValueError for other content, and for what exceeds the bounds."""
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError(f"holds a {type(value).__name__}, expected a JSON object")
    check_bounds(value)
    return value


def check_bounds(value: object) -> None:
    """Raise ValueError for what exceeds the bounds, for half a surrogate pair, and for what is not JSON."""
    level, count = [value], 0
    for _ in range(DEPTH + 1):
        count += len(level)
        if count > VALUES:
            raise ValueError(f"more than {VALUES:,} values")
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each
                inner += each.values()
            elif isinstance(each, list | tuple | set | frozenset):
                inner += each
            else:
                _check_plain(each)
        if not inner:
            return
        level = inner
    raise ValueError(f"nested deeper than {DEPTH} levels")


def _check_plain(value: object) -> None:
    if isinstance(value, str):
        if len(value) > TEXT:
            raise ValueError(f"a text of {len(value):,} characters, expected at most {TEXT:,}")
        value.encode()  # fails for half a surrogate pair
    elif isinstance(value, int):
        if abs(value) > WHOLE:
            raise ValueError(f"a whole number of {value.bit_length():,} bits, expected at most 64")
    elif value is not None and not isinstance(value, float):
        raise ValueError(f"a {type(value).__name__}, expected a JSON value")

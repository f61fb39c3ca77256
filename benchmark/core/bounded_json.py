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


def check_bounds(value: object, *, depth: int = DEPTH, values: int = VALUES, text: int = TEXT) -> None:
    """Raise ValueError for what exceeds these bounds, for half a surrogate pair, and for what is not JSON."""
    level, count = [value], 0
    for _ in range(depth + 1):
        count += len(level)
        if count > values:
            raise ValueError(f"more than {values:,} values")
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each
                inner += each.values()
            elif isinstance(each, list | tuple | set | frozenset):
                inner += each
            else:
                _check_plain(each, text)
        if not inner:
            return
        level = inner
    raise ValueError(f"nested deeper than {depth} levels")


def _check_plain(value: object, text: int) -> None:
    if isinstance(value, str):
        if len(value) > text:
            raise ValueError(f"a text of {len(value):,} characters, expected at most {text:,}")
        value.encode()  # fails for half a surrogate pair
    elif isinstance(value, int):
        if abs(value) > WHOLE:
            raise ValueError(f"a whole number of {value.bit_length():,} bits, expected at most 64")
    elif value is not None and not isinstance(value, float):
        raise ValueError(f"a {type(value).__name__}, expected a JSON value")

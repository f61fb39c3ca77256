"""Seals: a hash that a stored record carries over itself, so that a change by hand or a flipped bit is noticed.

A seal does not prove who wrote a record: whoever changes one can seal it again.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

SEAL = "seal"
"""The field of the hash."""


def sealed(record: BaseModel) -> bytes:
    """A record as JSON with its seal, one line for each field."""
    content: dict[str, Any] = json.loads(record.model_dump_json(warnings=False))
    fields = {**content, SEAL: _hash(content)}
    lines = (f"{_json(name)}: {_json(value)}" for name, value in fields.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unsealed(content: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """The content of a JSON file without its seal, and whether the seal is right; None if it has none.

    The seal covers the content as it is in the file, so that a field that is added later does not break it.
    """
    fields = {name: value for name, value in content.items() if name != SEAL}
    return fields, content[SEAL] == _hash(fields) if SEAL in content else None


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

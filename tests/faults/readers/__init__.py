"""The readers that are fuzzed: a line each in `READERS` of the file of their kind."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.fuzz import Fuzzed

KINDS = ("sources", "data", "records", "models")


def readers(kind: str) -> dict[str, Fuzzed]:
    """The readers of a kind by name. Imports that kind only: a process that runs one reader starts quickly."""
    found: dict[str, Fuzzed] = import_module(f"tests.faults.readers.{kind}").READERS
    return {f"{kind}.{name}": fuzzed for name, fuzzed in found.items()}


def every_reader() -> dict[str, Fuzzed]:
    """All readers, as KIND.NAME."""
    return {name: fuzzed for kind in KINDS for name, fuzzed in readers(kind).items()}

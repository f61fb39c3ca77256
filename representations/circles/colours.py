"""Names and colours of the kinds of particles, on pictures, legends and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

COLOURS = {
    "electron": (0, 0, 255),
    "muon": (0, 160, 0),
    "photon": (255, 140, 0),
    "jet": (255, 120, 120),
    "bjet": (139, 0, 0),
    "met": (0, 0, 0),
    "charged_hadron": (255, 120, 120),
    "neutral_hadron": (139, 0, 0),
}
"""RGB of each kind of object (arXiv:1708.07034, section 5.2; photons and hadrons are ours); other kinds are black."""
_NAMES = {"bjet": "b jet", "met": "missing energy"}


def colour_of(kind: str) -> tuple[int, int, int]:
    """RGB of a kind."""
    return COLOURS.get(kind, (0, 0, 0))


def name_of(kind: str) -> str:
    """A kind in words: `b jet`, `charged hadron`."""
    return _NAMES.get(kind, kind.replace("_", " "))


def in_order(kinds: Iterable[str]) -> list[str]:
    """Kinds in the order of `COLOURS`, then the others by name."""
    order = list(COLOURS)
    return sorted(kinds, key=lambda kind: (order.index(kind) if kind in order else len(order), kind))

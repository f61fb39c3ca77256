"""Kinds of particles on a display: what a reader calls them, and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from representations.circles.circles import COLOURS
from representations.kernels.particles import particles_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.events import Events

NAMES = {"bjet": "b jet", "met": "missing energy"}


def colour(kind: str) -> tuple[float, float, float]:
    """As the circles have it, (red, green, blue) up to 1; black for a kind of another name."""
    red, green, blue = COLOURS.get(kind, (0, 0, 0))
    return red / 255, green / 255, blue / 255


def words(kind: str) -> str:
    """`b jet`, `charged hadron`."""
    return NAMES.get(kind, kind.replace("_", " "))


def kinds_of(events: Events) -> set[str]:
    """The kinds that there are in some events, as circles tell them apart; none if their particles are not loaded."""
    if not events.has(events.info.particles):
        return set()
    particles = particles_of(events)
    return {particles.names[code] for code in np.unique(particles.kind)}


def in_order(there: Iterable[str]) -> list[str]:
    """Kinds in the order of the colours, those of other names behind."""
    order = list(COLOURS)
    return sorted(there, key=lambda kind: (order.index(kind) if kind in order else len(order), kind))

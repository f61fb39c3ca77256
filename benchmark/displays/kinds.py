"""Kinds of particles on a display: what a reader calls them, and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from representations.circles import COLOURS
from representations.particles import PDG_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tasks.events import EventInfo

NAMES = {"bjet": "b jet", "met": "missing energy"}


def colour(kind: str) -> tuple[float, float, float]:
    """As the circles have it, (red, green, blue) up to 1; black for a kind of another name."""
    red, green, blue = COLOURS.get(kind, (0, 0, 0))
    return red / 255, green / 255, blue / 255


def words(kind: str) -> str:
    """`b jet`, `charged hadron`."""
    return NAMES.get(kind, kind.replace("_", " "))


def kinds_of(info: EventInfo) -> tuple[str, ...]:
    """The kinds that circles tell apart in events of a task."""
    if info.particles == "objects":
        return tuple(info.slots)
    return PDG_CLASSES if info.particles == "constituents" else ("crystal",)


def seen(info: EventInfo, pictures: Iterable[NDArray[np.uint8]]) -> tuple[str, ...]:
    """The kinds whose own colour is on one of the pictures (n, rows, columns, 3); all of them, if none is."""
    stacks = [np.unique(stack.reshape(-1, 3), axis=0) for stack in pictures]
    there = {tuple(row) for stack in stacks for row in stack.tolist()}
    kinds = kinds_of(info)
    return tuple(kind for kind in kinds if COLOURS.get(kind, (0, 0, 0)) in there) or kinds

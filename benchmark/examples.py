"""A few events of each class drawn as circles, so that a reader of the pages sees what is being told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from representations.circles import Circles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import Events

EACH = 4


def draw(events: Events) -> dict[str, NDArray[np.uint8]]:
    """Pictures by class, (up to 4, 224, 224, 3) uint8 RGB, of the first test events.

    Beside them `_kinds`, names of the kinds of objects, and `_span`, half the width of the canvas in eta and phi.
    """
    test = events.splits()["test"]
    labels = test.column("label")
    circles = Circles()
    found: dict[str, Any] = {}
    for code, name in enumerate(events.info.classes):
        chosen = test[np.flatnonzero(labels == code)[:EACH]]
        if len(chosen):
            samples = circles.represent(chosen)
            found[name] = circles.picture(samples)
            found |= {"_kinds": np.array(list(events.info.slots)), "_span": np.array(samples.span)}
    return found

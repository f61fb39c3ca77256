"""Pictures of a few events of each class, drawn as circles for the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from representations.circles.circles import Circles
from representations.circles.colours import colour_of, name_of
from tasks.data.store import shards

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.data.dataset import DataSet

EACH = 4


def draw(data: DataSet, root: Path) -> dict[str, NDArray[np.uint8]]:
    """Pictures of the first test events of each class.

    Only as many shards are read as needed.

    Returns
    -------
    By class, (up to 4, 224, 224, 3) uint8 RGB. Also `_kinds`, names of the kinds of objects (k,), `_colours` of each,
    (k, 3) uint8 RGB, and `_span`, half the width of the canvas in eta and phi.

    Raises
    ------
    UserError
        When the data are missing or changed, or when events have no particles to draw.
    """
    circles = Circles()
    legend: dict[str, NDArray[Any]] = {}
    found: dict[str, list[Any]] = {}
    for events in shards(data, root, circles.columns(data.task.info(data.level))):
        test = events.splits()["test"]
        labels = test.column("label")
        for code, name in enumerate(events.info.classes):
            there = found.setdefault(name, [])
            chosen = test[np.flatnonzero(labels == code)[: EACH - sum(map(len, there))]]
            if len(chosen):
                samples = circles.represent(chosen)
                there.append(circles.picture(samples))
                kinds = list(events.info.slots)
                legend = {
                    "_kinds": np.array(list(map(name_of, kinds))),
                    "_colours": np.array([colour_of(kind) for kind in kinds], np.uint8).reshape(-1, 3),
                    "_span": np.array(samples.span),
                }
        if all(sum(map(len, pictures)) == EACH for pictures in found.values()):
            break
    return {name: np.concatenate(pictures) for name, pictures in found.items() if pictures} | legend

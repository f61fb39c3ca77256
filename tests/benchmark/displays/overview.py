"""Overviews of hand-made events, and the colours drawn at a place of a sheet."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from benchmark.displays.overview import Overview, overviews
from benchmark.displays.style import BAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from benchmark.displays.style import PanelGrid
    from representations.representation import Representation
    from tasks.events import Events


def overview_of(representation: Representation, *shards: Events, each: int = 6) -> Overview:
    (found,) = overviews(representation, shards, each)
    return found


def panels(sheet: PanelGrid) -> list[Axes]:
    """The panels of a sheet in the order in which they are drawn, without colour bars."""
    return [axes for axes in sheet.canvas.axes if axes.get_label() != BAR]


def colour_at(axes: Axes, x: float, y: float) -> tuple[int, int, int]:
    """The colour drawn at a place of the axes, as red, green and blue."""
    image = _drawn(axes.figure)
    column, up = axes.transData.transform((x, y))
    return tuple(image[image.shape[0] - 1 - int(up), int(column), :3].tolist())


@cache
def _drawn(figure: Figure) -> NDArray[np.uint8]:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


WHITE = (255, 255, 255)

"""The axes of a display: positions of coordinates, and ticks at round values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from representations.kernels.particles import origin_of, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from representations.samples import Panel
    from tasks.events import EventInfo

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
MOST_TICKS = 7


@dataclass(frozen=True)
class Side:
    """One axis: its text, its ends, and the position of a coordinate on it, by default the coordinate itself."""

    text: str
    low: float
    high: float
    place: Callable[[NDArray[Any]], NDArray[np.float64]] = np.asarray

    @property
    def ends(self) -> tuple[float, float]:
        """Positions of both ends."""
        first, last = self.place(np.array([self.low, self.high])).tolist()
        return first, last

    def ticks(self) -> tuple[list[float], list[str]]:
        """Positions and texts of the ticks: seven at most, in parts of pi where the axis is the full circle."""
        if self.high == math.pi:
            texts = [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"]
            return self.place(np.linspace(-math.pi, math.pi, 5)).tolist(), texts
        reach = max(abs(self.low), abs(self.high))
        step = next((step for step in STEPS if 2 * math.floor(reach / step + 1e-9) < MOST_TICKS), reach)
        count = math.floor(reach / step + 1e-9)
        values = [number * step for number in range(-count, count + 1)]
        values = [value for value in values if self.low - 1e-9 <= value <= self.high + 1e-9]
        return self.place(np.array(values)).tolist(), [f"{value:g}".replace("-", "−") for value in np.round(values, 9)]


@dataclass(frozen=True)
class Frame:
    """Both axes of a display.

    transposed : whether rows of the picture run across. note : what the axes count from, or how the picture was made.
    """

    across: Side
    up: Side
    transposed: bool = False
    note: str = ""

    def upright(self, picture: NDArray[Any]) -> NDArray[Any]:
        """A picture (rows, columns, ...) with the axis that runs upwards first, in rising order."""
        return np.swapaxes(picture, 0, 1) if self.transposed else picture

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Positions of the left, right, lower and upper end."""
        return (*self.across.ends, *self.up.ends)

    def label(self, axes: Axes, *, left: bool, bottom: bool) -> None:
        """Set the limits and ticks of both axes, with texts only at the left and the lower edge of a sheet."""
        for axis, side, outer in ((axes.xaxis, self.across, bottom), (axes.yaxis, self.up, left)):
            places, texts = side.ticks()
            axis.set_ticks(places, texts if outer else [""] * len(texts))
            axis.set_label_text(side.text if outer else "")
        axes.set_xlim(*self.across.ends)
        axes.set_ylim(*self.up.ends)


def particles_frame(info: EventInfo) -> Frame:
    """eta across and phi up, as far as the events of a task reach."""
    eta, phi = span_of(info)
    whole = phi == math.pi
    return Frame(Side(_text("eta", whole), -eta, eta), Side(_text("phi", whole), -phi, phi), note=origin_of(info))


def picture_frame(panel: Panel) -> Frame:
    """The axes of a panel.

    eta runs across and phi up, but where phi runs around the detector along the columns: there phi runs across, as CMS
    shows its barrel. Pixels that are uneven along an axis are drawn evenly, and the ticks follow.
    """
    whole = panel.span[1] == math.pi
    texts = panel.labels or tuple(_text(name, whole) for name in panel.axes)
    first, second = (
        Side(text, centre - span, centre + span)
        for text, centre, span in zip(texts, panel.centre, panel.span, strict=True)
    )
    if panel.edges:
        edges, pixels = np.array(panel.edges), np.arange(len(panel.edges), dtype=np.float64)
        first = replace(first, place=lambda values: np.asarray(np.interp(values, edges, pixels)))
    if panel.turned:
        return Frame(first, second, note=panel.note)
    if panel.axes == ("eta", "phi") and not whole:
        return Frame(first, second, transposed=True, note=panel.note)
    return Frame(second, first, note=panel.note)


def _text(axis: str, whole: bool) -> str:
    """The text of an axis; eta and phi of less than the whole detector count from somewhere else than its centre."""
    of = "" if whole else r"\Delta"
    return {"eta": rf"${of}\eta$", "phi": rf"${of}\phi$ [rad]", "y": "$y$ [m]", "x": "$x$ [m]"}.get(axis, axis)

"""Where eta and phi lie on a display: the true edges of a picture, and ticks at round values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from representations.calorimeter import hcal_centric
from representations.calorimeter.calorimeter import Calorimeter
from representations.kernels.particles import FULL_SPAN, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from representations.representation import Representation
    from representations.samples import Images
    from tasks.events import EventInfo

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
MOST_TICKS = 7
HOTTEST = r"$\Delta\eta$ and $\Delta\phi$ count from the hottest crystal"
CENTROID = r"$\Delta\eta$ and $\Delta\phi$ count from the centroid of the jet's $p_T$"


@dataclass(frozen=True)
class Side:
    """One axis: its text, and its ends in eta or phi. place : where a value is drawn, the value itself by default."""

    text: str
    low: float
    high: float
    place: Callable[[NDArray[Any]], NDArray[np.float64]] = np.asarray

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, where they are drawn."""
        first, last = self.place(np.array([self.low, self.high])).tolist()
        return first, last

    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and texts of the ticks: seven at most, in parts of pi where the axis is the full circle."""
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
    """A display: what runs across and what upwards.

    turned : the picture's rows run across. note : from where eta and phi count, if not in the detector's own frame.
    """

    across: Side
    up: Side
    turned: bool = False
    note: str = ""

    def upright(self, picture: NDArray[Any]) -> NDArray[Any]:
        """A picture (rows, columns, ...) with what runs upwards first, in rising order."""
        return np.swapaxes(picture, 0, 1) if self.turned else picture

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top, where they are drawn."""
        return (*self.across.ends, *self.up.ends)


def particles_frame(info: EventInfo) -> Frame:
    """eta across and phi up, for the particles that stand for an event of the task."""
    return Frame(*_sides(span_of(info)), note=_origin(info))


def picture_frame(representation: Representation, info: EventInfo, images: Images) -> Frame:
    """How a picture is looked at: eta across and phi up.

    Rows of a picture are phi and columns eta, as the circles have it; of the calorimeter they are eta and phi, and
    those of the full circle are left on their side, as CMS shows its barrel. Rows of the whole detector stand for
    wider towers further out: there eta has no even scale.
    """
    if images.panels[0].axes != ("eta", "phi"):  # the face of an endcap: rows are y, and columns x
        up, across = (
            Side(f"${name}$ [m]", -reach, reach) for name, reach in zip(images.panels[0].axes, images.span, strict=True)
        )
        return Frame(across, up)
    eta, phi = _sides(images.span)
    if not isinstance(representation, Calorimeter):
        return Frame(eta, phi, note="" if phi.high == math.pi else _origin(info))
    if images.span == hcal_centric.SPAN:
        return Frame(phi, Side(eta.text, eta.low, eta.high, hcal_centric.row_of))
    if phi.high == math.pi:
        return Frame(phi, eta)
    if representation.area == "jet" or (representation.area == "task" and info.picture == "jet"):
        steps = [name for name in ("translate", "rotate", "flip", "normalise") if getattr(representation, name)]
        turned = ", rotated" if representation.rotate else ""
        across, up = (Side(side.text + turned, side.low, side.high) for side in (eta, phi))
        return Frame(across, up, turned=True, note=f"preprocessing of jets: {', '.join(steps) or 'none'}")
    # the hottest crystal lies in the first row and column behind the middle, and differences count from its centre
    across, up = (
        Side(side.text, side.low - span / size, side.high - span / size)
        for side, span, size in zip((eta, phi), images.span, images.shape[1:], strict=True)
    )
    return Frame(across, up, turned=True, note=HOTTEST)


def _origin(info: EventInfo) -> str:
    if span_of(info) == FULL_SPAN:
        return ""
    return CENTROID if info.particles == "constituents" else HOTTEST


def _sides(span: tuple[float, float]) -> tuple[Side, Side]:
    whole = span[1] == math.pi
    of = "" if whole else r"\Delta"
    return Side(rf"${of}\eta$", -span[0], span[0]), Side(rf"${of}\phi$ [rad]", -span[1], span[1])

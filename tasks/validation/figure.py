"""Content of a validation figure, as plain numbers. `benchmark.displays.figures` draws it.

A figure has one or more panels side by side (`Spectrum`, `Curve`, `Map`) and the checks of numbers measured in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """A number measured in a figure, and its expected range.

    value : NaN if there are too few events.
    low, high : the expected range, both ends included; infinite if there is no bound.
    source : reference of the range, or that it is a guess.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    source: str

    @property
    def verdict(self) -> Literal["ok", "OUTSIDE", "too few events"]:
        """In words."""
        if math.isnan(self.value):
            return "too few events"
        return "ok" if self.low <= self.value <= self.high else "OUTSIDE"


@dataclass(frozen=True)
class Axis:
    """A quantity with its unit; logarithmic if asked for."""

    quantity: str
    unit: str = ""
    log: bool = False

    @property
    def text(self) -> str:
        """`p_T [GeV]`, or without brackets if there is no unit."""
        return f"{self.quantity} [{self.unit}]" if self.unit else self.quantity


@dataclass(frozen=True)
class Spectrum:
    """Histograms of one quantity, one per label.

    edges : (bins + 1,). counts : events of each bin, (bins,), by label. beyond : events outside the edges, by label.
    scale : the quantity drawn: "fraction" of all events of the label, "events", or "density", events per unit of x.
    lines : marked positions on the x axis, by name. overlay : (x, events a bin) of a curve over "events", by name.
    """

    title: str
    x: Axis
    edges: Floats
    counts: Mapping[str, Floats]
    beyond: Mapping[str, float]
    scale: Literal["fraction", "events", "density"] = "fraction"
    log_y: bool = False
    lines: Mapping[str, float] = field(default_factory=dict)
    overlay: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)

    def heights(self, label: str) -> tuple[Floats, Floats]:
        """Height of each bin and its Poisson error, on the scale of the figure, (bins,) each."""
        counts = self.counts[label]
        by = np.ones(len(counts))
        if self.scale == "fraction":
            by *= max(float(counts.sum()) + self.beyond[label], 1.0)
        elif self.scale == "density":
            by = np.diff(self.edges)
        return np.asarray(counts / by), np.asarray(np.sqrt(counts) / by)


@dataclass(frozen=True)
class MeasuredPoints:
    """Measured points: x, y and the ends of the error bars, (points,) each."""

    x: Floats
    y: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Curve:
    """Measured points with error bars, by label; lines are marked values on the y axis, by name."""

    title: str
    x: Axis
    y: Axis
    points: Mapping[str, MeasuredPoints]
    lines: Mapping[str, float] = field(default_factory=dict)
    y_from: float | None = None


@dataclass(frozen=True)
class Map:
    """A quantity over a plane: `values` (rows, columns), rows upwards; NaN is left white.

    x_range, y_range : range of the columns and of the rows. diverging : colours around 0, for differences.
    """

    title: str
    x: Axis
    y: Axis
    z: Axis
    values: Floats
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    diverging: bool = False


Panel = Spectrum | Curve | Map


@dataclass(frozen=True)
class Figure:
    """Panels of one picture. `name` is that of the file: letters, digits and hyphens.

    sample : the events, if they are not the stored ones, such as "2,000 photons, no pile-up".
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    checks: tuple[Check, ...] = ()
    sample: str = ""


def spectrum(
    title: str,
    x: Axis,
    values: Mapping[str, Any],
    edges: Any,
    scale: Literal["fraction", "events", "density"] = "fraction",
    *,
    log_y: bool = False,
    lines: Mapping[str, float] | None = None,
) -> Spectrum:
    """Histogram the values, (n,) by label, between the edges, (bins + 1,); the last bin has its upper edge."""
    edges = np.asarray(edges, dtype=np.float64)
    columns = {label: np.asarray(column, dtype=np.float64) for label, column in values.items()}
    counts = {label: np.histogram(column, edges)[0].astype(np.float64) for label, column in columns.items()}
    beyond = {label: float(len(columns[label]) - counts[label].sum()) for label in columns}
    return Spectrum(title, x, edges, counts, beyond, scale, log_y, lines or {})

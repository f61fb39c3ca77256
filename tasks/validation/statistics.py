"""Numbers measured in a sample: peaks, widths, areas and profiles with their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.auc import roc_auc
from benchmark.metrics.intervals import wilson
from tasks.validation.figure import Check, Floats, MeasuredPoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEAST = 30
"""Smallest number of events for a check."""
SIGMAS = 3.0
"""Largest deviation in standard errors; one in 370 is larger by chance."""
ONE_SIGMA = 0.6827


@dataclass(frozen=True)
class Peak:
    """A Gaussian fitted to a histogram.

    place, width : of the Gaussian, in the unit of x; NaN for too few events or no convergence. model : its name.
    curve : (x, events per bin), to draw over a histogram of the same bins; None without a fit.
    """

    place: float = math.nan
    width: float = math.nan
    model: str = ""
    curve: tuple[Floats, Floats] | None = None

    @property
    def overlay(self) -> dict[str, tuple[Floats, Floats]]:
        """The curve by its name, for `Spectrum.overlay`."""
        return {} if self.curve is None else {self.model: self.curve}


def fit_peak(values: Any, edges: Any, width: float, core: float | None = None) -> Peak:
    """Fit the peak of values, (n,), in a histogram with these equal bins, (bins + 1,), by least squares.

    A Gaussian over a straight line (the continuum, combinations, tails); `width` is where the fit starts. With `core`,
    a Gaussian alone within so many of its widths: for peaks that are no Gaussian (a Breit-Wigner, many resolutions).
    """
    edges = np.asarray(edges, dtype=np.float64)
    counts, _ = np.histogram(np.asarray(values, dtype=np.float64), edges)
    x = (edges[:-1] + edges[1:]) / 2
    if counts.sum() < LEAST:
        return Peak()
    try:
        found = _fitted(x, counts, (0.7 * counts.sum(), float(x[counts.argmax()]), width), line=True)
        for _ in range(3 if core else 0):
            near = np.abs(x - found[1]) < max(core * found[2], 2.1 * (x[1] - x[0]))
            found = _fitted(x[near], counts[near], found[:3], line=False)
    except RuntimeError:  # no convergence
        return Peak()
    reach = core * found[2] if core else math.inf
    fine = np.linspace(max(edges[0], found[1] - reach), min(edges[-1], found[1] + reach), 300)
    model = f"Gaussian within {core:g} widths" if core else "Gaussian over a line"
    return Peak(float(found[1]), float(found[2]), model, (fine, _gaussian(fine, x[1] - x[0], float(x.mean()), *found)))


def _fitted(x: Floats, counts: NDArray[np.int64], start: Any, *, line: bool) -> Any:
    """(area, place, width), and (level, slope) of the line if there is one."""
    from scipy.optimize import curve_fit

    step, centre = float(x[1] - x[0]), float(x.mean())

    def shape(x: Floats, *parameters: float) -> Floats:
        return _gaussian(x, step, centre, *parameters)

    low, high = [0.0, float(x[0]), step / 4], [math.inf, float(x[-1]), float(x[-1] - x[0])]
    start = [*start]
    start[1] = min(max(start[1], low[1]), high[1])
    start[2] = min(max(start[2], low[2]), high[2])
    if line:
        start, low, high = [*start, 0.3 * counts.mean(), 0.0], [*low, 0.0, -math.inf], [*high, math.inf, math.inf]
    errors = np.sqrt(np.maximum(counts, 1.0))
    # errors from the counts bias a fit to low bins, so a second fit uses those of the first curve
    for _ in range(2):
        start, _ = curve_fit(shape, x, counts, start, errors, bounds=(low, high), maxfev=5000)
        errors = np.sqrt(np.maximum(shape(x, *start), 1.0))
    return start


def _gaussian(
    x: Floats, step: float, centre: float, area: float, place: float, width: float, level: float = 0, slope: float = 0
) -> Floats:
    """Events a bin of this step, at x; level and slope of the line at the centre."""
    bell = np.exp(-0.5 * ((x - place) / width) ** 2) / (math.sqrt(2 * math.pi) * width)
    return np.asarray(area * step * bell + level + slope * (x - centre))


def central_width(values: Any) -> float:
    """Half of the central interval of 68.3%: the standard deviation of a Gaussian, insensitive to tails."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < LEAST:
        return math.nan
    low, high = np.quantile(values, [0.5 - ONE_SIGMA / 2, 0.5 + ONE_SIGMA / 2])
    return float(high - low) / 2


def median(values: Any) -> float:
    """The median, or NaN if there are too few."""
    values = np.asarray(values, dtype=np.float64)
    return float(np.median(values)) if len(values) >= LEAST else math.nan


def blind(name: str, first: Any, second: Any, least: float = 0.0) -> Check:
    """Check that a quantity does not separate two classes: AUC 0.5 within 3 standard errors (DeLong), or `least`."""
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if min(len(a), len(b)) < LEAST:
        return Check(name, math.nan, 0.5, 0.5, "AUC", "no leak")
    is_signal = np.repeat([True, False], [len(a), len(b)])
    area = roc_auc(is_signal, np.concatenate([a, b]))
    noise = SIGMAS * area.standard_error
    allowed = max(noise, least)
    source = "no leak, within 3 standard errors (DeLong)" if noise >= least else f"no leak worth more than {least:g}"
    return Check(name, area.value, 0.5 - allowed, 0.5 + allowed, "AUC", source)


def efficiency(x: Any, passed: NDArray[np.bool_], edges: Any) -> MeasuredPoints:
    """Share that passes in bins of x, with Wilson's interval of 68.3%; empty bins are left out."""

    def share(inside: NDArray[np.intp]) -> tuple[float, float, float]:
        value = float(passed[inside].mean())
        return (value, *wilson(value, len(inside), ONE_SIGMA))

    return _binned(x, edges, 1, share)


def medians(x: Any, y: Floats, edges: Any) -> MeasuredPoints:
    """Median of y in bins of x, with the standard error of a Gaussian's median, 1.253 sigma / sqrt(n)."""

    def middle(inside: NDArray[np.intp]) -> tuple[float, float, float]:
        value, error = float(np.median(y[inside])), 1.253 * central_width(y[inside]) / math.sqrt(len(inside))
        return value, value - error, value + error

    return _binned(x, edges, LEAST, middle)


def means(x: Any, y: Floats, edges: Any) -> MeasuredPoints:
    """Mean of y in bins of x, with its standard error."""

    def mean(inside: NDArray[np.intp]) -> tuple[float, float, float]:
        value, error = float(y[inside].mean()), float(y[inside].std(ddof=1)) / math.sqrt(len(inside))
        return value, value - error, value + error

    return _binned(x, edges, 5, mean)


def widths(x: Any, y: Floats, edges: Any) -> MeasuredPoints:
    """`central_width` of y in bins of x, with a Gaussian's error, sigma / sqrt(n) (1/sqrt(2) if it were the rms)."""

    def width(inside: NDArray[np.intp]) -> tuple[float, float, float]:
        value = central_width(y[inside])
        error = value / math.sqrt(len(inside))
        return value, value - error, value + error

    return _binned(x, edges, LEAST, width)


def _binned(
    x: Any, edges: Any, least: int, measure: Callable[[NDArray[np.intp]], tuple[float, float, float]]
) -> MeasuredPoints:
    """(value, low, high) of the events in each bin that has enough of them, at their mean x."""
    x, edges = np.asarray(x, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    rows = []
    for low, high in pairwise(edges):
        inside = np.flatnonzero((x >= low) & (x < high))
        if len(inside) >= least:
            rows.append((float(x[inside].mean()), *measure(inside)))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return MeasuredPoints(*columns)

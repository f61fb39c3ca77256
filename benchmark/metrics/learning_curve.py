"""A power law through a learning curve: how fast a number nears 1 with more training events, and how many it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.intervals import normal_quantile
from benchmark.metrics.metric import CONFIDENCE, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.metrics.arrays import Floats

FEWEST = 3
"""Points of a curve: two are a line, which says nothing of its errors."""


@dataclass(frozen=True)
class PowerLaw:
    """1 - v = exp(height) (n / exp(centre))^-exponent, for a number v after training on n events.

    Parameters
    ----------
    centre : weighted mean of ln n of the points, where errors of height and exponent are independent.
    height, exponent : with their standard errors.
    quantile : standard errors in half a confidence interval.
    """

    centre: float
    height: float
    height_error: float
    slope: float
    slope_error: float
    quantile: float

    @property
    def exponent(self) -> Estimate:
        """By which power of the number of events the distance to 1 falls."""
        margin = self.quantile * self.slope_error
        return Estimate(self.slope, self.slope - margin, self.slope + margin)

    def at(self, events: float) -> Estimate:
        """The number after training on so many events, on average over trainings."""
        distance = math.log(events) - self.centre
        place = self.height - self.slope * distance
        margin = self.quantile * math.hypot(self.height_error, self.slope_error * distance)
        return Estimate(1 - math.exp(place), 1 - math.exp(place + margin), 1 - math.exp(place - margin))

    def needed(self, value: float) -> Estimate:
        """The training events that it takes to reach a value below 1.

        The interval is Fieller's (J. R. Stat. Soc. B 16 (1954) 175). It has no upper end, and the number is undefined,
        if more events need not help.
        """
        away, slope = self.height - math.log1p(-value), self.slope
        a = slope**2 - (self.quantile * self.slope_error) ** 2
        if slope <= 0 or a <= 0:
            return Estimate(None, reason="more events do not help significantly")
        half = self.quantile * math.sqrt(self.slope_error**2 * away**2 + self.height_error**2 * a)
        low, high = ((slope * away + sign * half) / a for sign in (-1, 1))
        value, low, high = (math.exp(self.centre + place) for place in (away / slope, low, high))
        return Estimate(value, low, high)


def fit(
    events: Sequence[float], values: Sequence[float], covariance: Floats, confidence: float = CONFIDENCE
) -> PowerLaw | None:
    """The power law through values below 1 (n,) with their covariance (n, n); None for fewer than three points.

    A line through ln(1 - v) against ln n, by generalised least squares: what all points share, such as test events that
    are easy, moves the height and not the exponent. If the points scatter more than their errors say, these are raised
    by the root of chi^2 / (points - 2), as the Particle Data Group does (Phys. Rev. D 110 (2024) 030001). Learning
    curves fall as powers of the number of events over a wide range (Hestness et al., arXiv:1712.00409), but not for
    ever: a curve says little of ten times as many events.
    """
    sizes, missing = np.array(events, dtype=np.float64), 1 - np.array(values, dtype=np.float64)
    if len(set(events)) < FEWEST or not (np.all(sizes > 0) and np.all((missing > 0) & (missing <= 1))):
        return None
    of_logs = covariance / np.outer(missing, missing)
    if np.linalg.matrix_rank(of_logs) < len(sizes):  # a point without an error, or two that are the same
        return None
    x, y, weights = np.log(sizes), np.log(missing), np.linalg.inv(of_logs)
    total = float(weights.sum())
    centre, height = (float(weights.sum(axis=0) @ column) / total for column in (x, y))
    away = x - centre
    spread = float(away @ weights @ away)
    slope = -float(away @ weights @ (y - height)) / spread
    rest = y - height + slope * away
    scale = math.sqrt(max(1.0, float(rest @ weights @ rest) / (len(x) - 2)))
    return PowerLaw(
        centre, height, scale / math.sqrt(total), slope, scale / math.sqrt(spread), normal_quantile(confidence)
    )
